"""The lineage tables, read: the port `LineageReader` on a database. One place that knows the SQL of the questions.

Data sets that producers declared to be the same are one: an id is the canonical one, and every question goes over all
of its aliases. All questions of one `reading` see the same state of the store.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    or_,
    select,
)

from airflow_agentic.records.lineage import (
    ColumnEdge,
    LineageDataset,
    LineageEdge,
    LineageJob,
    LineageRun,
    NodeId,
    RunIo,
    SchemaVersion,
)
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_asking import Asking
from airflow_agentic.store.lineage_edges import IO, Edges
from airflow_agentic.store.lineage_rows import (
    DAY_US,
    Runs,
    a_dataset,
    a_job,
    a_run,
    asset_uris,
    micros_of,
    moment,
    run_uuid,
    with_told,
)
from airflow_agentic.store.lineage_statements import (
    ASK_ASSETS,
    ASK_CANON,
    ASK_CHILDREN,
    ASK_COLUMNS_INTO,
    ASK_COLUMNS_READ,
    ASK_DATASET_OWNERS,
    ASK_FANS,
    ASK_FIELDS,
    ASK_FIRST_RUN,
    ASK_JOB,
    ASK_JOB_OF_TASK,
    ASK_JOB_TOLD,
    ASK_NEWEST_POSTGRES,
    ASK_NEWEST_SQLITE,
    ASK_PARTITION,
    ASK_PARTITION_OF_JOBS,
    ASK_RUN_IO,
    ASK_RUN_TOLD,
    ASK_RUNS_BY_ID,
    ASK_RUNS_OF_TASK_RUN,
    ASK_WRITERS,
    NAME_CAP,
    RUN_ID,
    RUN_JOB,
    RUN_LAST,
)
from airflow_agentic.store.lineage_tables import (
    DATASETS,
    JOBS,
)
from airflow_agentic.store.lineage_versions import Schemas, schema_versions

_EVER = 1 << 62


class SqlLineage:
    """Opens readings of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._schemas: Schemas = {}

    @contextmanager
    def reading(self) -> Iterator[SqlLineageReader]:
        """Give a reader of one state of the store. :raises StoreError: it cannot be reached."""
        with self._database.read() as connection:
            asking = Asking(connection, sqlite=self._database.sqlite)
            asking.plan_once()
            yield SqlLineageReader(asking, connection, self._schemas)


class SqlLineageReader:
    """The port `LineageReader` within one transaction."""

    def __init__(self, asking: Asking, connection: Connection, schemas: Schemas) -> None:
        self._asking, self._ask, self._ask_of_runs = asking, asking.ask, asking.ask_of_runs
        self._connection = connection
        self._edges = Edges(asking)
        self._schemas = schemas

    def find_jobs(self, name: str) -> tuple[LineageJob, ...]:
        """Return jobs called so: ``dag_id.task_id``, or a job's whole name; at most 50."""
        splits = [(name[:i], name[i + 1 :]) for i, c in enumerate(name[:500]) if c == "."]
        rows = [row for dag, task in splits for row in self._ask(ASK_JOB_OF_TASK, {"dag": dag, "task": task})]
        if rows:
            return tuple(self._edges.met_job(row) for row in rows[:NAME_CAP])
        return self._job_rows(ASK_JOB.where(or_(JOBS.c.name == name, JOBS.c.dag_id == name)).limit(NAME_CAP))

    def find_datasets(self, name: str) -> tuple[LineageDataset, ...]:
        """Return data sets called so, whole name or its last parts, with or without namespace; at most 50."""
        full = DATASETS.c.namespace + "/" + DATASETS.c.name
        tail = name.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        for condition in (
            DATASETS.c.name == name,
            or_(full == name, DATASETS.c.namespace + " " + DATASETS.c.name == name),
            or_(DATASETS.c.name.like(f"%.{tail}", escape="\\"), DATASETS.c.name.like(f"%/{tail}", escape="\\")),
        ):
            rows = self._connection.execute(
                select(ASK_CANON.c.id, ASK_CANON.c.namespace, ASK_CANON.c.name)
                .distinct()
                .join(DATASETS, DATASETS.c.canonical_id == ASK_CANON.c.id)
                .where(condition)
                .limit(NAME_CAP)
            )
            if found := tuple(a_dataset(*row) for row in rows):
                return found
        return ()

    def jobs_of_tasks(self, dag_id: str, task_ids: Sequence[str]) -> tuple[LineageJob, ...]:
        """Return the jobs of a Dag's tasks."""
        return self._job_rows(ASK_JOB.where(JOBS.c.dag_id == dag_id, JOBS.c.task_id.in_(list(task_ids))))

    def fans(self, dataset_ids: Sequence[NodeId], io: str) -> Mapping[NodeId, int]:
        """Return how many jobs have each data set as *io*, counted up to 10,000."""
        if not dataset_ids:
            return {}
        return {row[0]: row[1] for row in self._ask(ASK_FANS[IO[io]], {"ids": list(dataset_ids)})}

    def edges_of_jobs(self, job_ids: Sequence[NodeId], io: str) -> tuple[LineageEdge, ...]:
        """Return what jobs have as *io*, with the fan of each data set on its other side."""
        return self._edges.of_jobs(job_ids, io)

    def edges_of_datasets(self, dataset_ids: Sequence[NodeId], io: str) -> tuple[LineageEdge, ...]:
        """Return the jobs that have data sets as *io*; at most 2,000, the most recently seen first."""
        return self._edges.of_datasets(dataset_ids, io)

    def assets_of_jobs(self, job_ids: Sequence[NodeId]) -> Mapping[NodeId, tuple[tuple[str, ...], tuple[str, ...]]]:
        """Return the URIs of Airflow's inlets and outlets of jobs."""
        found: dict[NodeId, dict[str, tuple[str, ...]]] = {}
        if job_ids:
            for job_id, facet, value in self._ask(ASK_ASSETS, {"ids": list(job_ids)}):
                found.setdefault(job_id, {})[facet] = asset_uris(value)
        return {key: (said.get("inlets", ()), said.get("outlets", ())) for key, said in found.items()}

    def owners_of_datasets(self, dataset_ids: Sequence[NodeId]) -> Mapping[NodeId, tuple[str, ...]]:
        """Return who owns data sets, as their producers said last."""
        if not dataset_ids:
            return {}
        found: dict[NodeId, dict[str, None]] = {}
        for dataset_id, value in self._ask(ASK_DATASET_OWNERS, {"ids": list(dataset_ids)}):
            found.setdefault(dataset_id, {}).update(dict.fromkeys(json.loads(value)))
        return {key: tuple(names) for key, names in found.items()}

    def last_runs(self, job_ids: Sequence[NodeId], *, limit: int, until: str = "") -> tuple[LineageRun, ...]:
        """Return each job's newest *limit* runs (whose last event is not after *until*), newest first."""
        return self._runs([row for rows in self._newest(job_ids, limit, until).values() for row in rows])

    def runs_of_jobs(
        self, job_ids: Sequence[NodeId], *, limit: int, until: str = ""
    ) -> Mapping[NodeId, Sequence[LineageRun]]:
        """Return the same job by job, each run to be made when it is looked at."""
        rows = self._newest(job_ids, limit, until)
        jobs = self._edges.known_jobs(rows)
        return {key: Runs(found, jobs[key]) for key, found in rows.items() if key in jobs}

    def runs_of_task_run(self, job_ids: Sequence[NodeId], airflow_run_id: str) -> tuple[LineageRun, ...]:
        """Return all tries of jobs within one Dag run."""
        if not job_ids:
            return ()
        return self._told(self._runs(self._ask(ASK_RUNS_OF_TASK_RUN, {"ids": list(job_ids), "run": airflow_run_id})))

    def child_runs(self, run_ids: Sequence[str]) -> tuple[LineageRun, ...]:
        """Return the runs that were started by runs: queries of hooks, dbt models."""
        return self._runs(self._ask_of_runs(ASK_CHILDREN, run_ids)) if run_ids else ()

    def io_of_runs(self, run_ids: Sequence[str]) -> tuple[RunIo, ...]:
        """Return what runs have read and written."""
        if not run_ids:
            return ()
        return tuple(
            RunIo(
                run_id=run_uuid(row[0]),
                dataset=a_dataset(row[3], row[4], row[5]),
                io="output" if row[1] else "input",
                schema_id=row[2],
                rows=row[6],
            )
            for row in self._ask_of_runs(ASK_RUN_IO, run_ids)
        )

    def runs_by_id(self, run_ids: Sequence[str]) -> tuple[LineageRun, ...]:
        """Return runs, with error and statement where kept."""
        return self._told(self._runs(self._ask_of_runs(ASK_RUNS_BY_ID, run_ids))) if run_ids else ()

    def writers_between(self, dataset_id: NodeId, since: str, until: str) -> tuple[LineageRun, ...]:
        """Return runs that had the data set as output and were at work between two times, newest first; at most 20.

        Those that altered it by a statement come first, so that a busy table's other writers do not crowd them out.
        """
        given = {"dataset": dataset_id, "since": micros_of(since), "until": micros_of(until)}
        return self._told(self._runs(self._ask(ASK_WRITERS, given)))

    def schema_versions(self, dataset_ids: Sequence[NodeId], *, until: str = "") -> tuple[SchemaVersion, ...]:
        """Return every known schema of data sets (seen before *until*), the last seen first; at most 10 each."""
        if not dataset_ids:
            return ()
        limit = micros_of(until) if until else _EVER
        return schema_versions(self._asking, dataset_ids, limit, self._schemas)

    def first_run(self, version: SchemaVersion) -> str:
        """Return the id of the run that saw a version of a data set first; empty if it is not known any more."""
        given = {"dataset": version.dataset_id, "schema": version.schema_id, "first": micros_of(version.first_seen)}
        return next((run_uuid(row[0]) for row in self._ask(ASK_FIRST_RUN, given)), "")

    def column_sources(self, columns: Sequence[tuple[NodeId, str]]) -> tuple[ColumnEdge, ...]:
        """Return the edges that lead into columns; at most 2,000."""
        if not columns:
            return ()
        given = {"ids": list({d for d, _ in columns}), "names": list({name for _, name in columns})}
        wanted = set(columns)
        fields = [row[0] for row in self._ask(ASK_FIELDS, given) if (row[1], row[2]) in wanted]
        return self._column_edges(ASK_COLUMNS_INTO, {"ids": fields}) if fields else ()

    def columns_read(self, job_ids: Sequence[NodeId]) -> tuple[ColumnEdge, ...]:
        """Return the column edges that jobs themselves have told; at most 5,000."""
        if not job_ids:
            return ()
        return self._column_edges(ASK_COLUMNS_READ, {"ids": list(job_ids)})

    def partition_runs(self, partition_key: str, job_ids: Sequence[NodeId] = ()) -> tuple[LineageRun, ...]:
        """Return the runs (of jobs) that worked for a partition, newest first; at most 500."""
        keys = [partition_key, *(f"{partition_key}{end}" for end in ("T00:00:00", "T00:00:00+00:00", " 00:00:00"))]
        if job_ids:
            return self._runs(self._ask(ASK_PARTITION_OF_JOBS, {"keys": keys, "ids": list(job_ids)}))
        return self._runs(self._ask(ASK_PARTITION, {"keys": keys}))

    def _job_rows(self, statement: Select[Any]) -> tuple[LineageJob, ...]:
        return tuple(a_job(*row) for row in self._connection.execute(statement.limit(NAME_CAP)))

    def _newest(self, job_ids: Sequence[NodeId], limit: int, until: str) -> Mapping[NodeId, Sequence[Any]]:
        """Return the rows of each job's newest *limit* runs, newest first; the job that ran last comes first."""
        if not job_ids or limit < 1:
            return {}
        given = {"until": micros_of(until) if until else _EVER, "ids": list(job_ids), "n": limit, "before": limit - 1}
        by_job: dict[NodeId, list[Any]] = defaultdict(list)
        for row in self._ask(ASK_NEWEST_SQLITE if self._asking.sqlite else ASK_NEWEST_POSTGRES, given):
            by_job[row[RUN_JOB]].append(row)
        found = [_newest_first(_cut(rows, limit)) for rows in by_job.values()]
        return {rows[0][RUN_JOB]: rows for rows in sorted(found, key=_last_of, reverse=True)}

    def _runs(self, rows: Sequence[Any]) -> tuple[LineageRun, ...]:
        """Return runs from rows in the order of `RUN_COLUMNS`, newest first."""
        jobs = self._edges.known_jobs({row[RUN_JOB] for row in rows})
        return tuple(a_run(row, jobs[row[RUN_JOB]]) for row in _newest_first(rows) if row[RUN_JOB] in jobs)

    def _told(self, runs: tuple[LineageRun, ...]) -> tuple[LineageRun, ...]:
        """Add what only some runs have: their error and statement, checks, what they ran on."""
        if not runs:
            return ()
        said: dict[str, dict[str, str]] = {}
        for run_id, facet, value in self._ask_of_runs(ASK_RUN_TOLD, (run.run_id for run in runs)):
            said.setdefault(run_uuid(run_id), {})[facet] = value
        jobs: dict[NodeId, dict[str, str]] = {}
        for job_id, facet, at, value in self._ask(ASK_JOB_TOLD, {"ids": list({r.job.id for r in runs})}):
            jobs.setdefault(job_id, {})[facet if facet == "sql" else moment(at)] = value
        return tuple(with_told(run, said.get(run.run_id, {}), jobs.get(run.job.id, {})) for run in runs)

    def _column_edges(self, statement: Any, given: Mapping[str, Any]) -> tuple[ColumnEdge, ...]:
        return tuple(
            ColumnEdge(
                out_dataset=a_dataset(row[0], row[1], row[2]),
                out_column=row[3],
                in_dataset=a_dataset(row[4], row[5], row[6]),
                in_column=row[7],
                job=a_job(*row[8:14]),
                last_seen=moment(row[14] * DAY_US),
                first_seen=moment(row[15] * DAY_US),
            )
            for row in self._ask(statement, given)
        )


def _newest_first(rows: Iterable[Any]) -> list[Any]:
    return sorted(sorted(rows, key=itemgetter(RUN_ID)), key=itemgetter(RUN_LAST), reverse=True)


def _last_of(rows: Sequence[Any]) -> Any:
    return rows[0][RUN_LAST]


def _cut(rows: list[Any], limit: int) -> list[Any]:
    """Return at most *limit* rows of one job: of those of one time the ones with the greatest ids."""
    return rows if len(rows) <= limit else sorted(rows, key=itemgetter(RUN_LAST, RUN_ID), reverse=True)[:limit]
