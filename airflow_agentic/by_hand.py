"""What a person does to one incident from the command line: start, run here, look at, undo."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from airflow_agentic import pipeline, wiring
from airflow_agentic.guardrails.stop import nothing_stops
from airflow_agentic.records import (
    Answer,
    Approval,
    Dossier,
    Incident,
    IncidentState,
    Outcome,
    Proof,
    Proposal,
    Verdict,
)
from airflow_agentic.store.engine import Store
from airflow_agentic.triggers.dispatch import forget_kept
from airflow_agentic.triggers.rest import account_of, post_run
from airflow_agentic.triggers.wire import failure_as_json

RECORDS = (Dossier, Proposal, Proof, Verdict, Approval, Outcome)


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


def withdraw(agentic_conn_id: str, incident_id: str) -> str:
    """Undo what was published for an incident, and say what was done: closed, or a draft revert once merged."""
    with wiring.connected(agentic_conn_id) as parts:
        held = replace(parts.deliverance(incident_id), go=nothing_stops)  # a person undoes it, stopped or not
        undone = pipeline.take_back(incident_id, held, why="A person asked for it.")
    return f"{undone.done} {undone.revert.url or ''}".strip() if undone.revert else undone.done


def describe(store: Store, incident_id: str, *, whole: bool) -> Any:
    """Return one incident as text for a person, or whole as plain data.

    :raises IncidentNotFound: there is none of that id.
    """
    incident = store.incidents.get(incident_id)
    kept = {kind.__name__.lower(): store.incidents.kept(incident_id, kind) for kind in RECORDS}
    if whole:
        return {"incident": _plain(incident), **{name: _plain(record) for name, record in kept.items() if record}}
    return "\n".join(_text(incident, kept))


def _plain(record: Any) -> Any:
    return json.loads(TypeAdapter(type(record)).dump_json(record))


def _text(incident: Incident, kept: dict[str, Any]) -> list[str]:
    lines = [f"{incident.id}", f"{incident.dag_id} {incident.run_id}: {incident.state.value}, {incident.detail}"]
    dossier, proposal, proof = kept["dossier"], kept["proposal"], kept["proof"]
    if proposal:
        said = proposal.diagnosis
        lines += [
            "",
            f"Root cause  {said.root_cause}",
            f"            {said.category.value}, {said.transience.value}, {said.severity.value}, "
            f"confidence {said.confidence:.2f}, by {proposal.pattern}, cites {' '.join(said.cites)}",
            f"Next step   {said.next_step}",
        ]
    if dossier:
        lines += ["", *(f"{e.id:4} {e.title}" for e in dossier.evidence)]
        lines += [f"gap  {gap.source}: {gap.reason}" for gap in dossier.gaps]
    if proof:
        lines += ["", f"Proof       {proof.status.value}: {proof.reason}"]
    if kept["verdict"]:
        lines += [f"Verdict     {kept['verdict'].decision.name}"]
        lines += [f"            {f.decision.name} {f.rule}: {f.message}" for f in kept["verdict"].findings]
    if kept["outcome"]:
        outcome = kept["outcome"]
        lines += [f"Outcome     {outcome.status.value} {outcome.url or ''}", f"Undo        {outcome.rollback}"]
    if proposal and proposal.change:
        lines += ["", proposal.change.diff]
    return lines
