"""A staging connection → what its role can do, as the database says. Only catalogues are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_agentic.guardrails.manifest import Power

_ROLE = (
    ("superuser", "rolsuper"),
    ("create roles", "rolcreaterole"),
    ("create databases", "rolcreatedb"),
    ("replicate", "rolreplication"),
    ("bypass row security", "rolbypassrls"),
)
_TABLES = """
SELECT n.nspname, p.name
FROM pg_namespace n CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p(name)
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%' AND EXISTS (
    SELECT 1 FROM pg_class c
    WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'f') AND has_table_privilege(c.oid, p.name))
ORDER BY 1, 2
"""
_SCHEMAS = """
SELECT nspname FROM pg_namespace
WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' AND has_schema_privilege(oid, 'CREATE') ORDER BY 1
"""
_FILES = ("pg_read_server_files", "pg_write_server_files", "pg_execute_server_program")
_POSTGRES = ("postgres", "postgresql")


def sql_powers(conn_id: str, conn: Any) -> tuple[Power, ...]:
    """Return what the role behind an Airflow connection can do; ``unknown`` where nobody can be asked. Never raises.

    :param conn: with ``conn_type``, ``host``, ``port``, ``login``, ``password`` and ``schema``.
    """
    area = f"sql:{conn_id}"
    if conn.conn_type not in _POSTGRES:
        return (Power(area=area, what=f"unknown: nothing asks a {conn.conn_type!r} connection what its role can do"),)
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return tuple(Power(area=area, what=what) for what in _postgres(conn))
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        return (Power(area=area, what=f"unknown: it did not answer ({type(error).__name__})"),)


def _postgres(conn: Any) -> Iterator[str]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import URL

    address = URL.create(
        "postgresql+psycopg", conn.login, conn.password, conn.host, conn.port or None, conn.schema or "postgres"
    )
    engine = create_engine(address, connect_args={"connect_timeout": 10})
    try:
        with engine.connect() as connection:
            columns = ", ".join(column for _, column in _ROLE)
            mine = connection.execute(text(f"SELECT {columns} FROM pg_roles WHERE rolname = current_user")).one()  # noqa: S608
            yield from (said for (said, _), holds in zip(_ROLE, mine, strict=True) if holds)
            if connection.execute(text("SELECT has_database_privilege(current_database(), 'CREATE')")).scalar():
                yield "create schemas"
            yield from (f"create in schema {row[0]}" for row in connection.execute(text(_SCHEMAS)))
            yield from (f"{row[1].lower()} in schema {row[0]}" for row in connection.execute(text(_TABLES)))
            for role in _FILES:
                asked = text("SELECT pg_has_role(current_user, :role, 'USAGE')")
                if connection.execute(asked, {"role": role}).scalar():
                    yield f"the server's files and programs: {role}"
    finally:
        engine.dispose()
