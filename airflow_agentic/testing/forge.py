"""A forge in memory. It keeps what it was handed, so that a test can read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_agentic.errors import ForgeError
from airflow_agentic.records import ChangeSet, Delivery, Finding, Outcome, OutcomeStatus


@dataclass
class _Kept:
    delivery: Delivery
    number: int
    open: bool = True
    pushed_by_person: bool = False


@dataclass
class FakeForge:
    """The port `Forge` without a repository.

    :param findings: what `preflight` returns.
    :param down: every call raises `ForgeError`.
    """

    findings: tuple[Finding, ...] = ()
    down: bool = False
    name: str = "fake"
    kept: dict[tuple[str, str], _Kept] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)

    def preflight(self) -> tuple[Finding, ...]:
        """Return the given findings."""
        self._reach()
        return self.findings

    def open_change(self, delivery: Delivery) -> Outcome:
        """Keep the pull request of this fingerprint."""
        if delivery.change is None:
            raise ForgeError("Opening a pull request failed: there is no change.")
        return self._open("change", delivery, OutcomeStatus.PR_OPENED, OutcomeStatus.PR_UPDATED)

    def open_issue(self, delivery: Delivery) -> Outcome:
        """Keep the issue of this fingerprint."""
        return self._open("issue", delivery, OutcomeStatus.ISSUE_OPENED, OutcomeStatus.ISSUE_UPDATED)

    def withdraw(self, delivery: Delivery) -> str:
        """Close both."""
        self._reach()
        known = [
            self.kept[key]
            for key in (("change", delivery.fingerprint), ("issue", delivery.fingerprint))
            if key in self.kept
        ]
        done = [f"{kept.number} closed" for kept in known if kept.open]
        for kept in known:
            kept.open = False
        return ", ".join(done) or "there was nothing to undo"

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
            raise ForgeError("Reaching the forge failed: it is down. Clearing the deliver task is safe.")
