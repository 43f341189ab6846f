"""The failing task → the strings of the code that its command is made of, to change a word of it there and nowhere else.

A task's own strings are those of the call or the function that has its ``task_id``, of the functions in its
traceback, and of the module's constants that these name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.syntax import Code, literal, parse

OPTION = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
_DEFINES = {"add_argument", "option", "Option", "Argument", "argument", "add_parser", "command", "add_option"}
_NAMES = {"task_id", "dag_id", "task_group_id", "group_id"}
_Text = ast.Constant | ast.JoinedStr


def own_texts(bench: Bench) -> Iterator[tuple[str, Code, list[_Text]]]:
    """Yield the files of the failing tasks with the strings of their commands."""
    tasks = {key.task_id.rpartition(".")[2] for key in bench.dossier.incident.members}
    framed: dict[str, list[int]] = {}
    for path, frame in bench.own():
        framed.setdefault(path, []).append(frame.line)
    for path in dict.fromkeys((*framed, *dag_files(bench))):
        code = parse(bench.text(path)) if bench.editable(path) else None
        if code is None:
            continue
        parts = [node for task in tasks for node in makers(code, task)]
        parts += [scope for line in framed.get(path, ()) if (scope := code.scope_at(line)) is not code.tree]
        found = {node: None for part in parts for node in texts_in(code, part)}
        if found:
            yield path, code, list(found)


def dag_files(bench: Bench) -> tuple[str, ...]:
    """Return the Dag's file, or every file that makes tasks where that is not known."""
    known = bench.checkout.dag_file
    if known:
        return (known,)
    return tuple(p for p in bench.python_files() if re.search(r"task_id|@task", bench.text(p) or ""))


def makers(code: Code, task_id: str) -> Iterator[ast.AST]:
    """Yield the calls and the decorated functions that make a task."""
    for node in ast.walk(code.tree):
        if (
            isinstance(node, ast.Call)
            and any(k.arg == "task_id" and literal(k.value) == task_id for k in node.keywords)
        ) or (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == task_id and _is_task(code, node)
        ):
            yield node


def _is_task(code: Code, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("task" in code.source(decorator) for decorator in node.decorator_list)


def made_at(code: Code, lines: range) -> set[str]:
    """Return the tasks that are made in these lines, by calls with a ``task_id``."""
    return {
        name
        for node in ast.walk(code.tree)
        if isinstance(node, ast.Call) and set(lines) & set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        for keyword in node.keywords
        if keyword.arg == "task_id" and (name := literal(keyword.value))
    }


def texts_in(code: Code, part: ast.AST) -> Iterator[_Text]:
    """Yield the outermost strings of a part, without names of tasks, and those of the constants that it names."""
    yield from _strings(part)
    named = {n.id for n in ast.walk(part) if isinstance(n, ast.Name)}
    for node in code.tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if node is not part and any(isinstance(t, ast.Name) and t.id in named for t in targets):
            made = getattr(node, "value", None)
            if made is not None and not any(isinstance(n, ast.Call) and _makes_task(n) for n in ast.walk(made)):
                yield from _strings(made)


def _makes_task(call: ast.Call) -> bool:
    return any(k.arg in _NAMES for k in call.keywords)


def _strings(part: ast.AST) -> Iterator[_Text]:
    if isinstance(part, ast.JoinedStr) or literal(part) is not None:
        yield part  # type: ignore[misc]
        return
    if isinstance(part, ast.keyword) and part.arg in _NAMES:
        return
    for child in ast.iter_child_nodes(part):
        if not (isinstance(child, ast.Expr) and literal(child.value) is not None):
            yield from _strings(child)


def definers(bench: Bench, name: str) -> list[str]:
    """Return the files whose parser knows an option or a sub-command."""
    found = []
    for path in bench.python_files():
        text = bench.text(path) or ""
        code = parse(text) if re.search(r"\b(?:argparse|click|typer|optparse|fire)\b", text) else None
        if code is not None and _defines(code, name):
            found.append(path)
    return found


def _defines(code: Code, name: str) -> bool:
    parameter = name.lstrip("-").replace("-", "_")
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Call) and code.source(node.func).rsplit(".", 1)[-1] in _DEFINES:
            if any(literal(value) == name for value in (*node.args, *(k.value for k in node.keywords))):
                return True
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.decorator_list:
            named = {a.arg for a in (*node.args.args, *node.args.kwonlyargs)} if name.startswith("-") else {node.name}
            if parameter in named and re.search(r"\b(?:typer|click|fire)\b", code.text):
                return True
        elif literal(node) == name and isinstance(code.parents.get(node), (ast.Tuple, ast.List)):
            return True
    return False


def replaced(code: Code, nodes: list[_Text], old: re.Pattern[str], new: str) -> str | None:
    """Return the file with the word changed in its strings; None where one of them has it twice, or none has it."""
    pieces = {}
    for node in nodes:
        source = code.source(node)
        found = len(old.findall(source))
        if found > 1:
            return None
        if found:
            pieces[code.span(node)] = old.sub(lambda _: new, source)
    return code.splice(pieces.items()) if pieces else None
