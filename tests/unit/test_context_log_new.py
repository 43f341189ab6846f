"""Logs: what is new against a good try, streams that break off, groups of exceptions, tracebacks that were lived through."""

import json

import pytest

from airflow_agentic.context.logs.distil import distil, templates_of
from airflow_agentic.context.task_log import TaskLogSource, error_of
from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.records import SourceReport, TaskKey, TaskRun
from airflow_agentic.testing.airflow import FakeAirflow
from airflow_agentic.testing.targets import a_target

TASK = TaskKey(dag_id="feed", run_id="r", task_id="load")
HANDLED = (
    "Traceback (most recent call last):",
    '  File "/repo/a.py", line 3, in poll',
    "    ask()",
    "TimeoutError: slow",
)
GROUP = (
    "  + Exception Group Traceback (most recent call last):",
    '  |   File "/repo/all.py", line 6, in main',
    "  |     raise ExceptionGroup('two', errors)",
    "  | ExceptionGroup: two (2 sub-exceptions)",
    "  +-+---------------- 1 ----------------",
    "    | Traceback (most recent call last):",
    '    |   File "/repo/load.py", line 3, in load',
    "    |     row['city']",
    "    | KeyError: 'city'",
    "    +---------------- 2 ----------------",
    "    | Traceback (most recent call last):",
    '    |   File "/repo/load.py", line 9, in load',
    "    |     int('x')",
    "    | ValueError: invalid literal",
    "    +------------------------------------",
)


def line(event, level="info", **fields):
    return json.dumps(
        {"timestamp": "2026-11-02T04:00:00Z", "level": level, "event": event, "logger": "hook", **fields}
    ).encode()


def failed(message, cls="AirflowException"):
    return line(
        "Task failed with exception", "error", error_detail=[{"exc_type": cls, "exc_value": message, "frames": []}]
    )


def words(count):
    letters = "ghijklmnopqrstuvwxyz"
    return [f"kept {letters[n % 20]}{letters[n // 20 % 20]}{letters[n // 400]}x ready" for n in range(count)]


def test_a_line_that_the_good_try_did_not_have_outranks_hundreds_that_it_had():
    usual = [line(f"{word} failed once") for word in words(900)]
    log = [*usual[:300], line("zone map stale failed twice"), *usual[300:]]
    text = distil(log, budget_chars=2_000, known=templates_of(usual)).text
    assert "+ 04:00:00 zone map stale failed twice" in text


def test_nothing_is_marked_as_new_without_a_good_log():
    assert "+" not in distil([line("row 1"), line("row two")]).text


def broken(*lines):
    yield from lines
    raise SourceUnavailable("the stream broke off")


def test_a_stream_that_breaks_off_keeps_what_was_read_and_says_so():
    distilled = distil(broken(line("ORA-00942: table or view does not exist")))
    assert "ORA-00942" in distilled.text
    assert distilled.broken_off.startswith("after 1 lines")


def test_a_stream_that_breaks_at_once_is_no_log():
    with pytest.raises(SourceUnavailable):
        distil(broken())


class Breaking(FakeAirflow):
    def log(self, key):
        return broken(*super().log(key))


def test_a_log_that_broke_off_is_a_gap_beside_its_evidence():
    target = a_target()
    found = TaskLogSource(Breaking(logs={target.failed[0].key: [line("boom")]})).read(target, SourceReport())
    assert "boom" in found.evidence[0].body
    assert "broke off after 1 lines" in found.gaps[0].reason


def test_the_log_of_the_last_good_run_is_compared_with():
    target = a_target()
    good = TaskRun(
        key=TaskKey(dag_id="feed", run_id="good", task_id="load"), state="success", started_at=None, duration_s=1.0
    )
    reader = FakeAirflow(
        dags=(target.dag,), runs=(target.run, target.last_good), tasks=(*target.failed, good),
        logs={target.failed[0].key: [line("usual"), line("odd")], good.key: [line("usual")]},
    )  # fmt: skip
    body = TaskLogSource(reader).read(target, SourceReport()).evidence[0].body
    assert "+ 04:00:00 odd" in body
    assert "+ 04:00:00 usual" not in body


@pytest.mark.parametrize("split", [True, False], ids=["line by line", "one record"])
def test_a_printed_exception_group_is_unfolded_into_its_members(split):
    lines = [line(text) for text in GROUP] if split else [line("\n".join(GROUP))]
    error = error_of(TASK, distil(lines))
    assert (error.error_class, error.frames[-1].path) == ("KeyError", "/repo/load.py")
    assert error.chain == ("KeyError: 'city'", "ValueError: invalid literal", "ExceptionGroup: two (2 sub-exceptions)")


def test_a_structured_exception_group_is_unfolded_into_its_members():
    member = {"exc_type": "KeyError", "exc_value": "'city'", "frames": [{"filename": "/repo/a.py", "lineno": 1}]}
    group = {"exc_type": "ExceptionGroup", "exc_value": "one", "frames": [], "is_group": True, "exceptions": [[member]]}
    error = error_of(TASK, distil([line("Task failed with exception", "error", error_detail=[group])]))
    assert error.chain == ("KeyError: 'city'", "ExceptionGroup: one")


def test_a_traceback_that_the_program_lived_through_is_not_the_cause():
    after = [line(word) for word in words(60)]
    log = [
        *map(line, HANDLED),
        *after,
        line("FATAL: table orders is locked"),
        failed("Bash command failed. exit code 1."),
    ]
    error = error_of(TASK, distil(log))
    assert "table orders is locked" in error.message
    assert error.error_class == "AirflowException"


def test_a_process_killed_long_after_a_handled_traceback_was_killed():
    log = [
        *map(line, HANDLED),
        *(line(word) for word in words(60)),
        line("Process terminated by signal.", "error", signal=9),
    ]
    assert error_of(TASK, distil(log)).error_class == "unknown"


def test_a_traceback_just_before_the_wrapper_is_the_cause():
    log = [*map(line, HANDLED), line("cleaning up"), failed("Bash command failed. exit code 1.")]
    assert error_of(TASK, distil(log)).error_class == "TimeoutError"


def test_a_pod_that_kubernetes_did_not_start_says_why():
    said = "Pod load-1 returned a failure. remote_pod: {'waiting': {'message': 'Back-off pulling image shop:9', 'reason': 'ImagePullBackOff'}}"
    error = error_of(TASK, distil([line("ImagePullBackOff: Back-off pulling image shop:9"), failed(said)]))
    assert error.error_class == "kubernetes.ImagePullBackOff"


def test_cosmos_error_is_dbts_own():
    log = [
        line("14:27:58    Database Error in model stg_x (models/stg_x.sql)"),
        line("  Unrecognized name: city at [62:15]"),
        failed("dbt invocation completed with errors: stg_x", "CosmosDbtRunError"),
    ]
    error = error_of(TASK, distil(log))
    assert error.error_class == "dbt.DatabaseError"
    assert error.frames[0].path == "models/stg_x.sql"


def test_spark_submits_wrapper_steps_back_behind_the_jvms_cause():
    log = [
        line('Exception in thread "main" org.apache.spark.SparkException: Job aborted'),
        line("Caused by: java.io.FileNotFoundException: part-0001.parquet"),
        failed("Cannot execute: spark-submit --name x. Error code is: 1."),
    ]
    assert error_of(TASK, distil(log)).error_class == "java.io.FileNotFoundException"
