"""The kill switch: a record in the store, and what asks for it before each act.

Every worker reads the store, so a switch that is thrown holds for all of them by the next act: the next stage, model
request, staged run or outward action. What is on its way at that moment comes back, and nothing is done with it.
Recording goes on: what stops is acting. Stopping works with a broken ledger; starting again does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from airflow_agentic.errors import Stopped
from airflow_agentic.ports import Incidents, Ledger, Workspace, WorkspaceSession
from airflow_agentic.records import Check, StagedRun
from airflow_agentic.store.clock import now

SWITCH_ID = "switch"
"""Names the switch's record and its chain in the ledger."""
Go = Callable[[str], None]
"""Asked with an incident's id before each act. :raises Stopped: it must not be done."""


@dataclass(frozen=True, kw_only=True)
class Switch:
    """How the switch stands."""

    stopped: bool
    by: str
    why: str
    at: str


def stop(incidents: Incidents, ledger: Ledger, *, by: str, why: str) -> Switch:
    """Stop every worker. :raises AuditError: it is stopped, but nobody can read by whom."""
    thrown = Switch(stopped=True, by=by, why=why, at=now())
    incidents.keep(SWITCH_ID, thrown)
    ledger.append(SWITCH_ID, "switch", "stopped", {"by": by, "why": why})
    return thrown


def start(incidents: Incidents, ledger: Ledger, *, by: str, why: str) -> Switch:
    """Let the workers go on. :raises AuditError: nobody could read by whom, so it stays stopped."""
    ledger.append(SWITCH_ID, "switch", "started", {"by": by, "why": why})
    thrown = Switch(stopped=False, by=by, why=why, at=now())
    incidents.keep(SWITCH_ID, thrown)
    return thrown


def refuse_if_stopped(incidents: Incidents) -> None:
    """Do nothing while the switch is not thrown. :raises Stopped: it is."""
    switch: Switch | None = incidents.kept(SWITCH_ID, Switch)
    if switch and switch.stopped:
        raise Stopped(
            f"Stopped by {switch.by} at {switch.at}: {switch.why}. Incidents are recorded, nothing else is done. "
            "To go on: airflow agentic start --why ..."
        )


def nothing_stops(incident_id: str) -> None:
    """Let it be done: for what a person has just asked for by hand."""


class StoppableWorkspace:
    """A workspace whose runs are not begun while the switch is thrown."""

    def __init__(self, workspace: Workspace, go: Go) -> None:
        self.name = workspace.name
        self._workspace = workspace
        self._go = go

    @contextmanager
    def open(self, incident_id: str) -> Iterator[WorkspaceSession]:
        """Open the workspace. :raises Stopped: the switch is thrown."""
        with self._workspace.open(incident_id) as session:
            yield cast("WorkspaceSession", _StoppableSession(session, lambda: self._go(incident_id)))


class _StoppableSession:
    def __init__(self, session: WorkspaceSession, go: Callable[[], None]) -> None:
        self._session = session
        self._go = go

    def run_dag(self, name: str, **asked: Any) -> StagedRun:
        self._go()
        return self._session.run_dag(name, **asked)

    def run_tests(self) -> tuple[Check, ...]:
        self._go()
        return self._session.run_tests()

    def run_linters(self) -> tuple[Check, ...]:
        self._go()
        return self._session.run_linters()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)
