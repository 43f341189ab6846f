"""A change that holds → the same change without the hunks that nothing needs. Every hunk earns its place.

Each hunk is taken out in turn on a warm fork. It goes if the failing interval and the last good one end as with it,
in states, in written data and in what tasks hand on, *and* the runs went through its lines: what no run touches (the
other nineteen Dags with the same cause, a case that staging data lacks) is kept, because its absence shows nothing.
Where no last good interval can be compared, all of a hunk's statements must have been run through, since it may be
the old format that needs it. Tests, comments and prose are left alone. Bounded in number and time; what was not
tried is said.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.records import ChangeSet, ReductionLimits, StagedRun
from airflow_agentic.workspaces.case import few_of
from airflow_agentic.workspaces.hunks import (
    Hunk,
    aside,
    changed,
    hunks_of,
    means_the_same,
    parses,
    place,
    text_of,
    without,
)
from airflow_agentic.workspaces.probes import probed, scrambled
from airflow_agentic.workspaces.sameness import QUIET, Noise, noise_between, results_differ, states_differ
from airflow_agentic.workspaces.staged_runs import StagedRuns

NEAR = 2
"""Lines between which a blank line belongs to its neighbour."""


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """What is left of a change."""

    change: ChangeSet | None
    """None: all of it is needed, or not known not to be."""
    taken_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What was not tried or not decided, and why."""


def reduce_change(
    change: ChangeSet, *, runs: StagedRuns, green: StagedRun, good: StagedRun | None, limits: ReductionLimits
) -> Reduction:
    """Return the reduced change; the session is left without any.

    :param green: the failing interval with the whole change.
    :param good: the last good interval with the whole change, where it can be compared.
    """
    hunks = hunks_of(change)
    tried = [hunk for hunk in hunks if not aside(hunk, change)]
    if limits.seconds <= 0 or len(tried) < 2:
        # The one hunk there is cures it: without it the run is red.
        return Reduction(change=None)
    reducer = _Reducer(change=change, runs=runs, green=green, good=good, limits=limits, tried=tried)
    try:
        reducer.run()
    except WorkspaceError as error:
        reducer.notes.append(f"looking for needless hunks stopped: {error}")
    runs.session.reset()
    return reducer.reduction()


@dataclass
class _Reducer:
    change: ChangeSet
    runs: StagedRuns
    green: StagedRun
    good: StagedRun | None
    limits: ReductionLimits
    tried: list[Hunk]
    dropped: set[Hunk] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    noise: dict[str, Noise] = field(default_factory=dict)
    ran: dict[Hunk, bool] | None = None

    def run(self) -> None:
        """Go through the hunks from the last to the first; once more where something was dropped."""
        todo = self.tried[: self.limits.hunks]
        if len(self.tried) > len(todo):
            self.notes.append(f"{len(self.tried) - len(todo)} hunks were not tried: there are more than {len(todo)}")
        for _ in range(2):
            count = len(self.dropped)
            for hunk in reversed([hunk for hunk in todo if hunk not in self.dropped]):
                if self._out_of_time():
                    self.notes.append(f"not all hunks were tried: {self.limits.seconds:.0f} seconds were up")
                    return
                if self._is_needless(hunk):
                    self.dropped.add(hunk)
            if len(self.dropped) == count:
                break

    def reduction(self) -> Reduction:
        """Return what is left."""
        self._drop_orphaned_blanks()
        if not self.dropped:
            return Reduction(change=None, notes=tuple(self.notes))
        left = without(self.change, self.dropped)
        if left is None:
            return Reduction(change=None, notes=(*self.notes, "without what seems needless nothing is left"))
        places = tuple(place(hunk, self.change) for hunk in hunks_of(self.change) if hunk in self.dropped)
        self.runs.note("change reduced", {"taken_out": "\n".join(places)})
        return Reduction(change=left, taken_out=places, notes=tuple(self.notes))

    def _is_needless(self, hunk: Hunk) -> bool:
        trial, whole = without(self.change, {*self.dropped, hunk}), without(self.change, self.dropped)
        if trial is None or whole is None:
            return False
        before = next((edit.before for edit in self.change.edits if edit.path == hunk.path), None)
        texts = [text_of(change, hunk.path, before) for change in (whole, trial)]
        if not parses(hunk.path, texts[1]):
            return False
        same = means_the_same(hunk.path, *texts)
        if same:
            # Blank lines go with their neighbours, comments and docstrings stay.
            return same == "layout" and any(line.strip() for line in changed(hunk, self.change))
        if not self._ends_the_same(trial, f"without {hunk.path}:{hunk.old[0] + 1}"):
            return False
        if self._was_run_through(hunk):
            return True
        self.notes.append(f"{hunk.path}:{hunk.old[0] + 1} was kept: no run here goes through it")
        return False

    def _ends_the_same(self, trial: ChangeSet | None, name: str) -> bool:
        if trial is None:
            return False
        if self._fails_early(trial, name):
            return False
        return self._same("incident", trial, name) and self._same("good", trial, name)

    def _fails_early(self, trial: ChangeSet, name: str) -> bool:
        """Say whether a few of many failing tasks show already that the trial is not the whole change."""
        few = few_of(self.runs.case)
        if len(few) == len(self.runs.case.tasks):
            return False
        run = self._play("incident", trial, f"{name}, {len(few)} tasks", few)
        self.runs.session.discard(run)
        cured = {(task.task_id, task.map_index): task.state for task in self.green.tasks if task.task_id in few}
        return cured != {(t.task_id, t.map_index): t.state for t in run.tasks if t.task_id in few}

    def _same(self, which: str, trial: ChangeSet, name: str) -> bool:
        """Say whether one interval ends with the trial as with the whole change."""
        reference = self.green if which == "incident" else self.good
        if reference is None:
            return True
        run = self._play(which, trial, name)
        session = self.runs.session
        try:
            if states_differ(reference, run):
                return False
            if not results_differ(session, reference, run, self.noise.get(which, QUIET)):
                return True
            if which in self.noise:
                return False
            again = self._play(which, self.change, "the whole change again")
            self.noise[which] = noise_between(session, reference, again)
            session.discard(again)
            return not results_differ(session, reference, run, self.noise[which])
        finally:
            session.discard(run)

    def _play(self, which: str, change: ChangeSet, name: str, tasks: tuple[str, ...] | None = None) -> StagedRun:
        self.runs.session.reset()
        self.runs.session.apply(change)
        return self.runs.incident(name, tasks) if which == "incident" else self.runs.good(name)

    def _was_run_through(self, hunk: Hunk) -> bool:
        if hunk.path.endswith(".sql"):
            # A macro is read by whoever reads any model.
            spoilt = scrambled(self.change, hunk) if "macros" not in hunk.path.split("/") else None
            return spoilt is not None and not self._ends_the_same(spoilt, f"{hunk.path} unreadable")
        if self.ran is None:
            self.ran = self._watch()
        return self.ran.get(hunk, False)

    def _watch(self) -> dict[Hunk, bool]:
        """Run the whole change with probes and return which hunks were run through."""
        watched = probed(self.change, self.tried)
        if watched.change is None:
            return {}
        paths = [path for _, marks in watched.marks for path in marks]
        left: set[str] = set()
        for which in ("incident", *(("good",) if self.good is not None else ())):
            run = self._play(which, watched.change, "with probes")
            left |= self.runs.session.left_behind(run, paths)
            reference = self.green if which == "incident" else self.good
            undisturbed = reference is not None and not states_differ(reference, run)
            self.runs.session.discard(run)
            if not undisturbed:
                self.notes.append("which lines were run through is not known: the run with probes ended otherwise")
                return {}
        enough = any if self.good is not None else all
        return {hunk: bool(marks) and enough(mark in left for mark in marks) for hunk, marks in watched.marks}

    def _out_of_time(self) -> bool:
        spent = time.monotonic() - self.started
        return spent + self.green.duration_s > self.limits.seconds

    def _drop_orphaned_blanks(self) -> None:
        """Drop blank lines that came with a hunk which is gone, and stand beside none that is kept."""
        kept = [hunk for hunk in hunks_of(self.change) if hunk not in self.dropped]
        blank = [h for h in kept if not h.whole and not any(line.strip() for line in changed(h, self.change))]
        solid = [hunk for hunk in kept if hunk not in blank]
        for hunk in blank:
            if _near(hunk, self.dropped) and not _near(hunk, solid):
                self.dropped.add(hunk)


def _near(hunk: Hunk, others: Iterable[Hunk]) -> bool:
    return any(
        other.path == hunk.path and other.new[0] - NEAR <= hunk.new[1] and hunk.new[0] <= other.new[1] + NEAR
        for other in others
    )
