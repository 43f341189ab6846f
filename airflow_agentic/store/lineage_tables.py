"""The tables of lineage. What an event leaves here does not depend on when, or how often, it arrived.

Ids are computed, not counted: 63 bits of a hash over the natural key (`airflow_agentic.lineage.normalize` has the
functions), so that two processes that see the same name write the same row without asking each other, and any order
of events ends in the same rows. A run's id is its OpenLineage UUID as 16 bytes. Times are microseconds since 1970 in
UTC, days are days since 1970. Unbounded names stand in no index: PostgreSQL's B-tree refuses more than 2,700 bytes.

Direction: ``io`` is 0 for an input of a job (job reads dataset) and 1 for an output (job writes dataset).
Source class: 0 observed (every column has a type), 1 declared (as documented; not every column, or no types).
State: see `airflow_agentic.lineage.wire.STATES`; 0 means that the run was only mentioned, as a parent.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, String, Table, Text

from airflow_agentic.store.tables import METADATA


def _id(name: str) -> Column[int]:
    return Column(name, BigInteger, primary_key=True, autoincrement=False)


def _table(name: str, *parts: Column[Any] | Index, rowid: bool = False) -> Table:
    # SQLite: small rows live in their primary key, so that no second tree is written.
    return Table(name, METADATA, *parts, sqlite_with_rowid=rowid)


def _only(dialect: str, index: Index) -> Index:
    index.info["dialect"] = dialect  # Alembic compares tables without asking `ddl_if`
    index.ddl_if(dialect=dialect)
    return index


JOBS = _table(
    "agentic_ol_jobs",
    _id("id"),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("dag_id", String(250)),
    Column("task_id", String(250)),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Index("agentic_ol_jobs_task", "dag_id", "task_id"),
)

JOB_FACETS = _table(
    "agentic_ol_job_facets",
    _id("job_id"),
    Column("facet", String(40), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("value", Text, nullable=False),
    rowid=True,
)
"""The latest known of: job_type, integration, owners, tags, documentation, sql, source_code, inlets, outlets,
operator, fileloc, dbt_node, versions (what the last run that ended well ran on). Lists and objects are JSON."""

DATASETS = _table(
    "agentic_ol_datasets",
    _id("id"),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("canonical_id", BigInteger, nullable=False),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Index("agentic_ol_datasets_canonical", "canonical_id"),
)
"""``canonical_id`` is the smallest id among those that symlinks declare to be the same; its own where none does."""

DATASET_FACETS = _table(
    "agentic_ol_dataset_facets",
    _id("dataset_id"),
    Column("facet", String(40), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("value", Text, nullable=False),
    rowid=True,
)
"""The latest known of: owners, a JSON list of names."""

DATASET_NAMES = _table(
    "agentic_ol_dataset_names",
    _id("id"),
    Column("dataset_id", BigInteger, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Index("agentic_ol_dataset_names_dataset", "dataset_id"),
)
"""Spellings of producers that differ from the normalised one."""

SYMLINKS = _table("agentic_ol_symlinks", _id("low_id"), _id("high_id"))
"""Pairs of datasets that a producer declared to be the same, the smaller id first."""

SCHEMAS = _table("agentic_ol_schemas", _id("id"), Column("fields", Text, nullable=False), rowid=True)
"""``fields``: JSON list of [name, type or null], in the producer's order; nested fields flattened to ``a.b``.
A type or name that was masked (``***``) is null, and null is unknown, never a change."""

SCHEMA_OBSERVATIONS = _table(
    "agentic_ol_schema_observations",
    _id("dataset_id"),
    Column("source_class", SmallInteger, primary_key=True, autoincrement=False),
    _id("schema_id"),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("first_at", BigInteger, nullable=False),
    Column("first_run", LargeBinary(16), nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("last_run", LargeBinary(16), nullable=False),
    Index("agentic_ol_schema_observations_newest", "dataset_id", "last_at"),
)
"""One row per schema and day; A, B, A within one day shows as overlapping ranges, exact order is in `RUN_IO`."""

RUNS = _table(
    "agentic_ol_runs",
    Column("run_id", LargeBinary(16), primary_key=True),
    Column("job_id", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("state_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("last_event", BigInteger, nullable=False),
    Column("parent_run_id", LargeBinary(16)),
    Column("root_run_id", LargeBinary(16)),
    Column("af_run_id", Text),
    Column("try_number", Integer),
    Column("max_tries", Integer),
    Column("map_index", Integer),
    Column("nominal_start", BigInteger),
    Column("nominal_end", BigInteger),
    Column("partition_key", Text),
    _only("postgresql", Index("agentic_ol_runs_job", "job_id", "last_event")),
    _only("sqlite", Index(
        "agentic_ol_runs_of_job", "job_id", "last_event", "run_id", "state", "started_at", "ended_at", "parent_run_id",
        "af_run_id", "try_number", "map_index", "partition_key",
    )),
    Index("agentic_ol_runs_parent", "parent_run_id"),
)  # fmt: skip
"""SQLite's index by job holds all that is told of a run: the newest runs of thirty jobs are read without a seek each.
``max_tries`` is 1 + the task's retries: a FAIL with try_number below it is not the last word."""

RUN_FACETS = _table(
    "agentic_ol_run_facets",
    Column("run_id", LargeBinary(16), primary_key=True),
    Column("facet", String(40), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("value", Text, nullable=False),
    rowid=True,
)
"""What only some runs have: error (message), stack, ddl (a rendered statement that alters a table),
assertions, upstream (jobDependencies), tasks (states of a Dag run's tasks), version (of the Dag's code), versions
(what a failed run ran on)."""

JOB_IO = _table(
    "agentic_ol_job_io",
    _id("job_id"),
    Column("io", SmallInteger, primary_key=True, autoincrement=False),
    _id("dataset_id"),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Index("agentic_ol_job_io_dataset", "dataset_id", "io", "job_id"),
)
"""The graph."""

RUN_IO = _table(
    "agentic_ol_run_io",
    Column("run_id", LargeBinary(16), primary_key=True),
    Column("io", SmallInteger, primary_key=True, autoincrement=False),
    _id("dataset_id"),
    Column("schema_at", BigInteger),
    Column("schema_id", BigInteger),
    Column("row_count", BigInteger),
    Column("byte_count", BigInteger),
)
"""``schema_id``: the last schema this run saw; of outputs only what it left behind, on COMPLETE."""

FIELDS = _table(
    "agentic_ol_fields",
    _id("id"),
    Column("dataset_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Index("agentic_ol_fields_dataset", "dataset_id"),
)

COLUMN_EDGES = _table(
    "agentic_ol_column_edges",
    _id("out_field"),
    _id("in_field"),
    _id("job_id"),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Index("agentic_ol_column_edges_in", "in_field", "out_field", "job_id"),
)
"""Which column is made of which, by which job."""

PARTITIONS = _table(
    "agentic_ol_partitions",
    _id("dataset_id"),
    Column("partition_key", String(250), primary_key=True),
    Column("run_id", LargeBinary(16), primary_key=True),
)
"""The runs that write a partition of a dataset; their state is in `RUNS`. What a task's children write (dbt models,
queries of hooks) is not here: go from `PARTITION_RUNS` over ``RUNS.parent_run_id`` to `RUN_IO`."""

PARTITION_RUNS = _table(
    "agentic_ol_partition_runs",
    Column("partition_key", String(250), primary_key=True),
    _id("job_id"),
    Column("run_id", LargeBinary(16), primary_key=True),
)
"""Every run that works for a partition, whether it is known to write or not, by the job that its events name."""

EVENTS = _table(
    "agentic_ol_events",
    Column("event_key", LargeBinary(16), primary_key=True),
    Column("received_day", Integer, nullable=False),
)
"""What was taken in already. Only saves work: taking an event in twice changes nothing."""

ARRIVALS = _table(
    "agentic_ol_arrivals",
    Column("producer", String(200), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)
"""Per producer and day: the first and the last moment at which events arrived, to a minute."""

LINEAGE_TABLES = (
    JOBS, JOB_FACETS, DATASETS, DATASET_FACETS, DATASET_NAMES,
    SYMLINKS, SCHEMAS, SCHEMA_OBSERVATIONS, RUNS, RUN_FACETS, JOB_IO, RUN_IO,
    FIELDS, COLUMN_EDGES, PARTITIONS, PARTITION_RUNS, EVENTS, ARRIVALS,
)  # fmt: skip
