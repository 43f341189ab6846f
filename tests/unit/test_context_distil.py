"""Distilling logs, and the error that ended a try."""

import json

import pytest

from airflow_agentic.context.logs.distil import distil
from airflow_agentic.context.task_log import error_of
from airflow_agentic.records import TaskKey
from airflow_agentic.tracebacks import fingerprint, parse_tracebacks

TASK = TaskKey(dag_id="feed", run_id="r", task_id="load")
HOOK = "airflow.task.hooks.airflow.providers.standard.hooks.subprocess.SubprocessHook"


def line(event, level="info", logger=HOOK, **fields):
    record = {"timestamp": "2026-11-02T04:00:00Z", "level": level, "event": event, "logger": logger, **fields}
    return json.dumps(record).encode()


def printed(*events, **fields):
    return [line(event, **fields) for event in events]


WRAPPED = {
    "exc_type": "AirflowException",
    "exc_value": "Bash command failed. The command returned a non-zero exit code 1.",
    "is_cause": False,
    "frames": [{"filename": "/venv/site-packages/airflow/bash.py", "lineno": 225, "name": "execute"}],
}
TRACE = (
    "Traceback (most recent call last):",
    '  File "/repo/feed/load.py", line 12, in run',
    "    row['city']",
    "    ~~~^^^^^^^^",
    "KeyError: 'city'",
)
FAILED = line("Task failed with exception", "error", "task", error_detail=[WRAPPED])


def test_a_traceback_printed_at_info_by_a_subprocess_is_the_error_and_not_its_wrapper():
    error = error_of(TASK, distil([*printed(*TRACE, "Command exited with return code 1"), FAILED]))
    assert (error.error_class, error.message) == ("KeyError", "'city'")
    assert [(f.path, f.line, f.code) for f in error.frames] == [("/repo/feed/load.py", 12, "row['city']")]


def test_another_loggers_line_within_a_printed_traceback_does_not_break_it():
    lines = printed(*TRACE)
    lines.insert(2, line("heartbeat", logger="other"))
    assert error_of(TASK, distil(lines)).message == "'city'"


def test_a_structured_chain_is_reported_by_its_first_cause():
    detail = [
        {"exc_type": "ValueError", "exc_value": "outer", "is_cause": False, "frames": []},
        {
            "exc_type": "KeyError",
            "exc_value": "'x'",
            "is_cause": True,
            "frames": [{"filename": "/repo/a.py", "lineno": 3, "name": "f"}],
        },
    ]
    error = error_of(TASK, distil([line("Task failed with exception", "error", "task", error_detail=detail)]))
    assert error.chain == ("KeyError: 'x'", "ValueError: outer")
    assert error.frames[0].path == "/repo/a.py"


def test_a_callbacks_exception_after_the_failure_is_not_the_tasks_error():
    own = [{"exc_type": "ValueError", "exc_value": "bad row", "frames": [{"filename": "/repo/a.py", "lineno": 1}]}]
    callback = [{"exc_type": "OSError", "exc_value": "mail is down", "frames": []}]
    log = [
        line("Task failed with exception", "error", "task", error_detail=own),
        line("Failed to run task callback", "error", "task", error_detail=callback),
    ]
    distilled = distil(log)
    assert error_of(TASK, distilled).message == "bad row"
    assert "mail is down" in distilled.text


def test_a_traceback_within_one_record_is_read():
    assert error_of(TASK, distil(printed("it broke\n" + "\n".join(TRACE), level="error"))).error_class == "KeyError"


@pytest.mark.parametrize(
    ("said", "error_class", "message"),
    [
        (["loading", "Process terminated by signal."], "unknown", "Process terminated by signal."),
        (["loading", "Killed", "Command exited with return code 137"], "unknown", "Killed"),
        (["/usr/bin/bash: line 1: loadctl: command not found"], "shell", "loadctl: command not found"),
        (
            ["Caused by: java.io.IOException: disk full", "\tat a.b.C.write(C.java:7)"],
            "java.io.IOException",
            "disk full",
        ),
        (
            [
                "04:00:01  Database Error in model stg_orders (models/stg_orders.sql)",
                "  column total does not exist",
                "  LINE 4: total",
            ],
            "dbt.DatabaseError",
            "column total does not exist",
        ),
        (
            [
                "04:00:01  Failure in test not_null_id (models/schema.yml)",
                "  Got 3 results, configured to fail if != 0",
            ],
            "dbt.TestFailure",
            "Got 3 results",
        ),
        ([], "AirflowException", "Bash command failed"),
    ],
    ids=["signal", "exit 137", "shell", "jvm", "dbt model", "dbt test", "nothing said"],
)
def test_without_a_traceback_the_error_is_what_the_program_said(said, error_class, message):
    error = error_of(TASK, distil([*printed(*said), FAILED]))
    assert error.error_class == error_class
    assert message in error.message


def test_an_empty_log_is_an_unknown_error_and_not_a_crash():
    assert error_of(TASK, distil([])).error_class == "unknown"


def test_what_airflow_and_openlineage_print_for_every_task_is_dropped():
    distilled = distil(
        [
            line("::group::Post Execute", logger="task"),
            line("Pushing xcom", logger="task"),
            line(
                "Successfully emitted OpenLineage `FAIL` event", logger="airflow.providers.openlineage.plugins.adapter"
            ),
            line("rows read: 12"),
        ]
    )
    assert distilled.text == "04:00:00 rows read: 12"


def test_a_warning_that_a_subprocess_prints_at_info_is_a_warning():
    distilled = distil(printed("WARNING client 12 of 40 rows published", "2026-11-02 04:00:00,1 INFO fine"))
    assert [record.event for record, _ in distilled.warnings] == ["WARNING client 12 of 40 rows published"]


@pytest.mark.parametrize("level", ["error", "warning", "info"])
def test_a_telling_line_amid_chatter_is_kept_within_the_budget(level):
    chatter = printed(*(f"page {n} of {n * 7} cached as {n:x}" for n in range(20_000)))
    chatter.insert(9_000, line("source file is incomplete, using it anyway", level))
    distilled = distil(chatter, budget_chars=2_000)
    assert "source file is incomplete" in distilled.text
    assert len(distilled.text) <= 2_000


def test_more_shapes_of_line_than_can_be_kept_do_not_crowd_out_an_error():
    words = [a + b + c + d for a in "ghijklmnop" for b in "qrstuvwxyz" for c in "ghijklmnop" for d in "qrstuvwx"]
    lines = printed(*(f"{word} {other}" for word in words[:8_000] for other in ("one", "two", "soon")))
    lines.insert(23_500, line("the disk is full", "error"))
    assert "the disk is full" in distil(lines).text


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xfe",
        b"{",
        b"[]",
        b"",
        b'{"event":5}',
        b"A" * 300_000,
        b'{"event":"a","error_detail":[{"exc_type":3,"frames":"x"},7]}',
        b'{"event":"e","timestamp":7,"level":null}',
    ],
    ids=["bytes", "broken", "list", "empty", "number", "huge", "strange detail", "strange types"],
)
def test_garbage_is_text_and_never_an_error_of_ours(garbage):
    assert len(distil([garbage, *printed("fine")], budget_chars=500).text) <= 500


def test_repeated_tracebacks_are_counted_and_shown_once():
    distilled = distil([item for _ in range(50) for item in printed(*TRACE)])
    assert distilled.text.count("KeyError") == 1
    assert "×50" in distilled.text


def test_a_count_of_zero_is_told_apart_from_hundreds_of_other_counts():
    lines = printed(*(f"Copied {n} rows into raw.orders" for n in range(1, 3_000)))
    lines.insert(1_700, line("Copied 0 rows into raw.orders"))
    noise = printed(*(f"page {n} of feed {'ghijklmn'[n % 8] * 9} is read" for n in range(400)))
    assert "Copied 0 rows into raw.orders" in distil([*noise, *lines], budget_chars=1_000).text


def test_a_count_of_zero_among_names_without_number_is_kept():
    names = [a + b + c for a in "ghijklmnop" for b in "qrstuvwxyz" for c in "ghijklmnopqrstuv"]
    lines = printed(*(f"Copied {n + 1} rows into {name}.{name}" for n, name in enumerate(names)))
    lines.insert(1_500, line("Copied 0 rows into raw.orders"))
    assert "Copied 0 rows into raw.orders" in distil(lines, budget_chars=2_000).text


def test_a_telling_line_within_a_long_record_of_many_lines_is_kept():
    report = [f"  table t{n} column c{n} checked in {n} ms" for n in range(300)]
    report.insert(140, "  table orders: 12 rows have no customer_id")
    log = [*printed(*(f"page {n:x} ok" for n in range(3_000))), line("Report of run 7\n" + "\n".join(report))]
    assert "12 rows have no customer_id" in distil(log, budget_chars=4_000).text


def test_a_line_between_two_states_of_a_progress_bar_is_kept():
    bar = "\r".join(f"{n}%|####      | {n}/900 [00:{n % 60}<00:11, 3.5it/s]" for n in range(400))
    log = [line(f"{bar}\rchunk 17 is truncated, skipping it\r{bar}"), *printed(*(f"page {n}" for n in range(9)))]
    assert "chunk 17 is truncated" in distil(log, budget_chars=4_000).text


PYDANTIC = (
    "Traceback (most recent call last):",
    '  File "/opt/repo/shop/load.py", line 3, in parse',
    "    Order(**row)",
    "pydantic_core._pydantic_core.ValidationError: 1 validation error for Order",
    "amount",
    "  Input should be a valid number [type=float_parsing, input_value='1,5', input_type=str]",
)
POSTGRES = (
    *PYDANTIC[:3],
    "psycopg2.errors.UniqueViolation: duplicate key value violates unique constraint",
    "DETAIL:  Key (order_no)=(7) already exists.",
)


@pytest.mark.parametrize(
    ("lines", "kept"), [(PYDANTIC, "amount\n  Input should be"), (POSTGRES, "DETAIL:  Key (order_no)")]
)
def test_a_message_keeps_the_lines_that_go_on_and_no_other(lines: tuple[str, ...], kept: str):
    (error,) = parse_tracebacks([*lines, "Task exited with return code 1", "  an indented line of the log"])
    assert kept in error.message
    assert "Task exited" not in error.message
    assert "of the log" not in error.message


def test_the_rest_of_a_message_does_not_change_the_fingerprint():
    one, two = parse_tracebacks(POSTGRES)[0], parse_tracebacks(POSTGRES[:-1])[0]
    assert fingerprint(one.error_class, one.message, one.frames) == fingerprint(
        two.error_class, two.message, two.frames
    )
