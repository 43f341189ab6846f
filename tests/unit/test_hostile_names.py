"""Names of fields are chosen by whoever sends the data: none of them becomes code."""

from __future__ import annotations

import pathlib

import pytest
from failing_pipeline import dossier_of

from airflow_agentic.agents.rules import RulesAgent

GOOD = [{"customer_id": f"C{n}", "amount": n} for n in range(6)]
CODE = "def main(rows):\n    return [(r['customer_id'], r['amount']) for r in rows]\n"


def proposed(folder: pathlib.Path, name: str):
    bad = [{name: row["customer_id"], "amount": row["amount"]} for row in GOOD]
    return RulesAgent().propose(dossier_of(folder, {"main.py": CODE}, GOOD, bad)).change


def test_a_plain_new_name_is_read(tmp_path: pathlib.Path):
    assert proposed(tmp_path, "customerId") is not None


@pytest.mark.parametrize(
    "name",
    ['customer"+exit()+"id', "customer'+exit()+'id", 'customer"+id+"', "customer\\id", "customer{id}"],
    ids=["double quote", "single quote", "a builtin", "backslash", "braces"],
)
def test_a_name_that_could_end_its_string_is_written_nowhere(tmp_path: pathlib.Path, name: str):
    assert proposed(tmp_path, name) is None
