"""Numbers that were fields and come in a list, and the reverse: what they lie between decides, and nothing else."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Proposal

Rows = list[dict[str, Any]]
PLACES = [(54.1 + n / 20, 12.3 - n / 30) for n in range(9)]


def flat(places: Any, names: tuple[str, str] = ("lat", "lon")) -> Rows:
    return [{"buoy": f"B{n}", names[0]: a, names[1]: b, "knots": n * 3} for n, (a, b) in enumerate(places)]


def listed(places: Any, order: int = -1, **beside: Any) -> Rows:
    return [{"buoy": f"B{n}", "geometry": {**beside, "coordinates": [*pair][::order]}, "knots": n * 3} for n, pair in enumerate(places)]  # fmt: skip


PARSE = (
    "import json\n\ndef main(rows):\n    found = json.loads(json.dumps({'buoys': rows, 'geometry': 'sea'}))['buoys']\n"
)
BY_KEY = f"{PARSE}    return [(r['buoy'], r['lat'], r['lon']) for r in found]\n"
LISTS = f"{PARSE}    return [(r['buoy'], r['geometry']['coordinates'][1], r['geometry']['coordinates'][0]) for r in found]\n"
CLASS = f"from dataclasses import dataclass\n{PARSE.replace('def main', chr(10).join(['@dataclass', 'class Fix:', '    buoy: str', '    lat: float', '    lon: float', '', 'FIELDS = Fix.__dataclass_fields__', '', 'def main']))}    return [(f.lat, f.lon) for f in (Fix(**{{k: r[k] for k in FIELDS}}) for r in found)]\n"
NESTED = f"{PARSE}    return [(r['at']['y'], r['at']['x']) for r in found]\n"


def nested(places: Any) -> Rows:
    return [{"buoy": f"B{n}", "at": {"y": a, "x": b}} for n, (a, b) in enumerate(places)]


def proposed(folder: pathlib.Path, code: str, good: Rows, bad: Rows) -> Proposal:
    return RulesAgent().propose(dossier_of(folder, {"main.py": code}, good, bad))


CASES = {
    "longitude first": (BY_KEY, flat(PLACES), listed(PLACES, type="Point")),
    "latitude first, against all custom": (BY_KEY, flat(PLACES), listed(PLACES, 1)),
    "a class of fields": (CLASS, flat(PLACES), listed(PLACES)),
    "the list is gone": (LISTS, listed(PLACES, type="Point"), flat(PLACES)),
    "an object is gone": (NESTED, nested(PLACES), listed(PLACES)),
}


@pytest.mark.parametrize(("code", "good", "bad"), CASES.values(), ids=CASES.keys())
def test_each_number_is_found_where_it_is_now(tmp_path: pathlib.Path, code: str, good: Rows, bad: Rows):
    apply(tmp_path, proposed(tmp_path, code, good, bad))
    assert result_of(tmp_path, bad) == result_of(tmp_path, good)


def test_places_all_over_the_world_are_not_swapped(tmp_path: pathlib.Path):
    good = flat([(n * 15 - 60, n * 40 - 170) for n in range(9)])
    bad = listed([(n * 14 - 58, n * 41 - 168) for n in range(9)])
    apply(tmp_path, proposed(tmp_path, BY_KEY, good, bad))
    assert result_of(tmp_path, bad) == [(f"B{n}", n * 14 - 58, n * 41 - 168) for n in range(9)]


NEAR = [(9.0 + n / 10, 9.2 + n / 11) for n in range(9)]


def test_where_both_orders_fit_a_point_of_geojson_has_the_longitude_first(tmp_path: pathlib.Path):
    apply(tmp_path, proposed(tmp_path, BY_KEY, flat(NEAR), listed(NEAR, type="Point")))
    assert result_of(tmp_path, listed(NEAR, type="Point")) == result_of(tmp_path, flat(NEAR))


LEFT = {
    "both orders fit": (flat(NEAR), listed(NEAR)),
    "both orders fit and names say nothing": (flat(NEAR, ("a", "b")), listed(NEAR, type="Point")),
    "numbers of another place": (flat(PLACES), listed([(a + 30, b - 80) for a, b in PLACES])),
    "three numbers": (flat(PLACES), [{**r, "geometry": {"coordinates": [1.0, *r["geometry"]["coordinates"]]}} for r in listed(PLACES)]),
    "lists that may be empty": (flat(PLACES), [*listed(PLACES), {"buoy": "B9", "geometry": {"coordinates": []}, "knots": 1}]),
}  # fmt: skip


@pytest.mark.parametrize(("good", "bad"), LEFT.values(), ids=LEFT.keys())
def test_numbers_that_could_be_either_are_left(tmp_path: pathlib.Path, good: Rows, bad: Rows):
    names = [key for key in good[0] if key not in {"buoy", "knots"}]
    code = BY_KEY.replace("lat", names[0]).replace("lon", names[1])
    assert proposed(tmp_path, code, good, bad).change is None


@pytest.mark.parametrize("names", [("lat", "lng"), ("latitude", "longitude")], ids=["short", "whole words"])
def test_an_object_with_other_words_for_them_is_read(tmp_path: pathlib.Path, names: tuple[str, str]):
    bad = [{"buoy": f"B{n}", "place": dict(zip(names, pair)), "knots": n * 3} for n, pair in enumerate(PLACES)]
    apply(tmp_path, proposed(tmp_path, BY_KEY, flat(PLACES), bad))
    assert result_of(tmp_path, bad) == result_of(tmp_path, flat(PLACES))
