"""The real Anthropic SDK against a Messages API on loopback, and the SDK's own transport where that cannot say it."""

import json
import os

import anthropic
import httpx2
import pytest

from airflow_agentic.agents.loop import AgentLimits
from airflow_agentic.agents.model import AnthropicModel
from airflow_agentic.agents.single import SingleAgent
from airflow_agentic.errors import ModelUnavailable
from airflow_agentic.testing.dossiers import a_checkout, a_dossier
from airflow_agentic.testing.messages_api import MessagesApi, calls, fails, says
from airflow_agentic.testing.model import LimitedMoney, WordRedactor, an_answer
from airflow_agentic.tools.edit_file import EditFileTool
from airflow_agentic.tools.read_file import ReadFileTool

pytestmark = pytest.mark.e2e
REQUEST = {"model": "claude-sonnet-5-5", "messages": [{"role": "user", "content": "What broke?"}]}
STREAMED, WHOLE = 8_000, 4_000
SIZES = pytest.mark.parametrize("max_tokens", [STREAMED, WHOLE], ids=["streamed", "whole"])
INVESTIGATION = [
    calls(
        0, "read_file", {"path": "dags/load.py", "first_line": 1}, usage={"prompt_tokens": 900, "completion_tokens": 40}
    ),
    calls(1, "edit_file", {"path": "dags/load.py", "old": '"id"', "new": '"order_id"'}),
    calls(2, "edit_file", {"path": "../x", "old": "", "new": "x"}),
    says(3, an_answer(root_cause_file="dags/load.py"), usage={"prompt_tokens": 1500, "completion_tokens": 200}),
]


OPENED = []


@pytest.fixture(autouse=True)
def _closed():
    yield
    while OPENED:
        OPENED.pop().close()


def model(url, *, timeout_s=20.0, retries=0):
    client = anthropic.Anthropic(api_key="no-key", base_url=url)
    OPENED.append(AnthropicModel(lambda: client, "claude-sonnet-5-5", timeout_s=timeout_s, retries=retries))
    return OPENED[-1]


def over(handler, **options):
    """Return a model whose SDK talks to *handler* instead of a network."""
    client = anthropic.Anthropic(api_key="no-key", http_client=httpx2.Client(transport=httpx2.MockTransport(handler)))
    OPENED.append(AnthropicModel(lambda: client, "claude-sonnet-5-5", retries=0, **options))
    return OPENED[-1]


def single(ported, limits=None, record=None):
    return SingleAgent(
        ported,
        tools_for=lambda d, b: (ReadFileTool(b), EditFileTool(b)),
        spending=LimitedMoney(),
        redactor=WordRedactor(),
        limits=limits,
        record=record,
    )


def reason(ported, max_tokens=STREAMED):
    with pytest.raises(ModelUnavailable) as caught:
        ported.reply({**REQUEST, "max_tokens": max_tokens})
    return caught.value.reason


def sse(*events):
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=text)


@SIZES
def test_an_investigation_over_several_turns_ends_with_a_change(tmp_path, max_tokens):
    dossier = a_dossier(a_checkout(tmp_path, {"dags/load.py": 'row["id"]\n'}))
    with MessagesApi(INVESTIGATION) as api:
        proposal = single(model(api.url), AgentLimits(max_output_tokens=max_tokens)).propose(dossier)
        asked = [entry["body"] for entry in api.requests()]
    assert '+row["order_id"]' in proposal.change.diff
    assert proposal.usage.requests == 4
    assert proposal.usage.output_tokens >= 240
    assert [bool(body.get("stream")) for body in asked] == [max_tokens == STREAMED] * 4
    assert [len(body["tools"]) for body in asked] == [2] * 4
    assert "Done: dags/load.py" in json.dumps(asked[2])
    assert "no path inside the repository" in json.dumps(asked[3])


@SIZES
def test_a_refusal_reaches_the_loop_as_an_outcome(max_tokens):
    refused = says(0, "I cannot help.", finishReason="refusal")
    with MessagesApi([refused]) as api, pytest.raises(ModelUnavailable) as caught:
        single(model(api.url), AgentLimits(max_output_tokens=max_tokens)).propose(a_dossier())
    assert caught.value.reason == "refusal"


@SIZES
@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (429, "rate_limit_error", "rate_limited"),
        (529, "overloaded_error", "overloaded"),
        (500, "api_error", "unreachable"),
        (401, "authentication_error", "authentication"),
        (403, "permission_error", "authentication"),
        (400, "invalid_request_error", "bad_request"),
        (404, "not_found_error", "bad_request"),
    ],
)
def test_an_http_error_is_named_by_its_cause(status, kind, expected, max_tokens):
    with MessagesApi([fails(0, status, kind)]) as api:
        assert reason(model(api.url), max_tokens) == expected


def test_the_sdk_tries_again_after_a_429():
    once = fails(0, 429, "rate_limit_error")
    once["match"]["sequenceIndex"] = 0
    with MessagesApi([once, says(0, "here")]) as api:
        reply = model(api.url, retries=2).reply({**REQUEST, "max_tokens": STREAMED})
        assert len(api.requests()) == 2
    assert reply["content"][0]["text"] == "here"


@SIZES
def test_a_provider_that_does_not_answer_in_time_is_a_timeout(max_tokens):
    with MessagesApi([says(0, "late")], options=("--chaos-latency", "5000")) as api:
        assert reason(model(api.url, timeout_s=0.3), max_tokens) == "timeout"


def test_a_reply_that_trickles_is_ended():
    slow = {**says(0, "word " * 400), "latency": 60}
    with MessagesApi([slow]) as api:
        assert reason(model(api.url, timeout_s=0.4)) == "timeout"


@SIZES
def test_a_malformed_reply_is_invalid_output(max_tokens):
    with MessagesApi([says(0, "x")], options=("--chaos-malformed", "1")) as api:
        assert reason(model(api.url), max_tokens) == "invalid_output"


@SIZES
def test_a_cut_connection_is_unreachable(max_tokens):
    with MessagesApi([says(0, "x")], options=("--chaos-disconnect", "1")) as api:
        assert reason(model(api.url), max_tokens) == "unreachable"
    assert reason(model(api.url), max_tokens) == "unreachable"


def test_a_stream_that_stops_midway_is_no_answer():
    with MessagesApi([{**says(0, "word " * 400), "truncateAfterChunks": 5}]) as api:
        assert reason(model(api.url)) in ("unreachable", "invalid_output")


def test_an_overload_inside_a_stream_is_an_overload():
    start = {
        "type": "message_start",
        "message": {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
    }
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert reason(over(lambda request: sse(start, error))) == "overloaded"


@SIZES
def test_a_web_page_instead_of_a_reply_is_invalid_output(max_tokens):
    page = over(lambda request: httpx2.Response(200, headers={"content-type": "text/html"}, text="<html>proxy</html>"))
    assert reason(page, max_tokens) == "invalid_output"


def test_what_leaves_is_the_whole_history_with_a_stable_prefix_and_thinking_untouched(tmp_path):
    bodies, recorded = [], []
    thought = {"type": "thinking", "thinking": "", "signature": "sig"}
    call = {"type": "tool_use", "id": "t1", "name": "read_file", "input": {"path": "dags/load.py", "first_line": 1}}
    said = {"type": "text", "text": json.dumps(an_answer())}

    def handler(request):
        bodies.append(json.loads(request.content))
        content, stop = ([thought, call], "tool_use") if len(bodies) == 1 else ([thought, said], "end_turn")
        usage = {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_read_input_tokens": 900,
            "cache_creation_input_tokens": 100,
        }
        return httpx2.Response(
            200,
            json={
                "id": "m",
                "type": "message",
                "role": "assistant",
                "model": "m",
                "content": content,
                "stop_reason": stop,
                "stop_sequence": None,
                "usage": usage,
            },
        )

    dossier = a_dossier(a_checkout(tmp_path, {"dags/load.py": "x\n"}))
    limits = AgentLimits(max_output_tokens=WHOLE)
    proposal = single(over(handler), limits, lambda kind, payload: recorded.append((kind, payload))).propose(dossier)
    one, two = bodies
    assert {k: v for k, v in one.items() if k != "messages"} == {k: v for k, v in two.items() if k != "messages"}
    assert two["messages"][0] == one["messages"][0]
    assert two["messages"][1]["content"] == [thought, call]
    assert one["cache_control"] == {"type": "ephemeral"}
    assert one["output_config"]["format"]["type"] == "json_schema"
    assert [payload for kind, payload in recorded if kind == "request"] == bodies
    assert proposal.usage.cache_read_tokens == 1_800
    assert proposal.usage.cache_write_tokens == 200


def test_the_servers_process_is_gone_afterwards():
    with MessagesApi([says(0, "x")]) as api:
        pid = api.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
