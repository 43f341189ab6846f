"""Where context comes from, and what takes secrets out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from airflow_agentic.records import DagRecord, DagRunRecord, SourceReport, Target, TaskKey, TaskNode, TaskRun


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
