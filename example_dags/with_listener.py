"""A Dag that says nothing about triage: with ``[agentic] listener = True`` the selectors of the connection pick it."""

import pendulum
from airflow.sdk import dag, task


@dag(schedule="@daily", start_date=pendulum.datetime(2026, 11, 1, tz="UTC"), catchup=False, tags=["triaged"])
def with_listener():
    @task
    def fail():
        raise KeyError("customer_id")

    fail()


with_listener()
