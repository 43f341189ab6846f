"""The REST API's errors, tokens and streams."""

import httpx
import pytest

from airflow_agentic.context.airflow_api import AirflowApi
from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.records import TaskKey

KEY = TaskKey(dag_id="a/b", run_id="manual__2026-11-02T04:00:00+00:00", task_id="group.load", map_index=3, try_number=2)


def an_api(answer, *, login=None):
    def handle(request):
        if request.url.path == "/auth/token":
            return login(request) if login else httpx.Response(201, json={"access_token": "jwt"})
        return answer(request)

    return AirflowApi("http://airflow.test/", "viewer", "pass-word", transport=httpx.MockTransport(handle))


def test_ids_cannot_leave_their_place_in_the_path():
    seen = []

    def answer(request):
        seen.append(request.url.raw_path.decode())
        return httpx.Response(200, text='{"event":"x"}\n')

    list(an_api(answer).log(KEY))
    assert seen == [
        "/api/v2/dags/a%2Fb/dagRuns/manual__2026-11-02T04%3A00%3A00%2B00%3A00/taskInstances/group.load/logs/2?map_index=3"
    ]


def test_a_token_that_has_run_out_is_renewed_once():
    tokens = iter(["old", "new"])

    def answer(request):
        good = request.headers["authorization"] == "Bearer new"
        return httpx.Response(200, json={"is_paused": True}) if good else httpx.Response(401)

    api = an_api(answer, login=lambda request: httpx.Response(201, json={"access_token": next(tokens)}))
    assert api.dag("feed").is_paused


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda r: httpx.Response(403), "role viewer"),
        (lambda r: httpx.Response(401), "role viewer"),
        (lambda r: httpx.Response(503), "HTTP 503"),
        (lambda r: httpx.Response(200, text="<html>"), "api-server"),
        (lambda r: (_ for _ in ()).throw(httpx.ReadTimeout("slow", request=r)), "ReadTimeout"),
        (lambda r: (_ for _ in ()).throw(httpx.ConnectError("refused", request=r)), "refused"),
    ],
    ids=["forbidden", "never authorised", "server error", "a web page", "time-out", "nobody listens"],
)
def test_an_airflow_that_does_not_answer_says_what_to_do(answer, said):
    with pytest.raises(SourceUnavailable, match=said) as error:
        an_api(answer).dag("feed")
    assert "Airflow API connection" in str(error.value)
    assert "pass-word" not in str(error.value)


def test_a_refused_login_names_the_account_and_not_its_password():
    with pytest.raises(SourceUnavailable, match="as 'viewer' failed: HTTP 401") as error:
        an_api(lambda r: httpx.Response(200), login=lambda r: httpx.Response(401)).dag("feed")
    assert "pass-word" not in str(error.value)


def test_a_log_that_is_gone_is_not_found():
    with pytest.raises(IncidentNotFound):
        next(an_api(lambda r: httpx.Response(404)).log(KEY))


class Endless(httpx.SyncByteStream):
    closed = False

    def __iter__(self):
        while True:
            yield b'{"event":"one"}\n{"event":"two"}\n{"ev'
            yield b'ent":"three"}\n'

    def close(self):
        self.closed = True


def test_a_log_is_streamed_and_closed_when_its_reader_stops():
    stream = Endless()
    lines = an_api(lambda r: httpx.Response(200, stream=stream)).log(KEY)
    assert [next(lines) for _ in range(3)] == [b'{"event":"one"}', b'{"event":"two"}', b'{"event":"three"}']
    lines.close()
    assert stream.closed


def test_a_line_without_an_end_does_not_fill_the_memory():
    class Flood(httpx.SyncByteStream):
        def __iter__(self):
            yield from (b"x" * 1_000_000 for _ in range(5))

    assert len(next(an_api(lambda r: httpx.Response(200, stream=Flood())).log(KEY))) <= 2_100_000


def test_a_stream_that_breaks_off_is_unavailable():
    class Broken(httpx.SyncByteStream):
        def __iter__(self):
            yield b'{"event":"one"}\n'
            raise httpx.RemoteProtocolError("peer closed connection")

    lines = an_api(lambda r: httpx.Response(200, stream=Broken())).log(KEY)
    next(lines)
    with pytest.raises(SourceUnavailable, match="broke off"):
        next(lines)


def test_more_tasks_than_a_page_are_all_read():
    def answer(request):
        start = int(request.url.params["offset"])
        page = [{"task_id": f"t{n}", "state": "failed"} for n in range(start, min(start + 100, 250))]
        return httpx.Response(200, json={"task_instances": page})

    assert len(an_api(answer).task_instances("feed", "r")) == 250


def test_a_run_that_assets_started_names_the_runs_that_fed_it():
    event = {"source_dag_id": "pull", "source_run_id": "r9"}

    def answer(request):
        if request.url.path.endswith("/upstreamAssetEvents"):
            return httpx.Response(200, json={"asset_events": [event, event, {"source_dag_id": None}]})
        found = {"dag_id": "pull" if "/pull/" in request.url.path else "feed", "dag_run_id": "r9", "state": "success"}
        return httpx.Response(200, json=found)

    api = an_api(answer)
    assert [run.dag_id for run in api.runs_beside(api.dag_run("feed", "r1"))] == ["pull"]
