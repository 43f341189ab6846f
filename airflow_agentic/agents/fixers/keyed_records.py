"""Records in a list, or in an object keyed by what is a field of each in the other form → the known one of the two.

Certain means: under each key stand the fields of the records but one (or the value of the one other field), the keys
are written as that one is, and one call parses the data set. What comes in the known form passes as it is.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.fixers.envelope import PART, list_path
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.conversions import NUMBERS
from airflow_agentic.agents.mending.parse_sites import helper, parse_site, with_helper
from airflow_agentic.agents.mending.syntax import compiles
from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shapes import fold, pattern

_IS_KEYED = re.compile(
    r"string indices must be integers|'str' object has no attribute|'str' object does not support|KeyError: 0"
)
_IS_LISTED = re.compile(r"'list' object has no attribute|list indices must be integers|unhashable type: 'dict'")
_NAME = re.compile(r"[\w.\- ]+")
_WITHIN = '''
def {name}(document):
    """Return the document with its records in a list, which the upstream may key by their KEY."""
    found = document.get("LIST") if isinstance(document, dict) else None
    if not isinstance(found, dict):
        return document
    return {**document, "LIST": [RECORD for key, record in found.items()]}
'''
_WHOLE = '''
def {name}(document):
    """Return the list of records, which the upstream may key by their KEY."""
    if not isinstance(document, dict) or not all(CHECK for r in document.values()):
        return document
    return [RECORD for key, record in document.items()]
'''
_BY_KEY = """    by_key = {record["KEY"]: RECORD for record in found}
    if len(by_key) != len(found):
        raise ValueError("Two records have the same KEY")
"""
_KEYED_WITHIN = f'''
def {{name}}(document):
    """Return the document with its records by their KEY, which the upstream may send as a list."""
    found = document.get("LIST") if isinstance(document, dict) else None
    if not isinstance(found, list):
        return document
{_BY_KEY}    return {{**document, "LIST": by_key}}
'''
_KEYED_WHOLE = f'''
def {{name}}(found):
    """Return the records by their KEY, which the upstream may send as a list."""
    if not isinstance(found, list):
        return found
{_BY_KEY}    return by_key
'''


def fix(bench: Bench) -> Fix | None:
    """Return the call that parses the records, wrapped."""
    for told, form in ((_IS_KEYED, _listed), (_IS_LISTED, _keyed)):
        if any(told.search(message) for message in bench.messages):
            for good in (s for s in bench.dossier.shapes if s.role == "good" and not s.name.endswith(PART)):
                failing = bench.failing(good.name)
                found = form(bench, good, failing) if failing else None
                if found is not None:
                    return found
    return None


def _listed(bench: Bench, good: DataShape, failing: DataShape) -> Fix | None:
    listed = list_path(bench.good(good.name + PART))
    field, value = _key(good, failing, listed)
    leaf = next((f.path for f in good.fields if f.path != field and "." not in f.path), "")
    check = "isinstance(r, (int, float, str))" if value else f'isinstance(r, dict) and "{leaf}" in r'
    record = f'{{"KEY": key, "{value}": record}}' if value else '{"KEY": key, **record}'
    text = (_WITHIN if listed else _WHOLE).replace("CHECK", check).replace("RECORD", record)
    said = f"the list of records is an object now, keyed by `{field}`. A list is made of it where it is parsed."
    return _wrapped(bench, good.name, (text, "listed_records", said), (field, value or leaf), listed)


def _keyed(bench: Bench, good: DataShape, failing: DataShape) -> Fix | None:
    listed = list_path(bench.failing(good.name + PART))
    field, value = _key(failing, good, listed)
    once = [f for f in failing.fields if f.path == field and f.present == f.distinct == failing.records]
    if not once:
        return None
    whole = '{name: value for name, value in record.items() if name != "KEY"}'
    text = (_KEYED_WITHIN if listed else _KEYED_WHOLE).replace("RECORD", f'record["{value}"]' if value else whole)
    said = f"the records that were keyed by `{field}` are a list now. The object is made of it where it is parsed."
    return _wrapped(bench, good.name, (text, "keyed_records", said), (field, value or "-"), listed)


def _wrapped(
    bench: Bench, dataset: str, made: tuple[str, str, str], fields: tuple[str, str], listed: str
) -> Fix | None:
    (text, wanted, said), field = made, fields[0]
    site = parse_site(bench, dataset) if field else None
    if site is None or not all(_NAME.fullmatch(name) for name in (*fields, listed or "-")) or "." in listed:
        return None
    path, code, call = site
    records = helper(code, wanted, text.replace("LIST", listed).replace("KEY", field))
    text = with_helper(code, [(code.span(call), f"{records.name}({code.source(call)})")], records)
    if not compiles(text):
        return None
    return Fix(
        texts=((path, text),),
        file=path,
        fields=(field,),
        summary=f"Read records in a list and keyed by {field}"[:100],
        explanation=f"In {dataset} {said}",
    )


def _key(many: DataShape, one: DataShape, listed: str) -> tuple[str, str]:
    """Return the field of the records *many* that is the key in *one*, and the one that is its value where no object is.

    Empty if none is, or something else stands there.
    """
    prefix = f"{listed}." if listed else ""
    below: dict[str, set[str]] = {}
    for field in one.fields:
        key, dot, leaf = field.path.removeprefix(prefix).partition(".")
        if dot and field.path.startswith(prefix):
            below.setdefault(key, set()).add(leaf)
    whole = max(below.values(), key=len, default=set())
    known = {field.path: field for field in many.fields}
    gone = known.keys() - whole
    # The last key may be cut off: only so many fields of a data set are kept.
    full = [key for key, leaves in below.items() if leaves == whole]
    if not below and len(known) == 2:
        return _pair(many, [f for f in one.fields if f.path.startswith(prefix)], prefix)
    if len(full) < 2 or len(full) < len(below) - 1 or len(gone) != 1 or whole - known.keys():
        return "", ""
    (name,) = gone
    return (name, "") if _is_written(known[name], full) else ("", "")


def _pair(many: DataShape, values: list[FieldShape], prefix: str) -> tuple[str, str]:
    """``{"EUR": 1.0}`` and ``[{"currency": "EUR", "rate": 1.0}]``: keys as one field, values as the other one."""
    (first, second), found = many.fields, []
    for key, value in ((first, second), (second, first)):
        kinds = {kind for field in values for kind in field.types}
        near = value.high is None or any(value.low <= f.low <= value.high for f in values if f.low is not None)  # type: ignore[operator]
        alike = (kinds <= NUMBERS and set(value.types) <= NUMBERS) or kinds == set(value.types) == {"string"}
        named = _is_written(key, [f.path.removeprefix(prefix) for f in values])
        if len(values) > 1 and alike and near and named and key.distinct == many.records:
            found.append((key.path, value.path))
    return found[0] if len(found) == 1 else ("", "")


def _is_written(field: FieldShape, keys: list[str]) -> bool:
    written = {fold(form) for form in field.formats}
    return bool(written) and all(fold(pattern(key)) in written for key in keys)
