"""Text → the spans in it that are values of rows: databases and libraries quote what they could not take.

``Key (email)=(...)``, ``Failing row contains (...)``, SQLAlchemy's parameters, ``VALUES (...)``, an entry that stands
twice, a text that is no number. Names of columns and constraints stay. A text that could not be converted is told only
where it reads like words of a person: of a number, a date or a code the fixers need the form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Value = tuple[int, int, str]
"""Start, end and column; the column is empty where it is not told."""

_KEY = re.compile(
    r"Key \((?P<columns>[^()\r\n]{1,300})\)=\((?P<values>[^\r\n]{1,2000}?)\)(?= (?:already|is not|is still|conflicts|exists)|[.\"'\\]|\s*$)",
    re.MULTILINE,
)
_ROW = re.compile(r"(?:Failing row contains|duplicate key value is) \((?P<values>[^\r\n]{1,4000})\)")
_PARAMETERS = re.compile(r"\[parameters: (?P<values>[^\r\n]{1,20000})")
_INSERTED = re.compile(r"\bVALUES\s{0,4}\((?P<values>[^\r\n]{1,20000})", re.IGNORECASE)
_NAMED = re.compile(
    r"(?:Incorrect|Truncated incorrect) [\w ]{1,40} value: (?P<quote>['\"])(?P<value>[^\r\n]{1,500}?)(?P=quote)"
    r"(?: for column [`'\"]?(?P<column>[\w.`]{1,100}))?"
)
_TWICE = re.compile(r"Duplicate entry '(?P<value>[^\r\n]{1,500}?)' for key")
_CONVERTED = re.compile(
    r"(?:could not convert string to [\w ]{1,30}: |invalid literal for [\w.() ]{1,40}(?:with base \d{1,2})?: |Unable to parse string |"
    r"invalid input syntax for [\w ]{1,40}: |converting the \w{1,20} value |(?:Numeric value|Date|Timestamp|Boolean value) |"
    r"input_value=|Unknown string format: |time data |invalid value |Invalid (?:value|email|phone|name)[\w ]{0,20}: )"
    r"(?P<quote>[\"'])(?P<value>[^\r\n]{1,500}?)(?P=quote)"
)
_LITERAL = re.compile(
    r"(?P<quote>['\"])(?P<text>(?:[^'\"\\\r\n]|\\.|(?!(?P=quote))['\"]|'')*?)(?P=quote)(?P<key>\s{0,2}:)?|(?<![\w.<:])(?P<number>-?\d[\d.]*)(?![\w:])"
)
_WORDS = ("Key (", "contains (", "value is (", "[parameters:", "VALUES", "values", "value", "Duplicate entry", "convert",
          "invalid", "Invalid", "parse", "format", "time data")  # fmt: skip
_STAYS = re.compile(
    r"\s*(?:null|none|nan|true|false|default|current_\w+|now\(\)|%\(?\w*\)?s|:\w+|\?|\$\d+|<[^<>]*>|)\s*", re.IGNORECASE
)
_DATED = re.compile(
    r"jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz]|\b(?:mon|tue|wed|thu|fri|sat|sun)", re.IGNORECASE
)
_SENTINEL = re.compile(
    r"n/?a|nan|null|none|nil|unknown|missing|pending|undefined|empty|tbd|true|false|yes|no|other|default|total|sum|error|invalid|free|inf(?:inity)?",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"[A-ZÀ-Þ][\w'’.-]*[a-zà-ÿ][\w'’.-]*(?:[ ,]{1,2}[\w'’.-]{1,40}){0,8}|(?:[\w'’.-]*[a-zà-ÿ]{2,}[\w'’.-]*[ ,]{1,2}){1,8}[\w'’.-]{1,40}")  # fmt: skip


def row_values(text: str) -> Iterator[Value]:
    """Yield each span; they may overlap."""
    if not any(word in text for word in _WORDS):
        return
    for found in _KEY.finditer(text):
        columns = [name.strip().strip('"') for name in found["columns"].split(",")]
        yield from _listed(found["values"], found.start("values"), columns)
    for found in _ROW.finditer(text):
        yield from _listed(found["values"], found.start("values"), [])
    for pattern in (_PARAMETERS, _INSERTED):
        for found in pattern.finditer(text):
            values = found["values"].partition(" ... displaying ")[0]
            yield from _literals(values, found.start("values"), numbers=pattern is _PARAMETERS)
    yield from _quoted(text)


def _quoted(text: str) -> Iterator[Value]:
    """Find one value that a message quotes."""
    for found in _TWICE.finditer(text):
        yield *found.span("value"), ""
    for found in _NAMED.finditer(text):
        if _reads_like_a_person(found["value"]):
            yield *found.span("value"), (found["column"] or "").replace("`", "").rsplit(".", 1)[-1]
    for found in _CONVERTED.finditer(text):
        if _reads_like_a_person(found["value"]):
            yield *found.span("value"), ""


def _listed(values: str, at: int, columns: list[str]) -> Iterator[Value]:
    """Split as PostgreSQL prints a row: values may hold the separator, then the columns are not told apart."""
    parts = values.split(", ")
    names = columns if len(columns) == len(parts) else [""] * len(parts)
    for part, name in zip(parts, names, strict=True):
        if not _STAYS.fullmatch(part):
            yield at, at + len(part), name
        at += len(part) + 2


def _literals(values: str, at: int, *, numbers: bool) -> Iterator[Value]:
    column = ""
    for found in _LITERAL.finditer(values):
        if found["key"]:
            column = found["text"]
        elif found["text"] is not None:
            if not _STAYS.fullmatch(found["text"]) and (numbers or re.search(r"[^\W\d]{2}", found["text"])):
                yield at + found.start("text"), at + found.end("text"), column
        elif numbers:
            yield at + found.start("number"), at + found.end("number"), column


def _reads_like_a_person(value: str) -> bool:
    if _DATED.search(value) or _SENTINEL.fullmatch(value.strip()):
        return False
    return bool(_PERSONAL.fullmatch(value.strip()))
