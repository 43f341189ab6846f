"""What a person does to one incident: start its triage, run it here, undo what it published."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import replace

from airflow_agentic import pipeline, wiring
from airflow_agentic.guardrails.stop import nothing_stops
from airflow_agentic.records import Answer, Approval, IncidentState
from airflow_agentic.triggers.dispatch import forget_kept
from airflow_agentic.triggers.rest import account_of, post_run
from airflow_agentic.triggers.wire import failure_as_json


def start(agentic_conn_id: str, dag_id: str, run_id: str) -> dict[str, str]:
    """Start a triage run of the triage Dag for a failed run, through Airflow's REST API.

    :raises IncidentNotFound: there is no such run.
    """
    with wiring.connected(agentic_conn_id) as parts:
        incident_id, failure = parts.failure_from({"dag_id": dag_id, "run_id": run_id})
        parts.store.ledger.capture(incident_id, failure)
        conn_id, triage_dag_id = parts.scope.airflow_conn_id, parts.settings.triage_dag_id
        created, paused = post_run(
            account_of(wiring.connection(conn_id), conn_id=conn_id),
            triage_dag_id,
            {
                "dag_run_id": incident_id,
                "logical_date": None,
                "conf": {
                    "failure": failure_as_json(failure),
                    "incident_id": incident_id,
                    "started_by": getpass.getuser(),
                },
                "note": f"agentic triage, started by hand by {getpass.getuser()}"[:1000],
            },
        )
        if created:
            detail = f"triage run {incident_id} of {triage_dag_id} was created"
            parts.store.incidents.advance(incident_id, IncidentState.DISPATCHED, detail)
        else:
            detail = (
                f"a triage run exists; to repeat it: airflow tasks clear {triage_dag_id} --dag-run-id {incident_id}"
            )
        if paused:
            detail += f"; {triage_dag_id} is paused, so it waits: airflow dags unpause {triage_dag_id}"
        forget_kept(parts.settings.spool_dir, incident_id)
    return {"incident_id": incident_id, "result": "created" if created else "duplicate", "detail": detail}


def run_here(agentic_conn_id: str, dag_id: str, run_id: str, *, say: Callable[[str], None]) -> dict[str, str]:
    """Run every stage in this process; nobody is there to be asked, so an ASK counts as a time-out."""
    with wiring.connected(agentic_conn_id) as parts:
        incident_id, failure = parts.failure_from({"dag_id": dag_id, "run_id": run_id})
        parts.store.ledger.capture(incident_id, failure)
        say(f"{incident_id}: gathering and proposing")
        proposal = pipeline.investigate(incident_id, parts.investigation(incident_id))
        say(f"{proposal.diagnosis.category.value}: {proposal.diagnosis.root_cause}")
        say("validating in the workspace" if proposal.change else "no change to prove")
        verdict = pipeline.prove(incident_id, parts.validation(incident_id))
        say(f"verdict: {verdict.decision.name}")
        asked = pipeline.needs_person(incident_id, parts.review(incident_id))
        answer = (
            Approval(answer=Answer.TIMED_OUT, reason="run by hand, nobody was asked")
            if asked
            else Approval(answer=Answer.NOT_NEEDED)
        )
        pipeline.decide(incident_id, answer, parts.review(incident_id))
        outcome = pipeline.deliver(incident_id, parts.deliverance(incident_id))
    return {"incident_id": incident_id, "result": outcome.status.value, "detail": outcome.url or outcome.detail}


def withdraw(agentic_conn_id: str, incident_id: str, *, why: str = "A person asked for it.") -> str:
    """Undo what was published for an incident, and say what was done: closed, or a draft revert once merged.

    :param why: one sentence; it stands in the ledger, and in the draft revert.
    """
    with wiring.connected(agentic_conn_id) as parts:
        held = replace(parts.deliverance(incident_id), go=nothing_stops)  # a person undoes it, stopped or not
        undone = pipeline.take_back(incident_id, held, why=why)
    return f"{undone.done} {undone.revert.url or ''}".strip() if undone.revert else undone.done
