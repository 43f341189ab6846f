"""Eighth batch, first part: written by an author who has seen neither the product nor the earlier cases."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable
from typing import Any

from brief import STORE, brief
from case_maker import Spec

ANY: tuple[str, ...] = ()
"""No category is asked for where two names would be fair."""
Row = dict[str, Any]


def table(rows: Iterable[Row], delimiter: str = ",") -> str:
    """Return *rows* as CSV."""
    rows, text = list(rows), io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


GUESTS = (
    "Müller, Jörg", "Žagar, Nina", "Lefèvre, Zoë", "Åkesson, Björn", "Ibáñez, Lucía", "Weiß, Günther", "Brandt, Eva",
    "Šober, Dražen", "O’Connell, Maeve", "Schröder, Käthe", "Nowak, Adam", "Grün, Anneliese",
)  # fmt: skip


def _arrivals(day: str, new: bool) -> dict[str, bytes]:
    dice = random.Random(f"arrivals {day}")
    rows = [
        {"booking": f"R{day[8:]}{n:03}", "guest": dice.choice(GUESTS), "room": 100 + dice.randrange(60),
         "nights": 1 + dice.randrange(7), "rate": f"{dice.uniform(79, 240):.2f}"}
        for n in range(22)
    ]  # fmt: skip
    return {f"pms/arrivals_{day}.csv": table(rows).encode("cp1252" if new else "utf-8")}


# FIX. The hotel's front-office PC saves the arrivals in the Windows code page instead of UTF-8; columns and guests are
# as before (the same guests stand in yesterday's file, so 0x8a is Š: cp1252 and not latin-1). UnicodeDecodeError.
# Reference: read as UTF-8, and as cp1252 where that cannot be.
ARRIVALS = brief(
    "eig_hotel_arrivals",
    {
        "README.md": "# frontdesk\nArrivals of the day, saved by the front-office PC (Windows, hotel software Protel)"
        " to pms/.\n",
        "frontdesk/store.py": STORE,
        "frontdesk/reader.py": """
import csv
import os
from pathlib import Path

DROP = Path(os.environ["WORK"]) / "upstream" / "pms"


def records(name):
    with open(DROP / name, encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)
""",
        "frontdesk/arrivals.py": """
from frontdesk.reader import records
from frontdesk.store import save


def _rows(day):
    for record in records(f"arrivals_{day}.csv"):
        last, _, first = record["guest"].partition(", ")
        yield record["booking"], last, first, int(record["room"]), int(record["nights"]), float(record["rate"])


def load_arrivals(day):
    save("arrivals", ("booking", "last_name", "first_name", "room", "nights", "rate"), list(_rows(day)), day)
""",
    },
    ("frontdesk.arrivals:load_arrivals",),
    _arrivals,
    table="arrivals",
    category=ANY,
)

BOLTS = ("Hex bolt M8x40", "Washer 8.4, zinc", "Threaded rod M10", "Anchor 12x100", "Lock nut M8", "Wood screw 5x60")


def _prices(day: str, new: bool) -> dict[str, str]:
    dice = random.Random(f"prices {day}")
    rows = []
    for n in range(30):
        price = f"{dice.uniform(2, 1900):.2f}"
        rows.append({
            "sku": f"SW-{4000 + n}", "description": BOLTS[n % 6], "pack": (10, 50, 100, 200)[n % 4],
            "price": price.replace(".", ",") if new else price, "stock": dice.randrange(900),
        })  # fmt: skip
    return {f"pricelist_{day.replace('-', '')}.csv": table(rows, ";" if new else ",")}


# FIX. The supplier's export now comes from a German Excel: semicolons between the columns and a comma in the price.
# Same header, same articles. pandas cannot split it (ParserError). Reference: look at the header for the delimiter;
# with ";" read decimal=",".
PRICES = brief(
    "eig_supplier_prices",
    {
        "buying/paths.py": """
import os
from pathlib import Path

INBOX = Path(os.environ["WORK"]) / "upstream"


def price_list(day):
    return INBOX / f"pricelist_{day.replace('-', '')}.csv"
""",
        "buying/prices.py": """
import sqlite3

import pandas as pd

from buying.paths import INBOX, price_list


def read(day):
    frame = pd.read_csv(price_list(day), dtype={"sku": str, "description": str})
    frame = frame[frame["sku"].str.startswith("SW-")]
    frame["unit_price"] = (frame["price"] / frame["pack"]).round(4)
    return frame[["sku", "description", "unit_price", "stock"]]


def load_prices(day):
    frame = read(day).assign(day=day)
    con = sqlite3.connect(INBOX.parent / "store.db")
    frame.to_sql("prices", con, if_exists="append", index=False)
    con.close()
""",
    },
    ("buying.prices:load_prices",),
    _prices,
    table="prices",
    style="taskflow",
    category=ANY,
)


def _invoices(day: str, new: bool) -> dict[str, str]:
    dice, out = random.Random(f"invoices {day}"), []
    for n in range(18):
        amount = f"{dice.uniform(40, 8000):.2f}"
        row = {
            "number": f"2026-{day[8:]}{n:03}", "supplier": dice.choice(("Kern AG", "Lindt Papier", "Ostwind Energie")),
            "amount": amount, "due": f"2026-12-{1 + dice.randrange(28):02}",
        }  # fmt: skip
        if new:
            row = {"due": row["due"], "number": row["number"], "supplier": row["supplier"], "language": "de",
                   "amount": {"value": amount, "currency": "EUR"}}  # fmt: skip
        out.append(json.dumps(row))
    return {f"invoices/{day}.jsonl": "\n".join(out) + "\n"}


# FIX. The invoice service gives `amount` as an object of value and currency instead of text; every currency is EUR,
# the one that the ledger keeps (LEDGER_CURRENCY, README). Another order of keys and a new field besides are harmless.
# Reference: a validator that takes `value` of an object (it may refuse another currency).
INVOICES = brief(
    "eig_invoice_money",
    {
        "README.md": "# payables\nSupplier invoices to the EUR ledger (LEDGER_CURRENCY in payables/config.py).\n",
        "payables/config.py": 'LEDGER_CURRENCY = "EUR"\nTABLE = "payables"\n',
        "payables/store.py": STORE,
        "payables/models.py": """
from datetime import date
from decimal import Decimal

from pydantic import BaseModel, Field


class Invoice(BaseModel):
    number: str = Field(pattern=r"^2026-[0-9]{5}$")
    supplier: str
    amount: Decimal
    due: date

    @property
    def cents(self) -> int:
        return int(self.amount * 100)
""",
        "payables/load.py": """
import os

from payables.config import LEDGER_CURRENCY, TABLE
from payables.models import Invoice
from payables.store import save


def load_invoices(day):
    with open(f"{os.environ['WORK']}/upstream/invoices/{day}.jsonl") as lines:
        invoices = [Invoice.model_validate_json(line) for line in lines if line.strip()]
    rows = [(i.number, i.supplier, i.cents, LEDGER_CURRENCY, i.due.isoformat()) for i in invoices]
    save(TABLE, ("number", "supplier", "cents", "currency", "due"), rows, day)
""",
        "tests/test_models.py": """
from payables.models import Invoice


def test_cents():
    raw = {"number": "2026-01001", "supplier": "Kern AG", "amount": "12.30", "due": "2026-12-01"}
    assert Invoice.model_validate(raw).cents == 1230
""",
    },
    ("payables.load:load_invoices",),
    _invoices,
    table="payables",
    category=("schema_drift",),
)


def _fleet(day: str, new: bool) -> dict[str, str]:
    dice = random.Random(f"fleet {day}")
    drivers = [
        {"id": f"F{n:02}", "name": f"Driver {n}",
         "mobile": f"0{dice.randrange(1500, 1799)} {dice.randrange(10**6, 10**7)}"}
        for n in range(14)
    ]  # fmt: skip
    areas = {"BER": "+49 30", "HAM": "040", "MUC": "089", "CGN": "+49 221", "LEJ": "0341"}
    depots = [{"code": code, "phone": f"{area} {dice.randrange(1000, 9999)}"} for code, area in areas.items()]
    return {f"{day}/drivers.json": json.dumps(drivers), f"{day}/depots.json": json.dumps(depots)}


_PHONES = '''
"""Telephone numbers in the form +<country><number>."""
import re

CODES = {"DE": "49", "AT": "43", "CH": "41"}


def normalise(number, country="DE"):
    digits = re.sub(r"[^0-9+]", "", number)
    if digits.startswith("+"):
        return digits
    return "+" + CODES[country] + digits.lstrip("0")
'''
_DRIVERS = """
import json

from fleet.inbox import path
from fleet.phones import normalise
from fleet.store import save


def load_drivers(day):
    rows = [(d["id"], d["name"], normalise(d["mobile"])) for d in json.loads(path(day, "drivers").read_text())]
    save("drivers", ("id", "name", "mobile"), rows, day)
"""
# FIX. Yesterday's commit took the default country out of normalise() and gave it to the drivers' step as
# config.HOME_COUNTRY; the depots' step was forgotten. TypeError: missing argument. The commit and its message say what
# every caller has to pass. Reference: depots.py passes HOME_COUNTRY (or the default comes back).
FLEET = brief(
    "eig_fleet_phones",
    {
        "fleet/store.py": STORE,
        "fleet/inbox.py": """
import os
from pathlib import Path


def path(day, kind):
    return Path(os.environ["WORK"], "upstream", day, f"{kind}.json")
""",
        "fleet/phones.py": _PHONES,
        "fleet/drivers.py": _DRIVERS,
        "fleet/depots.py": """
import json

from fleet.inbox import path
from fleet.phones import normalise
from fleet.store import save


def load_depots(day):
    depots = json.loads(path(day, "depots").read_text())
    save("depots", ("code", "kind", "phone"), [(d["code"], "depot", normalise(d["phone"])) for d in depots], day)
""",
    },
    ("fleet.drivers:load_drivers", "fleet.depots:load_depots"),
    _fleet,
    table="depots",
    category=ANY,
    later={
        "fleet/config.py": '"""What holds for the whole fleet."""\n\nHOME_COUNTRY = "DE"\n',
        "fleet/phones.py": _PHONES.replace('country="DE"', "country"),
        "fleet/drivers.py": _DRIVERS
        .replace("from fleet.inbox", "from fleet.config import HOME_COUNTRY\nfrom fleet.inbox")
        .replace('normalise(d["mobile"])', 'normalise(d["mobile"], HOME_COUNTRY)'),
    },
    later_message="phones: no hidden country; callers pass config.HOME_COUNTRY",
)  # fmt: skip


def _trips(day: str, new: bool) -> dict[str, str]:
    dice, rows = random.Random(f"trips {day}"), []
    for n in range(45):
        row: Row = {"trip_id": f"T{day[8:]}{n:04}", "bike": f"B{dice.randrange(70):03}",
                    "zone": dice.choice(("north", "harbour", "centre", "campus"))}  # fmt: skip
        if new:
            row["user_type"] = dice.choice(("member", "casual"))
        dice.seed(f"{day} {n}")
        rows.append({**row, "minutes": 2 + dice.randrange(70), "fare_cents": 100 + 15 * dice.randrange(60)})
    return {f"bikes/trips-{day}.csv": table(rows)}


# FIX. The bike operator's file has a new column, user_type, in the middle; nobody uses it. "insert ... select *" no
# longer fits the table (Binder Error: 6 columns but 7 values). Reference: the SQL file names the columns it lands.
TRIPS = brief(
    "eig_bike_trips",
    {
        "bikeshare/sql/raw_trips.sql": """
create table if not exists raw_trips (
    trip_id varchar, bike varchar, zone varchar, minutes varchar, fare_cents varchar, day date
)
""",
        "bikeshare/sql/land_trips.sql": """
insert into raw_trips
select *, cast('{day}' as date)
from read_csv('{file}', header = true, all_varchar = true)
""",
        "bikeshare/sql/zone_day.sql": """
create or replace table zone_day as
select day, zone, count(*) as trips, sum(cast(minutes as integer)) as minutes, sum(cast(fare_cents as integer)) as cents
from raw_trips
group by all
""",
        "bikeshare/run.py": """
import os
from pathlib import Path

import duckdb

SQL = Path(__file__).parent / "sql"


def _run(*names, **values):
    con = duckdb.connect(os.environ["WAREHOUSE"])
    for name in names:
        con.execute((SQL / f"{name}.sql").read_text().format(**values))
    con.close()


def land_trips(day):
    _run("raw_trips", "land_trips", day=day, file=f"{os.environ['WORK']}/upstream/bikes/trips-{day}.csv")


def zone_day(day):
    _run("zone_day")
""",
    },
    ("bikeshare.run:land_trips", "bikeshare.run:zone_day"),
    _trips,
    style="bash",
    category=("schema_drift",),
    root_task="land_trips",
    probe="""
import duckdb
con = duckdb.connect(os.environ["WAREHOUSE"], read_only=True)
result = sorted([str(v) for v in row] for row in con.execute("select * from zone_day").fetchall())
""",
)


EIGHTH_A: tuple[Spec, ...] = (ARRIVALS, PRICES, INVOICES, FLEET, TRIPS)
