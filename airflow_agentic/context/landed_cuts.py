"""One file on a good and on the failing day → whether the failing one broke off before its end.

Files of records for machines often say how many lines they have, in the first line or the last one. Where they say it
can be seen on the good day alone: there one number is the count. Only counts of lines are told, never a value.
"""

from __future__ import annotations

import os
import re

from airflow_agentic.context.landed_files import read_text

MIN_LINES = 5
MAX_LINES = 500_000
_NUMBER = re.compile(r"(?<![\d.-])\d+(?![\d:.-])")
"""A whole number that is no part of a date, a time or a decimal."""
_AROUND = 2
"""How many lines besides the records a count may leave out: the first and the last."""


def cut_off(failing: str, good: str | None, *, max_bytes: int) -> str | None:
    """Return what is wrong with the failing file, without a value; None for addresses and for what is whole."""
    if good is None or failing.startswith(("http://", "https://")):
        return None
    now, was = (read_text(os.path.realpath(path), max_bytes=max_bytes) for path in (failing, good))
    return broken_off(now, was) if now and was else None


def broken_off(failing: str, good: str) -> str | None:
    """Return what a text lacks that announces its count, as the good one did."""
    now, was = (text.rstrip("\r\n").splitlines()[:MAX_LINES] for text in (failing, good))
    if len(was) < MIN_LINES or len(now) < _AROUND:
        return None
    body = {_form(line) for line in was[1:-1]}
    trailer = len(body) == 1 and _form(was[-1]) not in body
    if trailer and _form(now[-1]) == _form(was[-1]):
        return None
    within = good.endswith("\n") and not failing.endswith("\n")
    came = f"{len(now)} lines came" + (", the last one not whole" if within else "")
    announced = _announced(now[0], was[0], len(was)) if {_form(was[0])} != body else None
    if announced is not None and announced > len(now) and (within or trailer):
        return f"is cut off: its first line announces {announced} lines, {came}"
    if within and trailer and _announced(was[-1], was[-1], len(was)) is not None:
        return f"is cut off: the last line, which says how many lines there are, did not come; {came}"
    return None


def _announced(line: str, known: str, lines: int) -> int | None:
    """Return the number of *line* that stands where *known*, of the good day, has its own count of lines."""
    there, before = (_NUMBER.findall(text) for text in (line, known))
    for number, count in zip(there, before, strict=True) if len(there) == len(before) else ():
        if len(count) < 10 and len(number) < 10 and lines - _AROUND <= int(count) <= lines:
            return int(number)
    return None


def _form(line: str) -> str:
    """The marks of a line without its words and numbers, and the word in capitals that it begins with, like ``END``."""
    start = re.match(r"[A-Z]{1,7}(?![A-Za-z0-9])", line)
    return (start[0] if start else "") + re.sub(r"[\w.:+-]+", "", line)
