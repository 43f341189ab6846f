"""A store in memory for one reading: lineage that only a file, an API or a repository tells is asked like any other.

Emptied databases are kept for the next reading of the process: making the tables and compiling the statements anew
would cost ten times what a small reading does.
"""

from __future__ import annotations

import os

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import StaticPool

from airflow_agentic.store.database import Database, _begin_sqlite, _tune_sqlite
from airflow_agentic.store.lineage_tables import LINEAGE_TABLES
from airflow_agentic.store.tables import METADATA

_MOST_IDLE = 2
_idle: list[tuple[int, Engine]] = []
"""Process that made it, and the database."""


class ScratchDatabase(Database):
    """The lineage tables in memory; what was written is gone when it is closed. For one thread at a time."""

    def __init__(self) -> None:
        self.url = make_url("sqlite://")
        self.shown = "in memory"
        self._memory: Engine | None = None

    def close(self) -> None:
        """Let go of everything that was written."""
        memory, self._memory = self._memory, None
        if memory is None:
            return
        if len(_idle) >= _MOST_IDLE:
            memory.dispose()
            return
        with memory.begin() as connection:
            for table in LINEAGE_TABLES:
                connection.execute(table.delete())
        _idle.append((os.getpid(), memory))

    def _ready(self) -> Engine:
        if self._memory is None:
            self._memory = _taken() or _made()
        return self._memory


def _taken() -> Engine | None:
    while _idle:
        pid, memory = _idle.pop()
        if pid == os.getpid():
            return memory
    return None


def _made() -> Engine:
    memory = create_engine(make_url("sqlite://"), poolclass=StaticPool, connect_args={"check_same_thread": False})
    event.listen(memory, "connect", _tune_sqlite)
    event.listen(memory, "begin", _begin_sqlite)
    METADATA.create_all(memory, tables=LINEAGE_TABLES)
    return memory
