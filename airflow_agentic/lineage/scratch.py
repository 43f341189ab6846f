"""Events that are in no store of ours → the same reader that answers from the store.

Whatever tells of lineage (a file of events, Airflow's asset events, a dbt manifest, a parsed statement) is brought into
the form of OpenLineage events, taken in by the one intake and asked by the one set of questions.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.lineage.payload import lines
from airflow_agentic.ports import LineageReader
from airflow_agentic.records import Target
from airflow_agentic.store.lineage_queries import SqlLineage
from airflow_agentic.store.scratch import ScratchDatabase

MOST_EVENTS = 20_000
"""Of a file, the last so many; more belong into the store (`airflow agentic lineage import`)."""
EVENT_FILES = (".ndjson", ".jsonl", ".json", ".log")


@contextmanager
def reading_of(events: Iterable[object], notes: list[str] | None = None) -> Iterator[LineageReader]:
    """Give a reader of what *events* tell.

    :param events: as `LineageIntake.ingest` takes them.
    :param notes: is told how many were refused, and the first reason.
    """
    database = ScratchDatabase()
    try:
        receipt = LineageIntake(database).ingest(events)
        if receipt.refused and notes is not None:
            first = receipt.refused[0].reason
            notes.append(f"{len(receipt.refused)} events are none and were left out, the first because {first}")
        with SqlLineage(database).reading() as reader:
            yield reader
    finally:
        database.close()


@contextmanager
def reading_of_files(path: str, notes: list[str] | None = None) -> Iterator[LineageReader]:
    """Give a reader of the events in a file, or in a folder's files. :raises SourceUnavailable: it cannot be read."""
    try:
        found = [line for name in files_of(path) for line in _last_lines(name, notes)]
    except OSError as error:
        raise SourceUnavailable(
            f"Reading lineage events from {path!r} failed: {error.strerror}. Mend lineage_events of the connection."
        ) from error
    with reading_of(found, notes) as reader:
        yield reader


def files_of(path: str) -> list[str]:
    """Return the file itself, or a folder's files of events, in order. :raises OSError: there is no such path."""
    if not os.path.isdir(path):
        os.stat(path)
        return [path]
    return sorted(
        os.path.join(here, name) for here, _, names in os.walk(path) for name in names if name.endswith(EVENT_FILES)
    )


@dataclass(frozen=True, kw_only=True)
class Told:
    """What something other than OpenLineage tells of one run of one job."""

    job: str
    at: str
    """ISO 8601 with an offset."""
    state: str = "COMPLETE"
    dag_id: str = ""
    task_id: str = ""
    run_id: str = ""
    partition_key: str = ""
    sql: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    """Namespace and name."""
    outputs: tuple[tuple[str, str], ...] = ()
    columns: Mapping[tuple[str, str], tuple[str, ...]] | None = None
    """Documented columns by data set."""


def as_event(told: Told, producer: str) -> dict[str, Any]:
    """Return it as an OpenLineage event; the run's id is made of what it is, so that twice told is told once."""
    facets: dict[str, Any] = {}
    if told.dag_id:
        dag_run = {"run_id": told.run_id, **({"partition_key": told.partition_key} if told.partition_key else {})}
        task = {"task_id": told.task_id}
        facets["airflow"] = {"dag": {"dag_id": told.dag_id}, "dagRun": dag_run, "task": task}
    return {
        "eventType": told.state,
        "eventTime": told.at,
        "producer": producer,
        "run": {"runId": str(uuid5(NAMESPACE_URL, f"{told.job}\n{told.run_id}\n{told.at}")), "facets": facets},
        "job": {"namespace": producer, "name": told.job, "facets": {"sql": {"query": told.sql}} if told.sql else {}},
        "inputs": [_dataset(told, *one) for one in told.inputs],
        "outputs": [_dataset(told, *one) for one in told.outputs],
    }


def told_of_failing(
    target: Target, task_id: str, inputs: Iterable[tuple[str, str]], outputs: Iterable[tuple[str, str]], sql: str = ""
) -> Told:
    """Return what is told of a failing task itself."""
    run = target.run
    return Told(
        job=f"{run.dag_id}.{task_id}", at=run.ended_at or target.incident.last_seen, state="FAIL", dag_id=run.dag_id,
        task_id=task_id, run_id=run.run_id, partition_key=run.partition_key or "", inputs=tuple(dict.fromkeys(inputs)),
        outputs=tuple(dict.fromkeys(outputs)), sql=sql,
    )  # fmt: skip


def _dataset(told: Told, namespace: str, name: str) -> dict[str, Any]:
    columns = (told.columns or {}).get((namespace, name), ())
    facets = {"schema": {"fields": [{"name": column} for column in columns]}} if columns else {}
    return {"namespace": namespace, "name": name, "facets": facets}


def _last_lines(path: str, notes: list[str] | None) -> Iterable[bytes]:
    kept: deque[bytes] = deque(maxlen=MOST_EVENTS)
    number = 0
    for number, (_, line) in enumerate(lines(path), start=1):  # noqa: B007 - the last one is the count
        kept.append(line)
    if number > MOST_EVENTS and notes is not None:
        notes.append(f"of {number} events in {path!r} only the last {MOST_EVENTS} were read: import them to the store")
    return kept
