"""An Airflow connection → a SQLAlchemy engine that reads only, and keeps no connection open."""

from __future__ import annotations

import importlib.util
from typing import Any
from urllib.parse import quote

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from airflow_agentic.errors import SettingsError

CONNECT_S = 5


def read_only_engine(conn: Any, conn_id: str) -> Engine:
    """Return the engine of a connection: SQLite and PostgreSQL by ourselves, others by their provider's hook.

    Nothing is opened yet. Give the connection an account that may only read: the read-only transaction is our second
    lock, not the first.

    :raises SettingsError: no driver or hook is installed for its type, or it names no database.
    """
    kind = str(conn.conn_type or "")
    if kind == "sqlite":
        path = conn.host or conn.schema or ""
        if not path.startswith("/"):
            raise SettingsError(f"Reading tables of {conn_id!r} failed: its host is no absolute path of a SQLite file.")
        # `file:` with mode=ro: SQLite itself refuses to write, and to create a file that is not there.
        return create_engine(
            f"sqlite+pysqlite:///file:{quote(path)}?mode=ro&uri=true", poolclass=NullPool, connect_args={"timeout": 2}
        )
    if kind in {"postgres", "postgresql"}:
        url = URL.create(
            f"postgresql+{_driver(conn_id)}", username=conn.login or None, password=conn.password or None,
            host=conn.host or None, port=conn.port, database=conn.schema or None,
        )  # fmt: skip
        return create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_S})
    try:
        engine: Engine = conn.get_hook().get_sqlalchemy_engine({"poolclass": NullPool})
    except (AttributeError, ImportError, SQLAlchemyError, ValueError) as error:
        raise SettingsError(
            f"Reading tables of {conn_id!r} failed: its type {kind!r} has no hook with a SQLAlchemy engine here "
            f"({type(error).__name__}). Install its provider, or take it out of data_connections."
        ) from error
    return engine


def _driver(conn_id: str) -> str:
    for name in ("psycopg", "psycopg2"):
        if importlib.util.find_spec(name):
            return name
    raise SettingsError(
        f"Reading tables of {conn_id!r} failed: no PostgreSQL driver is installed. "
        "Install airflow-agentic[postgres], or take it out of data_connections."
    )
