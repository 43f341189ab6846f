"""Seventh batch, first part: written by an author who has seen neither the product nor the earlier cases."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from brief import STORE, brief
from case_maker import Spec

Row = dict[str, Any]
Files = dict[str, "str | bytes"]
ANY: tuple[str, ...] = ()
"""No category is asked for where two names would be fair."""


def dice(name: str, day: str) -> random.Random:
    """Return the chances of *name* on *day*."""
    return random.Random(f"seventh {name} {day}")


def dump(value: Any) -> str:
    """Return *value* as JSON."""
    return json.dumps(value, indent=1, ensure_ascii=False)


def sheet(rows: Iterable[Row], delimiter: str = ",", columns: tuple[str, ...] = ()) -> str:
    """Return *rows* as CSV."""
    rows, text = list(rows), io.StringIO()
    writer = csv.DictWriter(text, columns or list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


LANDING = """
import os
from pathlib import Path


def landing(*parts):
    return Path(os.environ["WORK"], "upstream", *parts)
"""


def _meters(day: str, new: bool) -> Files:
    luck, rows = dice("meters", day), []
    for n in range(18):
        peak = (n * 7 + int(day[8:])) % 24
        kwh = [round(luck.uniform(0.05, 2.4) + (3 if hour == peak else 0), 3) for hour in range(24)]
        row: Row = {"meter": f"DE{40217 + n * 13:07}", "zone": luck.choice(("north", "south", "east"))}
        if new:
            row |= {"resolution": "PT60M", "readings": [{"hour": h, "kwh": v} for h, v in enumerate(kwh)]}
        else:
            row |= {f"h{h:02}": v for h, v in enumerate(kwh)}
        rows.append(row)
    return {f"meters/{day}.json": dump({"day": day, "profiles": rows})}


# FIX. The 24 columns h00..h23 of a load profile became a list of readings with hour and kwh. Hour 0 is h00: the same
# 24 values under another roof. Right: take the readings by their hour where they are there, else the columns.
METERS = brief(
    "sev_meter_hours",
    {
        "metering/store.py": STORE,
        "metering/landing.py": LANDING,
        "metering/profiles.py": '''
"""Load profiles of smart meters, one of 24 hours per meter and day."""
import json
from dataclasses import dataclass

from metering.landing import landing
from metering.store import save


@dataclass(frozen=True)
class Profile:
    meter: str
    zone: str
    kwh: tuple

    @classmethod
    def of(cls, raw: dict) -> "Profile":
        hours = tuple(float(raw[f"h{hour:02}"]) for hour in range(24))
        return cls(meter=raw["meter"], zone=raw["zone"], kwh=hours)

    @property
    def total(self) -> float:
        return round(sum(self.kwh), 3)

    @property
    def peak_hour(self) -> int:
        return self.kwh.index(max(self.kwh))


def load_profiles(day):
    body = json.loads(landing("meters", f"{day}.json").read_text())
    profiles = [Profile.of(raw) for raw in body["profiles"]]
    save("profiles", ["meter", "zone", "total_kwh", "peak_hour"],
         [(p.meter, p.zone, p.total, p.peak_hour) for p in profiles], day)
''',
    },
    ("metering.profiles:load_profiles",),
    _meters,
    table="profiles",
)


def _calls(day: str, new: bool) -> Files:
    luck, rows = dice("calls", day), []
    for n in range(40):
        at = datetime.fromisoformat(f"{day}T00:00:00+00:00") + timedelta(seconds=n * 2100 + luck.randrange(2000))
        rows.append({
            "call_id": f"{day[8:]}-{70000 + n}", "caller": f"4940{luck.randrange(10**6, 10**7)}",
            "started_at": str(int(at.timestamp() * 1000)) if new else at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "duration_s": luck.randrange(3, 4000), "cell": luck.choice(("HH-001", "HH-014", "B-220")),
        })  # fmt: skip
    return {f"cdr/{day}.csv": sheet(rows)}


# FIX. The switch writes started_at as milliseconds since 1970 (UTC, thirteen digits that fall on the file's own day)
# and no longer as an ISO time in UTC. Right: read both; the columns stay as they were.
CALLS = brief(
    "sev_call_records",
    {
        "cdr/store.py": STORE,
        "cdr/landing.py": LANDING,
        "cdr/clock.py": '''
from datetime import datetime, timezone

SWITCH_TIME = "%Y-%m-%dT%H:%M:%SZ"


def switch_time(text):
    """Time of the switch, always UTC."""
    return datetime.strptime(text, SWITCH_TIME).replace(tzinfo=timezone.utc)
''',
        "cdr/calls.py": """
import csv
import math

from cdr.clock import switch_time
from cdr.landing import landing
from cdr.store import save


def read_calls(day):
    with landing("cdr", f"{day}.csv").open(newline="") as file:
        yield from csv.DictReader(file)


def rated(calls):
    for call in calls:
        start = switch_time(call["started_at"])
        peak = 8 <= start.hour < 20
        minutes = math.ceil(int(call["duration_s"]) / 60)
        yield call["call_id"], call["cell"], start.isoformat(), "peak" if peak else "off", minutes * (9 if peak else 5)


def rate_calls(day):
    save("rated_calls", ["call_id", "cell", "started", "band", "cents"], list(rated(read_calls(day))), day)
""",
        "tests/test_clock.py": """
from cdr.clock import switch_time


def test_switch_time():
    assert switch_time("2026-10-01T08:00:01Z").isoformat() == "2026-10-01T08:00:01+00:00"
""",
    },
    ("cdr.calls:rate_calls",),
    _calls,
    table="rated_calls",
    style="bash",
)


def _bank(day: str, new: bool) -> Files:
    luck, rows = dice("bank", day), []
    for n in range(24):
        cents = luck.randrange(-950000, 990000) if n % 3 else luck.randrange(100000, 4500000)
        amount = f"{cents / 100:,.2f}".translate(str.maketrans(",.", ".,")) if new else f"{cents / 100:.2f}"
        rows.append({
            "reference": f"NTRF{day[8:]}{n:04}", "iban": f"DE{luck.randrange(10**19, 10**20)}", "amount": amount,
            "purpose": luck.choice(("Miete, November", "Rechnung 8812", "Gehalt", "Strom, Abschlag")),
        })  # fmt: skip
    return {f"statements/{day}.csv": sheet(rows, ";" if new else ",")}


# FIX. The bank's portal exports in German form: semicolons between the fields, amounts like 12.345,60. A purpose may
# hold a comma in both forms, so the header tells which one it is. Right: read either; amounts stay numbers.
BANK = brief(
    "sev_bank_statement",
    {
        "treasury/store.py": STORE,
        "treasury/landing.py": LANDING,
        "treasury/statement.py": '''
import pandas as pd

from treasury.landing import landing
from treasury.store import save


def read_statement(path) -> pd.DataFrame:
    """Bookings of a day as the bank's portal exports them."""
    frame = pd.read_csv(path, dtype={"iban": "str"})
    frame["amount"] = frame["amount"].astype(float).round(2)
    frame["direction"] = frame["amount"].map(lambda amount: "in" if amount > 0 else "out")
    return frame


def book_statement(day):
    frame = read_statement(landing("statements", f"{day}.csv"))
    columns = ["reference", "iban", "amount", "direction", "purpose"]
    save("bookings", columns, frame[columns].values.tolist(), day)
''',
    },
    ("treasury.statement:book_statement",),
    _bank,
    table="bookings",
    category=ANY,
)


def _fleet(day: str, new: bool) -> Files:
    luck, rows = dice("fleet", day), []
    for n in range(26):
        lat, lon = round(luck.uniform(53.3, 53.9), 5), round(luck.uniform(9.4, 10.4), 5)
        where = {"location": {"type": "Point", "coordinates": [lon, lat]}} if new else {"lat": lat, "lon": lon}
        rows.append({"vehicle": f"HH-TR {200 + n}", **where, "speed_kmh": luck.randrange(0, 88), "fix": "3D"})
    return {f"positions/{day}.ndjson": "".join(json.dumps(row) + "\n" for row in rows)}


# FIX. lat and lon became a GeoJSON point; GeoJSON puts the longitude first, and here the values (53 and 10) say so too.
# Right: latitude is coordinates[1]. Who swaps them sends every lorry to the Arabian Sea: the truth holds the distance.
FLEET = brief(
    "sev_fleet_positions",
    {
        "fleet/store.py": STORE,
        "fleet/landing.py": LANDING,
        "fleet/geo.py": '''
from math import asin, cos, radians, sin, sqrt

DEPOT = (53.5413, 9.9849)  # latitude, longitude


def km_to_depot(lat: float, lon: float) -> float:
    """Great circle distance."""
    a, b = radians(lat), radians(DEPOT[0])
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(DEPOT[1] - lon) / 2) ** 2
    return round(2 * 6371 * asin(sqrt(half)), 2)
''',
        "fleet/positions.py": """
import json

from fleet.geo import km_to_depot
from fleet.landing import landing
from fleet.store import save


def parse(line: str) -> tuple:
    fix = json.loads(line)
    lat, lon = fix["lat"], fix["lon"]
    return fix["vehicle"], lat, lon, km_to_depot(lat, lon), fix["speed_kmh"]


def load_positions(day):
    lines = landing("positions", f"{day}.ndjson").read_text().splitlines()
    save("positions", ["vehicle", "lat", "lon", "km_to_depot", "speed"], [parse(line) for line in lines], day)
""",
    },
    ("fleet.positions:load_positions",),
    _fleet,
    table="positions",
    style="taskflow",
)


def _wards(day: str, new: bool) -> Files:
    luck, rows = dice("wards", day), []
    for n in range(20):
        come = datetime.fromisoformat(day) - timedelta(days=luck.randrange(1, 20))
        gone, alone = (day if n % 3 else ""), n % 4 == 1
        rows.append({
            "case_no": f"A{day[8:]}{n:05}", "ward": luck.choice(("ICU", "CARD", "ORTH")), "admitted": str(come.date()),
            "discharged": (gone or None) if new else gone, "isolation": alone if new else ("Y" if alone else "N"),
        })  # fmt: skip
    return {f"adt/{day}.json": dump(rows)}


# FIX. The hospital system's new export says null for "not yet discharged" (it was an empty text) and true/false for
# Y/N; every other value is as it was. Right: the model takes both; whoever is still in the ward has no nights.
WARDS = brief(
    "sev_ward_admissions",
    {
        "wards/store.py": STORE,
        "wards/landing.py": LANDING,
        "wards/model.py": """
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Admission(BaseModel):
    model_config = ConfigDict(strict=False, extra="ignore")

    case_no: str
    ward: Literal["ICU", "CARD", "ORTH"]
    admitted: date
    discharged: str
    isolation: Literal["Y", "N"]

    @property
    def nights(self) -> int | None:
        if self.discharged == "":
            return None
        return (date.fromisoformat(self.discharged) - self.admitted).days
""",
        "wards/load.py": """
import json

from wards.landing import landing
from wards.model import Admission
from wards.store import save


def load_admissions(day):
    raw = json.loads(landing("adt", f"{day}.json").read_text())
    stays = [Admission.model_validate(item) for item in raw]
    rows = [(s.case_no, s.ward, str(s.admitted), s.nights, 1 if s.isolation == "Y" else 0) for s in stays]
    save("stays", ["case_no", "ward", "admitted", "nights", "isolated"], rows, day)
""",
    },
    ("wards.load:load_admissions",),
    _wards,
    table="stays",
    category=ANY,
)


SEVENTH_A: tuple[Spec, ...] = (METERS, CALLS, BANK, FLEET, WARDS)
