"""Numbers that were fields stand in a list now (``lat``, ``lon`` in ``location.coordinates``), or the reverse → the known form.

Certain means: what the numbers lie between tells which is which (`number_places`), the failure speaks of what is gone,
and one call parses that data set. Records in the known form pass as they are.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import helper, is_delimited, parse_site, parsed, with_helper
from airflow_agentic.agents.mending.record_walk import of_each_record
from airflow_agentic.agents.mending.syntax import compiles
from airflow_agentic.records import DataShape, ValueTrace

_PLACE = re.compile(r"(?P<path>[^\[\]]+)\[(?P<place>\d)\]")
_NAME = re.compile(r"[\w.@ \-]+")
_TREE = of_each_record(
    "Give records TOLD, whichever the upstream sends.",
    """
    found, home = value, value
    for key in FOUND:
        found = found.get(key) if isinstance(found, dict) else None
    if CHECK:
        for key in HOME:
            home = home.setdefault(key, {})
MADE
""",
)
_TAKEN = """        for name, number in zip((NAMES), found):
            home.setdefault(name, number)"""
_MADE = '        home.setdefault("LEAF", [NUMBERS])'


def fix(bench: Bench) -> Fix | None:
    """Return the call that parses the records, wrapped."""
    told = [
        (shape, found)
        for shape in bench.dossier.shapes
        if shape.role == "failing" and shape.traces and not is_delimited(shape.name)
        for found in (_listed(shape.traces, now=True), _listed(shape.traces, now=False))
        if found
    ]
    if len({(path, names, now) for _, (path, names, now) in told}) != 1:
        return None
    shape, (path, names, now) = told[0]
    gone = [name.rpartition(".")[2] for name in names] if now else path.split(".")
    if not _is_spoken_of(bench, gone) or not all(_NAME.fullmatch(name) for name in (path, *names)):
        return None
    return _wrapped(bench, shape, _source(path, names, now=now), (path, names, now))


def _wrapped(bench: Bench, shape: DataShape, source: str, found: tuple[str, tuple[str, ...], bool]) -> Fix | None:
    path, names, now = found
    site = parse_site(bench, shape.name)
    if site is None:
        return None
    file, code, call = site
    known = helper(code, "known_numbers", source)
    text = with_helper(code, [(code.span(call), f"{known.name}({parsed(code, call)})")], known)
    if not compiles(text):
        return None
    each = ", ".join(f"`{name}` is number {place} of it" for place, name in enumerate(names, 1))
    said = f"`{path}` is a list in place of the fields" if now else f"fields have come in place of the list `{path}`"
    return Fix(
        texts=((file, text),),
        file=file,
        fields=names if now else (path,),
        summary=f"Find {names[0]} and {names[-1]} in {path}"[:100] if now else f"Make {path} of the fields"[:100],
        explanation=f"In {shape.name} {said}: {each}, as what the numbers lie between shows. Records get the known form where they are parsed; those that have it stay as they are.",
    )


def _listed(traces: tuple[ValueTrace, ...], *, now: bool) -> tuple[str, tuple[str, ...], bool] | None:
    """Return the list's path and the field of each of its places, where the list is what came (*now*) or what is gone."""
    places = {
        (match["path"], int(match["place"])): field
        for trace in traces
        for spot, field in ((trace.now, trace.was) if now else (trace.was, trace.now),)
        if (match := _PLACE.fullmatch(spot)) and match["path"] != field
    }
    paths = {path for path, _ in places}
    if len(paths) != 1 or sorted(place for _, place in places) != [*range(len(places))] or len(places) < 2:
        return None
    (path,) = paths
    return path, tuple(places[path, place] for place in range(len(places))), now


def _source(path: str, names: tuple[str, ...], *, now: bool) -> str:
    within, (holder, _, leaf) = names[0].rpartition(".")[0], path.rpartition(".")
    leaves = [name.rpartition(".")[2] for name in names]
    quoted = ", ".join(f'"{name}"' for name in leaves)
    numbers = ", ".join(f'found["{name}"]' for name in leaves)
    check = f"isinstance(found, list) and len(found) == {len(names)}"
    if not now:
        check = f"isinstance(found, dict) and {{{quoted}}} <= found.keys()"
    text = _TREE.replace("MADE", _TAKEN if now else _MADE).replace("CHECK", check)
    text = text.replace("TOLD", " and ".join(leaves) if now else f"the list {leaf}")
    text = text.replace("FOUND", _keys(path if now else within)).replace("HOME", _keys(within if now else holder))
    return (
        text.replace("NAMES", quoted)
        .replace("NUMBERS", numbers)
        .replace("LEAF", leaf)
        .replace("        for key in ():\n            home = home.setdefault(key, {})\n", "")
        .replace("    for key in ():\n        found = found.get(key) if isinstance(found, dict) else None\n", "")
    )


def _keys(path: str) -> str:
    names = path.split(".") if path else []
    return "(" + ", ".join(f'"{name}"' for name in names) + ("," if len(names) == 1 else "") + ")"


def _is_spoken_of(bench: Bench, names: list[str]) -> bool:
    said = " ".join((*bench.messages, *(frame.code for _, frame in bench.own()[:1])))
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) for name in names)
