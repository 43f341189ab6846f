"""Text of a log → the exception that ended it, and a fingerprint that two runs of one fault share.

Used where a failure is read (context) and where it is reproduced (workspaces), so that both mean the same by
"the same error". A chain (``raise ... from ...``) is reported by its first cause, because that is where the
fault is; wrappers that only say that a command failed step back behind the traceback that the command printed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from airflow_agentic.records import Frame, TaskError, TaskKey

_HEADER = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s*File "(?P<path>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>.+))?\s*$')
_EXCEPTION = re.compile(r"^(?P<cls>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$")
_CHAINED = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
IMPORT_STEP = "(import)"
"""Stands for the task where no task ran, because the Dag's file cannot be imported."""
_WRAPPERS = re.compile(
    r"(?:Bash|dbt) command (?:failed|exited)|dbt invocation completed with errors|Cannot execute: .*spark-submit|"
    r"returned a? ?non-zero exit|non-zero exit (?:code|status)|"
    r"command exited with|CalledProcessError|either it does not exist or it failed to parse|"
    r"Pod .* returned a failure|Job .* failed$",
    re.IGNORECASE,
)
_SHAPE = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<uuid>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\b[0-9a-f]{12,64}\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"(?:/[\w.@+-]+){2,}/?"), "<path>"),
    (re.compile(r"\d+"), "0"),
)
_FOREIGN = ("/bin/airflow", "site-packages", "dist-packages", "<frozen", "lib/python3")
MESSAGE_LIMIT = 2_000
_INDENTED = re.compile(r"^\s+\S")
_SECTION = re.compile(
    r"^(?:(?:DETAIL|HINT|CONTEXT|STATEMENT|QUERY):|LINE \d+:|\[SQL|\[parameters|\(Background on this error)"
)
_FIELD = re.compile(r"^[\w.\[\]-]{1,120}$")
MAX_MORE = 12
"""Lines that are taken for the rest of a message."""


@dataclass(frozen=True, kw_only=True)
class PrintedException:
    """One exception as printed: class, message (at most 2,000 characters) and frames, outermost first."""

    error_class: str
    message: str
    frames: tuple[Frame, ...]
    continues_chain: bool = False
    """It followed on the one before it: that one is its cause or context."""


def parse_tracebacks(lines: Iterable[str]) -> tuple[PrintedException, ...]:
    """Return every traceback in *lines* in printed order; lines without scaffolding (no timestamp, no level)."""
    found: list[PrintedException] = []
    frames: list[Frame] = []
    inside = chained = False
    more = 0
    for raw in lines:
        line = raw.rstrip("\n")
        if 0 < more <= MAX_MORE and not line.strip():
            more += MAX_MORE // 2  # A blank line may stand before the place in a statement, not two.
            continue
        if 0 < more <= MAX_MORE and _belongs(line, found[-1], spaced=more > MAX_MORE // 2):
            found[-1], more = _with_line(found[-1], line), more + 1
            continue
        more = 0
        if line.strip() in _CHAINED:
            chained = True
        elif line.strip() == _HEADER:
            inside, frames = True, []
        elif inside:
            inside = _step(line, frames, found, chained)
            if not inside:
                chained, more = False, 1
    return tuple(found)


def _belongs(line: str, error: PrintedException, *, spaced: bool) -> bool:
    """Say whether a line behind an exception's own is the rest of its message, and no other line of the log."""
    if _SECTION.match(line):
        return True
    if spaced:
        return False
    return bool(_INDENTED.match(line)) or ("validation error" in error.message and bool(_FIELD.match(line)))


def _with_line(error: PrintedException, line: str) -> PrintedException:
    return replace(error, message=f"{error.message}\n{line.rstrip()}"[:MESSAGE_LIMIT])


def fingerprint(error_class: str, message: str, frames: tuple[Frame, ...]) -> str:
    """Return 16 hex digits of class, place and message shape; numbers, ids and paths do not count."""
    place = own_frames(frames)[-1:] or frames[-1:]
    where = f"{place[0].path.rsplit('/', 1)[-1]}:{place[0].function}" if place else ""
    text = f"{error_class.rsplit('.', 1)[-1]}\0{where}\0{message_shape(message)}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def message_shape(message: str) -> str:
    """Return the first line of *message* without run-specific values; names in quotes stay."""
    shape = message.strip().splitlines()[0] if message.strip() else ""
    for pattern, word in _SHAPE:
        shape = pattern.sub(word, shape)
    return shape[:300]


def own_frames(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """Return the frames that are not of Python itself or an installed package."""
    return tuple(f for f in frames if not any(mark in f.path for mark in _FOREIGN))


def is_wrapper(error: PrintedException) -> bool:
    """Say whether the exception only tells that something else failed."""
    return bool(_WRAPPERS.search(f"{error.error_class}: {error.message}")) and not own_frames(error.frames)


def root_error(task: TaskKey, exceptions: tuple[PrintedException, ...]) -> TaskError | None:
    """Return the exception that ended the task: the first cause of the last chain that is no mere wrapper."""
    if not exceptions:
        return None
    chains: list[list[PrintedException]] = []
    for item in exceptions:
        if item.continues_chain and chains:
            chains[-1].append(item)
        else:
            chains.append([item])
    telling = [chain for chain in chains if not all(is_wrapper(item) for item in chain)] or chains
    chain = telling[-1]
    cause = next((item for item in chain if not is_wrapper(item)), chain[0])
    return TaskError(
        task=task,
        error_class=cause.error_class,
        message=cause.message,
        frames=cause.frames,
        fingerprint=fingerprint(cause.error_class, cause.message, cause.frames),
        chain=tuple(f"{item.error_class}: {item.message}"[:MESSAGE_LIMIT] for item in chain),
    )


def _step(line: str, frames: list[Frame], found: list[PrintedException], chained: bool) -> bool:
    """Take one line of a traceback; say whether we are still inside it."""
    frame = _FRAME.match(line)
    if frame:
        frames.append(Frame(path=frame["path"], line=int(frame["line"]), function=frame["function"] or ""))
        return True
    if line.startswith((" ", "\t")) or not line.strip():
        if frames and not frames[-1].code and line.strip() and not set(line.strip()) <= set("^~ "):
            last = frames.pop()
            frames.append(Frame(path=last.path, line=last.line, function=last.function, code=line.strip()[:300]))
        return True
    match = _EXCEPTION.match(line)
    if match:
        message = (match["message"] or "")[:MESSAGE_LIMIT]
        found.append(
            PrintedException(error_class=match["cls"], message=message, frames=tuple(frames), continues_chain=chained)
        )
    return False
