"""Distil a large log: rate against ``json.loads`` over its lines, peak memory, and whether a planted cause survives.

    python benchmarks/bench_log.py [--megabytes 100] [--gigabyte] [--placements 25]

Each figure is measured in a process of its own, methods in turn, three times; the median counts. The causes below were
written beside the algorithm: they show that nothing is broken, they are no blind test. Those of ``data/cause_lines.txt``
are other people's, collected before the algorithm was last changed; their first score stands in docs/FACTS_context.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

CHATTER = (
    "Fetched page {a} of {b} from https://api.example.com/v2/items?cursor={h}",
    "Wrote {a} rows to staging.items_{a} in {f} s",
    "heartbeat ok pid={a} rss={b} MB",
    "Processing batch {h} ({a}/{b})",
    "cache hit ratio {f} for key {h}",
    "Committed offset {a} partition {b}",
    "checkpoint {h} saved to s3://bucket/tmp/{h}/part-{a}.parquet",
    "GET http://10.0.{a}.{b}:8080/health 200 {f}ms",
)
NAMED = (
    "Table {w} analysed, {a} pages, next {w}",
    "user {w} opened session {w}",
    "Copied file {w}_{a}.csv to bucket {w}",
    "worker {w} picked job {w}",
    "Step {w}: {w} done in {a}s",
    "resolved {w} to 10.0.0.{a}",
    "Customer {w} {w} has {a} orders",
    "Merging {w} into {w} on key {w}",
    "metric {w}.{w}={a}",
    "sent {a} messages to topic {w}",
)
"""Statements with names in them: each makes thousands of kinds of line."""
SYLLABLES = (
    "ka",
    "mo",
    "ri",
    "ten",
    "sol",
    "ver",
    "pra",
    "lin",
    "dex",
    "tor",
    "una",
    "bel",
    "cas",
    "dro",
    "fin",
    "gal",
)
CAUSES = {
    "ERROR": (
        "connection to 10.1.2.3:5432 refused by server",
        "column order_total does not exist in relation raw.orders",
    ),
    "WARNING": (
        "12 of 40 rows published, partition still loading",
        "falling back to default currency USD for 812 rows",
    ),
    "INFO": (
        "upstream returned an unexpected content type text/html",
        "source file is 3 days old, using it anyway",
        "no rows matched the customer filter",
        "token will not be renewed for tenant acme",
    ),
}
KEPT_CHARS = 16_000


def lines(target_bytes: int, seed: int = 7) -> Iterator[bytes]:
    """Yield ndjson records as Airflow writes them: chatter, and one odd line in five hundred."""
    dice = random.Random(seed)
    words = [f"{dice.choice('bcdfgklmnprst')}{dice.choice('aeiou')}{dice.choice('lmnrstvz')}{i:x}" for i in range(400)]
    written = number = 0
    while written < target_bytes:
        number += 1
        text = dice.choice(CHATTER).format(
            a=dice.randrange(10_000), b=dice.randrange(10_000), f=f"{dice.random():.3f}", h=f"{dice.getrandbits(64):x}"
        )
        if number % 500 == 0:
            text = f"Stage {dice.choice(words)} of {dice.choice(words)} finished, next is {dice.choice(words)}"
        line = record("info", text, number)
        written += len(line)
        yield line


def named_lines(target_bytes: int, seed: int = 5) -> Iterator[bytes]:
    """Yield records whose lines are full of names."""
    dice = random.Random(seed)
    written = number = 0
    while written < target_bytes:
        number += 1
        text = dice.choice(NAMED).replace("{a}", str(dice.randrange(10_000)))
        while "{w}" in text:
            text = text.replace("{w}", "".join(dice.choices(SYLLABLES, k=3)), 1)
        line = record("info", text, number)
        written += len(line)
        yield line


def record(level: str, event: str, number: int) -> bytes:
    """Return one line of a task's log."""
    stamp = f"2026-11-02T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.{number % 1_000_000:06d}Z"
    logger = "airflow.task.hooks.airflow.providers.standard.hooks.subprocess.SubprocessHook"
    fields = {
        "timestamp": stamp,
        "level": level,
        "event": event,
        "logger": logger,
        "filename": "subprocess.py",
        "lineno": 106,
    }
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def one(method: str, path: str) -> None:
    """Run one method in this process and print seconds and peak memory."""
    if method == "distil":
        from airflow_agentic.context.logs.distil import distil
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    with open(path, "rb", buffering=1 << 20) as log:
        if method == "distil":
            kept = len(distil(log, budget_chars=KEPT_CHARS).text)
        elif method == "json.loads":
            kept = sum(1 for line in log if json.loads(line)["level"] == "error")
        else:
            kept = sum(1 for _ in log)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"wall": wall, "cpu": cpu, "rss": peak_mb(), "kept": kept}))


def peak_mb() -> float:
    """Return this process's peak memory; ``ru_maxrss`` would tell the parent's, which it inherits over ``exec``."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def rates(megabytes: int, repetitions: int, *, named: bool = False) -> None:
    """Print the table of rates, for a log that repeats itself or for one that is full of names."""
    goal = 1.5 if named else 4.0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.ndjson")
        with open(path, "wb") as log:
            body = b"".join((named_lines if named else lines)(min(megabytes, 100) * 1_000_000))
            log.writelines(body for _ in range(max(1, megabytes // 100)))
        del body
        size = os.path.getsize(path) / 1e6
        found: dict[str, list[dict[str, float]]] = {m: [] for m in ("lines only", "json.loads", "distil")}
        for _ in range(repetitions):
            for method, results in found.items():
                out = subprocess.run(
                    [sys.executable, __file__, "--one", method, path],
                    capture_output=True,
                    text=True,
                    check=True,
                    env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(os.path.abspath(__file__)))},
                )
                results.append(json.loads(out.stdout))
    base = statistics.median(r["cpu"] for r in found["json.loads"])
    print(f"{size:.0f} MB{' full of names' if named else ''}, {repetitions} repetitions in turn, medians\n")
    print(f"{'method':<12} {'wall s':>8} {'CPU s':>8} {'MB/s':>7} {'× json':>7} {'RSS MB':>7}")
    for method, results in found.items():
        wall, cpu, rss = (statistics.median(r[k] for r in results) for k in ("wall", "cpu", "rss"))
        print(f"{method:<12} {wall:8.2f} {cpu:8.2f} {size / wall:7.0f} {base / cpu:7.1f} {rss:7.0f}")
    ratio = base / statistics.median(r["cpu"] for r in found["distil"])
    rss = max(r["rss"] for r in found["distil"])
    print(f"\n{'goal':<34} {'got':>8}")
    print(f"{f'≥ {goal} × json.loads':<34} {ratio:8.1f}  {'met' if ratio >= goal else 'MISSED'}")
    print(f"{'≤ 64 MB RSS':<34} {rss:8.0f}  {'met' if rss <= 64 else 'MISSED'}\n")


def public_causes() -> tuple[str, ...]:
    """Return other people's lines."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "cause_lines.txt")
    with open(path, encoding="utf-8") as text:
        return tuple(line.rstrip("\n") for line in text if line.strip() and not line.startswith("#"))


def recall(placements: int, planted: dict[str, tuple[str, ...]], title: str, body: list[bytes]) -> None:
    """Print how often a planted cause is kept, against the ends of the log."""
    from airflow_agentic.context.logs.distil import distil

    dice = random.Random(3)
    lost: set[str] = set()
    print(f"\nRecall of {title}, {placements} random places in 5 MB for each cause")
    print(f"{'cause is':<10} {'last 200':>9} {'last 16k':>9} {'distil':>9}   goal")
    for level, causes in planted.items():
        hits = {"tail": 0, "chars": 0, "distil": 0}
        total = 0
        for cause in causes:
            for _ in range(placements):
                at = dice.randrange(len(body))
                log = [*body[:at], record(level.lower(), cause, at), *body[at:]]
                total += 1
                hits["tail"] += any(cause.encode() in line for line in log[-200:])
                hits["chars"] += cause.encode() in b"".join(log[-200:])[-KEPT_CHARS:]
                kept = cause in distil(log, budget_chars=KEPT_CHARS).text
                hits["distil"] += kept
                lost |= set() if kept else {f"{level}: {cause[:110]}"}
        share, goal = hits["distil"] / total, 0.9 if level == "INFO" else 0.99
        shown = "  ".join(f"{hits[k]:>3}/{total:<4}" for k in ("tail", "chars", "distil"))
        print(f"{level:<10}  {shown}  ≥ {goal:.0%}  {'met' if share >= goal else 'MISSED'}")
    for line in sorted(lost):
        print(f"  lost at least once: {line}")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--gigabyte", action="store_true", help="1 GB, once, instead of 100 MB three times")
    parser.add_argument("--rates", action="store_true", help="rates only; recall is not looked at")
    parser.add_argument("--placements", type=int, default=10)
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "PATH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(*options.one)
        return
    rates(1_000 if options.gigabyte else options.megabytes, 1 if options.gigabyte else 3)
    rates(min(options.megabytes, 100), 3, named=True)
    if options.rates:
        return
    body = list(lines(5_000_000, seed=11))
    recall(options.placements, CAUSES, "causes of our own", body)
    public = public_causes()
    recall(max(1, options.placements // 5), dict.fromkeys(CAUSES, public), f"{len(public)} public lines", body)
    named = list(named_lines(5_000_000))
    recall(1, {"INFO": public}, f"{len(public)} public lines among lines full of names", named)


if __name__ == "__main__":
    main()
