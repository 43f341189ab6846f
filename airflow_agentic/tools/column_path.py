"""A column, or a task that reads columns which are gone → where it changed, and the run that changed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from airflow_agentic.errors import SourceUnavailable, StoreError, ToolRefused
from airflow_agentic.lineage.answers import as_text, column
from airflow_agentic.ports import Effect, LineageReader
from airflow_agentic.tools.arguments import object_schema, text_argument


class ColumnPathTool:
    """Walk one column upstream.

    :param reading: opens one reading of the lineage.
    """

    name = "column_path"
    description = (
        "Ask the lineage where a broken column changed on its way and which Dag run did it. Name a data set "
        "(schema.table) and a column; or a task (dag_id.task_id) with an empty column: then those that it reads and "
        "that are gone."
    )
    effect = Effect.READ
    input_schema: Mapping[str, Any] = object_schema(
        {"name": {"type": "string"}, "column": {"type": "string"}}, required=("name", "column")
    )

    def __init__(self, reading: Callable[[], AbstractContextManager[LineageReader]]) -> None:
        self._reading = reading

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return one line a change or column. :raises ToolRefused: nothing of that name is known, or is broken."""
        name = text_argument(arguments, "name", limit=500)
        wanted = text_argument(arguments, "column", limit=250)
        try:
            with self._reading() as reader:
                return as_text(column(reader, name, wanted)) or f"The lineage tells of no change of {wanted!r}."
        except (SourceUnavailable, StoreError) as error:
            raise ToolRefused(str(error)) from error
