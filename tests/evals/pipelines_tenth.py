"""Tenth batch, first part: written by an author who has seen neither the product nor the earlier cases."""

from __future__ import annotations

import json

from brief import STORE, brief
from case_maker import Spec
from pipelines_tenth_b import ANY, SECOND, dice_of, sheet
from pipelines_tenth_c import THIRD


def _till_lines(day: str, new: bool) -> dict[str, bytes]:
    dice = dice_of("tills", day)
    rows = []
    for n in range(36):
        row = {
            "till_id": f"T{dice.randint(1, 5)}", "receipt": f"{day[-2:]}{n // 2:04}",
            "article": dice.choice(("Brötchen", "Käse", "Kaffee", "Müsli", "Apfel", "Tee")),
            "pieces": dice.randint(1, 6), "price": f"{dice.randrange(39, 1299) / 100:.2f}",
        }  # fmt: skip
        rows.append({**row, "shift": "early" if n < 18 else "late"} if new else row)
    return {f"tills/sales_{day}.csv": sheet(rows).encode("utf-8-sig" if new else "utf-8")}


# FIX. After an update the till software writes its CSV with a byte order mark, so the first column is called
# "\\ufefftill_id" and the lookup of till_id fails. A new last column (shift) came with it; nobody uses it. Reference
# fix: open with utf-8-sig, which reads files with and without the mark.
TILLS = brief(
    "ten_till_sales",
    {
        "tills/store.py": STORE,
        "tills/export.py": '''
"""The till software's nightly export."""

import csv
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path


@dataclass
class Line:
    till: str
    receipt: str
    article: str
    pieces: int
    price: Decimal

    @property
    def total(self):
        return self.pieces * self.price


class TillExport:
    encoding = "utf-8"

    def __init__(self, day, root=None):
        root = root or Path(os.environ["WORK"]) / "upstream/tills"
        self.path = root / f"sales_{day}.csv"

    def __iter__(self):
        with self.path.open(encoding=self.encoding, newline="") as handle:
            for row in csv.DictReader(handle):
                yield Line(
                    till=row["till_id"],
                    receipt=row["receipt"],
                    article=row["article"],
                    pieces=int(row["pieces"]),
                    price=Decimal(row["price"]),
                )
''',
        "tills/sales.py": """
from collections import defaultdict
from decimal import Decimal

from tills.export import TillExport
from tills.store import save


def load_sales(day):
    totals = defaultdict(lambda: [0, Decimal(0)])
    for line in TillExport(day):
        seen = totals[line.till, line.article]
        seen[0] += line.pieces
        seen[1] += line.total
    rows = [(till, article, pieces, str(eur)) for (till, article), (pieces, eur) in sorted(totals.items())]
    save("till_sales", ["till", "article", "pieces", "eur"], rows, day)
""",
        "tests/test_export.py": """
from tills.export import TillExport


def test_reads_lines(tmp_path):
    (tmp_path / "sales_x.csv").write_text("till_id,receipt,article,pieces,price\\nT1,7,Tee,2,1.50\\n")
    (line,) = TillExport("x", tmp_path)
    assert (line.till, str(line.total)) == ("T1", "3.00")
""",
    },
    ("tills.sales:load_sales",),
    _till_lines,
    table="till_sales",
    dag_id="till_sales",
    category=ANY,
)


def _tickets(day: str, new: bool) -> dict[str, str]:
    dice = dice_of("tickets", day)
    tickets = [
        {
            "id": int(day[-2:]) * 1000 + n, "queue": dice.choice(("billing", "login", "shipping", "other")),
            "opened_at": f"{day}T{dice.randrange(24):02}:{dice.randrange(60):02}:00Z",
            "priority": dice.choice(("low", "normal", "high")), "requester": {"plan": dice.choice(("free", "pro"))},
        }
        for n in range(52)
    ]  # fmt: skip
    size = 20 if new else len(tickets)
    starts = range(0, len(tickets), size)
    name = "tickets/{}.json"
    keys = [day, *(f"{day}-page-{n}" for n in range(2, len(starts) + 1))]
    return {
        name.format(key): json.dumps({
            "tickets": tickets[start : start + size],
            "count": len(tickets),
            "next_page": name.format(keys[n + 1]) if n + 1 < len(keys) else None,
        })
        for n, (key, start) in enumerate(zip(keys, starts, strict=True))
    }  # fmt: skip


# FIX. The helpdesk's API always had "next_page", which was null as all tickets of a day fitted in an answer; now a page
# holds 20 and the rest is behind next_page. The job's own count check stops it. Nothing is missing upstream: page two
# and three are served. Reference fix: follow next_page until it is null.
TICKETS = brief(
    "ten_helpdesk_tickets",
    {
        "helpdesk/store.py": STORE,
        "helpdesk/api.py": '''
"""The helpdesk's HTTP API, see docs/api.md."""

import json
import os
import urllib.request


class IncompleteTickets(Exception):
    pass


def fetch(path):
    with urllib.request.urlopen(f"{os.environ['SHOP_API'].rstrip('/')}/{path}", timeout=10) as answer:
        return json.load(answer)


def tickets_of(day):
    body = fetch(f"tickets/{day}.json")
    tickets = body["tickets"]
    if len(tickets) != body["count"]:
        raise IncompleteTickets(f"{day}: {len(tickets)} tickets read, the helpdesk counts {body['count']}")
    return tickets
''',
        "helpdesk/jobs.py": """
from helpdesk.api import tickets_of
from helpdesk.store import save


def pull_tickets(day):
    rows = [(t["id"], t["queue"], t["priority"], t["requester"]["plan"], t["opened_at"]) for t in tickets_of(day)]
    save("tickets", ["id", "queue", "priority", "plan", "opened_at"], rows, day)
""",
        "docs/api.md": """
# Helpdesk API

`GET tickets/<day>.json` returns `tickets`, `count` (all tickets of that day, over all pages) and `next_page` (path of
the next page, null on the last one; each page has the same three keys).
""",
    },
    ("helpdesk.jobs:pull_tickets",),
    _tickets,
    table="tickets",
    dag_id="helpdesk",
    style="taskflow",
    category=ANY,
    api=True,
    root=("helpdesk", "pull_tickets"),
)


def _meters(day: str, new: bool) -> dict[str, str]:
    dice = dice_of("meters", day)
    rows = []
    for n in range(30):
        watt_hours = dice.randrange(800, 42000)
        used = {"consumption_wh": watt_hours} if new else {"consumption_kwh": watt_hours / 1000}
        tariff = dice.choice(("day", "night", "flat"))
        rows.append({"meter": f"DE-{4400 + n}", "tariff": tariff, **used, "quality": "ok"})
    return {f"meters/{day}.jsonl": "".join(json.dumps(row) + "\n" for row in rows)}


# FIX. The meter gateway now gives consumption in watt hours as whole numbers under a name that says so, where it gave
# kilowatt hours. Name, form and size (800..42000 against 0.8..42) agree. Reference fix: take either field, the new one
# divided by 1000. A mere rename would bill everybody a thousand times.
METERS = brief(
    "ten_meter_readings",
    {
        "metering/store.py": STORE,
        "metering/models.py": """
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Reading(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    meter: str = Field(pattern=r"^DE-\\d+$")
    tariff: Literal["day", "night", "flat"]
    consumption_kwh: float = Field(ge=0)
    quality: str = "ok"
""",
        "metering/tariffs.json": '{"day": 0.3137, "night": 0.2475, "flat": 0.289}\n',
        "metering/billing.py": """
import json
import os
from pathlib import Path

from metering.models import Reading
from metering.store import save

TARIFFS = json.loads((Path(__file__).parent / "tariffs.json").read_text())


def readings(day):
    with open(os.environ["WORK"] + f"/upstream/meters/{day}.jsonl") as lines:
        yield from (Reading.model_validate_json(line) for line in lines if line.strip())


def bill_readings(day):
    rows = [
        (r.meter, r.tariff, round(r.consumption_kwh, 3), round(r.consumption_kwh * TARIFFS[r.tariff], 2))
        for r in readings(day)
        if r.quality == "ok"
    ]
    save("bills", ["meter", "tariff", "kwh", "eur"], rows, day)
""",
        "tests/test_models.py": """
from metering.models import Reading


def test_reading():
    assert Reading(meter="DE-1", tariff="flat", consumption_kwh=1.5).consumption_kwh == 1.5
""",
    },
    ("metering.billing:bill_readings",),
    _meters,
    table="bills",
    dag_id="meter_billing",
    style="bash",
)


TENTH: tuple[Spec, ...] = (TILLS, TICKETS, METERS, *SECOND, *THIRD)
