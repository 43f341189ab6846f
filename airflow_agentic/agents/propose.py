"""Dossier → Proposal: ask the agent, go on without it if it cannot answer, and check what was claimed.

An agent's word is never taken where code can look: citations, paths, texts and the action are checked here, for the
rules agent as for a model. What is dropped is said in the proposal's notes.
"""

from __future__ import annotations

from dataclasses import replace

from airflow_agentic.edit_buffer import EditBuffer
from airflow_agentic.errors import BudgetExceeded, ModelUnavailable, ToolRefused
from airflow_agentic.ports import Agent
from airflow_agentic.records import Action, Category, Diagnosis, Dossier, FileEdit, Proposal, Usage

UNPROVED_CONFIDENCE = 0.4
CHANGE_CONFIDENCE = 0.5
CERTAIN = 0.8
CONTACTS_LIMIT = 5
BLAST_LIMIT = 30
_NO_DIFF_CURES = {
    Category.TRANSIENT_UPSTREAM: Action.RETRY,
    Category.LATE_DATA: Action.QUARANTINE,
    Category.CREDENTIAL: Action.NOTIFY,
    Category.INFRASTRUCTURE: Action.NOTIFY,
    Category.INSUFFICIENT_EVIDENCE: Action.NOTIFY,
}
_SETTING = {
    "authentication": "Check anthropic_conn_id of the agentic connection and its key",
    "bad_request": "Check the model of the agentic connection",
    "refusal": "Another model may be set as model of the agentic connection",
    "invalid_output": "Another model may be set as model of the agentic connection",
    "unreachable": "Check the network from this worker to the address of anthropic_conn_id",
}


def propose(dossier: Dossier, *, agent: Agent, fallback: Agent) -> Proposal:
    """Return what to do about an incident, each claim checked.

    :param fallback: needs no model and always answers.
    """
    try:
        proposal = agent.propose(dossier)
    except (ModelUnavailable, BudgetExceeded) as error:
        proposal = _without_model(dossier, agent, fallback, error)
    else:
        proposal = _rather_certain(dossier, proposal, fallback)
    return _checked(dossier, proposal)


def _without_model(
    dossier: Dossier, agent: Agent, fallback: Agent, error: ModelUnavailable | BudgetExceeded
) -> Proposal:
    reason = error.reason if isinstance(error, ModelUnavailable) else "budget"
    advice = f" {_SETTING[reason]}." if reason in _SETTING else ""
    told = f"{str(error)[:600]}{advice}"
    note = f"The agent {agent.name!r} gave no answer ({reason}): {told} {fallback.name!r} answered instead."
    proposal = fallback.propose(dossier)
    usage = error.usage if isinstance(error.usage, Usage) else proposal.usage
    return replace(proposal, usage=usage, notes=(note, *proposal.notes))


def _rather_certain(dossier: Dossier, proposal: Proposal, fallback: Agent) -> Proposal:
    """A model that cannot tell gives way to a rule that can prove its fix."""
    if proposal.diagnosis.category is not Category.INSUFFICIENT_EVIDENCE or proposal.pattern == fallback.name:
        return proposal
    certain = fallback.propose(dossier)
    if certain.change is None or certain.diagnosis.confidence < CERTAIN:
        return proposal
    note = (
        f"The agent {proposal.pattern!r} found the evidence insufficient "
        f"({proposal.diagnosis.root_cause[:300]}); {fallback.name!r} has a certain fix, which is used."
    )
    return replace(certain, usage=proposal.usage, notes=(note, *proposal.notes, *certain.notes))


def _checked(dossier: Dossier, proposal: Proposal) -> Proposal:
    notes = list(proposal.notes)
    buffer = EditBuffer(dossier.checkout.path) if dossier.checkout else None
    diagnosis = _with_real_places(_with_real_cites(proposal.diagnosis, dossier, notes), buffer, notes)
    fault = _change_fault(dossier, replace(proposal, diagnosis=diagnosis), buffer)
    change = proposal.change
    if change is not None and fault:
        notes.append(f"A change to {', '.join(edit.path for edit in change.edits)[:300]} was dropped: {fault}.")
        change = None
    if diagnosis.action is Action.FIX_CODE and change is None:
        action = _NO_DIFF_CURES.get(diagnosis.category, Action.NOTIFY)
        if proposal.change is None:
            notes.append("The diagnosis asks for a code fix but brings none that can be used.")
        diagnosis = replace(diagnosis, action=action)
    diagnosis = replace(
        diagnosis,
        next_step=_addressed(diagnosis.next_step, dossier.contacts),
        blast_radius=tuple(dict.fromkeys((*diagnosis.blast_radius, *dossier.blast_radius)))[:BLAST_LIMIT],
    )
    return replace(proposal, diagnosis=diagnosis, change=change, notes=tuple(notes))


def _addressed(next_step: str, contacts: tuple[str, ...]) -> str:
    """Return the next step with the names of who is to take it; an empty one stays empty."""
    new = [name for name in contacts[:CONTACTS_LIMIT] if name not in next_step]
    return f"{next_step} Owners: {', '.join(new)}." if next_step and new else next_step


def _with_real_cites(diagnosis: Diagnosis, dossier: Dossier, notes: list[str]) -> Diagnosis:
    known = {item.id for item in dossier.evidence}
    real = tuple(dict.fromkeys(cite for cite in diagnosis.cites if cite in known))
    invented = sorted(set(diagnosis.cites) - known)
    if invented:
        notes.append(f"Citations that do not exist were dropped: {', '.join(invented)[:300]}.")
    confidence = min(1.0, max(0.0, diagnosis.confidence))
    if not real and confidence > UNPROVED_CONFIDENCE:
        notes.append(
            f"No evidence is cited, so the confidence is lowered from {confidence:.2f} to {UNPROVED_CONFIDENCE}."
        )
        confidence = UNPROVED_CONFIDENCE
    return replace(diagnosis, cites=real, confidence=confidence)


def _with_real_places(diagnosis: Diagnosis, buffer: EditBuffer | None, notes: list[str]) -> Diagnosis:
    path = diagnosis.root_cause_file
    if path is None or buffer is None or path in buffer.paths():
        return diagnosis
    notes.append(f"The file {path[:300]!r} that is named as the cause is not in the repository.")
    return replace(diagnosis, root_cause_file=None)


def _change_fault(dossier: Dossier, proposal: Proposal, buffer: EditBuffer | None) -> str:
    """Say why the change may not be used; empty if it may."""
    change, diagnosis = proposal.change, proposal.diagnosis
    if change is None:
        return ""
    if buffer is None or dossier.checkout is None:
        return "there is no checkout that it could be compared with"
    if not dossier.checkout.commit:
        return "the repository has no history that it could be applied to"
    if change.base_commit not in (dossier.checkout.commit, dossier.checkout.base_commit):
        return f"it was made from {change.base_commit[:12]}, the checkout is of {dossier.checkout.commit[:12]}"
    stale = next((edit.path for edit in change.edits if not _fits(edit, buffer)), None)
    if stale is not None:
        return f"{stale!r} is not what the repository holds, or lies outside of it"
    if diagnosis.category in _NO_DIFF_CURES:
        return f"no change of code cures {diagnosis.category.value!r}"
    if diagnosis.action is not Action.FIX_CODE:
        return f"the diagnosis asks for {diagnosis.action.value!r}"
    if diagnosis.confidence < CHANGE_CONFIDENCE:
        return f"the confidence {diagnosis.confidence:.2f} is below {CHANGE_CONFIDENCE}"
    return ""


def _fits(edit: FileEdit, buffer: EditBuffer) -> bool:
    try:
        return buffer.original(edit.path) == edit.before
    except ToolRefused:
        return False
