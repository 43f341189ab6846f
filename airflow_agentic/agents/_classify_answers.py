"""What the upstream really answered → late or transient, where the exception itself names only what was missing in it.

An error inside an answer of status 200, a delivery of another day, and an answer that broke off while the data itself
is whole: the pipeline trips over a field or a bracket, or refuses.
"""

from __future__ import annotations

import re

from airflow_agentic.agents._classify import is_passing, is_raised
from airflow_agentic.agents._verdict import Verdict
from airflow_agentic.records import Action, Category, Dossier, TaskError, Transience
from airflow_agentic.shapes import difference
from airflow_agentic.tracebacks import own_frames

_MISSING = re.compile(r"KeyError: ['\"](?P<key>[^'\"]{1,80})['\"]$")
_BROKE_OFF = re.compile(
    r"JSONDecodeError|Unterminated string|Expecting (?:value|property name|',' delimiter|':' delimiter)|EOFError|"
    r"unexpected end of (?:data|file|input|stream)|Unexpected EOF|end-of-stream marker|incorrect data check|"
    r"no element found|unclosed token",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"\burlopen\(|\brequests\.|\bhttpx\.|\baiohttp\.|\burllib3\.|(?:session|client|http|api)\.(?:get|post|request)\(|"
    r"\.json\(\)|HttpHook|\bGET https?://"
)
_OF_A_FIELD = re.compile(r"loads?\([^)]*(?:\[['\"]|\.get\()")
"""A text within a record is read as JSON: that is the record's fault and no answer's."""


def classify_answer(dossier: Dossier, error: TaskError, said: str) -> Verdict | None:
    """Return the verdict, or None where nothing speaks of such an answer."""
    if is_raised(error) and _is_of_another_day(error, dossier.incident.logical_date):
        return Verdict(
            category=Category.LATE_DATA, action=Action.QUARANTINE, transience=Transience.TRANSIENT, matched=said[:160],
            why="what was delivered is of another day than this interval", confidence=0.75,
        )  # fmt: skip
    told = _told_instead(dossier, error)
    if told:
        return Verdict(
            category=Category.TRANSIENT_UPSTREAM, action=Action.RETRY, transience=Transience.TRANSIENT,
            matched=told[:160], why="the upstream answered with an error that passes by itself, in place of the data",
            confidence=0.8,
        )  # fmt: skip
    if _BROKE_OFF.search(said) and _is_whole_now(dossier) and _asks_a_service(dossier, error):
        return Verdict(
            category=Category.TRANSIENT_UPSTREAM, action=Action.RETRY, transience=Transience.TRANSIENT,
            matched=said[:160], confidence=0.75,
            why="the upstream's answer broke off or was no data for a while; the data of this interval is whole now",
        )  # fmt: skip
    return None


def _is_whole_now(dossier: Dossier) -> bool:
    """Say whether all data of the interval that was looked at can be read, and has the shape of the day that worked."""
    if any(
        re.search(r"is cut off|is malformed|is empty|is no ", gap.reason)
        for gap in dossier.gaps
        if gap.source == "landed"
    ):
        return False
    good = {shape.name: shape for shape in dossier.shapes if shape.role == "good"}
    pairs = [(good[s.name], s) for s in dossier.shapes if s.role == "failing" and s.name in good]
    telling = {"form", "renamed", "moved", "removed", "retyped", "volume"}
    return bool(pairs) and all(
        failing.records and not any(c.kind in telling for c in difference(was, failing)) for was, failing in pairs
    )


def _asks_a_service(dossier: Dossier, error: TaskError) -> bool:
    """Say whether what broke off came over the network: a file of the pipeline's own would break again."""
    own = own_frames(error.frames)
    if own and _OF_A_FIELD.search(own[-1].code):
        return False
    shown = [
        item.body
        for item in dossier.evidence
        if item.source == "code"
        and item.path
        and own
        and own[-1].path.endswith(item.path)
        and item.title.startswith("Source")
    ]
    return any(_REQUEST.search(text) for text in (*shown, *(frame.code for frame in error.frames)))


def _told_instead(dossier: Dossier, error: TaskError) -> str:
    """The line of the log in which the upstream says that it is busy; only where the data itself has the field."""
    match = _MISSING.search(f"{error.error_class}: {error.message}")
    if match is None or not _has_field(dossier, match["key"]):
        return ""
    lines = [line for item in dossier.evidence if item.source == "task_log" for line in item.body.splitlines()]
    return next((line for line in lines if "error" in line.lower() and is_passing(line)), "")


def _has_field(dossier: Dossier, key: str) -> bool:
    """Say whether the landed data of the interval has the field, so that the answer was not that data."""
    sides = [
        any(
            key in re.split(r"\[\]\.|\.", field.path)
            for shape in dossier.shapes
            if shape.role == role
            for field in shape.fields
        )
        for role in ("good", "failing")
    ]
    return all(sides)


def _is_of_another_day(error: TaskError, logical_date: str | None) -> bool:
    """The pipeline's own words name the day that it wants and an earlier one that it got."""
    day = (logical_date or "")[:10]
    told = set(re.findall(r"\b20\d\d-[01]\d-[0-3]\d\b", error.message))
    speaks = re.search(
        r"want|expect|instead|but|stale|old|wrong|should|not", f"{error.error_class} {error.message}", re.IGNORECASE
    )
    return bool(day) and day in told and len(told) == 2 and min(told) < day and bool(speaks)
