"""`AirflowApi` against a real api-server: the shapes that the contract test replays are those that Airflow sends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_agentic.context.airflow_api import AirflowApi
from airflow_agentic.context.gather import gather
from airflow_agentic.context.run_history import RunHistorySource
from airflow_agentic.context.task_log import TaskLogSource
from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.records import Incident, IncidentState, TaskKey
from airflow_agentic.testing.airflow_stack import AirflowStack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

DAGS = '''
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, TaskGroup, task

with DAG("feed", schedule=None, tags=["t"], default_args={"owner": "data"}, is_paused_upon_creation=False):
    fetch = BashOperator(task_id="fetch", bash_command="echo 'WARNING client 12 of 40 rows published'")
    with TaskGroup("group"):
        load = BashOperator(
            task_id="load",
            bash_command="""test "{{ dag_run.conf.get('good') }}" = yes || python3 -c 'print(dict()["city"])'""",
        )
    report = BashOperator(task_id="report", bash_command="true")
    fetch >> load >> report

with DAG("mapped", schedule=None, is_paused_upon_creation=False):
    @task
    def parse(n):
        try:
            {}["amount"]
        except KeyError as error:
            if n:
                raise ValueError(f"row {n}") from error

    parse.expand(n=[0, 1, 2])

with DAG("killed", schedule=None, is_paused_upon_creation=False):
    @task
    def out_of_memory():
        import os
        print("reading 12 GB into memory", flush=True)
        os.kill(os.getpid(), 9)

    out_of_memory()
    BashOperator(task_id="missing_program", bash_command="loadctl --all")
'''


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A good and a bad run of one Dag, and a run of mapped tasks."""

    airflow: AirflowStack
    good: str
    bad: str
    mapped: str
    killed: str

    def reader(self, user: str = "viewer") -> AirflowApi:
        return AirflowApi(self.airflow.url, user, self.airflow.passwords.get(user, "wrong"))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder: Path = tmp_path_factory.mktemp("airflow_api")
    dags = folder / "dags"
    dags.mkdir()
    (dags / "feed.py").write_text(DAGS)
    with AirflowStack(folder, dags_folder=dags) as airflow:
        runs = {}
        for name, dag_id, date, conf in (
            ("good", "feed", "2026-11-01T00:00:00Z", {"good": "yes"}),
            ("bad", "feed", "2026-11-02T00:00:00Z", {}),
            ("mapped", "mapped", "2026-11-02T00:00:00Z", {}),
            ("killed", "killed", "2026-11-02T00:00:00Z", {}),
        ):
            runs[name] = when_parsed(lambda d=dag_id, t=date, c=conf: airflow.trigger(d, logical_date=t, conf=c))
        for name, dag_id in (("good", "feed"), ("bad", "feed"), ("mapped", "mapped"), ("killed", "killed")):
            until_ended(airflow, dag_id, runs[name])
        yield Ran(airflow=airflow, **runs)


def when_parsed(trigger):
    ends = time.monotonic() + 90
    while True:
        try:
            return trigger()
        except Exception:
            if time.monotonic() > ends:
                raise
            time.sleep(1)


def until_ended(airflow: AirflowStack, dag_id: str, run_id: str) -> None:
    ends = time.monotonic() + 120
    while time.monotonic() < ends:
        if any(r["dag_run_id"] == run_id and r["state"] in ("success", "failed") for r in airflow.runs(dag_id)):
            return
        time.sleep(1)
    raise AssertionError(f"{dag_id} {run_id} did not end")


class Nothing:
    def redact(self, text: str) -> str:
        return text


def dossier_of(ran: Ran, dag_id: str, run_id: str):
    incident = Incident(
        id="i",
        dag_id=dag_id,
        run_id=run_id,
        clear_number=0,
        state=IncidentState.INVESTIGATING,
        detail="",
        first_seen="2026",
        last_seen="2026",
        signals=1,
    )
    reader = ran.reader()
    return gather(
        incident, reader=reader, sources=(TaskLogSource(reader), RunHistorySource(reader)), redactor=Nothing()
    )


def test_a_failed_bash_task_yields_its_subprocess_error_its_history_and_the_warning_before_it(ran):
    dossier = dossier_of(ran, "feed", ran.bad)
    (error,) = dossier.errors
    assert (error.task.task_id, error.error_class, error.message) == ("group.load", "KeyError", "'city'")
    titles = [item.title for item in dossier.evidence]
    assert any("feed.fetch succeeded before it, with a warning: " in title for title in titles)
    assert any("group.load in its 1 earlier runs: 1 success" in title for title in titles)
    assert any("last worked for 2026-11-01" in title for title in titles)
    assert not dossier.gaps


def test_edges_are_told_both_ways_with_the_operator(ran):
    nodes = {node.task_id: node for node in ran.reader().graph("feed")}
    assert nodes["group.load"].upstream == ("fetch",)
    assert nodes["group.load"].downstream == ("report",)
    assert nodes["fetch"].operator.endswith("BashOperator")


def test_mapped_tasks_are_told_apart_and_their_chain_is_reported_by_its_cause(ran):
    dossier = dossier_of(ran, "mapped", ran.mapped)
    assert sorted(key.map_index for key in dossier.incident.members) == [1, 2]
    assert {error.error_class for error in dossier.errors} == {"KeyError"}
    assert dossier.errors[0].chain[-1].startswith("ValueError: row ")
    assert sum(item.source == "task_log" for item in dossier.evidence) == 1


def test_a_killed_process_is_unknown_and_a_missing_program_is_named(ran):
    dossier = dossier_of(ran, "killed", ran.killed)
    errors = {error.task.task_id: error for error in dossier.errors}
    assert errors["out_of_memory"].error_class == "unknown"
    assert "signal" in errors["out_of_memory"].message
    assert errors["missing_program"].message == "loadctl: command not found"
    assert any("reading 12 GB" in item.body for item in dossier.evidence)


def test_a_dag_has_its_file_owners_and_tags(ran):
    dag = ran.reader().dag("feed")
    assert (dag.relative_fileloc, dag.owners, dag.tags) == ("feed.py", ("data",), ("t",))


def test_what_does_not_exist_is_not_found(ran):
    for ask in (
        lambda r: r.dag("nothing"),
        lambda r: r.dag_run("feed", "nothing"),
        lambda r: next(r.log(TaskKey(dag_id="feed", run_id=ran.bad, task_id="nothing"))),
    ):
        with pytest.raises(IncidentNotFound):
            ask(ran.reader())


def test_a_wrong_password_and_a_dead_server_are_unavailable(ran):
    with pytest.raises(SourceUnavailable, match="role viewer"):
        ran.reader("nobody").dag("feed")
    with pytest.raises(SourceUnavailable, match="api-server"):
        AirflowApi("http://127.0.0.1:9", "viewer", "x", timeout_s=2).dag("feed")
