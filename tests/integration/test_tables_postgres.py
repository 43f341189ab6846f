"""Shapes of tables from a real PostgreSQL: read-only, with a limit of time, and without a value."""

from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from airflow_agentic.context.engines import read_only_engine
from airflow_agentic.context.landed_files import Unreadable
from airflow_agentic.context.table_names import TableRead
from airflow_agentic.context.table_reader import TableReader
from airflow_agentic.context.tables import TablesSource
from airflow_agentic.records import SourceReport
from airflow_agentic.testing.targets import a_target

pytestmark = pytest.mark.e2e
SQL = """select o.id, o.total from raw.orders o
where o.loaded_at >= '2026-11-02' and o.loaded_at < '2026-11-03'"""


@pytest.fixture
def warehouse(postgres_url):
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("create schema raw"))
        connection.execute(
            text(
                "create table raw.orders (id bigint, total numeric(12,2), email text, tags jsonb, loaded_at timestamptz)"
            )
        )
        rows = "insert into raw.orders select n, :rate * n, 'alice@example.com', '{\"a\": 1}', :at from generate_series(1, 60) n"
        connection.execute(text(rows), {"rate": 1, "at": "2026-11-01T12:00:00Z"})
        connection.execute(text(rows), {"rate": 100, "at": "2026-11-02T12:00:00Z"})
    engine.dispose()
    url = make_url(postgres_url)
    return SimpleNamespace(
        conn_type="postgres",
        host=url.host,
        port=url.port,
        login=url.username,
        password=url.password,
        schema=url.database,
    )


def test_the_failing_day_of_a_table_is_compared_with_the_good_one(warehouse):
    source = TablesSource(("warehouse",), lambda conn_id: read_only_engine(warehouse, conn_id))
    report = source.read(a_target(rendered=(("sql", SQL),)), SourceReport())
    assert "2026-11-01: 60; on 2026-11-02: 60" in report.evidence[0].body
    assert "range: 'total'" in report.evidence[0].body
    assert "alice" not in repr(report)


def test_a_write_within_the_readers_transaction_is_refused(warehouse):
    reader = TableReader(read_only_engine(warehouse, "warehouse"))
    with pytest.raises(SQLAlchemyError, match="read-only transaction"), reader._read_only() as connection:
        connection.execute(text("delete from raw.orders"))


def test_a_slow_table_is_cut_off(warehouse):
    engine = read_only_engine(warehouse, "warehouse")
    with engine.begin() as connection:
        connection.execute(text("create view raw.slow as select pg_sleep(5)::text as n"))
    reader = TableReader(engine, timeout_s=0.2)
    with pytest.raises(Unreadable, match="could not be read"):
        reader.rows(reader.find(TableRead(schema="raw", name="slow")), None, None)
