"""The lineage tables, read: the port `LineageReader` on a database. One place that knows the SQL of the questions.

Data sets that producers declared to be the same are one: an id is the canonical one, and every question goes over all
of its aliases. All questions of one `reading` see the same state of the store.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError

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
from airflow_agentic.store.lineage_rows import (
    DAY_US,
    Runs,
    a_dataset,
    a_job,
    a_run,
    asset_uris,
    micros_of,
    moment,
    raw_id,
    run_uuid,
    schema_columns,
    with_told,
)
from airflow_agentic.store.lineage_statements import (
    ASK_ASSETS,
    ASK_CANON,
    ASK_CHILDREN,
    ASK_COLUMNS_INTO,
    ASK_COLUMNS_READ,
    ASK_DATASET_OWNERS,
    ASK_EDGES_OF_DATASETS,
    ASK_EDGES_OF_JOBS,
    ASK_FANS,
    ASK_FIELDS,
    ASK_FIRST_RUN,
    ASK_JOB,
    ASK_JOB_OF_TASK,
    ASK_JOB_TOLD,
    ASK_JOBS_BY_ID,
    ASK_NEWEST_POSTGRES,
    ASK_NEWEST_SQLITE,
    ASK_PARTITION,
    ASK_PARTITION_OF_JOBS,
    ASK_RUN_IO,
    ASK_RUN_TOLD,
    ASK_RUNS_BY_ID,
    ASK_RUNS_OF_TASK_RUN,
    ASK_SCHEMAS,
    ASK_VERSIONS,
    ASK_WRITERS,
    NAME_CAP,
    RAW_IDS,
    RUN_ID,
    RUN_JOB,
    RUN_LAST,
    VERSION_CAP,
    as_text,
)
from airflow_agentic.store.lineage_tables import (
    DATASETS,
    JOBS,
)

_IO = {"input": 0, "output": 1}
_MOST_PADDED = 8_192


class SqlLineage:
    """Opens readings of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def reading(self) -> Iterator[SqlLineageReader]:
        """Give a reader of one state of the store. :raises StoreError: it cannot be reached."""
        with self._database.read() as connection:
            yield SqlLineageReader(connection, sqlite=self._database.sqlite)


class SqlLineageReader:
    """The port `LineageReader` within one transaction."""

    def __init__(self, connection: Connection, *, sqlite: bool) -> None:
        self._connection = connection
        self._sqlite = sqlite
        self._jobs: dict[NodeId, LineageJob] = {}
        self._walked: dict[tuple[Select[Any], tuple[NodeId, ...]], tuple[LineageEdge, ...]] = {}
        """Edges asked for before: a reading sees one state, and the partition's are the walk's first."""

    def find_jobs(self, name: str) -> tuple[LineageJob, ...]:
        """Return jobs called so: ``dag_id.task_id``, or a job's whole name; at most 50."""
        splits = [(name[:i], name[i + 1 :]) for i, c in enumerate(name[:500]) if c == "."]
        rows = [row for dag, task in splits for row in self._ask(ASK_JOB_OF_TASK, {"dag": dag, "task": task})]
        if rows:
            return tuple(a_job(*row) for row in rows[:NAME_CAP])
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
        return {row[0]: row[1] for row in self._ask(ASK_FANS[_IO[io]], {"ids": list(dataset_ids)})}

    def edges_of_jobs(self, job_ids: Sequence[NodeId], io: str) -> tuple[LineageEdge, ...]:
        """Return what jobs have as *io*, with the fan of each data set on its other side."""
        if not job_ids:
            return ()
        return self._edges(ASK_EDGES_OF_JOBS[_IO[io]], job_ids, io)

    def edges_of_datasets(self, dataset_ids: Sequence[NodeId], io: str) -> tuple[LineageEdge, ...]:
        """Return the jobs that have data sets as *io*; at most 2,000, the most recently seen first."""
        if not dataset_ids:
            return ()
        return self._edges(ASK_EDGES_OF_DATASETS[_IO[io]], dataset_ids, io)

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
        return self._runs(self._newest(job_ids, limit, until))

    def runs_of_jobs(
        self, job_ids: Sequence[NodeId], *, limit: int, until: str = ""
    ) -> Mapping[NodeId, Sequence[LineageRun]]:
        """Return the same job by job, each run to be made when it is looked at."""
        rows: dict[NodeId, list[Any]] = defaultdict(list)
        for row in _newest_first(self._newest(job_ids, limit, until)):
            rows[row[RUN_JOB]].append(row)
        jobs = self._known_jobs(rows)
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
        limit = micros_of(until) if until else 1 << 62
        rows = self._ask(ASK_VERSIONS, {"ids": list(dataset_ids), "until": limit})
        kept: list[Any] = []
        count: dict[tuple[Any, Any], int] = {}
        for row in rows:
            line = row[0], row[1]
            count[line] = count.get(line, 0) + 1
            if count[line] <= VERSION_CAP:
                kept.append(row)
        fields = self._fields({row[2] for row in kept})
        return tuple(
            SchemaVersion(
                dataset_id=row[0],
                schema_id=row[2],
                source_class="declared" if row[1] else "observed",
                first_seen=moment(row[3]),
                last_seen=moment(row[4]),
                columns=fields.get(row[2], ()),
            )
            for row in kept
        )

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

    def _ask(self, statement: Select[Any], given: Mapping[str, Any]) -> Sequence[Any]:
        """Return all rows, from the driver: SQLAlchemy's way to a known statement costs more than most answers do."""
        text, brought = as_text(statement, sqlite_=self._sqlite)
        if self._sqlite:
            text, given = _for_sqlite(text, given)
        dialect, cursor = self._connection.dialect, self._connection.connection.cursor()
        try:
            cursor.execute(text, {**brought, **given})
            return cursor.fetchall()
        except dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(text, None, error, dialect.loaded_dbapi.Error, dialect=dialect) from error
        finally:
            cursor.close()

    def _ask_of_runs(self, statement: Select[Any], run_ids: Iterable[str]) -> Sequence[Any]:
        return self._ask(statement, {"ids": [raw_id(run_id) for run_id in run_ids]})

    def _newest(self, job_ids: Sequence[NodeId], limit: int, until: str) -> Sequence[Any]:
        given = {"n": limit, "until": micros_of(until) if until else (1 << 62), "ids": list(job_ids)}
        return self._ask(ASK_NEWEST_SQLITE if self._sqlite else ASK_NEWEST_POSTGRES, given) if job_ids else ()

    def _edges(self, statement: Select[Any], ids: Sequence[NodeId], io: str) -> tuple[LineageEdge, ...]:
        key = statement, tuple(ids)
        if key not in self._walked:
            found = tuple(_edge(row, io) for row in self._ask(statement, {"ids": list(ids)}))
            self._jobs.update({edge.job.id: edge.job for edge in found})
            self._walked[key] = found
        return self._walked[key]

    def _runs(self, rows: Sequence[Any]) -> tuple[LineageRun, ...]:
        """Return runs from rows in the order of `RUN_COLUMNS`, newest first."""
        jobs = self._known_jobs({row[RUN_JOB] for row in rows})
        return tuple(a_run(row, jobs[row[RUN_JOB]]) for row in _newest_first(rows) if row[RUN_JOB] in jobs)

    def _known_jobs(self, job_ids: Collection[NodeId]) -> Mapping[NodeId, LineageJob]:
        """Return all jobs that this reading has come across, these among them where they exist."""
        if missing := [key for key in job_ids if key not in self._jobs]:
            for job in self._ask(ASK_JOBS_BY_ID, {"ids": missing}):
                self._jobs[job[0]] = a_job(*job)
        return self._jobs

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

    def _fields(self, schema_ids: Iterable[int]) -> dict[int, tuple[tuple[str, str], ...]]:
        return {key: schema_columns(text) for key, text in self._ask(ASK_SCHEMAS, {"ids": list(schema_ids)})}

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


def _for_sqlite(text: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return lists as JSON, and those of bytes one by one: as many as the next power of two, so that texts are few."""
    if RAW_IDS not in text:
        return text, {name: json.dumps(value) if isinstance(value, list) else value for name, value in given.items()}
    ids = given["ids"]
    more = (1 << (len(ids) - 1).bit_length()) - len(ids) if len(ids) <= _MOST_PADDED else 0
    padded = [*ids, *[ids[-1]] * more]
    named = {f"id_{number}": one for number, one in enumerate(padded)}
    rest = {name: value for name, value in given.items() if name != "ids"}
    return text.replace(RAW_IDS, ", ".join(f":{name}" for name in named)), {**rest, **named}


def _edge(row: Any, io: str) -> LineageEdge:
    return LineageEdge(
        job=a_job(*row[0:6]), dataset=a_dataset(*row[6:9]), io=io, last_seen=moment(row[9] * DAY_US), fan=row[10]
    )
