"""The failed tasks' logs → their errors, and one piece of evidence for each distinct error.

Each log is streamed once. Twenty tasks with one cause are one piece of evidence with twenty names. What tasks that
came just before have warned of is read too: the cause is often a successful task's warning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from airflow_agentic.context.logs.distil import DistilledLog, distil, templates_of
from airflow_agentic.context.logs.last_words import better_told, outlived, printed_error
from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.ports import AirflowReader
from airflow_agentic.records import (
    DagRunRecord,
    Evidence,
    Gap,
    SourceReport,
    Target,
    TaskError,
    TaskKey,
    TaskNode,
    TaskRun,
    Trust,
)
from airflow_agentic.tracebacks import is_wrapper, root_error

log = logging.getLogger(__name__)

LOGS_LIMIT = 200
"""Failed tasks whose logs are read; more than that in one run are counted, not read."""
GOOD_LOGS_LIMIT = 5
"""Tasks whose last good log is read as well, to tell what is new."""
HISTORY_LIMIT = 20
WARNING_LOGS_LIMIT = 30
WARNING_CHARS = 1_500


@runtime_checkable
class SeesOtherDags(Protocol):
    """A reader that can cheaply tell which runs of other Dags fed a run."""

    def runs_beside(self, run: DagRunRecord) -> tuple[DagRunRecord, ...]:
        """Return them; none when there are none."""


@dataclass(frozen=True, kw_only=True)
class _Read:
    task: TaskRun
    error: TaskError
    distilled: DistilledLog


class TaskLogSource:
    """Reads logs.

    :param others: who tells of other Dags' runs; the reader itself, if it can.
    """

    name = "task_log"

    def __init__(
        self, reader: AirflowReader, *, others: SeesOtherDags | None = None, budget_chars: int = 16_000
    ) -> None:
        self.reader = reader
        self.others = others or (reader if isinstance(reader, SeesOtherDags) else None)
        self.budget_chars = budget_chars

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return errors and what the logs say.

        :raises SourceUnavailable: not one log of the failed tasks could be read.
        """
        gaps: list[Gap] = []
        read: list[_Read] = []
        good: dict[str, frozenset[int]] = {}
        for task in target.failed[:LOGS_LIMIT]:
            try:
                known = self._known(target, task, good) if len(good) < GOOD_LOGS_LIMIT else good.get(task.key.task_id)
                read.append(self._one(task, known or frozenset()))
                if read[-1].distilled.broken_off:
                    said = f"the log of {task.key.task_id} broke off {read[-1].distilled.broken_off}"
                    gaps.append(Gap(source=self.name, reason=said))
            except (SourceUnavailable, IncidentNotFound) as error:
                gaps.append(Gap(source=self.name, reason=str(error)))
        if target.failed and not read:
            raise SourceUnavailable(gaps[0].reason)
        if len(target.failed) > LOGS_LIMIT:
            gaps.append(Gap(source=self.name, reason=f"{len(target.failed) - LOGS_LIMIT} more failed tasks: not read."))
        evidence = [*self._failures(target, read), *self._warnings(target, so_far, gaps)]
        return SourceReport(evidence=tuple(evidence), errors=tuple(r.error for r in read), gaps=tuple(gaps))

    def _known(self, target: Target, task: TaskRun, good: dict[str, frozenset[int]]) -> frozenset[int]:
        """Return the kinds of line of the log of the task when it last worked; read once for each task."""
        task_id, index = task.key.task_id, task.key.map_index
        if task_id in good:
            return good[task_id]
        good[task_id] = frozenset()
        try:
            history = self.reader.task_history(target.dag.dag_id, task_id, limit=HISTORY_LIMIT)
            worked = [t.key for t in history if t.state == "success" and t.key.run_id != target.run.run_id]
            if worked:
                key = next((k for k in worked if k.map_index == index), worked[0])
                good[task_id] = templates_of(self.reader.log(key))
        except (SourceUnavailable, IncidentNotFound) as error:
            log.debug("No log of a good try of %s to compare with: %s", task_id, error)
        return good[task_id]

    def _one(self, task: TaskRun, known: frozenset[int]) -> _Read:
        distilled = distil(self.reader.log(task.key), budget_chars=self.budget_chars, known=known)
        log.debug("Distilled %d lines of %s to %d characters", distilled.lines, task.key, len(distilled.text))
        return _Read(task=task, error=error_of(task.key, distilled), distilled=distilled)

    def _failures(self, target: Target, read: list[_Read]) -> Iterator[Evidence]:
        """One piece for each distinct error; the tasks that share it are named, and read no second time by anybody."""
        groups: dict[str, list[_Read]] = {}
        for item in read:
            groups.setdefault(item.error.fingerprint, []).append(item)
        for same in groups.values():
            first = same[0]
            more = f" and {len(same) - 1} more tasks" if len(same) > 1 else ""
            shared = f"The same error ended {len(same)} tasks: {_names(r.task.key for r in same)}\n" if more else ""
            tries, said = first.task.key.try_number, f"{first.error.error_class}: {first.error.message}"
            yield Evidence(
                id="",
                source=self.name,
                trust=Trust.UNTRUSTED,
                title=f"{first.task.key.task_id}{more} failed: {_quoted(said)}",
                body=f"{shared}Log of {_names([first.task.key])}, try {tries}:\n{first.distilled.text}",
                observed_at=first.distilled.ended_at or target.run.ended_at or target.incident.last_seen,
                path=None,
            )

    def _warnings(self, target: Target, so_far: SourceReport, gaps: list[Gap]) -> Iterator[Evidence]:
        """What successful tasks before the failed ones have warned of: in this run, then in runs of other Dags."""
        for task in self._before(target, so_far, gaps):
            try:
                distilled = distil(self.reader.log(task.key), budget_chars=WARNING_CHARS)
            except (SourceUnavailable, IncidentNotFound) as error:
                log.debug("No warnings of %s: %s", task.key, error)
                continue
            said = [
                f"{r.timestamp[11:19]} {r.event.strip()[:300]}{f'  (×{n})' if n > 1 else ''}".lstrip()
                for r, n in distilled.warnings
            ]
            if said:
                key = task.key
                yield Evidence(
                    id="",
                    source=self.name,
                    trust=Trust.UNTRUSTED,
                    title=f"{key.dag_id}.{key.task_id} succeeded before it, with a warning: {_quoted(said[0])}",
                    body=_fitting(said, WARNING_CHARS),
                    observed_at=distilled.ended_at or target.incident.last_seen,
                )

    def _before(self, target: Target, so_far: SourceReport, gaps: list[Gap]) -> list[TaskRun]:
        try:
            nodes = {n.task_id: n for n in (so_far.graph or self.reader.graph(target.dag.dag_id))}
            wanted = _nearest(nodes, {t.key.task_id for t in target.failed})
            own = self.reader.task_instances(target.run.dag_id, target.run.run_id)
            found = [t for t in own if t.state == "success" and t.key.task_id in wanted]
            for run in self.others.runs_beside(target.run) if self.others else ():
                found += [t for t in self.reader.task_instances(run.dag_id, run.run_id) if t.state == "success"]
        except (SourceUnavailable, IncidentNotFound) as error:
            gaps.append(Gap(source=self.name, reason=f"warnings of earlier tasks are unknown: {error}"))
            return []
        return found[:WARNING_LOGS_LIMIT]


def error_of(task: TaskKey, distilled: DistilledLog) -> TaskError:
    """Return what ended the task: its exception, else the error that its program printed, else its last words."""
    ended = outlived(task, distilled.exceptions, distilled.since)
    if ended is not None:
        return ended
    error = root_error(task, distilled.exceptions)
    only_wrapped = all(is_wrapper(item) for item in distilled.exceptions)
    if error is not None and not only_wrapped:
        return better_told(error, distilled.records)
    return printed_error(task, distilled.records, wrapper=error)


def _nearest(nodes: dict[str, TaskNode], failed: set[str]) -> set[str]:
    """Return the direct upstream tasks, and theirs: a check between a load and a failure often warns of nothing."""
    first = {up for task_id in failed if task_id in nodes for up in nodes[task_id].upstream}
    return first | {up for task_id in first if task_id in nodes for up in nodes[task_id].upstream}


def _names(keys: Iterable[TaskKey]) -> str:
    return ", ".join(f"{k.task_id}[{k.map_index}]" if k.map_index >= 0 else k.task_id for k in keys)


def _line(text: str) -> str:
    first = text.strip().splitlines()[0] if text.strip() else ""
    return first if len(first) <= 200 else f"{first[:199]}…"


def _quoted(text: str) -> str:
    """Return the first line in backticks, so that whoever publishes it shows it in one piece."""
    return f"`{_line(text).replace('`', chr(39))}`"


def _fitting(lines: list[str], limit: int) -> str:
    kept: list[str] = []
    for line in lines:
        if sum(len(k) + 1 for k in kept) + len(line) > limit:
            return "\n".join([*kept, f"[{len(lines) - len(kept)} more left out]"])
        kept.append(line)
    return "\n".join(kept)
