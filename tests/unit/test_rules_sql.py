"""Statements over landed files in DuckDB, tables that the repository declares, and models that take either name."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from failing_pipeline import KEY, apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.fixers.sql_column import either
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action
from airflow_agentic.shapes import shape
from airflow_agentic.tracebacks import parse_tracebacks, root_error

Rows = list[dict[str, Any]]
GOOD: Rows = [{"meter": f"M{i}", "mwh": i * 0.5, "read_on": f"2026-10-{i + 10}", "rev": "a"} for i in range(8)]
SQL = """import csv, os, tempfile, duckdb

STATEMENT = \"\"\"
create table loads (meter varchar, mwh double, read_on date);
insert into loads
QUERY;
\"\"\"

def main(rows):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "loads.csv")
        with open(path, "w", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        con = duckdb.connect()
        con.execute(STATEMENT.replace("{path}", path))
        return [tuple(map(str, row)) for row in con.execute("select * from loads order by 1").fetchall()]
"""
CAST = "select meter, nullif(mwh, '')::double, cast(read_on as date) from read_csv('{path}', all_varchar = true)"
CASES = {
    "days in another order": (CAST, GOOD, [{**r, "read_on": "{2}.{1}.{0}".format(*r["read_on"].split("-"))} for r in GOOD]),
    "a word for no value": (
        CAST,
        [{**r, "mwh": "" if n % 4 == 0 else r["mwh"]} for n, r in enumerate(GOOD)],
        [{**r, "mwh": "N/A" if n % 4 == 0 else r["mwh"]} for n, r in enumerate(GOOD)],
    ),
    "a star and a new column": (
        "select *, read_on from read_csv('{path}')".replace("*, read_on", "*"),
        [{k: r[k] for k in ("meter", "mwh", "read_on")} for r in GOOD],
        [{"meter": r["meter"], "site": "W", "mwh": r["mwh"], "read_on": r["read_on"]} for r in GOOD],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("query", "good", "bad"), CASES.values(), ids=CASES.keys())
def test_a_statement_reads_both_forms_of_a_file(tmp_path: pathlib.Path, query: str, good: Rows, bad: Rows):
    pytest.importorskip("duckdb")
    dossier = dossier_of(
        tmp_path, {"main.py": SQL.replace("QUERY", query)}, _read(good), _read(bad), name="loads/{ds}.csv"
    )
    before = result_of(tmp_path, good)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert failure_of(tmp_path, bad) is None
    assert result_of(tmp_path, good) == before == result_of(tmp_path, bad)


def _read(rows: Rows) -> Rows:
    """As the landed file is read: an empty cell is null."""
    return [{key: None if value == "" else value for key, value in row.items()} for row in rows]


def test_a_column_of_a_common_table_expression_is_read_by_either_name():
    sql = "create table t (c text);\ninsert into t with a as (select upper(c) as c from raw where n > 0) select c from a;\n"
    made = either(sql.replace("upper(c)", "upper(land)"), "land", "country")
    assert made is not None
    assert "from (select *, columns('^(land|country)$') as land from raw) as raw where n > 0" in made


def test_a_column_that_two_tables_could_have_is_not_read_by_either_name():
    assert either("with a as (select land from raw join more using (id)) select land from a", "land", "country") is None


MODEL = "from pydantic import BaseModel\n\nclass Load(BaseModel):\n    meter: str\n    mwh: float = 0.0\n\ndef main(rows):\n    return [Load.model_validate(r).meter for r in rows]\n"


def test_a_model_takes_either_name_of_a_field(tmp_path: pathlib.Path):
    bad = [{("meterId" if k == "meter" else k): v for k, v in r.items()} for r in GOOD]
    dossier = dossier_of(tmp_path, {"main.py": MODEL}, GOOD, bad)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert result_of(tmp_path, bad) == result_of(tmp_path, GOOD) == [r["meter"] for r in GOOD]


DECLARED = {
    "the name and a word": ("customer_segment", True),
    "another thing": ("previous_segment", False),
    "nothing like it": ("city", False),
}


@pytest.mark.parametrize(("column", "same"), DECLARED.values(), ids=DECLARED.keys())
def test_a_missing_column_is_looked_for_in_the_declaration_of_its_table(
    tmp_path: pathlib.Path, column: str, same: bool
):
    code = (
        f"import sqlite3\nfrom contextlib import closing\n\nDDL = 'create table dim (id text, {column} text)'\n\ndef main(rows):\n"
        "    with closing(sqlite3.connect(':memory:')) as con:\n        con.execute(DDL)\n"
        "        return con.execute('select segment from dim').fetchall()\n"
    )
    (tmp_path / "main.py").write_text(code)
    printed = failure_of(tmp_path, [])
    assert printed is not None
    error = root_error(KEY, parse_tracebacks(printed.splitlines()))
    more = (shape(GOOD, name="x/{ds}.json", interval="2026-11-02", role="failing"),)
    proposal = RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, None, [], error=error, more=more))
    assert (proposal.diagnosis.action is Action.FIX_CODE) is same
