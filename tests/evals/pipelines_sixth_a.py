"""Sixth batch, first part: written by an author who has seen neither the product nor the earlier cases."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable
from typing import Any

from brief import STORE, brief
from case_maker import HOLD, NOTIFY, RETRY, Spec

Row = dict[str, Any]
ANY: tuple[str, ...] = ()
"""No category is asked for where two names would be fair."""


def numbers(day: str, count: int = 8) -> range:
    """Return numbers that differ from day to day."""
    return range(int(day[8:]) * 50, int(day[8:]) * 50 + count)


def feed(
    path: str, make: Callable[[int, str, bool], Row], wrap: Callable[[list[Row], str, bool], Any] | None = None
) -> Callable[[str, bool], dict[str, str]]:
    """Serve JSON: *make* gives a record, *wrap* the envelope; *path* holds ``{day}``."""

    def render(day: str, new: bool) -> dict[str, str]:
        rows = [make(n, day, new) for n in numbers(day)]
        return {path.format(day=day): json.dumps(wrap(rows, day, new) if wrap else rows, indent=1)}

    return render


def lines(path: str, make: Callable[[int, str, bool], Row]) -> Callable[[str, bool], dict[str, str]]:
    """Serve a JSON record per line."""
    return lambda day, new: {path.format(day=day): "".join(json.dumps(make(n, day, new)) + "\n" for n in numbers(day))}


def table(rows: Iterable[Row], delimiter: str = ",") -> str:
    """Return *rows* as CSV."""
    rows, text = list(rows), io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def sheet(path: str, make: Callable[[int, str, bool], Row]) -> Callable[[str, bool], dict[str, str]]:
    """Serve CSV."""
    return lambda day, new: {path.format(day=day): table(make(n, day, new) for n in numbers(day))}


def named(row: Row, names: dict[str, str], new: bool) -> Row:
    """Return *row* with its keys renamed if *new*."""
    return {names.get(key, key) if new else key: value for key, value in row.items()}


FETCH = """
import json
import os
import urllib.request


def get(path):
    url = os.environ["SHOP_API"].rstrip("/") + "/" + path.lstrip("/")
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)
"""

# FIX. Three keys have new names, one of them in the nested object: parcel_no -> parcel_number, weight_g -> weight_grams,
# scan.at -> scan.scanned_at. Each old key is gone and exactly one new key of the same meaning, form and unit came, so
# the day's file decides. Right: read either name; the table stays as it was.
PARCELS = brief(
    "six_parcel_scans",
    {
        "parcels/store.py": STORE,
        "parcels/gateway.py": FETCH,
        "parcels/names.py": '''
"""What the scanner gateway calls things; the rest of the package knows these constants only."""

PARCEL = "parcel_no"
DEPOT = "depot"
WEIGHT = "weight_g"
EVENT = "scan"
EVENT_AT = "at"
EVENT_BY = "device"
''',
        "parcels/scans.py": """
from typing import TypedDict

from parcels import gateway, names
from parcels.store import save


class Scan(TypedDict):
    parcel: str
    depot: str
    weight_g: int
    at: str
    device: str


def to_scan(raw: dict) -> Scan:
    event = raw[names.EVENT]
    return Scan(
        parcel=raw[names.PARCEL],
        depot=raw[names.DEPOT].upper(),
        weight_g=int(raw[names.WEIGHT]),
        at=event[names.EVENT_AT],
        device=event[names.EVENT_BY],
    )


def load_scans(day):
    scans = [to_scan(raw) for raw in gateway.get(f"scans/{day}.json")["scans"]]
    save("scans", list(Scan.__annotations__), [tuple(scan.values()) for scan in scans], day)
""",
        "tests/test_scans.py": """
from parcels.scans import to_scan


def test_scan():
    raw = {"parcel_no": "P1", "depot": "ham", "weight_g": 900, "scan": {"at": "2026-10-01T10:00:00Z", "device": "d1"}}
    assert to_scan(raw) == {
        "parcel": "P1",
        "depot": "HAM",
        "weight_g": 900,
        "at": "2026-10-01T10:00:00Z",
        "device": "d1",
    }
""",
    },
    ("parcels.scans:load_scans",),
    feed(
        "scans/{day}.json",
        lambda n, d, new: named(
            {
                "parcel_no": f"JD{n:08d}",
                "depot": ("ham", "ber", "muc")[n % 3],
                "weight_g": 350 + n * 7,
                "scan": named({"at": f"{d}T{6 + n % 12:02d}:15:00Z", "device": f"hh-{n % 4}"}, {"at": "scanned_at"}, new),
            },
            {"parcel_no": "parcel_number", "weight_g": "weight_grams"},
            new,
        ),
        lambda rows, d, new: {"gateway": "north", "scans": rows},
    ),
    table="scans", style="taskflow", api=True,
)  # fmt: skip


def _grid(day: str, new: bool) -> dict[str, str]:
    def number(value: float, places: int) -> str:
        if not new:
            return f"{value:.{places}f}"
        return f"{value:,.{places}f}".replace(",", " ").replace(".", ",").replace(" ", ".")

    rows = [
        {
            "meter": f"DE-{n:05d}",
            "zone": ("50Hertz", "Amprion")[n % 2],
            "kwh": number(87.5 + n if n % 4 == 0 else 950 + n * 7.25, 2),
            "price_eur": number(0.2 + n / 1000, 4),
        }
        for n in numbers(day)
    ]
    return {f"grid/{day}.csv": table(rows, ";" if new else ",")}


# FIX. The export went over to the German form: semicolons between columns, comma as decimal sign, dot for thousands
# ("1.682,25;0,3010"). kwh carries both signs, with the comma last, so what each means is certain. Right: the same
# numbers; files in the English form must still be read.
GRID = brief(
    "six_grid_load",
    {
        "grid/store.py": STORE,
        "grid/load.py": """
import os
import pathlib

import pandas as pd

from grid.store import save

COLUMNS = ["meter", "zone", "kwh", "price_eur"]


def read(day):
    path = pathlib.Path(os.environ["WORK"]) / "upstream" / "grid" / f"{day}.csv"
    return pd.read_csv(path, usecols=COLUMNS, dtype={"meter": str, "zone": str, "kwh": float, "price_eur": float})


def load_grid(day):
    frame = read(day)
    frame["cost_eur"] = (frame["kwh"] * frame["price_eur"]).round(2)
    per_meter = frame.groupby(["zone", "meter"], as_index=False)[["kwh", "cost_eur"]].sum()
    save("grid_cost", list(per_meter.columns), per_meter.values.tolist(), day)
""",
    },
    ("grid.load:load_grid",),
    _grid,
    table="grid_cost", category=ANY,
)  # fmt: skip

# FIX. The object `patient` was flattened: patient.id -> patient_id, patient.birth_year -> patient_birth_year. Nothing
# else has these names; `ward` is nested as before. Right: same rows, both forms are accepted.
CLINIC = brief(
    "six_clinic_visits",
    {
        "clinic/store.py": STORE,
        "clinic/models.py": """
from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict


class Patient(BaseModel):
    id: str
    birth_year: int


class Ward(BaseModel):
    code: str
    floor: int


class Visit(BaseModel):
    model_config = ConfigDict(extra="ignore")

    number: int
    visited: date
    patient: Patient
    ward: Ward
    fee: Decimal

    def flat(self) -> tuple:
        return (
            self.number,
            self.visited.isoformat(),
            self.patient.id,
            self.patient.birth_year,
            f"{self.ward.code}/{self.ward.floor}",
            str(self.fee),
        )
""",
        "clinic/visits.py": """
import os
from pathlib import Path

from pydantic import TypeAdapter

from clinic.models import Visit
from clinic.store import save

VISITS = TypeAdapter(list[Visit])


def import_visits(day):
    text = Path(os.environ["WORK"], "upstream", "visits", f"{day}.json").read_text()
    visits = VISITS.validate_json(text)
    save("visits", ["number", "visited", "patient", "birth_year", "ward", "fee"], [v.flat() for v in visits], day)
""",
    },
    ("clinic.visits:import_visits",),
    feed(
        "visits/{day}.json",
        lambda n, d, new: {
            "number": n,
            "visited": d,
            **(
                {"patient_id": f"PT{n * 3}", "patient_birth_year": 1940 + n % 60}
                if new
                else {"patient": {"id": f"PT{n * 3}", "birth_year": 1940 + n % 60}}
            ),
            "ward": {"code": "ABC"[n % 3], "floor": n % 5},
            "fee": f"{40 + n % 7}.50",
        },
    ),
    table="visits",
)  # fmt: skip

# FIX. Two of the headers in the column map have new names: "Invoice No" -> "Invoice Number", "Net (EUR)" ->
# "Net Amount (EUR)". The map is one source to one target and every source must be there, so the map (or the code that
# reads it) has to learn of alternatives. Right: same table from both headers.
BILLING = brief(
    "six_billing_headers",
    {
        "billing/store.py": STORE,
        "config/invoices.yml": """
# Header of the billing system: column of our table
file: invoices_{day}.csv
table: invoices
columns:
  Invoice No: invoice
  Customer: customer
  Issued: issued_on
  Net (EUR): net
casts:
  net: float
""",
        "billing/imports.py": """
import csv
import os
import pathlib

import yaml

from billing.store import save

CONFIG = pathlib.Path(__file__).parents[1] / "config"
CASTS = {"float": float, "int": int}


def rows(spec, day):
    path = pathlib.Path(os.environ["WORK"]) / "upstream" / "billing" / spec["file"].format(day=day)
    casts = {column: CASTS[name] for column, name in spec["casts"].items()}
    with path.open(newline="", encoding="utf-8") as handle:
        for line in csv.DictReader(handle):
            picked = {target: line[source] for source, target in spec["columns"].items()}
            yield {column: casts.get(column, str.strip)(value) for column, value in picked.items()}


def import_invoices(day):
    spec = yaml.safe_load((CONFIG / "invoices.yml").read_text())
    found = list(rows(spec, day))
    save(spec["table"], list(spec["columns"].values()), [tuple(row.values()) for row in found], day)
""",
    },
    ("billing.imports:import_invoices",),
    sheet(
        "billing/invoices_{day}.csv",
        lambda n, d, new: named(
            {"Invoice No": f"R-{n}", "Customer": f"Kunde {n % 5}", "Issued": d, "Net (EUR)": f"{n * 1.5 + 10:.2f}"},
            {"Invoice No": "Invoice Number", "Net (EUR)": "Net Amount (EUR)"},
            new,
        ),
    ),
    table="invoices", style="bash",
)  # fmt: skip

# FIX. The landing table takes its columns from the day's records; the SQL over it asks for wind_ms and power_kw, which
# are now wind_speed_ms and active_power_kw (same units in the name, no other candidate: rotor_rpm is as before).
# Right: the same hours table; the landing of an old day has the old columns, so both must work.
TURBINE = brief(
    "six_turbine_hours",
    {
        "wind/db.py": """
import os
import sqlite3
from contextlib import contextmanager


@contextmanager
def connection():
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    try:
        with con:
            yield con
    finally:
        con.close()
""",
        "wind/steps.py": """
import json
import os
from pathlib import Path

from wind.db import connection

SQL = Path(__file__).parents[1] / "sql"


def land(day):
    \"\"\"Put the day's records as they are into the table ``landing``.\"\"\"
    source = Path(os.environ["WORK"]) / "upstream" / "wind" / f"{day}.jsonl"
    records = [json.loads(line) for line in source.read_text().splitlines() if line]
    columns = list(records[0])
    with connection() as con:
        con.execute("drop table if exists landing")
        con.execute(f"create table landing ({', '.join(columns)})")
        marks = ", ".join("?" for _ in columns)
        con.executemany(f"insert into landing values ({marks})", [[r[c] for c in columns] for r in records])


def hours(day):
    with connection() as con:
        con.executescript((SQL / "schema.sql").read_text())
        con.execute("delete from turbine_hours where day = ?", (day,))
        con.execute((SQL / "hours.sql").read_text(), {"day": day})
""",
        "sql/schema.sql": """
create table if not exists turbine_hours (turbine text, hour integer, wind_ms real, power_kw real, day text);
""",
        "sql/hours.sql": """
insert into turbine_hours (turbine, hour, wind_ms, power_kw, day)
select
    l.turbine,
    cast(substr(l.at, 12, 2) as integer) as hour,
    round(avg(l.wind_ms), 2),
    round(sum(l.power_kw) / count(*), 2),
    :day
from landing as l
where l.rotor_rpm > 0
group by 1, 2
""",
    },
    ("wind.steps:land", "wind.steps:hours"),
    lines(
        "wind/{day}.jsonl",
        lambda n, d, new: named(
            {
                "turbine": f"WT{n % 3}",
                "at": f"{d}T{n % 4:02d}:{n % 6}0:00Z",
                "wind_ms": 4 + n % 9 / 4,
                "rotor_rpm": 0 if n % 7 == 0 else 9 + n % 5,
                "power_kw": 800.5 + n,
            },
            {"wind_ms": "wind_speed_ms", "power_kw": "active_power_kw"},
            new,
        ),
    ),
    table="turbine_hours",
)  # fmt: skip

# FIX. The time sheet has a new column cost_centre in the middle; the script unpacks four values by position. The header
# names the columns and the four known ones are all still there. Right: take them by name and leave cost_centre alone
# (it is a number, so a fix that cuts the row to the first or last four values is wrong: it is neither).
PAYROLL = Spec(
    name="six_payroll_script",
    dag_id="six_payroll_script",
    task_ids=("pay",),
    action="code_fix_pr",
    root=("six_payroll_script", "pay"),
    files={
        "dags/six_payroll_script.py": """
import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    "six_payroll_script",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 11, 1, tz="UTC"),
    catchup=False,
):
    BashOperator(
        task_id="pay",
        append_env=True,
        bash_command="cd $PIPELINE_REPO && $PIPELINE_PYTHON scripts/pay.py --day {{ ds }} --surcharge 1.25",
    )
""",
        "scripts/pay.py": '''
"""Hours of the day times rate; Sundays get a surcharge."""

import argparse
import csv
import datetime
import os
import pathlib
import sqlite3


def sheet(path):
    with path.open(newline="") as handle:
        reader = csv.reader(handle)
        next(reader)
        for badge, department, hours, rate in reader:
            yield badge, department, float(hours), float(rate)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", type=datetime.date.fromisoformat, required=True)
    parser.add_argument("--surcharge", type=float, default=1.0)
    options = parser.parse_args()
    work = pathlib.Path(os.environ["WORK"])
    factor = options.surcharge if options.day.isoweekday() == 7 else 1.0
    pay = [
        (badge, department, round(hours * rate * factor, 2), options.day.isoformat())
        for badge, department, hours, rate in sheet(work / "upstream/hr" / f"hours_{options.day:%Y%m%d}.csv")
    ]
    con = sqlite3.connect(work / "store.db")
    con.execute("create table if not exists pay (badge, department, amount, day)")
    con.execute("delete from pay where day = ?", (options.day.isoformat(),))
    con.executemany("insert into pay values (?, ?, ?, ?)", pay)
    con.commit()
    print(f"{len(pay)} lines paid")


if __name__ == "__main__":
    main()
''',
    },
    render=lambda day, new: {
        f"hr/hours_{day.replace('-', '')}.csv": table(
            {
                "badge": f"E{n}",
                "department": ("ops", "it", "sales")[n % 3],
                **({"cost_centre": 4100 + n % 3} if new else {}),
                "hours": 6 + n % 5 / 2,
                "rate": 21 + n % 4,
            }
            for n in numbers(day)
        )
    },
    drive="""
import subprocess
subprocess.run(
    [sys.executable, os.environ["REPO"] + "/scripts/pay.py", "--day", day, "--surcharge", "1.25"], check=True
)
""",
    probe="""
import sqlite3
con = sqlite3.connect(os.environ["WORK"] + "/store.db")
result = [list(r) for r in con.execute("select * from pay order by 1, 2, 3")]
""",
)

# FIX. The game server sends a new key `region` second in each record; rows go into the table by the order of the
# record's values and without a column list: "table results has 5 columns but 6 values were supplied". Right: insert the
# four known keys by name; no new column in the table (consumers see the same table).
MATCHES = brief(
    "six_match_results",
    {
        "arena/steps.py": """
import itertools
import json
import os
import pathlib
import sqlite3

HERE = pathlib.Path(__file__).parent


def records(day):
    folder = pathlib.Path(os.environ["WORK"], "upstream", "matches", day)
    for part in sorted(folder.glob("part-*.json")):
        yield from json.loads(part.read_text())["matches"]


def batches(items, size):
    items = iter(items)
    while batch := list(itertools.islice(items, size)):
        yield batch


def store_results(day):
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    con.executescript((HERE / "results.sql").read_text())
    con.execute("delete from results where day = ?", (day,))
    for batch in batches(records(day), 5):
        rows = [(*match.values(), day) for match in batch]
        marks = ",".join("?" * len(rows[0]))
        con.executemany(f"insert into results values ({marks})", rows)
    con.commit()
    con.close()
""",
        "arena/results.sql": """
create table if not exists results (
    match_id integer not null,
    winner text not null,
    loser text not null,
    minutes integer not null,
    day text not null
);
""",
    },
    ("arena.steps:store_results",),
    lambda day, new: {
        f"matches/{day}/part-{part}.json": json.dumps(
            {
                "matches": [
                    {
                        "match_id": n,
                        **({"region": ("eu", "na")[n % 2]} if new else {}),
                        "winner": f"team{n % 6}",
                        "loser": f"team{n % 6 + 1}",
                        "minutes": 18 + n % 25,
                    }
                    for n in numbers(day)
                    if n % 2 == part
                ]
            }
        )
        for part in (0, 1)
    },
    table="results", style="taskflow",
)  # fmt: skip

# FIX. Flags came as 1 and 0, now as yes and no. Both words and both flags occur on the day; there is one way to read
# them. Right: 1 and 0 in the table as before; a truth test of the text ("no" is true) would be wrong.
LOANS = brief(
    "six_library_loans",
    {
        "library/store.py": STORE,
        "library/base.py": """
import csv
import os
from pathlib import Path

from library.store import save


class CsvSource:
    folder: str

    def lines(self, day):
        with Path(os.environ["WORK"], "upstream", self.folder, f"{day}.csv").open(newline="") as handle:
            yield from csv.DictReader(handle)


class TableTarget:
    target: str
    columns: dict

    def write(self, rows, day):
        save(self.target, list(self.columns), rows, day)


class Job(CsvSource, TableTarget):
    def run(self, day):
        self.write([tuple(cast(line[name]) for name, cast in self.columns.items()) for line in self.lines(day)], day)
""",
        "library/jobs.py": """
from library.base import Job


def flag(text):
    return int(text)


class Loans(Job):
    folder = "loans"
    target = "loans"
    columns = {"loan": int, "isbn": str, "renewed": flag, "overdue": flag}


def load_loans(day):
    Loans().run(day)
""",
    },
    ("library.jobs:load_loans",),
    sheet(
        "loans/{day}.csv",
        lambda n, d, new: {
            "loan": n,
            "isbn": f"978{n:010d}",
            "branch": "main",
            "renewed": ("no", "yes")[n % 3 == 0] if new else int(n % 3 == 0),
            "overdue": ("no", "yes")[n % 4 == 1] if new else int(n % 4 == 1),
        },
    ),
    table="loans", category=ANY,
)  # fmt: skip

# FIX. `ts` was seconds since 1970, now milliseconds (13 digits; divided by 1000 all lie on the day of the file, read as
# seconds they are in the year 58000, hence "year ... is out of range"). Right: the same times to the second; seconds
# must still be understood.
ENGINE = brief(
    "six_engine_telemetry",
    {
        "engine/store.py": STORE,
        "engine/clock.py": """
from datetime import UTC, datetime


def moment(ts):
    return datetime.fromtimestamp(ts, tz=UTC)


def stamp(ts):
    return moment(ts).isoformat(timespec="seconds")


def hour(ts):
    return moment(ts).hour
""",
        "engine/frames.py": """
import json
import os
from collections import defaultdict
from pathlib import Path

from engine.clock import hour, stamp
from engine.store import save


def frames(day):
    with Path(os.environ["WORK"], "upstream/frames", f"{day}.jsonl").open() as handle:
        yield from map(json.loads, handle)


def summarize(day):
    peaks = defaultdict(list)
    for frame in frames(day):
        peaks[frame["engine"], hour(frame["ts"])].append((frame["rpm"], stamp(frame["ts"])))
    rows = [(engine, h, *max(seen), len(seen)) for (engine, h), seen in sorted(peaks.items())]
    save("peaks", ["engine", "hour", "rpm", "at", "frames"], rows, day)
""",
    },
    ("engine.frames:summarize",),
    lines(
        "frames/{day}.jsonl",
        lambda n, d, new: {
            "engine": f"m{n % 2}",
            "ts": (1793491200 + (int(d[8:]) - 1) * 86400 + n % 8 * 1900) * (1000 if new else 1) + (n % 900 if new else 0),
            "rpm": 1500 + n % 13 * 40,
        },
    ),
    table="peaks", category=ANY,
)  # fmt: skip


def _stock(day: str, new: bool) -> dict[str, str]:
    items = [{"sku": f"S{n}", "site": "ABC"[n % 3], "on_hand": n % 40} for n in numbers(day, 9)]
    if not new:
        return {f"stock/{day}.json": json.dumps({"items": items, "total": len(items)})}
    pages = [items[:4], items[4:8], items[8:]]
    names = [f"stock/{day}.json", f"stock/{day}.page2.json", f"stock/{day}.page3.json"]
    return {
        name: json.dumps({"items": page, "total": len(items), "next": f"/{after}" if after else None})
        for name, page, after in zip(names, pages, [*names[1:], None], strict=True)
    }


# FIX. The service now answers in pages: `next` holds the path of the next one, null on the last; `total` is of all
# pages. The pipeline's own check (got 4 of 9) is right and must stay; the rest is there to be fetched. Right: follow
# `next` to the end; an answer without `next` is one page.
STOCK = brief(
    "six_stock_pages",
    {
        "stock/store.py": STORE,
        "stock/api.py": FETCH,
        "stock/levels.py": """
from stock.api import get
from stock.store import save


class Incomplete(Exception):
    pass


def items(day):
    body = get(f"stock/{day}.json")
    found = body["items"]
    if len(found) != body["total"]:
        raise Incomplete(f"stock of {day}: got {len(found)} of {body['total']} items")
    return found


def load_levels(day):
    levels = {(item["sku"], item["site"]): item["on_hand"] for item in items(day)}
    save("levels", ["sku", "site", "on_hand"], [(*key, level) for key, level in levels.items()], day)
""",
    },
    ("stock.levels:load_levels",),
    _stock,
    table="levels", style="bash", api=True, category=ANY,
)  # fmt: skip

# FIX. The way to the records is configuration (data.readings); the hub now says payload.readings. `readings` holds the
# same records, and is the only list there. Right: both ways are understood.
SENSORS = brief(
    "six_sensor_envelope",
    {
        "hub/store.py": STORE,
        "hub/sources.toml": """
[climate]
path = "climate/{day}.json"
records = "data.readings"
keys = ["sensor", "celsius", "humidity"]
table = "climate"
""",
        "hub/run.py": """
import functools
import json
import operator
import os
import pathlib
import tomllib

from hub.store import save

SOURCES = tomllib.loads(pathlib.Path(__file__).with_name("sources.toml").read_text())


def dig(body, path):
    return functools.reduce(operator.getitem, path.split("."), body)


def run(source, day):
    conf = SOURCES[source]
    body = json.loads(pathlib.Path(os.environ["WORK"], "upstream", conf["path"].format(day=day)).read_text())
    pick = operator.itemgetter(*conf["keys"])
    save(conf["table"], conf["keys"], [pick(record) for record in dig(body, conf["records"])], day)


def climate(day):
    run("climate", day)
""",
    },
    ("hub.run:climate",),
    feed(
        "climate/{day}.json",
        lambda n, d, new: {"sensor": f"s{n}", "celsius": 15 + n % 11 / 2, "humidity": 40 + n % 30},
        lambda rows, d, new: {
            "hub": "west",
            ("payload" if new else "data"): {"day": d, "readings": rows},
        },
    ),
    table="climate", style="taskflow",
)  # fmt: skip


def _meters(day: str, new: bool) -> dict[str, str | bytes]:
    found: dict[str, str | bytes] = {}
    for region in ("north", "south"):
        text = table({"meter": f"{region[0]}{n}", "read_at": f"{day}T00:00", "m3": n * 3 + 1} for n in numbers(day))
        if new:
            found[f"water/{region}/{day}.csv.gz"] = gzip.compress(text.encode(), mtime=0)
        else:
            found[f"water/{region}/{day}.csv"] = text
    return found


# FIX. Instead of DAY.csv the sender puts DAY.csv.gz into the same folders: FileNotFoundError, the packed file lies next
# to where the plain one should, with the same columns. Right: read either.
METERS = brief(
    "six_water_meters",
    {
        "water/store.py": STORE,
        "water/paths.py": """
import os
from pathlib import Path

REGIONS = ("north", "south")


def inbox(region, day):
    return Path(os.environ["WORK"]) / "upstream" / "water" / region / f"{day}.csv"
""",
        "water/readings.py": """
import csv

from water.paths import REGIONS, inbox
from water.store import save


def readings(region, day):
    with open(inbox(region, day), newline="") as handle:
        for line in csv.DictReader(handle):
            yield region, line["meter"], int(line["m3"])


def load_readings(day):
    rows = [row for region in REGIONS for row in readings(region, day)]
    save("water", ["region", "meter", "m3"], rows, day)
""",
    },
    ("water.readings:load_readings",),
    _meters,
    table="water", category=ANY,
)  # fmt: skip

# RETRY. HTTP 429 with "retry in 60 seconds" from the courier's API: nothing is wrong with code, settings or data.
QUOTA = brief(
    "six_courier_quota",
    {
        "courier/store.py": STORE,
        "courier/api.py": FETCH,
        "courier/routes.py": """
from courier.api import get
from courier.store import save


def load_routes(day):
    rows = [(r["route"], r["driver"], r["stops"]) for r in get(f"routes/{day}.json")]
    save("routes", ["route", "driver", "stops"], rows, day)
""",
    },
    ("courier.routes:load_routes",),
    feed("routes/{day}.json", lambda n, d, new: {"route": f"R{n}", "driver": f"D{n % 4}", "stops": 20 + n % 30}),
    table="routes", action=RETRY, category=ANY, api=True, style="taskflow",
    faults=json.dumps({"routes": {"status": 429, "first": 6, "body": '{"error": "rate limit exceeded, retry in 60 seconds"}'}}),
    later={"README.md": "# Courier\n\nRoutes of the day, for the planning board.\n"},
    later_message="Say what this is",
)  # fmt: skip

# NOTIFY. HTTP 401, the body says that the client secret expired: somebody has to renew it; no code or retry helps.
TOKEN = brief(
    "six_crm_secret",
    {
        "crm/store.py": STORE,
        "crm/client.py": """
import json
import os
import urllib.error
import urllib.request


class CrmError(RuntimeError):
    pass


def get(path):
    headers = {"Authorization": "Bearer " + os.environ["CRM_SECRET"]}
    request = urllib.request.Request(f"{os.environ['SHOP_API']}/{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise CrmError(f"GET {path}: {error.code} {error.reason}: {error.read().decode()[:300]}") from error
""",
        "crm/contacts.py": """
from crm.client import get
from crm.store import save


def pull_contacts(day):
    rows = [(c["id"], c["name"], c["segment"]) for c in get(f"contacts/{day}.json")["contacts"]]
    save("contacts", ["id", "name", "segment"], rows, day)
""",
    },
    ("crm.contacts:pull_contacts",),
    feed("contacts/{day}.json", lambda n, d, new: {"id": n, "name": f"Contact {n}", "segment": "AB"[n % 2]}, lambda rows, d, new: {"contacts": rows}),
    table="contacts", action=NOTIFY, category=ANY, api=True, env={"CRM_SECRET": "from-the-vault"},
    faults=json.dumps({"contacts": {"status": 401, "first": 99, "body": '{"error": "invalid_client", "error_description": "The client secret expired on 2026-11-01T23:59:59Z"}'}}),
)  # fmt: skip


def _taps(day: str, new: bool) -> dict[str, str]:
    rows = [{"gate": f"G{n % 6}", "hour": n % 24, "taps": 30 + n % 50} for n in numbers(day, 48)]
    sent = rows[:21] if new else rows
    return {
        f"taps/{day}.csv": table(sent),
        f"taps/{day}.manifest.json": json.dumps({"day": day, "rows": len(rows), "source": "gate controller"}),
    }


# HOLD. The manifest of the sender promises 48 rows, the file has 21 whole ones (the afternoon is not there). The check is
# right; loading a half day would be wrong. The day has to be held and loaded again when it is complete.
TAPS = brief(
    "six_gate_taps",
    {
        "gates/store.py": STORE,
        "gates/taps.py": """
import csv
import json
import os
import pathlib

from gates.store import save


class RowCountMismatch(ValueError):
    pass


def load_taps(day):
    folder = pathlib.Path(os.environ["WORK"], "upstream", "taps")
    promised = json.loads((folder / f"{day}.manifest.json").read_text())["rows"]
    with (folder / f"{day}.csv").open(newline="") as handle:
        rows = [(r["gate"], int(r["hour"]), int(r["taps"])) for r in csv.DictReader(handle)]
    if len(rows) != promised:
        raise RowCountMismatch(f"taps of {day}: manifest promises {promised} rows, file holds {len(rows)}")
    save("taps", ["gate", "hour", "taps"], rows, day)
""",
    },
    ("gates.taps:load_taps",),
    _taps,
    table="taps", action=HOLD, category=ANY,
)  # fmt: skip

SIXTH_A = (
    PARCELS, GRID, CLINIC, BILLING, TURBINE, PAYROLL, MATCHES, LOANS, ENGINE, STOCK, SENSORS, METERS, QUOTA, TOKEN, TAPS,
)  # fmt: skip
