"""All that was found, tried and decided → a draft pull request, an issue, or a record that stays here.

A pull request needs a change, its proof, trust level ``propose``, and ALLOW or a person's approval of an ASK. Nobody
can approve a DENY away. Branch, title and trailers are made from ids and closed sets, never from a model's words;
the body goes through the escaping template, and the final bytes are scanned for secrets once more.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from airflow_agentic.changes import added_lines, inverse
from airflow_agentic.errors import DeliveryRefused, ForgeDown, ForgeError
from airflow_agentic.forges.hygiene import Caps, held_back, is_new, with_reviewers
from airflow_agentic.forges.write_body import write_body
from airflow_agentic.ports import Fixes, Forge, Redactor, Rival
from airflow_agentic.records import (
    Answer,
    Approval,
    Decision,
    Delivery,
    Dossier,
    FixRecord,
    FixState,
    Incident,
    Outcome,
    OutcomeStatus,
    Proof,
    ProofStatus,
    Proposal,
    Verdict,
)

BODY_LIMIT = 65_536
"""GitHub's, in characters; more is HTTP 422."""
_TITLE_LIMIT = 200
PROPOSING = ("propose", "propose_ready")


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What publishing needs to know of the scope."""

    repository: str
    base_branch: str
    reviewers: tuple[str, ...] = ()
    trust_level: str = "diagnose"
    caps: Caps = field(default_factory=Caps)
    held_back: tuple[str, ...] = ()
    """Why the trust level is below what was configured; shown where no change is published."""


def publish(
    incident: Incident,
    dossier: Dossier,
    proposal: Proposal,
    proof: Proof,
    verdict: Verdict,
    approval: Approval,
    *,
    forge: Forge,
    publication: Publication,
    redactor: Redactor,
    before: Callable[[str, Mapping[str, object]], object],
    fixes: Fixes | None = None,
    wider: Callable[[], tuple[str, ...]] | None = None,
) -> Outcome:
    """Publish what may be published; safe to repeat. While the forge is down it is held back, for the next sweep.

    :param wider: what the forge's credential can do beyond what was accepted; None: permissions are not locked.
    :param fixes: what was published before, to be counted against the caps; None: nothing is counted.

    :param before: told of each side effect, with its inverse, before it happens.
    :raises ForgeError: the forge did not take it, or refuses the repository; clearing the deliver task is safe.
    """
    parts = (incident, dossier, proposal, proof, verdict, approval)
    try:
        publication = no_more_than_accepted(publication, wider)
        done = _published(*parts, forge=forge, publication=publication, redactor=redactor, before=before, fixes=fixes)
        return replace(done, detail=redactor.redact(done.detail))
    except ForgeDown as error:
        before("held back", {"because": str(error)})
        wait = f"{error} It is kept: the next sweep after that, or clearing the deliver task, delivers it."
        said = build_delivery(incident, dossier, proposal, body="", publication=publication, redactor=redactor)
        return Outcome(status=OutcomeStatus.HELD_BACK, title=said.title, body="", detail=redactor.redact(wait))


def _published(
    incident: Incident,
    dossier: Dossier,
    proposal: Proposal,
    proof: Proof,
    verdict: Verdict,
    approval: Approval,
    *,
    forge: Forge,
    publication: Publication,
    redactor: Redactor,
    before: Callable[[str, Mapping[str, object]], object],
    fixes: Fixes | None,
) -> Outcome:
    why_not = why_no_change(proposal, proof, verdict, approval, publication.trust_level, publication.held_back)
    change = None if why_not else proposal.change
    parts = (incident, dossier, proposal, proof, verdict, approval)
    body = write_body(*parts, as_change=change is not None, why_not=why_not, base_branch=publication.base_branch)
    body = _bounded(redactor.redact(body))
    shown = replace(proposal, change=change)
    delivery = build_delivery(incident, dossier, shown, body=body, publication=publication, redactor=redactor)
    if publication.trust_level not in ("diagnose", *PROPOSING):
        return Outcome(status=OutcomeStatus.RECORDED, title=delivery.title, body=body, detail=why_not)
    if change is None:
        rollback = f"Close the issue, or run: airflow agentic rollback {incident.id}"
        before("opening an issue", {"title": delivery.title, "because": why_not, "rollback": rollback})
        return replace(forge.open_issue(delivery), rollback=rollback)
    _scan(delivery, redactor)
    _ready(forge, before)
    if is_new(delivery, forge):
        rival = forge.rival(delivery)
        if rival is not None:
            return _remarked(rival, delivery, forge, before)
        wait = held_back(fixes, publication.repository, publication.caps) if fixes else ""
        if wait:
            before("held back", {"because": wait})
            return Outcome(status=OutcomeStatus.HELD_BACK, title=delivery.title, body=body, detail=wait)
    delivery = with_reviewers(delivery, forge)
    rollback = (
        f"Close the pull request and delete branch {delivery.branch}, or run: airflow agentic rollback {incident.id}. "
        "Nothing else was changed. Once merged, the same command opens a draft that reverts it."
    )
    facts = {"title": delivery.title, "branch": delivery.branch, "base": delivery.base_branch}
    before("opening a pull request", {**facts, "rollback": rollback, "inverse": redactor.redact(inverse(change).diff)})
    return replace(forge.open_change(delivery), rollback=rollback)


def no_more_than_accepted(publication: Publication, wider: Callable[[], tuple[str, ...]] | None) -> Publication:
    """Return what may be published: no change while a credential can do more than a person has accepted.

    :param wider: asks the credential; None: permissions are not locked.
    """
    found = wider() if wider and publication.trust_level in PROPOSING else ()
    if not found:
        return publication
    why = tuple(f"the permissions are wider than was accepted: {one}" for one in found)
    return replace(publication, trust_level="diagnose", held_back=(*publication.held_back, *why))


def _remarked(
    rival: Rival, delivery: Delivery, forge: Forge, before: Callable[[str, Mapping[str, object]], object]
) -> Outcome:
    """Leave a word at a person's change that already does it, instead of opening a competitor."""
    rollback = "Delete the comment; nothing else was changed."
    before("remarking at a person's change", {"change": rival.url or rival.name, "rollback": rollback})
    return replace(forge.remark(rival, delivery), rollback=rollback)


def why_no_change(
    proposal: Proposal,
    proof: Proof,
    verdict: Verdict,
    approval: Approval,
    trust_level: str,
    held_back: tuple[str, ...] = (),
) -> str:
    """Return in one sentence why no pull request may be opened; empty when one may."""
    denied = "; ".join(f.message for f in verdict.findings if f.decision is Decision.DENY)
    if trust_level not in ("diagnose", *PROPOSING):
        return f"The trust level is {trust_level!r}: nothing is published."
    if proof.status is ProofStatus.ALREADY_FIXED:
        return "The base branch already passes: it is fixed there."
    if proposal.change is None:
        return "No change of the code would cure it."
    if trust_level not in PROPOSING:
        because = f" It was lowered: {'; '.join(held_back)}." if held_back else ""
        return f"The trust level is 'diagnose': the diagnosis is published, the change is not.{because}"
    if verdict.decision is Decision.DENY:
        return f"Denied: {denied or 'by the guardrails'}"
    if proof.status is not ProofStatus.PROVED:
        return f"The change is not proved ({proof.status.value}): {proof.reason}"
    if verdict.decision is Decision.ASK and approval.answer is not Answer.APPROVED:
        who = f" by {approval.by}" if approval.by else ""
        return f"A person was to decide, and the answer is: {approval.answer.value}{who}. {approval.reason}".strip()
    return ""


def build_delivery(
    incident: Incident,
    dossier: Dossier,
    proposal: Proposal,
    *,
    body: str,
    publication: Publication,
    redactor: Redactor,
) -> Delivery:
    """Return what the forge is handed; an issue if the proposal holds no change. Two runs with one cause share it.

    :param redactor: looks through title, message and branch: a Dag may be named after what is a secret elsewhere.
    """
    fingerprint = cause_of(incident, dossier)
    title = redactor.redact(_title(incident, dossier, proposal))
    named = incident.dag_id if redactor.redact(incident.dag_id) == incident.dag_id else "dag"
    slug = re.sub(r"[^a-z0-9]+", "-", named.lower()).strip("-")[:40].strip("-") or "dag"
    said = proposal.diagnosis.category.value.replace("_", " ")
    message = (
        f"{title[:72]}\n\nCause: {said}. Proved in an isolated run; the pull request has the details.\n\n"
        f"Agentic-Incident: {_one_word(incident.id)}\nAgentic-Fingerprint: {fingerprint}\n"
    )
    return Delivery(
        incident_id=incident.id,
        fingerprint=fingerprint,
        title=title,
        body=body,
        base_branch=publication.base_branch,
        branch=f"agentic/{slug}-{fingerprint[:12]}",
        commit_message=redactor.redact(message),
        change=proposal.change,
        labels=("agentic", f"agentic:{proposal.diagnosis.category.value}"),
        reviewers=publication.reviewers,
        ready=publication.trust_level == "propose_ready",
    )


def _title(incident: Incident, dossier: Dossier, proposal: Proposal) -> str:
    """Name Dag, task, category and file; a task or file that only the agent speaks of is left out."""
    said = proposal.diagnosis
    known = [*(key.task_id for key in incident.members), *(node.task_id for node in dossier.graph)]
    task = said.root_cause_task if said.root_cause_task in known else (known[0] if known else None)
    where = ".".join(_one_word(part) for part in (incident.dag_id, task) if part)
    files = [edit.path for edit in proposal.change.edits] if proposal.change else []
    file = f" in {_one_word(files[0])}" if files else ""
    return f"{'Fix' if files else 'Failed:'} {where}: {said.category.value.replace('_', ' ')}{file}"[:_TITLE_LIMIT]


def _one_word(text: str) -> str:
    return re.sub(r"[^\w.:+/-]", "_", text, flags=re.ASCII)[:120]


def cause_of(incident: Incident, dossier: Dossier) -> str:
    """Return the fingerprint: hexadecimal digits, at least twelve, whatever the record holds; it names the branch."""
    given = dossier.incident.fingerprint or incident.fingerprint or incident.id
    return given if re.fullmatch(r"[0-9a-f]{12,64}", given) else hashlib.sha256(given.encode()).hexdigest()[:16]


def fix_of(incident: Incident, dossier: Dossier, outcome: Outcome, publication: Publication) -> FixRecord:
    """Return what is kept of a pull request that was opened, to be watched."""
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return FixRecord(
        incident_id=incident.id,
        dag_id=incident.dag_id,
        repository=publication.repository,
        fingerprint=cause_of(incident, dossier),
        state=FixState.OPEN,
        updated_at=at,
        opened_at=at,
        url=outcome.url,
    )


def _bounded(body: str) -> str:
    if len(body) <= BODY_LIMIT:
        return body
    raise ForgeError(
        f"Writing the pull request failed: its text has {len(body)} characters, the forge takes {BODY_LIMIT}. "
        "This is a fault of ours; the diagnosis is stored, see: airflow agentic show."
    )


def _scan(delivery: Delivery, redactor: Redactor) -> None:
    for edit in delivery.change.edits if delivery.change else ():
        added = "\n".join(line for _, line in added_lines(edit))
        if redactor.redact(added) != added:
            raise ForgeError(
                f"Publishing {edit.path!r} was refused: its added lines hold something that looks like a secret. "
                "Nothing left this machine."
            )


def _ready(forge: Forge, before: Callable[[str, Mapping[str, object]], object]) -> None:
    denied = " ".join(finding.message for finding in forge.preflight() if finding.decision is Decision.DENY)
    if denied:
        before("refused before anything was written", {"because": denied})
        raise DeliveryRefused(f"Opening a pull request was refused before anything was written: {denied}")
