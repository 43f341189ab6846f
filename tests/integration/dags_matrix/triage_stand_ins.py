"""Stand-ins for the triage Dag: what matters here is which runs exist, and their conf."""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

from airflow_agentic.notifications.triage import TriageNotifier

with DAG("agentic_triage", schedule=None, tags=["agentic"]):
    EmptyOperator(task_id="take")

with DAG("paused_triage", schedule=None, tags=["agentic"], is_paused_upon_creation=True):
    EmptyOperator(task_id="take")

with DAG("failing_triage", schedule=None, tags=["agentic"], on_failure_callback=TriageNotifier()):

    @task(on_failure_callback=TriageNotifier())
    def take() -> None:
        raise RuntimeError("the triage itself is broken")

    take()
