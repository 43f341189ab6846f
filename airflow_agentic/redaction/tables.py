"""Values in the column that a header calls a secret → their spans: CSV, printed tables, ``INSERT`` with its parameters.

The telling word stands once, above, and its values stand lines below it. A header is a line of nothing but names; the
column is counted, so a value is found whatever it looks like. Bounded: so many rows below a header, so many columns.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

from airflow_agentic.redaction.words import IDENTIFIERS, PLAIN

_ROWS = 200
_LINE = 600
_SECRET_COLUMN = re.compile(
    r"(?:[\w.]{0,30}[_.])?(?:password|passwd|passwort|kennwort|passphrase|pwd|pass|secret|api_?key|secret_?key|(?:access|auth|api|bearer|refresh|deploy)?_?token)",
    re.IGNORECASE,
)
_WORDS = (
    "assword",
    "ASSWORD",
    "asswd",
    "asswort",
    "ennwort",
    "pwd",
    "pass",
    "secret",
    "SECRET",
    "Secret",
    "api_key",
    "apikey",
    "token",
)
_NAME = re.compile(r"[\w .#%/-]{0,40}")
_RULE = re.compile(r"[-=+|:│┼─ \t]{3,600}")
_VALUE_HEADERS = re.compile(
    r"[|│ \t]*(?:key|name|variable|setting|property|option|parameter|env|field)[ \t]*(?:[|│,;\t]|[ ]{2,})[ \t]*"
    r"value[|│ \t]*",
    re.IGNORECASE,
)
_NULLS = re.compile(r"nan|none|null|n/a|-+|\.+|\*+|<[^>]*>", re.IGNORECASE)
_MADE = re.compile(
    r"(?=.*\d)(?=.*[A-Za-z])|(?=.*[^\w\s.,:/-])(?=.*\w)|(?=.*[a-z])(?=.*[A-Z])|(?:[a-z]{3,12}[._-]){2,6}[a-z]{3,12}\Z"
)
_TYPE = re.compile(
    r"(?i:[a-z ]{2,30}|(?:low_?cardinality|nullable|array|u?int|float|double|n?varchar|n?char|string|str|bool|utf|date|datetime|timestamp|time|decimal|"
    r"numeric|number|bit|blob|clob|raw|binary|uuid|json|object|fixed_?string|text)[a-z_]{0,12})\d{0,3}"
    r"(?:\(\d{1,5}(?:,\s?\d{1,3})?\))?(?: (?:not )?(?:null|NULL))?"
)
_SPLIT = (re.compile(r"[|│]"), re.compile(r"\t"), re.compile(r","), re.compile(r";"), re.compile(r"[ ]{2,}"))
_INSERT = re.compile(
    r"\binsert\s{1,4}(?:or\s\w{1,10}\s|ignore\s)?into\s{1,4}[^\s(]{1,200}\s{0,4}\((?P<columns>[^()]{1,2000})\)\s{0,20}(?:output\s[^()]{1,200})?values?\s{0,20}\(",
    re.IGNORECASE,
)
_UPDATE = re.compile(r"\bupdate\s{1,4}[^\s(]{1,200}\s{1,4}set\s", re.IGNORECASE)
_PLACE = re.compile(r"(?:(?P<name>[\w.]{1,100})[\"`\]]?\s{0,4}=\s{0,4})?(?:\?|%s)")
_LISTED = re.compile(
    r"(?P<name>passwords|passwörter|secrets|tokens|api_?keys)\\?[\"']?\s{0,3}[:=]\s{0,3}[\[({]", re.IGNORECASE
)
_ELEMENT = re.compile(r"\s{0,20}[\"'](?P<value>[^\"'\r\n]{3,500})[\"']\s{0,20},?")
_PARAMETERS = re.compile(r"\[?parameters:[ ]?[\[]?\(")
_ITEM = re.compile(
    r"\s{0,20}(?P<value>[nNbBuU]?'(?:[^'\\\r\n]|''|\\.){0,2000}'|\"(?:[^\"\\\r\n]|\\.){0,2000}\"|[^,()'\"]{0,200})\s{0,20}(?P<end>[,)])"
)
_Reading = Generator[tuple[int, int, str], None, int]
"""Yields spans; returns where it stopped reading."""
_NEXT_ROW = re.compile(r"\s{0,20},\s{0,20}\(")


def table_secrets(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each."""
    if "\n" in text and any(word in text for word in _WORDS):
        yield from _columns(text)
        if "alue" in text or "VALUE" in text:
            yield from _named_rows(text)
    if "[parameters: " in text and ("update" in text or "UPDATE" in text):
        yield from _updated(text)
    if any(word in text for word in ("words", "ecrets", "okens", "keys", "KEYS", "WORDS")):
        yield from _listed(text)
    if "insert" in text or "INSERT" in text or "Insert" in text:
        yield from _inserted(text)


def _columns(text: str) -> Iterator[tuple[int, int, str]]:
    done = 0
    for start, end in _lines_with(text, _WORDS):
        if start >= done:  # a row is no header, or the time would grow with the square
            done = yield from _below(text, start, end)


def _lines_with(text: str, words: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return the lines in which one of *words* stands and below which another follows, in order."""
    found: set[tuple[int, int]] = set()
    for word in words:
        at = text.find(word)
        while at >= 0:
            start, end = text.rfind("\n", max(0, at - _LINE), at) + 1, _end_of_line(text, at)
            if end - start <= _LINE and end < len(text):
                found.add((start, end))
            at = text.find(word, max(end, at + 1))
    return sorted(found)


def _below(text: str, start: int, end: int) -> _Reading:
    """Read the rows below what may be a header, and return where they end."""
    for split in _SPLIT:
        header = _cells(text, start, end, split)
        if len(header) < 2:
            continue
        names = [text[a:b] for a, b in header]
        wanted = {index for index, name in enumerate(names) if _SECRET_COLUMN.fullmatch(name)}
        if not wanted or not all(_NAME.fullmatch(name) for name in names) or len(set(names)) < len(names):
            continue
        return (yield from _rows(text, end, split, len(header), wanted))
    return end


def _rows(text: str, at: int, split: re.Pattern[str], width: int, wanted: set[int]) -> _Reading:
    for _ in range(_ROWS):
        start, end = at + 1, _end_of_line(text, at + 1)
        if start >= len(text) or end - start > 4 * _LINE:
            return at
        at = end
        if _RULE.fullmatch(text, start, end):
            continue
        cells = _cells(text, start, end, split)
        shift = len(cells) - width  # a printed frame numbers its rows
        if shift not in (0, 1) or (shift and not text[slice(*cells[0])].isalnum()):
            return at
        for index in wanted:
            first, last = cells[index + shift]
            if _is_value(text[first:last]):
                yield first, last, "column"
    return at


def _named_rows(text: str) -> Iterator[tuple[int, int, str]]:
    """Rows of name and value below a header that says so."""
    done = 0
    for start, end in _lines_with(text, ("alue", "VALUE")):
        if start >= done and _VALUE_HEADERS.fullmatch(text, start, end):
            done = yield from _pairs(text, end)


def _pairs(text: str, at: int) -> _Reading:
    for _ in range(_ROWS):
        start, end = at + 1, _end_of_line(text, at + 1)
        if start >= len(text) or end - start > 4 * _LINE:
            return at
        at = end
        if _RULE.fullmatch(text, start, end):
            continue
        cells = next((found for split in _SPLIT if len(found := _cells(text, start, end, split)) == 2), [])
        if not cells:
            return at
        (a, b), (first, last) = cells
        if _SECRET_COLUMN.fullmatch(text[a:b]) and _is_value(text[first:last]):
            yield first, last, "column"
    return at


def _inserted(text: str) -> Iterator[tuple[int, int, str]]:
    done = 0
    for found in _INSERT.finditer(text):
        names = [name.strip(" \t\r\n\"'`[]") for name in found["columns"].split(",")]
        wanted = {index for index, name in enumerate(names) if _SECRET_COLUMN.fullmatch(name)}
        if not wanted:
            continue
        begun = _PARAMETERS.search(text, found.end(), found.end() + 4_000)
        yield from _tuples(text, found.end(), wanted)
        if begun and begun.end() > done:
            yield from _tuples(text, begun.end(), wanted)
            done = begun.end()


def _updated(text: str) -> Iterator[tuple[int, int, str]]:
    """Count the places of an UPDATE whose values stand in the line below."""
    done = 0
    for found in _UPDATE.finditer(text):
        begun = _PARAMETERS.search(text, found.end(), found.end() + 4_000)
        if begun is None or begun.end() <= done:
            continue
        places = _PLACE.finditer(text, found.end(), begun.start())
        names = [place["name"] or "" for place in places]
        wanted = {index for index, name in enumerate(names) if _SECRET_COLUMN.fullmatch(name)}
        if wanted:
            yield from _tuples(text, begun.end(), wanted)
        done = begun.end()


def _listed(text: str) -> Iterator[tuple[int, int, str]]:
    """Values of a list whose name says what they are."""
    for found in _LISTED.finditer(text):
        at = found.end()
        for _ in range(100):
            element = _ELEMENT.match(text, at)
            if element is None:
                break
            at, value = element.end(), element["value"]
            if _is_value(value) and (
                found["name"][0] in "pP" or (len(value) >= 12 and any(c.isdigit() for c in value))
            ):
                yield *element.span("value"), "column"


def _tuples(text: str, at: int, wanted: set[int]) -> Iterator[tuple[int, int, str]]:
    for _ in range(_ROWS):
        ended = yield from _tuple(text, at, wanted)
        following = _NEXT_ROW.match(text, ended) if ended >= 0 else None
        if following is None:
            return
        at = following.end()


def _tuple(text: str, at: int, wanted: set[int]) -> _Reading:
    """Yield the values at the wanted places of one tuple, and return where it ends; -1: it is none."""
    for index in range(200):
        found = _ITEM.match(text, at)
        if not found:
            return -1
        at = found.end()
        value = found["value"]
        if index in wanted and value[-1:] in "'\"" and len(value) > 2:
            first = found.start("value") + value.index(value[-1]) + 1
            if not PLAIN.fullmatch(text[first : found.end("value") - 1]):
                yield first, found.end("value") - 1, "column"
        if found["end"] == ")":
            return at
    return -1


def _cells(text: str, start: int, end: int, split: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return where the cells of a line stand, without blanks and quotes; empty ones at its borders are left out."""
    found, at = [], start
    for border in (*split.finditer(text, start, end), None):
        last = border.start() if border else end
        a, b = at, last
        while a < b and text[a] in " \t\"'\r":
            a += 1
        while b > a and text[b - 1] in " \t\"'\r":
            b -= 1
        found.append((a, b))
        at = border.end() if border else end
    while found and found[0][0] == found[0][1]:
        found.pop(0)
    while found and found[-1][0] == found[-1][1]:
        found.pop()
    return found


def _is_value(value: str) -> bool:
    if len(value) < 4 or PLAIN.fullmatch(value) or _NULLS.fullmatch(value) or IDENTIFIERS.fullmatch(value):
        return False
    return bool(_MADE.match(value)) and not _TYPE.fullmatch(value)


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
