"""A data set or asset and a partition key → its state, its last writer, what ran on it and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from airflow_agentic.errors import SourceUnavailable, StoreError, ToolRefused
from airflow_agentic.lineage.answers import as_text, partition
from airflow_agentic.ports import AssetReader, Effect, LineageReader
from airflow_agentic.tools.arguments import object_schema, text_argument


class PartitionStateTool:
    """Read the state of one partition.

    :param reading: opens one reading of the lineage store.
    :param assets: Airflow's assets, for what the lineage does not tell; None: they cannot be asked here.
    """

    name = "partition_state"
    description = (
        "Ask for the state of one partition of a data set (schema.table) or asset (its URI): is it current, who wrote "
        "it last and when, which transformations ran on it, which are missing. The key is as Airflow writes it."
    )
    effect = Effect.READ
    input_schema: Mapping[str, Any] = object_schema(
        {"name": {"type": "string"}, "partition_key": {"type": "string"}}, required=("name", "partition_key")
    )

    def __init__(
        self, reading: Callable[[], AbstractContextManager[LineageReader]], assets: AssetReader | None = None
    ) -> None:
        self._reading = reading
        self._assets = assets

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return the state, then one line a transformation. :raises ToolRefused: the store does not answer."""
        name = text_argument(arguments, "name", limit=500)
        key = text_argument(arguments, "partition_key", limit=250)
        try:
            with self._reading() as reader:
                return as_text(partition(reader, name, key, assets=self._assets))
        except (SourceUnavailable, StoreError) as error:
            raise ToolRefused(str(error)) from error
