"""A name or module is not there, and the repository or the standard library has it → import it.

Only a name that is used as ``name.attribute`` and is a module of the standard library, or a name that exactly one
module of the repository defines and that the file's neighbours import the same way.
"""

from __future__ import annotations

import ast
import re
import sys

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.syntax import Code, compiles, import_line, parse

_NAME = re.compile(r"NameError: name '(?P<name>\w+)' is not defined")
_MODULE = re.compile(
    r"ModuleNotFoundError: No module named '(?P<module>[\w.]+)'|ImportError: cannot import name '(?P<name>\w+)' from '(?P<of>[\w.]+)'"
)
_ATTRIBUTE = re.compile(r"AttributeError: module '(?P<of>[\w.]+)' has no attribute '(?P<name>\w+)'")
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
    attribute = _ATTRIBUTE.search(said)
    return _moved_attribute(bench, attribute["name"], attribute["of"]) if attribute else None


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
    return _respelled(bench, module, ".".join(parts[parts.index(top) :]))


def _moved_name(bench: Bench, name: str, of: str) -> Fix | None:
    """Some names of one import are in another module now; all of those that have moved are mended at once."""
    for path, frame in bench.own()[:1]:
        code = parse(bench.text(path))
        node = _import_at(code, of, frame.line) if code else None
        if code is None or node is None or not bench.editable(path):
            return None
        gone = [a for a in node.names if not _defines(bench, of, a.name)]
        homes = {a.name: _home(bench, a.name, of) for a in gone}
        if name not in homes or not all(homes.values()):
            return None
        kept = [a for a in node.names if a not in gone]
        lines = [f"from {of} import {', '.join(map(_spelled, kept))}"] if kept else []
        lines += [
            f"from {home} import {', '.join(_spelled(a) for a in gone if homes[a.name] == home)}"
            for home in dict.fromkeys(homes.values())
        ]
        indent = " " * node.col_offset
        text = code.splice([(code.span(node), f"{code.newline}{indent}".join(lines))])
        if compiles(text):
            return _imports_from(path, text, of, next(iter(homes.values())) or "")
    return None


def _moved_attribute(bench: Bench, name: str, of: str) -> Fix | None:
    """``etl.parse`` has no ``to_day`` any more, and one other module of the repository has it."""
    home = _home(bench, name, of) if not _defines(bench, of, name) else None
    for path, _ in bench.own()[:1]:
        code = parse(bench.text(path))
        if code is None or home is None or not bench.editable(path):
            return None
        uses = [
            n
            for n in ast.walk(code.tree)
            if isinstance(n, ast.Attribute) and n.attr == name and code.source(n.value) in _called(code, of)
        ]
        if not uses or name in _bound(code):
            return None
        at = import_line(code)
        line = f"from {home} import {name}{code.newline}"
        text = code.splice([*((code.span(n), name) for n in uses), ((at, at), line)])
        if compiles(text):
            return _imports_from(path, text, of, home)
    return None


def _imports_from(path: str, text: str, old: str, new: str) -> Fix:
    return Fix(
        texts=((path, text),),
        file=path,
        summary=f"Import from {new}"[:100],
        explanation=f"`{path}` imports from `{old}`, but in this repository it is in `{new}`.",
    )


def _called(code: Code, module: str) -> set[str]:
    """The names that a file has for a module."""
    package, _, leaf = module.rpartition(".")
    found = set()
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Import):
            found |= {a.asname or a.name for a in node.names if a.name == module}
        elif isinstance(node, ast.ImportFrom) and node.module == package and package:
            found |= {a.asname or a.name for a in node.names if a.name == leaf}
    return found


def _spelled(alias: ast.alias) -> str:
    return alias.name + (f" as {alias.asname}" if alias.asname else "")


def _home(bench: Bench, name: str, of: str) -> str | None:
    """The one other module of the same package that defines the name and is imported somewhere."""
    found = [h for h in _homes(bench, name, "") if h != of]
    return found[0] if len(found) == 1 and found[0].split(".")[0] == of.split(".", maxsplit=1)[0] else None


def _defines(bench: Bench, module: str, name: str) -> bool:
    """Say whether the module's file binds the name; a module that cannot be read may."""
    tail = module.replace(".", "/")
    paths = [p for p in bench.all_files() if f"/{p}".endswith((f"/{tail}.py", f"/{tail}/__init__.py"))]
    code = parse(bench.text(paths[0])) if len(paths) == 1 else None
    return code is None or name in _bound(code)


def _import_at(code: Code, module: str, line: int) -> ast.ImportFrom | None:
    return next(
        (
            n
            for n in ast.walk(code.tree)
            if isinstance(n, ast.ImportFrom)
            and n.module == module
            and n.lineno <= line <= (n.end_lineno or 0)
            and not n.level
        ),
        None,
    )


def _respelled(bench: Bench, old: str, new: str) -> Fix | None:
    for path, frame in bench.own()[:1]:
        code = parse(bench.text(path))
        node = _import_at(code, old, frame.line) if code else None
        if code is None or node is None or not bench.editable(path) or old == new:
            return None
        start, end = code.span(node)
        text = code.splice([((start, end), code.text[start:end].replace(old, new, 1))])
        if compiles(text):
            return _imports_from(path, text, old, new)
    return None
