"""The parts of a day come packed with gzip now and the pattern that lists them finds none → list and open both kinds.

For globs and listings, which miss files without a word: what fails is a check on the rows, or the first of nothing.
Certain means: the landed data holds every part that the pattern found on the good day under its name and ``.gz`` with the
same fields, one pattern of the code lists them, and one call opens what it lists. A plain part is read before its gzip.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from airflow_agentic.agents.fixers.moved_file import TOLD, filled_in, imports_of
from airflow_agentic.agents.fixers.packed_file import FRAMES, opening
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import Helper, with_helper
from airflow_agentic.agents.mending.syntax import Code, Scope, compiles, fresh_name, literal, parse

_LISTED = '''
def {name}(plain, packed):
    """Return the files that the upstream sends plain, and those that it sends packed only."""
    plain = list(plain)
    known = {str(path) for path in plain}
    return [*plain, *(path for path in packed if str(path)[: -len(".gz")] not in known)]
'''
_OPENER = '''
def {name}(path, mode="rt", **how):
    """Open a file of the upstream as it is or, where it comes packed, its gzip."""
    return gzip.open(path, mode, **how) if str(path).endswith(".gz") else open(path, mode, **how)
'''
_GLOB = re.compile(r"(?:^|\.)r?i?glob$")
_TAIL = re.compile(r"^(?P<before>.*\*[^/]*?)(?P<suffix>\.[a-z]+)$", re.DOTALL)
_Listing = tuple[str, Code, ast.Call]
_Piece = tuple[tuple[int, int], str]


def fix(bench: Bench) -> Fix | None:
    """Return the listing with the packed parts, and the call that opens them."""
    told = [m for item in bench.dossier.evidence if item.source == "landed" and (m := TOLD.match(item.title))]
    day = (bench.dossier.incident.logical_date or "")[:10]
    packed = [filled_in(m["old"], day) for m in told if day and m["new"] == f"{m['old']}.gz"]
    listings = [found for path in bench.python_files() for found in _listings(bench, path, packed)] if packed else []
    if not listings and packed:
        return _by_name(bench, packed)
    if len(listings) != 1:
        return None
    path, code, call = listings[0]
    lister = Helper(name=fresh_name(code, "known_files"), text=_LISTED)
    source = code.source(call)
    both = f"{lister.name}({source}, {_packed(code, call)})"
    opened = _opened(bench, path, code, call)
    if opened is None:
        return None
    texts: dict[str, str] = {}
    for file, where, pieces in opened:
        opener = Helper(name=fresh_name(where, "open_file"), text=_OPENER, imports=imports_of(where, "gzip"))
        made: list[_Piece] = [(span, text.replace("OPENER", opener.name)) for span, text in pieces]
        here = file == path
        helpers = [*([lister] if here else []), *([opener] if pieces else [])]
        texts[file] = with_helper(where, [*made, *([(code.span(call), both)] if here else [])], *helpers)
    if not all(compiles(text) for text in texts.values()):
        return None
    return _told(texts, path, packed[0])


def _told(texts: dict[str, str], path: str, part: str) -> Fix:
    return Fix(
        texts=tuple(texts.items()),
        file=path,
        summary="List and read parts packed with gzip as well",
        explanation=f"The upstream sends `{part}` and its like packed, with `.gz` at the end and the same fields; the code lists none of them and says nothing. Both are listed and read.",
    )


def _by_name(bench: Bench, packed: list[str]) -> Fix | None:
    """The names of a folder are chosen by their end: ``if name.endswith(".jsonl")``, in the function that opens them."""
    found: list[tuple[str, Code, ast.Call, list[_Piece]]] = []
    for path in bench.python_files():
        code = parse(bench.text(path)) if "endswith" in (bench.text(path) or "") else None
        for node in ast.walk(code.tree) if code else ():
            if code is None or not isinstance(node, ast.Call) or _called(node) != "endswith" or len(node.args) != 1:
                continue
            scope, end = code.scope(node), literal(node.args[0])
            lists = any(_called(n) in {"listdir", "iterdir"} for n in ast.walk(scope) if isinstance(n, ast.Call))
            if end and end.startswith(".") and lists and any(name.endswith(end) for name in packed):
                loops = [n for n in ast.walk(scope) if isinstance(n, (ast.For, ast.comprehension))]
                names = {name for loop in loops for name in _names(loop.target)}
                found.append((path, code, node, _openings(code, scope, names)))
    if len(found) != 1 or len(found[0][3]) != 1:
        return None
    path, code, call, pieces = found[0]
    opener = Helper(name=fresh_name(code, "open_file"), text=_OPENER, imports=imports_of(code, "gzip"))
    end = code.source(call.args[0])
    both = (code.span(call.args[0]), f"({end}, {end[:-1]}.gz{end[-1]})")
    text = with_helper(code, [both, *((span, new.replace("OPENER", opener.name)) for span, new in pieces)], opener)
    return _told({path: text}, path, packed[0]) if compiles(text) else None


def _listings(bench: Bench, path: str, packed: list[str]) -> Iterator[_Listing]:
    """Yield the globs whose pattern ends in the kind of the parts, and finds them by their plain names."""
    text = bench.text(path) or ""
    code = parse(text) if "glob" in text else None
    for node in ast.walk(code.tree) if code else ():
        if code and isinstance(node, ast.Call) and node.args and _GLOB.search(code.source(node.func)):
            pattern = _pattern(node.args[0])
            if pattern and _TAIL.match(pattern) and any(_finds(pattern, name) for name in packed):
                yield path, code, node


def _pattern(node: ast.expr) -> str:
    """Return a pattern with ``*`` for what is filled in; empty where its end is not spelt."""
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(part) or "*" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
        end = _pattern(node.right)
        return f"*{end}" if isinstance(node.op, ast.Add) else end
    if isinstance(node, ast.Call) and node.args and _called(node) in {"join", "Path", "str"}:
        return _pattern(node.args[-1])
    return literal(node) or ""


def _finds(pattern: str, name: str) -> bool:
    return fnmatchcase(name.rpartition("/")[2], pattern.rpartition("/")[2])


def _packed(code: Code, call: ast.Call) -> str:
    """Return the listing with ``.gz`` at the end of its pattern."""
    at = code.span(call.args[0])[1]
    while code.text[at - 1] not in "\"'":
        at -= 1
    while code.text[at - 1] in "\"'":
        at -= 1
    whole = code.span(call)
    return f"{code.text[whole[0] : at]}.gz{code.text[at : whole[1]]}"


def _opened(bench: Bench, path: str, code: Code, call: ast.Call) -> list[tuple[str, Code, list[_Piece]]] | None:
    """Return the calls that open what is listed, in the listing's function or where that one is called."""
    scope = code.scope(call)
    found = _opens_in(code, scope, {call})
    if found is None:
        return None
    if found:
        return [(path, code, found)]
    handed = _handed_on(bench, path, code, call)
    if handed is not None:
        return handed if any(file == path for file, _, _ in handed) else [*handed, (path, code, [])]
    name = getattr(scope, "name", None)
    takers: list[tuple[str, Code, list[_Piece]]] = []
    for other in bench.python_files() if name else ():
        there = code if other == path else parse(bench.text(other)) if str(name) in (bench.text(other) or "") else None
        if there is None:
            continue
        calls = [n for n in ast.walk(there.tree) if isinstance(n, ast.Call) and _called(n) == name]
        pieces = [piece for one in calls for piece in _opens_in(there, there.scope(one), {one}) or ()]
        takers += [(other, there, pieces)] if pieces else []
    if not takers:
        return None
    return takers if any(file == path for file, _, _ in takers) else [*takers, (path, code, [])]


def _handed_on(bench: Bench, path: str, code: Code, call: ast.Call) -> list[tuple[str, Code, list[_Piece]]] | None:
    """Return the opening of a parameter, where the listing's function gives each file to one that opens it."""
    scope = code.scope(call)
    names = _items(code, scope, {call})
    given = {
        (_called(node), place)
        for node in ast.walk(scope)
        if isinstance(node, ast.Call)
        for place, arg in enumerate(node.args)
        if isinstance(arg, ast.Name) and arg.id in names
    } | {
        (node.args[0].id, 0)
        for node in ast.walk(scope)
        if isinstance(node, ast.Call) and _called(node) == "map" and len(node.args) == 2
        and isinstance(node.args[0], ast.Name) and _is_of(node.args[1], {call}, set())
    }  # fmt: skip
    found: list[tuple[str, Code, list[_Piece]]] = []
    for other in bench.python_files():
        there = code if other == path else parse(bench.text(other))
        for node in ast.walk(there.tree) if there else ():
            if there is None or not isinstance(node, ast.FunctionDef):
                continue
            taken = {
                node.args.args[place].arg for name, place in given if name == node.name and place < len(node.args.args)
            }
            pieces = _openings(there, node, taken) if taken else []
            found += [(other, there, pieces)] if pieces else []
    return found if len(found) == 1 and len(found[0][2]) == 1 else None


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _opens_in(code: Code, scope: Scope, of: set[ast.Call]) -> list[_Piece] | None:
    """Return the opening of what these calls list, as it is where pandas unpacks by the name; None for several."""
    found = _openings(code, scope, _items(code, scope, of))
    return found if len(found) < 2 else None


def _openings(code: Code, scope: ast.AST, names: set[str]) -> list[_Piece]:
    found: list[_Piece] = []
    for node in ast.walk(scope):
        if not isinstance(node, ast.Call):
            continue
        made = opening(code, node)
        path = node.args[0] if isinstance(node.func, ast.Name) and node.args else getattr(node.func, "value", None)
        if made is not None and path is not None and _names(path) & names:
            found.append((code.span(node), f"OPENER({made[0]}){made[1]}"))
        elif FRAMES.search(code.source(node.func)) and node.args and _names(_bare(node.args[0])) & names:
            found.append((code.span(node), code.source(node)))
    return found


def _items(code: Code, scope: Scope, of: set[ast.Call]) -> set[str]:
    """Return the names that hold the listed files: loop variables over them, also by way of a name for the list."""
    lists: set[str] = set()
    items: set[str] = set()
    for _ in range(3):
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign) and _is_of(node.value, of, lists):
                names = {t.id for t in node.targets if isinstance(t, ast.Name)}
                lists |= names
            elif isinstance(node, (ast.For, ast.comprehension)) and _is_of(node.iter, of, lists):
                items |= _names(node.target)
    return items | {name for name in lists if any(_is_first(code, node, name, of) for node in ast.walk(scope))}


def _is_of(node: ast.expr, of: set[ast.Call], lists: set[str]) -> bool:
    return any(part in of or (isinstance(part, ast.Name) and part.id in lists) for part in ast.walk(node))


def _is_first(code: Code, node: ast.AST, name: str, of: set[ast.Call]) -> bool:
    """``latest = max(folder.glob(...))``: one of the files has a name of its own."""
    return (
        isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
        and (
            isinstance(node.value, ast.Subscript)
            or (isinstance(node.value, ast.Call) and code.source(node.value.func) in {"max", "min", "next"})
        )
        and any(part in of for part in ast.walk(node.value))
    )


def _bare(node: ast.expr) -> ast.AST:
    """Return what is no opening of its own: what `open` gives pandas is not unpacked by name."""
    return ast.Tuple(elts=[]) if isinstance(node, ast.Call) and _called(node) == "open" else node


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
