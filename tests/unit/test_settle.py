"""What is recommended follows the proof: a change that did not hold is a possibility, never the advice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_agentic.records import (
    Action,
    Check,
    Decision,
    Finding,
    Proof,
    ProofStatus,
    StagedRun,
    Transience,
    Verdict,
)
from airflow_agentic.testing.builders import a_proposal, edit
from airflow_agentic.workspaces.settle import UNPROVED, settle

ALLOWED = Verdict(decision=Decision.ALLOW, findings=())
PROPOSAL = a_proposal(edits=[edit("feed/load.py")])


def _proof(status: ProofStatus, **more) -> Proof:
    return Proof(status=status, reason="told", **more)


def test_a_proved_change_stays_the_advice():
    assert settle(PROPOSAL, _proof(ProofStatus.PROVED), ALLOWED) is PROPOSAL


@pytest.mark.parametrize("status", [ProofStatus.STILL_RED, ProofStatus.INCONCLUSIVE, ProofStatus.NOT_REPRODUCED])
def test_a_change_that_did_not_hold_goes_to_the_owners_as_a_possibility(status: ProofStatus):
    settled = settle(PROPOSAL, _proof(status), ALLOWED)
    assert settled.diagnosis.action is Action.NOTIFY
    assert "possible change" in settled.diagnosis.root_cause
    assert settled.diagnosis.confidence <= UNPROVED
    assert settled.change is PROPOSAL.change


def test_a_failure_that_passes_by_itself_is_to_be_retried():
    passing = StagedRun(
        name="red",
        dag_id="feed",
        logical_date="2026-11-02",
        state="success",
        tasks=(),
        runs_in_database=1,
        duration_s=1.0,
    )
    settled = settle(PROPOSAL, _proof(ProofStatus.NOT_REPRODUCED, red=passing), ALLOWED)
    assert (settled.diagnosis.action, settled.diagnosis.transience) == (Action.RETRY, Transience.TRANSIENT)
    assert settle(PROPOSAL, _proof(ProofStatus.ALREADY_FIXED), ALLOWED).diagnosis.action is Action.RETRY


def test_a_failure_that_comes_and_goes_is_to_be_retried():
    checks = (
        Check(name="reproduced", passed=True, detail=""),
        Check(name="red twice", passed=False, detail=""),
    )
    settled = settle(PROPOSAL, _proof(ProofStatus.NOT_REPRODUCED, checks=checks), ALLOWED)
    assert settled.diagnosis.action is Action.RETRY


def test_a_denied_change_is_no_advice_either():
    verdict = Verdict(
        decision=Decision.DENY,
        findings=(Finding(rule="protected_paths", decision=Decision.DENY, message="feed/checks.py is protected"),),
    )
    settled = settle(PROPOSAL, _proof(ProofStatus.PROVED), verdict)
    assert settled.diagnosis.action is Action.NOTIFY
    assert "feed/checks.py is protected" in settled.diagnosis.root_cause


def test_advice_without_a_change_is_left_alone():
    advice = replace(PROPOSAL, change=None)
    assert settle(advice, _proof(ProofStatus.NOT_ATTEMPTED), ALLOWED) is advice
