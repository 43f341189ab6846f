"""Columns (``h00`` … ``h23``) come as entries of a list or as rows (``hour``, ``kwh``), or the reverse → the known form.

It is made where the data set is parsed. Certain means: `column_series` finds one, the failure names what is gone, and one call parses that data set. What comes
in the known form passes as it is; two entries of one label are an error.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.fixers.envelope import PART
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.column_series import Series, series
from airflow_agentic.agents.mending.parse_sites import helper, is_delimited, parse_site, parsed, with_helper
from airflow_agentic.agents.mending.record_walk import of_each_record
from airflow_agentic.agents.mending.syntax import compiles

_NAME = re.compile(r"[\w.@ \-]+")
_TREE = of_each_record(
    "Give records TOLD, whichever the upstream sends.",
    """
    found, home = value, value
    for key in FROM:
        found = found.get(key) if isinstance(found, dict) else None
MADE
""",
)
_COLUMNS = """    if isinstance(found, list) and all(isinstance(item, dict) and "LABEL" in item for item in found):
        columns = {NAME: item["VALUE"] for item in found}
        if len(columns) != len(found):
            raise ValueError("Two entries of LISTED have the same LABEL")
        for key in INTO:
            home = home.setdefault(key, {})
        home["LEAF"] = columns"""
_ENTRIES = """    if isinstance(found, dict) and {NAMES} <= found.keys():
        for key in INTO:
            home = home.setdefault(key, {})
        home["LEAF"] = [{"LABEL": LABELLED, "VALUE": found[name]} for name in (NAMES)]"""
_COLUMNS_ALONE = """    if isinstance(found, list) and len(found) == COUNT:
        columns = dict(zip((NAMES), found))
        for key in INTO:
            home = home.setdefault(key, {})
        home["LEAF"] = columns"""
_WIDE = '''
def {name}(rows):
    """Return rows with TOLD, which the upstream may send as a row each."""
    rows = list(rows)
    if not rows or not all("LABEL" in row for row in rows):
        return rows
    wide = {}
    for row in rows:
        rest = {key: value for key, value in row.items() if key not in ("LABEL", "VALUE")}
        columns, column = wide.setdefault(tuple(rest.items()), rest), NAME
        if column in columns:
            raise ValueError("Two rows have the same LABEL")
        columns[column] = row["VALUE"]
    return list(wide.values())
'''
_LONG = '''
def {name}(rows):
    """Return a row each for TOLD, which the upstream may send in one row."""
    names = (NAMES)
    for row in rows:
        if not all(name in row for name in names):
            yield row
            continue
        rest = {key: value for key, value in row.items() if key not in names}
        yield from ({**rest, "LABEL": LABELLED, "VALUE": row[name]} for name in names)
'''


def fix(bench: Bench) -> Fix | None:
    """Return the call that parses the records, wrapped."""
    for good in (s for s in bench.dossier.shapes if s.role == "good" and not s.name.endswith(PART)):
        failing = bench.failing(good.name)
        for now in (True, False) if failing else ():
            found = series(good, failing) if now else series(failing, good)  # type: ignore[arg-type]
            if found is not None and _is_gone(bench, found, now=now) and _is_plain(found):
                return _wrapped(bench, good.name, found, now=now)
    return None


def _wrapped(bench: Bench, dataset: str, found: Series, *, now: bool) -> Fix | None:
    site = parse_site(bench, dataset)
    rows = is_delimited(dataset)
    if site is None or (not found.listed and not rows) or (found.listed and rows):
        return None
    path, code, call = site
    text = _rows(found, now=now) if rows else _tree(found, now=now)
    known = helper(code, "known_columns" if now else "known_entries", text)
    text = with_helper(code, [(code.span(call), f"{known.name}({parsed(code, call)})")], known)
    if not compiles(text):
        return None
    columns = f"`{found.names[0]}` to `{found.names[-1]}`"
    entries = f"`{found.label}` and `{found.value}`" if found.label else "values alone"
    entries = f"{entries} in `{found.listed}`" if found.listed else f"rows of {entries}"
    was, came = (columns, entries) if now else (entries, columns)
    return Fix(
        texts=((path, text),),
        file=path,
        fields=found.names if now else (found.listed or found.label,),
        summary=f"Read {found.names[0]} to {found.names[-1]} in either form"[:100],
        explanation=f"In {dataset} {was} came as {came}. The known form is made where the data is parsed; what has it stays as it is.",
    )


def _tree(found: Series, *, now: bool) -> str:
    holder, _, leaf = found.listed.rpartition(".")
    outer, _, inner = found.within.rpartition(".")
    # Columns of an object stand where the list does; those of the record itself go beside it.
    same, made = found.within == found.listed, _COLUMNS if now else _ENTRIES
    if now and not found.label:
        made = _COLUMNS_ALONE
    if not now and not found.label:
        made = made.replace('{"LABEL": LABELLED, "VALUE": found[name]}', "found[name]")
    if now and not same:
        made = made.replace('home["LEAF"] = columns', "home.update({**columns, **home})")
    text = _filled(
        _TREE.replace("MADE", made), found, item="item",
        TOLD=f"{found.names[0]} to {found.names[-1]}" if now else f"the list {leaf}",
        FROM=_keys(found.listed if now else found.within),
        INTO=_keys((outer if same else found.within) if now else holder),
        LEAF=inner if now else leaf,
        LISTED=leaf,
    )  # fmt: skip
    text = text.replace("        for key in ():\n            home = home.setdefault(key, {})\n", "")
    return text.replace("    for key in ():\n        found = found.get(key) if isinstance(found, dict) else None\n", "")


def _rows(found: Series, *, now: bool) -> str:
    told = f"{found.names[0]} to {found.names[-1]}"
    return _filled(_WIDE if now else _LONG, found, item="row", text_only=True, TOLD=told)


def _filled(text: str, found: Series, *, item: str, text_only: bool = False, **words: str) -> str:
    """Return the source with its places filled in one go, so that no name of a field is taken for a place."""
    words |= {
        "NAMES": ", ".join(f'"{name}"' for name in found.names),
        "NAME": found.name_of(f"{item}['{found.label}']"),
        "LABELLED": _label(found, text_only=text_only),
        "LABEL": found.label,
        "COUNT": str(len(found.names)),
        "VALUE": found.value,
    }
    return re.sub(r"\b(?:" + "|".join(words) + r")\b", lambda m: words[m[0]], text)


def _label(found: Series, *, text_only: bool = False) -> str:
    """Return the expression of an entry's label for a column's ``name``."""
    if not found.numbers:
        return "name"
    digits = f"name[{len(found.prefix)}:]" if found.prefix else "name"
    if found.is_text:
        return digits
    return f"str(int({digits}))" if text_only else f"int({digits})"


def _is_gone(bench: Bench, found: Series, *, now: bool) -> bool:
    """Say whether the failure names what is no longer there."""
    said = " ".join((*bench.messages, *(frame.code for _, frame in bench.own()[:1])))
    gone = found.names if now else (found.listed.rpartition(".")[2], found.label, found.value)
    return any(name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) for name in gone)


def _is_plain(found: Series) -> bool:
    return all(_NAME.fullmatch(n) for n in (*found.names, found.label or "-", found.value or "-", found.listed or "-", found.within or "-"))  # fmt: skip


def _keys(path: str) -> str:
    names = path.split(".") if path else []
    return "(" + ", ".join(f'"{name}"' for name in names) + ("," if len(names) == 1 else "") + ")"
