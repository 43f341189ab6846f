"""Builders of OpenLineage events as Airflow's provider sends them: `an_event`, `a_table`. For tests, ours and yours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

WAREHOUSE = "postgres://warehouse"


def a_table(
    name: str,
    *columns: str,
    made_of: Mapping[str, tuple[str, str]] | None = None,
    rows: int | None = None,
    owners: Sequence[str] = (),
) -> dict[str, Any]:
    """Return a data set.

    :param columns: ``name:type``; without a type they are documented ones.
    :param made_of: column → table and column that it is computed from.
    """
    facets: dict[str, Any] = {}
    if columns:
        facets["schema"] = {"fields": [{"name": c.split(":")[0], "type": c.partition(":")[2]} for c in columns]}
    if made_of:
        facets["columnLineage"] = {
            "fields": {
                out: {"inputFields": [{"namespace": WAREHOUSE, "name": table, "field": column}]}
                for out, (table, column) in made_of.items()
            }
        }
    if owners:
        facets["ownership"] = {"owners": [{"name": owner, "type": "OWNER"} for owner in owners]}
    counted = {"outputFacets": {"outputStatistics": {"rowCount": rows}}} if rows is not None else {}
    return {"namespace": WAREHOUSE, "name": name, "facets": facets, **counted}


def an_event(
    kind: str,
    at: str,
    job: str,
    *,
    run_id: str = "",
    reads: Sequence[str | dict[str, Any]] = (),
    writes: Sequence[str | dict[str, Any]] = (),
    sql: str = "",
    error: str = "",
    partition_key: str = "",
    owners: Sequence[str] = (),
) -> dict[str, Any]:
    """Return an event of a task.

    :param at: ``day hour:minute`` of November 2026: ``02 06:00``.
    :param job: ``dag_id.task_id``.
    :param run_id: Airflow's; empty: of the day.
    """
    dag_id, _, task_id = job.partition(".")
    run_id = run_id or f"{dag_id}-{at[:2]}"
    dag_run = {"dag_id": dag_id, "run_id": run_id, **({"partition_key": partition_key} if partition_key else {})}
    facets: dict[str, Any] = {"airflow": {"dag": {"dag_id": dag_id}, "dagRun": dag_run, "task": {"task_id": task_id}}}
    if error:
        facets["errorMessage"] = {"message": error, "stackTrace": ""}
    of_job: dict[str, Any] = {"sql": {"query": sql}} if sql else {}
    if owners:
        of_job["ownership"] = {"owners": [{"name": owner} for owner in owners]}
    return {
        "eventType": kind,
        "eventTime": f"2026-11-{at[:2]}T{at[3:]}:00Z",
        "producer": "https://example.com/airflow",
        "run": {"runId": str(uuid5(NAMESPACE_URL, f"{job}{run_id}")), "facets": facets},
        "job": {"namespace": "prod", "name": job, "facets": of_job},
        "inputs": [a_table(t) if isinstance(t, str) else t for t in reads],
        "outputs": [a_table(t) if isinstance(t, str) else t for t in writes],
    }
