"""``airflow agentic lineage upstream|downstream|schema|column|partition|blast``. Thin: read arguments, ask, print."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from airflow_agentic.cli.commands import _print, _told
from airflow_agentic.context.airflow_api import AirflowApi
from airflow_agentic.context.airflow_assets import AirflowAssets
from airflow_agentic.errors import SettingsError
from airflow_agentic.lineage import answers
from airflow_agentic.ports import AssetReader, LineageReader
from airflow_agentic.scope import read_scope
from airflow_agentic.settings import read_settings
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_queries import SqlLineage

log = logging.getLogger(__name__)


@_told
def upstream(args: Any) -> None:
    """Print what a task or data set is made from."""
    _ask(args, lambda reader: answers.neighbours(reader, "upstream", args.name, hops=args.hops))


@_told
def downstream(args: Any) -> None:
    """Print what is made from a task or data set."""
    _ask(args, lambda reader: answers.neighbours(reader, "downstream", args.name, hops=args.hops))


@_told
def schema(args: Any) -> None:
    """Print a data set's last schemas and their changes."""
    _ask(args, lambda reader: answers.schemas(reader, args.name, limit=args.limit))


@_told
def column(args: Any) -> None:
    """Print where a column changed, and the run that changed it."""
    _ask(args, lambda reader: answers.column(reader, args.name, args.column))


@_told
def partition(args: Any) -> None:
    """Print a partition's state."""
    _ask(args, lambda reader: answers.partition(reader, args.name, args.partition_key, assets=_assets()))


@_told
def blast(args: Any) -> None:
    """Print who waits for a task or data set."""
    _ask(args, lambda reader: answers.blast(reader, args.name))


def _assets() -> AssetReader | None:
    """Return Airflow's assets with the agentic connection's viewer account; None where it names none."""
    from airflow_agentic import wiring

    settings = read_settings()
    try:
        scope = read_scope(wiring.connection(settings.conn_id).extra, conn_id=settings.conn_id)
        conn = wiring.connection(scope.airflow_conn_id) if scope.airflow_conn_id else None
    except SettingsError as error:
        log.info("Airflow's own runs and asset events were not asked: %s", error)
        return None
    return (
        AirflowAssets(AirflowApi(wiring.base_url(conn), conn.login or "", conn.password or "").read) if conn else None
    )


def _ask(args: Any, question: Callable[[LineageReader], list[answers.Row]]) -> None:
    database = Database(read_settings().store_url)
    try:
        with SqlLineage(database).reading() as reader:
            rows = question(reader)
    finally:
        database.close()
    _print(args, _even(rows), empty="The lineage tells nothing of it.")


def _even(rows: list[answers.Row]) -> list[dict[str, Any]]:
    """A table wants the same columns in every row."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return [{key: row.get(key, "") for key in keys} for row in rows]
