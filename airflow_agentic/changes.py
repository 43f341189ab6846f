"""Old and new texts of files → a `ChangeSet`, with a unified diff made by us and never by a model."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable

from airflow_agentic.records import ChangeSet, FileEdit


def make_change(base_commit: str, edits: Iterable[FileEdit], summary: str) -> ChangeSet | None:
    """Return the change, edits that alter nothing left out; None if nothing is left."""
    real = tuple(sorted((e for e in edits if e.before != e.after), key=lambda e: e.path))
    if not real:
        return None
    return ChangeSet(base_commit=base_commit, edits=real, diff="".join(file_diff(e) for e in real), summary=summary)


def file_diff(edit: FileEdit, *, context: int = 3) -> str:
    """Return one file's unified diff as ``git apply`` takes it."""
    old, new = edit.before or "", edit.after or ""
    header = f"diff --git a/{edit.path} b/{edit.path}\n"
    if edit.before is None:
        header += "new file mode 100644\n"
    if edit.after is None:
        header += "deleted file mode 100644\n"
    body = difflib.unified_diff(
        _lines(old),
        _lines(new),
        fromfile="/dev/null" if edit.before is None else f"a/{edit.path}",
        tofile="/dev/null" if edit.after is None else f"b/{edit.path}",
        n=context,
        lineterm="\n",
    )
    return header + "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in body)


def inverse(change: ChangeSet) -> ChangeSet:
    """Return the change that takes *change* back."""
    edits = tuple(FileEdit(path=e.path, before=e.after, after=e.before) for e in change.edits)
    diff = "".join(file_diff(e) for e in edits)
    return ChangeSet(base_commit=change.base_commit, edits=edits, diff=diff, summary=f"Revert: {change.summary}")


def changed_lines(change: ChangeSet) -> int:
    """Return added plus removed lines."""
    body = (line for line in change.diff.splitlines() if not line.startswith(("+++", "---")))
    return sum(1 for line in body if line.startswith(("+", "-")))


def _lines(text: str) -> list[str]:
    """Split at line feeds only: git knows no other line ending, Python's ``splitlines`` does."""
    parts = text.split("\n")
    lines = [part + "\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def added_lines(edit: FileEdit) -> tuple[tuple[int, str], ...]:
    """Return number (in the new text, from 1) and text of each added line."""
    old, new = (edit.before or "").split("\n"), (edit.after or "").split("\n")
    blocks = difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    return tuple(
        (number + 1, new[number])
        for tag, _, _, first, last in blocks
        if tag != "equal"
        for number in range(first, last)
    )


def removed_lines(edit: FileEdit) -> tuple[tuple[int, str], ...]:
    """Return number (in the old text, from 1) and text of each removed line."""
    return added_lines(FileEdit(path=edit.path, before=edit.after, after=edit.before))


def holds(text: str | None, edit: FileEdit) -> bool:
    """Say whether *text* has what the edit brings, and nothing any more of what it takes away; white space aside.

    Somebody who mended the same place differs in blanks and in what stands around it, so the lines are compared and
    not the files.
    """
    if text is None or edit.after is None:
        return text == edit.after
    if text == edit.after:
        return True
    there = _counted(text.split("\n"))
    added = _counted(line for _, line in added_lines(edit))
    gone = _counted(line for _, line in removed_lines(edit)) - _counted(edit.after.split("\n"))
    return bool(added or gone) and not added - there and not gone & there


def _counted(lines: Iterable[str]) -> Counter[str]:
    return Counter(clean for line in lines if (clean := " ".join(line.split())))
