"""One proof's runs: the incident's interval and the last good one, with the inputs that each had, every run told.

The ledger line is written before a run starts and after it has ended; the end of its log is in the second one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow_agentic.ports import WorkspaceSession
from airflow_agentic.records import DagLinks, DagRunRecord, Dossier, StagedRun
from airflow_agentic.workspaces.case import Case, first_error

Note = Callable[[str, Mapping[str, object]], object]
"""Takes an event and its facts; whoever keeps them cuts and redacts them."""
LOG_CHARS = 2_000


def silent(event: str, facts: Mapping[str, object]) -> None:
    """Keep nothing: where there is no ledger."""


@dataclass(frozen=True, kw_only=True)
class StagedRuns:
    """Runs of one case in one session."""

    session: WorkspaceSession
    case: Case
    dossier: Dossier
    last_good: str | None
    """Logical date of the newest run that worked."""
    note: Note = silent

    def incident(self, name: str, tasks: tuple[str, ...] | None = None, *, on: StagedRun | None = None) -> StagedRun:
        """Run the failing Dag as it failed: interval, partition and conf of the incident.

        :param tasks: which of the failed tasks, with what waits for them; None: all.
        :param on: start from what this run has written.
        """
        return self._run(name, self.case.logical_date, self.dossier.run, tasks, on)

    def rebuilt(self) -> StagedRun | None:
        """Run the Dags upstream again for the failing interval, with the code as it stands."""
        self.note("upstream Dags run again", {"logical_date": self.case.logical_date})
        return self.session.rebuild(self.case.logical_date)

    def good(self, name: str) -> StagedRun:
        """Run the failing Dag for the last good interval."""
        return self._run(name, self.last_good or "", self.dossier.good_run)

    def below(self, name: str, links: DagLinks, *, on: StagedRun) -> StagedRun:
        """Run a whole other Dag on what a run has written."""
        self._say_start(name, links.dag_id, on.logical_date)
        run = self.session.run_dag(
            name,
            dag_file=links.dag_file,
            dag_id=links.dag_id,
            logical_date=on.logical_date,
            task_ids=(),
            data_of=on,
        )
        return self._told(run)

    def _run(
        self,
        name: str,
        logical_date: str,
        like: DagRunRecord | None,
        tasks: tuple[str, ...] | None = None,
        on: StagedRun | None = None,
    ) -> StagedRun:
        self._say_start(name, self.case.dag_id, logical_date)
        run = self.session.run_dag(
            name,
            dag_file=self.case.dag_file,
            dag_id=self.case.dag_id,
            logical_date=logical_date,
            task_ids=self.case.tasks if tasks is None else tasks,
            conf=like.conf if like else "{}",
            data_interval=like.data_interval if like else None,
            partition_key=(like.partition_key or "") if like else "",
            data_of=on,
        )
        return self._told(run)

    def _say_start(self, name: str, dag_id: str, logical_date: str) -> None:
        self.note("run started", {"run": name, "dag": dag_id, "logical_date": logical_date})

    def _told(self, run: StagedRun) -> StagedRun:
        facts = {
            "run": run.name,
            "dag": run.dag_id,
            "state": run.state,
            "first_error": first_error(run) if run.state != "success" else "",
            "seconds": f"{run.duration_s:.1f}",
            "log": run.log_tail[-LOG_CHARS:],
        }
        self.note("run ended", facts)
        return run
