"""A workspace that plays what it is told, and builders for the runs it plays.

Runs are looked up by what matters to a proof: which logical date, and whether the change is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.records import ChangeSet, Check, DagLinks, StagedRun, StagedTask, TableDiff, TaskError

BASE, CHANGED = False, True
SUCCESS_CHECKS = (Check(name="imports: dags/shop.py", passed=True), Check(name="repository tests", passed=True))


def staged(state: str, *tasks: StagedTask, runs: int = 1, broken_because: str | None = None) -> StagedRun:
    """Return a staged run as a workspace would; name, Dag and date are filled in when it is played."""
    return StagedRun(
        name="",
        dag_id="",
        logical_date="",
        state=state,
        tasks=tasks,
        runs_in_database=runs,
        duration_s=0.0,
        broken_because=broken_because,
    )


def staged_task(task_id: str, state: str, error: TaskError | None = None, *, map_index: int = -1) -> StagedTask:
    """Return one task of a staged run."""
    return StagedTask(task_id=task_id, map_index=map_index, state=state, error=error)


@dataclass(frozen=True, kw_only=True)
class Script:
    """What the fake workspace answers."""

    runs: Mapping[tuple[str, bool], Sequence[StagedRun]]
    """(logical date, change applied) → the runs in order; the last one is repeated."""
    checks: Mapping[bool, Sequence[Check]] = field(
        default_factory=lambda: {BASE: SUCCESS_CHECKS, CHANGED: SUCCESS_CHECKS}
    )
    """Change applied → what importing and testing find."""
    diffs: Mapping[tuple[str, str], Sequence[TableDiff]] = field(default_factory=dict)
    """Names of two runs → what differs between them."""
    links: Sequence[DagLinks] = ()
    """What ties the Dags together."""
    respond: Callable[[str, ChangeSet | None], StagedRun] | None = None
    """Logical date and the change that is in → the run; instead of *runs*, for whoever tries parts of a change."""
    ran: Callable[[ChangeSet], Collection[str]] | None = None
    """Change → paths that its run leaves behind."""
    cannot_open: str = ""
    cannot_apply: str = ""


class FakeWorkspace:
    """A `Workspace` that plays a `Script`; `opened` and `log` tell what was done with it."""

    name = "fake"

    def __init__(self, script: Script) -> None:
        self._script = script
        self.opened = 0
        self.log: list[str] = []

    @contextmanager
    def open(self, incident_id: str) -> Iterator[FakeSession]:
        """Give a session. :raises WorkspaceError: the script says so."""
        if self._script.cannot_open:
            raise WorkspaceError(self._script.cannot_open)
        self.opened += 1
        try:
            yield FakeSession(self._script, self.log)
        finally:
            self.opened -= 1


class FakeSession:
    """A `WorkspaceSession` that plays a `Script`."""

    def __init__(self, script: Script, log: list[str]) -> None:
        self._script = script
        self._log = log
        self._change: ChangeSet | None = None
        self._commit = ""
        self._played: dict[tuple[str, bool], int] = {}

    def environment(self) -> tuple[tuple[str, str], ...]:
        """Return that nothing is isolated."""
        return (("workspace", "fake"),)

    def apply(self, change: ChangeSet) -> None:
        """Mark the change as applied. :raises WorkspaceError: the script says so, or it was made from another text."""
        if self._script.cannot_apply:
            raise WorkspaceError(self._script.cannot_apply)
        self._log.append("apply")
        self._change = change

    def reset(self) -> None:
        """Mark the change as taken out."""
        self._log.append("reset")
        self._change, self._commit = None, ""

    @property
    def _changed(self) -> bool:
        return CHANGED if self._change else BASE

    def go_to(self, commit: str) -> None:
        """Play the runs of that commit from here on: they stand in the script as ``commit@date``."""
        self._log.append(f"go to {commit}")
        self._commit = commit

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
        """Play the next run; a date that the script does not know is ``broken``.

        A run on another's data is looked up by ``Dag@date``.
        """
        self._log.append(name)
        where = dag_id if data_of else self._commit
        key = f"{where}@{logical_date}" if where else logical_date, self._changed
        if self._script.respond and data_of is None:
            run = self._script.respond(logical_date, self._change)
            return replace(run, name=name, dag_id=dag_id, logical_date=logical_date)
        runs = self._script.runs.get(key) or (staged("broken", runs=0, broken_because=f"no script for {key}"),)
        turn = self._played[key] = self._played.get(key, -1) + 1
        return replace(runs[min(turn, len(runs) - 1)], name=name, dag_id=dag_id, logical_date=logical_date)

    def rebuild(self, logical_date: str) -> StagedRun | None:
        """Play what stands in the script as ``rebuild@date``; None if nothing does."""
        runs = self._script.runs.get((f"rebuild@{logical_date}", self._changed))
        return replace(runs[0], name="rebuild", logical_date=logical_date) if runs else None

    def import_dags(self, dags_path: str) -> tuple[Check, ...]:
        """Return the script's checks whose name starts with ``imports``."""
        return tuple(c for c in self._script.checks.get(self._changed, ()) if c.name.startswith("imports"))

    def run_tests(self) -> tuple[Check, ...]:
        """Return the script's other checks."""
        return tuple(c for c in self._script.checks.get(self._changed, ()) if not c.name.startswith("imports"))

    def links(self) -> tuple[DagLinks, ...]:
        """Return the script's links."""
        return tuple(self._script.links)

    def run_linters(self) -> tuple[Check, ...]:
        """Find nothing: the script's checks are all played by the other two."""
        return ()

    def left_behind(self, run: StagedRun, paths: Sequence[str]) -> frozenset[str]:
        """Return what the script says that the change leaves behind."""
        left = self._script.ran(self._change) if self._script.ran and self._change else ()
        return frozenset(paths) & frozenset(left)

    def discard(self, run: StagedRun) -> None:
        """Forget nothing: there is nothing to be forgotten."""

    def table_diff(self, before: StagedRun, after: StagedRun) -> tuple[TableDiff, ...]:
        """Return the script's difference between two runs, by their names."""
        return tuple(self._script.diffs.get((before.name, after.name), ()))
