"""A data set → its last schema versions, what changed between them, and the run that changed it.

Only versions of one source class are compared: a dbt file that documents one column of five has not dropped four.
A rename is claimed on the evidence that holds (a statement, the producer's own column lineage, or names and places
that are alike beyond doubt); else it stays a removal and an addition beside a possible rename with its score
(LINEAGE_FACTS 5). What a masker touched (``***``) is unknown and never a change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from airflow_agentic.lineage.ddl import Alteration, alterations, names_table
from airflow_agentic.ports import LineageReader
from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.records.lineage import LineageDataset, LineageRun, SchemaVersion
from airflow_agentic.shape_changes import difference
from airflow_agentic.shapes import printable

Columns = tuple[tuple[str, str], ...]
SURE = 0.8
VERSIONS = 5
BEGINNING = "1970-01-01T00:00:00+00:00"


@dataclass(frozen=True, kw_only=True)
class ColumnChange:
    """One difference between two versions."""

    kind: str
    """``renamed``, ``possible_rename``, ``removed``, ``added`` or ``retyped``."""
    column: str
    was: str
    now: str
    evidence: str
    """What it is known by: a statement, column lineage, or the score of names, types and places."""
    score: float = 1.0


@dataclass(frozen=True, kw_only=True)
class SchemaChange:
    """What changed from one version to the next, and who did it."""

    dataset: LineageDataset
    before: SchemaVersion | None
    """None: never seen, only the statement that changed it was."""
    after: SchemaVersion
    columns: tuple[ColumnChange, ...]
    culprit: LineageRun | None = None
    statement: str = ""
    """The statement of the culprit, where one is known."""
    others: tuple[LineageRun, ...] = ()
    """Other runs that wrote the data set between the two versions."""


@dataclass(frozen=True, kw_only=True)
class SchemaHistory:
    """A data set's versions, newest first, and the changes between neighbours of one class."""

    dataset: LineageDataset
    versions: tuple[SchemaVersion, ...]
    changes: tuple[SchemaChange, ...]


def schema_history(
    reader: LineageReader, dataset: LineageDataset, *, limit: int = VERSIONS, until: str = ""
) -> SchemaHistory:
    """Return at most *limit* versions of one data set and their changes, each with the run that caused it."""
    found = schema_histories(reader, (dataset,), limit=limit, until=until)[0]
    return replace(found, changes=tuple(with_culprit(reader, change) for change in found.changes))


def schema_histories(
    reader: LineageReader, datasets: Sequence[LineageDataset], *, limit: int = VERSIONS, until: str = ""
) -> tuple[SchemaHistory, ...]:
    """Return histories of many data sets in few questions; who caused a change is left to `with_culprit`."""
    versions: dict[object, list[SchemaVersion]] = {}
    for version in reader.schema_versions([d.id for d in datasets], until=until):
        versions.setdefault(version.dataset_id, []).append(version)
    histories = []
    for dataset in datasets:
        kept = versions.get(dataset.id, [])[:limit]
        newer: dict[str, SchemaVersion] = {}
        changes = []
        for old in kept:
            new = newer.get(old.source_class)
            if new is not None and (columns := column_changes(old, new)):
                changes.append(SchemaChange(dataset=dataset, before=old, after=new, columns=columns))
            newer[old.source_class] = old
        if len(newer) > 1:
            changes.sort(key=lambda c: (c.after.last_seen, c.after.source_class == "observed"), reverse=True)
        histories.append(SchemaHistory(dataset=dataset, versions=tuple(kept), changes=tuple(changes)))
    return tuple(histories)


def column_changes(before: SchemaVersion, after: SchemaVersion) -> tuple[ColumnChange, ...]:
    """Return what differs, by names, types and places alone."""
    key = id(before.columns), id(after.columns)
    known = _told.get(key)
    if known is None:
        found = () if before.columns == after.columns else _changes(before.columns, after.columns)
        if len(_told) >= _MOST_TOLD:
            _told.clear()
        known = _told[key] = (before.columns, after.columns, found)
    return known[2]


_MOST_TOLD = 4_096
_told: dict[tuple[int, int], tuple[Columns, Columns, tuple[ColumnChange, ...]]] = {}
"""What was compared before, by the very objects: a reader gives one object for one schema, and a tuple of tuples is
hashed anew each time that it is looked for. The objects are held here, so that no other can come to their ids."""


def _changes(before: Columns, after: Columns) -> tuple[ColumnChange, ...]:
    changes = []
    shapes = [DataShape(name="", interval="", role="", records=0, fields=_fields(c)) for c in (before, after)]
    for change in difference(*shapes):
        kind = change.kind
        if kind == "renamed" and change.score < SURE:
            kind = "possible_rename"
        alike = kind in {"renamed", "possible_rename"}
        changes.append(
            ColumnChange(
                kind=kind,
                column=change.path,
                was=change.was,
                now=change.now,
                score=change.score,
                evidence=f"name, type and place are alike ({change.score:.2f})" if alike else "the two versions",
            )
        )
    # What `difference` took for certain is no removal and addition any more; taken back, both must be told.
    for demoted in [c for c in changes if c.kind == "possible_rename"]:
        if not any(c.kind == "removed" and c.column == demoted.column for c in changes):
            types = dict(before), dict(after)
            changes.append(_plain("removed", demoted.column, types[0].get(demoted.column, ""), ""))
            changes.append(_plain("added", demoted.now, "", types[1].get(demoted.now, "")))
    return tuple(changes)


def with_culprit(reader: LineageReader, change: SchemaChange) -> SchemaChange:
    """Return the change with the run that made it, and its renames confirmed by statement or column lineage."""
    since = min(change.before.last_seen, change.after.first_seen) if change.before else BEGINNING
    writers = reader.writers_between(change.dataset.id, since, change.after.first_seen)
    told: list[tuple[LineageRun, Alteration]] = [
        (run, alteration)
        for run in writers
        for alteration in alterations(run.sql)
        if names_table(alteration.table, change.dataset.name)
    ]
    columns = _by_statement(change.columns, [alteration for _, alteration in told])
    columns = _by_lineage(reader, change, columns)
    named = {c.column for c in columns} | {c.now for c in columns}
    culprit = next((run for run, alteration in told if alteration.column in named or alteration.now in named), None)
    statement = next((a.statement for run, a in told if run is culprit), "")
    if culprit is None:
        first = reader.first_run(change.after)
        culprit = next((run for run in writers if run.run_id == first), None)
    others = tuple(run for run in writers if culprit is None or run.run_id != culprit.run_id)
    return replace(change, columns=columns, culprit=culprit, statement=statement, others=others)


def change_by_statement(
    reader: LineageReader, dataset: LineageDataset, column: str, after: SchemaVersion
) -> SchemaChange | None:
    """Return what a statement did to a column that the data set lacks, although no version with it was ever seen."""
    for run in reader.writers_between(dataset.id, BEGINNING, after.last_seen):
        for done in alterations(run.sql):
            if done.column.lower() == column.lower() and names_table(done.table, dataset.name):
                told = ColumnChange(
                    kind=done.kind, column=column, was=column, now=done.now, evidence=f"statement: {done.statement}"
                )
                return SchemaChange(
                    dataset=dataset, before=None, after=after, columns=(told,), culprit=run, statement=done.statement
                )
    return None


def schema_shape(version: SchemaVersion, role: str, name: str = "") -> DataShape:
    """Return a schema as a shape: columns and types, no records counted."""
    fields = _fields(version.columns)
    return DataShape(name=name, interval=version.last_seen, role=role, records=0, fields=fields)


def _fields(columns: Columns) -> tuple[FieldShape, ...]:
    return tuple(
        FieldShape(path=printable(column), types=(printable(kind.lower()),) if kind else (), present=0)
        for column, kind in columns
    )


def _by_statement(columns: tuple[ColumnChange, ...], told: Sequence[Alteration]) -> tuple[ColumnChange, ...]:
    for alteration in told:
        if alteration.kind == "renamed":
            columns = _renamed(columns, alteration.column, alteration.now, f"statement: {alteration.statement}")
        else:
            columns = tuple(
                replace(c, evidence=f"statement: {alteration.statement}")
                if (c.kind, c.column) == (alteration.kind, alteration.column)
                else c
                for c in columns
            )
    return columns


def _by_lineage(
    reader: LineageReader, change: SchemaChange, columns: tuple[ColumnChange, ...]
) -> tuple[ColumnChange, ...]:
    """Pair a removed with an added column when the producer makes both of exactly the same input, and no other does."""
    gone = [c.column for c in columns if c.kind == "removed"][:20]
    new = [c.column for c in columns if c.kind == "added"][:20]
    if not gone or not new:
        return columns
    sources: dict[str, set[tuple[object, str]]] = {}
    for edge in reader.column_sources([(change.dataset.id, name) for name in (*gone, *new)]):
        sources.setdefault(edge.out_column, set()).add((edge.in_dataset.id, edge.in_column))
    for old in gone:
        alike = [name for name in new if sources.get(old) and sources.get(old) == sources.get(name)]
        rivals = [name for name in gone if alike and sources.get(name) == sources.get(alike[0])]
        if len(alike) == 1 and len(rivals) == 1:
            made_of = ", ".join(sorted(name for _, name in sources[old]))
            columns = _renamed(columns, old, alike[0], f"column lineage: both are made of {made_of}")
    return columns


def _renamed(columns: tuple[ColumnChange, ...], old: str, new: str, evidence: str) -> tuple[ColumnChange, ...]:
    """Return the changes with a proved rename in place of what was thought of the two columns."""
    gone = any(c.kind in {"removed", "renamed", "possible_rename"} and c.column == old for c in columns)
    if not gone:
        return columns
    rest = [
        c
        for c in columns
        if not (c.column == old and c.kind in {"removed", "renamed", "possible_rename"})
        and not (c.column == new and c.kind == "added")
        and not (c.now == new and c.kind in {"renamed", "possible_rename"})
    ]
    return (ColumnChange(kind="renamed", column=old, was=old, now=new, evidence=evidence), *rest)


def _plain(kind: str, column: str, was: str, now: str) -> ColumnChange:
    return ColumnChange(kind=kind, column=column, was=was, now=now, evidence="the two versions")
