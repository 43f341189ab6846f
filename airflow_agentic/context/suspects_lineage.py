"""Evidence of lineage → suspects: who failed or is late upstream, which column changed and by whose run.

The titles and lines are those of `lineage_words`. A change that the failing task trips over weighs most; one that
merely happened upstream is a lead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from airflow_agentic.context.lineage_words import (
    CHANGED_BY,
    CHECK_FAILED,
    SCHEMA_CHANGED,
    SOURCE,
    UPSTREAM_FAILED,
    UPSTREAM_LATE,
    VOLUME_CHANGED,
)
from airflow_agentic.context.suspect_words import EXPECTED, EXPECTED_OF_CHECKS
from airflow_agentic.records import Dossier, Evidence, Suspect
from airflow_agentic.shape_changes import name_tokens

TRIPPED = "is read by the failing job but is not"
_FAR = re.compile(r"\((\d+) hops up\)$|^- it lies (\d+) hop", re.M)
_QUOTED = re.compile(r"'([^'\n]{1,200})'")


def from_lineage(
    dossier: Dossier, *, words: set[str], numbers: set[str], quotes: Callable[[str], bool]
) -> Iterator[Suspect]:
    """Yield a suspect for each piece of evidence of lineage that may be a cause.

    :param words: what the error speaks of, lower case.
    :param numbers: that the error states.
    :param quotes: whether the error names a field.
    """
    compared = {s.name for s in dossier.shapes if s.role == "good"}
    for item in dossier.evidence:
        if item.source != SOURCE:
            continue
        if item.title.startswith(UPSTREAM_FAILED):
            yield _suspect(item, 0.5 if _far(item) else 0.6, ["its last run before this failure did not succeed"])
        elif item.title.startswith(UPSTREAM_LATE):
            score, reasons = 0.55, [item.body.splitlines()[0] if item.body else "it has not run as it used to"]
            yield _suspect(item, *_spoken(score, reasons, words))
        elif item.title.startswith(VOLUME_CHANGED):
            score, reasons = 0.35, ["its last run wrote another number of rows than the runs before it"]
            if set(re.findall(r"\d+", item.title.partition(":")[2])) & numbers - {"0", "1"}:
                score, reasons = score + 0.2, [*reasons, "the error states this number"]
            yield _suspect(item, *_spoken(score, reasons, words))
        elif item.title.startswith(CHECK_FAILED):
            yield _of_check(item, words, quotes)
        elif item.title.startswith(SCHEMA_CHANGED) and _table(item) not in compared:
            yield _of_schema(item, quotes)


def culprit(evidence: Iterable[Evidence], dataset: str) -> str:
    """Return who changed a data set, as the evidence of its changed schema says; empty where nobody is known."""
    for item in evidence:
        if item.source == SOURCE and item.title.startswith(SCHEMA_CHANGED) and _table(item) == dataset:
            by = next((line for line in item.body.splitlines() if line.startswith(CHANGED_BY)), "")
            return by.removeprefix("- ")
    return ""


def tripped_over(evidence: Iterable[Evidence], dataset: str) -> bool:
    """Say whether the failing task reads a column of the data set that is not there."""
    return any(
        item.source == SOURCE
        and item.title.startswith(SCHEMA_CHANGED)
        and _table(item) == dataset
        and TRIPPED in item.body
        for item in evidence
    )


def _of_schema(item: Evidence, quotes: Callable[[str], bool]) -> Suspect:
    by = next((line for line in item.body.splitlines() if line.startswith(CHANGED_BY)), "").removeprefix("- ")
    if TRIPPED in item.body:
        score, reasons = 0.7, ["the failing job reads a column that the table does not have"]
    elif ": " not in item.title:
        score, reasons = 0.1, ["only columns were added"]
    else:
        score, reasons = (0.35 if _far(item) else 0.45), ["it changed since the last run that worked"]
    if any(quotes(name) for name in _QUOTED.findall(item.body)):
        score, reasons = score + 0.25, [*reasons, "the error names this column"]
    return _suspect(item, score, [*reasons, *([by] if by else [])])


def _of_check(item: Evidence, words: set[str], quotes: Callable[[str], bool]) -> Suspect:
    """A check that names the error's column, or that the failing task made itself, is what stopped it."""
    score, reasons = 0.5, ["a check of the data that the failing task reads or writes did not pass"]
    if "told by the failing task" in item.body:
        score, reasons = 0.6, ["a check that the failing task made did not pass: the data is the suspect"]
    if any(quotes(name) for name in _QUOTED.findall(item.body)):
        score, reasons = score + 0.2, [*reasons, "the error names this column"]
    elif set(name_tokens(item.title.partition(": ")[2])) & EXPECTED_OF_CHECKS & words:
        score, reasons = score + 0.1, [*reasons, "the error is of the kind that this check finds"]
    if "it passed in the last run that worked" in item.body:
        score, reasons = score + 0.05, [*reasons, "it passed in the last run that worked"]
    return _suspect(item, score, reasons)


def _spoken(score: float, reasons: list[str], words: set[str]) -> tuple[float, list[str]]:
    if EXPECTED["volume"] & words:
        return score + 0.15, [*reasons, "the error is of the kind that this causes"]
    return score, reasons


def _suspect(item: Evidence, score: float, reasons: Sequence[str]) -> Suspect:
    return Suspect(
        what=item.title[:300],
        why="; ".join(reasons)[:500],
        score=round(min(score, 0.95), 2),
        evidence=(item.id,) if item.id else (),
    )


def _table(item: Evidence) -> str:
    return item.title.removeprefix(SCHEMA_CHANGED).strip().partition(": ")[0]


def _far(item: Evidence) -> bool:
    return _FAR.search(item.title) is not None or _FAR.search(item.body) is not None
