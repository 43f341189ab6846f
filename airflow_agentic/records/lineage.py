"""What a lineage store answers with: jobs, data sets, edges, runs, schema versions. Read-only views, not its tables.

An ``id`` is opaque and belongs to the reader that gave it: a number in our store, a text in Marquez.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_agentic.records.failure import DagRunRecord

NodeId = int | str


@dataclass(frozen=True, kw_only=True)
class LineageJob:
    """Something that runs: a task, a dbt model, a Spark job."""

    id: NodeId
    namespace: str
    name: str
    dag_id: str = ""
    """Empty when no event told that it is of Airflow."""
    task_id: str = ""
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LineageDataset:
    """A table, file or topic."""

    id: NodeId
    namespace: str
    name: str


@dataclass(frozen=True, kw_only=True)
class LineageEdge:
    """A job reads or writes a data set."""

    job: LineageJob
    dataset: LineageDataset
    io: str
    """``input`` or ``output``, seen from the job."""
    last_seen: str = ""
    fan: int = 0
    """Jobs on the data set's other side, where the question asked for it; counted up to 10,000."""


@dataclass(frozen=True, kw_only=True)
class DataCheck:
    """One check of a data set's content that a run has made."""

    dataset: str
    passed: bool
    what: str
    """Kind or name of the check: ``not_null``, ``revenue.min``."""
    column: str = ""
    expected: str = ""
    actual: str = ""
    """What was found instead: may be a value out of the data."""


@dataclass(frozen=True, kw_only=True)
class LineageRun:
    """One run of a job, as far as events have told."""

    run_id: str
    job: LineageJob
    state: str
    """``START``, ``RUNNING``, ``COMPLETE``, ``FAIL``, ``ABORT`` or ``OTHER``."""
    last_event: str
    started_at: str = ""
    ended_at: str = ""
    airflow_run_id: str = ""
    try_number: int | None = None
    map_index: int = -1
    partition_key: str = ""
    error: str = ""
    stack: str = ""
    parent_run_id: str = ""
    sql: str = ""
    """The statement that the run (or, where only that is kept, its job) executed; at most 20,000 characters."""
    checks: tuple[DataCheck, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    """What it ran on, as its events say: ``(("airflow", "3.3.2"), ("dbt", "1.10.23"))``; kept of failed runs, and of a
    job's last one that ended well."""


@dataclass(frozen=True, kw_only=True)
class RunIo:
    """A data set that one run has read or written."""

    run_id: str
    dataset: LineageDataset
    io: str
    schema_id: NodeId | None = None
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class SchemaVersion:
    """Columns of a data set as they were from one time to another, in one class of sources."""

    dataset_id: NodeId
    schema_id: NodeId
    source_class: str
    """``observed``: every column has a type, read from the database. ``declared``: written down by somebody."""
    first_seen: str
    last_seen: str
    columns: tuple[tuple[str, str], ...] = ()
    """Name and type; an empty type is unknown."""


@dataclass(frozen=True, kw_only=True)
class ColumnEdge:
    """One column is computed from another."""

    out_dataset: LineageDataset
    out_column: str
    in_dataset: LineageDataset
    in_column: str
    job: LineageJob
    last_seen: str = ""
    first_seen: str = ""


@dataclass(frozen=True, kw_only=True)
class Asset:
    """An asset as Airflow knows it."""

    id: int
    uri: str
    name: str
    producers: tuple[tuple[str, str], ...] = ()
    """Dag and task ids of the tasks that have it as outlet."""
    consumers: tuple[tuple[str, str], ...] = ()
    """Of those that have it as inlet."""
    starts: tuple[str, ...] = ()
    """Dags that it starts."""


@dataclass(frozen=True, kw_only=True)
class AssetEvent:
    """One event of an asset as Airflow notes it."""

    id: int
    asset_id: int
    uri: str
    at: str
    dag_id: str = ""
    """Of the task that caused it; empty for one that came through the API."""
    task_id: str = ""
    run_id: str = ""
    partition_key: str = ""
    consumers: tuple[DagRunRecord, ...] = ()
    """The runs that it had a part in starting."""
