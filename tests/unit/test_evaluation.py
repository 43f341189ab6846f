"""A captured failure's material, laid out as a deployment would have it."""

import json
import urllib.error
import urllib.request

import pytest

from airflow_agentic.case_repository import bare_repository
from airflow_agentic.errors import SettingsError
from airflow_agentic.evaluation import evaluate, read_case
from airflow_agentic.git import run_git
from airflow_agentic.upstream import serve_upstream


def a_case(folder, **more):
    (folder / "pipeline" / "dags").mkdir(parents=True)
    (folder / "pipeline" / "dags" / "feed.py").write_text("x = 1\n")
    said = {"failing": {"dag_id": "feed", "ds": "2026-11-02"}, "name": "secret name", **more}
    (folder / "case.json").write_text(json.dumps(said))
    return folder


def test_a_folder_without_case_json_is_refused_with_the_place_of_its_format(tmp_path):
    with pytest.raises(SettingsError, match=r"docs/CASES\.md"):
        read_case(str(tmp_path))


def test_a_case_without_the_failing_run_is_refused(tmp_path):
    (tmp_path / "case.json").write_text("{}")
    with pytest.raises(SettingsError, match="failing"):
        read_case(str(tmp_path))


def test_the_name_of_a_case_is_not_even_read(tmp_path):
    assert "secret name" not in repr(read_case(str(a_case(tmp_path))))


def test_a_plain_folder_becomes_a_repository_with_one_branch(tmp_path):
    remote = bare_repository(str(a_case(tmp_path)), str(tmp_path / "remote.git"))
    assert run_git("ls-tree", "-r", "--name-only", "main", cwd=remote).split() == ["dags/feed.py"]


def test_a_bundle_keeps_its_history(tmp_path):
    case = a_case(tmp_path)
    work = tmp_path / "work"
    run_git("init", "--quiet", "--initial-branch=main", str(work))
    for number in (1, 2):
        (work / "a.py").write_text(f"x = {number}\n")
        run_git("add", "--all", cwd=str(work))
        run_git("commit", "--quiet", "-m", f"commit {number}", cwd=str(work))
    run_git("bundle", "create", "--quiet", str(case / "pipeline.bundle"), "main", cwd=str(work))
    remote = bare_repository(str(case), str(tmp_path / "remote.git"))
    assert run_git("log", "--format=%s", "main", cwd=remote).split("\n")[:2] == ["commit 2", "commit 1"]


def test_a_case_without_a_repository_says_so(tmp_path):
    with pytest.raises(SettingsError, match="repository"):
        bare_repository(str(tmp_path), str(tmp_path / "remote.git"))


def test_a_model_agent_needs_a_connection(tmp_path):
    with pytest.raises(SettingsError, match="--anthropic-conn-id"):
        evaluate(str(a_case(tmp_path)), str(tmp_path / "out"), agent="single")


def test_the_upstream_serves_its_folder_fails_as_told_and_nothing_outside(tmp_path):
    (tmp_path / "secret.txt").write_text("s")
    folder = tmp_path / "upstream"
    (folder / "orders").mkdir(parents=True)
    (folder / "orders" / "1.json").write_text("{}")
    (folder / "faults.json").write_text(json.dumps({"orders": {"status": 503, "first": 1, "body": "later"}}))
    with serve_upstream(str(folder)) as base:
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"{base}/orders/1.json", timeout=5)
        assert urllib.request.urlopen(f"{base}/orders/1.json", timeout=5).read() == b"{}"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{base}/../secret.txt", timeout=5)


def test_no_folder_is_no_upstream():
    with serve_upstream(None) as base:
        assert base is None
