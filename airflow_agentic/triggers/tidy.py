"""Open pull requests of ours → none that is forgotten, stale or needlessly waiting. Part of each sweep; safe to repeat.

An expired one is closed with a word. One whose files have moved on the base branch is made and proved anew, by clearing
its triage run, once per state of the base branch. One that was held back is delivered as soon as there is room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from airflow_agentic.airflow_rest import AirflowRest, part
from airflow_agentic.changes import holds
from airflow_agentic.errors import AgenticError
from airflow_agentic.ports import BaseFiles, Fixes, Incidents, Ledger
from airflow_agentic.records import ChangeState, Delivery, FixRecord, FixState, Outcome, OutcomeStatus, Whereabouts

STAGE = "tidy"
_INCIDENTS = 200


@dataclass(frozen=True, kw_only=True)
class Tidying:
    """What `tidy` holds."""

    fixes: Fixes
    incidents: Incidents
    ledger: Ledger
    rest: AirflowRest
    triage_dag_id: str
    delivery_of: Callable[[str], Delivery]
    """Incident id → what was delivered for it."""
    whereabouts: Callable[[Delivery], Whereabouts]
    base_files: Callable[[tuple[str, ...]], BaseFiles]
    withdraw: Callable[[Delivery, str], str]
    """Closes one with a word; returns what was done."""
    expire_days: float
    """0: nothing expires."""
    room: Callable[[], int]
    """How many more pull requests may be opened now."""


def tidy(parts: Tidying) -> tuple[str, ...]:
    """Look at every open fix and every one held back; return a line for each about which something was done."""
    said = []
    for fix in parts.fixes.list(FixState.OPEN):
        try:
            line = _look_at(fix, parts)
        except AgenticError as error:
            line = f"not told, looked at again by the next sweep: {error}"
        if line:
            said.append(f"{fix.incident_id}: {line}")
    return (*said, *_deliver_what_waits(parts))


def _look_at(fix: FixRecord, parts: Tidying) -> str:
    delivery = parts.delivery_of(fix.incident_id)
    if delivery.change is None or parts.whereabouts(delivery).state is not ChangeState.OPEN:
        return ""
    base = parts.base_files(tuple(edit.path for edit in delivery.change.edits))
    if all(holds(base.texts[edit.path], edit) for edit in delivery.change.edits):
        return _close(fix, delivery, FixState.SUPERSEDED, f"The base branch has it since {base.commit[:10]}.", parts)
    if _expired(fix, parts.expire_days):
        note = f"Nobody has looked at it for {parts.expire_days:.0f} days, so it is closed. Reopen it to keep it."
        return _close(fix, delivery, FixState.EXPIRED, note, parts)
    if any(base.texts[edit.path] != edit.before for edit in delivery.change.edits):
        return _anew(fix, base.commit, parts)
    return ""


def _close(fix: FixRecord, delivery: Delivery, state: FixState, note: str, parts: Tidying) -> str:
    parts.ledger.append(fix.incident_id, STAGE, state.value, {"url": fix.url or "", "because": note})
    done = parts.withdraw(delivery, note)
    parts.fixes.save(replace(fix, state=state, detail=note, updated_at=_now().isoformat(timespec="seconds")))
    return f"{state.value}: {done}"


def _anew(fix: FixRecord, commit: str, parts: Tidying) -> str:
    """Clear the triage run from its first task on, unless that was done for this state of the base branch."""
    told = (dict(e.facts) for e in parts.ledger.entries(fix.incident_id) if (e.stage, e.event) == (STAGE, "stale"))
    if any(facts.get("base") == commit for facts in told):
        return ""
    rollback = "close the pull request; its triage run only reads and proves"
    parts.ledger.append(fix.incident_id, STAGE, "stale", {"base": commit, "rollback": rollback})
    _clear(fix.incident_id, "investigate", parts)
    return f"stale: its files have moved on the base branch ({commit[:10]}); made and proved anew"


def _deliver_what_waits(parts: Tidying) -> Iterator[str]:
    room = parts.room()
    for incident in reversed(parts.incidents.list(limit=_INCIDENTS)):
        outcome: Outcome | None = parts.incidents.kept(incident.id, Outcome)
        if room <= 0:
            return
        if outcome is None or outcome.status is not OutcomeStatus.HELD_BACK:
            continue
        try:
            parts.ledger.append(incident.id, STAGE, "room", {"rollback": "close the pull request once it is open"})
            _clear(incident.id, "deliver", parts)
        except AgenticError as error:
            yield f"{incident.id}: still waits: {error}"
            continue
        room -= 1
        yield f"{incident.id}: there is room again, delivered now"


def _clear(incident_id: str, task_id: str, parts: Tidying) -> None:
    body = {
        "dry_run": False,
        "dag_run_id": incident_id,
        "task_ids": [task_id],
        "only_failed": False,
        "include_downstream": True,
        "reset_dag_runs": True,
        "note": "cleared by airflow-agentic: tidy",
    }
    parts.rest.call("POST", f"/dags/{part(parts.triage_dag_id)}/clearTaskInstances", body)


def _expired(fix: FixRecord, days: float) -> bool:
    return bool(days and fix.opened_at and _now() - datetime.fromisoformat(fix.opened_at) > timedelta(days=days))


def _now() -> datetime:
    return datetime.now(timezone.utc)
