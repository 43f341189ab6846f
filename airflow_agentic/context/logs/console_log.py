"""What ``airflow dags test`` or a bare command printed → where each task's part lies, and ndjson records.

The console's lines are structlog's: time, level, event, logger, fields. A line without a time carries on the one
before it: as more of its event while that has no logger yet, as its traceback, or as plain output of a task.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from airflow_agentic.context.logs.log_record import own_level
from airflow_agentic.tracebacks import parse_tracebacks

_ANSI = re.compile(rb"\x1b\[[0-9;]*m")
_LINE = re.compile(r"^(?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?) \[(?P<level>\w+)\s*\] (?P<rest>.*)$")
_TAIL = re.compile(
    r"^(?P<event>.*?)\s*(?:^|\s)\[(?P<logger>[A-Za-z_][\w.<>:-]*)\](?P<fields>(?: [\w.]+=.*)?)$", re.DOTALL
)
_FIELD = re.compile(r"(\w+)=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S+)")
_KEPT_FIELDS = frozenset({"filename", "category", "exit_code", "signal", "signal_name"})
_COMMAND = re.compile(rb"^=== airflow dags test (?P<dag>\S+) (?P<ds>\S+)")
_STARTS = re.compile(rb"\[DAG TEST\] starting task_id=(?P<task>\S+) map_index=(?P<map>-?\d+)")
_ENDS = b"[DAG TEST] end task task_id="
_RUNNING = re.compile(rb"\[DAG TEST\] running task <TaskInstance: (?P<name>\S+) (?P<run>\S+) (?:map_index=\d+ )?\[")
_STATE = re.compile(rb"Task instance state updated.* new_state=(?P<state>\w+)")
_FINISHED = re.compile(rb"DagRun Finished: dag_id=(?P<dag>\S+), .*run_id=(?P<run>\S+?),.* state=(?P<state>\w+)")
_RENDERED = re.compile(rb"Running command: \[(?P<words>.*)\] \[")
_CONTINUED_LIMIT = 2_000


@dataclass(kw_only=True)
class Section:
    """One task's part of a console log."""

    path: str
    start: int
    end: int
    """Byte offsets; the part is read again when somebody asks for it."""
    dag_id: str
    ds: str
    task_id: str
    map_index: int
    run_id: str = ""
    state: str = ""
    command: str = ""
    started_at: str = ""
    ended_at: str = ""


@dataclass(kw_only=True)
class ConsoleRun:
    """One Dag run that a console log tells of."""

    dag_id: str
    ds: str
    run_id: str = ""
    state: str = ""


def index(path: str) -> tuple[list[Section], list[ConsoleRun]]:
    """Return each task's part and each run of one file; both empty for plain text without Airflow's markers."""
    sections: list[Section] = []
    runs: list[ConsoleRun] = []
    open_section: Section | None = None
    offset = 0
    with open(path, "rb") as lines:
        for raw in lines:
            start, offset = offset, offset + len(raw)
            line = _ANSI.sub(b"", raw) if b"\x1b" in raw else raw
            command, starts = _COMMAND.match(line), _STARTS.search(line)
            if command:
                _end(open_section, start, line)
                open_section = None
                runs.append(ConsoleRun(dag_id=_text(command["dag"]), ds=_text(command["ds"])))
            elif starts:
                _end(open_section, start, line)
                run = runs[-1] if runs else ConsoleRun(dag_id="", ds="")
                open_section = Section(
                    path=path,
                    start=offset,
                    end=-1,
                    dag_id=run.dag_id,
                    ds=run.ds,
                    task_id=_text(starts["task"]),
                    map_index=int(starts["map"]),
                    run_id=run.run_id,
                    started_at=_time(line),
                )
                sections.append(open_section)
            elif open_section is not None and _ENDS in line:
                _end(open_section, start, line)
                open_section = None
            else:
                _learn(line, open_section, runs)
        _end(open_section, offset, b"")
    return sections, runs


def records(path: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Stream a part of a console log, or of plain text, as ndjson records; constant memory."""
    with open(path, "rb") as text:
        text.seek(start)
        limit = (end if end is not None and end >= 0 else os.path.getsize(path)) - start
        yield from as_records(_bounded(text, limit))


def import_records(path: str) -> Iterator[bytes]:
    """Stream what Airflow printed from its last ``Failed to import`` on, line by line, as a program's own output.

    As records of Airflow's loader they would pass for chatter.
    """
    with open(path, "rb") as text:
        start = offset = 0
        for raw in text:
            start = offset if b"Failed to import" in raw else start
            offset += len(raw)
        text.seek(start)
        for raw in text:
            line = _ANSI.sub(b"", raw).decode("utf-8", "replace").rstrip("\r\n")
            yield _json({"level": own_level(line) or "info", "event": line, "logger": "stdout"})


def tells_import(path: str) -> bool:
    """Say whether Airflow printed that a Dag's file does not import."""
    with open(path, "rb") as text:
        return any(b"Failed to import" in raw for raw in text)


def as_records(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Turn console lines into ndjson records."""
    pending: dict[str, Any] | None = None
    more: list[str] = []
    for raw in lines:
        line = _ANSI.sub(b"", raw).decode("utf-8", "replace").rstrip("\r\n")
        match = _LINE.match(line)
        if match:
            yield from _flush(pending, more)
            pending, more = {"timestamp": match["time"], "level": match["level"], "rest": match["rest"]}, []
        elif pending is not None and len(more) < _CONTINUED_LIMIT and _continues(pending, more, line):
            more.append(line)
        else:
            yield from _flush(pending, more)
            pending, more = None, []
            yield _json({"level": own_level(line) or "info", "event": line, "logger": "stdout"})
    yield from _flush(pending, more)


def _continues(pending: dict[str, Any], more: list[str], line: str) -> bool:
    """A record without a logger yet, or of trouble with a traceback below, goes on; all else is output of its own."""
    if not _TAIL.match(pending["rest"]) and not any(_TAIL.match(text) for text in more):
        return True
    begins = line.startswith("Traceback (most recent") and pending["level"] not in ("info", "debug")
    return begins or bool(more and more[0].startswith("Traceback"))


def _flush(pending: dict[str, Any] | None, more: list[str]) -> Iterator[bytes]:
    if pending is None:
        return
    rest, trace = pending["rest"], list(more)
    while trace and not _TAIL.match(rest):
        rest = f"{rest}\n{trace.pop(0)}"
    tail = _TAIL.match(rest)
    record = {"timestamp": pending["timestamp"], "level": pending["level"]}
    if tail is None:
        record.update(event=rest.strip("\n"), logger="")
    else:
        fields = {k: v.strip("'\"") for k, v in _FIELD.findall(tail["fields"]) if k in _KEPT_FIELDS}
        record.update(event=tail["event"].rstrip(), logger=tail["logger"], **fields)
    if trace:
        record["error_detail"] = _detail(trace)
    yield _json(record)


def _detail(trace: list[str]) -> list[dict[str, Any]]:
    """Return text as structlog's ``error_detail``: raised last first, then its cause."""
    return [
        {
            "exc_type": item.error_class,
            "exc_value": item.message,
            "is_cause": False,
            "frames": [{"filename": f.path, "lineno": f.line, "name": f.function, "line": f.code} for f in item.frames],
        }
        for item in reversed(parse_tracebacks(trace))
    ]


def _learn(line: bytes, section: Section | None, runs: list[ConsoleRun]) -> None:
    """Take run ids, states and commands from the lines that tell them."""
    finished = _FINISHED.search(line)
    if finished:
        run = next((r for r in reversed(runs) if r.dag_id == _text(finished["dag"])), None)
        if run is None:
            run = ConsoleRun(dag_id=_text(finished["dag"]), ds="")
            runs.append(run)
        run.run_id, run.state = _text(finished["run"]), _text(finished["state"])
    if section is None:
        return
    running, state, rendered = _RUNNING.search(line), _STATE.search(line), _RENDERED.search(line)
    if running:
        name = _text(running["name"])
        section.run_id = _text(running["run"])
        if name.endswith("." + section.task_id):
            section.dag_id = name[: -len(section.task_id) - 1]
        for run in runs[-1:]:
            run.run_id = run.run_id or section.run_id
    elif state:
        section.state = _text(state["state"])
    elif rendered:
        section.command = _text(rendered["words"]).rpartition("'-c', ")[2].strip("'\"")


def _end(section: Section | None, offset: int, line: bytes) -> None:
    if section is not None and section.end < 0:
        section.end, section.ended_at = offset, _time(line)


def _bounded(text: Iterable[bytes], limit: int) -> Iterator[bytes]:
    for line in text:
        if limit <= 0:
            return
        yield line[:limit]
        limit -= len(line)


def _time(line: bytes) -> str:
    match = _LINE.match(line[:60].decode("utf-8", "replace"))
    return match["time"].replace("Z", "+00:00") if match else ""


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _json(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
