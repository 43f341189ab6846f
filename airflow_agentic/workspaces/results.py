"""What a fork left in its folder → a `StagedRun`. Everything read here was written by untrusted code.

Files are opened relative to a descriptor that was taken before the run, never through a link, and only so many
bytes of them: a run can lie about itself, but cannot make us read or hold anything else.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_agentic.records import DagLinks, Frame, StagedRun, StagedTask, TaskError, TaskKey
from airflow_agentic.tracebacks import PrintedException, fingerprint, parse_tracebacks, root_error

MAX_JSON, MAX_LOG, TAIL = 16 << 20, 4 << 20, 8_000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
BAD_END = frozenset({"failed", "upstream_failed"})


@dataclass(frozen=True)
class OutFolder:
    """The folder that a fork writes its answers to, held by descriptor."""

    descriptor: int

    def text(self, name: str, *, limit: int) -> str | None:
        """Return the end of a regular file, at most *limit* bytes, or None if there is none."""
        if "/" in name or name.startswith("."):
            return None
        try:
            opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.descriptor)
        except OSError:
            return None
        with os.fdopen(opened, "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                return None
            file.seek(max(0, about.st_size - limit))
            return file.read(limit).decode("utf-8", "replace")

    def told(self, name: str) -> dict[str, Any] | None:
        """Return a JSON object that the fork wrote, or None."""
        text = self.text(f"{name}.json", limit=MAX_JSON)
        try:
            value = json.loads(text) if text else None
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


def read_run(
    out: OutFolder, answer: dict[str, Any], *, name: str, dag_id: str, logical_date: str, number: int = 0
) -> StagedRun:
    """Return the run as its folder and the parent process tell it; whatever is missing makes it ``broken``.

    :param number: which of the runs of one fork.
    """
    told = out.told(f"result_{number}" if number else "result")
    general = plain(out.text("log", limit=MAX_LOG) or "")
    base: dict[str, Any] = {
        "name": name,
        "dag_id": dag_id,
        "logical_date": logical_date,
        "duration_s": float(answer.get("elapsed_s", 0.0)),
    }
    why = _broken(answer, told, out)
    unread = _import_error(told, general, dag_id) if not why and told is not None else None
    if unread is not None:
        return StagedRun(
            **base, state="failed", tasks=(), runs_in_database=0, log_tail=general[-TAIL:], import_error=unread
        )
    if why or told is None:
        text = general if not told else said_by_tasks(out, told) or general
        return StagedRun(
            **base, state="broken", tasks=(), runs_in_database=0, log_tail=text[-TAIL:], broken_because=why
        )
    run_id = str(told.get("run_id", ""))
    errors = dict(_errors(out, told, dag_id, run_id))
    given = _handed_on(told)
    tasks = tuple(
        StagedTask(
            task_id=str(t["task_id"]),
            map_index=int(t["map_index"]),
            state=str(t["state"]),
            error=errors.get((str(t["task_id"]), int(t["map_index"]))) if t["state"] == "failed" else None,
            handed_on=tuple(sorted(given.get((str(t["task_id"]), int(t["map_index"])), ()))),
        )
        for t in sorted(told["tasks"], key=lambda t: (str(t["task_id"]), int(t["map_index"])))
    )
    state = str(told["state"])
    return StagedRun(
        **base,
        state=state,
        tasks=tasks,
        runs_in_database=int(told["runs"]),
        log_tail=(said_by_tasks(out, told, only=None if state == "success" else BAD_END) or general)[-TAIL:],
    )


def links_told(told: dict[str, Any] | None, dag_file: str) -> list[DagLinks]:
    """Return what one imported file says of its Dags' ties; whatever has another form is left out."""
    listed = (told or {}).get("dags")
    found = []
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and item.get("dag_id"):
            ties = {
                name: tuple(str(value)[:500] for value in item.get(name) or () if isinstance(value, str))
                for name in ("consumes", "produces", "starts", "waits_for")
            }
            found.append(DagLinks(dag_id=str(item["dag_id"])[:250], dag_file=dag_file, **ties))
    return found


def _handed_on(told: dict[str, Any]) -> dict[tuple[str, int], list[tuple[str, str]]]:
    """Return what each task gave to others, as key and digest; whatever has another form is left out."""
    found: dict[tuple[str, int], list[tuple[str, str]]] = {}
    listed = told.get("handed_on")
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and isinstance(item.get("map_index"), int):
            place = str(item.get("task_id")), item["map_index"]
            found.setdefault(place, []).append((str(item.get("key"))[:200], str(item.get("digest"))[:64]))
    return found


def said_by_tasks(out: OutFolder, told: dict[str, Any], only: frozenset[str] | None = None) -> str:
    """Return the tasks' logs, one after the other, as a person would read them."""
    states = {(t["task_id"], t["map_index"]): t["state"] for t in told.get("tasks", [])}
    parts = []
    for item in told.get("logs", []):
        if only is None or states.get((item["task_id"], item["map_index"])) in only:
            text = plain(out.text(str(item["log"]), limit=MAX_LOG) or "")
            parts.append(f"--- {item['task_id']} ---\n{text[-TAIL:]}")
    return "\n".join(parts)


def plain(log: str) -> str:
    """Return a log of JSON lines as text: one event a line, tracebacks as Python prints them."""
    return "\n".join(line for event in _events(log) for line in _as_text(event))


def log_error(log: str, task: TaskKey) -> TaskError | None:
    """Return the exception that ended the task, by the same reading as the incident's."""
    found: list[PrintedException] = []
    lines: list[str] = []
    for event in _events(log):
        lines += str(event.get("event", "")).splitlines()
        detail = _detail(event)
        if detail:
            found += parse_tracebacks(lines)
            lines = []
            found += _structured(detail)
    found += parse_tracebacks(lines)
    return root_error(task, tuple(found))


def _broken(answer: dict[str, Any], told: dict[str, Any] | None, out: OutFolder) -> str | None:
    if answer.get("died"):
        return f"the workspace ended: {answer['died']}"
    if answer.get("timed_out"):
        return "it ran longer than its time limit and was ended"
    harness = out.told("harness_error")
    if harness is not None:
        return f"the harness failed: {str(harness.get('error', ''))[-1500:]}"
    if told is None:
        return f"the process ended without an answer (exit status {answer.get('status')})"
    if "missing" in told:
        return str(told["missing"])[-1500:]
    if "import_error" in told:
        return None
    try:
        sound = (
            isinstance(told["runs"], int)
            and told["state"] in ("success", "failed")
            and all({"task_id", "map_index", "state"} <= set(t) for t in told["tasks"])
            and all({"task_id", "map_index", "log"} <= set(item) for item in told["logs"])
        )
    except (KeyError, TypeError):
        sound = False
    return None if sound else "the answer of the run makes no sense: it was overwritten or cut off"


def _import_error(told: dict[str, Any], general: str, dag_id: str) -> TaskError | None:
    """Return why the Dag's file does not import, by the same reading as the incident's; None if it does."""
    if "import_error" not in told:
        return None
    said = str(told["import_error"])
    key = TaskKey(dag_id=dag_id, run_id="", task_id="")
    found = root_error(key, parse_tracebacks(said.splitlines())) or log_error(general, key)
    if found is not None:
        return found
    last = said.strip().splitlines()[-1][:2_000] if said.strip() else "no reason was told"
    name, _, message = last.partition(": ")
    known = name.isidentifier() and bool(message)
    return TaskError(
        task=key,
        error_class=name if known else "unknown",
        message=message if known else last,
        frames=(),
        fingerprint=fingerprint(name if known else "unknown", message if known else last, ()),
    )


def _errors(
    out: OutFolder, told: dict[str, Any], dag_id: str, run_id: str
) -> Iterator[tuple[tuple[str, int], TaskError | None]]:
    for item in told["logs"]:
        place = str(item["task_id"]), int(item["map_index"])
        key = TaskKey(dag_id=dag_id, run_id=run_id, task_id=place[0], map_index=place[1])
        yield place, log_error(out.text(str(item["log"]), limit=MAX_LOG) or "", key)


def _events(log: str) -> Iterator[dict[str, Any]]:
    for line in log.splitlines():
        if line.startswith("{"):
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if isinstance(event, dict) and "event" in event:
                yield event
                continue
        yield {"event": _ANSI.sub("", line)}


def _as_text(event: dict[str, Any]) -> list[str]:
    lines = [_ANSI.sub("", str(event["event"]))]
    for item in _structured(_detail(event)):
        lines.append("Traceback (most recent call last):")
        lines += [f'  File "{frame.path}", line {frame.line}, in {frame.function}' for frame in item.frames[-6:]]
        lines.append(f"{item.error_class}: {item.message}")
    return lines


def _detail(event: dict[str, Any]) -> list[Any]:
    """A task's log file has ``error_detail``; the same logger under ``dag.test()`` says ``exception``."""
    found = event.get("error_detail") or event.get("exception")
    return found if isinstance(found, list) else []


def _structured(detail: list[Any]) -> list[PrintedException]:
    """Airflow lists the last exception first and its causes after it; Python prints them the other way round."""
    given = [item for item in reversed(detail) if isinstance(item, dict)]
    return [
        PrintedException(
            error_class=str(item.get("exc_type", "unknown")),
            message=str(item.get("exc_value", ""))[:2_000],
            frames=_frames(item.get("frames")),
            continues_chain=number > 0,
        )
        for number, item in enumerate(given)
    ]


def _frames(told: Any) -> tuple[Frame, ...]:
    return tuple(
        Frame(path=str(f.get("filename", "")), line=int(f.get("lineno") or 0), function=str(f.get("name", "")))
        for f in told or []
        if isinstance(f, dict)
    )
