"""What the store keeps of a person's word → why it is not believed; nothing: the ledger holds the same.

Accepted permissions, a group's standing and the last readiness report are records that can be read fast. Each was
written into a chain of the ledger first; one that somebody put into the store alone, or whose chain was cut off or
rewritten, lets nothing through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_agentic.guardrails.lock import ACCEPT_ID, Accepted
from airflow_agentic.guardrails.readiness_kept import Looked
from airflow_agentic.guardrails.readiness_kept import chain_of as readiness_of
from airflow_agentic.guardrails.trust import Standing
from airflow_agentic.guardrails.trust import chain_of as trust_of
from airflow_agentic.ports import Incidents, Ledger

_WORDS = frozenset(("accepted", "promoted", "demoted", "looked"))
"""Events of those chains that are a person's word."""


def not_believed(incidents: Incidents, ledger: Ledger, *, group: str, repository: str) -> tuple[str, ...]:
    """Return one sentence per record that the ledger does not bear out.

    :param group: whose standing is asked about.
    :param repository: whose readiness is.
    """
    chains = ((ACCEPT_ID, Accepted), (trust_of(group), Standing), (readiness_of(repository), Looked))
    return tuple(said for chain, kind in chains for said in _faults(incidents, ledger, chain, kind))


def _faults(incidents: Incidents, ledger: Ledger, chain: str, kind: type) -> Iterator[str]:
    kept = incidents.kept(chain, kind)
    if kept is None:
        return
    broken = ledger.verify(chain)
    words = [dict(entry.facts) for entry in ledger.entries(chain) if entry.event in _WORDS]
    if broken:
        yield f"{broken[0]} See: airflow agentic ledger verify"
    elif not words or not _says(kept).items() <= words[-1].items():
        yield f"the ledger {chain!r} does not hold what the store says of it; say it once more by its command"


def _says(kept: Any) -> Mapping[str, str]:
    """Return what decides and stands in the ledger's line as well: no names, a redactor may have hidden them."""
    if isinstance(kept, Accepted):
        return {"digest": kept.digest}
    if isinstance(kept, Standing):
        return {"to": kept.level}
    return {"missing": "\n".join(gap.name for gap in kept.gaps)}
