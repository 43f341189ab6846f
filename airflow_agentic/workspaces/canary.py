"""A Dag of ours that does one thing right and one thing wrong: a harness that tells it otherwise is broken."""

from __future__ import annotations

import os
from typing import Any

from airflow_agentic.records import StagedRun

DAG_ID = "agentic_canary"
_DAG = """
from airflow.sdk import DAG, task

with DAG("agentic_canary", schedule=None):
    @task
    def good():
        return 1

    @task
    def bad():
        raise RuntimeError("canary")

    good()
    bad()
"""


def lay_out(repository: str) -> dict[str, Any]:
    """Write the Dag into a run's copy of the code and return what the request says about it."""
    path = os.path.join(repository, "agentic_canary.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(_DAG)
    os.chmod(path, 0o644)
    return {
        "dag_file": "agentic_canary.py",
        "dag_id": DAG_ID,
        "task_ids": [],
        "conf": "{}",
        "dags_folder": repository,
        "logical_date": "2026-01-01T00:00:00+00:00",
    }


def fault(run: StagedRun) -> str:
    """Return what was not as it must be; empty when all was."""
    states = {task.task_id: task.state for task in run.tasks}
    said = [task.error.message for task in run.tasks if task.error]
    if run.runs_in_database == 1 and states == {"good": "success", "bad": "failed"} and said == ["canary"]:
        return ""
    return f"its own test Dag ended as {run.state} with {states}; {run.broken_because or run.log_tail[-500:]}"
