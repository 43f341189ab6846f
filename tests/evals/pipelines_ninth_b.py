"""Ninth batch, second part: written by an author who has seen neither the product nor the earlier cases."""

from __future__ import annotations

import json
from decimal import Decimal

from brief import STORE, brief
from case_maker import Spec
from pipelines_ninth_a import ANY, dice_of
from pipelines_ninth_c import MORE


# FIX. The carrier's API gives the net weight in grams, in a field whose name says so: net_weight_kg -> net_weight_g,
# and a new field that nobody uses (lane). The landing asks with .get and takes NULL, the freight charge is NULL, and
# the check at the end fails. Pallets weigh what they did (120 to 900 kg). Reference: net_weight_g / 1000 if there.
def _pallets(day: str, new: bool) -> dict[str, str]:
    dice = dice_of("pallets", day)
    rows = []
    for n in range(20):
        grams = dice.randrange(120_000, 900_000, 250)
        row = {"pallet_id": f"P{day[8:]}-{n:04}", "destination": dice.choice(("BER", "MUC", "CGN")), "position": n}
        row |= {"net_weight_g": grams, "lane": "AB"[n % 2]} if new else {"net_weight_kg": grams / 1000}
        rows.append(row)
    return {f"carrier/pallets/{day}.json": json.dumps({"date": day, "pallets": rows}, indent=1)}


GRAMS = brief(
    "nin_pallet_weight_in_grams",
    {
        "freight/land.py": '''
"""Land the carrier's pallets of a day."""
import json
import os
from urllib.request import urlopen

import duckdb

# our column: the carrier's field
FIELDS = {
    "pallet": "pallet_id",
    "destination": "destination",
    "kg": "net_weight_kg",
}


def land_pallets(day):
    with urlopen(f"{os.environ['SHOP_API']}/carrier/pallets/{day}.json", timeout=20) as answer:
        pallets = json.load(answer)["pallets"]
    rows = [{ours: pallet.get(theirs) for ours, theirs in FIELDS.items()} for pallet in pallets]
    with duckdb.connect(os.environ["WAREHOUSE"]) as con:
        con.execute("create table if not exists pallets (pallet varchar, destination varchar, kg double, day date)")
        con.execute("delete from pallets where day = ?", [day])
        con.executemany("insert into pallets values (?, ?, ?, ?)", [[*row.values(), day] for row in rows])
''',
        "freight/sql/charges.sql": """
create or replace table charges as
select p.day, p.pallet, p.destination, p.kg, round(p.kg * t.eur_per_kg, 2) as eur
from pallets p
join (values ('BER', 0.118), ('MUC', 0.164), ('CGN', 0.131)) t(destination, eur_per_kg) using (destination)
""",
        "freight/charge.py": """
import os
import pathlib

import duckdb

SQL = pathlib.Path(__file__).with_name("sql")


def charge(day):
    with duckdb.connect(os.environ["WAREHOUSE"]) as con:
        con.execute((SQL / "charges.sql").read_text())


def check_charges(day):
    with duckdb.connect(os.environ["WAREHOUSE"], read_only=True) as con:
        bad = con.execute("select pallet from charges where eur is null or eur <= 0 order by 1").fetchall()
    if bad:
        raise RuntimeError(f"charges: {len(bad)} pallets without a charge, first {bad[0][0]}")
""",
    },
    ("freight.land:land_pallets", "freight.charge:charge", "freight.charge:check_charges"),
    _pallets,
    probe="""
import duckdb
con = duckdb.connect(os.environ["WAREHOUSE"], read_only=True)
result = [list(r) for r in con.execute(
    "select cast(day as varchar), pallet, destination, round(kg, 2), round(eur, 2) from charges order by 1, 2"
).fetchall()]
""",
    style="taskflow",
    api=True,
    root_task=None,
    dag_id="freight_charges",
    category=("schema_drift",),
)


# FIX. The bank's statement has no header line; since the failing day the currency stands between amount and text, for
# all rows EUR. Unpacking five names from six values fails. All else is where it was. Reference: drop the fourth value
# when there are six.
def _statement(day: str, new: bool) -> dict[str, str]:
    dice = dice_of("bank", day)
    year, month, dd = day.split("-")
    out = []
    for n in range(14):
        cents = dice.randrange(-250_000, 400_000)
        who = dice.choice(("Stadtwerke Gera", "Miete Halle 4", "Lohn 10/26", "Rechnung 4711", "Kartenumsatz"))
        money = f"{'-' if cents < 0 else ''}{abs(cents) // 100},{abs(cents) % 100:02}"
        row = [f"DE{dice.randrange(10**9, 10**10)}", f"{dd}.{month}.{year}", money, who, f"R{dd}{n:04}"]
        out.append(row[:3] + ["EUR"] * new + row[3:])
    return {f"bank/{day.replace('-', '')}_umsatz.csv": "".join(";".join(row) + "\n" for row in out)}


BANK = brief(
    "nin_bank_statement_gets_currency",
    {
        "treasury/store.py": STORE,
        "treasury/statement.py": '''
"""Bank statements: a line per booking, without a header, semicolons, German numbers and dates."""
import csv
import os
from datetime import datetime
from typing import NamedTuple


class Booking(NamedTuple):
    ref: str
    iban: str
    booked: str
    cents: int
    text: str


def cents(german: str) -> int:
    return int(german.replace(".", "").replace(",", ""))


def bookings(ds_nodash: str):
    path = os.path.join(os.environ["WORK"], "upstream", "bank", f"{ds_nodash}_umsatz.csv")
    with open(path, newline="", encoding="utf-8") as lines:
        for iban, booked, amount, text, ref in csv.reader(lines, delimiter=";"):
            yield Booking(
                ref=ref,
                iban=iban,
                booked=datetime.strptime(booked, "%d.%m.%Y").date().isoformat(),
                cents=cents(amount),
                text=text,
            )
''',
        "treasury/load.py": """
from treasury.statement import Booking, bookings
from treasury.store import save


def load_statement(day):
    rows = sorted(bookings(day.replace("-", "")))
    save("bookings", Booking._fields, rows, day)
    print(f"{len(rows)} bookings, balance {sum(row.cents for row in rows) / 100:+.2f}")
""",
    },
    ("treasury.load:load_statement",),
    _statement,
    table="bookings",
    dag_id="bank_bookings",
    category=("schema_drift",),
)


# FIX. After an update the ERP prints the journal as accountants do: thousands separators, and parentheses for what is
# negative: -1234.50 -> (1,234.50). The trailer's total of the file confirms the reading. Reference: the one parse
# function takes both.
def _journal(day: str, new: bool) -> dict[str, str]:
    dice = dice_of("journal", day)

    def said(value: Decimal) -> str:
        return (f"({-value:,})" if value < 0 else f"{value:,}") if new else str(value)

    amounts = [Decimal(dice.randrange(-900_000, 1_200_000)).scaleb(-2) for _ in range(16)]
    rows = [f"H|JOURNAL|{day}"]
    rows += [f"D|{n + 1:04}|{dice.choice((4400, 4830, 6300, 1200))}|{said(v)}|EUR" for n, v in enumerate(amounts)]
    rows += [f"T|{len(amounts)}|{said(sum(amounts, Decimal()))}"]
    return {f"erp/journal_{day}.txt": "\n".join(rows) + "\n"}


PARENTHESES = brief(
    "nin_journal_parentheses",
    {
        "journal/store.py": STORE,
        "journal/reader.py": '''
import os
from decimal import Decimal
from pathlib import Path


class JournalError(ValueError):
    """The file contradicts itself."""


class JournalFile:
    """The ERP's journal: a header, detail lines, and a trailer with the count and the total of the details."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.details: list[tuple[str, str, Decimal]] = []
        self.trailer: tuple[int, Decimal] | None = None

    @classmethod
    def of_day(cls, day: str) -> "JournalFile":
        return cls(Path(os.environ["WORK"], "upstream", "erp", f"journal_{day}.txt")).read()

    def read(self) -> "JournalFile":
        for line in self.path.read_text().splitlines():
            kind, *rest = line.split("|")
            getattr(self, f"_on_{kind.lower()}")(*rest)
        self.verify()
        return self

    def verify(self) -> None:
        got = (len(self.details), sum((amount for _, _, amount in self.details), Decimal()))
        if got != self.trailer:
            raise JournalError(f"{self.path.name}: details {got}, trailer {self.trailer}")

    def _on_h(self, name: str, day: str) -> None:
        if name != "JOURNAL" or day not in self.path.name:
            raise JournalError(f"{self.path.name}: header says {name} {day}")

    def _on_d(self, line: str, account: str, amount: str, currency: str) -> None:
        self.details.append((line, account, self._amount(amount)))

    def _on_t(self, count: str, total: str) -> None:
        self.trailer = int(count), self._amount(total)

    @staticmethod
    def _amount(text: str) -> Decimal:
        return Decimal(text)
''',
        "journal/book.py": """
from journal.reader import JournalFile
from journal.store import save


def book_journal(day):
    rows = [(line, account, f"{amount:.2f}") for line, account, amount in JournalFile.of_day(day).details]
    save("journal", ["line", "account", "amount"], rows, day)
""",
    },
    ("journal.book:book_journal",),
    _journal,
    probe="""
import sqlite3
con = sqlite3.connect(os.environ["WORK"] + "/store.db")
result = [list(r) for r in con.execute("select day, line, account, amount from journal order by 1, 2")]
""",
    dag_id="erp_journal",
    category=ANY,
)

NINTH_B: tuple[Spec, ...] = (GRAMS, BANK, PARENTHESES, *MORE)
