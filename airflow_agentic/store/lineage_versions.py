"""Data sets → the schemas that they have had, newest first; a schema's columns are read once in a process."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from airflow_agentic.records.lineage import NodeId, SchemaVersion
from airflow_agentic.store.lineage_asking import Asking
from airflow_agentic.store.lineage_rows import moment, schema_columns
from airflow_agentic.store.lineage_statements import (
    ASK_SCHEMAS,
    ASK_VERSIONS_POSTGRES,
    ASK_VERSIONS_SQLITE,
    VERSION_CAP,
)

Columns = tuple[tuple[str, str], ...]
Schemas = dict[int, Columns]
_MOST_SCHEMAS = 4_096


def schema_versions(
    asking: Asking, dataset_ids: Sequence[NodeId], until: int, kept: Schemas
) -> tuple[SchemaVersion, ...]:
    """Return every schema seen before *until* (microseconds), the last seen first; at most 10 of a data set and class.

    :param kept: columns by the schema's id, which stands for them for ever; what is read is added.
    """
    statement = ASK_VERSIONS_SQLITE if asking.sqlite else ASK_VERSIONS_POSTGRES
    rows = asking.ask(statement, {"ids": list(dataset_ids), "until": until})
    if len({row[:3] for row in rows}) < len(rows):
        rows = _of_aliases(rows)
    ordered = [(-min(last, until), -first, schema, dataset, kind) for dataset, kind, schema, first, last in rows]
    ordered.sort()
    found, room = [], dict.fromkeys(((one[3], one[4]) for one in ordered), VERSION_CAP)
    for one in ordered:
        if left := room[one[3], one[4]]:
            room[one[3], one[4]] = left - 1
            found.append(one)
    columns = _columns(asking, {one[2] for one in found}, kept)
    return tuple(
        SchemaVersion(
            dataset_id=dataset,
            schema_id=schema,
            source_class="declared" if kind else "observed",
            first_seen=moment(-first),
            last_seen=moment(-last),
            columns=columns.get(schema, ()),
        )
        for last, first, schema, dataset, kind in found
    )


def _of_aliases(rows: Iterable[Any]) -> list[Any]:
    """Return one row for each schema of a data set, whichever of its aliases had it."""
    seen: dict[tuple[Any, ...], tuple[int, int]] = {}
    for dataset, kind, schema, first, last in rows:
        known = seen.get((dataset, kind, schema), (first, last))
        seen[dataset, kind, schema] = min(first, known[0]), max(last, known[1])
    return [(*key, first, last) for key, (first, last) in seen.items()]


def _columns(asking: Asking, schema_ids: Collection[int], kept: Schemas) -> Mapping[int, Columns]:
    found = {key: columns for key in schema_ids if (columns := kept.get(key)) is not None}
    if missing := [key for key in schema_ids if key not in found]:
        new = {key: schema_columns(text) for key, text in asking.ask(ASK_SCHEMAS, {"ids": missing})}
        if len(kept) + len(new) > _MOST_SCHEMAS:
            kept.clear()
        kept.update(new)
        found.update(new)
    return found
