"""Numbers are written in another style and the code reads them by no key → write them as Python reads them, at the cast.

For ``Decimal(text)`` in a class or function that is handed the text: the traceback names the cast, the landed data the
columns. Certain means: one file's numbers alone have a new style, one style for all of them, and one cast stands in
the line that failed. A number in the old style passes unchanged.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.conversions import NUMBERS, Conversion, conversion
from airflow_agentic.agents.mending.parse_sites import Helper, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, fresh_name, is_pure, parse
from airflow_agentic.records import FieldShape
from airflow_agentic.shapes import pattern

_SAYS = re.compile(
    r"ConversionSyntax|Invalid literal for Decimal|invalid literal for int\(\) with base 10: (?P<whole>'[^']*')|"
    r"could not convert string to float: (?P<text>'[^']*')"
)
_NUMBER = "plain_number"
"""A flag that became a word is for other fixers."""
_CASTS = {"float", "int", "Decimal", "decimal.Decimal"}


def fix(bench: Bench) -> Fix | None:
    """Return the cast of the failing line with its text in Python's own style."""
    said = next((m for message in bench.messages if (m := _SAYS.search(message))), None)
    own = bench.own()
    restyled = _restyled(bench) if said and own else {}
    if said is None or len(restyled) != 1:
        return None
    (file, (how, forms)) = next(iter(restyled.items()))
    path, frame = own[0]
    code = parse(bench.text(path)) if bench.editable(path) else None
    shown = said["text"] or said["whole"]
    if code is None or (shown and pattern(shown[1:-1].strip()) not in forms):
        return None
    casts = [
        n
        for n in ast.walk(code.tree)
        if isinstance(n, ast.Call) and _is_cast(n, code) and n.lineno <= frame.line <= (n.end_lineno or 0)
    ]
    if len(casts) != 1 or (code.source(casts[0].func) == "int" and any(re.search(r"[.,]9{1,2}\W*$", f) for f in forms)):
        return None
    known = Helper(name=fresh_name(code, how.wanted), text=how.text)
    value = casts[0].args[0]
    text = with_helper(code, [(code.span(value), f"{known.name}({code.source(value)})")], known)
    if not compiles(text):
        return None
    return Fix(
        texts=((path, text),),
        file=path,
        summary="Read numbers in their new style as well",
        explanation=f"The numbers of {file} are now {how.words}. The code takes that out before it makes a number of the text; the old style gives the same as before.",
    )


def _restyled(bench: Bench) -> dict[str, tuple[Conversion, tuple[str, ...]]]:
    """Return each file whose numbers have one new style, with the reading of it and the patterns it was seen in."""
    changed: dict[str, list[tuple[FieldShape, FieldShape]]] = {}
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        good, failing = bench.good(name), bench.failing(name)
        now = {f.path: f for f in (failing.fields if failing else ())}
        for was in good.fields if good else ():
            new = now.get(was.path)
            how = conversion(was, new, (), text_only=True) if new and set(was.types) <= NUMBERS else None
            if new and how and how.wanted == _NUMBER:
                changed.setdefault(re.sub(r" \([^()]*\)$", "", name), []).append((was, new))
    found: dict[str, tuple[Conversion, tuple[str, ...]]] = {}
    for file, pairs in changed.items():
        forms = tuple(sorted({form for _, new in pairs for form in new.formats}))
        types = {kind for was, _ in pairs for kind in was.types}
        was, new = pairs[0]
        both = conversion(
            replace(was, types=("integer",) if types == {"integer"} else ("number",)),
            replace(new, formats=forms), (), text_only=True,
        )  # fmt: skip
        if both is None or both.wanted != _NUMBER:
            return {}
        found[file] = (both, forms)
    return found


def _is_cast(node: ast.Call, code: Code) -> bool:
    """A text of which the code takes something out already was written in a style of its own."""
    if code.source(node.func) not in _CASTS or len(node.args) != 1 or node.keywords:
        return False
    text = node.args[0]
    if isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute) and text.func.attr == "strip":
        text = text.func.value
    return is_pure(text)
