"""A field is written in another form and no read of it can be mended → give records the old form where they are parsed.

For code that reads fields through a table of casts, a class, a list of names or parameters of a statement. Certain
means: `conversions` has one reading for the field, and one call parses that data set. What is in the old form passes
unchanged.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from airflow_agentic.agents.fixers.converted_field import FieldChange, field_changes
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import Helper, is_delimited, parse_site, parsed, with_helper
from airflow_agentic.agents.mending.record_walk import of_each_record
from airflow_agentic.agents.mending.syntax import Code, compiles, fresh_name

_SAYS = re.compile(
    r"ConversionSyntax|InvalidOperation|could not convert|invalid literal|out of range|does(?: not|n't) match format|Invalid isoformat|"
    r"unconverted data|unsupported operand|must be|not supported between|validation errors? for|Conversion Error|KeyError|"
    r"is not a valid|can't multiply|object has no attribute|Input should be|Error binding parameter|type 'dict' is not supported",
    re.IGNORECASE,
)
_ROWS = '''
def {name}(rows):
    """Give records the form that this code knows, whichever the upstream writes."""
    for row in rows:
CHANGES
        yield row
'''
_TREE = of_each_record(
    "Give records the form that this code knows, whichever the upstream writes.",
    "CHANGES",
)


@dataclass(frozen=True, kw_only=True)
class _Site:
    path: str
    code: Code
    call: ast.Call


def fix(bench: Bench) -> Fix | None:
    """Return the call that parses the records, wrapped."""
    said = any(_SAYS.search(message) for message in bench.messages)
    by_set: dict[str, list[FieldChange]] = {}
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        changes = [
            c
            for c in field_changes(bench, name)
            if c.old == c.new and not c.how.absent and _is_one_place(bench, c) and (said or _is_taken_apart(bench, c))
        ]
        if changes and not any(c.kind in {"renamed", "moved", "removed"} for c in bench.changes() if c.dataset == name):
            by_set[name] = changes
    if len({tuple((c.level, c.old, c.how) for c in changes) for changes in by_set.values()}) != 1:
        return None
    dataset, changes = next(iter(by_set.items()))
    site = parse_site(bench, dataset)
    if site is None:
        return None
    path, code, call = site
    text = _wrapped(_Site(path=path, code=code, call=call), changes, rows=is_delimited(dataset))
    if not compiles(text):
        return None
    return Fix(
        texts=((path, text),),
        file=path,
        fields=tuple(f"{c.level}{c.old}" for c in changes),
        summary=f"Read {changes[0].old} in its new form as well"[:100],
        explanation=f"In {dataset} {' and '.join(c.told for c in changes)}. Records get the old form where they are parsed; those that have it stay as they are.",
    )


def _wrapped(site: _Site, changes: list[FieldChange], *, rows: bool) -> str:
    record, indent = ("row", " " * 8) if rows else ("value", " " * 4)
    helpers: list[Helper] = []
    lines: list[str] = []
    for change in changes:
        name = ""
        if change.how.wanted:
            same = next((h for h in helpers if h.text == change.how.text), None)
            name = same.name if same else fresh_name(site.code, change.how.wanted)
            while same is None and name in {h.name for h in helpers}:
                name += "_"
            helpers += [] if same else [Helper(name=name, text=change.how.text, imports=change.how.imports)]
        place = f'{record}["{change.old}"]'
        made = change.how.form.replace("{call}", name).replace("{base}", record).replace("{value}", place)
        given = f'"{change.old}" in {record}' if change.how.of_null else f'{record}.get("{change.old}") is not None'
        lines += [f"{indent}if {given}:", f"{indent}    {place} = {made}"]
    text = (_ROWS if rows else _TREE).replace("CHANGES", "\n".join(lines))
    known = Helper(name=fresh_name(site.code, "known_forms"), text=text)
    piece = (site.code.span(site.call), f"{known.name}({parsed(site.code, site.call)})")
    return with_helper(site.code, [piece], *helpers, known)


def _is_taken_apart(bench: Bench, change: FieldChange) -> bool:
    """Say whether a value became an object or a list: what takes it for text tells of it nowhere near."""
    failing, path = bench.failing(change.dataset), f"{change.level}{change.old}"
    return any(f.path == path and f.types in {("object",), ("array",)} for f in (failing.fields if failing else ()))


def _is_one_place(bench: Bench, change: FieldChange) -> bool:
    """The helper goes through all levels of a record, so the name may not stand elsewhere in it."""
    shapes = (bench.good(change.dataset), bench.failing(change.dataset))
    return '"' not in change.old and all(
        sum(1 for f in shape.fields if f.path.rsplit(".", 1)[-1].rsplit("[]", 1)[-1] == change.old) == 1
        for shape in shapes
        if shape
    )
