"""The repository's own ``create table`` → what a column that a statement misses is called in it now.

A Dag upstream that was changed in the same repository says so in its DDL. Certain means: the failing statement reads
one table that has such a DDL, the DDL lacks the column, and one of its columns is the same name with a word more or
less that no other statement of the repository reads yet.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.shape_changes import is_another_thing, name_tokens

_CREATE = re.compile(
    r"create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?table\s+(?:if\s+not\s+exists\s+)?\"?(?P<table>[A-Za-z_]\w*)\"?\s*\((?P<columns>(?:[^()]|\([^()]*\))+)\)",
    re.IGNORECASE,
)
_NO_COLUMN = {"primary", "foreign", "unique", "check", "constraint", "key", "index"}


def declared_name(bench: Bench, column: str) -> set[str]:
    """Return the one column of the DDL of a table, read where *column* is named, that can be meant; else nothing."""
    tables: dict[str, set[tuple[str, ...]]] = {}
    readers: set[str] = set()
    for path in bench.all_files():
        text = bench.text(path) if path.endswith((".sql", ".py")) else None
        for match in _CREATE.finditer(text or ""):
            tables.setdefault(match["table"].lower(), set()).add(_columns(match["columns"]))
        if text and re.search(rf"\b{re.escape(column)}\b", text):
            readers |= {t.lower() for t in re.findall(r"\b(?:from|join)\s+\"?([A-Za-z_]\w*)", text, re.IGNORECASE)}
    found = {
        name
        for table in readers & tables.keys()
        if len(tables[table]) == 1 and column not in (columns := next(iter(tables[table])))
        for name in columns
        if _is_qualified(column, name)
    }
    return found if len(found) == 1 else set()


def _columns(text: str) -> tuple[str, ...]:
    names = (part.split()[0].strip('"`') for part in re.sub(r"\([^()]*\)", "", text).split(",") if part.strip())
    return tuple(name for name in names if name.lower() not in _NO_COLUMN)


def _is_qualified(old: str, new: str) -> bool:
    a, b = set(name_tokens(old)), set(name_tokens(new))
    return a != b and (a < b or b < a) and not is_another_thing(a, b)
