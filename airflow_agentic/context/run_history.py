"""Airflow's own record → how the run stands, how these tasks went before, and what was different when it worked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.ports import AirflowReader
from airflow_agentic.records import DagRunRecord, Evidence, Gap, SourceReport, Target, TaskRun, Trust

TASKS_LIMIT = 5
"""Failed tasks whose history is read; siblings tell the same."""
RUNS_LIMIT = 10
_TERMINAL = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})


class RunHistorySource:
    """Reads runs, tries, durations, the graph and rendered fields."""

    name = "run_history"

    def __init__(self, reader: AirflowReader) -> None:
        self.reader = reader

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return the history of the failed tasks and of the Dag."""
        gaps: list[Gap] = []
        tasks = self.reader.task_instances(target.run.dag_id, target.run.run_id)
        runs = self.reader.recent_runs(target.dag.dag_id, limit=RUNS_LIMIT)
        histories: dict[str, tuple[TaskRun, ...]] = {}
        for task_id in list(dict.fromkeys(t.key.task_id for t in target.failed))[:TASKS_LIMIT]:
            try:
                histories[task_id] = self.reader.task_history(target.dag.dag_id, task_id, limit=RUNS_LIMIT)
            except (SourceUnavailable, IncidentNotFound) as error:
                gaps.append(Gap(source=self.name, reason=f"history of {task_id}: {error}"))
        try:
            graph = self.reader.graph(target.dag.dag_id)
        except (SourceUnavailable, IncidentNotFound) as error:
            graph = ()
            gaps.append(Gap(source=self.name, reason=f"the Dag's tasks and edges: {error}"))
        if target.last_good is None:
            gaps.append(Gap(source=self.name, reason="no earlier run that worked is known to compare with."))
        rendered = self._rendered(target, histories)
        return SourceReport(
            evidence=(self._standing(target, tasks), *self._before(target, runs, histories), *rendered),
            history=tuple(t for h in histories.values() for t in h if t.key.run_id != target.run.run_id),
            graph=graph,
            gaps=tuple(gaps),
        )

    def _standing(self, target: Target, tasks: Sequence[TaskRun]) -> Evidence:
        run, states = target.run, _counts(t.state for t in tasks)
        lines = [
            f"Dag {run.dag_id}, run {run.run_id}, state {run.state}, cleared {run.clear_number or 0} times.",
            f"Logical date {run.logical_date}, partition {run.partition_key or 'none'}, "
            f"ran {run.started_at or run.run_after or '?'} to {run.ended_at or '?'}, "
            f"code {run.bundle_version or 'not pinned'}.",
            f"Tasks: {', '.join(f'{n} {state}' for state, n in states.items())}.",
        ]
        lines += [_task_line(t) for t in sorted(tasks, key=lambda t: (t.state == "success", t.started_at or "9"))[:40]]
        return self._evidence(target, f"The run's {len(tasks)} tasks: {_said(states)}", lines)

    def _before(
        self, target: Target, runs: Sequence[DagRunRecord], histories: dict[str, tuple[TaskRun, ...]]
    ) -> Iterable[Evidence]:
        good = target.last_good
        when = f"last worked for {good.logical_date or good.run_after}" if good else "none that worked is known"
        lines = [f"{r.logical_date or r.run_after or '?'}  {r.state:<8} {r.run_id}" for r in runs]
        yield self._evidence(target, f"{target.dag.dag_id}'s last {len(runs)} runs: {when}", lines)
        for task_id, history in histories.items():
            earlier = [t for t in history if t.key.run_id != target.run.run_id and t.state in _TERMINAL]
            if earlier:
                states = _counts(t.state for t in earlier)
                title = f"{task_id} in its {len(earlier)} earlier runs: {_said(states)}; {_ended(earlier)}"
                lines = [*_flakiness(earlier), *(_task_line(t, dated=True) for t in earlier)]
                yield self._evidence(target, title, lines)

    def _rendered(self, target: Target, histories: dict[str, tuple[TaskRun, ...]]) -> tuple[Evidence, ...]:
        """What Airflow handed the failed task, beside what it handed it when it last worked."""
        lines: list[str] = []
        for task in target.failed[:TASKS_LIMIT]:
            good = next((t for t in histories.get(task.key.task_id, ()) if t.state == "success"), None)
            old = dict(good.rendered) if good else {}
            for name, value in task.rendered:
                lines.append(f"{task.key.task_id}.{name} = {value[:600]}")
                if old.get(name) not in (None, value):
                    lines.append(f"    when it last worked: {old[name][:600]}")
        if not lines:
            return ()
        return (self._evidence(target, "What the failed tasks were given (rendered fields)", lines, Trust.UNTRUSTED),)

    def _evidence(self, target: Target, title: str, lines: Iterable[str], trust: Trust = Trust.PLATFORM) -> Evidence:
        return Evidence(
            id="",
            source=self.name,
            title=title,
            body="\n".join(lines),
            trust=trust,
            observed_at=target.run.ended_at or target.incident.last_seen,
        )


def _task_line(task: TaskRun, *, dated: bool = False) -> str:
    took = f"{task.duration_s:.1f} s" if task.duration_s is not None else "-"
    index = f"[{task.key.map_index}]" if task.key.map_index >= 0 else ""
    date = f"{task.logical_date or task.started_at or '?'}  " if dated else ""
    return f"{date}{task.key.task_id}{index}  {task.state}  try {task.key.try_number}  {took}"


def _flakiness(earlier: Sequence[TaskRun]) -> Iterable[str]:
    """Say how many failed tries of earlier runs another try of the same run has cured."""
    cured = sum(max(0, t.key.try_number - 1) for t in earlier if t.state == "success")
    lasting = sum(max(1, t.key.try_number) for t in earlier if t.state == "failed")
    if cured + lasting:
        failed = sum(t.state == "failed" for t in earlier)
        retried = sum(t.state == "success" and t.key.try_number > 1 for t in earlier)
        yield (
            f"Flakiness: of {len(earlier)} earlier runs {failed} failed ({failed / len(earlier):.0%}) and {retried} "
            f"passed only on a later try; {cured} of {cured + lasting} failed tries were cured by another try of the "
            "same run."
        )


def _counts(states: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in states:
        found[state] = found.get(state, 0) + 1
    return dict(sorted(found.items()))


def _said(states: dict[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in states.items()) or "none"


def _ended(earlier: Sequence[TaskRun]) -> str:
    """Say how its last failure before this one ended; *earlier* is newest first."""
    at = next((i for i, t in enumerate(earlier) if t.state == "failed"), None)
    if at is None:
        return "it has not failed before in these"
    since = earlier[:at]
    if not since:
        return "it failed in the run before, too"
    return f"it failed for {earlier[at].logical_date or '?'} and worked again in the {len(since)} runs since"
