"""Rows of a delimited file → its records by kind of line, and whether the first row names the columns.

A file without a header has its columns named by their places (``column 1``): its first row is data, and data is no
name. Certain means: a date stands in the first row where nearly all rows have one, or an amount does and every cell is
like some of those below it; or every line begins with one of a few short codes, and each code has its own number of
columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_agentic.shapes import fold, pattern

LOOKED_AT = 200
MAX_KINDS = 8
MOST = 0.9
_DATE = re.compile(r"9{4}[-/.]99[-/.]99.*|99?[./]99?[./]9{2,4}.*")
_AMOUNT = re.compile(r"[-(]?9[9.,']*[.,]9{1,4}\)?-?")
_KINDS = 8
MOST = 0.9
_VALUE = re.compile(r"9{4}-99-99.*|99?[./]99?[./]9{2,4}.*|9{4}/99/99.*|[-(]?9[9.,']*[.,]9{1,4}\)?-?")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,3}|[0-9]{1,3}")
Rows = Sequence[Sequence[str]]


def column_names(rows: Rows) -> list[str] | None:
    """Return the first row as names, or None where it is a record as the others are."""
    first, rest = rows[0], [row for row in rows[1 : LOOKED_AT + 1] if row]
    forms = [pattern(cell.strip()) for cell in first]
    below = [[pattern(row[place].strip()) for row in rest if len(row) > place] for place in range(len(first))]
    dates = [place for place, form in enumerate(forms) if _is_like(_DATE, form, below[place])]
    amounts = [place for place, form in enumerate(forms) if _is_like(_AMOUNT, form, below[place])]
    all_like = all(fold(form) in {fold(other) for other in below[place]} for place, form in enumerate(forms))
    if len(rest) > 1 and (dates or (amounts and all_like)):
        return None
    return [column if column.strip() else f"column {n}" for n, column in enumerate(first, start=1)]


def _is_like(kind: re.Pattern[str], form: str, below: list[str]) -> bool:
    like = sum(1 for other in below if kind.fullmatch(other))
    return bool(kind.fullmatch(form)) and bool(below) and like >= MOST * len(below)


def places(width: int) -> list[str]:
    """Return the names of columns that have none."""
    return [f"column {n}" for n in range(1, width + 1)]


def by_kind(rows: Rows) -> dict[str, list[Sequence[str]]]:
    """Return the rows by the code that they begin with; empty where the file is not made of such lines."""
    found: dict[str, list[Sequence[str]]] = {}
    for row in rows:
        if row:
            found.setdefault(row[0].strip(), []).append(row)
            if len(found) > MAX_KINDS:
                return {}
    one_width = all(len({len(row) for row in kind}) == 1 for kind in found.values())
    codes = all(_KIND.fullmatch(code) for code in found)
    repeated = max((len(kind) for kind in found.values()), default=0) > 2
    return found if one_width and codes and repeated and len(found) > 1 else {}
