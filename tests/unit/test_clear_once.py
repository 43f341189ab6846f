"""A transient failure is cleared once, and the ledger knows of it first."""

import json

import httpx
import pytest

from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.records import Action, Failure, Signal, Transience
from airflow_agentic.testing.builders import a_proposal, an_incident
from airflow_agentic.testing.memory import MemoryIncidents, MemoryLedger
from airflow_agentic.triggers.clear import ClearOnce

TRANSIENT = a_proposal(edits=(), action=Action.RETRY, transience=Transience.TRANSIENT)


class Bench:
    def __init__(self, status=200):
        self.sent, self.ledger, self.incidents = [], MemoryLedger(), MemoryIncidents()

        def answer(request):
            if request.url.path == "/auth/token":
                return httpx.Response(201, json={"access_token": "t"})
            self.sent.append(
                (request.url.raw_path.decode(), json.loads(request.content), len(self.ledger.entries(an_incident().id)))
            )
            return httpx.Response(status, json={})

        rest = AirflowRest("http://airflow.test", "operator", "x", transport=httpx.MockTransport(answer))
        self.clear = ClearOnce(rest, self.incidents, self.ledger)


def test_the_failed_tasks_are_cleared_after_the_ledger_was_told():
    bench = Bench()
    assert "Cleared load once" in bench.clear(an_incident(), TRANSIENT)
    path, body, lines_before = bench.sent[0]
    assert path == "/api/v2/dags/orders_daily/clearTaskInstances"
    assert (body["dag_run_id"], body["task_ids"], body["dry_run"]) == (an_incident().run_id, ["load"], False)
    assert lines_before == 1


def test_it_is_never_cleared_twice():
    bench = Bench()
    bench.clear(an_incident(), TRANSIENT)
    assert "cleared by us before" in bench.clear(an_incident(), TRANSIENT)
    assert len(bench.sent) == 1


def test_a_run_that_we_cleared_and_that_failed_again_is_left_to_people():
    bench = Bench()
    first, second = an_incident(), an_incident(id="agentic__orders_daily__2", clear_number=1)
    for one in (first, second):
        failure = Failure(
            dag_id=one.dag_id, run_id=one.run_id, clear_number=one.clear_number, signal=Signal.MANUAL, seen_at="2026"
        )
        bench.incidents.record(one.id, failure)
    bench.clear(first, TRANSIENT)
    assert "cleared by us before" in bench.clear(second, TRANSIENT)
    assert len(bench.sent) == 1


@pytest.mark.parametrize(
    "proposal",
    [a_proposal(edits=()), a_proposal(), a_proposal(edits=(), action=Action.RETRY, transience=Transience.PERMANENT)],
    ids=["a code fault", "with a change", "permanent"],
)
def test_what_is_not_transient_is_not_cleared(proposal):
    bench = Bench()
    assert bench.clear(an_incident(), proposal) == ""
    assert bench.sent == []


def test_an_uncertain_diagnosis_clears_nothing_and_says_so():
    bench = Bench()
    unsure = a_proposal(edits=(), action=Action.RETRY, transience=Transience.TRANSIENT, confidence=0.3)
    assert "too uncertain" in bench.clear(an_incident(), unsure)
    assert bench.sent == []


def test_a_refusal_of_airflow_is_said_and_not_tried_again():
    bench = Bench(status=403)
    with pytest.raises(SourceUnavailable, match="HTTP 403"):
        bench.clear(an_incident(), TRANSIENT)
    assert "cleared by us before" in bench.clear(an_incident(), TRANSIENT)
