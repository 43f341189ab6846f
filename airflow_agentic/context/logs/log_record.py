"""One line of a log → a `LogRecord`, and what kind of line it is: scaffolding, or worth a look.

Records are ndjson as Airflow 3 writes them. What is no JSON is text of the same meaning: a line that says
``WARNING`` itself is a warning, whatever level the hook that passed it on has given it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_LEVELS = {"warn": "warning", "fatal": "critical", "exception": "error"}
_OWN_LEVEL = re.compile(
    r"^[\s\[(]*(?:\d{2,4}[-/:.]\d\d[-/:.]?[\dT:.,Z+ -]*)?[\s\[(|-]*(WARNING|WARN|ERROR|CRITICAL|FATAL|SEVERE)\b"
)
_NAMED_LEVEL = re.compile(r"^[\w.]*(?:\[\d+\])?[\s:|-]+(?:\[)?(WARNING|ERROR|CRITICAL)(?:\])?[\s:|-]")
_CONTAINER = re.compile(r"^\[(?P<name>[a-z0-9][a-z0-9-]{0,62})\] (?:logs: )?")
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
_WORD = re.compile(r"[a-z]+")
_STEM = re.compile(
    r"error|fail|fault|exception|traceback|fatal|critical|panic|warn|denied|refus|reject|invalid|illegal|missing|"
    r"cannot|couldn|didn|doesn|unexpect|unknown|unsupported|unresolved|undefined|unauthor|forbidden|unavailable|"
    r"unreach|unrecogni|unidentif|unmatched|timeout|kill|abort|corrupt|malform|mismatch|differ|violat|duplicat|"
    r"conflict|expir|revok|exceed|quota|throttl|retry|retri|skip|ignor|discard|truncat|incomplete|incompat|partial|"
    r"stale|outdated|disconnect|broken|deadlock|renam|deprecat|drift|fallback|suspicious|anomal|negative|overflow|"
    r"rollback|assum|permission|credential|password|insufficient|evict|suspend|interrupt|unhealthy|unset|default"
)
_TELLING_WORDS = """
back bad can changed changing closed core crash crashed dead delay delayed disk drop dropped dropping drops empty
exit exited expected falling full garbage hung instead isn lag large late limit limited limits lock locked longer
lost many nan no none not null only oom out premature race removed removing reset rolled schema shutdown signal slow
space still stuck terminated terminating timed unable unavailable wait waiting wasn without won wrong zero
"""
_TELLING = frozenset(_TELLING_WORDS.split())


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
    logger = str(fields.get("logger") or "")
    if event.startswith("["):
        event = _in_pod(event, logger)
    level = str(fields.get("level") or "info").lower()
    level = _LEVELS.get(level, level)
    if level in {"info", "debug", "notset"}:
        level = own_level(event) or level
    detail = fields.get("error_detail")
    return LogRecord(
        event=event,
        level=level,
        logger=logger,
        timestamp=str(fields.get("timestamp") or ""),
        error_detail=tuple(d for d in detail if isinstance(d, dict)) if isinstance(detail, list) else (),
        extra=" ".join(f"{k}={v}" for k, v in fields.items() if k not in _STANDARD and _plain(v))[:300],
        origin=str(fields.get("filename") or ""),
    )


def _in_pod(event: str, logger: str) -> str:
    """Return a container's line without the name that the pod operator puts before it, so that a traceback is one."""
    match = _CONTAINER.match(event)
    if match and (match["name"] == "base" or "kubernetes" in logger):
        return event[match.end() :]
    return event


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
    return min(5, sum(map(_is_hot, set(_WORD.findall(event[:2_000].lower())))))


@lru_cache(maxsize=20_000)
def _is_hot(word: str) -> bool:
    """Say whether it is a word of trouble; judged once, because one regular expression a line costs 85 µs."""
    return word in _TELLING or _STEM.search(word) is not None


def _plain(value: object) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and len(value) <= 120)
