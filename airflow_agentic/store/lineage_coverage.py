"""What the lineage store knows at all: how many data sets have a schema, which ends of runs events have told of."""

from __future__ import annotations

from sqlalchemy import distinct, func, select

from airflow_agentic.store import lineage_tables as t
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_rows import STATES


def known_schemas(database: Database) -> tuple[int, int]:
    """Return how many data sets have a schema that was observed, and how many one that is only declared.

    :raises StoreError: the store does not answer.
    """
    seen = t.SCHEMA_OBSERVATIONS.c
    chosen = select(seen.source_class, func.count(distinct(seen.dataset_id))).group_by(seen.source_class)
    with database.read() as connection:
        counted = {int(kind): int(count) for kind, count in connection.execute(chosen)}
    return counted.get(0, 0), counted.get(1, 0)


def known_states(database: Database) -> tuple[str, ...]:
    """Return the run states that events have told of, sorted; START where a run's start is known.

    :raises StoreError: the store does not answer.
    """
    with database.read() as connection:
        found = {STATES[state] for (state,) in connection.execute(select(distinct(t.RUNS.c.state))) if state}
        started = connection.execute(select(t.RUNS.c.run_id).where(t.RUNS.c.started_at.is_not(None)).limit(1)).first()
    return tuple(sorted(found | ({"START"} if started else set())))
