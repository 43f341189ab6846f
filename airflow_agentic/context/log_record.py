"""One line of a log → a `LogRecord`, and what kind of line it is: scaffolding, or worth a look.

Records are ndjson as Airflow 3 writes them. What is no JSON is text of the same meaning: a line that says
``WARNING`` itself is a warning, whatever level the hook that passed it on has given it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_LEVELS = {"warn": "warning", "fatal": "critical", "exception": "error"}
_OWN_LEVEL = re.compile(
    r"^[\s\[(]*(?:\d{2,4}[-/:.]\d\d[-/:.]?[\dT:.,Z+ -]*)?[\s\[(|-]*(WARNING|WARN|ERROR|CRITICAL|FATAL|SEVERE)\b"
)
_NAMED_LEVEL = re.compile(r"^[\w.]*(?:\[\d+\])?[\s:|-]+(?:\[)?(WARNING|ERROR|CRITICAL)(?:\])?[\s:|-]")
_SCAFFOLD_LOGGERS = (
    "openlineage.",
    "airflow.providers.openlineage",
    "airflow.dag_processing",
    "airflow.serialization",
    "airflow.models.",
    "airflow.api_fastapi",
    "airflow.sdk.definitions.dag",
    "airflow.listeners",
    "airflow.stats",
    "airflow.sdk._shared.observability",
    "airflow._shared",
    "airflow.configuration",
    "airflow.plugins_manager",
)
_SCAFFOLD_EVENTS = (
    "::group::",
    "::endgroup::",
    "Pushing xcom",
    "Tmp dir root location",
    "Task started",
    "Task finished",
    "Task instance state updated",
    "Updating RenderedTaskInstanceFields",
    "Dependencies all met",
    "[DAG TEST] ",
    "DAG bundles loaded",
    "Filling up the DagBag",
    "Stats instance was created",
    "Log message source details",
    "Pre task execution logs",
    "Post task execution logs",
    "Task instance is in running state",
    " Previous state of the Task instance",
    "Current task name:",
    "Exporting env vars",
    "Dag name:",
    "Could not import graphviz",
    "Secrets backends loaded",
    "Connection Retrieved",
)
_SCAFFOLD_EXACT = frozenset({"Output:", "DagRun failed", "DagRun success"})
_STANDARD = frozenset(
    {"timestamp", "event", "level", "logger", "error_detail", "loc", "filename", "lineno", "category"}
)
_HOT = re.compile(
    r"error|fail|fault|exception|traceback|fatal|critical|panic|warn|denied|refus|reject|invalid|illegal|missing|"
    r"not found|not exist|no such|unable|can(?:no|')t|could not|couldn't|did(?: not|n't)|does(?: not|n't)|won't|"
    r"unexpect|unknown|unsupported|unresolved|undefined|unauthor|forbidden|unavailable|unreach|time[d ]?-?out|"
    r"kill|\boom\b|out of memory|no space|disk full|abort|corrupt|malform|mismatch|differ|violat|duplicat|conflict|"
    r"expir|revok|exceed|too many|too large|limit|quota|throttl|retry|retri|skip|ignor|drop|discard|truncat|"
    r"incomplete|partial|stale|outdated|late\b|delay|lag|still |only \d+|empty|\bnull|\bnan\b|\bnone\b|(?:zero|0) rows|"
    r"lost|disconnect|reset by|broken|closed|deadlock|locked|renam|removed|deprecat|schema|drift|changed|new column|"
    r"no longer|instead of|expected|fallback|falling back|suspicious|anomal|negative|overflow|rollback|rolled back|"
    r"unset|default(?:ing|ed)? to|assum|exit(?:ed)? (?:code|with)|signal|core dumped|permission|credential|password",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class LogRecord:
    """One record, as it matters here."""

    event: str
    level: str
    """``debug``, ``info``, ``warning``, ``error`` or ``critical``; what the text itself says, if it says worse."""
    logger: str
    timestamp: str = ""
    error_detail: tuple[dict[str, Any], ...] = ()
    extra: str = ""
    """Further fields as ``name=value``, at most 300 characters."""
    origin: str = ""
    """File that a Python warning was raised in."""


def read_record(line: bytes) -> LogRecord:
    """Return the record; a line that is no JSON object is its own event. Never raises."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        return LogRecord(event=text, level=own_level(text) or "info", logger="")
    event = fields.get("event")
    event = event if isinstance(event, str) else json.dumps(event)
    level = str(fields.get("level") or "info").lower()
    level = _LEVELS.get(level, level)
    if level in {"info", "debug", "notset"}:
        level = own_level(event) or level
    detail = fields.get("error_detail")
    return LogRecord(
        event=event,
        level=level,
        logger=str(fields.get("logger") or ""),
        timestamp=str(fields.get("timestamp") or ""),
        error_detail=tuple(d for d in detail if isinstance(d, dict)) if isinstance(detail, list) else (),
        extra=" ".join(f"{k}={v}" for k, v in fields.items() if k not in _STANDARD and _plain(v))[:300],
        origin=str(fields.get("filename") or ""),
    )


def own_level(event: str) -> str | None:
    """Return ``warning``, ``error`` or ``critical`` if the text itself begins with such a word, else None."""
    match = _OWN_LEVEL.match(event) or _NAMED_LEVEL.match(event)
    if not match:
        return None
    word = match[1].lower()
    return {"warn": "warning", "fatal": "critical", "severe": "error"}.get(word, word)


def is_scaffolding(record: LogRecord) -> bool:
    """Say whether Airflow or OpenLineage prints the line for every task, whatever the task does."""
    if record.logger.startswith(_SCAFFOLD_LOGGERS):
        return True
    if record.logger == "py.warnings" and "site-packages/airflow/" in record.origin:
        return True
    return record.event.startswith(_SCAFFOLD_EVENTS) or record.event.strip() in _SCAFFOLD_EXACT


def hotness(event: str) -> int:
    """Return how many words of trouble the text holds, 0 to 5."""
    return min(5, len({match.lower() for match in _HOT.findall(event[:2_000])}))


def _plain(value: object) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and len(value) <= 120)
