"""What `deliver` leaves behind so that it can be undone, and the undoing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_agentic import pipeline
from airflow_agentic.errors import DeliveryRefused
from airflow_agentic.forges.publish import Publication
from airflow_agentic.records import Decision, Failure, Finding, FixState, IncidentState, Signal, Verdict
from airflow_agentic.testing.builders import NEW, OLD, a_dossier, a_proof, a_proposal, an_incident
from airflow_agentic.testing.forge import FakeForge
from airflow_agentic.testing.memory import MemoryFixes, MemoryIncidents, MemoryLedger

ID = an_incident().id


class Nothing:
    def redact(self, text):
        return text


class Bench:
    def __init__(self, **parts):
        self.incidents, self.ledger, self.fixes = MemoryIncidents(), MemoryLedger(), MemoryFixes()
        self.forge = FakeForge(base={"dags/orders.py": OLD})
        failure = Failure(
            dag_id="orders_daily", run_id="r1", clear_number=0, signal=Signal.MANUAL, seen_at="2026-11-02"
        )
        self.incidents.record(ID, failure)
        for record in (a_dossier(), a_proposal(), a_proof(), Verdict(decision=Decision.ALLOW, findings=())):
            self.incidents.keep(ID, record)
        given = {
            "incidents": self.incidents, "ledger": self.ledger, "fixes": self.fixes, "forge": self.forge, "channels": (),
            "redactor": Nothing(),
            "publication": Publication(repository="acme/x", base_branch="main", trust_level="propose"),
        }  # fmt: skip
        self.parts = pipeline.Deliverance(**{**given, **parts})

    def events(self, stage):
        return [entry.event for entry in self.ledger.entries(ID) if entry.stage == stage]


@pytest.fixture
def delivered():
    bench = Bench()
    pipeline.deliver(ID, bench.parts)
    return bench


def test_a_published_pull_request_is_one_open_fix_however_often_it_is_delivered(delivered):
    pipeline.deliver(ID, delivered.parts)
    (fix,) = delivered.fixes.list()
    assert (fix.incident_id, fix.state, fix.fingerprint) == (ID, FixState.OPEN, an_incident().fingerprint)


def test_the_inverse_diff_is_in_the_ledger_before_the_pull_request_is_opened(delivered):
    lines = [dict(entry.facts) for entry in delivered.ledger.entries(ID) if entry.event == "opening a pull request"]
    assert '-    return row["unit_price"]' in lines[0]["inverse"]
    assert '+    return row["price"]' in lines[0]["inverse"]


def test_an_unmerged_pull_request_is_closed(delivered):
    assert "closed" in pipeline.take_back(ID, delivered.parts, why="No.").done
    assert delivered.events("rollback") == ["started", "withdrawing", "finished"]


def test_a_merged_one_gets_a_draft_that_holds_the_old_text_and_only_one(delivered):
    published = delivered.forge.deliveries[0]
    delivered.forge.merge(published, at="2026-11-03T00:00:00+00:00")
    first = pipeline.take_back(ID, delivered.parts, why="It came *again*.").revert
    again = pipeline.take_back(ID, delivered.parts, why="It came *again*.").revert
    revert = delivered.forge.deliveries[1]
    assert (first.status.value, again.status.value, again.number) == ("pr_opened", "pr_unchanged", first.number)
    assert [(e.before, e.after) for e in revert.change.edits] == [(NEW, OLD)]
    assert "`*again*`" in revert.body
    assert delivered.events("rollback")[:3] == ["started", "opening a draft revert", "finished"]


def test_what_was_published_can_be_reverted_though_a_later_triage_found_nothing_to_change(delivered):
    delivered.forge.merge(delivered.forge.deliveries[0], at="2026-11-03T00:00:00+00:00")
    delivered.incidents.keep(ID, replace(a_proposal(), change=None))
    pipeline.deliver(ID, delivered.parts)
    revert = pipeline.take_back(ID, delivered.parts, why="It came again.").revert
    assert revert.status.value == "pr_opened"
    assert [(e.before, e.after) for e in delivered.forge.deliveries[-1].change.edits] == [(NEW, OLD)]


def test_an_unsafe_repository_leaves_an_incident_that_says_what_to_mend():
    denied = Finding(rule="preflight", decision=Decision.DENY, message="Branch 'main' is not protected.")
    bench = Bench()
    bench.forge.findings = (denied,)
    with pytest.raises(DeliveryRefused):
        pipeline.deliver(ID, bench.parts)
    incident = bench.incidents.get(ID)
    assert incident.state is IncidentState.FAILED
    assert incident.detail.startswith("refused: ")
    assert "is not protected" in incident.detail
    assert bench.forge.kept == {}
    assert bench.events("publish") == ["started", "refused before anything was written", "failed"]


def test_what_the_clear_did_is_said_in_the_outcome():
    bench = Bench(clear=lambda incident, proposal: "Cleared load once.")
    bench.incidents.keep(ID, replace(a_proposal(), change=None))
    assert pipeline.deliver(ID, bench.parts).detail.endswith("Cleared load once.")
