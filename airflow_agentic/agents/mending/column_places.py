"""Columns without names, of a good day and of now → where each known one stands now, if their forms leave one answer."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shapes import fold

NO_HEADER = "no header"
MAX_COLUMNS = 24
LEAST = 4
"""Records of both days, before one word in all of them says that a column is another one."""
FAR = 20
_NUMBERS = frozenset({"integer", "number"})


def column_places(good: DataShape, failing: DataShape) -> tuple[int, ...] | None:
    """Return for each column of *good* its place in *failing*, counted from 0.

    New columns may stand anywhere between; the known ones keep their order.

    :returns: None where no column is new, one is gone, or more than one answer is left.
    """
    headless = NO_HEADER in good.form and NO_HEADER in failing.form
    known, now = good.fields, failing.fields
    if not headless or len(now) <= len(known) or len(now) > MAX_COLUMNS or min(good.records, failing.records) < LEAST:
        return None
    fits = [[place for place, other in enumerate(now) if _is_same(field, other)] for field in known]
    found = [places for _, places in zip(range(2), _in_order(fits, 0), strict=False)]
    return found[0] if len(found) == 1 else None


def _in_order(fits: list[list[int]], start: int) -> Iterator[tuple[int, ...]]:
    if not fits:
        yield ()
        return
    for place in fits[0]:
        if place >= start:
            for rest in _in_order(fits[1:], place + 1):
                yield (place, *rest)


def _is_same(known: FieldShape, now: FieldShape) -> bool:
    """Say whether one column may be the other: kinds, forms of text, and as many values as a column of its kind has."""
    was, is_ = ({"number" if t in _NUMBERS else t for t in f.types if t != "null"} for f in (known, now))
    if was and is_ and not is_ <= was:
        return False
    if (known.distinct == 1) != (now.distinct == 1) and max(known.distinct or 0, now.distinct or 0) > 2:
        return False
    if known.mean and now.mean and not 1 / FAR < abs(now.mean / known.mean) < FAR:
        return False
    before, after = ({fold(form) for form in f.formats} for f in (known, now))
    return not before or not after or len(after & before) * 2 >= len(after)
