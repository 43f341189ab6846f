"""Records of two days → where the values of a field that is gone, or became a list or an object, are now. No value.

Names can be new altogether (``city`` → ``locality``); values that stay tell. Certain means: records that both days
know by one identifier have equal values in both places, in every one of them. For a field that is a list or
an object now, also: one end or field of it holds words of a closed set alone, each of which the field had. One place
alone may be like that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_agentic.number_places import number_places
from airflow_agentic.records import DataShape, FieldShape, ValueTrace
from airflow_agentic.shape_changes import is_another_thing, name_tokens

MAX_RECORDS = 20_000
MAX_FIELDS = 60
MAX_WORDS = 20
LEAST = 4
"""Records that both days must know, before equal values are taken for the same field."""
_KEYS = {"id", "ids", "key", "uuid", "guid", "code", "number", "no", "nr", "sku", "ref", "pk"}
_SCALARS = {"string", "integer", "number"}
Get = Callable[[Any], Any]


def traces(good: DataShape, failing: DataShape, before: list[Any], after: list[Any]) -> tuple[ValueTrace, ...]:
    """Return where values went whose fields *failing* has no longer, or as a list or object, or within one."""
    return (*_single(good, failing, before, after), *number_places(good, failing, before, after))


def _single(good: DataShape, failing: DataShape, before: list[Any], after: list[Any]) -> tuple[ValueTrace, ...]:
    there, known = {f.path: f for f in failing.fields}, {f.path for f in good.fields}
    gone = [f for f in good.fields if f.path not in there and _is_scalar(f)]
    listed = [f for f in good.fields if f.path in there and there[f.path].types == ("array",) and _is_listable(f)]
    opened = [f for f in good.fields if f.path in there and there[f.path].types == ("object",) and _is_scalar(f)]
    fresh = [f for f in failing.fields if f.path not in known and _is_scalar(f)]
    whole = [f for f in gone if (over := there.get(_over(f))) and _over(f) in known and over.types == f.types]
    if (not ((gone or opened) and fresh) and not listed and not whole) or max(len(gone), len(fresh)) > MAX_FIELDS:
        return ()
    days = _Days(good, failing, before[:MAX_RECORDS], after[:MAX_RECORDS])
    found: list[ValueTrace] = []
    for field in gone:
        places = {f.path: _at(f.path) for f in fresh if _is_alike(field, f)}
        found += days.one_place(field, places, closed=False)
        found += days.elsewhere(field, places)
    for field in listed:
        found += days.one_place(field, dict(_ends(field.path, after)), closed=True)
    for field in whole:
        found += days.one_place(field, {_over(field): _at(_over(field))}, closed=True)
    for field in opened:
        within = {f.path: _at(f.path) for f in fresh if f.path.startswith(f"{field.path}.") and f.types == field.types}
        found += days.one_place(field, within, closed=True)
    told = [t for t in found if t.differs or sum(t.now == o.now for o in found if not o.differs) == 1]
    return tuple(told)


class _Days:
    """The records of both days, paired by the identifier that both have."""

    def __init__(self, good: DataShape, failing: DataShape, before: list[Any], after: list[Any]) -> None:
        self._before, self._after = before, after
        self._paired: list[tuple[Any, Any]] = []
        for path in _identifiers(good, failing):
            get = _at(path)
            known = {get(record): record for record in before}
            paired = [(known[key], record) for record in after if (key := get(record)) in known]
            if len(paired) > len(self._paired):
                self._paired = paired

    def one_place(self, field: FieldShape, places: Mapping[str, Get], *, closed: bool) -> Iterator[ValueTrace]:
        """Yield the one place of *places* that has the field's values, if it is one.

        :param closed: words of a closed set count where no record is known by both days.
        """
        was = _at(field.path)
        same = [now for now, get in places.items() if self._is_same(was, get)]
        within = [now for now, get in places.items() if closed and self._is_within(field, was, get)]
        found = same or within
        if len(found) == 1:
            yield ValueTrace(was=field.path, now=found[0], records=len(self._paired) if same else len(self._after))

    def elsewhere(self, field: FieldShape, places: Mapping[str, Get]) -> Iterator[ValueTrace]:
        """Yield the places that have another text in each record; times and numbers differ by themselves."""
        if field.types != ("string",) or any("9" in form for form in field.formats):
            return
        was = _at(field.path)
        for now, get in places.items():
            values = [(was(old), get(new)) for old, new in self._paired]
            told = [old != new for old, new in values if old is not None and new is not None]
            if len(told) > LEAST and all(told):
                yield ValueTrace(was=field.path, now=now, records=len(told), differs=True)

    def _is_same(self, was: Get, now: Get) -> bool:
        values = [(was(old), now(new)) for old, new in self._paired]
        told = {old for old, _ in values if old is not None}
        return len(values) >= LEAST and len(told) > 1 and all(a == b for a, b in values)

    def _is_within(self, field: FieldShape, was: Get, now: Get) -> bool:
        if field.types != ("string",) or not field.distinct or not 1 < field.distinct <= MAX_WORDS:
            return False
        if field.distinct * 2 > len(self._before):
            return False
        words = {was(record) for record in self._before}
        found = {now(record) for record in self._after}
        return len(found) > 1 and found <= words


def _identifiers(good: DataShape, failing: DataShape) -> list[str]:
    """Fields that name a record of its own on both days."""
    after = {f.path: f for f in failing.fields}
    return [
        f.path
        for f in good.fields
        if "[" not in f.path
        and set(name_tokens(f.path.rpartition(".")[2])) & _KEYS
        and f.path in after
        and f.present == f.distinct == good.records > 1
        and after[f.path].types == f.types
        and after[f.path].present == after[f.path].distinct == failing.records
    ]


def _over(field: FieldShape) -> str:
    """The object that a field is in, which may be a text itself by now."""
    return field.path.rpartition(".")[0]


def _is_scalar(field: FieldShape) -> bool:
    kinds = set(field.types) - {"null"}
    return bool(kinds) and kinds <= _SCALARS and "[" not in field.path


def _is_listable(field: FieldShape) -> bool:
    """An identifier that is a list now means that there are several: which one to take is its owner's choice."""
    return _is_scalar(field) and not set(name_tokens(field.path.rpartition(".")[2])) & _KEYS


def _is_alike(old: FieldShape, new: FieldShape) -> bool:
    """Say whether *new* may be the field: ``previous_balance`` has what ``balance`` had, and is another thing."""
    kinds = [{"number" if t == "integer" else t for t in f.types if t != "null"} for f in (old, new)]
    words = [set(name_tokens(f.path.rpartition(".")[2])) for f in (old, new)]
    return kinds[0] == kinds[1] and not is_another_thing(*words)


def _at(path: str) -> Get:
    steps = path.split(".")

    def get(record: Any) -> Any:
        for step in steps:
            record = record.get(step) if isinstance(record, Mapping) else None
        return record if isinstance(record, (str, int, float)) else None

    return get


def _ends(path: str, after: list[Any]) -> Iterator[tuple[str, Get]]:
    """Yield the ends of a list that is never empty, or each field of these; a list of one has no two ends."""
    steps = path.split(".")

    def entries(record: Any) -> list[Any]:
        for step in steps:
            record = record.get(step) if isinstance(record, Mapping) else None
        return record if isinstance(record, list) else []

    lists = [entries(record) for record in after[:MAX_RECORDS]]
    if not all(lists) or all(len(one) == 1 for one in lists):
        return
    kinds = {isinstance(item, Mapping) for one in lists for item in one}
    if len(kinds) != 1:
        return
    keys = sorted({str(key) for one in lists for item in one for key in item}) if kinds == {True} else [""]
    for key in keys[:MAX_FIELDS]:
        for place in (0, -1):
            yield f"{path}[{place}]" + (f".{key}" if key else ""), _entry(entries, place, key)


def _entry(entries: Callable[[Any], list[Any]], place: int, key: str) -> Get:
    def get(record: Any) -> Any:
        found = entries(record)
        item = found[place] if found else None
        value = item.get(key) if key and isinstance(item, Mapping) else item
        return value if isinstance(value, (str, int, float)) else None

    return get
