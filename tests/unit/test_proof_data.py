"""What a survey counts of written data, what two of them say, and when a person is asked."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from airflow_agentic.guardrails.rules.written_data import WrittenDataRule
from airflow_agentic.records import Decision, TableDiff
from airflow_agentic.testing.builders import a_proof, a_proposal
from airflow_agentic.workspaces.data_diff import beyond, compare_tables, spots
from airflow_agentic.workspaces.inside.survey import survey

ORDERS = [{"id": 1, "who": "a", "at": {"x": 1}}, {"id": 2, "who": None, "at": {"x": 2}}]


def lay(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    path = folder / name
    if name.endswith(".db"):
        with sqlite3.connect(path) as db:
            db.execute("create table orders (id integer primary key, who text)")
            db.executemany("insert into orders values (?, ?)", [(row["id"], row["who"]) for row in rows])
        db.close()
    elif name.endswith(".csv"):
        path.write_text("id,who\n" + "".join(f"{row['id']},{row['who'] or ''}\n" for row in rows))
    elif name.endswith(".ndjson"):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif name.endswith(".json"):
        path.write_text(json.dumps({"made": "today", "orders": rows}))
    else:
        duckdb = pytest.importorskip("duckdb", reason="DuckDB and Parquet files need duckdb")
        pandas_rows = ", ".join(f"({row['id']}, {repr(row['who']) if row['who'] else 'null'})" for row in rows)
        with duckdb.connect(str(path) if name.endswith(".duckdb") else ":memory:") as db:
            db.execute(f"create table orders as select * from (values {pandas_rows}) t(id, who)")
            if name.endswith(".parquet"):
                db.execute(f"copy orders to '{path}' (format parquet)")


@pytest.mark.parametrize("name", ["a.db", "a.csv", "a.ndjson", "a.json", "a.duckdb", "a.parquet"])
def test_rows_nulls_and_keys_are_counted_in_every_kind_of_file(tmp_path: Path, name: str) -> None:
    for side in ("before", "after"):
        (tmp_path / side).mkdir()
    lay(tmp_path / "before", name, ORDERS)
    lay(tmp_path / "after", name, [*ORDERS, {"id": 3, "who": None, "at": {}}])
    diffs = compare_tables(survey(str(tmp_path / "before")), survey(str(tmp_path / "after")))
    diff = next(d for d in diffs if d.before_rows == 2)
    assert (diff.after_rows, diff.nulls, diff.duplicated) == (3, ("who 1 → 2",), ())
    assert all(not d.note for d in diffs if d is not diff)
    assert diff.samples == ()


def test_a_key_that_repeats_and_a_column_of_only_nulls_are_told(tmp_path: Path) -> None:
    for side in ("before", "after"):
        (tmp_path / side).mkdir()
    lay(tmp_path / "before", "a.csv", [{"id": 1, "who": "a"}, {"id": 2, "who": "b"}])
    lay(tmp_path / "after", "a.csv", [{"id": 1, "who": "a"}, {"id": 2, "who": "b"}, {"id": 2, "who": None}])
    (diff,) = compare_tables(survey(str(tmp_path / "before")), survey(str(tmp_path / "after")))
    assert (diff.duplicated, diff.emptied) == (("id",), ("who",))


def test_a_key_that_comes_once_a_day_and_a_foreign_key_repeat_nothing(tmp_path: Path) -> None:
    for side, text in (
        ("before", "order_id,customer_id,ds\n1,7,a\n2,8,a\n"),
        ("after", "order_id,customer_id,ds\n1,7,a\n2,8,a\n1,7,b\n3,7,b\n"),
    ):
        (tmp_path / side).mkdir()
        (tmp_path / side / "orders.csv").write_text(text)
    (diff,) = compare_tables(survey(str(tmp_path / "before")), survey(str(tmp_path / "after")))
    assert (diff.before_rows, diff.after_rows, diff.duplicated) == (2, 4, ())


def test_values_are_shown_only_where_that_is_allowed(tmp_path: Path) -> None:
    lay(tmp_path, "a.csv", ORDERS)
    (shown,) = compare_tables([], survey(str(tmp_path), samples=True))
    assert shown.samples == ("id: '1', '2'", "who: 'a', None")


def test_a_file_that_cannot_be_read_counts_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.db").write_bytes(b"SQLite format 3\0 no")
    assert [(t["rows"], "not readable" in t["note"]) for t in survey(str(tmp_path))] == [(None, True), (None, True)]


def test_a_database_that_cannot_be_reached_is_said(tmp_path: Path) -> None:
    (one,) = survey(str(tmp_path), [("warehouse", "postgresql://127.0.0.1:1/none")])
    assert one["table"] == "warehouse"
    assert "not readable" in one["note"]


def test_a_column_that_differs_anyway_hides_no_other_column() -> None:
    def table(loaded: str, amount: str) -> list[dict[str, Any]]:
        columns = {name: {"digest": value, "nulls": 0} for name, value in (("loaded_at", loaded), ("amount", amount))}
        return [{"table": "t", "rows": 2, "digest": loaded + amount, "columns": columns}]

    noise = spots(compare_tables(table("1", "5"), table("2", "5")))
    assert beyond(compare_tables(table("1", "5"), table("3", "5")), noise) == ()
    assert [d.table for d in beyond(compare_tables(table("1", "5"), table("3", "6")), noise)] == ["t"]


@pytest.mark.parametrize(
    ("diff", "asked"),
    [
        ({"changed": ("a",), "note": "values differ in a"}, False),
        ({"added": ("b",), "note": "columns added: b"}, False),
        ({"lost": ("b",), "note": "columns lost: b"}, True),
        ({"retyped": ("b INTEGER → VARCHAR",), "note": "types"}, True),
        ({"emptied": ("b",), "note": "nulls"}, True),
        ({"duplicated": ("id",), "note": "no longer unique: id"}, True),
    ],
    ids=["other values", "a new column", "a lost column", "another type", "only nulls", "a repeated key"],
)
def test_a_person_is_asked_where_data_take_another_form(diff: dict[str, Any], asked: bool) -> None:
    moved = TableDiff(table="t", before_rows=2, after_rows=2, **diff)
    found = list(WrittenDataRule().check(a_proposal(), a_proof(against_good=(moved,))))
    assert [finding.decision for finding in found] == ([Decision.ASK] if asked else [])
