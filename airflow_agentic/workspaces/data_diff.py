"""Two surveys of a data folder → what differs, table by table."""

from __future__ import annotations

from typing import Any

from airflow_agentic.records import TableDiff

MAX_TABLES = 200


def compare_tables(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> tuple[TableDiff, ...]:
    """Return one entry a table, by name; its note is empty when columns and content are equal."""
    old, new = ({str(t.get("table")): t for t in side} for side in (before, after))
    names = sorted(old.keys() | new.keys())[:MAX_TABLES]
    return tuple(
        TableDiff(
            table=name,
            before_rows=_rows(old.get(name)),
            after_rows=_rows(new.get(name)),
            note=_note(old.get(name), new.get(name)),
        )
        for name in names
    )


def _rows(table: dict[str, Any] | None) -> int | None:
    rows = table.get("rows") if table else None
    return rows if isinstance(rows, int) else None


def _note(old: dict[str, Any] | None, new: dict[str, Any] | None) -> str:
    if old is None or new is None:
        return "new" if old is None else "gone"
    if old.get("digest") == new.get("digest") and list(old.get("columns", {})) == list(new.get("columns", {})):
        return ""
    had, has = old.get("columns") or {}, new.get("columns") or {}
    if not had or not has:
        return f"{old.get('bytes', '?')} → {new.get('bytes', '?')} bytes"
    added, lost = [c for c in has if c not in had], [c for c in had if c not in has]
    same_rows = old.get("rows") == new.get("rows")
    other = [c for c in has if c in had and has[c]["digest"] != had[c]["digest"]]
    words = [
        f"{text} {', '.join(columns[:8])}"
        for text, columns in (
            ("columns added:", added),
            ("columns lost:", lost),
            ("values differ in", other if same_rows else []),
        )
        if columns
    ]
    words += [] if same_rows else [f"rows {old.get('rows')} → {new.get('rows')}"]
    nulls = [f"{c} {had[c]['nulls']} → {has[c]['nulls']}" for c in other if had[c]["nulls"] != has[c]["nulls"]]
    return "; ".join([*words, *([f"nulls: {', '.join(nulls[:8])}"] if nulls else [])]) or "rows pair other values"
