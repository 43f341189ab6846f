"""The triage Dag itself, and the one that the page's undo button starts: once per deployment, in a file of its own.

``queues={"investigate": "readers", "validate": "sandboxes", "deliver": "writers"}`` puts the task that reads
strangers' text and the one that writes on workers of their own, with different secrets.
"""

from datetime import timedelta

from airflow_agentic.operators.undo import undo_dag
from airflow_agentic.triage_dag import triage_dag

dag = triage_dag(
    "agentic_triage",
    agentic_conn_id="agentic_default",
    max_active_runs=4,
    review_timeout=timedelta(hours=24),
)
undo = undo_dag("agentic_undo", agentic_conn_id="agentic_default")
