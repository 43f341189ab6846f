"""Tables that the failed tasks read → their shapes for the failing and the last good interval, and what differs.

Only connections that the scope names in ``data_connections`` are opened, by `investigate` alone, read-only. Shapes and
counts are told, never a value, but for columns that the scope names in ``shown_columns``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from fnmatch import fnmatchcase

from sqlalchemy.engine import Engine

from airflow_agentic.context.intervals import day_before, instants
from airflow_agentic.context.landed_files import Unreadable
from airflow_agentic.context.table_names import TableRead, tables_read
from airflow_agentic.context.table_reader import FoundTable, Rows, TableReader
from airflow_agentic.errors import SettingsError
from airflow_agentic.records import DataShape, Evidence, Gap, SourceReport, Target, Trust
from airflow_agentic.shapes import difference, printable, shape

MAX_TABLES = 8
MAX_SECONDS = 60
SHOWN_VALUES = 5


class TablesSource:
    """Shapes of tables."""

    name = "tables"

    def __init__(
        self,
        connections: tuple[str, ...],
        engine: Callable[[str], Engine],
        *,
        shown_columns: tuple[str, ...] = (),
        timeout_s: float = 10.0,
    ) -> None:
        """Keep how to reach the databases; nothing is opened before `read`.

        :param engine: opens the database of a connection id.
        :param shown_columns: globs such as ``raw.orders.status``: columns whose commonest values may be told.
        """
        self._connections, self._engine = connections, engine
        self._shown, self._timeout_s = shown_columns, timeout_s

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return the shapes of the tables that the failed tasks read."""
        wanted = tables_read(target, so_far)
        if not wanted:
            return SourceReport(gaps=(self._gap("no table is named by the failed tasks' SQL: no table was read"),))
        gaps: list[Gap] = []
        readers = list(self._readers(gaps))
        evidence: list[Evidence] = []
        shapes: list[DataShape] = []
        until = time.monotonic() + MAX_SECONDS
        for number, table in enumerate(wanted):
            if number >= MAX_TABLES or time.monotonic() > until:
                gaps.append(self._gap(f"{len(wanted) - number} more tables were not read"))
                break
            for item in self._one(table, readers, target, gaps):
                if isinstance(item, Evidence):
                    evidence.append(item)
                else:
                    shapes.append(item)
        return SourceReport(evidence=tuple(evidence), shapes=tuple(shapes), gaps=tuple(dict.fromkeys(gaps)))

    def _readers(self, gaps: list[Gap]) -> Iterator[tuple[str, TableReader]]:
        for conn_id in self._connections:
            try:
                yield conn_id, TableReader(self._engine(conn_id), timeout_s=self._timeout_s)
            except SettingsError as error:
                gaps.append(self._gap(str(error)))

    def _one(
        self, table: TableRead, readers: list[tuple[str, TableReader]], target: Target, gaps: list[Gap]
    ) -> Iterator[Evidence | DataShape]:
        alike: dict[str, tuple[str, ...]] = {}
        for conn_id, reader in readers:
            try:
                found = reader.find(table)
                if isinstance(found, FoundTable):
                    yield from self._shapes(table, found, reader, target, gaps)
                    return
                alike[conn_id] = found
            except Unreadable as error:
                gaps.append(self._gap(f"table {printable(table.full)!r} in connection {conn_id!r} {error}"))
        if alike:
            near = sorted({printable(name) for names in alike.values() for name in names})
            hint = f"; written nearly alike: {', '.join(near)}" if near else ""
            said = f"There is no table {printable(table.full)} in {', '.join(alike)}{hint}."
            yield _evidence(f"Table {printable(table.full)} is not there", said, target)

    def _shapes(
        self, table: TableRead, found: FoundTable, reader: TableReader, target: Target, gaps: list[Gap]
    ) -> Iterator[Evidence | DataShape]:
        column, name = reader.date_column(found, table.dated), printable(table.full)
        failing, good = _days(target)
        if column is None or failing is None or good is None or failing == good:
            rows = reader.rows(found, None, None)
            now = shape(_known(rows.records, found), name=name, interval="now", role="failing")
            yield now
            yield _evidence(
                f"Table {name} as it is now: {rows.total} rows", "\n".join(_described(now, found, rows)), target
            )
            yield from self._values(name, rows, target)
            gaps.append(self._gap(f"table {name!r} has no column that tells its days: it is known as it is now only"))
            return
        bad, fine = reader.rows(found, failing, column), reader.rows(found, good, column)
        now = shape(_known(bad.records, found), name=name, interval=failing.isoformat(), role="failing")
        was = shape(_known(fine.records, found), name=name, interval=good.isoformat(), role="good")
        yield now
        yield was
        counted = bad.total == len(bad.records) and fine.total == len(fine.records)
        changes = [c for c in difference(was, now) if counted or c.kind != "volume"]
        lines = [f"rows with {printable(column)} on {good}: {fine.total}; on {failing}: {bad.total}"]
        lines += [f"- {c.kind}: {c.detail}" for c in changes] or ["- the same shape on both days"]
        title = f"Table {name}: {len(changes)} differences from {good} (good) to {failing} (failing)"
        yield _evidence(title, "\n".join([*lines, *_described(now, found, bad)[:1]]), target)
        yield from self._values(name, bad, target)

    def _values(self, name: str, rows: Rows, target: Target) -> Iterator[Evidence]:
        """Yield the commonest values of the columns that may be shown."""
        columns = list(rows.records[0]) if rows.records else []
        for column in columns:
            if any(fnmatchcase(f"{name}.{column}".lower(), glob.lower()) for glob in self._shown):
                common = Counter(str(record[column])[:80] for record in rows.records).most_common(SHOWN_VALUES)
                said = "\n".join(f"{value!r}: {count} rows" for value, count in common)
                yield _evidence(f"Commonest values of {name}.{printable(column)}", said, target)

    def _gap(self, reason: str) -> Gap:
        return Gap(source=self.name, reason=reason[:500])


def _days(target: Target) -> tuple[date | None, date | None]:
    failing = instants(target.run)
    good = instants(target.last_good) if target.last_good else tuple(day_before(moment) for moment in failing)
    return (failing[0].date() if failing else None, good[0].date() if good else None)


def _known(records: list[dict[str, object]], found: FoundTable) -> list[dict[str, object]]:
    """Return the rows; of an empty table none, so that its columns are not taken for lost ones."""
    return [{name: record.get(name) for name, _ in found.columns} for record in records]


def _described(now: DataShape, found: FoundTable, rows: Rows) -> list[str]:
    """Return a line of columns and types, and one for each column's nulls, distinct values and range."""
    kinds = ", ".join(f"{printable(name)} {str(kind)[:40]}" for name, kind in found.columns)
    key = f"; primary key {', '.join(map(printable, found.key))}" if found.key else ""
    lines = [f"columns: {kinds}{key}"]
    capped = f" of the first {len(rows.records)} rows" if rows.total > len(rows.records) else ""
    for item in now.fields:
        distinct = f", {item.distinct} distinct" if item.distinct is not None else ""
        spread = f", {item.low:g} to {item.high:g}" if item.low is not None and item.high is not None else ""
        lines.append(f"- {item.path}: {item.nulls} null{distinct}{spread}{capped}")
    return lines


def _evidence(title: str, body: str, target: Target) -> Evidence:
    # Names of columns are chosen by whoever owns the database: strangers, to us.
    return Evidence(
        id="", source="tables", title=title, body=body, observed_at=target.incident.last_seen, trust=Trust.UNTRUSTED
    )
