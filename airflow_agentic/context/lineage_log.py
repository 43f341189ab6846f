"""OpenLineage events in ndjson files → runs, merged by their id. Only what triage asks of them is kept.

Events come late, twice and in any order, and a legacy COMPLETE carries next to nothing (LINEAGE_FACTS 1, 2, 4), so
every fact is merged by run id and the state with the highest rank and latest time holds.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from airflow_agentic.context.intervals import parse_time

MAX_EVENTS = 200_000
MAX_LINE = 2_000_000
_RANK = {"START": 1, "RUNNING": 2, "ABORT": 3, "COMPLETE": 4, "FAIL": 4}
_NEVER = datetime(1, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Schema:
    """One observation of a data set's columns."""

    dataset: str
    at: datetime
    columns: tuple[tuple[str, str], ...]
    """Name and type; an empty type is unknown."""
    run_id: str
    job: str

    @property
    def observed(self) -> bool:
        """All columns have a type: read from the database. Else declared somewhere; the two never compare."""
        return bool(self.columns) and all(kind for _, kind in self.columns)


@dataclass
class JobRun:
    """One run of one job, merged over its events."""

    run_id: str
    job: str
    state: str = "OTHER"
    first: datetime = _NEVER
    last: datetime = _NEVER
    dag_id: str = ""
    task_id: str = ""
    airflow_run_id: str = ""
    logical_date: str = ""
    parent: str = ""
    inputs: dict[str, None] = field(default_factory=dict)
    outputs: dict[str, None] = field(default_factory=dict)
    reads: dict[tuple[str, str], None] = field(default_factory=dict)
    """Data set and column that the column lineage says are read."""
    assets_in: tuple[str, ...] = ()
    assets_out: tuple[str, ...] = ()
    sql: str = ""
    error: str = ""
    stack: str = ""
    rank: tuple[int, datetime] = (0, _NEVER)


@dataclass
class EventLog:
    """All runs and schema observations of the files that were read."""

    runs: dict[str, JobRun] = field(default_factory=dict)
    schemas: list[Schema] = field(default_factory=list)
    bad: int = 0
    truncated: bool = False


def read_events(path: str) -> EventLog:
    """Return what the ndjson file, or every such file below the folder, tells; bad lines are counted.

    :raises OSError: the path cannot be read.
    """
    log = EventLog()
    count = 0
    for line in _lines(path):
        if not line.strip():
            continue
        count += 1
        if count > MAX_EVENTS:
            log.truncated = True
            break
        try:
            event = json.loads(line) if len(line) <= MAX_LINE else None
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict) or not _take(log, event):
            log.bad += 1
    log.schemas.sort(key=lambda s: s.at)
    return log


def short(dataset: str) -> str:
    """Return a data set's name without its namespace."""
    return dataset.partition(" ")[2] or dataset


def _lines(path: str) -> Iterator[str]:
    names = [path]
    if os.path.isdir(path):
        names = [
            os.path.join(here, n)
            for here, _, found in os.walk(path)
            for n in sorted(found)
            if n.endswith((".ndjson", ".jsonl", ".json"))
        ]
    for name in names:
        with open(name, encoding="utf-8", errors="replace") as text:
            while line := text.readline(MAX_LINE + 1):
                if len(line) > MAX_LINE:
                    while not line.endswith("\n") and (rest := text.readline(MAX_LINE)):
                        line = "x" + rest[-1:]
                    line = "too long"
                yield line


def _take(log: EventLog, event: dict[str, Any]) -> bool:
    run, job = _object(event.get("run")), _object(event.get("job"))
    run_id, name = run.get("runId"), job.get("name")
    at = parse_time(event["eventTime"]) if isinstance(event.get("eventTime"), str) else None
    if not isinstance(run_id, str) or not isinstance(name, str) or at is None:
        return False
    known = log.runs.setdefault(run_id, JobRun(run_id=run_id, job=name))
    kind = str(event.get("eventType", "OTHER"))
    _times(known, kind, at)
    _facets(known, _object(run.get("facets")), _object(job.get("facets")))
    for item in _list(event.get("inputs")):
        _dataset(log, known, item, at, known.inputs, counts=True)
    for item in _list(event.get("outputs")):
        # On START and FAIL the output still is the table as it was before.
        _dataset(log, known, item, at, known.outputs, counts=kind in {"START", "COMPLETE"})
    return True


def _times(known: JobRun, kind: str, at: datetime) -> None:
    known.first = at if known.first is _NEVER else min(known.first, at)
    known.last = max(known.last, at)
    rank = (_RANK.get(kind, 0), at)
    if rank >= known.rank:
        known.rank, known.state = rank, kind


def _facets(known: JobRun, run: dict[str, Any], job: dict[str, Any]) -> None:
    airflow = _object(run.get("airflow"))
    dag_run, task = _object(airflow.get("dagRun")), _object(airflow.get("task"))
    known.dag_id = known.dag_id or str(dag_run.get("dag_id") or _object(airflow.get("dag")).get("dag_id") or "")
    known.airflow_run_id = known.airflow_run_id or str(dag_run.get("run_id") or "")
    known.logical_date = known.logical_date or str(dag_run.get("logical_date") or "")
    known.task_id = known.task_id or str(task.get("task_id") or "")
    known.assets_in = known.assets_in or _assets(task.get("inlets"))
    known.assets_out = known.assets_out or _assets(task.get("outlets"))
    known.parent = known.parent or str(_object(_object(run.get("parent")).get("run")).get("runId") or "")
    known.sql = known.sql or str(_object(job.get("sql")).get("query") or "")[:20_000]
    fault = _object(run.get("errorMessage"))
    known.error = known.error or str(fault.get("message") or "")[:2_000]
    known.stack = known.stack or str(fault.get("stackTrace") or "")[-20_000:]


def _dataset(log: EventLog, known: JobRun, item: Any, at: datetime, into: dict[str, None], *, counts: bool) -> None:
    found = _object(item)
    name, namespace = found.get("name"), found.get("namespace")
    if not isinstance(name, str) or not isinstance(namespace, str):
        return
    key = _key(namespace, name)
    into[key] = None
    facets = _object(found.get("facets"))
    columns = tuple(
        (str(_object(f).get("name"))[:200], str(_object(f).get("type") or "")[:100])
        for f in _list(_object(facets.get("schema")).get("fields"))[:2_000]
        if _object(f).get("name")
    )
    if columns and counts:
        log.schemas.append(Schema(key, at, columns, known.run_id, known.job))
    for target in list(_object(_object(facets.get("columnLineage")).get("fields")).values())[:2_000]:
        for source in _list(_object(target).get("inputFields"))[:50]:
            read = _object(source)
            if all(isinstance(read.get(part), str) for part in ("namespace", "name", "field")):
                known.reads[(_key(read["namespace"], read["name"]), read["field"])] = None


def _key(namespace: str, name: str) -> str:
    """Fold what producers spell differently: the scheme, and a leading slash of files."""
    scheme = namespace.strip().lower().replace("postgresql://", "postgres://").replace("s3a://", "s3://").rstrip("/")
    return f"{scheme[:300]} {name.strip().lstrip('/')[:300]}"


def _assets(value: Any) -> tuple[str, ...]:
    """Airflow writes inlets and outlets as a list of objects, or as the text of a Python list."""
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return tuple(dict.fromkeys(re.findall(r"""uri=["']([^"']+)["']""", value)))[:20]
    return tuple(
        str(_object(a).get("uri") or _object(a).get("name"))[:300]
        for a in _list(value)
        if _object(a).get("uri") or _object(a).get("name")
    )[:20]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
