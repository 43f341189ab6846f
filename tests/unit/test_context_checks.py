"""Checks of data and versions of what ran, as lineage events and files of pins tell them, and who is suspected by them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_context_lineage import ask, event, table, write

from airflow_agentic.context.code import CodeSource
from airflow_agentic.context.comparison import ComparisonSource
from airflow_agentic.context.dependency_changes import versions_in
from airflow_agentic.context.suspects import rank
from airflow_agentic.git import run_git
from airflow_agentic.records import SourceReport, TaskError
from airflow_agentic.testing.targets import a_dossier, a_target, an_error

CHECK = {"assertion": "not_null", "column": "city", "expected": "0", "actual": "7", "success": False}


def checked(name: str, **check: Any) -> dict[str, Any]:
    return {**table(name), "facets": {"dataQualityAssertions": {"assertions": [{**CHECK, **check}]}}}


def on(dbt: str, airflow: str = "3.3.2") -> dict[str, Any]:
    return {"processing_engine": {"name": "Airflow", "version": airflow}, "dbt_version": {"version": dbt}}


def with_facets(made: dict[str, Any], facets: dict[str, Any]) -> dict[str, Any]:
    made["run"]["facets"].update(facets)
    return made


def story(*between: dict[str, Any], failing_reads: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    good = event("COMPLETE", "01:00", "feed.load", "good", inputs=[table("raw.orders")], outputs=[table("stg.orders")])
    bad = event("FAIL", "04:00", "feed.load", "bad", inputs=[failing_reads or table("raw.orders")])
    return [good, *between, bad]


def reported(folder: Path, events: list[dict[str, Any]]) -> SourceReport:
    return ask(write(folder, *events), a_target())


def first(report: SourceReport, error: TaskError) -> str:
    return rank(a_dossier(a_target(), SourceReport(errors=(error,)), report))[0].what


def test_a_failed_check_of_another_job_on_the_tables_that_are_read_is_evidence_and_first_suspect(
    tmp_path: Path,
) -> None:
    by = event("FAIL", "03:00", "quality.orders", "q1", inputs=[checked("raw.orders")])
    report = reported(tmp_path, story(by))
    found = next(e for e in report.evidence if e.title.startswith("Data check failed on raw.orders"))
    assert "column 'city', not_null, expected 0, got 7 (told by quality.orders, run" in found.body
    assert "Data check failed on raw.orders" in first(report, an_error("ValueError", "city must not be null"))


def test_a_check_of_the_failing_task_that_passed_before_says_so(tmp_path: Path) -> None:
    events = story(failing_reads=checked("raw.orders"))
    events[0]["inputs"] = [checked("raw.orders", success=True)]
    body = next(e.body for e in reported(tmp_path, events).evidence if e.title.startswith("Data check failed"))
    assert "told by the failing task; it passed in the last run that worked" in body


def test_a_check_that_failed_before_the_last_good_run_is_no_suspect(tmp_path: Path) -> None:
    old = event("FAIL", "00:30", "quality.orders", "q0", inputs=[checked("raw.orders")])
    assert not [e for e in reported(tmp_path, story(old)).evidence if e.title.startswith("Data check failed")]


def test_what_a_check_found_is_told_for_counts_only(tmp_path: Path) -> None:
    value = checked("raw.orders", assertion="accepted_range", expected=">=1", actual="-4711.5")
    report = reported(tmp_path, story(failing_reads=value))
    assert "accepted_range, expected >=1" in repr(report) and "4711" not in repr(report)


def test_a_new_version_between_good_and_bad_is_told_and_suspected_when_the_error_speaks_of_it(tmp_path: Path) -> None:
    events = story()
    with_facets(events[0], on("1.9.1")), with_facets(events[1], on("1.10.23"))
    report = reported(tmp_path, events)
    changed = next(e for e in report.evidence if e.title.startswith("Versions changed"))
    assert changed.body == "- dbt 1.9.1 → 1.10.23"
    error = an_error("AttributeError", "dbt adapter has no attribute 'get_rows_different_sql'")
    assert first(report, error).startswith("Versions changed since the last run that worked: dbt 1.9.1 → 1.10.23")


def test_equal_versions_are_one_row_of_the_comparison_and_no_suspect(tmp_path: Path) -> None:
    events = story()
    with_facets(events[0], on("1.10.23")), with_facets(events[1], on("1.10.23"))
    report = reported(tmp_path, events)
    target = a_target()
    lines = ComparisonSource(NoTasks()).read(target, report).evidence[0].body.splitlines()
    assert "dependency versions the same: airflow 3.3.2, dbt 1.10.23" in lines
    assert not any("ersions" in s.what for s in rank(a_dossier(a_target(), report)))


class NoTasks:
    """Airflow's reader as far as the comparison asks it."""

    def task_instances(self, dag_id: str, run_id: str) -> tuple[()]:
        return ()


LOCKS = {
    "requirements.txt": "pandas==2.2.3 ; python_version > '3.9'\n# why\napache-airflow[postgres]>=3.3\n-r other.txt\n",
    "uv.lock": '[[package]]\nname = "pandas"\nversion = "2.2.3"\n\n[[package]]\nname = "numpy"\nversion = "2.1.0"\n',
    "Pipfile.lock": json.dumps({"default": {"pandas": {"hashes": ["sha256:1"], "version": "==2.2.3"}}}, indent=4),
    "pyproject.toml": '[project]\nname = "shop"\nline-length = 120\ndependencies = ["pandas==2.2.3", "pyarrow>=17"]\n',
    "environment.yml": "dependencies:\n  - python=3.12\n  - pandas=2.2.3\n",
    "packages.yml": "packages:\n  - package: dbt-labs/dbt_utils\n    version: 1.3.0\n",
    "Dockerfile": "FROM --platform=linux/amd64 apache/airflow:3.3.2-python3.12 AS base\nRUN pip install x\n",
}


@pytest.mark.parametrize(
    ("name", "package", "version"),
    [
        ("requirements.txt", "apache-airflow", ">=3.3"), ("uv.lock", "numpy", "2.1.0"), ("Pipfile.lock", "pandas", "2.2.3"),
        ("pyproject.toml", "pyarrow", ">=17"), ("environment.yml", "pandas", "2.2.3"),
        ("packages.yml", "dbt-labs/dbt-utils", "1.3.0"), ("Dockerfile", "apache/airflow", "3.3.2-python3.12"),
    ],
    ids=lambda value: value,
)  # fmt: skip
def test_a_pin_is_read_from_every_kind_of_file(name: str, package: str, version: str) -> None:
    found = versions_in(LOCKS[name])
    assert found[package] == version
    assert not {"line-length", "python-version"} & found.keys()


def test_a_changed_pin_between_good_and_bad_is_suspected_when_its_own_code_raised_the_error(tmp_path: Path) -> None:
    shop, work = tmp_path / "shop", tmp_path / "work"
    shop.mkdir(), work.mkdir()
    run_git("init", "-q", "-b", "main", cwd=str(shop))
    (shop / "dag.py").write_text("from airflow import DAG\nDAG('feed')\n")
    commits = []
    for pandas in ("2.2.3", "3.0.0"):
        (shop / "requirements.txt").write_text(f"pandas=={pandas}\nnumpy==2.1.0\n")
        run_git("add", "-A", cwd=str(shop))
        run_git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", f"Use pandas {pandas}", cwd=str(shop))
        commits.append(run_git("rev-parse", "HEAD", cwd=str(shop)).strip())
    target = a_target(version=commits[1], good_version=commits[0])
    error = an_error("TypeError", "unsupported", ("/venv/lib/python3.12/site-packages/pandas/core/frame.py", 9, "x"))
    report = CodeSource(str(shop), "main", ".", work_dir=str(work)).read(target, SourceReport(errors=(error,)))
    changed = next(e for e in report.evidence if e.title.startswith("Dependencies changed in requirements.txt"))
    assert changed.body == "- pandas 2.2.3 → 3.0.0"
    suspect = rank(a_dossier(target, SourceReport(errors=(error,)), report))[0]
    assert (suspect.what, "raised in pandas" in suspect.why) == (changed.title, True)
