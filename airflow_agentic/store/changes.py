"""What was published, per repository and fingerprint: the local forge's pull requests and issues.

It fulfils the port `Changes`: ``find(repository, fingerprint, kind)``, ``save(change)`` (number 0 is given the
repository's next number, pull requests and issues counted together) and ``list(repository)``.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from airflow_agentic.records import PublishedChange
from airflow_agentic.store.database import Database
from airflow_agentic.store.incidents import storable
from airflow_agentic.store.tables import CHANGES


class SqlChanges:
    """The port `Changes` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, repository: str, fingerprint: str, kind: str) -> PublishedChange | None:
        """Return what was published for that cause, whatever its state, or None."""
        chosen = select(CHANGES).where(
            CHANGES.c.repository == repository, CHANGES.c.fingerprint == fingerprint, CHANGES.c.kind == kind
        )
        with self._database.read() as connection:
            row = connection.execute(chosen).mappings().first()
        return PublishedChange(**row) if row else None

    def save(self, change: PublishedChange) -> PublishedChange:
        """Store *change* in place of the one of its repository, fingerprint and kind; return it with its number."""
        insert = sqlite.insert if self._database.sqlite else postgresql.insert
        same = (CHANGES.c.repository, CHANGES.c.fingerprint, CHANGES.c.kind)
        change = replace(change, title=storable(change.title), body=storable(change.body))
        with self._database.write() as connection:
            self._database.exclusively(connection, "changes")
            known = connection.execute(
                select(CHANGES.c.number).where(*(column == getattr(change, column.name) for column in same))
            ).scalar()
            number = known or change.number
            if not number:
                newest = select(func.max(CHANGES.c.number)).where(CHANGES.c.repository == change.repository)
                number = (connection.execute(newest).scalar() or 0) + 1
            change = replace(change, number=number)
            written = insert(CHANGES).values(asdict(change))
            rest = {name: written.excluded[name] for name in asdict(change) if name not in {c.name for c in same}}
            connection.execute(written.on_conflict_do_update(index_elements=list(same), set_=rest))
        return change

    def list(self, repository: str) -> tuple[PublishedChange, ...]:
        """Return all that was published to *repository*, highest number first."""
        chosen = select(CHANGES).where(CHANGES.c.repository == repository).order_by(CHANGES.c.number.desc())
        with self._database.read() as connection:
            return tuple(PublishedChange(**row) for row in connection.execute(chosen).mappings())
