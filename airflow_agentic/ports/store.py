"""What outlives a task: incidents, the audit, what was published and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from airflow_agentic.records import (
    Failure,
    FixRecord,
    FixState,
    Incident,
    IncidentState,
    LedgerEntry,
    PublishedChange,
    TrackRecord,
)


class Ledger(Protocol):
    """The audit: append-only, one hash chain per incident."""

    def append(self, incident_id: str, stage: str, event: str, facts: Mapping[str, object]) -> LedgerEntry:
        """Write one line and return it. :raises AuditError: it could not be written; stop."""

    def attach(self, incident_id: str, body: object) -> str:
        """Keep a record of ours or a JSON object whole, and return its digest: the fact ``body`` of the next line.

        Where content may not be stored only the digest is made, and the answer says so. :raises AuditError: as above.
        """

    def attached(self, incident_id: str, cited: str) -> Any | None:
        """Return what `attach` kept as a JSON value, or None. :raises AuditError: it was rewritten."""

    def entries(self, incident_id: str) -> tuple[LedgerEntry, ...]:
        """Return an incident's lines in order."""

    def verify(self, incident_id: str | None = None) -> tuple[str, ...]:
        """Recompute the chains; return one sentence per fault, none when all is well."""


class Incidents(Protocol):
    """Incidents and what their stages have left behind, so that a cleared task carries on."""

    def record(self, incident_id: str, failure: Failure) -> Incident:
        """Open the incident or fold the signal into it; exact under concurrency."""

    def get(self, incident_id: str) -> Incident:
        """:raises IncidentNotFound: there is none."""

    def list(self, *, limit: int = 100, dag_id: str | None = None, run_id: str | None = None) -> tuple[Incident, ...]:
        """Return the newest first."""

    def advance(self, incident_id: str, state: IncidentState, detail: str, **changes: Any) -> Incident:
        """Set the state and any of ``fingerprint``, ``members``, ``url``, ``logical_date``."""

    def keep(self, incident_id: str, record: object) -> None:
        """Store one stage's record (`Dossier`, `Proposal`, ... `Outcome`); of each class the last one holds."""

    def kept(self, incident_id: str, kind: type) -> Any | None:
        """Return the stored record of that class, or None."""


class Changes(Protocol):
    """What was published, per repository, fingerprint and kind."""

    def find(self, repository: str, fingerprint: str, kind: str) -> PublishedChange | None:
        """Return what was published for that cause, whatever its state, or None."""

    def save(self, change: PublishedChange) -> PublishedChange:
        """Store it in place of the one before; return it with its number (given when it is 0)."""

    def list(self, repository: str) -> tuple[PublishedChange, ...]:
        """Return all that was published there, highest number first."""


class Circuit(Protocol):
    """A breaker before a service that may be down, over all processes."""

    def refusal(self) -> str:
        """Return why it may not be asked now; empty when it may, and then what became of it is reported."""

    def failed(self, why: str) -> None:
        """Count a failure of the service."""

    def succeeded(self) -> None:
        """Note that it answers."""


class Fixes(Protocol):
    """What became of the fixes that were published."""

    def opened(self, fix: FixRecord) -> None:
        """Store it, unless this pull request, still open, is stored already: same repository and fingerprint."""

    def save(self, fix: FixRecord) -> None:
        """Store it in place of the one of the same incident."""

    def get(self, incident_id: str) -> FixRecord | None:
        """Return the fix that was opened for an incident, or None."""

    def list(self, *states: FixState, dag_id: str | None = None) -> tuple[FixRecord, ...]:
        """Return those in any of *states* (none given: all), oldest first."""

    def track_record(self, dag_id: str) -> TrackRecord:
        """Return how many fixes of the Dag came to what."""
