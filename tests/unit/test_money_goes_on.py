"""Policy and store with real limits → the pipeline goes on without a model, and says which limit it was."""

import json

import pytest

from airflow_agentic import pipeline
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.suspects import rank
from airflow_agentic.errors import BudgetExceeded
from airflow_agentic.guardrails.redact import SpanRedactor
from airflow_agentic.policy.read import PolicyOnDisk
from airflow_agentic.records import DagRecord, DagRunRecord, Failure, Signal, TaskKey, TaskRun, Usage
from airflow_agentic.scope import Scope
from airflow_agentic.settings import read_settings
from airflow_agentic.store.engine import open_store
from airflow_agentic.testing.airflow import FakeAirflow
from airflow_agentic.wiring import Parts

DAGS = {"i1": "load", "i2": "load", "i3": "send", "i4": "other"}
POLICY = """version: 1
rules:
- name: orders
  match: {dags: [load, send]}
  %s
"""


@pytest.fixture
def deployment(tmp_path, monkeypatch):
    """Return what builds the parts for a policy; the same store, as another worker opens it, is `elsewhere`."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_CONN_VIEWER", json.dumps({"conn_type": "http", "host": "127.0.0.1", "port": 9}))
    url, path = f"sqlite:///{tmp_path}/store.db", tmp_path / "agentic_policy.yaml"
    with open_store(url) as store, open_store(url) as elsewhere:
        for incident, dag_id in DAGS.items():
            failure = Failure(dag_id=dag_id, run_id="r1", clear_number=0, signal=Signal.MANUAL, seen_at="2026-11-02")
            store.incidents.record(incident, failure)

        def parts(terms="max_lines: 10", **scope):
            path.write_text(POLICY % terms)
            said = {"anthropic_conn_id": "claude", "airflow_conn_id": "viewer", "usd_per_incident": 100, **scope}
            return Parts(
                settings=read_settings(), scope=Scope(**{"usd_per_day": 1000, **said}), store=store,
                folder=str(tmp_path), policy=PolicyOnDisk(str(path)),
            )  # fmt: skip

        yield parts, elsewhere


def spend(elsewhere, incident, usd):
    account = elsewhere.spending(1000, 1000)
    account.settle(account.reserve(incident, usd), Usage(model="m", requests=1, cost_usd=usd))


def investigated(parts, incident="i1"):
    """Send the incident through the stage `investigate` with the agent that the wiring builds."""
    dag_id = DAGS[incident]
    key = TaskKey(dag_id=dag_id, run_id="r1", task_id="parse", try_number=1)
    airflow = FakeAirflow(
        dags=[
            DagRecord(
                dag_id=dag_id, relative_fileloc="x.py", fileloc=None, bundle_name="b", bundle_version=None, owners=(),
                tags=(), is_paused=False,
            )
        ],
        runs=[DagRunRecord(dag_id=dag_id, run_id="r1", state="failed", logical_date="2026-11-02T00:00:00+00:00")],
        tasks=[TaskRun(key=key, state="failed", started_at=None, duration_s=None)],
        logs={key: [b'{"event": "KeyError", "level": "error"}']},
    )  # fmt: skip
    rules, mandate = RulesAgent(), parts.rulings.mandate(incident)
    held = pipeline.Investigation(
        incidents=parts.store.incidents, ledger=parts.store.ledger, reader=airflow, sources=(), rank=rank,
        redactor=SpanRedactor(), agent=parts._agent(incident, rules, mandate), fallback=rules,
    )  # fmt: skip
    proposal = pipeline.investigate(incident, held)
    lines = parts.store.ledger.entries(incident)
    told = next(dict(e.facts) for e in reversed(lines) if (e.stage, e.event) == ("propose", "finished"))
    assert parts.store.ledger.verify() == ()
    return proposal, told


@pytest.mark.parametrize(
    ("terms", "scope", "spent", "limit"),
    [
        ("usd_per_incident: 0", {}, (), "usd_per_incident"),
        ("max_lines: 10", {"usd_per_day": 5}, (("i4", 5),), "usd_per_day"),
        ("usd_per_dag_day: 1", {}, (("i2", 1),), "usd_per_dag_day"),
        ("usd_per_team_day: 1", {}, (("i3", 1),), "usd_per_team_day"),
    ],
    ids=["of the incident", "of the day, by another Dag", "of the Dag, by another incident", "of the team, by its other Dag"],
)  # fmt: skip
def test_past_a_limit_that_another_worker_used_up_the_rules_go_on_and_say_so(deployment, terms, scope, spent, limit):
    parts, elsewhere = deployment
    for incident, usd in spent:
        spend(elsewhere, incident, usd)
    proposal, told = investigated(parts(terms, **scope))
    assert proposal.pattern == told["pattern"] == "rules"
    assert f"{limit} " in proposal.notes[0]
    assert "gave no answer (budget)" in told["notes"]


def test_what_a_dag_outside_of_the_team_has_cost_does_not_count(deployment):
    parts, elsewhere = deployment
    spend(elsewhere, "i4", 900)
    held = parts("usd_per_team_day: 1")
    team = held.rulings.team(held.rulings.mandate("i1"))
    assert team.dags == ("load", "send")
    account = held.store.spending(100, 1000, None, team)
    account.reserve("i1", 0.9)
    with pytest.raises(BudgetExceeded, match="Raise usd_per_team_day in the policy"):
        account.reserve("i3", 0.2)


def test_dags_that_share_a_trust_group_are_one_team(deployment):
    parts, _ = deployment
    held = parts("usd_per_team_day: 1\n  trust_group: shop\n- {name: far, match: {dags: [other]}, trust_group: shop}")
    assert held.rulings.team(held.rulings.mandate("i1")).dags == ("load", "other", "send")


def test_a_cause_that_has_not_come_often_enough_is_left_to_the_rules_and_they_say_so(deployment):
    parts, _ = deployment
    proposal, told = investigated(parts("occurrences: 3"))
    assert proposal.pattern == "rules"
    assert "seen 1 time(s), and the policy's occurrences asks for 3" in told["notes"]
