"""A DuckDB statement casts text that comes in a new form → parse the new form, and cast what is in the old one as before.

Dates in another known order, and another word for "no value". Certain means: the error names the value, the landed
field is written in that form alone (or lacks the nulls that it had), and the statement reads it in one place.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.no_value import NO_VALUE, is_marked
from airflow_agentic.agents.mending.syntax import compiles
from airflow_agentic.agents.mending.time_forms import of_pattern
from airflow_agentic.shapes import pattern

_DATE = re.compile(r"invalid (?:date|timestamp) field format: \"(?P<value>[^\"]{6,40})\"")
_NUMBER = re.compile(
    r"Could not convert string '(?P<value>[^']{1,12})' to (?:DOUBLE|FLOAT|DECIMAL|INT|BIGINT|INTEGER|HUGEINT|INT32|INT64)"
)


def fix(bench: Bench) -> Fix | None:
    """Return the statement that reads the field in both forms."""
    said = "\n".join(bench.messages)
    date, number = _DATE.search(said), _NUMBER.search(said)
    if date or "CSV Error on Line" in said:
        return _dates(bench, pattern(date["value"]) if date else "")
    return _markers(bench, number["value"]) if number and number["value"] in NO_VALUE else None


def _dates(bench: Bench, form: str) -> Fix | None:
    """:param form: the pattern that the error's value has; empty: it shows none, and the data must change in one field."""
    fields = [c for c in bench.changes() if c.kind == "reformatted" and of_pattern(c.now) and form in {"", c.now}]
    forms = of_pattern(fields[0].now) if len(fields) == 1 else ()
    if len(forms) != 1 or "%z" in forms[0]:
        return None
    column, form = fields[0].path, fields[0].now
    name = rf"(?P<column>(?:\w+\.)?\"?{re.escape(column)}\"?)"
    cast = re.compile(
        rf"\bcast\(\s*{name}\s+as\s+(?P<type>date|timestamp)\s*\)|(?<![\w.]){name.replace('column', 'short')}::(?P<to>date|timestamp)\b",
        re.IGNORECASE,
    )

    def either(match: re.Match[str]) -> str:
        source, kind = match["column"] or match["short"], match["type"] or match["to"]
        return f"coalesce(try_strptime({source}, '{forms[0]}')::{kind}, {match[0]})"

    return _changed(bench, cast, either, column, f"`{column}` is now written like {form}")


def _markers(bench: Bench, value: str) -> Fix | None:
    fields = _marked(bench, value)
    if len(fields) != 1:
        return None
    column = fields.pop()
    given = re.compile(rf"\bnullif\(\s*(?P<column>(?:\w+\.)?\"?{re.escape(column)}\"?)\s*,\s*''\s*\)", re.IGNORECASE)
    return _changed(
        bench,
        given,
        lambda m: f"nullif({m[0]}, '{value}')",
        column,
        f"`{column}` now says `{value}` where it was empty",
    )


def _marked(bench: Bench, value: str) -> set[str]:
    """Fields that lost all their nulls and got one pattern of text, which is the marker's."""
    found: set[str] = set()
    for failing in (s for s in bench.dossier.shapes if s.role == "failing"):
        good = bench.good(failing.name)
        before = {f.path: f for f in good.fields} if good else {}
        for field in failing.fields:
            old = before.get(field.path)
            if old is not None and is_marked(old, field) and field.formats == (pattern(value),):
                found.add(field.path)
    return found


def _changed(
    bench: Bench, form: re.Pattern[str], new: Callable[[re.Match[str]], str], column: str, told: str
) -> Fix | None:
    if not any(
        re.search(r"\bduckdb\b", bench.text(p) or "")
        for p in bench.all_files()
        if p.endswith((".py", ".yml", ".toml", ".txt"))
    ):
        return None
    found = [
        (path, text)
        for path in bench.all_files()
        if path.endswith((".sql", ".py"))
        and bench.editable(path)
        and (text := bench.text(path))
        and len(form.findall(text)) == 1
    ]
    if len(found) != 1:
        return None
    path, text = found[0]
    after = form.sub(new, text)
    if path.endswith(".py") and not compiles(after):
        return None
    return Fix(
        texts=((path, after),), file=path, fields=(column,), summary=f"Read {column} in its new form as well"[:100],
        explanation=f"In the landed data {told}. The statement reads both forms; the old one gives the same as before.",
    )  # fmt: skip
