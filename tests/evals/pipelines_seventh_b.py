"""Seventh batch, second part: written by an author who has seen neither the product nor the earlier cases."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from brief import STORE, brief
from case_maker import Spec
from pipelines_seventh_a import ANY, LANDING, Files, Row, dice, dump, sheet


def _ads(day: str, new: bool) -> Files:
    luck, rows = dice("ads", day), []
    for n in range(33 + int(day[8:]) * 6):
        shown = luck.randrange(0, 9000)
        rows.append({"campaign_id": f"c{n:03}", "impressions": shown, "clicks": shown // luck.randrange(20, 90),
                     "spend_micros": luck.randrange(10**6, 10**8)})  # fmt: skip
    if not new:
        return {f"insights/{day}.json": dump(rows)}
    parts = [rows[at : at + 15] for at in range(0, len(rows), 15)]
    names = [f"insights/{day}.json", *(f"insights/{day}.after{n}.json" for n in range(1, len(parts)))]
    return {
        name: dump({"data": part, "paging": {"next": f"/{after}" if after else None}, "api_version": "v23"})
        for name, part, after in zip(names, parts, [*names[1:], None])
    }


# FIX. The ad platform's list became pages of fifteen: data, and paging.next is the path of the page after it or null.
# Right: follow next until null (a fix that reads the first page only loses spend), and still take the plain list.
ADS = brief(
    "sev_ad_insights",
    {
        "marketing/store.py": STORE,
        "marketing/api.py": '''
import os

import requests


class AdsClient:
    """The ad platform's reporting API."""

    def __init__(self, base=None):
        self.base = (base or os.environ["SHOP_API"]).rstrip("/")
        self.session = requests.Session()

    def get(self, path):
        answer = self.session.get(f"{self.base}/{path.lstrip('/')}", timeout=10)
        answer.raise_for_status()
        return answer.json()

    def insights(self, day):
        return self.get(f"insights/{day}.json")
''',
        "marketing/insights.py": """
from marketing.api import AdsClient
from marketing.store import save

MICROS = 1_000_000


def load_insights(day):
    rows = []
    for item in AdsClient().insights(day):
        rate = round(item["clicks"] / item["impressions"], 4) if item["impressions"] else 0.0
        rows.append((item["campaign_id"], item["impressions"], item["clicks"], rate, item["spend_micros"] / MICROS))
    save("insights", ["campaign", "impressions", "clicks", "rate", "spend"], rows, day)
""",
    },
    ("marketing.insights:load_insights",),
    _ads,
    table="insights",
    api=True,
)


def _permits(day: str, new: bool) -> Files:
    luck, rows = dice("permits", day), []
    for n in range(14):
        rows.append(
            f'  <permit number="B-{day[8:]}-{n:03}">\n    <applicant><name>Bauherr {n}</name></applicant>\n'
            f"    <district>{luck.choice(('Mitte', 'Altona', 'Wandsbek'))}</district>\n"
            f'    <fee currency="EUR">{luck.randrange(80, 2400)}.00</fee>\n  </permit>\n'
        )
    space = ' xmlns="urn:city:building-permits:2"' if new else ""
    head = f"  <header><issued>{day}</issued><count>{len(rows)}</count></header>\n"
    return {f"permits/{day}.xml": f'<?xml version="1.0"?>\n<permits{space}>\n{head}{"".join(rows)}</permits>\n'}


# FIX. The city's export puts everything in an XML namespace; elements and values are the same, but no path finds them.
# Right: look the elements up in any namespace (or take the namespace off), so that files without one still work.
PERMITS = brief(
    "sev_building_permits",
    {
        "city/store.py": STORE,
        "city/landing.py": LANDING,
        "city/permits.py": '''
"""Building permits of a day, an XML file from the city's register."""
import xml.etree.ElementTree as ET

from city.landing import landing
from city.store import save


def rows_of(root):
    for permit in root.findall("permit"):
        yield (
            permit.get("number"),
            permit.find("applicant/name").text,
            permit.findtext("district"),
            float(permit.findtext("fee")),
        )


def load_permits(day):
    root = ET.parse(landing("permits", f"{day}.xml")).getroot()
    declared = int(root.find("header/count").text)
    rows = list(rows_of(root))
    if len(rows) != declared:
        raise ValueError(f"permits {day}: header says {declared}, file has {len(rows)}")
    save("permits", ["number", "applicant", "district", "fee"], rows, day)
''',
    },
    ("city.permits:load_permits",),
    _permits,
    table="permits",
    style="bash",
)


def _climate(day: str, new: bool) -> Files:
    luck, files = dice("climate", day), {}
    for site in ("wh-hamburg", "wh-gdansk"):
        seen = {
            f"{site}-s{n:02}": {"temp_c": round(luck.uniform(1, 9.5), 1), "humidity": luck.randrange(30, 90),
                                "battery": luck.randrange(5, 100)}
            for n in range(12)
        }  # fmt: skip
        devices = [{"device_id": key, **value} for key, value in seen.items()] if new else seen
        files[f"climate/{day}/{site}.json"] = dump({"site": site, "day": day, "devices": devices})
    return files


# FIX. devices was an object by device id and is a list of objects with device_id. Right: build the mapping from the
# list where it is a list; the rest of the package goes on with the mapping.
CLIMATE = brief(
    "sev_cold_chain_devices",
    {
        "coldchain/store.py": STORE,
        "coldchain/landing.py": LANDING,
        "coldchain/limits.json": '{"max_temp_c": 8.0, "min_battery": 15,'
        ' "sites": {"wh-hamburg": "HAM", "wh-gdansk": "GDN"}}\n',
        "coldchain/limits.py": """
import json
from pathlib import Path

LIMITS = json.loads(Path(__file__).with_name("limits.json").read_text())
""",
        "coldchain/alarms.py": """
import json

from coldchain.landing import landing
from coldchain.limits import LIMITS
from coldchain.store import save


def devices_of(path):
    return json.loads(path.read_text())["devices"]


def alarms(devices):
    warm = {d: v["temp_c"] for d, v in devices.items() if v["temp_c"] > LIMITS["max_temp_c"]}
    weak = {d for d, v in devices.items() if v["battery"] < LIMITS["min_battery"]}
    return {device: (warm.get(device), device in weak) for device in sorted(warm.keys() | weak)}


def load_alarms(day):
    rows = []
    for site, code in LIMITS["sites"].items():
        devices = devices_of(landing("climate", day, f"{site}.json"))
        rows += [(device, code, temp, int(weak)) for device, (temp, weak) in alarms(devices).items()]
        rows.append((f"{site}-mean", code, round(sum(v["temp_c"] for v in devices.values()) / len(devices), 2), 0))
    save("alarms", ["device", "site", "temp_c", "weak"], rows, day)
""",
    },
    ("coldchain.alarms:load_alarms",),
    _climate,
    table="alarms",
)


def _waybills(day: str, new: bool) -> Files:
    luck, rows = dice("waybills", day), []
    for n in range(22):
        town = luck.choice(("Köln", "Łódź", "Malmö", "Plzeň"))
        rows.append({"waybill": f"{day[8:]}5{n:05}", "consignee": f"Müller & Søn {n}", "town": town,
                     "kg": f"{luck.uniform(1, 900):.1f}", "adr": luck.choice(("", "UN1203"))})  # fmt: skip
    return {f"waybills/{day}.txt": sheet(rows, "\t").encode("utf-16" if new else "utf-8")}


# FIX. The forwarder's export is "Unicode text" as Excel calls it: UTF-16 with its byte order mark (ff fe), the same
# tab-separated columns. Right: the mark decides the encoding; files without one are UTF-8 as before.
WAYBILLS = brief(
    "sev_waybill_export",
    {
        "forwarding/store.py": STORE,
        "forwarding/reader.py": '''
import csv
from collections.abc import Iterator
from pathlib import Path

ENCODING = "utf-8"


class TabFile:
    """A tab-separated file with a header."""

    def __init__(self, path: Path):
        self.path = path

    def __iter__(self) -> Iterator[dict]:
        with open(self.path, encoding=ENCODING, newline="") as file:
            yield from csv.DictReader(file, delimiter="\\t")
''',
        "forwarding/waybills.py": """
import os
from pathlib import Path

from forwarding.reader import TabFile
from forwarding.store import save


def load_waybills(day):
    path = Path(os.environ["WORK"]) / "upstream" / "waybills" / f"{day}.txt"
    rows = [(w["waybill"], w["consignee"], w["town"], float(w["kg"]), bool(w["adr"])) for w in TabFile(path)]
    save("waybills", ["waybill", "consignee", "town", "kg", "dangerous"], rows, day)
""",
    },
    ("forwarding.waybills:load_waybills",),
    _waybills,
    table="waybills",
    style="taskflow",
    category=ANY,
)


def _claims(day: str, new: bool) -> Files:
    luck, rows = dice("claims", day), []
    codes = {"approved": "20", "partly_approved": "25", "rejected": "40", "in_review": "10"}
    for n in range(30):
        status = list(codes)[n % 4] if n < 8 else luck.choice(list(codes))
        rows.append({"claim": f"CL{day[8:]}{n:04}", "branch": luck.choice(("motor", "home")),
                     "status": codes[status] if new else status, "claimed": luck.randrange(100, 9000)})  # fmt: skip
    return {f"claims/{day}.csv": sheet(rows)}


# FIX. The claims system delivers status codes for the words, as the interface document in the repository announces with
# the table of what is what. Right: translate the codes by that table; the mart keeps the words.
CLAIMS = brief(
    "sev_claim_status",
    {
        "docs/claims_interface.md": """
# Interface of the claims system

One CSV file a day: `claim`, `branch`, `status`, `claimed` (EUR).

## Version 3 (November 2026)

`status` carries the code of the core system in place of its name. All consumers keep the names.

| code | name |
|------|------|
| 10 | in_review |
| 20 | approved |
| 25 | partly_approved |
| 40 | rejected |
""",
        "claims/store.py": STORE,
        "claims/landing.py": LANDING,
        "claims/constants.py": """
RESERVE_SHARE = {"approved": 1.0, "partly_approved": 0.6, "in_review": 0.8, "rejected": 0.0}
""",
        "claims/reserves.py": """
import csv

from claims.constants import RESERVE_SHARE
from claims.landing import landing
from claims.store import save


def reserve(claim):
    return round(int(claim["claimed"]) * RESERVE_SHARE[claim["status"]], 2)


def load_reserves(day):
    with landing("claims", f"{day}.csv").open(newline="") as file:
        rows = [(c["claim"], c["branch"], c["status"], reserve(c)) for c in csv.DictReader(file)]
    save("reserves", ["claim", "branch", "status", "reserve"], rows, day)
""",
    },
    ("claims.reserves:load_reserves",),
    _claims,
    table="reserves",
    category=ANY,
)


def _trades(day: str, new: bool) -> Files:
    luck, rows = dice("trades", day), []
    for n in range(36):
        at = datetime.fromisoformat(f"{day}T08:00:00") + timedelta(seconds=n * 700 + luck.randrange(600))
        row: Row = {"trade_id": f"T{day[8:]}{n:05}", "isin": luck.choice(("DE0007164600", "NL0010273215")),
                    "side": luck.choice("BS"), "qty": luck.randrange(1, 500), "price": round(luck.uniform(90, 800), 2),
                    "at": at.isoformat()}  # fmt: skip
        rows.append(row)
        if new and n % 9 == 5:
            rows.append(dict(rows[-1 - n % 3]))
    return {f"trades/{day}.jsonl": "".join(json.dumps(row) + "\n" for row in rows)}


# FIX. Some messages come twice, equal to the last byte, and the table's key refuses the second. The feed's document in
# the repository says that delivery is at least once and that consumers drop repeats by trade_id. Right: do that.
TRADES = brief(
    "sev_trade_redelivery",
    {
        "docs/trade_feed.md": """
# Trade feed

JSON lines, one trade each. Delivery is **at least once**: after a fail-over of the broker messages come again,
unchanged and with the same `trade_id`. A repeat is no new trade and no error; every consumer drops repeats by
`trade_id`.
""",
        "trading/landing.py": LANDING,
        "trading/book.py": """
import json
import os
import sqlite3

from trading.landing import landing

DDL = '''
create table if not exists trades (
    trade_id text primary key, isin text, side text, qty integer, price real, traded_at text, day text
)
'''
INSERT = "insert into trades values (:trade_id, :isin, :side, :qty, :price, :at, :day)"


class TradeBook:
    def __init__(self):
        self.con = sqlite3.connect(os.path.join(os.environ["WORK"], "store.db"))
        self.con.execute(DDL)

    def replace_day(self, day, trades):
        with self.con:
            self.con.execute("delete from trades where day = ?", (day,))
            for trade in trades:
                self.con.execute(INSERT, {**trade, "day": day})


def load_trades(day):
    with landing("trades", f"{day}.jsonl").open() as file:
        TradeBook().replace_day(day, [json.loads(line) for line in file])
""",
    },
    ("trading.book:load_trades",),
    _trades,
    table="trades",
    category=ANY,
)

SEVENTH_B: tuple[Spec, ...] = (ADS, PERMITS, CLIMATE, WAYBILLS, CLAIMS, TRADES)
