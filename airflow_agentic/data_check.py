"""The read-only connections of ``data_connections``, each tried: do they answer, and can they really not write?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from airflow_agentic.context.engines import read_only_engine
from airflow_agentic.context.landed_files import Unreadable
from airflow_agentic.context.table_reader import TableReader
from airflow_agentic.errors import SettingsError
from airflow_agentic.powers.sql import sql_powers

ABSENT = "no data_connections: tables are not looked into, only what landed and what lineage tells"
_READS = "unknown:"
_SHOWN = 4


def data_state(connections: Sequence[str], connect: Callable[[str], Any]) -> tuple[str, str, str]:
    """Return the state (``ok``, ``absent`` or ``wrong``) of all connections together, what was found, how to mend it.

    :param connect: connection id → Airflow's connection.
    """
    if not connections:
        return "absent", ABSENT, ""
    states: list[str] = []
    details: list[str] = []
    mends: dict[str, None] = {}
    for conn_id in connections:
        for state, detail, mend in _one(conn_id, connect):
            states.append(state)
            details.append(f"{conn_id!r} {detail}")
            mends.update({mend: None} if mend else {})
    return "wrong" if "wrong" in states else "ok", "; ".join(details), " ".join(mends)


def _one(conn_id: str, connect: Callable[[str], Any]) -> Iterator[tuple[str, str, str]]:
    try:
        conn = connect(conn_id)
        tables = TableReader(read_only_engine(conn, conn_id), timeout_s=10.0).look()
    except (SettingsError, Unreadable) as error:
        yield "wrong", str(error), f"Mend connection {conn_id!r}, or take it out of data_connections."
        return
    if not tables:
        yield "wrong", "answers, but its account sees no table", "Grant the account SELECT on what the Dags read."
        return
    yield "ok", f"answers, read-only; its account sees {tables} tables", ""
    powers = [power.what for power in sql_powers(conn_id, conn) if not power.what.startswith(_READS)]
    if powers:
        more = f" and {len(powers) - _SHOWN} more" if len(powers) > _SHOWN else ""
        yield (
            "wrong",
            f"can do more than read: {', '.join(powers[:_SHOWN])}{more}",
            "Give the connection an account that may only SELECT: our read-only transaction is the second lock.",
        )
