"""What every forge does, as a class of tests: inherit it where a fixture ``bench`` gives a forge and a person.

The bench has ``forge``, ``push_as_person(delivery)``, ``close_as_person(delivery)``, ``merge_as_person(delivery)``,
``propose_as_person(branch, text)`` (an open change of `PATH`) and ``text_of(delivery, path)``;
its repository holds ``dags/orders.py`` with `OLD` on the base branch ``main``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_agentic.changes import make_change
from airflow_agentic.forges.undo import undo
from airflow_agentic.records import ChangeState, Delivery, OutcomeStatus
from airflow_agentic.testing.builders import NEW, OLD, edit

PATH = "dags/orders.py"


def a_delivery(*, text: str = NEW, as_issue: bool = False, **changes: Any) -> Delivery:
    """Return a delivery of one change of one file."""
    fields: dict[str, Any] = {
        "incident_id": "agentic__orders_daily__1", "fingerprint": "0123456789abcdef", "title": "Fix orders_daily.load",
        "body": "What failed, and why.", "base_branch": "main", "branch": "agentic/orders-daily-0123456789ab",
        "commit_message": "Fix orders_daily.load\n\nAgentic-Incident: 1\nAgentic-Fingerprint: 0123456789abcdef\n",
        "change": None if as_issue else make_change("a" * 40, (edit(PATH, after=text),), "Read unit_price"),
    }  # fmt: skip
    return Delivery(**{**fields, **changes})


class ForgeClaims:
    """The claims."""

    def test_a_change_becomes_a_pull_request_with_its_text_on_our_branch(self, bench: Any) -> None:
        """The first delivery."""
        outcome = bench.forge.open_change(a_delivery())
        assert outcome.status is OutcomeStatus.PR_OPENED
        assert (outcome.branch, bool(outcome.url), bool(outcome.number)) == (a_delivery().branch, True, True)
        assert bench.text_of(a_delivery(), PATH) == NEW

    def test_a_second_delivery_of_the_same_change_alters_nothing(self, bench: Any) -> None:
        """A cleared task."""
        first = bench.forge.open_change(a_delivery())
        again = bench.forge.open_change(a_delivery())
        assert (again.status, again.number, again.url) == (OutcomeStatus.PR_UNCHANGED, first.number, first.url)

    def test_another_change_with_the_same_fingerprint_updates_the_pull_request_in_place(self, bench: Any) -> None:
        """A better fix."""
        first = bench.forge.open_change(a_delivery())
        again = bench.forge.open_change(a_delivery(text="better = 1\n", body="Better."))
        assert (again.status, again.number) == (OutcomeStatus.PR_UPDATED, first.number)
        assert bench.text_of(a_delivery(), PATH) == "better = 1\n"

    def test_a_branch_that_a_person_pushed_to_is_left_as_it_is(self, bench: Any) -> None:
        """Never overwrite a person."""
        bench.forge.open_change(a_delivery())
        bench.push_as_person(a_delivery())
        theirs = bench.text_of(a_delivery(), PATH)
        again = bench.forge.open_change(a_delivery(text="better = 1\n"))
        assert again.status is OutcomeStatus.PR_UNCHANGED
        assert "person" in again.detail
        assert bench.text_of(a_delivery(), PATH) == theirs

    def test_a_pull_request_that_a_person_closed_stays_closed(self, bench: Any) -> None:
        """A person's no."""
        bench.forge.open_change(a_delivery())
        bench.close_as_person(a_delivery())
        again = bench.forge.open_change(a_delivery(text="better = 1\n"))
        assert again.status is OutcomeStatus.RECORDED
        assert "closed" in again.detail

    def test_an_issue_is_opened_once_and_then_updated(self, bench: Any) -> None:
        """One issue per cause."""
        first = bench.forge.open_issue(a_delivery(as_issue=True))
        again = bench.forge.open_issue(a_delivery(as_issue=True, body="More is known."))
        assert (first.status, again.status) == (OutcomeStatus.ISSUE_OPENED, OutcomeStatus.ISSUE_UPDATED)
        assert first.number == again.number

    def test_withdrawing_can_be_repeated_and_says_what_it_did(self, bench: Any) -> None:
        """Undo."""
        bench.forge.open_change(a_delivery())
        assert "closed" in bench.forge.withdraw(a_delivery())
        assert bench.forge.withdraw(a_delivery()) == "there was nothing to undo"

    def test_it_knows_an_open_a_closed_and_a_withdrawn_pull_request_apart(self, bench: Any) -> None:
        """A person's no is not ours."""
        states = [bench.forge.whereabouts(a_delivery()).state]
        bench.forge.open_change(a_delivery())
        states.append(bench.forge.whereabouts(a_delivery()).state)
        bench.forge.withdraw(a_delivery())
        states.append(bench.forge.whereabouts(a_delivery()).state)
        assert states == [ChangeState.NONE, ChangeState.OPEN, ChangeState.WITHDRAWN]

    def test_what_a_person_closed_was_not_withdrawn(self, bench: Any) -> None:
        """Likewise."""
        bench.forge.open_change(a_delivery())
        bench.close_as_person(a_delivery())
        assert bench.forge.whereabouts(a_delivery()).state is ChangeState.CLOSED

    def test_it_learns_of_a_merge_and_reads_the_base_branch(self, bench: Any) -> None:
        """The watch begins here."""
        bench.forge.open_change(a_delivery())
        bench.merge_as_person(a_delivery())
        there = bench.forge.whereabouts(a_delivery())
        assert (there.state, bool(there.merged_at), bool(there.commit)) == (ChangeState.MERGED, True, True)
        assert bench.forge.base_files([PATH, "none.py"]).texts == {PATH: NEW, "none.py": None}

    def test_undoing_a_merged_change_opens_one_draft_that_holds_the_old_text(self, bench: Any) -> None:
        """Undo, and undo again."""
        bench.forge.open_change(a_delivery())
        bench.merge_as_person(a_delivery())
        first, again = (
            undo(a_delivery(), forge=bench.forge, why="It came back.", before=lambda *said: None) for _ in range(2)
        )
        assert first.revert is not None
        assert again.revert is not None
        assert (first.revert.status, again.revert.status) == (OutcomeStatus.PR_OPENED, OutcomeStatus.PR_UNCHANGED)
        assert again.revert.number == first.revert.number
        assert bench.text_of(replace(a_delivery(), branch=first.revert.branch or ""), PATH) == OLD

    def test_a_sound_repository_passes_the_preflight(self, bench: Any) -> None:
        """No finding denies."""
        assert all(finding.decision < 2 for finding in bench.forge.preflight())

    def test_a_persons_open_change_that_already_mends_it_is_found(self, bench: Any) -> None:
        """No competitor of a person; blanks do not matter."""
        assert bench.forge.rival(a_delivery()) is None
        bench.propose_as_person("mend-it", NEW.replace("    return", "        return"))
        assert bench.forge.rival(a_delivery()) is not None

    def test_a_persons_change_of_the_same_file_that_does_something_else_is_no_rival(self, bench: Any) -> None:
        """The same file is not the same fix."""
        bench.propose_as_person("other", OLD + "# a remark\n")
        assert bench.forge.rival(a_delivery()) is None

    def test_our_own_pull_request_is_no_rival(self, bench: Any) -> None:
        """Nor is ours."""
        bench.forge.open_change(a_delivery())
        assert bench.forge.rival(a_delivery(fingerprint="fedcba9876543210")) is None

    def test_a_remark_is_made_once_and_opens_nothing(self, bench: Any) -> None:
        """A cleared task."""
        bench.propose_as_person("mend-it", NEW)
        rival = bench.forge.rival(a_delivery())
        statuses = [bench.forge.remark(rival, a_delivery()).status for _ in range(2)]
        assert statuses == [OutcomeStatus.REMARKED] * 2
        assert bench.forge.whereabouts(a_delivery()).state is ChangeState.NONE
