"""Proposal + Proof → Verdict. May we do this?

The strictest answer holds: one DENY outweighs any number of ALLOWs. If no rule has an opinion the answer is ASK,
so that an empty rules folder never means permission. A rule that breaks is a DENY: it might have said so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from airflow_agentic.ports import Rule
from airflow_agentic.records import Decision, Finding, Proof, Proposal, Verdict

log = logging.getLogger(__name__)


def judge(proposal: Proposal, proof: Proof, *, rules: Iterable[Rule]) -> Verdict:
    """Ask every rule and return the strictest answer with all findings, strictest first. Never raises for a rule."""
    findings = [finding for rule in rules for finding in _ask(rule, proposal, proof)]
    if not findings:
        findings = [
            Finding(rule="judge", decision=Decision.ASK, message="No rule has an opinion, so a person decides.")
        ]
    findings.sort(key=lambda finding: -finding.decision)
    return Verdict(decision=findings[0].decision, findings=tuple(findings))


def _ask(rule: Rule, proposal: Proposal, proof: Proof) -> list[Finding]:
    try:
        return list(rule.check(proposal, proof))
    except Exception as error:
        log.exception("Rule %s broke; its answer counts as DENY", rule.name)
        said = f"Rule {rule.name!r} broke ({type(error).__name__}: {error}), so nothing may pass. Mend the rule."
        return [Finding(rule=rule.name, decision=Decision.DENY, message=said)]
