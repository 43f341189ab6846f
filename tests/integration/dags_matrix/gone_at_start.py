"""A Dag that the Dag processor knows and a worker does not find: the LocalExecutor's workers are the scheduler's."""

from __future__ import annotations

import sys

from airflow.sdk import DAG, task

from airflow_agentic.notifications.triage import TriageNotifier

if "scheduler" not in sys.argv:
    with DAG("m_gone_at_start", schedule=None, on_failure_callback=TriageNotifier()):

        @task
        def never_starts() -> None:
            """Nothing: the worker cannot even find it."""

        never_starts()
