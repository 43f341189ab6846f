"""The list of records is an object now, keyed by what was a field of each → make the list of it where it is parsed.

Certain means: under each key stand the fields that the records had but one, the keys are written as that one was, and
one call parses the data set. A list passes as it is.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.fixers.envelope import PART, list_path
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import helper, parse_site, with_helper
from airflow_agentic.agents.mending.syntax import compiles
from airflow_agentic.records import DataShape
from airflow_agentic.shapes import fold, pattern

_SAYS = re.compile(r"string indices must be integers|'str' object has no attribute|'str' object does not support")
_NAME = re.compile(r"[\w.\- ]+")
_WITHIN = '''
def {name}(document):
    """Return the document with its records in a list, which the upstream may key by their KEY."""
    found = document.get("LIST") if isinstance(document, dict) else None
    if not isinstance(found, dict):
        return document
    return {**document, "LIST": [{"KEY": key, **record} for key, record in found.items()]}
'''
_WHOLE = '''
def {name}(document):
    """Return the list of records, which the upstream may key by their KEY."""
    if not isinstance(document, dict) or not all(isinstance(r, dict) and "LEAF" in r for r in document.values()):
        return document
    return [{"KEY": key, **record} for key, record in document.items()]
'''


def fix(bench: Bench) -> Fix | None:
    """Return the call that parses the records, wrapped."""
    if not any(_SAYS.search(message) for message in bench.messages):
        return None
    for good in (s for s in bench.dossier.shapes if s.role == "good" and not s.name.endswith(PART)):
        failing, listed = bench.failing(good.name), list_path(bench.good(good.name + PART))
        field = _key(good, failing, listed) if failing else ""
        site = parse_site(bench, good.name) if field else None
        leaf = next((f.path for f in good.fields if f.path != field and "." not in f.path), "")
        if site is None or not all(_NAME.fullmatch(name) for name in (field, leaf, listed or "-")) or "." in listed:
            continue
        path, code, call = site
        text = (_WITHIN if listed else _WHOLE).replace("LIST", listed).replace("KEY", field).replace("LEAF", leaf)
        records = helper(code, "listed_records", text)
        text = with_helper(code, [(code.span(call), f"{records.name}({code.source(call)})")], records)
        if compiles(text):
            return Fix(
                texts=((path, text),),
                file=path,
                fields=(field,),
                summary=f"Read records that are keyed by {field} as well"[:100],
                explanation=f"In {good.name} the list of records is an object now, keyed by `{field}`. A list is made of it where it is parsed.",
            )
    return None


def _key(good: DataShape, failing: DataShape, listed: str) -> str:
    """Return the field that became the key; empty if it is not one, or what stands below is something else."""
    prefix = f"{listed}." if listed else ""
    below: dict[str, set[str]] = {}
    for field in failing.fields:
        key, dot, leaf = field.path.removeprefix(prefix).partition(".")
        if dot and field.path.startswith(prefix):
            below.setdefault(key, set()).add(leaf)
    whole = max(below.values(), key=len, default=set())
    known = {field.path: field for field in good.fields}
    gone = known.keys() - whole
    # The last key may be cut off: only so many fields of a data set are kept.
    full = [key for key, leaves in below.items() if leaves == whole]
    if len(full) < 2 or len(full) < len(below) - 1 or len(gone) != 1 or whole - known.keys():
        return ""
    (name,) = gone
    written = {fold(form) for form in known[name].formats}
    return name if written and all(fold(pattern(key)) in written for key in full) else ""
