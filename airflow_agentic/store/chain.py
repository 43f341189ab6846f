"""Facts → a ledger line, and a chain of lines → what is wrong with it. Pure.

The digest is SHA-256 over the canonical JSON of all other fields, the digest of the line before among them.
The head (last sequence and digest) is kept beside the chain, so that a line cut off at the end shows. A chain
proves that nobody changed it in passing; who may write to the whole database can write a new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from airflow_agentic.records import LedgerEntry
from airflow_agentic.redaction.spans import hide_secrets

_ENCODER = json.JSONEncoder(separators=(",", ":"))
"""Kept: `json.dumps` with separators makes a new one for each line of a chain."""
FIRST = "0" * 64
"""What the first line has in place of the digest before it."""
MOST_CHARS = 4_000
"""Of one fact's value; longer ones are cut, and say so."""


CONTENT = frozenset(
    {"errors", "error", "message", "evidence", "suspects", "gaps", "root_cause", "notes", "input", "inverse", "reason"}
)
"""Facts that quote logs, data, code or a model; where content may not be stored only their digests are."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where a chain ends."""

    sequence: int
    digest: str


def next_entry(
    head: Head | None, *, incident_id: str, at: str, stage: str, event: str, facts: tuple[tuple[str, str], ...]
) -> LedgerEntry:
    """Return the line that follows *head*."""
    sequence, previous = (head.sequence + 1, head.digest) if head else (1, FIRST)
    return LedgerEntry(
        incident_id=incident_id,
        sequence=sequence,
        at=at,
        stage=stage,
        event=event,
        facts=facts,
        previous=previous,
        digest=_digest(incident_id, sequence, at, stage, event, facts, previous),
    )


def fit_facts(facts: Mapping[str, object], redact: Callable[[str], str] | None = None) -> tuple[tuple[str, str], ...]:
    """Return *facts* as text: redacted first, then cut, so that no cut leaves half a secret behind.

    :param redact: asked before the patterns that always hold.
    """
    return tuple((str(name), _fit(value, redact)) for name, value in facts.items())


def without_content(facts: Mapping[str, object]) -> dict[str, object]:
    """Return *facts* with digests and sizes in place of what strangers, a model or the repository have said."""
    return {name: _digest_of(str(value)) if name in CONTENT and value else value for name, value in facts.items()}


def faults(incident_id: str, entries: Iterable[LedgerEntry], head: Head | None) -> tuple[str, ...]:
    """Return one sentence per fault of one chain: a line rewritten, removed, out of order or cut off.

    :param entries: in the order in which they are stored.
    """
    found: list[str] = []
    sequence, previous = 0, FIRST
    for entry in entries:
        where = f"Ledger of {incident_id!r}, line {entry.sequence}"
        if entry.sequence != sequence + 1:
            missing = f"{sequence + 1} to {entry.sequence - 1}" if entry.sequence > sequence + 2 else f"{sequence + 1}"
            found.append(f"{where}: line {missing} before it is missing.")
        elif entry.previous != previous:
            found.append(f"{where}: it does not follow the line before it; lines were exchanged or one was rewritten.")
        if entry.digest != digest_of(entry):
            found.append(f"{where}: its content is not what its digest was made of; it was rewritten.")
        sequence, previous = entry.sequence, entry.digest
    if head is None and sequence:
        found.append(f"Ledger of {incident_id!r}: its head is missing, so lines may be cut off after line {sequence}.")
    elif head and head.sequence > sequence:
        found.append(
            f"Ledger of {incident_id!r}: it ends at line {sequence}, its head says {head.sequence}; lines were cut off."
        )
    elif head and (head.sequence, head.digest) != (sequence, previous):
        found.append(f"Ledger of {incident_id!r}: its last line {sequence} is not the one that its head names.")
    return tuple(found)


def digest_of(entry: LedgerEntry) -> str:
    """Return the digest that *entry* should have."""
    return _digest(entry.incident_id, entry.sequence, entry.at, entry.stage, entry.event, entry.facts, entry.previous)


def as_json(entry: LedgerEntry) -> str:
    """Return *entry* as one line of JSON, facts as an object."""
    return json.dumps({**asdict(entry), "facts": dict(entry.facts)}, ensure_ascii=False)


def digest_parts(
    incident_id: str, at: str, stage: str, event: str, facts: tuple[tuple[str, str], ...]
) -> tuple[str, str, str]:
    """Return what stands before the sequence, between it and the previous digest, and after it. ASCII.

    A database that knows SHA-256 makes the digest from these and its head, without asking us in between.
    """
    return f"[{_json(incident_id)},", f',{_json((at, stage, event, facts))[1:-1]},"', '"]'


def _digest(*fields: object) -> str:
    return hashlib.sha256(_json(fields).encode("ascii")).hexdigest()


def _json(value: object) -> str:
    return _ENCODER.encode(value)


def _digest_of(text: str) -> str:
    return f"sha256 {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}, {len(text)} characters"


def _fit(value: object, redact: Callable[[str], str] | None) -> str:
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    text = hide_secrets(redact(text) if redact else text)
    if len(text) <= MOST_CHARS:
        return text
    note = f" [cut: {len(text)} characters]"
    return text[: MOST_CHARS - len(note)] + note
