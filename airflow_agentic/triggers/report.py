"""What a listener saw → dispatch, for Dags that the connection's selectors pick.

Apart from the listener so that a process in which nothing fails never imports it.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from airflow_agentic.errors import SettingsError
from airflow_agentic.records import Failure, Signal
from airflow_agentic.settings import Settings, read_settings
from airflow_agentic.triggers import background
from airflow_agentic.triggers.capture import capture
from airflow_agentic.triggers.dispatch import Where, dispatch, keep_failure
from airflow_agentic.triggers.incidents import already_reported, incident_id, is_our_own, read_selectors, selected

log = logging.getLogger(__name__)


def report_task(task_instance: Any, error: Any, *, in_worker: bool) -> None:
    """Report a task instance that has failed for good."""
    report(capture(task_instance, signal=Signal.TASK_LISTENER, error=error), in_worker=in_worker)


def report_run(dag_run: Any, reason: str) -> None:
    """Report a failed Dag run, from the scheduler or the api-server."""
    report(capture(dag_run, signal=Signal.RUN_LISTENER, reason=reason), in_worker=False)


def report(failure: Failure | None, *, in_worker: bool) -> None:
    """Hand a failure over, if the selectors pick its Dag; in a server process only from the background thread."""
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

    connection = BaseHook.get_connection(conn_id)
    if connection.conn_type != "agentic":
        raise SettingsError(f"it is of type {connection.conn_type!r}, not 'agentic'")
    return selected(read_selectors(connection.extra), dag_id=failure.dag_id, tags=failure.tags, owners=failure.owners)
