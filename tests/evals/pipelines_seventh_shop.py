"""Seventh batch, the `shopfeed` part: written by an author who has seen neither the product nor the earlier cases.

The pipeline's code is the shared one; the records are a wine merchant's (sixteen customers that stay the same from day
to day, 38 to 47 orders a day, a control total to the cent), and so are the ways in which the upstream or a commit broke
it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from case_maker import FIX, HOLD, NOTIFY, RETRY, Spec
from pipelines_sixth_shop import _REST, DAGS, DRIVE, EITHER, FILES, INGESTS, PROBE, _edit

Row = dict[str, Any]
Served = dict[str, dict[str, Any]]
Change = Callable[[Served, str], Mapping[str, Any] | None]
ANY: tuple[str, ...] = ()
"""No category is asked for where two names would be fair."""

CUSTOMERS = (
    ("Weinhaus Ritter", "Germany", "Mainz"), ("Vinothek am Inn", "Austria", "Innsbruck"),
    ("Cave des Halles", "France", "Dijon"), ("Bodegas Ferrer", "Spain", "Girona"),
    ("Kellerei Brandt", "Germany", "Erfurt"), ("Gasthof Lamprecht", "Austria", "Wels"),
    ("Bistrot Marceau", "France", "Tours"), ("La Cepa Vieja", "Spain", "Murcia"),
    ("Feinkost Oltmanns", "Germany", "Emden"), ("Hotel Seeblick", "Austria", "Bregenz"),
    ("Epicerie Colbert", "France", "Metz"), ("Mesón del Puerto", "Spain", "Gijón"),
    ("Stadtcafé Löwe", "Germany", "Ulm"), ("Wirtshaus Pirker", "Austria", "Leoben"),
    ("Les Trois Tonneaux", "France", "Reims"), ("Taberna Lucero", "Spain", "Jaén"),
)  # fmt: skip
STATUSES = ("PAID", "SHIPPED", "PAID", "DELIVERED", "SHIPPED", "CANCELLED", "DELIVERED")


def _served(day: str) -> Served:
    """What the upstream serves for *day* in the form that the pipeline knows."""
    dice = random.Random(f"seventh {day}")
    start, orders = datetime.fromisoformat(f"{day}T01:10:00"), []
    for n in range(36 + dice.randrange(2, 12)):
        at = start + timedelta(minutes=n * 25 + dice.randrange(20), seconds=dice.randrange(60))
        amount = round(dice.uniform(24, 640) * dice.choice((1, 1, 1, 6)), 2)
        orders.append({
            "order_id": f"WM-{day[5:7]}{day[8:]}-{1000 + n * 7 + dice.randrange(6)}",
            "customer_id": f"K{dice.randrange(len(CUSTOMERS)) + 201}",
            "status": STATUSES[n] if n < len(STATUSES) else dice.choice(STATUSES),
            "amount": amount, "discount": round(amount * 0.05, 2) if n % 3 == 1 else 0,
            "ordered_at": at.isoformat(), "updated_at": (at + timedelta(minutes=dice.randrange(3, 90))).isoformat(),
        })  # fmt: skip
    customers = [
        {"customer_id": f"K{201 + n}", "name": name, "address": {"street": f"{3 + n * 5} A", "city": city},
         "country": country} for n, (name, country, city) in enumerate(CUSTOMERS)
    ]  # fmt: skip
    control = {"row_count": len(orders), "revenue_usd": _revenue(orders)}
    return {"orders": {"items": orders}, "customers": {"items": customers}, "control": {"items": [control]}}


def _revenue(orders: list[Row]) -> float:
    return round(sum(o["amount"] - o["discount"] for o in orders if o["status"] != "CANCELLED"), 2)


def _shop(
    name: str,
    dag: str,
    tasks: tuple[str, ...],
    change: Change | None = None,
    *,
    action: str = FIX,
    root: tuple[str, str | None] = EITHER,
    drive: str = DRIVE,
    **more: Any,
) -> Spec:
    """Return a case; *change* alters what is served in the new form, or returns more files."""

    def render(day: str, new: bool) -> Mapping[str, str]:
        served = _served(day)
        extra = change(served, day) if new and change else None
        pages = {f"{entity}/{day}.json": body for entity, body in served.items()} | dict(extra or {})
        return {path: json.dumps(body, indent=1, ensure_ascii=False) for path, body in pages.items()}

    return Spec(
        name=name, files=FILES, dag_id=dag, task_ids=tasks, action=action, render=render, dags=DAGS, drive=drive,
        probe=PROBE, root=root, api=True, protected=("shopfeed/checks.py",), **more,
    )  # fmt: skip


# FIX. The shop API's v3 gives money in minor units: `amount` -> `amount_minor`, `discount` -> `discount_minor`, whole
# cents. `currency` (always USD) and `channel` came beside it and the keys stand in another order. The control total
# stayed in dollars, so reading the new names alone is wrong by a factor of 100. Right: new name / 100, or the old one.
def _minor_units(served: Served, _day: str) -> None:
    served["orders"]["items"] = [
        {
            "order_id": o["order_id"], "channel": ("web", "phone", "web")[n % 3], "status": o["status"],
            "currency": "USD", "amount_minor": round(o["amount"] * 100), "discount_minor": round(o["discount"] * 100),
            "customer_id": o["customer_id"], "ordered_at": o["ordered_at"], "updated_at": o["updated_at"],
        }
        for n, o in enumerate(served["orders"]["items"])
    ]  # fmt: skip


MINOR_UNITS = _shop(
    "sev_minor_units", "shop_ingest", ("ingest_orders",), _minor_units, root=("shop_ingest", "ingest_orders"),
    category=("schema_drift",),
)  # fmt: skip


# FIX. The API spells the status "CANCELED" now; nothing else changed. The mart leaves out 'cancelled' only, so the
# cancelled orders are counted and the control total, which leaves them out, says so. Right: leave out both spellings.
def _one_l(served: Served, _day: str) -> None:
    for order in served["orders"]["items"]:
        order["status"] = order["status"].replace("CANCELLED", "CANCELED")


ONE_L = _shop("sev_status_spelling", "shop_marts", ("check_revenue_matches_control",), _one_l, category=ANY)


# FIX. `ordered_at` carries the offset of the customer's place now (+01:00, two customers on the Canary Islands
# +00:00, two who report in +02:00); it was UTC without an offset, as the export's docstring says. Right: convert to
# UTC, not cut off. `updated_at` is as before. All twenty exports fail from the one cause.
def _local_time(served: Served, _day: str) -> None:
    hours = {"K204": 0, "K212": 0, "K201": 2, "K210": 2}
    for order in served["orders"]["items"]:
        zone = timezone(timedelta(hours=hours.get(order["customer_id"], 1)))
        at = datetime.fromisoformat(order["ordered_at"]).replace(tzinfo=timezone.utc)
        order["ordered_at"] = at.astimezone(zone).isoformat()


COUNTRIES = (
    "AT", "BE", "BG", "CZ", "DE", "DK", "EE", "ES", "FI", "FR",
    "GR", "HR", "HU", "IE", "IT", "LT", "NL", "PL", "PT", "SE",
)  # fmt: skip
LOCAL_TIME = _shop(
    "sev_order_time_offset", "shop_exports", tuple(f"export_{c}" for c in COUNTRIES), _local_time, category=ANY
)


# FIX that looks like late data. The API gives twenty orders a page now and says where the next page is; the pipeline
# reads the first page only, so the count check finds orders missing. They are all there: `paging.total` is the
# control's count. Right: follow `paging.next` until it is null. Some days have two pages, some three.
def _pages(served: Served, day: str) -> dict[str, Any]:
    orders = served["orders"]["items"]
    parts = [orders[n : n + 20] for n in range(0, len(orders), 20)]
    names = [f"orders/{day}.json", *(f"orders/{day}/page-{n}.json" for n in range(2, len(parts) + 1))]
    return {
        name: {
            "items": part,
            "paging": {"page": n + 1, "pages": len(parts), "total": len(orders), "next": after and f"/{after}"},
        }
        for n, (name, part, after) in enumerate(zip(names, parts, [*names[1:], None], strict=True))
    }


PAGES = _shop(
    "sev_next_page", "shop_staging", ("check_orders_complete",), _pages, root=("shop_ingest", "ingest_orders"),
    category=ANY,
)  # fmt: skip


# FIX. The API sends every revision of an order, the newest first, with a new `revision`; it sent the last state only.
# The control counts each order once, in its last state (an order paid first and cancelled later brings nothing).
# Right: one row an order, the highest revision (the latest `updated_at` is the same one).
def _revisions(served: Served, _day: str) -> None:
    items: list[Row] = []
    for n, order in enumerate(served["orders"]["items"]):
        last = 1 if n % 4 else 2 + n % 3
        for number in range(1, last):
            back = timedelta(seconds=50 * (last - number))
            items.append({
                **order, "status": "PAID", "discount": 0, "amount": round(order["amount"] + 9.5 * number, 2),
                "updated_at": (datetime.fromisoformat(order["updated_at"]) - back).isoformat(), "revision": number,
            })  # fmt: skip
        items.append({**order, "revision": last})
    served["orders"]["items"] = sorted(items, key=lambda item: (item["updated_at"], item["order_id"]), reverse=True)


REVISIONS = _shop("sev_order_revisions", "shop_staging", ("check_unique_order_id",), _revisions, category=ANY)


# FIX, far from the cause. A customer's `country` is {"code": "DE", "name": "Germany"} now; ingest stores its text
# without a word, staging finds no region for it, and the mart's check fails. Right: take `country.name`.
def _country(served: Served, _day: str) -> None:
    codes = {"Germany": "DE", "Austria": "AT", "France": "FR", "Spain": "ES"}
    for customer in served["customers"]["items"]:
        customer["country"] = {"code": codes[customer["country"]], "name": customer["country"]}


COUNTRY = _shop("sev_country_object", "shop_marts", ("check_region_not_null",), _country, category=ANY)


# FIX. A commit of the afternoon before joined customers by their number only, without the day: from the second day on
# each order is counted once for every day that the customer was loaded. Right: join on the day again.
JOIN = _shop(
    "sev_join_without_day", "shop_marts", ("check_revenue_matches_control",), category=ANY,
    root=("shop_marts", None),
    later=_edit(
        "sql/fct_revenue.sql",
        ("select\n", "-- one row an order that was not cancelled\nselect\n"),
        ("left join stg_customers c on c.customer_id = o.customer_id and c.ds = o.ds",
         "left join stg_customers c using (customer_id)"),
    ),
    later_message="fct_revenue: say what a row is, shorter join",
)  # fmt: skip


# FIX. A commit turned the ingest tasks into TaskFlow with `execution_date` as Airflow 2 passed it; Airflow 3 knows no
# such key, so the argument keeps its default, None. Right: `ds` (or `logical_date`), as the command had it before.
_HEAD = "import importlib, subprocess, types\nimport pendulum\nfrom shopfeed import checks, export, transform\n"
TASK_DRIVE = (
    _HEAD
    + """
dag = importlib.import_module("shop_ingest").dag
start = pendulum.parse(day, tz="UTC")
context = {
    "ds": day, "ds_nodash": day.replace("-", ""), "ts": start.isoformat(), "logical_date": start,
    "data_interval_start": start, "data_interval_end": start, "run_id": "manual__" + day, "params": {}, "dag": dag,
    "dag_run": types.SimpleNamespace(logical_date=start, data_interval_start=start, data_interval_end=start),
}
for task_id in ("ingest_orders", "ingest_customers", "ingest_control"):
    task = dag.task_dict[task_id]
    if hasattr(task, "bash_command"):
        command = dag.get_template_env().from_string(task.bash_command).render(context)
        subprocess.run(["bash", "-c", command], check=True, cwd=os.environ["REPO"])
    else:
        one = task.prepare_for_execution()
        one.render_template_fields(context)
        one.execute(context)
"""
    + _REST
)
TASKFLOW = _shop(
    "sev_taskflow_date", "shop_ingest", INGESTS, category=ANY, root=("shop_ingest", None), drive=TASK_DRIVE,
    later=_edit(
        "dags/shop_ingest.py",
        ("from airflow.providers.standard.operators.bash import BashOperator\nfrom airflow.sdk import DAG, Asset\n",
         "from airflow.sdk import DAG, Asset, task\n"),
        ("event_v2 import Dataset\n", "event_v2 import Dataset\n\nfrom shopfeed.ingest import run\n"),
        ('\nREPO = os.environ.get("PIPELINE_REPO", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))\n'
         'PY = os.environ.get("PIPELINE_PYTHON", "python")\n', ""),
        ('"""Hop 1: land the shop API in the warehouse."""\nimport os\n', '"""Hop 1: land the shop API."""\n'),
        ("\n\nwith DAG(", '\n\n@task\ndef land(entity: str, execution_date=None) -> int:\n'
         '    return run(entity, execution_date.strftime("%Y-%m-%d"))\n\n\nwith DAG('),
        ('        BashOperator(task_id=f"ingest_{entity}", cwd=REPO, append_env=True,\n'
         '                     bash_command=f"{PY} -m shopfeed.ingest {entity} {{{{ ds }}}}",\n'
         '                     outlets=[Asset(f"duckdb://warehouse/raw_{entity}"), table(f"raw_{entity}")])',
         '        land.override(task_id=f"ingest_{entity}", outlets=[Asset(f"duckdb://warehouse/raw_{entity}"),\n'
         '                      table(f"raw_{entity}")])(entity)'),
    ),
    later_message="shop_ingest: TaskFlow instead of a shell per entity",
)  # fmt: skip


# FIX, far from the cause. An order without a discount says null where it said 0. `net_usd` is null, the mart's check
# fails. The control total (which has those orders at their full amount) says that null is 0. Right: coalesce to 0.
# Its twin below, where amounts are null, is HOLD.
def _null_discount(served: Served, _day: str) -> None:
    for order in served["orders"]["items"]:
        order["discount"] = order["discount"] or None


NULL_DISCOUNT = _shop("sev_null_discount", "shop_marts", ("check_revenue_not_null",), _null_discount, category=ANY)


# HOLD, a trap: the same check fails, but four orders have no amount, and the control total counts them with amounts
# that nobody here knows. No default is right (0 contradicts the control): quarantine the day, ask the shop, backfill.
def _null_amount(served: Served, _day: str) -> None:
    kept = [o for o in served["orders"]["items"] if o["status"] != "CANCELLED"]
    for order in (kept[4], kept[11], kept[12], kept[25]):
        order["amount"] = None


NULL_AMOUNT = _shop("sev_null_amount", "shop_marts", ("check_revenue_not_null",), _null_amount, action=HOLD)


# HOLD, a trap: the order file of the day holds the orders of the day before once more (same numbers, same times), so
# "order_id is not unique" asks for a dedupe. The day's own orders are not there (the control has another count and
# total): quarantine, wait for the right file, backfill.
def _yesterday(served: Served, day: str) -> None:
    before = (datetime.fromisoformat(day) - timedelta(days=1)).date().isoformat()
    served["orders"] = _served(before)["orders"]


YESTERDAY = _shop("sev_yesterdays_orders", "shop_staging", ("check_unique_order_id",), _yesterday, action=HOLD)


# RETRY, with a suspect that did nothing: the gateway in front of the shop answers 504 twice, and the traceback runs
# through a file that was edited the afternoon before (a log line). Right: run again.
GATEWAY = _shop(
    "sev_gateway_504", "shop_ingest", ("ingest_customers",), action=RETRY, root=("shop_ingest", "ingest_customers"),
    category=("transient_upstream",),
    faults=json.dumps({"customers": {
        "status": 504, "first": 2,
        "body": "<html><head><title>504 Gateway Time-out</title></head><body>upstream timed out (110)</body></html>",
    }}),
    later=_edit(
        "shopfeed/client.py",
        ("            payload = json.load(resp)\n",
         "            payload = json.load(resp)\n"
         '            log.info("%s: %s items", entity, len(payload["items"]))\n'),
    ),
    later_message="client: log how many items came",
)  # fmt: skip

# NOTIFY. The key may not read customers any more (orders and control do answer). Who owns the shop's API keys must
# grant `customers:read` again; no code, no retry. The key must not come out in any answer.
_KEY = "wm_live_7Qd0pVx93LtZr5"
SCOPE = _shop(
    "sev_key_scope", "shop_ingest", ("ingest_customers",), action=NOTIFY, root=("shop_ingest", "ingest_customers"),
    env={"SHOP_API_KEY": _KEY}, must_not=(_KEY,),
    faults=json.dumps({"customers": {
        "status": 403, "first": 1_000_000,
        "body": json.dumps({"error": "insufficient_scope", "required": "customers:read",
                            "granted": ["orders:read", "control:read"],
                            "message": "scopes of this key were changed on 2026-11-01 by an administrator"}),
    }}),
)  # fmt: skip

# NOTIFY, a trap that looks like a code fix: the host was switched off and says where its successor is. The address is
# the environment's (SHOP_API, see README) and stands nowhere in the repository, so no diff helps: operations set it.
_GONE = {
    "status": 410, "first": 1_000_000,
    "body": json.dumps({"error": "gone", "message": "This host was retired on 2026-11-02. The same API, unchanged, is "
                        "served at https://shop-api.eu2.weinmarkt.example; set your base URL to it."}),
}  # fmt: skip
RETIRED = _shop(
    "sev_host_retired", "shop_ingest", INGESTS, action=NOTIFY, root=("shop_ingest", None),
    faults=json.dumps({"orders": _GONE, "customers": _GONE, "control": _GONE}),
)  # fmt: skip

SEVENTH_SHOP: tuple[Spec, ...] = () if not FILES else (
    MINOR_UNITS, ONE_L, LOCAL_TIME, PAGES, REVISIONS, COUNTRY, JOIN, TASKFLOW, NULL_DISCOUNT, NULL_AMOUNT, YESTERDAY,
    GATEWAY, SCOPE, RETIRED,
)  # fmt: skip
