"""First fresh batch, code: a commit, an import, an Airflow name, a template; written before they were tried."""

from __future__ import annotations

import json
from collections.abc import Mapping

from brief import DAG_HEAD, STARTS, STORE, brief
from case_maker import FIX, NOTIFY, Spec
from pipelines_drift import _rows

CODE = ("code_error", "dependency")
RATES = '''
"""What a stay costs."""

TAX = 0.07


def nights(stay):
    return stay["nights"]


def price(stay):
    return round(nights(stay) * stay["rate"] * (1 + TAX), 2)


def share(total, count):
    return total / count if count else 0.0
'''
STAYS = """
import json
import os
from datetime import date, timedelta

from inn.rates import price, share
from inn.store import save


def window(day):
    start = date.fromisoformat(day)
    return start, start + timedelta(days=1)


def stays(day):
    first, last = window(day)
    with open(os.environ["WORK"] + f"/upstream/stays/{day}.json") as feed:
        found = [s for s in json.load(feed) if first.isoformat() <= s["arrival"] < last.isoformat()]
    rows = [(s["stay"], price(s)) for s in found]
    save("stays", ["stay", "price"], rows, day)


def check(day):
    import sqlite3

    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    got = con.execute("select count(*), coalesce(sum(price), 0) from stays where day = ?", (day,)).fetchone()
    with open(os.environ["WORK"] + f"/upstream/control/{day}.json") as control:
        want = json.load(control)
    if got[0] != want["stays"] or abs(got[1] - want["revenue"]) > 0.01:
        raise AssertionError(f"control of {day}: expected {want}, got {got}")
"""
FILES = {"inn/store.py": STORE, "inn/rates.py": RATES, "inn/stays.py": STAYS}


def _stays(day: str, new: bool) -> Mapping[str, str]:
    stays = [{"stay": f"S{n}", "nights": n % 5 + 1, "rate": 70 + n % 9, "arrival": day} for n in _rows(day)]
    revenue = sum(round(s["nights"] * s["rate"] * 1.07, 2) for s in stays)  # type: ignore[operator]
    return {
        f"stays/{day}.json": json.dumps(stays),
        f"control/{day}.json": json.dumps({"stays": len(stays), "revenue": round(revenue, 2)}),
    }


def _inn(name: str, later: Mapping[str, str], *, task: str = "stays", **more) -> Spec:  # type: ignore[no-untyped-def]
    given = {
        "files": FILES,
        "steps": ("inn.stays:stays", "inn.stays:check"),
        "category": CODE,
        "root_task": task,
        **more,
    }
    files, steps = given.pop("files"), given.pop("steps")
    return brief(
        name, files, steps, _stays, table="stays", later=later, task_ids=(task,), dag_id=f"inn_{name}", **given
    )


OFF_BY_ONE = _inn("off_by_one", {"inn/stays.py": STAYS.replace("timedelta(days=1)", "timedelta(days=0)")}, task="check")
SIGNATURE = _inn(
    "signature_changed",
    {
        "inn/rates.py": RATES.replace("def price(stay):", "def price(stay, season):").replace(
            "(1 + TAX), 2)", "(1 + TAX) * season, 2)"
        )
    },
)
DEEP_HELPER = _inn(
    "deep_helper", {"inn/rates.py": RATES.replace('return stay["nights"]', 'return stay["night_count"]')}
)
ATTRIBUTE_TYPO = _inn("attribute_typo", {"inn/stays.py": STAYS.replace("first.isoformat()", "first.isofromat()")})
NEW_FILE_TYPO = _inn(
    "typo_in_new_file",
    {
        "inn/rounding.py": "\ndef to_cents(amount):\n    cents = round(amount * 100)\n    return cnets / 100\n",
        "inn/rates.py": RATES.replace(
            '"""What a stay costs."""', '"""What a stay costs."""\n\nfrom inn.rounding import to_cents'
        ).replace(
            'return round(nights(stay) * stay["rate"] * (1 + TAX), 2)',
            'return to_cents(nights(stay) * stay["rate"] * (1 + TAX))',
        ),
    },
)
NAIVE_AWARE = _inn(
    "naive_and_aware",
    {
        "inn/stays.py": STAYS.replace(
            "from datetime import date, timedelta", "from datetime import date, datetime, timedelta, timezone"
        ).replace(
            "    rows = [",
            "    if datetime.fromisoformat(day) > datetime.now(timezone.utc):\n        return\n    rows = [",
        )
    },
)
WRONG_TAX = _inn(
    "wrong_constant", {"inn/rates.py": RATES.replace("TAX = 0.07", "TAX = 0.7")}, task="check", style="taskflow"
)
MISSING_IMPORT = _inn(
    "import_dropped",
    {"inn/stays.py": STAYS.replace("from datetime import date, timedelta", "from datetime import timedelta")},
    style="bash",
)
MOVED_MODULE = _inn(
    "module_moved",
    {"inn/rates.py": "", "inn/pricing/__init__.py": '"""Prices."""\n', "inn/pricing/rates.py": RATES},
)
TWO_COMMITS = _inn(
    "refactored_beside",
    {
        "inn/stays.py": STAYS.replace("def window(day):", 'def window(day):\n    """First and last day."""').replace(
            'rows = [(s["stay"], price(s)) for s in found]',
            'rows = []\n    for s in found:\n        rows.append((s["stay"], price(s["rates"])))',
        )
    },
)
SQL = {
    "tram/store.py": STORE,
    "tram/sql/daily.sql": "select line, sum(riders) as riders\nfrom raw_riders\nwhere day = :day\ngroup by line\n",
    "tram/daily.py": """
import json
import os
import pathlib
import sqlite3

from tram.store import save

SQL = pathlib.Path(__file__).parent / "sql"


def land(day):
    with open(os.environ["WORK"] + f"/upstream/riders/{day}.json") as feed:
        save("raw_riders", ["line", "stop", "riders"], [(r["line"], r["stop"], r["riders"]) for r in json.load(feed)], day)


def daily(day):
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    rows = con.execute((SQL / "daily.sql").read_text(), {"day": day}).fetchall()
    con.close()
    save("riders_daily", ["line", "riders"], rows, day)


def check_total(day):
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    a = con.execute("select sum(riders) from raw_riders where day = ?", (day,)).fetchone()[0]
    b = con.execute("select sum(riders) from riders_daily where day = ?", (day,)).fetchone()[0]
    if a != b:
        raise AssertionError(f"riders of {day}: raw {a}, daily {b}")
""",
}


def _riders(day: str, new: bool) -> Mapping[str, str]:
    return {f"riders/{day}.json": json.dumps([{"line": "ABC"[n % 3], "stop": n, "riders": n % 40} for n in _rows(day)])}


def _tram(name: str, later: Mapping[str, str], task: str, **more) -> Spec:  # type: ignore[no-untyped-def]
    return brief(
        name,
        SQL,
        ("tram.daily:land", "tram.daily:daily", "tram.daily:check_total"),
        _riders,
        table="riders_daily",
        later=later,
        category=CODE,
        root_task=task,
        task_ids=(task,),
        dag_id=f"tram_{name}",
        **more,
    )


SQL_TYPO = _tram(
    "sql_typo", {"tram/sql/daily.sql": SQL["tram/sql/daily.sql"].replace("sum(riders)", "sum(rider)")}, "daily"
)
SQL_SYNTAX = _tram(
    "sql_syntax",
    {"tram/sql/daily.sql": SQL["tram/sql/daily.sql"].replace("from raw_riders\nwhere", "from raw_riders,\nwhere")},
    "daily",
    style="bash",
)
NO_FILTER = _tram(
    "partition_filter_lost",
    {
        "tram/sql/daily.sql": SQL["tram/sql/daily.sql"].replace(
            "where day = :day\n", "-- :day\nwhere :day is not null\n"
        )
    },
    "check_total",
)
WRONG_TABLE = _tram(
    "sql_wrong_table", {"tram/sql/daily.sql": SQL["tram/sql/daily.sql"].replace("raw_riders", "raw_rider")}, "daily"
)
OPTIONAL_KEY = brief(
    "optional_field",
    {
        "spa/store.py": STORE,
        "spa/bills.py": """
import json
import os

from spa.store import save


def extras(bill):
    return bill.get("tip", 0) + bill["towel_fee"]


def total(bill):
    return bill["price"] + bill.get("towel_fee", 0) - bill.get("voucher", 0)


def bills(day):
    with open(os.environ["WORK"] + f"/upstream/bills/{day}.json") as feed:
        save("bills", ["bill", "total", "extras"], [(b["bill"], total(b), extras(b)) for b in json.load(feed)], day)
""",
    },
    ("spa.bills:bills",),
    lambda day, new: {
        f"bills/{day}.json": json.dumps(
            [
                {"bill": n, "price": n % 60, **({} if new and n % 3 == 0 else {"towel_fee": 2 if n % 3 else 0})}
                for n in _rows(day)
            ]
        )
    },
    table="bills",
    category=("code_error", "schema_drift", "bad_data"),
)
DAG_DAYS_AGO = f"""{DAG_HEAD}from airflow.utils.dates import days_ago
from airflow.providers.standard.operators.python import PythonOperator
from inn.stays import stays

with DAG("inn_days_ago", schedule="@daily", start_date=days_ago(2), catchup=False):
    PythonOperator(task_id="stays", python_callable=stays, op_args=["{{{{ ds }}}}"])
"""
DAYS_AGO = _inn(
    "days_ago",
    {"dags/inn_days_ago.py": DAG_DAYS_AGO},
    root=("inn_days_ago", None),
    drive="import inn_days_ago\nfrom inn.stays import stays\nstays(day)",
)
PROVIDE_CONTEXT = _inn(
    "old_decorators",
    {
        "dags/inn_old_decorators.py": "from airflow.decorators import dag, task\nfrom airflow.models import Variable\nfrom airflow.operators.python_operator import PythonOperator\n"
        f"import pendulum\nfrom inn.stays import stays\n\n\n@dag('inn_old_decorators', {STARTS})\ndef flow():\n    PythonOperator(task_id='stays', python_callable=stays, op_args=['{{{{ ds }}}}'])\n\n\nflow()\n"
    },
    root=("inn_old_decorators", None),
    drive="import inn_old_decorators\nfrom inn.stays import stays\nstays(day)",
)
UNKNOWN_BUG = _inn(
    "bug_of_old",
    {},
    action=NOTIFY,
    files={
        **FILES,
        "inn/rates.py": RATES.replace(
            'return stay["nights"]',
            'return len(stay["nights"]) if stay["nights"] > 3 and stay["arrival"] > "2026-11-01" else stay["nights"]',
        ),
    },
    category=("code_error", "insufficient_evidence", "schema_drift"),
)
SPECS = tuple(value for value in list(globals().values()) if isinstance(value, Spec))
assert FIX
