"""Third fresh batch, part two: other trades and styles; written before any of it was tried."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

from brief import STORE, brief
from case_maker import HOLD, NOTIFY, RETRY
from pipelines_drift import _csv, _rows
from pipelines_forms import _csv_days, _json_days
from pipelines_outside import _class, _raises

POSITIONS = brief(
    "clinic_positions",
    {
        "clinic/store.py": STORE,
        "clinic/visits.py": """
import csv
import os

from clinic.store import save


class VisitLoader:
    def __init__(self, day):
        self.day = day
        self.path = os.environ["WORK"] + f"/upstream/visits/{day}.csv"

    def read(self):
        with open(self.path, newline="") as feed:
            reader = csv.reader(feed)
            next(reader)
            for row in reader:
                yield row[0], row[1].title(), int(row[2]) / 60

    def load(self):
        save("visits", ["visit", "ward", "hours"], list(self.read()), self.day)


def load_visits(day):
    VisitLoader(day).load()
""",
    },
    ("clinic.visits:load_visits",),
    _csv_days("visits", lambda n, d, new: {"visit": f"V{n}", **({"doctor": f"Dr. {n % 3}"} if new else {}), "ward": "north", "minutes": n % 90}),
    table="visits",
)  # fmt: skip
RENAMED_TEXT = brief(
    "library_renamed_text",
    {
        "library/store.py": STORE,
        "library/books.py": """
import gzip
import json
import os

from library.store import save


def _weight(book):
    return round(book["pages"] * 0.0045 + 0.1, 3)


def books(day):
    with gzip.open(os.environ["WORK"] + f"/upstream/books/{day}.jsonl.gz", "rt") as feed:
        records = [json.loads(line) for line in feed]
    save("books", ["isbn", "pages", "kg"], [(b["isbn"], b["pages"], _weight(b)) for b in records], day)
""",
    },
    ("library.books:books",),
    lambda day, new: {f"books/{day}.jsonl.gz": gzip.compress("".join(json.dumps({"isbn": f"978-{n}", **({"pageCount": str(n + 100)} if new else {"pages": n + 100})}) + "\n" for n in _rows(day)).encode(), mtime=0)},
    table="books", style="taskflow",
)  # fmt: skip
XML_TAG = brief(
    "energy_xml",
    {
        "energy/store.py": STORE,
        "energy/meter.py": """
import os
import xml.etree.ElementTree as ET

from energy.store import save


def meters(day):
    tree = ET.parse(os.environ["WORK"] + f"/upstream/meters/{day}.xml")
    rows = []
    for node in tree.getroot().findall("meter"):
        rows.append((node.get("id"), node.find("reading").text, float(node.find("kwh").text)))
    save("meters", ["meter", "reading", "kwh"], rows, day)
""",
    },
    ("energy.meter:meters",),
    lambda day, new: {f"meters/{day}.xml": "<meters>" + "".join(f'<meter id="M{n}"><reading>{day}</reading><{"energyKwh" if new else "kwh"}>{n / 4}</{"energyKwh" if new else "kwh"}></meter>' for n in _rows(day)) + "</meters>"},
    table="meters",
)  # fmt: skip
MILLISECONDS = brief(
    "fleet_milliseconds",
    {
        "fleet/store.py": STORE,
        "fleet/trips.py": """
import json
import os
from dataclasses import dataclass

from fleet.store import save


@dataclass
class Trip:
    car: str
    seconds: int
    metres: int

    @classmethod
    def parse(cls, raw):
        return cls(car=raw["car"], seconds=raw["duration_s"], metres=raw["distance_m"])

    @property
    def kmh(self):
        return round(self.metres / self.seconds * 3.6, 2)


def trips(day):
    with open(os.environ["WORK"] + f"/upstream/trips/{day}.json") as feed:
        found = [Trip.parse(raw) for raw in json.load(feed)["trips"]]
    save("trips", ["car", "seconds", "kmh"], [(t.car, t.seconds, t.kmh) for t in found], day)
""",
    },
    ("fleet.trips:trips",),
    _json_days("trips", lambda n, d, new: {"car": f"C{n}", ("duration_ms" if new else "duration_s"): (n + 60) * (1000 if new else 1), "distance_m": n * 9}, lambda rows, new: {"trips": rows}),
    table="trips",
)  # fmt: skip
MERGE_KEY = brief(
    "merge_key_type",
    {
        "post/store.py": STORE,
        "post/parcels.py": """
import os

import pandas as pd

from post.store import save

DEPOTS = pd.DataFrame({"zip": [4020, 4600, 1010], "depot": ["Linz", "Wels", "Wien"]})


def parcels(day):
    frame = pd.read_json(os.environ["WORK"] + f"/upstream/parcels/{day}.json", dtype={"zip": None} if False else True)
    joined = frame.merge(DEPOTS, on="zip", how="left")
    save("parcels", ["parcel", "zip", "depot"], [(p, int(z), d) for p, z, d in zip(joined["parcel"], joined["zip"], joined["depot"])], day)
""".replace(', dtype={"zip": None} if False else True', ""),
    },
    ("post.parcels:parcels",),
    _json_days("parcels", lambda n, d, new: {"parcel": f"P{n}", "zip": (f"A-{(4020, 4600, 1010)[n % 3]}" if new else (4020, 4600, 1010)[n % 3])}),
    table="parcels",
)  # fmt: skip
TWELVE_HOURS = brief(
    "us_clock",
    {
        "gate/store.py": STORE,
        "gate/scans.py": """
import csv
import os
from datetime import datetime

from gate.store import save

STAMP = "%m/%d/%Y %H:%M"


def scans(day):
    with open(os.environ["WORK"] + f"/upstream/scans/{day}.csv", newline="") as feed:
        rows = [(s["gate"], datetime.strptime(s["scanned"], STAMP).isoformat(), s["badge"]) for s in csv.DictReader(feed)]
    save("scans", ["gate", "at", "badge"], rows, day)
""",
    },
    ("gate.scans:scans",),
    _csv_days("scans", lambda n, d, new: {"gate": f"G{n}", "scanned": f"{d[5:7]}/{d[8:]}/{d[:4]} " + (f"{(n % 24 - 1) % 12 + 1}:05 {'PM' if n % 24 >= 12 else 'AM'}" if new else f"{n % 24:02}:05"), "badge": n * 3}),
    table="scans", style="bash",
)  # fmt: skip
PERCENT = brief(
    "percent_sign",
    {
        "ads/store.py": STORE,
        "ads/rates.py": """
import csv
import os

from ads.store import save


def rates(day):
    with open(os.environ["WORK"] + f"/upstream/rates/{day}.csv", newline="") as feed:
        rows = [(r["campaign"], round(float(r["click_rate"]), 4), int(r["views"])) for r in csv.DictReader(feed)]
    save("rates", ["campaign", "rate", "views"], rows, day)
""",
    },
    ("ads.rates:rates",),
    _csv_days("rates", lambda n, d, new: {"campaign": f"A{n}", "click_rate": f"{n % 80 / 8}%" if new else n % 80 / 800, "views": n}),
    table="rates",
)  # fmt: skip
PARENTHESES = brief(
    "negative_in_parentheses",
    {
        "books/store.py": STORE,
        "books/journal.py": """
import os
from decimal import Decimal

import csv

from books.store import save


def journal(day):
    with open(os.environ["WORK"] + f"/upstream/journal/{day}.csv", newline="") as feed:
        rows = [(j["entry"], j["account"], str(Decimal(j["amount"]))) for j in csv.DictReader(feed)]
    save("journal", ["entry", "account", "amount"], rows, day)
""",
    },
    ("books.journal:journal",),
    _csv_days("journal", lambda n, d, new: {"entry": n, "account": f"K{n % 5}", "amount": f"{'' if n % 2 else '('}{n}.50{'' if n % 2 else ')'}" if new else f"{'' if n % 2 else '-'}{n}.50"}),
    table="journal",
)  # fmt: skip
COMPACT_DATE = brief(
    "compact_date_number",
    {
        "rail/store.py": STORE,
        "rail/trains.py": """
import json
import os
from datetime import datetime

from rail.store import save


def trains(day):
    rows = []
    with open(os.environ["WORK"] + f"/upstream/trains/{day}.ndjson") as feed:
        for line in feed:
            train = json.loads(line)
            left = datetime.strptime(train["service_date"], "%Y-%m-%d").date()
            rows.append((train["train"], left.isoformat(), left.isoweekday()))
    save("trains", ["train", "left_on", "weekday"], rows, day)
""",
    },
    ("rail.trains:trains",),
    lambda day, new: {f"trains/{day}.ndjson": "".join(json.dumps({"train": f"RJ{n}", "service_date": int(day.replace("-", "")) if new else day}) + "\n" for n in _rows(day))},
    table="trains",
)  # fmt: skip
ARRAY_TO_LINES = brief(
    "array_to_lines",
    {
        "farm/store.py": STORE,
        "farm/sensors.py": """
import json
import os

from farm.store import save


def sensors(day):
    with open(os.environ["WORK"] + f"/upstream/sensors/{day}.json") as feed:
        readings = json.load(feed)
    save("sensors", ["sensor", "humidity", "ph"], [(r["sensor"], r["humidity"], r["ph"]) for r in readings], day)
""",
    },
    ("farm.sensors:sensors",),
    lambda day, new: {f"sensors/{day}.json": ("\n".join if new else lambda r: "[" + ",".join(r) + "]")([json.dumps({"sensor": f"S{n}", "humidity": n % 100, "ph": n / 50}) for n in _rows(day)])},
    table="sensors", style="taskflow",
)  # fmt: skip
VALUE_TO_LIST = brief(
    "one_became_list",
    {
        "crm2/store.py": STORE,
        "crm2/people.py": """
import json
import os

from crm2.store import save


def _person(raw):
    user, _, domain = raw["email"].partition("@")
    return raw["person"], user.lower(), domain


def people(day):
    with open(os.environ["WORK"] + f"/upstream/people/{day}.json") as feed:
        save("people", ["person", "user", "domain"], [_person(p) for p in json.load(feed)["people"]], day)
""",
    },
    ("crm2.people:people",),
    _json_days("people", lambda n, d, new: {"person": n, "email": [f"Ida{n}@example.test"] if new else f"Ida{n}@example.test"}, lambda rows, new: {"people": rows}),
    table="people",
)  # fmt: skip
UTF_16 = brief(
    "utf_16",
    {
        "tax/store.py": STORE,
        "tax/notices.py": """
import csv
import os

from tax.store import save


def notices(day):
    with open(os.environ["WORK"] + f"/upstream/notices/{day}.csv", newline="", encoding="utf-8") as feed:
        save("notices", ["notice", "place", "sum"], [(n["notice"], n["place"], int(n["sum"])) for n in csv.DictReader(feed)], day)
""",
    },
    ("tax.notices:notices",),
    _csv_days("notices", lambda n, d, new: {"notice": n, "place": "Gmünd", "sum": n * 2}, form=lambda text, new: text.encode("utf-16") if new else text),
    table="notices",
)  # fmt: skip
HEADER_CASE = brief(
    "header_case_and_blank",
    {
        "air2/store.py": STORE,
        "air2/stations.py": """
import os

import pandas as pd

from air2.store import save


def stations(day):
    frame = pd.read_csv(os.environ["WORK"] + f"/upstream/stations/{day}.csv")
    frame = frame[frame["pm10"] < 400]
    daily = frame.groupby("station_id", as_index=False)["pm10"].mean()
    save("stations", ["station", "mean", "n"], [(s, float(m), 1) for s, m in zip(daily["station_id"], daily["pm10"])], day)
""",
    },
    ("air2.stations:stations",),
    _csv_days("stations", lambda n, d, new: {(" Station_ID" if new else "station_id"): f"S{n % 4}", ("PM10" if new else "pm10"): n / 3}),
    table="stations",
)  # fmt: skip
UNIQUE_KEY = brief(
    "unique_key_twice",
    {
        "bank/load.py": """
import json
import os
import sqlite3


def load(day):
    with open(os.environ["WORK"] + f"/upstream/payments/{day}.json") as feed:
        payments = json.load(feed)
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    con.execute("create table if not exists payments (payment_id text primary key, amount real, state text, revision int, day text)")
    con.execute("delete from payments where day = ?", (day,))
    for p in payments:
        con.execute("insert into payments values (?, ?, ?, ?, ?)", (p["payment_id"], p["amount"], p["state"], p["revision"], day))
    con.commit()
    con.close()
""",
    },
    ("bank.load:load",),
    lambda day, new: {f"payments/{day}.json": json.dumps([{"payment_id": f"P{n}", "amount": n / 2, "state": "open", "revision": 1} for n in (_rows(day)[2:5] if new else [])] + [{"payment_id": f"P{n}", "amount": n / 4, "state": "done", "revision": 2} for n in _rows(day)])},
    table="payments", category=(),
)  # fmt: skip
ZONE_NAME = brief(
    "zone_suffix",
    {
        "ferry/store.py": STORE,
        "ferry/legs.py": """
import json
import os
from datetime import datetime

from ferry.store import save


def legs(day):
    with open(os.environ["WORK"] + f"/upstream/legs/{day}.json") as feed:
        body = json.load(feed)
    rows = [(leg["leg"], datetime.strptime(leg["departs"], "%Y-%m-%d %H:%M:%S").strftime("%H:%M"), leg["quay"]) for leg in body["legs"]]
    save("legs", ["leg", "departs", "quay"], rows, day)
""",
    },
    ("ferry.legs:legs",),
    _json_days("legs", lambda n, d, new: {"leg": n, "departs": f"{d} {n % 24:02}:10:00{' UTC' if new else ''}", "quay": f"Q{n % 3}"}, lambda rows, new: {"legs": rows}),
    table="legs",
)  # fmt: skip
MAPPED = brief(
    "mapped_regions",
    {
        "retail/store.py": STORE,
        "retail/sales.py": """
import json
import os

from retail.store import save


def regions(day):
    with open(os.environ["WORK"] + f"/upstream/regions/{day}.json") as feed:
        return [dict(region=r["region"], turnover=r["turnover"]) for r in json.load(feed)["regions"]]


def book(record, day):
    save("sales_" + record["region"].lower(), ["region", "share", "n"], [(record["region"], record["turnover"] // 10, 1)], day)
""",
        "dags/retail_sales.py": """
import pendulum
from airflow.sdk import dag, task

from retail import sales


@dag(schedule="@daily", start_date=pendulum.datetime(2026, 11, 1, tz="UTC"), catchup=False)
def retail_sales():
    @task
    def regions(ds=None):
        return sales.regions(ds)

    @task
    def book(record, ds=None):
        sales.book(record, ds)

    book.expand(record=regions())


retail_sales()
""",
    },
    ("retail.sales:regions",),
    lambda day, new: {f"regions/{day}.json": json.dumps({"regions": [{"region": r, ("turnoverEur" if new else "turnover"): n * 40 + int(day[-2:])} for n, r in enumerate(("North", "South"))]})},
    dag_id="retail_sales", drive="from retail.sales import regions, book\nfor record in regions(day):\n    book(record, day)", root=("retail_sales", "regions"),
    probe="import sqlite3\ncon = sqlite3.connect(os.environ['WORK'] + '/store.db')\nresult = [list(r) for r in con.execute('select * from sales_north union all select * from sales_south order by 1, 4')]",
)  # fmt: skip
RENAMED_STAMP = brief(
    "renamed_and_epoch",
    {
        "iot/store.py": STORE,
        "iot/events.py": """
import json
import os
from datetime import datetime

from iot.store import save


def _row(event):
    when = datetime.fromisoformat(event["created_at"])
    return event["device"], when.strftime("%Y-%m-%d %H:%M"), event["level"]


def events(day):
    with open(os.environ["WORK"] + f"/upstream/events/{day}.json") as feed:
        save("events", ["device", "at", "level"], [_row(e) for e in json.load(feed)["events"]], day)
""",
    },
    ("iot.events:events",),
    _json_days("events", lambda n, d, new: {"device": f"D{n}", **({"createdAt": 1793577600 + (int(d[-2:]) - 2) * 86400 + n} if new else {"created_at": f"{d}T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}"}), "level": n % 5}, lambda rows, new: {"events": rows}),
    table="events",
)  # fmt: skip
ZIP_MEMBER = brief(
    "zip_member",
    {
        "maps/store.py": STORE,
        "maps/places.py": """
import csv
import io
import os
import zipfile

from maps.store import save


def places(day):
    with zipfile.ZipFile(os.environ["WORK"] + f"/upstream/places/{day}.zip") as archive:
        text = io.TextIOWrapper(archive.open("places.csv"), encoding="utf-8")
        save("places", ["place", "lat", "lon"], [(p["place"], float(p["lat"]), float(p["lon"])) for p in csv.DictReader(text)], day)
""",
    },
    ("maps.places:places",),
    lambda day, new: {f"places/{day}.zip": _zip("export/places.csv" if new else "places.csv", _csv([{"place": f"L{n}", "lat": n / 100, "lon": n / 200} for n in _rows(day)]))},
    table="places",
)  # fmt: skip


def _zip(name: str, text: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text)
    return held.getvalue()


PLAIN = {
    "sport/store.py": STORE,
    "sport/teams.py": """
from sport.units import points


def table_of(matches):
    total = {}
    for match in matches:
        for side, scored, got in (("home", "home_goals", "away_goals"), ("away", "away_goals", "home_goals")):
            total[match[side]] = total.get(match[side], 0) + points(match[scored], match[got])
    return sorted(total.items())
""",
    "sport/units.py": """
def points(scored, got):
    if scored > got:
        return 3
    return 1 if scored == got else 0
""",
    "sport/league.py": """
import json
import os

from sport.store import save
from sport.teams import table_of


def league(day):
    with open(os.environ["WORK"] + f"/upstream/matches/{day}.json") as feed:
        matches = json.load(feed)
    save("league", ["team", "points", "n"], [(team, points, len(matches)) for team, points in table_of(matches)], day)
""",
}


def _sport(name: str, later: dict[str, str], message: str):  # type: ignore[no-untyped-def]
    return brief(name, PLAIN, ("sport.league:league",), _json_days("matches", lambda n, d, new: {"home": f"T{n % 3}", "away": f"T{n % 4 + 3}", "home_goals": n % 4, "away_goals": n % 3}), table="league", category=(), later=later, later_message=message)  # fmt: skip


CONFLICT = _sport(
    "conflict_markers",
    {"sport/units.py": PLAIN["sport/units.py"].replace("        return 3\n", "<<<<<<< HEAD\n        return 3\n=======\n        return 2\n>>>>>>> old-rules\n")},
    "Merge branch 'old-rules'",
)  # fmt: skip
DICT_RETURNED = _sport(
    "dict_for_list",
    {"sport/teams.py": PLAIN["sport/teams.py"].replace("sorted(total.items())", "[{'team': t, 'points': p, 'rank': 0} for t, p in sorted(total.items())]")},
    "Return dicts, they are nicer to test",
)  # fmt: skip
KEYWORD = _sport(
    "keyword_renamed",
    {"sport/units.py": PLAIN["sport/units.py"].replace("(scored, got)", "(scored, conceded, *, win)").replace("scored > got", "scored > conceded").replace("return 3", "return win").replace("scored == got", "scored == conceded")},
    "Let leagues choose what a win is worth",
)  # fmt: skip
FEED_PATH = _sport(
    "path_changed",
    {"sport/league.py": PLAIN["sport/league.py"].replace("/upstream/matches/", "/upstream/match/")},
    "Singular names for folders",
)  # fmt: skip
OUTSIDE = (
    _raises("s3_slow_down", """raise ClientError("An error occurred (SlowDown) when calling the PutObject operation (reached max retries: 4): Please reduce your request rate.")""", RETRY, (), before=_class("ClientError", module="botocore.exceptions")),
    _raises("s3_access_denied", """raise ClientError("An error occurred (AccessDenied) when calling the GetObject operation: Access Denied")""", NOTIFY, (), before=_class("ClientError", module="botocore.exceptions")),
    _raises("s3_partition_missing", """raise ClientError(f"An error occurred (NoSuchKey) when calling the GetObject operation: The specified key does not exist. Key: raw/plans/dt={day}/part-0.parquet")""", HOLD, ("late_data",), before=_class("ClientError", module="botocore.exceptions")),
    _raises("bigquery_quota", """raise Forbidden("403 Quota exceeded: Your project exceeded quota for free query bytes scanned. For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas; reason: quotaExceeded")""", NOTIFY, (), before=_class("Forbidden", module="google.api_core.exceptions")),
    _raises("no_route", """raise OSError(113, "No route to host")""", RETRY, ()),
    _raises("refunds_exceed_sales", """
sales, refunds = 310.5, 498.0
if refunds > sales:
    raise ValueError(f"business rule BR-12: refunds {refunds} exceed sales {sales} on {day}; finance must look at it before it is booked")
""", HOLD, ("bad_data",)),
    _raises("memory_error", """
try:
    raise MemoryError("Unable to allocate 18.6 GiB for an array with shape (2500000000,) and data type float64")
finally:
    log.info("rows read: 2500000000")
""", NOTIFY, ()),
    _raises("resource_monitor", """raise ProgrammingError("000606 (57P03): Warehouse 'LOAD_WH' cannot be resumed because resource monitor 'MONTHLY' has exceeded its quota.")""", NOTIFY, (), before=_class("ProgrammingError", module="snowflake.connector.errors")),
    _raises("too_many_open_files", """raise OSError(24, "Too many open files", "/var/spool/jobs/plans.lock")""", NOTIFY, ()),
    _raises("ssh_host_key", """raise SSHException("Server '10.0.3.4' not found in known_hosts")""", NOTIFY, (), before=_class("SSHException", module="paramiko.ssh_exception")),
    _raises("sftp_password", """raise AuthenticationException("Authentication failed.")""", NOTIFY, (), before=_class("AuthenticationException", module="paramiko.ssh_exception")),
    _raises("delta_conflict", """raise ConcurrentAppendException("Files were added to partition [day=2026-11-02] by a concurrent update. Please try the operation again.")""", RETRY, (), before=_class("ConcurrentAppendException", module="delta.exceptions")),
    _raises("server_error_500", """raise HTTPStatusError(f"Server error '500 Internal Server Error' for url 'https://api.carrier.example/v1/plans?day={day}'")""", RETRY, (), before=_class("HTTPStatusError", module="httpx")),
    _raises("source_not_fresh", """raise RuntimeError(f"source freshness: newest row of raw.plans is from 2026-11-01 03:12, 30 hours before the end of {day}, allowed are 26")""", HOLD, ("late_data",)),
    _raises("redis_loading", """raise BusyLoadingError("Redis is loading the dataset in memory")""", RETRY, (), before=_class("BusyLoadingError", module="redis.exceptions")),
    _raises("ip_not_allowed", """raise HTTPError("403 Client Error: Forbidden for url: https://files.partner.example/plans - your IP address 10.3.4.5 is not allowed")""", NOTIFY, (), before=_class("HTTPError", module="requests.exceptions")),
)  # fmt: skip
SPECS = (
    POSITIONS, RENAMED_TEXT, XML_TAG, MILLISECONDS, MERGE_KEY, TWELVE_HOURS, PERCENT, PARENTHESES, COMPACT_DATE, ARRAY_TO_LINES, VALUE_TO_LIST,
    UTF_16, HEADER_CASE, UNIQUE_KEY, ZONE_NAME, MAPPED, RENAMED_STAMP, ZIP_MEMBER, CONFLICT, DICT_RETURNED, KEYWORD, FEED_PATH, *OUTSIDE,
)  # fmt: skip
