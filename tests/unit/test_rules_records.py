"""Pipelines that read records through tables, classes and names bound on the way: records are mended where parsed."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from failing_pipeline import apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent

Rows = list[dict[str, Any]]
DAY = 1_793_577_600
GOOD: Rows = [
    {
        "no": f"N-{i:03}",
        "sum": 10.5 + i,
        "at": DAY + i * 60,
        "guest": {"contact": {"mail": f"g{i}@x.example"}, "land": "AT"},
    }
    for i in range(8)
]
LOAD = "import json\n\ndef read(rows):\n    return json.loads(json.dumps(rows))\n\n"


def _with(**made: Any) -> Rows:
    return [{**row, **{key: make(row[key]) for key, make in made.items()}} for row in GOOD]


def _flat() -> Rows:
    return [
        {
            **{k: v for k, v in row.items() if k != "guest"},
            "guest_mail": row["guest"]["contact"]["mail"],
            "guest_land": "AT",
        }
        for row in GOOD
    ]


CASES = {
    "a table of casts": (
        "from decimal import Decimal\n" + LOAD + "CASTS = {'no': str, 'sum': Decimal}\n\ndef main(rows):\n"
        "    return [[str(cast(r[n])) for n, cast in CASTS.items()] for r in [{**r, 'sum': str(r['sum'])} for r in read(rows)]]\n"
        .replace("[{**r, 'sum': str(r['sum'])} for r in read(rows)]", "read(rows)"),
        _with(sum=lambda v: f"{v:.1f}".replace(".", ",")),
    ),
    "milliseconds for seconds": (
        LOAD + "from datetime import datetime, timezone\n\ndef when(stamp):\n    return datetime.fromtimestamp(stamp, timezone.utc).isoformat()\n\n"
        "def main(rows):\n    return [when(r['at']) for r in read(rows)]\n",
        _with(at=lambda v: v * 1000),
    ),
    "a name bound on the way": (
        LOAD + "def guest(row):\n    contact = row.get('guest', {}).get('contact', {})\n    return contact['mail'].lower()\n\n"
        "def main(rows):\n    return [guest(r) for r in read(rows)]\n",
        _flat(),
    ),
    "a map over lines": (
        "import json\n\ndef guest(row):\n    contact = row.get('guest', {}).get('contact', {})\n    return contact['mail']\n\n"
        "def main(rows):\n    lines = [json.dumps(r) for r in rows]\n    return [guest(r) for r in map(json.loads, lines)]\n",
        _flat(),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("code", "bad"), CASES.values(), ids=CASES.keys())
def test_records_are_given_the_form_that_the_code_knows_where_they_are_parsed(
    tmp_path: pathlib.Path, code: str, bad: Rows
):
    dossier = dossier_of(tmp_path, {"main.py": code}, GOOD, bad)
    before = result_of(tmp_path, GOOD)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert failure_of(tmp_path, bad) is None
    assert result_of(tmp_path, GOOD) == before == result_of(tmp_path, bad)


def test_a_read_behind_the_line_that_failed_is_not_mended(tmp_path: pathlib.Path):
    code = (
        "CASTS = {'no': str, 'sum': float}\n\ndef typed(r):\n    return {n: cast(r[n]) for n, cast in CASTS.items()}\n\n"
        "def main(rows):\n    made = [typed(r) for r in rows]\n    return [r['sum'] for r in made]\n"
    )
    bad = _with(sum=lambda v: f"{v:.1f}".replace(".", ","))
    assert RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, GOOD, bad)).change is None


def test_a_count_that_is_in_no_unit_of_time_is_left_alone(tmp_path: pathlib.Path):
    code = LOAD + "def main(rows):\n    assert all(r['at'] < 1e10 for r in read(rows))\n    return len(rows)\n"
    assert (
        RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, GOOD, _with(at=lambda v: v * 90))).change is None
    )


def test_what_held_a_field_is_not_dropped_from_a_name_that_says_nothing_without_it(tmp_path: pathlib.Path):
    good = [{"no": f"N-{i}", "order": {"customer": {"id": 70 + i}}} for i in range(8)]
    bad = [{"no": f"M-{i}", "order_id": 70 + i} for i in range(8)]
    code = LOAD + "def main(rows):\n    return [r['order']['customer']['id'] for r in read(rows)]\n"
    assert RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, good, bad)).change is None


NAMED = {
    "short": ("qty", "quantity", True),
    "short, with the unit's letter": ("temp_c", "temperatureCelsius", True),
    "another degree": ("temp_c", "temperatureFahrenheit", False),
    "a few letters alike": ("cost", "count", False),
    "not short for it": ("max", "margin", False),
    "in it by its letters": ("rate", "remoteness", False),
    "without its vowels": ("amt", "amount", True),
}


@pytest.mark.parametrize(("old", "new", "same"), NAMED.values(), ids=NAMED.keys())
def test_a_name_is_another_spelling_only_where_every_word_is_short_for_one(
    tmp_path: pathlib.Path, old: str, new: str, same: bool
):
    good = [{"no": f"N-{i}", old: 18 + i} for i in range(8)]
    bad = [{"no": f"M-{i}", new: 18 + i} for i in range(8)]
    code = f"def main(rows):\n    return sum(r['{old}'] for r in rows)\n"
    assert (RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, good, bad)).change is not None) is same
