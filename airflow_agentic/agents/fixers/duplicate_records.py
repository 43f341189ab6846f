"""Records are delivered again and the database refuses the second → in Python keep the newest of each key.

Certain means: the landed data repeats exactly the key that the refusal names, each record carries one version or
update time, and the failing function inserts from one loop over one list of records, or one call parses them.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.duplicates import version_of
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import helper, is_delimited, parse_site, parsed, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, literal, parse
from airflow_agentic.records import DataShape

_LIST = '''
def {name}(records):
    """Return the latest record of each KEY: one may be delivered again."""
    return list({IDENT: r for r in sorted(records, key=lambda r: ORDER)}.values())
'''
_TREE = '''
def {name}(value):
    """Keep the latest record of each KEY: one may be delivered again."""
    if isinstance(value, dict):
        return {key: {name}(item) for key, item in value.items()}
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value
    records = list(value)
    if not all(isinstance(r, dict) and NAMES <= r.keys() for r in records):
        return [{name}(item) for item in records]
    return list({IDENT: r for r in sorted(records, key=lambda r: ORDER)}.values())
'''
_REFUSED = re.compile(
    r"UNIQUE constraint failed: [\w., ]+|duplicate key (?:value violates unique constraint|\"\w+:)"
    r"|violates primary key constraint|Duplicate entry|Duplicate key",
    re.IGNORECASE,
)


def fix(bench: Bench) -> Fix | None:
    """Return the loop over the newest records only, or the call that parses them, wrapped."""
    said = " ".join(bench.messages)
    if not _REFUSED.search(said):
        return None
    found = [
        (name, key) for name in dict.fromkeys(s.name for s in bench.dossier.shapes) if (key := _key(bench, name, said))
    ]
    if len({key for _, key in found}) != 1:
        return None
    (dataset, key), shape = found[0], bench.failing(found[0][0])
    version = version_of(shape, bench.good(dataset)) if shape else None
    if version is None or shape is None or not _is_ordered(shape, version):
        return None
    order = _order(shape, version)
    for path, frame in bench.own()[:2]:
        code = parse(bench.text(path))
        loops = _loops(code.scope_at(frame.line), key[0]) if code and len(key) == 1 else []
        if code is not None and bench.editable(path) and len(loops) == 1:
            return _fix(path, _wrapped(code, loops[0], _LIST, key, order), dataset, key, version)
    site = parse_site(bench, dataset)
    if site is None:
        return None
    path, code, call = site
    if _all_of(code, call) is call and re.search(r"\.(?:jsonl|ndjson)\b", dataset) and code.source(call.func) != "map":
        return None
    return _fix(path, _wrapped(code, _all_of(code, call), _TREE, key, order), dataset, key, version)


def _fix(path: str, text: str, dataset: str, key: tuple[str, ...], version: str) -> Fix | None:
    if not compiles(text):
        return None
    named = " and ".join(f"`{k}`" for k in key)
    return Fix(
        texts=((path, text),),
        file=path,
        fields=key,
        summary=f"Keep the newest record of each {' and '.join(key)}"[:100],
        explanation=f"In {dataset} {named} was unique and is repeated now: records are delivered again. The code keeps the one with the latest `{version}`.",
    )


def _key(bench: Bench, dataset: str, said: str) -> tuple[str, ...]:
    """Return the one field that was unique, is no longer, and is named by the refusal."""
    good, failing = bench.good(dataset), bench.failing(dataset)
    if good is None or failing is None or any(c.kind == "duplicates" and "." in c.path for c in bench.changes()):
        return ()
    now = {f.path: f for f in failing.fields}
    found = [
        f.path
        for f in good.fields
        if f.distinct == f.present == good.records > 1
        and f.path in now
        and (now[f.path].distinct or 0) < now[f.path].present
        and re.search(rf"(?<![A-Za-z0-9]){re.escape(f.path)}(?![A-Za-z0-9])", said)
    ]
    return (found[0],) if len(found) == 1 else ()


def _is_ordered(shape: DataShape, version: str) -> bool:
    """Say whether a later version is more: a number, or a time that begins with its year and is written in one way."""
    field = next(f for f in shape.fields if f.path == version)
    return set(field.types) <= {"integer", "number"} or (
        len(field.formats) == 1 and field.formats[0].startswith("9999")
    )


def _order(shape: DataShape, version: str) -> str:
    """Return the expression that later records have more of; a file of text holds numbers as text."""
    number = any(f.path == version and set(f.types) <= {"integer", "number"} for f in shape.fields)
    return f'float(r["{version}"])' if number and is_delimited(shape.name) else f'r["{version}"]'


def _wrapped(code: Code, node: ast.expr, source: str, key: tuple[str, ...], order: str) -> str:
    ident = f'r["{key[0]}"]' if len(key) == 1 else "(" + ", ".join(f'r["{k}"]' for k in key) + ")"
    names = "{" + ", ".join(f'"{k}"' for k in key) + "}"
    source = (
        source.replace("IDENT", ident).replace("ORDER", order).replace("NAMES", names).replace("KEY", " and ".join(key))
    )
    newest = helper(code, "newest", source)
    given = parsed(code, node) if isinstance(node, ast.Call) else code.source(node)
    given = given[1:-1] if isinstance(node, ast.GeneratorExp) else given
    return with_helper(code, [(code.span(node), f"{newest.name}({given})")], newest)


def _all_of(code: Code, call: ast.Call) -> ast.expr:
    """``[json.loads(line) for line in feed]``: one call parses one record, and all of them are the comprehension."""
    around = code.parents.get(call)
    return around if isinstance(around, (ast.ListComp, ast.GeneratorExp)) and around.elt is call else call


def _loops(scope: ast.AST, key: str) -> list[ast.expr]:
    """The lists that loops of the function run over to read the key."""
    found: list[ast.expr] = []
    for node in ast.walk(scope):
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)) and len(node.generators) == 1:
            if _reads(node.elt, key) and isinstance(node.generators[0].iter, ast.Name):
                found.append(node.generators[0].iter)
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.Name) and any(_reads(n, key) for n in node.body):
            found.append(node.iter)
    return found


def _reads(node: ast.AST, key: str) -> bool:
    return any(literal(part) == key for part in ast.walk(node))
