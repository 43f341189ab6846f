"""A lineage store, and Airflow's assets, as the questions see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from airflow_agentic.records import DagRunRecord
from airflow_agentic.records.lineage import (
    Asset,
    AssetEvent,
    ColumnEdge,
    LineageDataset,
    LineageEdge,
    LineageJob,
    LineageRun,
    NodeId,
    RunIo,
    SchemaVersion,
)


class LineageReader(Protocol):
    """One state of a lineage store, read-only; ids are those that it gave itself.

    Every question takes many ids at once, because a walk asks level by level. Times are ISO 8601 in UTC. What does not
    exist is not in the answer. Every method raises `SourceUnavailable` or `StoreError` when the store does not answer.
    """

    def find_jobs(self, name: str) -> tuple[LineageJob, ...]:
        """Return jobs called so: ``dag_id.task_id``, or a job's whole name; at most 50."""

    def find_datasets(self, name: str) -> tuple[LineageDataset, ...]:
        """Return data sets called so, whole name or its last parts, with or without namespace; at most 50."""

    def jobs_of_tasks(self, dag_id: str, task_ids: Sequence[str]) -> tuple[LineageJob, ...]:
        """Return the jobs of a Dag's tasks."""

    def fans(self, dataset_ids: Sequence[NodeId], io: str) -> Mapping[NodeId, int]:
        """Return how many jobs have each data set as *io*, counted up to 10,000."""

    def edges_of_jobs(self, job_ids: Sequence[NodeId], io: str) -> tuple[LineageEdge, ...]:
        """Return what jobs have as *io*, with the fan of each data set on its other side."""

    def edges_of_datasets(self, dataset_ids: Sequence[NodeId], io: str) -> tuple[LineageEdge, ...]:
        """Return the jobs that have data sets as *io*; at most 2,000, the most recently seen first."""

    def assets_of_jobs(self, job_ids: Sequence[NodeId]) -> Mapping[NodeId, tuple[tuple[str, ...], tuple[str, ...]]]:
        """Return the URIs of Airflow's inlets and outlets of jobs."""

    def owners_of_datasets(self, dataset_ids: Sequence[NodeId]) -> Mapping[NodeId, tuple[str, ...]]:
        """Return who owns data sets, as their producers said last."""

    def last_runs(self, job_ids: Sequence[NodeId], *, limit: int, until: str = "") -> tuple[LineageRun, ...]:
        """Return each job's newest *limit* runs (whose last event is not after *until*), newest first."""

    def runs_of_jobs(
        self, job_ids: Sequence[NodeId], *, limit: int, until: str = ""
    ) -> Mapping[NodeId, Sequence[LineageRun]]:
        """Return the same job by job; where many are asked for and few are looked at."""

    def runs_of_task_run(self, job_ids: Sequence[NodeId], airflow_run_id: str) -> tuple[LineageRun, ...]:
        """Return all tries of jobs within one Dag run."""

    def child_runs(self, run_ids: Sequence[str]) -> tuple[LineageRun, ...]:
        """Return the runs that were started by runs: queries of hooks, dbt models."""

    def io_of_runs(self, run_ids: Sequence[str]) -> tuple[RunIo, ...]:
        """Return what runs have read and written."""

    def runs_by_id(self, run_ids: Sequence[str]) -> tuple[LineageRun, ...]:
        """Return runs, with error and statement where kept."""

    def writers_between(self, dataset_id: NodeId, since: str, until: str) -> tuple[LineageRun, ...]:
        """Return runs that had the data set as output and were at work between two times, newest first; at most 20."""

    def schema_versions(self, dataset_ids: Sequence[NodeId], *, until: str = "") -> tuple[SchemaVersion, ...]:
        """Return every known schema of data sets (seen before *until*), the last seen first; at most 10 each."""

    def first_run(self, version: SchemaVersion) -> str:
        """Return the id of the run that saw a version of a data set first; empty if it is not known any more."""

    def column_sources(self, columns: Sequence[tuple[NodeId, str]]) -> tuple[ColumnEdge, ...]:
        """Return the edges that lead into columns; at most 2,000."""

    def columns_read(self, job_ids: Sequence[NodeId]) -> tuple[ColumnEdge, ...]:
        """Return the column edges that jobs themselves have told; at most 5,000."""

    def partition_runs(self, partition_key: str, job_ids: Sequence[NodeId] = ()) -> tuple[LineageRun, ...]:
        """Return the runs (of jobs) that worked for a partition, newest first; at most 500."""


class AssetReader(Protocol):
    """Airflow's assets, read-only. Every method raises `SourceUnavailable` when Airflow does not answer."""

    def asset(self, uri: str) -> Asset | None:
        """Return the asset of that URI or name; None if there is none."""

    def assets_of(self, dag_id: str) -> tuple[Asset, ...]:
        """Return the assets that tasks of a Dag produce or consume, or that start it; at most 100."""

    def upstream_events(self, dag_id: str, run_id: str) -> tuple[AssetEvent, ...]:
        """Return the events that a run was started by."""

    def events_of_asset(self, asset_id: int, *, limit: int) -> tuple[AssetEvent, ...]:
        """Return an asset's newest events."""

    def events_of_task(self, dag_id: str, task_id: str, *, limit: int) -> tuple[AssetEvent, ...]:
        """Return the newest events that a task has caused."""

    def runs_of_partition(self, partition_key: str) -> tuple[DagRunRecord, ...]:
        """Return the runs of all Dags that carry the key; at most 100."""

    def stored(self, asset_id: int, key: str) -> str:
        """Return what the asset state store holds under a key and who wrote it; empty for nothing."""
