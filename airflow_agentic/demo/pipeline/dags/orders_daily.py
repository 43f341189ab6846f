"""Orders of the coffee shops, one run a day; the shops' own system starts it when the file has landed."""

import os
import sys

import pendulum
from airflow.sdk import dag, task

from airflow_agentic.notifications.triage import TriageNotifier

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dag(
    schedule=None,
    start_date=pendulum.datetime(2026, 11, 1, tz="UTC"),
    catchup=False,
    on_failure_callback=TriageNotifier(agentic_conn_id="agentic_default"),
    default_args={"owner": "coffee-data", "retries": 0, "on_failure_callback": TriageNotifier()},
    tags=["coffee"],
)
def orders_daily():
    @task
    def load_orders(ds=None):
        from coffee import orders

        return orders.load(ds)

    @task
    def add_up_revenue(ds=None):
        from coffee import orders

        return orders.add_up(ds)

    load_orders() >> add_up_revenue()


orders_daily()
