"""The last run that worked beside the one that failed: one table, by our code, names and numbers only.

Values of rendered fields are strangers' text and stand in the piece of `run_history`; here stands which of them differ.
"""

from __future__ import annotations

from collections.abc import Iterator

from airflow_agentic.context.lineage_words import DEPENDENCIES, RAN_ON, VERSIONS_CHANGED
from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.ports import AirflowReader
from airflow_agentic.records import DagRunRecord, DataShape, Evidence, Gap, SourceReport, Target, TaskRun, Trust

TASKS_LIMIT = 10
NOT_RECORDED = "Dependency versions: Airflow records none for a run, and neither events nor files of pins tell."


class ComparisonSource:
    """Compares tasks, rendered fields, code and inputs; asked after the sources that read those."""

    name = "comparison"

    def __init__(self, reader: AirflowReader) -> None:
        self._reader = reader

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return one piece of evidence; none when no run has ever worked."""
        good = target.last_good
        if good is None:
            return SourceReport()
        gaps: tuple[Gap, ...] = ()
        before: dict[tuple[str, int], TaskRun] = {}
        try:
            tasks = self._reader.task_instances(good.dag_id, good.run_id)
            before = {(task.key.task_id, task.key.map_index): task for task in tasks}
        except (SourceUnavailable, IncidentNotFound) as error:
            gaps = (Gap(source=self.name, reason=f"tasks of the last run that worked: {error}"),)
        lines = [*_runs(good, target.run)]
        for task in target.failed[:TASKS_LIMIT]:
            lines += _task(before.get((task.key.task_id, task.key.map_index)), task)
        lines += [*_inputs(so_far.shapes), *_versions(so_far.evidence)]
        told = Evidence(
            id="", source=self.name, title=f"Last good run {good.run_id} beside the failing one", body="\n".join(lines),
            trust=Trust.PLATFORM, observed_at=target.run.ended_at or target.incident.last_seen,
        )  # fmt: skip
        return SourceReport(evidence=(told,), gaps=gaps)


def _runs(good: DagRunRecord, bad: DagRunRecord) -> Iterator[str]:
    pairs = (
        ("logical date", good.logical_date, bad.logical_date),
        ("partition", good.partition_key, bad.partition_key),
        ("code version", good.bundle_version, bad.bundle_version),
        ("started", good.started_at, bad.started_at),
    )
    for name, was, now in pairs:
        if was or now:
            yield f"{name}: {was or 'unknown'} → {now or 'unknown'}{' (the same)' if was == now else ''}"
    yield f"conf of the run: {'the same' if good.conf == bad.conf else 'differs'}"


def _task(was: TaskRun | None, now: TaskRun) -> Iterator[str]:
    name = f"{now.key.task_id}[{now.key.map_index}]" if now.key.map_index >= 0 else now.key.task_id
    if was is None:
        yield f"{name}: not in the last run that worked → {now.state}"
        return
    yield (
        f"{name}: {was.state} at try {was.key.try_number} in {_seconds(was.duration_s)} → "
        f"{now.state} at try {now.key.try_number} in {_seconds(now.duration_s)}"
    )
    old, new = dict(was.rendered), dict(now.rendered)
    if old and new:
        differing = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        yield f"    rendered fields that differ: {', '.join(differing) or 'none'}"


def _inputs(shapes: tuple[DataShape, ...]) -> Iterator[str]:
    """Return rows and fields of each input whose shape is known on both sides."""
    good = {shape.name: shape for shape in shapes if shape.role == "good"}
    for shape in shapes:
        was = good.get(shape.name)
        if shape.role != "failing" or was is None:
            continue
        old, new = {f.path: f.types for f in was.fields}, {f.path: f.types for f in shape.fields}
        gone, came = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
        retyped = sorted(path for path in old.keys() & new.keys() if old[path] != new[path])
        said = [
            f"{len(paths)} {word} ({', '.join(paths[:8])})"
            for word, paths in (("gone", gone), ("new", came), ("of another type", retyped))
            if paths
        ]
        yield f"input {shape.name}: {was.records} → {shape.records} records; fields: {'; '.join(said) or 'the same'}"


def _versions(evidence: tuple[Evidence, ...]) -> Iterator[str]:
    """Return what events, and files of pins, tell of versions; Airflow itself records none for a run."""
    told = [e for e in evidence if e.title.startswith((VERSIONS_CHANGED, RAN_ON, DEPENDENCIES))]
    for item in told:
        which = f"in {item.path}: " if item.path else ""
        same = "the same: " if item.title.startswith(RAN_ON) else ""
        yield f"dependency versions {which}{same}{'; '.join(x.removeprefix('- ') for x in item.body.splitlines()[:8])}"
    if not told:
        yield NOT_RECORDED


def _seconds(duration: float | None) -> str:
    return "unknown time" if duration is None else f"{duration:.1f} s"
