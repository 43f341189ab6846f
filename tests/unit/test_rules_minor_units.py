"""Amounts in minor units whose digits stand in the record, or follow from its currency."""

from __future__ import annotations

import csv
import io
import json
import pathlib
from dataclasses import replace
from typing import Any

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.shapes import shape

Rows = list[dict[str, Any]]
DIGITS = {"EUR": 2, "USD": 2, "JPY": 0}
LISTED = "import json\n\nFIELDS = ('no', 'currency', 'total')\n\ndef main(text):\n    rows = [[i.get(f) for f in FIELDS] for i in json.loads(text)['items']]\n    empty = sum(r[2] is None for r in rows)\n    assert not empty, f'total is null in {empty} rows'\n    return rows\n"
CLASS = "import json\nfrom dataclasses import dataclass\n\n@dataclass\nclass Bill:\n    no: str\n    currency: str\n    total: float\n\ndef main(text):\n    bills = [Bill(**b) for b in json.loads(text)['items']]\n    return [[b.no, b.currency, b.total] for b in bills]\n"
PLAIN = "import json\n\ndef main(text):\n    return [[b['no'], b['currency'], round(b['total'], 2)] for b in json.loads(text)['items']]\n"
SHEET = "import csv\nimport io\n\ndef main(text):\n    return [[b['no'], b['currency'], float(b['total'])] for b in csv.DictReader(io.StringIO(text))]\n"


def _bills(day: int) -> Rows:
    found = []
    for n in range(24):
        currency = list(DIGITS)[n % 3]
        minor = 900 + (n * 7919 + day * 104729) % 90000
        found.append({"no": f"B{day}{n:03}", "currency": currency, "total": minor / 100 if DIGITS[currency] else minor})
    return found


def _minor(row: dict[str, Any]) -> int:
    return round(row["total"] * 10 ** DIGITS[row["currency"]])


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k != "total"}


FORMS = {
    "an exponent beside it": lambda r: {**_plain(r), "total_minor": _minor(r), "currency_exponent": DIGITS[r["currency"]]},
    "decimals beside it": lambda r: {**_plain(r), "total_units": _minor(r), "decimals": DIGITS[r["currency"]]},
    "an object of both": lambda r: {**_plain(r), "total": {"value": _minor(r), "scale": DIGITS[r["currency"]]}},
    "digits by the currency": lambda r: {**_plain(r), "total_minor": _minor(r)},
}  # fmt: skip


def _text(rows: Rows, *, sheet: bool = False) -> str:
    if not sheet:
        return json.dumps({"items": rows})
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


CASES = [
    (name, code)
    for name in FORMS
    for code in ("LISTED", "PLAIN", "SHEET", "CLASS")
    if code == "PLAIN" or "object" not in name
]
"""An object is no cell of a sheet, and code that only passes it on does not fail."""


@pytest.mark.parametrize(("form", "code"), CASES, ids=lambda v: v)
def test_each_record_is_read_by_its_own_digits(tmp_path: pathlib.Path, form: str, code: str):
    sheet = code == "SHEET"
    good, bad, later = _bills(1), [FORMS[form](r) for r in _bills(2)], [FORMS[form](r) for r in _bills(3)]
    proposal = RulesAgent().propose(_dossier(tmp_path, {"main.py": globals()[code]}, good, bad, sheet=sheet))
    apply(tmp_path, proposal)
    for rows, truth in ((good, _bills(1)), (bad, _bills(2)), (later, _bills(3))):
        want = [[r["no"], r["currency"], r["total"]] for r in truth]
        assert result_of(tmp_path, _text(rows, sheet=sheet)) == want


LEFT = {
    "two numbers that it could be": lambda r: {**_plain(r), "total_minor": _minor(r), "total_units": _minor(r), "exponent": 2},
    "digits that the size denies": lambda r: {**_plain(r), "total_minor": _minor(r) * 10_000, "exponent": DIGITS[r["currency"]]},
    "cents of currencies that have none": lambda r: {**_plain(r), "total_cents": _minor(r)},
}  # fmt: skip


@pytest.mark.parametrize("form", LEFT.values(), ids=LEFT.keys())
def test_minor_units_without_one_reading_are_left(tmp_path: pathlib.Path, form: Any):
    bad = [form(r) for r in _bills(2)]
    assert RulesAgent().propose(_dossier(tmp_path, {"main.py": PLAIN}, _bills(1), bad)).change is None


def _dossier(folder: pathlib.Path, files: dict[str, str], good: Rows, bad: Rows, *, sheet: bool = False) -> Any:
    name = "bills/{ds}.csv" if sheet else "bills/{ds}.json"
    made = dossier_of(folder, files, _text(good, sheet=sheet), _text(bad, sheet=sheet), name=name)
    shapes = tuple(
        shape(r, name=name, interval=d, role=role)
        for r, d, role in ((good, "2026-11-01", "good"), (bad, "2026-11-02", "failing"))
    )
    return replace(made, shapes=shapes)
