"""A data set → its last schema versions, what changed between them, and the run that changed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from airflow_agentic.errors import SourceUnavailable, StoreError, ToolRefused
from airflow_agentic.lineage.answers import as_text, schemas
from airflow_agentic.ports import Effect, LineageReader
from airflow_agentic.tools.arguments import object_schema, text_argument


class SchemaHistoryTool:
    """Read the schema history of a data set.

    :param reading: opens one reading of the lineage store.
    """

    name = "schema_history"
    description = (
        "Read the last five schema versions of a data set (schema.table) as lineage saw them, newest first, and what "
        "changed: columns added, removed, retyped, renamed, with the evidence and the Dag run that did it."
    )
    effect = Effect.READ
    input_schema: Mapping[str, Any] = object_schema({"name": {"type": "string"}}, required=("name",))

    def __init__(self, reading: Callable[[], AbstractContextManager[LineageReader]]) -> None:
        self._reading = reading

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return one line a version or change. :raises ToolRefused: no data set of that name is known."""
        name = text_argument(arguments, "name", limit=500)
        try:
            with self._reading() as reader:
                return as_text(schemas(reader, name)) or f"No schema of {name!r} was ever seen."
        except (SourceUnavailable, StoreError) as error:
            raise ToolRefused(str(error)) from error
