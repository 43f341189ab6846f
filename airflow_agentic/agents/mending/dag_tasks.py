"""The repository's Dag files, parsed and never run → which task runs which files of the repository, and with what words.

Where a failure shows and where its cause was read are often two Dags. Airflow's API tells of one Dag at a time, and
lineage is not always sent; the files say it themselves: ``-m shop.ingest orders``, a callable, a function's imports.
Loops over written lists are unrolled. What cannot be read is left out, or has no name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from airflow_agentic.agents.mending.bench import MAX_PYTHON_FILES, Bench
from airflow_agentic.agents.mending.syntax import Code, imported, literal, parse
from airflow_agentic.shape_changes import name_tokens

MAX_TASKS, MAX_DEPTH = 1_000, 4
_MODULE = re.compile(r"-m\s+([A-Za-z_][\w.]*)")
_FILE = re.compile(r"[\w./-]+\.(?:py|sql|sh)\b")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True)
class RepositoryTask:
    """One task as its Dag file writes it."""

    dag_id: str
    task_id: str
    """Empty where the file computes it in a way that was not read."""
    words: frozenset[str]
    """Of its id, its command and its arguments."""
    inner_words: frozenset[str]
    """Of the texts in the Dag file's functions that it runs."""
    files: frozenset[str]
    """Those that its code is in or imports, and SQL files that its words name."""


def repository_tasks(bench: Bench) -> tuple[RepositoryTask, ...]:
    """Return the tasks of all Dag files, at most 1,000."""
    found: list[RepositoryTask] = []
    paths = _Paths(bench)
    for path in paths.python:
        text = bench.text(path) or ""
        code = parse(text) if re.search(r"\bDAG\(|@(?:\w+\.)?dag\b", text) else None
        found += _DagFile(paths, path, code).tasks() if code else ()
    return tuple(found[:MAX_TASKS])


@dataclass(kw_only=False)
class _Paths:
    """The repository's files and what imports what."""

    bench: Bench

    @cached_property
    def python(self) -> tuple[str, ...]:
        return tuple([p for p in self.bench.all_files() if p.endswith(".py")][:MAX_PYTHON_FILES])

    @cached_property
    def sql(self) -> tuple[str, ...]:
        return tuple(p for p in self.bench.all_files() if p.endswith(".sql"))

    def of_module(self, dotted: str) -> list[str]:
        tail = dotted.replace(".", "/")
        ends = (f"/{tail}.py", f"/{tail}/__init__.py")
        return [p for p in self.python if f"/{p}".endswith(ends)] if tail else []

    def reached(self, start: set[str]) -> frozenset[str]:
        """Return the files, those that they import, and so on."""
        found, todo = set(start), list(start)
        while todo:
            path = todo.pop()
            code = parse(self.bench.text(path)) if path.endswith(".py") else None
            fresh = {p for m in imported(code, path) for p in self.of_module(m)} - found if code else set()
            found |= fresh
            todo += fresh
        return frozenset(found)


class _DagFile:
    def __init__(self, paths: _Paths, path: str, code: Code) -> None:
        self._paths, self._path, self._code = paths, path, code
        self._functions = {
            n.name: n for n in ast.walk(code.tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
        }
        self._lists = dict(_lists(code))
        self._origins: dict[str, tuple[str, ...]] = {}
        for node in ast.walk(code.tree):
            if isinstance(node, ast.ImportFrom):
                for a in node.names:
                    self._origins[a.asname or a.name] = (f"{node.module or ''}.{a.name}", node.module or "")
            elif isinstance(node, ast.Import):
                self._origins |= {(a.asname or a.name).split(".")[0]: (a.name,) for a in node.names}

    def tasks(self) -> Iterator[RepositoryTask]:
        overridden: set[str] = set()
        for node in ast.walk(self._code.tree):
            given = (
                next((k.value for k in node.keywords if k.arg == "task_id"), None)
                if isinstance(node, ast.Call)
                else None
            )
            if given is not None and not self._is_decorator(node):
                overridden |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                yield from self._written(node, given)
        for name, function in self._functions.items():
            marks = [d for d in function.decorator_list if _is_mark(d, "task")]
            if marks and name not in overridden:
                given = _argument(marks[0], "task_id", position=None)
                calls = [n for n in ast.walk(self._code.tree) if isinstance(n, ast.Call) and _named(n.func) == name]
                said = {t for call in calls for env in self._around(call) for t in self._texts(call, env)}
                task_id = self._text(given, {}) if given else name
                yield self._task(function, task_id, said, {name})

    def _written(self, node: ast.AST, given: ast.expr) -> Iterator[RepositoryTask]:
        whole = self._code.parents[node]
        whole = whole if isinstance(whole, ast.Call) and whole.func is node else node
        names = {n.id for n in ast.walk(whole) if isinstance(n, ast.Name)}
        for env in self._around(node):
            yield self._task(node, self._text(given, env), set(self._texts(whole, env)), names)

    def _task(self, node: ast.AST, task_id: str, said: set[str], names: set[str]) -> RepositoryTask:
        text = " ".join((task_id, *sorted(said)))
        words = frozenset(name_tokens(text))
        start = {p for m in _MODULE.findall(text) for p in self._paths.of_module(m)}
        start |= {
            p
            for f in _FILE.findall(text)
            for p in self._paths.bench.all_files()
            if f"/{p}".endswith(f"/{f.lstrip('./')}")
        }
        parts = [p for name in self._run_by(names) for p in ast.walk(self._functions[name])]
        called = names | {p.id for p in parts if isinstance(p, ast.Name)}
        start |= {p for m in self._modules(called) for p in self._paths.of_module(m)}
        reached = self._paths.reached(start)
        named = {p for p in self._paths.sql if re.search(rf"(?<!\w){re.escape(_stem(p))}(?!\w)", text)}
        prefix = "".join(f"{group}." for group in self._groups(node))
        return RepositoryTask(
            dag_id=self._dag_of(node), task_id=f"{prefix}{task_id}" if "?" not in task_id else "",
            words=words, inner_words=frozenset(w for p in parts for w in name_tokens(literal(p) or "")), files=reached | named | {self._path},
        )  # fmt: skip

    def _modules(self, names: set[str]) -> set[str]:
        """Return the modules that names come from."""
        return {m for name in names for m in self._origins.get(name, ())}

    def _run_by(self, names: set[str], depth: int = MAX_DEPTH) -> set[str]:
        """Return the file's own functions among names, and those that these call."""
        found = names & self._functions.keys()
        for name in set(found) if depth else ():
            inner = {n.id for n in ast.walk(self._functions[name]) if isinstance(n, ast.Name)} - {name}
            found |= self._run_by(inner, depth - 1)
        return found

    def _dag_of(self, node: ast.AST) -> str:
        """Return the id of the Dag around a task, or of the only one in the file."""
        for outer in self._outer(node):
            if isinstance(outer, (ast.With, ast.AsyncWith)):
                for call in (i.context_expr for i in outer.items):
                    if _named(call) == "DAG":
                        return self._text(_argument(call, "dag_id", position=0), {})
            if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
                mark = next((d for d in outer.decorator_list if _is_mark(d, "dag")), None)
                if mark is not None:
                    given = _argument(mark, "dag_id", position=0)
                    return self._text(given, {}) if given else outer.name
        calls = [n for n in ast.walk(self._code.tree) if isinstance(n, ast.Call) and _named(n) == "DAG"]
        return self._text(_argument(calls[0], "dag_id", position=0), {}) if len(calls) == 1 else ""

    def _groups(self, node: ast.AST) -> list[str]:
        calls = [i.context_expr for o in self._outer(node) if isinstance(o, ast.With) for i in o.items]
        groups = [_argument(c, "group_id", position=0) for c in calls if _named(c) == "TaskGroup"]
        return [self._text(g, {}) for g in reversed(groups)]

    def _outer(self, node: ast.AST) -> Iterator[ast.AST]:
        while node in self._code.parents:
            node = self._code.parents[node]
            yield node

    def _is_decorator(self, node: ast.AST) -> bool:
        parent = self._code.parents.get(node)
        return isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)) and node in parent.decorator_list

    def _around(self, node: ast.AST) -> list[dict[str, str]]:
        """Return the values of the loops' names around a node, one entry a round."""
        rounds: list[list[dict[str, str]]] = []
        for outer in self._outer(node):
            loops: list[tuple[ast.expr, ast.expr]] = [(outer.target, outer.iter)] if isinstance(outer, ast.For) else []
            if isinstance(outer, (ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)):
                loops = [(g.target, g.iter) for g in outer.generators]
            rounds += [values for target, over in loops if (values := self._rounds(target, over))]
        joined = [{k: v for one in many for k, v in one.items()} for many in product(*rounds[:3])]
        return joined[:MAX_TASKS]

    def _rounds(self, target: ast.expr, over: ast.expr) -> list[dict[str, str]]:
        items = self._items(over)
        if isinstance(target, ast.Name):
            return [{target.id: text} for item in items if (text := literal(item))]
        if not isinstance(target, ast.Tuple):
            return []
        names = [t.id if isinstance(t, ast.Name) else "" for t in target.elts]
        rows = [item.elts for item in items if isinstance(item, (ast.Tuple, ast.List)) and len(item.elts) == len(names)]
        return [{n: t for n, e in zip(names, row, strict=True) if (t := literal(e)) and n} for row in rows]

    def _items(self, over: ast.expr) -> list[ast.expr]:
        if isinstance(over, (ast.List, ast.Tuple, ast.Set)):
            return over.elts
        if isinstance(over, ast.Dict):
            return [k for k in over.keys if k is not None]
        if not isinstance(over, ast.Name):
            return []
        if over.id in self._lists:
            return self._lists[over.id]
        for module in self._origins.get(over.id, ())[1:]:
            for path in self._paths.of_module(module):
                code = parse(self._paths.bench.text(path))
                found = dict(_lists(code)).get(over.id) if code else None
                if found:
                    return found
        return []

    def _texts(self, node: ast.AST, env: Mapping[str, str]) -> Iterator[str]:
        for part in ast.walk(node):
            if isinstance(part, (ast.Constant, ast.JoinedStr)) and (text := self._text(part, env)):
                yield text
            elif isinstance(part, ast.Name) and part.id in env:
                yield env[part.id]

    def _text(self, node: ast.expr | None, env: Mapping[str, str]) -> str:
        """Return a text with the loops' values in it; ``?`` where something else stands."""
        if node is None:
            return ""
        if isinstance(node, ast.JoinedStr):
            return "".join(
                self._text(v.value if isinstance(v, ast.FormattedValue) else v, env) or "?" for v in node.values
            )
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._text(node.left, env) + self._text(node.right, env)
        if isinstance(node, ast.Name):
            return env.get(node.id, "?")
        return literal(node) or ("" if isinstance(node, ast.Constant) else "?")


def _lists(code: Code) -> Iterator[tuple[str, list[ast.expr]]]:
    """The module's names that stand for a written list, or for the keys of a written dict."""
    for node in code.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
                yield node.targets[0].id, value.elts
            elif isinstance(value, ast.Dict):
                yield node.targets[0].id, [k for k in value.keys if k is not None]


def _argument(node: ast.AST, name: str, *, position: int | None) -> ast.expr | None:
    if not isinstance(node, ast.Call):
        return None
    given = next((k.value for k in node.keywords if k.arg == name), None)
    return given or (node.args[position] if position is not None and len(node.args) > position else None)


def _named(node: ast.AST) -> str:
    """Return the last name of what is called: ``DAG`` of ``models.DAG(...)``."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_mark(node: ast.expr, kind: str) -> bool:
    """``@task``, ``@task.bash``, ``@task(task_id="x")``."""
    node = node.func if isinstance(node, ast.Call) else node
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return kind in {*names, node.id if isinstance(node, ast.Name) else ""}


def _stem(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]
