"""Dag, CODEOWNERS → who is to be told: owners of the Dag and of the files at fault.

Names are checked for their form: they end up in messages.
"""

from __future__ import annotations

from airflow_agentic.codeowners import CONTACT, PLACES, owners_of
from airflow_agentic.records import Checkout, Evidence, SourceReport, Target, Trust
from airflow_agentic.repository import read_text, repository_path
from airflow_agentic.tracebacks import own_frames

_NOBODY = frozenset({"airflow", ""})
"""Airflow's own default owner is nobody in particular."""


class OwnersSource:
    """Reads owners of the Dag, and of files from the checkout that a source before it has made."""

    name = "owners"

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return the contacts, those of the files first; none where nobody is named."""
        lines: list[str] = []
        contacts: list[str] = []
        for path, owners in _file_owners(so_far):
            lines.append(f"{path}: {', '.join(owners)} (CODEOWNERS)")
            contacts += owners
        owned = [o.strip() for name in target.dag.owners for o in name.split(",") if o.strip().lower() not in _NOBODY]
        if owned:
            lines.append(f"Dag {target.dag.dag_id}: {', '.join(owned)}")
            contacts += [owner for owner in owned if CONTACT.fullmatch(owner)]
        waiting = [o for o in so_far.affected_owners if o.lower() not in _NOBODY and CONTACT.fullmatch(o)]
        if waiting:
            lines.append(f"what waits for it downstream: {', '.join(waiting)} (lineage)")
            contacts += waiting
        if not lines:
            return SourceReport()
        told = tuple(dict.fromkeys(contacts))
        evidence = Evidence(
            id="", source=self.name, title=f"Who owns it: {', '.join(told) or 'see below'}", body="\n".join(lines),
            trust=Trust.REPOSITORY, observed_at=target.incident.last_seen,
        )  # fmt: skip
        return SourceReport(evidence=(evidence,), contacts=told)


def _file_owners(so_far: SourceReport) -> list[tuple[str, tuple[str, ...]]]:
    checkout = so_far.checkout
    text = next((said for place in PLACES if checkout and (said := read_text(checkout, place))), "")
    if not checkout or not text:
        return []
    return [(path, owners) for path in _touched(checkout, so_far) if (owners := owners_of(text, path))]


def _touched(checkout: Checkout, so_far: SourceReport) -> list[str]:
    printed = dict.fromkeys(frame.path for error in so_far.errors for frame in reversed(own_frames(error.frames)))
    files = [repository_path(checkout, path) for path in list(printed)[:20]]
    return list(dict.fromkeys(path for path in (*files, checkout.dag_file) if path))
