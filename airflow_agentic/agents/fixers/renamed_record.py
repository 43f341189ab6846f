"""A field has a new name and the code names it in a list, a class or a statement's parameters → map the new name back.

The literal is not a key in brackets here: ``[o[f] for f in FIELDS]``, ``itemgetter("a", "b")``, ``Order(**row)``,
``executemany(":a, :b", rows)``, ``DictWriter(...).writerow(row)``. The record is read through the names that the
code knows.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import FieldMove, field_moves
from airflow_agentic.agents.mending.syntax import Code, compiles, fresh_name, is_pure, literal, parse

_KWARGS = re.compile(
    r"TypeError: .*(?:unexpected keyword argument '(?P<new>[^']+)'(?:\. Did you mean '[^']+'\?)?|required (?:positional|keyword-only) arguments?: (?P<old>'.+))$"
)
_BINDING = re.compile(
    r"binding (?:parameter :|value for parameter )(?P<key>\w+)|bind parameter '(?P<key2>\w+)'|KeyError: '(?P<key3>\w+)'"
)
_FIELDNAMES = re.compile(r"dict contains fields not in fieldnames: '(?P<key>[^']+)'")
_KEY = re.compile(r"KeyError: ['\"](?P<key>[^'\"]+)['\"]$")
Piece = tuple[tuple[int, int], str]


def fix(bench: Bench) -> Fix | None:
    """Return the change at the place that failed, for every plain rename of that record."""
    renames = tuple(m for m in field_moves(bench) if m.is_rename and not m.within)
    for path, frame in bench.own()[:3]:
        code = parse(bench.text(path))
        if not renames or code is None or not bench.editable(path):
            continue
        scope = code.scope_at(frame.line)
        pieces = _pieces(bench, code, scope, frame.line, renames)
        if not pieces:
            continue
        text = code.splice(pieces)
        if compiles(text):
            words = " and ".join(f"`{m.was}` is now `{m.now}`" for m in renames)
            return Fix(
                texts=((path, text),),
                file=path,
                fields=tuple(m.was for m in renames),
                explanation=f"In {renames[0].dataset} {words}. Records are read by the names that the code knows, whichever they carry.",
                summary=f"Read {renames[0].now} where {renames[0].was} is gone"[:100],
            )
    return None


def _pieces(bench: Bench, code: Code, scope: ast.AST, line: int, renames: tuple[FieldMove, ...]) -> list[Piece]:
    for message in bench.messages:
        match = _KWARGS.search(message)
        if match and _speaks_of(match["new"] or match["old"], renames):
            return _unpacked(code, scope, line, renames)
        match = _FIELDNAMES.search(message)
        if match and _speaks_of(match["key"], renames):
            return _arguments(code, scope, line, renames, {"writerow": 0, "writerows": 0})
        match = _BINDING.search(message)
        if match and _speaks_of(match["key"] or match["key2"] or match["key3"], renames):
            found = _arguments(code, scope, line, renames, {"execute": 1, "executemany": 1})
            if found:
                return found
        match = _KEY.search(message)
        if match and _speaks_of(match["key"], renames):
            return (
                _loops(code, scope, line, renames)
                or _getters(code, match["key"], renames)
                or _constants(code, match["key"], renames)
                or _formatted(code, scope, line, renames)
            )
    return []


def _speaks_of(names: str | None, renames: tuple[FieldMove, ...]) -> bool:
    words = set(re.findall(r"\w+", names or ""))
    return any(m.old[0] in words or m.new[0] in words for m in renames)


def _unpacked(code: Code, scope: ast.AST, line: int, renames: tuple[FieldMove, ...]) -> list[Piece]:
    """``Order(**row)`` → ``Order(**{<old name>: value ...})``."""
    pieces: list[Piece] = []
    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or 0):
            pieces += [(code.span(k.value), _mapped(code, k.value, renames)) for k in node.keywords if k.arg is None]
    return pieces if len(pieces) == 1 else []


def _arguments(
    code: Code, scope: ast.AST, line: int, renames: tuple[FieldMove, ...], calls: dict[str, int]
) -> list[Piece]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in calls:
            place = calls[node.func.attr]
            if (
                node.lineno <= line <= (node.end_lineno or 0)
                and len(node.args) > place
                and not _holds(node.args[place], renames)
            ):
                value = node.args[place]
                if isinstance(value, (ast.Tuple, ast.List, ast.Dict, ast.Starred)):
                    return []
                if node.func.attr in {"executemany", "writerows"}:
                    row = fresh_name(code, "row")
                    inner = f"{{{_table(renames)}.get(name, name): value for name, value in {row}.items()}}"
                    return [(code.span(value), f"[{inner} for {row} in {code.source(value)}]")]
                return [(code.span(value), _mapped(code, value, renames))]
    return []


def _loops(code: Code, scope: ast.AST, line: int, renames: tuple[FieldMove, ...]) -> list[Piece]:
    """``o[f]`` where *f* runs over names that are listed literally."""
    listed = {
        literal(n)
        for part in ast.walk(code.tree)
        if isinstance(part, (ast.Tuple, ast.List, ast.Set, ast.Dict))
        for n in ast.iter_child_nodes(part)
    }
    known = tuple(m for m in renames if m.old[0] in listed and m.new[0] not in listed)
    pieces: list[Piece] = []
    for node in ast.walk(scope):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and isinstance(node.slice, ast.Name):
            name, base = node.slice.id, node.value
            if known and is_pure(base) and _runs_over(scope, name):
                text = f"{name} if {name} in {code.source(base)} else {_back(known)}.get({name}, {name})"
                pieces.append((code.span(node.slice), text))
    return pieces


def _constants(code: Code, key: str, renames: tuple[FieldMove, ...]) -> list[Piece]:
    """``o[KEY]`` where ``KEY = "customer_id"`` stands in the file."""
    new = next((m.new[0] for m in renames if m.old[0] == key), None)
    names = {
        t.id
        for n in ast.walk(code.tree)
        if isinstance(n, ast.Assign) and literal(n.value) == key
        for t in n.targets
        if isinstance(t, ast.Name)
    }
    pieces: list[Piece] = []
    for node in ast.walk(code.tree):
        if not (new and isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and is_pure(node.value)):
            continue
        if isinstance(node.slice, (ast.Name, ast.Attribute)) and code.source(node.slice).rsplit(".", 1)[-1] in names:
            name = code.source(node.slice)
            pieces.append((code.span(node.slice), f'{name} if {name} in {code.source(node.value)} else "{new}"'))
    return pieces


def _formatted(code: Code, scope: ast.AST, line: int, renames: tuple[FieldMove, ...]) -> list[Piece]:
    """``"{customer_id}".format(**o)`` and ``"%(customer_id)s" % o``."""
    for node in ast.walk(scope):
        if not isinstance(node, (ast.Call, ast.BinOp)) or not node.lineno <= line <= (node.end_lineno or 0):
            continue
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Mod)
            and "%(" in (literal(node.left) or "")
            and is_pure(node.right)
        ):
            return [(code.span(node.right), _mapped(code, node.right, renames))]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            return [(code.span(k.value), _mapped(code, k.value, renames)) for k in node.keywords if k.arg is None]
    return []


def _runs_over(scope: ast.AST, name: str) -> bool:
    for node in ast.walk(scope):
        targets = ast.walk(node.target) if isinstance(node, (ast.comprehension, ast.For)) else ()
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            return True
    return False


def _getters(code: Code, key: str, renames: tuple[FieldMove, ...]) -> list[Piece]:
    """``itemgetter("a", "b")`` → a lambda that reads the same, or the new name."""
    new = {m.old[0]: m.new[0] for m in renames}
    pieces: list[Piece] = []
    for node in ast.walk(code.tree):
        if not isinstance(node, ast.Call) or not code.source(node.func).endswith("itemgetter"):
            continue
        keys = [literal(a) for a in node.args]
        if key not in keys or None in keys:
            continue
        reads = [
            f'(record["{k}"] if "{k}" in record else record["{new[k]}"])' if k in new else f'record["{k}"]'
            for k in keys
            if k
        ]
        pieces.append(
            (
                code.span(node),
                f"(lambda record: ({', '.join(reads)}))" if len(reads) > 1 else f"(lambda record: {reads[0]})",
            )
        )
    return pieces


def _mapped(code: Code, value: ast.expr, renames: tuple[FieldMove, ...]) -> str:
    return f"{{{_table(renames)}.get(name, name): value for name, value in {_operand(code, value)}.items()}}"


def _operand(code: Code, value: ast.expr) -> str:
    text = code.source(value)
    return text if isinstance(value, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)) else f"({text})"


def _table(renames: tuple[FieldMove, ...]) -> str:
    return "{" + ", ".join(f'"{m.new[0]}": "{m.old[0]}"' for m in renames) + "}"


def _back(renames: tuple[FieldMove, ...]) -> str:
    return "{" + ", ".join(f'"{m.old[0]}": "{m.new[0]}"' for m in renames) + "}"


def _holds(node: ast.expr, renames: tuple[FieldMove, ...]) -> bool:
    return any(literal(part) in {m.new[0] for m in renames} for part in ast.walk(node))
