"""What incidents, ledger, spending and changes promise: in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fixtures_postgres import new_database

from airflow_agentic.errors import BudgetExceeded, IncidentNotFound, StoreError
from airflow_agentic.records import (
    Decision,
    Failure,
    Finding,
    FixRecord,
    FixState,
    Incident,
    IncidentState,
    PublishedChange,
    Signal,
    TaskKey,
    TrackRecord,
    Usage,
    Verdict,
)
from airflow_agentic.store.engine import open_store
from airflow_agentic.testing.memory import MemoryChanges, MemoryFixes, MemoryIncidents, MemoryLedger, MemorySpending


@dataclass
class InMemory:
    incidents: Any
    ledger: Any
    changes: Any
    fixes: Any

    def spending(self, usd_per_incident: float, usd_per_day: float) -> MemorySpending:
        return MemorySpending(usd_per_incident=usd_per_incident, usd_per_day=usd_per_day)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.e2e)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "memory":
        yield InMemory(MemoryIncidents(), MemoryLedger(), MemoryChanges(), MemoryFixes())
        return
    url = f"sqlite:///{tmp_path}/store.db"
    if request.param == "postgres":
        url = new_database(request.getfixturevalue("postgres_server"))
    with open_store(url) as opened:
        yield opened


def a_failure(task_id: str | None = "load", *, seen_at: str = "2026-11-02T04:00:00+00:00", **changes: Any) -> Failure:
    given = {"dag_id": "orders", "run_id": "r1", "clear_number": 0, "signal": Signal.TASK_CALLBACK, **changes}
    return Failure(task_id=task_id, seen_at=seen_at, **given)


def a_change(**changes: Any) -> PublishedChange:
    given: dict[str, Any] = {
        "repository": "acme/dags", "fingerprint": "f1", "kind": "pull_request", "number": 0, "title": "t", "body": "b",
        "branch": "agentic/f1", "head_commit": "c" * 40, "state": "open", "url": None, "incident_id": "i1",
        "updated_at": "2026-11-02T04:00:00+00:00",
    }  # fmt: skip
    return PublishedChange(**{**given, **changes})


def test_the_first_signal_opens_a_captured_incident(store: Any) -> None:
    incident = store.incidents.record("i1", a_failure(owners=("data",), tags=("x",)))
    assert (incident.state, incident.signals, incident.owners) == (IncidentState.CAPTURED, 1, ("data",))
    assert store.incidents.get("i1") == incident


def test_further_signals_are_folded_with_their_tasks_and_times(store: Any) -> None:
    store.incidents.record("i1", a_failure("b", seen_at="2026-11-02T04:00:05+00:00"))
    store.incidents.record("i1", a_failure(None, seen_at="2026-11-02T04:00:09+00:00"))
    incident = store.incidents.record("i1", a_failure("a", seen_at="2026-11-02T04:00:01+00:00"))
    assert incident.signals == 3
    assert (incident.first_seen, incident.last_seen) == ("2026-11-02T04:00:01+00:00", "2026-11-02T04:00:09+00:00")
    assert [key.task_id for key in incident.members] == ["b", "a"]


def test_one_task_that_is_told_of_twice_is_one_member(store: Any) -> None:
    for _ in range(2):
        incident = store.incidents.record("i1", a_failure())
    assert incident.signals == 2
    assert len(incident.members) == 1


def test_a_signal_on_a_delivered_incident_only_counts(store: Any) -> None:
    store.incidents.record("i1", a_failure())
    store.incidents.advance("i1", IncidentState.DELIVERED, "done", url="https://forge/1")
    incident = store.incidents.record("i1", a_failure("other"))
    assert (incident.state, incident.detail, incident.url) == (IncidentState.DELIVERED, "done", "https://forge/1")
    assert incident.signals == 2


def test_advance_sets_what_it_is_given_and_nothing_else(store: Any) -> None:
    store.incidents.record("i1", a_failure(logical_date="2026-11-02"))
    key = TaskKey(dag_id="orders", run_id="r1", task_id="root")
    incident = store.incidents.advance("i1", IncidentState.INVESTIGATED, "nul \x00", fingerprint="f", members=(key,))
    assert (incident.fingerprint, incident.members, incident.logical_date) == ("f", (key,), "2026-11-02")
    assert "\x00" not in incident.detail
    with pytest.raises(TypeError, match="signals"):
        store.incidents.advance("i1", IncidentState.FAILED, "", signals=9)


def test_advance_keeps_an_address_unless_it_is_erased_by_an_empty_one(store: Any) -> None:
    store.incidents.record("i1", a_failure())
    store.incidents.advance("i1", IncidentState.DELIVERED, "", url="https://forge/1")
    assert store.incidents.advance("i1", IncidentState.DELIVERED, "again", url=None).url == "https://forge/1"
    assert store.incidents.advance("i1", IncidentState.DELIVERED, "gone", url="").url is None


def test_an_unknown_incident_is_named(store: Any) -> None:
    with pytest.raises(IncidentNotFound, match="'nope'"):
        store.incidents.get("nope")
    with pytest.raises(IncidentNotFound, match="'nope'"):
        store.incidents.advance("nope", IncidentState.FAILED, "")


def test_incidents_are_listed_newest_first_by_dag_and_by_cause(store: Any) -> None:
    for number, dag_id in enumerate(("a", "b", "a")):
        store.incidents.record(f"i{number}", a_failure(dag_id=dag_id, seen_at=f"2026-11-02T04:00:0{number}+00:00"))
        store.incidents.advance(f"i{number}", IncidentState.INVESTIGATED, "", fingerprint=f"cause {dag_id}")
    assert [one.id for one in store.incidents.list(limit=2)] == ["i2", "i1"]
    assert [one.id for one in store.incidents.list(dag_id="a")] == ["i2", "i0"]
    assert [one.id for one in store.incidents.incidents_with("cause b")] == ["i1"]


def test_the_last_record_of_a_class_holds_and_comes_back_equal(store: Any) -> None:
    for text in ("first", "second \ud83d\ude00 \x00"):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16")
        verdict = Verdict(decision=Decision.ASK, findings=(Finding(rule="r", decision=Decision.DENY, message=text),))
        store.incidents.keep("i1", verdict)
    assert store.incidents.kept("i1", Verdict) == verdict
    assert store.incidents.kept("i1", Incident) is None


def test_ledger_lines_are_chained_redacted_bounded_and_exported(store: Any) -> None:
    first = store.ledger.append("i1", "gather", "started", {"url": "postgres://u:s3cret@h/db", "nul": "a\x00b"})
    second = store.ledger.append("i1", "gather", "finished", {"long": "x" * 9_000})
    assert (first.sequence, second.sequence, second.previous) == (1, 2, first.digest)
    assert "s3cret" not in dict(first.facts)["url"]
    assert len(dict(second.facts)["long"]) == 4_000
    assert dict(second.facts)["long"].endswith("[cut: 9000 characters]")
    assert store.ledger.entries("i1") == (first, second)
    assert [json.loads(line)["sequence"] for line in store.ledger.export("i1")] == [1, 2]
    assert store.ledger.verify() == ()


def test_money_that_is_reserved_counts_until_it_is_settled(store: Any) -> None:
    spending = store.spending(1.0, 1.5)
    held = spending.reserve("i1", 0.8)
    with pytest.raises(BudgetExceeded, match=r"usd_per_incident.*\$1\.0000"):
        spending.reserve("i1", 0.3)
    spending.settle(held, Usage(cost_usd=0.1))
    spending.settle(held, Usage(cost_usd=0.1))
    spending.reserve("i1", 0.9)
    assert spending.spent("i1") == pytest.approx(1.0)
    with pytest.raises(BudgetExceeded, match="usd_per_day"):
        spending.reserve("i2", 0.6)
    with pytest.raises(StoreError, match="no-such"):
        spending.settle("no-such", Usage())


def test_a_limit_of_zero_lets_nothing_out(store: Any) -> None:
    with pytest.raises(BudgetExceeded, match="usd_per_incident"):
        store.spending(0, 10).reserve("i1", 0.01)


def test_a_published_change_keeps_its_number_when_it_is_saved_again(store: Any) -> None:
    first = store.changes.save(a_change())
    note = store.changes.save(a_change(kind="issue"))
    again = store.changes.save(a_change(title="new", state="withdrawn"))
    assert (first.number, note.number, again.number) == (1, 2, 1)
    assert store.changes.find("acme/dags", "f1", "pull_request") == again
    assert store.changes.find("acme/dags", "f2", "issue") is None
    assert [one.number for one in store.changes.list("acme/dags")] == [2, 1]


def a_fix(incident_id: str = "i1", **changes: Any) -> FixRecord:
    given = {"dag_id": "orders", "repository": "acme/dags", "fingerprint": "f1", "state": FixState.OPEN, **changes}
    return FixRecord(incident_id=incident_id, updated_at=f"2026-11-02T04:00:0{incident_id[-1]}+00:00", **given)


def test_two_incidents_with_one_open_pull_request_are_one_fix(store: Any) -> None:
    for incident in ("i1", "i2", "i1"):
        store.fixes.opened(a_fix(incident))
    assert [fix.incident_id for fix in store.fixes.list(FixState.OPEN)] == ["i1"]


def test_a_fix_after_one_that_failed_is_another_fix_in_the_track_record(store: Any) -> None:
    store.fixes.opened(a_fix("i1"))
    store.fixes.save(a_fix("i1", state=FixState.FAILED, detail="came again", revert_url="u"))
    store.fixes.opened(a_fix("i2"))
    store.fixes.opened(a_fix("i3", dag_id="other", fingerprint="f2"))
    assert store.fixes.track_record("orders") == TrackRecord(dag_id="orders", open=1, failed=1)
    assert store.fixes.get("i1").revert_url == "u"
    assert [fix.incident_id for fix in store.fixes.list(dag_id="orders")] == ["i1", "i2"]
    assert store.fixes.get("i9") is None


def test_a_body_is_kept_by_its_digest_and_a_line_that_cites_it_is_whole(store: Any) -> None:
    cited = store.ledger.attach("i1", {"b": [1, None, "two"], "a": "x"})
    assert cited == store.ledger.attach("i1", {"a": "x", "b": [1, None, "two"]})
    store.ledger.append("i1", "propose", "request", {"body": cited})
    assert store.ledger.attached("i1", cited) == {"a": "x", "b": [1, None, "two"]}
    assert store.ledger.attached("i1", "0" * 64) is None
    assert store.ledger.verify("i1") == ()


def test_a_record_is_kept_as_a_body(store: Any) -> None:
    verdict = Verdict(decision=Decision.ASK, findings=(Finding(rule="size", decision=Decision.ASK, message="big"),))
    assert store.ledger.attached("i1", store.ledger.attach("i1", verdict))["findings"][0]["rule"] == "size"
