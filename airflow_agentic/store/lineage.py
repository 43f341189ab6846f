"""Rows of lineage → the tables, by upserts that give the same result in any order and any number of times.

How two rows of one key become one is said once per table, in `_PLANS`, and used twice: by a batch before it is
written, and by the database. Rows are written in the order of their keys and tables in one order, so that two
writers never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Integer, LargeBinary, String, Table, func, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from airflow_agentic.errors import StoreError
from airflow_agentic.store import lineage_tables as tables
from airflow_agentic.store.database import Database

Row = tuple[Any, ...]
Key = tuple[Any, ...]
TERMINAL = 5
"""States from here on end a run; among them the later event holds."""
_SOME = 500


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Columns that go together: the row that is greater (or smaller) in *order* gives all of them."""

    columns: tuple[str, ...]
    greater: bool = True
    order: Callable[[list[Any]], list[Any]] | None = None
    """Of the group's own values; by itself where None."""
    order_sql: str = ""
    """The same in SQL, with {o} before each column."""


@dataclass(frozen=True, kw_only=True)
class _Plan:
    table: Table
    keys: int
    """How many of its first columns are the key."""
    least: tuple[str, ...] = ()
    most: tuple[str, ...] = ()
    """Of two values the larger; a missing one loses."""
    groups: tuple[_Group, ...] = ()


def _run_order(values: list[Any]) -> list[Any]:
    state, state_at, job_id = values
    return [min(state, TERMINAL), state_at, state, job_id]


_DAYS: dict[str, Any] = {"least": ("first_day",), "most": ("last_day",)}
_LATEST = (_Group(columns=("at", "value")),)
_PLANS: dict[str, _Plan] = {
    "jobs": _Plan(table=tables.JOBS, keys=1, least=("first_day",), most=("dag_id", "task_id", "last_day")),
    "datasets": _Plan(table=tables.DATASETS, keys=1, **_DAYS),
    "dataset_facets": _Plan(table=tables.DATASET_FACETS, keys=2, groups=_LATEST),
    "dataset_names": _Plan(table=tables.DATASET_NAMES, keys=1),
    "fields": _Plan(table=tables.FIELDS, keys=1),
    "schemas": _Plan(table=tables.SCHEMAS, keys=1),
    "job_io": _Plan(table=tables.JOB_IO, keys=3, **_DAYS),
    "column_edges": _Plan(table=tables.COLUMN_EDGES, keys=3, **_DAYS),
    "job_facets": _Plan(table=tables.JOB_FACETS, keys=2, groups=_LATEST),
    "runs": _Plan(
        table=tables.RUNS,
        keys=1,
        least=("started_at", "nominal_start"),
        most=(
            "ended_at", "last_event", "parent_run_id", "root_run_id", "af_run_id", "try_number", "max_tries",
            "map_index", "nominal_end", "partition_key",
        ),
        groups=(
            _Group(
                columns=("state", "state_at", "job_id"),
                order=_run_order,
                order_sql=f"{{least}}({{o}}.state, {TERMINAL}), {{o}}.state_at, {{o}}.state, {{o}}.job_id",
            ),
        ),
    ),
    "run_facets": _Plan(table=tables.RUN_FACETS, keys=2, groups=_LATEST),
    "run_io": _Plan(
        table=tables.RUN_IO,
        keys=3,
        most=("row_count", "byte_count"),
        groups=(_Group(columns=("schema_at", "schema_id")),),
    ),
    "schema_observations": _Plan(
        table=tables.SCHEMA_OBSERVATIONS,
        keys=4,
        groups=(
            _Group(columns=("first_at", "first_run"), greater=False),
            _Group(columns=("last_at", "last_run")),
        ),
    ),
    "partition_runs": _Plan(table=tables.PARTITION_RUNS, keys=3),
    "partitions": _Plan(table=tables.PARTITIONS, keys=3),
    "arrivals": _Plan(table=tables.ARRIVALS, keys=2, least=("first_at",), most=("last_at",)),
}  # fmt: skip
"""In the order in which they are written."""
_EVENTS = _Plan(table=tables.EVENTS, keys=1)


class Rows:
    """What a batch leaves in the tables, by table and key; two rows of one key are one."""

    def __init__(self) -> None:
        self.by_table: dict[str, dict[Key, Row]] = {name: {} for name in _PLANS}
        self.symlinks: set[tuple[int, int]] = set()
        self.partition_gaps: set[bytes] = set()
        """Runs of which one event told the partition and another what they write."""

    def add(self, table: str, row: Row) -> None:
        """Add one row, its values in the order of the table's columns."""
        rows, merge = self.by_table[table], _MERGES[table]
        key = row[: merge.keys]
        before = rows.get(key)
        rows[key] = row if before is None else merge(before, row)


class LineageWriter:
    """Writes batches of rows in one transaction each."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = {name: _statement(plan, sqlite=database.sqlite) for name, plan in _PLANS.items()}
        self._events = _statement(_EVENTS, sqlite=database.sqlite)

    def write(self, rows: Rows, event_keys: Sequence[bytes], day: int) -> int:
        """Write *rows*, all or none, and return how many of *event_keys* were new; repeating it changes nothing.

        :param event_keys: of the events that the rows are made of; if there is one and it is known, nothing is written.
        :param day: on which the events arrived, as days since 1970.
        :raises StoreError: the store is unreachable, full or locked; sending the events again is safe.
        """
        try:
            return self._write(rows, event_keys, day)
        except StoreError as error:
            if "deadlock" not in str(error):
                raise
            return self._write(rows, event_keys, day)

    def _write(self, rows: Rows, event_keys: Sequence[bytes], day: int) -> int:
        with self._database.write() as connection:
            keys = [(key, day) for key in sorted(event_keys)]
            new = connection.exec_driver_sql(self._events, self._given(_EVENTS, keys)).rowcount if keys else 0
            if len(keys) == 1 and new == 0:
                return 0
            self._insert(connection, {name: _ordered(found) for name, found in rows.by_table.items() if found})
            if rows.partition_gaps:
                self._close_partition_gaps(connection, rows.partition_gaps)
            if rows.symlinks:
                self._connect(connection, rows.symlinks)
        return int(new)

    def _insert(self, connection: Connection, by_table: Mapping[str, list[Row]]) -> None:
        """Write the rows of all tables; PostgreSQL answers once, at the end, and not a round trip a table."""
        if self._database.sqlite:
            for name, rows in by_table.items():
                connection.exec_driver_sql(self._statements[name], rows)
            return
        driver: Any = connection.connection.driver_connection
        dialect, pipelines = connection.dialect, connection.dialect.loaded_dbapi.Pipeline.is_supported()
        try:
            with driver.pipeline() if pipelines else nullcontext():  # a libpq before 14 has none
                for name, rows in by_table.items():
                    driver.execute(self._statements[name], self._given(_PLANS[name], rows))
        except dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance("INSERT", None, error, dialect.loaded_dbapi.Error, dialect=dialect) from error

    def _given(self, plan: _Plan, rows: list[Row]) -> Any:
        """Return rows as the statements take them: PostgreSQL is sent each column once, and not each row."""
        if self._database.sqlite:
            return rows
        return tuple(map(_array, plan.table.columns, zip(*rows, strict=True)))

    def known(self, event_keys: Sequence[bytes]) -> set[bytes]:
        """Return which of *event_keys* were taken in before. :raises StoreError: as `write`."""
        column = tables.EVENTS.c.event_key
        found: set[bytes] = set()
        with self._database.read() as connection:
            for start in range(0, len(event_keys), _SOME):
                chosen = select(column).where(column.in_(event_keys[start : start + _SOME]))
                found.update(bytes(key) for key in connection.execute(chosen).scalars())
        return found

    def _close_partition_gaps(self, connection: Connection, run_ids: Iterable[bytes]) -> None:
        ids = sorted(run_ids)
        mark, given = ("?", [(run_id,) for run_id in ids]) if self._database.sqlite else ("ANY(%s::bytea[])", (ids,))
        connection.exec_driver_sql(
            "INSERT INTO agentic_ol_partitions (dataset_id, partition_key, run_id) "  # noqa: S608 - the mark is ours
            "SELECT io.dataset_id, run.partition_key, run.run_id FROM agentic_ol_runs run "
            "JOIN agentic_ol_run_io io ON io.run_id = run.run_id AND io.io = 1 "
            f"WHERE run.run_id = {mark} AND run.partition_key IS NOT NULL ON CONFLICT DO NOTHING",
            given,
        )

    def _connect(self, connection: Connection, pairs: set[tuple[int, int]]) -> None:
        """Add pairs of same data sets and give each connected group its smallest id."""
        self._database.exclusively(connection, "lineage symlinks")
        links, datasets = tables.SYMLINKS, tables.DATASETS
        found = {tuple(row) for row in connection.execute(select(links.c.low_id, links.c.high_id))}
        if new := sorted(pairs - found):
            connection.execute(links.insert(), [{"low_id": low, "high_id": high} for low, high in new])
            for one, first in sorted(same_as([*found, *new]).items()):
                connection.execute(update(datasets).where(datasets.c.id == one).values(canonical_id=first))


def same_as(pairs: Iterable[Sequence[int]]) -> dict[int, int]:
    """Return for every id in *pairs* the smallest one that it is connected with."""
    above: dict[int, int] = {}

    def top(one: int) -> int:
        while above.setdefault(one, one) != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for one, other in pairs:
        low, high = sorted((top(one), top(other)))
        above[high] = low
    return {one: top(one) for one in above}


@dataclass
class _Merge:
    """Two rows of one key → one."""

    keys: int
    least: tuple[int, ...]
    most: tuple[int, ...]
    groups: tuple[tuple[tuple[int, ...], _Group], ...]
    plain: bool = field(init=False)

    def __post_init__(self) -> None:
        self.plain = not (self.least or self.most or self.groups)

    def __call__(self, one: Row, other: Row) -> Row:
        if self.plain or one == other:
            return one
        row = list(one)
        for index in self.least:
            old, new = one[index], other[index]
            if new is not None and (old is None or new < old):
                row[index] = new
        for index in self.most:
            old, new = one[index], other[index]
            if new is not None and (old is None or new > old):
                row[index] = new
        for indexes, group in self.groups:
            if _wins([one[i] for i in indexes], [other[i] for i in indexes], group):
                for index in indexes:
                    row[index] = other[index]
        return tuple(row)


def _merge(plan: _Plan) -> _Merge:
    place = {column.name: index for index, column in enumerate(plan.table.columns)}
    return _Merge(
        keys=plan.keys,
        least=tuple(place[name] for name in plan.least),
        most=tuple(place[name] for name in plan.most),
        groups=tuple((tuple(place[name] for name in group.columns), group) for group in plan.groups),
    )


def _wins(old: list[Any], new: list[Any], group: _Group) -> bool:
    if new[0] is None or old[0] is None:
        return new[0] is not None
    if group.order is not None:
        old, new = group.order(old), group.order(new)
    return new > old if group.greater else new < old


_MERGES: Mapping[str, _Merge] = {name: _merge(plan) for name, plan in _PLANS.items()}


def _ordered(rows: Mapping[Key, Row]) -> list[Row]:
    return [rows[key] for key in sorted(rows)] if len(rows) > 1 else list(rows.values())


def _statement(plan: _Plan, *, sqlite: bool) -> str:
    columns = [column.name for column in plan.table.columns]
    if sqlite:
        values = f"VALUES ({', '.join('?' * len(columns))})"
    else:
        arrays = ", ".join(_array_type(column.type) for column in plan.table.columns)
        values = f"SELECT * FROM unnest({arrays})"  # noqa: S608 - types of our own columns
    insert = f"INSERT INTO {plan.table.name} AS o ({', '.join(columns)}) {values} ON CONFLICT"
    keys = ", ".join(columns[: plan.keys])
    changes = [f"{name} = {_extreme_sql(plan, name, sqlite=sqlite, greater=False)}" for name in plan.least]
    changes += [f"{name} = {_extreme_sql(plan, name, sqlite=sqlite, greater=True)}" for name in plan.most]
    if not changes and len(plan.groups) == 1:
        # One group and nothing else: a row that loses is not written again.
        sets = ", ".join(f"{name} = excluded.{name}" for name in plan.groups[0].columns)
        return f"{insert} ({keys}) DO UPDATE SET {sets} WHERE {_wins_sql(plan, plan.groups[0], sqlite=sqlite)}"
    for group in plan.groups:
        wins = _wins_sql(plan, group, sqlite=sqlite)
        changes += [f"{name} = CASE WHEN {wins} THEN excluded.{name} ELSE o.{name} END" for name in group.columns]
    return f"{insert} ({keys}) DO UPDATE SET {', '.join(changes)}" if changes else f"{insert} DO NOTHING"


def _array(column: Any, values: tuple[Any, ...]) -> Any:
    """Return a column's values as PostgreSQL reads an array; numbers and bytes as text, ten times faster made here."""
    if isinstance(column.type, Integer):
        return "{" + str(list(values))[1:-1].replace("None", "NULL") + "}"
    if isinstance(column.type, LargeBinary):
        return "{" + ",".join(["NULL" if one is None else f'"\\\\x{one.hex()}"' for one in values]) + "}"
    return list(values)


def _array_type(kind: Any) -> str:
    name = "text" if isinstance(kind, String) else kind.compile(postgresql.dialect())  # type: ignore[no-untyped-call]
    return f"%s::{name}[]"


def _extreme_sql(plan: _Plan, name: str, *, sqlite: bool, greater: bool) -> str:
    old, new = _bytewise(plan, f"o.{name}", sqlite=sqlite), _bytewise(plan, f"excluded.{name}", sqlite=sqlite)
    if not sqlite:
        return f"{'greatest' if greater else 'least'}({old}, {new})"
    return f"coalesce({'max' if greater else 'min'}({old}, {new}), {old}, {new})"


def _wins_sql(plan: _Plan, group: _Group, *, sqlite: bool) -> str:
    def order(side: str) -> str:
        if group.order_sql:
            return group.order_sql.format(o=side, least="min" if sqlite else "least")
        return ", ".join(_bytewise(plan, f"{side}.{name}", sqlite=sqlite) for name in group.columns)

    sign, first = (">" if group.greater else "<"), group.columns[0]
    wins = f"({order('excluded')}) {sign} ({order('o')})"
    if plan.table.columns[first].nullable:
        return f"(excluded.{first} IS NOT NULL AND (o.{first} IS NULL OR {wins}))"
    return wins


def _bytewise(plan: _Plan, column: str, *, sqlite: bool) -> str:
    """Compare text by its bytes, as Python and SQLite do, and not by the language of the database."""
    is_text = isinstance(plan.table.columns[column.partition(".")[2]].type, String)
    return f'{column} COLLATE "C"' if is_text and not sqlite else column


def arrivals(database: Database) -> list[tuple[str, int, int]]:
    """Return each producer with the first and last moment of arrival, in microseconds since 1970.

    :raises StoreError: the store does not answer.
    """
    told = tables.ARRIVALS.c
    chosen = select(told.producer, func.min(told.first_at), func.max(told.last_at)).group_by(told.producer)
    with database.read() as connection:
        return [(str(producer), int(first), int(last)) for producer, first, last in connection.execute(chosen)]
