"""STYLE.md's budgets, counted."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "airflow_agentic"
MODULES = sorted(PACKAGE.rglob("*.py"))
BRANCHES = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension, ast.BoolOp, ast.match_case)


def nodes(path: Path, *kinds: type) -> list:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]


def length(node) -> int:
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_stays_within_its_budgets(path):
    too_big = [f"module: {lines} lines"] if (lines := path.read_text().count("\n")) > 400 else []
    too_big += [f"{c.name}: {length(c)} lines" for c in nodes(path, ast.ClassDef) if length(c) > 300]
    for function in nodes(path, ast.FunctionDef, ast.AsyncFunctionDef):
        if length(function) > 60:
            too_big.append(f"{function.name}: {length(function)} lines")
        arguments = function.args
        count = len(arguments.args) + len(arguments.kwonlyargs) + len(arguments.posonlyargs)
        if function.name == "__init__" and count > 9:
            too_big.append(f"{function.name} at line {function.lineno}: {count - 1} parameters")
    assert not too_big


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_handler_says_nothing(path):
    silent = [
        handler.lineno
        for handler in nodes(path, ast.ExceptHandler)
        if len(handler.body) == 1 and isinstance(handler.body[0], (ast.Pass, ast.Continue))
    ]
    assert not silent


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_module_and_public_name_says_what_it_is_for(path):
    tree = ast.parse(path.read_text())
    if "demo/pipeline" in str(path):
        pytest.skip("an example of a team's own code")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    silent = [node.name for node in public if not ast.get_docstring(node)]
    assert ast.get_docstring(tree)
    assert not silent
