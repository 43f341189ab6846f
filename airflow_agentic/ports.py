"""The Protocols that plug-ins fulfil and the stages are handed. Only the standard library and our records.

A plug-in is one module in its folder whose name is the setting; see ``registry.py``. Each port has a contract
test in ``tests/contracts`` that runs against every plug-in found, and against the fakes in ``testing.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from airflow_agentic.records import (
    ChangeSet,
    Check,
    DagRecord,
    DagRunRecord,
    Delivery,
    Dossier,
    Failure,
    Finding,
    FixRecord,
    FixState,
    Incident,
    IncidentState,
    LedgerEntry,
    Outcome,
    Proof,
    Proposal,
    PublishedChange,
    SourceReport,
    StagedRun,
    TableDiff,
    Target,
    TaskKey,
    TaskNode,
    TaskRun,
    TrackRecord,
    Usage,
    Whereabouts,
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


class AirflowReader(Protocol):
    """Airflow's metadata, read-only. Every method raises `SourceUnavailable` when Airflow does not answer."""

    def dag(self, dag_id: str) -> DagRecord:
        """Return the Dag's metadata. :raises IncidentNotFound: there is no such Dag."""

    def dag_run(self, dag_id: str, run_id: str) -> DagRunRecord:
        """Return one run. :raises IncidentNotFound: there is no such run."""

    def recent_runs(self, dag_id: str, *, limit: int = 10) -> tuple[DagRunRecord, ...]:
        """Return the newest runs first, whatever their state."""

    def task_instances(self, dag_id: str, run_id: str) -> tuple[TaskRun, ...]:
        """Return every task instance of a run, rendered fields included where known."""

    def task_history(self, dag_id: str, task_id: str, *, limit: int = 10) -> tuple[TaskRun, ...]:
        """Return a task's instances over all runs, newest first."""

    def graph(self, dag_id: str) -> tuple[TaskNode, ...]:
        """Return the Dag's tasks and their edges."""

    def log(self, key: TaskKey) -> Iterator[bytes]:
        """Stream one try's log as ndjson lines: ``{"timestamp","event","level","logger","error_detail"}``."""


class LineageReader(Protocol):
    """One state of a lineage store, read-only; ids are those that it gave itself.

    Every question takes many ids at once, because a walk asks level by level. Times are ISO 8601 in UTC. What does not
    exist is not in the answer. Every method raises `SourceUnavailable` or `StoreError` when the store does not answer.
    """

    def find_jobs(self, name: str) -> tuple[LineageJob, ...]:
        """Return jobs called so: ``dag_id.task_id``, or a job's whole name; at most 50."""

    def find_datasets(self, name: str) -> tuple[LineageDataset, ...]:
        """Return data sets called so, whole name or its last parts, with or without namespace; at most 50."""

    def jobs_of_tasks(self, dag_id: str, task_ids: Sequence[str]) -> tuple[LineageJob, ...]:
        """Return the jobs of a Dag's tasks."""

    def fans(self, dataset_ids: Sequence[NodeId], io: str) -> Mapping[NodeId, int]:
        """Return how many jobs have each data set as *io*, counted up to 10,000."""

    def edges_of_jobs(self, job_ids: Sequence[NodeId], io: str) -> tuple[LineageEdge, ...]:
        """Return what jobs have as *io*, with the fan of each data set on its other side."""

    def edges_of_datasets(self, dataset_ids: Sequence[NodeId], io: str) -> tuple[LineageEdge, ...]:
        """Return the jobs that have data sets as *io*; at most 2,000, the most recently seen first."""

    def assets_of_jobs(self, job_ids: Sequence[NodeId]) -> Mapping[NodeId, tuple[tuple[str, ...], tuple[str, ...]]]:
        """Return the URIs of Airflow's inlets and outlets of jobs."""

    def last_runs(self, job_ids: Sequence[NodeId], *, limit: int, until: str = "") -> tuple[LineageRun, ...]:
        """Return each job's newest *limit* runs (whose last event is not after *until*), newest first."""

    def runs_of_task_run(self, job_ids: Sequence[NodeId], airflow_run_id: str) -> tuple[LineageRun, ...]:
        """Return all tries of jobs within one Dag run."""

    def child_runs(self, run_ids: Sequence[str]) -> tuple[LineageRun, ...]:
        """Return the runs that were started by runs: queries of hooks, dbt models."""

    def io_of_runs(self, run_ids: Sequence[str]) -> tuple[RunIo, ...]:
        """Return what runs have read and written."""

    def runs_by_id(self, run_ids: Sequence[str]) -> tuple[LineageRun, ...]:
        """Return runs, with error and statement where kept."""

    def writers_between(self, dataset_id: NodeId, since: str, until: str) -> tuple[LineageRun, ...]:
        """Return runs that had the data set as output and were at work between two times, newest first; at most 20."""

    def schema_versions(self, dataset_ids: Sequence[NodeId], *, until: str = "") -> tuple[SchemaVersion, ...]:
        """Return every known schema of data sets (seen before *until*), the last seen first; at most 10 each."""

    def column_sources(self, columns: Sequence[tuple[NodeId, str]]) -> tuple[ColumnEdge, ...]:
        """Return the edges that lead into columns; at most 2,000."""

    def columns_read(self, job_ids: Sequence[NodeId]) -> tuple[ColumnEdge, ...]:
        """Return the column edges that jobs themselves have told; at most 5,000."""

    def partition_runs(self, partition_key: str, job_ids: Sequence[NodeId] = ()) -> tuple[LineageRun, ...]:
        """Return the runs (of jobs) that worked for a partition, newest first; at most 500."""


class Source(Protocol):
    """One place that context comes from."""

    name: str

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return what this source knows.

        :param so_far: what the sources before it found; never changed.
        :raises SourceUnavailable: it becomes a Gap and the next source is asked.
        """


class Redactor(Protocol):
    """Takes secrets out of text, by span; stable placeholders, nothing else is altered."""

    def redact(self, text: str) -> str:
        """Return *text* with every secret replaced by a placeholder such as ``[secret:1:uri-password]``."""


class Effect(str, Enum):
    """What a tool may do. Nothing more exists."""

    READ = "read"
    WORKSPACE = "workspace"


class Tool(Protocol):
    """Something that the model may call while it investigates."""

    name: str
    description: str
    effect: Effect
    input_schema: Mapping[str, Any]
    """JSON schema of the arguments."""

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return the result as text. :raises ToolRefused: its message is shown to the model."""


class Model(Protocol):
    """One model provider. Wire format in and out, because the audit keeps exactly what was sent."""

    name: str

    def reply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send one Messages API request body (whole history, tools) and return the reply's body.

        :raises ModelUnavailable: with its reason; the client has retried what is worth it.
        """


class Agent(Protocol):
    """One agent pattern."""

    name: str

    def propose(self, dossier: Dossier) -> Proposal:
        """Return a diagnosis and, where a diff can cure it, a change.

        :raises ModelUnavailable: `propose` falls back to the rules agent.
        :raises BudgetExceeded: likewise.
        """


class Spending(Protocol):
    """Money, over all processes."""

    def reserve(self, incident_id: str, usd: float) -> str:
        """Hold *usd* and return the reservation's id. :raises BudgetExceeded: naming the limit and its setting."""

    def settle(self, reservation: str, usage: Usage) -> None:
        """Replace the reservation by what was really spent."""


@runtime_checkable
class WorkspaceSession(Protocol):
    """A clone of the base branch in a place where it can do no harm."""

    def environment(self) -> tuple[tuple[str, str], ...]:
        """Return isolation layers and versions, name and value; shown in the proof."""

    def apply(self, change: ChangeSet) -> None:
        """Put the change into the clone. :raises WorkspaceError: a file is not what the change was made from."""

    def reset(self) -> None:
        """Take every change out again: code and staging data."""

    def run_dag(
        self, name: str, *, dag_file: str, dag_id: str, logical_date: str, task_ids: Sequence[str], conf: str = "{}"
    ) -> StagedRun:
        """Run a Dag's tasks (with all that is up- and downstream of *task_ids*) on fresh staging data.

        Never raises for what the Dag does: a failing task is a state, a broken harness is ``broken``.
        """

    def import_dags(self, dags_path: str) -> tuple[Check, ...]:
        """Import every Dag file below *dags_path*; one Check a file."""

    def run_tests(self) -> tuple[Check, ...]:
        """Run the repository's own tests, if it has any."""

    def table_diff(self, before: StagedRun, after: StagedRun) -> tuple[TableDiff, ...]:
        """Compare the staging files that two runs left behind; empty where there is nothing to compare."""


class Workspace(Protocol):
    """Where a change is tried."""

    name: str

    def open(self, incident_id: str) -> AbstractContextManager[WorkspaceSession]:
        """Clone the base branch and start the harness; on exit every process is ended and the folder removed.

        :raises WorkspaceError: it could not be built; the proof is inconclusive.
        """


class Rule(Protocol):
    """One guardrail: a pure function of what is proposed and what was proved."""

    name: str

    def check(self, proposal: Proposal, proof: Proof) -> Iterable[Finding]:
        """Return findings; none means no opinion."""


@dataclass(frozen=True, kw_only=True)
class BaseFiles:
    """Files of the base branch at one moment."""

    commit: str
    texts: Mapping[str, str | None]
    """Path → text; None where there is no such file."""


class Forge(Protocol):
    """Where changes are reviewed."""

    name: str

    def preflight(self) -> tuple[Finding, ...]:
        """Return what is unsafe about the repository or the token; DENY stops the delivery.

        :raises ForgeError: the forge cannot be reached.
        """

    def open_change(self, delivery: Delivery) -> Outcome:
        """Open or update the draft pull request of this fingerprint; safe to repeat.

        A branch that a person has pushed to is left as it is.

        :raises ForgeError: clearing the deliver task is safe.
        """

    def open_issue(self, delivery: Delivery) -> Outcome:
        """Open or update the issue (or note) of this fingerprint; safe to repeat. :raises ForgeError: as above."""

    def withdraw(self, delivery: Delivery) -> str:
        """Undo: close the pull request and delete its branch; return what was done, in words."""

    def whereabouts(self, delivery: Delivery) -> Whereabouts:
        """Return what became of the pull request of this fingerprint, a merge by whatever means included."""

    def base_files(self, paths: Sequence[str]) -> BaseFiles:
        """Return what the base branch holds at these paths now. :raises ForgeError: one of them is no text file."""

    def follows(self, commit: str, ancestor: str) -> bool | None:
        """Say whether *commit* is *ancestor* or comes after it; None where the forge does not know one of them."""


class Channel(Protocol):
    """How people are told."""

    name: str

    def send(self, incident: Incident, outcome: Outcome) -> None:
        """Tell them. Whatever it raises is logged and recorded, and never fails the run."""


class Ledger(Protocol):
    """The audit: append-only, one hash chain per incident."""

    def append(self, incident_id: str, stage: str, event: str, facts: Mapping[str, object]) -> LedgerEntry:
        """Write one line and return it. :raises AuditError: it could not be written; stop."""

    def entries(self, incident_id: str) -> tuple[LedgerEntry, ...]:
        """Return an incident's lines in order."""

    def verify(self, incident_id: str | None = None) -> tuple[str, ...]:
        """Recompute the chains; return one sentence per fault, none when all is well."""


class Incidents(Protocol):
    """Incidents and what their stages have left behind, so that a cleared task carries on."""

    def record(self, incident_id: str, failure: Failure) -> Incident:
        """Open the incident or fold the signal into it; exact under concurrency."""

    def get(self, incident_id: str) -> Incident:
        """:raises IncidentNotFound: there is none."""

    def list(self, *, limit: int = 100, dag_id: str | None = None) -> tuple[Incident, ...]:
        """Return the newest first."""

    def advance(self, incident_id: str, state: IncidentState, detail: str, **changes: Any) -> Incident:
        """Set the state and any of ``fingerprint``, ``members``, ``url``, ``logical_date``."""

    def keep(self, incident_id: str, record: object) -> None:
        """Store one stage's record (`Dossier`, `Proposal`, ... `Outcome`); of each class the last one holds."""

    def kept(self, incident_id: str, kind: type) -> Any | None:
        """Return the stored record of that class, or None."""


class Changes(Protocol):
    """What was published, per repository, fingerprint and kind."""

    def find(self, repository: str, fingerprint: str, kind: str) -> PublishedChange | None:
        """Return what was published for that cause, whatever its state, or None."""

    def save(self, change: PublishedChange) -> PublishedChange:
        """Store it in place of the one before; return it with its number (given when it is 0)."""

    def list(self, repository: str) -> tuple[PublishedChange, ...]:
        """Return all that was published there, highest number first."""


class Fixes(Protocol):
    """What became of the fixes that were published."""

    def opened(self, fix: FixRecord) -> None:
        """Store it, unless this pull request, still open, is stored already: same repository and fingerprint."""

    def save(self, fix: FixRecord) -> None:
        """Store it in place of the one of the same incident."""

    def get(self, incident_id: str) -> FixRecord | None:
        """Return the fix that was opened for an incident, or None."""

    def list(self, *states: FixState, dag_id: str | None = None) -> tuple[FixRecord, ...]:
        """Return those in any of *states* (none given: all), oldest first."""

    def track_record(self, dag_id: str) -> TrackRecord:
        """Return how many fixes of the Dag came to what."""
