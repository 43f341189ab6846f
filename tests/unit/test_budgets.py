"""STYLE.md's budgets, counted: each module is read and parsed once."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "airflow_agentic"
MODULES = sorted(PACKAGE.rglob("*.py"))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_keeps_its_budgets_says_what_it_is_for_and_swallows_nothing(path):
    text = path.read_text()
    tree = ast.parse(text)
    lines = text.count("\n")
    faults = [f"module: {lines} lines"] if lines > 400 else []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and length(node) > 300:
            faults.append(f"{node.name}: {length(node)} lines")
        elif isinstance(node, FUNCTIONS):
            faults += too_big(node)
        elif isinstance(node, ast.ExceptHandler) and is_silent(node):
            faults.append(f"handler at line {node.lineno} says nothing")
    if "demo/pipeline" not in str(path):  # an example of a team's own code
        faults += undocumented(tree)
    assert not faults


def length(node) -> int:
    return node.end_lineno - node.lineno + 1


def too_big(function) -> list[str]:
    found = [f"{function.name}: {length(function)} lines"] if length(function) > 60 else []
    arguments = function.args
    count = len(arguments.args) + len(arguments.kwonlyargs) + len(arguments.posonlyargs)
    if function.name == "__init__" and count > 9:
        found.append(f"{function.name} at line {function.lineno}: {count - 1} parameters")
    return found


def is_silent(handler: ast.ExceptHandler) -> bool:
    return len(handler.body) == 1 and isinstance(handler.body[0], (ast.Pass, ast.Continue))


def undocumented(tree: ast.Module) -> list[str]:
    public = [n for n in tree.body if isinstance(n, (*FUNCTIONS, ast.ClassDef)) and not n.name.startswith("_")]
    return [
        f"{name}: no docstring"
        for name, node in [("module", tree), *((node.name, node) for node in public)]
        if not ast.get_docstring(node)
    ]


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def f():\n" + "    x = 1\n" * 61, "f: 62 lines"),
        ("class A:\n    def __init__(self, " + ", ".join(f"a{n}" for n in range(9)) + "): ...\n", "__init__ at line 2: 9 parameters"),
    ],
)  # fmt: skip
def test_what_breaks_a_budget_is_named(source, fault):
    function = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTIONS))
    assert fault in too_big(function)


def test_a_handler_that_only_passes_is_silent():
    handlers = [
        n for n in ast.walk(ast.parse("try: a\nexcept E: pass\nexcept F: log()")) if isinstance(n, ast.ExceptHandler)
    ]
    assert [is_silent(handler) for handler in handlers] == [True, False]
