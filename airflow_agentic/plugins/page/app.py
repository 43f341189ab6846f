"""``GET /agentic/page/...``: incidents for Airflow's UI. It reads the store and nothing else; it writes nothing at all.

Whoever is logged in to Airflow sees the incidents of Dags whose runs, logs and code Airflow lets them see. Undoing is
no route of this app: the button starts a run of the undo Dag through Airflow's own API, as the person who pressed it,
so that Airflow decides whether they may, and the api-server holds no credential of the forge.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dag import DagModel
from fastapi import FastAPI, Query, Request
from fastapi.responses import FileResponse, JSONResponse

from airflow_agentic.errors import AgenticError, IncidentNotFound
from airflow_agentic.guardrails.outgoing import outgoing
from airflow_agentic.incident_view import audited, listing
from airflow_agentic.redaction.everything import hide_within
from airflow_agentic.settings import Settings
from airflow_agentic.store.engine import Store

MOST = 200
"""Incidents in one answer."""
NEEDED = (DagAccessEntity.RUN, DagAccessEntity.TASK_LOGS, DagAccessEntity.CODE)
"""An incident tells of all three."""
_SCRIPT = Path(__file__).with_name("triage.js")
_NOT_KEPT = {"Cache-Control": "no-store"}


def page_app(store: Store, settings: Settings) -> FastAPI:
    """Return the app.

    :param settings: which Dags triage and undo, where the spool lies.
    """
    app = FastAPI(title="airflow-agentic: incidents", docs_url=None, redoc_url=None)

    @app.exception_handler(AgenticError)
    def refused(_request: Request, error: AgenticError) -> JSONResponse:
        status = 404 if isinstance(error, IncidentNotFound) else 503
        return JSONResponse({"detail": outgoing(str(error))}, status, _NOT_KEPT)

    @app.get("/triage.js", include_in_schema=False)
    def script() -> FileResponse:
        return FileResponse(_SCRIPT, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

    @app.get("/incidents")
    def incidents(
        user: GetUserDep,
        dag_id: str | None = None,
        run_id: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    ) -> JSONResponse:
        rows = listing(store, settings.spool_dir, limit=limit, dag_id=dag_id, run_id=run_id)
        seen = {dag: _may_see(user, dag) for dag in {row["dag_id"] for row in rows}}
        shown = [row for row in rows if seen[row["dag_id"]]]
        answer = {"incidents": shown, "hidden": sum(not seen[row["dag_id"]] for row in rows)}
        return JSONResponse(hide_within(answer), headers=_NOT_KEPT)

    @app.get("/incidents/{incident_id}")
    def incident(user: GetUserDep, incident_id: str) -> JSONResponse:
        held = store.incidents.get(incident_id)
        if not _may_see(user, held.dag_id):
            raise IncidentNotFound(f"Showing incident {incident_id!r} failed: there is none that you may see.")
        said: dict[str, Any] = audited(store, incident_id)
        said["dags"] = {"triage": settings.triage_dag_id, "undo": settings.undo_dag_id}
        return JSONResponse(hide_within(said), headers=_NOT_KEPT)

    return app


def _may_see(user: BaseUser, dag_id: str) -> bool:
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    manager = get_auth_manager()
    return all(
        manager.is_authorized_dag(method="GET", access_entity=entity, details=details, user=user) for entity in NEEDED
    )
