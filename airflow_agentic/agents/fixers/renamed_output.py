"""A commit renamed a column of a model, and a statement further on reads the old name → read the new one there.

``mw`` became ``mw as load_mw`` in staging, and a mart of another Dag still asks for ``mw``. Certain means: no table of
the landed data is to blame, one statement of the repository makes a table with the column under one new name (by its
own words, or by a recent diff), it no longer gives out the old one, and the failing statement reads that table. What
the failing statement gives out keeps its names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from airflow_agentic.agents.fixers.renamed_by_commit import new_name, swaps
from airflow_agentic.agents.fixers.sql_column import cover_templates, in_literals, missing_column, renamed
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.sql_scopes import EXPRESSION, SOURCE, Span, own_text, scopes, without_text

_MADE = re.compile(
    r"\bcreate\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:table|view|materialized\s+view)\s+(?:if\s+not\s+exists\s+)?"
    r"(?P<table>[\w.\"]+)\s+as\b|\binsert\s+(?:or\s+\w+\s+)?into\s+(?P<into>[\w.\"]+)",
    re.IGNORECASE,
)
_REF = re.compile(r"\{\{\s*ref\(\s*['\"](\w+)['\"]\s*\)\s*\}\}")
_STAR = re.compile(r"(?:\bselect\s+(?:distinct\s+)?|,\s*)(?:\w+\.)?\*", re.IGNORECASE)


def fix(bench: Bench) -> Fix | None:
    """Return every statement that reads the renamed column's table, by the new name."""
    column, _ = missing_column(bench)
    if not column or any(c.kind in {"renamed", "moved", "removed"} for c in bench.changes()):
        return None
    made = {
        (table, new, path) for path, text in _statements(bench) for table, new in _renames(bench, path, text, column)
    }
    followed = [(*one, texts) for one in sorted(made) if (texts := _followed(bench, column, *one)) != {}]
    if len(followed) != 1:
        return None
    table, new, maker, texts = followed[0]
    if texts is None:
        return None
    every = _every(bench, column, table, new, maker)
    first = next(iter(texts))
    told = " and ".join(f"`{now}` where it gave `{old}`" for old, now in every.items())
    return Fix(
        texts=tuple(texts.items()),
        file=first,
        fields=tuple(every),
        summary=f"Read {new} of {table}, which was {column}"[:100],
        explanation=f"`{table}` gives {told}, and statements that read it were left with the old name. They read the new one now; what they give out keeps its names.",
    )


def _followed(bench: Bench, column: str, table: str, new: str, maker: str) -> dict[str, str] | None:
    """Return the files whose statements read the table, by the new names; None where one of them cannot be mended."""
    every = _every(bench, column, table, new, maker)
    if not all(re.fullmatch(r"\w+", name) for name in every.values()):
        return None
    texts: dict[str, str] = {}
    for path, text in _statements(bench):
        changed = _changed(path, text, table, every)
        if changed is None:
            return None
        if changed != text:
            texts[path] = changed
    return texts


def _every(bench: Bench, column: str, table: str, new: str, maker: str) -> dict[str, str]:
    return {column: new, **{old: now for old, now in _others(bench, maker, table) if old != column}}


def _others(bench: Bench, maker: str, table: str) -> Iterator[tuple[str, str]]:
    """Yield what else the table gives under another name since a recent diff."""
    for old, new in dict(swaps(bench, maker)).items():
        if old.isidentifier() and (table, new) in set(_renames(bench, maker, bench.text(maker) or "", old)):
            yield old, new


def _statements(bench: Bench) -> Iterator[tuple[str, str]]:
    """Yield the repository's SQL files, and Python files that hold SQL."""
    for path in bench.all_files():
        text = bench.text(path) if path.endswith((".sql", ".py")) and bench.editable(path) else None
        if text and re.search(r"\bselect\b", text, re.IGNORECASE):
            yield path, text


def _renames(bench: Bench, path: str, text: str, column: str) -> Iterator[tuple[str, str]]:
    """Yield the tables that a file makes without the column, but with it under one other name."""
    for table, statement in _made(path, text):
        named, rest = _aliases(statement, column)
        news = set(named) or {n for n in (new_name(bench, column),) if n and re.search(rf"\b{n}\b", statement)}
        given = re.search(
            rf"\bas\s+\"?{re.escape(column)}\b|\b{re.escape(column)}\"?\s*(?:,|\bfrom\b|$)", rest, re.IGNORECASE
        )
        if len(news) == 1 and not given and not _STAR.search(statement):
            yield table, news.pop()


def _made(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield each table that a file makes, with the statement; a model of dbt makes the table of its own name."""
    found = False
    for part in re.split(r";|\"\"\"|'''", text):
        match = _MADE.search(part)
        if match and re.search(r"\bselect\b", part[match.end() :], re.IGNORECASE):
            found = True
            yield (
                (match["table"] or match["into"]).strip('"').rpartition(".")[2].strip('"').lower(),
                part[match.end() :],
            )
    if not found and path.endswith(".sql"):
        yield path.rsplit("/", 1)[-1].rsplit(".", 1)[0].lower(), text


def _aliases(statement: str, column: str) -> tuple[list[str], str]:
    """Return the names that the column itself is given out by, and the statement without these items."""
    name = rf"(?:\w+\.)?\"?{re.escape(column)}\"?"
    item = re.compile(
        rf"(?:(?:try_)?cast\(\s*{name}\s+as\s+[\w ]+(?:\([^()]*\))?\s*\)|(?<!cast\()(?<![\w.(]){name}(?:::\w+(?:\([^()]*\))?)?)\s+as\s+\"?(?P<new>\w+)\"?",
        re.IGNORECASE,
    )
    found = [m["new"] for m in item.finditer(statement) if m["new"].lower() != column.lower()]
    return found, item.sub(" ", statement)


def _changed(path: str, text: str, table: str, every: dict[str, str]) -> str | None:
    """Return a file whose statements read the new names; None where one of them is left open in a file of SQL."""
    for column, new in every.items():
        if not all(re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in (table, column)):
            continue
        if path.endswith(".sql"):
            read = _reading(text, table, column, new)
            if read is None:
                return None
            text = read
        else:
            text = in_literals(text, column, partial(_reading_or_same, what=(table, column, new))) or text
    return text


def _reading_or_same(sql: str, what: tuple[str, str, str]) -> str:
    return _reading(sql, *what) or sql


def _reading(sql: str, table: str, column: str, new: str) -> str | None:
    """Return a statement with the column of the table read by its new name, scope by scope; None where that is open.

    Unchanged where it does not read the column of that table.
    """
    covered = cover_templates(_REF.sub(lambda m: m[1].ljust(len(m[0]), "_"), sql))
    plain = without_text(covered)
    own = {span: own_text(plain, *span) for span in scopes(plain)}
    named = {m.end(): m["name"].lower() for m in EXPRESSION.finditer(plain)}
    names: set[str] = {table.lower()}
    read: dict[Span, dict[str, bool]] = {}
    for _ in range(len(own) + 1):
        for span, text in own.items():
            sources = {
                (m["alias"] or _leaf(m["table"])).split()[-1].lower(): _leaf(m["table"]) in names
                for m in SOURCE.finditer(text)
            }
            if not any(sources.values()) or (span in read and read[span] == sources):
                continue
            read[span] = sources
            names |= {named.get(span[0], "")} if _STAR.search(text) else set()
    found = {_is_read(plain, at, own, read) for at in _places(plain, column)}
    if not found - {False}:
        return sql
    if None in found or "" in names:
        return None
    return renamed(sql, column, new, within=lambda at: bool(_is_read(plain, at, own, read)))


def _leaf(name: str) -> str:
    return name.rpartition(".")[2].rstrip("_").lower()


def _places(plain: str, column: str) -> list[int]:
    return [m.start() for m in re.finditer(rf"\b{re.escape(column)}\b", plain, re.IGNORECASE)]


def _is_read(plain: str, at: int, own: dict[Span, str], read: dict[Span, dict[str, bool]]) -> bool | None:
    """Say whether the column at an offset is of the renamed table; None where other tables of its scope may have it."""
    around = [span for span in own if span[0] <= at < span[1]]
    sources = read.get(min(around, key=lambda s: s[1] - s[0], default=(0, 0)), {})
    alias = re.search(r"(\w+)\.\"?$", plain[:at])
    if alias:
        return sources.get(alias[1].lower(), False)
    return all(sources.values()) and bool(sources) if len(set(sources.values())) < 2 else None
