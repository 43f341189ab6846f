"""A field has a new name and no read of it can be mended in place → give records their known names where they are parsed.

For code that names fields in a configuration, a model, a list of required columns, or a table that it builds from the
records. Certain means: the shapes say what the new name is, the failure speaks of the old or the new one, and one
call parses that data set. What the code demands of its records stays as it is.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import FieldMove, field_moves
from airflow_agentic.agents.mending.parse_sites import helper, is_delimited, parse_site, parsed, with_helper
from airflow_agentic.agents.mending.syntax import compiles
from airflow_agentic.records import DataShape

_READER = '''
def {name}(reader):
    """Give columns that the upstream has renamed the names that this code knows."""
    known = TABLE
    found = list(reader.fieldnames or ())
    reader.fieldnames = [column if known.get(column, column) in found else known[column] for column in found]
    return reader
'''
_RECORDS = '''
def {name}(value):
    """Give fields that the upstream has renamed the names that this code knows."""
    if isinstance(value, list):
        return [{name}(item) for item in value]
    if not isinstance(value, dict):
        return value
    known = TABLE
    return {key if known.get(key, key) in value else known[key]: {name}(item) for key, item in value.items()}
'''


def fix(bench: Bench) -> Fix | None:
    """Return the call that parses the records, wrapped."""
    by_set: dict[str, list[FieldMove]] = {}
    for move in field_moves(bench):
        if move.is_rename and _is_one_place(bench, move):
            by_set.setdefault(move.dataset, []).append(move)
    told = [name for name, moves in by_set.items() if any(_is_spoken_of(bench, move) for move in moves)]
    if len({tuple((m.new, m.old) for m in by_set[name]) for name in told}) != 1:
        return None
    moves = by_set[told[0]]
    site = parse_site(bench, told[0])
    if site is None:
        return None
    path, code, call = site
    table = "{" + ", ".join(f'"{m.new[0]}": "{m.old[0]}"' for m in moves) + "}"
    source = _READER if is_delimited(told[0]) else _RECORDS
    known = helper(code, "known_names", source.replace("TABLE", table))
    text = with_helper(code, [(code.span(call), f"{known.name}({parsed(code, call)})")], known)
    if not compiles(text):
        return None
    words = " and ".join(f"`{m.was}` is now `{m.now}`" for m in moves)
    return Fix(
        texts=((path, text),),
        file=path,
        fields=tuple(m.was for m in moves),
        explanation=f"In {told[0]} {words}. Records get the known name where they are parsed; those that have it stay as they are.",
        summary=f"Read {moves[0].now} where {moves[0].was} is gone"[:100],
    )


def _is_spoken_of(bench: Bench, move: FieldMove) -> bool:
    logs = [e.body for e in bench.dossier.evidence if e.source == "task_log"]
    said = "\n".join([*bench.messages, *logs[:1]])
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) for name in (move.old[0], move.new[0]))


def _is_one_place(bench: Bench, move: FieldMove) -> bool:
    """The helper goes through all levels of what is parsed, so neither name may stand elsewhere in it, or in another."""
    others = [s for s in bench.dossier.shapes if s.role == "good" and s.name not in bench.family(move.dataset)]
    if any(move.new[0] in _leaves(s) and move.old[0] not in _leaves(s) for s in others):
        return False
    shapes = (bench.good(move.dataset), bench.failing(move.dataset))
    return all(
        sum(1 for f in shape.fields if f.path.rsplit(".", 1)[-1].rsplit("[]", 1)[-1] == name) <= 1
        for shape in shapes
        if shape
        for name in (move.old[0], move.new[0])
    )


def _leaves(shape: DataShape) -> set[str]:
    return {f.path.rsplit(".", 1)[-1].removesuffix("[]") for f in shape.fields}
