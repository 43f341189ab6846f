"""Delimited files without a header: columns are told apart by their place and the form of what stands in them."""

from dataclasses import replace

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.landed_files import parse
from airflow_agentic.shapes import shape

GATES = [f"G-{i:03};2026-11-0{i % 7 + 1};{31.5 * i:.2f};{('north', 'south pier')[i % 2]}" for i in range(1, 9)]
WITH_UNIT = [";".join([*line.split(";")[:2], "EUR", *line.split(";")[2:]]) for line in GATES]
TWO_UNITS = [line.replace("EUR", ("EUR", "USD")[i % 2]) for i, line in enumerate(WITH_UNIT)]
TWINS = [";".join([*line.split(";")[:3], f"{30.0 + i:.2f}", line.split(";")[3]]) for i, line in enumerate(GATES)]
BILL = ["H|BILLS|2026-11-01", *(f"L|{i:04}|{('', '-')[i % 2]}{1350.25 * i:.2f}|x" for i in range(1, 9)), "T|8|5401.00"]


def _written(text):
    number = float(text)
    return f"({-number:,.2f})" if number < 0 else f"{number:,.2f}"


def _behind(text):
    return f"{text[1:]}-" if text.startswith("-") else text


def _bill(style):
    rows = [line.split("|") for line in BILL]
    return ["|".join([*row[:2], style(row[2]), *row[3:]] if row[0] in "LT" else row) for row in rows]


def of_lines(tmp_path, code, good, bad, name="port/{ds}.csv"):
    """Return the dossier of a pipeline that is given lines, with the shapes that the reader of landed files makes."""
    dossier = dossier_of(tmp_path, {"main.py": code}, good, bad)
    shapes = [
        replace(shape(one.records, name=name + (f" ({one.part})" if one.part else ""), interval=day, role=role), form=one.form)
        for lines, day, role in ((good, "2026-11-01", "good"), (bad, "2026-11-02", "failing"))
        for one in parse(name, "\n".join(lines).encode(), whole=True, max_bytes=100_000)
    ]  # fmt: skip
    return replace(dossier, shapes=tuple(shapes))


BILLS = "from decimal import Decimal\n\nclass Bill:\n    def __init__(self, lines):\n        self.amounts = []\n        for line in lines:\n            kind, *rest = line.split('|')\n            if kind == 'L':\n                self.amounts.append(self.amount(rest[1]))\n            elif kind == 'T' and self.amount(rest[1]) != -sum(self.amounts):\n                raise ValueError('total')\n\n    def amount(self, text):\n        return Decimal(text)\n\ndef main(lines):\n    return Bill(lines).amounts\n"
BILL[-1] = f"T|8|{-sum(float(line.split('|')[2]) for line in BILL[1:-1]):.2f}"
FIXED = {
    "a loop over csv.reader": ("import csv\n\ndef main(lines):\n    return [(gate, float(fee), side) for gate, day, fee, side in csv.reader(lines, delimiter=';')]\n", GATES, WITH_UNIT),
    "cells by their place": ("import csv\n\ndef main(lines):\n    return [(row[0], float(row[2])) for row in csv.reader(lines, delimiter=';')]\n", GATES, WITH_UNIT),
    "lines that are split": ("def main(lines):\n    found = []\n    for line in lines:\n        gate, day, fee, side = line.split(';')\n        found.append((gate, float(fee), side))\n    return found\n", GATES, WITH_UNIT),
    "a reader that names the columns": ("import csv\n\nNAMES = ['gate', 'day', 'fee', 'side']\n\ndef main(lines):\n    return [(r['gate'], float(r['fee'])) for r in csv.DictReader(lines, fieldnames=NAMES, delimiter=';')]\n", GATES, WITH_UNIT),
    "a frame whose columns are named": ("import io\nimport pandas as pd\n\ndef main(lines):\n    frame = pd.read_csv(io.StringIO('\\n'.join(lines)), sep=';', header=None, names=['gate', 'day', 'fee', 'side'])\n    return [(gate, day.date().isoformat(), fee, side) for gate, day, fee, side in frame.assign(day=pd.to_datetime(frame['day'])).itertuples(index=False)]\n", GATES, WITH_UNIT),
    "negatives in parentheses": (BILLS, BILL, _bill(_written)),
    "the minus sign behind": (BILLS.replace("Decimal(text)", "Decimal(text.strip())"), BILL, _bill(_behind)),
    "float of cells in parentheses": ("import csv\n\ndef main(lines):\n    return [number(row[2]) for row in csv.reader(lines, delimiter='|') if row[0] == 'L']\n\ndef number(cell):\n    return float(cell)\n", BILL, _bill(_written)),
}  # fmt: skip
SILENT = {
    "a new column like its neighbour": (FIXED["a loop over csv.reader"][0], GATES, TWINS),
    "amounts in two currencies": (FIXED["a loop over csv.reader"][0], GATES, TWO_UNITS),
    "a style that the code undoes itself": (BILLS.replace("Decimal(text)", "Decimal(text.replace(' ', ''))"), BILL, _bill(_written)),
}  # fmt: skip


@pytest.mark.parametrize(("code", "good", "bad"), FIXED.values(), ids=FIXED.keys())
def test_lines_without_a_header_are_read_in_both_forms(tmp_path, code, good, bad):
    dossier = of_lines(tmp_path, code, good, bad, "port/{ds}.txt" if good is BILL else "port/{ds}.csv")
    before = result_of(tmp_path, good)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert result_of(tmp_path, bad) == before == result_of(tmp_path, good)


@pytest.mark.parametrize(("code", "good", "bad"), SILENT.values(), ids=SILENT.keys())
def test_lines_of_which_two_readings_are_left_stay_as_they_are(tmp_path, code, good, bad):
    assert RulesAgent().propose(of_lines(tmp_path, code, good, bad)).change is None


@pytest.mark.parametrize(
    ("text", "names"),
    {
        "a,b\n1,2026-11-01\n2,2026-11-01\n": ["a", "b"],
        "site,2026-11-01,2026-11-02\nS1,4,5\nS2,6,7\n": ["site", "2026-11-01", "2026-11-02"],
        "share,0.5,0.9\na,0.51,0.92\nbb1,0.52,0.93\n": ["share", "0.5", "0.9"],
        "2024;2025\n1200;1300\n1400;1500\n": ["2024", "2025"],
        "S1;01.11.2026;4,50\nS2;01.11.2026;5,50\nS3;01.11.2026;6,50\n": ["column 1", "column 2", "column 3"],
    }.items(),
)
def test_a_first_row_is_data_only_where_a_date_or_amount_of_it_is_like_those_below(text, names):
    (landed,) = parse("x.csv", text.encode(), whole=True, max_bytes=10_000)
    assert list(landed.records[0]) == names
