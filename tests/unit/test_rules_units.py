"""Renames that say a unit: applied where the sizes of old and new data leave one reading, said where they cannot."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action

Rows = list[dict[str, Any]]


def _rows(name: str, scale: float = 1.0, *, first: float = 40.0, of: Any = None) -> Rows:
    return [{"id": f"A-{i}", name: (of or (lambda v: v))(round((first + i) * scale, 6))} for i in range(8)]


def _code(name: str, more: str = "") -> str:
    return f"{more}\n\ndef main(rows):\n    return round(sum(float(r['{name}']) for r in rows), 4)\n"


SAME = {
    "milliseconds all along": (_rows("duration"), _rows("duration_ms")),
    "a thousand times the seconds": (_rows("duration"), _rows("duration_ms", 1000)),
    "a sixtieth": (_rows("wait", first=600), _rows("wait_minutes", 1 / 60, first=600)),
    "cents all along": (_rows("amount", of=int), _rows("amount_cents", of=int)),
    "cents of a named currency": (_rows("amountEur"), _rows("amount_eur_cents", 100)),
    "another word for the unit": (_rows("length_metres"), _rows("length_m")),
    "degrees": (_rows("temp", first=18), _rows("temp_c", first=19)),
    "grams to kilograms by name": (_rows("weight_g"), _rows("weight_kg", 0.001)),
}
OPEN = {
    "cents that are three times the amount": (_rows("amount"), _rows("amount_cents", 3)),
    "cents in text": (_rows("amount"), _rows("amount_cents", 100, of=lambda v: str(int(v)))),
    "a currency in text": (_rows("amount"), _rows("amount_eur", of=str)),
    "degrees that moved": (_rows("temp", first=18), _rows("temp_f", 1.8, first=35.8)),
    "another currency": (_rows("amount_eur"), _rows("amount_usd", 1.08)),
    "milliseconds for a third of it": (_rows("duration"), _rows("duration_ms", 30)),
    "kilograms that may be pounds": (_rows("weight"), _rows("weight_kg", 0.4536)),
    "yen for euros": (_rows("price"), _rows("price_jpy", 160)),
    "the lowest one": (_rows("price"), _rows("price_min")),
    "a share": (_rows("revenue"), _rows("revenue_share", 0.001)),
    "of a second": (_rows("price"), _rows("second_price")),
    "without taxes": (_rows("amount"), _rows("amount_net", 0.8)),
    "of the day before": (_rows("balance"), _rows("previous_balance")),
    "planned": (_rows("cost"), _rows("planned_cost")),
}


@pytest.mark.parametrize(("good", "bad"), SAME.values(), ids=SAME.keys())
def test_a_unit_that_the_sizes_prove_gives_the_same_sum(tmp_path: pathlib.Path, good: Rows, bad: Rows):
    name = next(key for key in good[0] if key != "id")
    proposal = RulesAgent().propose(dossier_of(tmp_path, {"main.py": _code(name)}, good, bad))
    before = result_of(tmp_path, good)
    apply(tmp_path, proposal)
    assert result_of(tmp_path, good) == before
    assert result_of(tmp_path, bad) == pytest.approx(before, rel=0.05)
    assert "Assumed" not in proposal.diagnosis.root_cause


@pytest.mark.parametrize(("good", "bad"), OPEN.values(), ids=OPEN.keys())
def test_a_unit_that_the_sizes_leave_open_gets_no_patch(tmp_path: pathlib.Path, good: Rows, bad: Rows):
    name = next(key for key in good[0] if key != "id")
    proposal = RulesAgent().propose(dossier_of(tmp_path, {"main.py": _code(name)}, good, bad))
    assert proposal.change is None, proposal.change.diff if proposal.change else ""
    assert proposal.diagnosis.action is not Action.FIX_CODE


def test_a_currency_that_nothing_contradicts_is_applied_and_said_to_be_assumed(tmp_path: pathlib.Path):
    files = {"main.py": _code("turnover")}
    proposal = RulesAgent().propose(dossier_of(tmp_path, files, _rows("turnover"), _rows("turnoverEur", 1.1)))
    assert proposal.change is not None
    assert "Assumed: `turnover` was in eur" in proposal.diagnosis.root_cause
    assert proposal.diagnosis.confidence < 0.7


def test_a_currency_that_the_code_names_is_no_assumption(tmp_path: pathlib.Path):
    files = {"main.py": _code("amount", "TABLE = 'create table t (id text, amount_usd real)'")}
    proposal = RulesAgent().propose(dossier_of(tmp_path, files, _rows("amount"), _rows("amount_usd", 1.1)))
    assert proposal.change is not None
    assert "Assumed" not in proposal.diagnosis.root_cause


@pytest.mark.parametrize("name", ["turnover_usd", "turnoverUsd"])
def test_a_currency_is_not_believed_where_the_code_speaks_of_another(tmp_path: pathlib.Path, name: str):
    files = {"main.py": _code("turnover", "TABLE = 'create table t (id text, turnover_eur real)'")}
    assert RulesAgent().propose(dossier_of(tmp_path, files, _rows("turnover"), _rows(name, 1.08))).change is None


def test_a_currency_is_not_believed_where_records_carry_several(tmp_path: pathlib.Path):
    good = [{**row, "currency": "EUR" if n % 2 else "USD"} for n, row in enumerate(_rows("amount"))]
    bad = [{**row, "currency": "EUR" if n % 2 else "USD"} for n, row in enumerate(_rows("amount_eur"))]
    assert RulesAgent().propose(dossier_of(tmp_path, {"main.py": _code("amount")}, good, bad)).change is None


CHECK = "    lost = [row['id'] for row in rows if row['w'] is None]\n    if lost:\n        raise RuntimeError(f'{len(lost)} rows without a charge')\n    return round(sum(row['w'] for row in rows), 3)\n"
SILENT = {
    "a table of names over parsed records": "import json\n\nNAMES = {'id': 'id', 'w': 'NAME'}\n\ndef main(given):\n    found = json.loads(json.dumps(given))\n    rows = [{ours: row.get(theirs) for ours, theirs in NAMES.items()} for row in found]\n" + CHECK,
    "reads by get": "def main(given):\n    rows = [{'id': r['id'], 'w': r.get('NAME')} for r in given]\n" + CHECK,
    "a class": "import dataclasses, json\n\n@dataclasses.dataclass\nclass Row:\n    id: str\n    NAME: float = None\n\ndef main(given):\n    known = {f.name for f in dataclasses.fields(Row)}\n    found = [Row(**{k: v for k, v in r.items() if k in known}) for r in json.loads(json.dumps(given))]\n    rows = [{'id': r.id, 'w': r.NAME} for r in found]\n" + CHECK,
}  # fmt: skip
DRIFTS = {
    "kilograms to grams": (_rows("net_weight_kg"), _rows("net_weight_g", 1000, of=int)),
    "grams to kilograms": (_rows("net_weight_g", first=4000), _rows("net_weight_kg", 0.001, first=4000)),
}


@pytest.mark.parametrize(("good", "bad"), DRIFTS.values(), ids=DRIFTS.keys())
@pytest.mark.parametrize("code", SILENT.values(), ids=SILENT.keys())
def test_a_unit_that_was_read_as_nothing_until_a_check_spoke_is_read(
    tmp_path: pathlib.Path, code: str, good: Rows, bad: Rows
):
    code = code.replace("NAME", next(key for key in good[0] if key != "id"))
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, good, bad)))
    assert result_of(tmp_path, good) == result_of(tmp_path, bad) == round(sum(row[[*row][1]] for row in good), 3)


def test_code_that_knows_the_new_name_has_decided_for_itself(tmp_path: pathlib.Path):
    code = SILENT["reads by get"].replace("NAME", "net_weight_kg") + "\nLATER = 'net_weight_g'\n"
    assert RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, *DRIFTS["kilograms to grams"])).change is None


def test_a_check_fails_for_its_own_reasons_where_no_code_spells_the_field(tmp_path: pathlib.Path):
    code = "def main(given):\n    rows = [{'id': r['id'], 'w': r.get([*r][1] if [*r][1].endswith('kg') else '')} for r in given]\n"
    files = {"main.py": code + CHECK}
    assert RulesAgent().propose(dossier_of(tmp_path, files, *DRIFTS["kilograms to grams"])).change is None
