"""Scope → the places that OpenLineage events are read from, and the tools that ask them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from airflow_agentic.context.lineage import Origin
from airflow_agentic.lineage.scratch import reading_of_files
from airflow_agentic.ports import LineageReader, Tool
from airflow_agentic.scope import Scope
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_queries import SqlLineage
from airflow_agentic.tools.blast_radius import BlastRadiusTool
from airflow_agentic.tools.column_path import ColumnPathTool
from airflow_agentic.tools.downstream import DownstreamTool
from airflow_agentic.tools.partition_state import PartitionStateTool
from airflow_agentic.tools.schema_history import SchemaHistoryTool
from airflow_agentic.tools.upstream import UpstreamTool


def lineage_origins(scope: Scope, *, store: Database | None = None) -> tuple[Origin, ...]:
    """Return where events may be, in the order in which they are asked: our store, then the connection's files.

    :param store: our own store; None: there is none here.
    """
    found = []
    if store is not None:
        found.append(Origin(name="our lineage store", reading=lambda _: _of_store(store)))
    if scope.lineage_events:
        found.append(Origin(name="files of events", reading=partial(_of_files, scope.lineage_events)))
    return tuple(found)


def lineage_tools(origins: Sequence[Origin], used: str) -> tuple[Tool, ...]:
    """Return the tools that ask the lineage; none where there is no lineage.

    :param used: the origin that the dossier is from; another or none: the first is asked.
    """
    if not origins:
        return ()
    chosen = next((origin for origin in origins if origin.name == used), origins[0])

    def reading() -> AbstractContextManager[LineageReader]:
        return chosen.reading([])

    return (
        UpstreamTool(reading),
        DownstreamTool(reading),
        SchemaHistoryTool(reading),
        ColumnPathTool(reading),
        PartitionStateTool(reading),
        BlastRadiusTool(reading),
    )


@contextmanager
def _of_store(store: Database) -> Iterator[LineageReader]:
    with SqlLineage(store).reading() as reader:
        yield reader


@contextmanager
def _of_files(path: str, notes: list[str]) -> Iterator[LineageReader]:
    with reading_of_files(path, notes) as reader:
        yield reader
