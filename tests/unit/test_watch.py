"""What becomes of a fix after it was published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_agentic.errors import DeliveryRefused, ForgeError
from airflow_agentic.records import (
    ChangeState,
    DagRunRecord,
    Failure,
    FixRecord,
    FixState,
    IncidentState,
    Signal,
    Whereabouts,
)
from airflow_agentic.testing.memory import MemoryFixes, MemoryIncidents, MemoryLedger
from airflow_agentic.triggers.watch import Watching, watch

MERGED = Whereabouts(state=ChangeState.MERGED, url="u", merged_at="2026-11-03T00:00:00+00:00", commit="fix")
FIX = FixRecord(
    incident_id="i1", dag_id="orders", repository="r", fingerprint="f1", state=FixState.OPEN, updated_at="2026", url="u"
)


def run(day, state="success", **more):
    return DagRunRecord(
        dag_id="orders",
        run_id=f"r{day}",
        state=state,
        logical_date=None,
        started_at=f"2026-11-{day:02}T04:00:00+00:00",
        **more,
    )


class Reader:
    def __init__(self, runs):
        self.runs = runs

    def recent_runs(self, dag_id, *, limit):
        return tuple(reversed(self.runs))[:limit]


class Bench:
    def __init__(self, *runs, there=MERGED, older=None, refused=None, deploy_minutes=0):
        self.fixes, self.incidents, self.ledger, self.taken_back = MemoryFixes(), MemoryIncidents(), MemoryLedger(), []
        self.fixes.opened(FIX)

        def take_back(incident, why):
            if refused:
                raise refused
            self.taken_back.append((incident, [entry.event for entry in self.ledger.entries(incident)]))
            return "https://forge.test/revert"

        self.parts = Watching(
            fixes=self.fixes, incidents=self.incidents, ledger=self.ledger, reader=Reader(runs), watch_runs=2,
            whereabouts=lambda incident: there, follows=lambda a, b: (older or {}).get((a, b)), take_back=take_back,
            deploy_minutes=deploy_minutes,
        )  # fmt: skip

    def failed(self, run_id, fingerprint, seen_at="2026-11-09T00:00:00+00:00"):
        failure = Failure(dag_id="orders", run_id=run_id, clear_number=0, signal=Signal.MANUAL, seen_at=seen_at)
        self.incidents.record(run_id, failure)
        self.incidents.advance(run_id, IncidentState.INVESTIGATED, "", fingerprint=fingerprint)

    def state(self):
        watch(self.parts)
        return self.fixes.get("i1").state


@pytest.mark.parametrize(
    ("state", "becomes"),
    [
        (ChangeState.OPEN, FixState.OPEN),
        (ChangeState.MERGED, FixState.ACCEPTED),
        (ChangeState.CLOSED, FixState.REJECTED),
        (ChangeState.WITHDRAWN, FixState.REJECTED),
        (ChangeState.NONE, FixState.REJECTED),
    ],
    ids=lambda state: state.value,
)
def test_a_pull_request_becomes_what_people_made_of_it(state, becomes):
    assert Bench(there=replace(MERGED, state=state)).state() is becomes


def test_a_fix_holds_once_enough_runs_have_gone_without_the_same_failure():
    bench = Bench(run(2, "failed"), run(4), run(5, "failed"))
    bench.failed("r5", "another cause")
    assert bench.state() is FixState.HELD


def test_runs_before_the_merge_running_ones_and_failures_of_unknown_cause_do_not_count():
    assert Bench(run(1), run(2), run(4), run(5, "failed"), run(6, "running")).state() is FixState.ACCEPTED


def test_the_same_failure_after_the_merge_fails_the_fix_and_drafts_a_revert_after_the_ledger_was_told():
    bench = Bench(run(4, "failed"))
    bench.failed("r4", "f1")
    assert bench.state() is FixState.FAILED
    assert bench.fixes.get("i1").revert_url == "https://forge.test/revert"
    assert bench.taken_back == [("i1", ["accepted", "the fix has failed"])]
    assert watch(bench.parts) == ()


def test_a_run_that_was_pinned_to_code_without_the_fix_says_nothing_about_it():
    bench = Bench(run(4, "failed", bundle_version="old"), older={("old", "fix"): False})
    bench.failed("r4", "f1")
    assert bench.state() is FixState.ACCEPTED
    assert bench.taken_back == []


def test_a_run_that_started_before_the_merge_could_be_deployed_says_nothing_about_it():
    late, soon = (Bench(run(4, "failed"), deploy_minutes=minutes) for minutes in (2 * 24 * 60, 60))
    for bench in (late, soon):
        bench.failed("r4", "f1")
    assert (late.state(), soon.state()) == (FixState.ACCEPTED, FixState.FAILED)


def test_the_failure_that_the_fix_was_made_for_is_not_held_against_it_when_its_run_is_cleared():
    bench = Bench(run(4, "failed"))
    bench.failed("r4", "f1", seen_at="2026-11-02T00:00:00+00:00")
    assert bench.state() is FixState.ACCEPTED


def test_the_same_failure_after_the_watched_runs_is_another_story():
    bench = Bench(run(4), run(5), run(6, "failed"))
    bench.failed("r6", "f1")
    assert bench.state() is FixState.HELD


def test_a_revert_that_is_refused_is_said_and_a_forge_that_is_down_is_asked_again():
    refused, down = (
        Bench(run(4, "failed"), refused=error) for error in (DeliveryRefused("Same lines."), ForgeError("Down."))
    )
    for bench in (refused, down):
        bench.failed("r4", "f1")
    assert refused.state() is FixState.FAILED
    assert "Same lines." in refused.fixes.get("i1").detail
    assert down.state() is FixState.ACCEPTED
