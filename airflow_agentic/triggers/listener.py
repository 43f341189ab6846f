"""Airflow's listener hooks → `report`, imported only once something fails or a server starts.

There is no hook for success, so a task that succeeds pays nothing. A task's own process reports through its
supervisor. In the scheduler and the api-server a hook copies scalars, hands over to the background thread and
returns: the scheduling loop waits for it, with rows locked.
"""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)

_REPORT = "airflow_agentic.triggers.report"


class AgenticListener:
    """What the plugin registers when ``[agentic] listener`` is on."""

    @hookimpl
    def on_starting(self, component: Any) -> None:
        """Import what a failure needs where tasks are forked from, so that they need not; a task's process does not."""
        if type(component).__name__ != "TaskRunnerMarker":
            importlib.import_module(_REPORT)

    @hookimpl
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None:
        """Report a task instance that has failed for good; one that will be tried again wakes nobody."""
        try:
            if _is_final(task_instance, previous_state):
                in_worker = _is_of_worker(task_instance)
                importlib.import_module(_REPORT).report_task(task_instance, error, in_worker=in_worker)
        except Exception:
            # A border: the task's end, or the scheduler's loop, must not suffer from us.
            log.exception("Reporting a failed task instance failed")

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """Report a failed run: the only signal of a killed process, a missing Dag file and a run's time-out."""
        try:
            importlib.import_module(_REPORT).report_run(dag_run, msg)
        except Exception:
            # A border, as above.
            log.exception("Reporting a failed Dag run failed")


def _is_final(task_instance: Any, previous_state: Any) -> bool:
    # By hand (api-server): the previous state is None, and the object may still carry the old state.
    state = getattr(task_instance, "state", None)
    return previous_state is None or str(getattr(state, "value", state)) == "failed"


def _is_of_worker(task_instance: Any) -> bool:
    # Not by environment: under the LocalExecutor a task process inherits the scheduler's.
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    return runner is not None and isinstance(task_instance, runner.RuntimeTaskInstance)
