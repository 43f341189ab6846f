"""What the workspace found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from airflow_agentic.records.dossier import TaskError


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
class TableDiff:
    """What became of one table between before and after."""

    table: str
    before_rows: int | None
    after_rows: int | None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Red before, green after, or why not."""

    status: ProofStatus
    reason: str
    red: StagedRun | None = None
    green: StagedRun | None = None
    last_good: StagedRun | None = None
    checks: tuple[Check, ...] = ()
    data_diff: tuple[TableDiff, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    """Isolation layers and versions, name and value."""
    duration_s: float = 0.0
