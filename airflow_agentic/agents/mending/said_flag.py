"""A yes or no that was two words is true or false now (or 1 or 0, or two other words) → the words that the code knows.

Shapes hold no values, so the words come from the code: where it speaks of the field, or from the error itself. Certain
means: one pair of words for yes and no is written there, and it has the patterns that the field had. The word for no alone is not enough: ``F`` stands for other things too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.conversions import Conversion
from airflow_agentic.agents.mending.parse_sites import near_files
from airflow_agentic.agents.mending.syntax import Code, literal, parse
from airflow_agentic.records import FieldShape
from airflow_agentic.shapes import pattern

_PAIRS = "yes no|y n|true false|t f|on off|ja nein|j n|oui non|o n|si no|s n|1 0"
_Pair = tuple[str, str]


def said_flag(bench: Bench, good: FieldShape, bad: FieldShape) -> Conversion | None:
    """Return the look-up of the field's words, or None where it is no flag or the code does not say which words."""
    if set(good.types) - {"null"} != {"string"} or not good.formats or (good.distinct or 9) > 2:
        return None
    now = _written_now(bad)
    if not now or ("null" in bad.types and "null" not in good.types) or set(good.formats) == set(bad.formats):
        return None
    fitting = [pair for pair in _pairs() if _fits(pair, good)]
    said = {word.lower() for word in _words_said(bench, good.path.rpartition(".")[2])}
    known = [p for p in fitting if {word.lower() for word in p} <= said]
    known = known or [p for p in fitting if p[0].lower() in said]
    if len(known) != 1:
        return None
    yes, no = known[0]
    table = ", ".join(f'{key}: "{word}"' for pair in now for key, word in zip(pair, known[0], strict=True))
    text = f'''
def {{name}}(value):
    """Return {yes} or {no}, also from what else the upstream writes for them."""
    return {{{table}}}.get(value, value)
'''
    return Conversion(
        form="{call}({value})", wanted="flag_word", text=text, words=f"a flag that is not `{yes}` or `{no}`"
    )


def _written_now(bad: FieldShape) -> list[_Pair]:
    """Return how yes and no are written now, as Python writes it; empty if they are not."""
    kinds = set(bad.types) - {"null"}
    if kinds == {"boolean"}:
        return [("True", "False")]
    if kinds == {"integer"} and bad.low in (0, 1) and bad.high in (0, 1):
        return [("1", "0"), ('"1"', '"0"')]
    if kinds != {"string"} or bad.distinct != 2 or len(bad.formats) != 2:
        return []
    found = [pair for pair in _pairs() if {pattern(word) for word in pair} == set(bad.formats)]
    return [(f'"{yes}"', f'"{no}"') for yes, no in found] if len(found) == 1 else []


def _fits(pair: _Pair, good: FieldShape) -> bool:
    written = {pattern(word) for word in pair}
    return written == set(good.formats) if good.distinct == 2 else set(good.formats) <= written


def _pairs() -> Iterator[_Pair]:
    for one in _PAIRS.split("|"):
        yes, no = one.split()
        yield from dict.fromkeys((form(yes), form(no)) for form in (str.lower, str.upper, str.capitalize))


def _words_said(bench: Bench, field: str) -> Iterator[str]:
    """Yield what the error offers, and what a statement with the field (also as SQL), or its constants, writes."""
    for message in bench.messages:
        yield from re.findall(r"'([^']*)'", message)
    codes = [code for path in near_files(bench) if (code := parse(bench.text(path)))]
    used: set[str] = set()
    for code in codes:
        for node in ast.walk(code.tree):
            if isinstance(node, (ast.stmt, ast.Compare)) and _speaks_of(code, node, field):
                used |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
                yield from _texts(node)
    for code in codes:
        for node in code.tree.body:
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in used for t in node.targets):
                yield from _texts(node.value)


def _speaks_of(code: Code, node: ast.AST, field: str) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.With, ast.For, ast.If, ast.Try)):
        return False
    return re.search(rf"\b{re.escape(field)}\b", code.source(node)) is not None


def _texts(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        text = literal(part)
        if text is not None:
            yield text
            yield from re.findall(r"'([^']*)'", text)
