"""A data set's facets → its schema, column lineage, row counts and assertions.

They are the bulk of an event and repeat from run to run: bytes that were read before are not read again. Where row
counts or checks differ from run to run, schema and column lineage are compared with the latest ones of the data set.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Generic, TypeVar

from airflow_agentic.errors import BadEvent
from airflow_agentic.lineage.normalize import Dataset, Namer, checked, field_id, masked, schema_id, storable
from airflow_agentic.lineage.parts import Remembered
from airflow_agentic.lineage.payload import MOST_DEPTH, parse_value

OBSERVED, DECLARED = 0, 1
_MOST_FIELDS = 100_000
_CHECK = ("assertion", "column", "name", "expected", "actual")
_DEPTH = 20
Value = TypeVar("Value")


@dataclass(frozen=True)
class Schema:
    """Columns as one producer knows them."""

    id: int
    source_class: int
    fields: str
    """JSON: a list of [name, type or null]."""


@dataclass(frozen=True)
class Columns:
    """Which column is made of which."""

    number: int
    """Tells this object from every other of this process."""
    datasets: tuple[Dataset, ...]
    fields: tuple[tuple[int, int, str], ...]
    """Field id, data set id, name."""
    edges: tuple[tuple[int, int], ...]
    """Out field id, in field id."""


@dataclass(frozen=True)
class DatasetFacets:
    """What one event says of one data set."""

    schema: Schema | None
    columns: Columns | None
    row_count: int | None = None
    byte_count: int | None = None
    same: tuple[Dataset, ...] = ()
    """Other names of the same data set."""
    assertions: tuple[dict[str, Any], ...] = ()
    owners: str = ""
    """JSON list of names; empty: not told."""


class DatasetReader:
    """Reads the facets of data sets.

    :param namer: gives data sets their identity.
    """

    def __init__(self, namer: Namer) -> None:
        self._namer = namer
        self._read: dict[bool, Remembered[tuple[Dataset, DatasetFacets | None]]] = {
            True: Remembered(),
            False: Remembered(),
        }
        self._schemas: _Latest[Schema | None] = _Latest()
        self._columns: _Latest[Columns | None] = _Latest()
        self._numbers = count()

    def read(self, found: object, *, schema_counts: bool) -> tuple[Dataset, DatasetFacets | None]:
        """Return a data set and what its facets say; None when a masker wrote over its name.

        :param found: a JSON object as Python has it, or its bytes.
        :param schema_counts: False where the schema is that from before the run.
        :raises BadEvent: a name cannot be stored, or the bytes are no JSON.
        """
        if not isinstance(found, bytes):
            return self._dataset(found, schema_counts=schema_counts)
        remembered = self._read[schema_counts]
        known = remembered.get(found)
        if known is None:
            known = self._dataset(parse_value(found, MOST_DEPTH - 2), schema_counts=schema_counts)
            if known[1] is None or (known[1].row_count is None and not known[1].assertions):  # else of one run only
                remembered.keep(found, known)
        return known

    def _dataset(self, found: object, *, schema_counts: bool) -> tuple[Dataset, DatasetFacets | None]:
        if not isinstance(found, dict):
            raise BadEvent(f"a data set is a JSON object, not {type(found).__name__}")
        dataset = self.name(found.get("namespace"), found.get("name"))
        if masked(dataset.namespace, dataset.name):
            return dataset, None
        return dataset, self._facets(found, dataset, schema_counts=schema_counts)

    def name(self, namespace: Any, name: Any) -> Dataset:
        """Return the identity of a data set. :raises BadEvent: a name cannot be stored."""
        return self._namer.dataset(checked(namespace, "a data set's namespace"), checked(name, "a data set's name"))

    def _facets(self, found: dict[str, Any], dataset: Dataset, *, schema_counts: bool) -> DatasetFacets:
        facets = found.get("facets")
        facets = facets if isinstance(facets, dict) else {}
        # Checks and counts stand here or there, by producer and version.
        beside = [facets, *(found[key] for key in ("inputFacets", "outputFacets") if isinstance(found.get(key), dict))]
        rows, size = _statistics(beside)
        return DatasetFacets(
            schema=self._schema(facets.get("schema"), dataset) if schema_counts else None,
            columns=self._column_lineage(facets.get("columnLineage"), dataset),
            row_count=rows,
            byte_count=size,
            same=self._symlinks(facets.get("symlinks"), dataset),
            assertions=_assertions(beside, dataset),
            owners=owners_of(facets.get("ownership")) if "ownership" in facets else "",
        )

    def _schema(self, facet: object, dataset: Dataset) -> Schema | None:
        fields = facet.get("fields") if isinstance(facet, dict) else None
        if not isinstance(fields, list) or not fields:
            return None
        return self._schemas.of(dataset, fields, lambda: _read_schema(fields))

    def _column_lineage(self, facet: object, dataset: Dataset) -> Columns | None:
        fields = facet.get("fields") if isinstance(facet, dict) else None
        if not isinstance(fields, dict) or not fields:
            return None
        return self._columns.of(dataset, fields, lambda: self._read_columns(fields, dataset))

    def _read_columns(self, fields: dict[str, Any], dataset: Dataset) -> Columns | None:
        datasets: dict[int, Dataset] = {}
        named: dict[int, tuple[int, int, str]] = {}
        edges: dict[tuple[int, int], None] = {}
        for out_name, sources in fields.items():
            inputs = sources.get("inputFields") if isinstance(sources, dict) else None
            for source in inputs if isinstance(inputs, list) else ():
                if not isinstance(source, dict):
                    continue
                other = self.name(source.get("namespace"), source.get("name"))
                in_name = source.get("field")
                if not isinstance(in_name, str) or not in_name or masked(out_name, in_name, other.name):
                    continue
                checked(out_name, "a column's name")
                checked(in_name, "a column's name")
                out_field, in_field = field_id(dataset.id, out_name), field_id(other.id, in_name)
                named[out_field] = (out_field, dataset.id, out_name)
                named[in_field] = (in_field, other.id, in_name)
                datasets[other.id] = other
                edges[out_field, in_field] = None
        if not edges:
            return None
        return Columns(next(self._numbers), tuple(datasets.values()), tuple(named.values()), tuple(edges))

    def _symlinks(self, facet: object, dataset: Dataset) -> tuple[Dataset, ...]:
        found = facet.get("identifiers") if isinstance(facet, dict) else None
        if not isinstance(found, list):
            return ()
        same = [self.name(one.get("namespace"), one.get("name")) for one in found[:50] if isinstance(one, dict)]
        return tuple(one for one in same if one.id != dataset.id and not masked(one.namespace, one.name))


def owners_of(ownership: object) -> str:
    """Return the names of an ownership facet as a JSON list; empty where it names nobody."""
    found = ownership.get("owners") if isinstance(ownership, dict) else None
    names = [owner.get("name") for owner in found if isinstance(owner, dict)] if isinstance(found, list) else []
    kept = [name[:500] for name in names if isinstance(name, str) and name][:100]
    return texts(kept) if kept else ""


def texts(value: object) -> str:
    """Return *value* as compact JSON text that both databases take."""
    return storable(json.dumps(value, ensure_ascii=False, separators=(",", ":"))).replace("\\u0000", "\\ufffd")


def _read_schema(fields: list[Any]) -> Schema | None:
    found: list[tuple[str | None, str | None]] = []
    typed = _flatten(fields, "", found, _DEPTH)
    if not found:
        return None
    written = texts(found)
    return Schema(schema_id(written), OBSERVED if typed else DECLARED, written)


def _flatten(fields: list[Any], prefix: str, found: list[tuple[str | None, str | None]], depth: int) -> bool:
    """Add columns and those within them as ``a.b``; return whether every one has a type."""
    typed = True
    for column in fields:
        name = column.get("name") if isinstance(column, dict) else None
        if not isinstance(name, str) or not name:
            continue
        name = prefix + checked(name, "a column's name")
        kind = column.get("type")
        kind = storable(kind) if isinstance(kind, str) and kind.strip() else None
        typed = typed and kind is not None
        found.append((None if masked(name) else name, None if kind is None or masked(kind) else kind))
        inner = column.get("fields")
        if isinstance(inner, list) and inner and depth:
            typed = _flatten(inner, f"{name}.", found, depth - 1) and typed
    return typed


def _statistics(facets: list[dict[str, Any]]) -> tuple[int | None, int | None]:
    rows: list[int] = []
    sizes: list[int] = []
    for name in ("outputStatistics", "inputStatistics", "dataQualityMetrics"):
        for one in facets:
            found = one.get(name)
            if isinstance(found, dict):
                rows += _whole(found.get("rowCount"))
                sizes += _whole(found.get("size", found.get("bytes")))
    return (rows[0] if rows else None), (sizes[0] if sizes else None)


def _assertions(facets: list[dict[str, Any]], dataset: Dataset) -> tuple[dict[str, Any], ...]:
    found: list[dict[str, Any]] = []
    for one in facets:
        checks = one.get("dataQualityAssertions")
        listed = checks.get("assertions") if isinstance(checks, dict) else None
        for check in listed[:200] if isinstance(listed, list) else ():
            if isinstance(check, dict) and isinstance(check.get("success"), bool):
                said = {name: str(check[name])[:500] for name in _CHECK if check.get(name) is not None}
                found.append({"dataset": dataset.name, **said, "success": check["success"]})
    return tuple(found)


def _whole(value: object) -> list[int]:
    return [value] if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else []


class _Latest(Generic[Value]):
    """What the latest fields of each data set were read as; forgets all when the fields become too many."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], tuple[object, Value]] = {}
        self._room = _MOST_FIELDS

    def of(self, dataset: Dataset, fields: list[Any] | dict[str, Any], read: Callable[[], Value]) -> Value:
        key = (dataset.id, len(fields))
        known = self._kept.get(key)
        if known is not None and known[0] == fields:
            return known[1]
        self._room -= len(fields)
        if self._room < 0:
            self._kept.clear()
            self._room = _MOST_FIELDS - len(fields)
        value = read()
        self._kept[key] = (fields, value)
        return value
