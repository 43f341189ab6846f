"""A data set (or asset) and a partition key → its state: last writer, what ran, what is missing.

A partition key is known from Airflow's run facets only (LINEAGE_FACTS 1.8), so the runs of the jobs that write and read
the data set tell the state. An asset that no producer turned into a data set is found by its URI in the tasks' inlets
and outlets; asset events, where given, add what Airflow itself has noted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from airflow_agentic.lineage.graph import INPUT, OUTPUT
from airflow_agentic.ports import LineageReader
from airflow_agentic.records.lineage import AssetEvent, LineageDataset, LineageJob, LineageRun

HISTORY = 20


@dataclass(frozen=True, kw_only=True)
class Transformation:
    """One job that works for the data set, and its last run on the partition."""

    job: LineageJob
    role: str
    """``writes`` or ``reads``."""
    run: LineageRun | None
    """None: it has not run on this partition."""


@dataclass(frozen=True, kw_only=True)
class PartitionState:
    """What is known of one partition."""

    name: str
    partition_key: str
    state: str
    """``current``, ``stale`` (an input was written later), ``running``, ``failed``, ``missing`` or ``unknown``."""
    why: str
    last_writer: LineageRun | None
    transformations: tuple[Transformation, ...]
    events: tuple[AssetEvent, ...] = ()

    @property
    def ran(self) -> tuple[Transformation, ...]:
        """What has run on it with success."""
        return tuple(t for t in self.transformations if t.run is not None and t.run.state == "COMPLETE")

    @property
    def missing(self) -> tuple[Transformation, ...]:
        """What has not, or not with success."""
        return tuple(t for t in self.transformations if t.run is None or t.run.state != "COMPLETE")


def partition_state(
    reader: LineageReader,
    name: str,
    partition_key: str,
    *,
    datasets: Sequence[LineageDataset] = (),
    events_of: Callable[[str, str], Sequence[AssetEvent]] | None = None,
) -> PartitionState:
    """Return the state of one partition of a data set, or of an asset by its URI.

    :param datasets: what *name* stands for, where it is known already.
    :param events_of: asset's URI and partition key → Airflow's asset events, newest first.
    """
    found = tuple(datasets) or reader.find_datasets(name)
    writers, readers = _jobs(reader, name, partition_key, found)
    jobs = [*writers, *(r for r in readers if r.id not in {w.id for w in writers})]
    runs = reader.partition_runs(partition_key, [j.id for j in jobs]) if jobs else ()
    last: dict[object, LineageRun] = {}
    for run in sorted(runs, key=lambda r: r.last_event):
        last[run.job.id] = run
    events = tuple(events_of(name, partition_key)) if events_of else ()
    wrote = [last[w.id] for w in writers if w.id in last]
    newest = max(wrote, key=lambda r: (r.state == "COMPLETE", r.last_event), default=None)
    state, why = _state(reader, wrote, newest, partition_key, known=bool(jobs))
    if newest is None and events:
        state = "current"
        why = f"no lineage run wrote it; the asset event of {events[0].dag_id} run {events[0].run_id} did"
    transformations = [Transformation(job=j, role="writes", run=last.get(j.id)) for j in writers]
    transformations += [Transformation(job=j, role="reads", run=last.get(j.id)) for j in jobs[len(writers) :]]
    return PartitionState(
        name=found[0].name if found else name,
        partition_key=partition_key,
        state=state,
        why=why,
        last_writer=newest,
        transformations=tuple(transformations),
        events=events,
    )


def _jobs(
    reader: LineageReader, name: str, partition_key: str, datasets: Sequence[LineageDataset]
) -> tuple[list[LineageJob], list[LineageJob]]:
    """Return who writes and who reads it: by edges, else by Airflow's inlets and outlets of the partition's runs."""
    if datasets:
        ids = [d.id for d in datasets]
        return (
            list({e.job.id: e.job for e in reader.edges_of_datasets(ids, OUTPUT)}.values()),
            list({e.job.id: e.job for e in reader.edges_of_datasets(ids, INPUT)}.values()),
        )
    jobs = {run.job.id: run.job for run in reader.partition_runs(partition_key)}
    assets = reader.assets_of_jobs(list(jobs))
    return (
        [job for key, job in jobs.items() if name in assets.get(key, ((), ()))[1]],
        [job for key, job in jobs.items() if name in assets.get(key, ((), ()))[0]],
    )


def _state(
    reader: LineageReader, wrote: Sequence[LineageRun], newest: LineageRun | None, key: str, *, known: bool
) -> tuple[str, str]:
    if newest is None:
        return (
            ("missing", "none of its writers has a run for this partition")
            if known
            else ("unknown", "no lineage tells of it")
        )
    latest = max(wrote, key=lambda r: r.last_event)
    if newest.state != "COMPLETE":
        failed = newest.state in {"FAIL", "ABORT"}
        return ("failed" if failed else "running"), f"{newest.job.name} is in {newest.state} since {newest.last_event}"
    if latest.run_id != newest.run_id:
        return (
            "stale",
            f"written by {newest.job.name}, but {latest.job.name} is in {latest.state} since {latest.last_event}",
        )
    later = _later_input(reader, newest, key)
    return later or ("current", f"written by {newest.job.name} at {newest.ended_at or newest.last_event}")


def _later_input(reader: LineageReader, run: LineageRun, key: str) -> tuple[str, str] | None:
    """Say which input of the last writer was written after it began, for the same partition."""
    began = run.started_at or run.last_event
    inputs = reader.edges_of_jobs([run.job.id], INPUT)
    producers = reader.edges_of_datasets([e.dataset.id for e in inputs], OUTPUT)
    ids = list({e.job.id for e in producers} - {run.job.id})
    for other in reader.partition_runs(key, ids) if ids else ():
        if other.state == "COMPLETE" and (other.ended_at or other.last_event) > began:
            made = next(e.dataset.name for e in producers if e.job.id == other.job.id)
            return (
                "stale",
                f"its input {made} was written by {other.job.name} at {other.ended_at or other.last_event}, later",
            )
    return None


def partition_lines(found: PartitionState) -> tuple[str, ...]:
    """Return the state as lines for people."""
    lines = [f"{found.name} [{found.partition_key}] is {found.state}: {found.why}"]
    for transformation in found.transformations[:HISTORY]:
        run = transformation.run
        when = (
            f"{run.state} at {run.last_event} (run {run.airflow_run_id or run.run_id})" if run else "has not run on it"
        )
        lines.append(f"- {transformation.job.name}, which {transformation.role} it: {when}")
    for event in found.events[:5]:
        runs = ", ".join(f"{run.dag_id} {run.run_id} ({run.state})" for run in event.consumers)
        started = f"; it started {runs}" if runs else ""
        lines.append(f"- asset event at {event.at} by {event.dag_id}.{event.task_id} run {event.run_id}{started}")
    return tuple(lines)
