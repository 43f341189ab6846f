"""Marquez as a place of lineage: answers in the shapes of its OpenAPI document, from a real server on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from airflow_agentic.context.lineage import LineageSource
from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.lineage import answers
from airflow_agentic.lineage.marquez import Marquez
from airflow_agentic.plugs_lineage import lineage_origins
from airflow_agentic.records import SourceReport
from airflow_agentic.scope import Scope
from airflow_agentic.testing.targets import a_target

DB = "postgres://db:5432/shop"
LOAD, MIGRATE = ("prod", "feed.load"), ("prod", "vendor.migrate")
RAW = (DB, "raw.orders")


def uid(number: int) -> str:
    return f"870492da-ecfb-4be0-91b9-{number:012d}"


def run(
    number: int, state: str, day: str, task: str, reads: Any = None, writes: Any = None, **facets: Any
) -> dict[str, Any]:
    """A Run of the OpenAPI document."""
    dag_id, _, task_id = task.partition(".")
    airflow = {"dag": {"dag_id": dag_id}, "dagRun": {"run_id": f"{dag_id}-{day}"}, "task": {"task_id": task_id}}

    def used(version: int | None) -> list[dict[str, Any]]:
        told = {"namespace": DB, "name": "raw.orders", "version": uid(version or 0)}
        return [{"datasetVersionId": told, "facets": {}}] if version else []

    at = f"2026-11-{day}T06:00:00.201361Z"
    return {
        "id": uid(number), "createdAt": at, "updatedAt": at, "nominalStartTime": None, "nominalEndTime": None,
        "state": state, "startedAt": at, "endedAt": None if state == "RUNNING" else f"2026-11-{day}T06:05:00Z",
        "durationMs": 300_000, "args": {}, "jobVersion": None, "inputDatasetVersions": used(reads),
        "outputDatasetVersions": used(writes), "facets": {"airflow": airflow, **facets},
    }  # fmt: skip


def version(number: int, day: str, *columns: str, by: int | None = None) -> dict[str, Any]:
    """A DatasetVersion of the OpenAPI document."""
    return {
        "id": {"namespace": DB, "name": "raw.orders", "version": uid(number)}, "type": "DB_TABLE", "name": "raw.orders",
        "physicalName": "raw.orders", "createdAt": f"2026-{day}T06:05:00Z", "version": uid(number),
        "namespace": DB, "sourceName": "db", "tags": [], "description": None, "facets": {},
        "fields": [{"name": c.split(":")[0], "type": c.split(":")[1], "tags": [], "description": None} for c in columns],
        "createdByRun": {"id": uid(by)} if by else None,
    }  # fmt: skip


def job_node(name: tuple[str, str], reads: bool = False, writes: bool = False) -> dict[str, Any]:
    node, data = f"job:{name[0]}:{name[1]}", f"dataset:{RAW[0]}:{RAW[1]}"
    named = {"namespace": RAW[0], "name": RAW[1]}
    return {
        "id": node, "type": "JOB",
        "data": {"id": {"namespace": name[0], "name": name[1]}, "type": "BATCH", "name": name[1], "namespace": name[0],
                 "inputs": [named] if reads else [], "outputs": [named] if writes else [], "latestRun": None},
        "inEdges": [{"origin": data, "destination": node}] if reads else [],
        "outEdges": [{"origin": node, "destination": data}] if writes else [],
    }  # fmt: skip


def data_node() -> dict[str, Any]:
    node = f"dataset:{RAW[0]}:{RAW[1]}"
    return {
        "id": node, "type": "DATASET",
        "data": {"id": {"namespace": RAW[0], "name": RAW[1]}, "type": "DB_TABLE", "name": RAW[1], "namespace": RAW[0]},
        "inEdges": [{"origin": "job:prod:vendor.migrate", "destination": node}],
        "outEdges": [{"origin": node, "destination": "job:prod:feed.load"}],
    }  # fmt: skip


NOISE = {"type": "JOB", "name": "feed.load_more", "namespace": "prod", "nodeId": "job:prod:feed.load_more"}
ANSWERS: dict[str, Any] = {
    "/api/v1/search": {
        "totalCount": 2,
        "results": [
            {"type": "JOB", "name": "feed.load", "namespace": "prod", "nodeId": "job:prod:feed.load",
             "updatedAt": "2026-11-02T06:00:00Z"},
            NOISE,
        ],
    },
    "/api/v1/namespaces": {"namespaces": [{"name": "prod", "ownerName": "anonymous"}, {"name": DB}]},
    "/api/v1/lineage": {"graph": [job_node(LOAD, reads=True), data_node(), job_node(MIGRATE, writes=True)]},
    f"/api/v1/namespaces/{DB}/datasets/raw.orders/versions": {
        "versions": [
            version(2, "11-01", "id:int", "amount_usd:numeric", by=12),
            version(1, "10-30", "id:int", "amount:numeric"),
        ]
    },
    "/api/v1/namespaces/prod/jobs/feed.load": {"facets": {}},
    "/api/v1/namespaces/prod/jobs/vendor.migrate": {
        "facets": {"sql": {"query": "ALTER TABLE raw.orders RENAME COLUMN amount TO amount_usd"}}
    },
    "/api/v1/namespaces/prod/jobs/feed.load/runs": {
        "runs": [
            run(11, "FAILED", "02", "feed.load", reads=2, errorMessage={"message": "column amount does not exist"}),
            run(10, "COMPLETED", "01", "feed.load", reads=1),
        ]
    },
    "/api/v1/namespaces/prod/jobs/vendor.migrate/runs": {
        "runs": [run(12, "COMPLETED", "01", "vendor.migrate", writes=2)]
    },
}  # fmt: skip


class Served(BaseHTTPRequestHandler):
    asked: list[tuple[str, str]] = []

    odd: dict[str, Any] = {}
    """Answers in place of the usual ones: an object, bytes as they are, a status, or seconds to wait for one."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        odd = next((value for end, value in Served.odd.items() if unquote(url.path).endswith(end)), None)
        if isinstance(odd, float):
            time.sleep(odd)
        elif isinstance(odd, int):
            return self._send(odd, {"code": odd, "message": "oops"})
        elif odd is not None:
            return self._send(200, odd)
        Served.asked.append((self.path, self.headers.get("Authorization") or ""))
        if "broken" in (self.headers.get("Authorization") or ""):
            return self._send(500, {"code": 500, "message": "oops"})
        found = ANSWERS.get(unquote(url.path))
        if url.path.endswith("/lineage") and parse_qs(url.query)["nodeId"] != ["job:prod:feed.load"]:
            found = None
        return self._send(200, found) if found is not None else self._send(404, {"code": 404, "message": "Not found"})

    def _send(self, status: int, body: Any) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_rename_upstream_is_told_with_its_run_as_from_our_own_store(address: str) -> None:
    target = a_target()
    target = replace(target, run=replace(target.run, run_id="feed-02"), last_good=None)
    found = LineageSource(lineage_origins(Scope(), marquez=Marquez(address, "key-1"))).read(target, SourceReport())
    changed = found.evidence[0]
    assert found.lineage_origin == "Marquez"
    assert changed.title == "Schema changed in raw.orders: column 'amount' is now called 'amount_usd'"
    assert "changed by vendor.migrate (Dag vendor, run vendor-01, COMPLETE" in changed.body
    assert found.errors[0].message == "column amount does not exist"
    assert {key for _, key in Served.asked} >= {"Bearer key-1"}


def test_names_with_addresses_are_one_part_of_the_path(address: str) -> None:
    Served.asked.clear()
    with Marquez(address).reading([("feed", "load")], []):
        pass
    assert any(
        path.startswith("/api/v1/namespaces/postgres%3A%2F%2Fdb%3A5432%2Fshop/datasets/raw.orders")
        for path, _ in Served.asked
    )
    assert not any("load_more" in path for path, _ in Served.asked)


def test_the_same_questions_are_answered(address: str) -> None:
    with Marquez(address).reading([("feed", "load")], []) as reader:
        up = answers.neighbours(reader, "upstream", "feed.load")
        history = answers.schemas(reader, "raw.orders")
        waiting = answers.blast(reader, "raw.orders")
    assert [row["name"] for row in up] == ["raw.orders", "vendor.migrate"]
    assert any(row["what"] == "renamed" and row["by"].startswith("Dag vendor, job vendor.migrate") for row in history)
    assert "feed.load" in waiting[0]["detail"]


def test_the_check_says_what_marquez_holds(address: str) -> None:
    assert Marquez(f"{address}/api/v1/").check() == f"2 namespace(s): prod, {DB}"


def test_a_task_that_marquez_does_not_know_is_no_lineage(address: str) -> None:
    with Marquez(address).reading([("other", "task")], []) as reader:
        assert reader.find_jobs("other.task") == ()


@pytest.mark.parametrize("key", ["broken", ""], ids=["it answers 500", "nobody listens"])
def test_a_marquez_that_is_away_says_which_connection_to_mend(address: str, key: str) -> None:
    where = address if key else "http://127.0.0.1:9"
    with pytest.raises(SourceUnavailable, match="marquez_conn_id"), Marquez(where, key).reading([("a", "b")], []):
        pass


@pytest.fixture
def odd() -> Iterator[dict[str, Any]]:
    Served.odd.clear()
    yield Served.odd
    Served.odd.clear()


@pytest.mark.parametrize(
    "answer",
    [500, 503, 301, b"<html>a proxy</html>", b'{"versions": [', b"[" * 100_000, b"", 2.0],
    ids=["500", "503", "moved", "html", "half", "deep", "empty", "too slow"],
)
def test_one_answer_that_cannot_be_had_costs_its_part_and_is_said(
    address: str, odd: dict[str, Any], answer: Any
) -> None:
    odd["/datasets/raw.orders/versions"] = answer
    notes: list[str] = []
    with Marquez(address, timeout_s=0.3).reading([("feed", "load")], notes) as reader:
        assert [row["name"] for row in answers.neighbours(reader, "upstream", "feed.load")] == [
            "raw.orders",
            "vendor.migrate",
        ]
    assert "a part is missing" in notes[0] and "versions" in notes[0]


@pytest.mark.parametrize(
    "answer",
    [
        {"versions": None}, {"versions": {"a": 1}}, {"versions": [None, 3, {"version": None}]}, {"unknown": True}, [], {},
        {"versions": [{**version(2, "11-01", "id:int", by=12), "fields": [{"name": ["x"], "type": ["y"]}, {"type": 4}]}]},
        {"versions": [{**version(2, "11-01", "id:int"), "createdAt": None, "createdByRun": "x", "facets": 7}]},
    ],
    ids=["null", "object", "members", "unknown", "a list", "nothing", "types", "times"],
)  # fmt: skip
def test_odd_fields_are_as_if_they_were_absent(address: str, odd: dict[str, Any], answer: Any) -> None:
    odd["/datasets/raw.orders/versions"] = answer
    with Marquez(address).reading([("feed", "load")], []) as reader:
        assert [row["name"] for row in answers.neighbours(reader, "upstream", "feed.load")] == [
            "raw.orders",
            "vendor.migrate",
        ]


def test_a_slow_marquez_is_left_after_its_time_and_says_what_was_not_read(address: str, odd: dict[str, Any]) -> None:
    odd["/runs"] = 0.3
    notes: list[str] = []
    began = time.monotonic()
    with Marquez(address, timeout_s=5, total_s=0.2).reading([("feed", "load")], notes) as reader:
        assert reader.find_jobs("feed.load")
    assert time.monotonic() - began < 2 and "time for all answers together is over" in notes[0]


def test_a_job_that_the_search_does_not_reach_is_asked_for_in_each_namespace(address: str, odd: dict[str, Any]) -> None:
    odd["/search"] = {"totalCount": 900, "results": [{**NOISE, "name": f"feed.load_{n}"} for n in range(50)]}
    with Marquez(address).reading([("feed", "load")], []) as reader:
        assert [row["name"] for row in answers.neighbours(reader, "upstream", "feed.load")] == [
            "raw.orders",
            "vendor.migrate",
        ]


def test_a_namespace_and_a_name_with_slashes_and_colons_are_found_again(address: str, odd: dict[str, Any]) -> None:
    path = ("s3://lake:9000/a b", "landing/2026/orders:v2%2F.json")
    node = f"dataset:{path[0]}:{path[1]}"
    reads = {**job_node(LOAD), "inEdges": [{"origin": node, "destination": "job:prod:feed.load"}]}
    reads["data"]["inputs"] = [{"namespace": path[0], "name": path[1]}]
    named = {"id": {"namespace": path[0], "name": path[1]}, "namespace": path[0], "name": path[1]}
    odd["/lineage"] = {"graph": [reads, {"id": node, "type": "DATASET", "data": named, "inEdges": [], "outEdges": []}]}
    odd["/jobs/feed.load/runs"] = {"runs": []}
    odd[f"/{path[0]}/datasets/{path[1]}/versions"] = {"versions": [{**version(5, "11-01", "id:int"), **named}]}
    with Marquez(address).reading([("feed", "load")], []) as reader:
        found = [row["name"] for row in answers.neighbours(reader, "upstream", "feed.load")]
        known = answers.schemas(reader, found[0])
    assert len(found) == 1 and "orders:v2%2F.json" in found[0]
    assert known[0]["detail"] == "id int"
