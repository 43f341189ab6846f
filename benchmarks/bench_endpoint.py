"""How many lineage events a second come in through HTTP, beside the intake called directly with the same events.

``python benchmarks/bench_endpoint.py [events]``: a uvicorn process of its own serves the api-server's endpoint on
loopback with SQLite behind it; clients keep their connection, as OpenLineage's HTTP transport does. One event a request
by one and by four clients, gzipped as the transport does it, and lists of 50. Names are cold for the first 4,000 events,
which are not timed. CPU is the server's, all of it: HTTP, key, JSON, store. At load 8: intake 76/s, HTTP 59/s, four clients 175/s, lists 344/s.
"""

from __future__ import annotations

import gzip
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from bench_lineage import COLD, events

from airflow_agentic.lineage.header import HEADER
from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.store.database import Database

KEY = "a-key-of-24-characters-x"
SERVER = """import sys, uvicorn
from airflow_agentic.lineage.endpoint import lineage_app
from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.store.database import Database
intake = LineageIntake(Database(sys.argv[1]))
uvicorn.run(lineage_app(lambda: intake, lambda: sys.argv[2]), port=int(sys.argv[3]), log_level="error")
"""


def main(count: int) -> None:
    """Measure and print."""
    source = events(COLD + 5 * count)
    with tempfile.TemporaryDirectory() as folder:
        direct = LineageIntake(Database(f"sqlite:///{folder}/direct.db"))
        cold = list(itertools.islice(source, COLD))
        for first in range(0, COLD, 500):
            direct.ingest(cold[first : first + 500])
        began, worked = time.perf_counter(), time.process_time()
        for body in itertools.islice(source, count):
            direct.ingest([body])
        tell("the intake itself, one event a call", count, began, time.process_time() - worked)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        url = f"sqlite:///{folder}/served.db"
        server = subprocess.Popen([sys.executable, "-c", SERVER, url, KEY, str(port)])
        try:
            address = f"http://127.0.0.1:{port}/api/v1/lineage"
            wait_for(port)
            send(address, batches(iter(cold), 50), 1)
            for what, clients, size in (
                ("HTTP, one event a request, one client", 1, 1),
                ("HTTP, one event a request, four clients", 4, 1),
                ("HTTP, lists of 50, one client", 1, 50),
            ):
                bodies = batches(itertools.islice(source, count), size)
                began, worked = time.perf_counter(), cpu(server.pid)
                send(address, bodies, clients)
                tell(what, count, began, cpu(server.pid) - worked)
        finally:
            server.terminate()
            server.wait()


def batches(source: Iterator[bytes], size: int) -> list[bytes]:
    """Return gzipped bodies: one event, or a list of *size*."""
    found = []
    while part := list(itertools.islice(source, size)):
        found.append(gzip.compress(part[0] if size == 1 else b"[" + b",".join(part) + b"]", compresslevel=3))
    return found


def send(address: str, bodies: list[bytes], clients: int) -> None:
    headers = {HEADER: KEY, "content-type": "application/json", "content-encoding": "gzip"}
    failed: list[str] = []

    def post(mine: list[bytes]) -> None:
        with httpx.Client(headers=headers, timeout=60, trust_env=False) as client:
            failed.extend(a.text for a in (client.post(address, content=body) for body in mine) if a.status_code != 201)

    threads = [threading.Thread(target=post, args=(bodies[n::clients],)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[:3]


def wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server does not listen")


def cpu(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def tell(what: str, count: int, began: float, worked: float) -> None:
    took = time.perf_counter() - began
    load = os.getloadavg()[0]
    print(f"{what:44} {count / took:6.0f}/s {worked / count * 1e3:6.2f} ms CPU an event, load {load:.1f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
