"""Numbers that got letters, or codes that lost them, where other records are joined by the form of before."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent

Rows = list[dict[str, Any]]
STAFF = "employee_id,place\n" + "".join(f"{1001 + n},W{n % 3}\n" for n in range(14))
CODED = "depot,place\n" + "".join(f"D-{n:04},T{n % 3}\n" for n in range(1001, 1015))
PADDED = "id;place\n" + "".join(f"{n:04};T{n % 3}\n" for n in range(1001, 1015))
JOINED = """
import csv
import pathlib

SEED = pathlib.Path("HERE") / "seeds"


def places():
    (table,) = SEED.glob("*.csv")
    with table.open() as file:
        rows = list(csv.reader(file, delimiter=";" if ";" in table.read_text() else ","))
    return dict(rows[1:])


def main(rows):
    made = [(places().get(str(e["FIELD"])), e["hours"]) for e in rows]
    check(made)
    return made


def check(made):
    lost = [m for m in made if m[0] is None]
    if lost:
        raise ValueError(f"{len(lost)} rows without a place")
"""
CAST = JOINED.replace('str(e["FIELD"])', 'str(int(e["FIELD"]))')
Form = Callable[[int], Any]
CASES: dict[str, tuple[str, str, str, str, Form, Form]] = {
    "a number gets letters and noughts": (JOINED, "employees.csv", STAFF, "employee", int, lambda n: f"E-{n:06}"),
    "a number gets letters alone": (JOINED, "staff.csv", STAFF, "employee_no", int, lambda n: f"EMP{n}"),
    "a number that is cast gets letters": (CAST, "staff.csv", STAFF, "employee_id", int, lambda n: f"E/{n}"),
    "digits in text get letters and noughts": (JOINED, "depots.csv", PADDED, "depot_id", lambda n: f"{n:04}", lambda n: f"D-{n:06}"),
    "a code loses its letters": (JOINED, "depots.csv", CODED, "depot", lambda n: f"D-{n:04}", lambda n: f"{n:04}"),
    "a code comes as a number": (JOINED, "depots.csv", CODED, "depot", lambda n: f"D-{n:04}", int),
}  # fmt: skip


def _rows(field: str, form: Form) -> Rows:
    return [{field: form(1001 + n), "hours": 4 + n % 5} for n in range(14)]


@pytest.mark.parametrize(("code", "table", "seed", "field", "was", "now"), CASES.values(), ids=CASES.keys())
def test_a_key_of_a_table_of_the_repository_gets_its_form_back(
    tmp_path: pathlib.Path, code: str, table: str, seed: str, field: str, was: Form, now: Form
):
    files = {"main.py": code.replace("FIELD", field).replace("HERE", str(tmp_path)), f"seeds/{table}": seed}
    good, bad = _rows(field, was), _rows(field, now)
    held = [line.replace(";", ",").split(",")[1] for line in seed.splitlines()[1:]]
    want = [(place, row["hours"]) for place, row in zip(held, good, strict=True)]
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, files, good, bad)))
    assert result_of(tmp_path, good) == want == result_of(tmp_path, bad)


LEFT = {
    "no table has the numbers": STAFF.replace("employee_id", "asset_tag"),
    "the table has other numbers": "employee_id,place\n1001,W1\n1002,W2\n1019,W0\n",
}


@pytest.mark.parametrize("seed", LEFT.values(), ids=LEFT.keys())
def test_letters_before_a_number_that_nothing_refers_to_are_left(tmp_path: pathlib.Path, seed: str):
    code = "def main(rows):\n    check([isinstance(r['employee'], int) for r in rows])\n\ndef check(made):\n    if not all(made):\n        raise ValueError(f'{len(made)} rows without a place')\n"
    good, bad = _rows("employee", int), _rows("employee", lambda n: f"E-{n:06}")
    files = {"main.py": code, "seeds/staff.csv": seed}
    assert RulesAgent().propose(dossier_of(tmp_path, files, good, bad)).change is None
