"""A data folder → its tables: columns, types, rows, nulls, distinct values and a digest of each column.

Runs inside the sandbox: the files were written by untrusted code, so they are opened here and never in the parent.
SQLite, CSV, JSON and JSON lines need only Python; DuckDB and Parquet files are read if the interpreter has
``duckdb`` (or ``pyarrow``), PostgreSQL if it has ``psycopg`` or ``psycopg2``; any other file counts by its bytes.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import importlib
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

MAX_FILES, MAX_TABLES, MAX_ROWS = 500, 500, 2_000_000
MAX_DISTINCT, MAX_TEXT = 200_000, 64 << 20
SAMPLES, SAMPLE_CHARS = 3, 40
KEY = re.compile(r"(?:^|_)(?:id|key|uuid|guid|sku|number|no)$|[a-z](?:Id|ID|Key|Uuid)$", re.ASCII)
"""Names of columns that are meant to tell rows apart: any other may be unique by chance."""
DAY = re.compile(r"(?:^|_)(?:ds|dt|day|date|partition|interval)$", re.ASCII | re.IGNORECASE)
"""Names of columns that say which run a row belongs to: a table of many days has each key once a day."""
_TEXTS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")


def survey(folder: str, databases: Iterable[tuple[str, str]] = (), *, samples: bool = False) -> list[dict[str, Any]]:
    """Return one entry a table: ``table``, ``rows``, ``columns`` (name → digest, nulls, type, distinct).

    ``distinct`` is counted for columns with a key's name, once a day where a column says the day; else None.

    :param databases: name and address of staging databases to look at as well.
    :param samples: add a few values of each column; only where that is allowed.
    """
    reader = Reader(samples=samples)
    found: list[dict[str, Any]] = []
    paths = sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
    for path in paths[:MAX_FILES]:
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        found += reader.describe(path, os.path.relpath(path, folder))
    for name, address in databases:
        found += reader.database(name, address)
    return found[:MAX_TABLES]


class Reader:
    """Reads one kind of file or database after the other."""

    def __init__(self, *, samples: bool) -> None:
        self.samples = samples

    def describe(self, path: str, name: str) -> list[dict[str, Any]]:
        """Return the tables of one file."""
        with open(path, "rb") as opened:
            head = opened.read(16)
        try:
            read = self._reader(head, name.lower(), os.path.getsize(path))
            return read(path, name) if read else [_bytes(path, name)]
        except ImportError:
            return [_bytes(path, name)]
        except Exception as error:  # noqa: BLE001  any reader's error means the same here: compare bytes
            return [{**_bytes(path, name), "note": f"not readable: {type(error).__name__}"}]

    def database(self, name: str, address: str) -> list[dict[str, Any]]:
        """Return the tables of a staging database; one entry that says why if it cannot be read."""
        try:
            return [{**entry, "database": name} for entry in self._postgres(name, address)]
        except Exception as error:  # noqa: BLE001  no driver, no access: it is said, and nothing else depends on it
            return [{"table": name, "rows": None, "digest": "", "columns": {}, "note": f"not readable: {error}"[:200]}]

    def _reader(self, head: bytes, name: str, size: int) -> Callable[[str, str], list[dict[str, Any]]] | None:
        plain = name.removesuffix(".gz")
        if head.startswith(b"SQLite format 3"):
            return self._sqlite
        if head[8:12] == b"DUCK":
            return self._duckdb
        if plain.endswith(".parquet"):
            return self._parquet
        return self._text if plain.endswith(_TEXTS) and size <= MAX_TEXT else None

    def _sqlite(self, path: str, name: str) -> list[dict[str, Any]]:
        found = []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            tables = db.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
            for (table,) in tables.fetchall():
                quoted = _quoted(table)
                types = [str(row[2]).upper() for row in db.execute(f"pragma table_info({quoted})")]
                cursor = db.execute(f"select * from {quoted} limit {MAX_ROWS}")
                found.append(self._entry(f"{name}:{table}", [c[0] for c in cursor.description], types, cursor))
        return found

    def _duckdb(self, path: str, name: str) -> list[dict[str, Any]]:
        import duckdb

        with duckdb.connect(path, read_only=True) as db:
            listed = db.execute(
                "select table_schema, table_name from information_schema.tables "
                "where table_type = 'BASE TABLE' order by 1, 2"
            ).fetchall()
            return [
                self._selected(db, f"{_quoted(schema)}.{_quoted(table)}", f"{name}:{_label(schema, table, 'main')}")
                for schema, table in listed
            ]

    def _parquet(self, path: str, name: str) -> list[dict[str, Any]]:
        try:
            import duckdb
        except ImportError:
            table = importlib.import_module("pyarrow.parquet").read_table(path)
            types = [str(kind) for kind in table.schema.types]
            rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
            return [self._entry(name, table.column_names, types, rows)]
        quoted = path.replace("'", "''")
        with duckdb.connect() as db:
            return [self._selected(db, f"read_parquet('{quoted}')", name)]

    def _text(self, path: str, name: str) -> list[dict[str, Any]]:
        opened: Any = gzip.open if name.lower().endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as text:
            plain = name.lower().removesuffix(".gz")
            if plain.endswith((".csv", ".tsv")):
                rows = csv.reader(text, delimiter="\t" if plain.endswith(".tsv") else ",")
                columns = next(rows, [])
                width = len(columns)
                return [self._entry(name, columns, ["text"] * width, (_padded(row, width) for row in rows if row))]
            lines = plain.endswith((".jsonl", ".ndjson"))
            said = [json.loads(line) for line in text if line.strip()] if lines else json.load(text)
        return [self._entry(label, *_flat(records)) for label, records in _lists(said, name)]

    def _postgres(self, name: str, address: str) -> list[dict[str, Any]]:
        found = []
        with closing(_connect(address)) as db, closing(db.cursor()) as cursor:
            cursor.execute(
                "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE' "
                "and table_schema not in ('pg_catalog', 'information_schema') order by 1, 2 limit 200"
            )
            for schema, table in cursor.fetchall():
                cursor.execute(
                    "select column_name, data_type from information_schema.columns "
                    "where table_schema = %s and table_name = %s order by ordinal_position",
                    (schema, table),
                )
                told = cursor.fetchall()
                columns, types = [str(row[0]) for row in told], [str(row[1]) for row in told]
                listed = ", ".join(_quoted(column) for column in columns)
                cursor.execute(f"select {listed} from {_quoted(schema)}.{_quoted(table)} limit {MAX_ROWS}")
                found.append(self._entry(f"{name}:{_label(schema, table, 'public')}", columns, types, cursor))
        return found

    def _selected(self, db: Any, source: str, label: str) -> dict[str, Any]:
        cursor = db.execute(f"select * from {source} limit {MAX_ROWS}")
        names, types = [item[0] for item in cursor.description], [str(item[1]) for item in cursor.description]
        return self._entry(label, names, types, iter(cursor.fetchone, None))

    def _entry(self, label: str, columns: list[str], types: list[str], rows: Iterable[Any]) -> dict[str, Any]:
        """Digest columns and whole rows without regard to order: sums of hashes, so that a query's order is free."""
        held = [_Column(key=bool(KEY.search(name))) for name in columns]
        days = [at for at, name in enumerate(columns) if DAY.search(name)]
        whole, count = 0, 0
        for row in rows:
            count += 1
            day = tuple(row[at] for at in days)
            for column, value in zip(held, row, strict=False):
                column.take(value, day, sample=self.samples)
            whole = (whole + _hash(repr(tuple(row)))) % 2**64
        return {
            "table": label,
            "rows": count,
            "digest": f"{whole:016x}",
            "columns": {c: {"type": t, **held[i].told()} for i, (c, t) in enumerate(zip(columns, types, strict=False))},
        }


class _Column:
    """What is counted of one column."""

    def __init__(self, *, key: bool) -> None:
        self.sum, self.nulls, self.sample = 0, 0, dict[str, None]()
        self.seen: set[int] | None = set() if key else None

    def take(self, value: Any, day: tuple[Any, ...], *, sample: bool) -> None:
        shown = repr(value)
        self.nulls += value is None
        self.sum = (self.sum + _hash(shown)) % 2**64
        if self.seen is not None and value is not None:
            self.seen.add(_hash(f"{shown}{day!r}"))
            if len(self.seen) > MAX_DISTINCT:
                self.seen = None
        if sample and len(self.sample) < SAMPLES:
            self.sample[shown[:SAMPLE_CHARS]] = None

    def told(self) -> dict[str, Any]:
        return {
            "digest": f"{self.sum:016x}",
            "nulls": self.nulls,
            "distinct": None if self.seen is None else len(self.seen),
            **({"sample": list(self.sample)} if self.sample else {}),
        }


def _lists(said: Any, name: str) -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists of records that a JSON text is, or holds at its top."""
    if isinstance(said, list):
        yield name, said
    elif isinstance(said, dict):
        inner = {key: value for key, value in said.items() if isinstance(value, list)}
        for key, value in inner.items():
            yield f"{name}:{key}", value
        rest = {key: value for key, value in said.items() if key not in inner}
        if rest:
            yield name, [rest]
    else:
        yield name, [said]


def _flat(records: list[Any]) -> tuple[list[str], list[str], list[tuple[Any, ...]]]:
    """Return columns, types and rows of JSON records; what is nested counts as one value."""
    dicts = [record if isinstance(record, dict) else {"value": record} for record in records]
    columns = list(dict.fromkeys(key for record in dicts for key in record))
    kinds: dict[str, set[str]] = {c: set() for c in columns}
    rows = []
    for record in dicts:
        for key, value in record.items():
            if value is not None:
                kinds[key].add(type(value).__name__)
        rows.append(tuple(_scalar(record.get(c)) for c in columns))
    return columns, ["/".join(sorted(kinds[c])) for c in columns], rows


def _scalar(value: Any) -> Any:
    return json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else value


def _padded(row: list[str], width: int) -> tuple[str | None, ...]:
    """Return a row of a CSV file as wide as its head; an empty field is a null there."""
    filled = [value if value != "" else None for value in row[:width]]
    return (*filled, *([None] * (width - len(filled))))


def _connect(address: str) -> Any:
    try:
        driver = importlib.import_module("psycopg")
    except ImportError:
        driver = importlib.import_module("psycopg2")
    return driver.connect(address, connect_timeout=5)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _label(schema: str, table: str, usual: str) -> str:
    return table if schema == usual else f"{schema}.{table}"


def _bytes(path: str, name: str) -> dict[str, Any]:
    digest = hashlib.sha256()
    with open(path, "rb") as opened:
        for block in iter(lambda: opened.read(1 << 20), b""):
            digest.update(block)
    return {
        "table": name,
        "rows": None,
        "digest": digest.hexdigest()[:16],
        "columns": {},
        "bytes": os.path.getsize(path),
    }


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
