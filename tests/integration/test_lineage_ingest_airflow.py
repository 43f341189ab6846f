"""Events of a real run reach the store: written by our transport, and posted to the api-server's endpoint."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest
from sqlalchemy import func, select

from airflow_agentic.lineage.header import HEADER
from airflow_agentic.lineage.setup import TRANSPORT
from airflow_agentic.lineage.wire import STATES
from airflow_agentic.store import lineage_tables as t
from airflow_agentic.store.database import Database
from airflow_agentic.testing.airflow_stack import AirflowStack

KEY = "a-key-of-24-characters-x"
DAG = """
from airflow.sdk import dag, task
from airflow.providers.common.compat.openlineage.facet import Dataset

@dag(dag_id="emits", schedule=None)
def emits():
    @task(outlets=[Dataset(namespace="postgres://db", name="shop.raw.orders")])
    def load():
        return 1

    @task(inlets=[Dataset(namespace="postgres://db", name="shop.raw.orders")])
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
    assert found == {"emits": "FAIL", "emits.load": "COMPLETE", "emits.breaks": "FAIL", "j": "COMPLETE"}
    with database.read() as connection:
        error = connection.execute(select(t.RUN_FACETS.c.value).where(t.RUN_FACETS.c.facet == "error")).scalars().all()
        edges = connection.execute(select(func.count()).select_from(t.JOB_IO)).scalar_one()
        of_run = connection.execute(
            select(func.count()).select_from(t.RUNS).where(t.RUNS.c.af_run_id == run_id)
        ).scalar_one()
    database.close()
    assert any("amount" in text for text in error)
    assert (edges, of_run) == (2, 3)
    assert (setup.returncode, TRANSPORT in setup.stdout) == (0, True), setup.stderr
    assert retained.returncode == 0, retained.stderr
