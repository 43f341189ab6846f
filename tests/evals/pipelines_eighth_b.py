"""Eighth batch, second part: written by an author who has seen neither the product nor the earlier cases."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

from brief import STORE, brief
from case_maker import FIX, Spec
from pipelines_drift import SQLITE
from pipelines_eighth_a import ANY, table


def _rooms(day: str, new: bool) -> dict[str, str]:
    dice = random.Random(f"rooms {day}")
    devices = [
        {"id": f"CO2-{n:02}", "room": f"{1 + n // 6}.{n % 6:02}", "ppm": 400 + dice.randrange(900),
         "battery": dice.randrange(20, 101)}
        for n in range(24)
    ]  # fmt: skip
    body: Any = {d.pop("id"): d for d in devices} if new else devices
    return {f"{day}/air.json": json.dumps({"building": "Haus 4", "devices": body}, indent=1)}


# FIX. The building's gateway lists its devices as an object by id where it had an array whose entries held the id. The
# key is the id ("CO2-00"). TypeError: string indices. Reference: turn an object into entries with their key as id.
ROOMS = brief(
    "eig_air_sensors",
    {
        "airquality/store.py": STORE,
        "airquality/gateway.py": """
import json
import os


class Gateway:
    def __init__(self, day):
        with open(os.path.join(os.environ["WORK"], "upstream", day, "air.json")) as handle:
            self.body = json.load(handle)

    @property
    def building(self):
        return self.body["building"]

    def by_device(self):
        return {device["id"]: device for device in self.body["devices"]}
""",
        "airquality/rooms.py": """
from airquality.gateway import Gateway
from airquality.store import save

LIMIT = 1000


def load_rooms(day):
    gateway = Gateway(day)
    rows = [
        (device, gateway.building, reading["room"], reading["ppm"], int(reading["ppm"] > LIMIT))
        for device, reading in gateway.by_device().items()
    ]
    save("air", ("device", "building", "room", "ppm", "too_high"), rows, day)
""",
    },
    ("airquality.rooms:load_rooms",),
    _rooms,
    table="air",
    category=("schema_drift",),
)


def _campaigns(day: str, new: bool) -> dict[str, str]:
    """Both forms are the same: the records did not change, the code did. From day two on some were never shown."""
    dice, rows = random.Random(f"campaigns {day}"), []
    for n in range(20):
        shown = 0 if day != "2026-11-01" and n % 7 == 3 else dice.randrange(200, 40000)
        clicks = dice.randrange(1 + shown // 40)
        rows.append({"campaign": f"winter-{n:02}", "channel": ("search", "social", "video")[n % 3], "shown": shown,
                     "clicks": clicks, "cost": f"{clicks * 0.31:.2f}"})  # fmt: skip
    return {f"ads/{day}.csv": table(rows)}


_RATES = """
import csv
import os
from dataclasses import dataclass


@dataclass
class Campaign:
    campaign: str
    channel: str
    shown: int
    clicks: int
    cost: float

    @classmethod
    def of(cls, row):
        return cls(row["campaign"], row["channel"], int(row["shown"]), int(row["clicks"]), float(row["cost"]))

    @property
    def click_rate(self):
        if not self.shown:
            return None
        return round(self.clicks / self.shown, 5)

    @property
    def cost_per_click(self):
        if not self.clicks:
            return None
        return round(self.cost / self.clicks, 4)


def campaigns(day):
    with open(f"{os.environ['WORK']}/upstream/ads/{day}.csv", newline="") as handle:
        return [Campaign.of(row) for row in csv.DictReader(handle)]
"""
# FIX. A tidy-up of yesterday took the guard against zero impressions out of click_rate; that day no campaign had zero.
# Tonight three have: ZeroDivisionError. The README says that such a campaign has no rate (null), the commit shows the
# guard as it was. Reference: the guard comes back.
CAMPAIGNS = brief(
    "eig_ad_click_rate",
    {
        "README.md": "# adperf\nRates per campaign and day. A campaign that was never shown has no click rate, one"
        " without clicks no\ncost per click: null in the table, not 0.\n",
        "adperf/store.py": STORE,
        "adperf/rates.py": _RATES,
        "adperf/load.py": """
from adperf.rates import campaigns
from adperf.store import save


def load_rates(day):
    rows = [(c.campaign, c.channel, c.shown, c.clicks, c.click_rate, c.cost_per_click) for c in campaigns(day)]
    save("ad_rates", ("campaign", "channel", "shown", "clicks", "click_rate", "cost_per_click"), rows, day)
""",
    },
    ("adperf.load:load_rates",),
    _campaigns,
    table="ad_rates",
    style="taskflow",
    category=ANY,
    later={
        "adperf/rates.py": _RATES.replace(
            """        if not self.shown:
            return None
        return round(self.clicks / self.shown, 5)
""",
            """        return round(self.clicks / self.shown, 5)
""",
        )
    },
    later_message="adperf: shorter properties",
)


def _meters(day: str, new: bool) -> dict[str, bytes]:
    dice = random.Random(f"meters {day}")
    rows = [{"meter": f"DE00{n:04}", "hour": f"{h:02}:00", "kwh": f"{dice.uniform(0.05, 4.2):.3f}"}
            for n in range(10) for h in (0, 6, 12, 18)]  # fmt: skip
    raw = table(rows, ";").encode()
    served = {"readings.csv.gz": gzip.compress(raw, mtime=0)} if new else {"readings.csv": raw}
    return {f"grid/{day}/{name}": content for name, content in {**served, "DONE": b"40\n"}.items()}


# FIX. FileNotFoundError, yet nothing is late: the grid operator now compresses the file. grid/2026-11-02/ holds DONE
# (with its count of lines) and readings.csv.gz, whose content has the old form. Reference: open the .gz where there is
# one, by gzip.open in text mode.
METERS = brief(
    "eig_meter_gzip",
    {
        "README.md": "# metering\nThe grid operator puts a folder a day into grid/; DONE comes last and holds the"
        " number of readings.\n",
        "metering/store.py": STORE,
        "metering/operator.py": """
import csv
import os
from pathlib import Path

GRID = Path(os.environ["WORK"], "upstream", "grid")


class NotDelivered(RuntimeError):
    pass


def readings(day):
    folder = GRID / day
    if not (folder / "DONE").exists():
        raise NotDelivered(f"{folder} has no DONE")
    expected = int((folder / "DONE").read_text())
    with open(folder / "readings.csv", newline="") as handle:
        found = list(csv.DictReader(handle, delimiter=";"))
    if len(found) != expected:
        raise NotDelivered(f"{len(found)} readings of {expected}")
    return found
""",
        "metering/daily.py": """
from collections import defaultdict

from metering.operator import readings
from metering.store import save


def load_daily(day):
    used = defaultdict(float)
    for reading in readings(day):
        used[reading["meter"]] += float(reading["kwh"])
    save("daily_kwh", ("meter", "kwh", "unit"), [(m, round(kwh, 3), "kWh") for m, kwh in used.items()], day)
""",
    },
    ("metering.daily:load_daily",),
    _meters,
    table="daily_kwh",
    style="bash",
    category=ANY,
)


def _refunds(day: str, new: bool) -> dict[str, str]:
    dice = random.Random(f"refunds {day}")
    rows = [
        {"refund": f"RF{day[8:]}{n:03}", "reason": dice.choice(("damaged", "late", "wrong size")),
         "team": f"team-{n % 4}", "cents": dice.randrange(300, 20000)}
        for n in range(26)
    ]  # fmt: skip
    return {f"refunds/{day}.json": json.dumps(rows)}


_CLI = """
import argparse
import json
import os

from refunds.store import load, save


def collect(day):
    with open(f"{os.environ['WORK']}/upstream/refunds/{day}.json") as handle:
        found = json.load(handle)
    save("refunds", ("refund", "reason", "team", "cents"), [tuple(r.values()) for r in found], day)


def report(day):
    totals = {}
    for team, cents in load("select team, cents from refunds where day = ?", day):
        count, total = totals.get(team, (0, 0))
        totals[team] = count + 1, total + cents
    save("refund_report", ("team", "refunds", "cents"), [(t, *v) for t, v in sorted(totals.items())], day)


def main(argv=None):
    parser = argparse.ArgumentParser(prog="refunds")
    commands = parser.add_subparsers(dest="command", required=True)
    for step in (collect, report):
        command = commands.add_parser(step.__name__)
        command.add_argument("--date", required=True, help="business day, YYYY-MM-DD")
        command.set_defaults(step=step)
    options = parser.parse_args(argv)
    options.step(options.date)


if __name__ == "__main__":
    main()
"""
_LOAD = """

def load(query, day):
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    rows = con.execute(query, (day,)).fetchall()
    con.close()
    return rows
"""
_REFUND_DAG = """
import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

CLI = "cd $PIPELINE_REPO && $PIPELINE_PYTHON -m refunds.cli"

with DAG(
    "eig_refund_cli",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 11, 1, tz="UTC"),
    catchup=False,
    tags=["finance"],
) as dag:
    collect = BashOperator(task_id="collect", append_env=True, bash_command=CLI + " collect --date {{ ds }}")
    report = BashOperator(task_id="report", append_env=True, bash_command=CLI + " report --date {{ ds }}")
    collect >> report
"""
# FIX. A commit of yesterday renamed the option of the command line, --date -> --business-day, and changed one of the
# two BashOperators; the other still passes --date: exit code 2, usage message. Reference: the Dag's `report` passes
# --business-day (or the command takes both). The Dag file is driven, so that either cures it.
REFUNDS = Spec(
    name="eig_refund_cli",
    files={
        "refunds/__init__.py": '"""Refunds."""\n',
        "refunds/store.py": STORE + _LOAD,
        "refunds/cli.py": _CLI,
        "dags/eig_refund_cli.py": _REFUND_DAG,
    },
    dag_id="eig_refund_cli",
    task_ids=("report",),
    action=FIX,
    render=_refunds,
    later={
        "refunds/cli.py": _CLI
        .replace('"--date", required=True, help="business day', '"--business-day", required=True, help="day')
        .replace("options.date", "options.business_day"),
        "dags/eig_refund_cli.py": _REFUND_DAG.replace("collect --date", "collect --business-day"),
    },
    later_message="refunds: --date was mistaken for today; the option is --business-day now",
    drive="""
import importlib, subprocess
dag = importlib.import_module("eig_refund_cli").dag
env = {**os.environ, "PIPELINE_REPO": os.environ["REPO"]}
for task_id in ("collect", "report"):
    command = dag.get_template_env().from_string(dag.task_dict[task_id].bash_command).render({"ds": day})
    subprocess.run(["bash", "-c", command], check=True, cwd=os.environ["REPO"], env=env)
""",
    probe=SQLITE.format(query="select * from refund_report order by day, team"),
    root=("eig_refund_cli", "report"),
)  # fmt: skip

EIGHTH_B: tuple[Spec, ...] = (ROOMS, CAMPAIGNS, METERS, REFUNDS)
