"""Columns that come as entries of a list or as rows of their own, and the reverse: the same values in either form."""

from __future__ import annotations

import csv
import io
import pathlib
from typing import Any

import pytest
from failing_pipeline import KEY, apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Proposal
from airflow_agentic.shapes import shape
from airflow_agentic.tracebacks import parse_tracebacks, root_error

Rows = list[dict[str, Any]]
DAYS = ("mon", "tue", "wed", "thu")


def _sums(n: int) -> list[float]:
    return [100.5 + n * 7 + k * 11 for k in range(4)]


def quarters(first: int = 1, **more: Any) -> Rows:
    return [{"branch": f"F{n}", **{f"q{k + first}": v for k, v in enumerate(_sums(n))}, **more} for n in range(6)]


def entries(label: Any = lambda k: k + 1, factor: float = 1, **more: Any) -> Rows:
    return [{"branch": f"F{n}", "sums": [{"quarter": label(k), "sum": v * factor, **more} for k, v in enumerate(_sums(n))]} for n in range(6)]  # fmt: skip


def days() -> Rows:
    return [{"branch": f"F{n}", "open": {d: 8 + n % 3 + k for k, d in enumerate(DAYS)}} for n in range(6)]


def day_entries() -> Rows:
    return [{"branch": f"F{n}", "open": [{"day": d, "hours": 8 + n % 3 + k} for k, d in enumerate(DAYS)][::-1]} for n in range(6)]  # fmt: skip


PARSE = "import json\n\ndef main(rows):\n    found = json.loads(json.dumps({'head': {'sums': None}, 'rows': rows}))['rows']\n    return "
BY_KEY = PARSE + "[(r['branch'], sum(r[f'q{n}'] for n in range(1, 5)), r['q4']) for r in found]\n"
BY_ENTRY = PARSE + "[(r['branch'], [(s['quarter'], s['sum']) for s in r['sums']]) for r in found]\n"
BY_DAY = PARSE + "[(r['branch'], r['open']['mon'], r['open']['thu']) for r in found]\n"
CLASS = BY_KEY.replace("import json\n", "import json\nfrom dataclasses import dataclass\n\n@dataclass\nclass Year:\n    branch: str\n    q1: float\n    q2: float\n    q3: float\n    q4: float\n").replace("sum(r[f'q{n}'] for n in range(1, 5)), r['q4']", "Year(r['branch'], r['q1'], r['q2'], r['q3'], r['q4']).q3")  # fmt: skip
MONTHS = PARSE + "[(r['branch'], [r[f'm{n:02}'] for n in range(1, 9)]) for r in found]\n"
VALUES = PARSE + "[(r['branch'], r['months'][0], r['months'][7]) for r in found]\n"


def months(count: int = 8) -> Rows:
    return [{"branch": f"F{n}", **{f"m{k:02}": n + k * 1.5 for k in range(count, 0, -1)}} for n in range(6)]


def values(count: int = 8) -> Rows:
    return [{"branch": f"F{n}", "months": [n + k * 1.5 for k in range(1, count + 1)]} for n in range(6)]


CASES = {
    "values alone": (MONTHS, months(), values()),
    "the list of values is gone": (VALUES, values(), months()),
    "numbered columns": (BY_KEY, quarters(), entries()),
    "labels are names of columns": (BY_KEY, quarters(), entries(lambda k: f"q{k + 1}")),
    "labels are digits": (CLASS, quarters(), entries(lambda k: str(k + 1))),
    "an object of words": (BY_DAY, days(), day_entries()),
    "the list is gone": (BY_ENTRY, entries(), quarters()),
    "the list of names is gone": (BY_ENTRY, entries(lambda k: f"q{k + 1}"), quarters()),
}


@pytest.mark.parametrize(("code", "good", "bad"), CASES.values(), ids=CASES.keys())
def test_either_form_gives_the_same(tmp_path: pathlib.Path, code: str, good: Rows, bad: Rows):
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, good, bad)))
    assert result_of(tmp_path, bad) == result_of(tmp_path, good)


def test_two_entries_of_one_label_are_an_error(tmp_path: pathlib.Path):
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": BY_KEY}, quarters(), entries())))
    twice = entries(lambda k: max(k, 1))
    with pytest.raises(ValueError, match="same quarter"):
        result_of(tmp_path, twice)


LEFT = {
    "a count that starts elsewhere": (quarters(0), entries()),
    "values of another size": (quarters(), entries(factor=1000)),
    "two numbers that could be it": (quarters(), entries(net=130.5)),
    "entries that differ in number": (quarters(), [*entries(), {"branch": "F9", "sums": entries()[0]["sums"][:3]}]),
    "few values without a word": (months(3), values(3)),
    "labels of another form": (quarters(), entries(lambda k: f"2026-Q{k + 1}")),
}


@pytest.mark.parametrize(("good", "bad"), LEFT.values(), ids=LEFT.keys())
def test_entries_that_say_something_else_are_left(tmp_path: pathlib.Path, good: Rows, bad: Rows):
    code = BY_KEY.replace("range(1, 5)), r['q4']", "range(4)), r['q3']") if "q0" in good[0] else BY_KEY
    code = MONTHS.replace("range(1, 9)", "range(1, 4)") if "m01" in good[0] else code
    assert RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, good, bad)).change is None


def _sheet(rows: Rows) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def long_rows() -> Rows:
    return [{"branch": r["branch"], "quarter": k, "sum": r[f"q{k}"]} for r in quarters() for k in range(1, 5)]


SHEET = "import csv\nimport io\n\ndef main(text):\n    rows = list(csv.DictReader(io.StringIO(text)))\n    return "
WIDE = SHEET + "[(r['branch'], float(r['q1']) + float(r['q4'])) for r in rows]\n"
LONG = SHEET + "[(r['branch'], int(r['quarter']), float(r['sum'])) for r in rows]\n"


def _proposed(folder: pathlib.Path, code: str, good: Rows, bad: Rows) -> Proposal:
    (folder / "main.py").write_text(code)
    assert failure_of(folder, _sheet(good)) is None
    error = root_error(KEY, parse_tracebacks(str(failure_of(folder, _sheet(bad))).splitlines()))
    more = tuple(
        shape(rows, name="feed/{ds}.csv", interval=day, role=role)
        for rows, day, role in ((good, "2026-11-01", "good"), (bad, "2026-11-02", "failing"))
    )
    return RulesAgent().propose(dossier_of(folder, {"main.py": code}, None, None, error=error, more=more))


@pytest.mark.parametrize("code", [WIDE, LONG], ids=["to rows", "to columns"])
def test_a_sheet_of_columns_and_one_of_rows_give_the_same(tmp_path: pathlib.Path, code: str):
    good, bad = (quarters(), long_rows()) if code == WIDE else (long_rows(), quarters())
    apply(tmp_path, _proposed(tmp_path, code, good, bad))
    assert result_of(tmp_path, _sheet(bad)) == result_of(tmp_path, _sheet(good))


def test_rows_of_columns_that_are_others_are_left(tmp_path: pathlib.Path):
    others = [{"branch": r["branch"], "kind": r["quarter"] + 4, "sum": r["sum"]} for r in long_rows()]
    assert _proposed(tmp_path, WIDE, quarters(), others).change is None
