"""A column, or a task that reads columns which are gone → where it changed, and the run that changed it."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_agentic.lineage.answers import as_text, column
from airflow_agentic.ports import LineageReader
from airflow_agentic.tools._lineage_tool import LineageTool, asks


class ColumnPathTool(LineageTool):
    """Walk one column upstream."""

    name = "column_path"
    description = (
        "Ask the lineage where a broken column changed on its way and which Dag run did it. Name a data set "
        "(schema.table) and a column; or a task (dag_id.task_id) with an empty column: then those that it reads and "
        "that are gone."
    )
    input_schema = asks("name", "column")

    def answer(self, reader: LineageReader, given: Mapping[str, str]) -> str:
        """Return one line a change or column. :raises ToolRefused: nothing of that name is known, or is broken."""
        return (
            as_text(column(reader, given["name"], given["column"]))
            or f"The lineage tells of no change of {given['column']!r}."
        )
