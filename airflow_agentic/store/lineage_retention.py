"""Days → the rows of lineage that are older, counted and deleted in one transaction."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select

from airflow_agentic.store import lineage_tables as t
from airflow_agentic.store.database import Database

_DAY_US = 86_400_000_000


def old_rows(
    database: Database, *, events_before: int, runs_before: int, edges_before: int, remove: bool
) -> dict[str, int]:
    """Return how many rows of each table are older than the days given, deleting them if asked.

    :raises StoreError: the store does not answer; nothing was deleted then.
    """
    with database.write() as connection:
        found: dict[str, int] = {}
        for table, old in _old(events_before, runs_before, edges_before):
            if remove:
                count = connection.execute(delete(table).where(old)).rowcount
            else:
                count = connection.execute(select(func.count()).select_from(table).where(old)).scalar_one()
            found[table.name] = found.get(table.name, 0) + int(count)
    return found


def _old(events_before: int, runs_before: int, edges_before: int) -> list[tuple[Table, ColumnElement[bool]]]:
    """Return tables and what is old of each, those that refer to others first."""
    runs, before_us = t.RUNS, runs_before * _DAY_US
    old_runs = select(runs.c.run_id).where(runs.c.last_event < before_us)
    tied = [(table, table.c.run_id.in_(old_runs)) for table in (t.RUN_FACETS, t.RUN_IO, t.PARTITIONS, t.PARTITION_RUNS)]
    edges, io, seen = t.COLUMN_EDGES, t.JOB_IO, t.SCHEMA_OBSERVATIONS
    used_fields = select(edges.c.out_field).union(select(edges.c.in_field))
    used_datasets = select(io.c.dataset_id).union(select(t.FIELDS.c.dataset_id), select(t.RUN_IO.c.dataset_id))
    used_jobs = select(io.c.job_id).union(select(runs.c.job_id), select(edges.c.job_id))
    used_schemas = select(seen.c.schema_id).union(select(t.RUN_IO.c.schema_id).where(t.RUN_IO.c.schema_id.is_not(None)))
    datasets, jobs, links = t.DATASETS, t.JOBS, t.SYMLINKS
    kept_datasets = select(datasets.c.id)
    return [
        (t.EVENTS, t.EVENTS.c.received_day < events_before),
        (t.ARRIVALS, t.ARRIVALS.c.day < edges_before),
        *tied,
        (runs, runs.c.last_event < before_us),
        (edges, edges.c.last_day < edges_before),
        (io, io.c.last_day < edges_before),
        (seen, seen.c.day < edges_before),
        (t.FIELDS, t.FIELDS.c.id.not_in(used_fields)),
        (t.SCHEMAS, t.SCHEMAS.c.id.not_in(used_schemas)),
        (jobs, and_(jobs.c.last_day < edges_before, jobs.c.id.not_in(used_jobs))),
        (t.JOB_FACETS, t.JOB_FACETS.c.job_id.not_in(select(jobs.c.id))),
        (datasets, and_(datasets.c.last_day < edges_before, datasets.c.id.not_in(used_datasets))),
        (t.DATASET_FACETS, t.DATASET_FACETS.c.dataset_id.not_in(kept_datasets)),
        (t.DATASET_NAMES, t.DATASET_NAMES.c.dataset_id.not_in(kept_datasets)),
        (links, or_(links.c.low_id.not_in(kept_datasets), links.c.high_id.not_in(kept_datasets))),
    ]
