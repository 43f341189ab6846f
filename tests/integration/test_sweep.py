"""A sweep and a clear on a real Airflow: the account may do both, and neither is done twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.context.airflow_api import AirflowApi
from airflow_agentic.records import Action, Failure, Signal, TaskKey, Transience
from airflow_agentic.testing.airflow_stack import AirflowStack
from airflow_agentic.testing.builders import a_proposal, an_incident
from airflow_agentic.testing.memory import MemoryIncidents, MemoryLedger
from airflow_agentic.triggers import sweep as module
from airflow_agentic.triggers.clear import ClearOnce
from airflow_agentic.triggers.incidents import Selectors, incident_id
from airflow_agentic.triggers.kept import keep, kept_failures
from airflow_agentic.triggers.rest import RestAccount
from airflow_agentic.triggers.sweep import Sweeping, sweep

pytestmark = pytest.mark.integration

DAGS = """
from airflow.sdk import DAG, task
from airflow_agentic.operators.sweep import sweep_dag

for name in ("shop", "other"):
    with DAG(name, schedule=None) as made:
        @task
        def load():
            raise RuntimeError("upstream is away")

        @task
        def report(): ...

        load() >> report()
    globals()[name] = made

with DAG("agentic_triage", schedule=None, tags=["agentic"]) as triage:
    @task
    def look(): ...

    look()

swept = sweep_dag("agentic_sweep", schedule=None)
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowStack]:
    folder: Path = tmp_path_factory.mktemp("sweep")
    dags = folder / "dags"
    dags.mkdir()
    (dags / "shop.py").write_text(DAGS)
    stack = AirflowStack(folder, dags_folder=dags)
    stack.add_connection("airflow_api", stack.rest_connection())
    stack.add_connection("agentic_default", {"conn_type": "agentic", "extra": {"airflow_conn_id": "airflow_api"}})
    with stack as running:
        running.wait_for_dags(["shop", "other", "agentic_triage", "agentic_sweep"])
        yield running


def test_what_is_kept_or_was_never_told_gets_one_triage_run_and_others_none(airflow, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LEAVE_TO_HOOKS", timedelta(0))
    ended = {dag_id: airflow.trigger(dag_id) for dag_id in ("shop", "other")}
    for dag_id, run_id in ended.items():
        airflow.wait_for_run(dag_id, run_id)
    account = {"login": "operator", "password": airflow.passwords["operator"]}
    spool = str(tmp_path)
    forgotten = Failure(dag_id="shop", run_id="earlier", clear_number=0, signal=Signal.MANUAL, seen_at="2026-11-02")
    keep(spool, incident_id("shop", "earlier", 0), forgotten)
    parts = Sweeping(
        spool_dir=spool, triage_dag_id="agentic_triage", account=RestAccount(url=airflow.url, **account),
        rest=AirflowRest(airflow.url, *account.values()), reader=AirflowApi(airflow.url, *account.values()),
        incidents=MemoryIncidents(), selectors=Selectors(exclude_dags=("other",)), watching=None,
    )  # fmt: skip
    first, again = sweep(parts), sweep(parts)
    wanted = {incident_id("shop", "earlier", 0), incident_id("shop", ended["shop"], 0)}
    assert {run["dag_run_id"] for run in airflow.runs("agentic_triage")} == wanted
    assert (len(first.kept), len(first.missed), again.kept, again.missed) == (1, 1, (), ())
    assert list(kept_failures(spool)) == []


def test_a_cleared_run_runs_again_and_is_cleared_only_once(airflow):
    run_id = airflow.trigger("shop")
    airflow.wait_for_run("shop", run_id)
    clear = ClearOnce(
        AirflowRest(airflow.url, "operator", airflow.passwords["operator"]), MemoryIncidents(), MemoryLedger()
    )
    incident = an_incident(
        dag_id="shop", run_id=run_id, members=(TaskKey(dag_id="shop", run_id=run_id, task_id="load"),)
    )
    transient = a_proposal(edits=(), action=Action.RETRY, transience=Transience.TRANSIENT)
    assert "Cleared load once" in clear(incident, transient)
    tries = lambda: {t["task_id"]: t["try_number"] for t in airflow.task_instances("shop", run_id)}  # noqa: E731
    airflow.wait("load has run again", lambda: tries()["load"] == 2, timeout_s=60)
    airflow.wait_for_run("shop", run_id)
    assert "cleared by us before" in clear(incident, transient)
    assert tries()["load"] == 2


def test_the_command_and_the_dag_sweep_with_the_connections_account(airflow):
    said = airflow.command("agentic", "sweep", "--output", "json")
    assert said.returncode == 0, said.stderr
    assert isinstance(json.loads(said.stdout[said.stdout.index("[") :]), list)
    run_id = airflow.trigger("agentic_sweep")
    assert airflow.wait_for_run("agentic_sweep", run_id)["state"] == "success"
