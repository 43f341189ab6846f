"""``triage_dag("agentic_triage", agentic_conn_id=...)`` in a Dag file: the four tasks of a triage.

Each task can be given a queue and a pool of its own, so that a deployment puts the one that reads strangers'
text and the one that writes to the forge on different workers, with different secrets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_agentic.operators.permit import PermitOperator
from airflow_agentic.operators.triage import DeliverOperator, InvestigateOperator, ReviewOperator, ValidateOperator

TASKS = ("investigate", "permit", "validate", "review", "deliver")


def triage_dag(
    dag_id: str = "agentic_triage",
    *,
    agentic_conn_id: str = "agentic_default",
    queues: Mapping[str, str] | None = None,
    pools: Mapping[str, str] | None = None,
    max_active_runs: int = 4,
    review_timeout: timedelta = timedelta(hours=24),
    reviewers: Sequence[Mapping[str, Any]] = (),
    channels: Sequence[Any] = (),
    retries: int = 1,
    ask_before_staging: bool = False,
) -> DAG:
    """Return the triage Dag. Assign it to a name at module level so that Airflow finds it.

    :param queues: task id → queue; tasks are ``investigate``, ``permit``, ``validate``, ``review``, ``deliver``.
    :param pools: task id → pool.
    :param max_active_runs: how many incidents are looked at at once; the others wait in the queue.
    :param review_timeout: how long a person has to answer; silence is a no.
    :param reviewers: users who may answer, ``{"id": ..., "name": ...}``; empty: whoever may edit the Dag.
    :param channels: Airflow notifiers that are told when a person is asked, and of the outcome.
    :param ask_before_staging: one more task, ``permit``: where the policy wants a person for ``staging_write`` it asks
        before the proof may use staging connections. Without it such a proof runs without them.
    :raises ValueError: a queue or a pool is given for a task that does not exist.
    """
    _refuse_unknown(queues=queues, pools=pools)

    def place(task_id: str) -> dict[str, Any]:
        places = {"queue": (queues or {}).get(task_id), "pool": (pools or {}).get(task_id)}
        return {"task_id": task_id, "agentic_conn_id": agentic_conn_id, **{k: v for k, v in places.items() if v}}

    dag = DAG(
        dag_id,
        schedule=None,
        catchup=False,
        max_active_runs=max_active_runs,
        is_paused_upon_creation=False,
        tags=["agentic"],
        description="Finds out why a Dag failed, proves a fix and opens a draft pull request",
        default_args={"owner": "agentic", "retries": retries, "retry_delay": timedelta(seconds=30)},
    )
    with dag:
        investigate = InvestigateOperator(**place("investigate"))
        incident_id = "{{ ti.xcom_pull(task_ids='investigate') }}"
        validate = ValidateOperator(incident_id=incident_id, **place("validate"))
        review = ReviewOperator(
            incident_id=incident_id,
            response_timeout=review_timeout,
            assigned_users=list(reviewers),
            channels=list(channels),
            **place("review"),
        )
        deliver = DeliverOperator(incident_id=incident_id, channels=list(channels), **place("deliver"))
        investigate >> validate >> review >> deliver
        if ask_before_staging:
            permit = PermitOperator(
                incident_id=incident_id, response_timeout=review_timeout, channels=list(channels), **place("permit")
            )
            investigate >> permit >> validate
    return dag


def _refuse_unknown(**given: Mapping[str, str] | None) -> None:
    for name, mapping in given.items():
        unknown = sorted(set(mapping or {}) - set(TASKS))
        if unknown:
            raise ValueError(f"triage_dag({name}=...) names {unknown}; the tasks are {', '.join(TASKS)}.")
