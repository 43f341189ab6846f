"""A data folder → its tables: columns, rows and a digest of each column. Runs inside the sandbox.

The files were written by untrusted code, so they are opened here and never in the parent. SQLite comes with
Python; DuckDB files, CSV and Parquet are read if the interpreter has ``duckdb``; any other file counts by its bytes.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from typing import Any

MAX_FILES, MAX_TABLES, MAX_ROWS = 500, 500, 2_000_000


def survey(folder: str) -> list[dict[str, Any]]:
    """Return one entry a table: ``table``, ``rows``, ``columns`` (name → digest and nulls)."""
    found: list[dict[str, Any]] = []
    paths = sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
    for path in paths[:MAX_FILES]:
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        found += _describe(path, os.path.relpath(path, folder))
    return found[:MAX_TABLES]


def _describe(path: str, name: str) -> list[dict[str, Any]]:
    with open(path, "rb") as opened:
        head = opened.read(16)
    try:
        if head.startswith(b"SQLite format 3"):
            return _sqlite(path, name)
        if head[8:12] == b"DUCK":
            return _duckdb(path, name)
        if name.endswith((".csv", ".csv.gz", ".parquet")):
            return _flat(path, name)
    except ImportError:
        return [_bytes(path, name)]
    except Exception as error:  # noqa: BLE001  any reader's error means the same here: compare bytes
        return [{**_bytes(path, name), "note": f"not readable: {type(error).__name__}"}]
    return [_bytes(path, name)]


def _sqlite(path: str, name: str) -> list[dict[str, Any]]:
    found = []
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        tables = db.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
        for (table,) in tables.fetchall():
            cursor = db.execute(f'select * from "{table.replace(chr(34), chr(34) * 2)}" limit {MAX_ROWS}')
            columns = [item[0] for item in cursor.description]
            found.append(_entry(f"{name}:{table}", columns, cursor))
    return found


def _duckdb(path: str, name: str) -> list[dict[str, Any]]:
    import duckdb

    found = []
    with duckdb.connect(path, read_only=True) as db:
        listed = db.execute(
            "select table_schema, table_name from information_schema.tables "
            "where table_type = 'BASE TABLE' order by 1, 2"
        ).fetchall()
        for schema, table in listed:
            quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, table))
            label = table if schema == "main" else f"{schema}.{table}"
            found.append(_columns(db, f"select * from {quoted}", f"{name}:{label}"))
    return found


def _flat(path: str, name: str) -> list[dict[str, Any]]:
    import duckdb

    quoted = path.replace("'", "''")
    reader = "read_parquet" if name.endswith(".parquet") else "read_csv"
    options = "" if name.endswith(".parquet") else ", all_varchar = true"
    with duckdb.connect() as db:
        return [_columns(db, f"select * from {reader}('{quoted}'{options})", name)]


def _columns(db: Any, query: str, label: str) -> dict[str, Any]:
    cursor = db.execute(f"{query} limit {MAX_ROWS}")
    names = [item[0] for item in cursor.description]
    return _entry(label, names, iter(cursor.fetchone, None))


def _entry(label: str, columns: list[str], rows: Any) -> dict[str, Any]:
    """Digest each column and whole rows without regard to order: sums of hashes, so that a query's order is free."""
    sums, whole, count = [0] * len(columns), 0, 0
    nulls = [0] * len(columns)
    for row in rows:
        count += 1
        for index, value in enumerate(row):
            nulls[index] += value is None
            sums[index] = (sums[index] + _hash(repr(value))) % 2**64
        whole = (whole + _hash(repr(tuple(row)))) % 2**64
    return {
        "table": label,
        "rows": count,
        "digest": f"{whole:016x}",
        "columns": {c: {"digest": f"{sums[i]:016x}", "nulls": nulls[i]} for i, c in enumerate(columns)},
    }


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
