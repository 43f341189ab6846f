"""Dossier + Proposal → Proof. Does the failure happen here, and does the change end it?

Red, green, red again: the base code must fail as the incident did, the change must cure the task and all that waits
for it, and the base code must still fail afterwards, or it was not the change that helped. Whatever the harness got
wrong makes the proof inconclusive; it is never held for or against the change.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.ports import Workspace, WorkspaceSession
from airflow_agentic.records import (
    ChangeSet,
    Check,
    Dossier,
    Proof,
    ProofStatus,
    Proposal,
    StagedRun,
    StagedTask,
    TableDiff,
    TaskError,
)

FAILED, HARMLESS = frozenset({"failed", "upstream_failed"}), frozenset({"success", "skipped", "removed"})


def validate(dossier: Dossier, proposal: Proposal, *, workspace: Workspace, last_good: str | None) -> Proof:
    """Return what the workspace found about the proposal's change. Never raises for what the code under trial does.

    :param last_good: logical date of the newest run that worked, ISO 8601; None if there is none.
    """
    started = time.monotonic()
    if proposal.change is None:
        return Proof(status=ProofStatus.NOT_ATTEMPTED, reason="There is no change to prove.")
    try:
        case = _case(dossier)
        with workspace.open(dossier.incident.id) as session:
            trial = _Trial(session=session, case=case, change=proposal.change, last_good=last_good)
            status, reason = trial.run()
            proof = trial.proof(status, reason)
    except WorkspaceError as error:
        proof = Proof(status=ProofStatus.INCONCLUSIVE, reason=str(error))
    return replace(proof, duration_s=time.monotonic() - started)


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What must happen for the failure to count as reproduced, and what must pass for it to count as cured."""

    dag_id: str
    dag_file: str
    dags_path: str
    logical_date: str
    tasks: tuple[str, ...]
    downstream: frozenset[str] | None
    """None when the Dag's graph is not known."""
    errors: tuple[TaskError, ...]


@dataclass
class _Trial:
    """One proof on its way; its steps end it by returning a status and a reason."""

    session: WorkspaceSession
    case: _Case
    change: ChangeSet
    last_good: str | None
    red: StagedRun | None = None
    green: StagedRun | None = None
    good_after: StagedRun | None = None
    checks: list[Check] = field(default_factory=list)
    diff: tuple[TableDiff, ...] = ()

    def run(self) -> tuple[ProofStatus, str]:
        """Go through the steps in order; the first one that has an answer ends it."""
        ended = self._reproduce()
        if ended:
            return ended
        before = self._look()
        good = self._run("last_good_before", self.last_good) if self.last_good else None
        try:
            self.session.apply(self.change)
        except WorkspaceError as error:
            self.checks.append(Check(name="the change applies", passed=False, detail=str(error)))
            return ProofStatus.STILL_RED, f"The change does not apply: {error}"
        ended = self._cure() or self._nothing_else_broke(before) or self._last_good_still_holds(good)
        return ended or self._still_red_without_it()

    def proof(self, status: ProofStatus, reason: str) -> Proof:
        """Return the record of what was done so far."""
        return Proof(
            status=status, reason=reason, red=self.red, green=self.green, last_good=self.good_after,
            checks=tuple(self.checks), data_diff=self.diff, environment=self.session.environment(),
        )

    def _run(self, name: str, logical_date: str | None) -> StagedRun:
        return self.session.run_dag(
            name, dag_file=self.case.dag_file, dag_id=self.case.dag_id, logical_date=logical_date or "",
            task_ids=self.case.tasks,
        )

    def _reproduce(self) -> tuple[ProofStatus, str] | None:
        self.red = self._run("red", self.case.logical_date)
        if not _sound(self.red):
            return ProofStatus.INCONCLUSIVE, f"The failure could not be reproduced: {_why_unsound(self.red)}."
        same, reason = _is_the_incident(self.red, self.case)
        if same:
            self.checks.append(Check(name="reproduced", passed=True, detail=reason))
            return None
        if not any(task.state == "failed" for task in self.red.tasks):
            return ProofStatus.ALREADY_FIXED, "The base branch passes without the change."
        return ProofStatus.NOT_REPRODUCED, reason

    def _cure(self) -> tuple[ProofStatus, str] | None:
        self.green = self._run("green", self.case.logical_date)
        if not _sound(self.green):
            broken = [c for c in self.session.import_dags(self.case.dags_path) if not c.passed]
            if any(self.case.dag_file in check.name for check in broken):
                self.checks += broken
                return ProofStatus.STILL_RED, f"With the change the Dag file does not import: {_told(broken)}."
            return ProofStatus.INCONCLUSIVE, f"The changed code could not be run: {_why_unsound(self.green)}."
        assert self.red is not None
        self.diff = self.session.table_diff(self.red, self.green)
        faults = _not_cured(self.green, self.red, self.case)
        self.checks.append(Check(name="cured", passed=not faults, detail="; ".join(faults) or _cured_words(self.case)))
        self.checks += _own_reasons(self.green, self.red, self.case)
        return (ProofStatus.STILL_RED, f"With the change it still fails: {'; '.join(faults)}.") if faults else None

    def _look(self) -> dict[str, Check]:
        found = (*self.session.import_dags(self.case.dags_path), *self.session.run_tests())
        return {check.name: check for check in found}

    def _nothing_else_broke(self, before: dict[str, Check]) -> tuple[ProofStatus, str] | None:
        after = self._look()
        self.checks += after.values()
        lost = [c for name, c in after.items() if not c.passed and (name not in before or before[name].passed)]
        # The summary line fails before and after if any old test did; what counts then are the single tests.
        lost += [Check(name=name, passed=False, detail="it is gone") for name, check in before.items()
                 if check.passed and name not in after and name.startswith("imports: ") and not self._deleted(name)]
        if lost:
            return ProofStatus.STILL_RED, f"The change breaks what worked before: {_told(lost)}."
        return None

    def _deleted(self, name: str) -> bool:
        return any(edit.after is None and name.endswith(edit.path) for edit in self.change.edits)

    def _last_good_still_holds(self, before: StagedRun | None) -> tuple[ProofStatus, str] | None:
        if before is None or before.state != "success":
            detail = "no earlier good run is known" if before is None else f"here it is {before.state} without the change"
            self.checks.append(Check(name="last good interval", passed=True, detail=f"not compared: {detail}"))
            return None
        self.good_after = after = self._run("last_good", self.last_good)
        if after.state != "success":
            self.checks.append(Check(name="last good interval", passed=False, detail=_first_error(after)))
            return ProofStatus.STILL_RED, f"The change breaks the last good interval: {_first_error(after)}."
        differing = {d.table: d.note for d in self.session.table_diff(before, after) if d.note}
        if differing:
            self.session.reset()
            again = self._run("last_good_again", self.last_good)
            self.session.apply(self.change)
            # What differs between two runs of the same code (load times, ids) says nothing about the change.
            for table in self.session.table_diff(before, again):
                if table.note:
                    differing.pop(table.table, None)
        words = "; ".join(f"{table}: {note}" for table, note in differing.items())
        self.checks.append(Check(name="last good interval", passed=not words, detail=words or "same result as before"))
        return (ProofStatus.STILL_RED, f"The change alters the last good interval's result: {words}.") if words else None

    def _still_red_without_it(self) -> tuple[ProofStatus, str]:
        self.session.reset()
        again = self._run("red_again", self.case.logical_date)
        if not _sound(again):
            return ProofStatus.INCONCLUSIVE, f"The second run without the change could not be done: {_why_unsound(again)}."
        same, _ = _is_the_incident(again, self.case)
        self.checks.append(Check(name="red again without the change", passed=same, detail=_first_error(again)))
        if not same:
            return ProofStatus.NOT_REPRODUCED, "It fails only sometimes: a second run without the change ended otherwise."
        return ProofStatus.PROVED, f"Red before ({self.checks[0].detail}), green after: {_cured_words(self.case)}."


def _case(dossier: Dossier) -> _Case:
    """:raises WorkspaceError: the dossier does not say which task of which file failed."""
    incident, checkout = dossier.incident, dossier.checkout
    tasks = tuple(dict.fromkeys([m.task_id for m in incident.members] or [e.task.task_id for e in dossier.errors]))
    if checkout is None or not checkout.dag_file or not tasks:
        missing = "the task that failed" if checkout and checkout.dag_file else "the Dag's file in the repository"
        raise WorkspaceError(f"Proving a change for Dag {incident.dag_id!r} failed: {missing} is not known.")
    return _Case(
        dag_id=incident.dag_id, dag_file=checkout.dag_file, dags_path=checkout.dags_path or ".",
        logical_date=incident.logical_date or "", tasks=tasks, downstream=_downstream(dossier, tasks),
        errors=tuple(e for e in dossier.errors if e.task.task_id in tasks),
    )


def _downstream(dossier: Dossier, tasks: Iterable[str]) -> frozenset[str] | None:
    edges = {node.task_id: node.downstream for node in dossier.graph}
    if not edges:
        return None
    found: set[str] = set()
    ring = set(tasks)
    while ring:
        ring = {below for task in ring for below in edges.get(task, ())} - found
        found |= ring
    return frozenset(found)


def _sound(run: StagedRun) -> bool:
    return run.state in ("success", "failed") and run.runs_in_database == 1 and bool(run.tasks)


def _why_unsound(run: StagedRun) -> str:
    if run.broken_because:
        return run.broken_because.rstrip(".")
    return f"its database holds {run.runs_in_database} runs with {len(run.tasks)} tasks, expected one run"


def _is_the_incident(run: StagedRun, case: _Case) -> tuple[bool, str]:
    """Say whether the expected tasks, and of them all that failed, failed with the incident's error."""
    failed = [task for task in run.tasks if task.task_id in case.tasks and task.state == "failed"]
    expected = _expected(case)
    if not failed:
        return False, f"Expected {expected} in {_names(case.tasks)}; here it passed, and {_first_error(run)}."
    strangers = [task for task in failed if not _same_error(task.error, case, task.task_id)]
    if strangers:
        return False, f"Expected {expected}; here {strangers[0].task_id} failed with {_shown(strangers[0].error)}."
    by = "class only, the incident's log holds no more" if _only_class(case.errors) else "same fingerprint"
    passed = sorted(set(case.tasks) - {task.task_id for task in failed})
    note = f"; here {_names(passed)} passed" if passed else ""
    return True, f"{_names([t.task_id for t in failed])}: {_shown(failed[0].error)}, {by}{note}"


def _same_error(error: TaskError | None, case: _Case, task_id: str) -> bool:
    wanted = [e for e in case.errors if e.task.task_id == task_id] or list(case.errors)
    if error is None:
        return all(e.error_class == "unknown" for e in wanted)
    if _only_class(wanted):
        return any(_plain(e) in ("unknown", _plain(error)) for e in wanted) or not wanted
    return any(e.fingerprint == error.fingerprint for e in wanted)


def _only_class(errors: Iterable[TaskError]) -> bool:
    """Say whether the incident's log gave no traceback: then no fingerprint can be compared."""
    return not any(error.frames for error in errors)


def _not_cured(green: StagedRun, red: StagedRun, case: _Case) -> list[str]:
    """Return one sentence a task that does not do what it must with the change."""
    faults = []
    for task_id in case.tasks:
        states = {task.state for task in green.tasks if task.task_id == task_id}
        if "success" not in states or states - {"success", "removed"}:
            faults.append(f"{task_id} is {', '.join(sorted(states)) or 'gone'}{_with_error(green, task_id)}")
    below = case.downstream
    if below is None:
        below = frozenset(task.task_id for task in red.tasks if task.state == "upstream_failed")
    before = {(t.task_id, t.map_index): t for t in red.tasks}
    for task in green.tasks:
        if task.task_id in case.tasks or task.state in HARMLESS:
            continue
        old = before.get((task.task_id, task.map_index))
        if task.task_id in below or old is None or old.state not in FAILED:
            faults.append(f"{task.task_id} is {task.state}{_with_error(green, task.task_id)}")
    return faults


def _own_reasons(green: StagedRun, red: StagedRun, case: _Case) -> list[Check]:
    """Return a note for each task that failed before and after and has nothing to do with the incident."""
    before = {(t.task_id, t.map_index) for t in red.tasks if t.state == "failed"}
    return [
        Check(name=f"fails for a reason of its own: {task.task_id}", passed=True, detail=_shown(task.error))
        for task in green.tasks
        if task.state == "failed" and (task.task_id, task.map_index) in before and task.task_id not in case.tasks
    ]


def _with_error(run: StagedRun, task_id: str) -> str:
    error = next((task.error for task in run.tasks if task.task_id == task_id and task.error), None)
    return f" ({_shown(error)})" if error else ""


def _first_error(run: StagedRun) -> str:
    failed: StagedTask | None = next((task for task in run.tasks if task.state == "failed"), None)
    if failed is None:
        return run.broken_because or f"no task failed, the run is {run.state}"
    return f"{failed.task_id} failed with {_shown(failed.error)}"


def _expected(case: _Case) -> str:
    return _shown(case.errors[0]) if case.errors else "a failure"


def _shown(error: TaskError | None) -> str:
    return f"{_plain(error)}: {error.message.splitlines()[0][:200] if error.message else ''}" if error else "no exception"


def _plain(error: TaskError) -> str:
    return error.error_class.rsplit(".", 1)[-1]


def _told(checks: Iterable[Check]) -> str:
    return "; ".join(f"{check.name} ({check.detail})" if check.detail else check.name for check in list(checks)[:5])


def _names(tasks: Iterable[str]) -> str:
    listed = list(dict.fromkeys(tasks))
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


def _cured_words(case: _Case) -> str:
    count = len(case.downstream or ())
    return f"{_names(case.tasks)} succeeds" + (f", and {count} tasks downstream of it" if count else "")
