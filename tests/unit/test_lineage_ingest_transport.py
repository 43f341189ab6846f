"""The transport, its spool, its configuration, and how long lineage is kept."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.uuid import generate_new_uuid
from sqlalchemy import func, select

from airflow_agentic.errors import SettingsError
from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.lineage.retention import Keep, retain
from airflow_agentic.lineage.setup import TRANSPORT, sends_to_us, transport_with_ours
from airflow_agentic.lineage.spool import Spool
from airflow_agentic.lineage.transport import AgenticConfig, AgenticTransport
from airflow_agentic.lineage.wire import DAY_US
from airflow_agentic.store import lineage_tables as t
from airflow_agentic.store.database import Database


def an_event() -> RunEvent:
    return RunEvent(
        eventType=RunState.COMPLETE, eventTime="2026-11-23T06:00:00+00:00", producer="https://p.example/x",
        run=Run(runId=str(generate_new_uuid())), job=Job(namespace="n", name="d.t"),
    )  # fmt: skip


def runs_in(url: str) -> int:
    database = Database(url)
    with database.read() as connection:
        found = connection.execute(select(func.count()).select_from(t.RUNS)).scalar_one()
    database.close()
    return int(found)


def transport(tmp_path: Path, **config: Any) -> AgenticTransport:
    return AgenticTransport(
        AgenticConfig.from_dict({"type": TRANSPORT, "spool_dir": str(tmp_path / "spool"), **config})
    )


def test_events_are_written_to_the_store_that_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    sender = transport(tmp_path, store_url=url)
    for _ in range(3):
        sender.emit(an_event())
    assert sender.close()
    assert runs_in(url) == 3
    assert Spool(str(tmp_path / "spool")).waiting() == (0, 0)


def test_events_wait_on_disk_while_the_receiver_is_away_and_follow_the_next_that_gets_through(tmp_path: Path) -> None:
    (tmp_path / "gone").write_text("")
    url = f"sqlite:///{tmp_path}/gone/store.db"
    away = transport(tmp_path, store_url=url)
    for _ in range(3):
        away.emit(an_event())
    assert Spool(str(tmp_path / "spool")).waiting()[0] == 3
    (tmp_path / "gone").unlink()
    back = transport(tmp_path, store_url=url)
    back.emit(an_event())
    back.close()
    assert runs_in(url) == 4
    assert Spool(str(tmp_path / "spool")).waiting() == (0, 0)


class Receiver(BaseHTTPRequestHandler):
    seen: list[Any] = []
    status = 201

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers["X-Agentic-Lineage-Key"], json.loads(body)))
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"refused": [{"position": 0, "reason": "no"}], "detail": ""}')

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("status", "kept"), [(201, 0), (422, 0), (500, 1), (403, 1)])
def test_posting_keeps_what_may_be_taken_later_and_only_that(tmp_path: Path, status: int, kept: int) -> None:
    receiver = type("Its", (Receiver,), {"seen": [], "status": status})
    server = HTTPServer(("127.0.0.1", 0), receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        transport(tmp_path, url=f"http://127.0.0.1:{server.server_port}/agentic/", key="k" * 20).emit(an_event())
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    ((path, key, body),) = receiver.seen
    assert (path, key, body["job"]["name"]) == ("/agentic/api/v1/lineage", "k" * 20, "d.t")
    assert Spool(str(tmp_path / "spool")).waiting()[0] == kept


def test_nothing_is_raised_into_a_task_whatever_is_wrong(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "spool").write_text("no folder")
    transport(tmp_path, url=f"http://127.0.0.1:{port}", key="k", timeout_s=0.2).emit(an_event())
    transport(tmp_path, store_url="nonsense").emit(an_event())


def test_a_full_spool_keeps_what_it_has(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "s"), most_bytes=25)
    assert [spool.keep(b"0123456789") for _ in range(3)] == [True, True, False]
    oldest = spool.oldest(1)
    spool.done([path for path, _ in oldest])
    assert spool.waiting() == (1, 10)


def test_the_composite_transport_of_the_client_loads_ours(tmp_path: Path) -> None:
    from openlineage.client.transport import get_default_factory

    url = f"sqlite:///{tmp_path}/store.db"
    kept = {"type": "file", "log_file_path": str(tmp_path / "events"), "append": True}
    made = transport_with_ours(json.dumps(kept))
    made["transports"]["agentic"]["store_url"] = url
    both = get_default_factory().create(made)
    both.emit(an_event())
    assert both.close()
    assert runs_in(url) == 1
    assert (tmp_path / "events").read_text()


def test_the_present_sink_is_kept_and_ours_is_added_once() -> None:
    assert transport_with_ours("") == {"type": TRANSPORT}
    http = {"type": "http", "url": "http://marquez"}
    once = transport_with_ours(json.dumps(http), url="http://a/agentic")
    assert once["transports"] == {"existing": http, "agentic": {"type": TRANSPORT, "url": "http://a/agentic"}}
    assert transport_with_ours(json.dumps(once), url="http://a/agentic") == once
    assert len(transport_with_ours(json.dumps({"type": "composite", "transports": [http]}))["transports"]) == 2
    assert sends_to_us(json.dumps(once))
    assert not sends_to_us(json.dumps(http))
    with pytest.raises(SettingsError, match="transport"):
        transport_with_ours("{")


def test_retention_deletes_the_old_and_what_only_the_old_referred_to(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/store.db")
    today = 20_780

    def event(day: int, table: str, run: int) -> dict[str, Any]:
        from datetime import datetime, timedelta, timezone

        at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(days=day)
        columns = {"schema": {"fields": [{"name": table, "type": "int"}]}}
        return {
            "eventType": "COMPLETE", "eventTime": at.isoformat(), "producer": "p",
            "run": {"runId": f"00000000-0000-0000-0000-{run:012}"}, "job": {"namespace": "n", "name": f"job {table}"},
            "inputs": [{"namespace": "x", "name": table, "facets": columns}],
        }  # fmt: skip

    intake = LineageIntake(database)
    intake.ingest(
        [event(today - 200, "old", 1), event(today - 100, "middle", 2), event(today, "new", 3)], now_us=today * DAY_US
    )
    counted = retain(database, Keep(), today=today, dry_run=True)
    deleted = retain(database, Keep(), today=today)
    assert counted["agentic_ol_runs"] == deleted["agentic_ol_runs"] == 2
    assert {name: rows for name, rows in retain(database, Keep(), today=today).items() if rows} == {}
    with database.read() as connection:
        names = set(connection.execute(select(t.DATASETS.c.name)).scalars())
        runs = connection.execute(select(func.count()).select_from(t.RUNS)).scalar_one()
        schemas = connection.execute(select(func.count()).select_from(t.SCHEMAS)).scalar_one()
    database.close()
    assert (names, runs, schemas) == ({"middle", "new"}, 1, 2)
