"""A number comes in another unit under a name that says so, or inside an object → the number that the code knows.

Certain means: the new name is the old one and a unit (``amount_cents``), and the values are larger by that factor;
or an object holds one number of the old size beside constant words (``{"value": 12.5, "currency": "EUR"}``).
A number that merely grew under its old name gets no change.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.bench import Bench, Fix
from airflow_agentic.agents.fixers.syntax import Code, Step, compiles, is_pure, parse
from airflow_agentic.records import FieldShape
from airflow_agentic.shape_changes import name_tokens

_FACTORS = {"cents": 100, "cent": 100, "pence": 100, "minor": 100, "millis": 1000, "ms": 1000, "micros": 1_000_000}
_SIZES = (
    {"m": 1.0, "metres": 1.0, "meters": 1.0, "km": 1e3, "cm": 1e-2, "mm": 1e-3, "mi": 1609.344, "miles": 1609.344},
    {"g": 1.0, "grams": 1.0, "kg": 1e3, "kilos": 1e3, "mg": 1e-3, "t": 1e6, "tons": 1e6, "tonnes": 1e6},
    {
        "s": 1.0,
        "sec": 1.0,
        "secs": 1.0,
        "seconds": 1.0,
        "ms": 1e-3,
        "millis": 1e-3,
        "min": 60.0,
        "mins": 60.0,
        "minutes": 60.0,
        "h": 3600.0,
        "hours": 3600.0,
        "days": 86400.0,
    },
    {"l": 1.0, "litres": 1.0, "liters": 1.0, "ml": 1e-3, "cl": 1e-2, "hl": 1e2},
    {"wh": 1.0, "kwh": 1e3, "mwh": 1e6},
    {"w": 1.0, "kw": 1e3, "mw": 1e6},
    {"bytes": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9},
    {"eur": 1.0, "euro": 1.0, "euros": 1.0, "cents": 1e-2, "cent": 1e-2, "ct": 1e-2},
    {"usd": 1.0, "dollars": 1.0, "cents": 1e-2, "cent": 1e-2},
    {"gbp": 1.0, "pounds": 1.0, "pence": 1e-2},
    {"ratio": 1.0, "share": 1.0, "fraction": 1.0, "percent": 1e-2, "pct": 1e-2},
)
"""Units of one kind, each by its size: a name that swaps one for another says by what factor its numbers change."""
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
            found = _scaled(old, now, {f.path for f in good.fields}) or _wrapped(old, now)
            changed = _change(bench, old, *found) if found else None
            if changed is not None:
                return changed
    return None


def _scaled(old: FieldShape, now: dict[str, FieldShape], known: set[str]) -> tuple[str, float] | None:
    """``amount`` is gone and ``amount_cents`` is new, a hundred times as large."""
    if old.path in now or not old.mean:
        return None
    level, _, leaf = old.path.rpartition(".")
    takers = []
    for path, field in now.items():
        factor = _factor(name_tokens(leaf), name_tokens(path.rpartition(".")[2]))
        new = path not in known and path.rpartition(".")[0] == level
        if new and factor and field.mean and 0.2 < field.mean / old.mean / factor < 5:
            takers.append((path.rpartition(".")[2], factor))
    return takers[0] if len(takers) == 1 else None


def _factor(old: tuple[str, ...], new: tuple[str, ...]) -> float | None:
    """By what the numbers grow when a name gets a unit, or swaps it for another; None if that is not what it does."""
    gone, extra = set(old) - set(new), set(new) - set(old)
    if not gone and len(extra) == 1:
        return _FACTORS.get(next(iter(extra)))
    if len(gone) != 1 or len(extra) != 1:
        return None
    was, now = gone.pop(), extra.pop()
    return next((sizes[was] / sizes[now] for sizes in _SIZES if was in sizes and now in sizes and was != now), None)


def _wrapped(old: FieldShape, now: dict[str, FieldShape]) -> tuple[str, float] | None:
    """``amount`` is an object that holds the number."""
    field = now.get(old.path)
    if field is None or set(field.types) != {"object"} or not old.mean:
        return None
    inner = [f for p, f in now.items() if p.startswith(old.path + ".")]
    numbers = [f for f in inner if f.mean and set(f.types) <= {"number", "integer"}]
    constant = all(f.distinct == 1 for f in inner if f not in numbers)
    if len(numbers) != 1 or not constant or not numbers[0].mean or not 0.2 < numbers[0].mean / old.mean < 5:
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
