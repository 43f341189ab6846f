"""`FakeAirflow`: an `AirflowReader` over plain records, for tests of whatever reads Airflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.records import DagRecord, DagRunRecord, TaskKey, TaskNode, TaskRun

_Record = TypeVar("_Record", DagRecord, DagRunRecord)


class FakeAirflow:
    """Answers from what it is given, in the order of the newest run first.

    :param logs: lines of each try's log; a try without one has a log that is gone.
    :param beside: other Dags' runs that fed a run, by its run id.
    :param down: every call raises `SourceUnavailable`.
    """

    def __init__(
        self,
        *,
        dags: Sequence[DagRecord] = (),
        runs: Sequence[DagRunRecord] = (),
        tasks: Sequence[TaskRun] = (),
        nodes: Mapping[str, Sequence[TaskNode]] | None = None,
        logs: Mapping[TaskKey, Sequence[bytes]] | None = None,
        beside: Mapping[str, Sequence[DagRunRecord]] | None = None,
        down: bool = False,
    ) -> None:
        self.dags, self.tasks, self.down = tuple(dags), tuple(tasks), down
        self.runs = tuple(sorted(runs, key=lambda r: r.logical_date or r.run_after or "", reverse=True))
        self.nodes, self.logs, self.beside = dict(nodes or {}), dict(logs or {}), dict(beside or {})

    def dag(self, dag_id: str) -> DagRecord:
        """Return the Dag."""
        self._answer()
        return _only([d for d in self.dags if d.dag_id == dag_id], f"Dag {dag_id!r}")

    def dag_run(self, dag_id: str, run_id: str) -> DagRunRecord:
        """Return the run."""
        self._answer()
        return _only([r for r in self.runs if (r.dag_id, r.run_id) == (dag_id, run_id)], f"run {run_id!r}")

    def recent_runs(self, dag_id: str, *, limit: int = 10) -> tuple[DagRunRecord, ...]:
        """Return the newest runs first."""
        self._answer()
        return tuple(r for r in self.runs if r.dag_id == dag_id)[:limit]

    def runs_beside(self, run: DagRunRecord) -> tuple[DagRunRecord, ...]:
        """Return the runs given as *beside*."""
        self._answer()
        return tuple(self.beside.get(run.run_id, ()))

    def task_instances(self, dag_id: str, run_id: str) -> tuple[TaskRun, ...]:
        """Return the run's task instances."""
        self.dag_run(dag_id, run_id)
        return tuple(t for t in self.tasks if (t.key.dag_id, t.key.run_id) == (dag_id, run_id))

    def task_history(self, dag_id: str, task_id: str, *, limit: int = 10) -> tuple[TaskRun, ...]:
        """Return the task's instances, newest run first."""
        runs = self.recent_runs(dag_id, limit=len(self.runs))
        found = (t for r in runs for t in self.task_instances(dag_id, r.run_id))
        return tuple(t for t in found if t.key.task_id == task_id)[:limit]

    def graph(self, dag_id: str) -> tuple[TaskNode, ...]:
        """Return the Dag's tasks."""
        self.dag(dag_id)
        return tuple(self.nodes.get(dag_id, ()))

    def log(self, key: TaskKey) -> Iterator[bytes]:
        """Stream the log."""
        self._answer()
        if key not in self.logs:
            raise IncidentNotFound(f"Reading the log of {key} failed: FakeAirflow was given none.")
        return iter(self.logs[key])

    def _answer(self) -> None:
        if self.down:
            raise SourceUnavailable("Reading from FakeAirflow failed: it was told to be down. Nothing to do.")


def _only(found: Sequence[_Record], what: str) -> _Record:
    if not found:
        raise IncidentNotFound(f"Reading {what} failed: FakeAirflow was given none.")
    return found[0]
