"""Events → the lineage store. Any order, any repetition and any batching end in the same rows.

A bad event is refused with its reason and never stops those beside it. What repeats from event to event (names, edges,
schemas) is written once a day and process; an hour at the latest it is written again, should somebody have deleted it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError

from airflow_agentic.errors import BadEvent, StoreError
from airflow_agentic.lineage.facets import Columns
from airflow_agentic.lineage.normalize import Dataset, Namer, hashed
from airflow_agentic.lineage.wire import DAY_US, NO_RUN, OUTPUT, EventReader, Facts, Job, Run
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage import LineageWriter, Rows

log = logging.getLogger(__name__)
BATCH = 500
_MOST_KNOWN = 200_000
_FORGET_AFTER_S = 3_600
_ARRIVAL_US = 60_000_000


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An event that was not taken in."""

    position: int
    """Its place among those that were given, from 0."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of events."""

    taken: int = 0
    repeated: int = 0
    """Events that were taken in before, byte for byte."""
    refused: tuple[Refusal, ...] = ()

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(
            taken=self.taken + other.taken,
            repeated=self.repeated + other.repeated,
            refused=self.refused + other.refused,
        )


class LineageIntake:
    """Takes events in. One per process and store; threads wait for each other.

    :param database: the store.
    :param aliases: data set namespaces that are other spellings of one: namespace → the one that it is.
    """

    def __init__(self, database: Database, *, aliases: Mapping[str, str] | None = None) -> None:
        self._writer = LineageWriter(database)
        self._reader = EventReader(Namer(aliases))
        self._known: set[tuple[Any, ...]] = set()
        self._known_since = time.monotonic()
        self._lock = threading.Lock()

    def ingest(self, events: Iterable[object], *, now_us: int | None = None) -> Receipt:
        """Take *events* in, in transactions of at most 500 events.

        :param events: each a JSON object as Python has it, JSON bytes, or a `BadEvent` found by whoever read it.
        :param now_us: the time of arrival in microseconds since 1970; None is now.
        :raises StoreError: the store does not answer; finished transactions are in. Sending all again is safe.
        """
        now_us = time.time_ns() // 1_000 if now_us is None else now_us
        receipt, source, start = Receipt(), iter(events), 0
        while batch := list(islice(source, BATCH)):
            with self._lock:
                receipt += self._take(batch, start, now_us)
            start += len(batch)
        return receipt

    def _take(self, batch: list[object], start: int, now_us: int) -> Receipt:
        self._forget()
        refused: list[Refusal] = []
        fresh: dict[bytes, tuple[int, Facts]] = {}
        repeated = 0
        for position, key, event in self._new(batch, start, refused):
            if key in fresh or event is None:
                repeated += 1
                continue
            try:
                fresh[key] = (position, self._reader.read(event, now_us=now_us))
            except BadEvent as error:
                refused.append(Refusal(position=position, reason=str(error)))
            except RecursionError:
                refused.append(Refusal(position=position, reason="the event is nested too deeply"))
        taken, bad = self._write(fresh, now_us)
        refused.extend(bad)
        refused.sort(key=lambda one: one.position)
        return Receipt(taken=taken, repeated=repeated + len(fresh) - taken - len(bad), refused=tuple(refused))

    def _new(
        self, batch: list[object], start: int, refused: list[Refusal]
    ) -> Iterator[tuple[int, bytes, object | None]]:
        """Yield position, key and event; None in place of an event that is known."""
        found: list[tuple[int, bytes, object]] = []
        for position, event in enumerate(batch, start):
            try:
                found.append((position, *_keyed(event)))
            except BadEvent as error:
                refused.append(Refusal(position=position, reason=str(error)))
        # A single one is asked for in the transaction that writes it.
        known = self._writer.known([key for _, key, _ in found]) if len(found) > 1 else set()
        for position, key, event in found:
            yield position, key, None if key in known else event

    def _write(self, fresh: Mapping[bytes, tuple[int, Facts]], now_us: int) -> tuple[int, list[Refusal]]:
        """Write in one transaction; if a value cannot be stored, one by one, so that only its event is refused."""
        if not fresh:
            return 0, []
        rows, learned = Rows(), set[tuple[Any, ...]]()
        for _, facts in fresh.values():
            self._collect(facts, rows, learned, now_us)
        try:
            new = self._writer.write(rows, list(fresh), now_us // DAY_US)
        except StoreError as error:
            if not isinstance(error.__cause__, DataError | IntegrityError):
                raise
            if len(fresh) == 1:
                log.warning("A lineage event was refused by the store: %s", error)
                position = next(iter(fresh.values()))[0]
                return 0, [Refusal(position=position, reason=f"the store cannot hold it: {error}")]
            parts = [self._write({key: value}, now_us) for key, value in fresh.items()]
            return sum(taken for taken, _ in parts), [one for _, bad in parts for one in bad]
        self._known |= learned
        return new, []

    def _collect(self, facts: Facts, rows: Rows, learned: set[tuple[Any, ...]], now_us: int) -> None:
        """Add to *rows* what *facts* say, but for what is known to be stored."""
        day = facts.at // DAY_US
        write_once = _WriteOnce(rows, self._known, learned)
        minute = now_us // _ARRIVAL_US * _ARRIVAL_US
        write_once("arrivals", (facts.producer, now_us // DAY_US, minute, minute))
        run, job = facts.run, facts.job
        if job is not None:
            write_once("jobs", _job_row(job, day))
            for facet, value in facts.job_facets.items():
                rows.add("job_facets", (job.id, facet, facts.at, value))
        if run is not None:
            rows.add("runs", tuple(vars(run).values()))
            for facet, value in facts.run_facets.items():
                rows.add("run_facets", (run.run_id, facet, facts.at, value))
            if run.partition_key is not None:
                write_once("partition_runs", (run.partition_key, run.job_id, run.run_id))
        if facts.parent is not None:
            parent_job, mention = facts.parent
            write_once("jobs", _job_row(parent_job, day))
            write_once("runs", tuple(vars(mention).values()))
        _collect_datasets(facts, rows, write_once, day)

    def _forget(self) -> None:
        if len(self._known) > _MOST_KNOWN or time.monotonic() - self._known_since > _FORGET_AFTER_S:
            self._known.clear()
            self._known_since = time.monotonic()


class _WriteOnce:
    """Adds a row unless it is known to be stored; what it adds is known once the transaction is through."""

    def __init__(self, rows: Rows, known: set[tuple[Any, ...]], learned: set[tuple[Any, ...]]) -> None:
        self.rows = rows
        self._known = known
        self._learned = learned

    def __call__(self, table: str, row: tuple[Any, ...]) -> None:
        if self.new((table, row)):
            self.rows.add(table, row)

    def new(self, mark: tuple[Any, ...]) -> bool:
        """Return whether *mark* is neither known nor learned; it is learned then."""
        if mark in self._known or mark in self._learned:
            return False
        self._learned.add(mark)
        return True


def _collect_datasets(facts: Facts, rows: Rows, write_once: _WriteOnce, day: int) -> None:
    run, job = facts.run, facts.job
    run_id = run.run_id if run else NO_RUN
    for io, dataset, told in facts.datasets:
        _collect_names((dataset, *told.same), write_once, day)
        for other in told.same:
            if write_once.new(("symlink", dataset.id, other.id)):
                rows.symlinks.add((min(dataset.id, other.id), max(dataset.id, other.id)))
        if told.owners and write_once.new(("owners", dataset.id, told.owners, day)):
            rows.add("dataset_facets", (dataset.id, "owners", facts.at, told.owners))
        if told.schema is not None:
            write_once("schemas", (told.schema.id, told.schema.fields))
            rows.add(
                "schema_observations",
                (dataset.id, told.schema.source_class, told.schema.id, day, facts.at, run_id, facts.at, run_id),
            )
        if job is not None:
            write_once("job_io", (job.id, io, dataset.id, day, day))
            if told.columns is not None and write_once.new(("columns", told.columns.number, job.id, day)):
                _collect_columns(told.columns, job.id, write_once, day)
        if run is not None:
            seen = (facts.at, told.schema.id) if told.schema else (None, None)
            rows.add("run_io", (run_id, io, dataset.id, *seen, told.row_count, told.byte_count))
    if run is not None:
        _collect_partitions(run, facts, rows)


def _collect_columns(columns: Columns, job_id: int, write_once: _WriteOnce, day: int) -> None:
    _collect_names(columns.datasets, write_once, day)
    for field in columns.fields:
        write_once.rows.add("fields", field)
    for out_field, in_field in columns.edges:
        write_once.rows.add("column_edges", (out_field, in_field, job_id, day, day))


def _collect_partitions(run: Run, facts: Facts, rows: Rows) -> None:
    written = [dataset.id for io, dataset, _ in facts.datasets if io == OUTPUT]
    if run.partition_key is not None:
        for dataset_id in written:
            rows.add("partitions", (dataset_id, run.partition_key, run.run_id))
    # An event of Airflow's that names no partition has none; what others write may be told of by another event.
    unsaid = written and run.partition_key is None and run.af_run_id is None
    if unsaid or (run.partition_key is not None and not written):
        rows.partition_gaps.add(run.run_id)


def _collect_names(datasets: Iterable[Dataset], write_once: _WriteOnce, day: int) -> None:
    for dataset in datasets:
        write_once("datasets", (dataset.id, dataset.namespace, dataset.name, dataset.id, day, day))
        if dataset.written is not None and write_once.new(("spelling", dataset.id, dataset.written)):
            write_once.rows.add("dataset_names", (hashed(*dataset.written), dataset.id, *dataset.written))


def _job_row(job: Job, day: int) -> tuple[Any, ...]:
    return (job.id, job.namespace, job.name, job.dag_id, job.task_id, day, day)


def _keyed(event: object) -> tuple[bytes, object]:
    """Return an event's key and the event. :raises BadEvent: it is an object that is no JSON."""
    if isinstance(event, BadEvent):
        raise event
    if event is None or (isinstance(event, bytes) and event.strip() == b"null"):
        raise BadEvent("an event is a JSON object, not null")
    if isinstance(event, bytes):
        event = event.strip()
        return blake2b(event, digest_size=16).digest(), event
    try:
        body = json.dumps(event, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadEvent(f"the event is no JSON: {error}") from error
    return blake2b(body.encode(), digest_size=16).digest(), event
