"""A task → how its earlier runs went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_agentic.errors import IncidentNotFound, SourceUnavailable, ToolRefused
from airflow_agentic.ports import Effect
from airflow_agentic.records import TaskRun
from airflow_agentic.tools.arguments import object_schema, text_argument

SHOWN = 20


class RunHistoryTool:
    """Read the history of any task of the failing Dag.

    :param history: task id → its runs, newest first.
    """

    name = "run_history"
    description = (
        "Read the last 20 runs of one task of the failing Dag, newest first: run, try, state, duration. "
        "Tells a fault that is always there from one that comes and goes."
    )
    effect = Effect.READ
    input_schema: Mapping[str, Any] = object_schema({"task_id": {"type": "string"}}, required=("task_id",))

    def __init__(self, history: Callable[[str], tuple[TaskRun, ...]]) -> None:
        self._history = history

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return one line a run. :raises ToolRefused: Airflow does not answer."""
        task_id = text_argument(arguments, "task_id", limit=300)
        try:
            runs = self._history(task_id)
        except (SourceUnavailable, IncidentNotFound) as error:
            raise ToolRefused(f"The history of {task_id!r} cannot be read: {error}") from error
        return "\n".join(_line(run) for run in runs[:SHOWN]) or f"Airflow knows no run of {task_id!r}."


def _line(run: TaskRun) -> str:
    took = f"{run.duration_s:.1f} s" if run.duration_s is not None else "no duration"
    mapped = f"[{run.key.map_index}]" if run.key.map_index >= 0 else ""
    when = run.logical_date or run.started_at or "no date"
    return f"{when} {run.key.run_id} {run.key.task_id}{mapped} try {run.key.try_number}: {run.state}, {took}"
