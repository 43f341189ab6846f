"""A data set or asset and a partition key → its state, its last writer, what ran on it and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from airflow_agentic.lineage.answers import as_text, partition
from airflow_agentic.ports import AssetReader, LineageReader
from airflow_agentic.tools._lineage_tool import LineageTool, asks


class PartitionStateTool(LineageTool):
    """Read the state of one partition.

    :param assets: Airflow's assets, for what the lineage does not tell; None: they cannot be asked here.
    """

    name = "partition_state"
    description = (
        "Ask for the state of one partition of a data set (schema.table) or asset (its URI): is it current, who wrote "
        "it last and when, which transformations ran on it, which are missing. The key is as Airflow writes it."
    )
    input_schema = asks("name", "partition_key")

    def __init__(
        self, reading: Callable[[], AbstractContextManager[LineageReader]], assets: AssetReader | None = None
    ) -> None:
        super().__init__(reading)
        self._assets = assets

    def answer(self, reader: LineageReader, given: Mapping[str, str]) -> str:
        """Return the state, then one line a transformation. :raises ToolRefused: the store does not answer."""
        return as_text(partition(reader, given["name"], given["partition_key"], assets=self._assets))
