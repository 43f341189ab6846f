"""Every model and money that the agent is handed: the fakes keep the promises of their ports."""

import json

import pytest

from airflow_agentic.agents.single import SingleAgent
from airflow_agentic.errors import BudgetExceeded, ModelUnavailable
from airflow_agentic.records import Proposal, Usage
from airflow_agentic.testing.dossiers import a_checkout, a_dossier
from airflow_agentic.testing.model import (
    LimitedMoney,
    ObedientModel,
    ScriptedModel,
    WordRedactor,
    an_answer,
    text_reply,
    unavailable,
)

MODELS = {
    "scripted": lambda: ScriptedModel(text_reply(an_answer())),
    "obedient": lambda: ObedientModel(an_answer()),
}


def single(model, **changes):
    parts = {"tools_for": lambda d, b: (), "spending": LimitedMoney(), "redactor": WordRedactor(), **changes}
    return SingleAgent(model, **parts)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_a_model_replies_with_a_body_that_can_be_sent_back(model):
    reply = model().reply({"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hello"}]})
    assert json.loads(json.dumps(reply)) == reply
    assert {"content", "stop_reason", "usage"} <= set(reply)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_the_single_agent_proposes_with_a_name_and_a_cost(model, tmp_path):
    proposal = single(model()).propose(a_dossier(a_checkout(tmp_path, {"dags/load.py": "x = 1\n"})))
    assert isinstance(proposal, Proposal)
    assert proposal.pattern == "single"
    assert proposal.usage.cost_usd > 0


def test_an_agent_raises_nothing_but_what_propose_catches(tmp_path):
    with pytest.raises(ModelUnavailable):
        single(ScriptedModel(unavailable("overloaded"))).propose(a_dossier())
    with pytest.raises(BudgetExceeded):
        single(ScriptedModel(text_reply(an_answer())), spending=LimitedMoney(0.0)).propose(a_dossier())


def test_money_that_was_reserved_and_settled_is_free_again():
    money = LimitedMoney(1.0)
    money.settle(money.reserve("i1", 0.9), Usage(cost_usd=0.1))
    assert money.reserve("i1", 0.9)
    with pytest.raises(BudgetExceeded, match="usd_per_incident"):
        money.reserve("i2", 0.1)
