"""Which reads of a key are of the records whose field has moved, and which are of other records.

Judged by the company that a key keeps: the keys that a function reads from one name are all fields of the moved
field's record, and no other data set that still has the key explains them as well.
"""

from __future__ import annotations

import ast

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.field_moves import FieldMove
from airflow_agentic.agents.mending.syntax import Code, Scope, Step, chain, literal


class UseFinder:
    """The reads of one file, judged for one move."""

    def __init__(self, bench: Bench, path: str, code: Code, move: FieldMove) -> None:
        self._code = code
        self._move = move
        self._failing = {code.scope_at(frame.line) for own, frame in bench.own() if own == path}
        self._innermost = next((code.scope_at(frame.line) for own, frame in bench.own()[:1] if own == path), None)
        self._rivals = [
            {f.path.rsplit("[].", 1)[-1].split(".")[0] for f in shape.fields}
            for shape in bench.dossier.shapes
            if shape.name not in bench.family(move.dataset)
            and any(f.path.rsplit("[].", 1)[-1] == move.old[0] for f in shape.fields)
        ]
        self._read = self._keys_by_name()

    def same_kind(self, base: ast.expr, found: Step) -> bool:
        """Say whether *base* is a record of the data set whose field has moved."""
        if self._move.within and len(chain(found.node)[1]) > len(self._move.old):
            return True
        if not isinstance(base, ast.Name):
            return self._code.scope(found.node) is self._innermost
        scope = self._code.scope(found.node)
        keys = self._read.get((scope, base.id), set())
        if self._move.within:
            return self._holds_inner(scope, base.id) or scope is self._innermost
        if not keys <= self._move.siblings | {self._move.new[0]}:
            return False
        return (
            scope is self._innermost or not any(keys <= rival for rival in self._rivals) or self._named_alike(base.id)
        )

    def handled(self, found: Step) -> bool:
        """Say whether the code already reads the new place beside the old one."""
        node: ast.AST = found.node
        new = set(self._move.new) - set(self._move.old)
        while node in self._code.parents and not isinstance(node, ast.stmt):
            node = self._code.parents[node]
            either = isinstance(node, (ast.IfExp, ast.BoolOp))
            if (either or isinstance(node, ast.Call)) and any(literal(part) in new for part in ast.walk(node)):
                return either or found.is_get
        return False

    def in_failing_scope(self, node: ast.AST) -> bool:
        """Say whether *node* stands in the function that failed."""
        return self._innermost is not None and self._code.scope(node) is self._innermost

    def _keys_by_name(self) -> dict[tuple[Scope, str], set[str]]:
        found: dict[tuple[Scope, str], set[str]] = {}
        for one in self._code.steps():
            if isinstance(one.base, ast.Name):
                found.setdefault((self._code.scope(one.node), one.base.id), set()).add(one.key)
        return found

    def _holds_inner(self, scope: Scope, name: str) -> bool:
        """Say whether *name* was set to the object that the field was in: ``address = c["address"]``."""
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                steps = chain(node.value)[1]
                if steps and steps[-1].key == self._move.within[-1]:
                    return True
        return False

    def _named_alike(self, name: str) -> bool:
        """Say whether the failing function calls the same thing by the same name."""
        return self._innermost is not None and (self._innermost, name) in self._read


_OF_FRAMES = {
    "assign", "astype", "columns", "drop", "drop_duplicates", "fillna", "groupby", "iloc", "iterrows", "itertuples", "loc",
    "merge", "rename", "reset_index", "set_index", "sort_values", "to_csv", "to_parquet", "to_sql",
}  # fmt: skip
_OF_COLUMNS = {"astype", "clip", "dt", "fillna", "isna", "notna", "str", "to_list", "tolist"}


def is_of_frame(code: Code, found: Step) -> bool:
    """Say whether a read is of a column: its name was set to what pandas made, or one of the two is used as such."""
    above = code.parents.get(found.node)
    if isinstance(above, ast.Attribute) and above.attr in _OF_COLUMNS:
        return True
    if not isinstance(found.base, ast.Name):
        return False
    name, scope = found.base.id, code.scope(found.node)
    return any(_is_used_as_frame(node, name) or _is_made_by_pandas(code, node, name) for node in ast.walk(scope))


def _is_used_as_frame(node: ast.AST, name: str) -> bool:
    """``frame.assign(...)``, ``frame[["a", "b"]]``, ``frame[frame["a"] > 1]``: no record is asked like that."""
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == name and node.attr in _OF_FRAMES
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name) or node.value.id != name:
        return False
    masked = isinstance(node.slice, ast.BinOp) and isinstance(node.slice.op, (ast.BitAnd, ast.BitOr))
    return masked or isinstance(node.slice, (ast.List, ast.Compare))


def _is_made_by_pandas(code: Code, node: ast.AST, name: str) -> bool:
    pandas = {
        a.asname or a.name
        for n in ast.walk(code.tree)
        if isinstance(n, ast.Import)
        for a in n.names
        if a.name == "pandas"
    }
    return (
        bool(pandas)
        and isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
        and any(isinstance(part, ast.Attribute) and code.source(part.value) in pandas for part in ast.walk(node.value))
    )


def is_later(bench: Bench, path: str, code: Code, node: ast.expr) -> bool:
    """Say whether *node* stands behind the line that failed, in the same function: no cause, and no cure."""
    scope = code.scope(node)
    lines = [frame.line for own, frame in bench.own() if own == path and code.scope_at(frame.line) is scope]
    return bool(lines) and all(node.lineno > _last_line(scope, line) for line in lines)


def _last_line(scope: ast.AST, line: int) -> int:
    """The last line of the innermost statement that holds *line*."""
    held = [n for n in ast.walk(scope) if isinstance(n, ast.stmt) and n.lineno <= line <= (n.end_lineno or 0)]
    return min(((n.end_lineno or line) for n in held if n is not scope), default=line)
