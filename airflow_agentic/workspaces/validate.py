"""Dossier + Proposal → Proof. Does the failure happen here, and does the change end it?

Red twice, green, red again: the base code must fail as the incident did, each time; the change must cure the task and
all that waits for it; and the base code must still fail afterwards, or it was not the change that helped. Then the
change loses what nobody needs (`reduce_change`), and what is left is judged anew. Whatever the harness got wrong
makes the proof inconclusive; it is never held for or against the change.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.ports import Redactor, Workspace
from airflow_agentic.records import (
    ChangeSet,
    Check,
    Dossier,
    Proof,
    ProofStatus,
    Proposal,
    ReductionLimits,
    StagedRun,
)
from airflow_agentic.workspaces.case import (
    case_of,
    cured_words,
    few_of,
    first_error,
    is_the_incident,
    sound,
    why_unsound,
)
from airflow_agentic.workspaces.downstream import MAX_DAGS, directly_below
from airflow_agentic.workspaces.judged import Before, Ended, Judged, look
from airflow_agentic.workspaces.redacted import redacted
from airflow_agentic.workspaces.reduce import Reduction, reduce_change
from airflow_agentic.workspaces.staged_runs import Note, StagedRuns, silent
from airflow_agentic.workspaces.staging import UNPREPARED

SOMETIMES = (
    "It fails only sometimes: {run} without the change ended otherwise ({how}). Retry the task before anything else."
)


def validate(
    dossier: Dossier,
    proposal: Proposal,
    *,
    workspace: Workspace,
    last_good: str | None,
    redactor: Redactor | None = None,
    note: Note = silent,
    limits: ReductionLimits | None = None,
) -> Proof:
    """Return what the workspace found about the proposal's change. Never raises for what the code under trial does.

    :param last_good: logical date of the newest run that worked, ISO 8601; None if there is none.
    :param redactor: takes secrets out of what runs and tests said; None only where nothing is kept or shown.
    :param note: told of every run, check and change of the clone, before it happens and after.
    """
    started = time.monotonic()
    if proposal.change is None:
        return Proof(status=ProofStatus.NOT_ATTEMPTED, reason="There is no change to prove.")
    try:
        case = case_of(dossier)
        with workspace.open(dossier.incident.id) as session:
            runs = StagedRuns(session=session, case=case, dossier=dossier, last_good=last_good, note=note)
            waiting = proposal.diagnosis.blast_radius
            trial = _Trial(runs=runs, change=proposal.change, waiting=waiting, limits=limits or ReductionLimits())
            status, reason = trial.run()
            proof = trial.proof(status, reason)
    except WorkspaceError as error:
        proof = Proof(status=ProofStatus.INCONCLUSIVE, reason=str(error))
    proof = replace(proof, duration_s=time.monotonic() - started)
    return redacted(proof, redactor) if redactor is not None else proof


@dataclass
class _Trial:
    """One proof on its way; its steps end it by returning a status and a reason."""

    runs: StagedRuns
    change: ChangeSet
    waiting: tuple[str, ...]
    limits: ReductionLimits
    red: StagedRun | None = None
    reproduced: str = ""
    judged: Judged | None = None
    reduction: Reduction | None = None
    checks: list[Check] = field(default_factory=list)
    after: list[Check] = field(default_factory=list)

    def run(self) -> tuple[ProofStatus, str]:
        """Go through the steps in order; the first one that has an answer ends it."""
        ended = self._reproduce()
        if ended:
            return ended
        assert self.red is not None
        before = self._before(self.red)
        self.judged = Judged(runs=self.runs, before=before, change=self.change)
        ended = self.judged.run() or self._still_red_without_it()
        if ended:
            return ended
        self._reduce(before)
        words = cured_words(self.runs.case)
        return ProofStatus.PROVED, f"Red before ({self.reproduced}), green after: {words}."

    def proof(self, status: ProofStatus, reason: str) -> Proof:
        """Return the record of what was done so far."""
        judged, reduction = self.judged, self.reduction
        return Proof(
            status=status,
            reason=reason,
            red=self.red,
            green=judged.green if judged else None,
            last_good=judged.good if judged else None,
            downstream=tuple(judged.downstream) if judged else (),
            checks=(*self.checks, *(judged.checks if judged else ()), *self.after),
            data_diff=judged.diff if judged else (),
            against_good=judged.against_good if judged else (),
            reduced=reduction.change if reduction else None,
            taken_out=reduction.taken_out if reduction else (),
            environment=self.runs.session.environment(),
        )

    def _reproduce(self) -> Ended:
        case = self.runs.case
        self.red = red = self.runs.incident("red")
        if not sound(red):
            return ProofStatus.INCONCLUSIVE, f"The failure could not be reproduced: {why_unsound(red)}."
        same, reason = is_the_incident(red, case)
        if same:
            self.reproduced = reason
            self.checks.append(Check(name="reproduced", passed=True, detail=reason))
            return self._still_red("red_twice", "a second run")
        if red.import_error:
            return ProofStatus.INCONCLUSIVE, f"The failure could not be reproduced: {reason}"
        if not any(task.state == "failed" for task in red.tasks):
            return self._base_passes()
        return ProofStatus.NOT_REPRODUCED, reason

    def _base_passes(self) -> tuple[ProofStatus, str]:
        """Tell a failure that the base branch has cured since from one that comes and goes with the same code."""
        missing = [how for name, how in self.runs.session.environment() if name == UNPREPARED]
        if missing:
            return (
                ProofStatus.INCONCLUSIVE,
                f"It passes here, but staging data lacks what should have built it: {', '.join(missing[:5])}.",
            )
        checkout = self.runs.dossier.checkout
        if checkout is None or not checkout.pinned:
            return ProofStatus.ALREADY_FIXED, "The base branch passes without the change."
        failed_at = checkout.commit[:12]
        if checkout.commit != checkout.base_commit:
            self.runs.note("other commit taken", {"commit": checkout.commit})
            self.runs.session.go_to(checkout.commit)
            there = self.runs.incident("red_at_its_commit")
            self.runs.session.reset()
            if is_the_incident(there, self.runs.case)[0]:
                return (
                    ProofStatus.ALREADY_FIXED,
                    f"The base branch passes without the change; at commit {failed_at}, which failed, it still fails.",
                )
        return (
            ProofStatus.NOT_REPRODUCED,
            f"It passes here with the very code that failed, commit {failed_at}: retry the task before anything else.",
        )

    def _before(self, red: StagedRun) -> Before:
        """Look at everything else while the change is not there yet."""
        runs = self.runs
        checks = look(runs)
        good = runs.good("last_good_before") if runs.last_good else None
        below = directly_below(runs.case.dag_id, runs.session.links(), self.waiting)
        below_good = {}
        if good is not None and good.state == "success":
            below_good = {links.dag_id: runs.below("downstream_before", links, on=good) for links in below[:MAX_DAGS]}
        return Before(red=red, good=good, checks=checks, below=below, below_good=below_good)

    def _still_red_without_it(self) -> Ended:
        self.runs.note("change taken out", {})
        self.runs.session.reset()
        return self._still_red("red_again", "a run after green", name="red again without the change")

    def _still_red(self, run_name: str, words: str, *, name: str = "red twice") -> Ended:
        tasks = self.runs.case.tasks
        few = few_of(self.runs.case)
        again = self.runs.incident(run_name, few)
        if not sound(again):
            return ProofStatus.INCONCLUSIVE, f"Repeating red could not be done: {why_unsound(again)}."
        same, _ = is_the_incident(again, self.runs.case)
        self.runs.session.discard(again)
        target = self.checks if self.judged is None else self.after
        count = f" ({len(few)} of {len(tasks)} tasks were run again)" if len(few) < len(tasks) else ""
        target.append(Check(name=name, passed=same, detail=f"{first_error(again)}{count}"))
        if same:
            return None
        return ProofStatus.NOT_REPRODUCED, SOMETIMES.format(run=words, how=first_error(again))

    def _reduce(self, before: Before) -> None:
        """Take out what nothing needs, and judge what is left like any change; if it does not hold, keep the whole."""
        judged = self.judged
        assert judged is not None
        assert judged.green is not None
        if judged.upstream_run_again:
            detail = "the whole change: what the Dags upstream need of it was not tried piece by piece"
            self.after.append(Check(name="hunks that were kept", passed=True, detail=detail))
            return
        good = judged.good if judged.good is not None and judged.good.state == "success" else None
        reduction = reduce_change(self.change, runs=self.runs, green=judged.green, good=good, limits=self.limits)
        notes = list(reduction.notes)
        if reduction.change is not None:
            second = Judged(runs=self.runs, before=before, change=reduction.change)
            ended = second.run()
            if ended is None:
                self.judged, self.reduction = second, reduction
                detail = f"{len(reduction.taken_out)} hunk(s) that nothing needed were taken out"
                self.after.append(Check(name="every hunk is needed", passed=True, detail=detail))
            else:
                notes.append(f"the whole change is kept: without {len(reduction.taken_out)} hunk(s) {ended[1]}")
        if notes:
            self.after.append(Check(name="hunks that were kept", passed=True, detail="; ".join(notes)[:2_000]))
