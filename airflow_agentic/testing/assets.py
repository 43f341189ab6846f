"""`FakeAssets`: the port `AssetReader` over plain records, for tests of whatever reads Airflow's assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.records import DagRunRecord
from airflow_agentic.records.lineage import Asset, AssetEvent


class FakeAssets:
    """Answers from what it is given.

    :param began: the events that started a run, by its id.
    :param stored: what the asset state store holds, by key.
    :param down: every call raises `SourceUnavailable`.
    """

    def __init__(
        self,
        *,
        assets: Sequence[Asset] = (),
        events: Sequence[AssetEvent] = (),
        began: Mapping[str, Sequence[AssetEvent]] | None = None,
        runs: Sequence[DagRunRecord] = (),
        stored: Mapping[str, str] | None = None,
        down: bool = False,
    ) -> None:
        self.assets, self.events, self.runs, self.down = tuple(assets), tuple(events), tuple(runs), down
        self.began, self.kept = dict(began or {}), dict(stored or {})

    def asset(self, uri: str) -> Asset | None:
        """Return the asset."""
        self._answer()
        return next((asset for asset in self.assets if uri in {asset.uri, asset.name}), None)

    def assets_of(self, dag_id: str) -> tuple[Asset, ...]:
        """Return the Dag's assets."""
        self._answer()
        return tuple(
            a for a in self.assets if dag_id in a.starts or any(d == dag_id for d, _ in (*a.producers, *a.consumers))
        )

    def upstream_events(self, dag_id: str, run_id: str) -> tuple[AssetEvent, ...]:
        """Return what started the run."""
        self._answer()
        return tuple(self.began.get(run_id, ()))

    def events_of_asset(self, asset_id: int, *, limit: int) -> tuple[AssetEvent, ...]:
        """Return the asset's events."""
        self._answer()
        return tuple(e for e in self.events if e.asset_id == asset_id)[:limit]

    def events_of_task(self, dag_id: str, task_id: str, *, limit: int) -> tuple[AssetEvent, ...]:
        """Return the task's events."""
        self._answer()
        return tuple(e for e in self.events if (e.dag_id, e.task_id) == (dag_id, task_id))[:limit]

    def runs_of_partition(self, partition_key: str) -> tuple[DagRunRecord, ...]:
        """Return the runs that carry the key."""
        self._answer()
        return tuple(run for run in self.runs if run.partition_key == partition_key)

    def stored(self, asset_id: int, key: str) -> str:
        """Return what is stored under the key."""
        self._answer()
        return self.kept.get(key, "")

    def _answer(self) -> None:
        if self.down:
            raise SourceUnavailable("Reading assets failed: FakeAssets was told to be down. Nothing to do.")
