"""Rendered SQL and log lines of the failed tasks → the tables that they read, and the columns compared with a date.

Only names leave this module. SQL that does not parse, or is no query, is left out: a guess would read a wrong table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from airflow_agentic.records import SourceReport, Target

SQL_LIMIT = 50_000
"""Characters of one text that are parsed; generated SQL can be far longer."""
_SQL = re.compile(
    r"(?:\bselect\b.*\bfrom\b|\binsert\s+into\b|\bmerge\s+into\b|\bdelete\s+from\b|\bupdate\b.*\bset\b)", re.I | re.S
)
_SAID = re.compile(
    r"(?:Running statement|Executing|execute|SQL)\s*:?\s*"
    r"(?P<sql>(?:with|select|insert|merge|delete|update|create)\b.+)",
    re.I | re.S,
)
_PARAMETERS = re.compile(r",\s*parameters:.*$", re.S)
_DATED = re.compile(r"^\d{4}-?\d{2}-?\d{2}")
_MISSING = re.compile(r"(?:no such table: |relation \"|Table '|table or view )(?P<name>[\w.\"]+)")


@dataclass(frozen=True, kw_only=True)
class TableRead:
    """A table as SQL names it."""

    schema: str
    """Empty: the connection's own."""
    name: str
    dated: tuple[str, ...] = ()
    """Its columns that the SQL compares with a date, where that is certain."""

    @property
    def full(self) -> str:
        """The name as people write it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


def tables_read(target: Target, so_far: SourceReport) -> tuple[TableRead, ...]:
    """Return the tables that the failed tasks read, in the order in which their SQL names them; at most 20."""
    found: dict[tuple[str, str], set[str]] = {}
    for sql in _statements(target, so_far):
        for table, dated in _of(sql):
            found.setdefault(table, set()).update(dated)
    for error in so_far.errors:
        for match in _MISSING.finditer(error.message):
            schema, _, name = match["name"].replace('"', "").rpartition(".")
            found.setdefault((schema, name), set())
    tables = (TableRead(schema=s, name=n, dated=tuple(sorted(dated))) for (s, n), dated in found.items())
    return tuple(tables)[:20]


def _statements(target: Target, so_far: SourceReport) -> Iterator[str]:
    for run in target.failed:
        yield from (value for _, value in run.rendered if _SQL.search(value[:SQL_LIMIT]))
    for evidence in so_far.evidence:
        if evidence.source == "task_log":
            for line in evidence.body.splitlines():
                match = _SAID.search(line)
                if match:
                    yield _PARAMETERS.sub("", match["sql"])


def _of(sql: str) -> Iterable[tuple[tuple[str, str], tuple[str, ...]]]:
    """Yield each table that one text of SQL reads, with the columns that it compares with a date."""
    try:
        parsed = [tree for tree in sqlglot.parse(sql[:SQL_LIMIT]) if tree is not None]
    except (SqlglotError, RecursionError, ValueError):
        return
    for tree in parsed:
        defined = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
        written = _written(tree)
        tables = [t for t in tree.find_all(exp.Table) if t.name and t is not written and t.name.lower() not in defined]
        for table in tables:
            yield (table.db, table.name), tuple(_dated(tree, table, alone=len(tables) == 1))


def _written(tree: exp.Expr) -> object:
    """Return the table that a statement writes and does not read."""
    if not isinstance(tree, exp.Insert | exp.Create):
        return None
    target = tree.this
    return target.this if isinstance(target, exp.Schema) else target


def _dated(tree: exp.Expr, table: exp.Table, *, alone: bool) -> Iterator[str]:
    for comparison in tree.find_all(exp.EQ, exp.GTE, exp.GT, exp.LT, exp.LTE, exp.Between):
        columns = list(comparison.find_all(exp.Column))
        literals = [item for item in comparison.find_all(exp.Literal) if item.is_string and _DATED.match(item.name)]
        if (
            len(columns) == 1
            and literals
            and (columns[0].table in {table.alias, table.name} or (alone and not columns[0].table))
        ):
            yield columns[0].name
