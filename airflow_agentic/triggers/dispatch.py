"""Failure → one run of the triage Dag, by the one way that is safe in the process we are in.

A worker asks its supervisor; the scheduler and the api-server create the run from their background thread; the Dag
processor uses the REST API. Every other pairing was measured to hang the Dag processor or to kill the scheduler. If
the run cannot be created the failure is kept on disk and one line of the log says what to do.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

from airflow_agentic.errors import AgenticError
from airflow_agentic.records import Failure
from airflow_agentic.triggers import background
from airflow_agentic.triggers.incidents import (
    already_reported,
    incident_id,
    is_our_own,
    known_unpaused,
    mark_reported,
    mark_unpaused,
)
from airflow_agentic.triggers.kept import forget_kept, keep, kept_failures
from airflow_agentic.triggers.rest import RestAccount, RestFailed, post_run
from airflow_agentic.triggers.wire import failure_as_json

__all__ = ["Dispatch", "DispatchResult", "Where", "dispatch", "forget_kept", "keep_failure", "kept_failures"]

log = logging.getLogger(__name__)

_NOTE = "agentic triage"
_MISSING = (
    "Put triage_dag({dag!r}) into a Dag file, or set [agentic] triage_dag_id, and see that it has no import error"
)
_SQLITE_TRIES = 3


class Where(str, Enum):
    """The kind of process that saw the failure."""

    WORKER = "worker"
    SERVER = "server"
    """Scheduler or api-server, on the background thread."""
    DAG_PROCESSOR = "dag_processor"


class Dispatch(str, Enum):
    """What became of a failure."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    """The incident has its triage run already."""
    KEPT = "kept"
    """No run could be created; the failure is in the spool, see `kept_failures`."""
    IGNORED = "ignored"
    """It is a failure of the triage itself."""


@dataclass(frozen=True, kw_only=True)
class DispatchResult:
    """What became of a failure, and why."""

    status: Dispatch
    incident_id: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class _Run:
    dag_id: str
    run_id: str
    conf: dict[str, Any]
    run_after: datetime


class _Refused(AgenticError):
    """The run was not created; the message says what to do."""


def dispatch(
    failure: Failure,
    *,
    triage_dag_id: str,
    debounce_s: float,
    spool_dir: str,
    where: Where,
    rest: RestAccount | None = None,
) -> DispatchResult:
    """Start the triage run of the failure's incident, unless it exists; never raises.

    :param debounce_s: how long the run is held back, so that failures of siblings land first.
    :param rest: needed in the Dag processor, used nowhere else.
    """
    incident = incident_id(failure.dag_id, failure.run_id, failure.clear_number)
    if is_our_own(failure, triage_dag_id):
        log.info("Not triaging %s of %s: it is a triage run itself", failure.run_id, failure.dag_id)
        return DispatchResult(status=Dispatch.IGNORED, incident_id=incident)
    if already_reported(spool_dir, incident):
        return DispatchResult(status=Dispatch.DUPLICATE, incident_id=incident, detail="already told by this host")
    run = _Run(
        dag_id=triage_dag_id,
        run_id=incident,
        conf={"failure": failure_as_json(failure), "incident_id": incident},
        run_after=datetime.now(timezone.utc) + timedelta(seconds=debounce_s),
    )
    try:
        created, paused = _send(run, where, rest, spool_dir)
    except Exception as error:
        # A border: whatever Airflow, its database or its API raises, the failure must not be lost with it.
        log.debug("Starting the triage run %s failed", incident, exc_info=True)
        return keep_failure(failure, spool_dir=spool_dir, why=_said(error))
    mark_reported(spool_dir, incident)
    forget_kept(spool_dir, incident)
    detail = ""
    if paused:
        detail = f"Dag {triage_dag_id!r} is paused, so the run waits in the queue. Unpause it"
        log.warning("Triage run %s of %s was created, but %s", incident, failure.dag_id, detail)
    elif created:
        log.info("Triage run %s of Dag %s will work on this failure", incident, triage_dag_id)
    return DispatchResult(
        status=Dispatch.CREATED if created else Dispatch.DUPLICATE, incident_id=incident, detail=detail
    )


def keep_failure(failure: Failure, *, spool_dir: str, why: str) -> DispatchResult:
    """Keep a failure on disk and say so in one line; if even that fails, the line holds all we know. Never raises."""
    incident = incident_id(failure.dag_id, failure.run_id, failure.clear_number)
    try:
        place = keep(spool_dir, incident, failure)
        log.error("No triage run for Dag %s, run %s: %s. Kept in %s", failure.dag_id, failure.run_id, why, place)
    except (OSError, AgenticError):
        log.exception("No triage run for Dag %s, run %s: %s. Not kept", failure.dag_id, failure.run_id, why)
    return DispatchResult(status=Dispatch.KEPT, incident_id=incident, detail=why)


def _send(run: _Run, where: Where, rest: RestAccount | None, spool_dir: str) -> tuple[bool, bool]:
    """Return whether the run is new, and whether its Dag is paused."""
    if where is Where.WORKER:
        return _through_supervisor(run, spool_dir)
    if where is Where.SERVER:
        return _through_database(run)
    if rest is None:
        raise _Refused(
            "the Dag processor can only use Airflow's REST API. Set airflow_conn_id of the agentic connection "
            "to an 'http' connection that may trigger Dags"
        )
    body = {
        "dag_run_id": run.run_id,
        "logical_date": None,
        "run_after": run.run_after.isoformat(),
        "conf": run.conf,
        "note": _NOTE,
    }
    return post_run(rest, run.dag_id, body)


def _through_supervisor(run: _Run, spool_dir: str) -> tuple[bool, bool]:
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time.comms import DagResult, ErrorResponse, GetDag, TriggerDagRun

    comms = getattr(sys.modules.get("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS", None)
    if comms is None:
        raise _Refused("this process has no supervisor to ask. Let the hook run in a task's own process")
    message = TriggerDagRun(
        dag_id=run.dag_id, run_id=run.run_id, conf=run.conf, logical_date=None, run_after=run.run_after, note=_NOTE
    )
    try:
        answer = comms.send(message)
    except AirflowRuntimeError as error:
        raise _Refused(_supervisor_said(error.error, run)) from error
    if isinstance(answer, ErrorResponse):
        if answer.error == ErrorType.DAGRUN_ALREADY_EXISTS:
            return False, False
        raise _Refused(_supervisor_said(answer, run))
    if known_unpaused(spool_dir, run.dag_id):
        return True, False
    state = comms.send(GetDag(dag_id=run.dag_id))
    paused = isinstance(state, DagResult) and state.is_paused
    if not paused:
        mark_unpaused(spool_dir, run.dag_id)
    return True, paused


def _supervisor_said(answer: Any, run: _Run) -> str:
    detail = answer.detail or {}
    missing = detail.get("status_code") in (400, 404)
    cure = _MISSING.format(dag=run.dag_id) if missing else "The task's log has Airflow's reason"
    return f"Airflow answered {answer.error.value} ({detail.get('status_code', 'no status')}). {cure}"


def _through_database(run: _Run) -> tuple[bool, bool]:
    if not background.is_here():
        raise _Refused("a server process may only do this on its background thread. This is a bug of airflow-agentic")
    from sqlalchemy.exc import OperationalError

    for attempt in range(1, _SQLITE_TRIES + 1):
        try:
            return _create_run(run)
        except OperationalError:
            # SQLite: the scheduler held the write lock for longer than the driver waits.
            if attempt == _SQLITE_TRIES:
                raise
    raise AssertionError("unreachable")


def _create_run(run: _Run) -> tuple[bool, bool]:
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.exceptions import DagRunAlreadyExists
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from sqlalchemy import select
    from sqlalchemy.exc import IntegrityError

    columns = select(DagModel.is_paused, DagModel.is_stale, DagModel.has_import_errors)
    with create_session() as session:
        state = session.execute(columns.where(DagModel.dag_id == run.dag_id)).one_or_none()
    if state is None or state.is_stale or state.has_import_errors:
        word = "does not exist" if state is None else "is stale" if state.is_stale else "has an import error"
        raise _Refused(f"Dag {run.dag_id!r} {word}. {_MISSING.format(dag=run.dag_id)}")
    try:
        trigger_dag(
            run.dag_id,
            triggered_by=DagRunTriggeredByType.OPERATOR,
            run_type=DagRunType.OPERATOR_TRIGGERED,
            run_id=run.run_id,
            conf=run.conf,
            run_after=run.run_after,
            note=_NOTE,
        )
    except (DagRunAlreadyExists, IntegrityError):
        return False, False
    return True, bool(state.is_paused)


def _said(error: Exception) -> str:
    text = str(error)[:400] if isinstance(error, (_Refused, RestFailed)) else f"{type(error).__name__}: {error}"[:400]
    return text.rstrip(".")
