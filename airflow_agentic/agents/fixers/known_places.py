"""A field stands at another place of its record and no read can be mended → put it where the code looks for it.

For code that walks through records by names bound on the way, lists of paths, or classes. Certain means: the shapes
say where the field went, the failure speaks of it or of what held it, and one call parses that data set. Records that
have the old place pass as they are.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import FieldMove, field_moves
from airflow_agentic.agents.mending.parse_sites import helper, is_delimited, parse_site, parsed, with_helper
from airflow_agentic.agents.mending.record_walk import of_each_record
from airflow_agentic.agents.mending.syntax import compiles

_PLACES = of_each_record(
    "Put fields that the upstream has moved within a record where this code looks for them.",
    """
    for old, new in (TABLE,):
        found = value
        for key in new:
            if not isinstance(found, dict) or key not in found:
                break
            found = found[key]
        else:
            home = value
            for key in old[:-1]:
                home = home.setdefault(key, {}) if isinstance(home, dict) else None
            if isinstance(home, dict):
                home.setdefault(old[-1], found)
""",
)


def fix(bench: Bench) -> Fix | None:
    """Return the call that parses the records, wrapped."""
    by_set: dict[str, list[FieldMove]] = {}
    for move in field_moves(bench):
        if not is_delimited(move.dataset):
            by_set.setdefault(move.dataset, []).append(move)
    by_set = {name: moves for name, moves in by_set.items() if not all(move.is_rename for move in moves)}
    told = [name for name, moves in by_set.items() if any(_is_spoken_of(bench, move) for move in moves)]
    if len({tuple((m.within, m.old, m.new) for m in by_set[name]) for name in told}) != 1:
        return None
    moves = by_set[told[0]]
    site = parse_site(bench, told[0])
    if site is None or not all(_is_one_place(bench, move) for move in moves):
        return None
    path, code, call = site
    table = ", ".join(f"({_keys(m.within + m.old)}, {_keys(m.within + m.new)})" for m in moves)
    places = helper(code, "known_places", _PLACES.replace("TABLE", table))
    text = with_helper(code, [(code.span(call), f"{places.name}({parsed(code, call)})")], places)
    if not compiles(text):
        return None
    words = " and ".join(f"`{m.was}` is now at `{m.now}`" for m in moves)
    return Fix(
        texts=((path, text),),
        file=path,
        fields=tuple(m.was for m in moves),
        summary=f"Find {moves[0].was} at {moves[0].now} as well"[:100],
        explanation=f"In {told[0]} {words}. Records get the known place where they are parsed; those that have it stay as they are.",
    )


def _is_spoken_of(bench: Bench, move: FieldMove) -> bool:
    said = " ".join(bench.messages)
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) for name in (*move.within, *move.old, move.new[-1]))


def _is_one_place(bench: Bench, move: FieldMove) -> bool:
    """The helper goes through all levels of a record, so the first key of either place stands at one of them."""
    for shape in (bench.good(move.dataset), bench.failing(move.dataset)):
        for key in {(*move.within, *move.old)[0], (*move.within, *move.new)[0]}:
            levels = (
                {
                    tuple(f.path.split(".")[:n])
                    for f in shape.fields
                    for n, k in enumerate(f.path.replace("[]", "").split("."))
                    if k == key
                }
                if shape
                else set()
            )
            if len(levels) > 1:
                return False
    return True


def _keys(names: tuple[str, ...]) -> str:
    return "(" + ", ".join(f'"{name}"' for name in names) + ("," if len(names) == 1 else "") + ")"
