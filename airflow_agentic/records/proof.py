"""What the workspace found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from airflow_agentic.records.dossier import TaskError
from airflow_agentic.records.proposal import ChangeSet


@dataclass(frozen=True, kw_only=True)
class ReductionLimits:
    """How much is spent on finding hunks that nothing needs."""

    seconds: float = 300.0
    """Wall time of all trials together; 0: no hunk is tried."""
    hunks: int = 40


class ProofStatus(str, Enum):
    """What the workspace found."""

    PROVED = "proved"
    """Red before, green after."""
    ALREADY_FIXED = "already_fixed"
    """The base branch passes without the change."""
    NOT_REPRODUCED = "not_reproduced"
    """It failed, but not this task with this error."""
    STILL_RED = "still_red"
    """The change does not cure it, or breaks something."""
    INCONCLUSIVE = "inconclusive"
    """The harness itself failed; says nothing about the change."""
    NOT_ATTEMPTED = "not_attempted"
    """There is no change to prove."""


@dataclass(frozen=True, kw_only=True)
class StagedTask:
    """One task instance of a staged run."""

    task_id: str
    map_index: int
    state: str
    error: TaskError | None = None
    handed_on: tuple[tuple[str, str], ...] = ()
    """What it gave to later tasks (XCom): key and a digest of the value, never the value."""


@dataclass(frozen=True, kw_only=True)
class StagedRun:
    """One Dag run in the workspace."""

    name: str
    """``red``, ``green``, ``last_good``."""
    dag_id: str
    logical_date: str
    state: str
    """``success``, ``failed``, or ``broken`` when the harness could not run it."""
    tasks: tuple[StagedTask, ...]
    runs_in_database: int
    """Must be 1: a database with anything else is a broken harness."""
    duration_s: float
    log_tail: str = ""
    """At most 8,000 characters, redacted."""
    broken_because: str | None = None
    import_error: TaskError | None = None
    """Why the Dag's file does not import here; then the state is ``failed`` and there are no tasks."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One more thing that was checked in the workspace."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class DagLinks:
    """What ties a Dag of the repository to others, as its file says when it is imported."""

    dag_id: str
    dag_file: str
    """Repository-relative."""
    consumes: tuple[str, ...] = ()
    """Addresses and names of the assets that schedule it."""
    produces: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    """Dags that it triggers."""
    waits_for: tuple[str, ...] = ()
    """Dags whose tasks a sensor of it waits for."""


@dataclass(frozen=True, kw_only=True)
class TableDiff:
    """What became of one table between before and after: counts and names of columns, no values."""

    table: str
    before_rows: int | None
    after_rows: int | None
    note: str = ""
    """All of it in one line; empty when columns and content are equal."""
    added: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()
    """``amount INTEGER → VARCHAR``."""
    changed: tuple[str, ...] = ()
    """Columns whose values differ; with another number of rows nearly all do."""
    nulls: tuple[str, ...] = ()
    """``customer 0 → 3``."""
    emptied: tuple[str, ...] = ()
    """Columns that had no null before and have nothing else in the rows that are new."""
    duplicated: tuple[str, ...] = ()
    """Columns with a key's name that told every row apart before and do so no more."""
    samples: tuple[str, ...] = ()
    """A few values of changed columns; only where the setting ``show_values`` allows it."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Red before, green after, or why not."""

    status: ProofStatus
    reason: str
    red: StagedRun | None = None
    green: StagedRun | None = None
    last_good: StagedRun | None = None
    downstream: tuple[StagedRun, ...] = ()
    """Dags directly downstream, run on what green has written."""
    checks: tuple[Check, ...] = ()
    data_diff: tuple[TableDiff, ...] = ()
    """Red against green: what the change makes of the failing interval."""
    against_good: tuple[TableDiff, ...] = ()
    """The last good interval without the change against green: does the new output look like the old?"""
    reduced: ChangeSet | None = None
    """The change without the hunks that nothing needed: what was proved, and is to be published. None: all of it."""
    taken_out: tuple[str, ...] = ()
    """Those hunks, each with its place."""
    environment: tuple[tuple[str, str], ...] = ()
    """Isolation layers and versions, name and value."""
    duration_s: float = 0.0
