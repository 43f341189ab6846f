"""Earlier failed tries of a task: the same error or another one, and what ended it."""

import json
from dataclasses import replace

from airflow_agentic.context.past_failures import PastFailuresSource
from airflow_agentic.context.run_history import RunHistorySource
from airflow_agentic.context.task_log import TaskLogSource
from airflow_agentic.records import SourceReport, TaskKey, TaskRun
from airflow_agentic.testing.airflow import FakeAirflow
from airflow_agentic.testing.targets import a_target


def failed(message):
    detail = [{"exc_type": "ValueError", "exc_value": message, "is_cause": False, "frames": []}]
    return [json.dumps({"event": "Task failed with exception", "level": "error", "error_detail": detail}).encode()]


def run(run_id, state, date, tries=1):
    key = TaskKey(dag_id="feed", run_id=run_id, task_id="load", try_number=tries)
    return TaskRun(key=key, state=state, started_at=date, duration_s=1.0, logical_date=date)


def read(logs, *history):
    target = a_target()
    reader = FakeAirflow(dags=(target.dag,), runs=(target.run,), tasks=(*target.failed, *history), logs=logs)
    so_far = TaskLogSource(reader).read(target, SourceReport())
    return PastFailuresSource(reader).read(target, replace(so_far, history=history))


def test_what_ended_the_same_error_before_is_told():
    now = a_target().failed[0].key
    flaky, broken = run("c", "success", "2026-10-31T00:00", tries=2), run("a", "failed", "2026-10-29T00:00")
    logs = {
        now: failed("row 17 is short"),
        replace(flaky.key, try_number=1): failed("row 4 is short"),
        broken.key: failed("no such file"),
    }
    told = read(logs, flaky, run("b", "success", "2026-10-30T00:00"), broken).evidence[0]
    assert "2 failed tries before: 1 with the same error" in told.title
    assert "2026-10-31T00:00 try 1: the same error; try 2 of the same run worked" in told.body
    assert "2026-10-29T00:00 try 1: another error, ValueError; it worked again 2026-10-30T00:00" in told.body


def test_a_task_that_never_failed_before_has_nothing_told():
    now = a_target().failed[0].key
    assert read({now: failed("x")}, run("b", "success", "2026-10-30T00:00")).evidence == ()


def test_flakiness_is_a_rate_over_the_earlier_runs():
    target = a_target()
    history = (
        run("c", "success", "2026-10-31", tries=3),
        run("b", "failed", "2026-10-30"),
        run("a", "success", "2026"),
    )
    runs = (target.run, *(replace(target.run, run_id=t.key.run_id, state=t.state) for t in history))
    reader = FakeAirflow(dags=(target.dag,), runs=runs, tasks=(*target.failed, *history))
    bodies = "".join(e.body for e in RunHistorySource(reader).read(target, SourceReport()).evidence)
    assert "of 3 earlier runs 1 failed (33%) and 1 passed only on a later try; 2 of 3 failed tries" in bodies
