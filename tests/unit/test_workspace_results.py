"""What is believed of the files that a run leaves behind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_agentic.records import StagedRun, TaskKey
from airflow_agentic.workspaces.data_diff import compare_tables
from airflow_agentic.workspaces.results import OutFolder, log_error, read_run

KEY = TaskKey(dag_id="d", run_id="r", task_id="t")
SOUND = {
    "runs": 1,
    "run_id": "r",
    "state": "success",
    "logs": [],
    "tasks": [{"task_id": "t", "map_index": -1, "state": "success"}],
}


@pytest.fixture
def out(tmp_path: Path) -> Iterator[OutFolder]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield OutFolder(descriptor)
    os.close(descriptor)


def read(out: OutFolder, **answer: Any) -> StagedRun:
    return read_run(out, {"status": 0, **answer}, name="red", dag_id="d", logical_date="2026-11-02")


def test_a_sound_answer_is_a_run(out: OutFolder, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(json.dumps(SOUND))
    assert (read(out).state, read(out).runs_in_database) == ("success", 1)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"runs": 1}', json.dumps({**SOUND, "state": "proved"})])
def test_an_answer_that_makes_no_sense_is_broken(out: OutFolder, tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_text(text)
    assert read(out).state == "broken"


def test_a_run_out_of_time_is_broken_whatever_it_has_written(out: OutFolder, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(json.dumps(SOUND))
    assert "time limit" in str(read(out, timed_out=True).broken_because)


def test_a_link_is_not_followed(out: OutFolder, tmp_path: Path) -> None:
    (tmp_path / "result.json").symlink_to("/etc/passwd")
    assert out.text("result.json", limit=100) is None


def test_a_pipe_is_not_waited_for(out: OutFolder, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    assert out.text("log", limit=100) is None


def test_a_name_cannot_leave_the_folder(out: OutFolder) -> None:
    assert out.text("../../etc/passwd", limit=100) is None


def test_no_more_than_the_end_of_a_file_is_read(out: OutFolder, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("x" * 1000 + "end")
    assert out.text("log", limit=4) == "xend"


def test_the_traceback_that_a_command_printed_counts_over_its_wrapper() -> None:
    printed = [
        "Traceback (most recent call last):",
        '  File "/box/load.py", line 3, in parse',
        "    x",
        "KeyError: 'id'",
    ]
    wrapper = [
        {
            "exc_type": "AirflowException",
            "exc_value": "Bash command failed. The command returned a non-zero exit code 1.",
            "frames": [{"filename": "/venv/lib/python3.11/site-packages/airflow/x.py", "lineno": 1, "name": "execute"}],
        }
    ]
    log = "\n".join(
        [
            *(json.dumps({"event": line}) for line in printed),
            json.dumps({"event": "Task failed with exception", "exception": wrapper}),
        ]
    )
    error = log_error(log, KEY)
    assert error is not None
    assert (error.error_class, error.message, error.frames[-1].function) == ("KeyError", "'id'", "parse")


def test_the_first_cause_of_a_chain_counts() -> None:
    chain = [
        {"exc_type": "RuntimeError", "exc_value": "wrapped", "frames": []},
        {"exc_type": "KeyError", "exc_value": "'id'", "frames": []},
    ]
    error = log_error(json.dumps({"event": "Task failed", "error_detail": chain}), KEY)
    assert error is not None
    assert error.error_class == "KeyError"


def test_equal_tables_have_no_note_and_others_say_what_differs() -> None:
    def table(digest: str, rows: int = 2, **columns: str) -> dict[str, Any]:
        about = {name: {"digest": value, "nulls": 0} for name, value in columns.items()}
        return {"table": "t", "rows": rows, "digest": digest, "columns": about}

    assert compare_tables([table("1", a="x")], [table("1", a="x")])[0].note == ""
    assert compare_tables([table("1", a="x")], [table("2", a="y")])[0].note == "values differ in a"
    assert compare_tables([table("1", a="x")], [table("2", 3, a="y")])[0].note == "rows 2 → 3"
    assert compare_tables([table("1", a="x")], [table("2", a="x", b="z")])[0].note == "columns added: b"
    assert compare_tables([], [table("1")])[0].note == "new"
