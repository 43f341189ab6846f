"""Bytes from strangers → events as JSON has them, or why not. Bounded in size, depth and repetition of keys."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterator
from itertools import accumulate, islice
from typing import Any

from airflow_agentic.errors import BadEvent

MOST_BYTES = 5_000_000
"""Of one request's body, inflated."""
MOST_DEPTH = 64
MOST_EVENTS = 5_000
_MOST_TOKENS = 1_000_000
# An unclosed string ends with the body: else every quote in it would be tried as a beginning, which is quadratic.
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_TOKENS = re.compile(_STRINGS.pattern + rb"|[\[\]{},]", re.DOTALL)
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


def parse_value(body: bytes, most_depth: int = MOST_DEPTH) -> Any:
    """Return what JSON bytes say.

    :raises BadEvent: they are no JSON, nested deeper than *most_depth*, or an object has a key twice.
    """
    if not _shallow(body, most_depth) and depth(body) > most_depth:
        raise BadEvent(f"the JSON is nested deeper than {MOST_DEPTH} levels")
    try:
        return _STRICT.decode(body.decode())
    except BadEvent:
        raise
    except (ValueError, RecursionError) as error:
        raise BadEvent(f"it is no JSON: {error}") from error


def elements(body: bytes) -> list[bytes]:
    """Return a list's elements as they are written, whether each is JSON or not.

    :raises BadEvent: it is no list, it stops half-way, or it has more than 5,000 elements or 1,000,000 brackets.
    """
    found: list[bytes] = []
    level = start = 0
    for token in islice(_TOKENS.finditer(body), _MOST_TOKENS):
        level += _STEP.get(token[0][0], 0)
        if not start:
            if token[0] != b"[" or body[: token.start()].strip():
                break
            start = token.end()
        elif level == 0 or (level == 1 and token[0] == b","):
            found.append(body[start : token.start()].strip())
            start = token.end()
            if level == 0 and not body[start:].strip():
                return [] if found == [b""] else found
            if level == 0 or len(found) > MOST_EVENTS:
                break
    raise BadEvent("it is no JSON: the list is not closed, is too long, or something stands beside it")


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


def _shallow(body: bytes, most_depth: int) -> bool:
    """Return whether brackets close within the limit, those in strings counted too: a tenth of the cost of `depth`.

    Brackets hidden in strings can make a deep body look shallow; the JSON reader's own limit holds for that one.
    """
    brackets = body.translate(None, _NO_BRACKETS)
    for _ in range(most_depth):
        if not brackets:
            return True
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return not brackets


def depth(body: bytes) -> int:
    """Return how deep brackets are nested, those in strings left out."""
    brackets = _OTHER.sub(b"", _STRINGS.sub(b"", body))
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


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
