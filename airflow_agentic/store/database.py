"""A store's address → connections that read or write, migrated on first use.

SQLite writers begin with BEGIN IMMEDIATE: a transaction that reads before it writes cannot be upgraded while
another writes, and no busy time-out helps against that (measured: most of 1,000 writes failed). The engine
belongs to one process: a fork starts one of its own and leaves its parent's connections alone.
"""

from __future__ import annotations

import math
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from airflow_agentic.errors import StoreError

VERSION_TABLE = "agentic_version"
REVISIONS = (
    "0001",  # first_tables
    "0002",  # lineage
    "0003",  # fixes
    "0004",  # bodies
    "0005",  # partition_jobs
    "0006",  # fix_opened
    "0007",  # dataset_facets
    "0008",  # runs_of_job
)
"""Every revision that this version knows, oldest first; a test holds it against the scripts."""
BUSY_S = 30
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.0005, 0.004
IDLE_S = 5.0
"""After which a server's connection is asked whether it is alive, before it is used."""
SETTING = "[agentic] store_url"


class Database:
    """One store's address, and this process's engine for it."""

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self.shown = f"{self.url.drivername}://{self.url.host or ''}/{self.url.database}"
        """The address without user, password and options."""
        self._engine: Engine | None = None
        self._pid = 0

    @property
    def sqlite(self) -> bool:
        """Whether it is SQLite."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a transaction that may write; committed at the end, undone by any error.

        :raises StoreError: the store is unreachable, full, locked for 30 s or of another version.
        """
        with self._translated(), self._ready().connect() as connection:
            connection.execution_options(agentic_write=True)
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store until the end, whatever others write.

        :raises StoreError: as `write`.
        """
        with self._translated(), self._ready().connect() as connection:
            if not self.sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def at_once(self) -> Iterator[Connection]:
        """Give a connection on which each statement commits itself: one round trip. Not for SQLite.

        :raises StoreError: as `write`.
        """
        with self._translated(), self._ready().connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def exclusively(self, connection: Connection, name: str) -> None:
        """Wait until no other transaction holds *name*, and hold it until this one ends."""
        if not self.sqlite:  # SQLite has one writer at a time anyway
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(f"agentic:{name}".encode())}
            )

    def migrate(self) -> tuple[str, ...]:
        """Bring the tables to this version's revision and return the revisions applied; safe from many processes.

        :raises StoreError: as `write`.
        """
        with self._translated():
            engine = self._connected()
            try:
                return self._migrate(engine)
            finally:
                engine.dispose()

    def close(self) -> None:
        """Close this process's connections; the next use opens new ones."""
        engine, self._engine = self._engine, None
        if engine is not None and self._pid == os.getpid():
            engine.dispose()

    def _ready(self) -> Engine:
        engine = self._engine
        if engine is not None and self._pid == os.getpid():
            return engine
        if engine is not None:  # inherited by fork: closing its connections here would end them in the parent
            engine.dispose(close=False)
        engine = self._connected()
        try:
            self._migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        self._engine, self._pid = engine, os.getpid()
        return engine

    def _connected(self) -> Engine:
        if self.sqlite:
            _prepare_file(Path(str(self.url.database)))
            engine = create_engine(self.url, connect_args={"timeout": BUSY_S})
            event.listen(engine, "connect", _tune_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        engine = create_engine(self.url, connect_args={"connect_timeout": 10})
        event.listen(engine, "checkin", _note_use)
        event.listen(engine, "checkout", _ping_if_idle)
        return engine

    def _migrate(self, engine: Engine) -> tuple[str, ...]:
        with engine.connect() as connection:
            found = self._known(_revision(connection))
        if found == REVISIONS[-1]:
            return ()
        with engine.connect() as connection:
            connection.execution_options(agentic_write=True)
            with connection.begin():
                self.exclusively(connection, "migrate")
                found = self._known(_revision(connection))  # another process may have been faster
                if found != REVISIONS[-1]:
                    _upgrade(connection)
        return REVISIONS[REVISIONS.index(found) + 1 if found else 0 :]

    def _known(self, revision: str | None) -> str | None:
        if revision is not None and revision not in REVISIONS:
            raise StoreError(
                f"Opening the store {self.shown!r} failed: its tables are of revision {revision!r}, this version "
                f"knows up to {REVISIONS[-1]!r}. Install the newer airflow-agentic here too, "
                f"or set {SETTING} to another store."
            )
        return revision

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(self._explain(error)) from error
        except ModuleNotFoundError as error:
            raise StoreError(
                f"Opening the store {self.shown!r} failed: {error}. "
                f"Install airflow-agentic[postgres], or mend {SETTING}."
            ) from error
        except OSError as error:
            raise StoreError(
                f"Opening the store {self.shown!r} failed: {error}. "
                f"Make the folder of {SETTING} writable for this user."
            ) from error

    def _explain(self, error: SQLAlchemyError) -> str:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        said = " ".join(str(cause).split())[:500]
        advice = next((what for words, what in _ADVICE if any(word in said.lower() for word in words)), "")
        return f"Using the store {self.shown!r} failed: {said!r}. {advice or f'Check {SETTING} and its database.'}"


_ADVICE = (
    (
        ("database is locked", "database table is locked"),
        f"Another process held it for {BUSY_S} s; clearing the task is safe.",
    ),
    (
        ("is full", "no space left", "disk i/o error"),
        f"Free space on the disk of {SETTING}; clearing the task is safe then.",
    ),
    (
        ("readonly", "read-only", "unable to open", "permission denied"),
        f"Make the file of {SETTING} writable for this user.",
    ),
    (
        ("not a database", "malformed"),
        f"The file of {SETTING} is damaged or something else: restore it or name another.",
    ),
    (
        (
            "connection refused",
            "could not connect",
            "connection failed",
            "timeout expired",
            "does not exist",
            "closed the",
        ),
        f"Start the database or mend {SETTING}; clearing the task is safe.",
    ),
)


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(
            f"Reading {SETTING} failed: it is no address of a database that we know. "
            "Set it to sqlite:////absolute/path/store.db or postgresql://user@host/database."
        ) from error
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise StoreError(f"Reading {SETTING} failed: {backend!r} is not supported. Use sqlite or postgresql.")
    if backend == "sqlite" and not os.path.isabs(parsed.database or ""):
        raise StoreError(
            f"Reading {SETTING} failed: {parsed.database!r} is no absolute path, and every process would have a store "
            "of its own. Set it to sqlite:////absolute/path/store.db (four slashes)."
        )
    return parsed


def _prepare_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives its -wal and -shm files the mode of the database.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _tune_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # else Python begins, deferred, on its own
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _note_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


def _ping_if_idle(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Ask a connection that has been idle whether it is alive; asking each time would double the round trips."""
    if time.monotonic() - record.info.get("used_at", math.inf) < IDLE_S:
        return
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.close()
        connection.rollback()
    except Exception as error:  # whatever the driver says of a dead connection; the pool opens another
        raise DisconnectionError from error


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("agentic_write"):
        _wait_to_write(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _wait_to_write(connection: Connection) -> None:
    """Begin as the one writer. SQLite's own waiting sleeps up to 100 ms, and a writer is done after one."""
    cursor = connection.connection.cursor()
    until = time.monotonic() + BUSY_S
    pause = _FIRST_PAUSE_S + os.getpid() % 16 / 16_000  # so that those who wait do not look all at once
    cursor.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                cursor.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise DBAPIError.instance(
                        "BEGIN IMMEDIATE", None, error, sqlite3.Error, dialect=connection.dialect
                    ) from error
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_S * 1_000}")
        cursor.close()


def _revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, VERSION_TABLE):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return found


def _upgrade(connection: Connection) -> None:
    # Alembic takes a fifth of a second to import, and is needed once in a store's life.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
