"""Two shapes → the columns of the one (``h00`` … ``h23``) that are entries or rows of the other (``hour``, ``kwh``).

Certain means: as many columns as entries; their numbers, or their names, are what one field of an entry says; and one
other field of it has what lies between the columns' own bounds. A count that starts elsewhere (hour 1 for ``h00``) has
two readings and is none. A list of values alone has the columns' own order, where their names count on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shapes import pattern

LEAST = 3
LEAST_ALONE = 6
"""Hours and months count on; three values without a word may be sorted by anything."""
_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>0|[1-9]\d*|0\d+)")
_NUMBERS = {"integer", "number"}


@dataclass(frozen=True, kw_only=True)
class Series:
    """Columns beside the two fields that say the same one by one."""

    within: str
    """Path of the object that has the columns; empty for the record itself."""
    names: tuple[str, ...]
    numbers: tuple[int, ...]
    """What each name ends with; empty where entries say the whole name."""
    prefix: str
    width: int
    """Digits of a number that is filled with noughts; 0: as it is."""
    listed: str
    """Path of the list; empty where they are rows."""
    label: str
    """Empty where the list has values alone."""
    value: str
    is_text: bool
    """The label is text, also where it is a number."""

    def name_of(self, label: str) -> str:
        """Return the expression of a column's name for the expression of a label."""
        if not self.numbers:
            return f"str({label})"
        return 'f"' + self.prefix + "{int(" + label + ")" + (f":0{self.width}" if self.width else "") + '}"'


def series(flat: DataShape, long: DataShape) -> Series | None:
    """Return the one series of columns of *flat* that stands one by one in *long*."""
    known = {f.path for f in flat.fields}
    there = {f.path for f in long.fields}
    gone = [f for f in flat.fields if f.path not in there and _is_column(f, flat)]
    found = [
        made
        for listed, count, entries in _entries(long, known, gone)
        for columns in _groups(gone, count)
        if (made := _matched(columns, listed, entries))
    ]
    return found[0] if len(found) == 1 else None


def _is_column(field: FieldShape, shape: DataShape) -> bool:
    kinds = set(field.types) - {"null"}
    scalar = bool(kinds) and (kinds <= _NUMBERS or kinds == {"string"})
    return scalar and "[" not in field.path and field.present == shape.records


def _entries(
    long: DataShape, known: set[str], gone: list[FieldShape]
) -> Iterator[tuple[str, int, tuple[FieldShape, ...]]]:
    """Yield each list of fixed length with the fields of its entries, or else the two fields that came instead."""
    for field in long.fields:
        if field.types != ("array",) or "[" in field.path or field.entries is None:
            continue
        inner = tuple(f for f in long.fields if f.path.startswith(f"{field.path}[]."))
        inner = inner or tuple(f for f in long.fields if f.path == f"{field.path}[]" and set(f.types) <= _NUMBERS)
        if field.present == long.records and field.entries[0] == field.entries[1] >= LEAST and inner:
            yield field.path, field.entries[0], inner
    fresh = tuple(f for f in long.fields if f.path not in known)
    rest = [f for f in long.fields if f.path in known]
    if len(fresh) == 2 and len(gone) + len(rest) == len(known) and all(_is_column(f, long) for f in (*fresh, *rest)):
        yield "", len(gone), fresh


def _groups(gone: list[FieldShape], count: int) -> Iterator[list[FieldShape]]:
    """Yield columns of one object that are *count*: of one prefix and counted on, or all of them."""
    by_prefix: dict[tuple[str, str], list[FieldShape]] = {}
    for field in gone:
        within, _, leaf = field.path.rpartition(".")
        match = _NUMBERED.fullmatch(leaf)
        by_prefix.setdefault((within, match["prefix"] if match else ""), []).append(field)
    numbered = [g for g in by_prefix.values() if len(g) == count >= LEAST and _numbers(g)]
    yield from numbered
    if not numbered and len(gone) == count >= LEAST and len({f.path.rpartition(".")[0] for f in gone}) == 1:
        yield gone


def _numbers(columns: list[FieldShape]) -> tuple[int, ...]:
    """Return the numbers of names that count on without a gap, in their order; empty if they do not."""
    matches = [_NUMBERED.fullmatch(f.path.rpartition(".")[2]) for f in columns]
    told = tuple(int(match["number"]) for match in matches if match)
    whole = len(told) == len(columns) and sorted(told) == [*range(min(told), max(told) + 1)]
    return told if whole else ()


def _matched(columns: list[FieldShape], listed: str, entries: tuple[FieldShape, ...]) -> Series | None:
    prefix = f"{listed}[]." if listed else ""
    if any("." in f.path[len(prefix) :] for f in entries):
        return None
    numbers = _numbers(columns)
    alone = entries[0].path == f"{listed}[]"
    if alone and len(numbers) < LEAST_ALONE:
        return None
    if numbers:
        columns = [column for _, column in sorted(zip(numbers, columns, strict=True), key=lambda pair: pair[0])]
        numbers = tuple(sorted(numbers))
    names = tuple(f.path.rpartition(".")[2] for f in columns)
    labels = [f for f in entries if not alone and _is_label(f, numbers, names)]
    values = [f for f in entries if f not in labels and _is_value(f, columns)]
    if len(labels) != (0 if alone else 1) or len(values) != 1:
        return None
    match = _NUMBERED.fullmatch(names[0])
    text = bool(labels) and labels[0].types == ("string",)
    by_name = text and not all(re.fullmatch("9+", form) for form in labels[0].formats)
    lengths = {len(name) for name in names}
    return Series(
        within=columns[0].path.rpartition(".")[0],
        names=names,
        numbers=() if by_name else numbers,
        prefix=match["prefix"] if match and numbers else "",
        width=(lengths.pop() - len(match["prefix"])) if match and len(lengths) == 1 else 0,
        listed=listed,
        label=labels[0].path[len(prefix) :] if labels else "",
        value="" if alone else values[0].path[len(prefix) :],
        is_text=text,
    )


def _is_label(field: FieldShape, numbers: tuple[int, ...], names: tuple[str, ...]) -> bool:
    if field.distinct != len(names):
        return False
    if field.types == ("integer",):
        return bool(numbers) and (field.low, field.high) == (min(numbers), max(numbers))
    if field.types != ("string",) or not field.formats or not all(n.startswith(field.prefix) for n in names):
        return False
    said = set(field.formats)
    digits = {pattern(name[-len(str(max(numbers))) :]) for name in names} if numbers else set()
    return said == {pattern(name) for name in names} or said == digits


def _is_value(field: FieldShape, columns: list[FieldShape]) -> bool:
    kinds = {kind for f in columns for kind in f.types} - {"null"}
    now = set(field.types) - {"null"}
    if "null" in field.types and not any("null" in f.types for f in columns):
        return False
    if now <= _NUMBERS and kinds <= _NUMBERS and now:
        lows, highs = [f.low for f in columns if f.low is not None], [f.high for f in columns if f.high is not None]
        if field.low is None or field.high is None or not lows or not highs:
            return False
        slack = (max(highs) - min(lows)) / 2 or abs(max(highs)) / 2
        means = [f.mean for f in columns if f.mean]
        near = not means or not field.mean or 0.5 < field.mean * len(means) / sum(means) < 2
        return near and min(lows) - slack <= field.low and field.high <= max(highs) + slack
    return now == kinds == {"string"} and bool(field.formats) and set(field.formats) <= {p for f in columns for p in f.formats}  # fmt: skip
