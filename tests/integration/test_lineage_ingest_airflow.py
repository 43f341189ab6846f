"""Events of a real run reach the store: written by our transport, and posted to the api-server's endpoint."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest
from sqlalchemy import func, select

from airflow_agentic.context.airflow_api import AirflowApi
from airflow_agentic.context.airflow_assets import AirflowAssets
from airflow_agentic.context.declared_lineage import DeclaredLineageSource
from airflow_agentic.context.gather import find_target
from airflow_agentic.context.lineage import LineageSource
from airflow_agentic.lineage.header import HEADER
from airflow_agentic.lineage.setup import TRANSPORT
from airflow_agentic.lineage.wire import STATES
from airflow_agentic.plugs_lineage import lineage_origins
from airflow_agentic.records import Incident, IncidentState, SourceReport
from airflow_agentic.scope import Scope
from airflow_agentic.store import lineage_tables as t
from airflow_agentic.store.database import Database
from airflow_agentic.testing.airflow_stack import AirflowStack

KEY = "a-key-of-24-characters-x"
DAG = """
from airflow.sdk import Asset, dag, task
from airflow.providers.common.compat.openlineage.facet import Dataset

@dag(dag_id="emits", schedule=None)
def emits():
    @task(outlets=[Dataset(namespace="postgres://db", name="shop.raw.orders"), Asset("s3://lake/orders")])
    def load():
        return 1

    @task(inlets=[Dataset(namespace="postgres://db", name="shop.raw.orders"), Asset("s3://lake/orders")])
    def breaks():
        raise KeyError("amount")

    load() >> breaks()

emits()
"""


def post(url: str, key: str, run: int) -> tuple[int, dict[str, object]]:
    event = {
        "eventType": "COMPLETE", "eventTime": "2026-11-23T06:00:00Z", "producer": "elsewhere",
        "run": {"runId": str(uuid.UUID(int=run))}, "job": {"namespace": "spark", "name": "j"},
    }  # fmt: skip
    request = urllib.request.Request(f"{url}/agentic/api/v1/lineage", data=json.dumps(event).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    request.add_header(HEADER, key)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.integration
def test_events_of_a_real_run_and_of_strangers_with_the_key_are_in_the_store(tmp_path: Path) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "emits.py").write_text(DAG)
    url = f"sqlite:///{tmp_path}/lineage/store.db"
    environment = {
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": TRANSPORT}),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "prod",
        "AIRFLOW__AGENTIC__STORE_URL": url,
        "AIRFLOW__AGENTIC__LINEAGE_KEY": KEY,
    }
    with AirflowStack(tmp_path, dags_folder=dags, environment=environment) as airflow:
        airflow.wait_for_dags(["emits"])
        run_id = airflow.trigger("emits")
        airflow.wait_for_run("emits", run_id)
        assert post(airflow.url, "wrong", 1)[0] == 401
        assert post(airflow.url, KEY, 1) == (201, {"taken": 1, "repeated": 0, "refused": []})
        database = Database(url)
        found: dict[str, str] = {}

        def told() -> bool:
            chosen = select(t.JOBS.c.name, t.RUNS.c.state).join(t.RUNS, t.RUNS.c.job_id == t.JOBS.c.id)
            with database.read() as connection:
                found.update((name, STATES[state]) for name, state in connection.execute(chosen))
            return {"emits", "emits.load", "emits.breaks"} <= set(found) and found["emits"] == "FAIL"

        airflow.wait("the run's events are in the store", told, timeout_s=60)
        setup = airflow.command("agentic", "lineage", "setup")
        retained = airflow.command("agentic", "lineage", "retain", "--dry-run")
        gathered = _gathered(airflow, database, run_id)
    assert found == {"emits": "FAIL", "emits.load": "COMPLETE", "emits.breaks": "FAIL", "j": "COMPLETE"}
    with database.read() as connection:
        mine = select(t.RUNS.c.run_id).where(t.RUNS.c.af_run_id == run_id)
        told_of = select(t.RUN_FACETS.c.value).where(t.RUN_FACETS.c.facet == "error", t.RUN_FACETS.c.run_id.in_(mine))
        error = connection.execute(told_of).scalars().all()
        own = t.JOB_IO.c.job_id.in_(select(t.JOBS.c.id).where(t.JOBS.c.dag_id == "emits"))
        edges = connection.execute(select(func.count()).select_from(t.JOB_IO).where(own)).scalar_one()
        of_run = connection.execute(
            select(func.count()).select_from(t.RUNS).where(t.RUNS.c.af_run_id == run_id)
        ).scalar_one()
    database.close()
    assert any("amount" in text for text in error)
    assert (edges, of_run) == (2, 3)
    assert (setup.returncode, TRANSPORT in setup.stdout) == (0, True), setup.stderr
    assert retained.returncode == 0, retained.stderr
    assert gathered.lineage_origin == "our lineage store"
    producers = next(e for e in gathered.evidence if e.title.startswith("Producers of the inputs"))
    assert f"shop.raw.orders was written by emits.load: run {run_id}, COMPLETE" in producers.body


def _gathered(airflow: AirflowStack, database: Database, run_id: str) -> SourceReport:
    """Read the failed run as `gather` does, and Airflow's assets over its API."""
    api = AirflowApi(airflow.url, "viewer", airflow.passwords["viewer"])
    assets = AirflowAssets(api.read)
    asset = assets.asset("s3://lake/orders")
    assert asset is not None
    assert (asset.producers, asset.consumers) == ((("emits", "load"),), (("emits", "breaks"),))
    assert assets.assets_of("emits") == (asset,)
    assert [(e.uri, e.run_id) for e in assets.events_of_task("emits", "load", limit=5)] == [(asset.uri, run_id)]
    assert assets.events_of_asset(asset.id, limit=5)[0].task_id == "load"
    assert assets.upstream_events("emits", run_id) == ()
    assert assets.runs_of_partition("2026-11-22") == () and assets.stored(asset.id, "partition/2026-11-22") == ""
    incident = Incident(
        id="i", dag_id="emits", run_id=run_id, clear_number=0, state=IncidentState.INVESTIGATING, detail="",
        first_seen="", last_seen="", signals=1,
    )  # fmt: skip
    target = find_target(api, incident)
    without = DeclaredLineageSource(assets).read(target, SourceReport())
    assert without.lineage_origin == "inlets and outlets"
    assert any("reads s3://lake/orders" in e.body for e in without.evidence)
    return LineageSource(lineage_origins(Scope(), store=database)).read(target, SourceReport())
