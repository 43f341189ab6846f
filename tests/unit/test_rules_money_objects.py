"""An amount that became an object of value and currency: taken where the currency is the one that the code speaks of."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent

MODEL = """
import json
from decimal import Decimal
from pydantic import BaseModel

LEDGER_CURRENCY = "EUR"

class Bill(BaseModel):
    number: str
    amount: Decimal

def main(rows):
    bills = [Bill.model_validate_json(line) for line in map(json.dumps, rows)]
    return [(b.number, int(b.amount * 100), LEDGER_CURRENCY) for b in bills]
"""
KEYS = """
import json

CURRENCY = "EUR"

def main(rows):
    return [(r["number"], round(float(r["amount"]) * 100), CURRENCY) for r in json.loads(json.dumps(rows))]
"""
SILENT = KEYS.replace('CURRENCY = "EUR"', "").replace(", CURRENCY)", ")")


def _bills(currencies: str = "", *, text: bool = True) -> list[dict[str, Any]]:
    told = currencies.split()
    amounts: list[Any] = [f"{40 + n}.50" if text else 40.5 + n for n in range(8)]
    return [
        {"number": f"B{n}", "amount": {"value": a, "currency": told[n % len(told)]} if told else a}
        for n, a in enumerate(amounts)
    ]


CODES = {"a model": MODEL, "keys": KEYS, "code that names no currency": SILENT}


@pytest.mark.parametrize("text", [True, False], ids=["text", "numbers"])
@pytest.mark.parametrize("code", CODES.values(), ids=CODES.keys())
def test_the_value_of_the_known_currency_is_taken(tmp_path: pathlib.Path, code: str, text: bool):
    good, bad = _bills(text=text), _bills("EUR", text=text)
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, good, bad)))
    assert result_of(tmp_path, bad) == result_of(tmp_path, good)


@pytest.mark.parametrize("currencies", ["USD", "EUR EUR USD"], ids=["another", "several"])
@pytest.mark.parametrize("code", [MODEL, KEYS], ids=["a model", "keys"])
def test_an_amount_of_another_currency_is_left(tmp_path: pathlib.Path, code: str, currencies: str):
    made = dossier_of(tmp_path, {"main.py": code}, _bills(), _bills(currencies))
    assert RulesAgent().propose(made).change is None
