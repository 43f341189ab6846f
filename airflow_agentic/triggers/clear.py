"""A transient failure → its failed tasks are cleared, once.

Never twice for one run: a line in the ledger of any incident of that run, written before the clear, is the lock.
So a run that fails again after our clear is left to people.
"""

from __future__ import annotations

from airflow_agentic.airflow_rest import AirflowRest, part
from airflow_agentic.ports import Incidents, Ledger
from airflow_agentic.records import Action, Incident, Proposal, Transience

STAGE = "clear"
_SURE = 0.5


class ClearOnce:
    """Clears what may be cleared; made only where trust level and connection allow it.

    :param rest: an account that may clear tasks.
    """

    def __init__(self, rest: AirflowRest, incidents: Incidents, ledger: Ledger) -> None:
        self._rest = rest
        self._incidents = incidents
        self._ledger = ledger

    def __call__(self, incident: Incident, proposal: Proposal) -> str:
        """Clear the incident's failed tasks and what waits for them; say what was done, or why nothing was.

        Empty where there is nothing to say: the failure is no transient one.

        :raises SourceUnavailable: Airflow refused; it is not tried again, a person must look.
        """
        said = proposal.diagnosis
        if said.action is not Action.RETRY or said.transience is Transience.PERMANENT or proposal.change is not None:
            return ""
        why_not = self._why_not(incident, said.confidence)
        if why_not:
            return why_not
        tasks = sorted({(key.task_id, key.map_index) for key in incident.members})
        named = ", ".join(task if index < 0 else f"{task}[{index}]" for task, index in tasks)
        inverse = "there is none: a cleared task runs again. Set it to failed by hand to stop it"
        facts = {"tasks": named, "run": incident.run_id, "rollback": inverse}
        self._ledger.append(incident.id, STAGE, "started", facts)
        body = {
            "dry_run": False,
            "dag_run_id": incident.run_id,
            "task_ids": [task if index < 0 else [task, index] for task, index in tasks],
            "only_failed": True,
            "include_downstream": True,
            "reset_dag_runs": True,
            "note": f"cleared once by airflow-agentic: {incident.id}"[:1000],
        }
        self._rest.call("POST", f"/dags/{part(incident.dag_id)}/clearTaskInstances", body)
        self._ledger.append(incident.id, STAGE, "finished", {"tasks": named})
        return f"Cleared {named} once; it is not cleared again."

    def _why_not(self, incident: Incident, confidence: float) -> str:
        if confidence < _SURE:
            return f"Not cleared: the diagnosis is too uncertain ({confidence:.2f})."
        if not incident.members:
            return "Not cleared: no failed task is known."
        told = self._incidents.list(limit=1_000, dag_id=incident.dag_id)
        for one in (incident, *(one for one in told if one.run_id == incident.run_id)):
            if any((entry.stage, entry.event) == (STAGE, "started") for entry in self._ledger.entries(one.id)):
                return "Not cleared: this run was cleared by us before."
        return ""
