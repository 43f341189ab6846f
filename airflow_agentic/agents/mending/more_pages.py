"""What is around the records → does it say that there are more of them than came?

For whoever takes the records out of it: a first page that passes for the whole day is a wrong result that nobody sees.
"""

from __future__ import annotations

from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shape_changes import name_tokens

PAGES = {("pages",), ("total", "pages"), ("page", "count"), ("last", "page"), ("num", "pages"), ("pages", "total")}
COUNTS = {("total",), ("count",), ("total", "count"), ("total", "records"), ("total", "items"), ("total", "results")}
_LEADS_ON = {"next", "cursor", "continuation", "scroll", "token"}
_GOES_ON = {"more", "truncated", "incomplete", "partial", "next"}


def says_more(around: DataShape, records: int, before: int) -> bool:
    """Say whether *around* tells of records beyond the *records* that came, where there were *before* the day before."""
    return any(_says_more(field, records, before) for field in around.fields)


def _says_more(field: FieldShape, records: int, before: int) -> bool:
    words, whole = set(_words(field)), set(field.types) == {"integer"}
    if "string" in field.types:
        return bool(words & _LEADS_ON)
    if "boolean" in field.types:
        return bool(words & _GOES_ON) and records < before
    leaf = name_tokens(field.path.rpartition(".")[2])
    return whole and ((leaf in PAGES and (field.high or 0) > 1) or (leaf in COUNTS and (field.high or 0) > records))


def _words(field: FieldShape) -> tuple[str, ...]:
    return tuple(word for part in field.path.split(".") for word in name_tokens(part))
