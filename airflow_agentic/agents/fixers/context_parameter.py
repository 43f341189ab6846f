"""A task's function asks for a context key of Airflow 2, which Airflow 3 never fills → the key that replaced it.

``def load(execution_date=None)`` keeps its default and ``context.get("execution_date")`` is None: nothing fails before
the value is used. Certain means: Airflow calls the function, the traceback runs through it with an error about None
(or Airflow says that it lacks the argument), it asks for such a key, and no call hands it over.

Source: Airflow 3's upgrade guide; the keys that it drops without an equal (``prev_execution_date``) are left alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.syntax import Code, compiles, import_line, literal, parse

_REPLACED = {
    "execution_date": "logical_date",
    "next_execution_date": "data_interval_end",
    "prev_execution_date_success": "prev_data_interval_start_success",
}
_DAYS = {
    "next_ds": ("data_interval_end", '{now}.strftime("%Y-%m-%d")'),
    "next_ds_nodash": ("data_interval_end", '{now}.strftime("%Y%m%d")'),
    "yesterday_ds": ("logical_date", '({now} - timedelta(days=1)).strftime("%Y-%m-%d")'),
    "tomorrow_ds": ("logical_date", '({now} + timedelta(days=1)).strftime("%Y-%m-%d")'),
    "yesterday_ds_nodash": ("logical_date", '({now} - timedelta(days=1)).strftime("%Y%m%d")'),
    "tomorrow_ds_nodash": ("logical_date", '({now} + timedelta(days=1)).strftime("%Y%m%d")'),
}
"""Days as text, which are made of a time that is still there."""
_CONTEXTS = {"context", "kwargs", "ctx", "ti_context", "_context", "_kwargs"}
_LACKS = re.compile(r"(?P<name>\w+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (?P<keys>[^\n]+)")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def fix(bench: Bench) -> Fix | None:
    """Return the function with the present key, under the same or the present name."""
    said = "\n".join(bench.messages)
    for path, code, function in _functions(bench, said):
        if not bench.editable(path) or not _is_called_by_airflow(code, function):
            continue
        asked = [p for p in _parameters(function) if p.arg in {*_REPLACED, *_DAYS}]
        if any(_is_handed_over(bench, function.name, p.arg) for p in asked):
            continue
        got = [] if asked else _from_context(code, function)
        text = _renamed(code, function, asked[0]) if len(asked) == 1 else code.splice(got) if got else None
        if text is None or text == code.text or not compiles(text):
            continue
        old = asked[0].arg if asked else "execution_date"
        new = _REPLACED.get(old) or _DAYS[old][0]
        return Fix(
            texts=((path, text),),
            file=path,
            summary=f"Ask Airflow for {new}, which it has, and not for {old}"[:100],
            explanation=f"`{function.name}` asks for `{old}`, a context key that Airflow 3 does not have: it stays None. The code takes `{new}` instead.",
        )
    return None


def _functions(bench: Bench, said: str) -> Iterator[tuple[str, Code, _Function]]:
    """Yield the functions that the failure runs through, or the one that Airflow could not call."""
    lacks = _LACKS.search(said)
    if lacks and set(re.findall(r"'(\w+)'", lacks["keys"])) & {*_REPLACED, *_DAYS}:
        for path in bench.python_files():
            code = parse(bench.text(path)) if f"def {lacks['name']}(" in (bench.text(path) or "") else None
            for node in ast.walk(code.tree) if code else ():
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == lacks["name"] and code:
                    yield path, code, node
    if not re.search(r"NoneType|\bNone\b", said):
        return
    for path, frame in bench.own():
        code = parse(bench.text(path)) if path.endswith(".py") else None
        scope = code.scope_at(frame.line) if code else None
        if code and isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield path, code, scope


def _parameters(function: _Function) -> list[ast.arg]:
    """The arguments that may be left to Airflow: those with None as default, or with none at all."""
    given = function.args
    places = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [None] * (len(places) - len(given.defaults)) + list(given.defaults)
    pairs = [*zip(places, defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return [a for a, d in pairs if d is None or (isinstance(d, ast.Constant) and d.value is None)]


def _is_called_by_airflow(code: Code, function: _Function) -> bool:
    """``@task``, ``@task.virtualenv(...)``, ``task(f)`` or ``python_callable=f``."""
    for mark in function.decorator_list:
        if re.match(r"(?:\w+\.)?task\b", code.source(mark)):
            return True
    return any(
        (isinstance(n, ast.keyword) and n.arg == "python_callable" and _is_name(n.value, function.name))
        or (isinstance(n, ast.Call) and code.source(n.func) == "task" and any(_is_name(a, function.name) for a in n.args))
        for n in ast.walk(code.tree)
    )  # fmt: skip


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_handed_over(bench: Bench, name: str, key: str) -> bool:
    """Say whether a call gives the argument, by keyword or in ``op_kwargs``; then it is the caller's."""
    for path in bench.all_files():
        text = bench.text(path) if path.endswith(".py") else None
        code = parse(text) if text and key in text and name in text else None
        for node in ast.walk(code.tree) if code else ():
            if isinstance(node, ast.Call) and name in code.source(node) and not _is_mark(code, node):  # type: ignore[union-attr]
                if any(k.arg == key for k in node.keywords):
                    return True
                kwargs = next((k.value for k in node.keywords if k.arg == "op_kwargs"), None)
                if isinstance(kwargs, ast.Dict) and key in {literal(k) for k in kwargs.keys if k}:
                    return True
    return False


def _is_mark(code: Code | None, node: ast.AST) -> bool:
    parent = code.parents.get(node) if code else None
    return isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)) and node in parent.decorator_list


def _renamed(code: Code, function: _Function, asked: ast.arg) -> str | None:
    """Return the text with the parameter renamed; a day is made of it in the function's first line."""
    old, inside = asked.arg, [n for n in ast.walk(function) if isinstance(n, ast.Name)]
    new = _REPLACED.get(old) or _DAYS[old][0]
    taken = {n.id for n in inside} | {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)}
    if new in taken:
        return None
    start = code.span(asked)[0]
    pieces: list[tuple[tuple[int, int], str]] = [((start, start + len(old)), new)]
    if old in _REPLACED:
        return code.splice([*pieces, *((code.span(n), new) for n in inside if n.id == old)])
    body = function.body
    first = body[1] if len(body) > 1 and isinstance(body[0], ast.Expr) and literal(body[0].value) else body[0]
    if first.lineno == function.lineno:
        return None
    at, made = code.line_start(first.lineno), _DAYS[old][1].format(now=new)
    pieces.append(((at, at), f"{' ' * first.col_offset}{old} = {made}{code.newline}"))
    if "timedelta" in made and not re.search(r"^from datetime import .*\btimedelta\b", code.text, re.MULTILINE):
        top = import_line(code)
        pieces.append(((top, top), f"from datetime import timedelta{code.newline}"))
    return code.splice(pieces)


def _from_context(code: Code, function: _Function) -> list[tuple[tuple[int, int], str]]:
    """``context.get("execution_date")``: the key's text in each such read of the function."""
    found = []
    for read in code.steps():
        if read.is_get and read.key == "execution_date" and code.scope(read.node) is function:
            base = code.source(read.base)
            if (base in _CONTEXTS or base.endswith("get_current_context()")) and isinstance(read.node, ast.Call):
                found.append((code.span(read.node.args[0]), f'"{_REPLACED[read.key]}"'))
    return found
