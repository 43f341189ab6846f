"""A pydantic model lacks a field that has a new name in the data → let the model take either name.

``Field(validation_alias=AliasChoices("paymentRef", "paymentReference"))``; what the model writes stays as it was.
Certain means: the error names the field, the shapes name its one new name, and one class of the repository has it.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import FieldMove, field_moves
from airflow_agentic.agents.mending.parse_sites import near_files
from airflow_agentic.agents.mending.syntax import Code, compiles, import_line, literal, parse

MISSING = re.compile(
    r"validation errors? for \w+[\s\S]*Field required|validation errors? for \w+.*missing", re.IGNORECASE
)
Piece = tuple[tuple[int, int], str]


def fix(bench: Bench) -> Fix | None:
    """Return the models with either name, for every plain rename of their records."""
    said = "\n".join(bench.messages)
    if not MISSING.search(said):
        return None
    moves = [m for m in field_moves(bench) if m.is_rename and re.search(rf"\b{re.escape(m.old[0])}\b", said)]
    texts: dict[str, str] = {}
    for move in moves:
        found = [(p, t) for p in near_files(bench) if (t := _aliased(bench, texts.get(p) or bench.text(p), p, move))]
        if len(found) != 1:
            return None
        texts.update(found)
    if not texts:
        return None
    words = " and ".join(f"`{m.was}` is now `{m.now}`" for m in moves)
    return Fix(
        texts=tuple(texts.items()),
        file=next(iter(texts)),
        fields=tuple(m.was for m in moves),
        summary=f"Take {moves[0].now} where {moves[0].was} is gone"[:100],
        explanation=f"In {moves[0].dataset} {words}. The model takes either name; what it writes stays as it was.",
    )


def _aliased(bench: Bench, text: str | None, path: str, move: FieldMove) -> str | None:
    code = parse(text)
    if code is None or not bench.editable(path) or "pydantic" not in code.text:
        return None
    fields = [
        node
        for model in ast.walk(code.tree)
        if isinstance(model, ast.ClassDef) and model.bases
        for node in model.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and data_name(node) == move.old[0]
    ]
    if len(fields) != 1:
        return None
    choices = f'validation_alias=AliasChoices("{move.old[0]}", "{move.new[0]}")'
    piece, wanted = _choice(code, fields[0], choices)
    if piece is None:
        return None
    at = import_line(code)
    missing = [n for n in wanted if not re.search(rf"^from pydantic import .*\b{n}\b", code.text, re.MULTILINE)]
    line = f"from pydantic import {', '.join(missing)}{code.newline}" if missing else ""
    new = code.splice([piece, ((at, at), line)] if line else [piece])
    return new if compiles(new) else None


def data_name(field: ast.AnnAssign) -> str | None:
    """Return the name that the data has for a field: its alias, else its own; None if it takes several already."""
    given = {k.arg: literal(k.value) for k in field.value.keywords} if isinstance(field.value, ast.Call) else {}
    if "validation_alias" in given or None in given:
        return None
    return given["alias"] if "alias" in given else field.target.id if isinstance(field.target, ast.Name) else None


def _choice(code: Code, field: ast.AnnAssign, choices: str) -> tuple[Piece | None, tuple[str, ...]]:
    if isinstance(field.value, ast.Call):
        if code.source(field.value.func).rsplit(".", 1)[-1] != "Field":
            return None, ()
        end = code.span(field.value)[1] - 1
        comma = "" if code.text[:end].rstrip().endswith((",", "(")) else ", "
        return ((end, end), f"{comma}{choices}"), ("AliasChoices",)
    if field.value is None:
        end = code.span(field.annotation)[1]
        return ((end, end), f" = Field({choices})"), ("AliasChoices", "Field")
    default = code.source(field.value)
    return (code.span(field.value), f"Field({default}, {choices})"), ("AliasChoices", "Field")
