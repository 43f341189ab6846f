"""A statement and its values → all rows, straight from the driver.

SQLAlchemy's way to a statement that is known already costs more than most answers of the lineage store do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.exc import DBAPIError

from airflow_agentic.store.lineage_rows import raw_id
from airflow_agentic.store.lineage_statements import RAW_IDS, as_text

_MOST_PADDED = 8_192


class Asking:
    """Asks within one transaction."""

    def __init__(self, connection: Connection, *, sqlite: bool) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self.sqlite = sqlite
        self._how: dict[str, Any] = {} if sqlite else {"prepare": True, "binary": True}

    def ask(self, statement: Select[Any], given: Mapping[str, Any]) -> Sequence[Any]:
        """Return all rows of a statement. :raises DBAPIError: as SQLAlchemy would."""
        text, brought = as_text(statement, sqlite_=self.sqlite)
        if self.sqlite:
            text, given = _for_sqlite(text, given)
        try:
            rows: Sequence[Any] = self._driver.execute(text, {**brought, **given}, **self._how).fetchall()
        except self._connection.dialect.loaded_dbapi.Error as error:
            dialect = self._connection.dialect
            raise DBAPIError.instance(text, None, error, dialect.loaded_dbapi.Error, dialect=dialect) from error
        return rows

    def ask_of_runs(self, statement: Select[Any], run_ids: Iterable[str]) -> Sequence[Any]:
        """Return all rows of a statement about runs."""
        return self.ask(statement, {"ids": [raw_id(run_id) for run_id in run_ids]})

    def plan_once(self) -> None:
        """Have PostgreSQL plan a statement for any values: planning takes as long as answering, the plans are alike."""
        if not self.sqlite:
            self._driver.execute("SET LOCAL plan_cache_mode = force_generic_plan")


def _for_sqlite(text: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return lists as JSON, and those of bytes one by one: as many as the next power of two, so that texts are few."""
    if RAW_IDS not in text:
        return text, {name: json.dumps(value) if isinstance(value, list) else value for name, value in given.items()}
    ids = given["ids"]
    more = (1 << (len(ids) - 1).bit_length()) - len(ids) if len(ids) <= _MOST_PADDED else 0
    padded = [*ids, *[ids[-1]] * more]
    named = {f"id_{number}": one for number, one in enumerate(padded)}
    rest = {name: value for name, value in given.items() if name != "ids"}
    return text.replace(RAW_IDS, ", ".join(f":{name}" for name in named)), {**rest, **named}
