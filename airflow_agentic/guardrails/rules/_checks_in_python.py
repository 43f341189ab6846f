"""Python text → what in it guards the data: raises, assertions, guards, thresholds, handlers. For comparing."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_CHECKING = re.compile(
    r"(?:^|[._])(?:check|validate|assert|expect|verify|ensure|test|quality|reconcile)(?=[_.A-Z]|$)", re.I
)
_THRESHOLD = re.compile(
    r"thresh|toleran|(?:^|_)(?:min|max|low|high|least|most|limit|mostly|ratio|pct|percent|retries|freshness|allowed|bound)(?:_|$)",
    re.I,
)
_BROAD = ("Exception", "BaseException")
_SKIPPING = ("AirflowSkipException", "SkipTest")
Functions = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Guards:
    """What guards in one text."""

    asserts: Counter[str] = field(default_factory=Counter)
    raises: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    functions: dict[str, bool] = field(default_factory=dict)
    """Checking functions by name: do they do anything?"""
    conditions: Counter[str] = field(default_factory=Counter)
    """Conditions of guards, numbers left in."""
    swallowed: Counter[str] = field(default_factory=Counter)
    narrowly: Counter[str] = field(default_factory=Counter)
    trigger_rules: Counter[str] = field(default_factory=Counter)
    skips: Counter[str] = field(default_factory=Counter)


def guards(text: str) -> Guards | None:
    """Return what guards in *text*; None if it is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = Guards()
    for node in ast.walk(tree):
        _statement(node, found)
        _handler(node, found)
        for name, number in _named_numbers(node):
            found.numbers[name] = (*found.numbers.get(name, ()), number)
    for function in (node for node in ast.walk(tree) if isinstance(node, Functions)):
        if _CHECKING.search(function.name):
            found.functions[function.name] = _does_something(function)
        _loops(function, found)
    return found


def is_constant(condition: str) -> bool:
    """Say whether a guard's condition can never change: the guard is switched off."""
    return isinstance(ast.parse(condition, mode="eval").body, ast.Constant)


def numbers_of(condition: str) -> Counter[str]:
    """Return the numbers that a condition compares with, and its operators."""
    nodes = list(ast.walk(ast.parse(condition, mode="eval")))
    found = [repr(n.value) for n in nodes if isinstance(n, ast.Constant) and _is_number(n.value)]
    return Counter([*found, *(type(op).__name__ for n in nodes if isinstance(n, ast.Compare) for op in n.ops)])


def without_numbers(condition: str) -> str:
    """Return the condition's shape: numbers and operators of comparison left out."""
    return re.sub(r"\b\d[\d_.e]*\b|[<>=!]=?", "#", condition)


def _statement(node: ast.AST, found: Guards) -> None:
    if isinstance(node, ast.Assert):
        found.asserts[ast.unparse(node.test)] += 1
    elif isinstance(node, ast.Raise):
        name = _name(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
        (found.skips if name.rsplit(".", 1)[-1] in _SKIPPING else found.raises)[name] += 1
    elif isinstance(node, ast.If) and any(
        isinstance(inner, ast.Raise) for part in node.body for inner in ast.walk(part)
    ):
        found.conditions[ast.unparse(node.test)] += 1
    elif isinstance(node, ast.Call):
        name = _name(node.func)
        if _CHECKING.search(name):
            found.calls[name] += 1
        for word in node.keywords:
            if word.arg == "trigger_rule":
                found.trigger_rules[ast.unparse(word.value).strip("'\"").rsplit(".", 1)[-1].lower()] += 1


def _handler(node: ast.AST, found: Guards) -> None:
    if isinstance(node, ast.With):
        for item in node.items:
            if isinstance(item.context_expr, ast.Call) and _name(item.context_expr.func).endswith("suppress"):
                kinds = [_name(arg) for arg in item.context_expr.args]
                (found.swallowed if set(kinds) & set(_BROAD) else found.narrowly)["suppress " + " ".join(kinds)] += 1
    if isinstance(node, ast.ExceptHandler) and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
        kinds = [_name(part) for part in (node.type.elts if isinstance(node.type, ast.Tuple) else [node.type])]
        if node.type is None or any(kind in _BROAD for kind in kinds):
            found.swallowed["except " + " ".join(kinds)] += 1
        elif all(_is_nothing(statement) for statement in node.body):
            found.narrowly[_handler_key(node)] += 1


def _loops(function: ast.AST, found: Guards) -> None:
    """Trying one format after the other and raising after the last is no swallowing."""
    last_raise = max((node.lineno for node in ast.walk(function) if isinstance(node, ast.Raise)), default=0)
    for loop in (node for node in ast.walk(function) if isinstance(node, (ast.For, ast.While))):
        for handler in (node for node in ast.walk(loop) if isinstance(node, ast.ExceptHandler)):
            if last_raise > (loop.end_lineno or 0) and found.narrowly[_handler_key(handler)]:
                found.narrowly[_handler_key(handler)] -= 1


def _handler_key(node: ast.ExceptHandler) -> str:
    return f"except {ast.unparse(node.type) if node.type else ''}: {ast.unparse(node.body[0])}"


def _named_numbers(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield numbers whose name says that they are a limit."""
    pairs: list[tuple[str, ast.AST | None]] = []
    if isinstance(node, ast.Assign):
        pairs = [(_name(target), node.value) for target in node.targets]
    elif isinstance(node, ast.AnnAssign):
        pairs = [(_name(node.target), node.value)]
    elif isinstance(node, ast.keyword) and node.arg:
        pairs = [(node.arg, node.value)]
    elif isinstance(node, ast.Dict):
        pairs = [(str(k.value), v) for k, v in zip(node.keys, node.values, strict=True) if isinstance(k, ast.Constant)]
    elif isinstance(node, Functions):
        named = node.args.args[len(node.args.args) - len(node.args.defaults) :]
        pairs = [(arg.arg, value) for arg, value in zip(named, node.args.defaults, strict=True)]
    for name, value in pairs:
        if (
            _THRESHOLD.search(name)
            and value is not None
            and any(isinstance(n, ast.Constant) and _is_number(n.value) for n in ast.walk(value))
        ):
            yield name, ast.unparse(value)


def _does_something(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    body = [statement for statement in function.body if not _is_text(statement)]
    return bool(body) and not _is_nothing(body[0])


def _is_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Return):
        return node.value is None or isinstance(node.value, ast.Constant)
    return isinstance(node, (ast.Pass, ast.Continue, ast.Break)) or _is_text(node)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _name(node: ast.AST | None) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
