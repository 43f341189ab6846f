"""Lines of dbt's output, its JSON log or its ``run_results.json`` → the first error told, with the model's file.

dbt prints ``Database Error in model stg_orders (models/stg_orders.sql)`` with the adapter's words below it, ``Failure
in test ...`` with a count, and for what is wrong with the project as such a bare ``Compilation Error`` with its words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from airflow_agentic.records import Frame

_ERROR = re.compile(r"(?P<kind>[A-Z][a-z]+) [Ee]rror in (?P<what>[\w ]+?) (?P<name>\S+) \((?P<path>[^)\s]+)\)")
_TEST = re.compile(r"Failure in (?:unit_)?test (?P<name>\S+) \((?P<path>[^)\s]+)\)")
_BARE = re.compile(
    r"^\s*(?P<kind>Database|Compilation|Parsing|Runtime|Dependency|Validation|Internal|Semantic) Error\s*$"
)
_STALE = re.compile(r"\bERROR STALE (?:freshness of )?(?P<name>[\w.\"]+)")
_PATH = re.compile(r"\((?P<path>[\w./-]+\.(?:sql|ya?ml|py|csv))\)|(?:file|in|at) (?P<bare>[\w./-]+\.(?:sql|ya?ml))\b")
_LINE = re.compile(r"\bLINE (?P<a>\d+):|\bline (?P<b>\d+)\b|\bat \[(?P<c>\d+):\d+\]")
_END = re.compile(
    r"^\s*(?:compiled (?:code|SQL) at\b|See test failures:|Done\.|\d+ of \d+ |Finished running|Completed with)"
)
_FEW = 12
"""Lines below an error's first that may belong to it."""


class PrintedError(NamedTuple):
    """What a runner has said of the error that ended it."""

    error_class: str
    message: str
    frames: tuple[Frame, ...] = ()


def dbt_error(texts: Sequence[str]) -> PrintedError | None:
    """Return the first error of a model, else the first test that failed, else what is wrong with the project."""
    lines = [part for text in texts for part in _unwrapped(text)]
    return _first(lines, _ERROR) or _first(lines, _TEST) or _results(texts) or _bare(lines) or _stale(lines)


def _first(lines: list[str], pattern: re.Pattern[str]) -> PrintedError | None:
    """Return the first match that has words of its own; a summary names the same model again."""
    found: PrintedError | None = None
    for index, text in enumerate(lines):
        match = pattern.search(text)
        if match is None:
            continue
        kind = f"dbt.{match['kind']}Error" if "kind" in match.re.groupindex else "dbt.TestFailure"
        after = text[match.end() :].strip(" :")
        message = " ".join([*([after] if after else []), *_below(lines, index)]).strip()
        frame = Frame(path=match["path"], line=_line_of(message), function=match["name"])
        found = found or PrintedError(kind, text.strip(), (frame,))
        if message:
            return PrintedError(kind, message, (frame,))
    return found


def _below(lines: list[str], index: int) -> list[str]:
    """Return the words below an error's first line, up to a blank line, the compiled file or another message."""
    found: list[str] = []
    for text in lines[index + 1 : index + 1 + _FEW]:
        if _END.match(text) or _ERROR.search(text) or _TEST.search(text) or (found and not text.strip()):
            break
        if text.strip():
            found.append(text.strip())
    return found[:6]


def _bare(lines: list[str]) -> PrintedError | None:
    at = [(index, match) for index, text in enumerate(lines) if (match := _BARE.match(text))]
    for index, outer in at:
        match, said = outer, _below(lines, index)
        inner = [(n, found) for n, text in enumerate(said[:-1]) if (found := _BARE.match(text))]
        for n, found in inner[-1:]:
            match, said = found, said[n + 1 :]
        if said:
            message = " ".join(said)
            where = _PATH.search(message)
            path = (where["path"] or where["bare"]) if where else ""
            frames = (Frame(path=path, line=_line_of(message), function=""),) if path else ()
            return PrintedError(f"dbt.{match['kind']}Error", message, frames)
    return None


def _stale(lines: list[str]) -> PrintedError | None:
    for text in lines:
        match = _STALE.search(text)
        if match:
            return PrintedError("dbt.StaleSource", text.strip(), (Frame(path="", line=0, function=match["name"]),))
    return None


def _results(texts: Sequence[str]) -> PrintedError | None:
    """Return the first result of ``run_results.json`` that failed."""
    whole = "\n".join(texts)
    at = whole.find('"results"')
    start = whole.rfind("{", 0, at) if at >= 0 and "run-results" in whole else whole.find("{") if at >= 0 else -1
    while start >= 0:
        try:
            value, _ = json.JSONDecoder().raw_decode(whole, start)
        except (ValueError, RecursionError):
            value = None
        found = next(_failed(value), None)
        if found or start == 0:
            return found
        start = whole.rfind("{", 0, start)
    return None


def _failed(value: Any) -> Iterator[PrintedError]:
    results = value.get("results") if isinstance(value, dict) else None
    for item in results if isinstance(results, list) else []:
        if not isinstance(item, dict) or item.get("status") not in {"error", "fail", "runtime error"}:
            continue
        unique, message = str(item.get("unique_id") or ""), str(item.get("message") or "")
        told = dbt_error(message.split("\n")) if "Error in" in message or "Failure in" in message else None
        kind = "dbt.TestFailure" if item.get("status") == "fail" else "dbt.Error"
        yield told or PrintedError(kind, message or unique, (Frame(path="", line=0, function=unique),))


def _unwrapped(text: str) -> list[str]:
    """Return the words of a record of dbt's JSON log; other text is as it is."""
    if text.startswith("{") and '"msg"' in text:
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            return [text]
        info = record.get("info") if isinstance(record.get("info"), dict) else record
        message = info.get("msg")
        return message.split("\n") if isinstance(message, str) else [text]
    return [text]


def _line_of(message: str) -> int:
    where = _LINE.search(message)
    return int(where["a"] or where["b"] or where["c"]) if where else 0
