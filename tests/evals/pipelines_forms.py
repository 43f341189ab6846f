"""First fresh batch, drift: pipelines in other styles than those of ``pipelines_drift``; written before they were tried."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import datetime, timezone

from brief import STORE, brief
from case_maker import FIX, HOLD, NOTIFY
from pipelines_drift import _csv, _rows

UP = 'os.environ["WORK"] + "/upstream'


def _json_days(name: str, make, wrap=lambda rows, new: rows):  # type: ignore[no-untyped-def]
    def render(day: str, new: bool) -> Mapping[str, str]:
        return {
            f"{name}/{day}.json": json.dumps(wrap([make(n, day, new) for n in _rows(day)], new), ensure_ascii=False)
        }

    return render


def _csv_days(name: str, make, delimiter: str = ",", form=lambda text, new: text):  # type: ignore[no-untyped-def]
    def render(day: str, new: bool) -> Mapping[str, str | bytes]:
        text = _csv([make(n, day, new) for n in _rows(day)], delimiter if new else ",")
        return {f"{name}/{day}.csv": form(text, new)}

    return render


REQUIRED_COLUMNS = brief(
    "required_columns",
    {
        "freight/store.py": STORE,
        "freight/spec.py": 'REQUIRED = ["waybill_no", "consignee", "gross_kg"]\n',
        "freight/load.py": """
import csv
import os

from freight.spec import REQUIRED
from freight.store import save


class LayoutError(Exception):
    pass


def load_waybills(day):
    with open(os.environ["WORK"] + f"/upstream/waybills/{day}.csv", newline="") as feed:
        reader = csv.DictReader(feed)
        absent = [name for name in REQUIRED if name not in reader.fieldnames]
        if absent:
            raise LayoutError(f"waybills of {day}: missing columns {absent}, has {reader.fieldnames}")
        rows = [(r["waybill_no"], r["consignee"].strip(), float(r["gross_kg"])) for r in reader]
    save("waybills", ["waybill_no", "consignee", "gross_kg"], rows, day)
""",
    },
    ("freight.load:load_waybills",),
    _csv_days(
        "waybills",
        lambda n, d, new: {
            ("WaybillNo" if new else "waybill_no"): f"W-{n:06}",
            "consignee": f"Firm {n % 4} ",
            "gross_kg": n / 4,
        },
    ),
    table="waybills",
)
YAML_MAP = brief(
    "yaml_map",
    {
        "lab/store.py": STORE,
        "lab/columns.yaml": "sample: sample_code\nanalyte: analyte\nresult: result_value\n",
        "lab/results.py": """
import json
import os
import pathlib

import yaml

from lab.store import save

COLUMNS = yaml.safe_load((pathlib.Path(__file__).parent / "columns.yaml").read_text())


def import_results(day):
    source = pathlib.Path(os.environ["WORK"], "upstream", "results", f"{day}.jsonl")
    documents = [json.loads(line) for line in source.read_text().splitlines()]
    rows = [tuple(doc[column] for column in COLUMNS.values()) for doc in documents]
    save("results", list(COLUMNS), rows, day)
""",
    },
    ("lab.results:import_results",),
    lambda day, new: {
        f"results/{day}.jsonl": "".join(
            json.dumps(
                {
                    ("sampleCode" if new else "sample_code"): f"S{n}",
                    "analyte": "Na" if n % 2 else "K",
                    "result_value": n / 10,
                }
            )
            + "\n"
            for n in _rows(day)
        )
    },
    table="results",
    style="bash",
)
ENVELOPE = brief(
    "list_in_envelope",
    {
        "cinema/store.py": STORE,
        "cinema/shows.py": """
import json
import os

from cinema.store import save


def fetch(day):
    with open(os.environ["WORK"] + f"/upstream/shows/{day}.json") as feed:
        shows = json.load(feed)
    save("shows", ["show", "seats"], [(show["show_id"], show["seats"]) for show in shows], day)
""",
    },
    ("cinema.shows:fetch",),
    _json_days(
        "shows",
        lambda n, d, new: {"show_id": f"SH{n}", "seats": n % 90},
        lambda rows, new: {"data": rows, "count": len(rows)} if new else rows,
    ),
    table="shows",
    style="taskflow",
)
ENVELOPE_KEY = brief(
    "envelope_key",
    {
        "cinema/store.py": STORE,
        "cinema/client.py": """
import json
import os
import urllib.request


def records(kind, day):
    with urllib.request.urlopen(f"{os.environ['SHOP_API']}/{kind}/{day}.json", timeout=10) as reply:
        body = json.loads(reply.read())
    return body["results"]
""",
        "cinema/shows.py": """
from cinema.client import records
from cinema.store import save


def fetch(day):
    save("shows", ["show", "seats"], [(show["show_id"], show["seats"]) for show in records("shows", day)], day)
""",
    },
    ("cinema.shows:fetch",),
    _json_days(
        "shows",
        lambda n, d, new: {"show_id": f"SH{n}", "seats": n % 90},
        lambda rows, new: {("items" if new else "results"): rows, "total": len(rows)},
    ),
    table="shows",
    api=True,
)


def _pages(day: str, new: bool) -> Mapping[str, str]:
    rows = [{"ticket": f"T{n}", "minutes": n % 60} for n in _rows(day)]
    key = "next_page" if new else "next"
    return {
        f"tickets/{day}.json": json.dumps({"results": rows[:5], key: f"/tickets/{day}-2.json"}),
        f"tickets/{day}-2.json": json.dumps({"results": rows[5:], key: None}),
    }


PAGINATION = brief(
    "pagination_key",
    {
        "desk/store.py": STORE,
        "desk/pull.py": """
import json
import os
import urllib.request

from desk.store import save


def pages(path):
    while path:
        with urllib.request.urlopen(os.environ["SHOP_API"] + path) as reply:
            page = json.load(reply)
        yield from page["results"]
        path = page["next"]


def pull(day):
    rows = [(t["ticket"], t["minutes"]) for t in pages(f"/tickets/{day}.json")]
    save("tickets", ["ticket", "minutes"], rows, day)
""",
    },
    ("desk.pull:pull",),
    _pages,
    table="tickets",
    api=True,
)
SPLIT_NAME = brief(
    "split_name",
    {
        "club/store.py": STORE,
        "club/members.py": """
import json
import os

from club.store import save


def members(day):
    with open(os.environ["WORK"] + f"/upstream/members/{day}.json") as feed:
        rows = [(m["member_no"], m["full_name"].upper(), m["joined"]) for m in json.load(feed)]
    save("members", ["no", "name", "joined"], rows, day)
""",
    },
    ("club.members:members",),
    _json_days(
        "members",
        lambda n, d, new: {
            "member_no": f"M{n}",
            **(
                {"first_name": "Anna" if n % 2 else "Bert", "last_name": f"Maier{'s' * (n % 3)}"}
                if new
                else {"full_name": f"{'Anna' if n % 2 else 'Bert'} Maier{'s' * (n % 3)}"}
            ),
            "joined": d,
        },
    ),
    table="members",
)
ENUM_CASE = brief(
    "enum_case",
    {
        "port/store.py": STORE,
        "port/fees.py": """
import json
import os

from port.store import save

FEE = {"TANKER": 900, "BULK": 500, "FERRY": 120}


def fees(day):
    calls = json.load(open(os.environ["WORK"] + f"/upstream/calls/{day}.json"))
    save("fees", ["call", "fee"], [(c["call_id"], FEE[c["vessel_type"]]) for c in calls], day)
""",
    },
    ("port.fees:fees",),
    _json_days(
        "calls",
        lambda n, d, new: {
            "call_id": f"C{n}",
            "vessel_type": (str.lower if new else str)(["TANKER", "BULK", "FERRY"][n % 3]),
        },
    ),
    table="fees",
)
CURRENCY_SIGN = brief(
    "currency_sign",
    {
        "rent/store.py": STORE,
        "rent/contracts.py": """
import csv
import os

from rent.store import save


def yearly(row):
    return float(row["monthly_rent"]) * 12


def contracts(day):
    with open(os.environ["WORK"] + f"/upstream/contracts/{day}.csv", newline="") as feed:
        rows = [(row["contract"], yearly(row)) for row in csv.DictReader(feed)]
    save("contracts", ["contract", "yearly"], rows, day)
""",
    },
    ("rent.contracts:contracts",),
    _csv_days(
        "contracts",
        lambda n, d, new: {
            "contract": f"K{n}",
            "monthly_rent": f"€{n * 7.5 + 1000:,.2f}" if new else f"{n * 7.5 + 1000:.2f}",
        },
    ),
    table="contracts",
    style="bash",
)


def _moment(n: int, day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{n % 12 + 8:02}:{n % 60:02}:00")


def _epoch(moment: datetime, factor: int = 1) -> int:
    return int(moment.replace(tzinfo=timezone.utc).timestamp()) * factor


SENSOR_FILES = {
    "farm/store.py": STORE,
    "farm/sensors.py": """
import json
import os
from datetime import datetime

from farm.store import save


def hour_of(reading):
    return datetime.strptime(reading["measured_at"], "%Y-%m-%dT%H:%M:%S").strftime("%Y-%m-%d %H")


def readings(day):
    with open(os.environ["WORK"] + f"/upstream/readings/{day}.json") as feed:
        rows = [(r["sensor"], hour_of(r), r["moisture"]) for r in json.load(feed)]
    save("readings", ["sensor", "hour", "moisture"], rows, day)
""",
}


def _sensors(name: str, form, files=SENSOR_FILES, **more):  # type: ignore[no-untyped-def]
    return brief(
        name,
        files,
        ("farm.sensors:readings",),
        _json_days(
            "readings",
            lambda n, d, new: {
                "sensor": f"F{n}",
                "measured_at": form(_moment(n, d)) if new else _moment(n, d).isoformat(),
                "moisture": n / 3,
            },
        ),
        table="readings",
        **more,
    )


EPOCH_S = _sensors("epoch_seconds", _epoch)
EPOCH_MS = _sensors("epoch_milliseconds", lambda m: _epoch(m, 1000))
EPOCH_MS_ISO = _sensors(
    "epoch_ms_fromisoformat",
    lambda m: _epoch(m, 1000),
    {
        **SENSOR_FILES,
        "farm/sensors.py": SENSOR_FILES["farm/sensors.py"].replace(
            'datetime.strptime(reading["measured_at"], "%Y-%m-%dT%H:%M:%S")',
            'datetime.fromisoformat(reading["measured_at"])',
        ),
    },
    style="taskflow",
)
AWARE_COMPARED = _sensors(
    "aware_and_naive",
    lambda m: m.isoformat() + "+00:00",
    {
        **SENSOR_FILES,
        "farm/sensors.py": SENSOR_FILES["farm/sensors.py"]
        .replace(
            '    return datetime.strptime(reading["measured_at"], "%Y-%m-%dT%H:%M:%S").strftime("%Y-%m-%d %H")',
            '    moment = datetime.fromisoformat(reading["measured_at"])\n    return moment.strftime("%Y-%m-%d %H") if moment > OPENED else "before"',
        )
        .replace("def hour_of", "OPENED = datetime(2020, 4, 1)\n\n\ndef hour_of"),
    },
)
DAY_FIRST = _sensors(
    "day_first",
    lambda m: m.strftime("%d.%m.%Y %H:%M"),
    {
        **SENSOR_FILES,
        "farm/sensors.py": SENSOR_FILES["farm/sensors.py"]
        .replace("datetime.strptime", "dt.strptime")
        .replace("import datetime", "import datetime as dt"),
    },
)
PAYROLL = {
    "pay/store.py": STORE,
    "pay/hours.py": """
import csv
import os

from pay.store import save


def source(day):
    return os.path.join(os.environ["WORK"], "upstream", "hours", day + ".csv")


def hours(day):
    with open(source(day), newline="", encoding="utf-8") as feed:
        rows = [(row["staff_no"], row["name"], float(row["hours"])) for row in csv.DictReader(feed)]
    save("hours", ["staff", "name", "hours"], rows, day)
""",
}


def _payroll(name: str, form, delimiter: str = ",", **more):  # type: ignore[no-untyped-def]
    make = _csv_days(
        "hours",
        lambda n, d, new: {"staff_no": f"P{n}", "name": ["Jürgen", "Zoë", "Max"][n % 3], "hours": n % 9 + 0.5},
        delimiter,
        form,
    )
    return brief(name, more.pop("files", PAYROLL), ("pay.hours:hours",), make, table="hours", **more)


BOM = _payroll("byte_order_mark", lambda text, new: text.encode("utf-8-sig") if new else text)
LATIN_1 = _payroll("latin_1", lambda text, new: text.encode("latin-1") if new else text)
SEMICOLON = _payroll("semicolon", lambda text, new: text, ";", style="bash")
PREAMBLE = _payroll("line_before_header", lambda text, new: "# export of system HR-7\n" + text if new else text)
GZIPPED = _payroll("gzipped", lambda text, new: gzip.compress(text.encode(), mtime=0) if new else text)
EMPTY_FOR_NULL = brief(
    "empty_for_null",
    {
        "grid/store.py": STORE,
        "grid/peaks.py": """
import json
import os

from grid.store import save


def peak(row):
    return None if row["peak_kw"] is None else round(float(row["peak_kw"]), 1)


def peaks(day):
    with open(os.environ["WORK"] + f"/upstream/peaks/{day}.json") as feed:
        save("peaks", ["node", "peak"], [(r["node"], peak(r)) for r in json.load(feed)], day)
""",
    },
    ("grid.peaks:peaks",),
    _json_days("peaks", lambda n, d, new: {"node": f"N{n}", "peak_kw": ("" if new else None) if n % 4 == 0 else n / 7}),
    table="peaks",
)
YES_NO = brief(
    "yes_no",
    {
        "vet/store.py": STORE,
        "vet/pets.py": """
import csv
import os

from vet.store import save


def pets(day):
    with open(os.environ["WORK"] + f"/upstream/pets/{day}.csv") as feed:
        rows = [(p["chip"], int(p["vaccinated"])) for p in csv.DictReader(feed)]
    save("pets", ["chip", "vaccinated"], rows, day)
""",
    },
    ("vet.pets:pets",),
    _csv_days("pets", lambda n, d, new: {"chip": f"CH{n}", "vaccinated": ("N", "Y")[n % 2] if new else n % 2}),
    table="pets",
)
DUCK_F_STRING = brief(
    "duck_reads_csv",
    {
        "solar/daily.py": """
import os

import duckdb


def daily(day):
    con = duckdb.connect(os.environ["WAREHOUSE"])
    con.execute("create table if not exists yield_daily (plant varchar, kwh double, day varchar)")
    con.execute("delete from yield_daily where day = ?", [day])
    path = os.environ["WORK"] + f"/upstream/yield/{day}.csv"
    con.execute(f"insert into yield_daily select plant_id, sum(kwh), '{day}' from read_csv_auto('{path}') group by plant_id")
    con.close()
""",
    },
    ("solar.daily:daily",),
    _csv_days("yield", lambda n, d, new: {("plantId" if new else "plant_id"): f"PL{n % 3}", "kwh": n / 2}),
    probe="import duckdb\nresult = [list(r) for r in duckdb.connect(os.environ['WAREHOUSE'], read_only=True).execute('select * from yield_daily order by 1, 3').fetchall()]",
)
SQLITE_SCRIPT = brief(
    "sqlite_table",
    {
        "toll/store.py": STORE,
        "toll/passages.py": """
import json
import os
import sqlite3

from toll.store import save


def land(day):
    with open(os.environ["WORK"] + f"/upstream/passages/{day}.json") as feed:
        rows = json.load(feed)
    con = sqlite3.connect(os.environ["WORK"] + "/raw.db")
    con.execute("drop table if exists raw_passages")
    con.execute(f"create table raw_passages ({', '.join(rows[0])})")
    con.executemany(f"insert into raw_passages values ({', '.join('?' * len(rows[0]))})", [tuple(r.values()) for r in rows])
    con.commit()
    con.close()


def total(day):
    con = sqlite3.connect(os.environ["WORK"] + "/raw.db")
    rows = con.execute("select gate_code, count(*), sum(fee) from raw_passages group by gate_code").fetchall()
    con.close()
    save("tolls", ["gate", "passages", "fee"], rows, day)
""",
    },
    ("toll.passages:land", "toll.passages:total"),
    _json_days("passages", lambda n, d, new: {("gateCode" if new else "gate_code"): f"G{n % 3}", "fee": n / 8}),
    table="tolls",
)
PANDAS_DATES = brief(
    "pandas_dates",
    {
        "gym/store.py": STORE,
        "gym/visits.py": """
import os

import pandas as pd

from gym.store import save


def visits(day):
    frame = pd.read_csv(os.environ["WORK"] + f"/upstream/visits/{day}.csv")
    frame["on"] = pd.to_datetime(frame["visited"], format="%Y-%m-%d")
    rows = [(m, str(d.date())) for m, d in zip(frame["member"], frame["on"])]
    save("visits", ["member", "visited"], rows, day)
""",
    },
    ("gym.visits:visits",),
    _csv_days(
        "visits",
        lambda n, d, new: {"member": f"G{n}", "visited": f"{n % 20 + 10}.10.2026" if new else f"2026-10-{n % 20 + 10}"},
    ),
    table="visits",
)
PANDAS_THOUSANDS = brief(
    "pandas_thousands",
    {
        "bank/store.py": STORE,
        "bank/balances.py": """
import os

import pandas as pd

from bank.store import save


def balances(day):
    frame = pd.read_csv(os.environ["WORK"] + f"/upstream/balances/{day}.csv", dtype=str)
    frame["balance"] = frame["balance"].astype(float)
    save("balances", ["account", "balance"], list(frame[["account", "balance"]].itertuples(index=False, name=None)), day)
""",
    },
    ("bank.balances:balances",),
    _csv_days(
        "balances",
        lambda n, d, new: {
            "account": f"AC-{n}",
            "balance": f"{n * 31.5 + 2000:,.2f}" if new else f"{n * 31.5 + 2000:.2f}",
        },
    ),
    table="balances",
)
PYDANTIC = brief(
    "pydantic_model",
    {
        "bus/store.py": STORE,
        "bus/model.py": """
from pydantic import BaseModel


class Trip(BaseModel):
    trip_id: str
    line: str
    passengers: int
""",
        "bus/trips.py": """
import json
import os

from bus.model import Trip
from bus.store import save


def trips(day):
    with open(os.environ["WORK"] + f"/upstream/trips/{day}.json") as feed:
        found = [Trip.model_validate(doc) for doc in json.load(feed)]
    save("trips", ["trip", "line", "passengers"], [(t.trip_id, t.line, t.passengers) for t in found], day)
""",
    },
    ("bus.trips:trips",),
    _json_days(
        "trips", lambda n, d, new: {("tripId" if new else "trip_id"): f"TR{n}", "line": "17A", "passengers": n % 50}
    ),
    table="trips",
)
KM_TO_M = brief(
    "kilometres_to_metres",
    {
        "taxi/store.py": STORE,
        "taxi/rides.py": """
import json
import os

from taxi.store import save


def rides(day):
    with open(os.environ["WORK"] + f"/upstream/rides/{day}.json") as feed:
        save("rides", ["ride", "km"], [(r["ride"], round(r["distance_km"], 3)) for r in json.load(feed)], day)
""",
    },
    ("taxi.rides:rides",),
    _json_days(
        "rides",
        lambda n, d, new: {
            "ride": f"R{n}",
            **({"distance_m": n * 40 + 1000} if new else {"distance_km": (n * 40 + 1000) / 1000}),
        },
    ),
    table="rides",
)
SILENT_UNIT = brief(
    "values_a_hundred_times",
    {
        "taxi/store.py": STORE,
        "taxi/fares.py": """
import json
import os

from taxi.store import save


def fares(day):
    with open(os.environ["WORK"] + f"/upstream/fares/{day}.json") as feed:
        rows = [(r["ride"], r["fare"]) for r in json.load(feed)]
    save("fares", ["ride", "fare"], rows, day)
    check_fares(rows)


def check_fares(rows):
    wrong = [r for r in rows if not 0 < r[1] < 500]
    if wrong:
        raise ValueError(f"check fare_range failed: {len(wrong)} of {len(rows)} rows, first {wrong[0]}")
""",
    },
    ("taxi.fares:fares",),
    _json_days("fares", lambda n, d, new: {"ride": f"R{n}", "fare": n * 10 if new else n / 10}),
    action=HOLD,
    category=("bad_data",),
)
NEW_FIELD_DATACLASS = brief(
    "new_field_dataclass",
    {
        "library/store.py": STORE,
        "library/loans.py": """
import json
import os
from dataclasses import dataclass

from library.store import save


@dataclass(frozen=True)
class Loan:
    loan_id: str
    book: str
    days: int


def loans(day):
    with open(os.environ["WORK"] + f"/upstream/loans/{day}.json") as feed:
        found = [Loan(**doc) for doc in json.load(feed)]
    save("loans", ["loan", "book", "days"], [(x.loan_id, x.book, x.days) for x in found], day)
""",
    },
    ("library.loans:loans",),
    _json_days(
        "loans",
        lambda n, d, new: {
            "loan_id": f"L{n}",
            "book": f"B{n % 5}",
            "days": n % 28,
            **({"branch": "west", "note": None} if new else {}),
        },
    ),
    table="loans",
)
NEW_FIELD_WRITER = brief(
    "new_field_writer",
    {
        "post/parcels.py": """
import csv
import json
import os

FIELDS = ["parcel", "zone", "grams"]


def export(day):
    with open(os.environ["WORK"] + f"/upstream/parcels/{day}.json") as feed:
        parcels = json.load(feed)
    with open(os.environ["WORK"] + f"/parcels-{day}.csv", "w", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=FIELDS)
        writer.writeheader()
        writer.writerows(parcels)
""",
    },
    ("post.parcels:export",),
    _json_days(
        "parcels",
        lambda n, d, new: {"parcel": f"P{n}", "zone": n % 4, "grams": n, **({"insured": None} if new else {})},
    ),
    probe='import glob\nresult = [open(p).read() for p in sorted(glob.glob(os.environ["WORK"] + "/parcels-*.csv"))]',
)
NEW_COLUMN_INSERT = brief(
    "new_column_insert",
    {
        "wine/load.py": """
import os

import duckdb


def load_tastings(day):
    con = duckdb.connect(os.environ["WAREHOUSE"])
    con.execute("create table if not exists tastings (wine varchar, points integer, taster varchar)")
    con.execute(f"insert into tastings select * from read_csv_auto('{os.environ['WORK']}/upstream/tastings/{day}.csv')")
    con.close()
""",
    },
    ("wine.load:load_tastings",),
    _csv_days(
        "tastings",
        lambda n, d, new: {"wine": f"V{n}", "points": n % 100, "taster": "Q", **({"vintage": 2019} if new else {})},
    ),
    probe="import duckdb\nresult = [list(r) for r in duckdb.connect(os.environ['WAREHOUSE'], read_only=True).execute('select wine, points, taster from tastings order by 1').fetchall()]",
)
MAPPED = brief(
    "mapped_tasks",
    {
        "shops/store.py": STORE,
        "shops/tills.py": """
import json
import os

from shops.store import save


def till_rows(day, shop):
    with open(os.environ["WORK"] + f"/upstream/tills/{day}.json") as feed:
        return [r for r in json.load(feed) if r["shop"] == shop]


def close_till(day, shop):
    rows = [(r["receipt_no"], r["total"]) for r in till_rows(day, shop)]
    save(f"till_{shop}", ["receipt", "total"], rows, day)


def close_all(day):
    for shop in ("a", "b", "c"):
        close_till(day, shop)
""",
    },
    ("shops.tills:close_all",),
    _json_days(
        "tills",
        lambda n, d, new: {("receiptNumber" if new else "receipt_no"): f"RC-{n}", "shop": "abc"[n % 3], "total": n / 5},
    ),
    table="till_a",
)
NULL_OBJECT = brief(
    "null_object",
    {
        "care/store.py": STORE,
        "care/cases.py": """
import json
import os

from care.store import save


def cases(day):
    with open(os.environ["WORK"] + f"/upstream/cases/{day}.json") as feed:
        rows = [(c["case_no"], c["doctor"]["name"]) for c in json.load(feed)]
    save("cases", ["case_no", "doctor"], rows, day)
""",
    },
    ("care.cases:cases",),
    _json_days(
        "cases", lambda n, d, new: {"case_no": n, "doctor": None if new and n % 3 == 0 else {"name": f"Dr {n}"}}
    ),
    action=HOLD,
    category=("bad_data", "schema_drift"),
)
GONE_FIELD = brief(
    "field_gone_for_good",
    {
        "care/store.py": STORE,
        "care/beds.py": """
import json
import os

from care.store import save


def beds(day):
    with open(os.environ["WORK"] + f"/upstream/beds/{day}.json") as feed:
        save("beds", ["bed", "ward"], [(b["bed"], b["ward"]) for b in json.load(feed)], day)
""",
    },
    ("care.beds:beds",),
    _json_days("beds", lambda n, d, new: {"bed": n, "floor": n % 7, **({} if new else {"ward": "W"})}),
    action=NOTIFY,
    category=("schema_drift",),
)
SPECS = tuple(value for value in list(globals().values()) if type(value).__name__ == "Spec")
assert FIX
