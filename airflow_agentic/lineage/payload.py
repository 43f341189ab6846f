"""Bytes from strangers → events as JSON has them, or why not. Bounded in size, depth and repetition of keys."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from airflow_agentic.errors import BadEvent

MOST_BYTES = 5_000_000
"""Of one request's body, inflated."""
MOST_DEPTH = 64
MOST_EVENTS = 5_000
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OTHER = re.compile(rb"[^\[\]{}]+")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def inflate(body: bytes, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Return a gzip body's content. :raises BadEvent: it is damaged, or larger than *most_bytes*."""
    stream = zlib.decompressobj(wbits=31)
    try:
        content = stream.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise BadEvent(f"the body is no gzip stream: {error}") from error
    if len(content) > most_bytes:
        raise BadEvent(f"the body inflates to more than {most_bytes} bytes")
    if not stream.eof:
        raise BadEvent("the body's gzip stream stops half-way")
    return content


def parse(body: bytes) -> list[Any]:
    """Return the events of a body: those of a list, or the one that it is; a `BadEvent` where one of a list is bad.

    What an event must have is not checked here.

    :raises BadEvent: it is no JSON, nested deeper than 64 levels, has more than 5,000 events, or its only event is bad.
    """
    if not _shallow(body) and depth(body) > MOST_DEPTH:
        raise BadEvent(f"the JSON is nested deeper than {MOST_DEPTH} levels")
    try:
        found = _STRICT.decode(body.decode())
    except BadEvent:
        if not body.lstrip().startswith(b"["):
            raise
        found = _one_by_one(body.decode())
    except (ValueError, RecursionError) as error:
        raise BadEvent(f"the body is no JSON: {error}") from error
    events = found if isinstance(found, list) else [found]
    if len(events) > MOST_EVENTS:
        raise BadEvent(f"the list has {len(events)} events, at most {MOST_EVENTS} are taken at once")
    return events


def lines(path: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their numbers, but for empty ones; one that is too long is cut."""
    with open(path, "rb") as file:
        number = 0
        while line := file.readline(MOST_BYTES + 1):
            number += 1
            whole = line.endswith(b"\n") or len(line) <= MOST_BYTES
            while not whole:
                rest = file.readline(MOST_BYTES)
                whole = not rest or rest.endswith(b"\n")
            if line.strip():
                yield number, line


def _shallow(body: bytes) -> bool:
    """Return whether brackets close within the limit, those in strings counted too: a tenth of the cost of `depth`.

    Brackets hidden in strings can make a deep body look shallow; the JSON reader's own limit holds for that one.
    """
    brackets = body.translate(None, _NO_BRACKETS)
    for _ in range(MOST_DEPTH):
        if not brackets:
            return True
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return not brackets


def depth(body: bytes) -> int:
    """Return how deep brackets are nested, those in strings left out."""
    brackets = _OTHER.sub(b"", _STRINGS.sub(b"", body))
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def _one_by_one(text: str) -> list[Any]:
    """Return the elements of a list of which at least one is bad: that one as its error."""
    found: list[Any] = []
    at = _skip(text, text.index("[") + 1)
    while text[at] != "]":
        try:
            event, end = _STRICT.raw_decode(text, at)
        except BadEvent as error:
            event, end = error, _LENIENT.raw_decode(text, at)[1]
        found.append(event)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadEvent(f"an object has the key {twice[:60]!a} twice: which value holds is anybody's guess")
    return found


def _no_number(word: str) -> float:
    raise BadEvent(f"{word} is no JSON number")


def _int(digits: str) -> int | float:
    # Python refuses to read thousands of digits; what has more than thirty is no count of anything.
    return int(digits) if len(digits) <= 30 else math.inf


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number, parse_int=_int)
_LENIENT = json.JSONDecoder(parse_int=_int)
