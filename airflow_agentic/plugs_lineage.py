"""Scope → the places that OpenLineage events are read from, and the tools that ask them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from airflow_agentic.context.lineage import Origin, Tasks
from airflow_agentic.lineage.marquez import Marquez
from airflow_agentic.lineage.scratch import reading_of_files
from airflow_agentic.ports import AssetReader, LineageReader, Tool
from airflow_agentic.records import Dossier
from airflow_agentic.scope import Scope
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_queries import SqlLineage
from airflow_agentic.tools.blast_radius import BlastRadiusTool
from airflow_agentic.tools.column_path import ColumnPathTool
from airflow_agentic.tools.downstream import DownstreamTool
from airflow_agentic.tools.partition_state import PartitionStateTool
from airflow_agentic.tools.schema_history import SchemaHistoryTool
from airflow_agentic.tools.upstream import UpstreamTool


def lineage_origins(
    scope: Scope, *, store: Database | None = None, marquez: Marquez | None = None
) -> tuple[Origin, ...]:
    """Return where events may be, in the order in which they are asked: Marquez, our store, the connection's files.

    :param store: our own store; None: there is none here.
    :param marquez: the one that the connection names; None: it names none.
    """
    found = []
    if marquez is not None:
        found.append(Origin(name="Marquez", reading=marquez.reading))
    if store is not None:
        found.append(Origin(name="our lineage store", reading=lambda tasks, notes: _of_store(store)))
    if scope.lineage_events:
        files = scope.lineage_events
        found.append(Origin(name="files of events", reading=lambda tasks, notes: reading_of_files(files, notes)))
    return tuple(found)


def lineage_tools(origins: Sequence[Origin], dossier: Dossier, assets: AssetReader | None) -> tuple[Tool, ...]:
    """Return the tools that ask the lineage; none where there is no lineage.

    The origin that the dossier is from is asked, else the first one.

    :param assets: Airflow's assets, for the state of a partition that no event tells of.
    """
    if not origins:
        return ()
    chosen = next((origin for origin in origins if origin.name == dossier.lineage_origin), origins[0])
    tasks: Tasks = tuple(dict.fromkeys((key.dag_id, key.task_id) for key in dossier.incident.members))

    def reading() -> AbstractContextManager[LineageReader]:
        return chosen.reading(tasks, [])

    return (
        UpstreamTool(reading),
        DownstreamTool(reading),
        SchemaHistoryTool(reading),
        ColumnPathTool(reading),
        PartitionStateTool(reading, assets),
        BlastRadiusTool(reading),
    )


@contextmanager
def _of_store(store: Database) -> Iterator[LineageReader]:
    with SqlLineage(store).reading() as reader:
        yield reader
