"""How fast the store folds, chains and verifies: SQLite and PostgreSQL side by side, interleaved, medians.

``python benchmarks/bench_store.py [repetitions]`` prints a table with each goal and whether it was met.
Wall time is that of the slowest process between a common start and the last end; CPU is that of all eight workers
(PostgreSQL's own server processes not counted).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fixtures_postgres import new_database, running_postgres
from sqlalchemy import insert, text

from airflow_agentic.records import Failure, Signal
from airflow_agentic.store.chain import fit_facts, next_entry
from airflow_agentic.store.clock import now
from airflow_agentic.store.engine import Store, migrate, open_store
from airflow_agentic.store.tables import LEDGER

FORK = multiprocessing.get_context("fork")
WORKERS, FAILURES, INCIDENTS = 8, 1_000, 20
FACTS = {"signal": "task_callback", "task": "load", "detail": "KeyError: 'amount'"}


def fold(store: Store, number: int) -> None:
    """Record one failure with its ledger line: both or neither."""
    name = f"i{number % INCIDENTS}"
    store.ledger.capture(
        name,
        Failure(
            dag_id="d", run_id=name, clear_number=0, signal=Signal.TASK_CALLBACK, seen_at=now(), task_id=f"t{number}",
            error_class="KeyError", error_message="'amount'",
        ),
    )  # fmt: skip


def chained(store: Store, number: int) -> None:
    """Append one line to its incident's chain."""
    store.ledger.append(f"i{number % INCIDENTS}", "capture", "recorded", FACTS)


UNCHAINED = text(
    "INSERT INTO agentic_ledger (incident_id, sequence, at, stage, event, facts, previous, digest) "
    "VALUES (:incident_id, :sequence, :at, :stage, :event, :facts, :previous, :digest)"
)


def unchained(store: Store, number: int) -> None:
    """Write the same redacted line, one statement and one commit, without asking what was before it."""
    said = fit_facts(FACTS)
    entry = next_entry(None, incident_id=f"u{number}", at=now(), stage="capture", event="recorded", facts=said)
    database = store.database
    with database.write() if database.sqlite else database.at_once() as connection:
        connection.execute(UNCHAINED, {**vars(entry), "facts": json.dumps(said)})


def worker(url: str, job: str, number: int, barrier: object, results: object) -> None:
    """Do this worker's share of 1,000; connect before the start, because a task process is connected once."""
    errors, work = 0, {"fold": fold, "chained": chained, "unchained": unchained}[job]
    with open_store(url) as store:
        store.incidents.list(limit=1)
        barrier.wait()
        wall, cpu = time.monotonic(), time.process_time()
        for index in range(number, FAILURES, WORKERS):
            try:
                work(store, index)
            except Exception as error:  # counted and shown: the goal is none
                errors += 1
                print(f"{job}: {error}", file=sys.stderr)
        results.put((wall, time.monotonic(), time.process_time() - cpu, errors))


def at_once(url: str, job: str) -> tuple[float, float, int]:
    """Return wall seconds, CPU seconds and errors of one job by eight processes."""
    barrier, results = FORK.Barrier(WORKERS), FORK.SimpleQueue()
    processes = [FORK.Process(target=worker, args=(url, job, number, barrier, results)) for number in range(WORKERS)]
    for process in processes:
        process.start()
    said = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return max(s[1] for s in said) - min(s[0] for s in said), sum(s[2] for s in said), sum(s[3] for s in said)


@contextmanager
def stores() -> Iterator[dict[str, object]]:
    """Give a maker of fresh stores by name."""
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        count = iter(range(10_000))
        yield {
            "SQLite": lambda: f"sqlite:///{folder}/{next(count)}.db",
            "PostgreSQL": lambda: new_database(server),
        }


def verify_many(url: str, lines: int = 100_000) -> tuple[float, float, int]:
    """Return wall and CPU seconds of verifying many lines, and the faults found (none)."""
    from airflow_agentic.store.chain import Head
    from airflow_agentic.store.tables import HEADS

    rows, heads = [], {}
    for number in range(lines):
        name = f"i{number % INCIDENTS}"
        entry = next_entry(
            heads.get(name), incident_id=name, at=now(), stage="s", event="e", facts=tuple(FACTS.items())
        )
        heads[name] = Head(sequence=entry.sequence, digest=entry.digest)
        rows.append({**vars(entry), "facts": json.dumps(entry.facts)})
    with open_store(url) as store:
        with store.database.write() as connection:
            for start in range(0, lines, 5_000):
                connection.execute(insert(LEDGER), rows[start : start + 5_000])
            connection.execute(insert(HEADS), [{"incident_id": name, **vars(head)} for name, head in heads.items()])
        wall, cpu = time.monotonic(), time.process_time()
        faults = store.ledger.verify()
        return time.monotonic() - wall, time.process_time() - cpu, len(faults)


def row(what: str, measured: str, goal: str, met: bool) -> None:
    print(f"| {what} | {measured} | {goal} | {'met' if met else '**missed**'} |", flush=True)


def main(repetitions: int) -> None:
    print(
        f"{repetitions} repetitions, load {os.getloadavg()[0]:.1f}, {WORKERS} processes, {FAILURES} operations, {INCIDENTS} incidents\n"
    )
    print("| what | median (wall s, CPU s, all walls) | goal | |\n|---|---|---|---|")
    with stores() as fresh:
        runs: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
        exact = True
        for _ in range(repetitions):
            for name, make in fresh.items():
                for job in ("fold", "chained", "unchained"):
                    url = make()
                    migrate(url)
                    runs.setdefault((name, job), []).append(at_once(url, job))
                    if job == "fold":
                        with open_store(url) as store:
                            each = FAILURES // INCIDENTS
                            exact &= [(i.signals, len(i.members)) for i in store.incidents.list()] == [
                                (each, each)
                            ] * INCIDENTS
                            exact &= store.ledger.verify() == () and len(store.ledger.entries("i0")) == each
        for name, limit in (("SQLite", 1.0), ("PostgreSQL", 3.0)):
            done = runs[name, "fold"]
            wall, errors = statistics.median(r[0] for r in done), sum(r[2] for r in done)
            walls = " ".join(f"{r[0]:.2f}" for r in done)
            row(
                f"{name}: 1,000 failures folded with their lines",
                f"{wall:.2f}, {statistics.median(r[1] for r in done):.2f} ({walls}); "
                f"{errors} errors, counts {'exact' if exact else 'WRONG'}",
                f"≤ {limit} s, 0 errors, exact",
                wall <= limit and not errors and exact,
            )
            ratio = statistics.median(r[0] for r in runs[name, "unchained"]) / statistics.median(
                r[0] for r in runs[name, "chained"]
            )
            cpu = statistics.median(r[1] for r in runs[name, "unchained"]) / statistics.median(
                r[1] for r in runs[name, "chained"]
            )
            row(
                f"{name}: chained against unchained appends",
                f"{ratio:.2f}x rate, {cpu:.2f}x by CPU",
                "≥ 0.6x",
                ratio >= 0.6,
            )
            wall, cpu_s, faults = verify_many(fresh[name]())
            row(
                f"{name}: verify 100,000 lines",
                f"{wall:.2f}, {cpu_s:.2f}; {faults} faults",
                "≤ 5 s",
                wall <= 5 and not faults,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
