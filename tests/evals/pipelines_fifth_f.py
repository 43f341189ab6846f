"""Fifth batch, sixth part: more forms of drift and of commits that broke something; written blind."""

from __future__ import annotations

import json

from brief import STORE, brief
from pipelines_fifth_a import DUCK, DUCKDB, feed, numbers, sheet, table
from pipelines_fifth_d import READ

NAMED = brief(
    "drift_named_placeholder",
    {
        "pool/read.py": READ,
        "pool/sql/upsert.sql": "insert into entries (ticket, member_no, lane, day)\nvalues (:ticket, :member_no, :lane, :day)\non conflict (ticket) do update set lane = excluded.lane\n",
        "pool/load.py": 'import os\nimport pathlib\nimport sqlite3\n\nfrom pool.read import read\n\nUPSERT = (pathlib.Path(__file__).parent / "sql/upsert.sql").read_text()\n\n\ndef entries(day):\n    con = sqlite3.connect(os.environ["WORK"] + "/store.db")\n    con.execute("create table if not exists entries (ticket text primary key, member_no text, lane integer, day text)")\n    with con:\n        con.executemany(UPSERT, [entry | {"day": day} for entry in read("entries", day)["entries"]])\n    con.close()\n',
    },
    ("pool.load:entries",),
    feed("entries/{day}.json", lambda n, d, new: {"ticket": f"T{n}", "memberNumber" if new else "member_no": f"M{n % 5}", "lane": n % 8}, lambda rows, d, new: {"entries": rows}),
    table="entries",
)  # fmt: skip
MERGE = brief(
    "drift_pandas_merge_key",
    {
        "parts/store.py": STORE, "parts/read.py": READ,
        "parts/frames.py": "import pandas as pd\n\nfrom parts.read import read\n\n\ndef frame(feed, day):\n    return pd.DataFrame(read(feed, day))\n",
        "parts/margin.py": 'from parts.frames import frame\nfrom parts.store import save\n\n\ndef margin(day):\n    sold, cost = frame("sold", day), frame("cost", day)\n    merged = sold.merge(cost, on="part_no", how="left", validate="one_to_one")\n    merged["margin"] = merged["price"] - merged["cost"]\n    save("margin", ["part", "margin"], merged[["part_no", "margin"]].astype(object).values.tolist(), day)\n',
    },
    ("parts.margin:margin",),
    lambda day, new: {f"sold/{day}.json": json.dumps([{"part_no": f"P{n}", "price": n * 2} for n in numbers(day)]), f"cost/{day}.json": json.dumps([{"partNo" if new else "part_no": f"P{n}", "cost": n} for n in numbers(day)])},
    table="margin", style="taskflow",
)  # fmt: skip
HEADER = brief(
    "drift_header_with_spaces",
    {
        "florist/store.py": STORE,
        "florist/load.py": 'import csv\nimport os\n\nfrom florist.store import save\n\nWANTED = ["order_id", "stems", "delivery_date"]\n\n\ndef orders(day):\n    with open(os.environ["WORK"] + f"/upstream/orders/{day}.csv", newline="") as handle:\n        rows = [[row[name] for name in WANTED] for row in csv.DictReader(handle)]\n    save("orders", WANTED, rows, day)\n',
    },
    ("florist.load:orders",),
    sheet("orders/{day}.csv", lambda n, d, new: dict(zip(("Order ID", "Stems", "Delivery Date") if new else ("order_id", "stems", "delivery_date"), (f"F{n}", n % 40, d), strict=True))),
    table="orders",
)  # fmt: skip
SEMICOLON = brief(
    "drift_semicolon_delimiter",
    {
        "cinema/store.py": STORE,
        "cinema/files.py": 'import csv\nimport os\n\n\ndef records(feed, day):\n    with open(f"{os.environ[\'WORK\']}/upstream/{feed}/{day}.csv", newline="", encoding="utf-8") as handle:\n        yield from csv.DictReader(handle)\n',
        "cinema/load.py": 'from operator import itemgetter\n\nfrom cinema.files import records\nfrom cinema.store import save\n\nFIELDS = ("show", "hall", "seats")\n\n\ndef shows(day):\n    save("shows", FIELDS, list(map(itemgetter(*FIELDS), records("shows", day))), day)\n',
    },
    ("cinema.load:shows",),
    lambda day, new: {f"shows/{day}.csv": table(({"show": f"S{n}", "hall": f"Hall {n % 4}", "seats": n % 90} for n in numbers(day)), ";" if new else ",")},
    table="shows", style="bash",
)  # fmt: skip
ENCODING = brief(
    "drift_utf8_to_latin1",
    {
        "choir/store.py": STORE,
        "choir/load.py": 'import csv\nimport os\n\nfrom choir.store import save\n\n\ndef singers(day):\n    with open(os.environ["WORK"] + f"/upstream/singers_{day}.csv", newline="", encoding="utf-8") as handle:\n        save("singers", ["no", "name"], [(r["no"], r["name"]) for r in csv.DictReader(handle)], day)\n',
    },
    ("choir.load:singers",),
    lambda day, new: {f"singers_{day}.csv": table({"no": n, "name": ("Jürgen", "André", "Søren")[n % 3]} for n in numbers(day)).encode("latin-1" if new else "utf-8")},
    table="singers", category=("schema_drift", "bad_data"),
)  # fmt: skip
MONEY_OBJECT = brief(
    "drift_scalar_became_object",
    {
        "auction/store.py": STORE, "auction/read.py": READ,
        "auction/lots.py": 'from dataclasses import dataclass\n\n\n@dataclass\nclass Lot:\n    no: str\n    hammer: float\n    fee: float\n\n    @classmethod\n    def of(cls, raw):\n        hammer = float(raw["hammer_price"])\n        return cls(raw["no"], hammer, round(hammer * 0.2, 2))\n',
        "auction/load.py": 'from auction.lots import Lot\nfrom auction.read import read\nfrom auction.store import save\n\n\ndef lots(day):\n    save("lots", ["no", "hammer", "fee"], [(lot.no, lot.hammer, lot.fee) for lot in map(Lot.of, read("lots", day))], day)\n',
    },
    ("auction.load:lots",),
    feed("lots/{day}.json", lambda n, d, new: {"no": f"L{n}", "hammer_price": {"amount": n * 10.0, "currency": "EUR"} if new else n * 10.0}),
    table="lots", style="taskflow",
)  # fmt: skip
KEYED = brief(
    "drift_list_became_keyed_object",
    {
        "orchard/store.py": STORE, "orchard/read.py": READ,
        "orchard/load.py": 'from orchard.read import read\nfrom orchard.store import save\n\n\ndef trees(day):\n    rows = [(tree["id"], tree["kind"], tree["kg"]) for tree in read("trees", day)["trees"]]\n    save("trees", ["id", "kind", "kg"], rows, day)\n',
    },
    ("orchard.load:trees",),
    lambda day, new: {f"trees/{day}.json": json.dumps({"trees": {f"tree-{n}": {"kind": ("apple", "pear")[n % 2], "kg": n % 50} for n in numbers(day)} if new else [{"id": f"tree-{n}", "kind": ("apple", "pear")[n % 2], "kg": n % 50} for n in numbers(day)]})},
    table="trees",
)  # fmt: skip
THOUSANDS = brief(
    "drift_thousands_separator",
    {
        "estate/store.py": STORE,
        "estate/columns.py": "COLUMNS = {'flat': str, 'rent': float, 'rooms': int}\n",
        "estate/load.py": 'import csv\nimport os\n\nfrom estate.columns import COLUMNS\nfrom estate.store import save\n\n\ndef rents(day):\n    with open(os.environ["WORK"] + f"/upstream/rents/{day}.csv", newline="") as handle:\n        rows = [tuple(kind(row[name]) for name, kind in COLUMNS.items()) for row in csv.DictReader(handle)]\n    save("rents", list(COLUMNS), rows, day)\n',
    },
    ("estate.load:rents",),
    sheet("rents/{day}.csv", lambda n, d, new: {"flat": f"A{n}", "rent": f"{n * 17.5:,.2f}" if new else f"{n * 17.5:.2f}", "rooms": n % 4 + 1}),
    table="rents",
)  # fmt: skip
PERCENT = brief(
    "drift_percent_sign",
    {
        "wool/store.py": STORE, "wool/read.py": READ,
        "wool/load.py": 'from wool.read import read\nfrom wool.store import save\n\n\ndef _share(text):\n    return float(text) / 100\n\n\ndef blends(day):\n    rows = []\n    for blend in read("blends", day):\n        rows.extend((blend["yarn"], fibre, _share(share)) for fibre, share in blend["fibres"].items())\n    save("blends", ["yarn", "fibre", "share"], rows, day)\n',
    },
    ("wool.load:blends",),
    feed("blends/{day}.json", lambda n, d, new: {"yarn": f"Y{n}", "fibres": {f: f"{v}%" if new else str(v) for f, v in (("wool", 60 + n % 30), ("silk", 40 - n % 30))}}),
    table="blends", style="bash",
)  # fmt: skip
ORDER = brief(
    "drift_column_order_by_position",
    {
        "canteen/store.py": STORE,
        "canteen/load.py": 'import csv\nimport os\n\nfrom canteen.store import save\n\nDISH, PORTIONS, PRICE = 0, 1, 2\n\n\ndef meals(day):\n    with open(os.environ["WORK"] + f"/upstream/meals/{day}.csv", newline="") as handle:\n        reader = csv.reader(handle)\n        next(reader)\n        rows = [(r[DISH], int(r[PORTIONS]), float(r[PRICE])) for r in reader]\n    save("meals", ["dish", "portions", "price"], rows, day)\n',
    },
    ("canteen.load:meals",),
    lambda day, new: {f"meals/{day}.csv": table({k: {"dish": f"Dish {n}", "portions": n % 80, "price": f"{n % 9}.50"}[k] for k in (("dish", "price", "portions") if new else ("dish", "portions", "price"))} for n in numbers(day))},
    table="meals",
)  # fmt: skip
PATTERN = brief(
    "drift_file_name_pattern",
    {
        "toll/store.py": STORE,
        "toll/find.py": 'import os\nimport pathlib\n\n\ndef newest(feed, day):\n    """The newest file of the day; a re-delivery has a higher run number."""\n    return sorted((pathlib.Path(os.environ["WORK"]) / "upstream" / feed).glob(f"{feed}_{day}_*.csv"))[-1]\n',
        "toll/load.py": 'import csv\n\nfrom toll.find import newest\nfrom toll.store import save\n\n\ndef passes(day):\n    with newest("passes", day).open(newline="") as handle:\n        save("passes", ["plate", "eur"], [(r["plate"], r["eur"]) for r in csv.DictReader(handle)], day)\n',
    },
    ("toll.load:passes",),
    lambda day, new: {f"passes/passes_{day.replace('-', '') if new else day}_001.csv": table({"plate": f"B{n}", "eur": n % 7} for n in numbers(day))},
    table="passes", style="taskflow", category=("schema_drift", "code_error", "configuration"),
)  # fmt: skip
TWO = brief(
    "drift_two_fields_at_once",
    {
        "moving/store.py": STORE, "moving/read.py": READ,
        "moving/types.py": "from typing import TypedDict\n\n\nclass Address(TypedDict):\n    street: str\n    postcode: str\n    city: str\n\n\nclass Job(TypedDict):\n    no: int\n    address: Address\n",
        "moving/load.py": 'from moving.read import read\nfrom moving.store import save\nfrom moving.types import Job\n\n\ndef _flat(job: Job) -> tuple:\n    address = job["address"]\n    return job["no"], address["street"], address["postcode"], address["city"]\n\n\ndef jobs(day):\n    save("jobs", ["no", "street", "postcode", "city"], [_flat(j) for j in read("jobs", day)], day)\n',
    },
    ("moving.load:jobs",),
    feed("jobs/{day}.json", lambda n, d, new: {"no": n, "address": {"street_name" if new else "street": f"Road {n}", "postal_code" if new else "postcode": f"{n:05d}", "city": "Kiel"}}),
    table="jobs",
)  # fmt: skip
MART = "create table if not exists {daily} (day date, n bigint, eur double);\ndelete from {daily} where day = date '{{day}}';\ninsert into {daily}\nselect date '{{day}}', count(*), sum(eur) from read_json_auto('{{upstream}}/sales/{{day}}.json');\n"
TABLE = brief(
    "upstream_dag_renamed_its_table",
    {
        "mart/db.py": DUCK,
        "mart/sql/daily.sql": MART.format(daily="daily_sales"),
        "mart/sql/trend.sql": "create table if not exists trend (day date, eur double, seven double);\ndelete from trend where day = date '{day}';\ninsert into trend\nselect day, eur, avg(eur) over (order by day rows between 6 preceding and current row)\nfrom daily_sales\nqualify day = date '{day}';\n",
        "mart/steps.py": 'from mart.db import run_file\n\n\ndef daily(day):\n    run_file("daily", day=day)\n\n\ndef trend(day):\n    run_file("trend", day=day)\n',
        "dags/mart_daily.py": 'import pendulum\nfrom airflow.providers.standard.operators.python import PythonOperator\nfrom airflow.sdk import DAG, Asset\nfrom mart.steps import daily\n\nwith DAG("mart_daily", schedule="@daily", start_date=pendulum.datetime(2026, 11, 1, tz="UTC"), catchup=False):\n    PythonOperator(task_id="daily", python_callable=daily, op_args=["{{ ds }}"], outlets=[Asset("duckdb://warehouse/daily_sales")])\n',
    },
    ("mart.steps:trend",),
    feed("sales/{day}.json", lambda n, d, new: {"sale": n, "eur": n * 1.5}),
    dag_id="mart_trend", dags=("mart_daily", "mart_trend"), category=("code_error", "schema_drift", "dependency"),
    later={"mart/sql/daily.sql": "alter table if exists daily_sales rename to fct_sales_daily;\n" + MART.format(daily="fct_sales_daily")}, later_message="Name the fact table as the others",
    drive="from mart.steps import daily, trend\ndaily(day)\ntrend(day)", probe=DUCKDB.format(query="select day::varchar, eur from trend order by 1"),
)  # fmt: skip
TYPO_SQL = "create or replace table stays_raw as select * from read_json_auto('{upstream}/stays/{day}.json');\n"
STAYS = "create table if not exists stays (hut varchar, guests bigint, day date);\ndelete from stays where day = date '{day}';\ninsert into stays\nselect hut, sum(guests), date '{day}'\nfrom stays_raw\ngroup by hut\n"
TYPO = brief(
    "commit_typo_in_sql_column",
    {"huts/db.py": DUCK, "huts/sql/raw.sql": TYPO_SQL, "huts/sql/stays.sql": STAYS + "order by hut;\n", "huts/steps.py": 'from huts.db import run_file\n\n\ndef raw(day):\n    run_file("raw", day=day)\n\n\ndef stays(day):\n    run_file("stays", day=day)\n'},
    ("huts.steps:raw", "huts.steps:stays"),
    feed("stays/{day}.json", lambda n, d, new: {"hut": f"H{n % 3}", "guests": n % 9}),
    later={"huts/sql/stays.sql": STAYS.replace("sum(guests)", "coalesce(sum(guest), 0)") + "order by hut;\n"}, later_message="Count a hut without guests as 0",
    probe=DUCKDB.format(query="select hut, guests::bigint, day::varchar from stays order by day, hut"), category=("code_error", "schema_drift"), style="bash",
)  # fmt: skip
PATHS = 'import os\nimport pathlib\n\nROOT = pathlib.Path(os.environ["WORK"])\nLANDING = ROOT / "upstream" / "guide_books"\n'
TYPO_PATH = brief(
    "trap_typo_in_path_looks_late",
    {
        "guides/store.py": STORE, "guides/paths.py": PATHS,
        "guides/load.py": 'import json\n\nfrom guides.paths import LANDING\nfrom guides.store import save\n\n\ndef books(day):\n    rows = json.loads((LANDING / f"{day}.json").read_text())\n    save("books", ["isbn", "copies"], [(b["isbn"], b["copies"]) for b in rows], day)\n',
    },
    ("guides.load:books",),
    feed("guide_books/{day}.json", lambda n, d, new: {"isbn": f"978-{n:05d}", "copies": n % 30}),
    later={"guides/paths.py": PATHS.replace("guide_books", "guidebooks")}, later_message="Tidy the paths", category=("code_error", "configuration"), table="books",
)  # fmt: skip
FORMAT = "def label(no, country):\n    return f'{country}-{no:05d}'\n"
SIGNATURE = brief(
    "signature_swapped_by_commit",
    {
        "permits/store.py": STORE, "permits/read.py": READ, "permits/labels.py": FORMAT,
        "permits/cars.py": "from permits.labels import label\n\n\ndef rows(raw):\n    return [(label(r['no'], r['country']), 'car') for r in raw]\n",
        "permits/dogs.py": "from permits.labels import label\n\n\ndef rows(raw):\n    return [(label(r['tag'], r['country']), 'dog') for r in raw]\n",
        "permits/load.py": 'from permits import cars, dogs\nfrom permits.read import read\nfrom permits.store import save\n\n\ndef permits(day):\n    got = read("permits", day)\n    save("permits", ["label", "kind"], cars.rows(got["cars"]) + dogs.rows(got["dogs"]), day)\n',
    },
    ("permits.load:permits",),
    lambda day, new: {f"permits/{day}.json": json.dumps({"cars": [{"no": n, "country": "DE"} for n in numbers(day)], "dogs": [{"tag": n, "country": "AT"} for n in numbers(day)]})},
    later={"permits/labels.py": "def label(*, country, no):\n    return f'{country}-{no:05d}'\n", "permits/cars.py": "from permits.labels import label\n\n\ndef rows(raw):\n    return [(label(no=r['no'], country=r['country']), 'car') for r in raw]\n"}, later_message="Name the arguments of label",
    category=("code_error",), table="permits",
)  # fmt: skip
SPECS = (
    NAMED, MERGE, HEADER, SEMICOLON, ENCODING, MONEY_OBJECT, KEYED, THOUSANDS, PERCENT, ORDER, PATTERN, TWO, TABLE,
    TYPO, TYPO_PATH, SIGNATURE,
)  # fmt: skip
