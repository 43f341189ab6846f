"""Evidence of changed versions → suspects: what the code runs on changed, by events of lineage or by a file of pins.

A new version that nothing in the error speaks of is a lead only; one whose own code raised the error, or that the error
names, is likely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from airflow_agentic.context.lineage_words import DEPENDENCIES, SOURCE, VERSIONS_CHANGED
from airflow_agentic.context.suspect_words import INTERFACE
from airflow_agentic.records import Dossier, Suspect
from airflow_agentic.shape_changes import name_tokens

CHANGED = re.compile(r"^- (?P<name>.+?) (?P<was>\S+) → (?P<now>\S+)$", re.MULTILINE)
"""A line of such evidence."""
_LIBRARY = re.compile(r"(?:site|dist)-packages/(?P<name>\w+)")
_IN_NAME = frozenset({"apache", "provider", "of", "adapter", "python", "py", "airflow"})
_SOURCES = {SOURCE, "code"}


def from_versions(dossier: Dossier, words: AbstractSet[str]) -> Iterator[Suspect]:
    """Yield a suspect for each piece of evidence that tells of changed versions.

    :param words: what the error speaks of, lower case.
    """
    raised_in = _libraries(dossier)
    for item in dossier.evidence:
        if item.source not in _SOURCES or not item.title.startswith((VERSIONS_CHANGED, DEPENDENCIES)):
            continue
        score, reasons = 0.3, ["what it runs on changed between the last run that worked and this one"]
        names = [match["name"] for match in CHANGED.finditer(item.body)]
        raising = next((name for name in names if _module(name) in raised_in), "")
        spoken = next((name for name in names if (own := set(name_tokens(name)) - _IN_NAME) and own <= words), "")
        if raising:
            score, reasons = score + 0.4, [*reasons, f"the error was raised in {raising}"]
        elif spoken:
            score, reasons = score + 0.3, [*reasons, f"the error speaks of {spoken}"]
        if words & INTERFACE:
            score, reasons = score + 0.15, [*reasons, "the error is of the kind that a changed interface causes"]
        yield Suspect(
            what=item.title[:300], why="; ".join(reasons)[:500], score=round(score, 2),
            evidence=(item.id,) if item.id else (),
        )  # fmt: skip


def _libraries(dossier: Dossier) -> frozenset[str]:
    frames = [frame.path for error in dossier.errors for frame in error.frames]
    return frozenset(match["name"].lower() for path in frames for match in _LIBRARY.finditer(path))


def _module(package: str) -> str:
    return package.lower().replace("-", "_").replace(".", "_")
