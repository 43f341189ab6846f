"""What a role of a real PostgreSQL can do, as its catalogues tell."""

from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from airflow_agentic.powers.sql import sql_powers

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def database(postgres_server):
    engine = create_engine(
        f"{postgres_server}/postgres".replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        for line in (
            "CREATE ROLE narrow LOGIN", "CREATE ROLE wide LOGIN SUPERUSER", "CREATE SCHEMA staging",
            "CREATE TABLE staging.orders (price INT)", "GRANT USAGE ON SCHEMA staging TO narrow",
            "GRANT SELECT, INSERT ON staging.orders TO narrow", "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        ):  # fmt: skip
            connection.execute(text(line))
    engine.dispose()
    return make_url(postgres_server)


def role(url, name, **changes):
    said = {
        "conn_type": "postgres",
        "host": url.host,
        "port": url.port,
        "login": name,
        "password": None,
        "schema": "postgres",
    }
    return {power.what for power in sql_powers("stage", SimpleNamespace(**{**said, **changes}))}


def test_a_narrow_role_has_the_privileges_that_it_was_granted_and_no_other(database):
    assert role(database, "narrow") == {"insert in schema staging"}


def test_a_superuser_is_named_one(database):
    found = role(database, "wide")
    assert {"superuser", "create schemas", "create in schema staging", "truncate in schema staging"} <= found
    assert "the server's files and programs: pg_execute_server_program" in found


def test_a_server_that_does_not_answer_and_a_kind_that_nobody_asks_are_unknown(database):
    assert all(what.startswith("unknown") for what in role(database, "narrow", port=1))
    assert role(database, "x", conn_type="snowflake") == {
        "unknown: nothing asks a 'snowflake' connection what its role can do"
    }
