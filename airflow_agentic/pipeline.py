"""The path of a failure, top to bottom. Start reading here.

    capture → dispatch ═ gather → propose ═ validate → judge ═ review ═ publish → announce

``═`` is a task boundary of the triage Dag: another process, with other credentials. What each side may hold is the
dataclass beside its function, and `wiring` builds no more than that for it. Records cross the boundary through the
store; nothing else does. Each function can be run again: it ends in the same state, and publishes nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from airflow_agentic.agents.propose import propose
from airflow_agentic.channels.announce import announce
from airflow_agentic.context.gather import gather
from airflow_agentic.errors import AgenticError, DeliveryRefused, Stopped
from airflow_agentic.facts import dossier_facts, lines, proof_facts, proposal_facts, size, verdict_facts
from airflow_agentic.forges.hygiene import supersede
from airflow_agentic.forges.publish import Publication, build_delivery, fix_of, publish
from airflow_agentic.forges.undo import Undone, undo
from airflow_agentic.guardrails.approvals import (
    ANSWERED,
    ASKED,
    Question,
    answer_to,
    approval_facts,
    ask,
    settled,
    subject_of,
    weigh,
)
from airflow_agentic.guardrails.approver import Still, as_given
from airflow_agentic.guardrails.judge import judge
from airflow_agentic.guardrails.ledger import stage, whole
from airflow_agentic.guardrails.rules.action_class import CLEAR, asks_about
from airflow_agentic.guardrails.rules.team_rules import TeamRulesRule
from airflow_agentic.guardrails.stop import Go, nothing_stops
from airflow_agentic.ports import (
    Agent,
    AirflowReader,
    Channel,
    Fixes,
    Forge,
    Incidents,
    Ledger,
    Redactor,
    Rule,
    Source,
    Workspace,
)
from airflow_agentic.records import (
    Answer,
    Approval,
    Decision,
    Delivery,
    Dossier,
    FixRecord,
    Incident,
    IncidentState,
    Outcome,
    OutcomeStatus,
    Proof,
    Proposal,
    ReductionLimits,
    Suspect,
    Verdict,
)
from airflow_agentic.workspaces.redacted import redacted
from airflow_agentic.workspaces.settle import reduced, settle
from airflow_agentic.workspaces.validate import validate

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Investigation:
    """What `investigate` holds: eyes, and a model. No write credential of any kind."""

    incidents: Incidents
    ledger: Ledger
    reader: AirflowReader
    sources: tuple[Source, ...]
    rank: Callable[[Dossier], tuple[Suspect, ...]]
    redactor: Redactor
    agent: Agent
    fallback: Agent
    token_budget: int = 12_000
    held_back: tuple[str, ...] = ()
    """Why less may be done than was configured; for the ledger."""
    strangers: Redactor | None = None
    """For text of logs and runs: takes personal data out as well; None: secrets only."""
    go: Go = nothing_stops
    """Asked before each stage; it raises `Stopped` while the kill switch is thrown or maintenance is on."""


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What `prove` holds: an isolated workspace with staging connections. No model, no forge."""

    incidents: Incidents
    ledger: Ledger
    workspace: Workspace
    rules: tuple[Rule, ...]
    redactor: Redactor
    reduction: ReductionLimits = field(default_factory=ReductionLimits)
    go: Go = nothing_stops
    judged: Callable[[str, Verdict], None] | None = None
    """Told of each verdict: a change that broke a rule costs trust."""


@dataclass(frozen=True, kw_only=True)
class Review:
    """What `decide` holds: nothing but the store."""

    incidents: Incidents
    ledger: Ledger
    approvers: tuple[str, ...] = ()
    """Ids of the users who may answer; empty: whoever Airflow lets."""
    excluded: tuple[str, ...] = ()
    """Whose word does not count: four eyes."""
    timeout_s: float = 0.0
    """How long a person has; 0: Airflow alone watches the time."""
    still: Still = as_given


@dataclass(frozen=True, kw_only=True)
class Deliverance:
    """What `deliver` holds: the forge, narrowed to one repository. No model, no database of anybody's data."""

    incidents: Incidents
    ledger: Ledger
    forge: Forge
    channels: tuple[Channel, ...]
    redactor: Redactor
    publication: Publication
    fixes: Fixes | None = None
    """Where each pull request is noted, to be watched once merged; None: it is not watched."""
    wider: Callable[[], tuple[str, ...]] | None = None
    """What the forge's credential can do beyond what was accepted; None: permissions are not locked."""
    clear: Callable[[Incident, Proposal], str] | None = None
    """Clears a transient failure once; None: the trust level or the connection does not allow it."""
    go: Go = nothing_stops
    """Asked before each outward action as well."""
    still: Still = as_given
    """Who approved is looked up again before their word is acted on."""


def investigate(incident_id: str, parts: Investigation) -> Proposal:
    """Find out what is known, and propose what to do.

    :raises AgenticError: the incident says where it stopped; clearing the task starts the investigation again.
    """
    incident = parts.incidents.advance(incident_id, IncidentState.INVESTIGATING, "reading logs, history and code")
    with _failing_safe(parts.incidents, incident_id, "investigate"):
        with stage(parts.ledger, incident_id, "gather", go=parts.go) as facts:
            dossier = gather(
                incident,
                reader=parts.reader,
                sources=parts.sources,
                redactor=parts.redactor,
                strangers=parts.strangers,
                rank=parts.rank,
                token_budget=parts.token_budget,
            )
            facts.update(dossier_facts(dossier), body=parts.ledger.attach(incident_id, dossier))
        parts.incidents.keep(incident_id, dossier)
        parts.incidents.advance(
            incident_id,
            IncidentState.INVESTIGATING,
            "asking the agent",
            fingerprint=dossier.incident.fingerprint,
            members=dossier.incident.members,
            logical_date=dossier.incident.logical_date,
        )
        with stage(parts.ledger, incident_id, "propose", go=parts.go, agent=parts.agent.name, **_held(parts)) as facts:
            proposal = redacted(propose(dossier, agent=parts.agent, fallback=parts.fallback), parts.redactor)
            facts.update(proposal_facts(proposal), body=parts.ledger.attach(incident_id, proposal))
        parts.incidents.keep(incident_id, proposal)
        parts.incidents.advance(incident_id, IncidentState.INVESTIGATED, proposal.diagnosis.root_cause)
    return proposal


def prove(incident_id: str, parts: Validation) -> Verdict:
    """Try the change in the workspace, and say whether it may be shown.

    :raises AgenticError: the incident says where it stopped; clearing the task tries again.
    """
    incident = parts.incidents.advance(incident_id, IncidentState.VALIDATING, "proving the change in the workspace")
    with _failing_safe(parts.incidents, incident_id, "validate"):
        dossier, proposal = _kept(parts.incidents, incident, Dossier), _kept(parts.incidents, incident, Proposal)
        with stage(parts.ledger, incident_id, "validate", go=parts.go, change=size(proposal)) as facts:
            proof = validate(
                dossier,
                proposal,
                workspace=parts.workspace,
                last_good=dossier.last_good,
                redactor=parts.redactor,
                note=lambda event, said: parts.ledger.append(incident_id, "validate", event, said),
                limits=parts.reduction,
            )
            facts.update(proof_facts(proof), body=parts.ledger.attach(incident_id, proof))
        parts.incidents.keep(incident_id, proof)
        proposal = reduced(proposal, proof)
        parts.incidents.keep(incident_id, proposal)
        with stage(parts.ledger, incident_id, "judge", go=parts.go) as facts:
            verdict = judge(proposal, proof, rules=(*parts.rules, TeamRulesRule(dossier.team_rules)))
            verdict = redacted(verdict, parts.redactor)
            facts.update(verdict_facts(verdict), body=parts.ledger.attach(incident_id, verdict))
        parts.incidents.keep(incident_id, verdict)
        if parts.judged:
            parts.judged(incident_id, verdict)
        parts.incidents.advance(
            incident_id, IncidentState.JUDGED, f"proof: {proof.status.value}, verdict: {verdict.decision.name}"
        )
    return verdict


def needs_person(incident_id: str, parts: Review) -> bool:
    """Say whether a person is asked: for a proved change, or a clear, on which the verdict is ASK.

    Where the policy names approvers and none of them may answer this one, nobody is asked and the answer is no.
    """
    incident = parts.incidents.get(incident_id)
    verdict, proof = _kept(parts.incidents, incident, Verdict), _kept(parts.incidents, incident, Proof)
    proposal = _kept(parts.incidents, incident, Proposal)
    proved = proposal.change is not None and proof.status.value == "proved"
    if verdict.decision is not Decision.ASK or not (proved or asks_about(verdict.findings, CLEAR)):
        return False
    question = ask(subject_of(proposal), approvers=parts.approvers, excluded=parts.excluded, timeout_s=parts.timeout_s)
    facts = {**verdict_facts(verdict), "subject": question.subject, "approvers": ", ".join(question.may_answer())}
    parts.ledger.append(incident_id, "review", ASKED, facts)
    parts.incidents.keep(incident_id, question)
    if question.nobody_may():
        why = f"four eyes: none of {', '.join(question.approvers)} may answer this one"
        decide(incident_id, Approval(answer=Answer.REJECTED, reason=why), parts)
        return False
    parts.incidents.advance(incident_id, IncidentState.AWAITING_REVIEW, "waiting for a person's answer")
    return True


def decide(incident_id: str, approval: Approval, parts: Review) -> None:
    """Write down what a person answered, a rejection and a time-out included; of two answers the stricter holds."""
    incident = parts.incidents.get(incident_id)
    subject = subject_of(_kept(parts.incidents, incident, Proposal))
    approval = parts.still(weigh(parts.incidents.kept(incident_id, Question), approval, subject))
    parts.ledger.append(incident_id, "review", ANSWERED, approval_facts(approval, subject))
    approval = settled(whole(parts.ledger, incident_id), subject)
    parts.incidents.keep(incident_id, approval)
    parts.incidents.advance(incident_id, IncidentState.REVIEWED, f"review: {approval.answer.value}")


def deliver(incident_id: str, parts: Deliverance) -> Outcome:
    """Publish what may be published, and tell people.

    :raises ForgeError: the forge did not take it; clearing the task is safe and opens no second pull request.
    """
    incident = parts.incidents.advance(incident_id, IncidentState.DELIVERING, "publishing")
    with _failing_safe(parts.incidents, incident_id, "deliver"):
        dossier, proposal = _kept(parts.incidents, incident, Dossier), _kept(parts.incidents, incident, Proposal)
        proof, verdict = _kept(parts.incidents, incident, Proof), _kept(parts.incidents, incident, Verdict)
        approval = parts.still(answer_to(whole(parts.ledger, incident_id), proposal, verdict))
        proposal = settle(proposal, proof, verdict)
        with stage(parts.ledger, incident_id, "publish", go=parts.go) as facts:
            outcome = publish(
                incident,
                dossier,
                proposal,
                proof,
                verdict,
                approval,
                forge=parts.forge,
                publication=parts.publication,
                wider=parts.wider,
                redactor=parts.redactor,
                before=_before(parts, incident_id, "publish"),
                fixes=parts.fixes,
            )
            facts.update(status=outcome.status.value, url=outcome.url or "", rollback=outcome.rollback)
        if outcome.status in _WATCHED:
            _remember(incident, dossier, proposal, outcome, parts)
        if parts.fixes and outcome.status is OutcomeStatus.PR_OPENED:
            supersede(
                delivery_of(incident_id, parts),
                outcome,
                forge=parts.forge,
                fixes=parts.fixes,
                older=lambda fix: _older(fix, parts),
                before=_before(parts, incident_id, "publish"),
            )
        if parts.clear and (approval.answer is Answer.APPROVED or not asks_about(verdict.findings, CLEAR)):
            parts.go(incident_id)
            outcome = replace(outcome, detail=f"{outcome.detail} {parts.clear(incident, proposal)}".strip())
        parts.incidents.keep(incident_id, outcome)
        incident = parts.incidents.advance(
            incident_id, IncidentState.DELIVERED, f"{outcome.status.value}: {outcome.title}", url=outcome.url
        )
        with stage(parts.ledger, incident_id, "announce", go=parts.go) as facts:
            facts.update(notes=lines(announce(incident, outcome, parts.channels)))
    return outcome


def take_back(incident_id: str, parts: Deliverance, *, why: str) -> Undone:
    """Undo what was published for an incident: close it while unmerged, open a draft revert once merged.

    :param why: one sentence for whoever reviews the revert.
    :raises ForgeError: the forge did not take it, or the merged lines have changed since; repeating is safe.
    """
    delivery = delivery_of(incident_id, parts)
    with stage(parts.ledger, incident_id, "rollback", go=parts.go, branch=delivery.branch, because=why) as facts:
        undone = undo(
            delivery,
            forge=parts.forge,
            why=parts.redactor.redact(why),
            before=_before(parts, incident_id, "rollback"),
        )
        facts.update(done=undone.done, url=(undone.revert.url if undone.revert else "") or "")
    parts.incidents.advance(incident_id, IncidentState.DELIVERED, f"rolled back: {undone.done}")
    return undone


def delivery_of(incident_id: str, parts: Deliverance) -> Delivery:
    """Return what the forge was handed for an incident, without its text: enough to find and to undo it."""
    handed: Delivery | None = parts.incidents.kept(incident_id, Delivery)
    if handed is not None:
        return handed
    incident = parts.incidents.get(incident_id)
    dossier, proposal = _kept(parts.incidents, incident, Dossier), _kept(parts.incidents, incident, Proposal)
    held, redactor = parts.publication, parts.redactor
    return build_delivery(incident, dossier, proposal, body="", publication=held, redactor=redactor)


def _remember(incident: Incident, dossier: Dossier, proposal: Proposal, outcome: Outcome, parts: Deliverance) -> None:
    """Keep what was handed over: a later triage may find something else, and undoing and watching need this."""
    if parts.fixes:
        parts.fixes.opened(fix_of(incident, dossier, outcome, parts.publication))
    if outcome.status is not OutcomeStatus.PR_UNCHANGED or parts.incidents.kept(incident.id, Delivery) is None:
        held, redactor = parts.publication, parts.redactor
        handed = build_delivery(incident, dossier, proposal, body="", publication=held, redactor=redactor)
        parts.incidents.keep(incident.id, handed)


def _held(parts: Investigation) -> dict[str, str]:
    return {"held_back": lines(parts.held_back)} if parts.held_back else {}


def _before(parts: Deliverance, incident_id: str, name: str) -> Callable[[str, Mapping[str, object]], None]:
    """Return what is told of each side effect before it happens, and may stop it."""

    def before(event: str, said: Mapping[str, object]) -> None:
        parts.go(incident_id)
        parts.ledger.append(incident_id, name, event, said)

    return before


def _older(fix: FixRecord, parts: Deliverance) -> Delivery | None:
    """Return what was delivered for an older fix; None where its records are gone."""
    try:
        return delivery_of(fix.incident_id, parts)
    except AgenticError:
        return None


_WATCHED = (OutcomeStatus.PR_OPENED, OutcomeStatus.PR_UPDATED, OutcomeStatus.PR_UNCHANGED)


@contextmanager
def _failing_safe(incidents: Incidents, incident_id: str, name: str) -> Iterator[None]:
    """Let an error fly, but leave the incident with the stage's name and the reason."""
    try:
        yield
    except Stopped as error:
        incidents.advance(incident_id, incidents.get(incident_id).state, f"{name} waits: {error}")
        raise
    except DeliveryRefused as error:
        detail = f"refused: {error} Mend that, or accept the risk by name; then clear the {name} task."
        incidents.advance(incident_id, IncidentState.FAILED, detail)
        raise
    except Exception as error:
        detail = f"{name} stopped: {type(error).__name__}: {error}. Clear that task of the triage run to go on."
        incidents.advance(incident_id, IncidentState.FAILED, detail)
        raise


def _kept(incidents: Incidents, incident: Incident, kind: type[R]) -> R:
    record: R | None = incidents.kept(incident.id, kind)
    if record is None:
        raise AgenticError(
            f"Going on with incident {incident.id!r} failed: no {kind.__name__} is stored. "
            "Clear the earlier tasks of the triage run."
        )
    return record
