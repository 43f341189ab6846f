"""What became of the fixes that were published: one row per pull request, named by the incident it was opened for.

It fulfils the port `Fixes`. Several incidents of one cause share a pull request, and so a row.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from airflow_agentic.records import FixRecord, FixState, TrackRecord
from airflow_agentic.store.database import Database
from airflow_agentic.store.incidents import storable
from airflow_agentic.store.tables import FIXES


class SqlFixes:
    """The port `Fixes` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def opened(self, fix: FixRecord) -> None:
        """Store it, unless this pull request, still open, is stored already: same repository and fingerprint."""
        same = select(FIXES.c.incident_id).where(
            FIXES.c.repository == fix.repository,
            FIXES.c.fingerprint == fix.fingerprint,
            FIXES.c.state == FixState.OPEN.value,
        )
        insert = sqlite.insert if self._database.sqlite else postgresql.insert
        with self._database.write() as connection:
            self._database.exclusively(connection, "fixes")
            if connection.execute(same).first() is None:
                connection.execute(insert(FIXES).values(_row(fix)).on_conflict_do_nothing())

    def save(self, fix: FixRecord) -> None:
        """Store it in place of the one of the same incident."""
        insert = sqlite.insert if self._database.sqlite else postgresql.insert
        written = insert(FIXES).values(_row(fix))
        rest = {name: written.excluded[name] for name in asdict(fix) if name != "incident_id"}
        with self._database.write() as connection:
            connection.execute(written.on_conflict_do_update(index_elements=[FIXES.c.incident_id], set_=rest))

    def get(self, incident_id: str) -> FixRecord | None:
        """Return the fix that was opened for an incident, or None."""
        with self._database.read() as connection:
            row = connection.execute(select(FIXES).where(FIXES.c.incident_id == incident_id)).first()
        return _fix(row) if row else None

    def list(self, *states: FixState, dag_id: str | None = None) -> tuple[FixRecord, ...]:
        """Return those in any of *states* (none given: all), oldest first."""
        chosen = select(FIXES).order_by(FIXES.c.updated_at, FIXES.c.incident_id)
        if states:
            chosen = chosen.where(FIXES.c.state.in_([state.value for state in states]))
        if dag_id is not None:
            chosen = chosen.where(FIXES.c.dag_id == dag_id)
        with self._database.read() as connection:
            return tuple(_fix(row) for row in connection.execute(chosen))

    def track_record(self, dag_id: str) -> TrackRecord:
        """Return how many fixes of the Dag came to what."""
        counted = (
            select(FIXES.c.state, func.count().label("fixes")).where(FIXES.c.dag_id == dag_id).group_by(FIXES.c.state)
        )
        with self._database.read() as connection:
            return TrackRecord(dag_id=dag_id, **{row.state: row.fixes for row in connection.execute(counted)})


def _row(fix: FixRecord) -> dict[str, Any]:
    return {**asdict(fix), "state": fix.state.value, "detail": storable(fix.detail)}


def _fix(row: Any) -> FixRecord:
    return FixRecord(**{**row._asdict(), "state": FixState(row.state)})
