"""What happened: from Airflow's objects to an incident."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Signal(str, Enum):
    """Who told us of a failure."""

    TASK_CALLBACK = "task_callback"
    TASK_LISTENER = "task_listener"
    DAG_CALLBACK = "dag_callback"
    RUN_LISTENER = "run_listener"
    MANUAL = "manual"
    CAPTURED = "captured"


@dataclass(frozen=True, kw_only=True)
class TaskKey:
    """One try of one task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    """-1 for a task that is not mapped."""
    try_number: int = 1


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What Airflow said, once its own objects are left behind. Small: it travels in a Dag run's conf."""

    dag_id: str
    run_id: str
    clear_number: int
    """How often the run was cleared; a cleared run that fails again is a new incident."""
    signal: Signal
    seen_at: str
    task_id: str | None = None
    map_index: int = -1
    try_number: int | None = None
    error_class: str | None = None
    error_message: str | None = None
    """At most 500 characters, unredacted: never shown before `redact`."""
    reason: str | None = None
    """Airflow's own word: ``task_failure``, ``timed_out``, ``all_tasks_deadlocked``, ``manual``."""
    logical_date: str | None = None
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class IncidentState(str, Enum):
    """How far an incident has come. The last word about why it stands there is `Incident.detail`."""

    CAPTURED = "captured"
    """Kept, but no triage run exists yet (the triage Dag is missing, or could not be started)."""
    DISPATCHED = "dispatched"
    INVESTIGATING = "investigating"
    INVESTIGATED = "investigated"
    VALIDATING = "validating"
    JUDGED = "judged"
    AWAITING_REVIEW = "awaiting_review"
    REVIEWED = "reviewed"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    FAILED = "failed"
    """A stage broke; clearing its task carries on from there."""


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One failed Dag run (dag_id, run_id, clear_number), however many tasks and signals told of it."""

    id: str
    """The triage run's id as well: deterministic, see `triggers.incidents.incident_id`."""
    dag_id: str
    run_id: str
    clear_number: int
    state: IncidentState
    detail: str
    first_seen: str
    last_seen: str
    signals: int
    """How often we were told."""
    fingerprint: str | None = None
    """Of the cause, once known: same Dag, same error, same place. Incidents that share it share one pull request."""
    logical_date: str | None = None
    members: tuple[TaskKey, ...] = ()
    """Failed task instances, root failures only (``upstream_failed`` is not a failure of its own)."""
    url: str | None = None
    """Of the pull request or issue, once there is one."""
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DagRunRecord:
    """One Dag run as Airflow's history tells it."""

    dag_id: str
    run_id: str
    state: str
    logical_date: str | None
    clear_number: int | None = None
    """None where Airflow's API does not tell."""
    run_after: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    data_interval: tuple[str, str] | None = None
    bundle_version: str | None = None
    """Commit of the Dag bundle that the run was pinned to; None for a bundle without versions."""
    partition_key: str | None = None
    conf: str = "{}"
    """JSON text."""


@dataclass(frozen=True, kw_only=True)
class DagRecord:
    """One Dag as Airflow's metadata tells it."""

    dag_id: str
    relative_fileloc: str | None
    """Relative to the bundle's folder."""
    fileloc: str | None
    bundle_name: str | None
    bundle_version: str | None
    owners: tuple[str, ...]
    tags: tuple[str, ...]
    is_paused: bool
    is_stale: bool = False
