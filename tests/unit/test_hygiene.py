"""One more pull request, or not: caps, people's own changes, reviewers, what is superseded, stale or expired."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import httpx
import pytest

from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.changes import holds, make_change
from airflow_agentic.forges.hygiene import Caps, held_back, supersede, with_reviewers
from airflow_agentic.forges.publish import Publication, publish
from airflow_agentic.records import (
    Answer,
    Approval,
    ChangeState,
    Decision,
    FixRecord,
    FixState,
    Outcome,
    OutcomeStatus,
    Verdict,
)
from airflow_agentic.testing.builders import NEW, OLD, a_dossier, a_proof, a_proposal, an_incident, edit
from airflow_agentic.testing.forge import FakeForge
from airflow_agentic.testing.forge_claims import PATH, a_delivery
from airflow_agentic.testing.memory import MemoryFixes, MemoryIncidents, MemoryLedger
from airflow_agentic.testing.model import WordRedactor
from airflow_agentic.triggers.tidy import Tidying, tidy

NOW = datetime.now(timezone.utc)


def a_fix(number, *, minutes_ago=600, state=FixState.OPEN, dag_id="orders_daily"):
    at = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    return FixRecord(
        incident_id=f"i{number}", dag_id=dag_id, repository="acme/x", fingerprint=f"{number:016x}", state=state,
        updated_at=at, opened_at=at, url=f"https://forge.test/{number}",
    )  # fmt: skip


def some_fixes(*records):
    fixes = MemoryFixes()
    for record in records:
        fixes.save(record)
    return fixes


def published(forge, fixes):
    return publish(
        an_incident(), a_dossier(), a_proposal(), a_proof(), Verdict(decision=Decision.ALLOW, findings=()),
        Approval(answer=Answer.NOT_NEEDED), forge=forge, redactor=WordRedactor(), fixes=fixes,
        publication=Publication(repository="acme/x", base_branch="main", trust_level="propose"),
        before=lambda event, facts: None,
    )  # fmt: skip


def test_the_eleventh_open_pull_request_waits_and_says_which_setting_holds_it():
    assert "max_open_prs" in held_back(some_fixes(*(a_fix(n) for n in range(10))), "acme/x", Caps())
    assert held_back(some_fixes(*(a_fix(n) for n in range(9))), "acme/x", Caps()) == ""


def test_the_third_within_an_hour_waits():
    fixes = some_fixes(a_fix(1, minutes_ago=50, state=FixState.ACCEPTED), a_fix(2, minutes_ago=5))
    assert "max_prs_per_hour" in held_back(fixes, "acme/x", Caps())
    assert held_back(fixes, "acme/x", Caps(), at=NOW + timedelta(minutes=11)) == ""


def test_another_repository_does_not_count():
    assert held_back(some_fixes(*(a_fix(n, minutes_ago=1) for n in range(20))), "acme/other", Caps()) == ""


def test_what_is_held_back_opens_nothing_and_an_update_is_never_held_back():
    forge, full = FakeForge(), some_fixes(a_fix(1, minutes_ago=1), a_fix(2, minutes_ago=1))
    assert published(forge, full).status is OutcomeStatus.HELD_BACK
    assert forge.deliveries == []
    assert published(forge, None).status is OutcomeStatus.PR_OPENED
    assert published(forge, full).status is OutcomeStatus.PR_UNCHANGED


def test_a_person_who_already_mends_it_gets_a_word_and_no_competitor():
    forge = FakeForge(people={"mend": {e.path: e.after for e in a_proposal().change.edits}})
    assert published(forge, MemoryFixes()).status is OutcomeStatus.REMARKED
    assert [d.change for d in forge.deliveries] == [None]


def test_code_owners_of_the_files_are_asked_and_addresses_are_not():
    forge = FakeForge(base={"CODEOWNERS": "* @acme/data\ndags/* @mona x@acme.test\n"})
    assert with_reviewers(a_delivery(reviewers=("ana",)), forge).reviewers == ("ana", "mona")


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (NEW, True),
        (NEW.replace("    return", "  return"), True),
        (NEW + "# and more\n", True),
        (OLD, False),
        (OLD + NEW, False),
        (None, False),
    ],
    ids=["the same", "other blanks", "more", "not yet", "the old line is still there", "no file"],
)
def test_a_text_holds_an_edit_when_its_lines_came_and_the_old_ones_went(text, held):
    assert holds(text, edit(PATH)) is held


def test_an_older_pull_request_is_closed_when_the_new_one_brings_all_of_it():
    small, large = a_delivery(fingerprint="1" * 16), a_delivery(text=NEW + "more = 1\n", incident_id="i2")
    other = a_delivery(fingerprint="3" * 16, text=OLD.replace("price", "cost"))
    forge, told = FakeForge(), []
    for delivery in (small, large, other):
        forge.open_change(delivery)
    fixes = some_fixes(
        replace(a_fix(1), fingerprint="1" * 16), replace(a_fix(2), fingerprint=large.fingerprint),
        replace(a_fix(3), fingerprint="3" * 16),
    )  # fmt: skip
    outcome = Outcome(status=OutcomeStatus.PR_OPENED, title="t", body="b", url="https://forge.test/2")
    older = {"i1": small, "i3": other}
    closed = supersede(
        large, outcome, forge=forge, fixes=fixes, older=lambda fix: older.get(fix.incident_id),
        before=lambda event, facts: told.append((event, forge.whereabouts(small).state)),
    )  # fmt: skip
    assert closed == ("https://forge.test/1",)
    assert told == [("closing what is superseded", ChangeState.OPEN)]
    assert forge.whereabouts(other).state is ChangeState.OPEN
    assert fixes.get("i1").state is FixState.SUPERSEDED


class Bench:
    """An open pull request, an Airflow that takes clears, and the sweep's tidying."""

    def __init__(self, *, days=1.0, base=OLD, rooms=0):
        self.forge, self.incidents, self.ledger, self.sent = (
            FakeForge(base={PATH: base}),
            MemoryIncidents(),
            MemoryLedger(),
            [],
        )
        self.delivery = a_delivery(incident_id="i1", fingerprint=a_fix(1).fingerprint)
        self.forge.open_change(self.delivery)
        self.fixes = some_fixes(a_fix(1, minutes_ago=days * 1440))

        def answer(request):
            if request.url.path == "/auth/token":
                return httpx.Response(201, json={"access_token": "t"})
            self.sent.append(json.loads(request.content))
            return httpx.Response(200, json={})

        self.parts = Tidying(
            fixes=self.fixes, incidents=self.incidents, ledger=self.ledger, triage_dag_id="agentic_triage",
            rest=AirflowRest("http://airflow.test", "u", "p", transport=httpx.MockTransport(answer)),
            delivery_of=lambda _: self.delivery, whereabouts=self.forge.whereabouts, base_files=self.forge.base_files,
            withdraw=lambda delivery, note: self.forge.withdraw(delivery, note=note), expire_days=30.0, room=lambda: rooms,
        )  # fmt: skip


def test_a_fresh_pull_request_on_an_unchanged_base_is_left_alone():
    bench = Bench()
    assert tidy(bench.parts) == ()
    assert bench.sent == []


def test_one_that_nobody_looked_at_for_a_month_is_closed_and_counts_against_nobody():
    bench = Bench(days=31)
    assert "expired" in tidy(bench.parts)[0]
    assert bench.fixes.get("i1").state is FixState.EXPIRED
    assert bench.fixes.track_record("orders_daily").rejected == 0
    assert tidy(bench.parts) == ()


def test_one_whose_lines_are_on_the_base_branch_already_is_closed():
    bench = Bench(base=NEW + "# by hand\n")
    assert "superseded" in tidy(bench.parts)[0]
    assert bench.forge.whereabouts(bench.delivery).state is ChangeState.WITHDRAWN


def test_a_stale_one_is_made_and_proved_anew_once_per_state_of_the_base_branch():
    bench = Bench(base=OLD + "# somebody else's line\n")
    assert "stale" in tidy(bench.parts)[0]
    assert tidy(bench.parts) == ()
    assert [(b["dag_run_id"], b["task_ids"], b["include_downstream"]) for b in bench.sent] == [
        ("i1", ["investigate"], True)
    ]
    assert bench.ledger.entries("i1")[0].event == "stale"


def test_what_was_held_back_is_delivered_when_there_is_room_and_no_more_than_that():
    bench = Bench(rooms=1)
    bench.fixes.save(replace(a_fix(1), state=FixState.ACCEPTED))
    for name in ("i8", "i9"):
        bench.incidents.record(name, a_failure(name))
        bench.incidents.keep(name, Outcome(status=OutcomeStatus.HELD_BACK, title="t", body="b"))
    assert len(tidy(bench.parts)) == 1
    assert [b["task_ids"] for b in bench.sent] == [["deliver"]]


def a_failure(run_id):
    from airflow_agentic.records import Failure, Signal

    return Failure(dag_id="d", run_id=run_id, clear_number=0, signal=Signal.MANUAL, seen_at="2026-11-02T04:00:00+00:00")


def test_a_change_of_two_files_is_no_part_of_one_that_touches_only_one():
    both = make_change("a" * 40, (edit(PATH), edit("dags/other.py")), "two")
    assert both is not None
    forge, fixes = FakeForge(), some_fixes(replace(a_fix(1), fingerprint="1" * 16), a_fix(2))
    wide = a_delivery(fingerprint="1" * 16, change=both)
    outcome = Outcome(status=OutcomeStatus.PR_OPENED, title="t", body="b", url="u")
    closed = supersede(
        a_delivery(incident_id="i2"), outcome, forge=forge, fixes=fixes, older=lambda _: wide, before=print
    )
    assert closed == ()
