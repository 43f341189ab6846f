"""A Dag that wakes the agent by a callback: one line."""

import pendulum
from airflow.sdk import dag, task

from airflow_agentic.notifications.triage import TriageNotifier


@dag(
    schedule="@daily",
    start_date=pendulum.datetime(2026, 11, 1, tz="UTC"),
    catchup=False,
    on_failure_callback=TriageNotifier(agentic_conn_id="agentic_default"),
)
def with_callback():
    @task
    def fail():
        raise KeyError("customer_id")

    fail()


with_callback()
