"""A code word is now written in another case or with other separators → spell it as the code's table does.

``FEE[call["type"]]`` with ``"TANKER"`` in the table and ``tanker`` in the data; ``Kind(row["kind"])`` of an `Enum`.
Certain means: the landed field changed its writing, every key of the table is written in one way, and the value is
one of them when written so. A new word is no other spelling, and gets no change.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.syntax import Code, compiles, literal, parse, step

_VALUE = re.compile(r"KeyError: '(?P<key>[^']{1,60})'$|ValueError: '(?P<enum>[^']{1,60})' is not a valid (?P<of>\w+)$")
_CASES = (".upper()", ".lower()", ".title()", ".capitalize()")
_SEPARATORS = " -_"


def fix(bench: Bench) -> Fix | None:
    """Return the change of the one look-up that failed."""
    match = next((m for text in bench.messages if (m := _VALUE.search(text.strip()))), None)
    if match is None:
        return None
    value = match["key"] or match["enum"]
    fields = {c.path.rsplit(".", 1)[-1] for c in bench.changes() if c.kind == "reformatted"}
    for path, frame in bench.own()[:1]:
        code = parse(bench.text(path))
        if code is None or not bench.editable(path):
            return None
        found = []
        for node in ast.walk(code.tree):
            looked_up = _looked_up(code, node, match["of"])
            if looked_up is None or not node.lineno <= frame.line <= (node.end_lineno or 0):  # type: ignore[attr-defined]
                continue
            read = step(looked_up[1])
            how = _spelling(_keys(bench, code, looked_up[0], match["of"]), value)
            if read is not None and read.key in fields and how:
                found.append((looked_up[1], how, read.key))
        if len(found) != 1:
            return None
        node, how, key = found[0]
        text = code.splice([(code.span(node), f"{code.source(node)}{how}")])
        if compiles(text):
            return Fix(
                texts=((path, text),),
                file=path,
                fields=(key,),
                summary=f"Take {key} in its new spelling as well"[:100],
                explanation=f"The words in `{key}` are now written otherwise; they are the same words. The code spells them as its table does.",
            )
    return None


def _looked_up(code: Code, node: ast.AST, enum: str | None) -> tuple[str, ast.expr] | None:
    if (
        enum is None
        and isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and isinstance(node.value, (ast.Name, ast.Attribute))
    ):
        return code.source(node.value), node.slice
    if (
        enum is not None
        and isinstance(node, ast.Call)
        and len(node.args) == 1
        and code.source(node.func).rsplit(".", 1)[-1] == enum
    ):
        return enum, node.args[0]
    return None


def _keys(bench: Bench, code: Code, name: str, enum: str | None) -> set[str]:
    """The words of a table or an Enum that the repository writes down in one place."""
    found: list[set[str]] = []
    leaf = name.rsplit(".", 1)[-1]
    for text in (code.text, *(bench.text(p) or "" for p in bench.python_files())):
        tree = parse(text) if leaf in text else None
        for node in tree.tree.body if tree else ():
            if enum is None and isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(t, ast.Name) and t.id == leaf for t in targets):
                    found.append({literal(k) or "" for k in node.value.keys if k})
            if enum is not None and isinstance(node, ast.ClassDef) and node.name == leaf:
                found.append({literal(n.value) or "" for n in node.body if isinstance(n, ast.Assign)})
    return found[0] if found and all(keys == found[0] for keys in found) and "" not in found[0] else set()


def _spelling(keys: set[str], value: str) -> str:
    """The calls that write *value* as *keys* are written; empty if there is not one way that holds for all keys."""
    for case in _CASES:
        for was in ("", *_SEPARATORS):
            for now in _SEPARATORS if was else ("",):
                how = case + (f'.replace("{was}", "{now}")' if was and was != now else "")
                if keys and _written(value, how) in keys and all(_written(k, how) == k for k in keys):
                    return how
    return ""


def _written(text: str, how: str) -> str:
    case, _, replaced = how.partition(".replace")
    text = getattr(text, case.strip(".()"))()
    pair = re.findall(r'"([^"]*)"', replaced)
    return text.replace(*pair) if pair else text
