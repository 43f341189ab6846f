"""A failing job → everything that lineage knows about its surroundings, in one reading of the store.

Five hops upstream, the last five schemas of every data set on the way with what changed in them, ten runs of every
job, and the state of the partition. The size of the neighbourhood decides how long it takes, not that of the history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airflow_agentic.lineage.graph import OUTPUT, UPSTREAM, Walk, walk
from airflow_agentic.lineage.partitions import PartitionState, partition_state
from airflow_agentic.lineage.schemas import SchemaHistory, schema_histories
from airflow_agentic.ports import LineageReader
from airflow_agentic.records.lineage import LineageDataset, LineageJob, LineageRun, NodeId

RUNS = 10


@dataclass(frozen=True, kw_only=True)
class ContextPack:
    """What was found."""

    upstream: Walk
    histories: tuple[SchemaHistory, ...]
    """Of every data set upstream, the nearest first; who caused a change is asked of `with_culprit`."""
    runs: Mapping[NodeId, Sequence[LineageRun]]
    """By job, newest first; the starting jobs' among them."""
    partition: PartitionState | None


def context_pack(
    reader: LineageReader,
    jobs: Sequence[LineageJob],
    *,
    inputs: Sequence[LineageDataset] = (),
    until: str = "",
    partition_key: str = "",
) -> ContextPack:
    """Return the pack of one task's jobs.

    :param inputs: data sets to begin with as well, where they are known from elsewhere than the jobs' own edges.
    :param until: what happened later does not count.
    :param partition_key: of the failing run; the state is that of what the jobs write, else of their first input.
    """
    upstream = walk(reader, UPSTREAM, jobs=jobs, datasets=inputs)
    datasets = tuple({d.id: d for d in (*inputs, *upstream.datasets)}.values())
    histories = schema_histories(reader, datasets, until=until)
    runs = reader.runs_of_jobs([j.id for j in (*jobs, *upstream.jobs)], limit=RUNS, until=until)
    partition = None
    if partition_key:
        outputs = tuple(e.dataset for e in reader.edges_of_jobs([j.id for j in jobs], OUTPUT))
        asked = outputs[:1] or datasets[:1]
        if asked:
            partition = partition_state(reader, asked[0].name, partition_key, datasets=asked)
    return ContextPack(upstream=upstream, histories=histories, runs=runs, partition=partition)
