"""A question and tools → a checked answer, by as many requests as it takes and the limits allow.

Every request carries the whole history and all tools: an audit and a replay need the real inputs, and the prefix
that never changes is what the prompt cache reads. The answer's form is demanded with ``output_config.format`` in
*every* request: it works beside tools, while forcing a tool is an error on the current models, and changing the
format on the way would empty the cache (docs/FACTS_model.md).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from airflow_agentic.agents.prices import cost, unknown_price_note, worst_cost
from airflow_agentic.agents.toolbox import Record, Toolbox
from airflow_agentic.errors import BudgetExceeded, ModelUnavailable
from airflow_agentic.ports import Model, Spending
from airflow_agentic.records import Usage

A = TypeVar("A", bound=BaseModel)
CHARACTERS_A_TOKEN = 2.0
"""Lower than any real text has, so that a reservation is never too small."""
UNCERTAIN = ("timeout", "unreachable")
"""After these the provider may have done, and billed, the work."""


@dataclass(frozen=True, kw_only=True)
class AgentLimits:
    """How far one investigation may go. At a limit the model is asked once for what it has."""

    turns: int = 16
    """Requests, the last one included."""
    total_tokens: int = 200_000
    """Of input, cache writes and output; what is read from the cache costs next to nothing and is bounded by *usd*."""
    usd: float = 1.0
    wall_s: float = 300.0
    max_output_tokens: int = 8_000
    """Per request, thinking included."""


@dataclass(frozen=True, kw_only=True)
class Reached(Generic[A]):
    """What the loop ended with."""

    answer: A
    usage: Usage
    notes: tuple[str, ...]


@dataclass(kw_only=True)
class _Run:
    incident_id: str
    head: dict[str, Any]
    messages: list[dict[str, Any]]
    started: float
    usage: Usage
    known_tokens: int = 0
    """Prompt and output of the last request: what the next one holds at least."""
    new_characters: int = 0
    """What was added since."""
    closing: str = ""
    """The limit that is reached; from now on no tool is called."""
    repaired: bool = False
    notes: list[str] = field(default_factory=list)


class ToolLoop:
    """Ask one model until it answers.

    :param spending: a request is reserved at its worst case before it leaves, and settled after.
    :param record: told ``request``, ``reply`` and ``tool`` before and after each; what it raises stops the loop.
    """

    def __init__(
        self,
        model: Model,
        *,
        toolbox: Toolbox,
        spending: Spending,
        limits: AgentLimits,
        record: Record,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._toolbox = toolbox
        self._spending = spending
        self._limits = limits
        self._record = record
        self._clock = clock

    def ask(self, incident_id: str, *, system: str, question: str, answer: type[A]) -> Reached[A]:
        """Return the model's answer.

        :raises ModelUnavailable: a refusal, no usable reply, or an answer that is invalid twice.
        :raises BudgetExceeded: a limit is reached and the last request does not fit either.
        """
        run = self._start(incident_id, system, question, answer)
        try:
            return self._until_answered(run, answer)
        except (ModelUnavailable, BudgetExceeded) as error:
            error.usage = replace(run.usage, duration_s=self._clock() - run.started)
            raise

    def _start(self, incident_id: str, system: str, question: str, answer: type[BaseModel]) -> _Run:
        head = {
            "model": self._model.name,
            "max_tokens": self._limits.max_output_tokens,
            "cache_control": {"type": "ephemeral"},
            "system": [{"type": "text", "text": system}],
            "tools": self._toolbox.declarations(),
            "output_config": {"format": {"type": "json_schema", "schema": answer.model_json_schema()}},
        }
        run = _Run(
            incident_id=incident_id,
            head=head,
            messages=[],
            started=self._clock(),
            usage=Usage(model=self._model.name),
            new_characters=len(json.dumps(head)),
        )
        _say(run, [{"type": "text", "text": question}])
        note = unknown_price_note(self._model.name)
        run.notes.extend([note] if note else [])
        return run

    def _until_answered(self, run: _Run, answer: type[A]) -> Reached[A]:
        while True:
            self._close_at_limit(run)
            reply = self._exchange(run)
            if reply.get("stop_reason") == "refusal":
                raise ModelUnavailable(f"The model {self._model.name!r} refused to answer.", reason="refusal")
            content = list(reply.get("content") or ())
            if content:
                run.messages.append({"role": "assistant", "content": content})
            calls = [block for block in content if block.get("type") == "tool_use"]
            if calls and not run.closing and reply.get("stop_reason") == "tool_use":
                _say(run, self._toolbox.results(calls))
                continue
            found, fault = _read(reply, answer)
            if found is not None:
                usage = replace(run.usage, duration_s=self._clock() - run.started)
                return Reached(answer=found, usage=usage, notes=tuple(run.notes))
            self._ask_for_repair(run, calls, fault)

    def _ask_for_repair(self, run: _Run, calls: Sequence[Mapping[str, Any]], fault: str) -> None:
        if run.repaired:
            raise ModelUnavailable(
                f"The model's answer is invalid, also when asked again: {fault}", reason="invalid_output"
            )
        run.repaired = True
        undone = [
            {"type": "tool_result", "tool_use_id": call.get("id"), "content": "Not run.", "is_error": True}
            for call in calls
        ]
        _say(run, [*undone, {"type": "text", "text": f"That is no valid answer: {fault}. Answer again, and be brief."}])

    def _exchange(self, run: _Run) -> Mapping[str, Any]:
        """Send one request: reserve, record, send, settle, record."""
        request = {**run.head, "messages": [*run.messages]}
        if run.closing:
            request["tool_choice"] = {"type": "none"}
        worst = self._worst_usd(run)
        reservation = self._spending.reserve(run.incident_id, worst)
        self._record("request", request)
        try:
            reply = self._model.reply(request)
        except ModelUnavailable as error:
            uncertain = error.reason in UNCERTAIN
            lost = Usage(model=self._model.name, requests=1, cost_usd=worst if uncertain else 0.0)
            self._spending.settle(reservation, lost)
            run.usage = _sum(run.usage, lost)
            raise
        used = _usage(self._model.name, reply)
        self._spending.settle(reservation, used)
        run.usage = _sum(run.usage, used)
        run.known_tokens = used.input_tokens + used.cache_read_tokens + used.cache_write_tokens + used.output_tokens
        run.new_characters = 0
        self._record("reply", reply)
        return reply

    def _close_at_limit(self, run: _Run) -> None:
        """Set *closing* when this request must be the last, and tell the model so."""
        limits, usage = self._limits, run.usage
        new_tokens = usage.input_tokens + usage.cache_write_tokens + usage.output_tokens
        elapsed, worst = self._clock() - run.started, self._worst_usd(run)
        if usage.cost_usd + worst > limits.usd:
            raise BudgetExceeded(
                f"The next request may cost {worst:.3f} USD and {usage.cost_usd:.3f} of {limits.usd:.2f} are spent. "
                "Raise usd_per_incident of the agentic connection, or choose a cheaper model."
            )
        if usage.requests > limits.turns or new_tokens > limits.total_tokens or elapsed > limits.wall_s:
            raise BudgetExceeded(
                f"{usage.requests} requests, {new_tokens} tokens, {elapsed:.0f} s and no answer; the limits are "
                f"{limits.turns} turns, {limits.total_tokens} tokens, {limits.wall_s:.0f} s (AgentLimits)."
            )
        if run.closing:
            return
        run.closing = (
            ("turns" if usage.requests >= limits.turns - 1 else "")
            or ("tokens" if new_tokens + self._worst_tokens(run) > limits.total_tokens else "")
            or ("money" if usage.cost_usd + 2 * worst > limits.usd else "")
            or ("time" if elapsed > limits.wall_s * 0.75 else "")
        )
        if run.closing:
            run.notes.append(
                f"The investigation ended at its limit of {run.closing}; the answer is what was known then."
            )
            text = (
                f"The limit of {run.closing} is reached: call no more tools. Give your final answer from what you know."
            )
            _say(run, [{"type": "text", "text": text}])

    def _worst_tokens(self, run: _Run) -> int:
        return run.known_tokens + int(run.new_characters / CHARACTERS_A_TOKEN)

    def _worst_usd(self, run: _Run) -> float:
        limit = self._limits.max_output_tokens
        return worst_cost(self._model.name, prompt_tokens=self._worst_tokens(run), output_tokens=limit)


def _say(run: _Run, blocks: list[dict[str, Any]]) -> None:
    """Add to the user's side. Tool results stand first in their message, or the API refuses it."""
    run.new_characters += len(json.dumps(blocks))
    if run.messages and run.messages[-1]["role"] == "user":
        run.messages[-1] = {"role": "user", "content": [*run.messages[-1]["content"], *blocks]}
    else:
        run.messages.append({"role": "user", "content": blocks})


def _read(reply: Mapping[str, Any], answer: type[A]) -> tuple[A | None, str]:
    """Return the answer, or what is wrong with it."""
    if reply.get("stop_reason") in ("max_tokens", "model_context_window_exceeded"):
        return None, "it was cut off because it was too long"
    texts = [str(block.get("text") or "") for block in reply.get("content") or () if block.get("type") == "text"]
    text = "".join(texts)
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None, "it holds no JSON object"
    try:
        return answer.model_validate_json(text[start : end + 1]), ""
    except ValidationError as error:
        faults = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        return None, "; ".join(faults)[:600]


def _usage(model: str, reply: Mapping[str, Any]) -> Usage:
    said = reply.get("usage") or {}
    used = Usage(
        model=model,
        requests=1,
        input_tokens=int(said.get("input_tokens") or 0),
        output_tokens=int(said.get("output_tokens") or 0),
        cache_read_tokens=int(said.get("cache_read_input_tokens") or 0),
        cache_write_tokens=int(said.get("cache_creation_input_tokens") or 0),
    )
    return replace(used, cost_usd=cost(model, used))


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        model=one.model,
        requests=one.requests + other.requests,
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cache_read_tokens=one.cache_read_tokens + other.cache_read_tokens,
        cache_write_tokens=one.cache_write_tokens + other.cache_write_tokens,
        cost_usd=one.cost_usd + other.cost_usd,
    )
