"""A number comes in another unit under a name that says so, and a pydantic model lacks it → let the model make it.

For code that hands its text to the model, where there is no read to mend. What the numbers must show is as in
`changed_unit`; besides, one model of the repository has the field, and no model spells the new name.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.changed_unit import in_known_unit, scaled
from airflow_agentic.agents.fixers.model_alias import MISSING, data_name
from airflow_agentic.agents.fixers.model_forms import with_pydantic
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import near_files
from airflow_agentic.agents.mending.syntax import Code, compiles, fresh_name, parse
from airflow_agentic.records import FieldShape

_VALIDATOR = """

    @model_validator(mode="before")
    @classmethod
    def {name}(cls, values):
        \"\"\"Give the model the number that it knows where the upstream sends it in another unit.\"\"\"
        if not isinstance(values, dict) or "OLD" in values or "NEW" not in values:
            return values
        value = values["NEW"]
        known = {key: item for key, item in values.items() if key != "NEW"}
        return {**known, "OLD": None if value is None else MADE}"""


def fix(bench: Bench) -> Fix | None:
    """Return the model with a validator that makes the one number that the error names."""
    said = "\n".join(bench.messages)
    if not MISSING.search(said):
        return None
    found = [
        (name, old, made)
        for name in dict.fromkeys(s.name for s in bench.dossier.shapes)
        if (shapes := (bench.good(name), bench.failing(name))) and shapes[0] is not None and shapes[1] is not None
        for old in shapes[0].fields
        if re.search(rf"\b{re.escape(old.path.rpartition('.')[2])}\b", said)
        and (made := scaled(bench, old, (shapes[0], shapes[1])))
    ]
    if len(found) != 1:
        return None
    dataset, old, (new, factor) = found[0]
    owners = [(path, *owner) for path in near_files(bench) for owner in _owners(bench, path, old, new)]
    if len(owners) != 1:
        return None
    path, code, model = owners[0]
    text = _validated(code, model, old, new, factor)
    leaf = old.path.rpartition(".")[2]
    if not text or not compiles(text):
        return None
    return Fix(
        texts=((path, text),),
        file=path,
        fields=(old.path,),
        summary=f"Take {new} where {leaf} is gone"[:100],
        explanation=f"In {dataset} `{old.path}` now comes as `{new}`, {factor:g} times as large. The model makes the number that it knows of it; data in the old form is read as before.",
    )


def _owners(bench: Bench, path: str, old: FieldShape, new: str) -> list[tuple[Code, ast.ClassDef]]:
    """Return the models of a file that have the field, none if the file knows the new name."""
    code = parse(bench.text(path)) if bench.editable(path) else None
    known = code is None or re.search(rf"\b{re.escape(new)}\b|pydantic\.v1|\broot_validator\b", code.text)
    if code is None or known or "pydantic" not in code.text:
        return []
    return [
        (code, model)
        for model in ast.walk(code.tree)
        if isinstance(model, ast.ClassDef) and model.bases and not model.col_offset
        for field in model.body
        if isinstance(field, ast.AnnAssign)
        and field.col_offset == 4
        and data_name(field) == old.path.rpartition(".")[2]
    ]


def _validated(code: Code, model: ast.ClassDef, old: FieldShape, new: str, factor: float) -> str:
    last = max((n for n in model.body if isinstance(n, ast.AnnAssign)), key=lambda n: n.lineno)
    words = {"OLD": old.path.rpartition(".")[2], "NEW": new, "MADE": in_known_unit(old, factor, "value")}
    made = re.sub("OLD|NEW|MADE", lambda m: words[m[0]], _VALIDATOR.replace("{name}", fresh_name(code, "known_unit")))
    text = code.splice([((code.span(last)[1],) * 2, made.replace("\n", code.newline))])
    return with_pydantic(code, text, "model_validator")
