"""Airflow's assets and their events → the same lineage as OpenLineage events would tell, as far as Airflow knows it.

The state of a partition is told by the runs that carry its key, whether they wrote or failed; Airflow has no table of
partitions (AIRFLOW_FACTS B6). A run is laid to the tasks that are known to produce or to consume the asset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from airflow_agentic.lineage.scratch import Told, told_of_failing
from airflow_agentic.ports import AssetReader
from airflow_agentic.records import DagRunRecord, Target
from airflow_agentic.records.lineage import Asset, AssetEvent

NAMESPACE = "asset"
MAX_ASSETS, MAX_EVENTS = 20, 50
_STATES = {"success": "COMPLETE", "failed": "FAIL", "running": "RUNNING"}
_LONG_AGO = "2000-01-02T00:00:00+00:00"
"""Of what is only declared: it never counts as the newest."""


def told_by_events(assets: AssetReader, target: Target) -> list[Told]:
    """Return what asset events tell of the failing run: what started it, who made that before, who waits for it.

    :raises SourceUnavailable: Airflow does not answer.
    """
    run = target.run
    tasks = list(dict.fromkeys(t.key.task_id for t in target.failed))[:MAX_ASSETS]
    began = assets.upstream_events(run.dag_id, run.run_id)
    made = [e for task_id in tasks for e in assets.events_of_task(run.dag_id, task_id, limit=MAX_EVENTS)]
    if not began and not made:
        return []
    seen = {event.id: event for event in (*began, *made)}
    for asset_id in list(dict.fromkeys(e.asset_id for e in began))[:MAX_ASSETS]:
        seen.update({event.id: event for event in assets.events_of_asset(asset_id, limit=MAX_EVENTS)})
    found = [told for event in seen.values() for told in (*_producer(event), *_consumers(event))]
    inputs = tuple(dict.fromkeys((NAMESPACE, e.uri) for e in began))
    for task_id in tasks:
        outputs = tuple(dict.fromkeys((NAMESPACE, e.uri) for e in made if e.task_id == task_id))
        found.append(told_of_failing(target, task_id, inputs, outputs))
    return found


def told_by_inlets(assets: AssetReader, target: Target) -> list[Told]:
    """Return what the inlets and outlets of the failing tasks tell, and who else names the same assets.

    :raises SourceUnavailable: Airflow does not answer.
    """
    failing = list(dict.fromkeys((target.run.dag_id, t.key.task_id) for t in target.failed))
    known = [a for a in assets.assets_of(target.run.dag_id) if any(t in (*a.producers, *a.consumers) for t in failing)]
    found = []
    for task in dict.fromkeys(t for a in known[:MAX_ASSETS] for t in (*a.producers, *_readers(a))):
        inputs = _named(a for a in known if task in _readers(a))
        outputs = _named(a for a in known if task in a.producers)
        if task in failing:
            found.append(told_of_failing(target, task[1], inputs, outputs))
        else:
            found.append(_declared(task, inputs, outputs))
    return found


def told_of_partition(
    assets: AssetReader, asset: Asset, partition_key: str
) -> tuple[list[Told], tuple[AssetEvent, ...]]:
    """Return what Airflow's runs and asset events tell of one partition of an asset, and those events.

    :raises SourceUnavailable: Airflow does not answer.
    """
    data = ((NAMESPACE, asset.uri),)
    events = tuple(e for e in assets.events_of_asset(asset.id, limit=MAX_EVENTS) if e.partition_key == partition_key)
    found = [told for event in events for told in _producer(event)]
    for event in events:
        for consumer in event.consumers:
            # A mapper may have given the consumer another key: what it has read is this partition all the same.
            mine = [task for task in _readers(asset) if task[0] == consumer.dag_id] or [(consumer.dag_id, "")]
            found += [_of_run(consumer, task, partition_key, inputs=data) for task in mine]
    written = {told.run_id for told in found if told.outputs}
    for run in assets.runs_of_partition(partition_key):
        if run.run_id not in written:
            mine = [task for task in asset.producers if task[0] == run.dag_id]
            found += [_of_run(run, task, partition_key, outputs=data) for task in mine]
    # Who has not run on this partition is told of without it: that is what is missing.
    found += [_declared(task, (), data) for task in asset.producers]
    found += [_declared(task, data, ()) for task in _readers(asset)]
    return found, events


def _producer(event: AssetEvent) -> Iterator[Told]:
    if event.dag_id:
        yield Told(
            job=f"{event.dag_id}.{event.task_id}" if event.task_id else event.dag_id, at=event.at, dag_id=event.dag_id,
            task_id=event.task_id, run_id=event.run_id, partition_key=event.partition_key,
            outputs=((NAMESPACE, event.uri),),
        )  # fmt: skip


def _consumers(event: AssetEvent) -> Iterator[Told]:
    for run in event.consumers:
        yield _of_run(run, (run.dag_id, ""), run.partition_key or "", inputs=((NAMESPACE, event.uri),))


def _readers(asset: Asset) -> tuple[tuple[str, str], ...]:
    """Return the tasks that have it as inlet, and the Dags that it starts and of which no task has."""
    named = {dag_id for dag_id, _ in asset.consumers}
    return (*asset.consumers, *((dag_id, "") for dag_id in asset.starts if dag_id not in named))


def _of_run(
    run: DagRunRecord,
    task: tuple[str, str],
    partition_key: str,
    *,
    inputs: tuple[tuple[str, str], ...] = (),
    outputs: tuple[tuple[str, str], ...] = (),
) -> Told:
    return Told(
        job=".".join(part for part in task if part), at=run.ended_at or run.started_at or run.run_after or _LONG_AGO,
        state=_STATES.get(run.state, "OTHER"), dag_id=task[0], task_id=task[1], run_id=run.run_id,
        partition_key=partition_key, inputs=inputs, outputs=outputs,
    )  # fmt: skip


def _declared(task: tuple[str, str], inputs: Sequence[tuple[str, str]], outputs: Sequence[tuple[str, str]]) -> Told:
    return Told(
        job=".".join(part for part in task if part), at=_LONG_AGO, state="OTHER", dag_id=task[0], task_id=task[1],
        run_id="declared", inputs=tuple(inputs), outputs=tuple(outputs),
    )  # fmt: skip


def _named(assets: Iterable[Asset]) -> tuple[tuple[str, str], ...]:
    return tuple((NAMESPACE, asset.uri) for asset in assets)
