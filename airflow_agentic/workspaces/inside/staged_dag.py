"""What a staged run changes about a Dag and its run, so that it is like production's and reaches nobody."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

FRESH_RETRIES = 0
"""A staged run has no second try: a fix must work the first time, and a retry delay would only be waited for."""


def make_quiet(dag: Any) -> None:
    """Take out what would reach people or wait: callbacks, mails and retries."""
    for owner in (dag, *dag.tasks):
        for name in ("execute", "failure", "success", "retry", "skipped"):
            attribute = f"on_{name}_callback"
            if getattr(owner, attribute, None):
                setattr(owner, attribute, None if owner is dag else [])
    for task in dag.tasks:
        for attribute, value in (("retries", FRESH_RETRIES), ("email_on_failure", False), ("email_on_retry", False)):
            if hasattr(task, "partial_kwargs"):
                task.partial_kwargs[attribute] = value
            else:
                setattr(task, attribute, value)


def moment(text: str) -> Any:
    """Return an ISO 8601 text as a time; None for an empty one."""
    import pendulum

    return pendulum.parse(text) if text else None


def keep_inputs(interval: list[str] | None, partition_key: str) -> None:
    """Give the run the interval and the partition that the incident had.

    ``dag.test()`` knows no partition, and infers the interval of a manual run, which *ends* at the logical date for
    timetables with intervals. Where the incident's own is not known, the scheduler's is taken.
    """
    from airflow.models import dagrun

    create = dagrun.get_or_create_dagrun

    def with_inputs(**given: Any) -> Any:
        logical_date, inferred = given.get("logical_date"), given.get("data_interval")
        following = getattr(getattr(given["dag"], "timetable", None), "_get_next", None)
        if interval and inferred:
            given["data_interval"] = type(inferred)(moment(interval[0]), moment(interval[1]))
        elif logical_date is not None and following is not None and inferred and inferred[0] != inferred[1]:
            given["data_interval"] = type(inferred)(logical_date, following(logical_date))
        run = create(**given)
        if partition_key:
            run.partition_key = partition_key
            given["session"].commit()
        return run

    dagrun.get_or_create_dagrun = with_inputs


def waits_for_other_dags(dag: Any, asked: list[str]) -> str | None:
    """Return a pattern of the tasks that only wait for another Dag's run: here there is none, they would wait for ever.

    :param asked: tasks that are on trial and must run as they are.
    """
    waiting = [t.task_id for t in dag.tasks if t.task_type.startswith("ExternalTask") and t.task_id not in asked]
    return "|".join(map(re.escape, waiting)) or None


def states(dag_id: str, logical_date: Any, *, before: int) -> dict[str, Any]:
    """Return what this fork's own database holds of the run at that date, which *before* others came before."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        runs = session.scalars(select(DagRun)).all()
        tasks = session.scalars(select(TaskInstance).where(TaskInstance.dag_id == dag_id)).all()
        mine = [run for run in runs if run.dag_id == dag_id]
        here = [run for run in mine if run.logical_date == logical_date]
        run_id = here[0].run_id if here else ""
        return {
            "runs": len(mine) - before,
            "run_id": run_id,
            "state": str(getattr(here[0].state, "value", here[0].state)) if here else "",
            "tasks": [
                {"task_id": t.task_id, "map_index": t.map_index, "state": str(getattr(t.state, "value", t.state))}
                for t in tasks
                if t.run_id == run_id
            ],
            "handed_on": handed_on(session, dag_id, run_id),
        }


def handed_on(session: Any, dag_id: str, run_id: str) -> list[dict[str, Any]]:
    """Return a digest of each value that a task gave to later ones."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    rows = session.scalars(select(XComModel).where(XComModel.dag_id == dag_id, XComModel.run_id == run_id)).all()
    return [
        {
            "task_id": row.task_id,
            "map_index": row.map_index,
            "key": row.key,
            "digest": hashlib.sha256(json.dumps(row.value, sort_keys=True, default=repr).encode()).hexdigest()[:16],
        }
        for row in rows
    ]


def links(dag: Any) -> dict[str, Any]:
    """Return what ties a Dag to others: assets on both sides, Dags that it starts, Dags that it waits for."""
    consumed = _assets(getattr(dag.timetable, "asset_condition", None))
    produced = [outlet for task in dag.tasks for outlet in getattr(task, "outlets", None) or ()]
    kinds = {task.task_id: getattr(task, "task_type", "") for task in dag.tasks}
    return {
        "dag_id": dag.dag_id,
        "consumes": sorted({uri for asset in consumed for uri in _uris(asset)}),
        "produces": sorted({uri for asset in produced for uri in _uris(asset)}),
        "starts": sorted(_named(dag, kinds, "TriggerDagRun", "trigger_dag_id")),
        "waits_for": sorted(_named(dag, kinds, "ExternalTask", "external_dag_id")),
    }


def _assets(condition: Any) -> list[Any]:
    """Return every asset of a schedule: one, or a condition over several."""
    inner = getattr(condition, "objects", None)
    if inner is None:
        return [] if condition is None else [condition]
    return [asset for one in inner for asset in _assets(one)]


def _uris(asset: Any) -> list[str]:
    return [str(value) for value in (getattr(asset, "uri", None), getattr(asset, "name", None)) if value]


def _named(dag: Any, kinds: dict[str, str], kind: str, attribute: str) -> set[str]:
    found = set()
    for task in dag.tasks:
        if kinds[task.task_id].startswith(kind):
            given = getattr(task, attribute, None) or getattr(task, "partial_kwargs", {}).get(attribute)
            found |= {given} if isinstance(given, str) else set()
    return found
