"""A number comes in another unit under a name that says so, or inside an object → the number that the code knows.

Certain means: the new name is the old one and a unit (``amount_cents``), and the values are larger by that factor;
or an object holds one number of the old size beside constant words (``{"value": 12.5, "currency": "EUR"}``).
A number that merely grew under its old name gets no change.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.bench import Bench, Fix
from airflow_agentic.agents.fixers.named_units import contradicted, only_unit, reading
from airflow_agentic.agents.fixers.syntax import Code, Step, compiles, is_pure, parse
from airflow_agentic.records import DataShape, FieldShape

_SAYS = re.compile(
    r"KeyError|NoneType|not 'dict'|and 'dict'|'dict' object|unhashable|type 'dict'|No item with that key"
)


def fix(bench: Bench) -> Fix | None:
    """Return the conversion at every read of the field in the file that failed."""
    if not any(_SAYS.search(message) for message in bench.messages):
        return None
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        good, failing = bench.good(name), bench.failing(name)
        if good is None or failing is None:
            continue
        now = {f.path: f for f in failing.fields}
        for old in (f for f in good.fields if f.mean and "[]" not in f.path.rsplit("[].", 1)[-1]):
            found = _scaled(bench, old, (good, failing)) or _wrapped(old, now)
            changed = _change(bench, old, *found) if found else None
            if changed is not None:
                return changed
    return None


def _scaled(bench: Bench, old: FieldShape, shapes: tuple[DataShape, DataShape]) -> tuple[str, float] | None:
    """``amount`` is gone and ``amount_cents`` is new, a hundred times as large."""
    good, failing = shapes
    known = {f.path for f in good.fields}
    if old.path in {f.path for f in failing.fields} or not old.mean:
        return None
    level, _, leaf = old.path.rpartition(".")
    takers = []
    for field in failing.fields:
        place, _, name = field.path.rpartition(".")
        if field.path in known or place != level or not only_unit(leaf, name):
            continue
        read = reading(old, field)
        if read and read.factor != 1.0 and not (read.assumed and contradicted(bench, shapes, read.assumed)):
            takers.append((name, read.factor))
    return takers[0] if len(takers) == 1 else None


def _wrapped(old: FieldShape, now: dict[str, FieldShape]) -> tuple[str, float] | None:
    """``amount`` is an object that holds the number."""
    field = now.get(old.path)
    if field is None or set(field.types) != {"object"} or not old.mean:
        return None
    inner = [f for p, f in now.items() if p.startswith(old.path + ".")]
    numbers = [f for f in inner if f.mean and set(f.types) <= {"number", "integer"}]
    constant = all(f.distinct == 1 for f in inner if f not in numbers)
    if len(numbers) != 1 or not constant or not numbers[0].mean or not 0.5 < numbers[0].mean / old.mean < 2:
        return None
    return numbers[0].path[len(old.path) + 1 :], 1


def _change(bench: Bench, old: FieldShape, name: str, factor: float) -> Fix | None:
    leaf = old.path.rpartition(".")[2]
    for path, _ in bench.own()[:3]:
        code = parse(bench.text(path))
        if code is None or not bench.editable(path):
            continue
        pieces = [
            (code.span(s.node), _read(code, s, leaf, name, factor))
            for s in code.steps()
            if s.key == leaf and is_pure(s.base) and not isinstance(code.parents.get(s.node), ast.JoinedStr)
        ]
        text = code.splice(pieces) if pieces else None
        if text is not None and compiles(text):
            place = name if factor != 1 else f"{leaf}.{name}"
            told = (
                f"{factor:g} times as large" if factor != 1 else "inside an object, beside values that are all the same"
            )
            return Fix(
                texts=((path, text),),
                file=path,
                fields=(old.path,),
                summary=f"Read {leaf} from {place} where it comes in that form"[:100],
                explanation=f"`{old.path}` now comes as `{place}`, {told}. The code converts it; data in the old form is read "
                "as before.",
            )
    return None


def _read(code: Code, found: Step, leaf: str, name: str, factor: float) -> str:
    base, old = code.source(found.base), code.source(found.node)
    if factor != 1:
        back = f"/ {factor:g}" if factor >= 1 else f"* {1 / factor:g}"
        return f'({base}["{name}"] {back} if "{name}" in {base} else {old})'
    return f'({base}["{leaf}"]["{name}"] if isinstance({base}.get("{leaf}"), dict) else {old})'
