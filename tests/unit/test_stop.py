"""The kill switch and maintenance: nothing is done while they are on, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_agentic import pipeline
from airflow_agentic.errors import AuditError, SettingsError, Stopped
from airflow_agentic.guardrails.occurrences import WaitingAgent
from airflow_agentic.guardrails.stop import (
    SWITCH_ID,
    StoppableWorkspace,
    Switch,
    refuse_if_stopped,
    start,
    stop,
)
from airflow_agentic.policy.read import PolicyOnDisk
from airflow_agentic.records import Failure, IncidentState, Signal
from airflow_agentic.scope import Scope
from airflow_agentic.settings import read_settings
from airflow_agentic.store.engine import open_store
from airflow_agentic.testing.builders import a_dossier, a_proposal
from airflow_agentic.testing.memory import MemoryIncidents, MemoryLedger
from airflow_agentic.testing.workspace import BASE, FakeWorkspace, Script, staged
from airflow_agentic.wiring import Parts

ID = "agentic__orders_daily__1"
PLAYS = Script(runs={("2026-11-02", BASE): [staged("failed")]})


class BrokenLedger(MemoryLedger):
    def append(self, incident_id, stage, event, facts):
        raise AuditError("no")


def a_failure(**changes):
    said = {
        "dag_id": "orders_daily",
        "run_id": "r1",
        "clear_number": 0,
        "signal": Signal.MANUAL,
        "seen_at": "2026-11-02",
    }
    return Failure(**{**said, **changes})


@pytest.fixture
def incidents():
    found = MemoryIncidents()
    found.record(ID, a_failure())
    return found


def test_a_thrown_switch_refuses_and_says_by_whom_and_why(incidents):
    ledger = MemoryLedger()
    refuse_if_stopped(incidents)
    stop(incidents, ledger, by="mona", why="bad diffs")
    with pytest.raises(Stopped, match=r"by mona.*bad diffs.*airflow agentic start"):
        refuse_if_stopped(incidents)
    start(incidents, ledger, by="mona", why="mended")
    refuse_if_stopped(incidents)
    assert [(e.event, dict(e.facts)["by"]) for e in ledger.entries(SWITCH_ID)] == [
        ("stopped", "mona"),
        ("started", "mona"),
    ]


def test_stopping_works_with_a_broken_ledger_and_starting_does_not(incidents):
    with pytest.raises(AuditError):
        stop(incidents, BrokenLedger(), by="mona", why="x")
    assert incidents.kept(SWITCH_ID, Switch).stopped
    with pytest.raises(AuditError):
        start(incidents, BrokenLedger(), by="mona", why="x")
    assert incidents.kept(SWITCH_ID, Switch).stopped


def test_a_stopped_stage_leaves_the_incident_where_it_was_and_says_why(incidents):
    def no(_):
        raise Stopped("Stopped by mona")

    ledger = MemoryLedger()
    incidents.keep(ID, a_dossier())
    incidents.keep(ID, a_proposal())
    parts = pipeline.Validation(
        incidents=incidents, ledger=ledger, workspace=FakeWorkspace(PLAYS), rules=(), redactor=None, go=no
    )
    with pytest.raises(Stopped):
        pipeline.prove(ID, parts)
    assert (incidents.get(ID).state, incidents.get(ID).detail) == (
        IncidentState.VALIDATING, "validate waits: Stopped by mona",
    )  # fmt: skip
    assert ledger.entries(ID) == ()


def test_no_staged_run_begins_once_the_switch_is_thrown():
    asked = []

    def go(incident):
        asked.append(incident)
        if len(asked) > 1:
            raise Stopped("now")

    where = {"dag_file": "dags/x.py", "dag_id": "orders_daily", "logical_date": "2026-11-02", "task_ids": ["load"]}
    where["partition_key"] = "eu"
    with StoppableWorkspace(FakeWorkspace(PLAYS), go).open(ID) as session:
        session.run_dag("red", **where)
        session.environment()
        with pytest.raises(Stopped):
            session.run_dag("green", **where)


@pytest.fixture
def parts(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    policy = tmp_path / "agentic_policy.yaml"
    policy.write_text("version: 1\n")
    with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        store.incidents.record(ID, a_failure(tags=("finance",)))
        yield Parts(
            settings=read_settings(), scope=Scope(trust_level="propose"), store=store, folder=str(tmp_path),
            policy=PolicyOnDisk(str(policy)),
        )  # fmt: skip


def rewrite(parts, text):
    with open(parts.policy.path, "w") as file:
        file.write(f"version: 1\n{text}\n")


def test_every_worker_sees_a_switch_that_another_process_has_thrown(parts):
    parts.rulings.go(ID)
    with open_store(str(parts.store.database.url)) as elsewhere:
        stop(elsewhere.incidents, elsewhere.ledger, by="mona", why="x")
    with pytest.raises(Stopped):
        parts.rulings.go(ID)


def test_a_switch_in_the_policy_holds_without_a_restart(parts):
    parts.rulings.go(ID)
    rewrite(parts, "rules: [{name: money, match: {tags: [finance]}, kill_switch: true}]")
    with pytest.raises(Stopped, match="kill_switch of the policy"):
        parts.rulings.go(ID)


def test_a_typo_in_the_policy_stops_every_stage_with_its_line_and_mending_it_goes_on(parts):
    state = parts.store.incidents.get(ID)
    rewrite(parts, "defaults: {trust_levl: observe}")
    for ask in (parts.rulings.go, parts.rulings.mandate):
        with pytest.raises(SettingsError, match=r"line 2: 'defaults.trust_levl' is no key.*trust_level"):
            ask(ID)
    assert parts.store.incidents.get(ID) == state
    rewrite(parts, "defaults: {trust_level: observe}")
    parts.rulings.go(ID)
    assert parts.rulings.mandate(ID).scope.trust_level.value == "observe"


def test_maintenance_says_until_when(parts):
    rewrite(
        parts,
        "defaults: {maintenance: [{why: migration, zone: UTC, start: 2020-01-01 00:00:00, end: 2999-01-01 00:00:00}]}",
    )
    with pytest.raises(Stopped, match="migration") as stopped:
        parts.rulings.go(ID)
    assert stopped.value.until == "2999-01-01T00:00:00+00:00"


def test_the_model_is_asked_for_nothing_once_the_switch_is_thrown(parts):
    stop(parts.store.incidents, parts.store.ledger, by="mona", why="x")
    with pytest.raises(Stopped):
        parts._note(ID, "request", {"model": "m", "messages": []})
    assert parts.store.ledger.entries(ID) == ()
    parts._note(ID, "reply", {"stop_reason": "end_turn"})


def test_each_stage_is_handed_the_scope_that_the_policy_leaves_to_its_dag(parts):
    rewrite(parts, "rules: [{name: money, match: {tags: [finance]}, trust_level: diagnose, max_lines: 7}]")
    held = parts.rulings.mandate(ID)
    assert (held.scope.trust_level.value, held.scope.max_lines, held.rule) == ("diagnose", 7, "money")
    rules = {rule.name: rule for rule in parts.validation(ID).rules}
    assert rules["trust_level"]._level == "diagnose"


class Answers:
    def __init__(self, name):
        self.name = name

    def propose(self, dossier):
        return replace(a_proposal(), pattern=self.name)


@pytest.mark.parametrize(("seen", "who"), [(1, "rules"), (2, "rules"), (3, "single"), (9, "single")])
def test_a_model_is_asked_only_about_causes_that_came_often_enough(seen, who):
    agent = WaitingAgent(Answers("single"), Answers("rules"), occurrences=3, seen=lambda cause: seen)
    proposal = agent.propose(a_dossier())
    assert proposal.pattern == who
    assert bool(proposal.notes) is (who == "rules")
