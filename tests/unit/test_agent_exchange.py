import json

from airflow_agentic.agents.exchange import exchange_facts
from airflow_agentic.testing.model import text_reply, tool_reply

REQUEST = {"model": "m", "tools": [{"name": "look"}], "messages": [{"role": "user", "content": "customer's code"}]}


def test_the_facts_of_a_request_name_its_digest_and_hold_none_of_its_text():
    facts = exchange_facts("request", REQUEST, "abc")
    assert (facts["model"], facts["messages"], facts["tools"], facts["body"]) == ("m", "1", "look", "abc")
    assert "customer" not in json.dumps(facts)


def test_the_facts_of_a_reply_say_why_it_ended_and_what_it_used():
    facts = exchange_facts("reply", tool_reply("look", {"at": "a"}), "abc")
    assert (facts["stop_reason"], facts["calls"], facts["input_tokens"]) == ("tool_use", "look", "100")
    assert exchange_facts("reply", text_reply("secret words"), "abc")["calls"] == ""


def test_the_facts_of_a_call_are_bounded():
    call = {"name": "edit_file", "input": {"new": "x" * 10_000}, "refused": True, "output": "no" * 20}
    facts = exchange_facts("tool", call, "abc")
    assert facts["refused"] == "yes"
    assert len(facts["input"]) == 500
    assert facts["characters"] == "40"
