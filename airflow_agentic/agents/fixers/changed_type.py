"""A number is now written as text, or a text now comes as a number → convert where the code reads it.

Thousands separators and decimal commas are taken out only when the patterns of the data leave one reading. A value
that became null gets no change: what null means is the owner's decision.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from dataclasses import dataclass

from airflow_agentic.agents.fixers.bench import Bench, Fix
from airflow_agentic.agents.fixers.field_moves import FieldMove
from airflow_agentic.agents.fixers.parse_sites import helper, with_helper
from airflow_agentic.agents.fixers.record_uses import UseFinder, is_later, is_of_frame
from airflow_agentic.agents.fixers.syntax import Code, Step, compiles, is_pure, parse
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


@dataclass(frozen=True, kw_only=True)
class NumberStyle:
    """How numbers are written, beyond digits and a decimal point."""

    sign: str = ""
    """A currency sign before or after the number."""
    group: str = ""
    """What stands between thousands."""
    decimal: str = ""
    """A comma where Python wants a point, else empty."""

    def words(self) -> str:
        """Return the style for a docstring."""
        told = [f"a {self.sign} sign"] if self.sign else []
        told += [f"{_GROUPS[self.group]} between thousands"] if self.group else []
        told += ["a decimal comma"] if self.decimal else []
        return " and ".join(told)

    def stripped(self) -> str:
        """Return the expression that writes ``value`` as Python reads it; text in the old form stays what it is."""
        text = f'value.strip("{self.sign} \\u00a0")' if self.sign else "value"
        text += f'.replace("{self.group}", "")' if self.group and not self.decimal else ""
        if not self.decimal:
            return text
        inner = f'{text}.replace("{self.group}", "")' if self.group else text
        swapped = f'{inner}.replace(",", ".")'
        return f'({swapped} if "," in value else {text})' if self.group == "." else swapped


_GROUPS = {",": "commas", ".": "points", " ": "spaces", "'": "apostrophes", "\u00a0": "spaces", "\u202f": "spaces"}


def number_style(formats: tuple[str, ...], *, whole: bool = False) -> NumberStyle | None:
    """Say how numbers are written; None where two readings are left.

    :param whole: they were whole numbers before, so that ``9,999`` can be thousands only.
    """
    signs = {c for f in formats for c in f if unicodedata.category(c) == "Sc"}
    bare = [re.sub(r"^(-?)[\s\u00a0]*", r"\1", "".join(c for c in f if c not in signs).strip()) for f in formats]
    if not bare or len(signs) > 1:
        return None
    sign = next(iter(signs), "")
    if all(re.fullmatch(r"-?9+(\.9+)?|-?9\+(\.9\+?)?", f) for f in bare):
        return NumberStyle(sign=sign)
    found: list[NumberStyle] = []
    for group, decimal in (
        (",", "."),
        (".", ","),
        ("", ","),
        (" ", ","),
        (" ", "."),
        ("\u00a0", ","),
        ("\u202f", ","),
        ("'", "."),
    ):
        if group and not any(group in f for f in bare):
            continue
        grouped = rf"9{{1,3}}(?:{re.escape(group)}999)+" if group else "9+"
        point = re.escape(decimal)
        tail = rf"(?:{point}(?:9{{1,2}}|9{{4,}}))" if decimal == "," and group in {"", "."} else rf"(?:{point}9+)"
        ungrouped = re.compile(rf"-?9+(?:{tail}|\.9+)?")
        if not all(re.fullmatch(rf"-?(?:{grouped}|9+){tail}?", f) or ungrouped.fullmatch(f) for f in bare):
            continue
        sure_group = bool(group) and any(re.fullmatch(rf"-?{grouped}{tail}", f) or f.count(group) > 1 for f in bare)
        sure_group = sure_group or group in {" ", "\u00a0", "\u202f", "'"} or (whole and group == ",")
        sure_decimal = decimal == "," and any(re.search(rf"{tail}$", f) for f in bare)
        if (sure_group or sure_decimal) and any((group and group in f) or (decimal == "," and "," in f) for f in bare):
            found.append(NumberStyle(sign=sign, group=group, decimal="," if sure_decimal else ""))
    distinct = list(dict.fromkeys(found))
    return distinct[0] if len(distinct) == 1 else None


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
