"""Rendered statements of the failing tasks and the repository's SQL files → what they read and write, parsed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from airflow_agentic.lineage.ddl import tables_of
from airflow_agentic.lineage.scratch import Told, told_of_failing
from airflow_agentic.records import Checkout, Target, TaskRun
from airflow_agentic.repository import files, read_text

NAMESPACE = "sql"
MAX_FILES, MAX_SQL = 300, 20_000
_LONG_AGO = "2000-01-02T00:00:00+00:00"
_STATEMENT = re.compile(r"\b(?:select|insert|merge|update|delete|create|copy|truncate)\b", re.I)
_FIELD = re.compile(r"sql|query|statement|hql", re.I)
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}", re.DOTALL)
_VALUE = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def told_by_sql(checkout: Checkout | None, target: Target) -> list[Told]:
    """Return what the failing tasks' statements tell, and the files beside them; nothing without a statement."""
    texts = _repository(checkout) if checkout else {}
    failing = []
    for task in target.failed:
        sql = _statement_of(task, texts)
        found = tables_of(_plain(sql)) if sql else None
        if found and (found.reads or found.writes):
            inputs, outputs = _named(found.reads), _named(found.writes)
            failing.append(told_of_failing(target, task.key.task_id, inputs, outputs, sql=sql[:MAX_SQL]))
    if not failing:
        return []
    beside = []
    for path, text in texts.items():
        found = tables_of(_plain(text))
        if found.reads or found.writes:
            beside.append(
                Told(
                    job=path, at=_LONG_AGO, state="OTHER", run_id="declared", sql=text[:MAX_SQL],
                    inputs=_named(found.reads), outputs=_named(found.writes),
                )
            )  # fmt: skip
    return [*beside, *failing]


def _repository(checkout: Checkout) -> dict[str, str]:
    """Return the SQL files by path; one that does not look like a statement is left out."""
    found: dict[str, str] = {}
    for path in files(checkout.path):
        if len(found) >= MAX_FILES:
            break
        if path.lower().endswith((".sql", ".hql", ".ddl")):
            text = read_text(checkout, path, limit=MAX_SQL) or ""
            if _STATEMENT.search(text):
                found[path] = text
    return found


def _statement_of(task: TaskRun, texts: dict[str, str]) -> str:
    """Return a task's statement: rendered, else the file that its fields or its id name."""
    for name, value in task.rendered:
        if _FIELD.search(name) and _STATEMENT.search(value):
            return value
    named = " ".join(value for _, value in task.rendered)
    for path, text in texts.items():
        file = path.rpartition("/")[2]
        if file in named or file.rpartition(".")[0] == task.key.task_id.rpartition(".")[2]:
            return text
    return ""


def _plain(sql: str) -> str:
    """Return a template as a statement: blocks out, a value becomes a name (``schema_{{ ds }}`` stays one word)."""
    return _VALUE.sub("templated", _JINJA.sub(" ", sql))[:MAX_SQL]


def _named(tables: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((NAMESPACE, table) for table in tables)
