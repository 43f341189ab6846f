"""A published fix → what it came to: merged and held, merged and failed, or not wanted.

A run counts if it has the fix: by the commit that it was pinned to where both are known, else by having started so long
after the merge that the merge was deployed. The same failure within the watched runs marks the fix as failed, and a
draft revert is opened for people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from airflow_agentic.errors import AgenticError, DeliveryRefused
from airflow_agentic.moments import parse_time
from airflow_agentic.ports import AirflowReader, Fixes, Incidents, Ledger
from airflow_agentic.records import ChangeState, DagRunRecord, FixRecord, FixState, Incident, Whereabouts

STAGE = "watch"
_RUNS = 100
_ENDED = ("success", "failed")


@dataclass(frozen=True, kw_only=True)
class Watching:
    """What `watch` holds."""

    fixes: Fixes
    incidents: Incidents
    ledger: Ledger
    reader: AirflowReader
    whereabouts: Callable[[str], Whereabouts]
    """Incident id → where its pull request stands."""
    follows: Callable[[str, str], bool | None]
    """As `Forge.follows`."""
    take_back: Callable[[str, str], str | None]
    """Incident id and reason → address of the draft revert; None if there is nothing to revert."""
    watch_runs: int
    deploy_minutes: int
    """How long a merge may take to reach the workers."""


def watch(parts: Watching) -> tuple[str, ...]:
    """Look at every fix that is open or merged; return one line per fix whose state changed or could not be told."""
    said = []
    for look, state in ((_look_for_merge, FixState.OPEN), (_look_at_runs, FixState.ACCEPTED)):
        for fix in parts.fixes.list(state):
            try:
                line = look(fix, parts)
            except AgenticError as error:
                line = f"not told, looked at again by the next sweep: {error}"
            if line:
                said.append(f"{fix.incident_id}: {line}")
    return tuple(said)


def _look_for_merge(fix: FixRecord, parts: Watching) -> str:
    there = parts.whereabouts(fix.incident_id)
    if there.state is ChangeState.OPEN:
        return ""
    if there.state is ChangeState.MERGED:
        merged = replace(fix, state=FixState.ACCEPTED, merged_at=there.merged_at, merge_commit=there.commit)
        return _moved(merged, f"merged; {parts.watch_runs} runs are watched", parts)
    return _moved(replace(fix, state=FixState.REJECTED), f"not merged: it is {there.state.value}", parts)


def _look_at_runs(fix: FixRecord, parts: Watching) -> str:
    told = parts.incidents.list(limit=1_000, dag_id=fix.dag_id)
    counted = 0
    for run in reversed(parts.reader.recent_runs(fix.dag_id, limit=_RUNS)):
        if run.state not in _ENDED or not _has_fix(run, fix, parts):
            continue
        causes = _causes(run, fix, told)
        if fix.fingerprint in causes:
            return _failed(fix, run, parts)
        if run.state == "success" or causes:  # a failure of unknown cause says nothing yet
            counted += 1
        if counted >= parts.watch_runs:
            return _moved(replace(fix, state=FixState.HELD), f"held for {counted} runs", parts)
    return ""


def _has_fix(run: DagRunRecord, fix: FixRecord, parts: Watching) -> bool:
    held = parts.follows(run.bundle_version, fix.merge_commit) if run.bundle_version and fix.merge_commit else None
    if held is not None:
        return held
    started, merged = parse_time(run.started_at or ""), parse_time(fix.merged_at or "")
    return bool(started and merged and started > merged + timedelta(minutes=parts.deploy_minutes))


def _causes(run: DagRunRecord, fix: FixRecord, told: tuple[Incident, ...]) -> set[str]:
    """Return the fingerprints of the run's failures since the merge; none for a run that succeeded."""
    if run.state == "success":
        return set()
    since = fix.merged_at or ""
    return {i.fingerprint for i in told if i.run_id == run.run_id and i.last_seen >= since and i.fingerprint}


def _failed(fix: FixRecord, run: DagRunRecord, parts: Watching) -> str:
    why = f"The same failure came again in run {run.run_id} after the fix was merged."
    parts.ledger.append(
        fix.incident_id, STAGE, "the fix has failed", {"run": run.run_id, "fingerprint": fix.fingerprint}
    )
    try:
        url = parts.take_back(fix.incident_id, why)
        detail = f"{why} {f'Draft revert: {url}' if url else 'Nothing of it is left to revert.'}"
    except DeliveryRefused as error:
        url, detail = None, f"{why} {error}"
    return _moved(replace(fix, state=FixState.FAILED, revert_url=url), detail, parts)


def _moved(fix: FixRecord, detail: str, parts: Watching) -> str:
    parts.ledger.append(fix.incident_id, STAGE, fix.state.value, {"detail": detail, "url": fix.url or ""})
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    parts.fixes.save(replace(fix, detail=detail, updated_at=at))
    return f"{fix.state.value}: {detail}"
