"""Records are delivered again and the database refuses the second → in Python keep the newest of each key.

Certain means: the landed data repeats exactly the key that the refusal names, each record carries one version or
update time, and the failing function inserts from one loop over one list of records.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.bench import Bench, Fix
from airflow_agentic.agents.fixers.duplicates import version_of
from airflow_agentic.agents.fixers.syntax import compiles, fresh_name, import_line, literal, parse

_REFUSED = re.compile(
    r"UNIQUE constraint failed: [\w., ]+|duplicate key (?:value violates unique constraint|\"\w+:)"
    r"|violates primary key constraint|Duplicate entry|Duplicate key",
    re.IGNORECASE,
)


def fix(bench: Bench) -> Fix | None:
    """Return the loop over the newest records only."""
    said = " ".join(bench.messages)
    repeated = [c for c in bench.changes() if c.kind == "duplicates"]
    if not _REFUSED.search(said) or len(repeated) != 1 or "." in repeated[0].path:
        return None
    key, shape = repeated[0].path, bench.failing(repeated[0].dataset)
    version = version_of(shape) if shape else None
    if version is None or not re.search(rf"(?<![A-Za-z0-9]){re.escape(key)}(?![A-Za-z0-9])", said):
        return None
    for path, frame in bench.own()[:2]:
        code = parse(bench.text(path))
        loops = _loops(code.scope_at(frame.line), key) if code else []
        if code is None or not bench.editable(path) or len(loops) != 1:
            continue
        name = fresh_name(code, "newest")
        helper = (
            f'\n\ndef {name}(records):\n    """Return the latest record of each {key}: one may be delivered again."""\n'
            f'    return list({{r["{key}"]: r for r in sorted(records, key=lambda r: r["{version}"])}}.values())\n'
        )
        at = import_line(code)
        helper += "\n\n" if code.text[at : at + 2].strip() else ""
        pieces = [
            (code.span(loops[0]), f"{name}({code.source(loops[0])})"),
            ((at, at), helper.replace("\n", code.newline)),
        ]
        text = code.splice(pieces)
        if compiles(text):
            return Fix(
                texts=((path, text),),
                file=path,
                fields=(key,),
                summary=f"Keep the newest record of each {key}"[:100],
                explanation=f"In {repeated[0].dataset} {repeated[0].detail}: records are delivered again. The code keeps the one "
                f"with the latest `{version}`.",
            )
    return None


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
