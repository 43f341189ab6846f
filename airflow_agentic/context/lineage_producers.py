"""Who makes what the failing tasks read → which of them failed, is late, or wrote much more or less than usual.

Late is a producer that had finished before each of the task's earlier runs and has not before this one, or that wrote
every earlier partition and not this one: its own habit is the schedule, whatever its timetable is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from airflow_agentic.context.lineage_failing import Failing
from airflow_agentic.context.lineage_words import (
    UPSTREAM_FAILED,
    UPSTREAM_LATE,
    VOLUME_CHANGED,
    named,
    run_of,
    told,
)
from airflow_agentic.lineage.pack import ContextPack
from airflow_agentic.ports import LineageReader
from airflow_agentic.records import Evidence
from airflow_agentic.records.lineage import LineageDataset, LineageJob, LineageRun, NodeId

MAX_TOLD, MAX_LINES, HABIT = 8, 40, 3
LESS, MORE = 0.7, 1.5


@dataclass(frozen=True, kw_only=True)
class Producer:
    """A job that writes what the failing tasks read, directly (hop 1) or through others."""

    job: LineageJob
    hop: int
    makes: tuple[LineageDataset, ...]
    runs: Sequence[LineageRun]
    """Newest first, none after the failure."""


def producers(failing: Failing, pack: ContextPack) -> tuple[Producer, ...]:
    """Return the jobs upstream, the nearest first; the failing tasks' own are not among them."""
    own = {j.id for j in failing.jobs}
    makes: dict[NodeId, dict[NodeId, LineageDataset]] = {}
    hops: dict[NodeId, tuple[int, LineageJob]] = {}
    for level in pack.upstream.levels:
        for edge in level.edges:
            if edge.io == "output" and edge.job.id not in own:
                makes.setdefault(edge.job.id, {})[edge.dataset.id] = edge.dataset
                hops.setdefault(edge.job.id, (level.hop, edge.job))
    return tuple(
        Producer(job=job, hop=hop, makes=tuple(makes[key].values()), runs=pack.runs.get(key, ()))
        for key, (hop, job) in hops.items()
    )


def producer_evidence(
    reader: LineageReader, failing: Failing, makers: Sequence[Producer], *, partition_key: str
) -> tuple[Evidence, ...]:
    """Return failed and late producers, changes of volume, then one list of all that write the inputs."""
    at = failing.until
    failed = [_failed(reader, p, at) for p in makers if p.runs and p.runs[0].state in {"FAIL", "ABORT"}]
    late = [
        told(f"{UPSTREAM_LATE}: {p.job.name}, which writes {named(d.name for d in p.makes)}", why, at)
        for p in makers
        if p.hop == 1 and (why := _late(p, failing, partition_key))
    ]
    lines = [
        f"{named(d.name for d in p.makes)} was written by {p.job.name}: {run_of(p.runs[0])}"
        for p in makers
        if p.hop == 1 and p.runs
    ]
    listed = [told("Producers of the inputs and their last state", lines[:MAX_LINES], at)] if lines else []
    return (*failed[:MAX_TOLD], *late[:MAX_TOLD], *_volumes(reader, failing, makers), *listed)


def _failed(reader: LineageReader, producer: Producer, at: str) -> Evidence:
    run = next(iter(reader.runs_by_id([producer.runs[0].run_id])), producer.runs[0])
    far = f" ({producer.hop} hops up)" if producer.hop > 1 else ""
    title = f"{UPSTREAM_FAILED}: {producer.job.name}, which writes {named(d.name for d in producer.makes)}{far}"
    worked = next((r for r in producer.runs if r.state == "COMPLETE"), None)
    last = f"its last run that worked: {run_of(worked)}" if worked else "no earlier run that worked is known"
    return told(title, [f"{run_of(run)}: {run.error[:500]}".rstrip(": "), last], at)


def _late(producer: Producer, failing: Failing, partition_key: str) -> tuple[str, ...]:
    """Say why the producer is late; empty where it is not, or where it has no habit."""
    done = [r for r in producer.runs if r.state == "COMPLETE"]
    last = f"its last run that ended well: {run_of(done[0])}" if done else "no run that ended well is known"
    if partition_key and any(r.partition_key for r in done):
        if any(r.partition_key == partition_key for r in done):
            return ()
        known = named(r.partition_key for r in done if r.partition_key)
        return (f"it has not written partition {partition_key!r}; it wrote {known}", last)
    windows = list(pairwise(_beginnings(failing)))[-(HABIT + 2) :]
    if len(windows) < HABIT or not done:
        return ()
    ended = [r.ended_at or r.last_event for r in done]
    filled = [any(start < at <= end for at in ended) for start, end in windows]
    # Its history is cut off: windows before its first known run tell nothing.
    known_windows = [f for f, (_, end) in zip(filled, windows, strict=True) if end >= min(ended)]
    if len(known_windows) < HABIT or not all(known_windows[:-1]) or known_windows[-1]:
        return ()
    waiting = next((r for r in producer.runs if r.state in {"START", "RUNNING"}), None)
    lines = [
        f"it ended well before each of the {len(known_windows) - 1} earlier runs of the failing task, "
        f"and has not between {windows[-1][0]} and {windows[-1][1]}",
        last,
    ]
    return (*lines, f"it is at work: {run_of(waiting)}") if waiting else tuple(lines)


def _beginnings(failing: Failing) -> list[str]:
    """Return when each Dag run of the failing tasks began, the failing one last; its tasks and tries are one."""
    first: dict[str, str] = {}
    for run in (*failing.earlier, *(t.run for t in failing.tasks if t.run is not None)):
        key = run.airflow_run_id or run.run_id
        first[key] = min(first.get(key, "9"), _began(run))
    return sorted(first.values())


def _began(run: LineageRun) -> str:
    return run.started_at or run.last_event


def _volumes(reader: LineageReader, failing: Failing, makers: Sequence[Producer]) -> tuple[Evidence, ...]:
    """Compare the rows that the last run wrote with what was usual: the middle of up to nine runs before it."""
    direct = {d.id: d for d in failing.inputs}
    runs = {r.run_id: r for p in makers if p.hop == 1 for r in p.runs if r.state == "COMPLETE"}
    rows: dict[NodeId, list[tuple[str, int, LineageRun]]] = {}
    for one in reader.io_of_runs(list(runs)) if runs else ():
        if one.io == "output" and one.rows is not None and one.dataset.id in direct:
            run = runs[one.run_id]
            rows.setdefault(one.dataset.id, []).append((run.last_event, one.rows, run))
    found = []
    for key, counts in rows.items():
        counts.sort(key=lambda c: c[0], reverse=True)
        (_, now, run), before = counts[0], [count for _, count, _ in counts[1:10]]
        usual = median(before) if len(before) >= 2 else None
        if usual is None or LESS * usual <= now <= MORE * usual:
            continue
        title = f"{VOLUME_CHANGED} {direct[key].name}: {now} rows, was {usual:g}"
        found.append(
            told(title, f"written by {run.job.name}, {run_of(run)}; before: {named(map(str, before))}", run.last_event)
        )
    return tuple(found[:MAX_TOLD])
