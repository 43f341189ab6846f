"""One task's log, any size → what a person would have kept: at most *budget_chars* characters, and its exceptions.

One pass, constant memory. Lines that differ in digits and hex letters only are one template, kept once with its
count; templates are capped, errors and warnings last. PERFORMANCE_FACTS 2 has the figures, among them that a
regular expression per line is slower than parsing every line: so only the first line of a template is looked into.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from airflow_agentic.context.log_record import LogRecord, hotness, is_scaffolding, read_record
from airflow_agentic.context.log_traceback import TracebackBlock, structured_block, text_block
from airflow_agentic.tracebacks import PrintedException

KEY_BYTES = 180
CROWDED = 5_000
"""Templates from which on each first word gets no more than `PER_WORD` of them."""
PER_WORD = 400
_FIRST_WORD = re.compile(rb'"event": ?"\W*([A-Za-z]+)')
_WORD = re.compile(r"[A-Za-z]{2,}")
NOISE = b"0123456789abcdefABCDEF"
PLAIN_TEMPLATES = 20_000
ALL_TEMPLATES = 30_000
LINE_LIMIT = 64_000
"""Bytes kept of one line; longer ones are cut, and then read as text."""
TAIL_LINES = 40
FIRST_BLOCKS, LAST_BLOCKS = 3, 6
_OVER_CAP = (b'"error', b'"warn', b'"critical"', b"rror", b"ailed", b"xception", b"ARN", b"annot", b"issing", b"enied")
_FATAL = b"Task failed with exception"


@dataclass(frozen=True, kw_only=True)
class DistilledLog:
    """What is left of a log."""

    text: str
    exceptions: tuple[PrintedException, ...]
    """In the order of the log, up to the record that ended the try; each chain with its cause first."""
    records: tuple[LogRecord, ...]
    """First record of each template that is no scaffolding, in the log's order; at most 400, the last ones."""
    warnings: tuple[tuple[LogRecord, int], ...]
    """Records that say WARNING or worse, and how often."""
    lines: int
    ended_at: str | None
    """Timestamp of the last record that has one."""


class _Template:
    """One shape of line: how often it came, and the first one of it."""

    __slots__ = ("count", "line", "number", "watched")

    def __init__(self, number: int, line: bytes, watched: bool) -> None:
        self.count, self.number, self.line, self.watched = 1, number, line, watched


class _Scan:
    """What one pass has gathered so far."""

    __slots__ = ("ended", "first", "first_words", "followed", "last", "open", "repeated", "seen", "tail")

    def __init__(self) -> None:
        self.seen: dict[bytes, _Template] = {}
        self.tail: deque[tuple[int, bytes]] = deque(maxlen=TAIL_LINES)
        self.first: list[TracebackBlock] = []
        self.last: deque[TracebackBlock] = deque(maxlen=LAST_BLOCKS)
        self.repeated: dict[str, TracebackBlock] = {}
        self.open: TracebackBlock | None = None
        self.followed: set[int] = set()
        """First lines of printed tracebacks, which are shown with these and not again as lines."""
        self.first_words: Counter[bytes] = Counter()
        self.ended = False
        """The record that ended the try has passed: later tracebacks are of callbacks and listeners."""


def distil(lines: Iterable[bytes], *, budget_chars: int = 16_000) -> DistilledLog:
    """Return what matters of a log.

    :param lines: ndjson records as Airflow's API streams them, or plain text; read once, in order.
    :param budget_chars: upper bound of ``text`` in characters.
    """
    scan = _Scan()
    seen, tail, number = scan.seen, scan.tail.append, 0
    for line in lines:
        number += 1
        if scan.open is not None and _follow(scan, line):
            continue
        key = line[:KEY_BYTES].translate(None, NOISE)
        template = seen.get(key)
        if template is None:
            _meet(scan, key, number, line)
        else:
            template.count += 1
            if template.watched:
                _watch(scan, number, line)
        tail((number, line))
    _close(scan)
    return _conclude(scan, number, budget_chars)


def _meet(scan: _Scan, key: bytes, number: int, line: bytes) -> None:
    """Take the first line of a template, unless there are too many already."""
    watched = b"Traceback (most" in line or b'"error_detail"' in line
    if len(scan.seen) < ALL_TEMPLATES and (len(scan.seen) < CROWDED or _admits(scan, line)):
        scan.seen[key] = _Template(number, line[:LINE_LIMIT], watched)
    if watched:
        _watch(scan, number, line)


def _admits(scan: _Scan, line: bytes) -> bool:
    """Say whether a crowded log's new template is taken: names and ids make thousands of one kind of line."""
    if any(word in line for word in _OVER_CAP):
        return True
    word = _FIRST_WORD.search(line, 0, 400)
    first = word[1] if word else b""
    scan.first_words[first] += 1
    return len(scan.seen) < PLAIN_TEMPLATES and scan.first_words[first] <= PER_WORD


def _watch(scan: _Scan, number: int, line: bytes) -> None:
    """Open or take a traceback: a structured one, one within a record, or the first line of a printed one."""
    record = read_record(line[: 4 * LINE_LIMIT])
    if is_scaffolding(record):
        return
    if record.error_detail:
        _add(scan, structured_block(record, number, aside=scan.ended))
        scan.ended = scan.ended or record.event.encode().startswith(_FATAL)
        return
    if "Traceback (most recent call last)" not in record.event:
        return
    block = text_block(record, number, aside=scan.ended)
    if "\n" in record.event:
        _add(scan, block)
    else:
        scan.open = block
        if len(scan.followed) < PLAIN_TEMPLATES:
            scan.followed.add(number)


def _follow(scan: _Scan, line: bytes) -> bool:
    """Give a line to the open traceback; say whether it took it."""
    block = scan.open
    if block is None:
        return False
    record = read_record(line[:LINE_LIMIT])
    if record.logger != block.logger and not block.finished:
        return False
    if record.logger == block.logger and not record.error_detail and block.take(record.event):
        return True
    _close(scan)
    return False


def _close(scan: _Scan) -> None:
    if scan.open is not None:
        block, scan.open = scan.open, None
        _add(scan, block)


def _add(scan: _Scan, block: TracebackBlock) -> None:
    """Keep the first and the last few tracebacks, and count those that come again."""
    known = scan.repeated.get(block.shape())
    if known is not None:
        known.count += 1
        if known in scan.last:
            scan.last.remove(known)
        if known not in scan.first:
            scan.last.append(known)
        return
    if len(scan.repeated) < 1_000:
        scan.repeated[block.shape()] = block
    if len(scan.first) < FIRST_BLOCKS:
        scan.first.append(block)
    else:
        scan.last.append(block)


def _conclude(scan: _Scan, lines: int, budget_chars: int) -> DistilledLog:
    blocks = [*scan.first, *scan.last]
    own = [block for block in blocks if not block.aside]
    entries = _with_kin([entry for entry in _entries(scan) if entry.record.event.strip()])
    warnings = tuple((e.record, e.count) for e in entries if e.rank <= _WARNING)
    return DistilledLog(
        text=_text(blocks, entries, lines, budget_chars),
        exceptions=tuple(item for block in own for item in block.exceptions()),
        records=tuple(e.record for e in entries)[-400:],
        warnings=warnings[:200],
        lines=lines,
        ended_at=_ended_at(scan),
    )


_ERROR, _WARNING, _HOT, _PLAIN = 0, 1, 2, 3


@dataclass(frozen=True, kw_only=True)
class _Entry:
    number: int
    count: int
    rank: int
    heat: int
    kin: int = 0
    """Templates that share its commonest pair of words: a name or an id in a line makes many of one kind."""
    record: LogRecord
    shown: str


def _entries(scan: _Scan) -> list[_Entry]:
    """Return every template that is no scaffolding, and the log's last lines, in the log's order."""
    found: dict[int, _Entry] = {}
    for template in scan.seen.values():
        _enter(found, scan, template.number, template.count, template.line)
    for number, line in list(scan.tail)[-12:]:
        if number not in found:
            _enter(found, scan, number, 1, line[:LINE_LIMIT])
    return [found[number] for number in sorted(found)]


def _with_kin(entries: list[_Entry]) -> list[_Entry]:
    pairs = [_pairs(entry.record.event) for entry in entries]
    known = Counter(pair for of_one in pairs for pair in of_one)
    return [
        replace(entry, kin=max((known[pair] for pair in of_one), default=1))
        for entry, of_one in zip(entries, pairs, strict=True)
    ]


def _pairs(event: str) -> set[tuple[str, str]]:
    words = _WORD.findall(event[:400])
    return {*zip(words, words[1:], strict=False)} or {(word, "") for word in words}


def _enter(found: dict[int, _Entry], scan: _Scan, number: int, count: int, line: bytes) -> None:
    if number in scan.followed:
        return
    record = read_record(line)
    if is_scaffolding(record):
        return
    heat = hotness(record.event)
    rank = {"error": _ERROR, "critical": _ERROR, "warning": _WARNING}.get(record.level, _HOT if heat else _PLAIN)
    found[number] = _Entry(
        number=number, count=count, rank=rank, heat=heat, record=record, shown=_shown(record, count, rank)
    )


def _shown(record: LogRecord, count: int, rank: int) -> str:
    clock = record.timestamp[11:19]
    level = record.level.upper() + " " if rank <= _WARNING and record.level.upper() not in record.event[:40] else ""
    event = record.event.rstrip()
    limit = 900 if rank <= _HOT else 300
    if len(event) > limit:
        event = f"{event[: limit - 100]} … {event[-90:]}"
    times = f"  (×{count})" if count > 1 else ""
    extra = f"  {record.extra}" if record.extra and rank <= _WARNING else ""
    return f"{clock} {level}{event}{extra}{times}".lstrip()


def _text(blocks: list[TracebackBlock], entries: list[_Entry], lines: int, budget: int) -> str:
    """Join tracebacks and lines; when not all of it fits, the rarest of each kind first."""
    notes = 160
    shown: dict[int, str] = {}
    room = budget - notes
    for block in sorted(blocks, key=lambda b: (b.aside, -b.number)):
        text = block.shown()
        if len(text) + 1 <= min(room, int(budget * 0.45)) or not shown:
            shown[block.number] = text[: int(budget * 0.45)]
            room -= len(shown[block.number]) + 1
    for entry in _chosen([e for e in entries if e.number not in shown], room):
        shown[entry.number] = entry.shown
    left = sum(1 for e in entries if e.number not in shown)
    head = f"[{lines} lines in all; {left} kinds of line left out]\n" if left else ""
    return (head + "\n".join(shown[number] for number in sorted(shown)))[:budget]


def _chosen(entries: list[_Entry], room: int) -> list[_Entry]:
    """Return what fits: head and tail, then errors, warnings, hot lines and rare lines, each with its share."""
    if sum(len(e.shown) + 1 for e in entries) <= room:
        return entries
    chosen: list[_Entry] = []
    ends = [*entries[:4], *entries[-10:]]
    chosen, room = _take(ends, chosen, room, int(room * 0.15))
    for rank, share in ((_ERROR, 0.40), (_WARNING, 0.40), (_HOT, 0.60), (_PLAIN, 1.0), (_HOT, 1.0)):
        queue = sorted((e for e in entries if e.rank == rank), key=_rarest_first)
        chosen, room = _take(queue, chosen, room, int(room * share))
    return chosen


def _rarest_first(entry: _Entry) -> tuple[int, int, int]:
    """By power of two of how many are of its kind; then the more troubled, then the later one."""
    return (entry.kin * entry.count).bit_length(), -entry.heat, -entry.number


def _take(queue: list[_Entry], chosen: list[_Entry], room: int, share: int) -> tuple[list[_Entry], int]:
    taken = {e.number for e in chosen}
    more: list[_Entry] = []
    for entry in queue:
        size = len(entry.shown) + 1
        if entry.number not in taken and size <= share:
            more.append(entry)
            share -= size
            room -= size
        if share < 40:
            break
    return chosen + more, room


def _ended_at(scan: _Scan) -> str | None:
    for _, line in reversed(scan.tail):
        stamp = _timestamp(line)
        if stamp:
            return stamp
    return None


def _timestamp(line: bytes) -> str:
    try:
        record: Any = json.loads(line)
    except ValueError:
        return ""
    return str(record.get("timestamp") or "") if isinstance(record, dict) else ""
