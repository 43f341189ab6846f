"""Elements of XML have a new name, or the one member of a zip archive → read whichever is there.

`ElementTree`'s ``find``, ``findtext``, ``get`` and ``attrib``; `zipfile`'s ``open`` and ``read``. Certain means: the
shapes name the new element, or both archives hold one member; the failing file reads the old one by a literal.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import FieldMove, field_moves
from airflow_agentic.agents.mending.syntax import Code, compiles, is_pure, literal, parse, step

_GONE = re.compile(
    r"'NoneType' object has no attribute|KeyError: |float\(\) argument|int\(\) argument|NoneType|None|not null",
    re.IGNORECASE,
)
_NO_MEMBER = re.compile(r"There is no item named '(?P<name>[^']+)' in the archive")
Piece = tuple[tuple[int, int], str]


def fix(bench: Bench) -> Fix | None:
    """Return the change of the failing file."""
    said = "\n".join(bench.messages)
    if _NO_MEMBER.search(said):
        return _member(bench)
    return _elements(bench) if _GONE.search(said) else None


def _elements(bench: Bench) -> Fix | None:
    moves = [m for m in field_moves(bench) if re.search(r"\.xml\b", m.dataset) and m.is_rename]
    # Under its new name an element of another namespace would not be found either.
    moves = [m for m in moves if len({s.form for s in bench.dossier.shapes if s.name == m.dataset}) == 1]
    for path in dict.fromkeys(path for path, _ in bench.own()):
        code = parse(bench.text(path)) if bench.editable(path) else None
        pieces = [piece for move in moves for piece in _reads(code, move)] if code else []
        text = code.splice(pieces) if code and pieces else None
        if text is not None and compiles(text):
            words = " and ".join(f"`{m.was}` is now `{m.now}`" for m in moves)
            return Fix(
                texts=((path, text),),
                file=path,
                fields=tuple(m.was for m in moves),
                summary=f"Read {moves[0].now} where {moves[0].was} is gone"[:100],
                explanation=f"In {moves[0].dataset} {words}. The code reads whichever is there.",
            )
    return None


def _reads(code: Code, move: FieldMove) -> list[Piece]:
    old, new = move.old[0], move.new[0]
    if old.startswith("@") != new.startswith("@"):
        return []
    return [
        piece
        for node in ast.walk(code.tree)
        if (piece := _read(code, node, old.lstrip("@"), new.lstrip("@"), attribute=old.startswith("@")))
    ]


def _read(code: Code, node: ast.AST, old: str, new: str, *, attribute: bool) -> Piece | None:
    if isinstance(node, ast.Subscript) and attribute and isinstance(node.ctx, ast.Load):
        found = step(node)
        base = code.source(node.value)
        if found and found.key == old and base.endswith(".attrib") and is_pure(node.value):
            return code.span(node), f'({code.source(node)} if "{old}" in {base} else {base}["{new}"])'
    if not (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.args
        and literal(node.args[0]) == old
    ):
        return None
    base, name = code.source(node.func.value), node.func.attr
    if not is_pure(node.func.value) or node.keywords or len(node.args) > 2:
        return None
    rest = f", {code.source(node.args[1])}" if len(node.args) > 1 else ""
    if (name == "get" and attribute) or (name == "findtext" and not attribute):
        return code.span(node), f'{base}.{name}("{old}", {base}.{name}("{new}"{rest}))'
    if name == "find" and not attribute and not rest:
        return code.span(node), f'({code.source(node)} if {code.source(node)} is not None else {base}.find("{new}"))'
    return None


def _member(bench: Bench) -> Fix | None:
    """Both archives hold one member: it is the one that is meant, whatever it is called."""
    packs = {s.name for s in bench.dossier.shapes if "zip" in s.form}
    alone = {
        name for name in packs if all("one member" in s.form for s in (bench.good(name), bench.failing(name)) if s)
    }
    for path, frame in bench.own()[:2]:
        code = parse(bench.text(path)) if len(packs) == 1 and alone == packs and bench.editable(path) else None
        calls = (
            [
                n
                for n in ast.walk(code.tree)
                if isinstance(n, ast.Call)
                and isinstance(n.func, ast.Attribute)
                and n.func.attr in {"open", "read", "getinfo"}
                and n.args
                and n.lineno <= frame.line <= (n.end_lineno or 0)
                and is_pure(n.func.value)
                and is_pure(n.args[0])
                and "zipfile" in code.text
            ]
            if code
            else []
        )
        if code is None or len(calls) != 1:
            continue
        archive, name = code.source(calls[0].func.value), code.source(calls[0].args[0])  # type: ignore[attr-defined]
        made = f"{name} if {name} in {archive}.namelist() else {archive}.namelist()[0]"
        text = code.splice([(code.span(calls[0].args[0]), made)])
        if compiles(text):
            return Fix(
                texts=((path, text),),
                file=path,
                summary="Read the archive's one member by any name",
                explanation=f"The one member of {next(iter(packs))} has another name. The code reads it by the known name where that is there, and else the one that is.",
            )
    return None
