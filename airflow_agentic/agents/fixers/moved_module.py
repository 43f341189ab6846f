"""A commit moved a module's content elsewhere, maybe under new names, and left a place that imports it → import from there.

Certain means: the history names the deleted module, and every name that the code takes from it is now in one place of
the repository. The names that the code uses stay; only the import says where they come from.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.syntax import Code, compiles, parse

_TITLE = re.compile(r"^Deleted module (?P<module>[\w.]+), (?P<path>\S+), by commit (?P<sha>[0-9a-f]+)")
_LINE = re.compile(r"^(?P<old>\w+): now (?P<new>\w+) in (?P<path>\S+\.py)$", re.MULTILINE)
Places = dict[str, tuple[str, str]]


def fix(bench: Bench) -> Fix | None:
    """Return every import of the deleted module, from where its names are now."""
    said = "\n".join(bench.messages)
    for item in bench.dossier.evidence:
        match = _TITLE.match(item.title) if item.source == "code" else None
        leaf = match["module"].rpartition(".")[2] if match else ""
        if match is None or (match["module"] not in said and f"'{leaf}'" not in said):
            continue
        places = {
            m["old"]: (module, m["new"])
            for m in _LINE.finditer(item.body)
            if (module := _module(match["module"], match["path"], m["path"]))
        }
        texts = _rewritten(bench, match["module"], places)
        if texts and any(path in texts for path, _ in bench.own()):
            homes = " and ".join(sorted({f"`{module}`" for module, _ in places.values()}))
            return Fix(
                texts=tuple(texts.items()),
                file=next(path for path, _ in bench.own() if path in texts),
                summary=f"Import what {match['module']} had from where it is now"[:100],
                explanation=f"Commit {match['sha']} moved what `{match['module']}` had to {homes} and left places that import it from there. They import from the new place now.",
            )
    return None


def _module(module: str, was: str, path: str) -> str:
    """Return how the code spells the module at *path*, seeing how it spells the deleted one at *was*."""
    tail = module.replace(".", "/")
    root = was[: was.rindex(tail)] if tail in was else None
    if root is None or not path.startswith(root):
        return ""
    return path[len(root) :].removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _rewritten(bench: Bench, module: str, places: Places) -> dict[str, str]:
    """Return the new texts of all files that import from the module; none if one of them cannot be mended."""
    texts: dict[str, str] = {}
    for path in bench.all_files():
        text = bench.text(path) if path.endswith(".py") else None
        code = parse(text) if text and module.rpartition(".")[2] in text else None
        if code is None:
            continue
        found = [(node, _import(code, node, module, places)) for node in ast.walk(code.tree) if _is_of(node, module)]
        if not found or not bench.editable(path):
            continue
        if any(line is None for _, line in found):
            return {}
        new = code.splice([(code.span(node), line or "") for node, line in found])
        if not compiles(new):
            return {}
        texts[path] = new
    return texts


def _is_of(node: ast.AST, module: str) -> bool:
    package, _, leaf = module.rpartition(".")
    if isinstance(node, ast.ImportFrom) and not node.level:
        return node.module == module or (node.module == package and any(a.name == leaf for a in node.names))
    return isinstance(node, ast.Import) and any(alias.name == module for alias in node.names)


def _import(code: Code, node: ast.AST, module: str, places: Places) -> str | None:
    """Return the lines that take the place of one import; None where a name is nowhere or the form is another."""
    if not isinstance(node, ast.ImportFrom):
        return None
    if node.module != module:
        return _whole(node, module, places)
    indent = " " * node.col_offset
    by_home: dict[str, list[str]] = {}
    for alias in node.names:
        home, name = places.get(alias.name, ("", ""))
        if not home:
            return None
        known = alias.asname or alias.name
        by_home.setdefault(home, []).append(name if name == known else f"{name} as {known}")
    return f"{code.newline}{indent}".join(f"from {home} import {', '.join(names)}" for home, names in by_home.items())


def _whole(node: ast.ImportFrom, module: str, places: Places) -> str | None:
    """``from package import module``: the module that has all its names now, under the name that the code uses."""
    leaf = module.rpartition(".")[2]
    homes = {home for home, _ in places.values()}
    if len(node.names) != 1 or len(homes) != 1 or any(old != new for old, (_, new) in places.items()):
        return None
    package, _, fresh = homes.pop().rpartition(".")
    known = node.names[0].asname or leaf
    return f"from {package} import {fresh}" + ("" if fresh == known else f" as {known}") if package else None
