"""The statements that run a thousand times when a thousand tasks fail at once: as text, built once.

PostgreSQL locks the chain's head, reads it, makes the digest and writes the line in one statement, which is one
round trip and one commit: while the lock is held nobody waits for a network. It computes the digest with its own
``sha256`` over text that `chain.digest_parts` wrote; the caller checks what comes back. SQLite has one writer at a
time, so there the few small statements of one transaction do the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

_COLUMNS = "id, dag_id, run_id, clear_number, state, detail, first_seen, last_seen, signals, logical_date, owners, tags"
_OPENED = (
    "CAST(:incident_id AS VARCHAR), CAST(:dag_id AS VARCHAR), CAST(:run_id AS VARCHAR), "
    "CAST(:clear_number AS INTEGER), CAST(:state AS VARCHAR), CAST(:detail AS TEXT), CAST(:seen_at AS VARCHAR), "
    "CAST(:seen_at AS VARCHAR), 1, CAST(:logical_date AS VARCHAR), CAST(:owners AS TEXT), CAST(:tags AS TEXT)"
)
_FOLDED = """
ON CONFLICT (id) DO UPDATE SET
    signals = agentic_incidents.signals + 1,
    first_seen = CASE WHEN excluded.first_seen < agentic_incidents.first_seen
        THEN excluded.first_seen ELSE agentic_incidents.first_seen END,
    last_seen = CASE WHEN excluded.last_seen > agentic_incidents.last_seen
        THEN excluded.last_seen ELSE agentic_incidents.last_seen END,
    logical_date = COALESCE(agentic_incidents.logical_date, excluded.logical_date),
    owners = CASE WHEN agentic_incidents.owners = '[]' THEN excluded.owners ELSE agentic_incidents.owners END,
    tags = CASE WHEN agentic_incidents.tags = '[]' THEN excluded.tags ELSE agentic_incidents.tags END
RETURNING signals
"""
_MEMBER_COLUMNS = "incident_id, dag_id, run_id, task_id, map_index, try_number, position"
_MEMBER = (
    "CAST(:incident_id AS VARCHAR), CAST(:dag_id AS VARCHAR), CAST(:run_id AS VARCHAR), CAST(:task_id AS VARCHAR), "
    "CAST(:map_index AS INTEGER), CAST(:try_number AS INTEGER)"
)
_LINE_COLUMNS = "incident_id, sequence, at, stage, event, facts, previous, digest"

FOLD = text(f"INSERT INTO agentic_incidents ({_COLUMNS}) VALUES ({_OPENED}) {_FOLDED}")  # noqa: S608
"""Open the incident or count one more signal; gives the number of signals."""
MEMBER = text(
    f"INSERT INTO agentic_members ({_MEMBER_COLUMNS}) VALUES ({_MEMBER}, :position) ON CONFLICT DO NOTHING"  # noqa: S608
)

HEAD = text("SELECT sequence, digest FROM agentic_ledger_heads WHERE incident_id = :incident_id")
LINE = text(
    f"INSERT INTO agentic_ledger ({_LINE_COLUMNS}) "  # noqa: S608
    "VALUES (:incident_id, :sequence, :at, :stage, :event, :facts, :previous, :digest)"
)
MOVE = text(
    "INSERT INTO agentic_ledger_heads (incident_id, sequence, digest) VALUES (:incident_id, :sequence, :digest) "
    "ON CONFLICT (incident_id) DO UPDATE SET sequence = excluded.sequence, digest = excluded.digest"
)

OPEN_HEAD = text(
    "INSERT INTO agentic_ledger_heads (incident_id, sequence, digest) "
    "VALUES (:incident_id, 0, :digest) ON CONFLICT (incident_id) DO NOTHING"
)
"""PostgreSQL: a row to lock, before an incident's first line."""

_LOCKED = """head AS (
    SELECT sequence, digest FROM agentic_ledger_heads WHERE incident_id = CAST(:incident_id AS VARCHAR) FOR UPDATE
)"""
_WRITTEN = f"""line AS (
    INSERT INTO agentic_ledger ({_LINE_COLUMNS})
    SELECT CAST(:incident_id AS VARCHAR), head.sequence + 1, CAST(:at AS VARCHAR), CAST(:stage AS VARCHAR),
        CAST(:event AS VARCHAR), CAST(:facts AS TEXT), head.digest, encode(sha256(convert_to(
            CAST(:before AS TEXT) || CAST(head.sequence + 1 AS TEXT) || CAST(:between AS TEXT) || head.digest
            || CAST(:after AS TEXT), 'UTF8')), 'hex')
    FROM head RETURNING sequence, previous, digest
), moved AS (
    UPDATE agentic_ledger_heads SET sequence = line.sequence, digest = line.digest FROM line
    WHERE agentic_ledger_heads.incident_id = CAST(:incident_id AS VARCHAR)
)"""  # noqa: S608

APPEND = text(f"WITH {_LOCKED}, {_WRITTEN} SELECT sequence, previous, digest FROM line")  # noqa: S608
"""PostgreSQL: one line; gives nothing, and does nothing, when the head has no row yet."""
CAPTURE = text(
    f"""WITH {_LOCKED}, fold AS (
    INSERT INTO agentic_incidents ({_COLUMNS}) SELECT {_OPENED} FROM head {_FOLDED}
), member AS (
    INSERT INTO agentic_members ({_MEMBER_COLUMNS}) SELECT {_MEMBER}, fold.signals FROM fold
    WHERE CAST(:task_id AS VARCHAR) IS NOT NULL ON CONFLICT DO NOTHING
), {_WRITTEN} SELECT sequence, previous, digest FROM line"""  # noqa: S608
)
"""PostgreSQL: one signal and its line together; nothing of it happens when the head has no row yet."""


def run(connection: Connection, statement: TextClause, values: Mapping[str, object]) -> Any:
    """Execute one of the above with the driver itself and return its first row as a tuple, or None.

    SQLAlchemy's own way costs several times what the database needs, while seven other processes wait.
    """
    dialect = connection.dialect
    said = _as_text(statement, dialect.name)
    try:
        cursor = connection.connection.cursor()
        try:
            cursor.execute(said, dict(values))
            return cursor.fetchone() if cursor.description else None
        finally:
            cursor.close()
    except dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(said, None, error, dialect.loaded_dbapi.Error, dialect=dialect) from error


@cache
def _as_text(statement: TextClause, dialect: str) -> str:
    if dialect == "sqlite":
        return statement.text  # ``:name`` is what its driver takes too
    return str(statement.compile(dialect=postgresql.psycopg.dialect()))  # type: ignore[no-untyped-call]
