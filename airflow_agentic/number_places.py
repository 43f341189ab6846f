"""Records of two days → which number of a list of fixed length is which field of the other form. Never a value.

``lat`` and ``lon`` became ``location.coordinates``, or the other way round. What the numbers of each place lie between
decides; one assignment alone may fit. Where two fit, a GeoJSON point still has one order: RFC 7946 puts the longitude
first.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

from airflow_agentic.records import DataShape, FieldShape, ValueTrace
from airflow_agentic.shape_changes import name_tokens

LEAST = 4
"""Records of either day, before what their numbers lie between says anything."""
LONGEST = 4
_NUMBERS = {"integer", "number"}
_LATITUDE, _LONGITUDE = {"lat", "latitude"}, {"lon", "lng", "long", "longitude"}
_Range = tuple[float, float]


def number_places(good: DataShape, failing: DataShape, before: list[Any], after: list[Any]) -> tuple[ValueTrace, ...]:
    """Return where each number stands now: ``lat`` in ``location.coordinates[1]``, or the reverse."""
    if min(len(before), len(after)) < LEAST:
        return ()
    forward = _assigned(good, failing, after)
    if forward is not None:
        path, names = forward
        return tuple(ValueTrace(was=n, now=f"{path}[{i}]", records=len(after)) for i, n in enumerate(names))
    backward = _assigned(failing, good, before)
    if backward is None:
        return ()
    path, names = backward
    return tuple(ValueTrace(was=f"{path}[{i}]", now=n, records=len(after)) for i, n in enumerate(names))


def _assigned(flat: DataShape, listed: DataShape, records: list[Any]) -> tuple[str, tuple[str, ...]] | None:
    """Return the one list that *flat* lacks and, by place, the fields that *listed* lacks whose numbers it has."""
    there, known = {f.path for f in listed.fields}, {f.path for f in flat.fields}
    lists = [f for f in listed.fields if f.path not in known and _is_list(f, listed)]
    single = [f for f in flat.fields if f.path not in there and _is_number(f, flat)]
    if len(lists) != 1 or len({f.path.rpartition(".")[0] for f in single}) != 1:
        return None
    path = lists[0].path
    ranges = _ranges(path, records)
    if ranges is None or len(ranges) != len(single):
        return None
    fitting = [o for o in permutations(single) if all(map(_fits, o, ranges))]
    if len(fitting) > 1 and _is_point(path, records):
        fitting = [o for o in fitting if _is_lon_lat(o)]
    return (path, tuple(f.path for f in fitting[0])) if len(fitting) == 1 else None


def _is_list(field: FieldShape, shape: DataShape) -> bool:
    items = next((f for f in shape.fields if f.path == f"{field.path}[]"), None)
    fixed = field.entries is not None and field.entries[0] == field.entries[1] and 2 <= field.entries[0] <= LONGEST
    numbers = items is not None and set(items.types) <= _NUMBERS
    return fixed and numbers and "[" not in field.path and field.types == ("array",) and field.present == shape.records


def _is_number(field: FieldShape, shape: DataShape) -> bool:
    return set(field.types) <= _NUMBERS and "[" not in field.path and field.present == shape.records


def _ranges(path: str, records: list[Any]) -> list[_Range] | None:
    rows = [_at(record, path) for record in records]
    if any(not isinstance(row, list) or len(row) != len(rows[0]) for row in rows):
        return None
    return [(min(column), max(column)) for column in zip(*rows, strict=True)]


def _at(record: Any, path: str) -> Any:
    for key in path.split("."):
        record = record.get(key) if isinstance(record, dict) else None
    return record


def _fits(field: FieldShape, found: _Range) -> bool:
    """Say whether the numbers of a place lie where the field's do, with half its span to either side."""
    if field.low is None or field.high is None:
        return False
    slack = (field.high - field.low) / 2 or abs(field.high) / 100
    return field.low - slack <= found[0] and found[1] <= field.high + slack


def _is_point(path: str, records: list[Any]) -> bool:
    holder, _, leaf = path.rpartition(".")
    return leaf == "coordinates" and all(_at(r, f"{holder}.type" if holder else "type") == "Point" for r in records)


def _is_lon_lat(order: tuple[FieldShape, ...]) -> bool:
    words: Iterator[set[str]] = (set(name_tokens(f.path.rpartition(".")[2])) for f in order)
    return len(order) == 2 and bool(next(words) & _LONGITUDE) and bool(next(words) & _LATITUDE)
