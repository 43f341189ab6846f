"""Production id → staging id → refused, if both lead to the same host, database and schema.

The process that proves a change must hold no production connection. So a fork reads it, tells a yes or no over a
pipe and is gone; where the production connection cannot be read at all, which is better still, nothing is compared.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

from airflow_agentic.errors import SettingsError

Connect = Callable[[str], Any]
_PORTS = {"postgres": 5432, "postgresql": 5432, "mysql": 3306, "mssql": 1433, "oracle": 1521, "redshift": 5439}
_PARTS = ("account", "region", "project", "database", "dbname", "catalog", "schema", "currentSchema", "dataset", "path")
"""Fields of an extra that say where a connection leads; the rest says how."""


def refuse_twins(mapped: Mapping[str, str], connect: Connect) -> None:
    """Return if no staging connection leads where its production twin does.

    :param mapped: production connection id → staging connection id.
    :raises SettingsError: one does, or is its twin by name.
    """
    for production, staging in mapped.items():
        if production == staging or _told_by_a_fork(production, staging, connect):
            raise SettingsError(
                f"Using staging connection {staging!r} failed: it leads to the same host, database and schema as "
                f"{production!r}, which is production. Point it to a staging system in the agentic connection's "
                "staging_connections."
            )


def same_place(one: Any, other: Any) -> bool:
    """Say whether two connections lead to the same host, database and schema, however they are written."""
    return _where(one) == _where(other) and bool(_hosts(one) & _hosts(other))


def _where(conn: Any) -> tuple[Any, ...]:
    kind = str(conn.conn_type or "").lower()
    extra = conn.extra_dejson if isinstance(getattr(conn, "extra_dejson", None), dict) else _extra(conn)
    parts = tuple(str(extra.get(name) or "").lower() for name in _PARTS)
    port = conn.port or _PORTS.get(kind)
    return "postgres" if kind == "postgresql" else kind, port, str(conn.schema or "").lower(), parts


def _extra(conn: Any) -> dict[str, Any]:
    try:
        found = json.loads(conn.extra or "{}")
    except (TypeError, ValueError):
        found = None
    return found if isinstance(found, dict) else {}


def _hosts(conn: Any) -> set[str]:
    """Return the name and, where they are known, the addresses of a connection's host."""
    name = str(conn.host or "localhost").lower().rstrip(".")
    try:
        return {name, *(str(found[4][0]) for found in socket.getaddrinfo(name, None))}
    except (OSError, UnicodeError):
        return {name}


def _told_by_a_fork(production: str, staging: str, connect: Connect) -> bool:
    """Say whether both lead to one place, as a fork found out: what it read is gone with it.

    One that cannot tell says no.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        told = b"0"
        try:
            told = b"1" if same_place(connect(production), connect(staging)) else b"0"
        finally:
            os.write(writer, told)
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as heard:
        told = heard.read(1)
    os.waitpid(pid, 0)
    return told == b"1"
