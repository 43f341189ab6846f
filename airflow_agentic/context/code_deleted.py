"""A module that the code imports is not there and was once → the commit that deleted it, and where its names are now.

Read from the texts themselves, before any secret is taken out of them: a function is the same where it has the same
parameters and nearly the same lines, whatever it is called now.
"""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from airflow_agentic.git import Clone, GitError
from airflow_agentic.records import Checkout, Evidence, TaskError, Trust
from airflow_agentic.repository import files, read_text

log = logging.getLogger(__name__)

DELETED = "Deleted module"
MAX_FILES = 400
MAX_NAMES = 60
ALIKE = 0.9
_MISSING = re.compile(
    r"No module named '(?P<module>\w+(?:\.\w+)+)'|cannot import name '(?P<name>\w+)' from '(?P<of>\w+(?:\.\w+)*)'"
)


@dataclass(frozen=True, kw_only=True)
class _Name:
    """One thing that a module defines at its top."""

    name: str
    kind: str
    head: str
    """Parameters of a function, bases of a class."""
    lines: tuple[str, ...]


def deleted_modules(repository: Clone, checkout: Checkout, errors: tuple[TaskError, ...]) -> tuple[Evidence, ...]:
    """Return one evidence for each module that an error misses and a commit has deleted."""
    said = "\n".join(text for error in errors for text in (error.message, *error.chain))
    wanted = dict.fromkeys(m["module"] or f"{m['of']}.{m['name']}" for m in _MISSING.finditer(said))
    found = (_evidence(repository, checkout, module) for module in list(wanted)[:3])
    return tuple(item for item in found if item is not None)


def _evidence(repository: Clone, checkout: Checkout, module: str) -> Evidence | None:
    tail = module.replace(".", "/")
    roots = dict.fromkeys(("", f"{checkout.dags_path}/" if checkout.dags_path else "", "src/"))
    for path in (f"{root}{tail}{end}" for root in roots for end in (".py", "/__init__.py")):
        if read_text(checkout, path) is not None:
            return None
        try:
            told = repository.git(
                "log", "-1", "--diff-filter=D", "--format=%H%x1f%aI%x1f%s", "HEAD", "--", path
            ).strip()
            text = repository.git("show", f"{told.split(chr(31))[0]}^:{path}") if told else ""
        except GitError as error:
            log.debug("No history of %s: %s", path, error)
            continue
        if told:
            sha, date, subject = told.split("\x1f", 2)
            lines = [f"{name}: {place}" for name, place in _places(checkout, path, text)]
            return Evidence(
                id="", source="code", title=f"{DELETED} {module}, {path}, by commit {sha[:10]}: {subject[:100]}",
                body="\n".join(lines[:MAX_NAMES]) or "It defined nothing.", observed_at=date, trust=Trust.REPOSITORY,
            )  # fmt: skip
    return None


def _places(checkout: Checkout, path: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield each name of the deleted text, and ``now NAME in PATH`` or why that is not known."""
    top = path.split("/", 1)[0] + "/"
    near = [p for p in files(checkout.path) if p.endswith(".py")][:MAX_FILES]
    there = [(p, one) for p in near for one in _names(read_text(checkout, p) or "")]
    for old in _names(text):
        named = [(p, one) for p, one in there if one.name == old.name and one.kind == old.kind]
        found = [(p, one) for p, one in named if one.head == old.head] or named
        found = found or [(p, one) for p, one in there if _is_same(old, one)]
        found = [(p, one) for p, one in found if p.startswith(top)] or found
        one = found[0] if len(found) == 1 else None
        yield old.name, f"now {one[1].name} in {one[0]}" if one else "in several files" if found else "nowhere now"


def _names(text: str) -> list[_Name]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            head, kind = ast.unparse(node.args), type(node).__name__
        elif isinstance(node, ast.ClassDef):
            head, kind = ", ".join(map(ast.unparse, node.bases)), "ClassDef"
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            found.append(_Name(name=name, kind="Assign", head="", lines=(ast.unparse(node.value),)))
            continue
        else:
            continue
        body = [part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
        lines = tuple(line for part in body for line in ast.unparse(part).splitlines())
        found.append(_Name(name=node.name, kind=kind, head=head, lines=lines))
    return found


def _is_same(old: _Name, new: _Name) -> bool:
    """Say whether a function or class under another name is the same: a constant by its value alone is not."""
    if old.kind != new.kind or old.kind == "Assign" or old.head != new.head or len(old.lines) < 2:
        return False
    return SequenceMatcher(None, old.lines, new.lines, autojunk=False).ratio() >= ALIKE
