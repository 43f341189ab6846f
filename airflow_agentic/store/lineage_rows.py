"""Rows of the lineage tables → records, and the few values that both sides spell differently."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, overload

from airflow_agentic.records.lineage import DataCheck, LineageDataset, LineageJob, LineageRun

OWNERS = "owners"
DAY_US = 86_400_000_000
STATES = ("", "OTHER", "START", "RUNNING", "ABORT", "COMPLETE", "FAIL")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@lru_cache(maxsize=8_192)
def a_job(
    job_id: int, namespace: str, name: str, dag_id: str | None, task_id: str | None, owners: str | None
) -> LineageJob:
    """Return one job."""
    return LineageJob(
        id=job_id,
        namespace=namespace,
        name=name,
        dag_id=dag_id or "",
        task_id=task_id or "",
        owners=_names(owners) if owners else (),
    )


@lru_cache(maxsize=8_192)
def a_dataset(dataset_id: int, namespace: str, name: str) -> LineageDataset:
    """Return one data set."""
    return LineageDataset(id=dataset_id, namespace=namespace, name=name)


class Runs(Sequence[LineageRun]):
    """Runs of one job; each is made when it is looked at, which most never are."""

    def __init__(self, rows: Sequence[Any], job: LineageJob) -> None:
        self._rows = rows
        self._job = job

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> LineageRun: ...
    @overload
    def __getitem__(self, at: slice) -> Runs: ...
    def __getitem__(self, at: int | slice) -> LineageRun | Runs:
        found = self._rows[at]
        return Runs(found, self._job) if isinstance(at, slice) else a_run(found, self._job)


def a_run(row: Any, job: LineageJob) -> LineageRun:
    """Return one run, given its values in the order of `RUN_COLUMNS`."""
    run_id, _, state, started_at, ended_at, last_event, parent, af_run_id, try_number, map_index, key = row
    last = moment(last_event)
    return LineageRun(
        run_id=run_uuid(run_id),
        job=job,
        state=STATES[state] if 0 <= state < len(STATES) else "OTHER",
        last_event=last,
        started_at=moment(started_at),
        ended_at=last if ended_at == last_event else moment(ended_at),
        airflow_run_id=af_run_id or "",
        try_number=try_number,
        partition_key=key or "",
        map_index=-1 if map_index is None else map_index,
        parent_run_id=_shared_uuid(parent) if parent else "",
    )


def with_told(run: LineageRun, said: Mapping[str, str], job: Mapping[str, str]) -> LineageRun:
    """Return the run with what its own facets, and its job's, tell.

    :param job: ``sql``, and under the time of a job's last run that ended well what that one ran on.
    """
    versions = said.get("versions") or (job.get(run.ended_at, "") if run.state == "COMPLETE" else "")
    return replace(
        run,
        error=said.get("error", ""),
        stack=said.get("stack", ""),
        sql=(said.get("ddl") or job.get("sql", ""))[:20_000],
        checks=_checks(said.get("assertions", "[]")),
        versions=tuple(sorted(json.loads(versions).items())) if versions else (),
    )


def _checks(listed: str) -> tuple[DataCheck, ...]:
    return tuple(
        DataCheck(
            dataset=one["dataset"],
            passed=one["success"],
            what=one.get("name") or one.get("assertion") or "",
            column=one.get("column", ""),
            expected=one.get("expected", ""),
            actual=one.get("actual", ""),
        )
        for one in json.loads(listed)
    )


@lru_cache(maxsize=4_096)
def schema_columns(fields: str) -> tuple[tuple[str, str], ...]:
    """Return a schema's columns, given its fields as the store writes them."""
    return tuple((name or "***", kind or "") for name, kind in json.loads(fields))


@lru_cache(maxsize=1_024)
def _names(listed: str) -> tuple[str, ...]:
    return tuple(json.loads(listed))


def asset_uris(value: str) -> tuple[str, ...]:
    """Return what inlets or outlets name: Airflow writes a list of objects as the text of a Python list."""
    try:
        found = ast.literal_eval(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return tuple(dict.fromkeys(re.findall(r"""uri=["']([^"']+)["']""", value)))
    listed = found if isinstance(found, list) else []
    told = (item.get("uri") or item.get("name") if isinstance(item, dict) else item for item in listed)
    return tuple(str(uri) for uri in told if uri)


@lru_cache(maxsize=32_768)
def moment(micros: int | None) -> str:
    """Return microseconds since 1970 as an ISO text in UTC; empty for none."""
    if micros is None:
        return ""
    minute, rest = divmod(micros, 60_000_000)
    second, fraction = divmod(rest, 1_000_000)
    return f"{_minute(minute)}{second:02}.{fraction:06}+00:00" if fraction else f"{_minute(minute)}{second:02}+00:00"


@lru_cache(maxsize=8_192)
def _minute(number: int) -> str:
    return (_EPOCH + timedelta(minutes=number)).isoformat()[:17]


def micros_of(text: str) -> int:
    """Return an ISO text as microseconds since 1970."""
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    at = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
    return (at - _EPOCH) // timedelta(microseconds=1)


def run_uuid(raw: bytes) -> str:
    """Return a run's id as OpenLineage writes it."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_shared_uuid = lru_cache(maxsize=4_096)(run_uuid)
"""For what many runs share: their parent."""


def raw_id(run_id: str) -> bytes:
    """Return a run's id as the tables hold it."""
    return bytes.fromhex(run_id.replace("-", ""))
