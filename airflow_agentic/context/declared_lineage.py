"""No OpenLineage → what Airflow and the repository themselves tell of lineage, and which of them told.

In this order: asset events, inlets and outlets, a dbt manifest, a dbt project's models, parsed SQL. The first that
knows what a failing task reads or writes is used. Asked after OpenLineage and after the code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from airflow_agentic.context.lineage_report import lineage_report
from airflow_agentic.context.lineage_words import INLETS_TOLD, TOUCHES
from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.lineage.scratch import Told, as_event, reading_of
from airflow_agentic.lineage.told_by_assets import told_by_events, told_by_inlets
from airflow_agentic.lineage.told_by_dbt import told_by_manifest, told_by_models
from airflow_agentic.lineage.told_by_sql import told_by_sql
from airflow_agentic.ports import AssetReader
from airflow_agentic.records import Gap, SourceReport, Target

NOTHING = (
    "nothing tells what the failing tasks read or write: no OpenLineage event, asset event, inlet or outlet, dbt "
    "project or SQL statement. `airflow agentic lineage setup` prints how events are sent."
)


class DeclaredLineageSource:
    """Lineage from whatever is not an OpenLineage event.

    :param assets: Airflow's assets; None: they cannot be asked here.
    """

    name = "declared_lineage"

    def __init__(self, assets: AssetReader | None = None) -> None:
        self._assets = assets

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return the same as `LineageSource` does; nothing where that has answered."""
        if so_far.lineage_origin or not target.failed:
            return SourceReport()
        gaps: list[Gap] = []
        for origin, told in self._places(target, so_far):
            try:
                found = self._asked(origin, told, target, so_far)
            except (SourceUnavailable, IncidentNotFound) as error:
                gaps.append(Gap(source=self.name, reason=f"{origin}: {error}"[:500]))
                continue
            if found is not None:
                return SourceReport(
                    evidence=found.evidence, shapes=found.shapes, gaps=(*gaps, *found.gaps),
                    blast_radius=found.blast_radius, affected_owners=found.affected_owners, lineage_origin=origin,
                )  # fmt: skip
        return SourceReport(gaps=(*gaps, Gap(source=self.name, reason=NOTHING)))

    def _places(self, target: Target, so_far: SourceReport) -> Iterator[tuple[str, Callable[[], list[Told]] | None]]:
        assets, checkout = self._assets, so_far.checkout
        if assets is not None:
            yield "asset events", lambda: told_by_events(assets, target)
            yield "inlets and outlets", lambda: told_by_inlets(assets, target)
        if any(e.title.startswith(TOUCHES) and INLETS_TOLD.search(e.body) for e in so_far.evidence):
            yield "inlets and outlets, as the task's event names them", None
        if checkout is not None:
            yield "the dbt manifest in the repository", lambda: told_by_manifest(checkout, target)
            yield "ref() and source() of the dbt models", lambda: told_by_models(checkout, target)
        yield "parsed SQL", lambda: told_by_sql(checkout, target)

    def _asked(
        self, origin: str, told: Callable[[], list[Told]] | None, target: Target, so_far: SourceReport
    ) -> SourceReport | None:
        if told is None:
            return SourceReport()
        events = told()
        if not events:
            return None
        with reading_of(as_event(one, origin) for one in events) as reader:
            found = lineage_report(reader, target, so_far, origin=origin)
        return found if found and found.lineage_origin else None
