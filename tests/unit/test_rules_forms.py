"""New forms of data, one small pipeline each: the fix makes the bad day work, and the good day stays the same."""

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.fixers.renamed_value import _spelling
from airflow_agentic.agents.mending.number_style import number_style
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.landed_files import parse
from airflow_agentic.records import Action, Category

ROWS = [
    {"lot_no": f"L-00{i}", "kind": ("MALT", "OATS")[i % 2], "mass_kg": 2.5 + i, "taken_at": f"2026-11-01T08:0{i}:00"}
    for i in range(6)
]
PARSED = "import json\n\ndef rows_of(rows):\n    return json.loads(json.dumps(rows))\n\n"
TIMED = (
    "from datetime import datetime\n\ndef main(rows):\n    return [{parse}.strftime('%Y%m%d %H:%M') for r in rows]\n"
)


def changed(**how):
    """Return the rows with fields made anew; a name that maps to None is taken out."""
    made = [{**row, **{key: value(row) for key, value in how.items() if value}} for row in ROWS]
    return [{k: v for k, v in row.items() if k not in how or how[k]} for row in made]


def renamed(old, new):
    return [{(new if k == old else k): v for k, v in row.items()} for row in ROWS]


def _epoch(factor):
    return lambda row: (1793520000 + 60 * int(row["lot_no"][-1])) * factor


FORMS = {
    "a guard on required columns": (PARSED + "NEEDED = ['lot_no', 'kind']\n\ndef main(rows):\n    rows = rows_of(rows)\n    missing = [n for n in NEEDED if n not in rows[0]]\n    if missing:\n        raise ValueError(f'missing columns {missing}')\n    return [tuple(r[n] for n in NEEDED) for r in rows]\n", renamed("lot_no", "lotNo")),
    "an attribute that a table names": (PARSED + "from types import SimpleNamespace\nMAP = {'lot_no': 'lot'}\n\ndef main(rows):\n    return [{new: getattr(SimpleNamespace(**r), old) for old, new in MAP.items()} for r in rows_of(rows)]\n", renamed("lot_no", "lotNo")),
    "a dataclass and new fields": ("from dataclasses import dataclass\n\n@dataclass\nclass Lot:\n    lot_no: str\n    kind: str\n    mass_kg: float\n    taken_at: str\n\ndef main(rows):\n    return [Lot(**r).lot_no for r in rows]\n", changed(origin=lambda r: "x", note=lambda r: None)),
    "a writer and new fields": ("import csv, io\n\ndef main(rows):\n    out = io.StringIO()\n    w = csv.DictWriter(out, ['lot_no', 'kind', 'mass_kg', 'taken_at'])\n    w.writerows(rows)\n    return out.getvalue()\n", changed(origin=lambda r: "x")),
    "a word in another case": ("PRICE = {'MALT': 3, 'OATS': 2}\n\ndef main(rows):\n    return [PRICE[r['kind']] for r in rows]\n", changed(kind=lambda r: r["kind"].lower())),
    "an Enum in another case": ("from enum import Enum\n\nclass Kind(Enum):\n    A = 'MALT'\n    B = 'OATS'\n\ndef main(rows):\n    return [Kind(r['kind']).name for r in rows]\n", changed(kind=lambda r: r["kind"].title())),
    "grams for kilograms": ("def main(rows):\n    return [r['mass_kg'] * 2 for r in rows]\n", changed(mass_kg=None, mass_g=lambda r: r["mass_kg"] * 1000)),
    "a currency sign": ("def main(rows):\n    return [float(r['mass_kg']) for r in rows]\n", changed(mass_kg=lambda r: f"${r['mass_kg']:.2f}")),
    "seconds since 1970": (TIMED.format(parse="datetime.strptime(r['taken_at'], '%Y-%m-%dT%H:%M:%S')"), changed(taken_at=_epoch(1))),
    "milliseconds since 1970": (TIMED.format(parse="datetime.fromisoformat(r['taken_at'])"), changed(taken_at=_epoch(1000))),
    "an offset beside a naive time": ("from datetime import datetime\n\ndef main(rows):\n    return [late(r) for r in rows]\n\ndef late(r):\n    moment = datetime.fromisoformat(r['taken_at'])\n    return moment > datetime(2026, 11, 1, 8, 3)\n", changed(taken_at=lambda r: r["taken_at"] + "+00:00")),
    "another form for fromisoformat": (TIMED.format(parse="datetime.fromisoformat(r['taken_at'])"), changed(taken_at=lambda r: r["taken_at"][8:10] + ".11.2026 " + r["taken_at"][11:16])),
}  # fmt: skip


@pytest.mark.parametrize(("code", "bad"), FORMS.values(), ids=FORMS.keys())
def test_a_new_form_is_read_beside_the_old_one(tmp_path, code, bad):
    dossier = dossier_of(tmp_path, {"main.py": code}, ROWS, bad)
    before = result_of(tmp_path, ROWS)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert result_of(tmp_path, bad) == before == result_of(tmp_path, ROWS)


HELD = {
    "nulls in some": (
        "def main(rows):\n    return [r['kind'].lower() for r in rows]\n",
        [*ROWS[:4], {**ROWS[4], "kind": None}, ROWS[5]],
    ),
    "a word in one of the numbers": (
        "def main(rows):\n    return [float(r['mass_kg']) for r in rows]\n",
        [{**ROWS[0], "mass_kg": "#REF!"}, *ROWS[1:]],
    ),
    "nothing at all": ("def main(rows):\n    return sum(r['mass_kg'] for r in rows) / len(rows)\n", []),
}


@pytest.mark.parametrize(("code", "bad"), HELD.values(), ids=HELD.keys())
def test_data_that_is_wrong_in_part_is_held_back(tmp_path, code, bad):
    proposal = RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, ROWS, bad))
    assert proposal.change is None
    assert proposal.diagnosis.action is Action.QUARANTINE
    assert proposal.diagnosis.category in {Category.BAD_DATA, Category.LATE_DATA}
    assert "airflow backfill create" in proposal.diagnosis.next_step


def test_a_missing_field_gets_the_default_that_the_rest_of_the_code_gives_it(tmp_path):
    code = "def other(r):\n    return r.get('mass_kg', 0)\n\ndef main(rows):\n    return [r['mass_kg'] for r in rows]\n"
    bad = [{k: v for k, v in ROWS[0].items() if k != "mass_kg"}, *ROWS[1:]]
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, ROWS, bad)))
    assert result_of(tmp_path, bad)[0] == 0


@pytest.mark.parametrize(
    ("formats", "written"),
    [
        (("9,999.99", "999.99"), 'value.replace(",", "")'),
        (("999,99",), 'value.replace(",", ".")'),
        (("9 999,99", "99,99"), 'value.replace(" ", "").replace(",", ".")'),
        (("€99.99",), 'value.strip("€ \\u00a0")'),
        (("9,999", "999"), None),
        (("9.99.9a",), None),
    ],
)
def test_a_number_has_one_reading_or_none(formats, written):
    style = number_style(formats)
    assert (style and style.stripped()) == written


def test_a_new_word_is_no_other_spelling():
    assert _spelling({"IN_TRANSIT", "SENT"}, "in-transit") == '.upper().replace("-", "_")'
    assert _spelling({"IN_TRANSIT", "SENT"}, "lost") == ""


@pytest.mark.parametrize(
    ("data", "form"),
    [
        ("a,b\n1,2\n".encode("utf-8-sig"), ("byte order mark",)),
        ("a,b\nJürgen,2\n".encode("latin-1"), ("windows-1252",)),
        (b"a;b\n1;2\n", ("delimiter ;",)),
        (b"# from HR\na,b\n1,2\n", ("comment lines",)),
        (b"a,b\n1,2\n", ()),
    ],
)
def test_what_is_unusual_about_a_file_is_told(data, form):
    (landed,) = parse("x.csv", data, whole=True, max_bytes=1000)
    assert landed.form == form
    assert list(landed.records[0]) == ["a", "b"]
