"""Jobs, or data sets → the edges of the graph on one of their sides.

Who asks what jobs have on one side asks next who is on the far side of it, so both come in one answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from airflow_agentic.records.lineage import LineageDataset, LineageEdge, LineageJob, NodeId
from airflow_agentic.store.lineage_asking import Asking
from airflow_agentic.store.lineage_rows import DAY_US, a_dataset, a_job, moment
from airflow_agentic.store.lineage_statements import (
    ASK_DATASETS_BY_ID,
    ASK_EDGES_OF_DATASETS,
    ASK_EDGES_OF_JOBS,
    ASK_JOBS_BY_ID,
    EDGE_CAP,
    THROUGH,
)

IO = {"input": 0, "output": 1}


class Edges:
    """The graph as one reading has come across it: it sees one state, so nothing is asked twice."""

    def __init__(self, asking: Asking) -> None:
        self._ask = asking.ask
        self._jobs: dict[NodeId, LineageJob] = {}
        self._datasets: dict[NodeId, LineageDataset] = {}
        self._of_jobs: dict[tuple[str, tuple[NodeId, ...]], tuple[LineageEdge, ...]] = {}
        self._of_datasets: dict[tuple[str, tuple[NodeId, ...]], tuple[LineageEdge, ...]] = {}
        self._ahead: dict[str, dict[NodeId, list[Any]]] = {"input": {}, "output": {}}
        """By side: rows of all jobs that a data set has there, where they came with another answer."""

    def of_jobs(self, job_ids: Sequence[NodeId], io: str) -> tuple[LineageEdge, ...]:
        """Return what jobs have as *io*, with the fan of each data set on its other side."""
        key = io, tuple(job_ids)
        if job_ids and key not in self._of_jobs:
            rows = self._ask(ASK_EDGES_OF_JOBS[IO[io]], {"ids": list(job_ids)})
            near = [row for row in rows if row[8] is not None]
            ahead = self._ahead["input" if io == "output" else "output"]
            ahead.update({row[6]: [] for row in near if row[8] <= THROUGH})
            for row in rows:
                if row[8] is None:
                    ahead[row[6]].append(row)
            jobs = self.known_jobs({row[0] for row in near})
            self._of_jobs[key] = tuple(
                LineageEdge(
                    job=jobs[row[0]],
                    dataset=self._met_dataset(row[6], row[1], row[2]),
                    io=io,
                    last_seen=moment(row[7] * DAY_US),
                    fan=row[8],
                )
                for row in near
                if row[0] in jobs
            )
        return self._of_jobs.get(key, ())

    def of_datasets(self, dataset_ids: Sequence[NodeId], io: str) -> tuple[LineageEdge, ...]:
        """Return the jobs that have data sets as *io*; at most 2,000, the most recently seen first."""
        key = io, tuple(dataset_ids)
        if dataset_ids and key not in self._of_datasets:
            ahead = self._ahead[io]
            if all(one in ahead for one in dataset_ids):
                rows: Sequence[Any] = [row for one in dict.fromkeys(dataset_ids) for row in ahead[one]]
                rows = sorted(rows, key=lambda row: (-row[7], row[0]))[:EDGE_CAP]
            else:
                rows = self._ask(ASK_EDGES_OF_DATASETS[IO[io]], {"ids": list(dataset_ids)})
            datasets = self._known_datasets({row[6] for row in rows})
            self._of_datasets[key] = tuple(
                LineageEdge(
                    job=self.met_job(row[:6]), dataset=datasets[row[6]], io=io, last_seen=moment(row[7] * DAY_US)
                )
                for row in rows
                if row[6] in datasets
            )
        return self._of_datasets.get(key, ())

    def met_job(self, row: Any) -> LineageJob:
        """Return a job from its row, and keep it."""
        job = self._jobs[row[0]] = a_job(*row)
        return job

    def known_jobs(self, job_ids: Collection[NodeId]) -> Mapping[NodeId, LineageJob]:
        """Return all jobs that this reading has come across, these among them where they exist."""
        if missing := [key for key in job_ids if key not in self._jobs]:
            for row in self._ask(ASK_JOBS_BY_ID, {"ids": missing}):
                self.met_job(row)
        return self._jobs

    def _met_dataset(self, dataset_id: int, namespace: str, name: str) -> LineageDataset:
        dataset = self._datasets[dataset_id] = a_dataset(dataset_id, namespace, name)
        return dataset

    def _known_datasets(self, dataset_ids: Collection[NodeId]) -> Mapping[NodeId, LineageDataset]:
        if missing := [key for key in dataset_ids if key not in self._datasets]:
            for row in self._ask(ASK_DATASETS_BY_ID, {"ids": missing}):
                self._met_dataset(*row)
        return self._datasets
