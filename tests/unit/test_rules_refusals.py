"""Exceptions of a pipeline's own that refuse the data of a day, beside those that tell of its form."""

from __future__ import annotations

import pathlib

import pytest
from failing_pipeline import dossier_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action

GOOD = [{"gate": f"G{n}", "taps": n, "debit": 5, "credit": 5} for n in range(8)]
FEWER = GOOD[:3]
OFF = [{**r, "credit": 4} for r in GOOD]
HELD = {
    "a manifest": ("class RowCountMismatch(ValueError): pass", "if len(rows) != 8:\n        raise RowCountMismatch(f'manifest promises 8 rows, file holds {len(rows)}')", FEWER),
    "a plain class and two numbers": ("", "if len(rows) != 8:\n        raise ValueError(f'announced were 8 records, there are {len(rows)}')", FEWER),
    "a part of the whole": ("class Incomplete(Exception): pass", "if len(rows) != 8:\n        raise Incomplete(f'got {len(rows)} of 8 events')", FEWER),
    "sums of two sides": ("class Unbalanced(AssertionError): pass", "if sum(r['debit'] - r['credit'] for r in rows):\n        raise Unbalanced('8 entries are not balanced')", OFF),
    "a word for it": ("class LedgerInconsistent(RuntimeError): pass", "if sum(r['debit'] - r['credit'] for r in rows):\n        raise LedgerInconsistent('debit 40, credit 32')", OFF),
}  # fmt: skip
OF_FORM = {
    "a header": ("class HeaderMismatch(ValueError): pass", "raise HeaderMismatch('header has 3 columns, expected 4')"),
    "columns": ("", "raise ValueError(f'expected 4 columns, got {len(rows[0])} in all records')"),
    "a version": ("class VersionMismatch(Exception): pass", "raise VersionMismatch('feed is version 3, known are 1 and 2')"),
}  # fmt: skip


def _main(head: str, body: str) -> str:
    return f"{head}\n\n\ndef main(rows):\n    {body}\n    return rows\n"


@pytest.mark.parametrize(("head", "body", "bad"), HELD.values(), ids=HELD.keys())
def test_data_that_the_code_refuses_is_held(tmp_path: pathlib.Path, head: str, body: str, bad: list[dict[str, object]]):
    said = RulesAgent().propose(dossier_of(tmp_path, {"main.py": _main(head, body)}, GOOD, bad))
    assert (said.change, said.diagnosis.action) == (None, Action.QUARANTINE)


@pytest.mark.parametrize(("head", "body"), OF_FORM.values(), ids=OF_FORM.keys())
def test_another_form_is_for_people(tmp_path: pathlib.Path, head: str, body: str):
    bad = [{k: v for k, v in r.items() if k != "taps"} for r in GOOD]
    code = _main(head, f"if 'taps' not in rows[0]:\n        {body}")
    said = RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, GOOD, bad))
    assert (said.change, said.diagnosis.action) == (None, Action.NOTIFY)
