"""The strictest answer holds."""

import logging

from airflow_agentic.guardrails.judge import judge
from airflow_agentic.guardrails.rules.allowed_paths import AllowedPathsRule
from airflow_agentic.guardrails.rules.confidence import ConfidenceRule
from airflow_agentic.guardrails.rules.proof import ProofRule
from airflow_agentic.guardrails.rules.protected_paths import ProtectedPathsRule
from airflow_agentic.guardrails.rules.secrets import SecretsRule
from airflow_agentic.guardrails.rules.size import SizeRule
from airflow_agentic.guardrails.rules.suspicious_code import SuspiciousCodeRule
from airflow_agentic.guardrails.rules.trust_level import TrustLevelRule
from airflow_agentic.guardrails.rules.weakened_checks import WeakenedChecksRule
from airflow_agentic.records import Decision, ProofStatus
from airflow_agentic.testing.builders import a_proof, a_proposal, edit


class Nothing:
    def redact(self, text):
        return text


class Broken:
    name = "broken"

    def check(self, proposal, proof):
        raise ZeroDivisionError("oops")


def every_rule(trust_level="propose"):
    return [
        ProtectedPathsRule([".github/**"]), AllowedPathsRule([]), SizeRule(5, 200), SecretsRule(Nothing()),
        WeakenedChecksRule(), SuspiciousCodeRule(), ProofRule(), TrustLevelRule(trust_level), ConfidenceRule(),
    ]  # fmt: skip


def test_a_small_proved_change_is_allowed():
    assert judge(a_proposal(), a_proof(), rules=every_rule()).decision is Decision.ALLOW


def test_no_rule_means_ask():
    assert judge(a_proposal(), a_proof(), rules=()).decision is Decision.ASK


def test_a_rule_that_breaks_is_a_deny_that_names_it(caplog):
    with caplog.at_level(logging.ERROR):
        verdict = judge(a_proposal(), a_proof(), rules=[*every_rule(), Broken()])
    assert verdict.decision is Decision.DENY
    assert "'broken'" in verdict.findings[0].message
    assert "ZeroDivisionError" in caplog.text


def test_one_deny_outweighs_every_allow_and_comes_first():
    proposal = a_proposal(edits=[edit(".GitHub/workflows/x.yml"), edit("dags/orders.py")], confidence=1.0)
    verdict = judge(proposal, a_proof(), rules=every_rule())
    assert verdict.decision is Decision.DENY
    assert verdict.findings[0].path == ".GitHub/workflows/x.yml"


def test_every_state_but_proved_denies_a_change():
    for status in set(ProofStatus) - {ProofStatus.PROVED}:
        assert judge(a_proposal(), a_proof(status), rules=every_rule()).decision is Decision.DENY


def test_diagnose_denies_a_change_and_lets_a_diagnosis_go():
    assert "only an issue" in judge(a_proposal(), a_proof(), rules=every_rule("diagnose")).findings[0].message
    bare = judge(a_proposal(edits=()), a_proof(ProofStatus.NOT_ATTEMPTED), rules=every_rule("diagnose"))
    assert bare.decision is Decision.ALLOW


def test_observe_and_an_unknown_level_deny_everything():
    for level in ("observe", "root"):
        assert judge(a_proposal(edits=()), a_proof(), rules=every_rule(level)).decision is Decision.DENY
