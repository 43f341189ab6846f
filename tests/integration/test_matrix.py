"""Every way to fail of AIRFLOW_FACTS A3, all at once in one real Airflow: which triage runs are there afterwards?"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_agentic.testing.airflow_stack import AirflowStack
from airflow_agentic.triggers.dispatch import kept_failures
from airflow_agentic.triggers.incidents import incident_id
from airflow_agentic.triggers.wire import failure_from_json

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
WATCHED = (
    "m_exception",
    "m_listener_only",
    "m_execution_timeout",
    "m_sigkill",
    "m_dead_supervisor",
    "m_gone_at_start",
    "m_manual",
    "m_run_timeout",
    "m_retries_then_fails",
    "m_five_at_once",
)
OTHERS = (
    "m_retries_then_succeeds",
    "x_callback_only",
    "x_dag_callback_only",
    "x_unselected",
    "x_paused_triage",
    "x_missing_triage",
    "x_failing_triage",
)
TRIAGES = ("agentic_triage", "paused_triage", "failing_triage")


@dataclass(frozen=True, kw_only=True)
class After:
    """What is there once every Dag has ended."""

    airflow: AirflowStack
    run_of: dict[str, str]
    triages: dict[str, list[dict[str, Any]]]
    """Failed Dag → triage runs that speak of it, of whichever triage Dag."""
    spool: Path


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Iterator[After]:
    folder = tmp_path_factory.mktemp("matrix")
    spool = folder / "spool"
    airflow = AirflowStack(
        folder,
        dags_folder=HERE / "dags_matrix",
        environment={
            "AIRFLOW__AGENTIC__LISTENER": "True",
            "AIRFLOW__AGENTIC__DEBOUNCE_S": "2",
            "AIRFLOW__AGENTIC__SPOOL_DIR": str(spool),
            "AIRFLOW__WORKERS__MISSING_DAG_RETRIES": "0",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
        },
        parallelism=6,
    )
    airflow.add_connection("airflow_api", airflow.rest_connection("operator"))
    extra = {"airflow_conn_id": "airflow_api", "include_dags": ["m_*", "failing_triage"]}
    airflow.add_connection("agentic_default", {"conn_type": "agentic", "extra": extra})
    with airflow:
        airflow.wait_for_dags([*WATCHED, *OTHERS, *TRIAGES])
        run_of = {dag_id: airflow.trigger(dag_id) for dag_id in (*WATCHED, *OTHERS)}
        _mark_failed_once_it_runs(airflow, "m_manual", run_of["m_manual"])
        for dag_id, run_id in run_of.items():
            airflow.wait_for_run(dag_id, run_id, timeout_s=240)
        _wait_until_nothing_new_comes(airflow)
        yield After(airflow=airflow, run_of=run_of, triages=_by_failed_dag(airflow), spool=spool)


@pytest.mark.parametrize("dag_id", WATCHED)
def test_each_way_to_fail_gives_exactly_one_triage_run(after: After, dag_id: str) -> None:
    assert [run["dag_run_id"] for run in after.triages[dag_id]] == [incident_id(dag_id, after.run_of[dag_id], 0)]
    assert after.triages[dag_id][0]["dag_id"] == "agentic_triage"


def test_the_failure_of_a_task_travels_in_the_conf(after: After) -> None:
    failure = failure_from_json(after.triages["m_exception"][0]["conf"]["failure"])
    assert (failure.task_id, failure.error_class, failure.owners) == ("breaks", "KeyError", ("ann",))


def test_a_try_that_will_be_repeated_wakes_nobody(after: After) -> None:
    assert after.triages["m_retries_then_succeeds"] == []
    assert after.triages["m_retries_then_fails"][0]["conf"]["failure"]["try_number"] == 2


def test_a_callback_alone_is_enough_in_the_task_and_in_the_dag_processor(after: After) -> None:
    assert len(after.triages["x_callback_only"]) == 1
    assert [run["conf"]["failure"]["signal"] for run in after.triages["x_dag_callback_only"]] == ["dag_callback"]


def test_a_dag_that_the_selectors_leave_out_is_left_alone(after: After) -> None:
    assert after.triages["x_unselected"] == []


def test_a_paused_triage_dag_gets_a_waiting_run_and_the_log_says_unpause(after: After) -> None:
    assert [run["state"] for run in after.triages["x_paused_triage"]] == ["queued"]
    assert "is paused, so the run waits in the queue. Unpause it" in _log(after, "x_paused_triage")


def test_without_a_triage_dag_the_failure_is_kept_and_the_log_says_what_to_do(after: After) -> None:
    assert [failure.dag_id for _, failure in kept_failures(str(after.spool))] == ["x_missing_triage"]
    assert "Put triage_dag('no_such_dag') into a Dag file" in _log(after, "x_missing_triage")


def test_a_triage_that_fails_is_not_triaged(after: After) -> None:
    assert [run["state"] for run in after.triages["x_failing_triage"]] == ["failed"]
    assert not any(after.triages[dag_id] for dag_id in TRIAGES)


def test_a_cleared_run_that_fails_again_is_a_new_incident(after: After) -> None:
    run_id = after.run_of["x_callback_only"]
    after.airflow.post(f"/dags/x_callback_only/dagRuns/{run_id}/clear", {"dry_run": False})
    time.sleep(1)
    after.airflow.wait_for_run("x_callback_only", run_id)
    triage_ids = {run["dag_run_id"] for run in after.airflow.runs("agentic_triage")}
    assert incident_id("x_callback_only", run_id, 1) in triage_ids


def test_scheduler_and_dag_processor_have_survived_all_of_it(after: After) -> None:
    assert set(after.airflow.running()) == {"api-server", "scheduler", "dag-processor"}
    logs = "".join((after.airflow.logs / f"{name}.log").read_text() for name in after.airflow.running())
    assert "UNEXPECTED COMMIT" not in logs
    assert "Unable to decode message" not in logs


def _mark_failed_once_it_runs(airflow: AirflowStack, dag_id: str, run_id: str) -> None:
    def runs() -> bool:
        return any(ti["state"] == "running" for ti in airflow.task_instances(dag_id, run_id))

    airflow.wait(f"a task of {dag_id} runs", runs, timeout_s=120)
    airflow.patch(f"/dags/{dag_id}/dagRuns/{run_id}", {"state": "failed"})


def _wait_until_nothing_new_comes(airflow: AirflowStack, *, quiet_s: float = 8.0, timeout_s: float = 90.0) -> None:
    seen: dict[str, object] = {"count": -1, "since": time.monotonic()}

    def quiet() -> bool:
        ended = [run for name in TRIAGES if name != "paused_triage" for run in airflow.runs(name)]
        count = len(ended) + len(airflow.runs("paused_triage"))
        if count != seen["count"] or any(run["state"] not in ("success", "failed") for run in ended):
            seen.update(count=count, since=time.monotonic())
        return time.monotonic() - float(str(seen["since"])) > quiet_s

    airflow.wait("the triage runs have ended", quiet, timeout_s=timeout_s)


def _by_failed_dag(airflow: AirflowStack) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name in TRIAGES:
        for run in airflow.runs(name):
            found[run["conf"]["failure"]["dag_id"]].append(run)
    return found


def _log(after: After, dag_id: str) -> str:
    run_id = after.run_of[dag_id]
    task = after.airflow.task_instances(dag_id, run_id)[0]
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
    return " ".join(str(entry["event"]) for entry in after.airflow.get(path)["content"])
