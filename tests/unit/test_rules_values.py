"""Where values went, what unit a record says, what a code has lost: read as before where the data proves it."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action, Proposal
from airflow_agentic.shapes import shape

Rows = list[dict[str, Any]]
SITES = ("Tartu", "Pärnu", "Narva", "Valga", "Paide", "Võru")
STATES = ("queued", "running", "done")
PARTS = [{"part_id": f"P{n}", "maker": ("Oru", "Saar")[n % 2], "price": 4.5 + n} for n in range(8)]


def _proposed(folder: pathlib.Path, code: str, good: Rows, bad: Rows, **more: Any) -> Proposal:
    return RulesAgent().propose(dossier_of(folder, {"main.py": code}, good, bad, **more))


def _sites(name: str, *, shift: int = 0, **more: Any) -> Rows:
    return [{"site_no": f"K{n}", name: SITES[(n + shift) % 6], "kw": 10 + n, **more} for n in range(6)]


def _jobs(of: Any, day: int = 1) -> Rows:
    return [{"job": f"J{day}{n}", "state": of(STATES[n % 3]), "took": 3 + n % 5} for n in range(12)]


def _steps(state: str) -> list[str]:
    return ["created", *STATES[: STATES.index(state) + 1]]


def _total(key: str, *, weigh: str = "1") -> str:
    return f"def main(rows):\n    found = {{}}\n    for r in rows:\n        found[{key}] = found.get({key}, 0) + {weigh}\n    return found\n"


TALLY = (
    "def main(rows):\n    done = [r for r in rows if read(r)[0] == 'done']\n    if not done:\n"
    "        raise RuntimeError('check done jobs: 0 found')\n    return sum(read(r)[1] for r in done)\n\n\n"
    "def read(r):\n    return (r['state'], r['took'])\n"
)


def test_a_field_whose_values_stand_under_an_unlike_name_is_read_there(tmp_path: pathlib.Path):
    good, bad = _sites("town"), _sites("populated_place", region="EE")
    code = "def main(rows):\n    return sorted((r['site_no'], r['town']) for r in rows)\n"
    apply(tmp_path, _proposed(tmp_path, code, good, bad))
    assert result_of(tmp_path, bad) == result_of(tmp_path, good)


def test_values_tell_the_new_place_where_another_name_is_more_alike(tmp_path: pathlib.Path):
    good = _sites("town")
    bad = [{**r, "town_hall": SITES[n - 2], "seat": {"of": r["town"]}} for n, r in enumerate(good)]
    for row in bad:
        del row["town"]
    code = "def main(rows):\n    return sorted((r['site_no'], r['town']) for r in rows)\n"
    apply(tmp_path, _proposed(tmp_path, code, good, bad))
    assert result_of(tmp_path, bad) == result_of(tmp_path, good)


@pytest.mark.parametrize(
    "bad",
    [_sites("populated_place", shift=1), [{**r, "seat": r["place"]} for r in _sites("place")], _sites("place")[:2]],
    ids=["other values", "two places with the values", "too few records"],
)
def test_a_field_whose_values_do_not_tell_is_left(tmp_path: pathlib.Path, bad: Rows):
    code = "def main(rows):\n    return sorted(r['town'] for r in rows)\n"
    assert _proposed(tmp_path, code, _sites("town"), bad).change is None


@pytest.mark.parametrize(
    "of",
    [
        lambda s: _steps(s),
        lambda s: _steps(s)[::-1],
        lambda s: [{"name": w, "by": "cron"} for w in _steps(s)],
    ],
    ids=["oldest first", "newest first", "objects"],
)
def test_the_end_of_a_list_that_has_the_words_of_the_field_is_read(tmp_path: pathlib.Path, of: Any):
    good, bad = _jobs(str), _jobs(of, day=2)
    apply(tmp_path, _proposed(tmp_path, TALLY, good, bad))
    assert result_of(tmp_path, bad) == result_of(tmp_path, good) > 0


@pytest.mark.parametrize(
    "of",
    [lambda s: [s, "queued", s], lambda s: ["created", s, "archived"], lambda s: [] if s == "done" else [s, s]],
    ids=["both ends", "neither end", "an empty one"],
)
def test_a_list_whose_ends_do_not_tell_is_left(tmp_path: pathlib.Path, of: Any):
    assert _proposed(tmp_path, TALLY, _jobs(str), _jobs(of, day=2)).change is None


UNITS = {
    "a unit that is said for the first time": ("fee", {}, {"fee_unit": "cents"}, 100),
    "a unit that was another one": ("weight", {"uom": "kg"}, {"uom": "g"}, 1000),
    "a unit that shrinks the numbers": ("length", {"unit_of_length": "m"}, {"unit_of_length": "km"}, 0.001),
}


def _loads(name: str, factor: float, **more: Any) -> Rows:
    return [{"no": n, name: round((20.0 + n) * factor, 9), **more} for n in range(9)]


def _sums(name: str) -> str:
    return (
        "def main(rows):\n    total = round(sum(read(r) for r in rows), 6)\n    if not 100 < total < 1000:\n"
        f"        raise RuntimeError(f'check total failed: {{total}}')\n    return total\n\n\ndef read(r):\n    return r['{name}']\n"
    )


@pytest.mark.parametrize(("name", "was", "now", "factor"), UNITS.values(), ids=UNITS.keys())
def test_a_number_is_counted_in_the_unit_that_it_had(
    tmp_path: pathlib.Path, name: str, was: dict[str, str], now: dict[str, str], factor: float
):
    good, bad = _loads(name, 1, **was), _loads(name, factor, **now)
    apply(tmp_path, _proposed(tmp_path, _sums(name), good, bad))
    assert result_of(tmp_path, bad) == pytest.approx(result_of(tmp_path, good))


@pytest.mark.parametrize(
    ("code", "bad"),
    [
        (_sums("fee"), _loads("fee", 7, fee_unit="cents")),
        (_sums("fee"), _loads("fee", 100, fee_unit="credits")),
        (_sums("fee") + "\n\nLABEL = 'fee_unit'\n", _loads("fee", 100, fee_unit="cents")),
    ],
    ids=["numbers that do not agree", "no unit that we know", "code that reads the unit"],
)
def test_a_unit_that_is_not_sure_changes_nothing(tmp_path: pathlib.Path, code: str, bad: Rows):
    assert _proposed(tmp_path, code, _loads("fee", 1), bad).change is None


JOINED = (
    "MAKERS = {'M-01': 'Oru', 'M-02': 'Saar'}\n\n\ndef main(rows):\n    found = [MAKERS.get(read(r)) for r in rows]\n"
    "    if None in found:\n        raise RuntimeError('check maker failed: maker is null')\n    return found\n\n\n"
    "def read(r):\n    return r['maker_ref']\n"
)


def _makers(of: Any) -> Rows:
    return [{"part": f"Q{n}", "maker_ref": of(f"M-0{n % 2 + 1}")} for n in range(8)]


@pytest.mark.parametrize(
    "of",
    [lambda v: int(v[2:]), lambda v: v[2:], lambda v: v[3:]],
    ids=["a number", "text of digits", "text without noughts"],
)
def test_a_code_that_lost_its_letters_gets_them_back_where_other_records_have_them(tmp_path: pathlib.Path, of: Any):
    good, bad = _makers(str), _makers(of)
    other = shape([{"id": "M-01"}, {"id": "M-02"}], name="makers/{ds}.json", interval="2026-11-02", role="failing")
    apply(tmp_path, _proposed(tmp_path, JOINED, good, bad, more=(other,)))
    assert result_of(tmp_path, bad) == result_of(tmp_path, good)


def test_a_code_that_no_other_records_have_is_left(tmp_path: pathlib.Path):
    other = shape([{"id": "X-01"}], name="makers/{ds}.json", interval="2026-11-02", role="failing")
    assert _proposed(tmp_path, JOINED, _makers(str), _makers(lambda v: int(v[2:])), more=(other,)).change is None


def test_two_values_in_a_list_are_no_list_of_one(tmp_path: pathlib.Path):
    good = [{"id": f"A{n}", "tag": ("x", "y")[n % 2]} for n in range(8)]
    bad = [{"id": f"B{n}", "tag": [("x", "y")[n % 2]] * 2} for n in range(8)]
    code = "def main(rows):\n    return sorted(r['tag'].upper() for r in rows)\n"
    proposal = _proposed(tmp_path, code, good, bad)
    assert proposal.change is None
    assert proposal.diagnosis.action is not Action.FIX_CODE
