"""Records come as lists of values whose names stand beside them, or as columns → make the objects where they are parsed.

``{"columns": ["id", "kg"], "rows": [[1, 2]]}``, a header in the first row, ``{"id": [1], "kg": [2]}``. Certain means:
all fields that the records had are written like the names that came instead, and one call parses the data set. The
code takes the names from the data itself; objects, and names that are not those it knows, pass as they are.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.fixers.envelope import PART, list_path
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import helper, is_delimited, parse_site, with_helper
from airflow_agentic.agents.mending.syntax import compiles
from airflow_agentic.records import DataShape
from airflow_agentic.shapes import fold, pattern

_SAYS = re.compile(r"^(?:TypeError|KeyError|AttributeError|ValueError|IndexError)\b|validation error", re.IGNORECASE)
_NAME = re.compile(r"[\w.\- ]+")
_BESIDE = '''
def {name}(document):
    """Make objects of rows that the upstream may send as lists, with the names of their values beside them."""
    rows = ROWS if isinstance(document, dict) else None
    names = NAMES if isinstance(document, dict) else None
    if not isinstance(rows, list) or not isinstance(names, list) or not KNOWN <= set(names):
        return document
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return document
    records = [dict(zip(names, row)) for row in rows]
    return RESULT
'''
_FIRST = '''
def {name}(document):
    """Make objects of rows that the upstream may send as lists, with the names of their values in the first one."""
    rows = ROWS
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
        return document
    names = rows[0]
    if not KNOWN <= set(names) or not all(len(row) == len(names) for row in rows):
        return document
    records = [dict(zip(names, row)) for row in rows[1:]]
    return RESULT
'''
_COLUMNS = '''
def {name}(document):
    """Make a list of records of columns that the upstream may send instead."""
    if not isinstance(document, dict) or not KNOWN <= document.keys():
        return document
    columns = {key: column for key, column in document.items() if isinstance(column, list)}
    if not KNOWN <= columns.keys() or len({len(column) for column in columns.values()}) != 1:
        return document
    return [dict(zip(columns, row)) for row in zip(*columns.values())]
'''


def fix(bench: Bench) -> Fix | None:
    """Return the call that parses the data set, wrapped."""
    if not any(_SAYS.search(message) for message in bench.messages):
        return None
    for good in (s for s in bench.dossier.shapes if s.role == "good" and not s.name.endswith(PART)):
        failing, listed = bench.failing(good.name), list_path(bench.good(good.name + PART))
        known = [f.path for f in good.fields if f.present == good.records and "." not in f.path and "[" not in f.path]
        if failing is None or not known or is_delimited(good.name) or "." in listed:
            continue
        made = _made(good, failing, known, listed)
        site = parse_site(bench, good.name) if made and all(map(_NAME.fullmatch, (*known, listed or "-"))) else None
        if made is None or site is None:
            continue
        path, code, call = site
        names = "{" + ", ".join(f'"{name}"' for name in known) + "}"
        result = f'{{**document, "{listed}": records}}' if listed else "records"
        records = helper(code, "named_records", made.replace("KNOWN", names).replace("RESULT", result))
        text = with_helper(code, [(code.span(call), f"{records.name}({code.source(call)})")], records)
        if compiles(text):
            return Fix(
                texts=((path, text),),
                file=path,
                fields=tuple(known),
                summary="Read records that come as lists of values as well",
                explanation=f"In {good.name} the records come as lists of values now, whose names the data gives itself. Objects are made of them where they are parsed; a list of objects passes as it is.",
            )
    return None


def _made(good: DataShape, failing: DataShape, known: list[str], listed: str) -> str | None:
    """Return the helper's source for the one way in which the values are named now."""
    now = {f.path: f for f in failing.fields}
    if not listed and all(set(now[k].types) == {"array"} if k in now else False for k in known):
        were = {f.path for f in good.fields if set(f.types) == {"array"}}
        return None if were else _COLUMNS
    if set(known) & now.keys():
        return None
    if "" in now and "[]" in now and not listed and _names(now["[]"].formats, known):
        return _FIRST.replace("ROWS", "document")
    rows = [path for path in now if f"{path}[][]" in now and set(now[f"{path}[]"].types) == {"array"}]
    beside = [
        path
        for path, field in now.items()
        if set(field.types) == {"array"}
        and path not in rows
        and f"{path}[]" in now
        and set(now[f"{path}[]"].types) == {"string"}
        and (now[f"{path}[]"].distinct or 0) >= len(known)
        and _names(now[f"{path}[]"].formats, known)
    ]
    if len(rows) != 1 or len(beside) > 1 or "." in rows[0] or not all(map(_NAME.fullmatch, (*rows, *beside))):
        return None
    if beside:
        return _BESIDE.replace("ROWS", f'document.get("{rows[0]}")').replace("NAMES", _read(beside[0]))
    cells = now[f"{rows[0]}[][]"]
    if listed != rows[0] or not _names(cells.formats, known):
        return None
    return _FIRST.replace("ROWS", f'document.get("{rows[0]}") if isinstance(document, dict) else None')


def _names(formats: tuple[str, ...], known: list[str]) -> bool:
    """Say whether all known names are written like values that came; where patterns were cut off, those that stand."""
    written = {fold(form) for form in formats}
    hits = [fold(pattern(name)) in written for name in known]
    return bool(written) and (all(hits) or (len(written) >= 5 and sum(hits) >= 2))


def _read(path: str) -> str:
    *holders, leaf = path.split(".")
    return "document" + "".join(f'.get("{key}", {{}})' for key in holders) + f'.get("{leaf}")'
