"""Steps that build staging data → the folder that every later run starts from a copy of, and how to build it again.

What stood before each step is kept: a change in a Dag upstream of the one that failed shows only in data that is
made with it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.records import StagedRun
from airflow_agentic.workspaces.staging import PrepareStep

log = logging.getLogger(__name__)


@dataclass
class Prepared:
    """The data of one session."""

    data: str
    """Folder that runs start from; empty: an empty folder."""
    run: Callable[[PrepareStep], tuple[StagedRun, str]]
    """Runs one step on a copy of `data`; gives the run and its folder."""
    missing: list[str] = field(default_factory=list)
    """Steps that did not succeed, for people."""
    _before: list[tuple[PrepareStep, str]] = field(default_factory=list)

    def build(self, steps: Sequence[PrepareStep]) -> str:
        """Run Dags of the code as it stands, one after the other in one data folder, and return that folder.

        :raises WorkspaceError: one of them does not succeed; the message holds its state and error.
        """
        for step in steps:
            self._before.append((step, self.data))
            run, folder = self.run(step)
            if run.state != "success":
                run, folder = self.run(step)
            if run.state == "success":
                self.data = os.path.join(folder, "data")
                continue
            why = f"{run.state}, {run.broken_because or run.log_tail[-1_000:]}"
            if not step.may_fail:
                raise WorkspaceError(
                    f"Preparing staging data with Dag {step.dag_id!r} at {step.logical_date!r} failed: {why}"
                )
            log.warning("Preparing staging data with %s at %s failed: %s", step.dag_id, step.logical_date, why)
            self.missing.append(f"{step.dag_id} at {step.logical_date[:10]}")
        return self.data

    def rebuild(self, logical_date: str) -> StagedRun | None:
        """Run what was prepared for an interval again, with the code as it stands now; later runs start as before.

        :return: the last run, to start others from; None if nothing was prepared for it, or it does not succeed.
        """
        first = next((n for n, (s, _) in enumerate(self._before) if s.logical_date[:10] == logical_date[:10]), None)
        if first is None:
            return None
        kept, self.data = self.data, self._before[first][1]
        try:
            for step, _ in self._before[first:]:
                run, folder = self.run(step)
                if run.state != "success":
                    return None
                self.data = os.path.join(folder, "data")
        finally:
            self.data = kept
        return run
