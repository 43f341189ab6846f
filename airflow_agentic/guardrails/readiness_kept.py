"""A readiness report → what is remembered of it, and why the trust level may not pass ``diagnose``; empty: it may.

The report takes seconds and other credentials than a triage holds, so a triage only reads what the last one found, as
it reads a standing. Strict by default: what nobody has looked at is not ready. A gap that the connection's ``accept``
names holds nothing back; a blocker can only be closed. No clock decides: the last report holds until the next one, and
its date is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from airflow_agentic.guardrails.readiness import Readiness
from airflow_agentic.ports import Incidents, Ledger
from airflow_agentic.store.clock import now

STAGE = "readiness"
COMMAND = "airflow agentic readiness"
UNKNOWN = "readiness_unknown"
"""The value of ``accept`` for a set-up that nobody has looked at."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Something that was missing."""

    name: str
    evidence: str
    close: str
    acceptable: tuple[str, ...] = ()
    """Values of ``accept`` that let it be missing."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What the last report on one repository's set-up found missing; kept in the store."""

    repository: str
    at: str
    by: str
    gaps: tuple[Gap, ...] = ()


def remember(report: Readiness, incidents: Incidents, ledger: Ledger, *, repository: str, by: str) -> Looked:
    """Keep what a report found, accepted or not: what is accepted is asked anew each time.

    :raises AuditError: nothing was kept.
    """
    gaps = tuple(
        Gap(name=i.name, evidence=i.evidence[:500], close=i.close, acceptable=i.acceptable) for i in report.missing
    )
    looked = Looked(repository=repository, at=now(), by=by, gaps=gaps)
    facts = {"by": by, "repository": repository, "missing": "\n".join(gap.name for gap in gaps)}
    ledger.append(chain_of(repository), STAGE, "looked", facts)
    incidents.keep(chain_of(repository), looked)
    return looked


def last_look(incidents: Incidents, repository: str) -> Looked | None:
    """Return what the last report found; None: nobody has looked."""
    looked: Looked | None = incidents.kept(chain_of(repository), Looked)
    return looked


def unready(looked: Looked | None, accept: Iterable[str]) -> tuple[str, ...]:
    """Return what holds the trust level at ``diagnose``, one sentence each."""
    accepted = set(accept)
    if looked is None:
        if UNKNOWN in accepted:
            return ()
        return (f"nobody has looked yet whether this set-up is ready: run `{COMMAND}`, or add {UNKNOWN!r} to accept",)
    return tuple(
        f"{gap.name} was missing on {looked.at[:10]} ({gap.evidence}). {gap.close}{_or_accept(gap)} Then: {COMMAND}"
        for gap in looked.gaps
        if not accepted & set(gap.acceptable)
    )


def chain_of(repository: str) -> str:
    """Return the id of the record and of its chain in the ledger."""
    name = f"readiness:{repository}"
    return name if len(name) <= 250 else f"readiness:{hashlib.sha256(repository.encode()).hexdigest()}"


def _or_accept(gap: Gap) -> str:
    names = " or ".join(repr(name) for name in gap.acceptable)
    return f" Or add {names} to accept of the agentic connection." if names else ""
