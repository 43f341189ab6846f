"""Kinds of line of a log → which of them to show: the rarest and most troubled first.

Names and ids in lines make thousands of kinds out of one statement of a program, so rarity alone says nothing. What
counts is how many kinds share a line's commonest pair of words: of a statement with names in it there are hundreds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from airflow_agentic.context.logs.log_record import LogRecord, hotness, is_scaffolding, read_record

ERROR, WARNING, HOT, PLAIN, NEW = 0, 1, 2, 3, 4
_LEVEL_RANK = {"error": ERROR, "critical": ERROR, "warning": WARNING}
_WORD = re.compile(r"[A-Za-z]{2,}")
_BREAK = re.compile(r"[\r\n]+")
_DIGITS = re.compile(r"\d+")
FEW_LINES = 4
"""Lines of a long text from which on it is read line by line."""
CROWD = 16
"""Kinds from which on one statement's lines are judged by the first of them."""
WORDLESS = 1_000
SEEN_BEFORE = 4
"""Powers of two by which a line counts as more common when the log of a good try has it, too."""


class LineKind(NamedTuple):
    """Lines that differ in digits only: where the first stands, how many there are, and the first one."""

    number: int
    times: int
    line: bytes
    new: bool
    """The log of the last try that worked has no line of its statement; False where there is nothing to compare."""
    seen_before: bool
    """The log of the last try that worked has it, too."""
    zero: bool = False
    """It counts none of something."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One kind of line, judged."""

    number: int
    count: int
    rank: int
    heat: int
    kin: int
    """Kinds that share its commonest pair of words."""
    new: bool
    seen_before: bool
    record: LogRecord
    shown: str


def ranked(kinds: Iterable[LineKind]) -> list[Entry]:
    """Return every kind that is no scaffolding and not empty, in the log's order."""
    read = [(kind, read_record(kind.line)) for kind in sorted(kinds)]
    kept = [(kind, record) for kind, record in read if record.event.strip() and not is_scaffolding(record)]
    pairs = [_pairs(record.event, zero=kind.zero) for kind, record in kept]
    known = Counter(pair for of_one in pairs for pair in of_one)
    heats: dict[tuple[str, str], int] = {}
    entries: list[Entry] = []
    for (kind, record), of_one in zip(kept, pairs, strict=True):
        common = max(of_one, key=known.__getitem__, default=None)
        kin = known[common] if common else WORDLESS
        heat = heats.get(common) if common and kin >= CROWD else None
        if heat is None:
            heat = min(5, hotness(record.event) + kind.zero)
            if common:
                heats[common] = heat
        rank = _LEVEL_RANK.get(record.level, HOT if heat else PLAIN)
        entries.append(
            Entry(
                number=kind.number, count=kind.times, rank=rank, heat=heat, kin=kin, new=kind.new,
                seen_before=kind.seen_before, record=record, shown=_shown(record, kind, rank),
            )
        )  # fmt: skip
    return entries


def chosen(entries: list[Entry], room: int) -> list[Entry]:
    """Return what fits into *room* characters: both ends, then errors, warnings, hot and rare lines, each its share."""
    if sum(len(e.shown) + 1 for e in entries) <= room:
        return entries
    kept: list[Entry] = []
    ends = [*entries[:4], *entries[-10:]]
    kept, room = _take(ends, kept, room, int(room * 0.15))
    for rank, share in ((ERROR, 0.40), (WARNING, 0.40), (NEW, 0.50), (HOT, 0.60), (PLAIN, 1.0), (HOT, 1.0)):
        queue = sorted((e for e in entries if (e.new if rank == NEW else e.rank == rank)), key=_rarest_first)
        kept, room = _take(queue, kept, room, int(room * share))
    return kept


def _rarest_first(entry: Entry) -> tuple[int, int, int]:
    """By power of two of how many are of its kind; then the more troubled, then the later one."""
    common = (entry.kin * entry.count).bit_length() + (SEEN_BEFORE if entry.seen_before else 0)
    return common, -entry.heat, -entry.number


def _pairs(event: str, *, zero: bool) -> set[tuple[str, str]]:
    """Return words that stand beside each other or with one between them, and the first word alone.

    A line that counts none of something is kin to such lines only: ``Copied 0 rows`` is no ``Copied 812 rows``.
    """
    words = _WORD.findall(event[:400])
    if zero:
        words = [f"0 {word}" for word in words]
    return {("", words[0]), *pairwise(words), *zip(words, words[2:], strict=False)} if words else set()


def _shown(record: LogRecord, kind: LineKind, rank: int) -> str:
    clock = record.timestamp[11:19]
    level = record.level.upper() + " " if rank <= WARNING and record.level.upper() not in record.event[:40] else ""
    event = record.event.rstrip()
    limit = 900 if rank <= HOT else 300
    if len(event) > limit:
        event = _shortened(event, limit)
    times = f"  (×{kind.times})" if kind.times > 1 else ""
    extra = f"  {record.extra}" if record.extra and rank <= WARNING else ""
    mark = "+ " if kind.new else ""
    return f"{mark}{clock} {level}{event}{extra}{times}".lstrip()


def _shortened(event: str, limit: int) -> str:
    """Return both ends of a long text; of one with many lines, or states of a progress bar, its telling lines, too."""
    lines = [line for line in _BREAK.split(event[:20_000]) if line.strip()]
    if len(lines) < FEW_LINES:
        return f"{event[: limit - 100]} … {event[-90:]}"
    shapes = Counter(_DIGITS.sub("", line) for line in lines)
    inner = sorted(
        range(1, len(lines) - 1),
        key=lambda n: (-hotness(lines[n]), shapes[_DIGITS.sub("", lines[n])], n),
    )
    kept, room = {0, len(lines) - 1}, limit - len(lines[0][:200]) - len(lines[-1][:200])
    for number in inner:
        room -= min(len(lines[number]), 200) + 3
        if room < 0:
            break
        kept.add(number)
    parts: list[str] = []
    for number in sorted(kept):
        gap = parts and number - 1 not in kept
        parts += ["…"] * bool(gap) + [lines[number][:200]]
    return "\n".join(parts)


def _take(queue: list[Entry], chosen: list[Entry], room: int, share: int) -> tuple[list[Entry], int]:
    taken = {e.number for e in chosen}
    more: list[Entry] = []
    for entry in queue:
        size = len(entry.shown) + 1
        if entry.number not in taken and size <= share:
            more.append(entry)
            share -= size
            room -= size
        if share < 40:
            break
    return chosen + more, room
