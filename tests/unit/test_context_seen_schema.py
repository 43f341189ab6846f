"""The schema that lineage saw in the last good run, beside data that is known for the failing run only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_context_lineage import event, table, write

from airflow_agentic.context.seen_schema import SeenSchemaSource
from airflow_agentic.context.suspects import rank
from airflow_agentic.plugs_lineage import lineage_origins
from airflow_agentic.records import SourceReport
from airflow_agentic.scope import Scope
from airflow_agentic.shapes import shape
from airflow_agentic.testing.targets import a_dossier, a_target, an_error

COLUMNS = ("id:int", "amount:numeric", "city:text")


def compared(folder: Path, name: str, records: list[dict[str, Any]], dataset: str = "shop.raw.orders") -> SourceReport:
    events = [
        event("COMPLETE", "01:00", "feed.load", "good", inputs=[table(dataset, *COLUMNS)]),
        event("FAIL", "04:00", "feed.load", "bad"),
    ]
    origins = lineage_origins(Scope(lineage_events=write(folder, *events)))
    now = shape(records, name=name, interval="now", role="failing")
    return SeenSchemaSource(origins).read(a_target(), SourceReport(shapes=(now,)))


def test_a_table_known_as_it_is_now_lacks_the_column_that_lineage_saw_and_it_is_suspected_first(tmp_path: Path) -> None:
    report = compared(tmp_path, "raw.orders", [{"id": 1, "amount_usd": 2.5, "city": "Linz"}])
    title = "Schema changed in shop.raw.orders: column 'amount' is now called 'amount_usd'"
    assert report.evidence[0].title in {title, title.replace("is now", "may now be")}
    error = SourceReport(errors=(an_error("UndefinedColumn", 'column "amount" does not exist'),))
    assert rank(a_dossier(a_target(), error, report))[0].what == report.evidence[0].title


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("raw.orders", {"id": 1, "amount": 2, "city": "x", "new": 1}), ("raw.customers", {"id": 1}),
        ("raw.orders", {"a": 1, "b": 2}),
    ],
    ids=["only more columns", "another table", "no column in common"],
)  # fmt: skip
def test_what_is_no_loss_of_columns_is_not_told(tmp_path: Path, name: str, record: dict[str, Any]) -> None:
    assert compared(tmp_path, name, [record]).evidence == ()


def test_a_landed_file_is_known_by_the_date_in_its_name(tmp_path: Path) -> None:
    report = compared(tmp_path, "orders/{ds}.csv", [{"id": 1, "city": "x"}], "/landing/orders/2026-11-01.csv")
    assert "column 'amount' is gone" in report.evidence[0].title


def test_an_empty_table_is_not_taken_for_one_without_columns(tmp_path: Path) -> None:
    assert compared(tmp_path, "raw.orders", []).evidence == ()
