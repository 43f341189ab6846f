"""``sweep_dag("agentic_sweep", schedule="*/15 * * * *")`` in a Dag file: what hooks have missed, and merged fixes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from airflow.sdk import DAG, BaseOperator

from airflow_agentic import wiring
from airflow_agentic.triggers.sweep import sweep


class SweepOperator(BaseOperator):
    """Hand over failures that no hook told of, and watch merged fixes. Returns how many lines each had.

    :param agentic_conn_id: the ``agentic`` connection.
    """

    def __init__(self, *, agentic_conn_id: str = "agentic_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agentic_conn_id = agentic_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        """Run the sweep; its lines go to the task's log."""
        with wiring.connected(self.agentic_conn_id) as parts:
            report = sweep(parts.sweeping())
        found = {"kept": report.kept, "missed": report.missed, "fixes": report.fixes}
        for what, lines in found.items():
            for line in lines:
                self.log.info("%s: %s", what, line)
        return {what: len(lines) for what, lines in found.items()}


def sweep_dag(
    dag_id: str = "agentic_sweep", *, schedule: Any = "*/15 * * * *", agentic_conn_id: str = "agentic_default"
) -> DAG:
    """Return the Dag of one task. Assign it to a name at module level so that Airflow finds it."""
    dag = DAG(
        dag_id,
        schedule=schedule,
        start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
        catchup=False,
        max_active_runs=1,
        tags=["agentic"],
        description="Hands over failures that no hook told of, and watches merged fixes",
        default_args={"owner": "agentic", "retries": 0},
    )
    with dag:
        SweepOperator(task_id="sweep", agentic_conn_id=agentic_conn_id)
    return dag
