"""A bare git repository on this machine as the forge: the branch is real, the pull request is a record in the store.

The commit is made with plumbing on the repository itself: no work tree, hence no hook, filter or symbolic link of
anybody; the branch moves by compare-and-swap. Only folders are taken: there is no credential here to push with.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import unquote, urlsplit

from airflow_agentic.changes import holds
from airflow_agentic.errors import ForgeError
from airflow_agentic.git import GitError, run_git
from airflow_agentic.ports import BaseFiles, Changes, Protection, Rival
from airflow_agentic.records import (
    ChangeSet,
    ChangeState,
    Decision,
    Delivery,
    FileEdit,
    Finding,
    Outcome,
    OutcomeStatus,
    PublishedChange,
    Whereabouts,
)

_OURS = "airflow-agentic@localhost"
_NOBODY = "0" * 40
_BAD_MODES = ("120000", "160000")
_BRANCHES = 100
"""Of people, that are looked through for one that already mends it."""


class LocalForge:
    """Publish into a bare repository.

    :param repository: its path or ``file://`` address.
    :param base_branch: the branch that fixes are for; never written.
    :param changes: where pull requests and notes are kept.
    """

    name = "local"

    def __init__(self, repository: str, base_branch: str, changes: Changes) -> None:
        self._repository = repository
        self._base = base_branch
        self._changes = changes

    def preflight(self) -> tuple[Finding, ...]:
        """Return a DENY where the base branch is missing. :raises ForgeError: it is no repository."""
        if self._head(self._base) is None:
            message = (
                f"{self._repository!r} has no branch {self._base!r}. Set base_branch to the one that fixes are for."
            )
            return (Finding(rule="preflight", decision=Decision.DENY, message=message),)
        return ()

    def powers(self) -> tuple[str, ...]:
        """Return what this process can do there: who may write a folder may write all of it."""
        there = unquote(urlsplit(self._repository).path) if self._repository.startswith("file://") else self._repository
        return (f"write every branch of {self._repository}",) if os.access(there, os.W_OK) else ()

    def protection(self) -> Protection:
        """Return that nothing is known: git on a disk has neither reviews nor accounts."""
        return Protection()

    def open_change(self, delivery: Delivery) -> Outcome:
        """Put the change on its branch and keep the pull request; safe to repeat, see `Forge.open_change`."""
        if delivery.change is None or delivery.branch == self._base or not delivery.branch.startswith("agentic/"):
            raise ForgeError(f"Opening a pull request for branch {delivery.branch!r} failed: not a branch of ours.")
        known = self._changes.find(self._repository, delivery.fingerprint, "pull_request")
        if known and known.state not in ("open", "merged"):
            return self._outcome(OutcomeStatus.RECORDED, known, f"It was {known.state}; it stays closed.")
        base, head = self._head(self._base), self._head(delivery.branch)
        if base is None:
            raise ForgeError(f"Opening a pull request on {self._repository!r} failed: no branch {self._base!r}.")
        if head and not self._only_ours(base, head, delivery.fingerprint):
            detail = "A person has pushed to its branch; it is left as it is."
            kept = known or self._save(delivery, "pull_request", head)
            return self._outcome(OutcomeStatus.PR_UNCHANGED, kept, detail)
        if head and self._holds(base, head, delivery.change):
            if known:
                return self._outcome(OutcomeStatus.PR_UNCHANGED, known, "The same change is there already.")
            commit = head
        else:
            commit = self._commit(base, delivery)
            self._git("update-ref", f"refs/heads/{delivery.branch}", commit, head or _NOBODY)
        saved = self._save(delivery, "pull_request", commit)
        again = known is not None and known.state == "open" and head
        return self._outcome(OutcomeStatus.PR_UPDATED if again else OutcomeStatus.PR_OPENED, saved)

    def open_issue(self, delivery: Delivery) -> Outcome:
        """Keep the diagnosis as a note; safe to repeat."""
        known = self._changes.find(self._repository, delivery.fingerprint, "issue")
        if known and known.state not in ("open", "merged"):
            return self._outcome(OutcomeStatus.RECORDED, known, f"It was {known.state}; it stays closed.")
        if known and (known.title, known.body) == (delivery.title, delivery.body):
            return self._outcome(OutcomeStatus.ISSUE_UPDATED, known, "The same text is there already.")
        saved = self._save(delivery, "issue", None)
        return self._outcome(OutcomeStatus.ISSUE_UPDATED if known else OutcomeStatus.ISSUE_OPENED, saved)

    def rival(self, delivery: Delivery) -> Rival | None:
        """Return a person's branch, not merged yet, that already brings all of the change."""
        base = self._head(self._base)
        if delivery.change is None or base is None:
            return None
        listed = self._git(
            "for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "--no-merged", base, "refs/heads"
        )
        for line in listed.splitlines()[:_BRANCHES]:
            commit, _, branch = line.partition(" ")
            if not branch.startswith("agentic/") and all(
                holds(self._readable(commit, edit.path), edit) for edit in delivery.change.edits
            ):
                return Rival(name=branch)
        return None

    def remark(self, rival: Rival, delivery: Delivery) -> Outcome:
        """Keep the text as a note: a branch in a bare repository has no place for one."""
        said = self.open_issue(replace(delivery, change=None))
        return replace(said, status=OutcomeStatus.REMARKED, detail=f"Branch {rival.name} already mends it.")

    def withdraw(self, delivery: Delivery, *, note: str = "") -> str:
        """Close the pull request and the note, delete the branch if it holds only our commits; say what was done."""
        done = []
        for kind, word in (("pull_request", "pull request"), ("issue", "note")):
            known = self._changes.find(self._repository, delivery.fingerprint, kind)
            if known and known.state == "open":
                body = f"{known.body}\n{note}\n" if note else known.body
                self._changes.save(replace(known, state="withdrawn", body=body, updated_at=_now()))
                done.append(f"{word} {known.number} closed")
        base, head = self._head(self._base), self._head(delivery.branch)
        if head and base and delivery.branch != self._base:
            if self._only_ours(base, head, delivery.fingerprint):
                self._git("update-ref", "-d", f"refs/heads/{delivery.branch}", head)
                done.append(f"branch {delivery.branch} deleted")
            else:
                done.append(f"branch {delivery.branch} kept: a person has pushed to it")
        return ", ".join(done) or "there was nothing to undo"

    def whereabouts(self, delivery: Delivery) -> Whereabouts:
        """Return what became of it; nobody tells us of a merge, so the base branch is asked each time."""
        known = self._changes.find(self._repository, delivery.fingerprint, "pull_request")
        if known is None:
            return Whereabouts(state=ChangeState.NONE)
        base, head = self._head(self._base), self._head(delivery.branch)
        if base and known.state in ("open", "merged"):
            tip = head or known.head_commit
            merged = known.state == "merged" or (tip is not None and self._is_merged(base, tip))
            state = "merged" if merged else "open" if head else "closed"
            if state != known.state:
                known = self._changes.save(replace(known, state=state, updated_at=_now()))
            if merged:
                held = tip if tip and self.follows(base, tip) else base
                at = self._git("log", "-1", "--format=%ct", base).strip()
                when = datetime.fromtimestamp(int(at), timezone.utc).isoformat(timespec="seconds")
                return Whereabouts(state=ChangeState.MERGED, url=known.url, merged_at=when, commit=held)
        return Whereabouts(state=ChangeState(known.state), url=known.url)

    def base_files(self, paths: Sequence[str]) -> BaseFiles:
        """Return what the base branch holds at these paths now."""
        base = self._head(self._base)
        if base is None:
            raise ForgeError(f"Reading {self._repository!r} failed: it has no branch {self._base!r}.")
        return BaseFiles(commit=base, texts={path: self._text(base, path) for path in paths})

    def follows(self, commit: str, ancestor: str) -> bool | None:
        """Say whether *commit* is *ancestor* or comes after it; None for a commit that is not in the repository."""
        asked = f"{commit}^{{commit}}\n{ancestor}^{{commit}}\n"
        if "missing" in self._git("cat-file", "--batch-check", stdin=asked):
            return None
        return self._git("rev-list", "--count", f"{commit}..{ancestor}").strip() == "0"

    def _is_merged(self, base: str, head: str) -> bool:
        """Say whether the base branch has the commit, or by a squash or rebase what it changes."""
        contained = self.follows(base, head)
        if contained is not False:
            return bool(contained)
        fork = self._git("merge-base", base, head).strip()
        changed = [p for p in self._git("diff", "--no-renames", "--name-only", "-z", fork, head).split("\0") if p]
        if all(self._entry(base, path) == self._entry(head, path) for path in changed):
            return True
        return all(line.startswith("-") for line in self._git("cherry", base, head).splitlines())

    def _readable(self, commit: str, path: str) -> str | None:
        """Return a file's text; None for what is no text."""
        try:
            return self._text(commit, path)
        except ForgeError:
            return None

    def _text(self, commit: str, path: str) -> str | None:
        mode, blob = self._entry(commit, path)
        if mode in _BAD_MODES:
            raise ForgeError(f"Reading {path!r} was refused: it is a link or a submodule on the base branch.")
        # By its id and not through `_git` alone: its text mode would turn line endings.
        text = self._git("cat-file", "blob", blob) if blob else None
        if text is not None and self._blob(text) != blob:
            raise ForgeError(
                f"Reading {path!r} failed: it is no text in UTF-8, or has other line endings than line feeds."
            )
        return text

    def _commit(self, base: str, delivery: Delivery) -> str:
        assert delivery.change is not None
        with tempfile.TemporaryDirectory(prefix="agentic-index-") as folder:
            index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
            self._git("read-tree", base, environment=index)
            lines = [self._index_line(base, edit) for edit in delivery.change.edits]
            self._git("update-index", "-z", "--index-info", stdin="".join(lines), environment=index)
            tree = self._git("write-tree", environment=index).strip()
        return self._git("commit-tree", tree, "-p", base, stdin=delivery.commit_message).strip()

    def _index_line(self, base: str, edit: FileEdit) -> str:
        """Return the index entry of one edit, after making sure that the base still holds what it was made from."""
        mode, found = self._entry(base, edit.path)
        if mode in _BAD_MODES:
            raise ForgeError(f"Changing {edit.path!r} was refused: it is a link or a submodule on the base branch.")
        if found != (None if edit.before is None else self._blob(edit.before)):
            raise ForgeError(
                f"Changing {edit.path!r} on {self._repository!r} failed: {self._base!r} has moved and holds "
                "another text. Clear the investigate task, so that the change is made and proved anew."
            )
        if edit.after is None:
            return f"0 {_NOBODY}\t{edit.path}\0"
        return f"{mode or '100644'} {self._blob(edit.after, write=True)}\t{edit.path}\0"

    def _holds(self, base: str, head: str, change: ChangeSet) -> bool:
        """Say whether the branch already makes exactly this change."""
        fork = self._git("merge-base", base, head).strip()
        changed = self._git("diff", "--no-renames", "--name-only", "-z", fork, head).split("\0")
        if {path for path in changed if path} != {edit.path for edit in change.edits}:
            return False
        wanted = ((edit, None if edit.after is None else self._blob(edit.after)) for edit in change.edits)
        return all(self._entry(head, edit.path)[1] == blob for edit, blob in wanted)

    def _only_ours(self, base: str, head: str, fingerprint: str) -> bool:
        form = "--format=%ae%x00%ce%x00%(trailers:key=Agentic-Fingerprint,valueonly,separator=%x2C)%x1e"
        commits = self._git("log", form, f"{base}..{head}").split("\x1e")
        return all(line.strip().split("\0") == [_OURS, _OURS, fingerprint] for line in commits if line.strip())

    def _entry(self, commit: str, path: str) -> tuple[str | None, str | None]:
        line = self._git("--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", path).rstrip("\0")
        if not line:
            return None, None
        mode, _, blob = line.split("\t", 1)[0].split(" ")
        return mode, blob

    def _blob(self, text: str, *, write: bool = False) -> str:
        return self._git("hash-object", *(["-w"] if write else []), "--no-filters", "--stdin", stdin=text).strip()

    def _head(self, branch: str) -> str | None:
        found = self._git("for-each-ref", "--format=%(refname) %(objectname)", f"refs/heads/{branch}")
        return dict(line.split(" ") for line in found.splitlines()).get(f"refs/heads/{branch}")

    def _git(self, *arguments: str, stdin: str | None = None, environment: dict[str, str] | None = None) -> str:
        try:
            return run_git(f"--git-dir={_folder(self._repository)}", *arguments, stdin=stdin, environment=environment)
        except GitError as error:
            raise ForgeError(
                f"Writing to {self._repository!r} failed: {error}. Make it a bare repository that this worker owns; "
                "clearing the deliver task is safe."
            ) from error

    def _save(self, delivery: Delivery, kind: str, commit: str | None) -> PublishedChange:
        branch = delivery.branch if kind == "pull_request" else None
        anchor = branch or f"agentic-note-{delivery.fingerprint}"
        change = PublishedChange(
            repository=self._repository,
            fingerprint=delivery.fingerprint,
            kind=kind,
            number=0,
            title=delivery.title,
            body=delivery.body,
            branch=branch,
            head_commit=commit,
            state="open",
            url=f"{Path(_folder(self._repository)).as_uri()}#{anchor}",
            incident_id=delivery.incident_id,
            updated_at=_now(),
        )
        return self._changes.save(change)

    def _outcome(self, status: OutcomeStatus, change: PublishedChange, detail: str = "") -> Outcome:
        return Outcome(
            status=status, title=change.title, body=change.body, url=change.url, branch=change.branch,
            number=change.number, detail=detail,
        )  # fmt: skip


def _folder(repository: str) -> str:
    """Return the repository's absolute folder. :raises ForgeError: it is no folder of this machine."""
    path = unquote(urlsplit(repository).path) if repository.startswith("file://") else repository
    if not os.path.isdir(path):
        raise ForgeError(
            f"Opening repository {repository!r} failed: there is no such folder on this worker. The local forge takes "
            "a path or file:// address of a bare repository; set forge to 'github' for one elsewhere."
        )
    inner = os.path.join(path, ".git")
    return os.path.abspath(inner if os.path.isdir(inner) else path)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
