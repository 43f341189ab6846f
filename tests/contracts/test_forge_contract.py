"""What every forge does. GithubForge runs the same claims in tests/e2e/test_github.py."""

import subprocess
from dataclasses import replace

import pytest

from airflow_agentic.changes import make_change
from airflow_agentic.errors import ForgeError
from airflow_agentic.forges.local import LocalForge
from airflow_agentic.forges.undo import undo
from airflow_agentic.git import run_git
from airflow_agentic.records import ChangeState, FileEdit
from airflow_agentic.testing.builders import NEW, OLD, edit
from airflow_agentic.testing.forge import FakeForge
from airflow_agentic.testing.forge_claims import ForgeClaims, a_delivery
from airflow_agentic.testing.memory import MemoryChanges


class FakeBench:
    """A fake forge and what a person does to it."""

    def __init__(self):
        self.forge = FakeForge()
        self.push_as_person = self.forge.push_as_person
        self.close_as_person = self.forge.close_as_person
        self.propose_as_person = lambda branch, text: self.forge.people.update({branch: {"dags/orders.py": text}})

    def merge_as_person(self, delivery):
        self.forge.merge(delivery, at="2026-11-03T00:00:00+00:00")

    def text_of(self, delivery, path):
        made = next(kept.delivery for kept in self.forge.kept.values() if kept.delivery.branch == delivery.branch)
        return {e.path: e.after for e in made.change.edits}[path]


class LocalBench:
    """A bare repository with one file, and what a person does to it."""

    def __init__(self, folder):
        self.path = str(folder / "remote.git")
        run_git("init", "--quiet", "--bare", "--initial-branch=main", self.path)
        self.commit("main", "dags/orders.py", OLD, message="Begin")
        self.changes = MemoryChanges()
        self.forge = LocalForge(self.path, "main", self.changes)

    def commit(self, branch, path, text, *, message, email="person@example.com"):
        parent = run_git(
            "--git-dir", self.path, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}"
        ).strip()
        change = (
            f"commit refs/heads/{branch}\ncommitter A Person <{email}> 1793592000 +0000\ndata {len(message)}\n{message}\n"
            + (f"from {parent}\n" if parent else "")
            + f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n"
        )
        subprocess.run(["git", "--git-dir", self.path, "fast-import", "--quiet"], input=change, text=True, check=True)

    def push_as_person(self, delivery):
        self.commit(delivery.branch, "dags/orders.py", "# mine\n", message="My way")

    def propose_as_person(self, branch, text):
        head = run_git("--git-dir", self.path, "rev-parse", "main").strip()
        run_git("--git-dir", self.path, "update-ref", f"refs/heads/{branch}", head)
        self.commit(branch, "dags/orders.py", text, message="Mend it")

    def close_as_person(self, delivery):
        known = self.changes.find(self.path, delivery.fingerprint, "pull_request")
        self.changes.save(replace(known, state="closed"))

    def merge_as_person(self, delivery):
        head = run_git("--git-dir", self.path, "rev-parse", delivery.branch).strip()
        run_git("--git-dir", self.path, "update-ref", "refs/heads/main", head)

    def text_of(self, delivery, path):
        return run_git("--git-dir", self.path, "cat-file", "-p", f"{delivery.branch}:{path}")


@pytest.fixture(params=["fake", "local"])
def bench(request, tmp_path):
    return FakeBench() if request.param == "fake" else LocalBench(tmp_path)


@pytest.fixture
def local(tmp_path):
    return LocalBench(tmp_path)


class TestForge(ForgeClaims):
    """The claims, on the fake and on the local forge."""


def test_a_base_branch_that_moved_is_an_error_that_says_what_to_clear(local):
    local.commit("main", "dags/orders.py", "moved = True\n", message="Move")
    with pytest.raises(ForgeError, match="Clear the investigate task"):
        local.forge.open_change(a_delivery())


def test_a_moved_base_branch_alone_does_not_update_the_pull_request(local):
    local.forge.open_change(a_delivery())
    head = run_git("--git-dir", local.path, "rev-parse", a_delivery().branch)
    local.commit("main", "README.md", "hello\n", message="Read me")
    assert local.forge.open_change(a_delivery()).status.value == "pr_unchanged"
    assert run_git("--git-dir", local.path, "rev-parse", a_delivery().branch) == head


def test_the_base_branch_is_never_written(local):
    head = run_git("--git-dir", local.path, "rev-parse", "main")
    local.forge.open_change(a_delivery())
    assert run_git("--git-dir", local.path, "rev-parse", "main") == head
    with pytest.raises(ForgeError, match="not a branch of ours"):
        local.forge.open_change(replace(a_delivery(), branch="main"))


def test_a_persons_commit_with_our_trailer_is_still_a_persons(local):
    local.forge.open_change(a_delivery())
    local.commit(a_delivery().branch, "x.py", "1\n", message=f"x\n\nAgentic-Fingerprint: {a_delivery().fingerprint}")
    assert "person" in local.forge.open_change(a_delivery(text="other = 1\n")).detail
    assert "kept" in local.forge.withdraw(a_delivery())


def test_files_are_added_and_deleted_and_line_endings_kept(local):
    change = make_change(
        "a" * 40,
        (
            FileEdit(path="dags/orders.py", before=OLD, after=None),
            FileEdit(path="dags/new [x] file.py", before=None, after="a = 1\r\nb = 'é'\r\n"),
        ),
        "Move",
    )
    local.forge.open_change(replace(a_delivery(), change=change))
    names = run_git("--git-dir", local.path, "ls-tree", "-r", "-z", "--name-only", a_delivery().branch)
    assert names == "dags/new [x] file.py\0"
    size = run_git("--git-dir", local.path, "cat-file", "-s", f"{a_delivery().branch}:dags/new [x] file.py")
    assert int(size) == len("a = 1\r\nb = 'é'\r\n".encode())


def test_a_merged_fix_that_breaks_again_gets_a_new_commit_on_the_same_branch(local):
    local.forge.open_change(a_delivery())
    head = run_git("--git-dir", local.path, "rev-parse", a_delivery().branch).strip()
    run_git("--git-dir", local.path, "update-ref", "refs/heads/main", head)
    again = make_change(
        head, (FileEdit(path="dags/orders.py", before=a_delivery().change.edits[0].after, after="z = 1\n"),), ""
    )
    assert local.forge.open_change(replace(a_delivery(), change=again)).status.value == "pr_updated"
    assert local.text_of(a_delivery(), "dags/orders.py") == "z = 1\n"


def test_a_folder_that_is_missing_or_an_address_elsewhere_is_an_error(tmp_path):
    for repository in (str(tmp_path / "none.git"), "https://example.com/x.git"):
        with pytest.raises(ForgeError, match="no such folder"):
            LocalForge(repository, "main", MemoryChanges()).preflight()


def test_a_missing_base_branch_is_denied_before_anything_is_written(local):
    findings = LocalForge(local.path, "trunk", MemoryChanges()).preflight()
    assert "base_branch" in findings[0].message


def test_a_squashed_merge_is_learned_although_the_base_branch_went_on(local):
    local.forge.open_change(a_delivery())
    local.commit("main", "dags/orders.py", NEW, message="Squashed")
    local.commit("main", "README.md", "hello\n", message="Read me")
    there = local.forge.whereabouts(a_delivery())
    assert there.state is ChangeState.MERGED
    assert local.forge.follows("main", there.commit)


def test_a_cherry_picked_change_is_learned_although_its_file_went_on(local):
    local.commit("main", "dags/orders.py", OLD + "\n" * 9 + "tail = 1\n", message="Longer")
    old, new = OLD + "\n" * 9 + "tail = 1\n", NEW + "\n" * 9 + "tail = 1\n"
    delivery = replace(a_delivery(), change=make_change("a" * 40, (edit("dags/orders.py", old, new),), "x"))
    local.forge.open_change(delivery)
    local.commit("main", "dags/orders.py", new, message="Picked")
    local.commit("main", "dags/orders.py", new.replace("tail = 1", "tail = 2"), message="Went on")
    assert local.forge.whereabouts(delivery).state is ChangeState.MERGED
    undone = undo(delivery, forge=local.forge, why="", before=lambda *said: None)
    assert local.text_of(replace(delivery, branch=undone.revert.branch), "dags/orders.py") == old.replace("= 1", "= 2")


def test_a_revert_is_refused_once_somebody_has_changed_the_same_lines(local):
    local.forge.open_change(a_delivery())
    local.merge_as_person(a_delivery())
    local.commit("main", "dags/orders.py", NEW.replace("unit_price", "net_price"), message="Mine")
    with pytest.raises(ForgeError, match="the same lines have changed since the merge"):
        undo(a_delivery(), forge=local.forge, why="", before=lambda *said: None)


def test_a_change_that_a_person_took_back_already_needs_no_revert(local):
    local.forge.open_change(a_delivery())
    local.merge_as_person(a_delivery())
    local.commit("main", "dags/orders.py", OLD, message="Revert")
    undone = undo(a_delivery(), forge=local.forge, why="", before=lambda *said: None)
    assert undone.revert is None
    assert "nothing of the merged change is left" in undone.done


def test_a_fix_of_the_same_cause_after_a_merge_is_a_pull_request_of_its_own(local):
    local.forge.open_change(a_delivery())
    local.merge_as_person(a_delivery())
    assert local.forge.whereabouts(a_delivery()).state is ChangeState.MERGED
    again = make_change("a" * 40, (edit("dags/orders.py", NEW, "z = 1\n"),), "")
    assert local.forge.open_change(replace(a_delivery(), change=again)).status.value == "pr_opened"


def test_a_commit_that_the_repository_does_not_have_follows_nothing(local):
    assert local.forge.follows("f" * 40, "main") is None
