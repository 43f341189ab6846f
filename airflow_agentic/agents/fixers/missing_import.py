"""A name or module is not there, and the repository or the standard library has it → import it.

Only a name that is used as ``name.attribute`` and is a module of the standard library, or a name that exactly one
module of the repository defines and that the file's neighbours import the same way.
"""

from __future__ import annotations

import ast
import re
import sys

from airflow_agentic.agents.fixers.bench import Bench, Fix
from airflow_agentic.agents.fixers.syntax import Code, compiles, import_line, parse

_NAME = re.compile(r"NameError: name '(?P<name>\w+)' is not defined")
_MODULE = re.compile(
    r"ModuleNotFoundError: No module named '(?P<module>[\w.]+)'|ImportError: cannot import name '(?P<name>\w+)' from '(?P<of>[\w.]+)'"
)
_COMMON = {
    "Path": "pathlib",
    "datetime": "datetime",
    "timedelta": "datetime",
    "timezone": "datetime",
    "defaultdict": "collections",
    "Counter": "collections",
    "Decimal": "decimal",
    "partial": "functools",
    "dataclass": "dataclasses",
    "Any": "typing",
    "Optional": "typing",
}


def fix(bench: Bench) -> Fix | None:
    """Return the import, or its corrected module."""
    said = "\n".join(bench.messages)
    name = _NAME.search(said)
    if name:
        return _name(bench, name["name"])
    module = _MODULE.search(said)
    if module and module["module"]:
        return _moved_module(bench, module["module"])
    if module and module["name"]:
        return _moved_name(bench, module["name"], module["of"])
    return None


def _name(bench: Bench, name: str) -> Fix | None:
    for path, _ in bench.own()[:1]:
        code = parse(bench.text(path))
        if code is None or not bench.editable(path) or name in _bound(code):
            return None
        dotted = any(
            isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == name
            for n in ast.walk(code.tree)
        )
        called = any(
            isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == name for n in ast.walk(code.tree)
        )
        homes = _homes(bench, name, path)
        if name in sys.stdlib_module_names and dotted and not called and name not in _COMMON and not homes:
            line, where = f"import {name}", "the standard library"
        elif name in _COMMON and not homes:
            line, where = f"from {_COMMON[name]} import {name}", "the standard library"
        elif len(homes) == 1:
            line, where = f"from {homes[0]} import {name}", f"`{homes[0]}` of this repository"
        else:
            return None
        at = import_line(code)
        text = code.splice([((at, at), line + code.newline)])
        if compiles(text):
            return Fix(
                texts=((path, text),),
                file=path,
                summary=f"Import {name}",
                explanation=f"`{path}` uses `{name}` without importing it; it is in {where}.",
            )
    return None


def _bound(code: Code) -> set[str]:
    """Names that the file binds anywhere: a name that is bound too late is another fault."""
    found = {n.id for n in ast.walk(code.tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    for node in ast.walk(code.tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(a.asname or a.name).split(".")[0] for a in node.names}
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.arg):
            found.add(node.arg)
    return found


def _homes(bench: Bench, name: str, path: str) -> list[str]:
    """Modules of the repository that define *name* and that some file of it imports already."""
    found, imported = [], _imported(bench)
    for other in bench.python_files():
        code = parse(bench.text(other)) if other != path else None
        if code and any(
            (isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)) and n.name == name)
            or (isinstance(n, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in n.targets))
            for n in code.tree.body
        ):
            dotted = other.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            spelled = [m for m in imported if dotted == m or dotted.endswith("." + m)]
            found += [max(spelled, key=len)] if spelled else ["?"]
    return [] if "?" in found and len(found) == 1 else found


def _imported(bench: Bench) -> set[str]:
    found: set[str] = set()
    for path in bench.python_files():
        code = parse(bench.text(path))
        for node in ast.walk(code.tree) if code else ():
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
            elif isinstance(node, ast.Import):
                found |= {a.name for a in node.names}
    return found


def _moved_module(bench: Bench, module: str) -> Fix | None:
    """``No module named 'etl.parse'`` where the repository has that file elsewhere in the same package."""
    top, leaf = module.split(".", maxsplit=1)[0], module.rsplit(".", 1)[-1]
    homes = [
        p for p in bench.python_files() if p.endswith((f"/{leaf}.py", f"/{leaf}/__init__.py")) and top in p.split("/")
    ]
    if "." not in module or len(homes) != 1:
        return None
    parts = homes[0].removesuffix(".py").removesuffix("/__init__").split("/")
    return _respelled(bench, module, ".".join(parts[parts.index(top) :]), None)


def _moved_name(bench: Bench, name: str, of: str) -> Fix | None:
    homes = [
        h for h in _homes(bench, name, "") if h != "?" and h != of and h.split(".")[0] == of.split(".", maxsplit=1)[0]
    ]
    return _respelled(bench, of, homes[0], name) if len(homes) == 1 else None


def _respelled(bench: Bench, old: str, new: str, name: str | None) -> Fix | None:
    for path, frame in bench.own()[:1]:
        code = parse(bench.text(path))
        if code is None or not bench.editable(path) or old == new:
            return None
        for node in ast.walk(code.tree):
            if (
                isinstance(node, ast.ImportFrom)
                and node.module == old
                and node.lineno <= frame.line <= (node.end_lineno or 0)
                and not node.level
            ):
                if name is not None and [a.name for a in node.names] != [name]:
                    return None
                start, end = code.span(node)
                text = code.splice([((start, end), code.text[start:end].replace(old, new, 1))])
                if compiles(text):
                    return Fix(
                        texts=((path, text),),
                        file=path,
                        summary=f"Import from {new}",
                        explanation=f"`{path}` imports from `{old}`, but in this repository it is in `{new}`.",
                    )
    return None
