"""Python text → its syntax tree with positions in the text, so that a fixer can splice and leave the rest as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module
_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One read of a literal key: ``["k"]`` or ``.get("k")``."""

    key: str
    node: ast.expr
    base: ast.expr
    is_get: bool
    default: ast.expr | None = None


class Code:
    """One Python file: text, tree and where each node stands in the text."""

    def __init__(self, text: str) -> None:
        """:raises SyntaxError: it does not parse."""
        self.text = text
        self.tree = ast.parse(text)
        starts = [0, *(m.end() for m in _NEWLINE.finditer(text))]
        self._starts = starts
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return start and end of *node* in the text, in characters; the tree counts bytes."""
        return (
            self._offset(node.lineno, node.col_offset),  # type: ignore[attr-defined]
            self._offset(node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]
        )

    def source(self, node: ast.AST) -> str:
        """Return the text of *node*."""
        start, end = self.span(node)
        return self.text[start:end]

    def splice(self, pieces: Iterable[tuple[tuple[int, int], str]]) -> str:
        """Return the text with each span replaced; spans must not overlap."""
        text = self.text
        for (start, end), new in sorted(pieces, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def scope(self, node: ast.AST) -> Scope:
        """Return the function that *node* stands in, or the module."""
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                return node
        return self.tree

    def scope_at(self, line: int) -> Scope:
        """Return the innermost function around a line, or the module."""
        found: Scope = self.tree
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.lineno <= line <= (
                node.end_lineno or 0
            ):
                found = node if found is self.tree or node.lineno >= found.lineno else found  # type: ignore[union-attr]
        return found

    def statement_at(self, line: int) -> ast.stmt | None:
        """Return the innermost statement around a line."""
        found = [n for n in ast.walk(self.tree) if isinstance(n, ast.stmt) and n.lineno <= line <= (n.end_lineno or 0)]
        return max(found, key=lambda n: (n.lineno, -(n.end_lineno or 0)), default=None)

    def steps(self) -> Iterator[Step]:
        """Yield every read of a literal key."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.expr):
                found = step(node)
                if found is not None:
                    yield found

    @property
    def newline(self) -> str:
        """The file's line ending."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def line_start(self, line: int) -> int:
        """Return the offset of a line's first character."""
        return self._starts[line - 1] if line <= len(self._starts) else len(self.text)

    def _offset(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return start + len(self.text[start:end].encode()[:column].decode())


def parse(text: str | None) -> Code | None:
    """Return the file's code, or None where it is none."""
    if text is None:
        return None
    try:
        return Code(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def compiles(text: str) -> bool:
    """Say whether *text* is a Python module; stricter than parsing (a walrus in the wrong place parses)."""
    try:
        compile(text, "<fix>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def step(node: ast.expr) -> Step | None:
    """Return the read of a literal key that *node* is, if it is one."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        key = literal(node.slice)
        return Step(key=key, node=node, base=node.value, is_get=False) if key is not None else None
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get"):
        return None
    key = literal(node.args[0]) if 1 <= len(node.args) <= 2 and not node.keywords else None
    default = node.args[1] if len(node.args) == 2 else None
    return Step(key=key, node=node, base=node.func.value, is_get=True, default=default) if key is not None else None


def chain(node: ast.expr) -> tuple[ast.expr, tuple[Step, ...]]:
    """Return the root expression and the reads of literal keys that lead from it to *node*."""
    steps: list[Step] = []
    found = step(node)
    while found is not None:
        steps.append(found)
        node = unwrapped(found.base)
        found = step(node)
    return node, tuple(reversed(steps))


def unwrapped(node: ast.expr) -> ast.expr:
    """Return ``x`` for ``(x or {})``: a guard against null on the way to a nested key."""
    if not (isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and len(node.values) == 2):
        return node
    return node.values[0] if isinstance(node.values[1], ast.Dict) and not node.values[1].keys else node


def literal(node: ast.AST) -> str | None:
    """Return the text of a string literal."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def is_pure(node: ast.expr) -> bool:
    """Say whether *node* may be written twice: names, attributes and literal keys, no call but ``.get`` of a literal."""
    for part in ast.walk(node):
        if isinstance(part, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)):
            return False
        if isinstance(part, ast.Call) and step(part) is None:
            return False
    return True


def names(code: Code) -> set[str]:
    """Return every name used in the file."""
    return {n.id for n in ast.walk(code.tree) if isinstance(n, ast.Name)} | {
        n.name for n in ast.walk(code.tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    }


def fresh_name(code: Code, wanted: str) -> str:
    """Return *wanted* or a variant that the file does not use."""
    taken = names(code)
    while wanted in taken:
        wanted += "_"
    return wanted


def import_line(code: Code) -> int:
    """Return the offset behind the last import at the top, the docstring or ``from __future__``."""
    last: ast.stmt | None = None
    for node in code.tree.body:
        is_docstring = node is code.tree.body[0] and isinstance(node, ast.Expr) and literal(node.value) is not None
        if isinstance(node, (ast.Import, ast.ImportFrom)) or is_docstring:
            last = node
        elif not isinstance(node, (ast.If, ast.Try)):
            break
    if last is None:
        return code.line_start(code.tree.body[0].lineno) if code.tree.body else 0
    return code.line_start((last.end_lineno or last.lineno) + 1)


def imported(code: Code, path: str) -> set[str]:
    """Return the dotted names of the modules that a file imports."""
    found: set[str] = set()
    package = path.split("/")[:-1]
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {name for name in found if name}
