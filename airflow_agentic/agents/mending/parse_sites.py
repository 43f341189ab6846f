"""The one call that turns a data set's text into records, so that a fixer can mend the records right there.

Looked for in the functions of the traceback, then in their files and what these import, then in the repository.
Where two calls are left, and neither the data set's own name nor what the failing functions call tells them apart, there
is no site.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.syntax import Code, Step, fresh_name, import_line, imported, literal, parse
from airflow_agentic.shape_changes import name_tokens

Found = tuple[str, Code, ast.Call]


@dataclass(frozen=True, kw_only=True)
class Helper:
    """A small function that a fixer adds to a file."""

    name: str
    text: str
    """Its source with ``{name}`` for the name, no blank lines around."""
    imports: str = ""
    """Lines that go to the imports of the file."""


def parse_site(bench: Bench, dataset: str) -> Found | None:
    """Return the file, its code and the call that parses the data set, if it is one."""
    wanted = is_csv_reader if is_delimited(dataset) else is_json_reader
    return call_site(bench, dataset, wanted)


def call_site(bench: Bench, dataset: str, wanted: Callable[[ast.Call, Code], bool]) -> Found | None:
    """Return the one call that *wanted* accepts, nearest to the failure."""
    seen: set[tuple[str, int, int]] = set()
    for tier in _tiers(bench):
        found: list[Found] = []
        for path, inside in tier:
            code = parse(bench.text(path))
            if code is None or not bench.editable(path):
                continue
            found += [
                (path, code, node)
                for node in ast.walk(code.tree)
                if isinstance(node, ast.Call) and wanted(node, code) and inside(code, node)
            ]
        fresh = [f for f in found if (f[0], f[2].lineno, f[2].col_offset) not in seen]
        seen |= {(f[0], f[2].lineno, f[2].col_offset) for f in fresh}
        named = [f for f in fresh if _speaks_of(f[1], f[2], dataset)]
        one = named if len(named) == 1 else fresh
        one = one if len(one) < 2 else _called_for(bench, one)
        if len(one) == 1:
            return one[0]
        if one:
            return None
    return None


def with_helper(code: Code, pieces: list[tuple[tuple[int, int], str]], *helpers: Helper) -> str:
    """Return the text with *pieces* replaced and the functions added behind the imports, two blank lines around."""
    at = import_line(code)
    imports = "".join(
        f"{line}\n" for line in dict.fromkeys(h.imports for h in helpers) if line and line not in code.text
    )
    block = imports + "".join(f"\n\n{h.text.replace('{name}', h.name).strip(chr(10))}\n" for h in helpers)
    rest = code.text[at:].replace("\r\n", "\n")
    block += "\n" * max(0, 2 - (len(rest) - len(rest.lstrip("\n"))))
    return code.splice([*pieces, ((at, at), block.replace("\n", code.newline))])


def helper(code: Code, wanted: str, text: str) -> Helper:
    """Return a function under a name that the file does not use."""
    return Helper(name=fresh_name(code, wanted), text=text)


def is_delimited(dataset: str) -> bool:
    """Say whether a data set is CSV or the like, by its name."""
    return bool(re.search(r"\.(csv|tsv|psv|txt)(\.gz)?\b", dataset))


_LOADS = {"json.loads", "orjson.loads", "ujson.loads"}


def parsed(code: Code, call: ast.Call) -> str:
    """Return the source of a parse as one value: what ``map`` gives is made a list."""
    source = code.source(call)
    return f"list({source})" if code.source(call.func) == "map" else source


def is_json_reader(node: ast.Call, code: Code) -> bool:
    """``json.load(f)``, ``json.loads(text)``, ``reply.json()``."""
    name = code.source(node.func)
    if name in {"json.load", "json.loads", "orjson.loads", "ujson.load", "ujson.loads", "simplejson.loads"}:
        return bool(node.args)
    if name == "map":
        return len(node.args) == 2 and code.source(node.args[0]) in _LOADS
    if name in {"load", "loads"}:
        return bool(node.args) and re.search(rf"^from json import .*\b{name}\b", code.text, re.MULTILINE) is not None
    return isinstance(node.func, ast.Attribute) and node.func.attr == "json" and not node.args and not node.keywords


def is_csv_reader(node: ast.Call, code: Code) -> bool:
    """``csv.DictReader(f)``."""
    return bool(node.args) and code.source(node.func).rsplit(".", 1)[-1] == "DictReader"


def near_files(bench: Bench) -> tuple[str, ...]:
    """Return the traceback's files and the repository's modules that these import, and what those import."""
    found: dict[str, None] = {}
    todo = [path for path, _ in bench.own() if path.endswith(".py")]
    for depth in range(3):
        deeper: list[str] = []
        for path in todo:
            if path not in found and bench.text(path) is not None:
                found[path] = None
                code = parse(bench.text(path)) if depth < 2 else None
                deeper += _imported_files(bench, code, path) if code else []
        todo = deeper
    return tuple(found)


def steps_of(bench: Bench, key: str) -> Iterator[tuple[str, Code, Step]]:
    """Yield the reads of one literal key in the files near the failure."""
    for path in near_files(bench):
        code = parse(bench.text(path)) if bench.editable(path) else None
        for step in code.steps() if code else ():
            if step.key == key and code:
                yield path, code, step


def _tiers(bench: Bench) -> Iterator[list[tuple[str, Callable[[Code, ast.AST], bool]]]]:
    framed: dict[str, list[int]] = {}
    for path, frame in bench.own():
        framed.setdefault(path, []).append(frame.line)

    def in_frames(lines: list[int]) -> Callable[[Code, ast.AST], bool]:
        return lambda code, node: any(
            code.scope(node) is code.scope_at(line) and code.scope_at(line) is not code.tree for line in lines
        )

    yield [(path, in_frames(lines)) for path, lines in framed.items()]
    yield [(path, lambda _code, _node: True) for path in near_files(bench)]
    yield [(path, lambda _code, _node: True) for path in bench.python_files()]


def _imported_files(bench: Bench, code: Code, path: str) -> list[str]:
    tails = [f"{module.replace('.', '/')}" for module in imported(code, path)]
    return [
        m
        for m in bench.python_files()
        for tail in tails
        if m in {f"{tail}.py", f"{tail}/__init__.py"} or m.endswith((f"/{tail}.py", f"/{tail}/__init__.py"))
    ]


def _called_for(bench: Bench, found: list[Found]) -> list[Found]:
    """Leave the calls whose function the failing ones lead to, by the names that they use; what runs on import is not."""
    uses: dict[str, set[str]] = {}
    for path in near_files(bench):
        code = parse(bench.text(path))
        for node in ast.walk(code.tree) if code else ():
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                inner = {n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef)} - {node.name}
                uses[node.name] = uses.get(node.name, set()) | _names_in(node) | inner
    todo, reached = [frame.function for _, frame in bench.own()], set()
    while todo:
        name = todo.pop()
        if name in uses and name not in reached:
            reached.add(name)
            todo += uses[name]
    return [one for one in found if getattr(one[1].scope(one[2]), "name", None) in reached]


def _names_in(node: ast.AST) -> set[str]:
    parts = [*ast.walk(node)]
    return {n.id for n in parts if isinstance(n, ast.Name)} | {n.attr for n in parts if isinstance(n, ast.Attribute)}


def _speaks_of(code: Code, node: ast.Call, dataset: str) -> bool:
    """Say whether a text in the call's function has a word of the data set's name."""
    words = {w for w in name_tokens(re.sub(r"\{[^}]*\}|\.\w+$|\(.*", " ", dataset)) if not w.isdigit() and len(w) > 2}
    scope = code.scope(node)
    return any(
        words & set(name_tokens(text))
        for part in ast.walk(scope)
        if scope is not code.tree and (text := literal(part)) is not None
    )
