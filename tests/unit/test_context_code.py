"""Paths of workers and the source around errors, on plain folders; git is in tests/integration."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_agentic.context.code import CodeSource, find_dag_file
from airflow_agentic.context.code_evidence import code_evidence, local_imports
from airflow_agentic.records import Checkout, SourceReport, Trust
from airflow_agentic.repository import read_text, repository_path
from airflow_agentic.testing.targets import a_target, an_error

MODULE = "\n".join(f"line_{n} = {n}" for n in range(1, 61)) + "\n"


def a_checkout(root: Path, **files: str) -> Checkout:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path = path.with_name(path.name.replace("_py", ".py").replace("_sql", ".sql"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Checkout(
        path=str(root), commit="c", base_branch="main", base_commit="c", pinned=True, dag_file=None, dags_path="dags"
    )


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("/opt/worker/repo/feed/ingest.py", "feed/ingest.py"),
        ("/bundles/x/etl/steps.py", "dags/etl/steps.py"),
        ("feed/ingest.py", "feed/ingest.py"),
        ("/opt/airflow/dags/my_dag.py", "dags/my_dag.py"),
        ("/somewhere/my_dag.py", "dags/my_dag.py"),
        ("C:\\repo\\feed\\ingest.py", "feed/ingest.py"),
        ("/venv/lib/python3.12/site-packages/other/ingest.py", None),
        ("/usr/lib/python3/ingest.py", None),
        ("<string>", None),
        ("/opt/../feed/ingest.py", None),
        ("", None),
    ],
    ids=[
        "absolute",
        "below the Dags",
        "relative",
        "Dag",
        "bare name in the Dags",
        "windows",
        "another package",
        "bare name",
        "no file",
        "dots",
        "empty",
    ],
)
def test_a_printed_path_is_mapped_to_the_file_with_the_longest_common_tail(
    tmp_path: Path, printed: str, expected: str | None
):
    checkout = a_checkout(tmp_path, feed__ingest_py="", dags__etl__steps_py="")
    (tmp_path / "dags/my_dag.py").write_text("")
    assert repository_path(checkout, printed) == expected


def test_two_equally_good_files_are_none(tmp_path: Path):
    checkout = a_checkout(tmp_path, a__x__load_py="", b__x__load_py="")
    assert repository_path(checkout, "/opt/x/load.py") is None
    assert repository_path(checkout, "/opt/b/x/load.py") == "b/x/load.py"


def test_a_link_out_of_the_checkout_is_not_read(tmp_path: Path):
    (tmp_path / "secret.py").write_text("password = 1")
    checkout = a_checkout(tmp_path / "tree", a_py="x")
    (tmp_path / "tree/link.py").symlink_to(tmp_path / "secret.py")
    assert read_text(checkout, "link.py") is None and read_text(checkout, "../secret.py") is None
    assert repository_path(checkout, "/opt/link.py") is None


def test_the_source_around_each_own_frame_is_shown_once_for_many_tasks(tmp_path: Path):
    checkout = a_checkout(tmp_path, feed__ingest_py=MODULE)
    errors = tuple(
        an_error(
            "KeyError",
            "'x'",
            ("/venv/site-packages/airflow/t.py", 3, ""),
            ("/w/feed/ingest.py", 30, "line_30 = 30"),
            task_id=f"t{n}",
        )
        for n in range(20)
    )
    read = code_evidence(checkout, a_target(), SourceReport(errors=errors))
    assert [(e.path, e.line, e.trust) for e in read.evidence] == [("feed/ingest.py", 30, Trust.REPOSITORY)]
    assert ">   30 line_30 = 30" in read.evidence[0].body and "line_60" not in read.evidence[0].body


def test_a_line_that_has_moved_since_is_found_again_and_one_that_is_gone_is_said(tmp_path: Path):
    checkout = a_checkout(tmp_path, feed__ingest_py=MODULE)
    moved = SourceReport(errors=(an_error("KeyError", "'x'", ("/w/feed/ingest.py", 30, "line_45 = 45")),))
    gone = SourceReport(errors=(an_error("KeyError", "'x'", ("/w/feed/ingest.py", 30, "old = 1")),))
    assert code_evidence(checkout, a_target(), moved).evidence[0].line == 45
    assert "its place is a guess" in code_evidence(checkout, a_target(), gone).evidence[0].body


def test_the_files_that_the_task_names_are_shown_and_their_imports_count_as_touched(tmp_path: Path):
    checkout = a_checkout(
        tmp_path, feed__run_py="from feed import rules\nimport os", feed__rules_py="", sql__daily_sales_sql="select 1"
    )
    target = a_target(rendered=(("bash_command", "python -m feed.run daily_sales 2026-11-02"),))
    read = code_evidence(checkout, target, SourceReport())
    assert [e.path for e in read.evidence] == ["feed/run.py", "sql/daily_sales.sql"]
    assert "feed/rules.py" in read.touched


def test_what_makes_the_tables_that_a_statement_reads_counts_as_touched(tmp_path: Path):
    checkout = a_checkout(
        tmp_path,
        feed__run_py="SQL = 'fct.sql'",
        m__fct_sql="select * from stg_load join main.plan using (id)",
        m__stg_load_sql="select 1 as id",
        ddl__all_sql="create table plan (id int);",
        m__news_sql="create table news as select 1 as plan",
    )
    target = a_target(rendered=(("bash_command", "python -m feed.run 2026-11-02"),))
    touched = code_evidence(checkout, target, SourceReport()).touched
    assert {"m/fct.sql", "m/stg_load.sql", "ddl/all.sql"} <= set(touched)
    assert "m/news.sql" not in touched


def test_imports_of_broken_code_are_none(tmp_path: Path):
    checkout = a_checkout(tmp_path, a_py="def broken(:", b_py="from . import c", c_py="")
    assert local_imports(checkout, "a.py") == ()
    assert local_imports(checkout, "b.py") == ("c.py",)


def test_the_dag_file_is_found_by_its_id_when_airflow_does_not_say_where(tmp_path: Path):
    checkout = a_checkout(
        tmp_path, dags__other_py='DAG("other")', dags__one_py='with DAG(dag_id="feed"): ...', notes_py='x = "feed"'
    )
    assert find_dag_file(checkout, a_target()) == "dags/one.py"
    assert find_dag_file(checkout, a_target(dag_id="unknown")) is None


def test_a_repository_that_cannot_be_cloned_is_a_gap(tmp_path: Path):
    report = CodeSource(str(tmp_path / "gone"), "main", "dags", work_dir=str(tmp_path)).read(a_target(), SourceReport())
    assert report.checkout is None and "could not be read" in report.gaps[0].reason


def test_a_work_folder_that_is_gone_is_a_gap(tmp_path: Path):
    report = CodeSource("x", "main", "dags", work_dir=str(tmp_path / "gone")).read(a_target(), SourceReport())
    assert "could not be read" in report.gaps[0].reason


def test_no_repository_at_all_is_a_gap(tmp_path: Path):
    report = CodeSource("", "main", "dags", work_dir=str(tmp_path)).read(a_target(), SourceReport())
    assert "no repository is set" in report.gaps[0].reason


def test_a_plain_folder_is_copied_and_marked_unpinned(tmp_path: Path):
    folder, work = tmp_path / "bundle", tmp_path / "work"
    work.mkdir()
    a_checkout(folder, dags__feed_py='DAG("feed")')
    (folder / "link.py").symlink_to("/etc/passwd")
    report = CodeSource(str(folder), "main", "dags", work_dir=str(work)).read(
        a_target(dag_file="feed.py"), SourceReport()
    )
    assert report.checkout is not None
    assert (report.checkout.commit, report.checkout.pinned, report.checkout.dag_file) == ("", False, "dags/feed.py")
    assert not (Path(report.checkout.path) / "link.py").exists()
    assert any("no git repository" in g.reason for g in report.gaps)


def test_a_local_bundle_is_pinned_to_the_work_tree_that_its_dag_file_lies_in(tmp_path):
    from airflow_agentic.context.code import _work_tree_commit
    from airflow_agentic.git import run_git

    (tmp_path / "dags").mkdir()
    dag_file = tmp_path / "dags" / "orders.py"
    dag_file.write_text("x = 1\n")
    assert _work_tree_commit(str(dag_file)) is None
    run_git("init", "--quiet", str(tmp_path))
    run_git("add", "--all", cwd=str(tmp_path))
    run_git("commit", "--quiet", "-m", "one", cwd=str(tmp_path))
    assert _work_tree_commit(str(dag_file)) == run_git("rev-parse", "HEAD", cwd=str(tmp_path)).strip()
    assert _work_tree_commit("/no/such/folder/orders.py") is None
