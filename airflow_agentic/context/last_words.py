"""The last records of a log without a traceback → the error that the program printed, or how its process ended.

Known runners have a form of their own (dbt, the JVM and so Spark, a shell); a killed process has none, only an
exit code or a signal, and is ``unknown``: whoever killed it has not said why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from airflow_agentic.context.log_record import LogRecord
from airflow_agentic.records import Frame, TaskError, TaskKey
from airflow_agentic.tracebacks import MESSAGE_LIMIT, PrintedException, fingerprint, is_wrapper, root_error

_STAMP = re.compile(r"^(?:\x1b\[[0-9;]*m|\d\d:\d\d:\d\d(?:[.,]\d+)?\s+|\s)+")
_DBT = re.compile(r"^(?P<kind>[A-Z]\w+) Error in (?P<what>\w+) (?P<name>\S+) \((?P<path>[^)]+)\)")
_DBT_TEST = re.compile(r"^Failure in test (?P<name>\S+) \((?P<path>[^)]+)\)")
_DBT_LINE = re.compile(r"\bLINE (?P<line>\d+):|\bline (?P<other>\d+)\b")
_JVM = re.compile(r"^(?:Exception in thread \"[^\"]*\" |Caused by: )(?P<cls>[\w.$]+)(?:: (?P<message>.*))?$")
_JVM_FRAME = re.compile(r"^\s+at (?P<function>[\w.$<>]+)\((?P<path>[\w.$]+):(?P<line>\d+)\)")
_POD = re.compile(
    r"\b(?P<reason>ImagePullBackOff|ErrImagePull|InvalidImageName|CreateContainerConfigError|CreateContainerError|"
    r"CrashLoopBackOff|FailedScheduling|Unschedulable|FailedMount|Evicted|DeadlineExceeded)\b"
)
_SHELL = re.compile(r"^(?:/\S+/)?(?:ba|da|z|k)?sh: (?:line )?(?P<line>\d+): (?P<message>.+)$")
_KILLED = re.compile(
    r"Process terminated by signal|Task killed|^Killed\b|SIGKILL|SIGTERM|out of memory|OOM|"
    r"return code (?:-9|-15|137|143)\b|exited abnormally|heartbeat",
    re.IGNORECASE,
)
_FRAME_OF_COMMAND = re.compile(r"^(?:Command exited with return code|Running command)")
_TROUBLE = re.compile(
    r"error|fail|fatal|exception|denied|refused|not found|no such|cannot|unable|invalid|missing", re.IGNORECASE
)


def printed_error(task: TaskKey, records: Sequence[LogRecord], *, wrapper: TaskError | None) -> TaskError:
    """Return the error that the last records tell of; never None, at worst ``unknown`` with the last line.

    :param wrapper: the exception that only says that a command failed, if there is one.
    """
    lines = [(_STAMP.sub("", r.event), r) for r in records]
    if any(_KILLED.search(text) for text, _ in lines[-12:]):
        said = [text for text, _ in lines if _KILLED.search(text)][-3:]
        extra = next((r.extra for t, r in reversed(lines) if _KILLED.search(t) and r.extra), "")
        return _error(task, "unknown", "; ".join([*said, *([extra] if extra else [])]), ())
    texts = [line for record in records for line in _STAMP.sub("", record.event).split("\n")]
    found = _dbt(task, texts) or _jvm(task, texts) or _pod(task, texts) or _shell(task, texts)
    if found:
        return found
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


def _dbt(task: TaskKey, texts: list[str]) -> TaskError | None:
    for index, text in enumerate(texts):
        match = _DBT.match(text) or _DBT_TEST.match(text)
        if not match:
            continue
        below = [t.strip() for t in texts[index + 1 : index + 8] if t.strip()]
        message = " ".join(below[:5])[:MESSAGE_LIMIT] or text
        where = _DBT_LINE.search(message)
        line = int(where["line"] or where["other"]) if where else 0
        kind = f"dbt.{match['kind']}Error" if "kind" in match.re.groupindex else "dbt.TestFailure"
        frame = Frame(path=match["path"], line=line, function=match["name"])
        return _error(task, kind, message, (frame,))
    return None


def _jvm(task: TaskKey, texts: list[str]) -> TaskError | None:
    """Return the last ``Caused by`` with its frames: the JVM prints the first cause last."""
    at = [i for i, text in enumerate(texts) if _JVM.match(text)]
    if not at:
        return None
    match = _JVM.match(texts[at[-1]])
    frames = [m for m in (_JVM_FRAME.match(t) for t in texts[at[-1] + 1 : at[-1] + 40]) if m]
    tops = tuple(Frame(path=m["path"], line=int(m["line"]), function=m["function"]) for m in reversed(frames[:10]))
    return _error(task, match["cls"], match["message"] or "", tops) if match else None


def _pod(task: TaskKey, texts: list[str]) -> TaskError | None:
    """Return why Kubernetes did not run the pod's container."""
    said = [(m, text) for text in texts if (m := _POD.search(text))]
    if not said:
        return None
    match, text = said[-1]
    why = re.search(r"'?message'?: [\"'](?P<message>[^\"']{5,300})", text[match.start() :])
    return _error(task, f"kubernetes.{match['reason']}", why["message"] if why else text.strip(), ())


def _shell(task: TaskKey, texts: list[str]) -> TaskError | None:
    said = [m for m in (_SHELL.match(t) for t in texts) if m]
    if not said:
        return None
    return _error(task, "shell", said[-1]["message"], ())


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
