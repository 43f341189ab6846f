"""A commit gave a name of the code another one and left a place that uses the old → use the new one there too.

A function or constant of a module, a field of a class, a keyword. Certain means: the error names the old name, recent
diffs replace it by one other name in a line that is else the same, and nothing of the repository defines the old one
any more where it was.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from airflow_agentic.agents.fixers.reverted_commit import diffs, hunks
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.syntax import Code, compiles, parse

_MODULE = re.compile(r"AttributeError: module '(?P<of>[\w.]+)' has no attribute '(?P<name>\w+)'")
_KEYWORD = re.compile(
    r"TypeError: (?P<of>\w+)(?:\.__init__|\.__new__)?\(\) got an unexpected keyword argument '(?P<name>\w+)'"
)
_FIELD = re.compile(r"AttributeError: '(?P<of>\w+)' object has no attribute '(?P<name>\w+)'")
Piece = tuple[tuple[int, int], str]


def fix(bench: Bench) -> Fix | None:
    """Return the old name replaced wherever the code still uses it in that role."""
    said = "\n".join(bench.messages)
    for role in (_MODULE, _KEYWORD, _FIELD):
        match = role.search(said)
        if match is None:
            continue
        new = new_name(bench, match["name"])
        texts = _replaced(bench, role, match["of"], match["name"], new) if new else {}
        if new and texts and any(path in texts for path, _ in bench.own()):
            return Fix(
                texts=tuple(texts.items()),
                file=next(path for path, _ in bench.own() if path in texts),
                summary=f"Call {match['name']} by its new name {new}"[:100],
                explanation=f"A recent commit renamed `{match['name']}` of `{match['of']}` to `{new}` and left places that use the old name. They use the new one now.",
            )
    return None


def new_name(bench: Bench, old: str) -> str | None:
    """Return the one name that recent diffs put in the old one's place."""
    found: dict[str, int] = {}
    for item in diffs(bench).values():
        for _, new_lines, old_lines in hunks(item.body):
            for was, now in _pairs(old_lines, new_lines):
                name = _swapped(was, now, old)
                if name:
                    found[name] = found.get(name, 0) + 1
    return next(iter(found)) if len(found) == 1 else None


def _pairs(old_lines: list[str], new_lines: list[str]) -> Iterator[tuple[str, str]]:
    if len(old_lines) == len(new_lines):
        yield from zip(old_lines, new_lines, strict=True)


def swaps(bench: Bench, path: str) -> Iterator[tuple[str, str]]:
    """Yield the names that recent diffs of a file replaced, each with what stands there now in a line that is else the same."""
    item = diffs(bench).get(path)
    for _, new_lines, old_lines in hunks(item.body) if item else ():
        for was, now in _pairs(old_lines, new_lines):
            apart = _apart(was, now)
            if apart is not None:
                yield apart


def _swapped(was: str, now: str, old: str) -> str | None:
    """Return the name that stands for *old* in a line that is else the same."""
    apart = _apart(was, now)
    return apart[1] if apart is not None and apart[0] == old else None


def _apart(was: str, now: str) -> tuple[str, str] | None:
    """Return the one name in which two lines differ, as it was and as it is."""
    a, b = (re.findall(r"\w+|[^\w\s]", line) for line in (was, now))
    apart = {(x, y) for x, y in zip(a, b, strict=False) if x != y}
    pair = next(iter(apart)) if len(a) == len(b) and len(apart) == 1 else None
    return pair if pair and pair[1].isidentifier() else None


def _replaced(bench: Bench, role: re.Pattern[str], of: str, old: str, new: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in bench.python_files():
        code = parse(bench.text(path)) if old in (bench.text(path) or "") else None
        if code is None:
            continue
        pieces = list(
            _module(code, of, old, new) if role is _MODULE else _keyword(code, of, old, new) if role is _KEYWORD else ()
        )
        if role is _FIELD and any(path == own for own, _ in bench.own()[:1]):
            pieces = list(_field(code, bench.own()[0][1].line, old, new))
        text = code.splice(pieces) if pieces else None
        if text is not None and compiles(text):
            texts[path] = text
    return texts


def _module(code: Code, module: str, old: str, new: str) -> Iterator[Piece]:
    package, _, leaf = module.rpartition(".")
    known = {module} if f"import {module}" in code.text else set()
    for node in ast.walk(code.tree):
        if isinstance(node, ast.ImportFrom) and (node.module == package or node.level):
            known |= {alias.asname or alias.name for alias in node.names if alias.name == leaf}
        elif isinstance(node, ast.Import):
            known |= {alias.asname for alias in node.names if alias.name == module and alias.asname}
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Attribute) and node.attr == old and code.source(node.value) in known:
            end = code.span(node)[1]
            yield (end - len(old), end), new


def _keyword(code: Code, called: str, old: str, new: str) -> Iterator[Piece]:
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Call) and code.source(node.func).rsplit(".", 1)[-1] == called:
            for keyword in node.keywords:
                if keyword.arg == old:
                    start = code.span(keyword.value)[0]
                    at = code.text.rindex(old, 0, start)
                    yield (at, at + len(old)), new


def _field(code: Code, line: int, old: str, new: str) -> Iterator[Piece]:
    for node in ast.walk(code.scope_at(line)):
        if isinstance(node, ast.Attribute) and node.attr == old and node.lineno <= line <= (node.end_lineno or 0):
            end = code.span(node)[1]
            yield (end - len(old), end), new
