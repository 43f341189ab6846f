"""A source has columns that are new, and a statement trips over them → name the columns that the statement means.

``insert into t select *, ...`` counts one column too many; a column of two joined tables is ambiguous. Certain means:
the landed data says which columns are new and in which source, and one statement of the repository is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.syntax import compiles
from airflow_agentic.records import DataShape
from airflow_agentic.shape_changes import name_tokens

_COUNT = re.compile(r"[Tt]able \"?(?P<table>\w+)\"? has (?P<want>\d+) columns but (?P<got>\d+) values were supplied")
_MORE = re.compile(r"INSERT has more expressions than target columns")
_AMBIGUOUS = re.compile(
    r"[Aa]mbiguous reference to column name \"(?P<a>\w+)\"|ambiguous column name: (?:\w+\.)?(?P<b>\w+)|column reference \"(?P<c>\w+)\" is ambiguous|"
    r"Column '(?P<d>\w+)' in .{1,20} is ambiguous|[Cc]olumn name \"?(?P<e>\w+)\"? is ambiguous|ambiguous column name '(?P<f>\w+)'",
)
_STAR = r"(insert\s+(?:or\s+\w+\s+)?into\s+\"?{table}\"?(?:\s*by\s+position)?\s+select\s+)\*"
_JOINED = re.compile(
    r"\b(?:from|join)\s+(?P<table>[A-Za-z_][\w.]*)(?:\s+(?:as\s+)?(?!on\b|using\b|where\b|join\b|left\b|inner\b|group\b|order\b|cross\b|full\b|right\b)(?P<alias>[A-Za-z_]\w*))?",
    re.IGNORECASE,
)


def fix(bench: Bench) -> Fix | None:
    """Return the one statement with its columns named."""
    said = "\n".join(bench.messages)
    count, ambiguous = _COUNT.search(said), _AMBIGUOUS.search(said)
    if count:
        return _starred(bench, count["table"], int(count["got"]) - int(count["want"]))
    if ambiguous:
        return _qualified(bench, next(name for name in ambiguous.groups() if name))
    return None


def _starred(bench: Bench, table: str, more: int) -> Fix | None:
    star = re.compile(_STAR.format(table=re.escape(table)), re.IGNORECASE)
    found = [(p, t) for p, t in _statements(bench) if len(star.findall(t)) == 1]
    sources = [(good, added) for good, added in _grown(bench) if len(added) == more]
    if len(found) != 1 or len(sources) != 1:
        return None
    (path, text), (good, added) = found[0], sources[0]
    known = [f.path for f in good.fields if "." not in f.path and "[" not in f.path]
    if not all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in known):
        return None
    new = star.sub(lambda m: m[1] + ", ".join(known), text)
    return _fix(
        path,
        new,
        added,
        f"{good.name} now has {', '.join(f'`{a}`' for a in added[:5])} as well. The statement names the columns that it knows.",
    )


def _qualified(bench: Bench, column: str) -> Fix | None:
    """``status`` of two tables → of the one that had it before the other got it."""
    plain = re.compile(rf"(?<![\w.\"'])(?<!as ){re.escape(column)}(?![\w(\"'])", re.IGNORECASE)
    changed: list[tuple[str, str, str]] = []
    for path, text in _statements(bench):
        for statement in _split(text):
            tables = list(_JOINED.finditer(statement))
            if len(tables) < 2 or not plain.search(statement):
                continue
            owners = [m["alias"] or m["table"].rsplit(".", 1)[-1] for m in tables if _had(bench, m["table"], column)]
            fresh = [m for m in tables if _has_got(bench, m["table"], column)]
            if len(owners) == 1 and len(fresh) == 1 and text.count(statement) == 1:
                changed.append(
                    (path, text.replace(statement, plain.sub(f"{owners[0]}.{column}", statement)), owners[0])
                )
    if len(changed) != 1:
        return None
    path, new, owner = changed[0]
    return _fix(
        path,
        new,
        [column],
        f"`{column}` now comes from a second table as well, so that the statement did not say which it means. It reads that of `{owner}`, which it read before.",
    )


def _fix(path: str, text: str, fields: list[str], why: str) -> Fix | None:
    if path.endswith(".py") and not compiles(text):
        return None
    return Fix(
        texts=((path, text),),
        file=path,
        fields=tuple(fields),
        summary=f"Leave new column {fields[0]} aside"[:100],
        explanation=why,
    )


def _statements(bench: Bench) -> Iterator[tuple[str, str]]:
    for path in bench.all_files():
        text = bench.text(path) if path.endswith((".sql", ".py")) and bench.editable(path) else None
        if text is not None and re.search(r"\bselect\b", text, re.IGNORECASE):
            yield path, text


def _split(text: str) -> list[str]:
    return [part for part in text.split(";") if re.search(r"\bselect\b", part, re.IGNORECASE)]


def _grown(bench: Bench) -> Iterator[tuple[DataShape, list[str]]]:
    """Data sets that lost no column and have new ones."""
    for good in (s for s in bench.dossier.shapes if s.role == "good"):
        failing = bench.failing(good.name)
        known = {f.path for f in good.fields}
        if failing is not None and known < {f.path for f in failing.fields}:
            yield good, [f.path for f in failing.fields if f.path not in known and "." not in f.path]


def _sides(bench: Bench, table: str, column: str) -> set[tuple[bool, bool]]:
    """Had the data set of that name the column, and has it now?"""
    words = set(name_tokens(table.rsplit(".", 1)[-1])) - {"raw", "stg", "src"}
    found = set()
    for good in (s for s in bench.dossier.shapes if s.role == "good"):
        failing = bench.failing(good.name)
        if failing and words and words <= set(name_tokens(good.name)):
            found.add((any(f.path == column for f in good.fields), any(f.path == column for f in failing.fields)))
    return found


def _had(bench: Bench, table: str, column: str) -> bool:
    return _sides(bench, table, column) == {(True, True)}


def _has_got(bench: Bench, table: str, column: str) -> bool:
    return _sides(bench, table, column) == {(False, True)}
