"""Seventh batch, third part: written by an author who has seen neither the product nor the earlier cases."""

from __future__ import annotations

from brief import STORE, brief
from case_maker import FIX, Spec
from pipelines_seventh_a import ANY, LANDING, Files, dice, dump, sheet


class _NoMatter(str):
    """An empty name that counts as given: the judge asks for no particular DAG."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


def _hours(day: str, new: bool) -> Files:
    luck, rows = dice("hours", day), []
    for n in range(12):
        who = 1001 + n
        rows.append({"employee": f"E-{who:06}" if new else who, "day": day, "hours": luck.choice((4, 7.5, 8, 8.25))})
    return {f"timesheets/{day}.json": dump({"entries": rows})}


HOURS_PROBE = """
import duckdb
con = duckdb.connect(os.environ["WAREHOUSE"], read_only=True)
result = [[str(v) for v in r] for r in con.execute("select * from fct_hours order by all").fetchall()]
"""

# FIX. The time clock writes employee numbers as E-001001 where it wrote 1001; try_cast made NULL of them, nothing
# joined, and two steps later the check finds people without a department. Each number behind the prefix is one of the
# reference table. Right: take the digits, at ingest or in the SQL; the check stays.
HOURS = brief(
    "sev_timesheet_ids",
    {
        "hr/data/employees.csv": "employee_id,department\n"
        + "".join(f"{1001 + n},{('Care', 'Kitchen', 'Office')[n % 3]}\n" for n in range(12)),
        "hr/sql/stg_hours.sql": """
create or replace table stg_hours as
select try_cast(employee as integer) as employee_id, cast(day as date) as day, cast(hours as double) as hours
from raw_hours
""",
        "hr/sql/fct_hours.sql": """
create or replace table fct_hours as
select h.day, h.employee_id, e.department, sum(h.hours) as hours
from stg_hours h left join employees e using (employee_id)
group by all
""",
        "hr/db.py": """
import os
from pathlib import Path

import duckdb

HERE = Path(__file__).parent


def connect():
    return duckdb.connect(os.environ["WAREHOUSE"])


def run_model(con, name):
    con.execute((HERE / "sql" / f"{name}.sql").read_text())
""",
        "hr/hours.py": """
import json
import os

from hr.db import HERE, connect, run_model


def load_hours(day):
    with open(f"{os.environ['WORK']}/upstream/timesheets/{day}.json") as file:
        entries = json.load(file)["entries"]
    with connect() as con:
        con.execute("create table if not exists raw_hours (employee varchar, day varchar, hours varchar)")
        con.execute("delete from raw_hours where day = ?", [day])
        con.executemany("insert into raw_hours values (?, ?, ?)",
                        [[str(e["employee"]), e["day"], str(e["hours"])] for e in entries])


def build_hours(day):
    with connect() as con:
        con.execute(f"create or replace table employees as from read_csv('{HERE}/data/employees.csv')")
        run_model(con, "stg_hours")
        run_model(con, "fct_hours")


def check_departments(day):
    with connect() as con:
        lost, = con.execute("select count(*) from fct_hours where day = ? and department is null", [day]).fetchone()
    if lost:
        raise ValueError(f"fct_hours: {lost} rows of {day} have no department")
""",
    },
    ("hr.hours:load_hours", "hr.hours:build_hours", "hr.hours:check_departments"),
    _hours,
    probe=HOURS_PROBE,
    root_task=None,
    category=ANY,
)


def _journal(day: str, new: bool) -> Files:
    luck, rows = dice("journal", day), []
    for entity in ("AT10", "DE20", "PL30"):
        for n in range(12):
            rows.append({"entity": entity, "doc": f"{entity}-{day[8:]}{n:03}",
                         "account": luck.choice(("4000", "4400")),
                         "debit": luck.randrange(90000) / 100, "credit": luck.randrange(90000) / 100})  # fmt: skip
    return {f"journal/{day}.csv": sheet(rows)}


_LEDGER = """
import pandas as pd

from ledger.landing import landing
from ledger.store import save


def net(part):
    part = part.assign(net=(part["debit"] - part["credit"]).round(2))
    return part[["doc", "entity", "account", "net"]]


def post_journal(day):
    frame = pd.read_csv(landing("journal", f"{day}.csv"), dtype={"account": "str"})
"""
_POST = """    rows = [[str(d), str(e), str(a), float(n)] for d, e, a, n in posted.itertuples(index=False)]
    save("postings", ["doc", "entity", "account", "net"], rows, day)
"""

# FIX. A tidying commit collects the parts with DataFrame.append, which pandas took away in 2.0. Right: pd.concat as
# before the commit (or the commit undone).
LEDGER = brief(
    "sev_ledger_append",
    {
        "ledger/store.py": STORE,
        "ledger/landing.py": LANDING,
        "ledger/post.py": _LEDGER
        + """    posted = pd.concat([net(part) for _, part in frame.groupby("entity")])
"""
        + _POST,
    },
    ("ledger.post:post_journal",),
    _journal,
    table="postings",
    later={
        "ledger/post.py": _LEDGER
        + """    posted = pd.DataFrame(columns=["doc", "entity", "account", "net"])
    for entity, part in frame.groupby("entity"):
        print(f"{entity}: {len(part)} documents")
        posted = posted.append(net(part), ignore_index=True)
"""
        + _POST
    },
    later_message="Log the documents of each entity",
    category=ANY,
)


def _load(day: str, new: bool) -> Files:
    luck = dice("load", day)
    rows = [{"station": s, "quarter": q, "mw": round(luck.uniform(3, 60), 2)}
            for s in ("UW-Nord", "UW-Hafen", "UW-Sued") for q in range(16)]  # fmt: skip
    return {f"load/{day}.json": dump(rows)}


_GRID = """
import os

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset

REPO = os.environ.get("PIPELINE_REPO", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PY = os.environ.get("PIPELINE_PYTHON", "python")

with DAG("%(dag)s", schedule=%(when)s, start_date=pendulum.datetime(2026, 11, 1, tz="UTC"), catchup=False):
    BashOperator(task_id="%(task)s", cwd=REPO, append_env=True, bash_command=f"{PY} -m grid %(say)s {{{{ ds }}}}",
                 outlets=[Asset("duckdb://warehouse/%(out)s")])
"""
_STG_GRID = """
create or replace table stg_load as
select station, cast(quarter as integer) as quarter, %s, ds
from raw_load
"""

# FIX. A commit renamed a column of the staging model to say its unit (mw -> load_mw) and forgot the mart one DAG
# further, which fails. Right: the mart asks for load_mw (or staging gives mw again); fct_peak_load stays as it was.
GRID = Spec(
    name="sev_grid_mart_column",
    files={
        "grid/__init__.py": '"""Load of the substations."""\n',
        "grid/__main__.py": """
import sys

from grid import steps

if __name__ == "__main__":
    step, *rest, ds = sys.argv[1:]
    getattr(steps, step)(*rest, ds)
""",
        "grid/steps.py": """
import json
import os
from pathlib import Path

import duckdb

SQL = Path(__file__).resolve().parents[1] / "models"


def ingest(ds):
    rows = json.loads(Path(os.environ["WORK"], "upstream", "load", f"{ds}.json").read_text())
    with duckdb.connect(os.environ["WAREHOUSE"]) as con:
        con.execute("create table if not exists raw_load (station varchar, quarter integer, mw double, ds varchar)")
        con.execute("delete from raw_load where ds = ?", [ds])
        values = [[r["station"], r["quarter"], r["mw"], ds] for r in rows]
        con.executemany("insert into raw_load values (?, ?, ?, ?)", values)


def model(name, ds):
    with duckdb.connect(os.environ["WAREHOUSE"]) as con:
        con.execute((SQL / f"{name}.sql").read_text())
""",
        "models/stg_load.sql": _STG_GRID % "mw",
        "models/fct_peak_load.sql": """
create or replace table fct_peak_load as
with ranked as (
    select *, row_number() over (partition by station, ds order by mw desc, quarter) as place from stg_load
)
select ds, station, quarter as peak_quarter, mw as peak_mw
from ranked
where place = 1
""",
        "dags/grid_ingest.py": _GRID
        % {"dag": "grid_ingest", "when": '"@daily"', "task": "ingest_load", "say": "ingest", "out": "raw_load"},
        "dags/grid_staging.py": _GRID
        % {"dag": "grid_staging", "when": '[Asset("duckdb://warehouse/raw_load")]', "task": "stg_load",
           "say": "model stg_load", "out": "stg_load"},
        "dags/grid_marts.py": _GRID
        % {"dag": "grid_marts", "when": '[Asset("duckdb://warehouse/stg_load")]', "task": "fct_peak_load",
           "say": "model fct_peak_load", "out": "fct_peak_load"},
    },
    dag_id="grid_marts",
    task_ids=("fct_peak_load",),
    action=FIX,
    render=_load,
    later={"models/stg_load.sql": _STG_GRID % "mw as load_mw"},
    later_message="Name the unit of the load in staging",
    dags=("grid_ingest", "grid_staging", "grid_marts"),
    drive="""
from grid import steps
steps.ingest(day)
steps.model("stg_load", day)
steps.model("fct_peak_load", day)
""",
    probe=HOURS_PROBE.replace("fct_hours", "fct_peak_load"),
    root=(_NoMatter(""), None),
)  # fmt: skip


def _payroll(day: str, new: bool) -> Files:
    luck, rows = dice("payroll", day), []
    for n in range(16):
        rows.append({"personnel_no": f"{3000 + n}", "wage_type": luck.choice(("1000", "1210", "2300")),
                     "amount": f"{luck.uniform(20, 4800):.2f}", "currency": "EUR",
                     "cost_centre": luck.choice(("K10", "K77")), "approved_by": "hrbp"})  # fmt: skip
    was = ("personnel_no", "wage_type", "amount", "currency", "cost_centre")
    now = ("personnel_no", "cost_centre", "wage_type", "approved_by", "currency", "amount")
    names = now if new else was
    return {f"payroll/{day}.csv": sheet([{c: r[c] for c in names} for r in rows], ";", names)}


# FIX. The payroll file has its columns in another order and one more; names and values are the same, but the code
# counts columns. Right: go by the header's names.
PAYROLL = brief(
    "sev_payroll_columns",
    {
        "payroll/store.py": STORE,
        "payroll/landing.py": LANDING,
        "payroll/wages.py": """
import csv
from collections import namedtuple

from payroll.landing import landing
from payroll.store import save

Wage = namedtuple("Wage", "person wage_type amount currency cost_centre")


def read_wages(path):
    with open(path, newline="") as file:
        reader = csv.reader(file, delimiter=";")
        next(reader)  # header
        for row in reader:
            yield Wage(row[0], row[1], float(row[2]), row[3], row[4])


def load_wages(day):
    wages = list(read_wages(landing("payroll", f"{day}.csv")))
    if any(wage.currency != "EUR" for wage in wages):
        raise ValueError("payroll in another currency than EUR")
    save("wages", Wage._fields, [tuple(wage) for wage in wages], day)
""",
    },
    ("payroll.wages:load_wages",),
    _payroll,
    table="wages",
    style="taskflow",
)


def _invoices(day: str, new: bool) -> Files:
    luck, rows = dice("invoices", day), []
    for n in range(28):
        currency = ("EUR", "EUR", "JPY", "USD")[n % 4]
        digits = 0 if currency == "JPY" else 2
        minor = luck.randrange(900, 900000)
        total = minor if digits == 0 else minor / 100
        money = {"total_minor": minor, "currency_exponent": digits} if new else {"total": total}
        rows.append({"invoice": f"R{day[8:]}{n:04}", "customer": f"K{n % 9}", "currency": currency, **money})
    return {f"invoices/{day}.json": dump({"invoices": rows})}


# FIX. Totals come in minor units with the currency's exponent (yen have none) and no longer as total. Ingest asks with
# .get and stores NULL; two steps later the check on the mart fails. Right: total_minor / 10 ** currency_exponent where
# total is missing. Who divides all of them by 100 makes the yen wrong.
INVOICES = brief(
    "sev_invoice_minor_units",
    {
        "billing/landing.py": LANDING,
        "billing/sql/revenue.sql": """
insert into revenue
select customer, currency, day, count(*) as invoices, round(sum(total), 2) as total
from invoices
where day = :day
group by customer, currency, day
""",
        "billing/steps.py": """
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from billing.landing import landing

TABLES = '''
create table if not exists invoices (invoice, customer, currency, total real, day);
create table if not exists revenue (customer, currency, day, invoices, total);
'''
FIELDS = ("invoice", "customer", "currency", "total")


def database():
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    con.executescript(TABLES)
    return closing(con)


def ingest_invoices(day):
    items = json.loads(landing("invoices", f"{day}.json").read_text())["invoices"]
    rows = [[item.get(field) for field in FIELDS] + [day] for item in items]
    with database() as con, con:
        con.execute("delete from invoices where day = ?", (day,))
        con.executemany("insert into invoices values (?, ?, ?, ?, ?)", rows)
    print(f"{len(rows)} invoices of {day}")


def build_revenue(day):
    sql = Path(__file__).with_name("sql").joinpath("revenue.sql").read_text()
    with database() as con, con:
        con.execute("delete from revenue where day = ?", (day,))
        con.execute(sql, {"day": day})


def check_revenue(day):
    with database() as con:
        empty = con.execute("select count(*) from revenue where day = ? and total is null", (day,)).fetchone()[0]
    assert not empty, f"revenue of {day}: total is null in {empty} rows"
""",
    },
    ("billing.steps:ingest_invoices", "billing.steps:build_revenue", "billing.steps:check_revenue"),
    _invoices,
    table="revenue",
    root_task=None,
    style="bash",
    category=ANY,
)

SEVENTH_C: tuple[Spec, ...] = (HOURS, LEDGER, GRID, PAYROLL, INVOICES)
