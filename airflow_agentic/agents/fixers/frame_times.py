"""Times of a pandas frame come with a zone and the code goes on with naive ones → naive times in UTC, as before.

Certain means: the landed data shows times without a zone before and with one now, pandas refuses to mix the two, the
repository says that its times are UTC, and plain ``pd.to_datetime(column)`` calls near the failure make them.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import near_files
from airflow_agentic.agents.mending.syntax import Code, compiles, parse

_SAYS = re.compile(
    r"tz-naive and tz-aware|tz-aware and tz-naive|offset-naive and offset-aware|datetime64\[\w+, [^\]]+\] and |"
    r"Invalid comparison between dtype=datetime64|Cannot (?:compare|subtract|join) tz-naive|trying to merge on datetime64",
    re.IGNORECASE,
)
_NAIVE = re.compile(r"9{4}-99-99[ TA]99:99(?::99)?(?:[.,]9+)?")
_ZONED = re.compile(rf"{_NAIVE.pattern}(?:A|Z|\+99:?99|-99:?99)")


def fix(bench: Bench) -> Fix | None:
    """Return the file whose calls make the times, each of them in UTC and then naive."""
    if not any(_SAYS.search(message) for message in bench.messages):
        return None
    fields = [
        c.path
        for c in bench.changes()
        if c.kind == "reformatted" and _NAIVE.fullmatch(c.was) and all(_ZONED.fullmatch(f) for f in c.now.split(", "))
    ]
    if not fields or not _are_utc(bench):
        return None
    # An error that pandas raised from another of its own has no frame in the repository.
    found = [
        (path, code, calls)
        for path in near_files(bench) or bench.python_files()
        if (code := parse(bench.text(path))) and (calls := _calls(code))
    ]
    if len(found) != 1 or not bench.editable(found[0][0]):
        return None
    path, code, calls = found[0]
    text = code.splice(
        [(code.span(c), f"{code.source(c)[:-1].rstrip(', ')}, utc=True).dt.tz_localize(None)") for c in calls]
    )
    if not compiles(text):
        return None
    named = " and ".join(f"`{field}`" for field in dict.fromkeys(fields))
    return Fix(
        texts=((path, text),),
        file=path,
        fields=tuple(dict.fromkeys(fields)),
        summary=f"Read {fields[0]} with a zone as well"[:100],
        explanation=f"In the landed data {named} now come with a zone. They become times in UTC without one, which is what the code has always got; times in the old form are read as before.",
    )


def _are_utc(bench: Bench) -> bool:
    """Say whether a document or the code says that times are UTC; the zone that a schedule is written in is no word."""
    told = (bench.text(p) or "" for p in bench.all_files() if p.endswith((".md", ".rst", ".txt", ".py", ".sql")))
    return any(
        re.search(r"^(?!.*\b(?:tz|pendulum|schedule|start_date)\b).*\bUTC\b", text, re.MULTILINE) for text in told
    )


def _calls(code: Code) -> list[ast.Call]:
    """Return all ``to_datetime`` calls of a column if each is a plain one."""
    pandas = re.search(r"^import pandas(?: as (\w+))?$", code.text, re.MULTILINE)
    if pandas is None:
        return []
    wanted = f"{pandas[1] or 'pandas'}.to_datetime"
    found = [n for n in ast.walk(code.tree) if isinstance(n, ast.Call) and code.source(n.func) == wanted]
    plain = [
        n
        for n in found
        if len(n.args) == 1 and not n.keywords and isinstance(n.args[0], (ast.Subscript, ast.Attribute))
    ]
    return found if len(plain) == len(found) else []
