"""JSON comes as one document instead of one record a line, or the other way round, or text comes as UTF-16.

The same records in another wrapping, as in `file_form`, which knows the wrappings of CSV. Certain means: the landed
files differ in that and in no field, and one call near the failure parses or opens them.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.file_form import ENCODING_OF, opens, with_encoding
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import call_site, helper, is_json_reader, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles

_DOCUMENT = '''
def {name}(text):
    """Return the records of a JSON document, or of one record a line."""
    try:
        return json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
'''
_LINES = '''
def {name}(feed):
    """Return one JSON record a line, also from a file that is one JSON list."""
    text = feed.read()
    if not text.lstrip().startswith("["):
        return text.splitlines()
    return [json.dumps(record) for record in json.loads(text)]
'''


def fix(bench: Bench) -> Fix | None:
    """Return the change of the one call that takes the text as it was."""
    changes = [c for c in bench.changes() if c.kind == "form"]
    others = {c.dataset for c in bench.changes() if c.kind in {"renamed", "moved", "removed"}}
    if len(changes) != 1 or changes[0].dataset in others:
        return None
    dataset = changes[0].dataset
    good, failing = bench.good(dataset), bench.failing(dataset)
    forms = set(failing.form if failing else ()) ^ set(good.form if good else ())
    found = None
    if forms == {"json lines"} and failing and "json lines" in failing.form:
        found = _document(bench, dataset)
    elif (forms == {"json array"} and failing and "json array" in failing.form) or forms == {"json lines"}:
        found = _lines(bench, dataset)
    elif forms == {"utf-16"} and failing and "utf-16" in failing.form:
        site = call_site(bench, dataset, opens)
        found = (site[0], with_encoding(site, ENCODING_OF)) if site else None
    if found is None or not compiles(found[1]):
        return None
    form = next(iter(forms))
    return Fix(
        texts=(found,),
        file=found[0],
        summary=f"Read the file in its new form as well: {form}",
        explanation=f"{dataset} is now written otherwise ({form}); its fields are the same. The code takes both forms.",
    )


def _document(bench: Bench, dataset: str) -> tuple[str, str] | None:
    site = call_site(bench, dataset, is_json_reader)
    if site is None:
        return None
    path, code, call = site
    name = code.source(call.func)
    if name not in {"json.load", "json.loads"} or len(call.args) != 1:
        return None
    known = helper(code, "records_of", _DOCUMENT)
    text = code.source(call.args[0]) + (".read()" if name == "json.load" else "")
    return path, with_helper(code, [(code.span(call), f"{known.name}({text})")], known)


def _lines(bench: Bench, dataset: str) -> tuple[str, str] | None:
    site = call_site(bench, dataset, is_json_reader)
    if site is None:
        return None
    path, code, call = site
    feed = _feed(code, call)
    if feed is None or code.source(call.func) != "json.loads":
        return None
    known = helper(code, "lines_of", _LINES)
    return path, with_helper(code, [(code.span(feed), f"{known.name}({code.source(feed)})")], known)


def _feed(code: Code, call: ast.Call) -> ast.Name | None:
    """Return the open file whose lines the call parses one by one."""
    line = re.match(r"\w+", code.source(call.args[0])) if call.args else None
    node: ast.AST | None = call
    while node is not None and line is not None:
        loops = (
            node.generators
            if isinstance(node, (ast.ListComp, ast.GeneratorExp))
            else [node]
            if isinstance(node, ast.For)
            else []
        )
        for loop in loops:
            if isinstance(loop.target, ast.Name) and loop.target.id == line[0]:
                return loop.iter if isinstance(loop.iter, ast.Name) else None
        node = code.parents.get(node)
    return None
