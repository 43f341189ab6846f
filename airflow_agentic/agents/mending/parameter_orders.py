"""A function's header in two orders of its parameters, and by which of them a call hands over its arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.syntax import Code, literal, parse

_HEADER = re.compile(r"^\s*(?:async\s+)?def\s+(?P<name>\w+)\s*\(")


@dataclass(frozen=True, kw_only=True)
class Order:
    """One function's positional parameters, before and now."""

    function: str
    old: tuple[str, ...]
    new: tuple[str, ...]


def orders_of(new: list[str], old: list[str]) -> Iterator[Order]:
    """Yield the functions whose parameters are the same in both lines, in another order."""
    before, after = (dict(filter(None, map(_header, lines))) for lines in (old, new))
    for name in before.keys() & after.keys():
        a, b = before[name], after[name]
        if a != b and sorted(a) == sorted(b):
            yield Order(function=name, old=a, new=b)


def calls_of(code: Code, order: Order) -> Iterator[ast.Call]:
    """Yield the calls of the function, by its name."""
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Call) and code.source(node.func).rsplit(".", 1)[-1] == order.function:
            yield node


def fitting(call: ast.Call, order: Order) -> tuple[int, int]:
    """Return how many arguments are named as the old order has them, and how many as the new one has."""
    names = [_name_of(argument) for argument in call.args]
    old, new = (sum(n == w for n, w in zip(names, side, strict=False)) for side in (order.old, order.new))
    return old, new


def followed(bench: Bench, order: Order) -> bool:
    """Say whether a caller hands its arguments over in the new order already, as their names say."""
    for path in bench.python_files():
        code = parse(bench.text(path)) if order.function in (bench.text(path) or "") else None
        fits = [fitting(call, order) for call in calls_of(code, order)] if code else []
        if any(new > old for old, new in fits):
            return True
    return False


def _header(line: str) -> tuple[str, tuple[str, ...]] | None:
    """Return name and positional parameters of a function whose header is one line."""
    match = _HEADER.match(line)
    try:
        node = ast.parse(f"{line.strip().rstrip(':')}: pass").body[0] if match else None
    except SyntaxError:
        return None
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
    return node.name, tuple(names[1:] if names[:1] in (["self"], ["cls"]) else names)


def _name_of(node: ast.expr) -> str:
    """The name that an argument goes by: of a variable, an attribute, a literal key."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return literal(node.slice) or "" if isinstance(node, ast.Subscript) else ""
