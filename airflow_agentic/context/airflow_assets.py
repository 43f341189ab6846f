"""Airflow's REST API → assets, their events and the runs of a partition: the port `AssetReader`.

Measured on 3.3.2: events have no filter by partition, and the prefix that runs are searched by drops what is no letter
or digit at its end, so both are compared here again (AIRFLOW_FACTS B6).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from airflow_agentic.errors import IncidentNotFound
from airflow_agentic.records import DagRunRecord
from airflow_agentic.records.lineage import Asset, AssetEvent

PAGE = 100


class AirflowAssets:
    """Reads with a viewer's account.

    :param get: one GET below ``/api/v2``: path and parameters → JSON object.
    """

    def __init__(self, get: Callable[..., Mapping[str, Any]]) -> None:
        self._get = get

    def asset(self, uri: str) -> Asset | None:
        """Return the asset of that URI or name; None if there is none."""
        for field in ("uri_pattern", "name_pattern"):
            found = [_asset(a) for a in _listed(self._get("/assets", **{field: uri}, limit=PAGE), "assets")]
            exact = [asset for asset in found if uri in {asset.uri, asset.name}]
            if exact:
                return exact[0]
        return None

    def assets_of(self, dag_id: str) -> tuple[Asset, ...]:
        """Return the assets that tasks of a Dag produce or consume, or that start it."""
        return tuple(_asset(a) for a in _listed(self._get("/assets", dag_ids=dag_id, limit=PAGE), "assets"))

    def upstream_events(self, dag_id: str, run_id: str) -> tuple[AssetEvent, ...]:
        """Return the events that a run was started by."""
        try:
            found = self._get(f"/dags/{_id(dag_id)}/dagRuns/{_id(run_id)}/upstreamAssetEvents")
        except IncidentNotFound:
            return ()
        return _events(found)

    def events_of_asset(self, asset_id: int, *, limit: int) -> tuple[AssetEvent, ...]:
        """Return an asset's newest events."""
        return _events(self._get("/assets/events", asset_id=asset_id, limit=limit, order_by="-timestamp"))

    def events_of_task(self, dag_id: str, task_id: str, *, limit: int) -> tuple[AssetEvent, ...]:
        """Return the newest events that a task has caused."""
        wanted = {"source_dag_id": dag_id, "source_task_id": task_id}
        return _events(self._get("/assets/events", **wanted, limit=limit, order_by="-timestamp"))

    def runs_of_partition(self, partition_key: str) -> tuple[DagRunRecord, ...]:
        """Return the runs of all Dags that carry the key."""
        found = self._get("/dags/~/dagRuns", partition_key_prefix_pattern=partition_key, limit=PAGE)
        runs = (_run(item) for item in _listed(found, "dag_runs"))
        return tuple(run for run in runs if run.partition_key == partition_key)

    def stored(self, asset_id: int, key: str) -> str:
        """Return what the asset state store holds under a key and who wrote it; empty for nothing."""
        try:
            found = self._get(f"/assets/{asset_id}/state-store/{quote(key)}")
        except IncidentNotFound:
            return ""
        by = found.get("last_updated_by") or {}
        writer = ".".join(str(by[part]) for part in ("dag_id", "task_id") if by.get(part)) or str(by.get("kind") or "")
        value = json.dumps(found.get("value"), ensure_ascii=False)[:300]
        return (
            f"{value}, written at {found.get('updated_at')} by {writer or 'unknown'} {by.get('run_id') or ''}".strip()
        )


def _listed(found: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    return [item for item in found.get(key) or () if isinstance(item, dict)]


def _asset(item: Mapping[str, Any]) -> Asset:
    return Asset(
        id=int(item["id"]), uri=str(item.get("uri") or item.get("name") or ""), name=str(item.get("name") or ""),
        producers=_tasks(item, "producing_tasks"), consumers=_tasks(item, "consuming_tasks"),
        starts=tuple(str(d.get("dag_id")) for d in _listed(item, "scheduled_dags")),
    )  # fmt: skip


def _tasks(item: Mapping[str, Any], key: str) -> tuple[tuple[str, str], ...]:
    return tuple((str(task.get("dag_id")), str(task.get("task_id"))) for task in _listed(item, key))


def _events(found: Mapping[str, Any]) -> tuple[AssetEvent, ...]:
    return tuple(
        AssetEvent(
            id=int(item["id"]), asset_id=int(item.get("asset_id") or 0),
            uri=str(item.get("uri") or item.get("name") or ""), at=str(item.get("timestamp") or ""),
            dag_id=str(item.get("source_dag_id") or ""), task_id=str(item.get("source_task_id") or ""),
            run_id=str(item.get("source_run_id") or ""), partition_key=str(item.get("partition_key") or ""),
            consumers=tuple(_run(run) for run in _listed(item, "created_dagruns")),
        )
        for item in _listed(found, "asset_events")
    )  # fmt: skip


def _run(item: Mapping[str, Any]) -> DagRunRecord:
    return DagRunRecord(
        dag_id=str(item.get("dag_id") or ""), run_id=str(item.get("run_id") or item.get("dag_run_id") or ""),
        state=str(item.get("state") or ""), logical_date=item.get("logical_date"), run_after=item.get("run_after"),
        started_at=item.get("start_date"), ended_at=item.get("end_date"), partition_key=item.get("partition_key"),
    )  # fmt: skip


def _id(text: str) -> str:
    return quote(text, safe="")
