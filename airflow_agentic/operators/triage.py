"""The four tasks of the triage Dag: translate Airflow's context, call the pipeline, return the incident's id.

Usable by hand in any Dag: `InvestigateOperator` needs only the id of a Dag and of its failed run. Each operator
builds just the parts that its side of the permission boundary may hold.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import BaseOperator, Param
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException

from airflow_agentic import pipeline, wiring
from airflow_agentic.channels.announce import announce
from airflow_agentic.errors import IncidentNotFound, SettingsError, Stopped
from airflow_agentic.guardrails.escape import code_block, escape_markdown
from airflow_agentic.guardrails.outgoing import outgoing
from airflow_agentic.plugs import build_channels
from airflow_agentic.ports import Channel
from airflow_agentic.records import Answer, Approval, Incident, Outcome, OutcomeStatus, Proposal, Verdict
from airflow_agentic.redaction.everything import hide_in_error
from airflow_agentic.settings import read_settings
from airflow_agentic.store.engine import Store

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

POLL_S = 10.0
STOPPED_POLL_S = 30.0
"""How often a parked task looks whether it may go on."""
APPROVE, REJECT = "Approve", "Reject"


class InvestigateOperator(BaseOperator):
    """Gather what is known about a failed Dag run, and propose what to do. Returns the incident's id.

    Waits, without holding a worker slot, until the failed run has ended or ``[agentic] settle_s`` have passed.

    :param agentic_conn_id: the ``agentic`` connection.
    :param failed_dag_id: the Dag that failed; empty: read from this run's conf, as the triggers write it.
    :param failed_run_id: its run; empty: likewise.
    """

    template_fields = ("failed_dag_id", "failed_run_id")

    def __init__(
        self,
        *,
        agentic_conn_id: str = "agentic_default",
        failed_dag_id: str = "",
        failed_run_id: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.agentic_conn_id = agentic_conn_id
        self.failed_dag_id = failed_dag_id
        self.failed_run_id = failed_run_id

    def execute(self, context: Mapping[str, Any]) -> str:
        """Run gather and propose.

        :raises AirflowFailException: the run does not exist or a setting is wrong; retrying does not help.
        """
        conf = dict(context["dag_run"].conf or {})
        if self.failed_dag_id:
            conf = {"dag_id": self.failed_dag_id, "run_id": self.failed_run_id}
        try:
            with parked_while_stopped(), wiring.connected(self.agentic_conn_id) as parts:
                incident_id, failure = parts.failure_from(conf)
                self._wait_until_settled(parts.reader.dag_run(failure.dag_id, failure.run_id).state, context)
                parts.store.ledger.capture(incident_id, failure)
                pipeline.investigate(incident_id, parts.investigation(incident_id))
        except (IncidentNotFound, SettingsError) as error:
            raise AirflowFailException(str(error)) from error
        return incident_id

    def _wait_until_settled(self, state: str, context: Mapping[str, Any]) -> None:
        """Come back later while the failed run still runs: its other tasks belong to the same incident."""
        started = context["ti"].start_date if not context["dag_run"].start_date else context["dag_run"].start_date
        now = datetime.now(timezone.utc)
        if state in ("running", "queued") and now - started < timedelta(seconds=read_settings().settle_s):
            self.log.info("The failed run is still %s; looking again in %d s", state, POLL_S)
            raise AirflowRescheduleException(now + timedelta(seconds=POLL_S))


class ValidateOperator(BaseOperator):
    """Prove the proposed change in an isolated workspace and judge it. Returns the incident's id."""

    template_fields = ("incident_id",)

    def __init__(self, *, incident_id: str, agentic_conn_id: str = "agentic_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.incident_id = incident_id
        self.agentic_conn_id = agentic_conn_id

    def execute(self, context: Mapping[str, Any]) -> str:
        """Run validate and judge."""
        with parked_while_stopped(), wiring.connected(self.agentic_conn_id) as parts:
            verdict = pipeline.prove(self.incident_id, parts.validation(self.incident_id))
        self.log.info("Verdict on %s: %s", self.incident_id, verdict.decision.name)
        return self.incident_id


class ReviewOperator(HITLOperator):
    """Ask a person when the verdict is ASK, and only then; no worker slot is held while they think.

    A rejection and a time-out are answers: they are recorded, and delivery goes on without a pull request. Where the
    policy names approvers only they may answer; whoever started the triage or wrote what makes it possible may not.

    :param channels: Airflow notifiers that are told that a person is asked, before anything is done.
    :param response_timeout: how long a person has; silence is a no.
    """

    template_fields = ("incident_id", "subject", "body")

    def __init__(
        self, *, incident_id: str, agentic_conn_id: str = "agentic_default", channels: Sequence[Any] = (), **kwargs: Any
    ) -> None:
        kwargs.setdefault("response_timeout", timedelta(hours=24))
        kwargs.setdefault("params", reason())
        kwargs["assigned_users"] = kwargs.get("assigned_users") or None
        super().__init__(subject="A proved fix needs your answer", options=[APPROVE, REJECT], defaults=REJECT, **kwargs)
        self.incident_id = incident_id
        self.agentic_conn_id = agentic_conn_id
        self.channels = list(channels)

    def execute(self, context: Mapping[str, Any]) -> Any:
        """Park in ``awaiting_input`` if a person is needed; else record that nobody was asked."""
        seconds = self.response_timeout.total_seconds() if self.response_timeout else 0.0
        with parked_while_stopped(), wiring.connected(self.agentic_conn_id) as parts:
            held = parts.review(self.incident_id, starters=starters(context, self.incident_id), timeout_s=seconds)
            held = replace(held, approvers=_both(held.approvers, self.assigned_users))
            if not pipeline.needs_person(self.incident_id, held):
                pipeline.decide(self.incident_id, Approval(answer=Answer.NOT_NEEDED), held)
                return self.incident_id
            if held.approvers:
                left = [name for name in held.approvers if name not in held.excluded]
                self.assigned_users = [{"id": name, "name": name} for name in left]
            incident = parts.store.incidents.get(self.incident_id)
            self.subject = f"May the agent go on with {incident.dag_id}?"
            self.body = outgoing(review_text(parts.store, self.incident_id), parts.redactor)
            tell(parts, incident, self.subject, self.body, build_channels(self.channels, context))
        return super().execute(cast("Context", context))

    def execute_complete(self, context: Mapping[str, Any], event: dict[str, Any]) -> Any:
        """Record the answer."""
        with wiring.connected(self.agentic_conn_id) as parts:
            pipeline.decide(self.incident_id, approval_of(event), parts.review(self.incident_id))
        return self.incident_id


class DeliverOperator(BaseOperator):
    """Publish the outcome and tell people. Returns its address, or an empty text.

    :param channels: Airflow notifiers that are told.
    """

    template_fields = ("incident_id",)

    def __init__(
        self, *, incident_id: str, agentic_conn_id: str = "agentic_default", channels: Sequence[Any] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.incident_id = incident_id
        self.agentic_conn_id = agentic_conn_id
        self.channels = list(channels)

    def execute(self, context: Mapping[str, Any]) -> str:
        """Run publish and announce."""
        with parked_while_stopped(), wiring.connected(self.agentic_conn_id) as parts:
            outcome = pipeline.deliver(self.incident_id, parts.deliverance(self.incident_id, self.channels, context))
        self.log.info("%s: %s %s", outcome.status.value, outcome.title, outcome.url or "")
        return outcome.url or ""


@contextmanager
def parked_while_stopped() -> Iterator[None]:
    """Give the worker slot back while the kill switch is thrown or maintenance is on; the task comes back by itself.

    Whatever else is raised says no secret any more: Airflow prints it into the task's log.

    :raises AirflowRescheduleException: instead of `Stopped`.
    """
    try:
        yield
    except Stopped as error:
        now = datetime.now(timezone.utc)
        until = datetime.fromisoformat(error.until) if error.until else now
        log.info("%s", error)
        raise AirflowRescheduleException(max(until, now + timedelta(seconds=STOPPED_POLL_S))) from error
    except Exception as error:
        hide_in_error(error)
        raise


def approval_of(event: Mapping[str, Any]) -> Approval:
    """Airflow's response event → our record. With nobody behind it, it is the time-out's default."""
    user = event.get("responded_by_user") or {}
    if event.get("error") or event.get("timedout") or not user:
        return Approval(answer=Answer.TIMED_OUT, reason=str(event.get("error") or "nobody answered in time"))
    approved = list(event.get("chosen_options") or ()) == [APPROVE]
    return Approval(
        answer=Answer.APPROVED if approved else Answer.REJECTED,
        by=str(user.get("name") or user.get("id")),
        at=_text_of(event.get("responded_at")),
        reason=str((event.get("params_input") or {}).get("reason") or "")[:1000],
        user_id=str(user.get("id") or ""),
    )


def review_text(store: Store, incident_id: str) -> str:
    """Return what a reviewer is shown, in Markdown: why it asks, the cause, the change."""
    proposal: Proposal | None = store.incidents.kept(incident_id, Proposal)
    verdict: Verdict | None = store.incidents.kept(incident_id, Verdict)
    if proposal is None or verdict is None:
        raise SettingsError(f"Asking about {incident_id!r} failed: no verdict is stored. Clear the earlier tasks.")
    asks = "\n".join(f"- {escape_markdown(finding.message)}" for finding in verdict.findings)
    cause = escape_markdown(proposal.diagnosis.root_cause)
    diff = code_block(proposal.change.diff, "diff") if proposal.change else "No file is changed."
    return f"{cause}\n\nWhy you are asked:\n\n{asks}\n\n{diff}"


def reason() -> dict[str, Param]:
    """Return the field in which a person says why."""
    return {"reason": Param("", type=["string", "null"], description="Why; it is kept in the audit")}


def tell(parts: wiring.Parts, incident: Incident, subject: str, body: str, channels: Sequence[Channel]) -> None:
    """Tell the channels that a person is asked, before anything is done; one that fails stops nothing."""
    detail = "A person is asked in Airflow; nothing is done until they answer, and silence is a no."
    told = Outcome(status=OutcomeStatus.RECORDED, title=subject, body=body, detail=detail)
    notes = announce(incident, told, channels)
    parts.store.ledger.append(incident.id, "review", "told", {"notes": "\n".join(notes)})


def starters(context: Mapping[str, Any], incident_id: str) -> tuple[str, ...]:
    """Return who started this triage run by hand, by every name that is told.

    A run that is named by its incident was created by us, with the account of airflow_conn_id: that is nobody who
    asked for anything. One that a person triggers in Airflow has another name.
    """
    run = context["dag_run"]
    by_hand = str((run.conf or {}).get("started_by") or "")
    account = "" if run.run_id == incident_id else str(getattr(run, "triggering_user_name", None) or "")
    return tuple(dict.fromkeys(name for name in (by_hand, account) if name))


def _both(approvers: Sequence[str], assigned: Any) -> tuple[str, ...]:
    """Return the approvers that policy and Dag agree on; those of one of them where the other names none."""
    ids = tuple(str(user["id"]) for user in assigned or ())
    if approvers and ids:
        return tuple(name for name in approvers if name in ids) or ("nobody: policy and Dag name different people",)
    return tuple(approvers) or ids


def _text_of(moment: Any) -> str:
    return moment.isoformat() if isinstance(moment, datetime) else str(moment or "")
