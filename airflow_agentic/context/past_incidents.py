"""Our own store → earlier incidents of the same cause, what ended each, and whether that held.

It is asked after the logs: the fingerprint is of the errors that were read there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from airflow_agentic.context.fingerprints import incident_fingerprint
from airflow_agentic.errors import StoreError
from airflow_agentic.records import Evidence, Gap, Incident, Outcome, Proposal, SourceReport, Target, Trust

SHOWN = 10


class RemembersCauses(Protocol):
    """The part of our store that this source needs."""

    def incidents_with(self, fingerprint: str) -> tuple[Incident, ...]:
        """Return the incidents of one cause, newest first."""

    def kept(self, incident_id: str, kind: type) -> Any | None:
        """Return a stage's record, or None."""


class PastIncidentsSource:
    """Reads incidents of the same fingerprint."""

    name = "past_incidents"

    def __init__(self, incidents: RemembersCauses) -> None:
        self._incidents = incidents

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return one piece of evidence when there were any, else nothing."""
        if not so_far.errors:
            return SourceReport()
        cause = incident_fingerprint(target.dag.dag_id, so_far.errors, target.failed)
        try:
            all_of_it = self._incidents.incidents_with(cause)
            earlier = [
                one
                for one in all_of_it
                if one.id != target.incident.id and one.first_seen <= target.incident.first_seen
            ]
            lines = [self._told(one, _next(one, [*earlier, target.incident])) for one in earlier[:SHOWN]]
        except StoreError as error:
            return SourceReport(gaps=(Gap(source=self.name, reason=f"earlier incidents of this cause: {error}"),))
        if not earlier:
            return SourceReport()
        newest = earlier[0]
        title = (
            f"The same cause has failed {target.dag.dag_id} {len(earlier)} times before, last {newest.first_seen[:16]}"
        )
        return SourceReport(
            evidence=(
                Evidence(
                    id="", source=self.name, title=title, body="\n".join(lines), trust=Trust.PLATFORM,
                    observed_at=newest.last_seen,
                ),
            )
        )  # fmt: skip

    def _told(self, incident: Incident, later: Incident | None) -> str:
        outcome, proposal = self._incidents.kept(incident.id, Outcome), self._incidents.kept(incident.id, Proposal)
        said = (
            f"diagnosed as {proposal.diagnosis.category.value}, advice {proposal.diagnosis.action.value}"
            if proposal
            else "not diagnosed"
        )
        ended = (
            f"{outcome.status.value} {outcome.url or ''}".strip()
            if outcome
            else f"nothing published ({incident.state.value})"
        )
        held = f"it came again on {later.first_seen[:16]}" if later else "it has not come again"
        return f"{incident.first_seen[:16]} run {incident.run_id}: {said}; {ended}; {held}"


def _next(incident: Incident, others: Sequence[Incident]) -> Incident | None:
    later = [one for one in others if one.id != incident.id and one.first_seen > incident.first_seen]
    return min(later, key=lambda one: one.first_seen, default=None)
