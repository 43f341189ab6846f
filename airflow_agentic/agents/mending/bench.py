"""Dossier + checkout → what a fixer reads, and the texts it has changed so far.

Fixers compose: each sees the texts as the ones before it left them, so that a field which was renamed *and* is
written differently gets both repairs. Tests, data checks and everything that governs the repository are never
offered for change.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace

from airflow_agentic.records import Checkout, DataShape, Dossier, FileEdit, Frame, ShapeChange, TaskError
from airflow_agentic.repository import files, repository_path
from airflow_agentic.shapes import difference
from airflow_agentic.tracebacks import own_frames

MAX_BYTES = 400_000
MAX_PYTHON_FILES = 400
_BREAKS_OUT = re.compile(r"[\"'`\\{}]")
"""What `shapes.printable` leaves of it: control characters are gone already."""
_PROTECTED = re.compile(
    r"(^|/)(\.[^/]+|tests?|testing)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$"
    r"|(^|/)[^/]*(check|expectation|quality|validat|assert)[^/]*$|(^|/)(checks|expectations|quality)/",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Fix:
    """What one fixer found: whole new texts by path, and why, in one or two sentences."""

    texts: tuple[tuple[str, str], ...]
    explanation: str
    summary: str
    """One line, for the commit."""
    file: str
    """Where the cause stands in the code."""
    fields: tuple[str, ...] = ()
    """Data fields that it is about."""
    of_code: bool = False
    """The code is at fault, not what it was given."""
    assumes: bool = False
    """Something is taken on trust; the explanation says what."""


@dataclass(kw_only=True)
class Bench:
    """The dossier of one failure beside the texts of its repository."""

    dossier: Dossier
    checkout: Checkout
    _changed: dict[str, str] = field(default_factory=dict)
    _read: dict[str, str | None] = field(default_factory=dict)
    _differences: tuple[ShapeChange, ...] | None = None
    _fields: dict[str, list[frozenset[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Leave out data sets with a field whose name could end the string that a fixer would write it into."""
        shapes = self.dossier.shapes
        hostile = {shape.name for shape in shapes if any(_BREAKS_OUT.search(field.path) for field in shape.fields)}
        if hostile:
            self.dossier = replace(self.dossier, shapes=tuple(s for s in shapes if s.name not in hostile))

    @property
    def error(self) -> TaskError | None:
        """The exception that the failure is about: the first one given."""
        return self.dossier.errors[0] if self.dossier.errors else None

    @property
    def messages(self) -> tuple[str, ...]:
        """``Class: message`` of the error and all of its chain."""
        if self.error is None:
            return ()
        first = f"{self.error.error_class}: {self.error.message}"
        return (first, *(text for text in self.error.chain if text != first))

    def text(self, path: str) -> str | None:
        """Return the text as it stands now; None if it is no UTF-8 file of at most 400 kB inside the checkout."""
        return self._changed.get(path) or self.original(path)

    def original(self, path: str) -> str | None:
        """Return the text in the checkout, line endings kept."""
        if path not in self._read:
            self._read[path] = self._load(path)
        return self._read[path]

    def editable(self, path: str) -> bool:
        """Say whether a fixer may touch the file."""
        return not _PROTECTED.search(path)

    def take(self, fix: Fix) -> None:
        """Let the fixers that follow see this one's texts."""
        self._changed.update(fix.texts)

    def edits(self) -> tuple[FileEdit, ...]:
        """Return all changes so far."""
        return tuple(FileEdit(path=p, before=self.original(p), after=t) for p, t in sorted(self._changed.items()))

    def own(self) -> tuple[tuple[str, Frame], ...]:
        """Return the error's frames that lie in the repository, innermost first, with their paths in it."""
        if self.error is None:
            return ()
        found = []
        for frame in reversed(own_frames(self.error.frames)):
            path = repository_path(self.checkout, frame.path)
            if path is not None:
                found.append((path, frame))
        return tuple(found)

    def python_files(self) -> tuple[str, ...]:
        """Return the repository's editable Python files, at most 400."""
        found = [p for p in files(self.checkout.path) if p.endswith(".py") and self.editable(p)]
        return tuple(found[:MAX_PYTHON_FILES])

    def all_files(self) -> tuple[str, ...]:
        """Return every file of the repository."""
        return tuple(files(self.checkout.path))

    def good(self, name: str) -> DataShape | None:
        """Return the good shape of the data set *name*."""
        return next((s for s in self.dossier.shapes if s.name == name and s.role == "good"), None)

    def failing(self, name: str) -> DataShape | None:
        """Return the failing shape of the data set *name*."""
        return next((s for s in self.dossier.shapes if s.name == name and s.role == "failing"), None)

    def family(self, name: str) -> frozenset[str]:
        """Return the data set, and those that have the very same fields on both days: one feed in several files."""
        if not self._fields:
            for shape in self.dossier.shapes:
                self._fields.setdefault(shape.name, []).append(frozenset(f.path for f in shape.fields))
        own = self._fields.get(name)
        return frozenset((name, *(other for other, fields in self._fields.items() if fields == own)))

    def changes(self) -> tuple[ShapeChange, ...]:
        """Return what differs between the shapes of every data set that has both."""
        if self._differences is None:
            self._differences = self._compared()
        return self._differences

    def _compared(self) -> tuple[ShapeChange, ...]:
        found: list[ShapeChange] = []
        for name in dict.fromkeys(s.name for s in self.dossier.shapes):
            good, failing = self.good(name), self.failing(name)
            if good is not None and failing is not None:
                found += difference(good, failing)
        return tuple(found)

    def _load(self, path: str) -> str | None:
        root = os.path.realpath(self.checkout.path)
        full = os.path.realpath(os.path.join(root, path))
        if not full.startswith(root + os.sep) or not os.path.isfile(full) or os.path.getsize(full) > MAX_BYTES:
            return None
        try:
            with open(full, encoding="utf-8", newline="") as text:
                return text.read()
        except (OSError, UnicodeDecodeError):
            return None
