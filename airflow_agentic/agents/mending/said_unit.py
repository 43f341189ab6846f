"""Each record says the unit of a number in a field beside it, and it is another unit now → the unit that was before.

``discount`` with ``discount_unit: "cents"``, ``weight`` with ``uom: "g"`` where it was ``"kg"``. Certain means: the word
is one of our own list, the numbers grew (or shrank) as it says, and no code reads that word: what reads it may rely on
it. Records that say nothing, or the old unit, pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.conversions import NUMBERS, Conversion
from airflow_agentic.agents.mending.named_units import sized
from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.unit_words import SIZES

_MARKS = {"unit", "units", "uom", "measure"}
_ROUGH = 3.0


def said_units(bench: Bench, good: DataShape, failing: DataShape) -> dict[str, Conversion]:
    """Return the conversion of every number whose unit is said to be another one now, by its path."""
    now = {f.path: f for f in failing.fields}
    found: dict[str, Conversion] = {}
    for old in good.fields:
        new = now.get(old.path)
        if new is None or not set(old.types) <= NUMBERS or not set(new.types) <= NUMBERS or not old.mean:
            continue
        signs = [sign for sign in _signs(old, failing) if not _is_read(bench, sign)]
        said = [how for sign in signs if (how := _read(good, old, new, sign))]
        if len(said) == 1:
            found[old.path] = said[0]
    return found


def _signs(field: FieldShape, failing: DataShape) -> Iterator[FieldShape]:
    """The fields beside it that say a unit: its own, or one that is of all numbers of the record."""
    level, _, leaf = field.path.rpartition(".")
    for sign in failing.fields:
        place, _, name = sign.path.rpartition(".")
        words = set(name_tokens(name))
        if place == level and sign.units and words & _MARKS and words - _MARKS - {"of"} <= set(name_tokens(leaf)):
            yield sign


def _is_read(bench: Bench, sign: FieldShape) -> bool:
    word = re.compile(rf"\b{re.escape(sign.path.rpartition('.')[2])}\b")
    return any(word.search(bench.text(path) or "") for path in bench.all_files() if path.endswith((".py", ".sql")))


def _read(good: DataShape, old: FieldShape, new: FieldShape, sign: FieldShape) -> Conversion | None:
    before = next((f.units for f in good.fields if f.path == sign.path), ())
    fresh = [word for word in sign.units if word not in before]
    if len(fresh) != 1 or len(before) > 1 or not set(sign.units) <= {*before, *fresh} or not old.mean or not new.mean:
        return None
    word, known = fresh[0], before[0] if before else ""
    factor = _factor(known.lower(), word.lower(), new.mean / old.mean, mixed=len(sign.units) > 1)
    if factor is None or factor == 1.0:
        return None
    back = f"/ {_written(factor)}" if factor > 1 else f"* {_written(1 / factor)}"
    leaf = sign.path.rpartition(".")[2]
    return Conversion(
        form="({value} " + back + f' if {{base}}.get("{leaf}") == "{word}" else {{value}})',
        words=f"counted in {word}, as `{leaf}` says",
    )


def _factor(was: str, now: str, ratio: float, *, mixed: bool) -> float | None:
    """By what the numbers in the new unit were multiplied, if their size agrees."""
    if not mixed:
        told = sized(was, now, ratio) if ratio > 0 else None
        return told.factor if told is not None and not told.assumed else None
    exact = {kind[was] / kind[now] for kind in SIZES if was and was in kind and now in kind}
    factor = exact.pop() if len(exact) == 1 else None
    return factor if factor and min(1.0, factor) / _ROUGH < ratio < max(1.0, factor) * _ROUGH else None


def _written(number: float) -> str:
    return str(round(number)) if abs(number - round(number)) < 1e-9 * number else repr(round(number, 9))
