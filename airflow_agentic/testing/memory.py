"""The store in memory: the same contract as the real one, for one process and its threads."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from airflow_agentic.errors import IncidentNotFound, StoreError
from airflow_agentic.records import (
    Failure,
    FixRecord,
    FixState,
    Incident,
    IncidentState,
    LedgerEntry,
    PublishedChange,
    TaskKey,
    TrackRecord,
    Usage,
)
from airflow_agentic.store.chain import Head, as_json, faults, fit_facts, next_entry
from airflow_agentic.store.clock import now
from airflow_agentic.store.incidents import CHANGEABLE, OPENED, read, storable, written
from airflow_agentic.store.spending import MICROS, check_limit, micros


class MemoryIncidents:
    """The port `Incidents`."""

    def __init__(self) -> None:
        self._incidents: dict[str, Incident] = {}
        self._records: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def record(self, incident_id: str, failure: Failure) -> Incident:
        """Open the incident or fold the signal into it."""
        with self._lock:
            old = self._incidents.get(incident_id) or Incident(
                id=incident_id, dag_id=failure.dag_id, run_id=failure.run_id, clear_number=failure.clear_number,
                state=IncidentState.CAPTURED, detail=OPENED, first_seen=failure.seen_at, last_seen=failure.seen_at,
                signals=0,
            )  # fmt: skip
            self._incidents[incident_id] = replace(
                old,
                signals=old.signals + 1,
                first_seen=min(old.first_seen, failure.seen_at),
                last_seen=max(old.last_seen, failure.seen_at),
                logical_date=old.logical_date or failure.logical_date,
                owners=old.owners or failure.owners,
                tags=old.tags or failure.tags,
                members=tuple(dict.fromkeys((*old.members, *_member(failure)))),
            )
            return self._incidents[incident_id]

    def get(self, incident_id: str) -> Incident:
        """Return one incident. :raises IncidentNotFound: there is none."""
        if incident_id not in self._incidents:
            raise IncidentNotFound(f"Reading incident {incident_id!r} failed: there is none of that id.")
        return self._incidents[incident_id]

    def list(self, *, limit: int = 100, dag_id: str | None = None, run_id: str | None = None) -> tuple[Incident, ...]:
        """Return the newest first."""
        found = (i for i in self._newest() if dag_id in (None, i.dag_id) and run_id in (None, i.run_id))
        return tuple(found)[:limit]

    def incidents_with(self, fingerprint: str) -> tuple[Incident, ...]:
        """Return the incidents of one cause, newest first."""
        return tuple(one for one in self._newest() if one.fingerprint == fingerprint)

    def advance(self, incident_id: str, state: IncidentState, detail: str, **changes: Any) -> Incident:
        """Set the state and any of ``fingerprint``, ``members``, ``url``, ``logical_date``."""
        unknown = sorted(set(changes) - CHANGEABLE)
        if unknown:
            raise TypeError(f"advance() cannot set {unknown}; allowed: {sorted(CHANGEABLE)}")
        given: dict[str, Any] = {
            name: value if name == "members" else value or None for name, value in changes.items() if value is not None
        }
        with self._lock:
            changed = replace(self.get(incident_id), state=state, detail=storable(detail), **given)
            self._incidents[incident_id] = changed
            return changed

    def keep(self, incident_id: str, record: object) -> None:
        """Store one stage's record; the last one of its class holds. It goes through JSON, as in the real store."""
        self._records[incident_id, type(record).__name__] = written(record)

    def kept(self, incident_id: str, kind: type) -> Any | None:
        """Return the stored record of that class, or None."""
        body = self._records.get((incident_id, kind.__name__))
        return None if body is None else read(body, kind)

    def _newest(self) -> Any:
        return sorted(
            sorted(self._incidents.values(), key=lambda one: one.id), key=lambda one: one.last_seen, reverse=True
        )


class MemoryLedger:
    """The port `Ledger`."""

    def __init__(self) -> None:
        self._chains: dict[str, tuple[LedgerEntry, ...]] = {}
        self._bodies: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def append(self, incident_id: str, stage: str, event: str, facts: Mapping[str, object]) -> LedgerEntry:
        """Write one line and return it, its facts redacted and bounded."""
        with self._lock:
            chain = self._chains.get(incident_id, ())
            entry = next_entry(
                _head(chain), incident_id=incident_id, at=now(), stage=stage, event=event, facts=fit_facts(facts)
            )
            self._chains[incident_id] = (*chain, entry)
            return entry

    def attach(self, incident_id: str, body: object) -> str:
        """Keep a body and return its digest."""
        plain = body if isinstance(body, Mapping) else json.loads(written(body))
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self._bodies[incident_id, digest] = text
        return digest

    def attached(self, incident_id: str, cited: str) -> Any | None:
        """Return a kept body, or None."""
        text = self._bodies.get((incident_id, cited))
        return None if text is None else json.loads(text)

    def entries(self, incident_id: str) -> tuple[LedgerEntry, ...]:
        """Return an incident's lines in order."""
        return self._chains.get(incident_id, ())

    def export(self, incident_id: str) -> Iterator[str]:
        """Yield an incident's lines as JSON."""
        return (as_json(entry) for entry in self.entries(incident_id))

    def verify(self, incident_id: str | None = None) -> tuple[str, ...]:
        """Recompute the chains; return one sentence per fault."""
        names = sorted(self._chains) if incident_id is None else [incident_id]
        return tuple(said for name in names for said in faults(name, self.entries(name), _head(self.entries(name))))


class MemorySpending:
    """The port `Spending`."""

    def __init__(self, *, usd_per_incident: float, usd_per_day: float) -> None:
        self._limits = (usd_per_incident, usd_per_day)
        self._held: list[tuple[str, str, int]] = []
        self._lock = threading.Lock()

    def reserve(self, incident_id: str, usd: float) -> str:
        """Hold *usd* and return the reservation's id. :raises BudgetExceeded: naming the field and the sums."""
        wanted, day = micros(usd), now()[:10]
        with self._lock:
            mine = sum(amount for incident, _, amount in self._held if incident == incident_id)
            check_limit("usd_per_incident", self._limits[0], mine, wanted)
            check_limit(
                "usd_per_day", self._limits[1], sum(amount for _, on, amount in self._held if on == day), wanted
            )
            self._held.append((incident_id, day, wanted))
            return str(len(self._held) - 1)

    def settle(self, reservation: str, usage: Usage) -> None:
        """Replace the reservation by what was really spent. :raises StoreError: there is no such reservation."""
        with self._lock:
            if not reservation.isdigit() or int(reservation) >= len(self._held):
                raise StoreError(f"Settling reservation {reservation!r} failed: there is none of that id.")
            incident_id, day, _ = self._held[int(reservation)]
            self._held[int(reservation)] = (incident_id, day, micros(usage.cost_usd))

    def spent(self, incident_id: str) -> float:
        """Return what an incident has cost so far, in USD, open reservations in full."""
        return sum(amount for incident, _, amount in self._held if incident == incident_id) / MICROS


class MemoryChanges:
    """The port `Changes`."""

    def __init__(self) -> None:
        self._changes: dict[tuple[str, str, str], PublishedChange] = {}
        self._lock = threading.Lock()

    def find(self, repository: str, fingerprint: str, kind: str) -> PublishedChange | None:
        """Return what was published for that cause, or None."""
        return self._changes.get((repository, fingerprint, kind))

    def save(self, change: PublishedChange) -> PublishedChange:
        """Store it in place of the one before and return it with its number."""
        key = (change.repository, change.fingerprint, change.kind)
        with self._lock:
            known = self._changes.get(key)
            number = (known.number if known else change.number) or self._next(change.repository)
            self._changes[key] = replace(
                change, number=number, title=storable(change.title), body=storable(change.body)
            )
            return self._changes[key]

    def list(self, repository: str) -> tuple[PublishedChange, ...]:
        """Return all that was published there, highest number first."""
        there = [change for change in self._changes.values() if change.repository == repository]
        return tuple(sorted(there, key=lambda change: -change.number))

    def _next(self, repository: str) -> int:
        return max((change.number for change in self.list(repository)), default=0) + 1


class MemoryFixes:
    """The port `Fixes`."""

    def __init__(self) -> None:
        self._fixes: dict[str, FixRecord] = {}
        self._lock = threading.Lock()

    def opened(self, fix: FixRecord) -> None:
        """Store it, unless this pull request, still open, is stored already."""
        with self._lock:
            same = (fix.repository, fix.fingerprint)
            if all((one.repository, one.fingerprint) != same for one in self.list(FixState.OPEN)):
                self._fixes.setdefault(fix.incident_id, fix)

    def save(self, fix: FixRecord) -> None:
        """Store it in place of the one of the same incident."""
        self._fixes[fix.incident_id] = replace(fix, detail=storable(fix.detail))

    def get(self, incident_id: str) -> FixRecord | None:
        """Return the fix that was opened for an incident, or None."""
        return self._fixes.get(incident_id)

    def list(self, *states: FixState, dag_id: str | None = None) -> tuple[FixRecord, ...]:
        """Return those in any of *states*, oldest first."""
        wanted = states or tuple(FixState)
        found = (f for f in self._fixes.values() if f.state in wanted and dag_id in (None, f.dag_id))
        return tuple(sorted(found, key=lambda fix: (fix.updated_at, fix.incident_id)))

    def track_record(self, dag_id: str) -> TrackRecord:
        """Return how many fixes of the Dag came to what."""
        return TrackRecord(dag_id=dag_id, **Counter(fix.state.value for fix in self.list(dag_id=dag_id)))


def _member(failure: Failure) -> tuple[TaskKey, ...]:
    if failure.task_id is None:
        return ()
    return (
        TaskKey(
            dag_id=failure.dag_id, run_id=failure.run_id, task_id=failure.task_id, map_index=failure.map_index,
            try_number=failure.try_number or 1,
        ),
    )  # fmt: skip


def _head(chain: tuple[LedgerEntry, ...]) -> Head | None:
    return Head(sequence=chain[-1].sequence, digest=chain[-1].digest) if chain else None
