"""A statement that alters a table → which column it renamed, dropped, added or retyped. Also: what a query reads.

Parsed by sqlglot, which is imported only when there is a statement to parse; what it cannot parse tells nothing.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)
MAX_SQL = 20_000
_ALTERS = re.compile(r"\balter\s+table\b", re.I)


@dataclass(frozen=True, kw_only=True)
class Alteration:
    """One thing that a statement does to one column."""

    table: str
    """Lower case, dotted, as the statement names it."""
    kind: str
    """``renamed``, ``removed``, ``added`` or ``retyped``."""
    column: str
    now: str = ""
    """For ``renamed`` the new name, for ``retyped`` the new type."""
    statement: str = ""


def alterations(sql: str) -> tuple[Alteration, ...]:
    """Return what a script's ALTER TABLE statements do to columns; none when it cannot be parsed."""
    if not _ALTERS.search(sql):
        return ()
    found: list[Alteration] = []
    for statement in _parsed(sql):
        if statement is None or type(statement).__name__ not in {"Alter", "AlterTable"}:
            continue
        table = _dotted(statement.this)
        text = statement.sql()[:300]
        for action in statement.args.get("actions") or ():
            found += _of_action(action, table, text)
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What a script reads and writes, dotted names as written."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]


def tables_of(sql: str) -> Tables:
    """Return the tables that a script reads and writes; common table expressions and its own temporary tables apart."""
    reads: dict[str, None] = {}
    writes: dict[str, None] = {}
    for statement in _parsed(sql):
        if statement is not None:
            _of_statement(statement, reads, writes)
    return Tables(reads=tuple(name for name in reads if name not in writes), writes=tuple(writes))


def names_table(written: str, dataset: str) -> bool:
    """Say whether a table as a statement names it can be the data set: its last parts are the same."""
    short, whole = written.lower().split("."), dataset.lower().split(".")
    return bool(written) and whole[-len(short) :] == short


def _of_statement(statement: Any, reads: dict[str, None], writes: dict[str, None]) -> None:
    from sqlglot import exp

    target = None
    if isinstance(statement, (exp.Insert, exp.Create, exp.Merge, exp.Update, exp.Delete, exp.Alter, exp.TruncateTable)):
        target = (
            statement.this if not isinstance(statement, exp.TruncateTable) else next(iter(statement.expressions), None)
        )
        if isinstance(target, exp.Schema):
            target = target.this
    if isinstance(target, exp.Table) and (name := _dotted(target)):
        writes[name] = None
    hidden = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        name = _dotted(table)
        if table is not target and name and name not in hidden:
            reads[name] = None


def _of_action(action: Any, table: str, text: str) -> list[Alteration]:
    kind = type(action).__name__
    if kind == "RenameColumn":
        return [
            Alteration(table=table, kind="renamed", column=action.this.name, now=action.args["to"].name, statement=text)
        ]
    if kind == "AlterColumn" and action.args.get("dtype"):
        return [
            Alteration(
                table=table, kind="retyped", column=action.name, now=action.args["dtype"].sql().lower(), statement=text
            )
        ]
    if kind == "Drop":
        gone = action.args.get("tables") or [action.this]
        return [Alteration(table=table, kind="removed", column=c.name, statement=text) for c in gone if c is not None]
    if kind == "ColumnDef":
        return [Alteration(table=table, kind="added", column=action.name, statement=text)]
    if kind == "Schema":
        return [a for part in action.expressions for a in _of_action(part, table, text)]
    return []


def _parsed(sql: str) -> list[Any]:
    import sqlglot
    from sqlglot.errors import SqlglotError

    # It warns of every statement that it passes through unparsed; that is no news to anybody here.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        return list(sqlglot.parse(sql[:MAX_SQL]))
    except (SqlglotError, RecursionError) as error:
        log.debug("A statement could not be parsed, so it tells nothing: %s", error)
        return []


def _dotted(table: Any) -> str:
    parts = [part.name for part in getattr(table, "parts", ())] if table is not None else []
    return ".".join(part.lower() for part in parts if part)
