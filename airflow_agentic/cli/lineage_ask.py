"""``airflow agentic lineage upstream|downstream|schema|column|partition|blast``. Thin: read arguments, ask, print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_agentic.cli.commands import _print, _told
from airflow_agentic.lineage import answers
from airflow_agentic.ports import LineageReader
from airflow_agentic.settings import read_settings
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_queries import SqlLineage


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
    _ask(args, lambda reader: answers.partition(reader, args.name, args.partition_key))


@_told
def blast(args: Any) -> None:
    """Print who waits for a task or data set."""
    _ask(args, lambda reader: answers.blast(reader, args.name))


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
