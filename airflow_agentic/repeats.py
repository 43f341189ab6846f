"""Records of a failing day → how many of them are there once more, equal in every field. Never a value."""

from __future__ import annotations

from typing import Any

from airflow_agentic.records import DataShape

MAX_RECORDS = 50_000


def repeats(good: DataShape, failing: DataShape, records: list[Any]) -> int:
    """Return the count of records that an equal one stands before; 0 unless a field lost its uniqueness.

    Counted for at most 50,000 records; more of them count as none.
    """
    unique = {f.path for f in good.fields if f.distinct == f.present == good.records > 1}
    lost = [f for f in failing.fields if f.path in unique and f.distinct is not None and f.distinct < f.present]
    if not lost or len(records) > MAX_RECORDS:
        return 0
    return len(records) - len({repr(record) for record in records})
