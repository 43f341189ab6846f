"""OpenLineage → what the failing tasks read and write, what changed upstream, who is late, who waits.

Asked through one port, wherever the events are: in our store, in Marquez, in a file. The first place that knows what
the failing tasks read or write is used, and the dossier says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from airflow_agentic.context.lineage_report import lineage_report
from airflow_agentic.context.lineage_words import SOURCE
from airflow_agentic.errors import SourceUnavailable, StoreError
from airflow_agentic.ports import LineageReader
from airflow_agentic.records import Gap, SourceReport, Target

Tasks = Sequence[tuple[str, str]]
"""Dag and task ids."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A place that OpenLineage events can be read from."""

    name: str
    """In words: ``our lineage store``."""
    reading: Callable[[Tasks, list[str]], AbstractContextManager[LineageReader]]
    """Opens one reading for the failing tasks; what could not be read of it is added to the list."""


class LineageSource:
    """Lineage of the failing run as OpenLineage events tell it.

    :param origins: where events are, in the order in which they are asked.
    """

    name = SOURCE

    def __init__(self, origins: Sequence[Origin]) -> None:
        self._origins = tuple(origins)

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return evidence, errors that the log lacks, shapes and the blast radius; what is silent is a Gap."""
        gaps: list[Gap] = []
        partial = SourceReport()
        tasks = tuple(dict.fromkeys((target.dag.dag_id, t.key.task_id) for t in target.failed))
        for origin in self._origins:
            notes: list[str] = []
            try:
                with origin.reading(tasks, notes) as reader:
                    found = lineage_report(reader, target, so_far, origin=origin.name)
            except (SourceUnavailable, StoreError) as error:
                notes.append(f"{origin.name}: {error}")
                found = None
            gaps += [Gap(source=self.name, reason=note[:500]) for note in notes]
            if found is not None and found.lineage_origin:
                return replace(found, gaps=(*gaps, *found.gaps))
            if found is not None and not partial.evidence:
                partial = found
            elif found is None and not notes:
                reason = f"{origin.name}: no event tells of a failing task of Dag {target.dag.dag_id!r}"
                gaps.append(Gap(source=self.name, reason=reason[:500]))
        return replace(partial, gaps=(*gaps, *partial.gaps))
