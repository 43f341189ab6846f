"""``undo_dag("agentic_undo")`` in a Dag file: what the page's button starts, as the person who pressed it.

Airflow decides who may: whoever may trigger this Dag. The task that runs it holds the forge connection; the page,
which shows strangers' text, holds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import DAG, BaseOperator, Param
from airflow.sdk.exceptions import AirflowFailException

from airflow_agentic.by_hand import withdraw
from airflow_agentic.errors import IncidentNotFound, SettingsError
from airflow_agentic.guardrails.outgoing import outgoing
from airflow_agentic.redaction.everything import hide_in_error

MOST_OF_A_REASON = 500


class UndoOperator(BaseOperator):
    """Take back what was published for an incident: close it, or draft a revert once merged. Returns what was done.

    Safe to repeat. Who asked, and why, stands in the ledger.

    :param incident_id: as `airflow agentic incidents` lists it; a template.
    :param reason: why, in a person's words; a template.
    :param agentic_conn_id: the ``agentic`` connection.
    """

    template_fields = ("incident_id", "reason")

    def __init__(
        self,
        *,
        incident_id: str = "{{ params.incident_id }}",
        reason: str = "{{ params.reason or '' }}",
        agentic_conn_id: str = "agentic_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.incident_id, self.reason, self.agentic_conn_id = incident_id, reason, agentic_conn_id

    def execute(self, context: Mapping[str, Any]) -> str:
        """Undo it.

        :raises AirflowFailException: there is no such incident, or nothing that can be undone; retrying does not help.
        """
        who = str(getattr(context["dag_run"], "triggering_user_name", None) or "A person")
        said = " ".join(self.reason.split())[:MOST_OF_A_REASON]
        why = f"{who} asked for it: {said}" if said else f"{who} asked for it."
        try:
            done = withdraw(self.agentic_conn_id, self.incident_id, why=why)
        except (IncidentNotFound, SettingsError) as error:
            raise AirflowFailException(str(error)) from error
        except Exception as error:
            hide_in_error(error)
            raise
        self.log.info("%s: %s", self.incident_id, outgoing(done))
        return done


def undo_dag(
    dag_id: str = "agentic_undo",
    *,
    agentic_conn_id: str = "agentic_default",
    queue: str | None = None,
    pool: str | None = None,
) -> DAG:
    """Return the Dag of one task. Assign it to a name at module level so that Airflow finds it.

    :param queue: where the forge connection may be used: that of the triage Dag's ``deliver``.
    :param pool: likewise.
    """
    place = {name: value for name, value in (("queue", queue), ("pool", pool)) if value}
    dag = DAG(
        dag_id,
        schedule=None,
        catchup=False,
        is_paused_upon_creation=False,
        tags=["agentic"],
        description="Takes back what the agent published for an incident",
        default_args={"owner": "agentic", "retries": 0},
        params={
            "incident_id": Param("", type="string", minLength=1, description="As the page of incidents shows it"),
            "reason": Param("", type=["string", "null"], description="Why; it stands in the audit and in the revert"),
        },
    )
    with dag:
        UndoOperator(task_id="undo", agentic_conn_id=agentic_conn_id, **place)
    return dag
