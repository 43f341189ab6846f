"""A failing job → everything that lineage knows about its surroundings, in one reading of the store.

Five hops upstream, the last five schemas of every data set on the way with what changed in them, ten runs of every
job, and the state of the partition. The size of the neighbourhood decides how long it takes, not that of the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from airflow_agentic.lineage.graph import OUTPUT, UPSTREAM, Walk, walk
from airflow_agentic.lineage.partitions import PartitionState, partition_state
from airflow_agentic.lineage.schemas import SchemaHistory, schema_histories, with_culprit
from airflow_agentic.ports import LineageReader
from airflow_agentic.records.lineage import LineageDataset, LineageJob, LineageRun, NodeId

RUNS, CULPRITS = 10, 3


@dataclass(frozen=True, kw_only=True)
class ContextPack:
    """What was found."""

    upstream: Walk
    histories: tuple[SchemaHistory, ...]
    """Of every data set upstream, the nearest first."""
    runs: dict[NodeId, tuple[LineageRun, ...]]
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
    histories = list(schema_histories(reader, datasets, until=until))
    changed = [i for i, h in enumerate(histories) if h.changes][:CULPRITS]
    for index in changed:
        newest = with_culprit(reader, histories[index].changes[0])
        histories[index] = replace(histories[index], changes=(newest, *histories[index].changes[1:]))
    runs: dict[NodeId, list[LineageRun]] = {}
    for run in reader.last_runs([j.id for j in (*jobs, *upstream.jobs)], limit=RUNS, until=until):
        runs.setdefault(run.job.id, []).append(run)
    partition = None
    if partition_key:
        outputs = tuple(e.dataset for e in reader.edges_of_jobs([j.id for j in jobs], OUTPUT))
        asked = outputs[:1] or datasets[:1]
        if asked:
            partition = partition_state(reader, asked[0].name, partition_key, datasets=asked)
    listed = {job: tuple(found) for job, found in runs.items()}
    return ContextPack(upstream=upstream, histories=tuple(histories), runs=listed, partition=partition)
