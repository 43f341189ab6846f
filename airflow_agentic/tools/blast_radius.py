"""A task or data set → who waits for it: jobs, data sets, Dags, owners."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_agentic.lineage.answers import as_text, blast
from airflow_agentic.ports import LineageReader
from airflow_agentic.tools._lineage_tool import LineageTool


class BlastRadiusTool(LineageTool):
    """Count who is hit."""

    name = "blast_radius"
    description = (
        "Ask the lineage who waits for a task (dag_id.task_id) or a data set (schema.table): jobs and data sets hop by "
        "hop, other Dags, and their owners. Tells how bad a failure is, and whom to warn."
    )

    def answer(self, reader: LineageReader, given: Mapping[str, str]) -> str:
        """Return one line a hop. :raises ToolRefused: nothing of that name is known."""
        return as_text(blast(reader, given["name"]))
