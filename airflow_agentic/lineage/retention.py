"""How long lineage is kept → rows deleted. What is still referred to stays."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_retention import old_rows


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Days for which each kind is kept after it was last seen."""

    events_days: float = 30
    runs_days: float = 90
    edges_days: float = 180


def retain(database: Database, keep: Keep, *, today: int, dry_run: bool = False) -> dict[str, int]:
    """Delete what is older than *keep* and return how many rows of each table; with *dry_run* only count.

    :param today: days since 1970.
    :raises StoreError: the store does not answer; nothing was deleted then.
    """
    return old_rows(
        database,
        events_before=today - int(keep.events_days),
        runs_before=today - int(keep.runs_days),
        edges_before=today - int(keep.edges_days),
        remove=not dry_run,
    )
