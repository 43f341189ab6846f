"""Lines of a traceback, however they were logged → a `TracebackBlock` with its exceptions and a short text.

Three ways into a log: structlog's ``error_detail`` (Airflow's own records), a record whose event holds the whole
traceback, and a subprocess (Bash, dbt, Spark, a pod) whose lines come as one INFO record each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from airflow_agentic.context.logs.log_record import LogRecord
from airflow_agentic.records import Frame
from airflow_agentic.tracebacks import (
    MESSAGE_LIMIT,
    PrintedException,
    is_wrapper,
    message_shape,
    own_frames,
    parse_tracebacks,
)

LINES_LIMIT = 400
GROUP_LIMIT = 20
"""Members of one exception group that are read."""
_GROUP = "Exception Group Traceback (most recent call last):"
_HEADER = "Traceback (most recent call last):"
_LINK = "The above exception was the direct cause of the following exception:"
_MARGIN = re.compile(r"^\s*(?:[|+] ?|\+-\+?-*)+(?=\S|\s|$)")
_MEMBER = re.compile(r"^[\s|]*\+-\+?-+ (?:\d+|\.\.\.) -+$")
_MARGIN_END = re.compile(r"^-*$|^\+?-+$")
AFTER_LIMIT = 5
"""Lines that a message may go on for after the exception's own line."""
_EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(?::(?: .*)?)?$")
_CHAINED = ("The above exception was the direct cause", "During handling of the above exception")
_OTHER_OUTPUT = re.compile(r"^(?:Command exited with|(?:\d\d[:\d.,T-]* *)?\[?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b)")


@dataclass(kw_only=True, eq=False)
class TracebackBlock:
    """One traceback with its chain. It takes further lines while it is open."""

    number: int
    """Line of the log on which it begins."""
    logger: str
    said: str
    """The record's own words, when the traceback is attached to one."""
    aside: bool
    """It came after the record that ended the try: a callback's or a listener's, not the task's."""
    lines: list[str] = field(default_factory=list)
    found: tuple[PrintedException, ...] = ()
    count: int = 1
    finished: bool = False
    """The exception's line has come; what follows is the rest of its message, or the next link of the chain."""
    after: int = 0

    def take(self, line: str) -> bool:
        """Add one more line; False when it belongs to the traceback no more."""
        if len(self.lines) >= LINES_LIMIT or _OTHER_OUTPUT.match(line):
            return False
        header = line.strip().startswith("Traceback (most recent")
        if header and self.finished:
            return False
        if header or line.startswith(_CHAINED):
            self.finished, self.after = False, 0
        elif self.finished:
            self.after += 1
            if self.after > AFTER_LIMIT:
                return False
        elif line.strip() and not line.startswith((" ", "\t", "|", "+")):
            self.finished = bool(_EXCEPTION.match(line) or ": " in line)
        self.lines.append(line)
        return True

    def exceptions(self) -> tuple[PrintedException, ...]:
        """Return the chain, first cause first."""
        return self.found or parse_tracebacks(unfolded(self.lines))

    def shape(self) -> str:
        """Return a text that the same error has each time."""
        last = self.exceptions()[-1:]
        if not last:
            return message_shape("\n".join(self.lines[-1:]))
        place = last[0].frames[-1:]
        where = f"{place[0].path}:{place[0].line}" if place else ""
        return f"{last[0].error_class} {where} {message_shape(last[0].message)} {self.aside}"

    def shown(self) -> str:
        """Return it as text, with runs of foreign frames folded into one line."""
        times = f"  (×{self.count})" if self.count > 1 else ""
        aside = " (after the task had failed)" if self.aside else ""
        head = [f"{self.said}{aside}{times}"] if self.said or times or aside else []
        if not self.exceptions():
            return "\n".join([*head, *self.lines[:60]])
        rest = self.lines[-self.after :] if self.finished and self.after and not self.found else []
        body: list[str] = []
        for item in self.exceptions():
            body += ["— which led to —"] if item.continues_chain and body else []
            body += [*_frames(item), f"{item.error_class}: {item.message}"]
        return "\n".join([*head, *body, *(line for line in rest if line.strip())])


def structured_block(record: LogRecord, number: int, *, aside: bool) -> TracebackBlock:
    """Return the traceback of a record's ``error_detail``.

    structlog lists the exception that was raised last first and its cause after it; we turn it round.
    """
    items = [one for item in reversed(record.error_detail) for one in _members(item)]
    found = tuple(_printed(item, chained=index > 0) for index, item in enumerate(items))
    return TracebackBlock(number=number, logger=record.logger, said=record.event[:300], aside=aside, found=found)


def text_block(record: LogRecord, number: int, *, aside: bool) -> TracebackBlock:
    """Return a traceback that begins in this record's text, and may end there."""
    said, _, _ = record.event.partition("Traceback (most recent call last)")
    if said.endswith("Exception Group "):
        said = said.removesuffix("Exception Group ").rstrip(" +|")
    lines = record.event[len(said) :].split("\n")
    return TracebackBlock(
        number=number, logger=record.logger, said=said.strip()[:300], aside=aside, lines=lines[:LINES_LIMIT]
    )


def unfolded(lines: list[str]) -> list[str]:
    """Return a printed exception group as a chain, its members first as causes of the group; else *lines*."""
    at = next((n for n, line in enumerate(lines) if _GROUP in line), None)
    if at is None:
        return lines
    inside = [_MARGIN.sub("", line) for line in lines[at:]]
    splits = [n for n, line in enumerate(lines[at:]) if _MEMBER.match(line)]
    if not splits:
        return [*lines[:at], _HEADER, *inside[1:]]
    parts = [inside[a + 1 : b] for a, b in zip(splits, [*splits[1:], len(inside)], strict=True)]
    parts = [[line for line in part if not _MARGIN_END.match(line)] for part in parts]
    chain = [_HEADER if _GROUP in line else line for part in [*parts, inside[: splits[0]]] for line in [_LINK, *part]]
    return [*lines[:at], *chain[1:]]


def _members(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an exception group's members, first causes first, and then the group itself."""
    groups = item.get("exceptions")
    for member in groups[:GROUP_LIMIT] if isinstance(groups, list) else []:
        stacks = member.get("stacks") if isinstance(member, dict) else member
        for stack in reversed(stacks) if isinstance(stacks, list) else []:
            if isinstance(stack, dict):
                yield from _members(stack)
    yield item


def _printed(item: dict[str, Any], *, chained: bool) -> PrintedException:
    raw = item.get("frames")
    frames = tuple(
        Frame(
            path=str(f.get("filename") or ""),
            line=_int(f.get("lineno")),
            function=str(f.get("name") or ""),
            code=str(f.get("line") or "")[:300],
        )
        for f in (raw if isinstance(raw, list) else [])
        if isinstance(f, dict)
    )
    syntax = item.get("syntax_error")
    if isinstance(syntax, dict):
        frames = (
            *frames,
            Frame(
                path=str(syntax.get("filename") or ""),
                line=_int(syntax.get("lineno")),
                function="",
                code=str(syntax.get("line") or "").strip()[:300],
            ),
        )
    return PrintedException(
        error_class=str(item.get("exc_type") or "unknown"),
        message=str(item.get("exc_value") or "")[:MESSAGE_LIMIT],
        frames=frames,
        continues_chain=chained,
    )


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _frames(item: PrintedException) -> list[str]:
    """Return our frames whole, and one line for each run of frames of Python or an installed package."""
    if is_wrapper(item):
        return []
    own = set(own_frames(item.frames))
    keep = own or set(item.frames[-2:])
    shown: list[str] = []
    hidden = 0
    for frame in item.frames:
        if frame not in keep:
            hidden += 1
            continue
        shown += [f"  [{hidden} frames of installed packages]"] if hidden else []
        hidden = 0
        shown += [f'  File "{frame.path}", line {frame.line}, in {frame.function}']
        shown += [f"    {frame.code}"] if frame.code else []
    return [*shown, *([f"  [{hidden} frames of installed packages]"] if hidden else [])]
