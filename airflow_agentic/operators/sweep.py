"""``sweep_dag("agentic_sweep", schedule="*/15 * * * *")`` in a Dag file: what hooks have missed, and merged fixes.

It also says, once, when the readiness report holds the trust level back or has grown old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from airflow.sdk import DAG, BaseOperator

from airflow_agentic import wiring
from airflow_agentic.channels.announce import announce
from airflow_agentic.guardrails.readiness_kept import chain_of
from airflow_agentic.plugs import build_channels
from airflow_agentic.readiness_news import tell_news
from airflow_agentic.records import Incident, IncidentState, Outcome, OutcomeStatus
from airflow_agentic.triggers.sweep import sweep
from airflow_agentic.wiring_sweep import sweeping


class SweepOperator(BaseOperator):
    """Hand over failures that no hook told of, and watch merged fixes. Returns how many lines each had.

    :param agentic_conn_id: the ``agentic`` connection.
    :param channels: Airflow notifiers that are told when the trust level is held back, or the readiness report is old.
    """

    def __init__(
        self, *, agentic_conn_id: str = "agentic_default", channels: Sequence[Any] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.agentic_conn_id = agentic_conn_id
        self.channels = list(channels)

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        """Run the sweep; its lines go to the task's log."""
        with wiring.connected(self.agentic_conn_id) as parts:
            report = sweep(sweeping(parts))
            told = build_channels(self.channels, context)
            news = tell_news(parts.rulings, lambda lines: announce(_about(parts.scope.repository), _told(lines), told))
        found = {"kept": report.kept, "missed": report.missed, "fixes": report.fixes, "readiness": news}
        for what, lines in found.items():
            for line in lines:
                self.log.info("%s: %s", what, line)
        return {what: len(lines) for what, lines in found.items()}


def _about(repository: str) -> Incident:
    """Return what stands for the set-up where channels expect an incident."""
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return Incident(
        id=chain_of(repository),
        dag_id="",
        run_id="",
        clear_number=0,
        state=IncidentState.FAILED,
        detail="",
        first_seen=at,
        last_seen=at,
        signals=1,
    )


def _told(lines: Sequence[str]) -> Outcome:
    body = "\n".join(f"- {line}" for line in lines)
    return Outcome(status=OutcomeStatus.RECORDED, title="Readiness of the agent", body=body, detail=lines[0])


def sweep_dag(
    dag_id: str = "agentic_sweep",
    *,
    schedule: Any = "*/15 * * * *",
    agentic_conn_id: str = "agentic_default",
    channels: Sequence[Any] = (),
) -> DAG:
    """Return the Dag of one task. Assign it to a name at module level so that Airflow finds it.

    :param channels: as in `SweepOperator`.
    """
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
        SweepOperator(task_id="sweep", agentic_conn_id=agentic_conn_id, channels=channels)
    return dag
