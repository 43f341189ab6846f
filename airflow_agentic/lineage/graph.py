"""A job or data set → what lies upstream or downstream of it, level by level.

Two questions to the store a hop, a visited set and a cap: a recursive query re-expands shared nodes at every depth
and took seconds on one table with 2,000 writers (LINEAGE_FACTS 4). Such a hub is counted and named, not walked through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_agentic.ports import LineageReader
from airflow_agentic.records.lineage import LineageDataset, LineageEdge, LineageJob, NodeId

INPUT, OUTPUT = "input", "output"
UPSTREAM, DOWNSTREAM = "upstream", "downstream"
MAX_HOPS, MAX_NODES, HUB = 5, 300, 50


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A data set with too many jobs on its far side to be walked through."""

    dataset: LineageDataset
    jobs: int
    hop: int


@dataclass(frozen=True, kw_only=True)
class Level:
    """What one hop found that no hop before it had."""

    hop: int
    jobs: tuple[LineageJob, ...]
    datasets: tuple[LineageDataset, ...]
    edges: tuple[LineageEdge, ...]


@dataclass(frozen=True, kw_only=True)
class Walk:
    """All that was found in one direction."""

    direction: str
    levels: tuple[Level, ...]
    hubs: tuple[Hub, ...] = ()
    truncated: bool = False
    """More than the cap of nodes lies in this direction."""

    @property
    def jobs(self) -> tuple[LineageJob, ...]:
        """All jobs, the nearest first; the starting ones not among them."""
        return tuple(job for level in self.levels for job in level.jobs)

    @property
    def datasets(self) -> tuple[LineageDataset, ...]:
        """All data sets, the nearest first."""
        return tuple(dataset for level in self.levels for dataset in level.datasets)

    def hop_of(self, node_id: NodeId, *, job: bool) -> int | None:
        """Return at which hop a job (or data set) was found; None if it was not."""
        for level in self.levels:
            if any(n.id == node_id for n in (level.jobs if job else level.datasets)):
                return level.hop
        return None


@dataclass
class _Seen:
    """What the walk has come across, and how much it may still take."""

    jobs: set[NodeId]
    datasets: set[NodeId]
    room: int
    truncated: bool = False

    def fresh_datasets(self, edges: Sequence[LineageEdge]) -> dict[NodeId, LineageEdge]:
        return self._take({e.dataset.id: e for e in edges}, self.datasets)

    def fresh_jobs(self, edges: Sequence[LineageEdge]) -> dict[NodeId, LineageEdge]:
        return self._take({e.job.id: e for e in edges}, self.jobs)

    def _take(self, found: dict[NodeId, LineageEdge], known: set[NodeId]) -> dict[NodeId, LineageEdge]:
        new = {key: edge for key, edge in found.items() if key not in known}
        if len(new) > self.room:
            self.truncated = True
            new = dict(list(new.items())[: self.room])
        known.update(new)
        self.room -= len(new)
        return new


def walk(
    reader: LineageReader,
    direction: str,
    *,
    jobs: Sequence[LineageJob] = (),
    datasets: Sequence[LineageDataset] = (),
    max_hops: int = MAX_HOPS,
    max_nodes: int = MAX_NODES,
) -> Walk:
    """Return what lies in *direction* of the jobs, and of the data sets.

    A hop leads from jobs over data sets to jobs; a walk from data sets begins in the middle of its first hop.
    Data sets with more than 50 jobs on the far side become hubs.

    :param direction: ``upstream`` or ``downstream``.
    """
    near, far = (INPUT, OUTPUT) if direction == UPSTREAM else (OUTPUT, INPUT)
    seen = _Seen(jobs={j.id for j in jobs}, datasets={d.id for d in datasets}, room=max_nodes)
    frontier = [j.id for j in jobs]
    fans = dict(reader.fans([d.id for d in datasets], far)) if datasets else {}
    waiting: dict[NodeId, LineageDataset] = {d.id: d for d in datasets}
    levels: list[Level] = []
    hubs: list[Hub] = []
    for hop in range(1, max_hops + 1):
        steps = reader.edges_of_jobs(frontier, near) if frontier else ()
        new = seen.fresh_datasets(steps)
        fans.update({e.dataset.id: e.fan for e in new.values()})
        waiting.update({key: e.dataset for key, e in new.items()})
        hubs += [Hub(dataset=d, jobs=fans.get(key, 0), hop=hop) for key, d in waiting.items() if fans.get(key, 0) > HUB]
        through = [key for key in waiting if 0 < fans.get(key, 0) <= HUB]
        beyond = reader.edges_of_datasets(through, far) if through else ()
        found = seen.fresh_jobs(beyond)
        if not new and not found:
            break
        levels.append(
            Level(
                hop=hop,
                jobs=tuple(e.job for e in found.values()),
                datasets=tuple(e.dataset for e in new.values()),
                edges=(*steps, *beyond),
            )
        )
        frontier, waiting = list(found), {}
        if seen.room <= 0:
            break
    return Walk(direction=direction, levels=tuple(levels), hubs=tuple(hubs), truncated=seen.truncated)
