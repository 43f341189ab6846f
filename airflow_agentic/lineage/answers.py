"""A question in words → the lineage store's answer as rows, for commands and for the model's tools alike.

A name is a task (``dag_id.task_id``), a job, or a data set (its whole name or last parts). A name that fits both is
taken for a task. Names come from events, so whoever shows the rows treats them as a stranger's text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.lineage.blast import blast_lines, blast_radius
from airflow_agentic.lineage.columns import column_path, dangling_columns
from airflow_agentic.lineage.graph import DOWNSTREAM, walk
from airflow_agentic.lineage.partitions import partition_lines, partition_state
from airflow_agentic.lineage.schemas import ColumnChange, SchemaChange, schema_history
from airflow_agentic.lineage.scratch import as_event, reading_of
from airflow_agentic.lineage.told_by_assets import told_of_partition
from airflow_agentic.ports import AssetReader, LineageReader
from airflow_agentic.records.lineage import LineageDataset, LineageJob
from airflow_agentic.shapes import printable

Row = dict[str, str]
MAX_SETS = 5


@dataclass(frozen=True, kw_only=True)
class _Meant:
    """What a name stands for."""

    jobs: tuple[LineageJob, ...] = ()
    datasets: tuple[LineageDataset, ...] = ()


def neighbours(reader: LineageReader, direction: str, name: str, *, hops: int = 5) -> list[Row]:
    """Return what lies up- or downstream, nearest first, with the state of each job's last run.

    :raises SourceUnavailable: the store knows nothing of that name.
    """
    meant = _meant(reader, name)
    found = walk(reader, direction, jobs=meant.jobs, datasets=meant.datasets, max_hops=hops)
    last = {run.job.id: run for run in reader.last_runs([j.id for j in found.jobs], limit=1)}
    rows: list[Row] = []
    for level in found.levels:
        hop = str(level.hop)
        rows += [_row(hop=hop, kind="data set", name=d.name, namespace=d.namespace) for d in level.datasets]
        for job in level.jobs:
            run = last.get(job.id)
            told = f"{run.state} at {run.last_event}" if run else ""
            rows.append(
                _row(hop=hop, kind="job", name=job.name, namespace=job.namespace, last_run=told, owners=job.owners)
            )
    what = "read" if direction == DOWNSTREAM else "write"
    rows += [
        _row(hop=str(h.hop), kind="hub", name=h.dataset.name, last_run=f"{h.jobs} jobs {what} it: not followed")
        for h in found.hubs
    ]
    if found.truncated:
        rows.append(_row(kind="limit", name="more lies beyond: the walk ends at 300 jobs and data sets"))
    return rows


def schemas(reader: LineageReader, name: str, *, limit: int = 5) -> list[Row]:
    """Return the last schema versions of a data set and what changed, newest first.

    :raises SourceUnavailable: the store knows no data set of that name.
    """
    rows: list[Row] = []
    for dataset in _datasets(reader, name):
        history = schema_history(reader, dataset, limit=limit)
        for version in history.versions:
            columns = ", ".join(f"{column} {kind}".strip() for column, kind in version.columns[:200])
            rows.append(
                _row(dataset=dataset.name, what=f"{version.source_class} version", since=version.first_seen,
                     until=version.last_seen, detail=columns)
            )  # fmt: skip
        rows += [_change_row(dataset, change, told) for change in history.changes for told in change.columns]
    return rows


def column(reader: LineageReader, name: str, column_name: str = "") -> list[Row]:
    """Return where a column changed on its way, and the run that changed it.

    :param name: a data set with *column_name*; or a task, whose column lineage tells which input columns are gone.
    :raises SourceUnavailable: the store knows nothing of that name, or no column of it is broken.
    """
    if column_name:
        start = tuple((d, column_name) for d in _datasets(reader, name))
    else:
        meant = _meant(reader, name)
        start = dangling_columns(reader, meant.jobs)
        if not start:
            raise SourceUnavailable(
                f"Looking for a broken column of {name!r} failed: every input column that its lineage names is there, "
                "or no column lineage is known. Name a data set and --column."
            )
    path = column_path(reader, start)
    rows = [_change_row(found.dataset, change, told, hop=str(found.hop)) for found, told, change in path.changes]
    told_of = {(found.dataset.id, found.name) for found, _, _ in path.changes}
    rows += [
        _row(dataset=c.dataset.name, what="missing", column=c.name, hop=str(c.hop), detail="it is read, and not there")
        for c in path.dangling
        if (c.dataset.id, c.name) not in told_of
    ]
    rows += [
        _row(
            dataset=c.dataset.name,
            what="made of",
            column=c.name,
            hop=str(c.hop),
            by=", ".join(j.name for j in c.made_by),
        )
        for c in path.columns
        if c.hop
    ]
    return rows


def partition(reader: LineageReader, name: str, partition_key: str, *, assets: AssetReader | None = None) -> list[Row]:
    """Return the state of one partition: what wrote it, what ran on it, what is missing, is it current.

    :param assets: asked where the lineage tells of no writer of the partition; and for what its state store holds.
    :raises SourceUnavailable: Airflow does not answer.
    """
    found, place = partition_state(reader, name, partition_key), "lineage events"
    beside: list[Row] = []
    asset = assets.asset(name) if assets else None
    if assets and asset:
        if stored := assets.stored(asset.id, f"partition/{partition_key}"):
            beside.append(_row(what="stored", detail=f"asset state store: {stored}"))
        if found.last_writer is None:
            told, events = told_of_partition(assets, asset, partition_key)
            with reading_of(as_event(one, "airflow") for one in told) as other:
                found = partition_state(other, asset.uri, partition_key, events_of=lambda *_: events)
            place = "Airflow's runs and asset events"
    first, *rest = partition_lines(found)
    rows = [_row(what="state", detail=first), *(_row(what="run", detail=line.removeprefix("- ")) for line in rest)]
    return [*rows, *beside, _row(what="told by", detail=place)]


def blast(reader: LineageReader, name: str) -> list[Row]:
    """Return who waits for a task or data set, one row a hop; Dags and owners at the end.

    :raises SourceUnavailable: the store knows nothing of that name.
    """
    meant = _meant(reader, name)
    found = blast_lines(blast_radius(reader, jobs=meant.jobs, datasets=meant.datasets), most=40)
    return [_row(detail=line) for line in found] or [_row(detail="nobody is known to read it")]


def as_text(rows: Iterable[Mapping[str, str]]) -> str:
    """Return rows as lines, empty values left out."""
    return "\n".join("; ".join(f"{key}: {value}" for key, value in row.items() if value) for row in rows)


def _meant(reader: LineageReader, name: str) -> _Meant:
    jobs = reader.find_jobs(name)
    if jobs:
        children = reader.child_runs([r.run_id for r in reader.last_runs([j.id for j in jobs], limit=3)])
        return _Meant(jobs=tuple({j.id: j for j in (*jobs, *(run.job for run in children))}.values()))
    return _Meant(datasets=_datasets(reader, name))


def _datasets(reader: LineageReader, name: str) -> tuple[LineageDataset, ...]:
    found = reader.find_datasets(name)[:MAX_SETS]
    if not found:
        raise SourceUnavailable(
            f"Looking up {name!r} in the lineage failed: no job or data set is called so. Give dag_id.task_id, or a "
            "data set's name as `airflow agentic lineage upstream` shows it."
        )
    return found


def _change_row(dataset: LineageDataset, change: SchemaChange, told: ColumnChange, hop: str = "") -> Row:
    run = change.culprit
    who = (
        f"Dag {run.job.dag_id or 'unknown'}, job {run.job.name}, run {run.airflow_run_id or run.run_id}" if run else ""
    )
    return _row(
        dataset=dataset.name,
        what=told.kind,
        column=told.column,
        now=told.now,
        hop=hop,
        since=change.after.first_seen,
        by=who or "no run that wrote it in between is known",
        detail=f"{told.evidence} (score {told.score:.2f})",
    )


def _row(**told: str | tuple[str, ...]) -> Row:
    return {k: printable_text(v if isinstance(v, str) else ", ".join(v)) for k, v in told.items()}


def printable_text(text: str) -> str:
    """Return a stranger's text without control and invisible characters, at most 4,000 characters."""
    return "".join(printable(text[i : i + 100]) for i in range(0, min(len(text), 4_000), 100))
