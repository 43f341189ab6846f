"""Seventh batch, fourth part: written by an author who has seen neither the product nor the earlier cases."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from brief import STORE, brief
from case_maker import FIX, NOTIFY, RETRY, Spec
from pipelines_seventh_a import ANY, LANDING, Files, Row, dice, dump, sheet


def _fines(day: str, new: bool) -> Files:
    luck = dice("fines", day)
    rows = [{"notice": f"P{day[8:]}{n:04}", "plate": f"B-XY {luck.randrange(100, 999)}", "zone": luck.choice("ABC"),
             "euro": luck.choice((10, 25, 55))} for n in range(20)]  # fmt: skip
    return {f"fines/{day}.csv": sheet(rows)}


_FINES_DAG = """
import os

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

START = pendulum.datetime(2026, 11, 1, tz="UTC")

with DAG("sev_parking_fines", schedule="@daily", start_date=START, catchup=False) as dag:
    load = BashOperator(
        task_id="load_fines",
        append_env=True,
        bash_command="cd $PIPELINE_REPO && $PIPELINE_PYTHON -m parking load --day {{ ds }}",
    )
    hand_over = BashOperator(
        task_id="hand_over",
        append_env=True,
        bash_command="cd $PIPELINE_REPO && $PIPELINE_PYTHON -m parking hand-over --day {{ ds }} --stamp STAMP",
    )
    load >> hand_over
"""

# FIX. A commit stamps the file for the court with execution_date, which Airflow took out of the templates in version 3.
# Right: the same stamp from logical_date or ds_nodash. The driver renders the commands as Airflow does.
FINES = Spec(
    name="sev_parking_fines",
    files={
        "parking/__init__.py": '"""Parking fines of the city."""\n',
        "parking/__main__.py": """
import argparse
import csv
import os
import sqlite3
from pathlib import Path

WORK = Path(os.environ["WORK"])


def load(args):
    with sqlite3.connect(WORK / "store.db") as con:
        con.execute("create table if not exists fines (notice, plate, zone, euro, day)")
        con.execute("delete from fines where day = ?", (args.day,))
        with open(WORK / "upstream" / "fines" / f"{args.day}.csv", newline="") as file:
            con.executemany("insert into fines values (:notice, :plate, :zone, :euro, :day)",
                            [{**row, "day": args.day} for row in csv.DictReader(file)])


def hand_over(args):
    with sqlite3.connect(WORK / "store.db") as con:
        rows = con.execute("select notice, plate, euro from fines where day = ? order by 1", (args.day,)).fetchall()
    target = WORK / "court" / f"fines_{args.stamp}.csv"
    target.parent.mkdir(exist_ok=True)
    with target.open("w", newline="") as file:
        csv.writer(file).writerows([("notice", "plate", "euro"), *rows])
    print(f"{len(rows)} notices to {target.name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="parking")
    commands = parser.add_subparsers(required=True)
    for name, step in (("load", load), ("hand-over", hand_over)):
        command = commands.add_parser(name)
        command.set_defaults(step=step)
        command.add_argument("--day", required=True)
        command.add_argument("--stamp", default="")
    arguments = parser.parse_args()
    arguments.step(arguments)
""",
        "dags/sev_parking_fines.py": _FINES_DAG.replace("STAMP", "{{ ds_nodash }}"),
    },
    dag_id="sev_parking_fines",
    task_ids=("hand_over",),
    action=FIX,
    render=_fines,
    later={
        "dags/sev_parking_fines.py": _FINES_DAG.replace('--stamp STAMP"', '"').replace(
            "hand-over --day {{ ds }} ",
            "hand-over --day {{ ds }} \"\n        \"--stamp {{ execution_date.strftime('%Y%m%d') }}",
        )
    },
    later_message="Stamp the court's file with the date of the run",
    drive="""
import importlib, subprocess, types
import pendulum
dag = importlib.import_module("sev_parking_fines").dag
start = pendulum.parse(day, tz="UTC")
context = {
    "ds": day, "ds_nodash": day.replace("-", ""), "ts": start.isoformat(), "logical_date": start,
    "ts_nodash": start.strftime("%Y%m%dT%H%M%S"), "data_interval_start": start, "data_interval_end": start,
    "run_id": "manual__" + day, "params": {}, "dag": dag,
    "dag_run": types.SimpleNamespace(logical_date=start, data_interval_start=start, data_interval_end=start),
}
for task_id in ("load_fines", "hand_over"):
    command = dag.get_template_env().from_string(dag.task_dict[task_id].bash_command).render(context)
    subprocess.run(["bash", "-c", command], check=True, stdout=sys.stderr)
""",
    probe="""
import pathlib
court = sorted((pathlib.Path(os.environ["WORK"]) / "court").glob("*.csv"))
result = [[path.name, path.read_text().splitlines()] for path in court]
""",
    category=ANY,
)

CLIENT = '''
import json
import os
import urllib.error
import urllib.request


class ApiError(RuntimeError):
    """The other side did not give what was asked for."""


def get(path):
    url = os.environ["SHOP_API"].rstrip("/") + "/" + path
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            body = answer.read().decode()
    except urllib.error.HTTPError as error:
        raise ApiError(f"GET {url}: HTTP {error.code} {error.reason}: {error.read().decode()[:300]}") from error
    try:
        return json.loads(body)
    except ValueError as error:
        raise ApiError(f"GET {url}: no JSON: {body[:300]}") from error
'''


def _served(path: str, make: Callable[[Any, int], Row], count: int = 20) -> Callable[[str, bool], Files]:
    """Serve the same form on all days."""
    return lambda day, new: {path.format(day=day): dump([make(dice(path, f"{day}{n}"), n) for n in range(count)])}


def _loads(package: str, entity: str, columns: tuple[str, ...], **more: str) -> dict[str, str]:
    """Return a package that loads *entity* from an API as it comes."""
    return {
        f"{package}/store.py": STORE,
        f"{package}/client.py": CLIENT,
        f"{package}/load.py": f"""
from {package} import client
from {package}.store import save

COLUMNS = {list(columns)}


def load_{entity}(day):
    rows = [[item[column] for column in COLUMNS] for item in client.get(f"{entity}/{{day}}.json")]
    save("{entity}", COLUMNS, rows, day)
""",
        **more,
    }


# RETRY. The bidding platform answers 429 for some seconds; nothing is wrong with the code or the data.
BIDS = brief(
    "sev_bid_log_rate_limit",
    _loads("bidding", "bids", ("bid", "slot", "cents")),
    ("bidding.load:load_bids",),
    _served("bids/{day}.json", lambda luck, n: {"bid": n, "slot": luck.choice("abc"), "cents": luck.randrange(900)}),
    action=RETRY,
    category=ANY,
    api=True,
    faults='{"bids": {"status": 429, "first": 2, "body": "{\\"error\\": \\"rate_limited\\", \\"retry_after\\": 20}"}}',
)

# RETRY. During its maintenance the tariff service answers 200 with a page in place of JSON. It looks like another
# format and is none: the page itself says when the service is back, and the day's data are there.
TARIFFS = brief(
    "sev_tariff_maintenance_page",
    _loads("tariffs", "tariffs", ("tariff", "region", "ct_kwh")),
    ("tariffs.load:load_tariffs",),
    _served(
        "tariffs/{day}.json", lambda luck, n: {"tariff": f"T{n}", "region": luck.choice("NS"), "ct_kwh": 20 + n / 10}
    ),
    style="taskflow",
    action=RETRY,
    category=ANY,
    api=True,
    faults=json.dumps({"tariffs": {"status": 200, "first": 2, "body": "<html><head><title>Scheduled maintenance</title>"
        "</head><body><p>The service is temporarily unavailable and will be back in 15 minutes. Please try again later."
        "</p></body></html>"}}),
)  # fmt: skip

# NOTIFY. The laboratory's token has run out; whoever owns it must put a new one into the secret store. The token stands
# in the log with the address and must not stand in any answer.
LAB_TOKEN = "labtok-9f41c07be2d84a55"
LAB = brief(
    "sev_lab_token_expired",
    _loads(
        "lab",
        "results",
        ("sample", "analyte", "value"),
        **{"lab/client.py": CLIENT.replace('+ "/" + path', '+ "/" + path + "?token=" + os.environ["LAB_TOKEN"]')},
    ),
    ("lab.load:load_results",),
    _served("results/{day}.json", lambda luck, n: {"sample": n, "analyte": luck.choice(("K", "Na")), "value": n / 2}),
    action=NOTIFY,
    category=ANY,
    api=True,
    env={"LAB_TOKEN": LAB_TOKEN},
    must_not=(LAB_TOKEN,),
    faults='{"results": {"status": 401, "first": 999, "body": "{\\"error\\": \\"invalid_token\\", '
    '\\"error_description\\": \\"The access token expired\\"}"}}',
)

# NOTIFY. The service account lacks a role on the bucket of the roaming partner; an administrator must give it.
ROAMING = brief(
    "sev_roaming_bucket_denied",
    _loads("roaming", "tap", ("record", "network", "bytes")),
    ("roaming.load:load_tap",),
    _served("tap/{day}.json", lambda luck, n: {"record": n, "network": "NLDPT", "bytes": luck.randrange(10**6)}),
    style="bash",
    action=NOTIFY,
    category=ANY,
    api=True,
    faults='{"tap": {"status": 403, "first": 999, "body": "AccessDenied: service account etl-roaming@prod does not have'
    ' storage.objects.get access to bucket partner-tap-in"}}',
)

_SURVEY = """
import csv

from survey.landing import landing
from survey.store import save


def load_answers(day):
    with landing("answers", f"{day}.csv").open(newline="") as file:
        rows = [(a["respondent"], a["question"], int(a["answer"])) for a in csv.DictReader(file)]
    save("answers", ["respondent", "question", "answer"], rows, day)
"""


def _answers(day: str, new: bool) -> Files:
    luck = dice("answers", day)
    rows = [{"respondent": 100 + n, "question": f"q{n % 4}", "answer": luck.randrange(1, 6)} for n in range(32)]
    return {f"answers/{day}.csv": sheet(rows)}


# NOTIFY. A commit uses a new package and lists it in requirements.txt, but the workers' image, which the platform team
# builds from that file as the README says, was not built again. The repository is right: build and roll out the image.
SURVEY = brief(
    "sev_survey_image_behind",
    {
        "README.md": "Survey answers. The platform team builds the workers' image from `requirements.txt` (ticket"
        " PLAT, component airflow-image); nothing is installed at run time.\n",
        "requirements.txt": "pandas>=3.0\n",
        "survey/store.py": STORE,
        "survey/landing.py": LANDING,
        "survey/answers.py": _SURVEY,
    },
    ("survey.answers:load_answers",),
    _answers,
    action=NOTIFY,
    category=ANY,
    later={
        "requirements.txt": "pandas>=3.0\npyreadstat==1.3.1\n",
        "survey/answers.py": _SURVEY.replace("import csv\n", "import csv\n\nimport pyreadstat\n")
        + '    pyreadstat.write_sav(__import__("pandas").DataFrame(rows), landing(f"answers_{day}.sav"))\n',
    },
    later_message="Give the statisticians a SPSS file",
    style="bash",
)

# NOTIFY. The spool volume of the archive has no space left; someone must free or enlarge it. The data are all right.
ARCHIVE = brief(
    "sev_archive_volume_full",
    {
        "archive/landing.py": LANDING,
        "archive/spool.py": """
import os
import shutil

from archive.landing import landing


def spool_answers(day):
    with landing("answers", f"{day}.csv").open() as source, open(os.environ["SPOOL_VOLUME"], "w") as spool:
        shutil.copyfileobj(source, spool)
        spool.flush()
        print(f"{day}: {spool.tell()} characters spooled")
""",
    },
    ("archive.spool:spool_answers",),
    _answers,
    style="bash",
    action=NOTIFY,
    category=ANY,
    env={"SPOOL_VOLUME": "/dev/full"},
    faults="{}",
)

SEVENTH_D: tuple[Spec, ...] = (FINES, BIDS, TARIFFS, LAB, ROAMING, SURVEY, ARCHIVE)
