"""What ledger lines speak of, whole: requests, replies, tool results, records. Content-addressed, beside the chain.

A line cites its body by SHA-256, so the chain proves the body as well; a body can be left out (``metadata``) and the
chain still proves which one it was. Text is redacted leaf by leaf before it is digested and stored: what is kept is
what may be shown.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from airflow_agentic.errors import AuditError, StoreError
from airflow_agentic.records import LedgerEntry
from airflow_agentic.redaction.spans import hide_secrets
from airflow_agentic.store.clock import now
from airflow_agentic.store.database import Database
from airflow_agentic.store.incidents import storable, written
from airflow_agentic.store.tables import BODIES

FACT = "body"
"""The fact of a ledger line that cites a body."""
NOT_KEPT = " (not kept)"
_CITED = re.compile(r"[0-9a-f]{64}")


class Bodies:
    """Stores and proves bodies.

    :param keep: False: only digests are made (``[agentic] ledger_content = metadata``).
    """

    def __init__(self, database: Database, *, keep: bool = True, redact: Callable[[str], str] | None = None) -> None:
        self._database = database
        self._keep = keep
        self._redact = redact

    def attach(self, incident_id: str, body: object) -> str:
        """Store a record of ours or a JSON value; return what the line that speaks of it says: the digest.

        :raises AuditError: it could not be written; stop.
        """
        try:
            text = self._text(body)
            digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
            if not self._keep:
                return f"{digest}{NOT_KEPT}"
            insert = sqlite.insert if self._database.sqlite else postgresql.insert
            row = insert(BODIES).values(
                incident_id=incident_id, digest=digest, body=zlib.compress(text.encode("utf-8"), 6), kept_at=now()
            )
            with self._database.write() as connection:
                connection.execute(row.on_conflict_do_nothing())
        except StoreError as error:
            raise AuditError(
                f"Keeping what a ledger line of {incident_id!r} speaks of failed, so nothing goes on: {error}"
            ) from error
        return digest

    def get(self, incident_id: str, cited: str) -> Any | None:
        """Return a body as a JSON value; None if it was not kept.

        :raises AuditError: it is not what its digest was made of.
        """
        chosen = select(BODIES.c.body).where(BODIES.c.incident_id == incident_id, BODIES.c.digest == cited)
        with self._database.read() as connection:
            stored = connection.execute(chosen).scalar()
        if stored is None:
            return None
        text = _unpacked(stored)
        if text is None or hashlib.sha256(text).hexdigest() != cited:
            raise AuditError(
                f"Reading a body of {incident_id!r} failed: it is not what its digest {cited[:12]} was made of. "
                "Somebody rewrote it: `airflow agentic ledger verify`."
            )
        return json.loads(text)

    def faults(
        self, connection: Connection, cited: Mapping[tuple[str, str], int], incident_id: str | None
    ) -> Iterator[str]:
        """Yield one sentence per cited body that is gone, or is not what it was.

        :param cited: incident and digest → the line that cites it.
        :param incident_id: whose bodies are read; None: all.
        """
        if not cited:
            return
        chosen = select(BODIES.c.incident_id, BODIES.c.digest, BODIES.c.body)
        if incident_id is not None:
            chosen = chosen.where(BODIES.c.incident_id == incident_id)
        there = set()
        for name, digest, stored in connection.execution_options(yield_per=200).execute(chosen):
            there.add((name, digest))
            text = _unpacked(stored)
            if (name, digest) in cited and (text is None or hashlib.sha256(text).hexdigest() != digest):
                yield f"Ledger of {name!r}, line {cited[name, digest]}: the body that it cites was rewritten."
        for name, digest in sorted(set(cited) - there):
            yield f"Ledger of {name!r}, line {cited[name, digest]}: the body that it cites is gone."

    def _text(self, body: object) -> str:
        plain = body if isinstance(body, Mapping) else json.loads(written(body))
        return json.dumps(self._clean(plain), sort_keys=True, separators=(",", ":"), default=str)

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return hide_secrets(self._redact(storable(value)) if self._redact else storable(value))
        if isinstance(value, Mapping):
            return {str(name): self._clean(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._clean(item) for item in value]
        return value


def noting(entries: Iterable[LedgerEntry], cited: dict[tuple[str, str], int]) -> Iterator[LedgerEntry]:
    """Pass lines on, and note which kept bodies they cite."""
    for entry in entries:
        for name, value in entry.facts:
            if name == FACT and _CITED.fullmatch(value):
                cited[entry.incident_id, value] = entry.sequence
        yield entry


def _unpacked(stored: bytes) -> bytes | None:
    try:
        return zlib.decompress(stored)
    except zlib.error:
        return None
