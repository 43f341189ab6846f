"""A DuckDB script → the one table in it that a column is read from, wrapped so that either name of the column is read.

A script has several statements, common table expressions and subqueries; each ``select`` is a scope of its own. What
reads a scope's result is left alone: it gets the name that it knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]
SOURCE = re.compile(
    r"\b(?:from|join)\s+(?P<table>[A-Za-z_][\w.]*(?:\((?:[^()]|\([^()]*\))*\))?)"
    r"(?P<alias>\s+(?:as\s+)?(?!where\b|group\b|join\b|left\b|inner\b|order\b|limit\b|union\b|qualify\b|having\b|cross\b|"
    r"full\b|right\b|on\b|using\b|returning\b|asof\b|natural\b|semi\b|anti\b|except\b|intersect\b|window\b)[A-Za-z_]\w*)?",
    re.IGNORECASE,
)
EXPRESSION = re.compile(
    r"(?:\bwith\s+(?:recursive\s+)?|,\s*)(?P<name>\w+)\s*(?:\([^()]*\))?\s+as\s+(?:not\s+)?(?:materialized\s+)?\(",
    re.IGNORECASE,
)


def either_in_scope(sql: str, masked: str, column: str, new: str) -> str | None:
    """Return *sql* with the one table wrapped, or None if no scope, or more than one, reads the column from a table.

    :param masked: the same text with templates covered.
    """
    plain = without_text(masked)
    made = {match["name"].lower() for match in EXPRESSION.finditer(plain)}
    found = []
    for start, end in scopes(plain):
        inner = own_text(plain, start, end)
        if not re.search(rf"\b{re.escape(column)}\b", inner) or re.search(
            r"\bselect\s+(?:distinct\s+)?\*", inner, re.IGNORECASE
        ):
            continue
        sources = [m for m in SOURCE.finditer(inner) if m["table"].lower() not in made]
        if len(sources) != 1 or len(list(SOURCE.finditer(inner))) != 1:
            if sources:
                return None
            continue
        found.append((start + sources[0].start("table"), start + sources[0].end(), sources[0]))
    if len(found) != 1:
        return None
    start, end, match = found[0]
    table = sql[start : start + len(match["table"])]
    named = match["alias"] or (
        f" as {table.rsplit('.', 1)[-1]}" if re.fullmatch(r"[A-Za-z_][\w.]*", table) else " as source"
    )
    return f"{sql[:start]}(select *, columns('^({column}|{new})$') as {column} from {table}){named}{sql[end:]}"


def scopes(plain: str) -> Iterator[Span]:
    """Yield what holds a ``select`` of its own: statements, and parentheses that begin with one."""
    at = 0
    for statement in plain.split(";"):
        if re.search(r"\bselect\b", statement, re.IGNORECASE):
            yield at, at + len(statement)
        at += len(statement) + 1
    opened: list[int] = []
    for place, character in enumerate(plain):
        if character == "(":
            opened.append(place + 1)
        elif (
            character == ")"
            and opened
            and re.match(r"\s*(?:with|select)\b", plain[(start := opened.pop()) :], re.IGNORECASE)
        ):
            yield start, place


def own_text(plain: str, start: int, end: int) -> str:
    """The scope without what lies in scopes inside of it, at the same length; calls and lists stay."""
    text = list(plain[start:end])
    for inner_start, inner_end in scopes(plain):
        if start < inner_start and inner_end < end:
            text[inner_start - start : inner_end - start] = " " * (inner_end - inner_start)
    return "".join(text)


def without_text(sql: str) -> str:
    """Cover literals and comments at the same length."""
    for form in (r"--[^\n]*", r"/\*.*?\*/", r"'(?:[^']|'')*'"):
        sql = re.sub(form, lambda m: re.sub(r"[^\n]", "x", m[0]), sql, flags=re.DOTALL)
    return sql
