from __future__ import annotations

import json
import logging
import stat
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_agentic.records import Failure, Signal
from airflow_agentic.triggers import background
from airflow_agentic.triggers.dispatch import Dispatch, DispatchResult, Where, dispatch
from airflow_agentic.triggers.incidents import already_reported, incident_id
from airflow_agentic.triggers.kept import forget_kept, keep, kept_failures
from airflow_agentic.triggers.rest import RestAccount, RestFailed, account_of, post_run


class Api(BaseHTTPRequestHandler):
    """As much of Airflow's REST API as a dispatch touches: it remembers runs, and can be told to misbehave."""

    server: Any

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.server.delay_s)
        if self.path == "/auth/token":
            self._answer(201 if body["password"] == "right" else 401, {"access_token": "t"})
        elif self.server.refuse:
            self._answer(self.server.refuse, {"detail": "no"})
        elif body["dag_run_id"] in self.server.runs:
            self._answer(409, {"detail": "exists"})
        else:
            self.server.runs[body["dag_run_id"]] = body
            self._answer(200, body)

    def do_GET(self) -> None:
        self._answer(200, {"is_paused": self.server.paused})

    def _answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nothing: pytest has the output."""


@pytest.fixture
def api() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.runs, server.paused, server.refuse, server.delay_s = {}, False, 0, 0.0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def an_account(api: Any, password: str = "right") -> RestAccount:
    return RestAccount(url=f"http://127.0.0.1:{api.server_port}", login="operator", password=password)


def a_failure(**changes: Any) -> Failure:
    given: dict[str, Any] = {
        "dag_id": "orders",
        "run_id": "r1",
        "clear_number": 0,
        "signal": Signal.DAG_CALLBACK,
        "seen_at": "2026-11-02T04:00:00+00:00",
    }
    return Failure(**{**given, **changes})


def sent(tmp_path: Path, where: Where, rest: RestAccount | None = None, **changes: Any) -> DispatchResult:
    return dispatch(
        a_failure(**changes),
        triage_dag_id="agentic_triage",
        debounce_s=5,
        spool_dir=str(tmp_path),
        where=where,
        rest=rest,
    )


def test_the_dag_processor_creates_the_run_through_the_rest_api(tmp_path: Path, api: Any) -> None:
    result = sent(tmp_path, Where.DAG_PROCESSOR, an_account(api))
    run = api.runs[incident_id("orders", "r1", 0)]
    assert (result.status, run["conf"]["incident_id"]) == (Dispatch.CREATED, result.incident_id)
    assert run["conf"]["failure"]["dag_id"] == "orders"
    assert run["logical_date"] is None


def test_a_run_that_exists_is_a_duplicate(tmp_path: Path, api: Any) -> None:
    sent(tmp_path / "one host", Where.DAG_PROCESSOR, an_account(api))
    assert sent(tmp_path / "another", Where.DAG_PROCESSOR, an_account(api)).status is Dispatch.DUPLICATE


def test_a_second_failure_of_a_reported_run_sends_nothing(tmp_path: Path, api: Any) -> None:
    sent(tmp_path, Where.DAG_PROCESSOR, an_account(api))
    api.runs.clear()
    assert sent(tmp_path, Where.DAG_PROCESSOR, an_account(api)).status is Dispatch.DUPLICATE
    assert api.runs == {}


def test_a_paused_triage_dag_is_said(tmp_path: Path, api: Any, caplog: pytest.LogCaptureFixture) -> None:
    api.paused = True
    assert sent(tmp_path, Where.DAG_PROCESSOR, an_account(api)).status is Dispatch.CREATED
    assert "Unpause it" in caplog.text


@pytest.mark.parametrize(
    ("status", "cure"), [(404, "Put triage_dag(...) into a Dag file"), (403, "permission to trigger"), (500, "500")]
)
def test_a_refusal_keeps_the_failure_and_says_what_to_do(
    tmp_path: Path, api: Any, caplog: pytest.LogCaptureFixture, status: int, cure: str
) -> None:
    api.refuse = status
    assert sent(tmp_path, Where.DAG_PROCESSOR, an_account(api)).status is Dispatch.KEPT
    assert [failure for _, failure in kept_failures(str(tmp_path))] == [a_failure()]
    assert cure in caplog.text
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


def test_a_wrong_password_is_named_and_not_printed(tmp_path: Path, api: Any) -> None:
    detail = sent(tmp_path, Where.DAG_PROCESSOR, an_account(api, "hunter2")).detail
    assert "login and password" in detail
    assert "hunter2" not in detail + repr(an_account(api, "hunter2"))


def test_a_kept_failure_is_forgotten_once_it_is_handed_over(tmp_path: Path, api: Any) -> None:
    sent(tmp_path, Where.DAG_PROCESSOR, None)
    assert list(kept_failures(str(tmp_path)))
    sent(tmp_path, Where.DAG_PROCESSOR, an_account(api))
    assert not list(kept_failures(str(tmp_path)))


def test_an_api_that_hangs_is_given_up_in_time(api: Any) -> None:
    api.delay_s = 0.5
    started = time.monotonic()
    with pytest.raises(RestFailed, match="did not answer within"):
        post_run(an_account(api), "agentic_triage", {"dag_run_id": "x"}, total_s=0.05)
    assert time.monotonic() - started < 0.4


def test_without_an_account_the_dag_processor_names_the_setting(tmp_path: Path) -> None:
    result = sent(tmp_path, Where.DAG_PROCESSOR)
    assert (result.status, "airflow_conn_id" in result.detail) == (Dispatch.KEPT, True)


def test_outside_a_task_process_there_is_no_supervisor_to_ask(tmp_path: Path) -> None:
    assert sent(tmp_path, Where.WORKER).status is Dispatch.KEPT


def test_a_servers_main_thread_is_refused_rather_than_its_session_broken(tmp_path: Path) -> None:
    result = sent(tmp_path, Where.SERVER)
    assert (result.status, "background thread" in result.detail) == (Dispatch.KEPT, True)


@pytest.mark.parametrize("changes", [{"dag_id": "agentic_triage"}, {"tags": ("agentic",)}], ids=repr)
def test_the_triage_is_not_triaged(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert sent(tmp_path, Where.DAG_PROCESSOR, None, **changes).status is Dispatch.IGNORED
    assert not list(tmp_path.iterdir())


def test_a_full_or_foreign_disk_loses_no_word_and_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    assert sent(tmp_path, Where.DAG_PROCESSOR).status is Dispatch.KEPT
    assert "Not kept" in caplog.text
    assert not already_reported(str(tmp_path), incident_id("orders", "r1", 0))


def test_the_folder_of_kept_failures_is_the_operators_own(tmp_path: Path) -> None:
    place = Path(keep(str(tmp_path / "spool"), incident_id("orders", "r1", 0), a_failure()))
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_a_broken_file_does_not_hide_the_other_kept_failures(tmp_path: Path) -> None:
    keep(str(tmp_path), incident_id("orders", "r1", 0), a_failure())
    (tmp_path / "kept" / "broken.json").write_text("{")
    assert [failure.dag_id for _, failure in kept_failures(str(tmp_path))] == ["orders"]
    forget_kept(str(tmp_path), incident_id("orders", "r1", 0))
    assert not list(kept_failures(str(tmp_path)))


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "airflow", "port": 8080, "schema": None}, "http://airflow:8080"),
        ({"host": "airflow", "port": None, "schema": "https"}, "https://airflow"),
        ({"host": "https://a.example/base/", "port": None, "schema": "http"}, "https://a.example/base"),
    ],
    ids=repr,
)
def test_the_address_comes_from_an_http_connection(fields: dict[str, Any], url: str) -> None:
    connection = SimpleNamespace(login="l", password="p", **fields)
    assert account_of(connection, conn_id="airflow_api").url == url


def test_jobs_run_in_order_on_one_thread_and_a_failing_one_stops_nobody() -> None:
    seen: list[object] = []
    done = threading.Event()
    background.submit(lambda: seen.append(background.is_here()))
    background.submit(lambda: 1 / 0)
    background.submit(done.set)
    assert done.wait(5)
    assert (seen, background.is_here()) == ([True], False)
