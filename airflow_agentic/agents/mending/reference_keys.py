"""A field of records → whether a table that the repository keeps has its values as a key: what they are joined to.

Seeds and mappings (``employees.csv``) are the repository's own and their values may be compared; what the data holds is
known by its shape alone, so a number is known there when the whole range of the good day is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.records import FieldShape
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.shapes import pattern

MAX_ROWS = 20_000
_BARE = {"id", "key", "code", "no", "nr", "number", "ref"}


def is_reference(bench: Bench, field: FieldShape) -> bool:
    """Say whether a column of that name in a table of the repository has the field's values, as far as shapes tell."""
    return any(_holds(values, field) for path in bench.all_files() for values in _columns(bench, path, field))


def reference_values(bench: Bench, field: FieldShape) -> Iterator[list[str]]:
    """Yield the columns of the repository's tables that the field refers to, by their names."""
    for path in bench.all_files():
        yield from _columns(bench, path, field)


def is_one_key(leaf: str, column: str, owner: str) -> bool:
    """``employee`` and ``employee_id``, or ``id`` of ``employees``."""
    words, other = ({w.rstrip("s") for w in name_tokens(name) if w not in _BARE} for name in (leaf, column))
    if words and words == other:
        return True
    held = {word.rstrip("s") for word in name_tokens(owner)}
    return not other and bool(words) and words <= held


def _columns(bench: Bench, path: str, field: FieldShape) -> Iterator[list[str]]:
    if not path.lower().endswith((".csv", ".tsv")):
        return
    text = bench.text(path) or ""
    delimiter = max(",;\t|", key=text.partition("\n")[0].count)
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))[:MAX_ROWS]
    owner = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    for place, column in enumerate(rows[0] if rows else ()):
        if is_one_key(field.path.rpartition(".")[2], column, owner):
            yield [row[place].strip() for row in rows[1:] if place < len(row)]


def _holds(values: list[str], field: FieldShape) -> bool:
    if len(set(values)) < 2:
        return False
    if field.types == ("integer",):
        numbers = {int(v) for v in values if v.isdecimal() and len(v) < 19}
        return len(numbers) == len(set(values)) and {field.low, field.high} <= numbers
    return (
        bool(field.formats)
        and set(field.formats) <= {pattern(value) for value in values}
        and all(value.startswith(field.prefix) for value in values)
    )
