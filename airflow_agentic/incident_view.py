"""The store → what a person reads of incidents: the list, one of them as text, one of them whole as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from airflow_agentic.records import Approval, Dossier, Incident, LedgerEntry, Outcome, Proof, Proposal, Verdict
from airflow_agentic.store.engine import Store
from airflow_agentic.triggers.dispatch import kept_failures

RECORDS = (Dossier, Proposal, Proof, Verdict, Approval, Outcome)
UNDO_STAGE = "rollback"


def listing(
    store: Store, spool_dir: str, *, limit: int, dag_id: str | None = None, run_id: str | None = None
) -> list[dict[str, Any]]:
    """Return one row an incident, newest first, then those that only the spool of this machine knows.

    :param limit: of the store's.
    """
    rows = [
        {
            "incident_id": i.id,
            "dag_id": i.dag_id,
            "run_id": i.run_id,
            "state": i.state.value,
            "last_seen": i.last_seen,
            "signals": i.signals,
            "url": i.url or "",
            "detail": i.detail[:200],
        }
        for i in store.incidents.list(limit=limit, dag_id=dag_id, run_id=run_id)
    ]
    known = {row["incident_id"] for row in rows}
    for incident, failure in kept_failures(spool_dir):
        if incident not in known and dag_id in (None, failure.dag_id) and run_id in (None, failure.run_id):
            rows.append(
                {
                    "incident_id": incident,
                    "dag_id": failure.dag_id,
                    "run_id": failure.run_id,
                    "state": "captured",
                    "last_seen": failure.seen_at,
                    "signals": 1,
                    "url": "",
                    "detail": f"no triage run yet: airflow agentic triage {failure.dag_id} {failure.run_id}",
                }
            )
    return rows


def describe(store: Store, incident_id: str, *, whole: bool) -> Any:
    """Return one incident as text for a person, or whole as plain data.

    :raises IncidentNotFound: there is none of that id.
    """
    incident = store.incidents.get(incident_id)
    kept = {kind.__name__.lower(): store.incidents.kept(incident_id, kind) for kind in RECORDS}
    if whole:
        return {"incident": _plain(incident), **{name: _plain(record) for name, record in kept.items() if record}}
    return "\n".join(_text(incident, kept))


def audited(store: Store, incident_id: str) -> dict[str, Any]:
    """Return one incident whole, with its ledger, what is wrong with that, and whether it can be undone.

    :raises IncidentNotFound: there is none of that id.
    """
    said: dict[str, Any] = describe(store, incident_id, whole=True)
    entries = store.ledger.entries(incident_id)
    said["ledger"] = [
        {
            "sequence": entry.sequence,
            "at": entry.at,
            "stage": entry.stage,
            "event": entry.event,
            "digest": entry.digest,
            "facts": {name: value[:MOST_OF_A_FACT] for name, value in entry.facts},
        }
        for entry in entries
    ]
    said["faults"] = list(store.ledger.verify(incident_id))
    said["undo"] = undo_state(said.get("outcome"), entries)
    return said


MOST_OF_A_FACT = 4000
"""Characters of one fact that a page is sent; `airflow agentic ledger export` has all of it."""


def undo_state(outcome: Mapping[str, Any] | None, entries: tuple[LedgerEntry, ...]) -> dict[str, Any]:
    """Return whether something of the incident is published, its inverse in words, and what an undo came to.

    :param outcome: the `Outcome` as plain data; None before delivery.
    """
    published = bool(outcome and (outcome["status"].startswith("pr_") or outcome["status"].startswith("issue_")))
    ended = [dict(entry.facts) for entry in entries if entry.stage == UNDO_STAGE and "done" in dict(entry.facts)]
    last = ended[-1] if ended else {}
    return {
        "possible": published,
        "inverse": outcome["rollback"] if outcome and published else "",
        "done": last.get("done", ""),
        "url": last.get("url", ""),
        "because": last.get("because", ""),
    }


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
