"""Scope → the workspace that it names, with staging's side of everything and nothing of production."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from airflow_agentic import registry
from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.context.airflow_api import AirflowApi
from airflow_agentic.errors import SettingsError
from airflow_agentic.plugs import build_staging, clone_url, git_credential, git_environment
from airflow_agentic.ports import Workspace
from airflow_agentic.scope import Scope
from airflow_agentic.workspaces.airflow_api import Deployment

Connect = Callable[[str], Any]


def build_workspace(
    scope: Scope,
    *,
    connect: Connect,
    address: Callable[[Any], str],
    folder: str,
    accept_weaker: frozenset[str],
) -> Workspace:
    """Return the workspace of the setting ``workspace``.

    :param address: connection → base URL.
    :raises SettingsError: there is none of that name, or a field that it needs is empty.
    """
    kind = registry.find("workspaces", scope.workspace)
    given: dict[str, Any] = {
        "clone_url": clone_url(scope),
        "base_branch": scope.base_branch,
        "dags_path": scope.dags_path,
        "git_environment": git_environment(scope, connect, folder),
    }
    if scope.workspace == "airflow_api":
        given["deployment"] = _deployment(scope, connect=connect, address=address, folder=folder)
    else:
        given |= {"staging": build_staging(scope, connect), "accept_weaker": accept_weaker}
    workspace: Workspace = kind(**given)
    return workspace


def _deployment(scope: Scope, *, connect: Connect, address: Callable[[Any], str], folder: str) -> Deployment:
    empty = [name for name in ("staging_airflow_conn_id", "staging_remote") if not getattr(scope, name)]
    if empty:
        raise SettingsError(
            f"Using workspace 'airflow_api' failed: {' and '.join(empty)} of the agentic connection is empty. "
            "Fill it in, or set workspace to 'local'."
        )
    if scope.staging_airflow_conn_id == scope.airflow_conn_id:
        raise SettingsError(
            f"Using workspace 'airflow_api' failed: staging_airflow_conn_id is {scope.airflow_conn_id!r}, the "
            "production one. Name a connection of the staging deployment."
        )
    conn = connect(scope.staging_airflow_conn_id)
    login, password = conn.login or "", conn.password or ""
    return Deployment(
        rest=AirflowRest(address(conn), login, password, timeout_s=30.0),
        read_log=AirflowApi(address(conn), login, password).log,
        remote=scope.staging_remote,
        branch=scope.staging_branch,
        environment=_push_environment(scope, connect, folder),
        production_url=address(connect(scope.airflow_conn_id)) if scope.airflow_conn_id else "",
    )


def _push_environment(scope: Scope, connect: Connect, folder: str) -> Mapping[str, str]:
    if not scope.staging_git_conn_id:
        return {}
    place = os.path.join(folder, "staging")
    os.makedirs(place, exist_ok=True)
    return git_credential(connect(scope.staging_git_conn_id), place)
