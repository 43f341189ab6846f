"""A staging connection that is production in disguise is refused, and production's secret stays in a fork."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_agentic.errors import SettingsError
from airflow_agentic.staging_twins import refuse_twins, same_place


def conn(**given: Any) -> Any:
    fields = {"conn_type": "postgres", "host": "db.invalid", "port": None, "schema": "shop", "extra": None}
    return SimpleNamespace(**{**fields, **given})


@pytest.mark.parametrize(
    "other",
    [
        conn(),
        conn(host="DB.invalid.", port=5432, conn_type="postgresql"),
        conn(schema="SHOP", extra='{"sslmode": "require"}'),
    ],
    ids=["the same", "written otherwise", "another way to the same place"],
)
def test_two_spellings_of_one_place_are_the_same(other: Any) -> None:
    assert same_place(conn(), other)


@pytest.mark.parametrize(
    "other",
    [
        conn(host="staging.invalid"),
        conn(port=5433),
        conn(schema="shop_staging"),
        conn(extra='{"currentSchema": "staging"}'),
        conn(conn_type="mysql"),
    ],
    ids=["host", "port", "database", "schema", "kind"],
)
def test_another_host_database_or_schema_is_another_place(other: Any) -> None:
    assert not same_place(conn(), other)


def test_localhost_by_name_and_by_address_is_one_place() -> None:
    assert same_place(conn(host="localhost"), conn(host="127.0.0.1"))


def test_a_staging_connection_that_leads_to_production_is_refused_by_name() -> None:
    known = {"warehouse": conn(), "warehouse_staging": conn(port=5432)}
    with pytest.raises(
        SettingsError, match=r"'warehouse_staging' failed: .* same host, database and schema .*'warehouse'"
    ):
        refuse_twins({"warehouse": "warehouse_staging"}, known.__getitem__)


def test_a_connection_that_is_mapped_to_itself_is_refused() -> None:
    with pytest.raises(SettingsError, match="same host"):
        refuse_twins({"warehouse": "warehouse"}, {}.__getitem__)


def test_production_is_never_read_in_the_process_that_proves() -> None:
    asked: list[tuple[str, int]] = []

    def connect(conn_id: str) -> Any:
        asked.append((conn_id, os.getpid()))
        return conn(host=conn_id)

    refuse_twins({"warehouse": "staging"}, connect)
    assert asked == []


def test_a_production_connection_that_cannot_be_read_is_not_compared() -> None:
    def connect(conn_id: str) -> Any:
        raise SettingsError(f"no {conn_id}")

    refuse_twins({"warehouse": "staging"}, connect)
