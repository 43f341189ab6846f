"""A number comes in another unit under a name that says so, or inside an object → the number that the code knows.

Certain means: the new name is the old one and a unit (``amount_cents``), and the values are larger by that factor;
or an object holds one number of the old size beside constant words (``{"value": 12.5, "currency": "EUR"}``).
A number that merely grew under its old name gets no change.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.currency_digits import undivided
from airflow_agentic.agents.mending.field_moves import field_moves
from airflow_agentic.agents.mending.named_units import contradicted, only_unit, reading
from airflow_agentic.agents.mending.parse_sites import helper, is_delimited, parse_site, parsed, with_helper
from airflow_agentic.agents.mending.record_walk import of_each_record
from airflow_agentic.agents.mending.syntax import Code, Step, compiles, is_pure, parse
from airflow_agentic.records import DataShape, FieldShape

_TREE = of_each_record(
    "Give records the numbers that this code knows where the upstream sends them in other units.",
    """
    for old, new, known in (UNITS,):
        if new in value and old not in value:
            value[old] = None if value[new] is None else known(value[new])
""",
)
_ROWS = '''
def {name}(rows):
    """Give rows the numbers that this code knows where the upstream sends them in other units."""
    for row in rows:
        for old, new, known in (UNITS,):
            if new in row and old not in row:
                row[old] = known(row[new]) if row[new] else row[new]
        yield row
'''
_SAYS = re.compile(
    r"KeyError|NoneType|\bnull\b|\bNULL\b|not 'dict'|and 'dict'|'dict' object|unhashable|type 'dict'|No item with that key"
)


def fix(bench: Bench) -> Fix | None:
    """Return the conversion at every read of the field in the file that failed."""
    silent = not any(_SAYS.search(message) for message in bench.messages)
    if silent and not is_refusal(bench):
        return None
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        good, failing = bench.good(name), bench.failing(name)
        if good is None or failing is None:
            continue
        now = {f.path: f for f in failing.fields}
        for old in (f for f in good.fields if f.mean and "[]" not in f.path.rsplit("[].", 1)[-1]):
            found = scaled(bench, old, (good, failing)) or (None if silent else _wrapped(old, now))
            if found is None or (silent and not _is_missed(bench, old.path, found[0])):
                continue
            changed = _at_parse(bench, name, (good, failing)) if found[1] != 1 else None
            changed = changed or _change(bench, old, *found, silent=silent)
            if changed is not None:
                return changed
    return None


def is_refusal(bench: Bench) -> bool:
    """Say whether the pipeline's own check speaks: of a number that was read as nothing it knows no more than that."""
    own = bench.own()
    return not own or re.match(r"(?:raise|assert)\b", own[0][1].code) is not None


def _is_missed(bench: Bench, path: str, new: str) -> bool:
    """Say whether code spells the field that is gone, and none the one that has come."""
    leaf = re.compile(rf"[\"'.]{re.escape(path.rpartition('.')[2])}\b")
    texts = [bench.text(p) or "" for p in bench.all_files() if p.endswith((".py", ".sql"))]
    return any(leaf.search(text) for text in texts) and not any(re.search(rf"\b{new}\b", text) for text in texts)


def _at_parse(bench: Bench, dataset: str, shapes: tuple[DataShape, DataShape]) -> Fix | None:
    """Records get the known number where they are parsed: for several units at once, and keys that no read spells."""
    found = {old: made for old in shapes[0].fields if old.mean and (made := scaled(bench, old, shapes))}
    leaves = {old.path.rpartition(".")[2] for old in found}
    if len(found) == 1 and _is_read(bench, leaves):
        return None
    moves = [m for m in field_moves(bench) if m.dataset == dataset and m.is_rename]
    one_place = all(_is_one_place(shapes, name) for name in (*leaves, *(new for new, _ in found.values())))
    site = parse_site(bench, dataset)
    if site is None or not one_place or not all(_is_one_place(shapes, n) for m in moves for n in (m.old[0], m.new[0])):
        return None
    path, code, call = site
    rows = is_delimited(dataset)
    lines = [_line(old, *made, rows=rows) for old, made in found.items()]
    lines += [f'("{m.old[0]}", "{m.new[0]}", lambda value: value)' for m in moves]
    units = helper(code, "known_units", (_ROWS if rows else _TREE).replace("UNITS", ", ".join(lines)))
    text = with_helper(code, [(code.span(call), f"{units.name}({parsed(code, call)})")], units)
    if not compiles(text):
        return None
    told = " and ".join(
        f"`{old.path}` now comes as `{name}`, {factor:g} times as large" for old, (name, factor) in found.items()
    )
    return Fix(
        texts=((path, text),),
        file=path,
        fields=tuple(old.path for old in found),
        summary=f"Read {', '.join(sorted(leaves))} in the new units as well"[:100],
        explanation=f"{told}. Records get the known number where they are parsed; data in the old form is read as before.",
    )


def _is_read(bench: Bench, leaves: set[str]) -> bool:
    """Say whether the line that failed spells the key: then the reads are mended in place."""
    return any(
        s.key in leaves and s.node.lineno <= frame.line <= (s.node.end_lineno or 0)
        for path, frame in bench.own()[:1]
        if (code := parse(bench.text(path)))
        for s in code.steps()
    )


def _is_one_place(shapes: tuple[DataShape, DataShape], name: str) -> bool:
    return all(sum(f.path.rsplit(".", 1)[-1].removesuffix("[]") == name for f in s.fields) <= 1 for s in shapes)


def _line(old: FieldShape, name: str, factor: float, *, rows: bool) -> str:
    """Return one line of the table: the known name, the new one, and how the number is made."""
    made = in_known_unit(old, factor, "float(value)" if rows else "value")
    return f'("{old.path.rpartition(".")[2]}", "{name}", lambda value: {f"str({made})" if rows else made})'


def in_known_unit(old: FieldShape, factor: float, value: str) -> str:
    """Return the expression of the number of before: whole where it was, and without the noise of binary fractions."""
    back = f"{value} / {factor:g}" if factor >= 1 else f"{value} * {1 / factor:g}"
    return f"round({back})" if set(old.types) <= {"integer", "null"} else f"round({back}, 9)"


def scaled(bench: Bench, old: FieldShape, shapes: tuple[DataShape, DataShape]) -> tuple[str, float] | None:
    """Return the new name and how many times as large it is: ``amount`` is gone and ``amount_cents`` is new, a hundred times as large."""
    good, failing = shapes
    known = {f.path for f in good.fields}
    if old.path in {f.path for f in failing.fields} or not old.mean:
        return None
    level, _, leaf = old.path.rpartition(".")
    if undivided(failing, f"{level}." if level else "")[1]:
        return None  # No one factor holds for currencies with cents and without.
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


def _change(bench: Bench, old: FieldShape, name: str, factor: float, *, silent: bool) -> Fix | None:
    leaf = old.path.rpartition(".")[2]
    readers = [p for p in bench.python_files() if re.search(rf"[\"']{re.escape(leaf)}[\"']", bench.text(p) or "")]
    for path in [path for path, _ in bench.own()[:3]] if not silent else readers if len(readers) == 1 else []:
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
