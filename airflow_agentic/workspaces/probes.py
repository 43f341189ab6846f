"""A change and some of its hunks → the same change, in a form whose run tells which of the hunks were run through.

In Python each statement that a hunk touches first leaves a folder beside its file (once, without a word): this also
sees what tasks do in processes of their own. In SQL the lines are made unreadable: if nothing fails, nobody reads them.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from airflow_agentic.changes import make_change
from airflow_agentic.records import ChangeSet, FileEdit
from airflow_agentic.workspaces.hunks import Hunk

MARK = ".agentic_ran_"
_SCRAMBLED = "agentic_probe ((("
_Blocks = Iterator[tuple[list[ast.stmt], int]]


@dataclass(frozen=True, kw_only=True)
class Probed:
    """The change with probes in it, and what they leave behind."""

    change: ChangeSet | None
    marks: tuple[tuple[Hunk, tuple[str, ...]], ...]
    """Hunk → repository-relative paths, one a statement; a hunk in no place that can be watched has none."""


def probed(change: ChangeSet, hunks: Sequence[Hunk]) -> Probed:
    """Return the change with a probe in each of the hunks' statements."""
    edits, marks, number = [], [], 0
    for edit in change.edits:
        own = [hunk for hunk in hunks if hunk.path == edit.path]
        if not own or not edit.path.endswith(".py") or edit.after is None:
            edits.append(edit)
            continue
        try:
            tree = ast.parse(edit.after)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            edits.append(edit)
            continue
        # All places are found before the first probe moves anything.
        spots = [(hunk, list(_places(tree, hunk))) for hunk in own]
        probes = []
        for hunk, places in spots:
            names = []
            for block, index in places:
                names.append(posixpath.join(posixpath.dirname(edit.path), f"{MARK}{number}"))
                probes.append((block, block[index] if index < len(block) else None, _probe(number)))
                number += 1
            marks.append((hunk, tuple(names)))
        for block, before, probe in probes:
            block.insert(block.index(before) if before is not None else len(block), probe)
        edits.append(replace(edit, after=ast.unparse(ast.fix_missing_locations(tree)) + "\n"))
    return Probed(change=make_change(change.base_commit, edits, change.summary), marks=tuple(marks))


def scrambled(change: ChangeSet, hunk: Hunk) -> ChangeSet | None:
    """Return the change with a hunk's new lines made unreadable: whoever needs them will fail."""

    def spoilt(edit: FileEdit) -> FileEdit:
        if edit.path != hunk.path or edit.after is None:
            return edit
        lines = edit.after.split("\n")
        lines[slice(*hunk.new)] = [_SCRAMBLED]
        return replace(edit, after="\n".join(lines))

    return make_change(change.base_commit, [spoilt(edit) for edit in change.edits], change.summary)


def _probe(number: int) -> ast.stmt:
    """Make a folder beside the file, whatever that file has imported; a second time changes nothing."""
    text = (
        "__import__('os').makedirs(__import__('os').path.join(__import__('os').path.dirname("
        f"__import__('os').path.abspath(__file__)), '{MARK}{number}'), exist_ok=True)"
    )
    return ast.parse(text).body[0]


def _places(tree: ast.Module, hunk: Hunk) -> _Blocks:
    """Yield block and index of each innermost statement that the hunk's lines touch.

    A deletion has no line of its own: the statements beside it are taken.
    """
    first, last = hunk.new[0] + 1, hunk.new[1]
    if first > last:
        first, last = first - 1, first
    yield from _touched(tree.body, first, last)


def _touched(block: list[ast.stmt], first: int, last: int) -> _Blocks:
    for index, statement in enumerate(block):
        decorators = [d.lineno for d in getattr(statement, "decorator_list", ())]
        start, end = min([statement.lineno, *decorators]), statement.end_lineno or statement.lineno
        if end < first or start > last:
            continue
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            continue
        inner = [found for child in _blocks(statement) for found in _touched(child, first, last)]
        inner += [(body, 0) for body in _branches(statement, first, last)]
        yield from inner
        if inner and not _heads(statement, first, last):
            continue
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            # A changed signature matters when the function is called, not when it is defined.
            if not inner:
                yield statement.body, _after_docstring(statement.body)
        elif not _documents(block, index):
            yield block, index


def _heads(statement: ast.stmt, first: int, last: int) -> bool:
    """Say whether the lines touch the statement itself, above its first block."""
    body = getattr(statement, "body", None)
    return not body or (first < body[0].lineno and last >= statement.lineno)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, None)
        if isinstance(block, list) and block:
            yield block
    for name in ("handlers", "cases"):
        for part in getattr(statement, name, None) or ():
            yield part.body


def _branches(statement: ast.stmt, first: int, last: int) -> Iterator[list[ast.stmt]]:
    """Yield the blocks whose ``except`` or ``case`` line is touched: it matters when that branch is taken."""
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        line = getattr(part, "lineno", None) or part.pattern.lineno
        if first < part.body[0].lineno and last >= line:
            yield part.body


def _documents(block: list[ast.stmt], index: int) -> bool:
    return index == 0 and _after_docstring(block) == 1


def _after_docstring(block: list[ast.stmt]) -> int:
    first = block[0]
    said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return 1 if said else 0
