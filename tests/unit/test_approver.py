"""Who approved is looked up when they answer and again before their word is acted on: whoever is gone does not count."""

from __future__ import annotations

import httpx
import pytest
from test_approvals import ID, Bench

from airflow_agentic import pipeline
from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.policy.read import PolicyOnDisk
from airflow_agentic.powers.airflow_user import airflow_user
from airflow_agentic.records import Answer, IncidentState, OutcomeStatus, StagingPermit
from airflow_agentic.rulings import Rulings
from airflow_agentic.scope import Scope
from airflow_agentic.store.engine import open_store

LOGIN_PAGE = httpx.Response(200, text="<html>", headers={"content-type": "text/html"})


class Airflow:
    """An api-server with an auth manager: FAB's users, by name, or another's answer."""

    def __init__(self, *users, answers=None):
        self.users, self.answers, self.asked = {user["username"]: user for user in users}, answers, []

    def rest(self):
        return AirflowRest("http://airflow.test", "agentic", "x", transport=httpx.MockTransport(self))

    def __call__(self, request):
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        self.asked.append(request.url.path)
        if isinstance(self.answers, Exception):
            raise self.answers
        if self.answers is not None:
            return self.answers
        if request.url.path == "/auth/fab/v1/users":
            return httpx.Response(200, json={"users": list(self.users.values())[:1], "total_entries": len(self.users)})
        found = self.users.get(request.url.path.removeprefix("/auth/fab/v1/users/"))
        return httpx.Response(200, json=found) if found else httpx.Response(404, json={"detail": "not found"})


def user(name="Mona L", active=True):
    return {"username": name, "email": f"{name}@acme.test", "active": active}


@pytest.mark.parametrize(
    ("airflow", "gone", "untold"),
    [
        (Airflow(user()), "", ""),
        (Airflow(user(active=False)), "'Mona L' is deactivated", ""),
        (Airflow(user(active=None)), "'Mona L' is deactivated", ""),
        (Airflow(user("grace")), "does not know 'Mona L' any more", ""),
        (Airflow(answers=LOGIN_PAGE), "", "its auth manager lists no users"),
        (Airflow(answers=httpx.Response(404, json={"detail": "Not Found"})), "", "its auth manager lists no users"),
        (Airflow(answers=httpx.Response(403, json={})), "", "give its role 'can read on Users'"),
        (Airflow(answers=httpx.Response(200, json={"users": [], "username": "eve"})), "another user", ""),
    ],
    ids=["active", "deactivated", "unsaid", "deleted", "simple auth manager", "no users", "may not ask", "another"],
)
def test_airflow_tells_who_is_gone_or_that_it_cannot_tell(airflow, gone, untold):
    found = airflow_user(airflow.rest(), "Mona L")
    assert (bool(found.gone), bool(found.untold)) == (bool(gone), bool(untold))
    assert gone in found.gone
    assert untold in found.untold


class Case:
    """An incident before its review, in a real store, under a policy on disk."""

    def __init__(self, store, folder, airflow, said="defaults: {approvers: [mona]}"):
        self.path, self.store, self.airflow = folder / "agentic_policy.yaml", store, airflow
        self.says(said)
        self.rulings = Rulings(scope=Scope(trust_level="propose"), store=store, policy=PolicyOnDisk(str(self.path)))
        self.bench = Bench(store=store, approvers=("mona",), still=self.still(acting=False))

    def says(self, text):
        self.path.write_text(f"version: 1\n{text}\n", encoding="utf-8")

    def still(self, *, acting):
        granted = self.rulings.policy.current().mandate_for("orders_daily", (), (), self.rulings.scope)
        return self.rulings.still(ID, granted, self.airflow.rest, acting=acting)

    def answered(self):
        assert pipeline.needs_person(ID, self.bench.review)
        return self.bench.answer()

    def deliver(self):
        return self.bench.deliver(still=self.still(acting=True))

    def found(self):
        return [dict(e.facts)["found"] for e in self.store.ledger.entries(ID) if "looked up" in e.event]


@pytest.fixture
def case(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        yield lambda airflow, **said: Case(store, tmp_path, airflow, **said)


def test_an_approver_whom_airflow_knows_is_believed_and_looked_up_twice(case):
    one = case(Airflow(user()))
    assert one.answered().answer is Answer.APPROVED
    assert one.deliver().status is OutcomeStatus.PR_OPENED
    assert one.airflow.asked == ["/auth/fab/v1/users", "/auth/fab/v1/users/Mona L"] * 2
    assert one.found() == []


def test_who_is_deactivated_before_the_answer_is_read_does_not_count(case):
    one = case(Airflow(user(active=False)))
    kept = one.answered()
    assert (kept.answer, "is deactivated in Airflow" in kept.reason) == (Answer.REJECTED, True)
    assert one.deliver().status is OutcomeStatus.ISSUE_OPENED


@pytest.mark.parametrize("later", [(), (user(active=False),)], ids=["deleted", "deactivated"])
def test_who_goes_between_the_answer_and_the_act_does_not_count(case, later):
    one = case(Airflow(user()))
    assert one.answered().answer is Answer.APPROVED
    one.airflow.users = {said["username"]: said for said in later}
    outcome = one.deliver()
    assert outcome.status is OutcomeStatus.ISSUE_OPENED
    assert "Replace them in approvers of the policy, then clear the review task" in one.found()[-1]
    assert "does not count" in outcome.body


@pytest.mark.parametrize(
    ("later", "why"),
    [
        ("defaults: {approvers: [grace]}", "'mona' is no longer one of grace in approvers of the policy"),
        ("written_by: [mona]\ndefaults: {approvers: [mona]}", "four eyes"),
    ],
)
def test_whom_the_policy_drops_between_the_answer_and_the_act_does_not_count(case, later, why):
    one = case(Airflow(user()))
    one.answered()
    one.says(later)
    assert one.deliver().status is OutcomeStatus.ISSUE_OPENED
    assert why in one.found()[-1]


def test_where_airflow_cannot_tell_the_list_of_the_policy_holds_and_the_ledger_says_so(case):
    one = case(Airflow(answers=LOGIN_PAGE))
    assert one.answered().answer is Answer.APPROVED
    assert one.deliver().status is OutcomeStatus.PR_OPENED
    assert [line.split(":")[0] for line in one.found()] == ["Airflow cannot tell whether 'Mona L' is active"] * 2
    one.says("defaults: {approvers: [grace]}")
    assert one.still(acting=True)(one.store.incidents.kept(ID, type(one.bench.answer()))).answer is Answer.REJECTED


def test_while_airflow_does_not_answer_an_approval_is_kept_and_not_acted_on(case):
    one = case(Airflow(answers=httpx.ConnectError("refused")))
    assert one.answered().answer is Answer.APPROVED
    with pytest.raises(SourceUnavailable):
        one.deliver()
    left = one.store.incidents.get(ID)
    assert (left.state, "Clear that task" in left.detail, one.bench.forge.deliveries) == (
        IncidentState.FAILED, True, [],
    )  # fmt: skip
    one.airflow.answers = None
    one.airflow.users = {"Mona L": user()}
    assert one.deliver().status is OutcomeStatus.PR_OPENED


def test_a_no_is_never_looked_up(case):
    one = case(Airflow(answers=httpx.ConnectError("refused")))
    pipeline.needs_person(ID, one.bench.review)
    assert one.bench.answer(answer=Answer.REJECTED).answer is Answer.REJECTED
    assert one.airflow.asked == []


@pytest.mark.parametrize(
    ("said", "who", "staged"),
    [
        ("defaults: {approvers: [mona]}", "mona", True),
        ("defaults: {approvers: [grace]}", "mona", False),
        ("written_by: [mona]", "mona", False),
        ("defaults: {approvers: [mona]}", "", False),
    ],
)
def test_a_word_on_staging_counts_only_of_whom_the_policy_still_names(case, said, who, staged):
    one = case(Airflow(user()), said=said)
    one.store.incidents.keep(ID, StagingPermit(allowed=True, by="Mona L", user_id=who))
    scope = Scope(trust_level="propose", staging_connections={"prod": "stage"})
    one.path.with_name("agentic_permissions.lock").unlink(missing_ok=True)
    rulings = Rulings(scope=scope, store=one.store, policy=PolicyOnDisk(str(one.path)))
    granted = rulings.policy.current().mandate_for("orders_daily", (), (), scope)
    found = rulings.staged(ID, granted, lambda _: ())
    told = [dict(e.facts)["because"] for e in one.store.ledger.entries(ID) if "without staging" in e.event]
    assert ("a person must let it write" not in told[-1] if told else bool(found.staging_connections)) is staged
