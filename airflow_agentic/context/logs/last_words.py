"""The last records of a log without a traceback → the error that the program printed, or how its process ended.

Known runners have a form of their own (`printed_dbt`, `printed_jvm`, `printed_pod`, `printed_checks`, a shell); a
killed process has none, only an exit code or a signal, and is ``unknown``: whoever killed it has not said why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from airflow_agentic.context.logs.log_record import LogRecord
from airflow_agentic.context.logs.printed_checks import check_error
from airflow_agentic.context.logs.printed_dbt import PrintedError, dbt_error
from airflow_agentic.context.logs.printed_jvm import jvm_error, with_jvm_cause
from airflow_agentic.context.logs.printed_pod import pod_error
from airflow_agentic.records import Frame, TaskError, TaskKey
from airflow_agentic.tracebacks import (
    MESSAGE_LIMIT,
    PrintedException,
    fingerprint,
    is_wrapper,
    own_frames,
    root_error,
)

_STAMP = re.compile(
    r"^(?:\x1b\[[0-9;]*m|(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(?:[.,]\d+)?\s+|\[(?:error|info |info|warn |debug)\s*\] "
    r"\[[\w -]+\]: |\s)+"
)
_SHELL = re.compile(r"^(?:/\S+/)?(?:ba|da|z|k)?sh: (?:line )?(?P<line>\d+): (?P<message>.+)$")
_KILLED = re.compile(
    r"Process terminated by signal|Task killed|^Killed\b|SIGKILL|SIGTERM|out of memory|OOM|"
    r"return code (?:-9|-15|137|143)\b|exited abnormally|heartbeat",
    re.IGNORECASE,
)
_POD_KILLED = re.compile(r"\bOOMKilled\b")
_BARE = frozenset({"AirflowException", "AirflowFailException", "CosmosDbtRunError", "GXValidationFailed"})
"""Exceptions that an operator raises for whatever its runner has met."""
_FRAME_OF_COMMAND = re.compile(r"^(?:Command exited with return code|Running command)")
_TROUBLE = re.compile(
    r"error|fail|fatal|exception|denied|refused|not found|no such|cannot|unable|invalid|missing", re.IGNORECASE
)


def printed_error(task: TaskKey, records: Sequence[LogRecord], *, wrapper: TaskError | None) -> TaskError:
    """Return the error that the last records tell of; never None, at worst ``unknown`` with the last line.

    :param wrapper: the exception that only says that a command failed, if there is one.
    """
    texts = texts_of(records, wrapper)
    found = pod_error(texts) if _POD_KILLED.search("\n".join(texts)) else None
    if found:
        return _told(task, found)
    lines = [(_STAMP.sub("", r.event), r) for r in records]
    if any(_KILLED.search(text) for text, _ in lines[-12:]):
        said = [text for text, _ in lines if _KILLED.search(text)][-3:]
        extra = next((r.extra for t, r in reversed(lines) if _KILLED.search(t) and r.extra), "")
        return _error(task, "unknown", "; ".join([*said, *([extra] if extra else [])]), ())
    found = runner_error(texts)
    if found:
        return _told(task, found)
    return _last(task, lines, wrapper)


def runner_error(texts: Sequence[str]) -> PrintedError | None:
    """Return the error of a runner that has a form of its own, or None."""
    return dbt_error(texts) or jvm_error(texts) or check_error(texts) or pod_error(texts) or _shell(texts)


def texts_of(records: Sequence[LogRecord], wrapper: TaskError | None) -> list[str]:
    """Return the lines of the records without time stamps, and those of the exception that wraps them."""
    texts = [_STAMP.sub("", line) if line[:1].strip() else line for r in records for line in r.event.split("\n")]
    return texts + (wrapper.message.split("\n") if wrapper else [])


def better_told(error: TaskError, records: Sequence[LogRecord]) -> TaskError:
    """Return the cause that a runner printed instead of an exception that names none: PySpark's, or a bare one."""
    texts = texts_of(records, error)
    error = with_jvm_cause(error, texts)
    if error.error_class.rsplit(".", 1)[-1] not in _BARE or own_frames(error.frames):
        return error
    found = runner_error(texts)
    if found is None or found.error_class == "shell":
        return error
    told = _told(error.task, found)
    return replace(told, chain=(*told.chain, *error.chain))


def _last(task: TaskKey, lines: list[tuple[str, LogRecord]], wrapper: TaskError | None) -> TaskError:
    last = _last_said(lines)
    if wrapper is None:
        return _error(task, "unknown", last or "the log is empty", ())
    if not last:
        return wrapper
    message = f"{last} ({wrapper.message})"[:MESSAGE_LIMIT]
    return replace(wrapper, message=message, fingerprint=fingerprint(wrapper.error_class, last, wrapper.frames))


def outlived(task: TaskKey, exceptions: Sequence[PrintedException], since: Sequence[LogRecord]) -> TaskError | None:
    """Return the error that came long after the last traceback, which the program had lived through, or None.

    :param since: what was said after that traceback.
    """
    wrapper = root_error(task, tuple(exceptions[-1:])) if exceptions and is_wrapper(exceptions[-1]) else None
    killed = any(_KILLED.search(record.event) for record in since[-12:])
    if not since or not (wrapper or killed):
        return None
    last = _last_said([(_STAMP.sub("", record.event), record) for record in since])
    if not killed and not _TROUBLE.search(last) and all(r.level not in {"error", "critical"} for r in since):
        return None
    return printed_error(task, since, wrapper=wrapper)


def _last_said(lines: list[tuple[str, LogRecord]]) -> str:
    """Return the last line that speaks of trouble, else the last line; Airflow's own frame of a command is neither."""
    spoken = [(text.strip(), record) for text, record in lines if text.strip() and not _FRAME_OF_COMMAND.match(text)]
    telling = [t for t, r in spoken if r.level in {"error", "critical"} or _TROUBLE.search(t)]
    return [*(t for t, _ in spoken[-1:]), *telling][-1] if spoken else ""


def _shell(texts: Sequence[str]) -> PrintedError | None:
    said = [m for m in (_SHELL.match(t) for t in texts) if m]
    return PrintedError("shell", said[-1]["message"]) if said else None


def _told(task: TaskKey, found: PrintedError) -> TaskError:
    return _error(task, found.error_class, found.message, found.frames)


def _error(task: TaskKey, error_class: str, message: str, frames: tuple[Frame, ...]) -> TaskError:
    message = message[:MESSAGE_LIMIT]
    return TaskError(
        task=task,
        error_class=error_class,
        message=message,
        frames=frames,
        fingerprint=fingerprint(error_class, message, frames),
        chain=(f"{error_class}: {message}"[:MESSAGE_LIMIT],),
    )
