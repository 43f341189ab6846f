"""Proposal + Proof → what is recommended once the workspace has spoken. Advice follows the proof, never the hope.

A change that was not proved is no fix: the action is then a retry or a word to the owners, and the change stays in
the proposal as what it is, a possibility. Nothing here turns a proposal without a change into one with it.
"""

from __future__ import annotations

from dataclasses import replace

from airflow_agentic.records import Action, Decision, Diagnosis, Proof, ProofStatus, Proposal, Transience, Verdict

UNPROVED = 0.5
"""Confidence is no higher than this where the proof spoke against the diagnosis."""
RERUN = "Clear the failed task: with the code as it is, the same run passes."


def settle(proposal: Proposal, proof: Proof, verdict: Verdict) -> Proposal:
    """Return the proposal with the action that proof and verdict leave; what is kept in the store stays as proposed.

    A change that was proved and is not denied, and a proposal without one, are returned as they are.
    """
    said = proposal.diagnosis
    if proposal.change is None:
        return proposal
    if proof.status is not ProofStatus.PROVED:
        return _unproved(proposal, said, proof)
    if verdict.decision is Decision.DENY and said.action is Action.FIX_CODE:
        why = "; ".join(f.message for f in verdict.findings if f.decision is Decision.DENY) or "by the guardrails"
        told = f"{said.root_cause} The change that would cure it is not ours to make: {why}"
        return _with(proposal, said, action=Action.NOTIFY, transience=said.transience, told=told, next_step=_ask(said))
    return proposal


def reduced(proposal: Proposal, proof: Proof) -> Proposal:
    """Return the proposal with the change that was proved: what nobody needed is out of it, and said."""
    if proof.reduced is None:
        return proposal
    said = (f"taken out, because nothing that was run needs it: {part}" for part in proof.taken_out)
    return replace(proposal, change=proof.reduced, notes=(*proposal.notes, *said))


def _unproved(proposal: Proposal, said: Diagnosis, proof: Proof) -> Proposal:
    if _passes_by_itself(proof):
        told = f"First taken for: {said.root_cause} But it does not fail when it is run again. {proof.reason}"
        transience = Transience.UNKNOWN if proof.status is ProofStatus.ALREADY_FIXED else Transience.TRANSIENT
        return _with(proposal, said, action=Action.RETRY, transience=transience, told=told, next_step=RERUN)
    told = f"{said.root_cause} The possible change was not proved ({proof.status.value}): {proof.reason}"
    return _with(proposal, said, action=Action.NOTIFY, transience=said.transience, told=told, next_step=_ask(said))


def _passes_by_itself(proof: Proof) -> bool:
    if proof.status is ProofStatus.ALREADY_FIXED:
        return True
    if proof.status is not ProofStatus.NOT_REPRODUCED:
        return False
    reproduced = any(check.name == "reproduced" and check.passed for check in proof.checks)
    red_once_only = reproduced and any(check.name.startswith("red ") and not check.passed for check in proof.checks)
    passed = proof.red is not None and not any(task.state == "failed" for task in proof.red.tasks)
    return passed or red_once_only


def _ask(said: Diagnosis) -> str:
    return f"Show the possible change to the owners of {said.root_cause_dag} and let them decide; nothing was changed."


def _with(
    proposal: Proposal, said: Diagnosis, *, action: Action, transience: Transience, told: str, next_step: str
) -> Proposal:
    diagnosis = replace(
        said,
        action=action,
        transience=transience,
        root_cause=told,
        next_step=next_step,
        confidence=min(said.confidence, UNPROVED),
    )
    return replace(proposal, diagnosis=diagnosis)
