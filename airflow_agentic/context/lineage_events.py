"""A file of OpenLineage events → what the failing tasks read and write, who wrote it, what changed, who waits.

Only what a file can tell. A run's own inputs and outputs may be missing just when it failed, so they fall back to
what the job is known to read and write, then to Airflow's assets; which one was used is said (LINEAGE_FACTS 1.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from airflow_agentic.context.lineage_log import EventLog, JobRun, Schema, read_events, short
from airflow_agentic.records import (
    DataShape,
    Evidence,
    FieldShape,
    Gap,
    SourceReport,
    Target,
    TaskError,
    TaskKey,
    Trust,
)
from airflow_agentic.shapes import difference, printable
from airflow_agentic.tracebacks import fingerprint, parse_tracebacks, root_error

UPSTREAM_FAILED = "Upstream job failed"
SCHEMA_CHANGED = "Schema changed in"
MAX_HOPS, MAX_JOBS, MAX_TASKS = 5, 60, 8
_GENERIC = {"", "task_failure"}
_DDL = re.compile(
    r"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?P<table>[\w.\"`\[\]]+)\s+"
    r"(?P<what>(?:rename|drop|add|alter|modify|change)\b[^;]*)",
    re.I,
)


@dataclass(frozen=True)
class _Io:
    """What a failing task reads and writes, and how we know."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    how: str


class LineageEventsSource:
    """Lineage of the failing run as OpenLineage events tell it."""

    name = "lineage"

    def __init__(self, path: str) -> None:
        """Keep where the events lie: an ndjson file, or a folder of such files."""
        self._path = path

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return inputs and outputs, errors that the log lacks, producers, schema changes and the blast radius.

        Bad lines are skipped and counted in a Gap; a file that cannot be read is a Gap.
        """
        try:
            log = read_events(self._path)
        except OSError as error:
            return SourceReport(gaps=(self._gap(f"the events in {self._path!r} could not be read: {error.strerror}"),))
        gaps: list[Gap] = []
        if log.bad:
            gaps.append(self._gap(f"{log.bad} lines of {self._path!r} are no events and were left out"))
        if log.truncated:
            gaps.append(self._gap(f"{self._path!r} is very large: only its beginning was read"))
        failing = _failing(log, target, gaps)
        if not failing:
            gaps.append(self._gap(f"no event tells of a failing task of Dag {target.dag.dag_id!r}"))
            return SourceReport(gaps=tuple(gaps))
        known = {run.task_id: _io(log, run) for run in failing}
        shapes, changes = _schema_changes(log, failing, known, target)
        evidence = [
            *changes,
            *_errors_told(failing, so_far),
            *_producers(log, failing, known),
            *_touches(failing, known),
            *_blast(log, known, target),
        ]
        return SourceReport(evidence=tuple(evidence), errors=_errors(failing, so_far), shapes=shapes, gaps=tuple(gaps))

    def _gap(self, reason: str) -> Gap:
        return Gap(source=self.name, reason=reason[:500])


def _failing(log: EventLog, target: Target, gaps: list[Gap]) -> list[JobRun]:
    """Return each failing task's last failed try: of this run, else of its logical date, else of the newest run."""
    tasks = {run.key.task_id for run in target.failed}
    mine = []
    for run in log.runs.values():
        dag_id, task_id = _ids(run, target.dag.dag_id)
        if dag_id == target.dag.dag_id and task_id and (task_id in tasks or not tasks):
            run.dag_id, run.task_id = dag_id, task_id
            mine.append(run)
    exact = [run for run in mine if run.airflow_run_id == target.run.run_id]
    if not exact:
        date = (target.run.logical_date or "")[:19]
        exact = [run for run in mine if date and run.logical_date[:19] == date]
        newest = max((r.airflow_run_id for r in mine if r.state == "FAIL"), default=None) if not exact else None
        exact = exact or [run for run in mine if run.airflow_run_id == newest]
        if exact:
            gaps.append(
                Gap(
                    source="lineage",
                    reason="no event has this run's id: matched by logical date, else the newest failed run",
                )
            )
    last: dict[str, JobRun] = {}
    for run in sorted(exact, key=lambda r: (r.state == "FAIL", r.last)):
        last[run.task_id] = run
    return list(last.values())


def _ids(run: JobRun, dag_id: str) -> tuple[str, str]:
    if run.dag_id and run.task_id:
        return run.dag_id, run.task_id
    return (dag_id, run.job[len(dag_id) + 1 :]) if run.job.startswith(f"{dag_id}.") else (run.dag_id, run.task_id)


def _io(log: EventLog, run: JobRun) -> _Io:
    """Return each side from the nearest place that knows it: run, its children, the job's earlier runs, assets."""
    children = [r for r in log.runs.values() if r.parent == run.run_id and r.run_id != run.run_id]
    earlier = sorted(
        (r for r in log.runs.values() if r.job == run.job and r.run_id != run.run_id), key=lambda r: r.last
    )
    inputs, how_in = _first(
        ("this run's events", run.inputs),
        ("the runs it started", _union(c.inputs for c in children)),
        ("an earlier run of the job", next((tuple(r.inputs) for r in reversed(earlier) if r.inputs), ())),
        ("the task's inlets", run.assets_in),
    )
    outputs, how_out = _first(
        ("this run's events", run.outputs),
        ("the runs it started", _union(c.outputs for c in children)),
        ("an earlier run of the job", next((tuple(r.outputs) for r in reversed(earlier) if r.outputs), ())),
        ("the task's outlets", run.assets_out),
    )
    return _Io(inputs, outputs, f"reads: {how_in}; writes: {how_out}")


def _first(*places: tuple[str, Iterable[str]]) -> tuple[tuple[str, ...], str]:
    for how, found in places:
        names = tuple(found)
        if names:
            return names, how
    return (), "not known"


def _errors(failing: list[JobRun], so_far: SourceReport) -> tuple[TaskError, ...]:
    """Return the errors of tasks of which the log told none."""
    told = {error.task.task_id for error in so_far.errors}
    found = []
    for run in failing:
        if run.task_id in told or run.error.strip() in _GENERIC:
            continue
        key = TaskKey(dag_id=run.dag_id, run_id=run.airflow_run_id, task_id=run.task_id)
        error = root_error(key, parse_tracebacks(run.stack.splitlines()))
        found.append(
            error
            or TaskError(
                task=key,
                error_class="unknown",
                message=run.error,
                frames=(),
                fingerprint=fingerprint("unknown", run.error, ()),
            )
        )
    return tuple(found)


def _errors_told(failing: list[JobRun], so_far: SourceReport) -> list[Evidence]:
    seen = "\n".join([*(e.body for e in so_far.evidence), *(e.message for e in so_far.errors)])
    found: dict[str, Evidence] = {}
    for run in failing:
        message = run.error.strip()
        if message not in _GENERIC and message.splitlines()[0] not in seen:
            found.setdefault(
                message, _evidence(f"Error of {run.job} as its event tells it", message, run, Trust.UNTRUSTED)
            )
    return list(found.values())[:MAX_TASKS]


def _touches(failing: list[JobRun], known: dict[str, _Io]) -> list[Evidence]:
    by_io: dict[_Io, list[JobRun]] = {}
    for run in failing:
        by_io.setdefault(known[run.task_id], []).append(run)
    return [
        _evidence(
            f"Reads and writes of {_some(r.task_id for r in runs)}",
            f"reads {_some(map(short, io.inputs)) or 'unknown'}; "
            f"writes {_some(map(short, io.outputs)) or 'unknown'} (told by {io.how})",
            runs[0],
        )
        for io, runs in list(by_io.items())[:MAX_TASKS]
    ]


def _producers(log: EventLog, failing: list[JobRun], known: dict[str, _Io]) -> list[Evidence]:
    """Say who wrote the inputs last; a producer whose last run failed is an evidence of its own."""
    until = max(run.last for run in failing)
    lines: list[str] = []
    failed: list[Evidence] = []
    for dataset in _union(io.inputs for io in known.values()):
        last: dict[str, JobRun] = {}
        for run in sorted(
            (r for r in log.runs.values() if dataset in r.outputs and r.first <= until), key=lambda r: r.last
        ):
            last[run.job] = run
        for run in last.values():
            lines.append(
                f"{short(dataset)} was written by {run.job}: {run.state} at {run.last.isoformat()}"
                f" (run {run.airflow_run_id or run.run_id})"
            )
            if run.state in {"FAIL", "ABORT"}:
                failed.append(
                    _evidence(
                        f"{UPSTREAM_FAILED}: {run.job}, which writes {short(dataset)}",
                        f"{run.state} at {run.last.isoformat()}: {run.error[:500]}",
                        run,
                        Trust.UNTRUSTED,
                    )
                )
    told = (
        [_evidence("Producers of the inputs and their last state", "\n".join(lines[:40]), failing[0])] if lines else []
    )
    return [*failed[:MAX_TASKS], *told]


def _schema_changes(
    log: EventLog, failing: list[JobRun], known: dict[str, _Io], target: Target
) -> tuple[tuple[DataShape, ...], list[Evidence]]:
    """Compare each input's columns now with those of the last good run, else with the last other ones seen."""
    until = max(run.last for run in failing)
    shapes: list[DataShape] = []
    evidence: list[Evidence] = []
    for dataset in _union(io.inputs for io in known.values()):
        seen = [s for s in log.schemas if s.dataset == dataset and s.at <= until]
        now = max((s for s in seen if s.observed), default=seen[-1] if seen else None, key=lambda s: s.at)
        missing = _dangling(failing, dataset, now)
        was = _before(log, seen, now, target) if now else None
        if now is None or (was is None and not missing):
            continue
        lines = [f"- column {column!r} is read by the failing job but is not in the table" for column in missing]
        if was:
            good, bad = _shape(was, "good"), _shape(now, "failing")
            shapes += [bad, good]
            lines += [f"- {c.kind}: {c.detail}" for c in difference(good, bad)]
        lines += _culprits(log, dataset, was, now)
        evidence.append(_evidence(f"{SCHEMA_CHANGED} {short(dataset)}", "\n".join(dict.fromkeys(lines)), failing[0]))
    return tuple(shapes), evidence


def _before(log: EventLog, seen: list[Schema], now: Schema, target: Target) -> Schema | None:
    """Return the schema that worked; None if all that was seen are the same columns. Only one class compares."""
    like = [s for s in seen if s.observed == now.observed and s.at < now.at]
    good = target.last_good.run_id if target.last_good else None
    of_good = [s for s in like if good and log.runs[s.run_id].airflow_run_id == good]
    candidates = of_good or [s for s in like if dict(s.columns) != dict(now.columns)]
    last = candidates[-1] if candidates else None
    return last if last and dict(last.columns) != dict(now.columns) else None


def _dangling(failing: list[JobRun], dataset: str, now: Schema | None) -> list[str]:
    if now is None or any("***" in name for name, _ in now.columns):
        return []
    present = {name for name, _ in now.columns}
    return sorted(
        {
            printable(column)
            for run in failing
            for table, column in run.reads
            if table == dataset and column not in present
        }
    )


def _culprits(log: EventLog, dataset: str, was: Schema | None, now: Schema) -> list[str]:
    """Name the runs that changed the table: by their statement, or because it was another table after them."""
    lines = []
    table = short(dataset).lower().split(".")
    start = was.at if was else None
    for run in sorted(log.runs.values(), key=lambda r: r.last):
        if dataset not in run.outputs or run.first > now.at or (start and run.last < start):
            continue
        told = f"run {run.airflow_run_id or run.run_id}, {run.state} at {run.last.isoformat()}"
        where = f"{run.job} (Dag {run.dag_id or 'unknown'}, {told})"
        for match in _DDL.finditer(run.sql):
            named = re.sub(r"[\"`\[\]]", "", match["table"]).lower().split(".")
            if table[-len(named) :] == named:
                lines.append(
                    f"- changed by {where} with: ALTER TABLE {match['table']} {' '.join(match['what'].split())[:200]}"
                )
        own = [s for s in log.schemas if s.dataset == dataset and s.run_id == run.run_id]
        if len(own) > 1 and dict(own[0].columns) != dict(own[-1].columns) and not lines:
            lines.append(f"- the columns were others before and after {where}")
    return lines


def _blast(log: EventLog, known: dict[str, _Io], target: Target) -> list[Evidence]:
    """Walk down from the outputs, level by level; at most 5 hops and 60 jobs."""
    readers: dict[str, set[str]] = {}
    writes: dict[str, set[str]] = {}
    for run in log.runs.values():
        for dataset in (*run.inputs, *run.assets_in):
            readers.setdefault(dataset, set()).add(run.job)
        writes.setdefault(run.job, set()).update((*run.outputs, *run.assets_out))
    level = set(_union(io.outputs for io in known.values()))
    seen_sets, jobs, lines = set(level), dict[str, None](), []
    for hop in range(1, MAX_HOPS + 1):
        found = sorted({job for d in level for job in readers.get(d, ())} - jobs.keys())
        if not found or len(jobs) >= MAX_JOBS:
            break
        jobs.update(dict.fromkeys(found[: MAX_JOBS - len(jobs)]))
        level = {d for job in found for d in writes.get(job, ())} - seen_sets
        seen_sets |= level
        lines.append(
            f"hop {hop}: {_some(found)}" + (f"; they write {_some(sorted(map(short, level)))}" if level else "")
        )
    if not lines:
        return []
    return [
        Evidence(
            id="",
            source="lineage",
            title=f"Blast radius: {len(jobs)} jobs read what the failing tasks write",
            body="\n".join(lines),
            observed_at=target.incident.last_seen,
            trust=Trust.PLATFORM,
        )
    ]


def _shape(schema: Schema, role: str) -> DataShape:
    """A table's schema as a shape: columns and types, no records counted."""
    fields = tuple(FieldShape(path=printable(n), types=(t,) if t else (), present=0) for n, t in schema.columns)
    return DataShape(name=short(schema.dataset), interval=schema.at.isoformat(), role=role, records=0, fields=fields)


def _evidence(title: str, body: str, run: JobRun, trust: Trust = Trust.PLATFORM) -> Evidence:
    return Evidence(
        id="", source="lineage", title=title[:300], body=body[:6_000], observed_at=run.last.isoformat(), trust=trust
    )


def _union(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for group in groups for item in group))


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:12]) + (f" and {len(listed) - 12} more" if len(listed) > 12 else "")
