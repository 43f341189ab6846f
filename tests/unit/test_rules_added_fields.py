"""Rows whose values are taken by their order, and an upstream that sends a field more: the known ones are taken."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from failing_pipeline import apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.shapes import shape

# The pipelines under repair are other people's: some leave a sqlite handle to the collector, which Python 3.13 tells.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

Rows = list[dict[str, Any]]
GOOD: Rows = [{"berth": f"B{n}", "ship": f"IMO{n}", "tons": n * 10} for n in range(8)]
MORE: Rows = [{"berth": r["berth"], "flag": "LR", "ship": r["ship"], "tons": r["tons"]} for r in GOOD]
READ = "import json\n\ndef read(rows):\n    return json.loads(json.dumps({'port': 'x', 'calls': rows}))['calls']\n\n"
INSERTS = READ + (
    "import sqlite3\n\ndef main(rows):\n    con = sqlite3.connect(':memory:')\n    con.execute('create table calls (berth, ship, tons)')\n"
    "    con.executemany(STATEMENT, [tuple(r.values()) for r in read(rows)])\n    return con.execute('select * from calls').fetchall()\n"
)
STYLES = {
    "marks for each value": INSERTS.replace("STATEMENT", "f\"insert into calls values ({','.join('?' * len(read(rows)[0]))})\""),
    "marks that are written down": INSERTS.replace("STATEMENT", "'insert into calls values (?, ?, ?)'"),
    "arguments of a function": READ
    + "def call(berth, ship, tons):\n    return f'{berth}:{ship}', tons\n\ndef main(rows):\n    return [call(*r.values()) for r in read(rows)]\n",
    "names on the left": READ
    + "def main(rows):\n    made = []\n    for r in read(rows):\n        berth, ship, tons = r.values()\n        made.append((ship, tons + 1))\n    return made\n",
    "a csv reader by names": "import csv, io\n\ndef main(rows):\n    text = io.StringIO()\n    w = csv.DictWriter(text, list(rows[0])); w.writeheader(); w.writerows(rows)\n    text.seek(0)\n"
    "    return [(lambda berth, ship, tons: (ship, int(tons)))(*r.values()) for r in csv.DictReader(text)]\n",
}  # fmt: skip


@pytest.mark.parametrize("code", STYLES.values(), ids=STYLES.keys())
def test_a_field_more_does_not_move_the_others(tmp_path: pathlib.Path, code: str):
    name = "calls/{ds}.csv" if "csv" in code else "calls/{ds}.json"
    proposal = RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, GOOD, MORE, name=name))
    before = result_of(tmp_path, GOOD)
    apply(tmp_path, proposal)
    assert failure_of(tmp_path, MORE) is None
    assert result_of(tmp_path, MORE) == before == result_of(tmp_path, GOOD)


def test_fields_are_left_where_another_data_set_has_them_all_and_more(tmp_path: pathlib.Path):
    other = [{**r, "captain": "C"} for r in GOOD]
    more = tuple(shape(other, name="ships/{ds}.json", interval="2026-11-01", role=role) for role in ("good", "failing"))
    dossier = dossier_of(tmp_path, {"main.py": STYLES["marks that are written down"]}, GOOD, MORE, more=more)
    assert RulesAgent().propose(dossier).change is None


COLUMNS = (
    "import csv, io\n\ndef main(rows):\n    text = io.StringIO()\n    w = csv.DictWriter(text, list(rows[0])); w.writeheader(); w.writerows(rows)\n    text.seek(0)\n"
    "    reader = csv.reader(text)\n    next(reader)\n    return [(ship, int(tons)) for berth, ship, tons in reader]\n"
)


@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "second", "before the last"])
def test_a_column_more_is_left_aside_wherever_it_stands(tmp_path: pathlib.Path, place: int):
    names = ["berth", "ship", "tons"]
    names.insert(place, "berths")
    bad = [{k: r.get(k, 4100) for k in names} for r in GOOD]
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": COLUMNS}, GOOD, bad, name="calls/{ds}.csv")))
    assert result_of(tmp_path, bad) == result_of(tmp_path, GOOD)


NAMES = (
    READ
    + "KEY, INNER, AT = 'ship', 'leg', 'eta'\n\ndef main(rows):\n    return [(r[KEY], r[INNER][AT]) for r in read(rows)]\n"
)
LEGS: Rows = [{"ship": f"IMO{n}", "leg": {"eta": f"2026-11-01T0{n}:00:00Z", "pilot": f"p-{n % 3}"}} for n in range(8)]
NEW_LEGS: Rows = [
    {"ship_imo": r["ship"], "leg": {"leg_eta": r["leg"]["eta"], "pilot": r["leg"]["pilot"]}} for r in LEGS
]


def test_names_in_constants_get_all_renames_also_of_a_nested_field(tmp_path: pathlib.Path):
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": NAMES}, LEGS, NEW_LEGS)))
    assert result_of(tmp_path, NEW_LEGS) == result_of(tmp_path, LEGS)


def test_a_name_that_another_data_set_has_is_not_renamed_in_what_both_go_through(tmp_path: pathlib.Path):
    other = [{"leg_eta": "2026-11-01T00:00:00Z", "port": "x"} for _ in range(8)]
    more = tuple(shape(other, name="ports/{ds}.json", interval="2026-11-01", role=role) for role in ("good", "failing"))
    change = RulesAgent().propose(dossier_of(tmp_path, {"main.py": NAMES}, LEGS, NEW_LEGS, more=more)).change
    assert change is None or '"leg_eta": "eta"' not in str(change.edits)


LANDING = """import json, sqlite3

def main(rows):
    con = sqlite3.connect(":memory:")
    rows = [json.loads(json.dumps(row)) for row in rows]
    con.execute(f"create table landing ({', '.join(rows[0])})")
    con.executemany(f"insert into landing values ({', '.join('?' * len(rows[0]))})", [list(r.values()) for r in rows])
    con.execute("create table calls (ship, tons)")
    con.execute("insert into calls (ship, tons) select l.ship, sum(l.tons) from landing as l group by 1")
    return con.execute("select * from calls order by 1").fetchall()
"""


def test_a_statement_over_a_table_of_the_records_gets_all_known_names(tmp_path: pathlib.Path):
    bad = [{"berth": r["berth"], "ship_imo": r["ship"], "tons_net": r["tons"]} for r in GOOD]
    bad = [{("tons_loaded" if k == "tons_net" else k): v for k, v in r.items()} for r in bad]
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": LANDING}, GOOD, bad)))
    assert result_of(tmp_path, bad) == result_of(tmp_path, GOOD)
