"""Tables that the failed tasks read: found by their SQL, read from a real database, told as shapes."""

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from airflow_agentic.context.engines import read_only_engine
from airflow_agentic.context.landed_files import Unreadable
from airflow_agentic.context.table_names import TableRead, tables_read
from airflow_agentic.context.table_reader import TableReader
from airflow_agentic.context.tables import TablesSource
from airflow_agentic.data_check import data_state
from airflow_agentic.errors import SettingsError
from airflow_agentic.records import Evidence, SourceReport, Trust
from airflow_agentic.testing.targets import a_target

SQL = "insert into mart.daily select o.id, c.name from orders o join {raw}customers c on c.id = o.customer_id where o.ds = '2026-11-02'"
SECRET = "alice@example.com"


def asked(sql=SQL.format(raw="")):
    return a_target(rendered=(("sql", sql),))


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop's data.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("create table orders (id integer, customer_id text, total numeric, email text, ds text)")
        good = [(n, f"C-{n:04}", n * 1.5, SECRET, "2026-11-01") for n in range(1, 41)]
        bad = [(n % 20, None if n % 4 else f"C{n}", n * 150.0, SECRET, "2026-11-02") for n in range(1, 41)]
        database.executemany("insert into orders values (?, ?, ?, ?, ?)", good + bad)
        database.execute("create table customers_v2 (id text, name text)")
    return SimpleNamespace(conn_type="sqlite", host=str(path), schema=None)


def source(conn, **options):
    return TablesSource(("warehouse",), lambda conn_id: read_only_engine(conn, conn_id), **options)


def test_tables_are_those_that_the_sql_reads_and_not_the_one_it_writes():
    found = tables_read(asked(SQL.format(raw="raw.")), SourceReport())
    assert found == (TableRead(schema="", name="orders", dated=("ds",)), TableRead(schema="raw", name="customers"))


def test_a_statement_in_the_log_names_tables_too():
    said = "04:00:00 Running statement: with a as (select * from raw.x) select * from a, parameters: None"
    log = Evidence(id="", source="task_log", title="", body=said, observed_at="", trust=Trust.UNTRUSTED)
    assert [t.full for t in tables_read(a_target(), SourceReport(evidence=(log,)))] == ["raw.x"]


@pytest.mark.parametrize("sql", ["select from where (", "echo select * from x", "", "drop table orders"], ids=str)
def test_what_is_no_query_names_no_table_that_would_be_read_wrongly(sql, shop):
    assert all(t.name in {"x", "orders"} for t in tables_read(asked(sql), SourceReport()))


def test_the_failing_day_is_compared_with_the_good_one(shop):
    report = source(shop).read(asked(), SourceReport())
    body = next(e.body for e in report.evidence if e.title.startswith("Table orders"))
    for told in ("duplicates: 'id' was unique, now 20 of 40", "nulls: 'customer_id'", "range: 'total'"):
        assert told in body
    assert {shape.role for shape in report.shapes} == {"failing", "good"}


def test_a_missing_table_is_told_with_the_one_that_is_written_nearly_alike(shop):
    told = next(e for e in source(shop).read(asked(), SourceReport()).evidence if "not there" in e.title)
    assert "customers_v2" in told.body


def test_no_value_is_told(shop):
    assert SECRET not in repr(source(shop).read(asked(), SourceReport()))


def test_a_named_columns_commonest_values_are_told(shop):
    report = source(shop, shown_columns=("orders.customer_id",)).read(asked(), SourceReport())
    assert "'None': 30 rows" in "".join(e.body for e in report.evidence)
    assert SECRET not in repr(report)


def test_without_a_column_of_days_the_table_is_told_as_it_is_now(shop):
    report = source(shop).read(asked("select * from customers_v2"), SourceReport())
    assert "0 rows" in report.evidence[0].title
    assert "columns: id TEXT, name TEXT" in report.evidence[0].body
    assert "as it is now only" in report.gaps[0].reason


def test_sqlite_itself_refuses_to_write(shop):
    engine = read_only_engine(shop, "warehouse")
    with engine.connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("delete from orders"))


def test_a_file_that_is_not_there_is_a_gap_and_is_not_made(tmp_path):
    gone = SimpleNamespace(conn_type="sqlite", host=str(tmp_path / "gone.db"), schema=None)
    report = source(gone).read(asked(), SourceReport())
    assert "does not answer" in report.gaps[0].reason
    assert not (tmp_path / "gone.db").exists()


def test_a_connection_without_a_driver_is_a_gap():
    odd = SimpleNamespace(conn_type="odd", host="h", schema="s")
    report = source(odd).read(asked(), SourceReport())
    assert "'odd' has no hook" in report.gaps[0].reason


def test_a_database_without_a_known_read_only_transaction_is_refused(shop):
    engine = read_only_engine(shop, "warehouse")
    reader = TableReader(engine)
    found = reader.find(TableRead(schema="", name="orders"))
    engine.dialect.name = "oracle"
    with pytest.raises(Unreadable, match="no read-only transaction"):
        reader.rows(found, None, None)


def test_a_relative_path_is_refused():
    with pytest.raises(SettingsError, match="absolute path"):
        read_only_engine(SimpleNamespace(conn_type="sqlite", host="shop.db", schema=None), "warehouse")


def test_rows_beyond_the_cap_are_counted_and_not_read(shop):
    reader = TableReader(read_only_engine(shop, "warehouse"), max_rows=10)
    rows = reader.rows(reader.find(TableRead(schema="", name="ORDERS")), None, None)
    assert (len(rows.records), rows.total) == (10, 80)


def test_a_query_that_takes_too_long_is_cut_off(shop):
    with closing(sqlite3.connect(shop.host)) as database, database:
        database.execute("create view slow as select count(*) as n from orders a, orders b, orders c, orders d")
    reader = TableReader(read_only_engine(shop, "warehouse"), timeout_s=0.05)
    with pytest.raises(Unreadable, match="could not be read"):
        reader.rows(reader.find(TableRead(schema="", name="slow")), None, None)


def test_the_check_says_which_data_connection_answers_and_which_does_not(shop, tmp_path):
    gone = SimpleNamespace(conn_type="sqlite", host=str(tmp_path / "gone.db"), schema=None)
    connections = {"warehouse": shop, "gone": gone}
    state, detail, mend = data_state(("warehouse", "gone"), connections.__getitem__)
    assert state == "wrong" and "'gone'" in mend and "'warehouse'" not in mend
    assert "'warehouse' answers, read-only" in detail and "'gone' does not answer" in detail


def test_a_data_connection_that_sees_no_table_is_wrong(tmp_path):
    with closing(sqlite3.connect(tmp_path / "empty.db")) as database:
        database.execute("vacuum")
    empty = SimpleNamespace(conn_type="sqlite", host=str(tmp_path / "empty.db"), schema=None)
    assert data_state(("empty",), {"empty": empty}.__getitem__)[:2] == (
        "wrong",
        "'empty' answers, but its account sees no table",
    )


def test_without_data_connections_the_check_says_what_is_missed():
    assert data_state((), {}.__getitem__)[0] == "absent"
