"""A number is now written as text, or a text now comes as a number → convert where the code reads it.

Thousands separators and decimal commas are taken out only when the patterns of the data leave one reading. A value
that became null gets no change: what null means is the owner's decision.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import FieldMove
from airflow_agentic.agents.mending.number_style import number_style
from airflow_agentic.agents.mending.parse_sites import helper, with_helper
from airflow_agentic.agents.mending.record_uses import UseFinder, is_later, is_of_frame
from airflow_agentic.agents.mending.syntax import Code, Step, compiles, is_pure, parse
from airflow_agentic.records import FieldShape

_SAYS = re.compile(
    r"could not convert string to float|invalid literal for int|unsupported operand type|not supported between instances|ConversionSyntax|InvalidOperation|"
    r"must be (?:a )?(?:str|real number|string)|can only concatenate|'(?:int|float)' object has no attribute|expected str instance|can't multiply sequence|"
    r"bad operand type|not all arguments converted|Unknown format code|object is not (?:iterable|subscriptable)|doesn't define __round__|Invalid literal for Decimal",
    re.IGNORECASE,
)
_TIME = re.compile(r"9999-99|99:99|99[/.]99[/.]9")
_NUMBERS = {"float", "int", "Decimal", "decimal.Decimal"}


def fix(bench: Bench) -> Fix | None:
    """Return the conversion of every field that changed its type and that the failing code reads by a literal key."""
    if not bench.edits() and not any(_SAYS.search(m) for m in bench.messages):
        return None
    if bench.error is not None and any("/pandas/" in frame.path for frame in bench.error.frames):
        return None  # A column is no value: `pandas_values` knows those.
    for path, _ in bench.own()[:3]:
        text = bench.text(path)
        code = parse(text)
        if code is None or not bench.editable(path) or text is None:
            continue
        done: list[str] = []
        for change in bench.changes():
            if change.kind not in {"retyped", "reformatted"} or "[]" in change.path.rsplit("[].", 1)[-1]:
                continue
            good = next((f for f in bench.good(change.dataset).fields if f.path == change.path), None)  # type: ignore[union-attr]
            bad = next((f for f in bench.failing(change.dataset).fields if f.path == change.path), None)  # type: ignore[union-attr]
            new = _converted(bench, path, text, change.dataset, good, bad) if good and bad else None
            if new is not None and bad is not None and compiles(new):
                text = new
                done.append(
                    f"`{change.path}` is now {' or '.join(bad.types)}"
                    + (f" written {', '.join(bad.formats[:3])}" if bad.formats else "")
                )
        if done:
            return Fix(
                texts=((path, text),),
                file=path,
                fields=tuple(d.split("`")[1] for d in done),
                explanation=f"In the landed data {' and '.join(done)}. The code converts it where it reads it; the old form gives the same as before.",
                summary=f"Read {done[0].split('`')[1]} in its new type as well",
            )
    return None


def _converted(bench: Bench, path: str, text: str, dataset: str, good: FieldShape, bad: FieldShape) -> str | None:
    code = parse(text)
    if code is None:
        return None
    steps = good.path.rsplit("[].", 1)[-1].split(".")
    level = good.path[: len(good.path) - len(".".join(steps))]
    siblings = frozenset(
        f.path[len(level) :].split(".")[0].split("[")[0]
        for s in (bench.good(dataset), bench.failing(dataset))
        if s
        for f in s.fields
        if f.path.startswith(level)
    )
    move = FieldMove(
        dataset=dataset,
        within=tuple(steps[:-1]),
        old=(steps[-1],),
        new=(steps[-1],),
        old_stays=False,
        siblings=siblings,
    )
    uses = UseFinder(bench, path, code, move)
    reads = [s for s in code.steps() if s.key == steps[-1] and uses.same_kind(s.base, s) and not is_of_frame(code, s)]
    kinds_was, kinds_now = set(good.types) - {"null"}, set(bad.types) - {"null"}
    if all(is_later(bench, path, code, r.node) for r in reads):
        return None
    if any(_TIME.search(f) for f in good.formats) or ("null" in bad.types and "null" not in good.types):
        return None
    if bad.formats == ("",) and "null" in good.types:
        return _spliced(code, [r for r in reads if is_pure(r.base)], '({0} if {0} != "" else None)')
    if kinds_now == {"string"} and _is_flag(good, bad, bench):
        return _spliced(code, reads, f"{_flags(kinds_was)}.get({{0}}, {{0}})")
    if kinds_now == {"string"} or (kinds_now <= {"string", "number", "integer"} and "string" in kinds_now):
        return _to_number(code, reads, bad, whole=kinds_was == {"integer"}, was_text=kinds_was == {"string"})
    if (
        kinds_was == {"string"}
        and kinds_now <= {"integer"}
        and len(set(good.formats)) == 1
        and set(good.formats[0]) == {"9"}
    ):
        return _spliced(code, reads, f"str({{}}).zfill({len(good.formats[0])})")
    if kinds_was == {"string"} and kinds_now == {"integer"}:
        return _spliced(code, reads, "str({})")
    return None


def _to_number(code: Code, reads: list[Step], bad: FieldShape, *, whole: bool, was_text: bool) -> str | None:
    style = number_style(bad.formats, whole=whole)
    if style is None:
        return None
    fractional = bool(style.decimal) or any("." in f for f in bad.formats if style.group != ".")
    kind = "int" if whole and not fractional else "float"
    if not (style.sign or style.group or style.decimal):
        if was_text:
            return None
        open_reads = [r for r in reads if not _is_converted(code, r)]
        return _spliced(code, open_reads, f"{kind}({{}})") if open_reads else None
    plain = helper(code, "plain_number", _PLAIN.replace("WORDS", style.words()).replace("STRIPPED", style.stripped()))
    pieces = [
        (
            code.span(r.node),
            f"{plain.name}({code.source(r.node)})"
            if _is_converted(code, r)
            else f"{kind}({plain.name}({code.source(r.node)}))",
        )
        for r in reads
    ]
    return with_helper(code, pieces, plain)


_PLAIN = '''
def {name}(value):
    """Return a number, or text with WORDS, as a number or text that Python reads."""
    return STRIPPED if isinstance(value, str) else value
'''


def _is_flag(good: FieldShape, bad: FieldShape, bench: Bench) -> bool:
    """Say whether nought and one, or false and true, are now ``N`` and ``Y``, as the error's own value shows."""
    two = good.types == ("boolean",) or (set(good.types) == {"integer"} and good.low in (0, 1) and good.high in (0, 1))
    return (
        two
        and bad.formats == ("A",)
        and (bad.distinct or 3) <= 2
        and bool(re.search(r"'[YN]'$", " ".join(bench.messages)))
    )


def _flags(kinds: set[str]) -> str:
    return '{{"Y": True, "N": False}}' if kinds == {"boolean"} else '{{"Y": 1, "N": 0}}'


def _is_converted(code: Code, found: Step) -> bool:
    parent = code.parents.get(found.node)
    return isinstance(parent, ast.Call) and code.source(parent.func) in _NUMBERS and parent.args[:1] == [found.node]


def _spliced(code: Code, reads: list[Step], form: str) -> str:
    return code.splice([(code.span(r.node), form.format(code.source(r.node))) for r in reads])
