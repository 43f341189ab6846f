"""Fakes of the model's side: a model that answers from a script, one that obeys strangers, money, a redactor.

They fulfil the same ports as the real ones; nothing here knows a pipeline.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from airflow_agentic.errors import BudgetExceeded, ModelUnavailable
from airflow_agentic.records import Usage

Step = Mapping[str, Any] | Exception | Callable[[Mapping[str, Any]], Mapping[str, Any]]


class ScriptedModel:
    """A `Model` whose replies are given: bodies, errors to raise, or functions of the request; the last one repeats."""

    def __init__(self, *steps: Step, name: str = "claude-sonnet-5-5") -> None:
        self.name = name
        self.requests: list[dict[str, Any]] = []
        self._steps = steps

    def reply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the next reply; the request is kept in `requests`."""
        self.requests.append(deepcopy(dict(request)))
        step = self._steps[min(len(self.requests), len(self._steps)) - 1]
        if isinstance(step, Exception):
            raise step
        return step(request) if callable(step) else deepcopy(step)


class ObedientModel:
    """A `Model` that does whatever stands in the text it is shown: the worst case for guardrails.

    It calls each tool that a text names as ``CALL tool {json}``, one a turn, and then answers with the object that a
    text gives as ``ANSWER {json}``, laid over *answer*. What it was shown is in `requests`.
    """

    def __init__(self, answer: Mapping[str, Any], *, name: str = "claude-sonnet-5-5") -> None:
        self.name = name
        self.requests: list[dict[str, Any]] = []
        self._answer = dict(answer)
        self._obeyed: set[str] = set()

    def reply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Obey the first order that was not obeyed yet."""
        self.requests.append(deepcopy(dict(request)))
        text = "\n".join(_texts(request["messages"]))
        for found in re.finditer(r"CALL (\w+) ", text):
            arguments = _json_at(text, found.end())
            order = f"{found[1]} {json.dumps(arguments, sort_keys=True)}"
            if arguments is not None and order not in self._obeyed and "tool_choice" not in request:
                self._obeyed.add(order)
                return tool_reply(found[1], arguments)
        wanted = re.search(r"ANSWER ", text)
        told = _json_at(text, wanted.end()) if wanted else None
        return text_reply({**self._answer, **(told or {})})


class LimitedMoney:
    """A `Spending` in memory, with one limit."""

    def __init__(self, usd: float = 10.0) -> None:
        self.limit_usd = usd
        self.held: dict[str, float] = {}
        self.spent_usd = 0.0
        self._numbers = 0

    def reserve(self, incident_id: str, usd: float) -> str:
        """Hold *usd*. :raises BudgetExceeded: it is not there."""
        if self.spent_usd + sum(self.held.values()) + usd > self.limit_usd:
            raise BudgetExceeded(
                f"{incident_id}: {usd:.3f} USD more would pass {self.limit_usd:.2f} (usd_per_incident)."
            )
        self._numbers += 1
        self.held[str(self._numbers)] = usd
        return str(self._numbers)

    def settle(self, reservation: str, usage: Usage) -> None:
        """Replace what was held by what was spent."""
        del self.held[reservation]
        self.spent_usd += usage.cost_usd


class WordRedactor:
    """A `Redactor` that knows some words."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def redact(self, text: str) -> str:
        """Return *text* with each word replaced by its placeholder."""
        for number, word in enumerate(self._words, start=1):
            text = text.replace(word, f"[secret:{number}:word]")
        return text


def tool_reply(name: str, arguments: Mapping[str, Any], *, call_id: str = "", **usage: int) -> dict[str, Any]:
    """Return a reply's body that calls one tool."""
    number = abs(hash((name, json.dumps(arguments, sort_keys=True)))) % 10**12
    block = {"type": "tool_use", "id": call_id or f"toolu_{number}", "name": name, "input": dict(arguments)}
    return _reply([block], "tool_use", usage)


def text_reply(answer: Mapping[str, Any] | str, *, stop_reason: str = "end_turn", **usage: int) -> dict[str, Any]:
    """Return a reply's body that says *answer*."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return _reply([{"type": "text", "text": text}], stop_reason, usage)


def refusal() -> dict[str, Any]:
    """Return a reply's body that refuses."""
    return _reply([], "refusal", {})


def unavailable(reason: str) -> ModelUnavailable:
    """Return the error of a provider that cannot answer."""
    return ModelUnavailable(f"Asking the model failed: {reason}.", reason=reason)


def an_answer(**changes: Any) -> dict[str, Any]:
    """Return a valid final answer of the agent `single`, with *changes*."""
    return {
        "root_cause": "The upstream renamed a field.",
        "category": "schema_drift",
        "action": "code_fix_pr",
        "transience": "permanent",
        "severity": "P2",
        "confidence": 0.9,
        "root_cause_dag": "load",
        "root_cause_task": "parse",
        "root_cause_file": None,
        "cites": ["E1"],
        "evidence_gaps": [],
        "blast_radius": [],
        "next_step": "Review the change.",
        "change_summary": "Read the new name as well",
        **changes,
    }


def _reply(content: Sequence[Mapping[str, Any]], stop_reason: str, usage: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [dict(block) for block in content],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 50, **usage},
    }


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return _texts(list(value.values()))
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def _json_at(text: str, place: int) -> dict[str, Any] | None:
    try:
        found, _ = json.JSONDecoder().raw_decode(text, place)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
