"""What the failing tasks read, directly or through others → columns that changed since it last worked, and who did it.

Direct inputs are compared as the good and the failing run themselves saw them, where they did; everything else by the
versions of the store. A column that the task's lineage names and that its input lacks is told even when no version with
it was ever seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from airflow_agentic.context.lineage_failing import Failing
from airflow_agentic.context.lineage_words import CHANGED_BY, SCHEMA_CHANGED, run_of, told
from airflow_agentic.lineage.columns import column_path, dangling_columns
from airflow_agentic.lineage.pack import ContextPack
from airflow_agentic.lineage.schemas import (
    ColumnChange,
    SchemaChange,
    SchemaHistory,
    column_changes,
    schema_shape,
    with_culprit,
)
from airflow_agentic.ports import LineageReader
from airflow_agentic.records import DataShape, Evidence
from airflow_agentic.records.lineage import LineageDataset, NodeId, SchemaVersion

MAX_CHANGED, MAX_LINES = 6, 40
_TOLD = {"renamed", "possible_rename", "removed", "retyped", "added"}


@dataclass
class _Changed:
    """One data set that is not as it was."""

    dataset: LineageDataset
    hop: int
    missing: list[str] = field(default_factory=list)
    """Columns that the failing tasks name and that it lacks."""
    change: SchemaChange | None = None
    statements: list[tuple[ColumnChange, SchemaChange]] = field(default_factory=list)


def schema_changes(
    reader: LineageReader, failing: Failing, pack: ContextPack
) -> tuple[tuple[Evidence, ...], tuple[DataShape, ...]]:
    """Return one piece of evidence a changed data set, the nearest first, and the shapes of direct inputs."""
    changed = _by_versions(reader, failing, pack)
    _add_missing(reader, failing, changed)
    kept = sorted(changed.values(), key=lambda c: (not c.missing, c.hop, c.dataset.name))[:MAX_CHANGED]
    direct = {d.id for d in failing.inputs}
    shapes = [shape for one in kept if one.dataset.id in direct for shape in _shapes(one)]
    return tuple(_evidence(one, failing.until) for one in kept), tuple(shapes)


def _by_versions(reader: LineageReader, failing: Failing, pack: ContextPack) -> dict[NodeId, _Changed]:
    since = max((r.last_event for r in failing.good), default="")
    hops = {d.id: 0 for d in failing.inputs}
    for level in pack.upstream.levels:
        for dataset in level.datasets:
            hops.setdefault(dataset.id, level.hop - 1)
    seen = _seen_by(failing, good=True), _seen_by(failing, good=False)
    found: dict[NodeId, _Changed] = {}
    for history in pack.histories:
        change = _seen_change(history, *seen) or _since(history, since)
        if change is not None and len(found) < MAX_CHANGED:
            hop = hops.get(history.dataset.id, 0)
            found[history.dataset.id] = _Changed(history.dataset, hop, change=with_culprit(reader, change))
    return found


def _seen_by(failing: Failing, *, good: bool) -> Mapping[NodeId, NodeId]:
    """Return the schema of each data set as the good (or the failing) runs saw it."""
    runs = failing.good if good else [r for t in failing.tasks for r in (t.run, *t.children) if r is not None]
    ids = {r.run_id for r in runs} - (set() if good else {r.run_id for r in failing.good})
    return {
        one.dataset.id: one.schema_id
        for one in failing.io
        if one.io == "input" and one.run_id in ids and one.schema_id is not None
    }


def _seen_change(
    history: SchemaHistory, good: Mapping[NodeId, NodeId], bad: Mapping[NodeId, NodeId]
) -> SchemaChange | None:
    """Compare what the two runs saw themselves; None where one of them saw nothing, or both the same."""
    was = _version(history, good.get(history.dataset.id))
    now = _version(history, bad.get(history.dataset.id))
    if was is None or now is None or was.source_class != now.source_class:
        return None
    columns = column_changes(was, now)
    return SchemaChange(dataset=history.dataset, before=was, after=now, columns=columns) if columns else None


def _version(history: SchemaHistory, schema_id: NodeId | None) -> SchemaVersion | None:
    return next((v for v in history.versions if schema_id is not None and v.schema_id == schema_id), None)


def _since(history: SchemaHistory, since: str) -> SchemaChange | None:
    """Return the newest change that came after the last good run; any, where none is known."""
    return next((c for c in history.changes if c.after.first_seen > since), None)


def _add_missing(reader: LineageReader, failing: Failing, changed: dict[NodeId, _Changed]) -> None:
    missing = dangling_columns(reader, failing.jobs, until=failing.until)
    for dataset, column in missing:
        changed.setdefault(dataset.id, _Changed(dataset, 0)).missing.append(column)
    if not missing:
        return
    for lost, change, by in column_path(reader, missing, until=failing.until).changes:
        one = changed.get(lost.dataset.id)
        if one is not None and one.change is None and lost.name in one.missing:
            one.statements.append((change, by))


def _evidence(one: _Changed, observed_at: str) -> Evidence:
    lines = [f"- column {c!r} is read by the failing job but is not in the table" for c in one.missing]
    if one.hop:
        lines.insert(0, f"- it lies {one.hop} hop(s) above what the failing tasks read themselves")
    changes = [(c, one.change) for c in one.change.columns] if one.change else one.statements
    changes = [(c, by) for c, by in changes if c.kind in _TOLD]
    changes.sort(key=lambda told: (told[0].column not in one.missing, told[0].kind == "added"))
    lines += [f"- {said_of(c)} ({c.evidence})" for c, _ in changes[:MAX_LINES]]
    for by in {id(by): by for _, by in changes}.values():
        if by.culprit is not None:
            job = by.culprit.job
            statement = f" with: {' '.join(by.statement.split())[:300]}" if by.statement else ""
            lines.append(f"{CHANGED_BY}{job.name} (Dag {job.dag_id or 'unknown'}, {run_of(by.culprit)}){statement}")
        elif by.others:
            writers = "; ".join(f"{r.job.name} ({run_of(r)})" for r in by.others[:3])
            lines.append(f"- in between it was written by {writers}")
        else:
            lines.append(f"- no run that wrote it is known; first seen so at {by.after.first_seen}")
    what = (
        f": {said_of(changes[0][0])}" if changes and (one.missing or one.hop or changes[0][0].kind != "added") else ""
    )
    return told(f"{SCHEMA_CHANGED} {one.dataset.name}{what}", dict.fromkeys(lines), observed_at)


def said_of(change: ColumnChange) -> str:
    """Return a change in words."""
    if change.kind == "renamed":
        return f"column {change.column!r} is now called {change.now!r}"
    if change.kind == "possible_rename":
        return f"column {change.column!r} may now be called {change.now!r}"
    if change.kind == "retyped":
        return f"column {change.column!r} was {change.was or 'unknown'}, is {change.now or 'unknown'}"
    return f"column {change.column!r} is {'gone' if change.kind == 'removed' else 'new'}"


def _shapes(one: _Changed) -> Sequence[DataShape]:
    """Return what was and what is; what a statement renamed, although nobody saw it before, is put back."""
    if one.change is not None and one.change.before is not None:
        versions = one.change.before, one.change.after
    elif one.statements:
        after = one.statements[0][1].after
        old = {c.now: c.column for c, _ in one.statements if c.kind == "renamed"}
        versions = replace(after, columns=tuple((old.get(name, name), kind) for name, kind in after.columns)), after
    else:
        return ()
    name = one.dataset.name
    return (schema_shape(versions[1], "failing", name), schema_shape(versions[0], "good", name))
