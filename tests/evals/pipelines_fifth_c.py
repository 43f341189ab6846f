"""Fifth batch, third part: files, formats, SQL; written blind."""

from __future__ import annotations

import gzip
import json

from brief import STORE, brief
from pipelines_fifth_a import DUCK, DUCKDB, feed, numbers, sheet, table

NORMALIZE = brief(
    "drift_json_normalize_renested",
    {
        "clinic/store.py": STORE,
        "clinic/fields.py": 'RENAME = {\n    "visit_id": "visit",\n    "patient.zip": "zip",\n    "patient.born": "born",\n    "fee": "fee",\n}\n',
        "clinic/visits.py": """
import json
import os

import pandas as pd

from clinic.fields import RENAME
from clinic.store import save


def visits(day):
    with open(os.environ["WORK"] + f"/upstream/visits/{day}.json") as handle:
        frame = pd.json_normalize(json.load(handle)["visits"])
    frame = frame[list(RENAME)].rename(columns=RENAME)
    frame["decade"] = frame["born"] // 10 * 10
    save("clinic_visits", list(frame.columns), frame.astype(object).values.tolist(), day)
""",
    },
    ("clinic.visits:visits",),
    feed("visits/{day}.json", lambda n, d, new: {"visit_id": f"V{n}", "patient": {"address": {"zip": f"1{n:04d}"}, "born": 1940 + n % 60} if new else {"zip": f"1{n:04d}", "born": 1940 + n % 60}, "fee": n % 80}, lambda rows, d, new: {"visits": rows}),
    table="clinic_visits", style="taskflow",
)  # fmt: skip
FLATTENED = brief(
    "drift_get_chain_flattened",
    {
        "hotel/store.py": STORE,
        "hotel/bookings.py": """
import json
import os

from hotel.store import save


def _guest(booking):
    contact = booking.get("guest", {}).get("contact", {})
    return contact["email"].lower(), booking.get("guest", {}).get("country", "unknown")


def bookings(day):
    with open(os.environ["WORK"] + f"/upstream/bookings/{day}.jsonl") as lines:
        rows = [(b["no"], *_guest(b), b["nights"]) for b in map(json.loads, lines)]
    save("bookings", ["no", "email", "country", "nights"], rows, day)
""",
    },
    ("hotel.bookings:bookings",),
    lambda day, new: {f"bookings/{day}.jsonl": "".join(json.dumps({"no": n, **({"guest_email": f"G{n}@example.org", "guest_country": ("DE", "FR")[n % 2]} if new else {"guest": {"contact": {"email": f"G{n}@example.org"}, "country": ("DE", "FR")[n % 2]}}), "nights": n % 9 + 1}) + "\n" for n in numbers(day))},
    table="bookings",
)  # fmt: skip
POSITIONAL = brief(
    "drift_extra_column_unpacked",
    {
        "metering/store.py": STORE,
        "metering/parse.py": 'from typing import NamedTuple\n\n\nclass Meter(NamedTuple):\n    serial: str\n    kwh: float\n    tariff: str\n\n\ndef parse(lines):\n    for line in lines:\n        serial, kwh, tariff = line.rstrip("\\n").split(";")\n        yield Meter(serial, float(kwh), tariff)\n',
        "metering/load.py": """
import os

from metering.parse import Meter, parse
from metering.store import save


def meters(day):
    with open(os.environ["WORK"] + f"/upstream/meters_{day}.txt") as handle:
        next(handle)  # header
        save("meters", Meter._fields, list(parse(handle)), day)
""",
    },
    ("metering.load:meters",),
    lambda day, new: {f"meters_{day}.txt": table(({"serial": f"M{n}", "kwh": n * 1.5, **({"unit": "kWh"} if new else {}), "tariff": ("day", "night")[n % 2]} for n in numbers(day)), ";")},
    table="meters", style="bash",
)  # fmt: skip
DELIMITER = brief(
    "drift_header_case_and_bom",
    {
        "school/store.py": STORE,
        "school/columns.py": 'PUPIL, GRADE, POINTS = "pupil_id", "grade", "points"\nALL = (PUPIL, GRADE, POINTS)\n',
        "school/marks.py": """
import csv
import os

from school import columns
from school.store import save


def read(day):
    with open(os.environ["WORK"] + f"/upstream/marks/marks_{day.replace('-', '')}.csv", encoding="utf-8") as handle:
        yield from csv.DictReader(handle)


def marks(day):
    rows = [tuple(record[c] for c in columns.ALL) for record in read(day)]
    save("marks", columns.ALL, [(p, g, int(n)) for p, g, n in rows], day)
""",
    },
    ("school.marks:marks",),
    lambda day, new: {f"marks/marks_{day.replace('-', '')}.csv": ("\ufeff" if new else "") + table({"pupil_id": f"P{n}", "grade": n % 6 + 5, "points": n % 15} for n in numbers(day))},
    table="marks",
)  # fmt: skip
LAYOUT = brief(
    "drift_directory_layout",
    {
        "ads/store.py": STORE,
        "ads/paths.py": 'import os\nimport pathlib\n\n\ndef landing(feed, day):\n    """Where the partner drops its daily file."""\n    return pathlib.Path(os.environ["WORK"]) / "upstream" / feed / f"{feed}_{day}.csv"\n',
        "ads/clicks.py": """
import pandas as pd

from ads.paths import landing
from ads.store import save


def clicks(day):
    frame = pd.read_csv(landing("clicks", day), usecols=["campaign", "clicks"])
    daily = frame.groupby("campaign", as_index=False)["clicks"].sum()
    save("clicks", ["campaign", "clicks"], daily.values.tolist(), day)
""",
    },
    ("ads.clicks:clicks",),
    lambda day, new: {f"clicks/{day[:4]}/{day[5:7]}/clicks_{day}.csv" if new else f"clicks/clicks_{day}.csv": table({"campaign": f"K{n % 3}", "clicks": n} for n in numbers(day))},
    table="clicks", category=("schema_drift", "code_error", "configuration"),
)  # fmt: skip
ZIPPED = brief(
    "drift_plain_to_gzip",
    {
        "weblog/store.py": STORE,
        "weblog/hits.py": """
import json
import os
from collections import Counter

from weblog.store import save


def _lines(day):
    with open(os.environ["WORK"] + f"/upstream/hits/{day}.log.json", encoding="utf-8") as handle:
        for line in handle:
            yield json.loads(line)


def hits(day):
    count = Counter(line["status"] for line in _lines(day))
    save("hits", ["status", "n"], sorted(count.items()), day)
""",
    },
    ("weblog.hits:hits",),
    lambda day, new: {f"hits/{day}.log.json": (gzip.compress if new else bytes)("".join(json.dumps({"n": n, "status": (200, 200, 404)[n % 3]}) + "\n" for n in numbers(day)).encode())},
    table="hits", category=("schema_drift", "bad_data", "code_error"),
)  # fmt: skip
CENTS = brief(
    "drift_cents_with_control_sum",
    {
        "kiosk/store.py": STORE,
        "kiosk/checks.py": 'def totals_match(rows, control):\n    """The till and the bank must agree to the cent."""\n    got = round(sum(amount for _, amount in rows), 2)\n    if abs(got - control["total_eur"]) > 0.005:\n        raise ValueError(f"control total {control[\'total_eur\']} EUR, rows sum to {got}")\n',
        "kiosk/sales.py": """
import json
import os

from kiosk.checks import totals_match
from kiosk.store import save


def sales(day):
    with open(os.environ["WORK"] + f"/upstream/sales/{day}.json") as handle:
        body = json.load(handle)
    rows = [(s["receipt"], s["amount"]) for s in body["sales"]]
    totals_match(rows, body["control"])
    save("kiosk_sales", ["receipt", "amount_eur"], rows, day)
""",
    },
    ("kiosk.sales:sales",),
    feed("sales/{day}.json", lambda n, d, new: {"receipt": f"R{n}", "amount": n * 100 + 25 if new else n + 0.25}, lambda rows, d, new: {"currency_unit": "cent" if new else "euro", "control": {"total_eur": round(sum(n + 0.25 for n in numbers(d)), 2)}, "sales": rows}),
    table="kiosk_sales", protected=("kiosk/checks.py",), category=("schema_drift", "bad_data"),
)  # fmt: skip
YESNO = brief(
    "drift_bool_as_letters",
    {
        "fleet/store.py": STORE,
        "fleet/cars.py": """
import json
import os
from typing import TypedDict

from fleet.store import save

FLAGS = {True: 1, False: 0}


class Car(TypedDict):
    plate: str
    electric: bool
    seats: int


def _read(day) -> list[Car]:
    with open(os.environ["WORK"] + f"/upstream/cars/{day}.json") as handle:
        return json.load(handle)


def cars(day):
    save("cars", ["plate", "electric", "seats"], [(c["plate"], FLAGS[c["electric"]], c["seats"]) for c in _read(day)], day)
""",
    },
    ("fleet.cars:cars",),
    feed("cars/{day}.json", lambda n, d, new: {"plate": f"B-{n}", "electric": ("N", "Y")[n % 2] if new else bool(n % 2), "seats": 4 + n % 3}),
    table="cars",
)  # fmt: skip
TIMEZONE = brief(
    "drift_timestamp_offset",
    {
        "radio/store.py": STORE,
        "radio/times.py": 'from datetime import datetime\n\nUTC_FORMAT = "%Y-%m-%dT%H:%M:%SZ"\n\n\ndef utc(text):\n    """The feed is in UTC; so is our table."""\n    return datetime.strptime(text, UTC_FORMAT).strftime("%Y-%m-%d %H:%M:%S")\n',
        "radio/plays.py": """
import csv
import os

from radio.store import save
from radio.times import utc


def plays(day):
    with open(os.environ["WORK"] + f"/upstream/plays/{day}.csv", newline="") as handle:
        save("plays", ["song", "at"], [(r["song"], utc(r["played_at"])) for r in csv.DictReader(handle)], day)
""",
    },
    ("radio.plays:plays",),
    sheet("plays/{day}.csv", lambda n, d, new: {"song": f"S{n}", "played_at": f"{d}T{n % 9 + 11:02d}:{n % 60:02d}:00+01:00" if new else f"{d}T{n % 9 + 10:02d}:{n % 60:02d}:00Z"}),
    table="plays", style="bash",
)  # fmt: skip
CORRECTIONS = brief(
    "drift_corrections_break_unique_key",
    {
        "grid/db.py": DUCK,
        "grid/sql/loads.sql": """
create table if not exists loads (meter varchar, mwh double, day date, primary key (meter, day));
delete from loads where day = date '{day}';
insert into loads
select meter, mwh, date '{day}'
from read_csv('{upstream}/loads/{day}.csv', header = true);
""",
        "grid/steps.py": 'from grid.db import run_file\n\n\ndef loads(day):\n    """Load the meters; the last version that was reported counts."""\n    run_file("loads", day=day)\n',
    },
    ("grid.steps:loads",),
    lambda day, new: {f"loads/{day}.csv": table([*({"meter": f"M{n}", "mwh": n * 0.5, "reported_at": f"{day}T10:00:00"} for n in numbers(day)), *({"meter": f"M{n}", "mwh": n * 0.5 + 3, "reported_at": f"{day}T08:00:00"} for n in numbers(day, 3) if new)])},
    probe=DUCKDB.format(query="select meter, mwh, day::varchar from loads order by 1"), category=("schema_drift", "bad_data"),
)  # fmt: skip
AMBIGUOUS = {
    "lib/db.py": DUCK,
    "lib/sql/raw.sql": "create or replace table loans as select * from read_json_auto('{upstream}/loans/{day}.json');\ncreate or replace table members as select * from read_json_auto('{upstream}/members/{day}.json');\n",
    "lib/sql/overdue.sql": """
create table if not exists overdue (member_id bigint, name varchar, loans bigint, day date);
delete from overdue where day = date '{day}';
insert into overdue
select member_id, name, count(*) filter (where status = 'late') as loans, date '{day}'
from loans
join members using (member_id)
group by member_id, name;
""",
    "lib/steps.py": 'from lib.db import run_file\n\n\ndef raw(day):\n    run_file("raw", day=day)\n\n\ndef overdue(day):\n    run_file("overdue", day=day)\n',
}
AMBIGUOUS_COLUMN = brief(
    "drift_join_became_ambiguous",
    AMBIGUOUS, ("lib.steps:raw", "lib.steps:overdue"),
    lambda day, new: {
        f"loans/{day}.json": json.dumps([{"loan": n, "member_id": n % 4, "status": ("late", "ok")[n // 4 % 2]} for n in numbers(day)]),
        f"members/{day}.json": json.dumps([{"member_id": n, "name": f"Member {n}", **({"status": "active"} if new else {})} for n in range(4)]),
    },
    probe=DUCKDB.format(query="select member_id, name, loans, day::varchar from overdue order by day, 1"), root_task=None,
)  # fmt: skip
STAR = brief(
    "drift_star_insert_extra_column",
    {
        "farm/db.py": DUCK,
        "farm/sql/milk.sql": """
create table if not exists milk (cow varchar, litres double, shed integer, day date);
delete from milk where day = date '{day}';
insert into milk
select *, date '{day}'
from read_csv('{upstream}/milk/{day}.csv', header = true)
where litres >= 0;
""",
        "farm/steps.py": 'from farm.db import run_file\n\n\ndef milk(day):\n    run_file("milk", day=day)\n',
    },
    ("farm.steps:milk",),
    sheet("milk/{day}.csv", lambda n, d, new: {"cow": f"C{n}", "litres": n % 30 + 0.5, **({"fat_pct": 4.1} if new else {}), "shed": n % 3}),
    probe=DUCKDB.format(query="select cow, litres, shed, day::varchar from milk order by 1"), style="taskflow",
)  # fmt: skip
SPECS = (
    NORMALIZE,
    FLATTENED,
    POSITIONAL,
    DELIMITER,
    LAYOUT,
    ZIPPED,
    CENTS,
    YESNO,
    TIMEZONE,
    CORRECTIONS,
    AMBIGUOUS_COLUMN,
    STAR,
)
