"""Airflow's listener hooks → dispatch, for every Dag that the connection's selectors pick.

There is no hook for success, so a task that succeeds pays nothing. A task's own process reports through its
supervisor. In the scheduler and the api-server a hook copies scalars, hands over to the background thread and
returns: the scheduling loop waits for it, with rows locked.
"""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import Any

from airflow.listeners import hookimpl

from airflow_agentic.errors import SettingsError
from airflow_agentic.records import Failure, Signal
from airflow_agentic.settings import Settings, read_settings
from airflow_agentic.triggers import background
from airflow_agentic.triggers.capture import capture
from airflow_agentic.triggers.dispatch import Where, dispatch, keep_failure
from airflow_agentic.triggers.incidents import already_reported, incident_id, is_our_own, selected

log = logging.getLogger(__name__)


class AgenticListener:
    """What the plugin registers when ``[agentic] listener`` is on."""

    @hookimpl
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None:
        """Report a task instance that has failed for good; one that will be tried again wakes nobody."""
        try:
            if _is_final(task_instance, previous_state):
                failure = capture(task_instance, signal=Signal.TASK_LISTENER, error=error)
                _report(failure, in_worker=_is_of_worker(task_instance))
        except Exception:
            # A border: the task's end, or the scheduler's loop, must not suffer from us.
            log.exception("Reporting a failed task instance failed")

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """Report a failed run: the only signal of a killed process, a missing Dag file and a run's time-out."""
        try:
            _report(capture(dag_run, signal=Signal.RUN_LISTENER, reason=msg), in_worker=False)
        except Exception:
            # A border, as above.
            log.exception("Reporting a failed Dag run failed")


def _report(failure: Failure | None, *, in_worker: bool) -> None:
    if failure is None:
        return
    settings = read_settings()
    incident = incident_id(failure.dag_id, failure.run_id, failure.clear_number)
    if is_our_own(failure, settings.triage_dag_id) or already_reported(settings.spool_dir, incident):
        return
    if in_worker:
        _tell(failure, settings, Where.WORKER)
    elif not background.submit(partial(_tell, failure, settings, Where.SERVER)):
        keep_failure(failure, spool_dir=settings.spool_dir, why="1,000 failures were already waiting to be reported")


def _tell(failure: Failure, settings: Settings, where: Where) -> None:
    """Ask the selectors, then dispatch; in a server process only ever called on the background thread."""
    try:
        wanted = _is_selected(failure, settings.conn_id)
    except Exception as error:  # noqa: BLE001
        # A border: with an unreadable connection we cannot know, and a failure too many is better than one too few.
        why = f"connection {settings.conn_id!r} cannot be read ({error}). Add or mend it in Admin → Connections"
        keep_failure(failure, spool_dir=settings.spool_dir, why=why)
        return
    if wanted:
        dispatch(
            failure,
            triage_dag_id=settings.triage_dag_id,
            debounce_s=settings.debounce_s,
            spool_dir=settings.spool_dir,
            where=where,
        )
    else:
        log.debug("Dag %s is not among those that connection %s watches", failure.dag_id, settings.conn_id)


def _is_selected(failure: Failure, conn_id: str) -> bool:
    from airflow.sdk import BaseHook

    from airflow_agentic.scope import read_scope

    connection = BaseHook.get_connection(conn_id)
    if connection.conn_type != "agentic":
        raise SettingsError(f"it is of type {connection.conn_type!r}, not 'agentic'")
    scope = read_scope(connection.extra, conn_id=conn_id)
    return selected(scope, dag_id=failure.dag_id, tags=failure.tags, owners=failure.owners)


def _is_final(task_instance: Any, previous_state: Any) -> bool:
    # By hand (api-server): the previous state is None, and the object may still carry the old state.
    state = getattr(task_instance, "state", None)
    return previous_state is None or str(getattr(state, "value", state)) == "failed"


def _is_of_worker(task_instance: Any) -> bool:
    # Not by environment: under the LocalExecutor a task process inherits the scheduler's.
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    return runner is not None and isinstance(task_instance, runner.RuntimeTaskInstance)
