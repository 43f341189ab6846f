"""A total that is off by a whole factor, and fields that grew by it → the unit changed under the old name.

Certain means: the failed check's own two numbers differ by exactly that factor, the fields' means do so roughly,
and every record says which form it is in: by a field that is new, or by numbers that never had and now always
lack a decimal point. Without such a witness no code can tell the forms apart, and there is no change.
"""

from __future__ import annotations

import re
from itertools import permutations

from airflow_agentic.agents.mending.conversions import NUMBERS, Conversion
from airflow_agentic.records import DataShape, FieldShape

_FACTORS = (100, 1000, 60, 1024, 3600, 1_000_000)
_NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w-])")
_EXACT, _ROUGH = 0.0005, 3.0


def scaled(good: DataShape, failing: DataShape, messages: tuple[str, ...]) -> dict[str, Conversion]:
    """Return the conversions of the top fields that are now larger (or smaller) by the factor that the error shows."""
    told = _told(messages)
    if told is None:
        return {}
    now = {f.path: f for f in failing.fields}
    grown = [f for f in good.fields if "." not in f.path and "[" not in f.path and _grew(f, now.get(f.path), told)]
    witness = _witness(good, failing, grown)
    if not grown or witness is None:
        return {}
    back = f"/ {told:g}" if told >= 1 else f"* {round(1 / told):g}"
    return {
        f.path: Conversion(
            form="({value} " + back + " if " + witness + " else {value})", words=f"{told:g} times as large, by the check's own numbers"
        )
        for f in grown
    }  # fmt: skip


def _told(messages: tuple[str, ...]) -> float | None:
    """Return the one factor by which two numbers of the error differ."""
    found: set[float] = set()
    for message in messages:
        numbers = [
            float(n) for n in _NUMBER.findall(re.sub(r"datetime\.\w+\([^)]*\)|\d{4}-\d\d-\d\d\S*", " ", message))[:12]
        ]
        for want, got in permutations([n for n in numbers if abs(n) > 1], 2):
            found |= {f for f in _FACTORS if abs(got / want / f - 1) < _EXACT and _is_first(numbers, want, got)}
            found |= {1 / f for f in _FACTORS if abs(got / want * f - 1) < _EXACT and _is_first(numbers, want, got)}
    return found.pop() if len(found) == 1 else None


def _is_first(numbers: list[float], want: float, got: float) -> bool:
    """A check names what it expects before what it got."""
    return numbers.index(want) < numbers.index(got)


def _grew(old: FieldShape, new: FieldShape | None, factor: float) -> bool:
    if new is None or not set(old.types) <= NUMBERS or not set(new.types) <= NUMBERS or not old.mean or not new.mean:
        return False
    return 1 / _ROUGH < new.mean / old.mean / factor < _ROUGH


def _witness(good: DataShape, failing: DataShape, grown: list[FieldShape]) -> str | None:
    """Return the expression that is true of a record in the new form only."""
    known = {f.path for f in good.fields}
    fresh = [f for f in failing.fields if f.path not in known and "." not in f.path and "[" not in f.path]
    marks = [f.path for f in fresh if f.present == failing.records and f.distinct == 1]
    if len(marks) == 1:
        return f'"{marks[0]}" in {{base}}'
    now = {f.path: f for f in failing.fields}
    flipped = [f.path for f in grown if f.types == ("number",) and now[f.path].types == ("integer",)]
    return f'isinstance({{base}}["{flipped[0]}"], int)' if flipped else None
