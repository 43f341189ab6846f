"""OpenLineage events of a captured failure → what they tell of runs, tasks and edges.

Every facet may be missing, and lists come as text (``"['a', 'b']"``): provider 2.x writes them so.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_STATES = {"COMPLETE": "success", "FAIL": "failed", "ABORT": "failed", "START": "running", "RUNNING": "running"}


@dataclass(kw_only=True)
class SeenTask:
    """One try of a task that events tell of; the last event holds."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int = 1
    state: str = ""
    started_at: str = ""
    ended_at: str = ""
    rendered: tuple[tuple[str, str], ...] = ()


@dataclass(kw_only=True)
class SeenEdges:
    """One task of a Dag and its neighbours."""

    operator: str = ""
    trigger_rule: str = "all_success"
    upstream: set[str] = field(default_factory=set)
    downstream: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class CapturedLineage:
    """All that the events tell."""

    dags: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """By dag_id and run_id: the ``dagRun`` facet, with ``state``, ``tasksState`` and ``tasksDuration`` added."""
    tasks: dict[tuple[str, str, str, int], SeenTask] = field(default_factory=dict)
    edges: dict[str, dict[str, SeenEdges]] = field(default_factory=dict)


def read_lineage(lines: Iterable[str]) -> CapturedLineage:
    """Return what the events tell; a line that is no event is passed over, the lineage store reports those."""
    found = CapturedLineage()
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict):
            _read_dag(found, event)
            _read_task(found, event)
    return found


def _read_dag(found: CapturedLineage, event: dict[str, Any]) -> None:
    facets = _dict(event, "run", "facets")
    for task_id, task in _dict(event, "job", "facets", "airflow", "tasks").items():
        dag_id = str(_dict(event, "job").get("name") or "")
        below = names(_dict(task).get("downstream_task_ids"))
        _edge(found, dag_id, task_id, str(_dict(task).get("operator") or ""), (), below)
    facet = _dict(facets, "airflowDagRun") or _dict(facets, "airflow")
    dag, run = _dict(facet, "dag"), _dict(facet, "dagRun")
    dag_id, run_id = str(dag.get("dag_id") or run.get("dag_id") or ""), str(run.get("run_id") or "")
    if not dag_id or not run_id:
        return
    found.dags.setdefault(dag_id, {}).update(dag)
    known = found.runs.setdefault((dag_id, run_id), {})
    known.update(run)
    known.setdefault("seen_at", event.get("eventTime"))
    if "airflowDagRun" in facets:
        state = _dict(facets, "airflowState")
        known["state"] = str(state.get("dagRunState") or _STATES.get(str(event.get("eventType")), ""))
        known.setdefault("tasksState", {}).update(_dict(state, "tasksState"))
        known.setdefault("tasksDuration", {}).update(_dict(state, "tasksDuration"))


def _read_task(found: CapturedLineage, event: dict[str, Any]) -> None:
    facet = _dict(event, "run", "facets", "airflow")
    task, run, instance = _dict(facet, "task"), _dict(facet, "dagRun"), _dict(facet, "taskInstance")
    dag_id = str(_dict(facet, "dag").get("dag_id") or run.get("dag_id") or "")
    task_id = str(task.get("task_id") or "")
    if not task_id or not dag_id:
        return
    index = instance.get("map_index")
    map_index = index if isinstance(index, int) else -1
    key = (dag_id, str(run.get("run_id") or ""), task_id, map_index)
    seen = found.tasks.setdefault(key, SeenTask(dag_id=dag_id, run_id=key[1], task_id=task_id, map_index=map_index))
    number = instance.get("try_number")
    seen.try_number = max(seen.try_number, number if isinstance(number, int) else 1)
    kind, at = str(event.get("eventType")), str(event.get("eventTime") or "")
    seen.state = _STATES.get(kind, seen.state)
    if kind == "START":
        seen.started_at = at
    elif kind in {"COMPLETE", "FAIL", "ABORT"}:
        seen.ended_at = at
    seen.rendered = _rendered(event) or seen.rendered
    operator = str(task.get("operator_class_path") or task.get("operator_class") or "")
    above, below = names(task.get("upstream_task_ids")), names(task.get("downstream_task_ids"))
    _edge(found, dag_id, task_id, operator, above, below)
    found.edges[dag_id][task_id].trigger_rule = str(task.get("trigger_rule") or "all_success")


def _edge(
    found: CapturedLineage, dag_id: str, task_id: str, operator: str, up: Iterable[str], down: Iterable[str]
) -> None:
    nodes = found.edges.setdefault(dag_id, {})
    node = nodes.setdefault(task_id, SeenEdges())
    node.operator = operator or node.operator
    for other in up:
        node.upstream.add(other)
        nodes.setdefault(other, SeenEdges()).downstream.add(task_id)
    for other in down:
        node.downstream.add(other)
        nodes.setdefault(other, SeenEdges()).upstream.add(task_id)


def _rendered(event: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    facets = _dict(event, "job", "facets")
    code, sql = _dict(facets, "sourceCode"), _dict(facets, "sql")
    found = []
    if code.get("sourceCode"):
        name = "bash_command" if code.get("language") == "bash" else f"{code.get('language') or 'source'}_code"
        found.append((name, str(code["sourceCode"])[:4_000]))
    if sql.get("query"):
        found.append(("sql", str(sql["query"])[:4_000]))
    return tuple(found)


def names(value: object) -> tuple[str, ...]:
    """Return a list that may have been written as text; anything else is empty."""
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value) if len(value) < 100_000 else []
        except (ValueError, SyntaxError):
            return ()
    return tuple(str(v) for v in value) if isinstance(value, (list, tuple, set)) else ()


def _dict(value: object, *path: str) -> dict[str, Any]:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
