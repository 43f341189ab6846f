"""Fourth fresh batch: written after the third had been mended and before any of it was tried."""

from __future__ import annotations

import json

from brief import STORE, brief
from case_maker import EITHER, HOLD, NOTIFY, RETRY
from pipelines_forms import _csv_days, _json_days
from pipelines_outside import _class, _raises
from pipelines_shop import EXPORTS, FILES, _both, _rename, _set, _shop

PANDAS_DATE = brief(
    "pandas_date_slashes",
    {
        "golf/store.py": STORE,
        "golf/rounds.py": """
import os

import pandas as pd

from golf.store import save


def rounds(day):
    frame = pd.read_csv(os.environ["WORK"] + f"/upstream/rounds/{day}.csv")
    frame["played"] = pd.to_datetime(frame["played"], format="%Y-%m-%d")
    frame["month"] = frame["played"].dt.strftime("%Y-%m")
    save("rounds", ["player", "month", "strokes"], list(frame[["player", "month", "strokes"]].itertuples(index=False, name=None)), day)
""",
    },
    ("golf.rounds:rounds",),
    _csv_days("rounds", lambda n, d, new: {"player": f"P{n}", "played": f"{d[8:]}.{d[5:7]}.{d[:4]}" if new else d, "strokes": n % 40 + 60}),
    table="rounds", style="taskflow",
)  # fmt: skip
NEXT_LINK = brief(
    "next_page_moved",
    {
        "press/store.py": STORE,
        "press/articles.py": """
import json
import os

from press.store import save


def _page(name):
    with open(os.environ["WORK"] + "/upstream/" + name) as feed:
        return json.load(feed)


def articles(day):
    rows, page = [], f"articles/{day}_1.json"
    while page:
        body = _page(page)
        rows += [(a["slug"], a["words"], a["desk"]) for a in body["results"]]
        page = body["next"]
    save("articles", ["slug", "words", "desk"], rows, day)
""",
    },
    ("press.articles:articles",),
    lambda day, new: {f"articles/{day}_{p}.json": json.dumps({"results": [{"slug": f"s{n}", "words": n * 9, "desk": "news"} for n in range(p * 5, p * 5 + 5)], **({"paging": {"next": nxt}} if new else {"next": nxt})}) for p, nxt in ((1, f"articles/{day}_2.json"), (2, None))},
    table="articles",
)  # fmt: skip
NOT_NULL = brief(
    "not_null_after_rename",
    {
        "ski/lifts.py": """
import json
import os
import sqlite3


def lifts(day):
    with open(os.environ["WORK"] + f"/upstream/lifts/{day}.json") as feed:
        lifts = json.load(feed)["lifts"]
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    con.execute("create table if not exists lifts (lift text not null, riders integer not null, wind real, day text)")
    con.execute("delete from lifts where day = ?", (day,))
    con.executemany("insert into lifts values (?, ?, ?, ?)", [(l.get("lift"), l.get("riders"), l.get("wind_kmh"), day) for l in lifts])
    con.commit()
    con.close()
""",
    },
    ("ski.lifts:lifts",),
    _json_days("lifts", lambda n, d, new: {"lift": f"L{n}", ("ridersCount" if new else "riders"): n * 4, "wind_kmh": n / 10}, lambda rows, new: {"lifts": rows}),
    table="lifts",
)  # fmt: skip
KEYED = brief(
    "keyed_by_id",
    {
        "zoo/store.py": STORE,
        "zoo/animals.py": """
import json
import os

from zoo.store import save


class Animals:
    source = "animals"

    def extract(self, day):
        with open(os.environ["WORK"] + f"/upstream/{self.source}/{day}.json") as feed:
            return json.load(feed)

    def transform(self, raw):
        for key, animal in raw.items():
            yield key, animal["species"], animal["weight_kg"] * 1000

    def run(self, day):
        save(self.source, ["animal", "species", "grams"], list(self.transform(self.extract(day))), day)


def animals(day):
    Animals().run(day)
""",
    },
    ("zoo.animals:animals",),
    lambda day, new: {f"animals/{day}.json": json.dumps({f"A{n}": {"species": f"S{n % 3}", **({"weight": {"value": n + 0.5, "unit": "kg"}} if new else {"weight_kg": n + 0.5})} for n in range(int(day[-2:]) * 10, int(day[-2:]) * 10 + 8)})},
    table="animals",
)  # fmt: skip
EUROPEAN = brief(
    "european_numbers_pandas",
    {
        "wine/store.py": STORE,
        "wine/lots.py": """
import os

import pandas as pd

from wine.store import save


def lots(day):
    frame = pd.read_csv(os.environ["WORK"] + f"/upstream/lots/{day}.csv")
    frame["value"] = frame["bottles"] * frame["price"]
    save("lots", ["lot", "bottles", "value"], [(l, int(b), round(float(v), 2)) for l, b, v in zip(frame["lot"], frame["bottles"], frame["value"])], day)
""",
    },
    ("wine.lots:lots",),
    _csv_days("lots", lambda n, d, new: {"lot": f"W{n}", "bottles": n % 12 + 1, "price": f"1.{n},50" if new else f"1{n}.50"}),
    table="lots",
)  # fmt: skip
HELPER_DEFAULT = brief(
    "helper_shared_by_two",
    {
        "bus/store.py": STORE,
        "bus/times.py": 'def minutes(text, sep=":"):\n    hours, minutes = text.split(sep)\n    return int(hours) * 60 + int(minutes)\n',
        "bus/stops.py": """
import json
import os

from bus.store import save
from bus.times import minutes


def stops(day):
    with open(os.environ["WORK"] + f"/upstream/stops/{day}.json") as feed:
        save("stops", ["stop", "minute", "line"], [(s["stop"], minutes(s["at"]), s["line"]) for s in json.load(feed)], day)
""",
    },
    ("bus.stops:stops",),
    _json_days("stops", lambda n, d, new: {"stop": n, "at": f"{n % 24}:{n % 60:02}", "line": f"L{n % 4}"}),
    table="stops", category=(),
    later={"bus/times.py": 'def minutes(text, sep="h"):\n    """Return minutes since midnight."""\n    hours, minutes = text.split(sep)\n    return int(hours) * 60 + int(minutes)\n'},
    later_message="Times in the new ferry feed are written 9h15",
)  # fmt: skip
NEW_STATUS = brief(
    "unknown_status",
    {
        "rent/store.py": STORE,
        "rent/leases.py": """
import json
import os

from rent.store import save

OPEN = {"signed": 1, "draft": 0, "ended": 0}


def leases(day):
    with open(os.environ["WORK"] + f"/upstream/leases/{day}.json") as feed:
        rows = [(l["lease"], OPEN[l["status"]], l["rent"]) for l in json.load(feed)]
    save("leases", ["lease", "open", "rent"], rows, day)
""",
    },
    ("rent.leases:leases",),
    _json_days("leases", lambda n, d, new: {"lease": n, "status": "suspended" if new and n % 4 == 1 else ("signed", "draft", "ended")[n % 3], "rent": n * 7}),
    action=HOLD, category=(), table="leases",
)  # fmt: skip
EPOCH_TEXT = brief(
    "epoch_in_csv",
    {
        "gym/store.py": STORE,
        "gym/visits.py": """
import csv
import os
from datetime import datetime

from gym.store import save


def visits(day):
    rows = []
    with open(os.environ["WORK"] + f"/upstream/visits/{day}.csv", newline="") as feed:
        for visit in csv.DictReader(feed):
            came = datetime.strptime(visit["came"], "%Y-%m-%d %H:%M:%S")
            rows.append((visit["card"], came.hour, came.date().isoformat()))
    save("visits", ["card", "hour", "on_day"], rows, day)
""",
    },
    ("gym.visits:visits",),
    _csv_days("visits", lambda n, d, new: {"card": f"K{n}", "came": 1793577600 + (int(d[-2:]) - 2) * 86400 + n * 60 if new else f"{d} {n // 60:02}:{n % 60:02}:00"}),
    table="visits", style="bash",
)  # fmt: skip
OUTSIDE = (
    _raises("connection_slots", """raise OperationalError('connection to server at "10.2.0.7", port 5432 failed: FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute')""", RETRY, (), before=_class("OperationalError", module="psycopg2")),
    _raises("vault_token", """raise Forbidden("permission denied, on get https://vault.corp.example/v1/kv/data/etl: 1 error occurred: * permission denied, token expired")""", NOTIFY, (), before=_class("Forbidden", module="hvac.exceptions")),
    _raises("manifest_lacks_parts", """
want, got = 24, 21
if got < want:
    raise RuntimeError(f"manifest of {day}: {got} of {want} hourly files present, missing 21, 22, 23")
""", HOLD, ("late_data",)),
    _raises("double_booking", """
sums = {"debit": 1200.0, "credit": 1150.0}
assert sums["debit"] == sums["credit"], f"ledger of {day} does not balance: {sums}"
""", HOLD, ("bad_data",)),
)  # fmt: skip
SHOP = () if not FILES else (
    _shop("shop_state_and_object", "shop_ingest", "ingest_orders", {"orders": _both(_rename("status", "state"), lambda o, n: o.update(customer={"customer_id": o.pop("customer_id")}))}),
    _shop("shop_fraction_zulu", "shop_exports", EXPORTS, {"orders": _set(ordered_at=lambda v: f"{v}.250Z", updated_at=lambda v: f"{v}.250Z")}),
    _shop("shop_dollars", "shop_staging", "stg_orders", {"orders": _set(amount=lambda v: f"${v:,.2f}")}),
    _shop("shop_small_country", "shop_marts", "check_region_not_null", {"customers": _set(country=lambda v: v.upper())}, category=(), root=EITHER),
    _shop("shop_same_twice", "shop_staging", "check_unique_order_id", whole=lambda s: s["orders"]["items"].extend(s["orders"]["items"][4:9]), category=(), root=EITHER),
    _shop("shop_control_object", "shop_ingest", "ingest_control", {"control": lambda c, n: c.__setitem__("totals", {"row_count": c.pop("row_count"), "revenue_usd": c.pop("revenue_usd")})}),
)  # fmt: skip
SPECS = (PANDAS_DATE, NEXT_LINK, NOT_NULL, KEYED, EUROPEAN, HELPER_DEFAULT, NEW_STATUS, EPOCH_TEXT, *OUTSIDE, *SHOP)
