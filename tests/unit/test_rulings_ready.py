"""Connection, policy, store and the last readiness report → the level that each stage is handed."""

import dataclasses

import pytest
from sqlalchemy import text

from airflow_agentic.errors import SettingsError
from airflow_agentic.guardrails.believed import not_believed
from airflow_agentic.guardrails.lock import accept
from airflow_agentic.guardrails.readiness import assess
from airflow_agentic.guardrails.readiness_facts import Observed
from airflow_agentic.guardrails.readiness_kept import chain_of, remember
from airflow_agentic.guardrails.redact import SpanRedactor
from airflow_agentic.guardrails.trust import Results, next_step, say_so
from airflow_agentic.policy.read import PolicyOnDisk
from airflow_agentic.records import Failure, Signal
from airflow_agentic.rulings import Rulings
from airflow_agentic.scope import ACCEPTABLE_RISKS, Scope, TrustLevel
from airflow_agentic.store.engine import open_store

ID = "agentic__orders_daily__1"
REPOSITORY = "/srv/pipelines.git"


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.db") as found:
        failure = Failure(
            dag_id="orders_daily", run_id="r1", clear_number=0, signal=Signal.MANUAL, seen_at="2026-11-02", tags=("fin",)
        )  # fmt: skip
        found.incidents.record(ID, failure)
        yield found


def rulings(store, tmp_path, policy="", **scope):
    path = tmp_path / "agentic_policy.yaml"
    path.write_text(f"version: 1\n{policy}\n")
    said = {"trust_level": "propose", "repository": REPOSITORY, **scope}
    return Rulings(scope=Scope(**said), store=store, policy=PolicyOnDisk(str(path) if policy else ""))


def looked(store, *missing):
    report = assess(Observed())
    items = tuple(item for item in report.items if item.name in missing)
    remember(dataclasses.replace(report, items=items), store.incidents, store.ledger, repository=REPOSITORY, by="mona")


def test_before_anybody_has_looked_only_a_diagnosis_goes_out_and_the_reason_is_told(store, tmp_path):
    mandate = rulings(store, tmp_path).mandate(ID)
    assert mandate.scope.trust_level is TrustLevel.DIAGNOSE
    assert "airflow agentic readiness" in mandate.held_back[0]


def test_a_report_without_gaps_lets_the_configured_level_hold(store, tmp_path):
    looked(store)
    mandate = rulings(store, tmp_path).mandate(ID)
    assert (mandate.scope.trust_level, mandate.held_back) == (TrustLevel.PROPOSE, ())


def test_a_gap_holds_the_level_until_the_connection_accepts_it_by_name(store, tmp_path):
    looked(store, "lineage accessible by program")
    held = rulings(store, tmp_path)
    assert held.mandate(ID).scope.trust_level is TrustLevel.DIAGNOSE
    granted = rulings(store, tmp_path, accept=("missing_lineage",))
    assert granted.mandate(ID).scope.trust_level is TrustLevel.PROPOSE


def test_a_policy_may_take_an_accepted_gap_back_for_some_dags(store, tmp_path):
    looked(store, "lineage accessible by program")
    said = "rules: [{name: money, match: {tags: [fin]}, accept: []}]"
    found = rulings(store, tmp_path, said, accept=("missing_lineage",))
    policy = found.policy.current()
    level = found.trust(policy.mandate_for("orders_daily", ("fin",), (), found.scope)).level
    other = found.trust(policy.mandate_for("clicks", (), (), found.scope)).level
    assert (level, other) == (TrustLevel.DIAGNOSE, TrustLevel.PROPOSE)


def test_a_promotion_is_refused_with_what_is_missing_and_the_step_that_closes_it(store, tmp_path):
    looked(store, "a process for reviewing permissions")
    held = rulings(store, tmp_path)
    stood = held.trust(held.groups()["orders_daily"])
    with pytest.raises(SettingsError, match=r"reviewing permissions was missing.*permissions_lock"):
        next_step(stood)


DAMAGE = {
    "a gap taken out of the record": "UPDATE agentic_records SET body = replace(body, 'lineage', 'x') WHERE kind = 'Looked'",
    "a line of the report rewritten": "UPDATE agentic_ledger SET facts = replace(facts, 'mona', 'eve') WHERE event = 'looked'",
    "the report's chain cut off": "DELETE FROM agentic_ledger WHERE event = 'looked'",
    "a standing raised in the store": "UPDATE agentic_records SET body = replace(body, 'observe', 'propose') WHERE kind = 'Standing'",
    "the acceptance replaced": "UPDATE agentic_records SET body = replace(body, '0', '1') WHERE kind = 'Accepted'",
}


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_persons_word_that_the_ledger_does_not_bear_out_lets_nothing_through(store, tmp_path, statement):
    looked(store, "lineage accessible by program")
    found = rulings(store, tmp_path, accept=("missing_lineage",))
    manifest = found.manifest()
    accept(str(tmp_path / "lock"), manifest, store.incidents, store.ledger, by="mona", why="x", differences=())
    assert found.mandate(ID).scope.trust_level is TrustLevel.PROPOSE
    stood = found.trust(found.groups()["orders_daily"])
    if "Standing" in statement:
        say_so(stood, TrustLevel.OBSERVE, Results(), store.incidents, store.ledger, by="mona", why="x")
    with store.database.write() as connection:
        assert connection.execute(text(statement)).rowcount == 1
    mandate = found.mandate(ID)
    assert mandate.scope.trust_level is TrustLevel.DIAGNOSE
    assert "edger" in mandate.held_back[-1]


def test_a_name_that_happens_to_be_a_password_is_hidden_in_the_ledger_and_changes_nothing(tmp_path):
    redactor = SpanRedactor(lambda: ("airflow-operator",))
    with open_store(f"sqlite:///{tmp_path}/hidden.db", redactor=redactor) as store:
        report = dataclasses.replace(assess(Observed()), items=())
        remember(report, store.incidents, store.ledger, repository=REPOSITORY, by="airflow-operator")
        assert "airflow-operator" not in str(store.ledger.entries(chain_of(REPOSITORY)))
        assert not_believed(store.incidents, store.ledger, group="orders", repository=REPOSITORY) == ()


def test_a_blocker_is_held_whatever_is_accepted(store, tmp_path):
    looked(store, "permissions at platform level")
    found = rulings(store, tmp_path, accept=ACCEPTABLE_RISKS)
    assert found.mandate(ID).scope.trust_level is TrustLevel.DIAGNOSE
