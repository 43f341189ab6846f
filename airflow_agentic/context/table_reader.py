"""One database, read only → columns, keys and rows of a table for one day, as records for `shapes`. No value is kept.

Every statement is a SELECT that SQLAlchemy builds from names that the database itself has listed, is checked by
sqlglot before it is sent, and runs in a read-only transaction with a time limit. A dialect for which we know no
read-only transaction is refused.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock
from difflib import get_close_matches
from typing import Any

import sqlglot
from sqlalchemy import Column, MetaData, Table, and_, func, inspect, literal, select, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import Select
from sqlalchemy.types import Date, DateTime, Integer, String
from sqlglot import exp

from airflow_agentic.context.landed_files import Unreadable
from airflow_agentic.context.table_names import TableRead

MAX_ROWS = 20_000
MAX_COLUMNS = 300
_DATE_WORDS = """
ds dt date day partition_date load_date event_date business_date logical_date snapshot_date report_date loaded_at
created_at updated_at event_time ordered_at ts
"""
_DATE_NAMES = tuple(_DATE_WORDS.split())
"""Columns that name a row's interval where the SQL does not tell, likeliest first."""
_CATALOGUES = frozenset({"information_schema", "performance_schema", "pg_catalog", "mysql", "sys"})


@dataclass(frozen=True, kw_only=True)
class FoundTable:
    """A table as its database knows it."""

    schema: str | None
    name: str
    columns: tuple[tuple[str, Any], ...]
    """Name and SQLAlchemy type, in order."""
    key: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What one day's rows were read into."""

    records: list[dict[str, Any]] = field(repr=False)
    total: int
    """Rows in all; more than are in *records* where the cap was reached."""


class TableReader:
    """Reads one database."""

    def __init__(self, engine: Engine, *, timeout_s: float = 10.0, max_rows: int = MAX_ROWS) -> None:
        self._engine, self._timeout_s, self._max_rows = engine, timeout_s, max_rows

    def look(self) -> int:
        """Return how many tables and views the account sees, asked within a transaction that cannot write.

        :raises Unreadable: the database does not answer, or no read-only transaction is known for it.
        """
        try:
            with self._read_only() as connection:
                connection.execute(_checked(select(literal(1)), connection)).scalar_one()
                seen = inspect(connection)
                schemas = [s for s in seen.get_schema_names() if s not in _CATALOGUES]
                return sum(len([*seen.get_table_names(schema=s), *seen.get_view_names(schema=s)]) for s in schemas)
        except SQLAlchemyError as error:
            raise Unreadable(f"does not answer: {type(error).__name__}") from error

    def find(self, wanted: TableRead) -> FoundTable | tuple[str, ...]:
        """Return the table, or names of tables there that are written nearly alike.

        :raises Unreadable: the database does not answer.
        """
        try:
            seen = inspect(self._engine)
            schema = wanted.schema or None
            if schema and schema not in seen.get_schema_names():
                schema = next((s for s in seen.get_schema_names() if s.lower() == schema.lower()), None) or ""
            names = [*seen.get_table_names(schema=schema), *seen.get_view_names(schema=schema)] if schema != "" else []
            name = next((n for n in names if n == wanted.name), None) or next(
                (n for n in names if n.lower() == wanted.name.lower()), None
            )
            if name is None:
                return tuple(get_close_matches(wanted.name, names, n=3, cutoff=0.6))
            columns = tuple((c["name"], c["type"]) for c in seen.get_columns(name, schema=schema))[:MAX_COLUMNS]
            key = tuple(seen.get_pk_constraint(name, schema=schema).get("constrained_columns") or ())
        except SQLAlchemyError as error:
            raise Unreadable(f"does not answer: {type(error).__name__}") from error
        return FoundTable(schema=schema, name=name, columns=columns, key=key)

    def date_column(self, found: FoundTable, told: tuple[str, ...]) -> str | None:
        """Return the column that tells a row's interval: one that the SQL compares with a date, else by its name."""
        names = {name.lower(): name for name, _ in found.columns}
        for wanted in (*told, *_DATE_NAMES):
            if wanted.lower() in names:
                return names[wanted.lower()]
        dates = [name for name, kind in found.columns if isinstance(kind, Date)]
        return dates[0] if len(dates) == 1 else None

    def rows(self, found: FoundTable, day: date | None, column: str | None) -> Rows:
        """Return a day's rows, at most `MAX_ROWS` of them; all days' where there is no *column*.

        :raises Unreadable: the database refuses, or takes longer than it may.
        """
        table = Table(found.name, MetaData(), *(Column(n, t) for n, t in found.columns), schema=found.schema)
        where = _on(table.c[column], day) if column and day else None
        counting: Select[Any] = select(func.count()).select_from(table)
        reading: Select[Any] = select(*table.columns).limit(self._max_rows)
        if where is not None:
            counting, reading = counting.where(where), reading.where(where)
        try:
            with self._read_only() as connection:
                total = int(connection.execute(_checked(counting, connection)).scalar_one())
                result = connection.execute(_checked(reading, connection))
                records = [{k: _plain(v) for k, v in row.items()} for row in result.mappings()]
        except SQLAlchemyError as error:
            raise Unreadable(f"could not be read: {type(error).__name__}") from error
        return Rows(records=records, total=total)

    @contextmanager
    def _read_only(self) -> Iterator[Connection]:
        """Open a transaction that the database itself keeps from writing, with a limit of time for each statement."""
        dialect = self._engine.dialect.name
        if dialect not in {"sqlite", "postgresql", "redshift", "mysql", "mariadb"}:
            raise Unreadable(f"is of dialect {dialect!r}, for which no read-only transaction is known")
        with self._engine.connect() as connection:
            milliseconds = int(self._timeout_s * 1000)
            if dialect == "sqlite":
                raw: Any = connection.connection.driver_connection
                until = time.monotonic() + self._timeout_s
                raw.set_progress_handler(lambda: int(time.monotonic() > until), 10_000)
                connection.execute(text("PRAGMA query_only = ON"))
            elif dialect in {"postgresql", "redshift"}:
                connection.execute(text("SET TRANSACTION READ ONLY"))
                connection.execute(text(f"SET LOCAL statement_timeout = {milliseconds}"))
            else:
                connection.execute(text("SET SESSION TRANSACTION READ ONLY"))
                connection.execute(text(f"SET SESSION max_execution_time = {milliseconds}"))
                connection.commit()
            try:
                yield connection
            finally:
                connection.rollback()
                if dialect == "sqlite":
                    connection.execute(text("PRAGMA query_only = OFF"))
                    raw.set_progress_handler(None, 0)


def _on(column: Column[Any], day: date) -> Any:
    """Return the condition that a row is of that day, in the form that the column has."""
    if isinstance(column.type, DateTime):
        start = datetime.combine(day, clock())
        return and_(column >= start, column < start + timedelta(days=1))
    if isinstance(column.type, Date):
        return column == day
    if isinstance(column.type, Integer):
        return column == int(day.strftime("%Y%m%d"))
    if isinstance(column.type, String):
        return column.like(f"{day.isoformat()}%") | (column == day.strftime("%Y%m%d"))
    return func.date(column) == day.isoformat()


def _checked(query: Select[Any], connection: Connection) -> Select[Any]:
    """Return the query if it is one SELECT and nothing else.

    :raises Unreadable: it is not.
    """
    dialect = {"postgresql": "postgres", "mariadb": "mysql"}.get(connection.dialect.name, connection.dialect.name)
    compiled = str(query.compile(connection, compile_kwargs={"render_postcompile": True}))
    try:
        trees = sqlglot.parse(compiled, dialect=dialect)
    except sqlglot.errors.SqlglotError as error:
        raise Unreadable("has a name that cannot be queried safely") from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Select) or trees[0].find(exp.Into, exp.Lock) is not None:
        raise Unreadable("has a name that cannot be queried safely")
    return query


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int, float, list, dict)):
        return value
    if isinstance(value, (bytes, memoryview)):
        return "(binary)"
    as_number = getattr(value, "as_tuple", None)
    return float(value) if as_number else str(value)
