"""Ask a person before the workspace is handed staging connections; the optional task between investigate and validate.

Only where the policy wants it. Until they say yes the proof runs without staging connections, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.standard.operators.hitl import HITLOperator

from airflow_agentic import wiring
from airflow_agentic.guardrails.approvals import ANSWERED, ASKED, Question, approval_facts, ask, subject_of, weigh
from airflow_agentic.operators.triage import APPROVE, REJECT, approval_of, parked_while_stopped, reason, starters, tell
from airflow_agentic.plugs import build_channels
from airflow_agentic.policy.terms import ActionClass
from airflow_agentic.records import Answer, Proposal, StagingPermit

if TYPE_CHECKING:
    from airflow.sdk import Context

STAGE = "permit"


@dataclass(frozen=True, kw_only=True)
class StagingQuestion:
    """What was asked about staging."""

    question: Question


class PermitOperator(HITLOperator):
    """Ask whether an incident's proof may write to staging. Returns the incident's id.

    :param channels: Airflow notifiers that are told that a person is asked.
    """

    template_fields = ("incident_id", "subject", "body")

    def __init__(
        self, *, incident_id: str, agentic_conn_id: str = "agentic_default", channels: Sequence[Any] = (), **kwargs: Any
    ) -> None:
        kwargs.setdefault("response_timeout", timedelta(hours=24))
        kwargs.setdefault("params", reason())
        super().__init__(
            subject="A proof wants to write to staging", options=[APPROVE, REJECT], defaults=REJECT, **kwargs
        )
        self.incident_id = incident_id
        self.agentic_conn_id = agentic_conn_id
        self.channels = list(channels)

    def execute(self, context: Mapping[str, Any]) -> Any:
        """Park in ``awaiting_input`` if the policy wants a person; else go on at once."""
        with parked_while_stopped(), wiring.connected(self.agentic_conn_id) as parts:
            parts.rulings.go(self.incident_id)
            proposal: Proposal | None = parts.store.incidents.kept(self.incident_id, Proposal)
            mandate = parts.rulings.mandate(self.incident_id)
            ids = sorted(mandate.scope.staging_connections.values())
            wanted = mandate.asks(ActionClass.STAGING_WRITE, *parts.rulings.signals(self.incident_id))
            if not (wanted and ids and proposal and proposal.change):
                return self.incident_id
            held = parts.review(self.incident_id, starters=starters(context, self.incident_id))
            seconds = self.response_timeout.total_seconds() if self.response_timeout else 0.0
            question = ask(subject_of(proposal), approvers=held.approvers, excluded=held.excluded, timeout_s=seconds)
            parts.store.incidents.keep(self.incident_id, StagingPermit(allowed=False, by="", reason="not answered yet"))
            facts = {
                "subject": question.subject,
                "approvers": ", ".join(question.may_answer()),
                "staging": ", ".join(ids),
            }
            parts.store.ledger.append(self.incident_id, STAGE, ASKED, facts)
            parts.store.incidents.keep(self.incident_id, StagingQuestion(question=question))
            if question.nobody_may():
                return self.incident_id
            if question.approvers:
                self.assigned_users = [{"id": name, "name": name} for name in question.may_answer()]
            incident = parts.store.incidents.get(self.incident_id)
            self.subject = f"May the proof for {incident.dag_id} write to staging?"
            self.body = f"It would use {', '.join(f'`{name}`' for name in ids)}. Without, it is proved without them."
            tell(parts, incident, self.subject, self.body, build_channels(self.channels, context))
        return super().execute(cast("Context", context))

    def execute_complete(self, context: Mapping[str, Any], event: dict[str, Any]) -> Any:
        """Record the answer."""
        with wiring.connected(self.agentic_conn_id) as parts:
            asked: StagingQuestion | None = parts.store.incidents.kept(self.incident_id, StagingQuestion)
            proposal: Proposal | None = parts.store.incidents.kept(self.incident_id, Proposal)
            subject = subject_of(proposal) if proposal else ""
            approval = weigh(asked.question if asked else None, approval_of(event), subject)
            approval = parts.review(self.incident_id).still(approval)
            parts.store.ledger.append(self.incident_id, STAGE, ANSWERED, approval_facts(approval, subject))
            allowed = approval.answer is Answer.APPROVED
            permit = StagingPermit(
                allowed=allowed, by=approval.by or "", reason=approval.reason, user_id=approval.user_id
            )
            parts.store.incidents.keep(self.incident_id, permit)
        return self.incident_id
