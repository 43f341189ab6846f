"""How fast lineage events are taken in, how much they weigh, and whether their order matters: SQLite and PostgreSQL.

``python benchmarks/bench_lineage.py [events]`` prints each figure with its goal. The mix: 200 Dags of 10 tasks, a START
and a COMPLETE a run, 6 to 25 columns with column lineage, about 10 KB an event, JSON bytes in; the names are cold for
the first 4,000 events and those are not timed. Size: of the whole store, after a checkpoint or vacuum. CPU: of this process.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fixtures_postgres import new_database, running_postgres
from sqlalchemy import func, select, text

from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.store import lineage_tables as t
from airflow_agentic.store.database import Database

DAGS, TASKS, COLD, SINGLE = 200, 10, 4_000, 2_000
START = dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc)
GOALS = {
    "sqlite": {"single": 600, "batched": 1_300, "bytes": 400},
    "postgresql": {"single": 160, "batched": 520, "bytes": None},
}
PAD = {
    "_producer": "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3",
    "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/A.json",
}


def table(number: int, *, source: int | None = None) -> dict:
    columns = [f"column_{n}" for n in range(6 + number % 20)]
    facets: dict = {"schema": {**PAD, "fields": [{"name": name, "type": "varchar"} for name in columns]}}
    if source is not None:
        inputs = {"namespace": "postgres://db:5432", "name": f"shop.raw.table_{source}", "transformations": []}
        facets["columnLineage"] = {
            **PAD,
            "fields": {name: {"inputFields": [{**inputs, "field": name}]} for name in columns},
        }
    return {"namespace": "postgres://db:5432", "name": f"shop.raw.table_{number}", "facets": facets}


def events(count: int) -> Iterator[bytes]:
    """Yield START and COMPLETE of task after task, round after round: an hour between rounds."""
    chance = random.Random(1)
    made = 0
    while True:
        slot, number = divmod(made // 2, DAGS * TASKS)
        dag, task = divmod(number, TASKS)
        at = START + dt.timedelta(hours=slot, seconds=number % 3_000)
        own, root = (uuid.uuid5(uuid.NAMESPACE_URL, f"{slot}/{dag}/{part}") for part in (task, "dag"))
        run_facets = {
            "airflow": {
                **PAD,
                "dag": {
                    "dag_id": f"dag_{dag}",
                    "fileloc": f"/opt/airflow/dags/dag_{dag}.py",
                    "timetable": {},
                    "tags": "[]",
                },
                "dagRun": {"run_id": f"scheduled__{at.isoformat()}", "data_interval_start": at.isoformat(), "conf": {}},
                "task": {
                    "task_id": f"task_{task}",
                    "retries": 1,
                    "operator_class_path": "a.b.Operator",
                    "inlets": "[]",
                    "doc": "x" * 1500,
                },
                "taskInstance": {"try_number": 1},
            },
            "parent": {**PAD, "job": {"namespace": "prod", "name": f"dag_{dag}"}, "run": {"runId": str(root)}},
        }
        job = {"namespace": "prod", "name": f"dag_{dag}.task_{task}", "facets": {
            "jobType": {**PAD, "jobType": "TASK", "integration": "AIRFLOW"}, "ownership": {**PAD, "owners": [{"name": "team"}]},
            "sql": {**PAD, "query": f"insert into t select * from u where x = {number} " + "-- " * 100}}}  # fmt: skip
        sources = [number, (number * 7 + 3) % (DAGS * TASKS)]
        for kind, later in (("START", 0), ("COMPLETE", 60 + chance.randrange(60))):
            made += 1
            yield json.dumps({
                "eventType": kind, "eventTime": (at + dt.timedelta(seconds=later)).isoformat(), "producer": PAD["_producer"],
                "run": {"runId": str(own), "facets": run_facets}, "job": job,
                "inputs": [table(one) for one in sources], "outputs": [table(number + 1, source=number)],
            }).encode()  # fmt: skip
            if made >= count:
                return


def size(database: Database) -> int:
    with database.read() as connection:
        if not database.sqlite:
            names = ", ".join(f"('{table.name}')" for table in t.LINEAGE_TABLES)
            return int(
                connection.execute(
                    text(f"SELECT sum(pg_total_relation_size(n::regclass)) FROM (VALUES {names}) v(n)")
                ).scalar_one()
            )
        pages, page = (connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("page_count", "page_size"))
        return int(pages) * int(page)


def measure(name: str, url: str, count: int) -> None:
    database = Database(url)
    intake = LineageIntake(database)
    source = iter(events(count + COLD + SINGLE))

    def take(many: int, at_once: int) -> tuple[float, float, int]:
        given = [next(source) for _ in range(many)]
        wall, cpu = time.perf_counter(), time.process_time()
        for start in range(0, many, at_once):
            receipt = intake.ingest(given[start : start + at_once])
            assert receipt.refused == (), receipt.refused[:3]
        return time.perf_counter() - wall, time.process_time() - cpu, sum(map(len, given)) // many

    take(COLD, 500)
    walls = cpus = done = 0
    weight = 0
    while done < count:  # in parts, so that the events themselves do not fill the memory
        wall, cpu, weight = take(min(10_000, count - done), 500)
        walls, cpus, done = walls + wall, cpus + cpu, done + min(10_000, count - done)
    goals = GOALS[name]
    show(
        name,
        f"batch of 500, {weight} bytes of JSON an event",
        f"{done / walls:.0f}/s",
        f">= {goals['batched']}",
        done / walls >= goals["batched"],
    )
    show(name, "CPU an event, batched", f"{cpus / done * 1e3:.2f} ms", "<= 0.60", cpus / done <= 0.6e-3)
    wall, cpu, _ = take(SINGLE, 1)
    show(
        name,
        "one event a transaction",
        f"{SINGLE / wall:.0f}/s",
        f">= {goals['single']}",
        SINGLE / wall >= goals["single"],
    )
    total = count + COLD + SINGLE
    with database.read() as connection:
        runs = connection.execute(select(func.count()).select_from(t.RUNS)).scalar_one()
    per_event = size(database) / total
    show(
        name,
        f"size after {total} events, {runs} runs",
        f"{per_event:.0f} bytes/event",
        f"<= {goals['bytes']}",
        goals["bytes"] is None or per_event <= goals["bytes"],
    )
    database.close()


def show(where: str, what: str, got: str, goal: str, met: bool) -> None:
    print(f"{where:11} {what:48} {got:>18}  goal {goal:10} {'met' if met else 'MISSED'}", flush=True)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        measure("sqlite", f"sqlite:///{folder}/store.db", count)
    try:
        with running_postgres() as server:
            measure("postgresql", new_database(server), count)
    except RuntimeError as error:
        print(f"postgresql: not measured, {error}")
    test = Path(__file__).parent.parent / "tests" / "contracts" / "test_lineage_store.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(test), "-k", "permutations", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        check=False,
    )
    show(
        "both",
        "100 + 20 permutations, a fifth repeated",
        "0 differences" if done.returncode == 0 else done.stdout[-200:],
        "0",
        done.returncode == 0,
    )
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
