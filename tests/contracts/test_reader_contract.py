"""Every `AirflowReader` tells the same run in the same way: a fake, a captured folder, and Airflow's REST API."""

import json

import httpx
import pytest

from airflow_agentic.context.airflow_api import AirflowApi
from airflow_agentic.context.captured import CapturedReader
from airflow_agentic.context.gather import find_target
from airflow_agentic.context.logs.distil import distil
from airflow_agentic.errors import IncidentNotFound
from airflow_agentic.records import (
    DagRecord,
    DagRunRecord,
    Incident,
    IncidentState,
    TaskKey,
    TaskNode,
    TaskRun,
)
from airflow_agentic.testing.airflow import FakeAirflow

RUN = "manual__2026-11-02T04:00:00+00:00"
FAILED = TaskKey(dag_id="feed", run_id=RUN, task_id="group.load")
GOOD_DAY, BAD_DAY = "2026-11-01T00:00:00+00:00", "2026-11-02T00:00:00+00:00"
TRACE = ["Traceback (most recent call last):", '  File "/repo/load.py", line 3, in run', "KeyError: 'city'"]


def fake(folder):
    good = TaskKey(dag_id="feed", run_id="good", task_id="group.load")
    return FakeAirflow(
        dags=[
            DagRecord(
                dag_id="feed",
                relative_fileloc="feed.py",
                fileloc="/dags/feed.py",
                bundle_name=None,
                bundle_version=None,
                owners=("data",),
                tags=("t",),
                is_paused=False,
            )
        ],
        runs=[
            DagRunRecord(dag_id="feed", run_id="good", state="success", logical_date=GOOD_DAY),
            DagRunRecord(dag_id="feed", run_id=RUN, state="failed", logical_date=BAD_DAY),
        ],
        tasks=[
            TaskRun(key=good, state="success", started_at=None, duration_s=1.0),
            TaskRun(
                key=TaskKey(dag_id="feed", run_id=RUN, task_id="fetch"),
                state="success",
                started_at=None,
                duration_s=1.0,
            ),
            TaskRun(
                key=FAILED, state="failed", started_at=None, duration_s=1.0, rendered=(("bash_command", "load 2"),)
            ),
        ],
        nodes={
            "feed": [
                TaskNode(task_id="fetch", operator="Bash", downstream=("group.load",)),
                TaskNode(task_id="group.load", operator="Bash", upstream=("fetch",)),
            ]
        },
        logs={FAILED: [text.encode() for text in TRACE]},
    )


def console(task_id, *output):
    at, hook = "2026-11-02T04:00:00.000001Z [info     ]", "[airflow.task.hooks.subprocess.SubprocessHook] loc=s.py:1"
    sdk = "[airflow.sdk.definitions.dag] loc=dag.py:1"
    return [
        f"{at} [DAG TEST] starting task_id={task_id} map_index=-1 {sdk}",
        f"{at} [DAG TEST] running task <TaskInstance: feed.{task_id} {RUN} [TaskInstanceState.QUEUED] ti_id=1> {sdk}",
        f"{at} Running command: ['/usr/bin/bash', '-c', 'load 2'] {hook}",
        *(f"{at} {text:<30} {hook}" for text in output),
        f"{at} [DAG TEST] end task task_id={task_id} map_index=-1 {sdk}",
    ]


def task_event(kind, task_id, upstream, downstream):
    facet = {
        "dag": {"dag_id": "feed", "fileloc": "/opt/repo/dags/feed.py", "owner": "data", "tags": "['t']"},
        "dagRun": {"dag_id": "feed", "run_id": RUN, "logical_date": BAD_DAY, "clear_number": 0},
        "task": {
            "task_id": task_id,
            "operator_class": "Bash",
            "upstream_task_ids": upstream,
            "downstream_task_ids": downstream,
            "trigger_rule": "all_success",
        },
        "taskInstance": {"try_number": 1},
    }
    return {
        "eventType": kind,
        "eventTime": BAD_DAY,
        "job": {"name": f"feed.{task_id}"},
        "run": {"facets": {"airflow": facet}},
    }


def captured(folder):
    logs = folder / "logs"
    logs.mkdir()
    case = {
        "failing": {"dag_id": "feed", "task_ids": ["group.load"], "ds": "2026-11-02"},
        "days": ["2026-11-01", "2026-11-02"],
        "dags": ["feed"],
    }
    (folder / "case.json").write_text(json.dumps(case))
    lines = ["=== airflow dags test feed 2026-11-02", *console("fetch", "12 rows"), *console("group.load", *TRACE)]
    (logs / "console.log").write_text("\n".join(lines))
    events = [
        task_event("COMPLETE", "fetch", "[]", "['group.load']"),
        task_event("FAIL", "group.load", "['fetch']", "[]"),
    ]
    (logs / "openlineage.jsonl").write_text("\n".join(map(json.dumps, events)))
    return CapturedReader(folder)


def api_task(run_id, task_id, state):
    return {
        "dag_id": "feed",
        "dag_run_id": run_id,
        "task_id": task_id,
        "map_index": -1,
        "try_number": 1,
        "state": state,
        "start_date": "2026-11-02T04:00:00Z",
        "duration": 1.0,
        "logical_date": None,
        "rendered_fields": {"bash_command": "load 2", "env": None},
    }


def api_run(run_id, day, state):
    return {
        "dag_id": "feed",
        "dag_run_id": run_id,
        "logical_date": day.replace("+00:00", "Z"),
        "state": state,
        "run_after": "2026-11-22T00:00:00Z",
        "conf": {},
        "bundle_version": None,
        "partition_key": None,
    }


API = {
    "/api/v2/dags/feed/details": {
        "dag_id": "feed",
        "relative_fileloc": "feed.py",
        "fileloc": "/dags/feed.py",
        "owners": ["data"],
        "tags": [{"name": "t", "dag_id": "feed"}],
        "is_paused": False,
    },
    f"/api/v2/dags/feed/dagRuns/{RUN}": api_run(RUN, BAD_DAY, "failed"),
    "/api/v2/dags/feed/dagRuns": {"dag_runs": [api_run(RUN, BAD_DAY, "failed"), api_run("good", GOOD_DAY, "success")]},
    f"/api/v2/dags/feed/dagRuns/{RUN}/taskInstances": {
        "task_instances": [api_task(RUN, "fetch", "success"), api_task(RUN, "group.load", "failed")]
    },
    "/api/v2/dags/feed/dagRuns/~/taskInstances": {
        "task_instances": [api_task(RUN, "group.load", "failed"), api_task("good", "group.load", "success")]
    },
    "/api/v2/dags/feed/tasks": {
        "tasks": [
            {
                "task_id": "fetch",
                "downstream_task_ids": ["group.load"],
                "operator_name": "Bash",
                "trigger_rule": "all_success",
            },
            {
                "task_id": "group.load",
                "downstream_task_ids": [],
                "class_ref": {"module_path": "m", "class_name": "Bash"},
            },
        ]
    },
}


def answer(request):
    if request.url.path == "/auth/token":
        return httpx.Response(201, json={"access_token": "jwt"})
    if request.url.path == f"/api/v2/dags/feed/dagRuns/{RUN}/taskInstances/group.load/logs/1":
        return httpx.Response(200, text="\n".join(json.dumps({"event": text, "level": "info"}) for text in TRACE))
    found = API.get(request.url.path)
    return httpx.Response(200, json=found) if found is not None else httpx.Response(404, json={"detail": "not found"})


def api(folder):
    return AirflowApi("http://airflow.test", "viewer", "secret", transport=httpx.MockTransport(answer))


@pytest.fixture(params=[fake, captured, api], ids=["fake", "captured", "api"])
def reader(request, tmp_path):
    return request.param(tmp_path)


def test_a_dag_has_its_file_owners_and_tags(reader):
    dag = reader.dag("feed")
    assert (dag.relative_fileloc, dag.owners, dag.tags) == ("feed.py", ("data",), ("t",))


def test_recent_runs_come_newest_first_with_their_states(reader):
    runs = reader.recent_runs("feed")
    assert [(run.state, run.logical_date) for run in runs] == [("failed", BAD_DAY), ("success", GOOD_DAY)]
    assert reader.dag_run("feed", RUN) == runs[0]


def test_the_failed_task_of_the_run_is_found_with_its_rendered_fields(reader):
    failed = [task for task in reader.task_instances("feed", RUN) if task.state == "failed"]
    assert [task.key for task in failed] == [FAILED]
    assert failed[0].rendered == (("bash_command", "load 2"),)


def test_a_tasks_history_comes_newest_first(reader):
    assert [task.state for task in reader.task_history("feed", "group.load")] == ["failed", "success"]


def test_edges_are_told_both_ways(reader):
    nodes = {node.task_id: node for node in reader.graph("feed")}
    assert nodes["group.load"].upstream == ("fetch",)
    assert nodes["fetch"].downstream == ("group.load",)


def test_the_log_holds_the_error(reader):
    assert [item.error_class for item in distil(reader.log(FAILED)).exceptions] == ["KeyError"]


def test_the_last_good_run_is_found(reader):
    incident = Incident(
        id="i",
        dag_id="feed",
        run_id=RUN,
        clear_number=0,
        state=IncidentState.INVESTIGATING,
        detail="",
        first_seen="",
        last_seen="",
        signals=1,
    )
    assert find_target(reader, incident).last_good.logical_date == GOOD_DAY


@pytest.mark.parametrize(
    "ask", [lambda r: r.dag("nothing"), lambda r: r.dag_run("feed", "nothing")], ids=["dag", "run"]
)
def test_what_does_not_exist_is_not_found(reader, ask):
    with pytest.raises(IncidentNotFound):
        ask(reader)
