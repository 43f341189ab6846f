"""Tokens → US dollars. One dated table; a model that it does not know costs as much as the dearest.

List prices of the Claude API per million tokens, cache writes with a life of five minutes. Bedrock, Vertex and
Foundry may differ by a few per cent; the limits are guarded with these.

Source: platform.claude.com, "Pricing" and the models' own pages; the cache reads of Sonnet 5.5 after the cut of
2026-10-07, the two bands of Haiku 5.5 by length of prompt (docs/FACTS_model.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_agentic.records import Usage

PRICED_ON = "2026-10-24"
_MILLION = 1_000_000.0


@dataclass(frozen=True, kw_only=True)
class Price:
    """USD per million tokens."""

    model: str
    """The model's name as the API spells it, without a date."""
    input: float
    output: float
    cache_read: float
    cache_write: float
    up_to_prompt_tokens: float = float("inf")
    """Holds for requests whose whole prompt, cache included, is no longer."""


PRICES = (
    Price(model="claude-fable-5-1", input=10, output=50, cache_read=0.25, cache_write=12.5),
    Price(model="claude-fable-5", input=10, output=50, cache_read=1, cache_write=12.5),
    Price(model="claude-mythos-5-1", input=10, output=50, cache_read=0.25, cache_write=12.5),
    Price(model="claude-mythos-5", input=10, output=50, cache_read=1, cache_write=12.5),
    Price(model="claude-opus-5-5", input=4, output=20, cache_read=0.2, cache_write=5),
    Price(model="claude-opus-5", input=5, output=25, cache_read=0.5, cache_write=6.25),
    Price(model="claude-opus-4-8", input=5, output=25, cache_read=0.5, cache_write=6.25),
    Price(model="claude-opus-4-7", input=5, output=25, cache_read=0.5, cache_write=6.25),
    Price(model="claude-opus-4-6", input=5, output=25, cache_read=0.5, cache_write=6.25),
    Price(model="claude-opus-4-5", input=5, output=25, cache_read=0.5, cache_write=6.25),
    Price(model="claude-opus-4", input=15, output=75, cache_read=1.5, cache_write=18.75),
    Price(model="claude-sonnet-5-5", input=2, output=10, cache_read=0.1, cache_write=2.5),
    Price(model="claude-sonnet-5", input=2, output=10, cache_read=0.2, cache_write=2.5),
    Price(model="claude-sonnet-4-6", input=3, output=15, cache_read=0.3, cache_write=3.75),
    Price(model="claude-sonnet-4-5", input=3, output=15, cache_read=0.3, cache_write=3.75),
    Price(
        model="claude-haiku-5-5", input=0.1, output=0.5, cache_read=0.01, cache_write=0.125, up_to_prompt_tokens=100_000
    ),
    Price(model="claude-haiku-5-5", input=0.5, output=2.5, cache_read=0.05, cache_write=0.625),
    Price(model="claude-haiku-4-5", input=1, output=5, cache_read=0.1, cache_write=1.25),
)


def price_of(model: str, *, prompt_tokens: int = 0) -> Price:
    """Return what *model* costs for a request of that length; the dearest price there is for an unknown one.

    A platform's prefix or suffix does not matter: ``us.anthropic.claude-sonnet-5-5-v1:0`` is Sonnet 5.5.
    """
    known = [row for row in PRICES if _is(row, model) and prompt_tokens <= row.up_to_prompt_tokens]
    if not known:
        return max(PRICES, key=lambda row: row.output)
    return min(known, key=lambda row: row.up_to_prompt_tokens)


def unknown_price_note(model: str) -> str | None:
    """Return what a reader must know about the cost of *model*, if we do not know its price."""
    if any(_is(row, model) for row in PRICES):
        return None
    dearest = max(PRICES, key=lambda row: row.output)
    return f"The price of {model!r} is not in our table of {PRICED_ON}; counted as {dearest.model}, the dearest known."


def cost(model: str, usage: Usage) -> float:
    """Return what one request has cost, in USD."""
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    price = price_of(model, prompt_tokens=prompt)
    return (
        usage.input_tokens * price.input
        + usage.output_tokens * price.output
        + usage.cache_read_tokens * price.cache_read
        + usage.cache_write_tokens * price.cache_write
    ) / _MILLION


def worst_cost(model: str, *, prompt_tokens: int, output_tokens: int) -> float:
    """Return what a request costs at most, in USD: nothing read from the cache, all of the output used."""
    price = price_of(model, prompt_tokens=prompt_tokens)
    return (prompt_tokens * max(price.input, price.cache_write) + output_tokens * price.output) / _MILLION


def _is(row: Price, model: str) -> bool:
    """A date may follow the name, another version number may not: ``claude-opus-5-7`` is not ``claude-opus-5``."""
    return re.search(re.escape(row.model) + r"(?!\d)(?!-\d(?!\d{5}))", model) is not None
