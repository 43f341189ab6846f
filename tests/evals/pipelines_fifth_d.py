"""Fifth batch, fourth part: commits that broke something, Airflow's move to 3, faults that look like data; written blind."""

from __future__ import annotations

import json

from brief import DAG_HEAD, STARTS, STORE, brief
from case_maker import FIX, Spec
from pipelines_drift import SQLITE
from pipelines_fifth_a import DUCK, DUCKDB, feed, numbers, sheet, table

READ = 'import json\nimport os\n\n\ndef read(feed, day):\n    with open(f"{os.environ[\'WORK\']}/upstream/{feed}/{day}.json", encoding="utf-8") as handle:\n        return json.load(handle)\n'
CONTEXT = {
    "dairy/__init__.py": '"""Milk."""\n',
    "dairy/store.py": STORE,
    "dairy/read.py": READ,
    "dairy/windows.py": 'def window(context):\n    """Week of the run, and its day."""\n    at = context["logical_date"]\n    return at.strftime("%G-W%V"), at.strftime("%Y-%m-%d")\n',
    "dairy/tasks.py": """
from dairy.read import read
from dairy.store import save
from dairy.windows import window


def collect(**context):
    week, day = window(context)
    save("pickups", ["farm", "litres", "week"], [(p["farm"], p["litres"], week) for p in read("pickups", day)], day)
""",
    "dags/dairy_pickups.py": DAG_HEAD
    + f'from airflow.providers.standard.operators.python import PythonOperator\nfrom dairy.tasks import collect\n\nwith DAG("dairy_pickups", {STARTS}, default_args={{"retries": 0, "owner": "milk"}}):\n    PythonOperator(task_id="collect", python_callable=collect)\n',
}
EXECUTION_DATE = Spec(
    name="af3_execution_date_in_helper",
    files=CONTEXT,
    later={
        "dairy/windows.py": CONTEXT["dairy/windows.py"].replace('context["logical_date"]', 'context["execution_date"]')
    },
    later_message="Share the window helper with the old cluster's repository",
    dag_id="dairy_pickups",
    task_ids=("collect",),
    action=FIX,
    render=feed("pickups/{day}.json", lambda n, d, new: {"farm": f"F{n}", "litres": n * 3}),
    drive='import pendulum\nfrom dairy.tasks import collect\ncollect(ds=day, logical_date=pendulum.parse(day), data_interval_start=pendulum.parse(day), data_interval_end=pendulum.parse(day).add(days=1), run_id=f"scheduled__{day}")',
    probe=SQLITE.format(query="select * from pickups order by 1"),
    category=("code_error", "dependency", "configuration"),
)
DATASETS = {
    "wood/store.py": STORE,
    "wood/assets.py": 'from airflow.sdk import Asset\n\nHARVEST = Asset("sqlite://store/harvest")\n',
    "wood/harvest.py": """
import csv
import os

from wood.assets import HARVEST
from wood.store import save


def harvest(day):
    with open(os.environ["WORK"] + f"/upstream/harvest/{day}.csv", newline="") as handle:
        rows = [(r["stand"], float(r["m3"])) for r in csv.DictReader(handle)]
    save(HARVEST.uri.rsplit("/", 1)[1], ["stand", "m3"], rows, day)
""",
}
OLD_DATASETS = brief(
    "af3_datasets_module_gone",
    DATASETS, ("wood.harvest:harvest",),
    sheet("harvest/{day}.csv", lambda n, d, new: {"stand": f"W{n}", "m3": n / 4}),
    later={"wood/assets.py": 'from airflow.datasets import Dataset\n\nHARVEST = Dataset("sqlite://store/harvest")\n'}, later_message="Name the dataset as the other repositories do",
    category=("code_error", "dependency"), table="harvest",
)  # fmt: skip
GUARD = "def rate(clicks, shown):\n    return round(clicks / shown, 4) if shown else 0.0\n"
ZERO = brief(
    "commit_removed_zero_guard",
    {
        "promo/store.py": STORE, "promo/read.py": READ, "promo/rates.py": GUARD,
        "promo/daily.py": 'from promo import rates\nfrom promo.read import read\nfrom promo.store import save\n\n\ndef daily(day):\n    save("promo", ["ad", "ctr"], [(a["ad"], rates.rate(a["clicks"], a["shown"])) for a in read("ads", day)], day)\n',
    },
    ("promo.daily:daily",),
    feed("ads/{day}.json", lambda n, d, new: {"ad": f"A{n}", "clicks": 0 if n % 4 == 1 and d > "2026-11-01" else n % 9, "shown": 0 if n % 4 == 1 and d > "2026-11-01" else n * 10}),
    later={"promo/rates.py": "def rate(clicks, shown):\n    return round(clicks / shown, 4)\n"}, later_message="Simplify the click rate", category=("code_error",), table="promo", style="bash",
)  # fmt: skip
PAGES = """
from rail.read import read


class Incomplete(Exception):
    pass


def trains(day):
    head = read("trains", f"{day}/index")
    rows = []
    for page in range(1, head["pages"] + 1):
        rows += read("trains", f"{day}/{page}")
    if len(rows) != head["total"]:
        raise Incomplete(f"trains of {day}: {len(rows)} rows, the index says {head['total']}")
    return rows
"""
OFF_BY_ONE = brief(
    "trap_off_by_one_looks_partial",
    {
        "rail/store.py": STORE, "rail/read.py": READ, "rail/pages.py": PAGES,
        "rail/load.py": 'from rail.pages import trains\nfrom rail.store import save\n\n\ndef load(day):\n    save("trains", ["train", "delay"], [(t["train"], t["delay"]) for t in trains(day)], day)\n',
    },
    ("rail.load:load",),
    lambda day, new: {f"trains/{day}/index.json": json.dumps({"pages": 3, "total": 9}), **{f"trains/{day}/{p}.json": json.dumps([{"train": f"IC{p}{n}", "delay": n % 12} for n in numbers(day, 3)]) for p in (1, 2, 3)}},
    later={"rail/pages.py": PAGES.replace('head["pages"] + 1', 'head["pages"]')}, later_message="Read pages with a plain range", category=("code_error",), table="trains",
)  # fmt: skip
MOVED = brief(
    "moved_module_left_an_import",
    {
        "press2/store.py": STORE, "press2/read.py": READ,
        "press2/utils/__init__.py": "", "press2/utils/text.py": 'import re\n\n\ndef slug(title):\n    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")\n',
        "press2/feeds/__init__.py": "# Feeds.\n",
        "press2/feeds/articles.py": 'from press2.read import read\nfrom press2.store import save\n\n\ndef articles(day):\n    from press2.utils.text import slug\n\n    save("articles", ["slug", "words"], [(slug(a["title"]), a["words"]) for a in read("articles", day)], day)\n',
    },
    ("press2.feeds.articles:articles",),
    feed("articles/{day}.json", lambda n, d, new: {"title": f"The {n}th Day!", "words": n * 7}),
    later={"press2/utils/text.py": "", "press2/text.py": 'import re\n\n\ndef slug(title):\n    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")\n'}, later_message="Dissolve utils", category=("code_error", "dependency"), table="articles", style="taskflow",
)  # fmt: skip
SETTINGS = '"""All that differs between countries."""\n\nREGIONS = {"north": ["DE", "DK"], "south": ["IT", "ES"]}\nCURRENCY = "EUR"\n'
CONSTANT = brief(
    "constant_renamed_in_settings",
    {
        "ticketing/store.py": STORE, "ticketing/read.py": READ, "ticketing/settings.py": SETTINGS,
        "ticketing/geo.py": "from ticketing import settings\n\n\ndef region(country):\n    return next((name for name, members in settings.REGIONS.items() if country in members), 'rest')\n",
        "ticketing/report.py": "from ticketing import settings\n\nHEAD = ['region', 'amount', 'currency', *settings.REGIONS]\n",
        "ticketing/load.py": 'from ticketing.geo import region\nfrom ticketing.read import read\nfrom ticketing.store import save\n\n\ndef load(day):\n    rows = [(t["no"], region(t["country"]), t["amount"]) for t in read("tickets", day)]\n    save("tickets", ["no", "region", "amount"], rows, day)\n',
    },
    ("ticketing.load:load",),
    feed("tickets/{day}.json", lambda n, d, new: {"no": n, "country": ("DE", "IT", "SE")[n % 3], "amount": n * 2}),
    later={"ticketing/settings.py": SETTINGS.replace("REGIONS =", "MARKETS ="), "ticketing/report.py": "from ticketing import settings\n\nHEAD = ['region', 'amount', 'currency', *settings.MARKETS]\n"}, later_message="Speak of markets, not regions",
    category=("code_error", "configuration"), table="tickets",
)  # fmt: skip
ITEM = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True, kw_only=True)\nclass Line:\n    sku: str\n    qty: int\n    price: float\n\n    @property\n    def total(self):\n        return self.qty * self.price\n"
DATACLASS_FIELD = brief(
    "dataclass_field_renamed_by_commit",
    {
        "basket/store.py": STORE, "basket/read.py": READ, "basket/line.py": ITEM,
        "basket/online.py": "from basket.line import Line\n\n\ndef lines(raw):\n    return [Line(sku=r['sku'], qty=r['n'], price=r['price']) for r in raw]\n",
        "basket/shops.py": "from basket.line import Line\n\n\ndef lines(raw):\n    return [Line(sku=r['article'], qty=1, price=r['paid']) for r in raw]\n",
        "basket/load.py": 'from basket import online, shops\nfrom basket.read import read\nfrom basket.store import save\n\n\ndef load(day):\n    got = read("baskets", day)\n    lines = [*online.lines(got["online"]), *shops.lines(got["shops"])]\n    save("lines", ["sku", "total"], [(line.sku, line.total) for line in lines], day)\n',
    },
    ("basket.load:load",),
    lambda day, new: {f"baskets/{day}.json": json.dumps({"online": [{"sku": f"O{n}", "n": n % 4 + 1, "price": 2.5} for n in numbers(day)], "shops": [{"article": f"S{n}", "paid": n} for n in numbers(day)]})},
    later={"basket/line.py": ITEM.replace("qty", "quantity"), "basket/online.py": "from basket.line import Line\n\n\ndef lines(raw):\n    return [Line(sku=r['sku'], quantity=r['n'], price=r['price']) for r in raw]\n"}, later_message="Spell quantity out",
    category=("code_error",), table="lines",
)  # fmt: skip
XCOM = {
    "quarry/__init__.py": "\"\"\"Loads of the quarry.\"\"\"\n", "quarry/store.py": STORE, "quarry/read.py": READ,
    "quarry/tasks.py": """
import json
import os

from quarry.read import read
from quarry.store import save


def extract(day):
    path = f"{os.environ['WORK']}/loads_{day}.tmp.json"
    with open(path, "w", encoding="utf-8") as handle:
        json.dump([r for r in read("loads", day) if r["tons"]], handle)
    return {"day": day, "path": path}


def load(extracted):
    with open(extracted["path"], encoding="utf-8") as handle:
        rows = json.load(handle)
    save("loads", ["truck", "tons"], [(r["truck"], r["tons"]) for r in rows], extracted["day"])
""",
    "dags/quarry_loads.py": f'{DAG_HEAD}from quarry import tasks\n\n\n@dag("quarry", {STARTS})\ndef quarry():\n    @task\n    def extract(ds=None):\n        return tasks.extract(ds)\n\n    @task\n    def load(extracted):\n        tasks.load(extracted)\n\n    load(extract())\n\n\nquarry()\n',
}  # fmt: skip
XCOM_KEY = Spec(
    name="xcom_key_renamed",
    files=XCOM,
    later={"quarry/tasks.py": XCOM["quarry/tasks.py"].replace('"path": path}', '"file": path}')},
    later_message="Call a file a file",
    dag_id="quarry",
    task_ids=("load",),
    action=FIX,
    render=feed("loads/{day}.json", lambda n, d, new: {"truck": f"T{n}", "tons": n % 5}),
    drive="from quarry import tasks\ntasks.load(tasks.extract(day))",
    probe=SQLITE.format(query="select * from loads order by 1"),
    category=("code_error",),
)
HIDDEN_RENAME = brief(
    "drift_rename_hidden_by_get",
    {
        "bills/read.py": READ,
        "bills/db.py": 'import os\nimport sqlite3\n\nDDL = "create table if not exists bills (no text primary key, vat_id text not null, net real, day text)"\n\n\ndef upsert(rows):\n    con = sqlite3.connect(os.environ["WORK"] + "/store.db")\n    con.execute(DDL)\n    con.executemany("insert into bills values (:no, :vat_id, :net, :day) on conflict (no) do update set net = excluded.net", rows)\n    con.commit()\n    con.close()\n',
        "bills/load.py": 'from bills.db import upsert\nfrom bills.read import read\n\n\ndef load(day):\n    upsert([{"no": b.get("no"), "vat_id": b.get("vat_id"), "net": b.get("net", 0.0), "day": day} for b in read("bills", day)])\n',
    },
    ("bills.load:load",),
    feed("bills/{day}.json", lambda n, d, new: {"no": f"B{n}", "vatId" if new else "vat_id": f"DE{n:09d}", "net": n * 10}),
    table="bills", style="bash",
)  # fmt: skip
ENUM = brief(
    "drift_enum_case",
    {
        "parcels/store.py": STORE, "parcels/read.py": READ,
        "parcels/status.py": 'from enum import Enum\n\n\nclass Status(str, Enum):\n    CREATED = "CREATED"\n    IN_TRANSIT = "IN_TRANSIT"\n    DELIVERED = "DELIVERED"\n\n    @property\n    def rank(self):\n        return list(Status).index(self)\n',
        "parcels/load.py": 'from parcels.read import read\nfrom parcels.status import Status\nfrom parcels.store import save\n\n\ndef load(day):\n    rows = []\n    for parcel in read("parcels", day)["parcels"]:\n        status = Status(parcel["status"])\n        rows.append((parcel["no"], status.value, status.rank))\n    save("parcels", ["no", "status", "rank"], rows, day)\n',
    },
    ("parcels.load:load",),
    feed("parcels/{day}.json", lambda n, d, new: {"no": n, "status": [s.lower().replace("_", "-") if new else s for s in ("CREATED", "IN_TRANSIT", "DELIVERED")][n % 3]}, lambda rows, d, new: {"parcels": rows}),
    table="parcels",
)  # fmt: skip
NEXT_PAGE = brief(
    "trap_new_paging_looks_partial",
    {
        "museum/store.py": STORE, "museum/read.py": READ,
        "museum/load.py": 'from museum.read import read\nfrom museum.store import save\n\n\nclass ControlTotalError(Exception):\n    pass\n\n\ndef load(day):\n    body = read("entries", day)\n    rows = [(e["ticket"], e["gate"]) for e in body["entries"]]\n    if len(rows) != body["total"]:\n        raise ControlTotalError(f"{day}: read {len(rows)} entries, the museum counted {body[\'total\']}")\n    save("entries", ["ticket", "gate"], rows, day)\n',
    },
    ("museum.load:load",),
    lambda day, new: {
        f"entries/{day}.json": json.dumps({"total": 9, "entries": [{"ticket": n, "gate": n % 3} for n in numbers(day, 9)][: 4 if new else 9], **({"next": f"entries/{day}_2.json"} if new else {})}),
        **({f"entries/{day}_2.json": json.dumps({"total": 9, "entries": [{"ticket": n, "gate": n % 3} for n in numbers(day, 9)][4:8], "next": f"entries/{day}_3.json"}), f"entries/{day}_3.json": json.dumps({"total": 9, "entries": [{"ticket": n, "gate": n % 3} for n in numbers(day, 9)][8:]})} if new else {}),
    },
    table="entries", category=("schema_drift", "code_error"),
)  # fmt: skip
SQL_DATE = brief(
    "drift_sql_date_cast",
    {
        "tax/db.py": DUCK,
        "tax/sql/filings.sql": """
create table if not exists filings (filing varchar, filed_on date, days_open integer, day date);
delete from filings where day = date '{day}';
insert into filings
with raw as (select * from read_csv('{upstream}/filings/{day}.csv', all_varchar = true)),
     typed as (select filing, cast(filed_on as date) as filed_on from raw)
select filing, filed_on, date_diff('day', filed_on, date '{day}'), date '{day}' from typed;
""",
        "tax/steps.py": 'from tax.db import run_file\n\n\ndef filings(day):\n    run_file("filings", day=day)\n',
    },
    ("tax.steps:filings",),
    sheet("filings/{day}.csv", lambda n, d, new: {"filing": f"F{n}", "filed_on": f"{n % 28 + 1:02d}.10.2026" if new else f"2026-10-{n % 28 + 1:02d}"}),
    probe=DUCKDB.format(query="select filing, filed_on::varchar, days_open from filings order by 1"),
)  # fmt: skip
NA = brief(
    "drift_na_marker_in_sql",
    {
        "water/db.py": DUCK,
        "water/sql/gauges.sql": """
create table if not exists gauges (gauge varchar, level_cm double, day date);
delete from gauges where day = date '{day}';
insert into gauges
select gauge, nullif(level_cm, '')::double, date '{day}'
from read_csv('{upstream}/gauges/{day}.csv', header = true, all_varchar = true);
""",
        "water/steps.py": 'from water.db import run_file\n\n\ndef gauges(day):\n    """A gauge without a reading stays in the table, its level is null."""\n    run_file("gauges", day=day)\n',
    },
    ("water.steps:gauges",),
    lambda day, new: {f"gauges/{day}.csv": table({"gauge": f"G{n}", "level_cm": ("N/A" if new else "") if n % 4 == 0 else n * 1.5} for n in numbers(day))},
    probe=DUCKDB.format(query="select gauge, level_cm, day::varchar from gauges order by 1"), style="taskflow",
)  # fmt: skip
SPECS = (
    EXECUTION_DATE, OLD_DATASETS, ZERO, OFF_BY_ONE, MOVED, CONSTANT, DATACLASS_FIELD, XCOM_KEY, HIDDEN_RENAME, ENUM,
    NEXT_PAGE, SQL_DATE, NA,
)  # fmt: skip
