"""One task's log, any size → what a person would have kept: at most *budget_chars* characters, and its exceptions.

One pass, constant memory. Lines that differ in digits and hex letters only are one template, kept once with its
count; templates are capped, errors and warnings last. PERFORMANCE_FACTS 2 has the figures, among them that a
regular expression per line is slower than parsing every line: so only the first line of a template is looked into.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from airflow_agentic.context.logs.log_crowd import BATCH, Crowd, Line, frame_of, has_zero
from airflow_agentic.context.logs.log_lines import WARNING, Entry, LineKind, chosen, ranked
from airflow_agentic.context.logs.log_record import LogRecord, is_scaffolding, read_record
from airflow_agentic.context.logs.log_traceback import TracebackBlock, structured_block, text_block
from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.tracebacks import PrintedException, is_wrapper

KEY_BYTES = 180
CROWDED = 1_000
"""Templates from which on each statement gets no more than a few of them: `log_crowd`."""
NOISE = b"0123456789abcdefABCDEF"
ALL_TEMPLATES = 12_000
ZERO = b"\0"
"""Ends the key of a template whose number is a zero where the others of its statement have more."""
LOOKED_AT, LOOKED_AT_ALIKE = 50, 150
"""Lines of each template that are searched for a zero; later ones only when none was shorter, and then when all were
longer: a line with a zero has the fewest digits."""
FEW_FOLLOWED = 20_000
KNOWN_LIMIT = 20_000
EARLY = 240
"""Bytes of a line in which a traceback begins that goes on in the lines below; one within a record can wait."""
LINE_LIMIT = 64_000
"""Bytes kept of one line; longer ones are cut, and then read as text."""
TAIL_LINES = 500
FIRST_BLOCKS, LAST_BLOCKS = 3, 6
HANDLED_LINES = 30
"""A program that prints so many lines after a traceback has lived through it."""
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
    since: tuple[LogRecord, ...] = ()
    """What was said after the last traceback that is no wrapper, when the program went on for long after it."""
    broken_off: str = ""
    """Why the stream ended before the log did; empty when it did not."""


class _Template:
    """One shape of line: how often it came, and the first one of it."""

    __slots__ = ("count", "line", "number", "searched_below", "searches", "shortest", "watched", "zero")

    def __init__(self, number: int, line: bytes, *, watched: bool, zero: bool) -> None:
        self.count, self.number, self.line, self.watched, self.zero = 1, number, line, watched, zero
        self.shortest, self.searches = len(line), 0
        self.searched_below = -1 if zero else LINE_LIMIT
        """Length of lines up to which they are searched for a zero; -1: its own first line has one."""


class _Scan:
    """What one pass has gathered so far."""

    __slots__ = (
        "broken_off", "crowd", "ended", "first", "followed", "known", "last", "later", "open", "repeated", "seen",
        "tail",
    )  # fmt: skip

    def __init__(self, known: frozenset[int]) -> None:
        self.known = known
        self.broken_off = ""
        self.seen: dict[bytes, _Template] = {}
        self.tail: deque[bytes | None] = deque(maxlen=TAIL_LINES)
        """The last lines; None stands for one that a traceback has taken."""
        self.first: list[TracebackBlock] = []
        self.last: deque[TracebackBlock] = deque(maxlen=LAST_BLOCKS)
        self.repeated: dict[str, TracebackBlock] = {}
        self.open: TracebackBlock | None = None
        self.followed: set[int] = set()
        """First lines of printed tracebacks, which are shown with these and not again as lines."""
        self.crowd = Crowd()
        self.later: list[Line] = []
        """New kinds of line of a crowded log, until there are enough of them to be looked at."""
        self.ended = False
        """The record that ended the try has passed: later tracebacks are of callbacks and listeners."""


def distil(lines: Iterable[bytes], *, budget_chars: int = 16_000, known: frozenset[int] = frozenset()) -> DistilledLog:
    """Return what matters of a log.

    :param lines: ndjson records as Airflow's API streams them, or plain text; read once, in order.
    :param budget_chars: upper bound of ``text`` in characters.
    :param known: `templates_of` a log of the same task when it worked: what is new against it goes first.
    :raises SourceUnavailable: the stream broke before its first line; one that breaks later is kept so far.
    """
    scan = _Scan(known)
    seen, tail, later, number = scan.seen, scan.tail.append, scan.later, 0
    try:
        for line in lines:
            number += 1
            if scan.open is not None and _follow(scan, line):
                tail(None)
                continue
            key = line[:KEY_BYTES].translate(None, NOISE)
            template = seen.get(key)
            if template is None:
                later.append((key, number, line))
                if len(seen) < CROWDED or len(later) >= BATCH or line.find(b"Traceback (most", 0, EARLY) >= 0:
                    _meet_all(scan)
            else:
                template.count += 1
                if len(line) <= template.searched_below:
                    _seek_zero(scan, template, key, number, line)
                if template.watched:
                    _watch(scan, number, line)
            tail(line)
    except SourceUnavailable as error:
        if not number:
            raise
        scan.broken_off = f"after {number} lines: {error}"
    _meet_all(scan)
    _close(scan)
    return _conclude(scan, number, budget_chars)


def templates_of(lines: Iterable[bytes]) -> frozenset[int]:
    """Return the kinds of line of a log, to be given to `distil` as *known*; of this process only, at most 40,000."""
    found: set[int] = set()
    frames: set[int] = set()
    for line in lines:
        key = line[:KEY_BYTES].translate(None, NOISE)
        kind = hash(key)
        if kind in found:
            if len(line) < 1_000 and b" 0" in line and has_zero(line):
                found.add(hash(key + ZERO))
        elif len(found) < KNOWN_LIMIT or len(frames) < KNOWN_LIMIT:
            found.add(kind)
            frames.add(hash(frame_of(key)))
    return frozenset(found | frames)


def _meet_all(scan: _Scan) -> None:
    """Take the first line of each new template; in a crowded log, of those that are worth it."""
    batch, crowded = scan.later[:], len(scan.seen) >= CROWDED
    scan.later.clear()
    for key, number, line in scan.crowd.admitted(batch) if crowded else batch:
        known = scan.seen.get(key)
        if known is not None:
            known.count += 1
            continue
        watched = b"Traceback (most" in line or b'"error_detail"' in line
        if len(scan.seen) < ALL_TEMPLATES or watched:
            zero = has_zero(line[:KEY_BYTES])
            scan.seen[key] = _Template(number, line[:LINE_LIMIT], watched=watched, zero=zero)
        if watched:
            _watch(scan, number, line)


def _seek_zero(scan: _Scan, template: _Template, key: bytes, number: int, line: bytes) -> None:
    """Take a line that counts none of what the others of its template count some of as a template of its own."""
    size = len(line)
    template.searches += 1
    template.shortest = min(template.shortest, size)
    if template.searches >= LOOKED_AT:
        template.searched_below = template.shortest - (template.searches >= LOOKED_AT_ALIKE)
    if not has_zero(line[:KEY_BYTES]):
        return
    template.count -= 1
    known = scan.seen.get(key + ZERO)
    if known is not None:
        known.count += 1
    elif len(scan.seen) < ALL_TEMPLATES:
        scan.seen[key + ZERO] = _Template(number, line[:LINE_LIMIT], watched=False, zero=True)


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
        if len(scan.followed) < FEW_FOLLOWED:
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
    entries = ranked(_kinds(scan, lines))
    warnings = tuple((e.record, e.count) for e in entries if e.rank <= WARNING)
    return DistilledLog(
        text=_text(blocks, entries, lines, budget_chars),
        exceptions=tuple(item for block in own for item in block.exceptions()),
        records=tuple(e.record for e in entries)[-400:],
        warnings=warnings[:200],
        lines=lines,
        ended_at=_ended_at(scan),
        since=_since(own, entries, lines, ended=scan.ended),
        broken_off=scan.broken_off,
    )


def _kinds(scan: _Scan, lines: int) -> Iterator[LineKind]:
    """Yield every template, and the log's last lines."""
    seen: set[int] = set(scan.followed)
    for key, template in scan.seen.items():
        if template.number not in seen:
            seen.add(template.number)
            before = hash(key) in scan.known
            new = bool(scan.known) and not before and hash(frame_of(key)) not in scan.known
            yield LineKind(template.number, template.count, template.line, new, before, template.zero)
    for number, line in list(enumerate(scan.tail, lines - len(scan.tail) + 1))[-12:]:
        if line is not None and number not in seen:
            yield LineKind(number, 1, line[:LINE_LIMIT], False, False, False)


def _since(own: list[TracebackBlock], entries: list[Entry], lines: int, *, ended: bool) -> tuple[LogRecord, ...]:
    """Return what came after the last telling traceback; nothing when that one ended the try."""
    telling = [block for block in own if not all(is_wrapper(item) for item in block.exceptions())]
    if not telling or (ended and telling[-1] is own[-1]):
        return ()
    last = max(block.number + len(block.lines) for block in telling)
    until = max((block.number for block in own if block.number > last), default=lines)
    if until - last <= HANDLED_LINES:
        return ()
    return tuple(e.record for e in entries if last < e.number <= until and not e.record.error_detail)


def _text(blocks: list[TracebackBlock], entries: list[Entry], lines: int, budget: int) -> str:
    """Join tracebacks and lines; when not all of it fits, the rarest of each kind first."""
    notes = 240
    shown: dict[int, str] = {}
    room = budget - notes
    for block in sorted(blocks, key=lambda b: (b.aside, -b.number)):
        text = block.shown()
        if len(text) + 1 <= min(room, int(budget * 0.45)) or not shown:
            shown[block.number] = text[: int(budget * 0.45)]
            room -= len(shown[block.number]) + 1
    for entry in chosen([e for e in entries if e.number not in shown], room):
        shown[entry.number] = entry.shown
    left = sum(1 for e in entries if e.number not in shown)
    head = f"[{lines} lines in all; {left} kinds of line left out]\n" if left else ""
    if any(e.new for e in entries):
        head += "[lines with a + were not in the log of the last try that worked]\n"
    return (head + "\n".join(shown[number] for number in sorted(shown)))[:budget]


def _ended_at(scan: _Scan) -> str | None:
    for line in reversed(scan.tail):
        stamp = _timestamp(line) if line is not None else ""
        if stamp:
            return stamp
    return None


def _timestamp(line: bytes) -> str:
    try:
        record: Any = json.loads(line)
    except ValueError:
        return ""
    return str(record.get("timestamp") or "") if isinstance(record, dict) else ""
