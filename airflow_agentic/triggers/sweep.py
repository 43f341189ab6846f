"""What no hook has handed over → triage runs; what was published → watched. Safe to repeat.

Failures kept in the spool are sent again, failed runs of selected Dags that the store does not know are looked up
through Airflow's REST API, and merged fixes are watched. A run that was cleared and fails again unseen is not found:
the API does not tell how often a run was cleared.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode

from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.errors import IncidentNotFound
from airflow_agentic.ports import AirflowReader, Incidents
from airflow_agentic.records import Failure, Signal
from airflow_agentic.triggers.dispatch import Dispatch, Where, dispatch
from airflow_agentic.triggers.incidents import Selectors, is_our_own, selected
from airflow_agentic.triggers.kept import forget_kept, kept_failures
from airflow_agentic.triggers.rest import RestAccount
from airflow_agentic.triggers.tidy import Tidying, tidy
from airflow_agentic.triggers.watch import Watching, watch

log = logging.getLogger(__name__)

MARK_ID = "sweep"
"""The sweep's own place among the records of the incidents."""
_PAGE, _MOST = 100, 1_000
_FIRST = timedelta(days=1)
_LEAVE_TO_HOOKS = timedelta(minutes=2)
"""A failure this young may still be on its way through a hook."""


@dataclass(frozen=True, kw_only=True)
class SweepMark:
    """Until when failed runs have been looked up."""

    until: str


@dataclass(frozen=True, kw_only=True)
class Sweeping:
    """What `sweep` holds."""

    spool_dir: str
    triage_dag_id: str
    account: RestAccount
    """May trigger the triage Dag."""
    rest: AirflowRest
    reader: AirflowReader
    incidents: Incidents
    selectors: Selectors
    watching: Watching | None
    """None: no forge is configured, so there is nothing to watch."""
    tidying: Tidying | None = None


@dataclass(frozen=True, kw_only=True)
class SweepReport:
    """What a sweep found, as lines for a person; empty where there was nothing."""

    kept: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()


def sweep(parts: Sweeping) -> SweepReport:
    """Hand over what was left behind, then look at the fixes.

    :raises SourceUnavailable: Airflow does not answer; the next sweep begins where this one did.
    """
    kept = tuple(_send(failure, parts) for _, failure in kept_failures(parts.spool_dir))
    until = datetime.now(timezone.utc) - _LEAVE_TO_HOOKS
    mark: SweepMark | None = parts.incidents.kept(MARK_ID, SweepMark)
    since = mark.until if mark else (until - _FIRST).isoformat()
    missed = tuple(_send(failure, parts) for failure in _missed(parts, since, until.isoformat()))
    parts.incidents.keep(MARK_ID, SweepMark(until=until.isoformat()))
    watched = watch(parts.watching) if parts.watching else ()
    tidied = tidy(parts.tidying) if parts.tidying else ()
    return SweepReport(kept=kept, missed=missed, fixes=(*watched, *tidied))


def _send(failure: Failure, parts: Sweeping) -> str:
    result = dispatch(
        failure,
        triage_dag_id=parts.triage_dag_id,
        debounce_s=0.0,
        spool_dir=parts.spool_dir,
        where=Where.DAG_PROCESSOR,  # the way through the REST API, which works from any process
        rest=parts.account,
    )
    if result.status is Dispatch.DUPLICATE:
        forget_kept(parts.spool_dir, result.incident_id)
    return f"{failure.dag_id} {failure.run_id}: {result.status.value} {result.detail}".strip()


def _missed(parts: Sweeping, since: str, until: str) -> Iterator[Failure]:
    """Yield failed runs of selected Dags that ended in that time and are in nobody's books."""
    for dag_id, run_id, logical_date in _failed_runs(parts.rest, since, until):
        if any(one.run_id == run_id for one in parts.incidents.list(limit=_MOST, dag_id=dag_id)):
            continue
        try:
            dag = parts.reader.dag(dag_id)
        except IncidentNotFound:
            log.info("Run %s of %s has failed, but its Dag is gone: nobody can triage it", run_id, dag_id)
            continue
        failure = Failure(
            dag_id=dag_id,
            run_id=run_id,
            clear_number=0,
            signal=Signal.MANUAL,
            seen_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            reason="found by a sweep",
            logical_date=logical_date,
            owners=dag.owners,
            tags=dag.tags,
        )
        wanted = selected(parts.selectors, dag_id=dag_id, tags=dag.tags, owners=dag.owners)
        if wanted and not is_our_own(failure, parts.triage_dag_id):
            yield failure


def _failed_runs(rest: AirflowRest, since: str, until: str) -> Iterator[tuple[str, str, str | None]]:
    for offset in range(0, _MOST, _PAGE):
        asked = {"state": "failed", "end_date_gte": since, "end_date_lte": until, "order_by": "end_date"}
        query = urlencode({**asked, "limit": _PAGE, "offset": offset})
        _, found = rest.call("GET", f"/dags/~/dagRuns?{query}")
        runs = found.get("dag_runs") or []
        yield from ((str(r["dag_id"]), str(r["dag_run_id"]), r.get("logical_date")) for r in runs)
        if len(runs) < _PAGE:
            return
