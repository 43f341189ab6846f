"""A field is written in another form and a pydantic model refuses it → let the model give it the form that it knows.

For code that gives its text to the model and parses nothing itself (``model_validate_json``). Certain means:
`conversions` has one reading for a field that the error names, and one model of the repository has it; other fields of
the model that changed their form at the same time are met on the next record.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.converted_field import FieldChange, field_changes
from airflow_agentic.agents.fixers.model_alias import data_name
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import Helper, near_files, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, fresh_name, parse

_SAYS = re.compile(r"validation errors? for \w+[\s\S]*(?:Input|Decimal input) should be")
_VALIDATOR = '''

    @field_validator("{field}", mode="before")
    @classmethod
    def {name}(cls, value):
        """Give the field the form that this model knows, whichever the upstream writes."""
        return {made}'''
_Owner = tuple[Code, ast.ClassDef, ast.AnnAssign]


def fix(bench: Bench) -> Fix | None:
    """Return the one file of the model with a validator for each field that the error names."""
    said = "\n".join(bench.messages)
    if not _SAYS.search(said):
        return None
    by_set = {
        dataset: [c for c in field_changes(bench, dataset) if c.old == c.new and _owners(bench, c)]
        for dataset in dict.fromkeys(s.name for s in bench.dossier.shapes)
    }
    told = [
        changes
        for changes in by_set.values()
        if any(re.search(rf"^(?:.*\.)?{re.escape(c.old)}$", said, re.MULTILINE) for c in changes)
    ]
    changes = told[0] if len(told) == 1 else []
    if not changes or len({c.old for c in changes}) != len(changes):
        return None
    if any(c.how.absent or "{base}" in c.how.form for c in changes):
        return None
    owners = [_owners(bench, change) for change in changes]
    paths = {path for found in owners for path, _ in found}
    if any(len(found) != 1 for found in owners) or len(paths) != 1:
        return None
    path = paths.pop()
    text = _validated(owners[0][0][1][0], [(c, found[0][1]) for c, found in zip(changes, owners, strict=True)])
    if not text or not compiles(text):
        return None
    return Fix(
        texts=((path, text),),
        file=path,
        fields=tuple(f"{c.level}{c.old}" for c in changes),
        summary=f"Read {changes[0].old} in its new form as well"[:100],
        explanation=f"In {changes[0].dataset} {' and '.join(c.told for c in changes)}. The model gives it the form that it knows; what has it stays as it is.",
    )


def _owners(bench: Bench, change: FieldChange) -> list[tuple[str, _Owner]]:
    """Return the models near the failure that have the field."""
    found: list[tuple[str, _Owner]] = []
    for path in near_files(bench):
        code = parse(bench.text(path)) if bench.editable(path) else None
        if code is None or "pydantic" not in code.text or re.search(r"pydantic\.v1|\b(?:root_)?validator\b", code.text):
            continue
        found += [
            (path, (code, model, field))
            for model in ast.walk(code.tree)
            if isinstance(model, ast.ClassDef) and model.bases and not model.col_offset
            for field in model.body
            if isinstance(field, ast.AnnAssign) and field.col_offset == 4 and data_name(field) == change.old
        ]
    return found


def _validated(code: Code, changes: list[tuple[FieldChange, _Owner]]) -> str:
    helpers: list[Helper] = []
    pieces: dict[tuple[int, int], str] = {}
    for change, (_, model, field) in changes:
        how, name = change.how, ""
        if how.wanted:
            same = next((h for h in helpers if h.text == how.text), None)
            name = same.name if same else fresh_name(code, how.wanted)
            while same is None and name in {h.name for h in helpers}:
                name += "_"
            helpers += [] if same else [Helper(name=name, text=how.text, imports=how.imports)]
        made = how.form.replace("{call}", name).replace("{value}", "value")
        made = made if how.of_null else f"value if value is None else {made}"
        place = field.target.id if isinstance(field.target, ast.Name) else ""
        known = _VALIDATOR.replace("{field}", place).replace("{name}", fresh_name(code, f"known_{place}"))
        last = max((n for n in model.body if isinstance(n, ast.AnnAssign)), key=lambda n: n.lineno)
        end = (code.span(last)[1],) * 2
        pieces[end] = pieces.get(end, "") + known.replace("{made}", made).replace("\n", code.newline)
    text = with_helper(code, list(pieces.items()), *helpers)
    return with_pydantic(code, text, "field_validator")


def with_pydantic(code: Code, text: str, name: str) -> str:
    """Return *text*, a changed *code*, with *name* imported from pydantic; empty if there is no such import to join."""
    if re.search(rf"^from pydantic import .*\b{name}\b", code.text, re.MULTILINE):
        return text
    first = re.search(r"^(?:from|import) pydantic\b", text, re.MULTILINE)
    at = first.start() if first else 0
    return f"{text[:at]}from pydantic import {name}{code.newline}{text[at:]}" if first else ""
