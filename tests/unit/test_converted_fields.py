"""Fields in a new form whose failure shows elsewhere, columns in other places, other wrappings of text: both forms load."""

from __future__ import annotations

import csv
import io
import json
import pathlib
from dataclasses import replace

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.mending.conversions import conversion, noughts
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action, Category
from airflow_agentic.shapes import shape

GOOD = [
    {"no": f"N-{i}", "sum": 120.5 + i * 300, "off": float(i % 3), "at": f"2026-11-02T0{i}:10:00", "paid": i % 2 == 0}
    for i in range(8)
]
LOAD = """
def parse(o):
    return (o["no"], o["sum"], o["off"], o["at"], o["paid"])

def check(rows, want):
    got = round(sum(r[1] - r[2] for r in rows), 2)
    if abs(got - want) > 0.01:
        raise ValueError(f"check total: expected {want}, got {got}")

def main(rows):
    landed = [parse(o) for o in rows]
    check(landed, WANT)
    return landed
"""
TOTAL = round(sum(o["sum"] - o["off"] for o in GOOD), 2)


def changed(**how):
    return [{**o, **{key: of(o[key]) for key, of in how.items()}} for o in GOOD]


def _insert(text: str) -> str:
    return LOAD.replace("check(landed, WANT)", "insert(landed)").replace(
        "def main",
        f"def insert(rows):\n    for row in rows:\n        {text}\n\ndef main",
    )


FORMS = {
    "thousands, met by a cast later on": (_insert("float(row[1])"), changed(sum=lambda v: f"{v:,.2f}")),
    "an object of text": (_insert("float(row[1])"), changed(sum=lambda v: {"value": f"{v:.2f}", "currency": "EUR"})),
    "a currency code behind": (_insert("float(row[1])"), changed(sum=lambda v: f"{v:.2f} EUR")),
    "seconds since 1970": (
        _insert("assert len(row[3]) == 19"),
        changed(at=lambda v: 1_793_578_200 + int(v[12]) * 3600),
    ),
    "times with an offset": (
        _insert("assert len(row[3]) == 19, 'invalid literal for time'"),
        changed(at=lambda v: f"{v[:11]}{int(v[11:13]) + 1:02}{v[13:]}+01:00"),
    ),
    "words for true and false": (_insert("row[4] + 1"), changed(paid=lambda v: "yes" if v else "no")),
    "another name and text": (
        _insert("float(row[1])"),
        [{**{k: v for k, v in o.items() if k != "sum"}, "sumTotal": str(o["sum"])} for o in GOOD],
    ),
    "null for nought": (_insert("row[1] - row[2]"), changed(off=lambda v: v or None)),
    "cents, by the check's own numbers": (
        LOAD.replace("WANT", str(TOTAL)),
        changed(sum=lambda v: round(v * 100), off=lambda v: round(v * 100)),
    ),
}


@pytest.mark.parametrize(("code", "bad"), FORMS.values(), ids=FORMS.keys())
def test_a_field_in_a_new_form_loads_as_before_beside_the_old_form(tmp_path: pathlib.Path, code: str, bad: list):
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, GOOD, bad)))
    assert result_of(tmp_path, bad) == result_of(tmp_path, GOOD) == [tuple(o.values()) for o in GOOD]


REGIONS = """
REGION = {"Germany": "DACH", "Austria": "DACH", "Spain": "IBERIA"}

def parse(o):
    return (o["no"], o["country"])

def main(rows):
    landed = [parse(o) for o in rows]
    bad = [no for no, country in landed if country not in REGION]
    if bad:
        raise ValueError(f"check region: {len(bad)} rows without one")
    return landed
"""


def test_a_country_that_became_a_code_gets_the_name_that_the_code_knows(tmp_path: pathlib.Path):
    names = {"DE": "Germany", "AT": "Austria", "ES": "Spain"}
    good = [{"no": f"N-{i}", "country": name} for i, name in enumerate([*names.values()] * 2)]
    bad = [{"no": f"N-{i}", "country": code} for i, code in enumerate([*names] * 2)]
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": REGIONS}, good, bad)))
    assert result_of(tmp_path, bad) == result_of(tmp_path, good)


HELD = {
    "no witness of the form": changed(sum=lambda v: v * 100.0, off=lambda v: v * 100.0),
    "not by a whole factor": changed(sum=lambda v: round(v * 97), off=lambda v: round(v * 97)),
}


@pytest.mark.parametrize("bad", HELD.values(), ids=HELD.keys())
def test_numbers_that_only_grew_are_held_back(tmp_path: pathlib.Path, bad: list):
    proposal = RulesAgent().propose(dossier_of(tmp_path, {"main.py": LOAD.replace("WANT", str(TOTAL))}, GOOD, bad))
    assert (proposal.change, proposal.diagnosis.action) == (None, Action.QUARANTINE)


def _shapes(good, bad):
    return [shape(({"x": v} for v in values), name="f", interval="", role="good").fields[0] for values in (good, bad)]


UNSURE = {
    "day and month": (["2026-11-02T10:00:00"] * 3, ["02/11/2026 10:00:00"] * 3),
    "a comma that may be either": ([1.5, 2.5], ["1,500", "2,500"]),
    "two currencies": ([1.5, 2.5], ["$1.50", "€2.50"]),
    "words that are no flags": ([True, False], ["maybe", "perhaps"]),
    "null beside numbers": ([1.5, 2.5], [1.5, None]),
}


@pytest.mark.parametrize(("good", "bad"), UNSURE.values(), ids=UNSURE.keys())
def test_what_has_two_readings_is_not_converted(good: list, bad: list):
    assert conversion(*_shapes(good, bad), (), text_only=False) is None


def test_null_is_no_nought_while_nought_still_comes():
    good, bad = _shapes([0, 5, 7], [0, None, 7])
    assert noughts(good, bad, 3) is None


ROWS = [{"no": f"N{i}", "ward": "north", "minutes": i * 7} for i in range(8)]
READ = "import csv, io\n\ndef main(text):\n    rows = csv.reader(io.StringIO(text))\n    next(rows)\n    return [(r[0], r[1], int(r[2])) for r in rows]\n"


def _csv(rows: list) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def test_columns_read_by_position_are_found_where_they_are_now(tmp_path: pathlib.Path):
    moved = [{"no": o["no"], "doctor": "Dr. B", **o} for o in ROWS]
    shapes = tuple(
        shape(rows, name="visits/{ds}.csv", interval="", role=role)
        for rows, role in ((ROWS, "good"), (moved, "failing"))
    )
    found = dossier_of(tmp_path, {"main.py": READ.replace("io.StringIO(text)", "io.StringIO(_csv(text))").replace("def main", _WRITE + "\ndef main")}, ROWS, moved, name="other.json")  # fmt: skip
    apply(tmp_path, RulesAgent().propose(_only(found, shapes)))
    assert result_of(tmp_path, moved) == result_of(tmp_path, ROWS) == [tuple(o.values()) for o in ROWS]


_WRITE = (
    "def _csv(rows):\n    out = io.StringIO()\n    w = csv.DictWriter(out, list(rows[0]))\n    w.writeheader()\n"
    "    w.writerows(rows)\n    return out.getvalue()\n"
)


def _only(dossier, shapes):
    return replace(dossier, shapes=shapes)


def test_lines_of_json_are_read_beside_one_document(tmp_path: pathlib.Path):
    code = "import json\n\ndef main(text):\n    return [r['no'] for r in json.loads(text)]\n"
    document, lines = json.dumps(ROWS), "\n".join(json.dumps(r) for r in ROWS)
    good = shape(ROWS, name="visits/{ds}.json", interval="", role="good")
    bad = replace(good, role="failing", form=("json lines",))
    apply(tmp_path, RulesAgent().propose(_only(dossier_of(tmp_path, {"main.py": code}, document, lines), (good, bad))))
    assert result_of(tmp_path, lines) == result_of(tmp_path, document) == [r["no"] for r in ROWS]


RULES = {
    "refunds exceed sales": ("business rule: refunds 498.0 exceed sales 310.5", Category.BAD_DATA),
    "the newest row is old": ("source freshness: newest row is from 30 hours before", Category.LATE_DATA),
}


@pytest.mark.parametrize(("words", "category"), RULES.values(), ids=RULES.keys())
def test_a_rule_of_the_pipelines_own_holds_data_back(tmp_path: pathlib.Path, words: str, category: Category):
    code = f"def main(rows):\n    if len(rows) < 8:\n        raise ValueError({words!r})\n"
    said = RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, GOOD, GOOD[:7])).diagnosis
    assert (said.action, said.category) == (Action.QUARANTINE, category)
