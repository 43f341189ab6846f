"""The audit on a database: append-only, one hash chain per incident.

The chain's head row is the lock: eight processes that append to one incident wait for each other there, and
those of other incidents do not. See `chain` for what a chain proves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from airflow_agentic.errors import AuditError, StoreError
from airflow_agentic.ports import Redactor
from airflow_agentic.records import LedgerEntry
from airflow_agentic.store.chain import FIRST, Head, as_json, faults, fit_facts, next_entry
from airflow_agentic.store.clock import now
from airflow_agentic.store.database import Database
from airflow_agentic.store.tables import HEADS, LEDGER

_ROWS_AT_ONCE = 2_000


class SqlLedger:
    """The port `Ledger` on a database."""

    def __init__(self, database: Database, *, redactor: Redactor | None = None) -> None:
        self._database = database
        self._redact = redactor.redact if redactor else None

    def append(self, incident_id: str, stage: str, event: str, facts: Mapping[str, object]) -> LedgerEntry:
        """Write one line and return it: its facts redacted, and cut at 4,000 characters each.

        :raises AuditError: it could not be written; stop. Clearing the task is safe once the store works again.
        """
        said = fit_facts(facts, self._redact)
        try:
            with self._database.write() as connection:
                head = self._locked_head(connection, incident_id)
                entry = next_entry(head, incident_id=incident_id, at=now(), stage=stage, event=event, facts=said)
                connection.execute(insert(LEDGER), {**vars(entry), "facts": json.dumps(entry.facts)})
                connection.execute(
                    update(HEADS).where(HEADS.c.incident_id == incident_id),
                    {"sequence": entry.sequence, "digest": entry.digest},
                )
        except StoreError as error:
            raise AuditError(
                f"Writing the ledger line {stage}/{event} of {incident_id!r} failed, so nothing goes on: {error}"
            ) from error
        return entry

    def entries(self, incident_id: str) -> tuple[LedgerEntry, ...]:
        """Return an incident's lines in order; none when it has no ledger."""
        chosen = select(LEDGER).where(LEDGER.c.incident_id == incident_id).order_by(LEDGER.c.sequence)
        with self._database.read() as connection:
            return tuple(_entry(row) for row in connection.execute(chosen))

    def export(self, incident_id: str) -> Iterator[str]:
        """Yield an incident's lines as JSON, one a line, with what `verify` needs."""
        return (as_json(entry) for entry in self.entries(incident_id))

    def verify(self, incident_id: str | None = None) -> tuple[str, ...]:
        """Recompute the chains; return one sentence per fault, none when all is well.

        A chain whose lines and head were removed together leaves no trace here: export what must outlive
        whoever may write to the database.
        """
        lines = select(LEDGER).order_by(LEDGER.c.incident_id, LEDGER.c.sequence)
        ends = select(HEADS)
        if incident_id is not None:
            lines = lines.where(LEDGER.c.incident_id == incident_id)
            ends = ends.where(HEADS.c.incident_id == incident_id)
        found: list[str] = []
        with self._database.read() as connection:
            heads = {row.incident_id: Head(sequence=row.sequence, digest=row.digest) for row in connection.execute(ends)}
            rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(lines)
            for name, chain in groupby(map(_entry, rows), key=lambda entry: entry.incident_id):
                found += faults(name, chain, heads.pop(name, None))
        for name, head in sorted(heads.items()):
            found += faults(name, (), head)
        return tuple(found)

    def _locked_head(self, connection: Connection, incident_id: str) -> Head | None:
        chosen = select(HEADS.c.sequence, HEADS.c.digest).where(HEADS.c.incident_id == incident_id).with_for_update()
        row = connection.execute(chosen).first()
        if row is None:
            # Two first lines at once: one inserts, the other waits here and then reads what the first wrote.
            opened = (sqlite.insert if self._database.sqlite else postgresql.insert)(HEADS)
            connection.execute(
                opened.values(incident_id=incident_id, sequence=0, digest=FIRST).on_conflict_do_nothing()
            )
            row = connection.execute(chosen).one()
        return Head(sequence=row.sequence, digest=row.digest)


def _entry(row: Any) -> LedgerEntry:
    incident_id, sequence, at, stage, event, facts, previous, digest = row
    return LedgerEntry(
        incident_id=incident_id,
        sequence=sequence,
        at=at,
        stage=stage,
        event=event,
        facts=tuple((name, value) for name, value in json.loads(facts)),
        previous=previous,
        digest=digest,
    )
