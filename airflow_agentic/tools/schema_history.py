"""A data set → its last schema versions, what changed between them, and the run that changed it."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_agentic.lineage.answers import as_text, schemas
from airflow_agentic.ports import LineageReader
from airflow_agentic.tools._lineage_tool import LineageTool


class SchemaHistoryTool(LineageTool):
    """Read the schema history of a data set."""

    name = "schema_history"
    description = (
        "Read the last five schema versions of a data set (schema.table) as lineage saw them, newest first, and what "
        "changed: columns added, removed, retyped, renamed, with the evidence and the Dag run that did it."
    )

    def answer(self, reader: LineageReader, given: Mapping[str, str]) -> str:
        """Return one line a version or change. :raises ToolRefused: no data set of that name is known."""
        return as_text(schemas(reader, given["name"])) or f"No schema of {given['name']!r} was ever seen."
