"""What is refused before a staging Airflow is touched, and which workspace a scope names."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.errors import SettingsError, WorkspaceError
from airflow_agentic.plugs_workspace import build_workspace
from airflow_agentic.scope import Scope
from airflow_agentic.workspaces.airflow_api import Deployment, refuse_production

STAGING, PRODUCTION = "http://staging.example.invalid:8080", "https://airflow.example.invalid"


def deployment(url: str = STAGING, remote: str = "https://git.example/staging.git") -> Deployment:
    return Deployment(rest=AirflowRest(url, "u", "p"), read_log=lambda _: (), remote=remote, production_url=PRODUCTION)


@pytest.mark.parametrize(
    "url", [PRODUCTION, PRODUCTION.upper().replace("HTTPS", "https") + "/", f"{PRODUCTION}:443/api/v2"]
)
def test_the_production_deployment_is_refused_as_staging(url: str) -> None:
    with pytest.raises(WorkspaceError, match="it is the production one"):
        refuse_production(deployment(url), clone_url="https://git.example/pipelines.git")


@pytest.mark.parametrize(
    "remote",
    [
        "https://git.example/a/b.git",
        "https://bot@GIT.example/a/b/",
        "git@git.example:a/b.git",
        "ssh://git@git.example/a/b",
    ],
)
def test_the_repository_that_fixes_are_for_is_refused_as_staging(remote: str) -> None:
    with pytest.raises(WorkspaceError, match="staging_remote"):
        refuse_production(deployment(remote=remote), clone_url="https://git.example/a/b")


def test_another_deployment_and_repository_are_taken(tmp_path: Path) -> None:
    refuse_production(deployment(), clone_url=str(tmp_path))


def build(tmp_path: Path, **fields: Any) -> Any:
    conns = {"prod": SimpleNamespace(host=PRODUCTION), "stage": SimpleNamespace(host=STAGING)}
    for conn in conns.values():
        conn.login = conn.password = "x"
    scope = Scope(repository=str(tmp_path), airflow_conn_id="prod", **fields)
    return build_workspace(
        scope,
        connect=conns.__getitem__,
        address=lambda conn: str(conn.host),
        folder=str(tmp_path),
        accept_weaker=frozenset(),
    )


def test_the_local_workspace_is_the_default(tmp_path: Path) -> None:
    assert build(tmp_path).name == "local"


def test_a_staging_airflow_is_built_from_its_own_connection(tmp_path: Path) -> None:
    fields = {"staging_airflow_conn_id": "stage", "staging_remote": "/mirror.git"}
    assert build(tmp_path, workspace="airflow_api", **fields).name == "airflow_api"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "staging_airflow_conn_id and staging_remote"),
        ({"staging_airflow_conn_id": "prod", "staging_remote": "/m.git"}, "the production one"),
    ],
    ids=["nothing is filled in", "the production connection"],
)
def test_a_staging_airflow_that_is_not_one_is_refused(tmp_path: Path, fields: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        build(tmp_path, workspace="airflow_api", **fields)


def test_an_unknown_workspace_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="airflow_api, local"):
        build(tmp_path, workspace="cloud")
