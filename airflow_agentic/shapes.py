"""Records → the shape of their fields, and the difference between two shapes. Never a value.

Used where landed data is read (context) and where a fix is sought (agents). Text becomes a pattern
(``C-0002`` → ``A-9999``), numbers keep range and mean. A rename is claimed only on strong evidence, because a
wrong one becomes a wrong fix: LINEAGE_FACTS 5.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shape_changes import difference
from airflow_agentic.unit_words import UNIT_WORDS

__all__ = ["difference", "fold", "pattern", "shape"]

MAX_FIELDS = 2_000
MAX_DEPTH = 12
MAX_FORMATS = 8
MAX_DISTINCT = 100_000
MAX_TEXT = 80
MAX_NAME = 120
MAX_UNITS, LONGEST_UNIT = 4, 12
_CODE = re.compile(r"([A-Za-z]{1,6}[-_/.:#]?)\d+")
_RUN = re.compile(r"([9Aa])\1+")


def shape(records: Iterable[Any], *, name: str, interval: str, role: str) -> DataShape:
    """Return the shape of *records* (JSON values, read once), fields in the order in which they first appear.

    At most 2,000 fields and 12 levels of nesting; what lies beyond is not counted.

    :param role: ``failing`` or ``good``.
    """
    counts: dict[str, _Count] = {}
    total = 0
    for record in records:
        total += 1
        seen: set[str] = set()
        if isinstance(record, Mapping):
            _walk(record, "", counts, seen, 0)
        else:
            _note("", record, counts, seen, 0)
        for path in seen:
            counts[path].present += 1
    fields = tuple(count.field(path) for path, count in counts.items())
    return DataShape(name=name, interval=interval, role=role, records=total, fields=fields)


def pattern(text: str) -> str:
    """Return the shape of a text: digits ``9``, letters ``A`` or ``a``; of at most its first 80 characters."""
    start = text[:MAX_TEXT]
    form = start.translate(_ASCII) if start.isascii() else "".join(map(_class, start))
    return form + ("…" if len(text) > MAX_TEXT else "")


def fold(shape_of_text: str) -> str:
    """Return a pattern with every run of the same class written once and a plus: ``9999-99`` → ``9+-9+``."""
    return _RUN.sub(r"\1+", shape_of_text)


@dataclass
class _Count:
    """What is gathered of one field while the records go by."""

    types: set[str] = field(default_factory=set)
    present: int = 0
    nulls: int = 0
    exact: set[str] = field(default_factory=set)
    folded: set[str] = field(default_factory=set)
    values: set[int] | None = field(default_factory=set)
    numbers: int = 0
    total: float = 0.0
    words: set[str] | None = field(default_factory=set)
    start: str | None = None
    fewest: int | None = None
    most: int = 0
    low: float = math.inf
    high: float = -math.inf

    def add(self, value: Any) -> None:
        kind = _type(value)
        self.types.add(kind)
        if kind == "null":
            self.nulls += 1
            return
        if kind in {"object", "array"}:
            self.values = None
            if kind == "array":
                self.fewest = len(value) if self.fewest is None else min(self.fewest, len(value))
                self.most = max(self.most, len(value))
            return
        if kind == "string":
            self._format(pattern(value))
            self._told(value)
        elif kind != "boolean":
            self._number(value)
        if self.values is not None:
            self.values.add(hash(value))
            if len(self.values) > MAX_DISTINCT:
                self.values = None

    def field(self, path: str) -> FieldShape:
        counted = self.numbers > 0
        return FieldShape(
            path=path,
            types=tuple(sorted(self.types)),
            present=self.present,
            nulls=self.nulls,
            formats=self._formats(),
            distinct=None if self.values is None else len(self.values),
            low=self.low if counted else None,
            high=self.high if counted else None,
            mean=self.total / self.numbers if counted else None,
            entries=None if self.fewest is None else (self.fewest, self.most),
            prefix=self.start or "",
            units=self._units(),
        )

    def _format(self, form: str) -> None:
        if form in self.exact or len(self.folded) > MAX_FORMATS:
            return
        if len(self.exact) <= MAX_FORMATS:
            self.exact.add(form)
        self.folded.add(fold(form))

    def _told(self, text: str) -> None:
        """Keep what all texts begin with, while they do, and the few words that they may be of our own list."""
        if self.start is None:
            match = _CODE.fullmatch(text)
            self.start = match[1] if match else ""
        elif self.start and not (text.startswith(self.start) and text[len(self.start) :].isdecimal()):
            self.start = ""
        if self.words is not None:
            self.words.add(text[:MAX_TEXT])
            if len(self.words) > MAX_UNITS or len(text) > LONGEST_UNIT:
                self.words = None

    def _units(self) -> tuple[str, ...]:
        words = self.words or set()
        return tuple(sorted(words)) if all(word.lower() in UNIT_WORDS for word in words) else ()

    def _number(self, value: float) -> None:
        try:
            number = float(value)
        except OverflowError:
            return
        if math.isfinite(number):
            self.numbers += 1
            self.total += number
            self.low, self.high = min(self.low, number), max(self.high, number)

    def _formats(self) -> tuple[str, ...]:
        for forms in (self.exact, self.folded):
            if len(forms) <= MAX_FORMATS:
                return tuple(sorted(forms))
        return ()


def _walk(record: Mapping[Any, Any], prefix: str, counts: dict[str, _Count], seen: set[str], depth: int) -> None:
    for key, value in record.items():
        name = printable(str(key))
        _note(f"{prefix}.{name}" if prefix else name, value, counts, seen, depth)


def _note(path: str, value: Any, counts: dict[str, _Count], seen: set[str], depth: int) -> None:
    if path not in counts:
        if len(counts) >= MAX_FIELDS:
            return
        counts[path] = _Count()
    seen.add(path)
    counts[path].add(value)
    if depth >= MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        _walk(value, path, counts, seen, depth + 1)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping):
                _walk(item, f"{path}[]", counts, seen, depth + 1)
            else:
                _note(f"{path}[]", item, counts, seen, depth + 1)


def printable(name: str) -> str:
    """Return a field name that strangers chose, bounded and without control or invisible characters."""
    if name.isascii() and name.isprintable():
        return name[:MAX_NAME]
    clean = "".join(c if unicodedata.category(c)[0] not in "CZ" or c == " " else "?" for c in name)
    return clean[:MAX_NAME]


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, Mapping):
        return "object"
    return "array" if isinstance(value, list) else "string"


def _class(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "a" if character.islower() else "A"
    return character if character == " " or unicodedata.category(character)[0] in "PS" else "?"


_ASCII = {code: _class(chr(code)) for code in range(128)}
