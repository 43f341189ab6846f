"""Failing tasks → their jobs and runs in the lineage, and what they read and write.

A run's own inputs and outputs are missing just when it failed, so each side comes from the nearest place that knows it:
this run, the job's last known run, the runs that it started, Airflow's inlets and outlets (LINEAGE_FACTS 1.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airflow_agentic.ports import LineageReader
from airflow_agentic.records import Target
from airflow_agentic.records.lineage import LineageDataset, LineageJob, LineageRun, NodeId, RunIo

MAX_TASKS, EARLIER, DEPTH = 50, 10, 3
INLETS = "the task's inlets"
NOT_KNOWN = "not known"
_BAD = ("FAIL", "ABORT")


@dataclass(frozen=True, kw_only=True)
class FailingTask:
    """One failing task as lineage knows it."""

    task_id: str
    job: LineageJob
    run: LineageRun | None
    """Its last failed try in the failing run; None: no event told of it."""
    children: tuple[LineageRun, ...]
    """Runs that it, or an earlier run of it, has started."""
    inputs: tuple[LineageDataset, ...]
    outputs: tuple[LineageDataset, ...]
    how: str
    """Which place told of inputs and outputs."""
    assets: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """URIs of its inlets and outlets."""

    @property
    def jobs(self) -> tuple[LineageJob, ...]:
        """The task's job and those of the runs that it starts."""
        return tuple({j.id: j for j in (self.job, *(c.job for c in self.children))}.values())


@dataclass(frozen=True, kw_only=True)
class Failing:
    """All failing tasks, and when they failed."""

    tasks: tuple[FailingTask, ...]
    earlier: tuple[LineageRun, ...]
    """Runs of their jobs that ended before the failing run, newest first."""
    io: tuple[RunIo, ...]
    """Of the failing runs, of the earlier ones and of the runs that they started."""
    until: str
    """What happened later does not count; empty: not known."""
    good: tuple[LineageRun, ...] = ()
    """Of the last run that worked, and the runs that it started."""
    notes: tuple[str, ...] = ()

    @property
    def jobs(self) -> tuple[LineageJob, ...]:
        """Every job of the failing tasks."""
        return tuple({j.id: j for task in self.tasks for j in task.jobs}.values())

    @property
    def inputs(self) -> tuple[LineageDataset, ...]:
        """What they read, each once."""
        return tuple({d.id: d for task in self.tasks for d in task.inputs}.values())

    @property
    def outputs(self) -> tuple[LineageDataset, ...]:
        """What they write, each once."""
        return tuple({d.id: d for task in self.tasks for d in task.outputs}.values())


def failing_tasks(reader: LineageReader, target: Target) -> Failing | None:
    """Return what the lineage knows of the failing tasks; None where it knows none of them."""
    jobs = _jobs(reader, target)
    if not jobs:
        return None
    notes: list[str] = []
    ids = [j.id for j in jobs.values()]
    runs = _last_tries(reader, ids, target, notes)
    until = max((r.last_event for r in runs.values()), default=target.run.ended_at or "")
    mine = {r.run_id for r in runs.values()} | {
        r.run_id for r in reader.runs_of_task_run(ids, next((r.airflow_run_id for r in runs.values()), ""))
    }
    earlier = [r for r in reader.last_runs(ids, limit=EARLIER, until=until) if r.run_id not in mine]
    children = _children(reader, [*runs.values(), *earlier])
    known = [*runs.values(), *earlier, *(c for below in children.values() for c in below)]
    io = reader.io_of_runs(list(dict.fromkeys(r.run_id for r in known)))
    assets = reader.assets_of_jobs(ids)
    tasks = [
        _task(task_id, job, runs.get(job.id), [r for r in earlier if r.job.id == job.id], children, io, assets)
        for task_id, job in jobs.items()
    ]
    good = _good(target, earlier)
    return Failing(
        tasks=tuple(tasks), earlier=tuple(earlier), io=tuple(io), until=until, notes=tuple(notes),
        good=(*good, *(c for r in good for c in children.get(r.run_id, ()))),
    )  # fmt: skip


def _jobs(reader: LineageReader, target: Target) -> dict[str, LineageJob]:
    """Return the job of each failing task, in the order of the tasks."""
    dag_id = target.dag.dag_id
    wanted = list(dict.fromkeys(t.key.task_id for t in target.failed))[:MAX_TASKS]
    found = {job.task_id: job for job in reader.jobs_of_tasks(dag_id, wanted)} if wanted else {}
    for task_id in [t for t in wanted if t not in found][:8]:
        named = reader.find_jobs(f"{dag_id}.{task_id}")
        if named:
            found[task_id] = named[0]
    return {task_id: found[task_id] for task_id in wanted if task_id in found}


def _last_tries(
    reader: LineageReader, ids: Sequence[NodeId], target: Target, notes: list[str]
) -> dict[NodeId, LineageRun]:
    """Return each job's last failed try in the failing run: by the run's id, its date, else the newest failure."""
    found = reader.runs_of_task_run(ids, target.run.run_id)
    if not found:
        recent = reader.last_runs(ids, limit=EARLIER)
        date = (target.run.logical_date or "")[:19]
        found = tuple(r for r in recent if date and date in r.airflow_run_id)
        # An older failure is another one: this run's own event may just not have arrived.
        since = (target.run.started_at or "")[:19]
        failed = [r for r in recent if r.state in _BAD and r.last_event[:19] >= since]
        if not found and failed:
            found = tuple(r for r in recent if r.airflow_run_id == failed[0].airflow_run_id)
        if found:
            notes.append("no event has this run's id: matched by its date, else the newest run that failed")
            found = reader.runs_by_id([r.run_id for r in found])
    last: dict[NodeId, LineageRun] = {}
    for run in sorted(found, key=lambda r: (r.state in _BAD, r.last_event, r.try_number or 0)):
        last[run.job.id] = run
    return last


def _children(reader: LineageReader, runs: Iterable[LineageRun]) -> dict[str, tuple[LineageRun, ...]]:
    """Return what each run has started, and what that has started: a task starts dbt, which starts its models."""
    top = {run.run_id: run.run_id for run in runs}
    found: dict[str, list[LineageRun]] = {}
    level = list(top)
    for _ in range(DEPTH):
        below = [c for c in reader.child_runs(level) if c.run_id not in top] if level else []
        for child in below:
            top[child.run_id] = top[child.parent_run_id]
            found.setdefault(top[child.run_id], []).append(child)
        level = [c.run_id for c in below]
    failed = [c.run_id for children in found.values() for c in children if c.state in _BAD]
    whole = {run.run_id: run for run in reader.runs_by_id(failed)} if failed else {}
    return {run_id: tuple(whole.get(c.run_id, c) for c in children) for run_id, children in found.items()}


def _task(
    task_id: str,
    job: LineageJob,
    run: LineageRun | None,
    earlier: Sequence[LineageRun],
    children: dict[str, tuple[LineageRun, ...]],
    io: Sequence[RunIo],
    assets: object,
) -> FailingTask:
    own = [run] if run else []
    known = assets.get(job.id, ((), ())) if isinstance(assets, dict) else ((), ())
    below = tuple(c for r in [*own, *earlier[:3]] for c in children.get(r.run_id, ()))
    sides, hows = [], []
    for side, uris in (("input", known[0]), ("output", known[1])):
        found, how = _first(side, own, earlier, below, io)
        sides.append(found)
        hows.append(how if found or not uris else INLETS if side == "input" else "the task's outlets")
    return FailingTask(
        task_id=task_id, job=job, run=run, children=below, inputs=sides[0], outputs=sides[1], assets=known,
        how=f"reads: {hows[0]}; writes: {hows[1]}",
    )  # fmt: skip


def _first(
    side: str,
    own: Sequence[LineageRun],
    earlier: Sequence[LineageRun],
    below: Sequence[LineageRun],
    io: Sequence[RunIo],
) -> tuple[tuple[LineageDataset, ...], str]:
    by_run: dict[str, dict[NodeId, LineageDataset]] = {}
    for one in io:
        if one.io == side:
            by_run.setdefault(one.run_id, {})[one.dataset.id] = one.dataset
    places: list[tuple[str, Sequence[LineageRun]]] = [("this run's events", own)]
    places += [("an earlier run of the job", [r]) for r in earlier]
    places.append(("the runs that it starts", below))
    for how, runs in places:
        found = {key: d for r in runs for key, d in by_run.get(r.run_id, {}).items()}
        if found:
            return tuple(found.values()), how
    return (), NOT_KNOWN


def _good(target: Target, earlier: Sequence[LineageRun]) -> tuple[LineageRun, ...]:
    """Return the tasks' runs in the last run that worked, else each job's last one that ended well."""
    if target.last_good:
        named = tuple(r for r in earlier if r.airflow_run_id == target.last_good.run_id and r.state == "COMPLETE")
        if named:
            return named
    last: dict[NodeId, LineageRun] = {}
    for run in earlier:
        if run.state == "COMPLETE":
            last.setdefault(run.job.id, run)
    return tuple(last.values())
