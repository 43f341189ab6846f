"""Sixth batch, second part: code moved or changed, rules that the repository tells, and traps where no patch is right."""

from __future__ import annotations

import json

from brief import BY_NAME, STORE, brief
from case_maker import HOLD, NOTIFY, RETRY
from pipelines_sixth_a import ANY, feed, lines, numbers, sheet, table


def _rides(day: str, new: bool) -> dict[str, str]:
    rows = [
        {"ride": n, "bike": f"b{n % 9}", "minutes": 4 + n % 40, "from_dock": n % 5, "to_dock": n % 7}
        for n in numbers(day)
    ]
    if not new:
        return {f"rides/{day}.json": json.dumps({"city": "Kiel", "rows": rows})}
    columns = ["ride", "from_dock", "to_dock", "bike", "minutes"]
    return {
        f"rides/{day}.json": json.dumps(
            {"city": "Kiel", "columns": columns, "rows": [[row[c] for c in columns] for row in rows]}
        )
    }


# FIX. Rows are lists now and `columns`, new beside them, names their places (in another order than the code asks).
# Right: zip each list with `columns`; rows that are objects must still work.
RIDES = brief(
    "six_bike_rides",
    {
        "bikes/store.py": STORE,
        "bikes/rides.py": """
import json
import os
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from bikes.store import save


@dataclass(frozen=True, slots=True)
class Ride:
    ride: int
    bike: str
    from_dock: int
    to_dock: int
    minutes: int

    @classmethod
    def of(cls, row):
        return cls(**{f.name: row[f.name] for f in fields(cls)})


def load_rides(day):
    body = json.loads(Path(os.environ["WORK"], "upstream", "rides", f"{day}.json").read_text())
    rides = [Ride.of(row) for row in body["rows"]]
    save("rides", [f.name for f in fields(Ride)], [astuple(r) for r in rides if r.minutes >= 5], day)
""",
    },
    ("bikes.rides:load_rides",),
    _rides,
    table="rides",
)  # fmt: skip

# FIX. The latest commit moved to_km and to_litres from fleet/util.py to fleet/measures.py and changed one of the two
# callers; the other still imports from util: ImportError. Right: import from where they are; nothing changed in what
# they do.
FLEET = brief(
    "six_fleet_fuel",
    {
        "fleet/store.py": STORE,
        "fleet/util.py": """
import csv
import os
import pathlib

KM_PER_MILE = 1.609344
LITRES_PER_GALLON = 3.785412


def lines(kind, day):
    with pathlib.Path(os.environ["WORK"], "upstream", kind, f"{day}.csv").open(newline="") as handle:
        yield from csv.DictReader(handle)


def to_km(miles):
    return round(float(miles) * KM_PER_MILE, 2)


def to_litres(gallons):
    return round(float(gallons) * LITRES_PER_GALLON, 2)
""",
        "fleet/trips.py": """
from fleet.store import save
from fleet.util import lines, to_km


def trips(day):
    save("trips", ["truck", "trip", "km"], [(r["truck"], int(r["trip"]), to_km(r["miles"])) for r in lines("trips", day)], day)
""",
        "fleet/fuel.py": """
from fleet.store import save
from fleet.util import lines, to_km, to_litres


def fuel(day):
    rows = []
    for r in lines("fuel", day):
        litres = to_litres(r["gallons"])
        rows.append((r["truck"], litres, round(100 * litres / to_km(r["miles"]), 1)))
    save("fuel", ["truck", "litres", "per_100_km"], rows, day)
""",
    },
    ("fleet.trips:trips", "fleet.fuel:fuel"),
    lambda day, new: {
        f"trips/{day}.csv": table({"truck": f"T{n}", "trip": n * 2, "miles": 50 + n} for n in numbers(day)),
        f"fuel/{day}.csv": table({"truck": f"T{n}", "gallons": 9 + n % 5, "miles": 60 + n % 40} for n in numbers(day)),
    },
    later={
        "fleet/measures.py": '''
"""Units of the American fleet to ours."""

KM_PER_MILE = 1.609344
LITRES_PER_GALLON = 3.785412


def to_km(miles):
    return round(float(miles) * KM_PER_MILE, 2)


def to_litres(gallons):
    return round(float(gallons) * LITRES_PER_GALLON, 2)
''',
        "fleet/util.py": """
import csv
import os
import pathlib


def lines(kind, day):
    with pathlib.Path(os.environ["WORK"], "upstream", kind, f"{day}.csv").open(newline="") as handle:
        yield from csv.DictReader(handle)
""",
        "fleet/trips.py": """
from fleet.measures import to_km
from fleet.store import save
from fleet.util import lines


def trips(day):
    save("trips", ["truck", "trip", "km"], [(r["truck"], int(r["trip"]), to_km(r["miles"])) for r in lines("trips", day)], day)
""" + BY_NAME,
    },
    later_message="Move the measures out of util",
    table="fuel", style="bash", category=ANY,
)  # fmt: skip

_TARIFF_HEAD = """
import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

from tariff.publish import publish_tariff

with DAG(
    "six_tariff_skeleton",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 11, 1, tz="UTC"),
    catchup=False,
) as dag:
    start = EmptyOperator(task_id="start")
"""
_TARIFF_TAIL = """    done = EmptyOperator(task_id="done")
    publish = PythonOperator(
        task_id="publish_tariff", python_callable=publish_tariff, op_args=["{{ ds }}"]PROVIDE
    )
    start >> publish >> done
"""
_TARIFF_NOW = _TARIFF_HEAD + _TARIFF_TAIL.replace("PROVIDE", "")
_TARIFF_OLD_API = (
    _TARIFF_NOW.replace(
        "from airflow.providers.standard.operators.empty import EmptyOperator\n",
        "from airflow.operators.dummy_operator import DummyOperator\n",
    )
    .replace("EmptyOperator", "DummyOperator")
    .replace('schedule="@daily"', 'schedule_interval="@daily"')
    .replace("catchup=False,\n", 'catchup=False,\n    tags=["finance", "tariff"],\n')
)

# FIX. The latest commit took the skeleton of the old scheduler: airflow.operators.dummy_operator and
# DAG(schedule_interval=) are gone in Airflow 3, so the file does not even import (the second shows only when the first
# is mended). Right: EmptyOperator of the standard provider and schedule=; tasks, schedule and tags stay.
TARIFF = brief(
    "six_tariff_skeleton",
    {
        "tariff/store.py": STORE,
        "tariff/publish.py": """
import json
import os
import pathlib

from tariff.store import save


def publish_tariff(day):
    prices = json.loads(pathlib.Path(os.environ["WORK"], "upstream", "tariff", f"{day}.json").read_text())
    save("tariff", ["zone", "hour", "cents"], [(p["zone"], p["hour"], p["cents"]) for p in prices], day)
""",
    },
    ("tariff.publish:publish_tariff",),
    feed("tariff/{day}.json", lambda n, d, new: {"zone": "AB"[n % 2], "hour": n % 24, "cents": 20 + n % 15}),
    later={"dags/six_tariff_skeleton.py": _TARIFF_OLD_API},
    later_message="Use the finance skeleton for the tariff DAG",
    root=("six_tariff_skeleton", None),
    category=ANY,
    drive="""
import six_tariff_skeleton as flow
assert flow.dag.schedule == "@daily", flow.dag.schedule
flow.publish_tariff(day)
""",
    probe="""
import sqlite3
con = sqlite3.connect(os.environ["WORK"] + "/store.db")
result = {
    "tasks": sorted(flow.dag.task_ids),
    "rows": [list(r) for r in con.execute("select * from tariff order by 1, 2, 3")],
}
""",
)  # fmt: skip

# The fine DAG file is what the repository began with.
TARIFF.files["dags/six_tariff_skeleton.py"] = _TARIFF_NOW  # type: ignore[index]

# FIX. The latest commit renamed min_minutes to threshold_minutes in one of the two SQL templates, but the settings still
# say min_minutes (15): "'threshold_minutes' is undefined". The other template uses min_minutes as well. Right: the
# threshold is the same 15 (the diff shows it); a default of 0 or an undefined that renders empty would be wrong.
REPORT = brief(
    "six_delay_report",
    {
        "trains/settings.py": """
PARAMS = {
    "min_minutes": 15,
    "lines": ("RE1", "RE2"),
    "source": "arrivals",
}
""",
        "trains/render.py": """
import os
import pathlib
import sqlite3

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from trains.settings import PARAMS

SQL = Environment(
    loader=FileSystemLoader(pathlib.Path(__file__).parents[1] / "sql"), undefined=StrictUndefined, autoescape=False
)


def execute(template, day):
    text = SQL.get_template(template).render(**PARAMS, day=day)
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    try:
        con.executescript(text)
    finally:
        con.close()
""",
        "trains/steps.py": """
import json
import os
import pathlib
import sqlite3

from trains.render import execute


def arrivals(day):
    found = json.loads(pathlib.Path(os.environ["WORK"], "upstream", "arrivals", f"{day}.json").read_text())
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    con.execute("create table if not exists arrivals (train, line, late, day)")
    con.execute("delete from arrivals where day = ?", (day,))
    con.executemany("insert into arrivals values (:train, :line, :late, :day)", [{**a, "day": day} for a in found])
    con.commit()
    con.close()


def late_trains(day):
    execute("late_trains.sql.j2", day)


def punctuality(day):
    execute("punctuality.sql.j2", day)
""",
        "sql/late_trains.sql.j2": """
create table if not exists late_trains (train, line, late, day);
delete from late_trains where day = '{{ day }}';
insert into late_trains (train, line, late, day)
select train, line, late, day from {{ source }}
where day = '{{ day }}'
  and line in ({% for line in lines %}'{{ line }}'{% if not loop.last %}, {% endif %}{% endfor %})
  and late >= {{ min_minutes }};
""",
        "sql/punctuality.sql.j2": """
create table if not exists punctuality (line, trains, on_time, day);
delete from punctuality where day = '{{ day }}';
insert into punctuality (line, trains, on_time, day)
select line, count(*), sum(late < {{ min_minutes }}), day from {{ source }}
where day = '{{ day }}'
group by line, day;
""",
    },
    ("trains.steps:arrivals", "trains.steps:late_trains", "trains.steps:punctuality"),
    feed(
        "arrivals/{day}.json",
        lambda n, d, new: {"train": f"{n}", "line": f"RE{n % 3 + 1}", "late": (n * 7) % 31},
    ),
    later={
        "sql/punctuality.sql.j2": """
-- One row per line and day; a train counts as on time below the threshold.
create table if not exists punctuality (line, trains, on_time, day);
delete from punctuality where day = '{{ day }}';
insert into punctuality (line, trains, on_time, day)
select line, count(*), sum(late < {{ threshold_minutes }}), day from {{ source }}
where day = '{{ day }}'
group by line, day;
""",
    },
    later_message="Say what the punctuality table is",
    table="punctuality", category=ANY,
)  # fmt: skip

_TITLES = ("L’été à Nîmes", "Müllers Kühe – ein Lied", "Kosten: 5 € pro Tag", "Plain words", "Ça va?")


def _catalogue(day: str, new: bool) -> dict[str, str | bytes]:
    text = table(
        {"isbn": f"978{n:010d}", "title": _TITLES[n % 5], "shelf": "ABC"[n % 3], "copies": 1 + n % 4}
        for n in numbers(day)
    )
    return {f"catalogue/{day}.csv": text.encode("cp1252" if new else "utf-8")}


# FIX. The file is Windows-1252 now (’ is 0x92, – 0x96, € 0x80; in ISO 8859-1 these would be control characters), it was
# UTF-8: UnicodeDecodeError. Right: the same titles; UTF-8 is tried first. errors="ignore" or "replace" or latin-1 damage
# titles and are wrong.
CATALOGUE = brief(
    "six_catalogue_titles",
    {
        "shelves/store.py": STORE,
        "shelves/catalogue.py": """
import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from shelves.store import save


class Book(NamedTuple):
    isbn: str
    title: str
    copies: int


def books(path: Path) -> Iterator[Book]:
    with path.open(newline="", encoding="utf-8") as handle:
        for line in csv.DictReader(handle):
            yield Book(line["isbn"], line["title"], int(line["copies"]))


def load_catalogue(day):
    path = Path(os.environ["WORK"]) / "upstream" / "catalogue" / f"{day}.csv"
    save("books", Book._fields, list(books(path)), day)
""",
    },
    ("shelves.catalogue:load_catalogue",),
    _catalogue,
    table="books", style="taskflow", category=ANY,
)  # fmt: skip


def _shipments(day: str, new: bool) -> dict[str, str]:
    rows = [
        {
            "shipment": f"SH{n}",
            "state": ("packed", "sent", "delivered")[n % 3],
            "weight_kg": 2 + n % 8,
            "updated_at": f"{day}T{10 + n % 8:02d}:00:00Z",
        }
        for n in numbers(day)
    ]
    if new:
        earlier = [
            {**row, "state": "announced", "weight_kg": 1, "updated_at": f"{day}T0{n % 9}:30:00Z"}
            for n, row in enumerate(rows)
            if n % 3 == 0
        ]
        rows = [earlier[0], *rows[:5], *earlier[1:], *rows[5:]]
    return {f"shipments/{day}.jsonl": "".join(json.dumps(row) + "\n" for row in rows)}


# FIX. Some shipments come twice with different updated_at, and the insert meets the primary key. The README of the
# repository tells what holds: the record with the latest updated_at. Right: keep that one (not the first and not the
# last of the file: versions come in any order); the key must stay, and `insert or ignore` is wrong.
SHIPMENTS = brief(
    "six_shipments_resent",
    {
        "README.md": """
# Shipments

One row per shipment and day in `shipments`.

The carrier may send a shipment again when it changes. Then the record with the latest `updated_at` holds; the order of
the lines says nothing.
""",
        "shipments/load.py": """
import json
import os
import pathlib
import sqlite3

TABLE = \"\"\"
create table if not exists shipments (
    shipment text not null, state text not null, weight_kg real, updated_at text not null, day text not null,
    primary key (shipment, day)
)
\"\"\"
INSERT = "insert into shipments values (:shipment, :state, :weight_kg, :updated_at, :day)"


def read(day):
    path = pathlib.Path(os.environ["WORK"], "upstream", "shipments", f"{day}.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def load_shipments(day):
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    with con:
        con.execute(TABLE)
        con.execute("delete from shipments where day = ?", (day,))
        con.executemany(INSERT, [record | {"day": day} for record in read(day)])
    con.close()
""",
    },
    ("shipments.load:load_shipments",),
    _shipments,
    table="shipments", category=ANY,
)  # fmt: skip

# FIX. weight_g became weight_kg and length_mm became length_cm: the names carry the unit, and the values are a
# thousandth and a tenth of what they were (2.002 for 2002). Right: the table stays in grams and millimetres, so multiply
# (and round: the product is not always exactly an integer). Taking the value as it is gives nonsense.
FREIGHT = brief(
    "six_freight_units",
    {
        "freight/store.py": STORE,
        "freight/pieces.py": """
import json
import os
import pathlib

from freight.store import save
from freight.tariff import price

FIELDS = {"piece": str, "weight_g": int, "length_mm": int}


def piece(record):
    return {name: cast(record[name]) for name, cast in FIELDS.items()}


def load_pieces(day):
    path = pathlib.Path(os.environ["WORK"], "upstream", "pieces", f"{day}.jsonl")
    pieces = [piece(json.loads(line)) for line in path.read_text().splitlines()]
    rows = [(*p.values(), price(p["weight_g"], p["length_mm"])) for p in pieces]
    save("pieces", [*FIELDS, "cents"], rows, day)
""",
        "freight/tariff.py": """
STEPS_G = ((1_000, 390), (2_000, 490), (5_000, 690), (31_500, 990))
BULKY_MM = 1_200


def price(weight_g, length_mm):
    base = next(cents for limit, cents in STEPS_G if weight_g <= limit)
    return base + (250 if length_mm > BULKY_MM else 0)
""",
        "tests/test_tariff.py": """
from freight.pieces import piece
from freight.tariff import price


def test_price():
    assert price(900, 300) == 390
    assert price(1900, 1300) == 740


def test_piece():
    assert piece({"piece": "a", "weight_g": 900, "length_mm": 300}) == {"piece": "a", "weight_g": 900, "length_mm": 300}
""",
    },
    ("freight.pieces:load_pieces",),
    lines(
        "pieces/{day}.jsonl",
        lambda n, d, new: {
            "piece": f"C{n}",
            **(
                {"weight_kg": ((n * 302) % 9000 + 200) / 1000, "length_cm": (200 + n * 53 % 1500) / 10}
                if new
                else {"weight_g": (n * 302) % 9000 + 200, "length_mm": 200 + n * 53 % 1500}
            ),
        },
    ),
    table="pieces",
)  # fmt: skip

# FIX. The carrier sends a status RTS that the code does not know; the carrier's list in docs/ (in the repository since
# the start) says which of our states it is: returned (as RET was, which it replaces). Right: map it so; unknown ones must still
# be refused (a test says so).
STATUS = brief(
    "six_carrier_status",
    {
        "carrier/store.py": STORE,
        "carrier/status.py": """
class UnknownStatus(ValueError):
    pass


def state(code):
    \"\"\"Return our state for the carrier's code; see docs/carrier_statuses.md.\"\"\"
    match code:
        case "NEW" | "LBL":
            return "announced"
        case "TRN" | "HUB":
            return "moving"
        case "DLV":
            return "delivered"
        case "RET":
            return "returned"
        case _:
            raise UnknownStatus(f"carrier status {code!r} is not in our list")
""",
        "carrier/events.py": """
import csv
import os
import pathlib

from carrier.status import state
from carrier.store import save


def load_events(day):
    with pathlib.Path(os.environ["WORK"], "upstream", "events", f"{day}.csv").open(newline="") as handle:
        rows = [(e["parcel"], e["at"], state(e["status"])) for e in csv.DictReader(handle)]
    save("events", ["parcel", "at", "state"], rows, day)
""",
        "docs/carrier_statuses.md": """
# Statuses of the carrier

From their integration guides 4 and 5. The right column is what we agreed with customer service.

| code | meaning | our state |
|---|---|---|
| NEW | order received | announced |
| LBL | label printed | announced |
| TRN | on the road | moving |
| HUB | in a sorting centre | moving |
| DLV | handed over | delivered |
| RET | guide 4: goes back to the sender | returned |
| LST | lost, claim opened | lost |
| RTS | guide 5: goes back to the sender | returned |
""",
        "tests/test_status.py": """
import pytest

from carrier.status import UnknownStatus, state


def test_known():
    assert state("HUB") == "moving"


def test_unknown_is_refused():
    with pytest.raises(UnknownStatus):
        state("???")
""",
    },
    ("carrier.events:load_events",),
    sheet(
        "events/{day}.csv",
        lambda n, d, new: {
            "parcel": f"P{n}",
            "at": f"{d}T{n % 24:02d}:00:00Z",
            "status": ("RTS" if new else "RET") if n % 4 == 1 else ("NEW", "LBL", "TRN", "HUB", "DLV")[n % 5],
        },
    ),
    table="events",
    category=ANY,
)  # fmt: skip

# FIX. Times had no zone and were UTC (the module says so); now they come with +01:00: "unconverted data remains". Right:
# convert to UTC, as the module demands; cutting the offset off is wrong by an hour.
CALLS = brief(
    "six_call_times",
    {
        "calls/store.py": STORE,
        "calls/times.py": '''
"""Times of calls. All our tables are in UTC; a time without a zone is UTC."""

from datetime import datetime

FORM = "%Y-%m-%dT%H:%M:%S"


def parse(text):
    return datetime.strptime(text, FORM)


def utc(text):
    return parse(text).strftime(FORM)


def seconds(begin, end):
    return int((parse(end) - parse(begin)).total_seconds())
''',
        "calls/load.py": """
import json
import os
import pathlib

from calls.store import save
from calls.times import seconds, utc


def load_calls(day):
    path = pathlib.Path(os.environ["WORK"], "upstream", "calls", f"{day}.json")
    rows = [
        (call["id"], utc(call["begin"]), seconds(call["begin"], call["end"]), call["queue"])
        for call in json.loads(path.read_text())["calls"]
    ]
    save("calls", ["id", "begin_utc", "seconds", "queue"], rows, day)
""",
        "tests/test_times.py": """
from calls.times import seconds, utc


def test_times():
    assert utc("2026-10-01T10:00:00") == "2026-10-01T10:00:00"
    assert seconds("2026-10-01T10:00:00", "2026-10-01T10:01:30") == 90
""",
    },
    ("calls.load:load_calls",),
    feed(
        "calls/{day}.json",
        lambda n, d, new: {
            "id": n,
            "begin": f"{d}T{n % 20 + (1 if new else 0):02d}:10:{n % 60:02d}" + ("+01:00" if new else ""),
            "end": f"{d}T{n % 20 + (1 if new else 0):02d}:{11 + n % 9}:{n % 60:02d}" + ("+01:00" if new else ""),
            "queue": ("sales", "help")[n % 2],
        },
        lambda rows, d, new: {"switch": "pbx-2", "calls": rows},
    ),
    table="calls", category=ANY,
)  # fmt: skip

# RETRY. The nightly compaction holds the lock of the warehouse; its lock file tells who and since when. The loader waits
# and gives up: "database is locked". Nothing to mend and nobody to call: try again when the lock is gone. Taking the
# lock away or not asking for it would be wrong.
LOCK = brief(
    "six_warehouse_lock",
    {
        "vault/store.py": STORE,
        "vault/lock.py": """
import contextlib
import os
import pathlib
import sqlite3
import time

WAIT_SECONDS = 1.0


@contextlib.contextmanager
def warehouse_lock(day):
    \"\"\"Hold the lock of the day's warehouse; jobs on other hosts use the same file.\"\"\"
    path = pathlib.Path(os.environ["WORK"], "upstream", "locks", f"warehouse-{day}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with path.open("x") as handle:
                handle.write(f"loader pid {os.getpid()}")
            break
        except FileExistsError:
            if time.monotonic() > until:
                raise sqlite3.OperationalError(f"database is locked ({path.read_text().strip()})") from None
            time.sleep(0.2)
    try:
        yield
    finally:
        path.unlink()
""",
        "vault/deposits.py": """
import csv
import os
import pathlib

from vault.lock import warehouse_lock
from vault.store import save


def load_deposits(day):
    with pathlib.Path(os.environ["WORK"], "upstream", "deposits", f"{day}.csv").open(newline="") as handle:
        rows = [(d["deposit"], d["branch"], int(d["cents"])) for d in csv.DictReader(handle)]
    with warehouse_lock(day):
        save("deposits", ["deposit", "branch", "cents"], rows, day)
""",
    },
    ("vault.deposits:load_deposits",),
    lambda day, new: {
        f"deposits/{day}.csv": table({"deposit": f"D{n}", "branch": f"B{n % 3}", "cents": n * 100} for n in numbers(day)),
        **({f"locks/warehouse-{day}.lock": "held by nightly_compaction on dwh-2, pid 4711, since 02:58 UTC\n"} if new else {}),
    },
    table="deposits", action=RETRY, category=ANY,
)  # fmt: skip

# NOTIFY. The object store answers 403 AccessDenied for the role of the pipeline: whoever owns the bucket has to give the
# right back. Not the code's fault, and it stays so however often it is tried.
BUCKET = brief(
    "six_archive_bucket",
    {
        "archive/store.py": STORE,
        "archive/bucket.py": """
import json
import os
import urllib.error
import urllib.request


class BucketError(OSError):
    pass


def read(bucket, key):
    try:
        with urllib.request.urlopen(f"{os.environ['SHOP_API']}/{bucket}/{key}", timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        raise BucketError(f"GetObject s3://{bucket}/{key}: {error.code} {error.reason}: {said}") from error
""",
        "archive/claims.py": """
from archive.bucket import read
from archive.store import save


def load_claims(day):
    rows = [(c["claim"], c["policy"], c["cents"]) for c in read("claims-raw", f"{day}.json")]
    save("claims", ["claim", "policy", "cents"], rows, day)
""",
    },
    ("archive.claims:load_claims",),
    feed("claims-raw/{day}.json", lambda n, d, new: {"claim": n, "policy": f"P{n % 11}", "cents": n * 1234}),
    table="claims", action=NOTIFY, category=ANY, api=True, style="taskflow",
    faults=json.dumps({"claims-raw": {"status": 403, "first": 99, "body": "<Error><Code>AccessDenied</Code><Message>User: arn:aws:sts::111122223333:assumed-role/pipeline is not authorized to perform: s3:GetObject</Message></Error>"}}),
)  # fmt: skip


def _labs(day: str, new: bool) -> dict[str, str]:
    text = json.dumps(
        {"lab": "L7", "results": [{"sample": f"S{n}", "marker": "crp", "value": n / 10} for n in numbers(day, 20)]}
    )
    return {
        f"lab/{day}.json": text[: len(text) * 5 // 9] if new else text,
        f"lab/{day}.json.size": f"{len(text)}\n",
    }


# HOLD. The file ends in the middle of a record, and the size the laboratory wrote beside it is larger than what lies
# here: the transfer broke off. Nothing in the code is wrong; reading the part that is there would lose results. Hold the
# day until the file was sent again.
LABS = brief(
    "six_lab_results",
    {
        "lab/store.py": STORE,
        "lab/results.py": """
import json
import logging
import os
import pathlib

from lab.store import save

log = logging.getLogger(__name__)


def load_results(day):
    path = pathlib.Path(os.environ["WORK"], "upstream", "lab", f"{day}.json")
    told = int(path.with_suffix(".json.size").read_text())
    log.warning("%s has %d bytes, the laboratory told %d", path.name, path.stat().st_size, told)
    body = json.loads(path.read_text())
    rows = [(r["sample"], r["marker"], r["value"]) for r in body["results"]]
    save("results", ["sample", "marker", "value"], rows, day)
""",
    },
    ("lab.results:load_results",),
    _labs,
    table="results", action=HOLD, category=ANY,
)  # fmt: skip

# HOLD. `amount` is gone, `amount_due` and `amount_total` came; both are plausible (they differ by what was paid before),
# the old values fit either, and nothing in the repository tells. Guessing changes money. Hold the day and ask.
AMBIGUOUS = brief(
    "six_receivables",
    {
        "dunning/store.py": STORE,
        "dunning/load.py": """
import json
import os
import pathlib

from dunning.store import save


def load_receivables(day):
    path = pathlib.Path(os.environ["WORK"], "upstream", "receivables", f"{day}.json")
    rows = [(r["invoice"], r["customer"], r["amount"]) for r in json.loads(path.read_text())]
    save("receivables", ["invoice", "customer", "amount"], rows, day)
""",
    },
    ("dunning.load:load_receivables",),
    feed(
        "receivables/{day}.json",
        lambda n, d, new: {
            "invoice": f"R{n}",
            "customer": f"C{n % 5}",
            **({"amount_due": 20 + n % 30, "amount_total": 40 + n % 50} if new else {"amount": 30 + n % 40}),
        },
    ),
    table="receivables", action=HOLD, category=ANY,
)  # fmt: skip

# HOLD. A severity `advisory` that neither the code's table nor any document has; whether it pages somebody, or counts for
# the service level, is for operations to say. A default would be a guess, and the weights are agreed. Hold the day and
# ask.
SEVERITY = brief(
    "six_incident_severity",
    {
        "ops/store.py": STORE,
        "ops/weights.py": '''
"""Penalty points per severity, as agreed in the service contract."""

POINTS = {"minor": 1, "major": 5, "critical": 20}
''',
        "ops/penalties.py": """
import csv
import os
import pathlib

from ops.store import save
from ops.weights import POINTS


def load_penalties(day):
    with pathlib.Path(os.environ["WORK"], "upstream", "incidents", f"{day}.csv").open(newline="") as handle:
        rows = [(i["incident"], i["severity"], POINTS[i["severity"]] * int(i["hours"])) for i in csv.DictReader(handle)]
    save("penalties", ["incident", "severity", "points"], rows, day)
""",
    },
    ("ops.penalties:load_penalties",),
    sheet(
        "incidents/{day}.csv",
        lambda n, d, new: {
            "incident": f"I{n}",
            "severity": "advisory" if new and n % 4 == 2 else ("minor", "major", "critical")[n % 3],
            "hours": 1 + n % 6,
        },
    ),
    table="penalties", action=HOLD, category=ANY, style="taskflow",
)  # fmt: skip


def _postings(day: str, new: bool) -> dict[str, str]:
    rows = []
    for n in numbers(day):
        cents = 1000 + n * 13
        rows.append({"entry": n, "account": f"1{n % 9:03d}", "debit": cents, "credit": 0})
        if not (new and n % 4 == 3):
            rows.append({"entry": n, "account": f"8{n % 9:03d}", "debit": 0, "credit": cents})
    return {f"postings/{day}.csv": table(rows)}


# HOLD. Two entries of the journal lack their credit side, so debits and credits differ and the check of double entry
# stops the load. Format and code are as ever; the data are wrong. Weakening the check is the wrong answer.
LEDGER = brief(
    "six_ledger_balance",
    {
        "ledger/store.py": STORE,
        "ledger/checks.py": """
from collections import Counter


class Unbalanced(AssertionError):
    pass


def balanced(postings):
    sums = Counter()
    for p in postings:
        sums[p["entry"]] += int(p["debit"]) - int(p["credit"])
    off = {entry: cents for entry, cents in sums.items() if cents}
    if off:
        raise Unbalanced(f"{len(off)} entries are not balanced: {off}")
    return postings
""",
        "ledger/journal.py": """
import csv
import os
import pathlib

from ledger.checks import balanced
from ledger.store import save


def load_journal(day):
    with pathlib.Path(os.environ["WORK"], "upstream", "postings", f"{day}.csv").open(newline="") as handle:
        postings = balanced(list(csv.DictReader(handle)))
    rows = [(int(p["entry"]), p["account"], int(p["debit"]), int(p["credit"])) for p in postings]
    save("journal", ["entry", "account", "debit", "credit"], rows, day)
""",
    },
    ("ledger.journal:load_journal",),
    _postings,
    table="journal", action=HOLD, category=ANY, style="bash",
)  # fmt: skip

SIXTH_B = (
    RIDES, FLEET, TARIFF, REPORT, CATALOGUE, SHIPMENTS, FREIGHT, STATUS, CALLS, LOCK, BUCKET, LABS, AMBIGUOUS, SEVERITY,
    LEDGER,
)  # fmt: skip
