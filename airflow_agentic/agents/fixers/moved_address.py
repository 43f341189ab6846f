"""The upstream says that it has retired a version of its API and names the next one → that version in the one address.

Certain means: the answer names a path that is the failed one but for a version segment (``v1``, ``v2``), and one string
of the code, in a file that names the path's resource, holds that segment. Nothing else of what the answer says is
taken: no host, no other path, no parameter. The workspace reads the new address before anybody is shown it.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.syntax import Code, literal, parse

_GONE = re.compile(r"\b(?:404|410)\b|\b(?:gone|retired|sunset|deprecated|discontinued|switched off)\b", re.IGNORECASE)
_VERSION = re.compile(r"(?<![\w.-])(?P<v>v\d+(?:\.\d+)?)(?=[/\"']|$)")
_PATH = re.compile(r"[\w.\-{}$%<>:/]*/[\w.\-{}$%<>:/]+")


def fix(bench: Bench) -> Fix | None:
    """Return the code with the version that the upstream names."""
    said = "\n".join(bench.messages)
    pairs = _pairs(said) if _GONE.search(said) else set()
    if len(pairs) != 1:
        return None
    ((old, new, resource),) = pairs
    places = [
        (path, code, node)
        for path in bench.python_files()
        if (code := parse(bench.text(path))) is not None
        for node in _strings(code)
        if old in _VERSION.findall(code.source(node)) and resource in code.text
    ]
    if len(places) != 1:
        return None
    path, code, node = places[0]
    text = _VERSION.sub(lambda match: new if match["v"] == old else match[0], code.source(node))
    return Fix(
        texts=((path, code.splice([(code.span(node), text)])),),
        file=path,
        summary=f"Ask {new} of the API, {old} is gone",
        explanation=f"The upstream answers that `{old}` of `{resource}` is gone and names the same path under `{new}`.",
    )


def _pairs(said: str) -> set[tuple[str, str, str]]:
    """Return the version that was asked for, the one that the answer names, and the resource that both are of."""
    paths = [
        (match["v"], _resource(path[match.end() :])) for path in _PATH.findall(said) if (match := _VERSION.search(path))
    ]
    if not paths:
        return set()
    asked = paths[0]
    return {
        (asked[0], version, resource) for version, resource in paths[1:] if version != asked[0] and resource == asked[1]
    }


def _resource(rest: str) -> str:
    """Return the first part of the path behind the version: what follows may be a day or a placeholder of one."""
    return rest.strip("/").split("/")[0].split("?")[0]


def _strings(code: Code) -> list[ast.expr]:
    """Return the strings that stand for something, those with fields in them whole."""
    walked = (n for n in ast.walk(code.tree) if isinstance(n, ast.expr))
    found = [n for n in walked if isinstance(n, ast.JoinedStr) or literal(n) is not None]
    return [n for n in found if not isinstance(code.parents.get(n), (ast.JoinedStr, ast.FormattedValue, ast.Expr))]
