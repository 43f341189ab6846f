import pytest

from airflow_agentic.agents.prices import PRICES, cost, price_of, unknown_price_note, worst_cost
from airflow_agentic.records import Usage


def test_a_million_of_each_costs_what_the_table_says():
    usage = Usage(input_tokens=10**6, output_tokens=10**6, cache_read_tokens=10**6, cache_write_tokens=10**6)
    assert cost("claude-sonnet-5-5", usage) == pytest.approx(2 + 10 + 0.1 + 2.5)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("claude-sonnet-5", "claude-sonnet-5"),
        ("us.anthropic.claude-sonnet-5-5-v1:0", "claude-sonnet-5-5"),
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
    ],
)
def test_a_platforms_spelling_finds_its_row(name, row):
    assert price_of(name).model == row
    assert unknown_price_note(name) is None


@pytest.mark.parametrize("name", ["claude-next", "claude-opus-5-9", "claude-fable-5-2", "my-deployment", ""])
def test_an_unknown_model_costs_the_dearest_price_and_says_so(name):
    assert price_of(name).output == max(row.output for row in PRICES)
    assert "dearest" in unknown_price_note(name)


def test_a_long_prompt_is_priced_by_its_band():
    short, long = Usage(input_tokens=100_000), Usage(input_tokens=100_001)
    assert cost("claude-haiku-5-5", long) > 4 * cost("claude-haiku-5-5", short)


def test_no_reply_can_cost_more_than_was_reserved():
    for row in PRICES:
        usage = Usage(cache_write_tokens=50_000, output_tokens=8_000)
        assert cost(row.model, usage) <= worst_cost(row.model, prompt_tokens=50_000, output_tokens=8_000)
