"""How long the whole context of a failing task takes to gather: SQLite and PostgreSQL, and a graph with a hub.

``python benchmarks/bench_context_pack.py [events] [packs]`` takes real events in (nothing is bulk-written) and asks
`context_pack` of random tasks: 5 hops upstream, up to 5 schema versions of each data set with their differences, 10 runs
of each job, the state of the partition. Runs become records when looked at: those that a report reads (each job's
newest, all of the direct producers) are looked at within the time, and a second figure looks at all. The graph is LINEAGE_FACTS 4's: 200 Dags of 10
tasks, about 5,900 edges, 6 to 25 columns with column lineage, a column renamed or added five times in the history, one
run in a hundred fails. Then 100,000 jobs with one table that 2,000 of them write. Each pack is a reading of its own.
``TOTAL=1000000`` writes the history of those events again, further back, until it is that of so many (no JSON then).
``ONLY=sqlite`` or ``ONLY=postgresql`` measures one, ``KEEP=/folder`` keeps the SQLite file and uses it the next time,
``POSTGRES=postgresql://...`` measures the store at that address, filled the first time, with ``POSTGRES_HUB`` beside it. Figures: docs/FACTS_lineage.md (CPU p95 18 to 21 ms, SQLite).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from bench_lineage import PAD, show, size
from fixtures_postgres import new_database, running_postgres
from sqlalchemy import Table, func, select

from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.lineage.pack import ContextPack, context_pack
from airflow_agentic.store import lineage_tables as t
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_queries import SqlLineage

DAGS, TASKS, HISTORY_H, VERSIONS = 200, 10, 500, 5
HUB_JOBS, HUB_WRITERS = 100_000, 2_000
GOALS = {"sqlite": 15.0, "postgresql": 25.0}
GOAL_HUB = 150.0


def graph() -> list[tuple[str, str, list[int], int]]:
    """Return Dag, task, the tables it reads and the one it writes; tables from 2,000 on are written by nobody."""
    chance = random.Random(1)
    tasks = []
    for number in range(DAGS * TASKS):
        dag, task = divmod(number, TASKS)
        reads = [number - 1 if task else DAGS * TASKS + dag]
        if chance.random() < 0.94:
            other = chance.randrange(DAGS)
            reads.append(other * TASKS + chance.randrange(task) if task else DAGS * TASKS + other)
        tasks.append((f"dag_{dag}", f"task_{task}", sorted(set(reads)), number))
    return tasks


def columns(table: int, version: int) -> list[str]:
    """Return a table's columns: with each version the last one has another name, and one is new."""
    names = [f"column_{n}" for n in range(6 + table % 16)]
    return [*names[:-1], f"amount_{version}" if version else "amount", *(f"added_{n}" for n in range(version))]


@cache
def a_table(number: int, version: int, source: int | None = None) -> str:
    """Return a data set as JSON: made once, or making events would take longer than taking them in."""
    found = columns(number, version)
    facets: dict = {"schema": {**PAD, "fields": [{"name": name, "type": "varchar"} for name in found]}}
    if source is not None:
        other = {"namespace": "postgres://db:5432", "name": f"shop.raw.table_{source}", "transformations": []}
        known = columns(source, version)
        facets["columnLineage"] = {
            **PAD,
            "fields": {
                name: {"inputFields": [{**other, "field": known[n % len(known)]}]} for n, name in enumerate(found)
            },
        }
    return json.dumps({"namespace": "postgres://db:5432", "name": f"shop.raw.table_{number}", "facets": facets})


def events(count: int) -> Iterator[bytes]:
    """Yield START and COMPLETE (or FAIL) of every task, round after round, over the history."""
    chance = random.Random(2)
    tasks = graph()
    rounds = max(1, -(-count // (2 * len(tasks))))
    step = dt.timedelta(hours=HISTORY_H) / rounds
    made = 0
    for slot in range(rounds):
        at = dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc) + slot * step
        version = min(VERSIONS - 1, slot * VERSIONS // rounds)
        for dag, task, reads, writes in tasks:
            key = at.strftime("%Y-%m-%dT%H:%M")
            begun = at + dt.timedelta(seconds=chance.randrange(600))
            last = "FAIL" if chance.random() < 0.01 else "COMPLETE"
            run = json.dumps(run_of(dag, task, key, at.isoformat()))[:-2]
            error = json.dumps({**PAD, "message": "KeyError: 'amount'", "stackTrace": "Traceback ..." * 40})
            inputs = ", ".join(a_table(one, version) for one in reads)
            for kind, later in (("START", 0), (last, chance.randrange(20, 300))):
                when = (begun + dt.timedelta(seconds=later)).isoformat()
                said = f', "errorMessage": {error}' if kind == "FAIL" else ""
                yield (
                    f'{{"eventType": "{kind}", "eventTime": "{when}", "producer": "{PAD["_producer"]}", '
                    f'"run": {run}{said}}}}}, "job": {a_job(dag, task, key)}, "inputs": [{inputs}], '
                    f'"outputs": [{a_table(writes, version, reads[0])}]}}'
                ).encode()
                made += 1
                if made >= count:
                    return


def run_of(dag: str, task: str, key: str, at: str) -> dict:
    run, root = (run_id(at, f"{dag}/{part}") for part in (task, "dag"))
    facets = {
        "parent": {**PAD, "job": {"namespace": "prod", "name": dag}, "run": {"runId": root}},
        "airflow": {
            **PAD,
            "dag": {"dag_id": dag, "fileloc": f"/opt/airflow/dags/{dag}.py", "timetable": {}, "tags": "[]"},
            "dagRun": {"run_id": f"scheduled__{key}", "data_interval_start": at, "partition_key": key},
            "task": {"task_id": task, "retries": 1, "operator_class_path": "a.b.Operator", "inlets": "[]", "doc": "x" * 1500},
            "taskInstance": {"try_number": 1},
        },
    }  # fmt: skip
    return {"runId": run, "facets": facets}


def run_id(at: str, what: str) -> str:
    """Return a UUID of version 7, as Airflow's are: time first, the rest is a hash of what runs."""
    made = (
        int(dt.datetime.fromisoformat(at).timestamp() * 1e3).to_bytes(6, "big")
        + blake2b(what.encode(), digest_size=10).digest()
    )
    return str(uuid.UUID(bytes=made[:6] + bytes([0x70 | made[6] & 15, made[7], 0x80 | made[8] & 63]) + made[9:]))


def a_job(dag: str, task: str, key: str) -> str:
    query = f"insert into t select * from u where day = '{key}' {'-- ' * 100}"
    facets = {
        "jobType": {**PAD, "jobType": "TASK", "integration": "AIRFLOW"},
        "ownership": {**PAD, "owners": [{"name": "team"}]},
        "sql": {**PAD, "query": query},
    }
    return json.dumps({"namespace": "prod", "name": f"{dag}.{task}", "facets": facets})


def hub_events() -> Iterator[bytes]:
    """Yield a COMPLETE of each of 100,000 jobs; 2,000 of them write one table, which many others read."""
    chance = random.Random(3)
    for number in range(HUB_JOBS):
        reads = [{"namespace": "s3://lake", "name": f"set_{chance.randrange(max(1, number))}"} for _ in range(2)]
        if number % 50 == 7:
            reads.append({"namespace": "s3://lake", "name": "hub"})
        writes = [{"namespace": "s3://lake", "name": f"set_{number}"}]
        if number % (HUB_JOBS // HUB_WRITERS) == 0:
            writes.append({"namespace": "s3://lake", "name": "hub"})
        yield json.dumps({
            "eventType": "COMPLETE", "eventTime": f"2026-11-20T{number % 24:02}:00:00Z", "producer": "test",
            "run": {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, str(number)))},
            "job": {"namespace": "prod", "name": f"job_{number}"}, "inputs": reads, "outputs": writes,
        }).encode()  # fmt: skip


def fill(database: Database, source: Iterator[bytes]) -> tuple[int, float, float]:
    """Take all events in and return how many, and the wall and CPU seconds that this took, without making them."""
    intake, count, wall, cpu = LineageIntake(database), 0, 0.0, 0.0
    while batch := [body for _, body in zip(range(500), source, strict=False)]:
        began, worked = time.perf_counter(), time.process_time()
        receipt = intake.ingest(batch)
        wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - worked
        assert receipt.refused == (), receipt.refused[:3]
        count += len(batch)
        if count % 100_000 == 0:
            print(f"  {count} events, {count / wall:.0f}/s, {cpu / count * 1e3:.2f} ms CPU an event", flush=True)
    return count, wall, cpu


def copy_back(database: Database, total: int) -> None:
    """Write the history again, each time as much earlier as it is long, until it is that of *total* events.

    Without events and JSON: only for machines on which taking in all of them would take too long.
    """
    with database.read() as connection:
        have = connection.execute(select(func.count()).select_from(t.EVENTS)).scalar_one()
        rows = {
            table: connection.execute(select(table)).all()
            for table in (t.RUNS, t.RUN_IO, t.PARTITION_RUNS, t.PARTITIONS)
        }
        oldest = connection.execute(
            select(func.count()).select_from(t.EVENTS).where(t.EVENTS.c.received_day < 0)
        ).scalar_one()
    times = {"state_at", "started_at", "ended_at", "last_event", "schema_at", "nominal_start", "nominal_end"}
    turn = oldest // max(1, have) + 1
    while have < total:
        part = min(1.0, (total - have) / len(rows[t.RUNS]) / 2)
        back_h = HISTORY_H * turn

        def moved(name: str, value: object, back_h: int = back_h, turn: int = turn) -> object:
            if name in times and value is not None:
                return value - back_h * 3_600_000_000
            if name in ("run_id", "parent_run_id") and value:
                return (int.from_bytes(value[:6], "big") - back_h * 3_600_000).to_bytes(6, "big") + value[6:]
            return f"{value}-{turn}" if name == "partition_key" and value else value

        for table, found in rows.items():
            names = [column.name for column in table.columns]
            marks = ", ".join(["?" if database.sqlite else "%s"] * len(names))
            given = [tuple(map(moved, names, row)) for row in found[: int(len(found) * part)]]
            with database.write() as connection:
                connection.exec_driver_sql(
                    f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT DO NOTHING", given
                )
        new = int(len(rows[t.RUNS]) * part) * 2
        with database.write() as connection:
            keys = [(os.urandom(16), -1) for _ in range(new)]
            mark = "?" if database.sqlite else "%s"
            connection.exec_driver_sql(f"INSERT INTO {t.EVENTS.name} VALUES ({mark}, {mark})", keys)
        have, turn = have + new, turn + 1


def looked_at(pack: ContextPack) -> int:
    """Look at the runs that a report reads: each job's newest, and all of the jobs one hop up."""
    direct = {job.id for level in pack.upstream.levels[:1] for job in level.jobs}
    return sum(len([*runs] if job in direct else [runs[0]]) for job, runs in pack.runs.items())


def packs(database: Database, names: list[str], keys: list[str]) -> tuple[list[float], list[tuple[int, ...]]]:
    """Return the milliseconds of each pack, and its extent; the first twenty warm what a process keeps.

    The packs themselves are let go, as a triage does: with hundreds of them in memory, collecting garbage is measured.
    """
    lineage, taken, worked, whole, found = SqlLineage(database), [], [], [], []
    for number, name in enumerate([*names[:20], *names]):
        began, cpu = time.perf_counter(), time.process_time()
        with lineage.reading() as reader:
            pack = context_pack(reader, reader.find_jobs(name), partition_key=keys[number % len(keys)])
            looked_at(pack)
        if number >= 20:
            taken.append((time.perf_counter() - began) * 1e3)
            worked.append((time.process_time() - cpu) * 1e3)
            found.append(extent(pack))
    for number, name in enumerate(names):  # on its own: what it makes pushes out what a process keeps
        cpu = time.process_time()
        with lineage.reading() as reader:
            pack = context_pack(reader, reader.find_jobs(name), partition_key=keys[number % len(keys)])
            sum(len([*runs]) for runs in pack.runs.values())
        whole.append((time.process_time() - cpu) * 1e3)
    for what, values in (("a pack", worked), ("every run of it looked at", whole)):
        p50, p95 = (statistics.quantiles(values, n=100)[at] for at in (49, 94))
        print(f"  CPU of this process, {what}: p50 {p50:.1f} p95 {p95:.1f} ms", flush=True)
    return taken, found


def tell(where: str, what: str, taken: list[float], goal: float) -> None:
    p50, p95, p99 = (statistics.quantiles(taken, n=100)[at] for at in (49, 94, 98))
    show(where, what, f"p50 {p50:.1f} p95 {p95:.1f} p99 {p99:.1f} ms", f"p95 <= {goal:.0f} ms", p95 <= goal)


def rows_of(database: Database, table: Table) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def measure(where: str, url: str, hub_url: str, count: int, many: int) -> None:
    chance = random.Random(4)
    database = Database(url)
    filled = rows_of(database, t.EVENTS)
    if not filled:
        filled, wall, cpu = fill(database, events(count))
        show(
            where, f"taken in: {filled} events", f"{filled / wall:.0f}/s, {cpu / filled * 1e3:.2f} ms CPU", "", met=True
        )
    if (total := int(os.environ.get("TOTAL", "0"))) > filled:
        copy_back(database, total)
        filled = total
    with database.read() as connection:
        keys = (
            connection.exec_driver_sql("SELECT partition_key FROM agentic_ol_partition_runs GROUP BY 1 ORDER BY 1")
            .scalars()
            .all()
        )
    if not database.sqlite:  # what its own daemon does within a minute of such a load
        with database.at_once() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    names = [f"dag_{chance.randrange(DAGS)}.task_{chance.randrange(TASKS)}" for _ in range(many)]
    taken, found = packs(database, names, chance.choices(keys, k=64))
    middle = [statistics.median(values) for values in zip(*found, strict=True)]
    tell(where, f"pack at {filled} events, n={many}, load {os.getloadavg()[0]:.1f}", taken, GOALS[where])
    print(f"  median pack: {', '.join(f'{n:.0f} {what}' for n, what in zip(middle, EXTENT, strict=True))}")
    per_event = size(database) / filled
    goal = 400 if database.sqlite else None
    show(where, "size", f"{per_event:.0f} bytes/event", f"<= {goal}", goal is None or per_event <= goal)
    database.close()
    if os.environ.get("HUB", "1") == "0":
        return
    database = Database(hub_url)
    if not rows_of(database, t.EVENTS):
        fill(database, hub_events())
    if not database.sqlite:
        with database.at_once() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    readers = [f"job_{number}" for number in range(7, HUB_JOBS, 50)]
    taken, found = packs(database, chance.choices(readers, k=many), ["2026-11-20"])
    assert any(hubs for *_, hubs in found)
    tell(where, f"pack beside 2,000 writers, n={many}, load {os.getloadavg()[0]:.1f}", taken, GOAL_HUB)
    database.close()


EXTENT = ("jobs", "data sets", "schema versions", "changes", "runs", "transformations", "hubs")


def extent(pack: ContextPack) -> tuple[int, ...]:
    histories = pack.histories
    return (
        len(pack.upstream.jobs), len(pack.upstream.datasets), sum(len(h.versions) for h in histories),
        sum(len(h.changes) for h in histories), sum(map(len, pack.runs.values())),
        len(pack.partition.transformations) if pack.partition else 0, len(pack.upstream.hubs),
    )  # fmt: skip


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    many = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    only, kept = os.environ.get("ONLY", ""), os.environ.get("KEEP", "")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        if only in ("", "sqlite"):
            measure("sqlite", f"sqlite:///{kept or folder}/store.db", f"sqlite:///{folder}/hub.db", count, many)
    if only in ("", "postgresql"):
        if kept := os.environ.get("POSTGRES"):
            measure("postgresql", kept, os.environ.get("POSTGRES_HUB", ""), count, many)
            return
        try:
            with running_postgres() as server:
                measure("postgresql", new_database(server), new_database(server), count, many)
        except RuntimeError as error:
            print(f"postgresql: not measured, {error}")


if __name__ == "__main__":
    main()
