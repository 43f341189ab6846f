"""The code source on real git repositories: pinned and unpinned commits, spans, deletions, hostile trees."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from airflow_agentic.context.code import CodeSource
from airflow_agentic.records import SourceReport
from airflow_agentic.testing.targets import a_target, an_error

pytestmark = pytest.mark.integration
DAG = 'from airflow.sdk import DAG\nwith DAG("feed"): ...\n'
ERROR = SourceReport(errors=(an_error("KeyError", "'b'", ("/w/feed/load.py", 2, 'return row["b"]')),))


class Repository:
    """A small repository of a team."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, date: str = "2026-10-01T00:00:00Z") -> str:
        env = {**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "GIT_CONFIG_GLOBAL": "/dev/null"}
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
        return subprocess.run(
            ["git", *who, *arguments], cwd=self.path, env=env, check=True, capture_output=True, text=True
        ).stdout

    def commit(self, subject: str, date: str = "2026-10-01T00:00:00Z", **files: str | None) -> str:
        for name, text in files.items():
            path = self.path / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if text is None else path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject, date=date)
        return self.git("rev-parse", "HEAD").strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "team")


def read(repository: Repository, tmp_path: Path, so_far: SourceReport = ERROR, **target: str) -> SourceReport:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    options = {"dag_file": "feed.py", **target}
    source = CodeSource(str(repository.path), "main", "dags", work_dir=str(work))
    return source.read(a_target(**options), so_far)  # type: ignore[arg-type]


def titles(report: SourceReport, start: str) -> list[str]:
    return [e.title for e in report.evidence if e.title.startswith(start)]


def test_the_commit_that_failed_is_shown_with_what_came_since_the_good_one(repository: Repository, tmp_path: Path):
    good = repository.commit("start", dags__feed=DAG, feed__load='def run(row):\n    return row["a"]\n')
    repository.commit("unrelated", other="x = 1\n")
    bad = repository.commit("read b", feed__load='def run(row):\n    return row["b"]\n')
    base = repository.commit("read c", feed__load='def run(row):\n    return row["c"]\n')
    report = read(repository, tmp_path, version=bad, good_version=good)
    assert report.checkout is not None
    assert (report.checkout.commit, report.checkout.base_commit, report.checkout.pinned) == (bad, base, True)
    assert '>    2     return row["b"]' in report.evidence[0].body
    assert [t.split(": ")[1] for t in titles(report, "Commit") if "between" in t] == ["read b", "unrelated"]
    assert [t.split(": ")[1] for t in titles(report, "Commit") if "after" in t] == ["read c"]
    diff = next(e for e in report.evidence if e.title.startswith("Diff") and "between" in e.title)
    assert diff.path == "feed/load.py" and '+    return row["b"]' in diff.body
    assert report.gaps == ()


def test_an_unknown_version_is_unpinned_and_said(repository: Repository, tmp_path: Path):
    base = repository.commit("start", dags__feed=DAG)
    report = read(repository, tmp_path, version="f" * 40)
    assert report.checkout is not None and report.checkout.commit == base and not report.checkout.pinned
    assert any("unpinned" in g.reason and "ffff" in g.reason for g in report.gaps)


@pytest.mark.parametrize("version", ["--upload-pack=x", "main", "HEAD~1; rm", "HEAD"])
def test_a_version_that_is_no_commit_id_pins_nothing(repository: Repository, tmp_path: Path, version: str):
    repository.commit("start", dags__feed=DAG)
    report = read(repository, tmp_path, version=version)
    assert report.checkout is not None and not report.checkout.pinned


def test_a_dag_file_deleted_since_is_said(repository: Repository, tmp_path: Path):
    bad = repository.commit("start", dags__feed=DAG)
    repository.commit("drop the feed", dags__feed=None, other="x = 1\n")
    pinned = read(repository, tmp_path, version=bad)
    newest = read(repository, tmp_path)
    assert pinned.checkout is not None and pinned.checkout.dag_file == "dags/feed.py"
    assert any("deleted on main since" in g.reason for g in pinned.gaps)
    assert newest.checkout is not None and newest.checkout.dag_file is None
    assert any("was deleted by" in g.reason for g in newest.gaps)


def test_without_versions_the_commits_between_the_two_runs_are_chosen_by_date(repository: Repository, tmp_path: Path):
    from dataclasses import replace

    repository.commit("long ago", date="2026-09-01T00:00:00Z", dags__feed=DAG)
    repository.commit("between", date="2026-11-01T12:00:00Z", feed__load="def run(row):\n    return 1\n")
    repository.commit("later", date="2026-11-05T00:00:00Z", other="x = 1\n")
    target = a_target(dag_file="feed.py")
    assert target.last_good is not None
    target = replace(
        target,
        run=replace(target.run, started_at="2026-11-02T00:00:00+00:00"),
        last_good=replace(target.last_good, started_at="2026-11-01T00:00:00+00:00"),
    )
    report = CodeSource(str(repository.path), "main", "dags", work_dir=str(tmp_path)).read(target, ERROR)
    assert [t.split(": ")[1] for t in titles(report, "Commit")] == ["between"]
    assert any("chosen by their date" in g.reason for g in report.gaps)


def test_what_was_never_committed_is_said(repository: Repository, tmp_path: Path):
    repository.commit("start", dags__feed=DAG, feed__load="a\nb\n")
    (repository.path / "feed/load.py").write_text("changed\n")
    report = read(repository, tmp_path)
    assert any("not committed" in g.reason and "feed/load.py" in g.reason for g in report.gaps)


def test_an_empty_repository_and_a_missing_branch_are_gaps(repository: Repository, tmp_path: Path):
    report = read(repository, tmp_path)
    assert report.checkout is None and "could not be read" in report.gaps[0].reason


def test_a_bare_repository_and_a_bundle_file_work_like_a_url(repository: Repository, tmp_path: Path):
    commit = repository.commit("start", dags__feed=DAG)
    repository.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    repository.git("bundle", "create", "-q", str(tmp_path / "team.bundle"), "main")
    for place in ("bare.git", "team.bundle"):
        source = CodeSource(str(tmp_path / place), "main", "dags", work_dir=str(tmp_path))
        checkout = source.read(a_target(dag_file="feed.py"), SourceReport()).checkout
        assert checkout is not None and (checkout.commit, checkout.dag_file) == (commit, "dags/feed.py")


def test_a_tree_with_drivers_and_links_fires_nothing_and_leaves_no_git_folder(repository: Repository, tmp_path: Path):
    mark = tmp_path / "fired"
    (repository.path / ".gitattributes").write_text("* filter=evil diff=evil\n")
    (repository.path / "link.py").symlink_to("/etc/passwd")
    repository.commit("start", dags__feed=DAG)
    repository.git("config", "filter.evil.smudge", f"touch {mark}")
    repository.git("config", "uploadpack.packObjectsHook", f"touch {mark}")
    report = read(repository, tmp_path)
    assert report.checkout is not None and not mark.exists()
    assert not os.path.lexists(os.path.join(report.checkout.path, ".git"))
    assert not os.path.islink(os.path.join(report.checkout.path, "link.py"))
