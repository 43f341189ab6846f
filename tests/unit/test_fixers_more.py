"""Fixers for units, wrapped numbers, redelivered records and regressions, on pipelines that really ran."""

from __future__ import annotations

import pathlib

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Evidence, Trust

SUM = "def main(rows):\n    return round(sum(float(r['amount']) for r in rows), 2)\n"
GOOD = [{"id": f"I{i}", "amount": 10.5 + i, "updated_at": f"2026-11-01T0{i}:00:00"} for i in range(6)]
FORMS = {
    "cents": [{"id": r["id"], "amount_cents": round(r["amount"] * 100)} for r in GOOD],
    "an object with the currency": [{**r, "amount": {"value": r["amount"], "currency": "EUR"}} for r in GOOD],
}
INSERT = """import sqlite3
from contextlib import closing
def main(rows):
    with closing(sqlite3.connect(':memory:')) as con:
        con.execute('create table t (id text primary key, amount real)')
        con.executemany('insert into t values (?, ?)', [(r['id'], r['amount']) for r in rows])
        return con.execute('select * from t order by id').fetchall()
"""


@pytest.mark.parametrize("bad", FORMS.values(), ids=FORMS.keys())
def test_a_number_in_another_form_gives_the_same_sum_and_the_old_form_still_loads(tmp_path: pathlib.Path, bad: list):
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": SUM}, GOOD, bad)))
    assert result_of(tmp_path, bad) == result_of(tmp_path, GOOD) == 78.0


def test_two_currencies_in_the_object_are_not_guessed_away(tmp_path: pathlib.Path):
    bad = [{**r, "amount": {"value": r["amount"], "currency": c}} for r, c in zip(GOOD, "EEEUUU", strict=True)]
    assert RulesAgent().propose(dossier_of(tmp_path, {"main.py": SUM}, GOOD, bad)).change is None


def test_a_record_that_is_delivered_twice_is_inserted_once_with_its_latest_values(tmp_path: pathlib.Path):
    again = {**GOOD[0], "amount": 99.0, "updated_at": "2026-11-02T09:00:00"}
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": INSERT}, GOOD, [again, *GOOD])))
    assert result_of(tmp_path, [again, *GOOD])[0] == ("I0", 99.0)
    assert len(result_of(tmp_path, GOOD)) == 6


def _regression(folder: pathlib.Path, bad: list, diff: str) -> object:
    told = Evidence(
        id="E9",
        source="code",
        title="Diff of main.py in the recent history, commit abc1234567",
        body=diff,
        observed_at="",
        trust=Trust.REPOSITORY,
        path="main.py",
    )
    dossier = dossier_of(
        folder,
        {"main.py": "def main(rows):\n    return len(rows) / (len(rows) - 6)\n"},
        [*GOOD, GOOD[0]],
        bad,
        evidence=(told,),
    )
    return RulesAgent().propose(dossier)


DIFF = """--- a/main.py
+++ b/main.py
@@ -1,2 +1,2 @@
 def main(rows):
-    return len(rows)
+    return len(rows) / (len(rows) - 6)
"""


def test_a_hunk_that_broke_the_failing_function_is_taken_back(tmp_path: pathlib.Path):
    proposal = _regression(tmp_path, GOOD, DIFF)
    assert proposal.change.edits[0].after == "def main(rows):\n    return len(rows)\n"


def test_a_commit_is_not_blamed_when_the_data_has_changed_as_well(tmp_path: pathlib.Path):
    bad = [{k: v for k, v in r.items() if k != "amount"} for r in GOOD]
    assert _regression(tmp_path, bad, DIFF).change is None
