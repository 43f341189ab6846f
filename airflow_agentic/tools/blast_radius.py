"""A task or data set → who waits for it: jobs, data sets, Dags, owners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from airflow_agentic.errors import SourceUnavailable, StoreError, ToolRefused
from airflow_agentic.lineage.answers import as_text, blast
from airflow_agentic.ports import Effect, LineageReader
from airflow_agentic.tools.arguments import object_schema, text_argument


class BlastRadiusTool:
    """Count who is hit.

    :param reading: opens one reading of the lineage.
    """

    name = "blast_radius"
    description = (
        "Ask the lineage who waits for a task (dag_id.task_id) or a data set (schema.table): jobs and data sets hop by "
        "hop, other Dags, and their owners. Tells how bad a failure is, and whom to warn."
    )
    effect = Effect.READ
    input_schema: Mapping[str, Any] = object_schema({"name": {"type": "string"}}, required=("name",))

    def __init__(self, reading: Callable[[], AbstractContextManager[LineageReader]]) -> None:
        self._reading = reading

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return one line a hop. :raises ToolRefused: nothing of that name is known."""
        name = text_argument(arguments, "name", limit=500)
        try:
            with self._reading() as reader:
                return as_text(blast(reader, name))
        except (SourceUnavailable, StoreError) as error:
            raise ToolRefused(str(error)) from error
