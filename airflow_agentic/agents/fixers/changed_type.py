"""A number is now written as text, or a text now comes as a number → convert where the code reads it.

Thousands separators and decimal commas are taken out only when the patterns of the data leave one reading. A value
that became null gets no change: what null means is the owner's decision.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.bench import Bench, Fix
from airflow_agentic.agents.fixers.field_moves import FieldMove
from airflow_agentic.agents.fixers.record_uses import UseFinder
from airflow_agentic.agents.fixers.syntax import Code, Step, compiles, fresh_name, import_line, parse
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
    reads = [s for s in code.steps() if s.key == steps[-1] and uses.same_kind(s.base, s)]
    kinds_was, kinds_now = set(good.types) - {"null"}, set(bad.types) - {"null"}
    if any(_TIME.search(f) for f in good.formats) or not reads or ("null" in bad.types and "null" not in good.types):
        return None
    if kinds_now == {"string"}:
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
    style = number_style(bad.formats)
    if style is None:
        return None
    if style == "plain":
        if was_text:
            return None
        kind = "int" if whole and not any("." in f for f in bad.formats) else "float"
        open_reads = [r for r in reads if not _is_converted(code, r)]
        return _spliced(code, open_reads, f"{kind}({{}})") if open_reads else None
    name = fresh_name(code, "plain_number")
    strip = 'value.replace(",", "")' if style == "comma thousands" else 'value.replace(".", "").replace(",", ".")'
    test = 'isinstance(value, str) and "," in value'
    helper = (
        f'\n\ndef {name}(value):\n    """Return a number, or text with {_WORDS[style]}, as a number or text that Python reads."""\n'
        f"    return {strip} if {test} else value\n"
    )
    kind = "int" if whole and style == "comma thousands" and not any("." in f for f in bad.formats) else "float"
    pieces = [
        (
            code.span(r.node),
            f"{name}({code.source(r.node)})" if _is_converted(code, r) else f"{kind}({name}({code.source(r.node)}))",
        )
        for r in reads
    ]
    at = import_line(code)
    if code.text[at : at + 2].strip():
        helper += "\n\n"
    return code.splice([*pieces, ((at, at), helper.replace("\n", code.newline))])


_WORDS = {"comma thousands": "commas between thousands", "decimal comma": "a decimal comma"}


def number_style(formats: tuple[str, ...]) -> str | None:
    """Say how numbers are written: ``plain``, ``comma thousands``, ``decimal comma``; None where two readings are left."""
    if not formats:
        return None
    if all(re.fullmatch(r"-?9+(\.9+)?|-?9\+(\.9\+?)?", f) for f in formats):
        return "plain"
    thousands = re.compile(r"-?9{1,3}(,999)*(\.9+)?$|-?9{4,}(\.9+)?$")
    decimal = re.compile(r"-?9{1,3}(\.999)*,9+$|-?9+(,9+)?$")
    as_thousands = all(thousands.fullmatch(f) for f in formats)
    as_decimal = all(decimal.fullmatch(f) for f in formats)
    sure_thousands = any(re.search(r",999\.9", f) or re.search(r",999,999", f) for f in formats)
    sure_decimal = any(re.search(r",9{1,2}$|,9{4,}$|\.999,", f) for f in formats)
    if as_thousands and sure_thousands and not sure_decimal:
        return "comma thousands"
    return "decimal comma" if as_decimal and sure_decimal and not sure_thousands else None


def _is_converted(code: Code, found: Step) -> bool:
    parent = code.parents.get(found.node)
    return isinstance(parent, ast.Call) and code.source(parent.func) in _NUMBERS and parent.args[:1] == [found.node]


def _spliced(code: Code, reads: list[Step], form: str) -> str:
    return code.splice([(code.span(r.node), form.format(code.source(r.node))) for r in reads])
