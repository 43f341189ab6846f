"""Two surveys of a data folder → what differs, table by table: schema, rows, nulls, keys. Counts, never values."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from airflow_agentic.records import TableDiff

MAX_TABLES, MAX_NAMES = 200, 8
Spot = tuple[str, str]
"""Table and column; an empty column stands for the whole table."""


def compare_tables(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> tuple[TableDiff, ...]:
    """Return one entry a table, by name; its note is empty when columns and content are equal."""
    old, new = ({str(t.get("table")): t for t in side} for side in (before, after))
    names = sorted(old.keys() | new.keys())[:MAX_TABLES]
    return tuple(_compare(name, old.get(name), new.get(name)) for name in names)


def spots(diffs: Iterable[TableDiff]) -> frozenset[Spot]:
    """Return where two runs of the same code differ: load times, generated ids."""
    return frozenset(spot for diff in diffs if diff.note for spot in _spots(diff))


def beyond(diffs: Iterable[TableDiff], noise: Collection[Spot]) -> tuple[TableDiff, ...]:
    """Return the tables that differ in more than what differs anyway."""
    return tuple(
        diff
        for diff in diffs
        if diff.note and (diff.table, "") not in noise and not all(spot in noise for spot in _spots(diff))
    )


def written(diffs: Iterable[TableDiff]) -> tuple[TableDiff, ...]:
    """Return the tables that are not the same on both sides."""
    return tuple(diff for diff in diffs if diff.note)


def _spots(diff: TableDiff) -> list[Spot]:
    rows = diff.before_rows == diff.after_rows
    columns = [*diff.added, *diff.lost, *(text.split(" ", 1)[0] for text in diff.retyped)]
    if rows and (diff.changed or columns):
        return [(diff.table, column) for column in (*diff.changed, *columns)]
    return [(diff.table, "")]


def _compare(name: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> TableDiff:
    diff = TableDiff(table=name, before_rows=_rows(old), after_rows=_rows(new))
    if old is None or new is None:
        return replace(diff, note="new" if old is None else "gone", samples=_samples(new, None))
    had, has = old.get("columns") or {}, new.get("columns") or {}
    if old.get("digest") == new.get("digest") and list(had) == list(has):
        return diff
    if not had or not has:
        return replace(diff, note=f"{old.get('bytes', '?')} → {new.get('bytes', '?')} bytes")
    other = [c for c in has if c in had and has[c].get("digest") != had[c].get("digest")]
    diff = replace(
        diff,
        added=tuple(c for c in has if c not in had),
        lost=tuple(c for c in had if c not in has),
        retyped=tuple(
            f"{c} {had[c].get('type')} → {has[c].get('type')}"
            for c in has
            if c in had and had[c].get("type") != has[c].get("type")
        ),
        changed=tuple(other),
        nulls=tuple(
            f"{c} {had[c]['nulls']} → {has[c]['nulls']}" for c in other if had[c].get("nulls") != has[c].get("nulls")
        ),
        emptied=tuple(c for c in other if _emptied(old, new, had[c], has[c])),
        duplicated=_duplicated(old, new),
        samples=_samples(new, other),
    )
    return _noted(diff)


def _noted(diff: TableDiff) -> TableDiff:
    same_rows = diff.before_rows == diff.after_rows
    words = [
        f"{text} {', '.join(columns[:MAX_NAMES])}"
        for text, columns in (
            ("columns added:", diff.added),
            ("columns lost:", diff.lost),
            ("types:", diff.retyped),
            ("values differ in", diff.changed if same_rows else ()),
            ("no longer unique:", diff.duplicated),
        )
        if columns
    ]
    words += [] if same_rows else [f"rows {diff.before_rows} → {diff.after_rows}"]
    words += [f"nulls: {', '.join(diff.nulls[:MAX_NAMES])}"] if diff.nulls else []
    return replace(diff, note="; ".join(words) or "rows pair other values")


def _rows(table: dict[str, Any] | None) -> int | None:
    rows = table.get("rows") if table else None
    return rows if isinstance(rows, int) else None


def _emptied(old: dict[str, Any], new: dict[str, Any], had: dict[str, Any], has: dict[str, Any]) -> bool:
    """Say whether a column that never was null has only nulls in the rows that came."""
    rows, more = _rows(old), _rows(new)
    if not rows or not more or had.get("nulls") != 0:
        return False
    came = more - rows
    return has.get("nulls") == (came if came > 0 else more)


def _duplicated(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    """Return the keys that rows repeat now; none where another one still tells every row apart."""
    had, has = old["columns"], new["columns"]
    if any(_unique(new, column) for column in has.values()):
        return ()
    return tuple(c for c in has if c in had and _unique(old, had[c]) and _unique(new, has[c]) is False)


def _unique(table: dict[str, Any], column: dict[str, Any]) -> bool | None:
    """Say whether the column tells every row apart; None where it was not counted or there is next to nothing."""
    rows, distinct = _rows(table), column.get("distinct")
    if not isinstance(distinct, int) or rows is None or rows < 2:
        return None
    return bool(distinct == rows)


def _samples(table: dict[str, Any] | None, columns: list[str] | None) -> tuple[str, ...]:
    held = (table or {}).get("columns") or {}
    chosen = list(held) if columns is None else columns
    found = ((c, held[c].get("sample")) for c in chosen[:MAX_NAMES] if isinstance(held.get(c), dict))
    return tuple(
        f"{c}: {', '.join(map(str, values))}"[:300] for c, values in found if isinstance(values, list) and values
    )
