"""Records that come as lists of values, flattened into a model, in other units, or again: mended where they are parsed."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from failing_pipeline import KEY, apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.landed_files import parse
from airflow_agentic.records import DataShape, Proposal
from airflow_agentic.shapes import shape
from airflow_agentic.tracebacks import parse_tracebacks, root_error

# The pipelines under repair are other people's: some leave a sqlite handle to the collector, which Python 3.13 tells.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

Rows = list[dict[str, Any]]
FISH: Rows = [{"tank": f"T-{n}", "grams": 100 + n, "fed_at": f"2026-11-01T0{n}:00"} for n in range(8)]
NAMES = ["fed_at", "tank", "grams"]
VALUES = [[row[name] for name in NAMES] for row in FISH]


def _shapes(document: Any, role: str) -> tuple[DataShape, ...]:
    landed = parse("feed.json", json.dumps(document).encode(), whole=True, max_bytes=1_000_000)
    return tuple(
        shape(one.records, name="feed/{ds}.json" + (f" ({one.part})" if one.part else ""), interval="", role=role)
        for one in landed
    )


def _proposed(folder: pathlib.Path, code: str, good: Any, bad: Any) -> Proposal:
    (folder / "main.py").write_text(code)
    assert failure_of(folder, good) is None
    printed = failure_of(folder, bad)
    assert printed is not None
    error = root_error(KEY, parse_tracebacks(printed.splitlines()))
    more = (*_shapes(good, "good"), *_shapes(bad, "failing"))
    return RulesAgent().propose(dossier_of(folder, {"main.py": code}, None, None, error=error, more=more))


READ = "import json\n\ndef main(document):\n    body = json.loads(json.dumps(document))\n    return sorted((r['tank'], r['grams'] * 2) for r in bodyLIST)\n"
LISTS = {
    "names beside the rows": ("['fish']", {"farm": "x", "fish": FISH}, {"farm": "x", "names": NAMES, "fish": VALUES}),
    "names in what is about them": ("['fish']", {"fish": FISH}, {"meta": {"header": NAMES}, "fish": VALUES}),
    "rows under another key": ("['fish']", {"fish": FISH}, {"columns": NAMES, "data": VALUES}),
    "a list before": ("", FISH, {"columns": NAMES, "index": list(range(8)), "data": VALUES}),
    "names in the first row": ("", FISH, [NAMES, *VALUES]),
    "names in the first row of a key": ("['fish']", {"fish": FISH}, {"fish": [NAMES, *VALUES]}),
    "columns": ("", FISH, {name: [row[name] for row in FISH] for name in NAMES}),
}


@pytest.mark.parametrize(("listed", "good", "bad"), LISTS.values(), ids=LISTS.keys())
def test_lists_of_values_are_named_by_the_data_itself(tmp_path: pathlib.Path, listed: str, good: Any, bad: Any):
    code = READ.replace("LIST", listed)
    apply(tmp_path, _proposed(tmp_path, code, good, bad))
    assert result_of(tmp_path, bad) == result_of(tmp_path, good) == [(r["tank"], r["grams"] * 2) for r in FISH]


@pytest.mark.parametrize(
    "bad", [{"fish": VALUES}, {"names": ["a", "b", "c"], "fish": VALUES}], ids=["no names", "names of others"]
)
def test_values_without_known_names_are_left(tmp_path: pathlib.Path, bad: Any):
    assert _proposed(tmp_path, READ.replace("LIST", "['fish']"), {"fish": FISH}, bad).change is None


MODEL = """from pydantic import BaseModel, ConfigDict, TypeAdapter
import json


class Owner(BaseModel):
    mail: str
    town: str


class Boat(BaseModel):
    model_config = ConfigDict(extra="EXTRA")
    hull: str
    owner: Owner
    feet: int


BOATS = TypeAdapter(list[Boat])

def main(rows):
    return [(b.hull, b.owner.mail, b.owner.town, b.feet) for b in BOATS.validate_json(json.dumps(rows))]
"""
BOATS: Rows = [
    {"hull": f"H-{n}", "owner": {"mail": f"a{n}@x.example", "town": "Graz"}, "feet": 30 + n} for n in range(8)
]
MOVED = {
    "flattened": [{"hull": b["hull"], "owner_mail": b["owner"]["mail"], "owner_town": "Graz", "feet": b["feet"]} for b in BOATS],
    "one level deeper": [{**b, "owner": {"contact": b["owner"]}} for b in BOATS],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "extra"), [("flattened", "ignore"), ("flattened", "forbid"), ("one level deeper", "ignore")]
)
def test_a_model_finds_what_has_moved(tmp_path: pathlib.Path, name: str, extra: str):
    pytest.importorskip("pydantic")
    code = MODEL.replace("EXTRA", extra)
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, BOATS, MOVED[name])))
    assert result_of(tmp_path, MOVED[name]) == result_of(tmp_path, BOATS)


GOOD: Rows = [{"id": f"C-{n}", "mass_g": 200 + n * 302, "depth_mm": 200 + n * 53} for n in range(8)]
UNITS: Rows = [{"id": r["id"], "mass_kg": r["mass_g"] / 1000, "depth_cm": r["depth_mm"] / 10} for r in GOOD]
READS = {
    "a table of casts": "FIELDS = {'id': str, 'mass_g': int, 'depth_mm': int}\n\ndef main(rows):\n    return [tuple(cast(r[k]) for k, cast in FIELDS.items()) for r in json.loads(json.dumps(rows))]\n",
    "literal keys": "def main(rows):\n    return [(r['id'], r['mass_g'], r['depth_mm'] + 1) for r in json.loads(json.dumps(rows))]\n",
    "a class": "from dataclasses import dataclass\n\n@dataclass\nclass C:\n    id: str\n    mass_g: int\n    depth_mm: int\n\ndef main(rows):\n    return [vars(C(**{k: r[k] for k in C.__dataclass_fields__})) for r in json.loads(json.dumps(rows))]\n",
}


@pytest.mark.parametrize("code", READS.values(), ids=READS.keys())
def test_two_units_at_once_give_the_very_numbers_of_before(tmp_path: pathlib.Path, code: str):
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": f"import json\n\n{code}"}, GOOD, UNITS)))
    assert result_of(tmp_path, UNITS) == result_of(tmp_path, GOOD)


SENT: Rows = [{"visa": f"V{n}", "state": "new", "updated_at": f"2026-11-01T1{n}:00:00Z"} for n in range(8)]
AGAIN: Rows = [{**r, "state": "old", "updated_at": r["updated_at"].replace("T1", "T0")} for r in SENT[::2]]
STORE = "    con = sqlite3.connect(':memory:')\n    con.execute('create table visas (visa text primary key, state text, updated_at text)')\n"
INSERTS = {
    "named places": "def main(rows):\n"
    + STORE
    + "    con.executemany('insert into visas values (:visa, :state, :updated_at)', [r | {'x': 1} for r in read(rows)])\n",
    "a loop": "def main(rows):\n"
    + STORE
    + "    for r in read(rows):\n        con.execute('insert into visas values (?, ?, ?)', (r['visa'], r['state'], r['updated_at']))\n",
    "values": "def main(rows):\n"
    + STORE
    + "    con.executemany('insert into visas values (?, ?, ?)', [tuple(r.values()) for r in read(rows)])\n",
}
PARSES = {
    "a document": "def read(rows):\n    return json.loads(json.dumps({'visas': rows}))['visas']\n\n",
    "a line each": "def read(rows):\n    return [json.loads(line) for line in map(json.dumps, rows)]\n\n",
    "a map": "def read(rows):\n    yield from map(json.loads, map(json.dumps, rows))\n\n",
}


@pytest.mark.parametrize("bad", [[*AGAIN, *SENT], [*SENT, *AGAIN]], ids=["old first", "old last"])
@pytest.mark.parametrize("parses", PARSES.values(), ids=PARSES.keys())
@pytest.mark.parametrize("inserts", INSERTS.values(), ids=INSERTS.keys())
def test_the_newest_of_a_record_sent_again_is_kept(tmp_path: pathlib.Path, inserts: str, parses: str, bad: Rows):
    code = f"import json, sqlite3\n\n{parses}{inserts}    return con.execute('select * from visas order by 1').fetchall()\n"
    name = "visas/{ds}.json" if "'visas'" in parses else "visas/{ds}.jsonl"
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, SENT, bad, name=name)))
    assert result_of(tmp_path, bad) == result_of(tmp_path, SENT)


def test_records_sent_again_are_left_where_their_versions_have_no_order(tmp_path: pathlib.Path):
    def days(rows: Rows) -> Rows:
        return [{**r, "updated_at": "01.11.2026 " + r["updated_at"][11:16]} for r in rows]

    code = f"import json, sqlite3\n\n{PARSES['a document']}{INSERTS['values']}"
    bad = days([*AGAIN, *SENT])
    assert RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, days(SENT), bad)).change is None
