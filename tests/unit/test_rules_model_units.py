"""A number in another unit that a pydantic model refuses, columns of a frame, and data of which only a part has come."""

import pytest
from failing_pipeline import an_error, apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action, Category

MODEL = """from pydantic import BaseModel{more}


class Reading(BaseModel):
    meter: str
    {field}: float{value}


def main(rows):
    import json
    return [(r.meter, round(r.{field}, 2)) for r in (Reading.model_validate_json(json.dumps(row)) for row in rows)]
"""
KWH = [{"meter": f"M-{n}", "energy_kwh": 20.5 + n * 1.25} for n in range(8)]
WH = [{"meter": r["meter"], "energy_wh": round(r["energy_kwh"] * 1000)} for r in KWH]
GRAMS = [{"meter": f"P-{n}", "weight_g": 4100 + n * 250} for n in range(8)]
KILOS = [{"meter": r["meter"], "weight_kg": r["weight_g"] / 1000} for r in GRAMS]
FRAME = """import pandas as pd


def main(rows):
    frame = pd.DataFrame(rows)
    frame["at"] = pd.to_datetime(frame["at"])
    return later(frame)


def later(frame):
    return list(frame[(frame["at"] > pd.Timestamp("2026-11-01 03:00"))]["no"])
"""


@pytest.mark.parametrize(
    ("field", "value", "more", "good", "bad"),
    [
        ("energy_kwh", "", "", KWH, WH),
        ("energy_kwh", " = Field(ge=0)", ", Field", KWH, WH),
        ("weight_g", "", "", GRAMS, KILOS),
    ],
    ids=["smaller units", "a field with limits", "larger units"],
)
def test_a_model_makes_the_number_that_it_knows(tmp_path, field, value, more, good, bad):
    dossier = dossier_of(tmp_path, {"main.py": MODEL.format(field=field, value=value, more=more)}, good, bad)
    before = result_of(tmp_path, good)
    assert apply(tmp_path, RulesAgent().propose(dossier))
    assert result_of(tmp_path, bad) == before == result_of(tmp_path, good)


def test_a_unit_that_the_sizes_do_not_bear_out_is_left_to_a_person(tmp_path):
    same = [{"meter": r["meter"], "energy_wh": r["energy_kwh"]} for r in KWH]
    dossier = dossier_of(tmp_path, {"main.py": MODEL.format(field="energy_kwh", value="", more="")}, KWH, same)
    assert RulesAgent().propose(dossier).change is None


def test_a_column_of_a_frame_is_not_read_like_a_value(tmp_path):
    good = [{"no": n, "at": f"2026-11-01 0{n}:00:00"} for n in range(1, 9)]
    bad = [{"no": n, "at": f"2026-11-01T0{n}:00:00Z"} for n in range(1, 9)]
    change = RulesAgent().propose(dossier_of(tmp_path, {"main.py": FRAME}, good, bad)).change
    assert change is None or "strptime(value" not in change.diff


@pytest.mark.parametrize("said", ["no trailer, 31 of 48 entries", "only 12 out of 40 rows arrived"])
def test_data_of_which_only_a_part_has_come_is_held_back(tmp_path, said):
    dossier = dossier_of(tmp_path, {"main.py": "x = 1\n"}, [], [], error=an_error("StatementError", said))
    assert RulesAgent().propose(dossier).diagnosis.action is Action.QUARANTINE


@pytest.mark.parametrize("said", ["5 of 40 rows have no region", "read 40 of 40 rows"])
def test_a_count_of_records_at_fault_is_no_part_of_a_delivery(tmp_path, said):
    dossier = dossier_of(tmp_path, {"main.py": "x = 1\n"}, KWH, KWH, error=an_error("RegionError", said))
    assert RulesAgent().propose(dossier).diagnosis.category is not Category.LATE_DATA


def test_values_that_are_missing_here_and_there_are_bad_data_whatever_trips_over_them(tmp_path):
    gone = [{**r, "energy_kwh": None if n in (2, 5) else r["energy_kwh"]} for n, r in enumerate(KWH)]
    error = an_error("decimal.InvalidOperation", "[<class 'decimal.ConversionSyntax'>]")
    said = RulesAgent().propose(dossier_of(tmp_path, {"main.py": "x = 1\n"}, KWH, gone, error=error)).diagnosis
    assert said.action is Action.QUARANTINE


@pytest.mark.parametrize("zone", ["Z", "+00:00", "+02:00"])
def test_a_frame_gets_the_naive_utc_times_that_it_had(tmp_path, zone):
    good, bad = _times("2026-11-01 0{}:00:00"), _times(f"2026-11-01T0{{}}:00:00{zone}")
    dossier = dossier_of(tmp_path, {"main.py": FRAME, "README.md": "All times are UTC.\n"}, good, bad)
    before = result_of(tmp_path, good)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert result_of(tmp_path, good) == before == [4, 5, 6, 7, 8]
    assert result_of(tmp_path, bad) == ([6, 7, 8] if zone == "+02:00" else before)


def test_a_frame_whose_zone_nobody_names_is_left_to_a_person(tmp_path):
    good, bad = _times("2026-11-01 0{}:00:00"), _times("2026-11-01T0{}:00:00Z")
    files = {"main.py": FRAME, "dags/feed.py": 'START = pendulum.datetime(2026, 11, 1, tz="UTC")\n'}
    assert RulesAgent().propose(dossier_of(tmp_path, files, good, bad)).change is None


def _times(form: str) -> list[dict[str, object]]:
    return [{"no": n, "at": form.format(n)} for n in range(1, 9)]
