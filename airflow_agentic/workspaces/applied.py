"""A change → the files of a work tree, all of it or nothing, and never outside of it."""

from __future__ import annotations

import os

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.records import ChangeSet, FileEdit


def apply_change(change: ChangeSet, *, work_tree: str, base_commit: str) -> None:
    """Write the change's files into the work tree.

    :raises WorkspaceError: a path leaves the repository, or a file is not what the change was made from; nothing was
        written then.
    """
    for edit in change.edits:
        _refuse(edit, work_tree=work_tree, base_commit=base_commit)
    for edit in change.edits:
        path = os.path.join(work_tree, edit.path)
        if edit.after is None:
            os.unlink(path)
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(edit.after)


def _refuse(edit: FileEdit, *, work_tree: str, base_commit: str) -> None:
    """Refuse an edit that leaves the repository, goes through a link, or was made from another text."""
    tree = os.path.realpath(work_tree)
    parts = edit.path.split("/")
    path = os.path.join(tree, *parts)
    if (
        os.path.isabs(edit.path)
        or "\\" in edit.path
        or "\0" in edit.path
        or set(parts) & {"", ".", ".."}
        or parts[0] == ".git"
        or os.path.realpath(path) != path
    ):
        raise WorkspaceError(f"Applying the change to {edit.path!r} failed: that is no path inside the repository.")
    if edit.after is not None and "\0" in edit.after:
        raise WorkspaceError(f"Applying the change to {edit.path!r} failed: it would add a binary, not a text.")
    try:
        with open(path, encoding="utf-8", newline="") as file:
            now: str | None = file.read()
    except FileNotFoundError:
        now = None
    except (OSError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"Applying the change to {edit.path!r} failed: {error}") from error
    if now != edit.before:
        raise WorkspaceError(
            f"Applying the change to {edit.path!r} failed: the file at commit "
            f"{base_commit[:12]} is not what the change was made from. Triage again."
        )
