"""Rows are delivered again; a check on a unique key fails → in the SQL model keep the newest row of each key.

Certain means: the landed data repeats exactly one key that was unique, carries a version or an update time, and the
failing check's table is built by one plain ``select ... from <table>`` of the repository.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.records import DataShape

_SAYS = re.compile(r"uniq|duplic|more than one row|distinct", re.IGNORECASE)
_VERSIONS = (
    "updated_at",
    "modified_at",
    "last_updated",
    "last_modified",
    "version",
    "revision",
    "sequence",
    "updatedat",
    "modifiedat",
    "reported_at",
    "received_at",
    "corrected_at",
    "published_at",
    "exported_at",
)
_DECLARED = re.compile(r"primary key\s*\(([^()]*)\)|unique\s*\(([^()]*)\)", re.IGNORECASE)
_REFUSED = re.compile(
    r"(?:PRIMARY KEY|UNIQUE) (?:or UNIQUE )?constraint|duplicate key|UNIQUE constraint failed", re.IGNORECASE
)


def fix(bench: Bench) -> Fix | None:
    """Return the model with a ``qualify row_number()``; only where the file already is DuckDB, Snowflake or BigQuery SQL."""
    said = " ".join([*bench.messages, *(e.task.task_id for e in bench.dossier.errors)])
    repeated = [c for c in bench.changes() if c.kind == "duplicates"]
    if not _SAYS.search(said):
        return None
    if not repeated and _REFUSED.search(said):
        return _refused(bench)
    if len(repeated) != 1:
        return None
    key, shape = repeated[0].path, bench.failing(repeated[0].dataset)
    version = version_of(shape, bench.good(repeated[0].dataset)) if shape else None
    if version is None or "." in key or not re.search(rf"(?<![A-Za-z0-9]){re.escape(key)}(?![A-Za-z0-9])", said):
        return None
    engine = _engine(bench)
    if engine is None:
        return None
    found = []
    for path in bench.all_files():
        text = bench.text(path) if path.endswith(".sql") and bench.editable(path) else None
        if text is not None and re.search(rf"\b{re.escape(_stem(path))}\b", _context(bench)):
            new = deduplicated(text, key, version)
            if new is not None:
                found.append((path, new))
    if len(found) != 1:
        return None
    return Fix(
        texts=(found[0],),
        file=found[0][0],
        fields=(key,),
        summary=f"Keep the newest row of each {key}"[:100],
        explanation=f"`{key}` was unique in {repeated[0].dataset} and is repeated now: {repeated[0].detail}. The model keeps the row with the latest `{version}`.",
    )


def _refused(bench: Bench) -> Fix | None:
    """``insert into t select ... from read_csv(...)`` of a table whose key the repository declares."""
    found: list[tuple[str, str, str, str]] = []
    for path in bench.all_files():
        text = bench.text(path) if path.endswith(".sql") and bench.editable(path) else None
        for statement in (text or "").split(";"):
            for good in (s for s in bench.dossier.shapes if s.role == "good"):
                key = _repeated_key(bench, good, text or "")
                version = version_of(good) if key else None
                source = re.search(r"\bfrom\s+read_\w+\(", statement, re.IGNORECASE)
                new = deduplicated(statement, key, version, of_source=True) if key and version and source else None
                if text and new and re.search(r"\binsert\s+into\b", statement, re.IGNORECASE):
                    found.append((path, text.replace(statement, new), key or "", version or ""))
    if len(found) != 1 or _engine(bench) is None:
        return None
    path, text, key, version = found[0]
    return Fix(
        texts=((path, text),),
        file=path,
        fields=(key,),
        summary=f"Keep the newest row of each {key}"[:100],
        explanation=f"`{key}` was unique in the landed data and is repeated now. The statement keeps the row with the latest `{version}`.",
    )


def _repeated_key(bench: Bench, good: DataShape, text: str) -> str | None:
    """The one field that was unique, no longer is, and stands in the table's declared key."""
    failing = bench.failing(good.name)
    declared = " ".join(match.groups("") if (match := _DECLARED.search(text)) else ())
    now = {f.path: f for f in failing.fields} if failing else {}
    found = [
        f.path
        for f in good.fields
        if f.distinct == f.present == good.records
        and f.path in now
        and re.search(rf"\b{re.escape(f.path)}\b", declared)
        if (now[f.path].distinct or 0) < now[f.path].present
    ]
    return found[0] if len(found) == 1 else None


def deduplicated(sql: str, key: str, version: str, *, of_source: bool = False) -> str | None:
    """Return a plain single-table select with the newest row of each key, or None where it is not that plain."""
    body = sql.rstrip().removesuffix(";").rstrip()
    words = body.lower()
    if words.count("select") != 1 or any(
        re.search(rf"\b{w}\b", words)
        for w in ("join", "group by", "union", "qualify", "order by", "limit", "distinct", "over", "with")
    ):
        return None
    if not re.search(rf"\b{re.escape(key)}\b", body) or not (
        of_source or re.search(rf"\b{re.escape(version)}\b", body)
    ):
        return None
    tail = sql[len(body) :]
    return f"{body}\nqualify row_number() over (partition by {key} order by {version} desc) = 1{tail}"


def version_of(shape: DataShape, before: DataShape | None = None) -> str | None:
    """Return the one field that says which of two records is newer, if there is one.

    :param before: of several, the one that this shape has as well is it: the code knows no other.
    """
    found = [
        f.path
        for f in shape.fields
        if f.path.replace("_", "").lower() in {v.replace("_", "") for v in _VERSIONS}
        and f.present == shape.records
        and not f.nulls
    ]
    known = {f.path for f in before.fields} if before else set()
    found = found if len(found) == 1 else [path for path in found if path in known]
    return found[0] if len(found) == 1 else None


def _engine(bench: Bench) -> str | None:
    """The engines that know ``qualify``; which one runs is seen from what the repository imports or declares."""
    for path in bench.all_files():
        if path.endswith((".py", ".yml", ".yaml", ".toml", ".txt", ".cfg")):
            match = re.search(r"\b(duckdb|snowflake|bigquery)\b", bench.text(path) or "")
            if match:
                return match[1]
    return None


def _context(bench: Bench) -> str:
    """The names that the failing check speaks of: its message, and the code of its frames' files."""
    return "\n".join(
        [
            *bench.messages,
            *(bench.text(path) or "" for path, _ in bench.own()),
            *(n.task_id for n in bench.dossier.graph),
        ]
    )


def _stem(path: str) -> str:
    return path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
