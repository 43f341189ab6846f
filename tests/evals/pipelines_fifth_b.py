"""Fifth batch, second part: several Dags, mapped tasks, commits, and what is no code fault."""

from __future__ import annotations

import json
from typing import Any

from brief import STORE, brief
from case_maker import HOLD, NOTIFY, RETRY
from pipelines_fifth_a import feed, numbers

CROSS_DAG = {
    "crm/store.py": "import os\nimport sqlite3\n\n\ndef connect():\n    return sqlite3.connect(os.environ['WORK'] + '/store.db')\n",
    "crm/load.py": """
import json
import os

from crm.store import connect

DDL = "create table dim_customer (customer_id text primary key, name text, segment text, valid_on text)"


def load_customers(day):
    with open(os.environ["WORK"] + f"/upstream/customers/{day}.json") as handle:
        customers = json.load(handle)
    con = connect()
    con.execute("drop table if exists dim_customer")
    con.execute(DDL)
    con.executemany("insert into dim_customer values (:id, :name, :segment, :day)", [{**c, "day": day} for c in customers])
    con.commit()
""",
    "crm/report.py": """
import pathlib

from crm.store import connect


def report_segments(day):
    con = connect()
    con.execute("create table if not exists segment_report (segment text, customers integer, day text)")
    con.execute("delete from segment_report where day = ?", (day,))
    con.execute((pathlib.Path(__file__).parent / "segments.sql").read_text(), {"day": day})
    con.commit()
""",
    "crm/segments.sql": "insert into segment_report\nselect c.segment, count(*) as customers, :day\nfrom dim_customer as c\nwhere c.valid_on = :day\ngroup by c.segment\norder by c.segment\n",
}
CROSS = brief(
    "upstream_dag_renamed_its_column",
    {
        **CROSS_DAG,
        "dags/crm_load.py": 'import pendulum\nfrom airflow.providers.standard.operators.python import PythonOperator\nfrom airflow.sdk import DAG, Asset\nfrom crm.load import load_customers\n\nwith DAG("crm_load", schedule="@daily", start_date=pendulum.datetime(2026, 11, 1, tz="UTC"), catchup=False):\n    PythonOperator(task_id="load_customers", python_callable=load_customers, op_args=["{{ ds }}"], outlets=[Asset("sqlite://store/dim_customer")])\n',
    },
    ("crm.report:report_segments",),
    feed("customers/{day}.json", lambda n, d, new: {"id": f"C{n}", "name": f"Customer {n}", "segment": ("smb", "mid", "key")[n % 3]}),
    dag_id="crm_report", dags=("crm_load", "crm_report"), category=("code_error", "schema_drift", "dependency"),
    later={"crm/load.py": CROSS_DAG["crm/load.py"].replace("name text, segment text", "name text, customer_segment text")},
    later_message="Call the column customer_segment as the glossary does",
    drive="from crm.load import load_customers\nfrom crm.report import report_segments\nload_customers(day)\nreport_segments(day)",
    table="segment_report",
)  # fmt: skip
MAPPED = brief(
    "twenty_mapped_null_discount",
    {
        "stores/store.py": STORE,
        "stores/money.py": 'def net(gross, discount):\n    """Gross less the discount in per cent; no discount counts as 0."""\n    return round(gross * (100 - discount) / 100, 2)\n',
        "stores/export.py": """
import json
import os

from stores.money import net
from stores.store import save

STORES = [f"store_{n:02d}" for n in range(20)]


def export(store, day):
    with open(os.environ["WORK"] + f"/upstream/{store}/{day}.json") as handle:
        sales = json.load(handle)["sales"]
    save(f"sales_{store}", ["sale", "net"], [(s["sale"], net(s["gross"], s["discount"])) for s in sales], day)
""",
        "dags/store_exports.py": 'import pendulum\nfrom airflow.sdk import dag, task\nfrom stores.export import STORES, export\n\n\n@dag(schedule="@daily", start_date=pendulum.datetime(2026, 11, 1, tz="UTC"), catchup=False)\ndef store_exports():\n    @task(max_active_tis_per_dag=4)\n    def export_store(store, ds=None):\n        export(store, ds)\n\n    export_store.expand(store=STORES)\n\n\nstore_exports()\n',
    },
    ("stores.export:export",),
    lambda day, new: {f"store_{s:02d}/{day}.json": json.dumps({"sales": [{"sale": f"{s}-{n}", "gross": n * 1.5 + s, "discount": (None if new else 0) if n % 2 else 10} for n in numbers(day, 4)]}) for s in range(20)},
    dag_id="store_exports", task_ids=("export_store",), root=("store_exports", None), category=("schema_drift", "code_error"),
    drive="from stores.export import STORES, export\nfor store in STORES:\n    export(store, day)",
    probe='import sqlite3\ncon = sqlite3.connect(os.environ["WORK"] + "/store.db")\nresult = [list(map(list, con.execute(f"select * from sales_store_{n:02d} order by 1"))) for n in range(20)]',
)  # fmt: skip
FX = """
RATES = {"USD": 0.92, "GBP": 1.17, "EUR": 1.0}


def to_eur(amount, currency):
    return round(amount * RATES[currency], 2)
"""
REFACTOR = brief(
    "refactor_left_a_caller",
    {
        "ferry/store.py": STORE,
        "ferry/fx.py": FX,
        "ferry/tickets.py": "from ferry import fx\n\n\ndef price(ticket):\n    return fx.to_eur(ticket['price'], ticket['currency'])\n",
        "ferry/cargo.py": "from ferry import fx\n\n\ndef price(crate):\n    return fx.to_eur(crate['kg'] * crate['per_kg'], crate['currency'])\n",
        "ferry/load.py": """
import json
import os

from ferry import cargo, tickets
from ferry.store import save


def sales(day):
    with open(os.environ["WORK"] + f"/upstream/sales/{day}.json") as handle:
        book = json.load(handle)
    save("tickets", ["no", "eur"], [(t["no"], tickets.price(t)) for t in book["tickets"]], day)
    save("cargo", ["no", "eur"], [(c["no"], cargo.price(c)) for c in book["cargo"]], day)
""",
    },
    ("ferry.load:sales",),
    lambda day, new: {f"sales/{day}.json": json.dumps({"tickets": [{"no": n, "price": n * 2.5, "currency": ("USD", "EUR")[n % 2]} for n in numbers(day)], "cargo": [{"no": n, "kg": n, "per_kg": 1.25, "currency": "GBP"} for n in numbers(day)]})},
    category=("code_error",), later_message="Convert to any currency, not only to euro",
    later={
        "ferry/fx.py": FX.replace("def to_eur(amount, currency):\n    return round(amount * RATES[currency], 2)", "def convert(amount, currency, *, into='EUR'):\n    return round(amount * RATES[currency] / RATES[into], 2)"),
        "ferry/tickets.py": "from ferry import fx\n\n\ndef price(ticket):\n    return fx.convert(ticket['price'], ticket['currency'])\n",
    },
    probe='import sqlite3\ncon = sqlite3.connect(os.environ["WORK"] + "/store.db")\nresult = [list(map(list, con.execute(f"select * from {t} order by 1"))) for t in ("tickets", "cargo")]',
)  # fmt: skip
TEMPLATE = "select '{{ market }}' as market, kind, count(*) as n\nfrom visits\nwhere day = '{{ day }}'\n{% if only %}  and kind in ('{{ only | join(\"', '\") }}')\n{% endif %}group by kind\n"
JINJA = brief(
    "sql_template_variable_renamed",
    {
        "visits/store.py": STORE,
        "visits/templates/daily.sql.j2": TEMPLATE.replace("market }}", "region }}"),
        "visits/render.py": 'import pathlib\n\nfrom jinja2 import Environment, FileSystemLoader, StrictUndefined\n\nENV = Environment(loader=FileSystemLoader(pathlib.Path(__file__).parent / "templates"), undefined=StrictUndefined)\n\n\ndef render(name, **values):\n    return ENV.get_template(name).render(**values)\n',
        "visits/steps.py": """
import json
import os
import sqlite3

from visits.render import render
from visits.store import save

KINDS = ["web", "app"]


def visits(day):
    with open(os.environ["WORK"] + f"/upstream/visits/{day}.json") as handle:
        save("visits", ["visit", "kind"], [(v["id"], v["kind"]) for v in json.load(handle)], day)


def summary(day):
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    rows = con.execute(render("daily.sql.j2", region="EMEA", day=day, only=KINDS)).fetchall()
    con.close()
    save("summary", ["market", "kind", "n"], rows, day)
""",
    },
    ("visits.steps:visits", "visits.steps:summary"),
    feed("visits/{day}.json", lambda n, d, new: {"id": n, "kind": ("web", "app", "bot")[n % 3]}),
    category=("code_error", "configuration"), later={"visits/templates/daily.sql.j2": TEMPLATE}, later_message="Say market, as the dashboard does", table="summary",
)  # fmt: skip
CLIENT = """
import json
import logging
import os
import urllib.error
import urllib.request

log = logging.getLogger(__name__)


class ApiError(Exception):
    pass


def get(path):
    url = os.environ["SHOP_API"] + "/" + path
    log.info("GET %s", url)
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise ApiError(f"GET /{path} answered {error.code}: {error.read().decode()[:500]}") from error
"""


def trips(name: str, version: str, **more: Any) -> Any:
    """Return a case of one small client of an HTTP API."""
    return brief(
        name,
        {
            "bikes/store.py": STORE,
            "bikes/client.py": CLIENT,
            "bikes/trips.py": f'from bikes.client import get\nfrom bikes.store import save\n\nPATH = "{version}trips/{{day}}.json"\n\n\ndef trips(day):\n    body = get(PATH.format(day=day))\n    save("trips", ["trip", "minutes"], [(t["trip"], t["minutes"]) for t in body["trips"]], day)\n',
        },
        ("bikes.trips:trips",), more.pop("render"), table="trips", api=True, **more,
    )  # fmt: skip


def _trips(day: str) -> str:
    return json.dumps({"trips": [{"trip": f"B{n}", "minutes": n % 55} for n in numbers(day)]})


GONE = trips(
    "api_version_switched_off", "v1/",
    render=lambda day, new: {f"v1/trips/{day}.json": _trips(day), f"v2/trips/{day}.json": _trips(day)},
    faults=json.dumps({"v1": {"status": 410, "first": 9999, "body": '{"error": "v1 was retired on 2026-11-02", "successor": "/v2/trips/{day}.json", "doc": "only the path changed"}'}}),
    category=("schema_drift", "code_error", "configuration", "dependency"),
)  # fmt: skip
THROTTLED = trips(
    "trap_rate_limited", "", render=lambda day, new: {f"trips/{day}.json": _trips(day)}, action=RETRY, category=("transient_upstream",),
    faults=json.dumps({"trips": {"status": 429, "first": 4, "body": '{"code": "rate_limited", "detail": "Too many requests for field trips, retry in 40 s"}'}}),
)  # fmt: skip
TOKEN = trips(
    "trap_token_expired", "", render=lambda day, new: {f"trips/{day}.json": _trips(day)}, action=NOTIFY, category=("credential",),
    faults=json.dumps({"trips": {"status": 401, "first": 9999, "body": '{"error": "invalid_token", "error_description": "The access token expired at 2026-11-01T23:59:59Z"}'}}),
)  # fmt: skip
UNPUBLISHED = trips(
    "late_day_404", "", render=lambda day, new: {} if new else {f"trips/{day}.json": _trips(day)}, action=HOLD, category=("late_data",), root_task=None,
)  # fmt: skip
NEGATIVE = brief(
    "trap_negative_stock_after_commit",
    {
        "depot2/store.py": STORE,
        "depot2/checks.py": 'class CheckFailed(Exception):\n    pass\n\n\ndef no_negative(rows):\n    """Finance: a count below zero never goes into the books."""\n    bad = [row for row in rows if row[1] < 0]\n    if bad:\n        raise CheckFailed(f"{len(bad)} of {len(rows)} counts are negative, e.g. {bad[:3]}")\n',
        "depot2/counts.py": 'import json\nimport os\n\nfrom depot2.checks import no_negative\nfrom depot2.store import save\n\n\ndef counts(day):\n    with open(os.environ["WORK"] + f"/upstream/counts/{day}.json") as handle:\n        rows = [(c["item"], c["count"]) for c in json.load(handle)]\n    no_negative(rows)\n    save("counts", ["item", "count"], rows, day)\n',
        "depot2/README.md": "Counts of the depot.\n",
    },
    ("depot2.counts:counts",),
    feed("counts/{day}.json", lambda n, d, new: {"item": f"I{n}", "count": -9 if new and n % 3 == 0 else n % 60}),
    table="counts", action=HOLD, category=("bad_data",), protected=("depot2/checks.py",), root_task=None,
    later={"depot2/README.md": "Counts of the depot, one file a day.\n"},
)  # fmt: skip
SPECS = (CROSS, MAPPED, REFACTOR, JINJA, GONE, THROTTLED, TOKEN, UNPUBLISHED, NEGATIVE)
