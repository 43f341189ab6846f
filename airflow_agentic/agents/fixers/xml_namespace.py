"""The elements of an XML document are in a namespace now, in another one, or in none → the one that the code knows.

Certain means: the records have the very same elements as before, the namespace of the root alone differs, and one call
parses that data set. The known namespace is taken from the code, never from the data; what is in it passes as it is.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import call_site, helper, near_files, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, literal, parse

_MODULES = {"xml.etree.ElementTree", "xml.etree.cElementTree", "defusedxml.ElementTree", "lxml.etree"}
_CALLS = {"parse", "fromstring", "XML", "iterparse", "fromstringlist"}
_URI = re.compile(r"[\w:/.\-#?=&%~+@]+")
_ANY = re.compile(r"\{\*\}|local-name\(|^\}$")
"""What code looks for that finds elements in any namespace: then the failure has another cause."""
_TREE = '''
def {name}(tree):
    """Return the tree with its elements WHERE, whichever namespace the upstream puts them in."""
    root = tree.getroot() if hasattr(tree, "getroot") else tree
    space = root.tag.rpartition("}")[0]
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.rpartition("}")[0] == space:
            element.tag = KNOWNelement.tag.rpartition("}")[2]
    return tree
'''
_EVENTS = '''
def {name}(events):
    """Yield the events with their elements WHERE, whichever namespace the upstream puts them in."""
    for event, element in events:
        if isinstance(getattr(element, "tag", None), str):
            element.tag = KNOWNelement.tag.rpartition("}")[2]
        yield event, element
'''


def fix(bench: Bench) -> Fix | None:
    """Return the call that parses the document, wrapped."""
    for good in (s for s in bench.dossier.shapes if s.role == "good"):
        failing = bench.failing(good.name)
        if failing is None or {f.path for f in good.fields} != {f.path for f in failing.fields}:
            continue
        was, now = (_namespace(shape.form) for shape in (good, failing))
        rest = [[form for form in shape.form if not form.startswith("namespace ")] for shape in (good, failing)]
        if was == now or rest[0] != rest[1]:
            continue
        return _wrapped(bench, good.name, was, now)
    return None


def _wrapped(bench: Bench, dataset: str, was: str, now: str) -> Fix | None:
    site = call_site(bench, dataset, _is_xml_parser)
    said = _literals(bench)
    if site is None or (was and not any(was in text for text in said)) or (was and not _URI.fullmatch(was)):
        return None
    if (now and any(now in text for text in said)) or any(_ANY.search(text) for text in said):
        return None
    path, code, call = site
    events = code.source(call.func).endswith("iterparse")
    if events and (was or any("{" in text for text in said) or any(k.arg == "tag" for k in call.keywords)):
        return None
    text = (_EVENTS if events else _TREE).replace("WHERE", f"in {was}" if was else "in no namespace")
    known = helper(code, "known_namespace", text.replace("KNOWN", f'"{{{was}}}" + ' if was else ""))
    text = with_helper(code, [(code.span(call), f"{known.name}({code.source(call)})")], known)
    if not compiles(text):
        return None
    told = f"in another one than `{was}`" if was and now else "in none" if was else "in one"
    return Fix(
        texts=((path, text),),
        file=path,
        summary="Find elements of XML in any namespace",
        explanation=f"In {dataset} the elements and their values are the same, but for their namespace: they are {told} now. They are put where the code looks for them when the document is parsed; one in the old form gives the same as before.",
    )


def _namespace(form: tuple[str, ...]) -> str:
    return next((one.removeprefix("namespace ") for one in form if one.startswith("namespace ")), "")


def _is_xml_parser(node: ast.Call, code: Code) -> bool:
    """``ET.parse(path)``, ``etree.fromstring(text)``, under whatever name the module or function was imported."""
    holder, _, name = code.source(node.func).rpartition(".")
    if not node.args:
        return False
    for one in ast.walk(code.tree):
        if isinstance(one, ast.Import) and name in _CALLS:
            if any(a.name in _MODULES and holder == (a.asname or a.name) for a in one.names):
                return True
        elif isinstance(one, ast.ImportFrom):
            for alias in one.names:
                bound = alias.asname or alias.name
                if f"{one.module}.{alias.name}" in _MODULES and holder == bound and name in _CALLS:
                    return True
                if one.module in _MODULES and alias.name in _CALLS and not holder and name == bound:
                    return True
    return False


def _literals(bench: Bench) -> list[str]:
    codes = (parse(bench.text(path)) for path in near_files(bench))
    return [text for code in codes if code for node in ast.walk(code.tree) if (text := literal(node)) is not None]
