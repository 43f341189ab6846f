"""A task or data set → what a task or data set is made from, as lineage tells it."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_agentic.lineage.answers import as_text, neighbours
from airflow_agentic.ports import LineageReader
from airflow_agentic.tools._lineage_tool import LineageTool


class UpstreamTool(LineageTool):
    """Walk the lineage upstream."""

    name = "upstream"
    description = (
        "Ask the lineage what a task or data set is made from: jobs with their last state, "
        "and data sets, nearest first, up to five hops. "
        "The name is a task (dag_id.task_id) or a data set (schema.table)."
    )

    def answer(self, reader: LineageReader, given: Mapping[str, str]) -> str:
        """Return one line a job or data set. :raises ToolRefused: nothing of that name is known."""
        return (
            as_text(neighbours(reader, "upstream", given["name"]))
            or f"The lineage knows nothing upstream of {given['name']!r}."
        )
