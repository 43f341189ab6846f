"""A failing job → who waits for what it writes: tasks, data sets, Dags and their owners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_agentic.lineage.graph import DOWNSTREAM, MAX_HOPS, Walk, walk
from airflow_agentic.ports import LineageReader
from airflow_agentic.records.lineage import LineageDataset, LineageJob


@dataclass(frozen=True, kw_only=True)
class Blast:
    """What lies downstream, the nearest first."""

    walk: Walk
    dags: tuple[str, ...]
    """Other Dags than those that the question began with."""
    owners: tuple[str, ...]
    """Of jobs and data sets downstream."""


def blast_radius(
    reader: LineageReader,
    *,
    jobs: Sequence[LineageJob] = (),
    datasets: Sequence[LineageDataset] = (),
    max_hops: int = MAX_HOPS,
) -> Blast:
    """Return who reads, directly or through others, what the jobs write (or the data sets themselves)."""
    found = walk(reader, DOWNSTREAM, jobs=jobs, datasets=datasets, max_hops=max_hops)
    own = {j.dag_id for j in jobs}
    of_sets = reader.owners_of_datasets([d.id for d in (*datasets, *found.datasets)])
    owners = [owner for j in found.jobs for owner in j.owners] + [o for names in of_sets.values() for o in names]
    return Blast(
        walk=found,
        dags=tuple(dict.fromkeys(j.dag_id for j in found.jobs if j.dag_id and j.dag_id not in own)),
        owners=tuple(dict.fromkeys(owners)),
    )


def blast_lines(blast: Blast, *, most: int = 12) -> tuple[str, ...]:
    """Return the blast radius as lines for people, one a hop."""
    lines = []
    for level in blast.walk.levels:
        jobs, sets = [j.name for j in level.jobs], [d.name for d in level.datasets]
        if jobs or sets:
            said = f"hop {level.hop}: {some(jobs, most) or 'no further job'}"
            lines.append(said + (f" (through {some(sets, most)})" if sets else ""))
    lines += [f"{hub.jobs} jobs read {hub.dataset.name} (too many to follow)" for hub in blast.walk.hubs]
    if blast.dags:
        lines.append(f"other Dags: {some(blast.dags, most)}")
    if blast.owners:
        lines.append(f"owners: {some(blast.owners, most)}")
    if blast.walk.truncated:
        lines.append("more lies beyond; the walk ends at 300 jobs and data sets")
    return tuple(lines)


def some(names: Sequence[str], most: int = 12) -> str:
    """Return at most *most* names and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
