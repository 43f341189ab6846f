"""A person's name comes in two fields instead of one, or in one instead of two → make of it what the code reads.

Certain means: the field that is gone held two words, the new ones are a first and a last name and hold the rest, and
nothing else of the record changed its name.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import near_files
from airflow_agentic.agents.mending.syntax import Code, Step, compiles, is_pure, parse
from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shape_changes import name_tokens

_FIRST, _LAST = (
    {"first", "given", "forename", "fore", "firstname", "givenname"},
    {"last", "family", "sur", "surname", "lastname", "familyname"},
)
_WHOLE = {"full", "display", "complete", "whole", "customer", "person", "contact", "fullname"}
_TWO_WORDS = re.compile(r"A?a*[Aa][Aa'+-]* [Aa][Aa'+-]*")


def fix(bench: Bench) -> Fix | None:
    """Return the reads of the old field, or fields, made of the new."""
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        good, failing = bench.good(name), bench.failing(name)
        if good is None or failing is None:
            continue
        gone, new = _apart(good, failing), _apart(failing, good)
        texts, what = _change(bench, gone, new)
        if texts:
            return Fix(
                texts=tuple(texts.items()),
                file=next(iter(texts)),
                fields=tuple(f.path for f in gone),
                summary=f"Read {what[0]} where {what[1]} is gone"[:100],
                explanation=f"In {name} `{what[1]}` is now `{what[0]}`. The code puts together what it knows; data in the old form is read as before.",
            )
    return None


def _change(bench: Bench, gone: list[FieldShape], new: list[FieldShape]) -> tuple[dict[str, str], tuple[str, str]]:
    one, two = (gone, new) if len(gone) == 1 else (new, gone)
    pair = _pair(two)
    if (
        len(one) != 1
        or pair is None
        or not _is_whole(one[0], pair)
        or not any(f.path in " ".join(bench.messages) for f in gone)
    ):
        return {}, ("", "")
    texts: dict[str, str] = {}
    for path in near_files(bench):
        code = parse(bench.text(path)) if bench.editable(path) else None
        pieces = _pieces(code, {f.path for f in gone}, one[0].path, pair) if code else []
        text = code.splice(pieces) if code and pieces else None
        if text is not None and compiles(text):
            texts[path] = text
    both = " and ".join(pair)
    return texts, (both, one[0].path) if len(gone) == 1 else (one[0].path, both)


def _pieces(code: Code, gone: set[str], whole: str, pair: tuple[str, str]) -> list[tuple[tuple[int, int], str]]:
    return [
        (code.span(s.node), _read(code, s, whole, *pair))
        for s in code.steps()
        if s.key in gone and is_pure(s.base) and not isinstance(code.parents.get(s.node), ast.JoinedStr)
    ]


def _read(code: Code, found: Step, whole: str, first: str, last: str) -> str:
    base, old = code.source(found.base), code.source(found.node)
    if found.key == whole:
        return f'({old} if "{whole}" in {base} else {base}["{first}"] + " " + {base}["{last}"])'
    part = 0 if found.key == first else 2
    return f'({old} if "{found.key}" in {base} else {base}["{whole}"].partition(" ")[{part}])'


def _apart(one: DataShape, other: DataShape) -> list[FieldShape]:
    """The fields of one shape that the other lacks, top level only."""
    known = {f.path for f in other.fields}
    return [f for f in one.fields if f.path not in known and "." not in f.path and "[" not in f.path]


def _pair(fields: list[FieldShape]) -> tuple[str, str] | None:
    if len(fields) != 2 or any(set(f.types) != {"string"} for f in fields):
        return None
    first = [f.path for f in fields if set(name_tokens(f.path)) & _FIRST]
    last = [f.path for f in fields if set(name_tokens(f.path)) & _LAST]
    return (first[0], last[0]) if len(first) == len(last) == 1 and first != last else None


def _is_whole(field: FieldShape, pair: tuple[str, str]) -> bool:
    words = set(name_tokens(field.path))
    rest = {w for name in pair for w in name_tokens(name)} - _FIRST - _LAST
    return (
        set(field.types) == {"string"}
        and bool(field.formats)
        and all(_TWO_WORDS.fullmatch(f) for f in field.formats)
        and words <= rest | _WHOLE | {"name"}
    )
