"""A forge in memory. It keeps what it was handed, so that a test can read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from airflow_agentic.changes import holds
from airflow_agentic.errors import ForgeDown, ForgeError
from airflow_agentic.ports import BaseFiles, Protection, Rival
from airflow_agentic.records import ChangeSet, ChangeState, Delivery, Finding, Outcome, OutcomeStatus, Whereabouts


@dataclass
class _Kept:
    delivery: Delivery
    number: int
    open: bool = True
    pushed_by_person: bool = False
    ours: bool = False
    """We closed it."""
    merged_at: str | None = None


@dataclass
class FakeForge:
    """The port `Forge` without a repository.

    :param findings: what `preflight` returns.
    :param down: every call raises `ForgeError`.
    """

    findings: tuple[Finding, ...] = ()
    can: tuple[str, ...] = ()
    """What `powers` returns."""
    guarded: Protection = field(default_factory=Protection)
    """What `protection` returns."""
    down: bool = False
    name: str = "fake"
    base: dict[str, str | None] = field(default_factory=dict)
    """The base branch: path → text."""
    people: dict[str, dict[str, str]] = field(default_factory=dict)
    """Branches of people: name → path → text."""
    older: dict[tuple[str, str], bool] = field(default_factory=dict)
    """(commit, ancestor) → what `follows` says."""
    kept: dict[tuple[str, str], _Kept] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)

    def preflight(self) -> tuple[Finding, ...]:
        """Return the given findings."""
        self._reach()
        return self.findings

    def powers(self) -> tuple[str, ...]:
        """Return what it was told to."""
        return self.can

    def protection(self) -> Protection:
        """Return what it was told to."""
        self._reach()
        return self.guarded

    def open_change(self, delivery: Delivery) -> Outcome:
        """Keep the pull request of this fingerprint."""
        if delivery.change is None:
            raise ForgeError("Opening a pull request failed: there is no change.")
        return self._open("change", delivery, OutcomeStatus.PR_OPENED, OutcomeStatus.PR_UPDATED)

    def open_issue(self, delivery: Delivery) -> Outcome:
        """Keep the issue of this fingerprint."""
        return self._open("issue", delivery, OutcomeStatus.ISSUE_OPENED, OutcomeStatus.ISSUE_UPDATED)

    def rival(self, delivery: Delivery) -> Rival | None:
        """Return a branch of `people` that brings all of the change."""
        self._reach()
        for branch, texts in self.people.items():
            if delivery.change and all(holds(texts.get(edit.path), edit) for edit in delivery.change.edits):
                return Rival(name=branch)
        return None

    def remark(self, rival: Rival, delivery: Delivery) -> Outcome:
        """Keep an issue in its place."""
        said = self._open("issue", replace(delivery, change=None), OutcomeStatus.REMARKED, OutcomeStatus.REMARKED)
        return replace(said, status=OutcomeStatus.REMARKED, detail=f"{rival.name} already mends it.")

    def withdraw(self, delivery: Delivery, *, note: str = "") -> str:
        """Close both."""
        self._reach()
        known = [
            self.kept[key]
            for key in (("change", delivery.fingerprint), ("issue", delivery.fingerprint))
            if key in self.kept
        ]
        done = [f"{kept.number} closed" for kept in known if kept.open]
        for kept in known:
            kept.open, kept.ours = False, kept.ours or kept.open
        return ", ".join(done) or "there was nothing to undo"

    def whereabouts(self, delivery: Delivery) -> Whereabouts:
        """Return the state that it was put into."""
        self._reach()
        known = self.kept.get(("change", delivery.fingerprint))
        if known is None:
            return Whereabouts(state=ChangeState.NONE)
        url, merged = f"https://forge.test/{known.number}", known.merged_at
        if merged:
            return Whereabouts(state=ChangeState.MERGED, url=url, merged_at=merged, commit=f"merge-{known.number}")
        state = ChangeState.OPEN if known.open else ChangeState.WITHDRAWN if known.ours else ChangeState.CLOSED
        return Whereabouts(state=state, url=url)

    def base_files(self, paths: Sequence[str]) -> BaseFiles:
        """Return the texts of `base`."""
        self._reach()
        return BaseFiles(commit="b" * 40, texts={path: self.base.get(path) for path in paths})

    def follows(self, commit: str, ancestor: str) -> bool | None:
        """Look it up in `older`; a commit that nobody spoke of is unknown."""
        return self.older.get((commit, ancestor))

    def merge(self, delivery: Delivery, *, at: str) -> None:
        """Let a person merge it."""
        known = self.kept[("change", delivery.fingerprint)]
        known.open, known.merged_at = False, at
        for edit in known.delivery.change.edits if known.delivery.change else ():
            self.base[edit.path] = edit.after

    def push_as_person(self, delivery: Delivery) -> None:
        """Let a person push to the branch of this delivery."""
        self.kept[("change", delivery.fingerprint)].pushed_by_person = True

    def close_as_person(self, delivery: Delivery) -> None:
        """Let a person close the pull request of this delivery."""
        self.kept[("change", delivery.fingerprint)].open = False

    def change_of(self, delivery: Delivery) -> ChangeSet | None:
        """Return the change that the pull request holds."""
        return self.kept[("change", delivery.fingerprint)].delivery.change

    def _open(self, kind: str, delivery: Delivery, opened: OutcomeStatus, updated: OutcomeStatus) -> Outcome:
        self._reach()
        known = self.kept.get((kind, delivery.fingerprint))
        if known is None:
            self.kept[(kind, delivery.fingerprint)] = known = _Kept(delivery=delivery, number=len(self.kept) + 1)
            return self._outcome(opened, known)
        if not known.open:
            return self._outcome(OutcomeStatus.RECORDED, known, "A person closed it; it stays closed.")
        if known.pushed_by_person:
            return self._outcome(OutcomeStatus.PR_UNCHANGED, known, "A person has pushed to its branch.")
        if kind == "change" and known.delivery.change == delivery.change:
            return self._outcome(OutcomeStatus.PR_UNCHANGED, known, "The same change is there already.")
        known.delivery = delivery
        return self._outcome(updated, known)

    def _outcome(self, status: OutcomeStatus, kept: _Kept, detail: str = "") -> Outcome:
        if not detail:
            self.deliveries.append(kept.delivery)
        said = kept.delivery
        return Outcome(
            status=status, title=said.title, body=said.body, url=f"https://forge.test/{kept.number}", detail=detail,
            branch=said.branch if said.change else None, number=kept.number,
        )  # fmt: skip

    def _reach(self) -> None:
        if self.down:
            raise ForgeDown("Reaching the forge failed: it is down. Clearing the deliver task is safe.")
