"""The ingest endpoint, with requests of friends and strangers."""

from __future__ import annotations

import gzip
import json
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_agentic.lineage.endpoint import lineage_app
from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.lineage.payload import depth
from airflow_agentic.store.database import Database

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

KEY = "a-key-of-24-characters-x"
URL = "/api/v1/lineage"
AUTH = {"X-Agentic-Lineage-Key": KEY, "Content-Type": "application/json"}


def event(run: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "eventType": "COMPLETE", "eventTime": "2026-11-23T06:00:00Z", "producer": "p",
        "run": {"runId": str(uuid.UUID(int=run))}, "job": {"namespace": "n", "name": "j"}, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('endpoint')}/store.db")
    intake = LineageIntake(database)
    with TestClient(lineage_app(lambda: intake, lambda: KEY), raise_server_exceptions=True) as opened:
        yield opened
    database.close()


def post(client: TestClient, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(URL, content=content, headers={**AUTH, **headers})


def test_an_event_and_a_list_of_events_are_taken(client: TestClient) -> None:
    assert post(client, event(1)).status_code == 201
    answer = post(client, [event(2), event(3), event(1)])
    assert (answer.status_code, answer.json()) == (201, {"taken": 2, "repeated": 1, "refused": []})


@pytest.mark.parametrize(
    "headers", [{}, {"X-Agentic-Lineage-Key": "wrong"}, {"Authorization": f"Bearer {KEY}"}, {"Cookie": "_token=x"}]
)
def test_without_the_right_key_nothing_is_read(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post(URL, content=json.dumps(event(99)), headers={"Content-Type": "application/json", **headers})
    assert answer.status_code == 401
    assert "lineage_key" in answer.json()["detail"]
    assert post(client, event(uuid.uuid4().int)).json()["taken"] == 1


@pytest.mark.parametrize("key", ["", "short"])
def test_without_a_key_of_some_length_the_endpoint_is_closed_and_names_the_setting(key: str) -> None:
    with TestClient(lineage_app(lambda: pytest.fail("no intake is needed"), lambda: key)) as closed:
        answer = closed.post(URL, content=b"{}", headers={**AUTH, "X-Agentic-Lineage-Key": key})
    assert answer.status_code == 403
    assert "[agentic] lineage_key" in answer.json()["detail"]


def test_good_events_beside_bad_ones_are_in_and_each_bad_one_has_its_reason(client: TestClient) -> None:
    twice = json.dumps(event(12))[:-1].encode() + b', "producer": "q"}'
    body = (
        b"["
        + b",".join([json.dumps(event(10)).encode(), b'{"eventTime": 5}', twice, json.dumps(event(11)).encode()])
        + b"]"
    )
    answer = post(client, body)
    assert (answer.status_code, answer.json()["taken"]) == (422, 2)
    assert [(one["position"], one["reason"][:12]) for one in answer.json()["refused"]] == [
        (1, "eventTime is"),
        (2, "an object ha"),
    ]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b'{"half": ', {}, 400),
        (b"[" * 5_000, {}, 400),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, {}, 400),
        (b'{"a": NaN}', {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"x" * 5_000_001, {}, 413),
        (gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"}, 413),
        (gzip.compress(b"{}")[:-6], {"Content-Encoding": "gzip"}, 400),
        (b"no gzip", {"Content-Encoding": "gzip"}, 400),
        (b"{}", {"Content-Encoding": "br"}, 415),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"[" + b"0," * 6_000 + b"0]", {}, 400),
    ],
    ids=range(13),
)
def test_what_is_no_event_is_refused_with_a_reason(
    client: TestClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = post(client, body, **headers)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_gzip_is_taken(client: TestClient) -> None:
    assert (
        post(client, gzip.compress(json.dumps(event(20)).encode()), **{"Content-Encoding": "gzip"}).status_code == 201
    )


def test_brackets_in_strings_are_no_depth() -> None:
    assert depth(json.dumps({"a": ["[[[[", '\\"[{', {"]": 1}]}).encode()) == 3


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
        lambda c: st.lists(c, max_size=3)
        | st.dictionaries(st.sampled_from(["eventTime", "eventType", "run", "runId", "job", "namespace", "name", "inputs", "facets", "schema", "fields", "parent"]), c, max_size=5),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode())
)  # fmt: skip
def test_whatever_is_sent_the_answer_is_json_and_no_error_of_ours(client: TestClient, body: bytes) -> None:
    answer = post(client, body)
    assert answer.status_code in (201, 400, 422)
    assert isinstance(answer.json(), dict)
    assert post(client, event(30)).status_code == 201


def test_the_openapi_document_names_header_bodies_and_answers(client: TestClient) -> None:
    operation = client.get("/api/v1/openapi.json").json()["paths"][URL]["post"]
    assert operation["parameters"][0]["name"] == "X-Agentic-Lineage-Key"
    assert set(operation["responses"]) >= {"201", "400", "401", "403", "413", "415", "422", "503"}


def test_a_store_that_is_away_is_told_as_503_without_its_address(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    intake = LineageIntake(Database(f"sqlite:///{tmp_path}/file/store.db"))
    with TestClient(lineage_app(lambda: intake, lambda: KEY)) as away:
        answer = post(away, event())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert str(tmp_path) not in answer.text
