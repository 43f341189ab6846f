"""One Dag per way to fail. ``both`` has callbacks on task and Dag, beside the listener that watches them all."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta

from airflow.sdk import DAG, get_current_context, task

from airflow_agentic.notifications.triage import TriageNotifier

both = {
    "schedule": None,
    "on_failure_callback": TriageNotifier(),
    "default_args": {"on_failure_callback": TriageNotifier(), "on_retry_callback": TriageNotifier(), "owner": "ann"},
}

with DAG("m_exception", **both):

    @task
    def breaks() -> None:
        raise KeyError("customer_id")

    breaks()

with DAG("m_listener_only", schedule=None):

    @task
    def breaks_unwatched() -> None:
        raise ValueError("no callback here")

    breaks_unwatched()

with DAG("m_execution_timeout", **both):

    @task(execution_timeout=timedelta(seconds=1))
    def sleeps() -> None:
        time.sleep(60)

    sleeps()

with DAG("m_sigkill", **both):

    @task
    def is_killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    is_killed()

with DAG("m_dead_supervisor", **both):

    @task
    def loses_its_supervisor() -> None:
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    loses_its_supervisor()

with DAG("m_manual", **both):

    @task
    def is_marked_failed() -> None:
        time.sleep(300)

    is_marked_failed()

with DAG("m_run_timeout", dagrun_timeout=timedelta(seconds=12), **both):

    @task
    def outlives_its_run() -> None:
        time.sleep(40)

    outlives_its_run()

with DAG("m_retries_then_fails", **both):

    @task(retries=1, retry_delay=timedelta(seconds=1))
    def fails_twice() -> None:
        raise OSError("again")

    fails_twice()

with DAG("m_retries_then_succeeds", **both):

    @task(retries=1, retry_delay=timedelta(seconds=1))
    def fails_once() -> None:
        if get_current_context()["ti"].try_number == 1:
            raise OSError("once")

    fails_once()

with DAG("m_five_at_once", **both):

    @task
    def one_of_five(number: int) -> None:
        raise RuntimeError(f"number {number}")

    one_of_five.expand(number=[1, 2, 3, 4, 5])

with DAG("x_callback_only", schedule=None):

    @task(on_failure_callback=TriageNotifier())
    def reports() -> None:
        raise KeyError("told by the task's own process")

    reports()

with DAG("x_dag_callback_only", schedule=None, on_failure_callback=TriageNotifier()):

    @task
    def dies() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    dies()

with DAG("x_unselected", schedule=None):

    @task
    def nobody_asked() -> None:
        raise ValueError("excluded by the connection, and without a callback")

    nobody_asked()

with DAG("x_paused_triage", schedule=None):

    @task(on_failure_callback=TriageNotifier(triage_dag_id="paused_triage"))
    def reports_to_paused() -> None:
        raise ValueError("kept in the queue")

    reports_to_paused()

with DAG("x_missing_triage", schedule=None):

    @task(on_failure_callback=TriageNotifier(triage_dag_id="no_such_dag"))
    def reports_to_nobody() -> None:
        raise ValueError("kept on disk")

    reports_to_nobody()

with DAG("x_failing_triage", schedule=None):

    @task(on_failure_callback=TriageNotifier(triage_dag_id="failing_triage"))
    def reports_to_broken() -> None:
        raise ValueError("its triage fails too")

    reports_to_broken()
