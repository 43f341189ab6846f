"""Records that come again unchanged: dropped where a document says that they do, refused where none does."""

from __future__ import annotations

import csv
import io
import json
import pathlib
from dataclasses import replace
from typing import Any

import pytest
from failing_pipeline import apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Dossier
from airflow_agentic.repeats import repeats
from airflow_agentic.shapes import shape

Rows = list[dict[str, Any]]
TABLE = "import csv\nimport io\nimport json\nimport sqlite3\n\n\ndef table():\n    con = sqlite3.connect(':memory:')\n    con.execute('create table trades (trade_id text primary key, qty integer)')\n    return con\n\n\ndef kept(con):\n    return [[a, str(b)] for a, b in con.execute('select * from trades order by 1')]\n\n\n"
LINES = (
    TABLE
    + "def main(text):\n    con = table()\n    for t in [json.loads(line) for line in text.splitlines()]:\n        con.execute('insert into trades values (:trade_id, :qty)', t)\n    return kept(con)\n"
)
YIELDED = (
    TABLE
    + "def read(text):\n    for line in text.splitlines():\n        yield json.loads(line)\n\n\ndef main(text):\n    con = table()\n    for t in read(text):\n        con.execute('insert into trades values (?, ?)', (t['trade_id'], t['qty']))\n    return kept(con)\n"
)
WHOLE = (
    TABLE
    + "def main(text):\n    con = table()\n    for t in json.loads(text)['trades']:\n        con.execute('insert into trades values (?, ?)', (t['trade_id'], t['qty']))\n    return kept(con)\n"
)
SHEET = (
    TABLE
    + "def main(text):\n    con = table()\n    con.executemany('insert into trades values (?, ?)', [(t['trade_id'], t['qty']) for t in csv.DictReader(io.StringIO(text))])\n    return kept(con)\n"
)
CHECKED = (
    TABLE
    + "def main(text):\n    trades = [json.loads(line) for line in text.splitlines()]\n    check_unique([t['trade_id'] for t in trades])\n    return [[t['trade_id'], str(t['qty'])] for t in trades]\n\n\ndef check_unique(keys):\n    twice = len(keys) - len(set(keys))\n    if twice:\n        raise ValueError(f'trade_id: {twice} duplicates')\n"
)
FRAME = "import io\n\nimport pandas as pd\n\n\ndef main(text):\n    trades = pd.read_csv(io.StringIO(text))\n    if trades['trade_id'].duplicated().any():\n        raise ValueError('trade_id is not unique')\n    return [[a, str(b)] for a, b in trades.itertuples(index=False)]\n"
AT_LEAST = "# Feed of trades\n\nDelivery is **at least once**: after a fail-over messages come again.\nEvery consumer drops\nrepeats by `trade_id`.\n"
RESENT = "Trades\n======\n\nThe broker may send a trade twice; such duplicates can safely be ignored.\n"


def _trades(day: int, *, twice: bool = False, other: bool = False) -> Rows:
    rows = [{"trade_id": f"T{day}{n:03}", "qty": 5 + n * 3} for n in range(20)]
    again = [{**r, "qty": r["qty"] + (n == 1 and other)} for n, r in enumerate(rows[3:7])]
    return rows + again if twice else rows


def _text(rows: Rows, name: str) -> str:
    if name.endswith(".jsonl"):
        return "".join(json.dumps(r) + "\n" for r in rows)
    if name.endswith(".json"):
        return json.dumps({"trades": rows})
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _dossier(folder: pathlib.Path, files: dict[str, str], good: Rows, bad: Rows, name: str) -> Dossier:
    made = dossier_of(folder, files, _text(good, name), _text(bad, name), name=name)
    was, now = (shape(r, name=name, interval="", role=role) for r, role in ((good, "good"), (bad, "failing")))
    return replace(made, shapes=(was, replace(now, repeats=repeats(was, now, bad))))


CASES = {
    "json lines into a table with a key": (LINES, "trades/{ds}.jsonl", {"docs/feed.md": AT_LEAST}),
    "one line at a time": (YIELDED, "trades/{ds}.jsonl", {"docs/feed.md": AT_LEAST}),
    "one document": (WHOLE, "trades/{ds}.json", {"README.rst": RESENT}),
    "a sheet": (SHEET, "trades/{ds}.csv", {"README.rst": RESENT}),
    "a frame": (FRAME, "trades/{ds}.csv", {"docs/feed.md": AT_LEAST}),
    "a check of the key": (CHECKED, "trades/{ds}.jsonl", {"docs/feed.md": AT_LEAST}),
}


@pytest.mark.parametrize(("code", "name", "files"), CASES.values(), ids=CASES.keys())
def test_repeats_that_a_document_expects_are_dropped_and_others_refused(
    tmp_path: pathlib.Path, code: str, name: str, files: dict[str, str]
):
    good, bad = _trades(1), _trades(2, twice=True)
    proposal = RulesAgent().propose(_dossier(tmp_path, {"main.py": code, **files}, good, bad, name))
    want = [[t["trade_id"], str(t["qty"])] for t in _trades(2)]
    apply(tmp_path, proposal)
    assert result_of(tmp_path, _text(bad, name)) == want
    assert len(result_of(tmp_path, _text(good, name))) == len(good)
    assert failure_of(tmp_path, _text(_trades(3, twice=True, other=True), name)) is not None


LEFT = {
    "no document": ({}, False),
    "a document that says the contrary": ({"feed.md": "Trades are delivered exactly once. Never drop duplicates of a trade_id.\n"}, False),
    "a document of another feed": ({"feed.md": "The news ticker is delivered at least once.\n"}, False),
    "a record that differs": ({"feed.md": AT_LEAST}, True),
}  # fmt: skip


@pytest.mark.parametrize(("files", "other"), LEFT.values(), ids=LEFT.keys())
def test_repeats_that_nothing_expects_are_left(tmp_path: pathlib.Path, files: dict[str, str], other: bool):  # noqa: FBT001
    bad = _trades(2, twice=True, other=other)
    made = _dossier(tmp_path, {"main.py": LINES, **files}, _trades(1), bad, "trades/{ds}.jsonl")
    assert RulesAgent().propose(made).change is None
