"""Second fresh batch, of all kinds; written before it was tried, after the first had been mended."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path

from brief import STORE, brief
from case_maker import HOLD, NOTIFY, RETRY, Spec
from pipelines_drift import _csv, _rows
from pipelines_forms import _csv_days, _json_days
from pipelines_outside import _class, _raises


def _database(day: str, new: bool) -> Mapping[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crm.db"
        con = sqlite3.connect(path)
        con.execute(f"create table contacts ({'contactRef' if new else 'contact_ref'} text, city text)")
        con.executemany("insert into contacts values (?, ?)", [(f"CR-{n:05}", "Linz") for n in _rows(day)])
        con.commit()
        con.close()
        return {f"crm/{day}.db": path.read_bytes()}


SQLITE_ROWS = brief(
    "sqlite_upstream",
    {
        "crm/store.py": STORE,
        "crm/contacts.py": """
import os
import sqlite3

from crm.store import save


def contacts(day):
    source = sqlite3.connect(f"file:{os.environ['WORK']}/upstream/crm/{day}.db?mode=ro", uri=True)
    source.row_factory = sqlite3.Row
    rows = [(r["contact_ref"], r["city"]) for r in source.execute("select * from contacts")]
    source.close()
    save("contacts", ["ref", "city"], rows, day)
""",
    },
    ("crm.contacts:contacts",), _database, table="contacts",
)  # fmt: skip
DBT_LIKE = brief(
    "models_folder",
    {
        "models/staging/stg_flights.sql": "select flight_no, origin, delay_minutes\nfrom {{ source('raw', 'flights') }}\nwhere delay_minutes is not null\n",
        "models/marts/delays.sql": "select origin, avg(delay_minutes) as mean_delay, count(*) as flights\nfrom {{ ref('stg_flights') }}\ngroup by origin\n",
        "air/build.py": """
import os
import pathlib
import re

import duckdb

MODELS = pathlib.Path(__file__).parents[1] / "models"


def land(day):
    con = duckdb.connect(os.environ["WAREHOUSE"])
    con.execute(f"create or replace table raw_flights as select * from read_json_auto('{os.environ['WORK']}/upstream/flights/{day}.json')")
    con.close()


def build(day):
    con = duckdb.connect(os.environ["WAREHOUSE"])
    for name in ("staging/stg_flights", "marts/delays"):
        sql = (MODELS / f"{name}.sql").read_text()
        sql = re.sub(r"\\{\\{ source\\('(\\w+)', '(\\w+)'\\) \\}\\}", r"\\1_\\2", sql)
        sql = re.sub(r"\\{\\{ ref\\('(\\w+)'\\) \\}\\}", r"\\1", sql)
        con.execute(f"create or replace table {name.rpartition('/')[2]} as {sql}")
    con.execute("create table if not exists delay_history (origin varchar, mean_delay double, flights bigint, day varchar)")
    con.execute("insert into delay_history select *, ? from delays", [day])
    con.close()
""",
    },
    ("air.build:land", "air.build:build"),
    _json_days("flights", lambda n, d, new: {"flight_no": f"OS{n}", "origin": "VIE" if n % 2 else "GRZ", ("delayMinutes" if new else "delay_minutes"): n % 30}),
    probe="import duckdb\nresult = [list(r) for r in duckdb.connect(os.environ['WAREHOUSE'], read_only=True).execute('select * from delay_history order by 4, 1').fetchall()]",
    style="bash",
)  # fmt: skip
SILENT_GET = brief(
    "get_with_nought",
    {
        "mill/store.py": STORE,
        "mill/output.py": """
import json
import os

from mill.store import save


def output(day):
    with open(os.environ["WORK"] + f"/upstream/output/{day}.json") as feed:
        rows = [(r["line"], r.get("tons_produced", 0)) for r in json.load(feed)]
    save("output", ["line", "tons"], rows, day)
    if not sum(tons for _, tons in rows):
        raise AssertionError(f"check output_not_zero failed for {day}: tons_produced sums to 0")
""",
    },
    ("mill.output:output",),
    _json_days("output", lambda n, d, new: {"line": f"M{n}", ("tonsProduced" if new else "tons_produced"): n % 9 + 1}),
    table="output",
)  # fmt: skip
INNER_LIST = brief(
    "list_in_record",
    {
        "shop/store.py": STORE,
        "shop/parse.py": """
def lines(order):
    return [(order["order"], position["article"], position["unit_price"] * position["pieces"]) for position in order["positions"]]
""",
        "shop/orders.py": """
import json
import os

from shop.parse import lines
from shop.store import save


def orders(day):
    with open(os.environ["WORK"] + f"/upstream/orders/{day}.json") as feed:
        rows = [line for order in json.load(feed)["orders"] for line in lines(order)]
    save("lines", ["order_no", "article", "total"], rows, day)
""",
    },
    ("shop.orders:orders",),
    _json_days("orders", lambda n, d, new: {"order": n, "positions": [{"article": f"A-{n}{k}", ("unitPrice" if new else "unit_price"): n / 4, "pieces": k + 1} for k in range(2)]}, lambda rows, new: {"orders": rows}),
    table="lines", style="taskflow",
)  # fmt: skip
FLATTENED = brief(
    "nested_became_flat",
    {
        "shop/store.py": STORE,
        "shop/stores.py": """
import json
import os

from shop.store import save


def stores(day):
    with open(os.environ["WORK"] + f"/upstream/stores/{day}.json") as feed:
        rows = [(s["store"], s["address"]["city"], s["address"]["zip"]) for s in json.load(feed)]
    save("stores", ["store", "city", "zip"], rows, day)
""",
    },
    ("shop.stores:stores",),
    _json_days("stores", lambda n, d, new: {"store": n, **({"address_city": "Linz", "address_zip": f"4{n}"} if new else {"address": {"city": "Linz", "zip": f"4{n}"}})}),
    table="stores",
)  # fmt: skip
MERGED = brief(
    "merged_name",
    {
        "club/store.py": STORE,
        "club/guests.py": """
import csv
import os

from club.store import save


def guests(day):
    with open(os.environ["WORK"] + f"/upstream/guests/{day}.csv", newline="") as feed:
        rows = [(g["pass_no"], g["last_name"], g["first_name"][0]) for g in csv.DictReader(feed)]
    save("guests", ["pass_no", "last_name", "initial"], rows, day)
""",
    },
    ("club.guests:guests",),
    _csv_days("guests", lambda n, d, new: {"pass_no": f"G{n}", **({"full_name": f"Ida Berg{'er' * (n % 2)}"} if new else {"first_name": "Ida", "last_name": f"Berg{'er' * (n % 2)}"})}),
    table="guests",
)  # fmt: skip
SCALE = {
    "dairy/store.py": STORE,
    "dairy/milk.py": """
import os

import pandas as pd

from dairy.store import save


def milk(day):
    frame = pd.read_csv(os.environ["WORK"] + f"/upstream/milk/{day}.csv")
    frame["total"] = frame["litres"] * frame["price"]
    save("milk", ["farm", "total"], [(f, float(t)) for f, t in zip(frame["farm"], frame["total"].round(3))], day)
""",
}


def _milk(name: str, make, delimiter: str = ",", form=lambda text, new: text) -> Spec:  # type: ignore[no-untyped-def]
    return brief(name, SCALE, ("dairy.milk:milk",), _csv_days("milk", make, delimiter, form), table="milk")


def _cow(n: int, d: str, new: bool) -> dict[str, object]:
    return {"farm": ["Höfler", "Zach"][n % 2], "litres": n, "price": n / 200}


PANDAS_SEMICOLON = _milk("pandas_semicolon", _cow, ";")
PANDAS_LATIN = _milk("pandas_latin", _cow, form=lambda text, new: text.encode("latin-1") if new else text)
PANDAS_RENAMED = _milk(
    "pandas_two_renamed",
    lambda n, d, new: {("Farm" if new else "farm"): f"F{n}", ("Litres" if new else "litres"): n, "price": n / 200},
)
PLANT = {
    "plant/store.py": STORE,
    "plant/meters.py": """
import csv
import os

from plant.store import save


def meters(day):
    with open(os.environ["WORK"] + f"/upstream/meters/{day}.csv", newline="") as feed:
        rows = [(m["meter"], float(m["reading"])) for m in csv.DictReader(feed)]
    save("meters", ["meter", "reading"], rows, day)
""",
}
EUROPEAN = brief(
    "semicolon_and_decimal_comma", PLANT, ("plant.meters:meters",),
    _csv_days("meters", lambda n, d, new: {"meter": f"E{n}", "reading": f"{n / 8:.2f}".replace(".", "," if new else ".")}, ";"),
    table="meters",
)  # fmt: skip
TABBED = brief(
    "tabs",
    PLANT,
    ("plant.meters:meters",),
    _csv_days("meters", lambda n, d, new: {"meter": f"E{n}", "reading": n / 8}, "\t"),
    table="meters",
    style="bash",
)
RENAMED_TEXT = brief(
    "renamed_and_text",
    {
        "quay/store.py": STORE,
        "quay/boxes.py": """
import json
import os

from quay.store import save


def boxes(day):
    with open(os.environ["WORK"] + f"/upstream/boxes/{day}.json") as feed:
        save("boxes", ["box", "weight"], [(b["box"], b["gross_weight"] + 10) for b in json.load(feed)], day)
""",
    },
    ("quay.boxes:boxes",),
    _json_days("boxes", lambda n, d, new: {"box": f"B{n}", ("grossWeight" if new else "gross_weight"): f"{n / 2:.1f}" if new else n / 2}),
    table="boxes",
)  # fmt: skip
TWELVE_HOURS = brief(
    "twelve_hour_clock",
    {
        "quay/store.py": STORE,
        "quay/calls.py": """
import csv
import datetime
import os

from quay.store import save

FORM = "%Y-%m-%d %H:%M"


def calls(day):
    with open(os.environ["WORK"] + f"/upstream/calls/{day}.csv") as feed:
        rows = [(c["ship"], datetime.datetime.strptime(c["berthed"], FORM).hour) for c in csv.DictReader(feed)]
    save("calls", ["ship", "hour"], rows, day)
""",
    },
    ("quay.calls:calls",),
    _csv_days("calls", lambda n, d, new: {"ship": f"S{n}", "berthed": f"{d} {(n % 12) or 12:02}:30 PM" if new else f"{d} {n % 12 + 12:02}:30"}),
    table="calls",
)  # fmt: skip
SECONDS = brief(
    "minutes_to_seconds",
    {
        "call/store.py": STORE,
        "call/calls.py": """
import json
import os

from call.store import save


class Call:
    def __init__(self, doc):
        self.agent = doc["agent"]
        self.minutes = doc["duration_minutes"]


def calls(day):
    with open(os.environ["WORK"] + f"/upstream/calls/{day}.json") as feed:
        found = [Call(doc) for doc in json.load(feed)]
    save("calls", ["agent", "minutes"], [(c.agent, c.minutes) for c in found], day)
""",
    },
    ("call.calls:calls",),
    _json_days("calls", lambda n, d, new: {"agent": f"A{n}", **({"duration_seconds": n * 30} if new else {"duration_minutes": n / 2})}),
    table="calls",
)  # fmt: skip
ENVELOPE_DROPPED = brief(
    "envelope_dropped",
    {
        "zoo/store.py": STORE,
        "zoo/feedings.py": """
import json
import os

from zoo.store import save


def feedings(day):
    with open(os.environ["WORK"] + f"/upstream/feedings/{day}.json") as feed:
        body = json.load(feed)
    rows = [(f["animal"], f["kilos"]) for f in body["feedings"]]
    save("feedings", ["animal", "kilos"], rows, day)
""",
    },
    ("zoo.feedings:feedings",),
    _json_days("feedings", lambda n, d, new: {"animal": f"Z{n}", "kilos": n % 7}, lambda rows, new: rows if new else {"feedings": rows, "keeper": "Eva"}),
    table="feedings",
)  # fmt: skip
JOINED_SQL = brief(
    "joined_tables",
    {
        "rail/sql/loads.sql": "select t.train, s.station_name, sum(l.load_tons) as tons\nfrom raw_loads l\njoin raw_trains t on t.train = l.train\njoin (select 1 as id, 'Hub' as station_name) s on true\ngroup by t.train, s.station_name\n",
        "rail/loads.py": """
import os
import pathlib

import duckdb


def land(day):
    con = duckdb.connect(os.environ["WAREHOUSE"])
    for name in ("loads", "trains"):
        con.execute(f"create or replace table raw_{name} as select * from read_json_auto('{os.environ['WORK']}/upstream/{name}/{day}.json')")
    con.close()


def loads(day):
    con = duckdb.connect(os.environ["WAREHOUSE"])
    con.execute("create table if not exists loads (train varchar, station varchar, tons double, day varchar)")
    sql = (pathlib.Path(__file__).parent / "sql" / "loads.sql").read_text()
    con.execute(f"insert into loads select q.*, '{day}' from ({sql}) q")
    con.close()
""",
    },
    ("rail.loads:land", "rail.loads:loads"),
    lambda day, new: {
        f"loads/{day}.json": json.dumps([{"train": f"T{n % 3}", ("loadTons" if new else "load_tons"): n / 2} for n in _rows(day)]),
        f"trains/{day}.json": json.dumps([{"train": f"T{n}", "wagons": n + 9} for n in range(3)]),
    },
    probe="import duckdb\nresult = [list(r) for r in duckdb.connect(os.environ['WAREHOUSE'], read_only=True).execute('select * from loads order by 4, 1').fetchall()]",
)  # fmt: skip
HEADER_INDEX = brief(
    "header_positions",
    {
        "pool/store.py": STORE,
        "pool/visits.py": """
import csv
import os

from pool.store import save

WANTED = ("ticket_id", "lane")


def visits(day):
    with open(os.environ["WORK"] + f"/upstream/visits/{day}.csv", newline="") as feed:
        lines = csv.reader(feed)
        header = next(lines)
        places = [header.index(name) for name in WANTED]
        rows = [tuple(line[place] for place in places) for line in lines]
    save("visits", list(WANTED), rows, day)
""",
    },
    ("pool.visits:visits",),
    _csv_days("visits", lambda n, d, new: {("TicketID" if new else "ticket_id"): f"TK{n}", "lane": n % 8}),
    table="visits",
)  # fmt: skip
UNPACKED = brief(
    "row_unpacked",
    {
        "pool/store.py": STORE,
        "pool/staff.py": """
import csv
import os

from pool.store import save


def staff(day):
    with open(os.environ["WORK"] + f"/upstream/staff/{day}.csv", newline="") as feed:
        lines = csv.reader(feed)
        next(lines)
        rows = [(badge, int(hours)) for badge, hours in lines]
    save("staff", ["badge", "hours"], rows, day)
""",
    },
    ("pool.staff:staff",),
    _csv_days("staff", lambda n, d, new: {"badge": f"B{n}", "hours": n % 9, **({"shift": "late"} if new else {})}),
    table="staff",
)  # fmt: skip
LINES_TO_ARRAY = brief(
    "lines_to_array",
    {
        "pool/store.py": STORE,
        "pool/events.py": """
import json
import os

from pool.store import save


def events(day):
    with open(os.environ["WORK"] + f"/upstream/events/{day}.json") as feed:
        rows = [json.loads(line) for line in feed]
    save("events", ["event", "lane"], [(r["event"], r["lane"]) for r in rows], day)
""",
    },
    ("pool.events:events",),
    lambda day, new: {f"events/{day}.json": json.dumps([{"event": n, "lane": n % 8} for n in _rows(day)], indent=1) if new else "".join(json.dumps({"event": n, "lane": n % 8}) + "\n" for n in _rows(day))},
    table="events",
)  # fmt: skip
TARIFF = """
import json
import os

from heat.rules import rebate
from heat.store import save


def bills(day):
    with open(os.environ["WORK"] + f"/upstream/use/{day}.json") as feed:
        use = json.load(feed)
    save("bills", ["flat", "euros"], [(u["flat"], round(u["kwh"] * 0.11 - rebate(u), 2)) for u in use], day)


def check_bills(day):
    import sqlite3

    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    got = con.execute("select round(sum(euros), 2) from bills where day = ?", (day,)).fetchone()[0]
    with open(os.environ["WORK"] + f"/upstream/total/{day}.json") as total:
        want = json.load(total)["euros"]
    if abs(got - want) > 0.02:
        raise AssertionError(f"bills of {day} sum to {got}, the control total is {want}")
"""
RULES = """
LIMIT = 105


def rebate(use):
    steps = tiers(use)
    return sum(steps)


def tiers(use):
    found = []
    if use["kwh"] % 100 >= 5:
        found.append(1.5)
    if use["flat"].endswith("7"):
        found.append(0.5)
    return found
"""
HEAT = {"heat/store.py": STORE, "heat/rules.py": RULES, "heat/bills.py": TARIFF}


def _use(day: str, new: bool) -> Mapping[str, str]:
    use = [{"flat": f"F{n}", "kwh": n} for n in _rows(day)]
    euros = sum(round(n * 0.11 - (1.5 if n % 100 >= 5 else 0) - (0.5 if n % 10 == 7 else 0), 2) for n in _rows(day))
    return {f"use/{day}.json": json.dumps(use), f"total/{day}.json": json.dumps({"euros": round(euros, 2)})}


def _heat(name: str, later: Mapping[str, str], task: str, **more) -> Spec:  # type: ignore[no-untyped-def]
    return brief(
        name,
        HEAT,
        ("heat.bills:bills", "heat.bills:check_bills"),
        _use,
        table="bills",
        later=later,
        category=("code_error",),
        root_task=task,
        task_ids=(task,),
        **more,
    )


BOUNDARY = _heat("boundary", {"heat/rules.py": RULES.replace(">= 5", "> 5")}, "check_bills")
RETURN_LOST = _heat("return_lost", {"heat/rules.py": RULES.replace("    return found\n", "")}, "bills")
KEY_TYPO = _heat("key_typo", {"heat/rules.py": RULES.replace('use["flat"]', 'use["flt"]')}, "bills", style="bash")
IMPORT_TYPO = _heat(
    "imported_name",
    {"heat/bills.py": TARIFF.replace("from heat.rules import rebate", "from heat.rules import rebates as rebate")},
    "bills",
    root=("imported_name", None),
    drive="import imported_name\nfrom heat.bills import bills\nbills(day)",
)
BRACKET = _heat(
    "syntax_error",
    {"heat/rules.py": RULES.replace("found.append(1.5)", "found.append(1.5")},
    "bills",
    root=("syntax_error", None),
    drive="import syntax_error\nfrom heat.bills import bills\nbills(day)",
)
BROKEN_PIPE = _raises(
    "tls_handshake",
    """raise SSLEOFError("EOF occurred in violation of protocol (_ssl.c:1000)")""",
    RETRY,
    ("transient_upstream",),
    before=_class("SSLEOFError", module="ssl"),
)
BROKER = _raises(
    "broker_away",
    """raise KafkaException("KafkaError{code=_TRANSPORT,val=-195,str='FindCoordinator response error: Broker: Coordinator not available'}")""",
    RETRY,
    ("transient_upstream",),
    before=_class("KafkaException", module="cimpl"),
)
RESUMING = _raises(
    "pool_exhausted",
    """raise TimeoutError("QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00")""",
    RETRY,
    ("transient_upstream",),
    before=_class("TimeoutError", module="sqlalchemy.exc"),
)
NO_RIGHTS = _raises(
    "folder_rights",
    """raise PermissionError(13, "Permission denied", "/mnt/exports/plans.csv")""",
    NOTIFY,
    ("credential", "infrastructure", "configuration"),
)
READ_ONLY = _raises(
    "read_only_disk",
    """raise OSError(30, "Read-only file system", "/mnt/exports/plans.csv")""",
    NOTIFY,
    ("resource", "infrastructure", "configuration"),
)
NO_CONNECTION = _raises(
    "connection_unknown",
    """raise AirflowNotFoundException("The conn_id `carrier_sftp` isn't defined")""",
    NOTIFY,
    ("configuration",),
    before=_class("AirflowNotFoundException", module="airflow.sdk.exceptions"),
)
KILLED = _raises(
    "killed_child",
    """
import subprocess
subprocess.run(["bash", "-c", "kill -9 $$"], check=True)
""",
    NOTIFY, ("resource", "infrastructure"),
)  # fmt: skip
SENSOR = _raises(
    "sensor_waited",
    """raise AirflowSensorTimeout(f"Sensor has timed out; run duration of 3600 seconds exceeds the specified timeout of 3600. Waiting for s3://lake/plans/ds={day}/_SUCCESS")""",
    HOLD,
    ("late_data",),
    before=_class("AirflowSensorTimeout", module="airflow.exceptions"),
)
PARTS = _raises(
    "parts_missing", """raise RuntimeError(f"plans of {day}: only 12 of 40 files have arrived")""", HOLD, ("late_data",)
)
LOGIN = _raises(
    "login_page",
    """raise ValueError("unexpected content type text/html: <html><title>Sign in</title> session expired, 503 is not the cause")""",
    NOTIFY,
    ("credential", "configuration", "insufficient_evidence"),
)
NEGATIVE = brief(
    "negative_and_innocent_commit",
    {
        "till/store.py": STORE,
        "till/sales.py": """
import json
import os

from till.store import save


def sales(day):
    with open(os.environ["WORK"] + f"/upstream/sales/{day}.json") as feed:
        rows = [(s["sale"], s["pieces"]) for s in json.load(feed)]
    bad = [r for r in rows if r[1] < 0]
    if bad:
        raise ValueError(f"expectation pieces >= 0 violated by {len(bad)} rows")
    save("sales", ["sale", "pieces"], rows, day)
""",
    },
    ("till.sales:sales",),
    _json_days("sales", lambda n, d, new: {"sale": n, "pieces": -2 if new and n % 4 == 0 else n % 9}),
    action=HOLD, category=("bad_data",), later={"till/names.py": "TILLS = ['a', 'b']\n", "till/store.py": STORE.replace("def save(", "# one table a feed\ndef save(")},
)  # fmt: skip
DRIFT_AND_COMMIT = brief(
    "drift_beside_a_commit", PLANT, ("plant.meters:meters",),
    _csv_days("meters", lambda n, d, new: {("Meter" if new else "meter"): f"E{n}", "reading": n / 8}),
    table="meters", later={"plant/meters.py": PLANT["plant/meters.py"].replace("def meters(day):", 'def meters(day):\n    """Read the meters of a day."""')},
)  # fmt: skip
SPECS = tuple(value for value in list(globals().values()) if isinstance(value, Spec))
assert _csv
