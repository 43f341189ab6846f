"""Dossier + Proposal → Proof. Does the failure happen here, and does the change end it?

Red, green, red again: the base code must fail as the incident did, the change must cure the task and all that waits
for it, and the base code must still fail afterwards, or it was not the change that helped. Whatever the harness got
wrong makes the proof inconclusive; it is never held for or against the change.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.ports import Redactor, Workspace, WorkspaceSession
from airflow_agentic.records import (
    ChangeSet,
    Check,
    Dossier,
    Proof,
    ProofStatus,
    Proposal,
    StagedRun,
    TableDiff,
)
from airflow_agentic.workspaces.case import (
    Case,
    case_of,
    cured_words,
    first_error,
    is_the_incident,
    not_cured,
    own_reasons,
    sound,
    told,
    why_unsound,
)
from airflow_agentic.workspaces.redacted import redacted


def validate(
    dossier: Dossier,
    proposal: Proposal,
    *,
    workspace: Workspace,
    last_good: str | None,
    redactor: Redactor | None = None,
) -> Proof:
    """Return what the workspace found about the proposal's change. Never raises for what the code under trial does.

    :param last_good: logical date of the newest run that worked, ISO 8601; None if there is none.
    :param redactor: takes secrets out of what runs and tests said; None only where nothing is kept or shown.
    """
    started = time.monotonic()
    if proposal.change is None:
        return Proof(status=ProofStatus.NOT_ATTEMPTED, reason="There is no change to prove.")
    try:
        case = case_of(dossier)
        with workspace.open(dossier.incident.id) as session:
            trial = _Trial(session=session, case=case, change=proposal.change, last_good=last_good)
            status, reason = trial.run()
            proof = trial.proof(status, reason)
    except WorkspaceError as error:
        proof = Proof(status=ProofStatus.INCONCLUSIVE, reason=str(error))
    proof = replace(proof, duration_s=time.monotonic() - started)
    return redacted(proof, redactor) if redactor is not None else proof


@dataclass
class _Trial:
    """One proof on its way; its steps end it by returning a status and a reason."""

    session: WorkspaceSession
    case: Case
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
            status=status,
            reason=reason,
            red=self.red,
            green=self.green,
            last_good=self.good_after,
            checks=tuple(self.checks),
            data_diff=self.diff,
            environment=self.session.environment(),
        )

    def _run(self, name: str, logical_date: str | None) -> StagedRun:
        return self.session.run_dag(
            name,
            dag_file=self.case.dag_file,
            dag_id=self.case.dag_id,
            logical_date=logical_date or "",
            task_ids=self.case.tasks,
        )

    def _reproduce(self) -> tuple[ProofStatus, str] | None:
        self.red = self._run("red", self.case.logical_date)
        if not sound(self.red):
            return ProofStatus.INCONCLUSIVE, f"The failure could not be reproduced: {why_unsound(self.red)}."
        same, reason = is_the_incident(self.red, self.case)
        if same:
            self.checks.append(Check(name="reproduced", passed=True, detail=reason))
            return None
        if self.red.import_error:
            return ProofStatus.INCONCLUSIVE, f"The failure could not be reproduced: {reason}"
        if not any(task.state == "failed" for task in self.red.tasks):
            return ProofStatus.ALREADY_FIXED, "The base branch passes without the change."
        return ProofStatus.NOT_REPRODUCED, reason

    def _cure(self) -> tuple[ProofStatus, str] | None:
        self.green = self._run("green", self.case.logical_date)
        if self.green.import_error:
            return ProofStatus.STILL_RED, f"With the change the Dag file does not import: {first_error(self.green)}."
        if not sound(self.green):
            return ProofStatus.INCONCLUSIVE, f"The changed code could not be run: {why_unsound(self.green)}."
        assert self.red is not None
        self.diff = self.session.table_diff(self.red, self.green)
        faults = not_cured(self.green, self.red, self.case)
        self.checks.append(Check(name="cured", passed=not faults, detail="; ".join(faults) or cured_words(self.case)))
        self.checks += own_reasons(self.green, self.red, self.case)
        return (ProofStatus.STILL_RED, f"With the change it still fails: {'; '.join(faults)}.") if faults else None

    def _look(self) -> dict[str, Check]:
        found = (*self.session.import_dags(self.case.dags_path), *self.session.run_tests())
        return {check.name: check for check in found}

    def _nothing_else_broke(self, before: dict[str, Check]) -> tuple[ProofStatus, str] | None:
        after = self._look()
        self.checks += after.values()
        lost = [c for name, c in after.items() if not c.passed and (name not in before or before[name].passed)]
        # The summary line fails before and after if any old test did; what counts then are the single tests.
        lost += [
            Check(name=name, passed=False, detail="it is gone")
            for name, check in before.items()
            if check.passed and name not in after and name.startswith("imports: ") and not self._deleted(name)
        ]
        if lost:
            return ProofStatus.STILL_RED, f"The change breaks what worked before: {told(lost)}."
        return None

    def _deleted(self, name: str) -> bool:
        return any(edit.after is None and name.endswith(edit.path) for edit in self.change.edits)

    def _last_good_still_holds(self, before: StagedRun | None) -> tuple[ProofStatus, str] | None:
        if before is None or before.state != "success":
            detail = "no earlier good run is known"
            if before is not None and before.import_error:
                self.good_after = self._run("last_good", self.last_good)
                detail = f"without the change nothing imports; with it the run is {self.good_after.state}"
            elif before is not None:
                detail = f"here it is {before.state} without the change"
            self.checks.append(Check(name="last good interval", passed=True, detail=f"not compared: {detail}"))
            return None
        self.good_after = after = self._run("last_good", self.last_good)
        if after.state != "success":
            self.checks.append(Check(name="last good interval", passed=False, detail=first_error(after)))
            return ProofStatus.STILL_RED, f"The change breaks the last good interval: {first_error(after)}."
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
        return (
            (ProofStatus.STILL_RED, f"The change alters the last good interval's result: {words}.") if words else None
        )

    def _still_red_without_it(self) -> tuple[ProofStatus, str]:
        self.session.reset()
        again = self._run("red_again", self.case.logical_date)
        if not sound(again):
            return (
                ProofStatus.INCONCLUSIVE,
                f"The second run without the change could not be done: {why_unsound(again)}.",
            )
        same, _ = is_the_incident(again, self.case)
        self.checks.append(Check(name="red again without the change", passed=same, detail=first_error(again)))
        if not same:
            return (
                ProofStatus.NOT_REPRODUCED,
                "It fails only sometimes: a second run without the change ended otherwise.",
            )
        return ProofStatus.PROVED, f"Red before ({self.checks[0].detail}), green after: {cured_words(self.case)}."
