"""A proof whose task writes to a staging PostgreSQL: reached through the staging map alone, and compared there."""

import pytest
import test_proof_local as local
from sqlalchemy import create_engine, make_url, text

from airflow_agentic.records import FileEdit, ProofStatus
from airflow_agentic.workspaces.local import LocalWorkspace
from airflow_agentic.workspaces.staging import Staging

pytestmark = pytest.mark.integration
DAG = """import pendulum, psycopg
from airflow.sdk import DAG, BaseHook, task
from shop.rows import parse

with DAG("shop", schedule="@daily", start_date=pendulum.datetime(2026, 11, 1, tz="UTC"), catchup=False) as dag:
    @task
    def load(ds=None):
        row = {"customer_id": "c1"} if ds < "2026-11-02" else {"customerId": "c1"}
        values = (parse(row), ds)
        with psycopg.connect(BaseHook.get_connection("warehouse").get_uri().replace("postgres:", "postgresql:")) as db:
            db.execute("delete from sales.orders where ds = %s", (ds,))
            db.execute("insert into sales.orders (customer, ds) values (%s, %s)", values)

    load()
"""
ROWS = 'def parse(row):\n    return row["customer_id"]\n'
FIXED = 'def parse(row):\n    return row["customer_id"] if "customer_id" in row else row["customerId"]\n'


@pytest.fixture
def repository(tmp_path):
    for path, body in (("dags/shop.py", DAG), ("shop/__init__.py", ""), ("shop/rows.py", ROWS)):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(body)
    local.commit(tmp_path)
    return str(tmp_path)


@pytest.fixture
def staging(postgres_url):
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("create schema sales"))
        connection.execute(text("create table sales.orders (customer text, ds date, price integer)"))
    engine.dispose()
    url = make_url(postgres_url)
    address = f"postgres://{url.username}@{url.host}:{url.port}/{url.database}"
    return Staging(connections=(("warehouse", address),), reach=(f"{url.host}:{url.port}",))


def prove(repository, staging, *edits):
    # A staging database is behind the network, which is then the worker's: that layer is accepted by its name.
    workspace = LocalWorkspace(repository, "main", "dags", staging, frozenset({"network"}))
    return local.prove(repository, *edits, workspace=workspace)


def test_the_rows_that_a_change_writes_to_a_staging_database_are_compared(repository, staging):
    proof = prove(repository, staging, FileEdit(path="shop/rows.py", before=ROWS, after=FIXED))
    assert proof.status is ProofStatus.PROVED, proof
    assert [(d.table, d.after_rows - d.before_rows) for d in proof.data_diff] == [("warehouse:sales.orders", 1)]


def test_a_change_of_a_column_in_a_staging_database_is_told_with_its_types(repository, staging):
    wider = DAG.replace(
        '            db.execute("delete',
        '            db.execute("alter table sales.orders alter price type bigint")\n            db.execute("delete',
    )
    edits = [
        FileEdit(path="shop/rows.py", before=ROWS, after=FIXED),
        FileEdit(path="dags/shop.py", before=DAG, after=wider),
    ]
    proof = prove(repository, staging, *edits)
    assert proof.green and proof.green.state == "success", proof
    assert [d.retyped for d in proof.data_diff] == [("price integer → bigint",)]


def test_without_a_staging_connection_the_task_says_what_to_add(repository, staging):
    bare = Staging(reach=staging.reach)
    proof = prove(repository, bare, FileEdit(path="shop/rows.py", before=ROWS, after=FIXED))
    assert proof.status is not ProofStatus.PROVED
    told = proof.reason + str(proof)
    assert "no staging connection for 'warehouse': add it to the agentic connection's staging map" in told
