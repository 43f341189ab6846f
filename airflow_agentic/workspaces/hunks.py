"""A change → its hunks, and the change without some of them. Pure: nothing is run here.

A hunk is a run of changed lines with unchanged ones around it. Where as many lines come as go, each pair is a hunk of
its own: two neighbouring lines may be changed for two reasons. A new or deleted file is one hunk.
"""

from __future__ import annotations

import ast
import difflib
import io
import tokenize
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from airflow_agentic.changes import make_change
from airflow_agentic.records import ChangeSet, FileEdit

_PROSE = frozenset({".md", ".rst", ".adoc"})


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """Lines of one file that a change puts in the place of others; numbers from 0, the last one excluded."""

    path: str
    old: tuple[int, int]
    new: tuple[int, int]
    whole: bool = False
    """The file is new, or deleted."""


def hunks_of(change: ChangeSet) -> tuple[Hunk, ...]:
    """Return every hunk, by file and line."""
    return tuple(hunk for edit in change.edits for hunk in _of(edit))


def without(change: ChangeSet, dropped: Collection[Hunk]) -> ChangeSet | None:
    """Return the change with the old lines in the place of the dropped hunks; None if nothing is left of it."""
    gone = frozenset(dropped)
    edits = [_edit_without(edit, [hunk for hunk in gone if hunk.path == edit.path]) for edit in change.edits]
    return make_change(change.base_commit, edits, change.summary)


def place(hunk: Hunk, change: ChangeSet) -> str:
    """Return where a hunk is and what it changes, as a diff without context, at most 1,000 characters."""
    edit = _edit(change, hunk)
    if hunk.whole:
        return f"{hunk.path}: the whole file"
    old = [f"-{line}" for line in _lines(edit.before)[slice(*hunk.old)]]
    new = [f"+{line}" for line in _lines(edit.after)[slice(*hunk.new)]]
    return "\n".join([f"{hunk.path}:{hunk.old[0] + 1}", *old, *new])[:1_000]


def aside(hunk: Hunk, change: ChangeSet) -> str:
    """Return why a hunk is not put on trial: tests, prose and comments change no run; empty if it is."""
    if is_test(hunk.path):
        return "a test"
    if PurePosixPath(hunk.path).suffix in _PROSE:
        return "documentation"
    if hunk.whole:
        return ""
    lines = changed(hunk, change)
    marks = ("#",) if hunk.path.endswith((".py", ".yml", ".yaml", ".toml", ".cfg", ".sh")) else ("--", "#", "{#")
    if any(line.strip() for line in lines) and all(
        not line.strip() or line.lstrip().startswith(marks) for line in lines
    ):
        return "a comment"
    return ""


def is_test(path: str) -> bool:
    """Say whether a file belongs to the repository's tests."""
    parts, name = PurePosixPath(path).parts, PurePosixPath(path).name
    return bool({"tests", "test"} & set(parts[:-1])) or name.startswith("test_") or name == "conftest.py"


def changed(hunk: Hunk, change: ChangeSet) -> tuple[str, ...]:
    """Return the old and the new lines of a hunk."""
    edit = _edit(change, hunk)
    return (*_lines(edit.before)[slice(*hunk.old)], *_lines(edit.after)[slice(*hunk.new)])


def text_of(change: ChangeSet | None, path: str, otherwise: str | None) -> str | None:
    """Return what a file holds with a change; *otherwise* where the change leaves it alone."""
    return next((edit.after for edit in (change.edits if change else ()) if edit.path == path), otherwise)


def parses(path: str, text: str | None) -> bool:
    """Say whether a file can be read at all; only of Python files this is known without running them."""
    return not path.endswith(".py") or text is None or _tree(text) is not None


def means_the_same(path: str, one: str | None, two: str | None) -> str:
    """Return ``layout`` or ``words`` if two texts of a Python file do the same by their syntax tree; empty if not.

    ``words``: comments or docstrings differ, which nobody but a reader needs; ``layout``: not even those.
    """
    if not path.endswith(".py") or one is None or two is None:
        return ""
    trees = [_tree(text) for text in (one, two)]
    if trees[0] is None or trees[1] is None:
        return ""
    if ast.dump(_undocumented(trees[0])) != ast.dump(_undocumented(trees[1])):
        return ""
    return "layout" if _words(one) == _words(two) else "words"


def _of(edit: FileEdit) -> Iterator[Hunk]:
    old, new = _lines(edit.before), _lines(edit.after)
    if edit.before is None or edit.after is None:
        yield Hunk(path=edit.path, old=(0, len(old)), new=(0, len(new)), whole=True)
        return
    for tag, i, j, k, m in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if j - i == m - k:
            for n in range(j - i):
                yield Hunk(path=edit.path, old=(i + n, i + n + 1), new=(k + n, k + n + 1))
        else:
            yield Hunk(path=edit.path, old=(i, j), new=(k, m))


def _edit_without(edit: FileEdit, dropped: list[Hunk]) -> FileEdit:
    if any(hunk.whole for hunk in dropped):
        return replace(edit, after=edit.before)
    old, new = _lines(edit.before), _lines(edit.after)
    for hunk in sorted(dropped, key=lambda hunk: hunk.new, reverse=True):
        new[slice(*hunk.new)] = old[slice(*hunk.old)]
    return replace(edit, after="\n".join(new)) if dropped else edit


def _edit(change: ChangeSet, hunk: Hunk) -> FileEdit:
    return next(edit for edit in change.edits if edit.path == hunk.path)


def _lines(text: str | None) -> list[str]:
    return text.split("\n") if text is not None else []


def _tree(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _undocumented(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body[0] = ast.Pass()
    return tree


def _words(text: str) -> list[str]:
    """Return comments and text literals in order."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return [text]
    return [t.string for t in tokens if t.type == tokenize.COMMENT] + [
        ast.dump(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr)
    ]
