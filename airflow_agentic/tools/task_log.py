"""A failed task and a word → the lines of its log around that word, or the log's end."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_agentic.errors import SourceUnavailable, ToolRefused
from airflow_agentic.ports import Effect
from airflow_agentic.records import TaskKey
from airflow_agentic.tools.arguments import object_schema, text_argument

AROUND = 4
HITS = 20
TAIL = 150
LINE_CHARACTERS = 500


class TaskLogTool:
    """Read a failed task's log again, as a stream: a log of a gigabyte is never held.

    :param failed: the failed task instances that may be read, and no others.
    :param lines: yields the lines of one try's log: plain, or records as Airflow's API streams them.
    """

    name = "task_log"
    description = (
        "Read the log of a failed task of this run again. 'search' is a literal text, case does not matter: the first "
        "20 places with the lines around them are returned; empty for the last 150 lines. "
        "The exception itself is already in the evidence."
    )
    effect = Effect.READ
    input_schema: Mapping[str, Any] = object_schema(
        {"task_id": {"type": "string"}, "search": {"type": "string"}}, required=("task_id", "search")
    )

    def __init__(self, failed: tuple[TaskKey, ...], lines: Callable[[TaskKey], Iterable[str]]) -> None:
        self._failed = failed
        self._lines = lines

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return lines of the log. :raises ToolRefused: it is no failed task, or its log is gone."""
        task_id = text_argument(arguments, "task_id", limit=300)
        search = text_argument(arguments, "search", "", limit=300).lower()
        key = next((key for key in self._failed if key.task_id == task_id), None)
        if key is None:
            names = sorted({key.task_id for key in self._failed})
            raise ToolRefused(f"{task_id!r} is no failed task of this run. Those are: {', '.join(names) or 'none'}.")
        try:
            lines = (_plain(line)[:LINE_CHARACTERS] for line in self._lines(key))
            return _around(lines, search) if search else "\n".join(deque(lines, maxlen=TAIL)) or "The log is empty."
        except SourceUnavailable as error:
            raise ToolRefused(f"The log of {task_id!r} cannot be read: {error}") from error


def _plain(line: str) -> str:
    """Return what a record says, with its exception; a line that is no record as it is."""
    text = line.rstrip("\n")
    if not text.startswith("{"):
        return text
    try:
        record = json.loads(text)
    except json.JSONDecodeError:
        return text
    if not isinstance(record.get("event"), str):
        return text
    causes = record.get("error_detail") if isinstance(record.get("error_detail"), list) else []
    said = [f"{c.get('exc_type')}: {c.get('exc_value')}" for c in causes or [] if isinstance(c, dict)]
    return " | ".join([record["event"], *said])


def _around(lines: Iterable[str], search: str) -> str:
    before: deque[str] = deque(maxlen=AROUND)
    shown: list[str] = []
    hits = following = 0
    for number, line in enumerate(lines, start=1):
        if search in line.lower():
            hits += 1
            if hits > HITS:
                return "\n".join([*shown, f"(more than {HITS} places; search for something rarer)"])
            if not following:
                shown.extend([*(["..."] if shown else []), *before])
            before.clear()
            shown.append(f"{number}\t{line}")
            following = AROUND
        elif following:
            shown.append(f"{number}\t{line}")
            following -= 1
        else:
            before.append(f"{number}\t{line}")
    return "\n".join(shown) or f"No line of the log holds {search!r}."
