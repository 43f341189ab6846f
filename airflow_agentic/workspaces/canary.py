"""A Dag of ours that does one thing right and one thing wrong: a harness that tells it otherwise is broken."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
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


def believed(run: StagedRun, folder: str, sing: Callable[[], str]) -> StagedRun:
    """Return the run, or a broken one if it failed in a way that a broken harness would also give.

    PERFORMANCE_FACTS 3: such a harness reports ``DagRun failed`` like any defect. An error from a line of the
    repository needs no further proof; any other is believed only if a Dag of ours still runs here.

    :param sing: runs that Dag and returns its `fault`.
    """
    errors = [run.import_error, *(task.error for task in run.tasks)]
    if run.state != "failed" or any(error and any(folder in f.path for f in error.frames) for error in errors):
        return run
    wrong = sing()
    if not wrong:
        return run
    return replace(run, state="broken", import_error=None, broken_because=f"the harness is broken: {wrong}")
