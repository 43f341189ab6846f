"""The audit on a database: append-only, one hash chain per incident.

The chain's head row is the lock: eight processes that append to one incident wait for each other there, and
those of other incidents do not. ``at`` is read before that wait, so two neighbours may differ by as much. See
`chain` for what a chain proves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, TextClause, select

from airflow_agentic.errors import AuditError, StoreError
from airflow_agentic.ports import Redactor
from airflow_agentic.records import Failure, LedgerEntry
from airflow_agentic.redaction.mask import PersonalMask
from airflow_agentic.store.bodies import Bodies, noting
from airflow_agentic.store.chain import (
    FIRST,
    Head,
    as_json,
    digest_parts,
    faults,
    fit_facts,
    next_entry,
    without_content,
)
from airflow_agentic.store.clock import now
from airflow_agentic.store.database import Database
from airflow_agentic.store.incidents import fold, signal_values
from airflow_agentic.store.statements import APPEND, CAPTURE, HEAD, LINE, MOVE, OPEN_HEAD, run
from airflow_agentic.store.tables import HEADS, LEDGER

_ROWS_AT_ONCE = 2_000


class SqlLedger:
    """The port `Ledger` on a database."""

    def __init__(
        self, database: Database, *, redactor: Redactor | None = None, keep_bodies: bool = True, manifest: str = ""
    ) -> None:
        self._database = database
        self._redact = redactor.redact if redactor else None
        self._bodies = Bodies(database, keep=keep_bodies, redact=self._redact)
        self._metadata_only = not keep_bodies
        self._stamp = {"manifest": manifest} if manifest else {}

    def append(self, incident_id: str, stage: str, event: str, facts: Mapping[str, object]) -> LedgerEntry:
        """Write one line and return it: its facts redacted, and cut at 4,000 characters each.

        :raises AuditError: it could not be written; stop. Clearing the task is safe once the store works again.
        """
        said = self._said(facts)
        with _audited(incident_id, stage, event):
            if self._database.sqlite:
                with self._database.write() as connection:
                    return _append_locally(connection, incident_id, stage, event, said)
            with self._database.at_once() as connection:
                return _append_remotely(connection, APPEND, incident_id, stage, event, said, {})

    def capture(self, incident_id: str, failure: Failure) -> LedgerEntry:
        """Fold the signal into its incident and write the line that says so: both or neither.

        The signal is what `SqlIncidents.record` makes of it; the line is ``capture``/``recorded``.

        :raises AuditError: as `append`.
        """
        said, values = self._said(signal_facts(failure)), signal_values(incident_id, failure)
        stage, event = "capture", "recorded"
        with _audited(incident_id, stage, event):
            if self._database.sqlite:
                with self._database.write() as connection:
                    fold(connection, values)
                    return _append_locally(connection, incident_id, stage, event, said)
            with self._database.at_once() as connection:
                return _append_remotely(connection, CAPTURE, incident_id, stage, event, said, values)

    def attach(self, incident_id: str, body: object) -> str:
        """Keep a body beside the chain: see `bodies`."""
        return self._bodies.attach(incident_id, body)

    def attached(self, incident_id: str, cited: str) -> Any | None:
        """Return a kept body as a JSON value, or None: see `bodies`."""
        return self._bodies.get(incident_id, cited)

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
        cited: dict[tuple[str, str], int] = {}
        with self._database.read() as connection:
            heads = {
                row.incident_id: Head(sequence=row.sequence, digest=row.digest) for row in connection.execute(ends)
            }
            rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(lines)
            for name, chain in groupby(map(_entry, rows), key=lambda entry: entry.incident_id):
                found += faults(name, noting(chain, cited), heads.pop(name, None))
            found += self._bodies.faults(connection, cited, incident_id)
        for name, head in sorted(heads.items()):
            found += faults(name, (), head)
        return tuple(found)

    def _said(self, facts: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
        said = {**facts, **self._stamp}
        return fit_facts(without_content(said) if self._metadata_only else said, self._redact)


def signal_facts(failure: Failure) -> dict[str, object]:
    """Return what the ledger says of one signal."""
    said = {
        "signal": failure.signal.value,
        "task": failure.task_id,
        "map_index": failure.map_index if failure.map_index >= 0 else None,
        "try_number": failure.try_number,
        "reason": failure.reason,
        "error": failure.error_class,
        "message": PersonalMask().mask(failure.error_message) if failure.error_message else None,
    }
    return {name: value for name, value in said.items() if value is not None}


@contextmanager
def _audited(incident_id: str, stage: str, event: str) -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise AuditError(
            f"Writing the ledger line {stage}/{event} of {incident_id!r} failed, so nothing goes on: {error}"
        ) from error


def _append_locally(
    connection: Connection, incident_id: str, stage: str, event: str, facts: tuple[tuple[str, str], ...]
) -> LedgerEntry:
    """Append inside a transaction that is the only writer."""
    row = run(connection, HEAD, {"incident_id": incident_id})
    head = Head(sequence=row[0], digest=row[1]) if row else None
    entry = next_entry(head, incident_id=incident_id, at=now(), stage=stage, event=event, facts=facts)
    run(connection, LINE, {**vars(entry), "facts": json.dumps(facts)})
    run(connection, MOVE, {"incident_id": incident_id, "sequence": entry.sequence, "digest": entry.digest})
    return entry


def _append_remotely(
    connection: Connection,
    statement: TextClause,
    incident_id: str,
    stage: str,
    event: str,
    facts: tuple[tuple[str, str], ...],
    values: Mapping[str, object],
) -> LedgerEntry:
    """Append by one statement that locks the head, makes the digest and commits itself."""
    at = now()
    before, between, after = digest_parts(incident_id, at, stage, event, facts)
    line = {"incident_id": incident_id, "at": at, "stage": stage, "event": event, "facts": json.dumps(facts)}
    line.update(before=before, between=between, after=after)
    row = run(connection, statement, {**values, **line})
    if row is None:
        run(connection, OPEN_HEAD, {"incident_id": incident_id, "digest": FIRST})
        row = run(connection, statement, {**values, **line})
    if row is None:
        raise StoreError(f"The chain of {incident_id!r} lost its head while a line was written.")
    sequence, previous, digest = row
    head = Head(sequence=sequence - 1, digest=previous)
    entry = next_entry(head, incident_id=incident_id, at=at, stage=stage, event=event, facts=facts)
    if entry.digest != digest:
        raise StoreError(f"The database made the digest {digest!r} where {entry.digest!r} is right.")
    return entry


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
