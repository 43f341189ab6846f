"""``on_failure_callback=TriageNotifier()``, on a task or a Dag → dispatch.

A task that fails calls it in its own process. Everything else (a killed worker, a lost heartbeat, a Dag-level
callback) calls it in the Dag processor, which can only use the REST API: see `triggers.dispatch`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any

from airflow.sdk.bases.notifier import BaseNotifier

from airflow_agentic.errors import AgenticError
from airflow_agentic.records import Signal
from airflow_agentic.settings import read_settings
from airflow_agentic.triggers.capture import capture
from airflow_agentic.triggers.dispatch import Where, dispatch, keep_failure
from airflow_agentic.triggers.incidents import already_reported, incident_id
from airflow_agentic.triggers.rest import RestAccount, account_of

log = logging.getLogger(__name__)


class TriageNotifier(BaseNotifier):
    """Wake the agent when a task or a Dag has failed.

    As ``on_retry_callback`` it does nothing: a task that will be tried again is not a failure yet.

    :param agentic_conn_id: the ``agentic`` connection; in the Dag processor its ``airflow_conn_id`` is used.
    :param triage_dag_id: the Dag that works on it; ``[agentic] triage_dag_id`` if not given.
    """

    template_fields: Sequence[str] = ()

    def __init__(
        self, *, agentic_conn_id: str = "agentic_default", triage_dag_id: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.agentic_conn_id = agentic_conn_id
        self.triage_dag_id = triage_dag_id

    def notify(self, context: Any) -> None:
        """Report the failure that *context* tells of; never raises, and never for more than a few seconds."""
        try:
            self._report(context)
        except Exception:
            # A border: the next callback and Airflow's own work come after us.
            log.exception("Reporting a failure failed")

    def _report(self, context: Any) -> None:
        if _will_be_retried(self, context):
            log.debug("Not reporting a try that will be repeated")
            return
        signal = Signal.DAG_CALLBACK if "reason" in context or _task_instance(context) is None else Signal.TASK_CALLBACK
        failure = capture(context, signal=signal)
        if failure is None:
            return
        settings = read_settings()
        if already_reported(settings.spool_dir, incident_id(failure.dag_id, failure.run_id, failure.clear_number)):
            return
        where = _where(context)
        try:
            rest = self._rest_account() if where is Where.DAG_PROCESSOR else None
        except Exception as error:  # noqa: BLE001
            # A border: an unknown connection, an unreadable one, a secrets backend that is down.
            keep_failure(failure, spool_dir=settings.spool_dir, why=str(error).rstrip("."))
            return
        dispatch(
            failure,
            triage_dag_id=self.triage_dag_id or settings.triage_dag_id,
            debounce_s=settings.debounce_s,
            spool_dir=settings.spool_dir,
            where=where,
            rest=rest,
        )

    def _rest_account(self) -> RestAccount:
        from airflow.sdk import BaseHook

        from airflow_agentic.scope import read_scope

        conn_id = self.agentic_conn_id
        airflow_conn_id = read_scope(BaseHook.get_connection(conn_id).extra, conn_id=conn_id).airflow_conn_id
        if not airflow_conn_id:
            raise AgenticError(
                f"connection {conn_id!r} names no Airflow API connection, and the Dag processor has no other way. "
                "Set its airflow_conn_id to an 'http' connection that may trigger Dags"
            )
        return account_of(BaseHook.get_connection(airflow_conn_id), conn_id=airflow_conn_id)


def _where(context: Any) -> Where:
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    in_task = context.get("exception") is not None and "reason" not in context
    return Where.WORKER if in_task and hasattr(runner, "SUPERVISOR_COMMS") else Where.DAG_PROCESSOR


def _will_be_retried(notifier: TriageNotifier, context: Any) -> bool:
    """Say whether this is a retry callback; Airflow does not tell a callback which of the two it is."""
    ti = _task_instance(context)
    if "reason" in context or ti is None:
        return False
    task = getattr(ti, "task", None)
    for_retry = _holds(getattr(task, "on_retry_callback", None), notifier)
    if for_retry != _holds(getattr(task, "on_failure_callback", None), notifier):
        return for_retry
    state = getattr(ti, "state", None)
    if state is not None:
        return str(getattr(state, "value", state)) == "up_for_retry"
    # In the Dag processor the state is not known; Airflow tries again while tries are left.
    return (getattr(ti, "try_number", None) or 1) <= (getattr(ti, "max_tries", None) or 0)


def _task_instance(context: Any) -> Any:
    return context.get("ti") or context.get("task_instance")


def _holds(callbacks: Any, notifier: TriageNotifier) -> bool:
    given = callbacks if isinstance(callbacks, Sequence) else [callbacks]
    return any(one is notifier for one in given)
