"""Airflow's own history → whether earlier failed tries of a task ended with this error, and what ended that.

Our store remembers only incidents that woke us (`past_incidents`); a log tells of those before, and of tries that
another try cured without anybody being asked. The last few failed tries' logs are read, no more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from airflow_agentic.context.logs.distil import distil
from airflow_agentic.context.task_log import error_of
from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.ports import AirflowReader
from airflow_agentic.records import Evidence, SourceReport, Target, TaskError, TaskKey, TaskRun, Trust

log = logging.getLogger(__name__)

TASKS_LIMIT = 3
LOGS_LIMIT = 4
"""Failed tries of each task whose logs are read, newest first."""
LOG_CHARS = 1_000
"""Only the error is wanted of them."""


class PastFailuresSource:
    """Reads logs of earlier failed tries."""

    name = "past_failures"

    def __init__(self, reader: AirflowReader) -> None:
        self._reader = reader

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return one piece of evidence for each failed task that had failed tries before; asked after the logs."""
        found: list[Evidence] = []
        errors = {error.task.task_id: error for error in reversed(so_far.errors)}
        for task_id in list(errors)[:TASKS_LIMIT]:
            told = self._told(target, errors[task_id], [t for t in so_far.history if t.key.task_id == task_id])
            found += [told] if told else []
        return SourceReport(evidence=tuple(found))

    def _told(self, target: Target, error: TaskError, history: Sequence[TaskRun]) -> Evidence | None:
        lines: list[str] = []
        same = read = 0
        for place, key in list(_failed_tries(history))[:LOGS_LIMIT]:
            earlier = self._error(key)
            if earlier is None:
                continue
            read += 1
            alike = earlier.fingerprint == error.fingerprint
            same += alike
            said = "the same error" if alike else f"another error, {earlier.error_class}"
            lines.append(f"{_when(history[place])} try {key.try_number}: {said}; {_ended(history, place, key)}")
        if not read:
            return None
        title = f"{error.task.task_id}'s last {read} failed tries before: {same} with the same error"
        return Evidence(
            id="", source=self.name, title=title, body="\n".join(lines), trust=Trust.PLATFORM,
            observed_at=target.incident.last_seen,
        )  # fmt: skip

    def _error(self, key: TaskKey) -> TaskError | None:
        try:
            return error_of(key, distil(self._reader.log(key), budget_chars=LOG_CHARS))
        except (SourceUnavailable, IncidentNotFound) as error:
            log.debug("No log of %s to compare with: %s", key, error)
            return None


def _failed_tries(history: Sequence[TaskRun]) -> Iterator[tuple[int, TaskKey]]:
    """Yield each failed try with its place in the history, newest first; a run that worked failed in all but one."""
    for place, run in enumerate(history):
        last = run.key.try_number - (run.state != "failed")
        for number in range(last, 0, -1):
            yield place, replace(run.key, try_number=number)


def _ended(history: Sequence[TaskRun], place: int, key: TaskKey) -> str:
    """Say what ended it; *history* is newest first."""
    run = history[place]
    if run.state == "success":
        return f"try {run.key.try_number} of the same run worked"
    if key.try_number < run.key.try_number:
        return f"try {key.try_number + 1} failed, too"
    worked = next((n for n in range(place - 1, -1, -1) if history[n].state == "success"), None)
    if worked is None:
        return "it has not worked since"
    between = place - worked - 1
    return f"it worked again {_when(history[worked])}" + (f" after {between} more failed runs" if between else "")


def _when(run: TaskRun) -> str:
    return (run.logical_date or run.started_at or run.key.run_id)[:16]
