"""The statements behind `lineage_queries`: built once, so that a question costs no more than its parameters.

Data sets are asked for by their canonical id; every statement goes over all aliases of it. A list of ids is one
parameter, so that a statement is one text however many ids there are: both databases keep its plan then.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    LargeBinary,
    Select,
    Text,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from airflow_agentic.store.lineage_rows import OWNERS
from airflow_agentic.store.lineage_tables import (
    COLUMN_EDGES,
    DATASET_FACETS,
    DATASETS,
    FIELDS,
    JOB_FACETS,
    JOB_IO,
    JOBS,
    PARTITION_RUNS,
    RUN_FACETS,
    RUN_IO,
    RUNS,
    SCHEMA_OBSERVATIONS,
    SCHEMAS,
)

FAN_CAP = 10_000
THROUGH = 50
"""Jobs on one side of a data set up to which they come with the other side's: what has more is counted only."""
EDGE_CAP, COLUMN_CAP, COLUMN_READ_CAP, PARTITION_CAP, NAME_CAP, WRITER_CAP, VERSION_CAP = (
    2_000,
    2_000,
    5_000,
    500,
    50,
    20,
    10,
)
RUN_COLUMNS = (
    "run_id", "job_id", "state", "started_at", "ended_at", "last_event", "parent_run_id", "af_run_id", "try_number",
    "map_index", "partition_key",
)  # fmt: skip
"""What a question about runs brings, in this order: half of the time that ten runs of a job take goes by columns."""
RUN_ID, RUN_JOB, RUN_LAST = (RUN_COLUMNS.index(name) for name in ("run_id", "job_id", "last_event"))
ASK_CANON = DATASETS.alias("canon")
RAW_IDS = "/* raw ids */"
"""Stands where SQLite is given ids one by one: bytes, which its JSON cannot carry."""


class _Among(ColumnElement[bool]):
    """Whether a column's value is in a list that is one parameter: JSON for SQLite, an array for PostgreSQL."""

    inherit_cache = False
    type = Boolean()
    _is_implicitly_boolean = True

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.raw = isinstance(column.type, LargeBinary)
        kind = LargeBinary if self.raw else BigInteger if isinstance(column.type, BigInteger) else Text
        self.sqlite: BindParameter[Any] = bindparam(name, type_=Text)
        self.postgresql: BindParameter[Any] = bindparam(name, type_=ARRAY(kind))


@compiles(_Among, "sqlite")
def _json_list(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    if element.raw:
        return f"{compiler.process(element.column, **kw)} IN ({RAW_IDS})"
    listed = compiler.process(element.sqlite)
    return f"{compiler.process(element.column, **kw)} IN (SELECT value FROM json_each({listed}))"  # noqa: S608


@compiles(_Among, "postgresql")
def _array(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(element.column, **kw)} = ANY({compiler.process(element.postgresql)})"


def among(column: Any, name: str = "ids") -> ColumnElement[bool]:
    """Return whether *column* is among the parameter *name*: a list of ids, or of texts."""
    return _Among(column, name)


@cache
def as_text(statement: Select[Any], *, sqlite_: bool) -> tuple[str, dict[str, Any]]:
    """Return a statement as the driver takes it, and the values that it brings along."""
    dialect = sqlite.dialect(paramstyle="named") if sqlite_ else postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
    compiled = statement.compile(dialect=dialect)
    return str(compiled), {name: value for name, value in compiled.params.items() if value is not None}


def _owners(job_id: Any) -> Any:
    return (
        select(JOB_FACETS.c.value).where(JOB_FACETS.c.job_id == job_id, JOB_FACETS.c.facet == OWNERS).scalar_subquery()
    )


def fan(io: int) -> Any:
    """Count the jobs on one side of a canonical data set, up to a cap: an index range, whatever hangs on it."""
    alias = DATASETS.alias()
    capped = (
        select(literal_column("1"))
        .select_from(JOB_IO.join(alias, alias.c.id == JOB_IO.c.dataset_id))
        .where(alias.c.canonical_id == ASK_CANON.c.id, JOB_IO.c.io == io)
        .correlate(ASK_CANON)
        .limit(FAN_CAP)
        .subquery()
    )
    return select(func.count()).select_from(capped).scalar_subquery()


ASK_JOB_COLUMNS: tuple[Any, ...] = (
    JOBS.c.id,
    JOBS.c.namespace,
    JOBS.c.name,
    JOBS.c.dag_id,
    JOBS.c.task_id,
    _owners(JOBS.c.id),
)
ASK_JOB = select(*ASK_JOB_COLUMNS)
ASK_JOBS_BY_ID = ASK_JOB.where(among(JOBS.c.id))
ASK_JOB_OF_TASK = ASK_JOB.where(JOBS.c.dag_id == bindparam("dag"), JOBS.c.task_id == bindparam("task")).limit(NAME_CAP)
ASK_DATASET_COLUMNS: tuple[Any, ...] = (ASK_CANON.c.id, ASK_CANON.c.namespace, ASK_CANON.c.name)
ASK_DATASETS_BY_ID = select(*ASK_DATASET_COLUMNS).where(among(ASK_CANON.c.id))
ASK_FANS = tuple(select(ASK_CANON.c.id, fan(io)).where(among(ASK_CANON.c.id)) for io in (0, 1))


def _near_and_far(io: int) -> Any:
    """Return what jobs have on one side with its fan, and, without one, the jobs on the far side of what is no hub.

    The jobs that are asked about are known to who asks, so of them only the id comes.
    """
    near = (
        select(JOB_IO.c.job_id, *ASK_DATASET_COLUMNS, JOB_IO.c.last_day, fan(1 - io).label("fan"))
        .select_from(
            JOB_IO.join(DATASETS, DATASETS.c.id == JOB_IO.c.dataset_id).join(
                ASK_CANON, ASK_CANON.c.id == DATASETS.c.canonical_id
            )
        )
        .where(among(JOB_IO.c.job_id), JOB_IO.c.io == io)
        .cte("near")
    )
    none = null().label("none")
    return union_all(
        select(near.c.job_id, near.c.namespace, near.c.name, none, none, none, near.c.id, near.c.last_day, near.c.fan),
        select(*ASK_JOB_COLUMNS, DATASETS.c.canonical_id, JOB_IO.c.last_day, none)
        .select_from(
            DATASETS.join(JOB_IO, (JOB_IO.c.dataset_id == DATASETS.c.id) & (JOB_IO.c.io == 1 - io)).join(
                JOBS, JOBS.c.id == JOB_IO.c.job_id
            )
        )
        .where(DATASETS.c.canonical_id.in_(select(near.c.id).where(near.c.fan >= 1, near.c.fan <= THROUGH))),
    )


ASK_EDGES_OF_JOBS = tuple(_near_and_far(io) for io in (0, 1))
ASK_EDGES_OF_DATASETS = tuple(
    select(*ASK_JOB_COLUMNS, DATASETS.c.canonical_id, JOB_IO.c.last_day)
    .select_from(JOB_IO.join(JOBS, JOBS.c.id == JOB_IO.c.job_id).join(DATASETS, DATASETS.c.id == JOB_IO.c.dataset_id))
    .where(among(DATASETS.c.canonical_id), JOB_IO.c.io == io)
    .order_by(JOB_IO.c.last_day.desc(), JOBS.c.id)
    .limit(EDGE_CAP)
    for io in (0, 1)
)
"""Who reads, or writes, data sets; these themselves are known to who asks."""
ASK_DATASET_OWNERS = (
    select(DATASETS.c.canonical_id, DATASET_FACETS.c.value)
    .join(DATASET_FACETS, DATASET_FACETS.c.dataset_id == DATASETS.c.id)
    .where(among(DATASETS.c.canonical_id), DATASET_FACETS.c.facet == OWNERS)
    .order_by(DATASET_FACETS.c.at.desc(), DATASET_FACETS.c.dataset_id)
)
ASK_ASSETS = select(JOB_FACETS.c.job_id, JOB_FACETS.c.facet, JOB_FACETS.c.value).where(
    among(JOB_FACETS.c.job_id), (JOB_FACETS.c.facet == "inlets") | (JOB_FACETS.c.facet == "outlets")
)
ASK_JOB_TOLD = select(JOB_FACETS.c.job_id, JOB_FACETS.c.facet, JOB_FACETS.c.at, JOB_FACETS.c.value).where(
    among(JOB_FACETS.c.job_id), (JOB_FACETS.c.facet == "sql") | (JOB_FACETS.c.facet == "versions")
)
ASK_RUN_TOLD = select(RUN_FACETS.c.run_id, RUN_FACETS.c.facet, RUN_FACETS.c.value).where(
    among(RUN_FACETS.c.run_id),
    or_(*(RUN_FACETS.c.facet == name for name in ("error", "stack", "ddl", "assertions", "versions"))),
)
ASK_RUN = select(*(RUNS.c[name] for name in RUN_COLUMNS))
ASK_RUNS_OF_TASK_RUN = ASK_RUN.where(among(RUNS.c.job_id), RUNS.c.af_run_id == bindparam("run"))
ASK_CHILDREN = ASK_RUN.where(among(RUNS.c.parent_run_id))
ASK_RUNS_BY_ID = ASK_RUN.where(among(RUNS.c.run_id))
ASK_PARTITION = (
    ASK_RUN.join(PARTITION_RUNS, PARTITION_RUNS.c.run_id == RUNS.c.run_id)
    .where(among(PARTITION_RUNS.c.partition_key, "keys"))
    .order_by(RUNS.c.last_event.desc())
    .limit(PARTITION_CAP)
)
ASK_PARTITION_OF_JOBS = ASK_PARTITION.where(among(PARTITION_RUNS.c.job_id), RUNS.c.job_id == PARTITION_RUNS.c.job_id)
ASK_SEEN = RUNS.alias("seen")
_WANTED: Any = literal_column("wanted.value")
ASK_NEWEST_SQLITE = ASK_RUN.select_from(
    func.json_each(bindparam("ids", type_=Text)).table_valued("value", name="wanted")
).join(
    RUNS,
    (RUNS.c.job_id == _WANTED)
    & (RUNS.c.last_event <= bindparam("until"))
    & (
        RUNS.c.last_event
        >= func.coalesce(
            select(ASK_SEEN.c.last_event)
            .where(ASK_SEEN.c.job_id == _WANTED, ASK_SEEN.c.last_event <= bindparam("until"))
            .order_by(ASK_SEEN.c.last_event.desc())
            .limit(1)
            .offset(bindparam("before"))
            .correlate_except(ASK_SEEN)
            .scalar_subquery(),
            literal_column("-9223372036854775808"),
        )
    ),
)
"""A range of one index that holds all that is asked for, down to the time of the last one wanted: those of that very
time come with it, and who asks cuts them off."""
ASK_NEWEST_OF_JOB = (
    select(*(ASK_SEEN.c[name] for name in RUN_COLUMNS))
    .where(ASK_SEEN.c.job_id == JOBS.c.id, ASK_SEEN.c.last_event <= bindparam("until"))
    .order_by(ASK_SEEN.c.last_event.desc())
    .limit(bindparam("n"))
    .lateral("newest")
)
ASK_NEWEST_POSTGRES = (
    select(ASK_NEWEST_OF_JOB).select_from(JOBS).join(ASK_NEWEST_OF_JOB, literal_column("true")).where(among(JOBS.c.id))
)
ASK_RUN_IO = (
    select(
        RUN_IO.c.run_id,
        RUN_IO.c.io,
        RUN_IO.c.schema_id,
        ASK_CANON.c.id,
        ASK_CANON.c.namespace,
        ASK_CANON.c.name,
        RUN_IO.c.row_count,
    )
    .join(DATASETS, DATASETS.c.id == RUN_IO.c.dataset_id)
    .join(ASK_CANON, ASK_CANON.c.id == DATASETS.c.canonical_id)
    .where(among(RUN_IO.c.run_id))
)
ASK_HAS_DDL = exists().where(RUN_FACETS.c.run_id == RUNS.c.run_id, RUN_FACETS.c.facet == "ddl")
ASK_WRITERS = (
    ASK_RUN.join(JOB_IO, JOB_IO.c.job_id == RUNS.c.job_id)
    .join(DATASETS, DATASETS.c.id == JOB_IO.c.dataset_id)
    .join(
        RUN_IO, (RUN_IO.c.run_id == RUNS.c.run_id) & (RUN_IO.c.io == 1) & (RUN_IO.c.dataset_id == JOB_IO.c.dataset_id)
    )
    .where(
        DATASETS.c.canonical_id == bindparam("dataset"),
        JOB_IO.c.io == 1,
        RUNS.c.last_event >= bindparam("since"),
        func.coalesce(RUNS.c.started_at, RUNS.c.last_event) <= bindparam("until"),
    )
    .order_by(case((ASK_HAS_DDL, 0), else_=1), RUNS.c.last_event.desc())
    .limit(WRITER_CAP)
)
ASK_OBSERVED = SCHEMA_OBSERVATIONS.c
_SEEN_AS = (
    ASK_OBSERVED.source_class,
    ASK_OBSERVED.schema_id,
    func.min(ASK_OBSERVED.first_at),
    func.max(ASK_OBSERVED.last_at),
)
_SEEN_BY = (ASK_OBSERVED.dataset_id, ASK_OBSERVED.source_class, ASK_OBSERVED.schema_id)
ASK_VERSIONS_SQLITE = (
    select(select(DATASETS.c.canonical_id).where(DATASETS.c.id == ASK_OBSERVED.dataset_id).scalar_subquery(), *_SEEN_AS)
    .where(
        ASK_OBSERVED.dataset_id.in_(select(DATASETS.c.id).where(among(DATASETS.c.canonical_id))),
        ASK_OBSERVED.first_at <= bindparam("until"),
    )
    .group_by(*_SEEN_BY)
)
"""Grouped as the table's key runs, so that nothing is sorted; aliases and order are left to who asks."""
ASK_VERSIONS_POSTGRES = (
    select(DATASETS.c.canonical_id, *_SEEN_AS)
    .join(DATASETS, DATASETS.c.id == ASK_OBSERVED.dataset_id)
    .where(among(DATASETS.c.canonical_id), ASK_OBSERVED.first_at <= bindparam("until"))
    .group_by(DATASETS.c.canonical_id, *_SEEN_BY)
)
ASK_FIRST_RUN = (
    select(ASK_OBSERVED.first_run)
    .join(DATASETS, DATASETS.c.id == ASK_OBSERVED.dataset_id)
    .where(
        DATASETS.c.canonical_id == bindparam("dataset"),
        ASK_OBSERVED.schema_id == bindparam("schema"),
        ASK_OBSERVED.first_at == bindparam("first"),
    )
    .limit(1)
)
ASK_SCHEMAS = select(SCHEMAS.c.id, SCHEMAS.c.fields).where(among(SCHEMAS.c.id))
ASK_OUT_F, ASK_IN_F = FIELDS.alias("out_f"), FIELDS.alias("in_f")
ASK_OUT_D, ASK_IN_D = DATASETS.alias("out_d"), DATASETS.alias("in_d")
ASK_COLUMNS = (
    select(
        ASK_OUT_D.c.canonical_id,
        ASK_OUT_D.c.namespace,
        ASK_OUT_D.c.name,
        ASK_OUT_F.c.name,
        ASK_IN_D.c.canonical_id,
        ASK_IN_D.c.namespace,
        ASK_IN_D.c.name,
        ASK_IN_F.c.name,
        *ASK_JOB_COLUMNS,
        COLUMN_EDGES.c.last_day,
        COLUMN_EDGES.c.first_day,
    )
    .select_from(COLUMN_EDGES)
    .join(ASK_OUT_F, ASK_OUT_F.c.id == COLUMN_EDGES.c.out_field)
    .join(ASK_OUT_D, ASK_OUT_D.c.id == ASK_OUT_F.c.dataset_id)
    .join(ASK_IN_F, ASK_IN_F.c.id == COLUMN_EDGES.c.in_field)
    .join(ASK_IN_D, ASK_IN_D.c.id == ASK_IN_F.c.dataset_id)
    .join(JOBS, JOBS.c.id == COLUMN_EDGES.c.job_id)
)
ASK_COLUMNS_INTO = ASK_COLUMNS.where(among(COLUMN_EDGES.c.out_field)).limit(COLUMN_CAP)
ASK_COLUMNS_READ = ASK_COLUMNS.where(
    ASK_OUT_F.c.dataset_id.in_(select(JOB_IO.c.dataset_id).where(among(JOB_IO.c.job_id), JOB_IO.c.io == 1)),
    among(COLUMN_EDGES.c.job_id),
).limit(COLUMN_READ_CAP)
ASK_FIELDS = (
    select(FIELDS.c.id, DATASETS.c.canonical_id, FIELDS.c.name)
    .join(DATASETS, DATASETS.c.id == FIELDS.c.dataset_id)
    .where(among(DATASETS.c.canonical_id), among(FIELDS.c.name, "names"))
)
