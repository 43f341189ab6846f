"""A change, applied → does it cure the failure, and what else does it move? One go through all that is asked of it.

The order is that of cost: the failing interval, everything else in the repository, the last good interval, the Dags
downstream. The first answer against the change ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.records import ChangeSet, Check, DagLinks, ProofStatus, StagedRun, TableDiff
from airflow_agentic.workspaces.case import (
    cured_words,
    first_error,
    not_cured,
    own_reasons,
    sound,
    told,
    why_unsound,
)
from airflow_agentic.workspaces.data_diff import written
from airflow_agentic.workspaces.downstream import MAX_DAGS, regression
from airflow_agentic.workspaces.repository_checks import LINTERS
from airflow_agentic.workspaces.sameness import noise_between, results_differ, states_differ
from airflow_agentic.workspaces.sameness import told as told_tables
from airflow_agentic.workspaces.staged_runs import StagedRuns

Ended = tuple[ProofStatus, str] | None


@dataclass(frozen=True, kw_only=True)
class Before:
    """How things stood without the change."""

    red: StagedRun
    good: StagedRun | None
    checks: dict[str, Check]
    below: tuple[DagLinks, ...] = ()
    """Dags directly downstream."""
    below_good: dict[str, StagedRun] = field(default_factory=dict)
    """Their runs on the last good interval's data, by Dag."""


@dataclass
class Judged:
    """What one change did; `judge_change` fills it."""

    runs: StagedRuns
    before: Before
    change: ChangeSet
    green: StagedRun | None = None
    good: StagedRun | None = None
    downstream: list[StagedRun] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    diff: tuple[TableDiff, ...] = ()
    against_good: tuple[TableDiff, ...] = ()
    upstream_run_again: bool = False
    """It is green only on what the Dags upstream make with the change."""

    def run(self) -> Ended:
        """Apply the change and go through the steps; None if nothing speaks against it. The change stays applied."""
        try:
            self.runs.note("change applied", {"files": "\n".join(edit.path for edit in self.change.edits)})
            self.runs.session.apply(self.change)
        except WorkspaceError as error:
            self.checks.append(Check(name="the change applies", passed=False, detail=str(error)))
            return ProofStatus.STILL_RED, f"The change does not apply: {error}"
        return self._cure() or self._nothing_else_broke() or self._last_good_still_holds() or self._downstream_holds()

    def _cure(self) -> Ended:
        case, before = self.runs.case, self.before
        self.green = green = self.runs.incident("green")
        if green.import_error:
            return ProofStatus.STILL_RED, f"With the change the Dag file does not import: {first_error(green)}."
        if not sound(green):
            return ProofStatus.INCONCLUSIVE, f"The changed code could not be run: {why_unsound(green)}."
        if not_cured(green, before.red, case) and (anew := self.runs.rebuilt()) is not None:
            self.upstream_run_again = True
            self.green = green = self.runs.incident("green_on_rebuilt", on=anew)
        session = self.runs.session
        self.diff = written(session.table_diff(before.red, green))
        if before.good is not None and before.good.state == "success":
            moved = {diff.table for diff in self.diff}
            self.against_good = tuple(d for d in session.table_diff(before.good, green) if d.table in moved)
        faults = not_cured(green, before.red, case)
        self.checks.append(Check(name="cured", passed=not faults, detail="; ".join(faults) or cured_words(case)))
        if self.upstream_run_again:
            detail = "the Dags upstream were run again with the change: the fault is in the data that they make"
            self.checks.append(Check(name="upstream Dags run again", passed=True, detail=detail))
        self.checks += own_reasons(green, before.red, case)
        return (ProofStatus.STILL_RED, f"With the change it still fails: {'; '.join(faults)}.") if faults else None

    def _nothing_else_broke(self) -> Ended:
        before, after = self.before.checks, look(self.runs)
        lost = [c for c in after.values() if not c.passed and _is_news(c, before)]
        # The summary line fails before and after if any old test did; what counts then are the single tests.
        lost += [
            Check(name=name, passed=False, detail="it is gone")
            for name, check in before.items()
            if check.passed and name not in after and name.startswith("imports: ") and not self._deleted(name)
        ]
        names = {check.name for check in lost}
        self.checks += [check if check.passed or name in names else _old_news(check) for name, check in after.items()]
        self.checks += [check for check in lost if check.name not in after]
        if lost:
            return ProofStatus.STILL_RED, f"The change breaks what worked before: {told(lost)}."
        return None

    def _deleted(self, name: str) -> bool:
        return any(edit.after is None and name.endswith(edit.path) for edit in self.change.edits)

    def _last_good_still_holds(self) -> Ended:
        before, runs = self.before.good, self.runs
        if before is None or before.state != "success":
            detail = "no earlier good run is known"
            if before is not None and before.import_error:
                self.good = runs.good("last_good")
                detail = f"without the change nothing imports; with it the run is {self.good.state}"
            elif before is not None:
                detail = f"here it is {before.state} without the change"
            self.checks.append(Check(name="last good interval", passed=True, detail=f"not compared: {detail}"))
            return None
        self.good = after = runs.good("last_good")
        if after.state != "success":
            self.checks.append(Check(name="last good interval", passed=False, detail=first_error(after)))
            return ProofStatus.STILL_RED, f"The change breaks the last good interval: {first_error(after)}."
        words = states_differ(before, after) or self._other_result(before, after)
        self.checks.append(Check(name="last good interval", passed=not words, detail=words or "same result as before"))
        if words:
            return ProofStatus.STILL_RED, f"The change alters the last good interval's result: {words}."
        return None

    def _other_result(self, before: StagedRun, after: StagedRun) -> str:
        session = self.runs.session
        differing = results_differ(session, before, after)
        if differing:
            session.reset()
            again = self.runs.good("last_good_again")
            session.apply(self.change)
            differing = results_differ(session, before, after, noise_between(session, before, again))
        return told_tables(differing)

    def _downstream_holds(self) -> Ended:
        assert self.green is not None
        below = self.before.below
        for links in below[:MAX_DAGS]:
            run = self.runs.below("downstream", links, on=self.green)
            self.downstream.append(run)
            self.checks.append(regression(self.before.below_good.get(links.dag_id), run))
        if len(below) > MAX_DAGS:
            names = ", ".join(links.dag_id for links in below[MAX_DAGS:])
            self.checks.append(Check(name="downstream Dags", passed=True, detail=f"not run, there are many: {names}"))
        lost = [check for check in self.checks if check.name.startswith("downstream Dag ") and not check.passed]
        return (ProofStatus.STILL_RED, f"The change breaks what is downstream: {told(lost)}.") if lost else None


def look(runs: StagedRuns) -> dict[str, Check]:
    """Return what importing all Dag files, the repository's tests and its linters find, by name."""
    runs.note("checks started", {"dags": runs.case.dags_path})
    session = runs.session
    found = (*session.import_dags(runs.case.dags_path), *session.run_tests(), *session.run_linters())
    failed = "\n".join(f"{check.name} {check.detail}" for check in found if not check.passed)
    runs.note("checks ended", {"count": str(len(found)), "failed": failed})
    return {check.name: check for check in found}


def _is_news(check: Check, before: dict[str, Check]) -> bool:
    """Say whether a failed check worked before; a linter that was red anyway has many findings, one more is none."""
    tool, _, finding = check.name.partition(": ")
    if finding and tool in LINTERS and tool in before and not before[tool].passed:
        return False
    return check.name not in before or before[check.name].passed


def _old_news(check: Check) -> Check:
    """Return a check that failed without the change as well: it is said, and not held against the change."""
    return Check(name=check.name, passed=True, detail=f"red before as well: {check.detail}"[:500])
