"""Fifth batch, first part: written by an author who knew neither the fixers nor the earlier cases."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from typing import Any

from brief import STORE, brief

Row = dict[str, Any]


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


DATACLASS = brief(
    "drift_dataclass_from_api",
    {
        "greenhouse/store.py": STORE,
        "greenhouse/http.py": '"""The one place that talks to the sensor hub."""\nimport json\nimport os\nimport urllib.request\n\n\ndef fetch(resource, day):\n    with urllib.request.urlopen(f"{os.environ[\'SHOP_API\']}/{resource}/{day}.json", timeout=10) as answer:\n        return json.load(answer)\n',
        "greenhouse/model.py": """
from __future__ import annotations

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Reading:
    \"\"\"One measurement as the hub reports it.\"\"\"

    sensor: str
    celsius: float
    humidity: int

    @classmethod
    def parse(cls, raw: dict) -> Reading:
        return cls(sensor=raw["sensor"].upper(), celsius=round(float(raw["temp_c"]), 1), humidity=int(raw["humidity"]))

    def row(self) -> tuple:
        return astuple(self)
""",
        "greenhouse/extract.py": """
from abc import ABC, abstractmethod

from greenhouse.http import fetch
from greenhouse.model import Reading
from greenhouse.store import save


class Extractor(ABC):
    resource = ""

    def run(self, day):
        body = fetch(self.resource, day)
        self.load([self.parse(item) for item in body["readings"]], day)

    @abstractmethod
    def parse(self, item): ...

    @abstractmethod
    def load(self, items, day): ...


class ReadingExtractor(Extractor):
    resource = "readings"

    def parse(self, item):
        return Reading.parse(item)

    def load(self, items, day):
        save("readings", list(Reading.__dataclass_fields__), [r.row() for r in items], day)


def readings(day):
    ReadingExtractor().run(day)
""",
    },
    ("greenhouse.extract:readings",),
    feed("readings/{day}.json", lambda n, d, new: {"sensor": f"gh-{n}", "temperatureCelsius" if new else "temp_c": 18 + n % 9 / 2, "humidity": 50 + n % 30}, lambda rows, d, new: {"hub": "north", "readings": rows}),
    table="readings", style="taskflow", api=True,
)  # fmt: skip
PYDANTIC = brief(
    "drift_pydantic_alias",
    {
        "pay/store.py": STORE,
        "pay/schema.py": """
from decimal import Decimal

from pydantic import BaseModel, Field


class Payment(BaseModel):
    reference: str = Field(alias="paymentRef")
    amount: Decimal
    method: str = "card"
""",
        "pay/load.py": """
import os
import pathlib

from pydantic import TypeAdapter

from pay.schema import Payment
from pay.store import save

PAYMENTS = TypeAdapter(list[Payment])


def payments(day):
    text = (pathlib.Path(os.environ["WORK"]) / "upstream" / "payments" / f"{day}.json").read_bytes()
    save("payments", ["reference", "amount", "method"], [(p.reference, str(p.amount), p.method) for p in PAYMENTS.validate_json(text)], day)
""",
    },
    ("pay.load:payments",),
    feed("payments/{day}.json", lambda n, d, new: {"paymentReference" if new else "paymentRef": f"PAY{n:05d}", "amount": f"{n}.{n % 100:02d}", "method": ("card", "sepa")[n % 2]}),
    table="payments",
)  # fmt: skip
DUCK = """
import os
import pathlib

import duckdb

SQL = pathlib.Path(__file__).parent / "sql"


def connect():
    return duckdb.connect(os.environ["WAREHOUSE"])


def run_file(name, **values):
    \"\"\"Run sql/<name>.sql, its {placeholders} filled.\"\"\"
    with connect() as con:
        con.execute((SQL / f"{name}.sql").read_text().format(upstream=os.environ["WORK"] + "/upstream", **values))
"""
DUCKDB = """
import duckdb
con = duckdb.connect(os.environ["WAREHOUSE"], read_only=True)
result = [list(r) for r in con.execute({query!r}).fetchall()]
"""
DUCK_RENAME = brief(
    "drift_duckdb_read_json",
    {
        "freight/db.py": DUCK,
        "freight/sql/raw_shipments.sql": "create or replace table raw_shipments as\nselect *\nfrom read_json_auto('{upstream}/shipments/{day}.json');\n",
        "freight/sql/shipments.sql": """
create table if not exists shipments (shipment_id varchar, country varchar, weight_kg double, day date);
delete from shipments where day = date '{day}';
insert into shipments
with cleaned as (
    select shipment_id, upper(ship_country) as country, weight_g / 1000 as weight_kg
    from raw_shipments
    where weight_g > 0
)
select shipment_id, country, weight_kg, date '{day}' from cleaned;
""",
        "freight/steps.py": 'from freight.db import run_file\n\n\ndef extract(day):\n    run_file("raw_shipments", day=day)\n\n\ndef transform(day):\n    run_file("shipments", day=day)\n',
    },
    ("freight.steps:extract", "freight.steps:transform"),
    feed("shipments/{day}.json", lambda n, d, new: {"shipment_id": f"S{n}", "shipping_country" if new else "ship_country": ("de", "at", "ch")[n % 3], "weight_g": n * 100 + 50}),
    probe=DUCKDB.format(query="select shipment_id, country, weight_kg, day::varchar from shipments order by 1"), style="bash", root_task=None,
)  # fmt: skip
YAML_MAP = brief(
    "drift_yaml_column_map",
    {
        "bakery/store.py": STORE,
        "bakery/sources.yml": """
till:
  path: till/{day}.csv
  delimiter: ","
  columns:            # target: source
    receipt: receipt_no
    branch: branch_code
    total: total_amount
""",
        "bakery/config.py": 'import pathlib\n\nimport yaml\n\n\ndef source(name):\n    return yaml.safe_load((pathlib.Path(__file__).parent / "sources.yml").read_text())[name]\n',
        "bakery/till.py": """
import csv
import os

from bakery.config import source
from bakery.store import save


def pick(row, columns):
    return tuple(row[column] for column in columns.values())


def till(day):
    settings = source("till")
    path = os.path.join(os.environ["WORK"], "upstream", settings["path"].format(day=day))
    with open(path, newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle, delimiter=settings["delimiter"])
        rows = [pick(row, settings["columns"]) for row in reader]
    save("till", list(settings["columns"]), rows, day)
""",
    },
    ("bakery.till:till",),
    sheet("till/{day}.csv", lambda n, d, new: {"receipt_no": n, "branch_id" if new else "branch_code": f"B{n % 4}", "total_amount": f"{n % 70}.50"}),
    table="till",
)  # fmt: skip
ENVELOPE = brief(
    "drift_itemgetter_envelope",
    {
        "depot/store.py": STORE,
        "depot/stock.py": """
import json
import os
from operator import itemgetter

from depot.store import save

COLUMNS = ("sku", "bin", "on_hand")
_row = itemgetter(*COLUMNS)


def _read(day):
    with open(f"{os.environ['WORK']}/upstream/stock/{day}.json", encoding="utf-8") as handle:
        yield from json.load(handle)


def stock(day):
    save("stock", COLUMNS, sorted(map(_row, _read(day))), day)
""",
    },
    ("depot.stock:stock",),
    feed("stock/{day}.json", lambda n, d, new: {"sku": f"SKU{n}", "bin": f"{n % 7}-{n % 5}", "on_hand": n % 40}, lambda rows, d, new: {"generated_at": d + "T03:00:00Z", "count": len(rows), "data": rows} if new else rows),
    table="stock", style="bash",
)  # fmt: skip
CASTS = brief(
    "drift_decimal_comma_casts",
    {
        "vine/store.py": STORE,
        "vine/columns.py": 'from decimal import Decimal\n\nCASTS = {\n    "order_no": str,\n    "bottles": int,\n    "unit_price": Decimal,\n}\n',
        "vine/orders.py": """
import csv
import os

from vine.columns import CASTS
from vine.store import save


def _typed(row):
    return {name: cast(row[name]) for name, cast in CASTS.items()}


def orders(day):
    with open(os.environ["WORK"] + f"/upstream/orders_{day}.csv", newline="") as handle:
        typed = [_typed(row) for row in csv.DictReader(handle)]
    save("wine_orders", [*CASTS, "net"], [(*map(str, r.values()), str(r["bottles"] * r["unit_price"])) for r in typed], day)
""",
    },
    ("vine.orders:orders",),
    sheet("orders_{day}.csv", lambda n, d, new: {"order_no": f"W{n}", "bottles": n % 12 + 1, "unit_price": f"{n % 30 + 5},{n % 90 + 10}" if new else f"{n % 30 + 5}.{n % 90 + 10}"}),
    table="wine_orders",
)  # fmt: skip
EPOCH = brief(
    "drift_epoch_to_ms",
    {
        "tram/store.py": STORE,
        "tram/clock.py": 'from datetime import datetime, timezone\n\n\ndef to_utc(stamp):\n    """Seconds since 1970 → ISO text."""\n    return datetime.fromtimestamp(stamp, tz=timezone.utc).isoformat()\n',
        "tram/stops.py": """
import json
import os

from tram.clock import to_utc
from tram.store import save


def stops(day):
    with open(os.environ["WORK"] + f"/upstream/gps/{day}.json") as handle:
        feed = json.load(handle)
    rows = []
    for vehicle in feed["vehicles"]:
        for stop in vehicle["stops"]:
            rows.append((vehicle["id"], stop["name"], to_utc(stop["arrived"])))
    save("stops", ["vehicle", "stop", "arrived"], rows, day)
""",
    },
    ("tram.stops:stops",),
    feed("gps/{day}.json", lambda n, d, new: {"id": f"T{n}", "stops": [{"name": f"Stop {k}", "arrived": (1793491200 + 86400 * int(d[8:]) + n * 60 + k) * (1000 if new else 1)} for k in range(2)]}, lambda rows, d, new: {"version": 2 if new else 1, "time_unit": "ms" if new else "s", "vehicles": rows}),
    table="stops", style="taskflow",
)  # fmt: skip
SPECS = (DATACLASS, PYDANTIC, DUCK_RENAME, YAML_MAP, ENVELOPE, CASTS, EPOCH)
