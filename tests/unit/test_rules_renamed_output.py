"""A model gives a column another name and a statement further on asks for the old one: it follows, and only it."""

from __future__ import annotations

import pathlib
import sqlite3

import pytest
from failing_pipeline import an_error, dossier_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Evidence, Proposal, Trust

STAGING = "create table stg_load as\nselect station, q, {item}, ds from raw_load;\n"
PLAIN = "select station, max(mw) as peak from stg_load where mw > 2 group by station"
MARTS = {
    "one table": (PLAIN, PLAIN.replace("mw", "load_mw")),
    "an item that keeps its name": ("select station, mw from stg_load", "select station, load_mw as mw from stg_load"),
    "a common table that names it": (
        "with a as (select station, mw from stg_load) select station, sum(mw) as s from a group by station",
        "with a as (select station, load_mw as mw from stg_load) select station, sum(mw) as s from a group by station",
    ),
    "a common table of all columns": (
        "with a as (select *, 1 as one from stg_load where mw > 2) select station, mw as peak from a",
        "with a as (select *, 1 as one from stg_load where load_mw > 2) select station, load_mw as peak from a",
    ),
    "a join by aliases": (
        "select p.station, p.mw as plan, s.mw from plan p join stg_load s on s.station = p.station",
        "select p.station, p.mw as plan, s.load_mw as mw from plan p join stg_load s on s.station = p.station",
    ),
}
ITEMS = {"a new alias": "mw as load_mw", "a cast": "cast(mw as double) as load_mw", "of an alias": "r.mw as load_mw"}


def _proposal(folder: pathlib.Path, files: dict[str, str], evidence: tuple[Evidence, ...] = ()) -> Proposal:
    error = an_error("sqlite3.OperationalError", "no such column: mw", task_id="fct_peak")
    return RulesAgent().propose(dossier_of(folder, files, None, None, error=error, evidence=evidence))


@pytest.mark.parametrize(("mart", "then"), MARTS.values(), ids=MARTS.keys())
def test_a_statement_reads_the_new_name_and_gives_out_the_old(tmp_path: pathlib.Path, mart: str, then: str):
    files = {"m/stg_load.sql": STAGING.format(item="mw as load_mw"), "m/fct_peak.sql": mart + "\n"}
    proposal = _proposal(tmp_path, files)
    assert proposal.change is not None
    assert [(e.path, e.after) for e in proposal.change.edits] == [("m/fct_peak.sql", then + "\n")]
    con = sqlite3.connect(":memory:")
    con.executescript(
        "create table plan (station, mw); create table raw_load (station, q, mw, ds); insert into raw_load values ('a', 1, 7, 'd');"
    )
    con.executescript(files["m/stg_load.sql"])
    con.execute(then)


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS.keys())
def test_the_new_name_is_what_the_model_calls_the_column_itself(tmp_path: pathlib.Path, item: str):
    proposal = _proposal(tmp_path, {"m/stg_load.sql": STAGING.format(item=item), "m/fct_peak.sql": PLAIN})
    assert proposal.change is not None
    assert "max(load_mw)" in (proposal.change.edits[0].after or "")


def test_models_of_dbt_and_literals_of_python_follow(tmp_path: pathlib.Path):
    files = {
        "models/stg_load.sql": "select station, mw as load_mw from {{ source('x', 'raw') }}\n",
        "models/fct_peak.sql": "select station, max(mw) as peak from {{ ref('stg_load') }} group by station\n",
        "steps.py": 'QUERY = "select count(mw) as n from stg_load"\n',
    }
    proposal = _proposal(tmp_path, files)
    assert proposal.change is not None
    assert [e.path for e in proposal.change.edits] == ["models/fct_peak.sql", "steps.py"]
    assert all("load_mw" in (e.after or "") and "(mw)" not in (e.after or "") for e in proposal.change.edits)


def test_a_diff_tells_the_new_alias_of_an_expression(tmp_path: pathlib.Path):
    new = "select station, kw / 1000 as load_mw from raw_load\n"
    diff = f"@@ -1,1 +1,1 @@\n-{new.replace('load_mw', 'mw')}+{new}"
    told = Evidence(
        id="E2", source="code", title="Diff of m/stg_load.sql in the recent history, commit abcdef1234", body=diff,
        observed_at="", trust=Trust.REPOSITORY, path="m/stg_load.sql",
    )  # fmt: skip
    proposal = _proposal(tmp_path, {"m/stg_load.sql": new, "m/fct_peak.sql": PLAIN}, (told,))
    assert proposal.change is not None
    assert proposal.change.edits[0].path == "m/fct_peak.sql"


def test_all_columns_that_a_diff_renamed_are_followed(tmp_path: pathlib.Path):
    new = "select station, kw / 1000 as load_mw,\n    slot as quarter,\n    ds\nfrom raw_load\n"
    old = new.replace("load_mw", "mw").replace("quarter", "q")
    lines = ["".join(f"{mark}{line}\n" for line in text.splitlines()[:2]) for mark, text in (("-", old), ("+", new))]
    told = Evidence(
        id="E2", source="code", title="Diff of m/stg_load.sql in the recent history, commit abcdef1234",
        body=f"@@ -1,2 +1,2 @@\n{lines[0]}{lines[1]}", observed_at="", trust=Trust.REPOSITORY, path="m/stg_load.sql",
    )  # fmt: skip
    mart = "select station, q, mw as peak from stg_load\n"
    proposal = _proposal(tmp_path, {"m/stg_load.sql": new, "m/fct_peak.sql": mart}, (told,))
    assert proposal.change is not None
    assert [e.after for e in proposal.change.edits] == ["select station, quarter as q, load_mw as peak from stg_load\n"]


LEFT = {
    "two names": ("mw as load_mw, mw as peak_mw", PLAIN),
    "another number": ("mw * 1000 as load_kw", PLAIN),
    "all columns are passed on": ("mw as load_mw", "select * from stg_load where mw > 2"),
    "two tables and no alias": (
        "mw as load_mw",
        "select mw from stg_load join plan on plan.station = stg_load.station",
    ),
    "another table is read": ("mw as load_mw", "select mw from plan"),
}


@pytest.mark.parametrize(("item", "mart"), LEFT.values(), ids=LEFT.keys())
def test_a_column_that_is_not_plainly_the_same_is_left(tmp_path: pathlib.Path, item: str, mart: str):
    assert _proposal(tmp_path, {"m/stg_load.sql": STAGING.format(item=item), "m/fct_peak.sql": mart}).change is None
