"""A field stands at another place of its record and a pydantic model refuses it → let the model find it there.

``patient.id`` → ``patient_id``, for code that gives its text to the model and parses nothing itself. Certain means: the
error says that a field is missing, the shapes say where it went, and one model of the repository has its first step.
Records that have the old place pass as they are.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.model_alias import MISSING, data_name
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import FieldMove, field_moves
from airflow_agentic.agents.mending.parse_sites import near_files
from airflow_agentic.agents.mending.syntax import compiles, import_line, parse

_VALIDATOR = '''

    @model_validator(mode="before")
    @classmethod
    def {name}(cls, value):
        """Put fields that the upstream has moved within a record where this model looks for them."""
        if not isinstance(value, dict):
            return value
        value = dict(value)
        for old, new in (TABLE,):
            found = value
            for key in new:
                found = found.get(key) if isinstance(found, dict) else None
            home = value if found is not None else {}
            for key in old[:-1]:
                home[key] = dict(home[key]) if isinstance(home.get(key), dict) else {}
                home = home[key]
            home.setdefault(old[-1], found)
        return {key: item for key, item in value.items() if key not in LEFT}
'''


def fix(bench: Bench) -> Fix | None:
    """Return the model with a validator that knows both places."""
    said = "\n".join(bench.messages)
    if not MISSING.search(said):
        return None
    by_set: dict[str, list[FieldMove]] = {}
    for move in field_moves(bench):
        by_set.setdefault(move.dataset, []).append(move)
    told = [
        name
        for name, moves in by_set.items()
        if not all(m.is_rename for m in moves)
        and any(re.search(rf"\b{re.escape(key)}\b", said) for m in moves for key in (*m.within, *m.old))
    ]
    moves = by_set[told[0]] if len(told) == 1 else []
    if not moves or any(re.search(r"[\"\\]", key) for m in moves for key in (*m.within, *m.old, *m.new)):
        return None
    found = [(path, text) for path in near_files(bench) if (text := _known(bench, path, moves))]
    if len(found) != 1:
        return None
    words = " and ".join(f"`{m.was}` is now at `{m.now}`" for m in moves)
    return Fix(
        texts=tuple(found),
        file=found[0][0],
        fields=tuple(m.was for m in moves),
        summary=f"Find {moves[0].was} at {moves[0].now} as well"[:100],
        explanation=f"In {moves[0].dataset} {words}. The model finds it at either place; what it holds and writes stays as it was.",
    )


def _known(bench: Bench, path: str, moves: list[FieldMove]) -> str | None:
    code = parse(bench.text(path)) if bench.editable(path) else None
    if code is None or "pydantic" not in code.text or re.search(r"pydantic\.v1|\b(?:root_)?validator\b", code.text):
        return None
    first = {(*m.within, *m.old)[0] for m in moves}
    models = {
        node: names
        for node in ast.walk(code.tree)
        if isinstance(node, ast.ClassDef) and node.bases and first <= (names := _names(node))
    }
    if len(models) != 1:
        return None
    ((model, names),) = models.items()
    if any(
        isinstance(n, ast.FunctionDef) and "model_validator" in code.source(n.decorator_list[0])
        for n in model.body
        if getattr(n, "decorator_list", ())
    ):
        return None
    left = {(*m.within, *m.new)[0] for m in moves} - names
    table = ", ".join(f"({_keys(m.within + m.old)}, {_keys(m.within + m.new)})" for m in moves)
    text = (
        _VALIDATOR.replace("{name}", "known_places").replace("TABLE", table).replace("LEFT", _keys(tuple(sorted(left))))
    )
    last = max((n for n in model.body if isinstance(n, ast.AnnAssign)), key=lambda n: n.lineno)
    if last.col_offset != 4 or model.col_offset:
        return None
    end = code.span(last)[1]
    at = import_line(code)
    known = re.search(r"^from pydantic import .*\bmodel_validator\b", code.text, re.MULTILINE)
    line = "" if known else f"from pydantic import model_validator{code.newline}"
    new = code.splice([((end, end), text.rstrip("\n").replace("\n", code.newline)), ((at, at), line)])
    return new if compiles(new) else None


def _names(model: ast.ClassDef) -> set[str]:
    return {data_name(n) or "" for n in model.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}


def _keys(names: tuple[str, ...]) -> str:
    return "(" + ", ".join(f'"{name}"' for name in names) + ("," if len(names) == 1 else "") + ")"
