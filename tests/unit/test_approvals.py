"""Whose answer counts, and that whatever is odd is a no."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from airflow_agentic import pipeline
from airflow_agentic.errors import AuditError
from airflow_agentic.forges.publish import Publication
from airflow_agentic.guardrails.approvals import Question, ask, settled, subject_of, weigh
from airflow_agentic.records import (
    Answer,
    Approval,
    Decision,
    Dossier,
    Failure,
    Finding,
    IncidentState,
    Outcome,
    OutcomeStatus,
    Proof,
    Proposal,
    Signal,
    Verdict,
)
from airflow_agentic.store.engine import open_store
from airflow_agentic.testing.builders import a_dossier, a_proof, a_proposal, edit
from airflow_agentic.testing.forge import FakeForge
from airflow_agentic.testing.memory import MemoryIncidents, MemoryLedger

ID = "agentic__orders_daily__1"
S = "s" * 64
QUESTION = Question(
    subject=S, asked_at="2026-11-02T10:00:00+00:00", expires_at="2026-11-02T12:00:00+00:00",
    approvers=("mona", "grace"), excluded=("grace",),
)  # fmt: skip
YES = Approval(answer=Answer.APPROVED, by="Mona L", user_id="mona", at="2026-11-02T11:00:00+00:00", reason="fine")


def test_an_approver_of_the_list_in_time_counts():
    assert weigh(QUESTION, YES, S) == YES


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"user_id": "eve", "by": "eve"}, "'eve' is not one of"),
        ({"user_id": "grace", "by": "Grace"}, "four eyes"),
        ({"user_id": "mona", "by": "Grace"}, "four eyes"),
        ({"user_id": "", "by": None}, "nobody knows who"),
        ({"user_id": "", "by": "mona"}, "is not one of"),
        ({"at": "2026-11-02T09:59:59+00:00"}, "a clock went back"),
        ({"at": "2026-11-02T12:00:01+00:00"}, "the time was up"),
        ({"at": None}, "nobody knows when"),
        ({"at": "yesterday"}, "nobody knows when"),
        ({"at": "2026-11-02T11:00:00"}, "nobody knows when"),
    ],
)
def test_an_odd_approval_is_a_no_that_says_why(changes, why):
    found = weigh(QUESTION, replace(YES, **changes), S)
    assert found.answer is Answer.REJECTED
    assert why in found.reason


def test_an_approval_of_another_change_or_of_nothing_asked_is_a_no():
    assert "not the one that was shown" in weigh(QUESTION, YES, "t" * 64).reason
    assert weigh(None, YES, S).answer is Answer.REJECTED


def test_without_a_list_whoever_airflow_lets_may_answer_but_not_who_started_it():
    free = replace(QUESTION, approvers=(), excluded=("eve",))
    assert weigh(free, YES, S).answer is Answer.APPROVED
    assert weigh(free, replace(YES, user_id="EVE"), S).answer is Answer.REJECTED


class Bench:
    """An incident whose proved change a person is asked about."""

    def __init__(self, *, decision=Decision.ASK, store=None, **review):
        self.incidents = store.incidents if store else MemoryIncidents()
        self.ledger, self.forge = store.ledger if store else MemoryLedger(), FakeForge()
        self.incidents.record(
            ID, Failure(dag_id="orders_daily", run_id="r1", clear_number=0, signal=Signal.MANUAL, seen_at="2026-11-02")
        )
        findings = (Finding(rule="confidence", decision=decision, message="Unsure."),)
        for record in (a_dossier(), a_proposal(), a_proof(), Verdict(decision=decision, findings=findings)):
            self.incidents.keep(ID, record)
        self.review = pipeline.Review(incidents=self.incidents, ledger=self.ledger, **review)

    def answer(self, **changes):
        at = ask("", approvers=(), excluded=(), timeout_s=0).asked_at
        pipeline.decide(ID, replace(YES, at=at, **changes), self.review)
        return self.incidents.kept(ID, Approval)

    def deliver(self, **held) -> Outcome:
        class Nothing:
            def redact(self, text):
                return text

        parts = pipeline.Deliverance(
            incidents=self.incidents, ledger=self.ledger, forge=self.forge, channels=(), redactor=Nothing(),
            publication=Publication(repository="acme/x", base_branch="main", trust_level="propose"), **held,
        )  # fmt: skip
        return pipeline.deliver(ID, parts)


def test_an_approved_change_is_published_and_the_reason_is_in_ledger_and_text():
    bench = Bench(approvers=("mona",))
    assert pipeline.needs_person(ID, bench.review)
    assert bench.answer().answer is Answer.APPROVED
    outcome = bench.deliver()
    assert outcome.status is OutcomeStatus.PR_OPENED
    assert "Mona L" in outcome.body
    assert "fine" in outcome.body
    answered = [dict(e.facts) for e in bench.ledger.entries(ID) if e.event == "answered"]
    assert (answered[0]["user_id"], answered[0]["reason"]) == ("mona", "fine")


def test_of_two_answers_at_once_the_stricter_holds_in_either_order():
    for first, second in ((Answer.APPROVED, Answer.REJECTED), (Answer.REJECTED, Answer.APPROVED)):
        bench = Bench()
        pipeline.needs_person(ID, bench.review)
        bench.answer(answer=first)
        bench.answer(answer=second, user_id="grace", by="grace")
        assert bench.deliver().status is OutcomeStatus.ISSUE_OPENED


def test_a_change_that_was_made_anew_after_the_approval_is_not_published():
    bench = Bench()
    pipeline.needs_person(ID, bench.review)
    bench.answer()
    bench.incidents.keep(ID, a_proposal(edits=[edit("dags/orders.py", after="def price(row):\n    return 1\n")]))
    assert bench.deliver().status is OutcomeStatus.ISSUE_OPENED


def test_an_ask_that_nobody_answered_is_not_published():
    bench = Bench()
    pipeline.needs_person(ID, bench.review)
    assert bench.deliver().status is OutcomeStatus.ISSUE_OPENED


def test_an_approval_that_somebody_wrote_into_the_store_alone_is_not_believed():
    bench = Bench()
    pipeline.needs_person(ID, bench.review)
    bench.incidents.keep(ID, YES)
    assert bench.deliver().status is OutcomeStatus.ISSUE_OPENED


def test_asking_again_forgets_the_answer_before():
    bench = Bench()
    pipeline.needs_person(ID, bench.review)
    bench.answer()
    pipeline.needs_person(ID, bench.review)
    assert bench.deliver().status is OutcomeStatus.ISSUE_OPENED


def test_when_every_approver_is_gone_or_excluded_nobody_is_asked_and_it_is_a_no():
    bench = Bench(approvers=("mona",), excluded=("mona",))
    assert not pipeline.needs_person(ID, bench.review)
    pipeline.decide(ID, Approval(answer=Answer.NOT_NEEDED), bench.review)
    kept = bench.incidents.kept(ID, Approval)
    assert (kept.answer, "four eyes" in kept.reason) == (Answer.REJECTED, True)
    assert bench.incidents.get(ID).state is IncidentState.REVIEWED
    assert bench.deliver().status is OutcomeStatus.ISSUE_OPENED


def test_when_the_approvers_stay_silent_the_no_names_them_and_what_to_do():
    bench = Bench(approvers=("mona", "grace"), excluded=("grace",))
    pipeline.needs_person(ID, bench.review)
    pipeline.decide(ID, Approval(answer=Answer.TIMED_OUT, reason="nobody answered in time"), bench.review)
    kept = bench.incidents.kept(ID, Approval)
    assert kept.answer is Answer.TIMED_OUT
    assert "mona could have. Whoever is gone: replace them in approvers" in kept.reason
    assert bench.deliver().status is OutcomeStatus.ISSUE_OPENED


@pytest.fixture
def on_disk(tmp_path):
    """Yield an incident that a person has rejected, in a real store."""
    with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        bench = Bench(store=store)
        pipeline.needs_person(ID, bench.review)
        bench.answer(answer=Answer.REJECTED)
        yield bench, store


def test_two_people_who_answer_at_the_same_moment_are_both_heard_and_the_no_holds(tmp_path):
    url = f"sqlite:///{tmp_path}/store.db"
    with open_store(url) as store, open_store(url) as elsewhere:
        bench = Bench(store=store)
        pipeline.needs_person(ID, bench.review)
        other = replace(bench.review, incidents=elsewhere.incidents, ledger=elsewhere.ledger)
        at, start = ask("", approvers=(), excluded=(), timeout_s=0).asked_at, threading.Barrier(2)

        def answer(review, said, name):
            start.wait()
            pipeline.decide(ID, replace(YES, at=at, answer=said, user_id=name, by=name), review)

        with ThreadPoolExecutor(2) as both:
            done = [
                both.submit(answer, bench.review, Answer.APPROVED, "mona"),
                both.submit(answer, other, Answer.REJECTED, "grace"),
            ]
        assert [one.result() for one in done] == [None, None]
        answered = {dict(e.facts)["user_id"] for e in store.ledger.entries(ID) if e.event == "answered"}
        assert (answered, store.ledger.verify()) == ({"mona", "grace"}, ())
        assert bench.deliver().status is OutcomeStatus.ISSUE_OPENED


DAMAGE = {
    "rewritten": "UPDATE agentic_ledger SET facts = replace(facts, 'rejected', 'approved') WHERE event = 'answered'",
    "cut off": "DELETE FROM agentic_ledger WHERE event = 'answered'",
    "cut off with its head": "DELETE FROM agentic_ledger WHERE sequence > 1",
}


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_no_that_somebody_rewrote_or_cut_off_publishes_nothing_and_loses_nothing(on_disk, statement):
    bench, store = on_disk
    with store.database.write() as connection:
        connection.execute(text(statement))
    with pytest.raises(AuditError, match=r"cannot be believed.*airflow agentic ledger verify"):
        bench.deliver()
    assert bench.forge.deliveries == []
    assert store.incidents.get(ID).state is IncidentState.FAILED
    assert "Clear that task" in store.incidents.get(ID).detail
    assert all(store.incidents.kept(ID, kind) for kind in (Dossier, Proposal, Proof, Verdict))


def test_a_ledger_without_an_answer_is_a_time_out():
    assert settled((), S).answer is Answer.TIMED_OUT


def test_the_subject_names_the_change():
    assert subject_of(a_proposal()) != subject_of(a_proposal(edits=[edit("dags/orders.py", after="x = 1\n")]))
