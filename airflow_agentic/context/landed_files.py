"""One landed file or response → its records: JSON, JSON lines, CSV, XML, gzip and zip of these, SQLite, parquet.

What is read was written by strangers: sizes are bounded before and after decompression, and nothing but data is
ever built from it.
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import io
import json
import os
import re
import sqlite3
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from airflow_agentic.context.landed_columns import by_kind, column_names, places
from airflow_agentic.context.landed_packs import BadPack, members, xml_records
from airflow_agentic.shapes import printable

MAX_RECORDS = 200_000
NO_HEADER = "no header"
MAX_BINARY = 10
"""How many times the limit a database or parquet file may have: it is not read as a whole."""
_DATABASE, _PARQUET = (".sqlite", ".sqlite3", ".db"), (".parquet", ".pq")
_BINARY = (*_DATABASE, *_PARQUET)
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)\.\d+(?:[eE][+-]?\d+)?\Z")
_NULLS = {"", "null", "NULL", "None", "NaN", "nan", r"\N"}


class Unreadable(Exception):
    """The bytes are not what their name says, or too many; the message says which, without a value."""


@dataclass(frozen=True, kw_only=True)
class Landed:
    """The records of one data set within a file."""

    part: str
    """Empty for the records themselves; ``envelope`` for what is around them; a table's name."""
    records: list[Any]
    whole: bool = True
    """False if only the beginning was read: counts then say nothing."""
    form: tuple[str, ...] = ()
    """What is unusual about the file itself, as `DataShape.form` lists it."""


def read_file(path: str, *, max_bytes: int) -> tuple[Landed, ...]:
    """Return the data sets of a regular file. :raises Unreadable: naming the fault."""
    with _opened(path) as raw:
        name = path.lower()
        if os.fstat(raw.fileno()).st_size > max_bytes * MAX_BINARY and name.endswith(_BINARY):
            raise Unreadable("is larger than the limit")
        if name.endswith(_DATABASE):
            return _sqlite(path)
        if name.endswith(_PARQUET):
            return _parquet(path)
        data = raw.read(max_bytes + 1)
    return parse(name, data[:max_bytes], whole=len(data) <= max_bytes, max_bytes=max_bytes)


def read_text(path: str, *, max_bytes: int) -> str | None:
    """Return a file's text as it lies there, unpacked; None if it is none, or longer than the limit."""
    try:
        with _opened(path) as raw:
            data = b"" if path.lower().endswith(_BINARY) else raw.read(max_bytes + 1)
        if data[:2] == b"\x1f\x8b":
            data, _ = _gunzip(data, max_bytes + 1)
    except Unreadable:
        return None
    return _text(data, []) if 0 < len(data) <= max_bytes and b"\x00" not in data[:1_000] else None


def _opened(path: str) -> BinaryIO:
    """Open a regular file. :raises Unreadable: naming the fault."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise Unreadable(f"cannot be opened: {error.strerror}") from error
    raw = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raw.close()
        raise Unreadable("is no regular file")
    return raw


def parse(name: str, data: bytes, *, whole: bool, max_bytes: int) -> tuple[Landed, ...]:
    """Return the data sets of *data*; the format is told by *name*, else by the first character.

    :raises Unreadable: malformed, empty, or cut where the format cannot be cut.
    """
    name = name.lower()
    form: list[str] = []
    if name.endswith(".gz") or data[:2] == b"\x1f\x8b":
        data, complete = _gunzip(data, max_bytes)
        if whole and not complete and len(data) < max_bytes:
            raise Unreadable("is cut off: its gzip stream has no end")
        name, whole = name.removesuffix(".gz"), whole and complete
        form.append("gzip")
    if data[:4] == b"PK\x03\x04":
        return _archive(data, max_bytes)
    text = _text(data, form)
    return tuple(replace(landed, form=(*form, *landed.form)) for landed in _records_of(text, name, whole))


def _archive(data: bytes, max_bytes: int) -> tuple[Landed, ...]:
    """The members of a zip archive; one alone is the data set itself."""
    try:
        found = members(data, max_bytes)
    except BadPack as error:
        raise Unreadable(str(error)) from error
    alone = len(found) == 1
    form = ("zip", "one member" if alone else f"{len(found)} members")
    landed: list[Landed] = []
    for name, inner in found:
        if inner[:4] == b"PK\x03\x04":
            continue
        for one in parse(name, inner, whole=True, max_bytes=max_bytes):
            part = one.part if alone else " ".join(filter(None, (name, one.part)))
            landed.append(replace(one, part=part, form=(*form, *one.form)))
    return tuple(landed)


def _xml(text: str) -> Landed:
    try:
        records, namespace = xml_records(text)
    except BadPack as error:
        raise Unreadable(str(error)) from error
    return Landed(
        part="",
        records=[_typed(record) for record in records[:MAX_RECORDS]],
        whole=len(records) <= MAX_RECORDS,
        form=(f"namespace {printable(namespace)}",) if namespace else (),
    )


def _typed(record: Any) -> Any:
    return {k: _typed(v) for k, v in record.items()} if isinstance(record, dict) else _cell(record)


def _records_of(text: str, name: str, whole: bool) -> tuple[Landed, ...]:
    if not text.strip():
        raise Unreadable("is empty")
    if name.endswith((".csv", ".tsv", ".psv", ".xml")):
        return (_xml(text),) if name.endswith(".xml") else _delimited(text, name, whole)
    if name.endswith((".jsonl", ".ndjson")):
        if text.lstrip().startswith("[") and whole:
            return tuple(replace(one, form=("json array", *one.form)) for one in _json(text, whole))
        return (_lines(text, whole),)
    if text.lstrip()[0] in "{[":
        try:
            return _json(text, whole)
        except Unreadable:
            if "\n" in text.strip() and text.lstrip()[0] == "{":
                return (replace(_lines(text, whole), form=("json lines",)),)
            raise
    if name.endswith(".json"):
        raise Unreadable(f"is no JSON: it begins with {_kind_of_text(text)}")
    if any(mark in text.split("\n", 1)[0] for mark in ",\t;|"):
        return _delimited(text, name, whole)
    raise Unreadable(f"is of no format we read: it begins with {_kind_of_text(text)}")


def _json(text: str, whole: bool) -> tuple[Landed, ...]:
    if not whole:
        raise Unreadable("is larger than the limit, and JSON cannot be read in part")
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise Unreadable("is nested too deeply") from error
    except ValueError as error:
        place = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Unreadable(f"is malformed JSON{place}") from error
    if isinstance(value, list):
        return (Landed(part="", records=value[:MAX_RECORDS], whole=len(value) <= MAX_RECORDS),)
    if not isinstance(value, dict):
        return (Landed(part="", records=[value]),)
    path, records = _records_inside(value)
    if path:
        envelope = _without(value, path)
        return (Landed(part="", records=records[:MAX_RECORDS]), Landed(part="envelope", records=[envelope]))
    if _is_keyed(value):
        return (Landed(part="", records=list(value.values())[:MAX_RECORDS]),)
    return (Landed(part="", records=[value]),)


def _records_inside(value: dict[str, Any]) -> tuple[tuple[str, ...], list[Any]]:
    """Return the path of the longest list of an envelope, at most three levels down, and the list.

    Lists of plain values are fields, not records.
    """
    best: tuple[tuple[str, ...], list[Any]] = ((), [])
    level: list[tuple[tuple[str, ...], dict[str, Any]]] = [((), value)]
    for _ in range(3):
        deeper: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        for path, inner in level:
            for key, item in inner.items():
                listed = isinstance(item, list) and all(isinstance(x, dict) for x in item)
                if listed and (not best[0] or len(item) > len(best[1])):
                    best = ((*path, key), item)
                elif isinstance(item, dict):
                    deeper.append(((*path, key), item))
        level = deeper
    return best


def _without(value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the envelope: the same object with the list of records left empty."""
    head, *rest = path
    inner = value[head]
    return {**value, head: _without(inner, tuple(rest)) if rest else []}


def _is_keyed(value: dict[str, Any]) -> bool:
    items = list(value.values())
    if len(items) < 3 or not all(isinstance(item, dict) for item in items):
        return False
    common = set(items[0])
    return bool(common) and all(len(common & set(item)) >= len(common) / 2 for item in items[:50])


def _lines(text: str, whole: bool) -> Landed:
    lines = text.split("\n")
    if not whole:
        lines = lines[:-1]
    records: list[Any] = []
    bad = 0
    for line in lines[:MAX_RECORDS]:
        if line.strip():
            try:
                records.append(json.loads(line))
            except (ValueError, RecursionError):
                bad += 1
    if not records:
        raise Unreadable("has no line that is JSON")
    if bad > len(records):
        raise Unreadable(f"is malformed: {bad} of {bad + len(records)} lines are no JSON")
    return Landed(part="", records=records, whole=whole and len(lines) <= MAX_RECORDS)


def _delimited(text: str, name: str, whole: bool) -> tuple[Landed, ...]:
    form: list[str] = []
    while text.startswith("#") and "\n" in text:
        text, form = text.split("\n", 1)[1], ["comment lines"]
    first = text.split("\n", 1)[0]
    delimiter = "\t" if name.endswith(".tsv") else max(",;\t|", key=first.count)
    if delimiter != ("\t" if name.endswith(".tsv") else ","):
        form.append(f"delimiter {delimiter}")
    if not whole:
        text = text.rsplit("\n", 1)[0]
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Unreadable(f"is malformed CSV: {error}") from error
    whole = whole and len(rows) <= MAX_RECORDS
    header = column_names(rows)
    width = len(rows[0])
    ragged = sum(1 for row in rows[1:] if row and len(row) != width)
    if ragged > len(rows) / 2:
        kinds = by_kind(rows)
        if not kinds:
            raise Unreadable(
                f"is malformed CSV: {ragged} of {len(rows) - 1} rows have another number of fields than the header"
            )
        form.append(NO_HEADER)
        return tuple(
            Landed(part=kind, records=_under(places(len(lines[0])), lines), whole=whole, form=tuple(form))
            for kind, lines in kinds.items()
        )
    if header is None:
        form.append(NO_HEADER)
    records = _under(header, rows[1:]) if header is not None else _under(places(width), rows)
    return (Landed(part="", records=records, whole=whole, form=tuple(form)),)


def _under(names: list[str], rows: Sequence[Sequence[str]]) -> list[Any]:
    return [{k: _cell(v) for k, v in zip(names, row, strict=False)} for row in rows[:MAX_RECORDS] if row]


def _cell(text: str) -> Any:
    """CSV has no types: a whole number, a decimal number, nothing, or text (``007`` and ``1,5`` are text)."""
    if text in _NULLS:
        return None
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _NUMBER.match(text) else text


def _sqlite(path: str) -> tuple[Landed, ...]:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, timeout=2)) as database:
            database.row_factory = sqlite3.Row
            names = [
                r[0]
                for r in database.execute("select name from sqlite_master where type = 'table' order by 1 limit 20")
            ]
            return tuple(Landed(part=name, records=list(_rows(database, name))) for name in names)
    except sqlite3.Error as error:
        raise Unreadable(f"is no readable SQLite database: {error}") from error


def _rows(database: sqlite3.Connection, table: str) -> Iterator[dict[str, Any]]:
    quoted = table.replace('"', '""')
    for row in database.execute(f'select * from "{quoted}" limit {MAX_RECORDS}'):  # noqa: S608 - quoted, read-only
        yield {key: _plain(row[key]) for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values


def _parquet(path: str) -> tuple[Landed, ...]:
    if importlib.util.find_spec("pyarrow") is None:
        raise Unreadable("is parquet, and no reader is installed (pyarrow)")
    arrow, reader = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    try:
        rows: list[Any] = []
        for batch in reader.ParquetFile(path).iter_batches(batch_size=10_000):
            rows += [{key: _plain(value) for key, value in row.items()} for row in batch.to_pylist()]
            if len(rows) >= MAX_RECORDS:
                break
    except (arrow.ArrowException, OSError) as error:
        raise Unreadable(f"is no readable parquet: {type(error).__name__}") from error
    return (Landed(part="", records=rows[:MAX_RECORDS], whole=len(rows) < MAX_RECORDS),)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool, list, dict)) else str(value)


def _gunzip(data: bytes, limit: int) -> tuple[bytes, bool]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        out = unpacker.decompress(data, limit)
    except zlib.error as error:
        raise Unreadable("is malformed gzip") from error
    return out, unpacker.eof


def _text(data: bytes, form: list[str]) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        form.append("utf-16")
        return data.decode("utf-16", "replace")
    if data.startswith(b"\xef\xbb\xbf"):
        form.append("byte order mark")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A few bytes that are missing at the end are a cut, not an encoding.
        if error.start < len(data) - 3 and (text := _windows(data)) is not None:
            form.append("windows-1252")
            return text
    return data.decode("utf-8-sig", "replace")


def _windows(data: bytes) -> str | None:
    """Return the text if it is plausible: bytes above ASCII are letters of western Europe, and stand alone."""
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    odd = [c for c in text if ord(c) > 127]
    return text if all(c.isalpha() or c in "€£°§–’“”" for c in odd) and "\x00" not in text else None


def _kind_of_text(text: str) -> str:
    start = text.lstrip()[:1]
    return "markup ('<')" if start == "<" else "text"
