"""Fifth batch, fifth part: what is no code fault, and looks like one or like another; written blind."""

from __future__ import annotations

import gzip
import json

from brief import STORE, brief
from case_maker import HOLD, NOTIFY, RETRY
from pipelines_fifth_a import feed, numbers, sheet, table
from pipelines_fifth_b import CLIENT
from pipelines_fifth_d import READ

SOFT_CLIENT = CLIENT.replace(
    "            return json.load(answer)\n",
    '            body = json.load(answer)\n            log.warning("answer of %s begins %s", path, json.dumps(body)[:160])\n            return body\n',
)
SOFT_ERROR = brief(
    "trap_error_inside_a_200",
    {
        "courier/store.py": STORE, "courier/client.py": SOFT_CLIENT,
        "courier/jobs.py": 'from courier.client import get\nfrom courier.store import save\n\n\ndef jobs(day):\n    body = get(f"jobs/{day}.json")\n    save("jobs", ["job", "km"], [(j["id"], j["km"]) for j in body["items"]], day)\n',
    },
    ("courier.jobs:jobs",),
    feed("jobs/{day}.json", lambda n, d, new: {"id": n, "km": n % 30}, lambda rows, d, new: {"items": rows}),
    action=RETRY, category=("transient_upstream",), api=True, table="jobs",
    faults=json.dumps({"jobs": {"status": 200, "first": 3, "body": '{"status": "error", "code": "SERVICE_UNAVAILABLE", "message": "Search backend is restarting, try again in a few minutes"}'}}),
)  # fmt: skip
GATEWAY = brief(
    "trap_504_in_mapped_tasks",
    {
        "weather/store.py": STORE, "weather/client.py": CLIENT,
        "weather/grid.py": 'from weather.client import get\nfrom weather.store import save\n\nTILES = [f"t{n}" for n in range(6)]\n\n\ndef tile(name, day):\n    save("tiles", ["tile", "mm"], [(name, hour["mm"]) for hour in get(f"tiles/{day}/{name}.json")["hours"]], f"{day}/{name}")\n',
        "dags/weather_grid.py": 'import pendulum\nfrom airflow.sdk import dag, task, task_group\nfrom weather.grid import TILES, tile\n\n\n@dag(schedule="@daily", start_date=pendulum.datetime(2026, 11, 1, tz="UTC"), catchup=False)\ndef weather_grid():\n    @task_group\n    def tiles():\n        @task(retries=0)\n        def fetch(name, ds=None):\n            tile(name, ds)\n\n        fetch.expand(name=TILES)\n\n    tiles()\n\n\nweather_grid()\n',
    },
    ("weather.grid:tile",),
    lambda day, new: {f"tiles/{day}/t{t}.json": json.dumps({"hours": [{"mm": h / 2} for h in range(4)]}) for t in range(6)},
    dag_id="weather_grid", task_ids=("tiles.fetch",), root=("weather_grid", None), action=RETRY, category=("transient_upstream",), api=True,
    drive="from weather.grid import TILES, tile\nfor name in TILES:\n    tile(name, day)", table="tiles",
    faults=json.dumps({"tiles": {"status": 504, "first": 9, "body": '{"message": "Endpoint request timed out"}'}}),
)  # fmt: skip
DEADLOCK = brief(
    "trap_deadlock_behind_sql_gateway",
    {
        "orders9/store.py": STORE, "orders9/client.py": CLIENT,
        "orders9/sql.py": 'from orders9.client import get\n\n\nclass OperationalError(Exception):\n    pass\n\n\ndef select(name, day):\n    """The warehouse is reached through its HTTP gateway."""\n    body = get(f"{name}/{day}.json")\n    if body.get("sqlstate"):\n        raise OperationalError(f"({body[\'sqlstate\']}) {body[\'message\']}")\n    return body["rows"]\n',
        "orders9/load.py": 'from orders9.sql import select\nfrom orders9.store import save\n\n\ndef load(day):\n    save("orders", ["no", "net"], select("open_orders", day), day)\n',
    },
    ("orders9.load:load",),
    lambda day, new: {f"open_orders/{day}.json": json.dumps({"rows": [[n, n * 2] for n in numbers(day)]})},
    action=RETRY, category=("transient_upstream", "infrastructure", "resource"), api=True, table="orders",
    faults=json.dumps({"open_orders": {"status": 200, "first": 3, "body": '{"sqlstate": "40P01", "message": "deadlock detected\\nDETAIL:  Process 8123 waits for ShareLock on transaction 7741; blocked by process 8130."}'}}),
)  # fmt: skip
FORBIDDEN = brief(
    "trap_403_scope_missing",
    {
        "hr/store.py": STORE, "hr/client.py": CLIENT,
        "hr/staff.py": 'from hr.client import get\nfrom hr.store import save\n\n\ndef staff(day):\n    save("staff", ["id", "team"], [(s["id"], s["team"]) for s in get(f"staff/{day}.json")], day)\n',
    },
    ("hr.staff:staff",),
    feed("staff/{day}.json", lambda n, d, new: {"id": n, "team": "abc"[n % 3]}),
    action=NOTIFY, category=("credential",), api=True, table="staff", style="taskflow",
    faults=json.dumps({"staff": {"status": 403, "first": 9999, "body": '{"error": "insufficient_scope", "message": "Client airflow-prod lacks scope hr.read since the access review"}'}}),
)  # fmt: skip
PACKAGE = brief(
    "trap_package_not_in_the_image",
    {
        "geo/store.py": STORE, "geo/read.py": READ, "requirements.txt": "pandas>=2\n",
        "geo/places.py": 'from geo.read import read\nfrom geo.store import save\n\n\ndef places(day):\n    save("places", ["name", "lat"], [(p["name"], p["lat"]) for p in read("places", day)], day)\n',
    },
    ("geo.places:places",),
    feed("places/{day}.json", lambda n, d, new: {"name": f"P{n}", "lat": n / 3}),
    later={"requirements.txt": "pandas>=2\nh3>=4\n", "geo/places.py": 'import h3\n\nfrom geo.read import read\nfrom geo.store import save\n\n\ndef places(day):\n    save("places", ["name", "cell"], [(p["name"], h3.latlng_to_cell(p["lat"], 13.4, 7)) for p in read("places", day)], day)\n'},
    later_message="Store the H3 cell of each place", action=NOTIFY, category=("dependency", "configuration", "infrastructure"), table="places",
)  # fmt: skip
CONNECTION = brief(
    "trap_connection_not_defined",
    {
        "ledger/store.py": STORE, "ledger/read.py": READ, "ledger/target.py": 'def prefix():\n    return "ledger"\n',
        "ledger/book.py": 'from ledger.read import read\nfrom ledger.store import save\nfrom ledger.target import prefix\n\n\ndef book(day):\n    save(prefix() + "_book", ["entry", "eur"], [(e["entry"], e["eur"]) for e in read("entries", day)], day)\n',
    },
    ("ledger.book:book",),
    feed("entries/{day}.json", lambda n, d, new: {"entry": n, "eur": n * 4}),
    later={"ledger/target.py": 'from airflow.sdk import Connection\n\n\ndef prefix():\n    return Connection.get("ledger_target").schema\n'},
    later_message="Take the prefix from the connection that ops create", action=NOTIFY, category=("configuration", "credential"), table="ledger_book",
)  # fmt: skip
DISK = brief(
    "trap_no_space_left",
    {
        "scans/store.py": STORE, "scans/read.py": READ,
        "scans/load.py": 'from scans.read import read\nfrom scans.store import save\n\n\ndef load(day):\n    rows = [(s["id"], s["pages"]) for s in read("scans", day)]\n    target = read("mounts", day)["spool"]\n    with open(target, "w", encoding="utf-8") as handle:\n        handle.write(repr(rows))\n    save("scans", ["id", "pages"], rows, day)\n',
    },
    ("scans.load:load",),
    lambda day, new: {f"scans/{day}.json": json.dumps([{"id": n, "pages": n % 9} for n in numbers(day)]), f"mounts/{day}.json": json.dumps({"spool": "/dev/full" if new else "/dev/null"})},
    action=NOTIFY, category=("infrastructure", "resource"), table="scans",
)  # fmt: skip
TRUNCATED = brief(
    "late_truncated_gzip",
    {
        "cdr/store.py": STORE,
        "cdr/calls.py": 'import csv\nimport gzip\nimport os\n\nfrom cdr.store import save\n\n\ndef calls(day):\n    with gzip.open(os.environ["WORK"] + f"/upstream/calls/{day}.csv.gz", "rt", newline="") as handle:\n        save("calls", ["call", "seconds"], [(c["call"], c["seconds"]) for c in csv.DictReader(handle)], day)\n',
    },
    ("cdr.calls:calls",),
    lambda day, new: {f"calls/{day}.csv.gz": gzip.compress(table({"call": n, "seconds": n * 13 % 600} for n in numbers(day)).encode())[: -20 if new else None]},
    action=HOLD, category=("late_data", "bad_data"), table="calls", root_task=None,
)  # fmt: skip
EMPTY = brief(
    "late_empty_csv_pandas",
    {
        "shifts/store.py": STORE,
        "shifts/load.py": 'import os\n\nimport pandas as pd\n\nfrom shifts.store import save\n\n\ndef shifts(day):\n    frame = pd.read_csv(os.environ["WORK"] + f"/upstream/shifts/{day}.csv")\n    save("shifts", ["who", "hours"], frame[["who", "hours"]].astype(object).values.tolist(), day)\n',
    },
    ("shifts.load:shifts",),
    lambda day, new: {f"shifts/{day}.csv": "" if new else table({"who": f"W{n}", "hours": n % 8} for n in numbers(day))},
    action=HOLD, category=("late_data", "bad_data"), table="shifts", root_task=None, style="bash",
)  # fmt: skip
STALE = brief(
    "late_yesterday_delivered_again",
    {
        "bank/store.py": STORE, "bank/read.py": READ,
        "bank/checks.py": 'class WrongBusinessDate(Exception):\n    pass\n\n\ndef right_day(statement, day):\n    if statement["business_date"] != day:\n        raise WrongBusinessDate(f"the statement is of {statement[\'business_date\']}, wanted {day}")\n',
        "bank/load.py": 'from bank.checks import right_day\nfrom bank.read import read\nfrom bank.store import save\n\n\ndef load(day):\n    statement = read("statements", day)\n    right_day(statement, day)\n    save("bookings", ["no", "amount"], [(b["no"], b["amount"]) for b in statement["bookings"]], day)\n',
    },
    ("bank.load:load",),
    lambda day, new: {f"statements/{day}.json": json.dumps({"business_date": "2026-11-01" if new else day, "bookings": [{"no": n, "amount": n * 3} for n in numbers("2026-11-01" if new else day)]})},
    action=HOLD, category=("late_data", "bad_data"), table="bookings", protected=("bank/checks.py",), root_task=None,
)  # fmt: skip
REFERENTIAL = brief(
    "trap_orphans_after_refactor",
    {
        "club/db.py": 'import os\nimport sqlite3\n\n\ndef connect():\n    con = sqlite3.connect(os.environ["WORK"] + "/store.db")\n    con.execute("pragma foreign_keys = on")\n    con.execute("create table if not exists members (id integer primary key, name text)")\n    con.execute("create table if not exists visits (visit integer primary key, member integer not null references members (id), day text)")\n    return con\n',
        "club/read.py": READ,
        "club/members.py": 'from club.db import connect\nfrom club.read import read\n\n\ndef members(day):\n    with connect() as con:\n        con.executemany("insert or replace into members values (:id, :name)", read("members", day))\n',
        "club/visits.py": 'from club.db import connect\nfrom club.read import read\n\n\ndef visits(day):\n    with connect() as con:\n        con.execute("delete from visits where day = ?", (day,))\n        con.executemany("insert into visits values (:visit, :member, :day)", [{**v, "day": day} for v in read("visits", day)])\n',
    },
    ("club.members:members", "club.visits:visits"),
    lambda day, new: {f"members/{day}.json": json.dumps([{"id": n, "name": f"M{n}"} for n in numbers(day, 3 if new else 8)]), f"visits/{day}.json": json.dumps([{"visit": n, "member": n} for n in numbers(day)])},
    later={"club/members.py": 'from club.db import connect\nfrom club.read import read\n\nUPSERT = "insert or replace into members values (:id, :name)"\n\n\ndef members(day):\n    with connect() as con:\n        con.executemany(UPSERT, read("members", day))\n'},
    action=HOLD, category=("late_data", "bad_data"), table="visits", root_task=None, protected=("club/db.py",),
)  # fmt: skip
SENTINEL = brief(
    "trap_sensor_sentinel_values",
    {
        "kiln/store.py": STORE,
        "kiln/limits.yml": "temperature: {low: 0, high: 1400}\n",
        "kiln/check.py": 'import pathlib\n\nimport yaml\n\nLIMITS = yaml.safe_load((pathlib.Path(__file__).parent / "limits.yml").read_text())\n\n\ndef in_limits(name, values):\n    low, high = LIMITS[name]["low"], LIMITS[name]["high"]\n    wild = [v for v in values if not low <= v <= high]\n    assert not wild, f"{name}: {len(wild)} of {len(values)} values outside [{low}, {high}]: {wild[:3]}"\n',
        "kiln/load.py": 'import csv\nimport os\n\nfrom kiln.check import in_limits\nfrom kiln.store import save\n\n\ndef load(day):\n    with open(os.environ["WORK"] + f"/upstream/kiln/{day}.csv", newline="") as handle:\n        rows = [(r["kiln"], float(r["temperature"])) for r in csv.DictReader(handle)]\n    in_limits("temperature", [t for _, t in rows])\n    save("kiln", ["kiln", "temperature"], rows, day)\n',
    },
    ("kiln.load:load",),
    sheet("kiln/{day}.csv", lambda n, d, new: {"kiln": f"K{n}", "temperature": 99999 if new and n % 3 == 0 else 900 + n}),
    action=HOLD, category=("bad_data",), table="kiln", root_task=None, protected=("kiln/check.py", "kiln/limits.yml"), style="taskflow",
)  # fmt: skip
SENSOR = brief(
    "late_sensor_ran_out_of_time",
    {
        "port/store.py": STORE,
        "port/arrived.py": 'import os\n\n\ndef manifest(day):\n    return os.path.exists(os.environ["WORK"] + f"/upstream/manifests/{day}.done")\n\n\ndef wait(day):\n    from airflow.providers.standard.sensors.python import PythonSensor\n\n    PythonSensor(task_id="wait_inner", python_callable=manifest, op_args=[day], poke_interval=0.2, timeout=0.6).execute({})\n',
        "port/load.py": 'import csv\nimport os\n\nfrom port.store import save\n\n\ndef load(day):\n    with open(os.environ["WORK"] + f"/upstream/manifests/{day}.csv", newline="") as handle:\n        save("ships", ["ship", "teu"], [(r["ship"], r["teu"]) for r in csv.DictReader(handle)], day)\n',
    },
    ("port.arrived:wait", "port.load:load"),
    lambda day, new: {f"manifests/{day}.csv": table({"ship": f"S{n}", "teu": n * 10} for n in numbers(day))} | ({} if new else {f"manifests/{day}.done": ""}),
    action=HOLD, category=("late_data",), table="ships", task_ids=("wait",), root_task=None,
)  # fmt: skip
SPECS = (
    SOFT_ERROR, GATEWAY, DEADLOCK, FORBIDDEN, PACKAGE, CONNECTION, DISK, TRUNCATED, EMPTY, STALE, REFERENTIAL, SENTINEL,
    SENSOR,
)  # fmt: skip
