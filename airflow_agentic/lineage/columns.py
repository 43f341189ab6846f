"""A broken column → where on its way it changed, and the run that changed it.

Two ways in: a column by name, walked upstream along the column edges; or a job, whose column lineage names input
columns that its inputs do not have (any more): a rename upstream shows up as such a dangling reference, without any
error being parsed (LINEAGE_FACTS 1.6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_agentic.lineage.graph import INPUT
from airflow_agentic.lineage.schemas import (
    ColumnChange,
    SchemaChange,
    change_by_statement,
    schema_histories,
    with_culprit,
)
from airflow_agentic.ports import LineageReader
from airflow_agentic.records.lineage import LineageDataset, LineageJob, NodeId

MAX_HOPS, MAX_COLUMNS = 5, 200


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of one data set, and how far it lies from where the question began."""

    dataset: LineageDataset
    name: str
    hop: int
    made_by: tuple[LineageJob, ...] = ()
    """Jobs that compute the column nearer to the question from this one."""


@dataclass(frozen=True, kw_only=True)
class ColumnPath:
    """What a column is made of, and the changes on its way, nearest first."""

    start: tuple[Column, ...]
    columns: tuple[Column, ...]
    dangling: tuple[Column, ...]
    """Columns that are read although their data set does not have them."""
    changes: tuple[tuple[Column, ColumnChange, SchemaChange], ...]
    truncated: bool = False


def column_path(
    reader: LineageReader, start: Sequence[tuple[LineageDataset, str]], *, until: str = "", max_hops: int = MAX_HOPS
) -> ColumnPath:
    """Return the path of columns upstream and every change of a column on it, with its run.

    :param until: what was seen later does not count.
    """
    first = tuple(Column(dataset=d, name=name, hop=0) for d, name in start)
    seen: dict[tuple[NodeId, str], Column] = {(c.dataset.id, c.name): c for c in first}
    frontier = list(seen)
    truncated = False
    for hop in range(1, max_hops + 1):
        if not frontier:
            break
        level: dict[tuple[NodeId, str], Column] = {}
        for edge in reader.column_sources(frontier):
            key = (edge.in_dataset.id, edge.in_column)
            if key not in seen:
                known = level.get(key)
                jobs = (*(known.made_by if known else ()), edge.job)
                level[key] = Column(
                    dataset=edge.in_dataset,
                    name=edge.in_column,
                    hop=hop,
                    made_by=tuple({j.id: j for j in jobs}.values()),
                )
        if len(seen) + len(level) > MAX_COLUMNS:
            truncated = True
            level = dict(list(level.items())[: MAX_COLUMNS - len(seen)])
        seen.update(level)
        frontier = list(level)
    columns = tuple(seen.values())
    changes, dangling = _changes(reader, columns, until)
    return ColumnPath(start=first, columns=columns, dangling=dangling, changes=changes, truncated=truncated)


def dangling_columns(
    reader: LineageReader, jobs: Sequence[LineageJob], *, until: str = ""
) -> tuple[tuple[LineageDataset, str], ...]:
    """Return the input columns that jobs refer to and that the inputs' newest observed schema lacks."""
    inputs = {e.dataset.id: e.dataset for e in reader.edges_of_jobs([j.id for j in jobs], INPUT)}
    present: dict[NodeId, set[str]] = {}
    for version in reader.schema_versions(list(inputs), until=until):
        if version.source_class == "observed":
            present.setdefault(version.dataset_id, {name.lower() for name, _ in version.columns})
    edges = reader.columns_read([j.id for j in jobs])
    newest = max((e.last_seen for e in edges), default="")
    found: dict[tuple[NodeId, str], tuple[LineageDataset, str]] = {}
    for edge in edges:
        known = present.get(edge.in_dataset.id)
        # An edge that newer runs did not repeat belongs to code of the past.
        if known is None or "***" in known or edge.last_seen < newest or edge.in_dataset.id not in inputs:
            continue
        if edge.in_column.lower() not in known:
            found[edge.in_dataset.id, edge.in_column] = (inputs[edge.in_dataset.id], edge.in_column)
    return tuple(found.values())


def _changes(
    reader: LineageReader, columns: Sequence[Column], until: str
) -> tuple[tuple[tuple[Column, ColumnChange, SchemaChange], ...], tuple[Column, ...]]:
    datasets = tuple({c.dataset.id: c.dataset for c in columns}.values())
    found: list[tuple[Column, ColumnChange, SchemaChange]] = []
    dangling: list[Column] = []
    wanted: dict[NodeId, list[Column]] = {}
    for column in columns:
        wanted.setdefault(column.dataset.id, []).append(column)
    for history in schema_histories(reader, datasets, until=until):
        here = {c.name.lower(): c for c in wanted[history.dataset.id]}
        now = next((v for v in history.versions if v.source_class == "observed"), None)
        if now is not None and not any("***" in name for name, _ in now.columns):
            present = {name.lower() for name, _ in now.columns}
            lost = [c for name, c in here.items() if name not in present]
            dangling += lost
            explained = {c.column.lower() for change in history.changes for c in change.columns}
            for column in lost:
                told = column.name.lower() not in explained and change_by_statement(
                    reader, history.dataset, column.name, now
                )
                if told:
                    found.append((column, told.columns[0], told))
        for change in history.changes:
            if any(c.column.lower() in here or c.now.lower() in here for c in change.columns):
                named = with_culprit(reader, change)
                found += [
                    (here.get(c.column.lower()) or here[c.now.lower()], c, named)
                    for c in named.columns
                    if c.column.lower() in here or (c.kind in {"renamed", "possible_rename"} and c.now.lower() in here)
                ]
    found.sort(key=lambda f: f[0].hop)
    return tuple(found), tuple(dangling)
