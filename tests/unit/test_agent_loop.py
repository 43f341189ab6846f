import json

import pytest
from pydantic import BaseModel, ConfigDict

from airflow_agentic.agents.loop import AgentLimits, ToolLoop
from airflow_agentic.agents.toolbox import CALLS_A_REPLY, RESULT_CHARACTERS, Toolbox
from airflow_agentic.errors import AuditError, BudgetExceeded, ModelUnavailable, ToolRefused
from airflow_agentic.ports import Effect
from airflow_agentic.testing.model import (
    LimitedMoney,
    ScriptedModel,
    WordRedactor,
    refusal,
    text_reply,
    tool_reply,
    unavailable,
)


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid")
    cause: str


class LookTool:
    name = "look"
    description = "Look at something that is there."
    effect = Effect.READ

    def __init__(self):
        self.input_schema = {"type": "object", "properties": {"at": {"type": "string"}}}

    def run(self, arguments):
        if arguments["at"] == "forbidden":
            raise ToolRefused("not that hunter2")
        if arguments["at"] == "broken":
            raise RuntimeError("inside")
        return f"saw {arguments['at']} hunter2 {'x' * 50_000 if arguments['at'] == 'long' else ''}"


class Clock:
    def __init__(self, step):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


DONE = text_reply({"cause": "found"})


def ask(model, *, limits=None, money=None, record=None, clock=None):
    log = []
    keep = record or (lambda kind, payload: log.append((kind, payload)))
    box = Toolbox((LookTool(),), redactor=WordRedactor("hunter2"), frame=lambda s, t: f"<data>{t}</data>", record=keep)
    loop = ToolLoop(
        model,
        toolbox=box,
        spending=money or LimitedMoney(),
        limits=limits or AgentLimits(),
        record=keep,
        **({"clock": clock} if clock else {}),
    )
    return loop.ask("i1", system="You investigate.", question="What broke?", answer=Said), log


def looks(*places):
    return [tool_reply("look", {"at": place}) for place in places]


def result_of(request):
    return request["messages"][-1]["content"]


def test_every_request_carries_all_that_was_said_before():
    model = ScriptedModel(*looks("a", "b"), DONE)
    ask(model)
    for earlier, later in zip(model.requests, model.requests[1:]):
        assert later["messages"][: len(earlier["messages"])] == earlier["messages"]
        assert len(later["messages"]) == len(earlier["messages"]) + 2


def test_the_prefix_that_is_cached_never_changes():
    model = ScriptedModel(*looks("a", "b"), DONE)
    ask(model)
    heads = [json.dumps({k: v for k, v in request.items() if k != "messages"}) for request in model.requests]
    assert len(set(heads)) == 1
    assert model.requests[0]["cache_control"] == {"type": "ephemeral"}


def test_thinking_is_sent_back_as_it_came():
    thought = {"type": "thinking", "thinking": "", "signature": "abc"}
    call = tool_reply("look", {"at": "a"})
    model = ScriptedModel({**call, "content": [thought, *call["content"]]}, DONE)
    ask(model)
    assert model.requests[1]["messages"][1]["content"][0] == thought


def test_a_tools_result_is_redacted_framed_and_bounded():
    model = ScriptedModel(*looks("a", "long"), DONE)
    ask(model)
    assert result_of(model.requests[1])[0]["content"].startswith("<data>saw a [secret:1:word]")
    assert len(result_of(model.requests[2])[0]["content"]) < RESULT_CHARACTERS + 100


def test_a_refused_call_is_an_error_result_without_secrets():
    model = ScriptedModel(*looks("forbidden"), DONE)
    ask(model)
    (result,) = result_of(model.requests[1])
    assert result["is_error"] is True
    assert "hunter2" not in result["content"]


@pytest.mark.parametrize(
    "call",
    [("look", {"at": "broken"}), ("rm", {"at": "/"}), ("look", {"where": "x"})],
    ids=["crashing", "unknown-tool", "unknown-argument"],
)
def test_a_bad_call_never_ends_the_investigation(call):
    model = ScriptedModel(tool_reply(*call), DONE)
    reached, _ = ask(model)
    assert reached.answer.cause == "found"
    assert result_of(model.requests[1])[0]["is_error"] is True


def test_the_same_call_is_refused_the_third_time():
    model = ScriptedModel(*looks("a", "a", "a"), DONE)
    ask(model)
    assert "is_error" not in result_of(model.requests[2])[0]
    assert "twice already" in result_of(model.requests[3])[0]["content"]


def test_too_many_calls_in_one_reply_are_not_run():
    many = tool_reply("look", {"at": "a"})
    many["content"] = [
        {"type": "tool_use", "id": f"t{n}", "name": "look", "input": {"at": str(n)}} for n in range(CALLS_A_REPLY + 3)
    ]
    model = ScriptedModel(many, DONE)
    ask(model)
    results = result_of(model.requests[1])
    assert len(results) == CALLS_A_REPLY + 3
    assert sum(1 for result in results if result.get("is_error")) == 3


def test_at_the_turn_limit_the_answer_is_asked_for_without_tools():
    model = ScriptedModel(*looks("a", "b"), DONE)
    reached, _ = ask(model, limits=AgentLimits(turns=3))
    assert [request.get("tool_choice") for request in model.requests] == [None, None, {"type": "none"}]
    assert model.requests[2]["tools"] == model.requests[0]["tools"]
    assert result_of(model.requests[2])[0]["type"] == "tool_result"
    assert "limit of turns" in reached.notes[0]


def test_a_model_that_never_answers_is_stopped():
    model = ScriptedModel(lambda request: tool_reply("look", {"at": str(len(request["messages"]))}))
    with pytest.raises((BudgetExceeded, ModelUnavailable)):
        ask(model, limits=AgentLimits(turns=4))
    assert len(model.requests) <= 5


@pytest.mark.parametrize(
    ("limits", "clock", "word"),
    [
        (AgentLimits(total_tokens=2_500), None, "tokens"),
        (AgentLimits(usd=0.17), None, "money"),
        (AgentLimits(wall_s=10.0), Clock(4.0), "time"),
    ],
    ids=["tokens", "money", "time"],
)
def test_near_each_limit_the_model_is_asked_for_what_it_has(limits, clock, word):
    usage = {"input_tokens": 1_000, "output_tokens": 1_000}
    model = ScriptedModel(tool_reply("look", {"at": "a"}, **usage), DONE)
    reached, _ = ask(model, limits=limits, clock=clock)
    assert f"limit of {word}" in reached.notes[0]
    assert model.requests[-1]["tool_choice"] == {"type": "none"}


def test_what_does_not_fit_the_budget_is_not_sent_and_the_setting_is_named():
    model = ScriptedModel(DONE)
    with pytest.raises(BudgetExceeded, match="usd_per_incident"):
        ask(model, limits=AgentLimits(usd=0.001))
    assert model.requests == []


def test_a_request_is_reserved_at_its_worst_and_settled_at_its_cost():
    money, held = LimitedMoney(), []
    model = ScriptedModel(lambda request: held.append(dict(money.held)) or DONE)
    reached, _ = ask(model, money=money)
    assert held[0]["1"] > reached.usage.cost_usd > 0
    assert money.held == {}
    assert money.spent_usd == pytest.approx(reached.usage.cost_usd)


@pytest.mark.parametrize(("reason", "kept"), [("timeout", True), ("overloaded", False)])
def test_money_is_kept_when_the_provider_may_have_done_the_work(reason, kept):
    money = LimitedMoney()
    with pytest.raises(ModelUnavailable) as caught:
        ask(ScriptedModel(*looks("a"), unavailable(reason)), money=money)
    assert (money.spent_usd > 0.05) is kept
    assert money.held == {}
    assert caught.value.usage.requests == 2


def test_a_refusal_is_an_outcome():
    with pytest.raises(ModelUnavailable) as caught:
        ask(ScriptedModel(refusal()))
    assert caught.value.reason == "refusal"


@pytest.mark.parametrize(
    "bad",
    [
        text_reply("no idea"),
        text_reply({"cause": 1}),
        text_reply({"other": "x"}),
        text_reply('{"cause": "x', stop_reason="max_tokens"),
        {**text_reply(""), "content": []},
    ],
    ids=["prose", "wrong-type", "wrong-field", "cut-off", "empty"],
)
def test_an_invalid_answer_is_asked_for_once_more(bad):
    model = ScriptedModel(bad, DONE)
    reached, _ = ask(model)
    assert reached.answer.cause == "found"
    assert "no valid answer" in result_of(model.requests[1])[-1]["text"]
    with pytest.raises(ModelUnavailable) as caught:
        ask(ScriptedModel(bad, bad))
    assert caught.value.reason == "invalid_output"


def test_a_call_that_was_cut_off_is_answered_before_the_repair():
    cut = tool_reply("look", {"at": "a"})
    model = ScriptedModel({**cut, "stop_reason": "max_tokens"}, DONE)
    ask(model)
    kinds = [block["type"] for block in result_of(model.requests[1])]
    assert kinds == ["tool_result", "text"]


def test_every_request_reply_and_call_is_recorded_in_order():
    _, log = ask(ScriptedModel(*looks("a"), DONE))
    assert [kind for kind, _ in log] == ["request", "reply", "tool", "request", "reply"]


def test_nothing_is_sent_when_it_cannot_be_recorded():
    def broken(kind, payload):
        raise AuditError("disk full")

    model = ScriptedModel(DONE)
    with pytest.raises(AuditError):
        ask(model, record=broken)
    assert model.requests == []
