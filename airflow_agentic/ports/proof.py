"""Where a change is tried, and what is asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from airflow_agentic.records import ChangeSet, Check, DagLinks, Finding, Proof, Proposal, StagedRun, TableDiff


@runtime_checkable
class WorkspaceSession(Protocol):
    """A clone of the base branch in a place where it can do no harm."""

    def environment(self) -> tuple[tuple[str, str], ...]:
        """Return isolation layers and versions, name and value; shown in the proof."""

    def apply(self, change: ChangeSet) -> None:
        """Put the change into the clone. :raises WorkspaceError: a file is not what the change was made from."""

    def reset(self) -> None:
        """Take every change out again: code and staging data."""

    def go_to(self, commit: str) -> None:
        """Take the code of another commit; `reset` comes back. :raises WorkspaceError: it is gone."""

    def run_dag(
        self,
        name: str,
        *,
        dag_file: str,
        dag_id: str,
        logical_date: str,
        task_ids: Sequence[str],
        conf: str = "{}",
        data_interval: tuple[str, str] | None = None,
        partition_key: str = "",
        data_of: StagedRun | None = None,
    ) -> StagedRun:
        """Run a Dag's tasks (with all that is up- and downstream of *task_ids*) on fresh staging data.

        :param data_of: a run of this session: start from what it has written instead.

        Never raises for what the Dag does: a failing task is a state, a broken harness is ``broken``.
        """

    def rebuild(self, logical_date: str) -> StagedRun | None:
        """Run what was prepared for an interval again, with the code as it stands; None: nothing was, or it fails."""

    def import_dags(self, dags_path: str) -> tuple[Check, ...]:
        """Import every Dag file below *dags_path*; one Check a file."""

    def links(self) -> tuple[DagLinks, ...]:
        """Return what ties the Dags together that the last `import_dags` found."""

    def run_tests(self) -> tuple[Check, ...]:
        """Run the repository's own tests, if it has any."""

    def run_linters(self) -> tuple[Check, ...]:
        """Run the repository's own linters and whatever checks the scope declares."""

    def left_behind(self, run: StagedRun, paths: Sequence[str]) -> frozenset[str]:
        """Return which of these repository-relative paths exist in the run's copy of the code."""

    def discard(self, run: StagedRun) -> None:
        """Remove what a run has left: nothing will be asked about it any more."""

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
