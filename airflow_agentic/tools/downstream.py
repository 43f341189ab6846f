"""A task or data set → who uses what a task or data set makes, as lineage tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from airflow_agentic.errors import SourceUnavailable, StoreError, ToolRefused
from airflow_agentic.lineage.answers import as_text, neighbours
from airflow_agentic.ports import Effect, LineageReader
from airflow_agentic.tools.arguments import object_schema, text_argument


class DownstreamTool:
    """Walk the lineage downstream.

    :param reading: opens one reading of the lineage store.
    """

    name = "downstream"
    description = (
        "Ask the lineage who uses what a task or data set makes: jobs with their last state, "
        "and data sets, nearest first, up to five hops. "
        "The name is a task (dag_id.task_id) or a data set (schema.table)."
    )
    effect = Effect.READ
    input_schema: Mapping[str, Any] = object_schema({"name": {"type": "string"}}, required=("name",))

    def __init__(self, reading: Callable[[], AbstractContextManager[LineageReader]]) -> None:
        self._reading = reading

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return one line a job or data set. :raises ToolRefused: nothing of that name is known."""
        name = text_argument(arguments, "name", limit=500)
        try:
            with self._reading() as reader:
                return (
                    as_text(neighbours(reader, "downstream", name))
                    or f"The lineage knows nothing downstream of {name!r}."
                )
        except (SourceUnavailable, StoreError) as error:
            raise ToolRefused(str(error)) from error
