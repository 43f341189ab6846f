"""A field has a new name or place in the data; the code reads the old one by a literal key → read either.

Certain means: the shapes say where the field went, and the code reads the old key from that kind of record and
from no other. Old data stays readable, falsy values included.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import FieldMove, field_moves
from airflow_agentic.agents.mending.record_uses import UseFinder
from airflow_agentic.agents.mending.syntax import (
    Code,
    Step,
    chain,
    compiles,
    fresh_name,
    imported,
    is_pure,
    literal,
    parse,
    unwrapped,
)

_NAMED = (
    re.compile(r"KeyError: ['\"](?P<key>[^'\"]+)['\"]$"),
    re.compile(r"IndexError: No item with that key"),
    re.compile(r"AttributeError: (?!'(?:NoneType|str|int|float|list|dict)').*has no attribute ['\"](?P<key>\w+)['\"]"),
    re.compile(r"['\"](?P<key>[^'\"]+)['\"] is not in list"),
    re.compile(r"StopIteration$"),
)
LINE = 120
_SILENT = re.compile(
    r"NoneType|not null|null value|null|none|missing|float\(\) argument|int\(\) argument", re.IGNORECASE
)


def fix(bench: Bench) -> Fix | None:
    """Return the tolerant reads of every moved field that the failing code, or its neighbours, would trip over."""
    moves = field_moves(bench)
    if not moves or bench.error is None:
        return None
    key = missing_key(bench)
    told = [m for m in moves if key is not None and key in (*m.old, *m.within)]
    if key is not None and not told:
        return None
    if key is None and any("No item with that key" in m for m in bench.messages):
        line = " ".join(frame.code for _, frame in bench.own()[:1])
        moves = tuple(m for m in moves if f'"{m.old[-1]}"' in line or f"'{m.old[-1]}'" in line)
    elif key is None:
        moves = tuple(m for m in moves if _read_by_get(bench, m)) if _is_silent(bench) else ()
    sites = _files(bench)
    texts = _rewrite(bench, sites, moves)
    if not texts and key is None:
        texts = _rewrite(bench, bench.python_files(), moves)
    used = [m for m in moves if m in {m for _, done in texts.values() for m in done}]
    if not texts or (told and not any(m in used for m in told)):
        return None
    words = " and ".join(f"`{m.was}` is now `{m.now}`" for m in used)
    return Fix(
        texts=tuple((path, text) for path, (text, _) in texts.items()),
        explanation=f"In {used[0].dataset} {words}. The code reads the new place where the old one is gone, so data in both forms loads.",
        summary=_summary(used),
        file=next(iter(texts)),
        fields=tuple(m.was for m in used),
    )


def _is_silent(bench: Bench) -> bool:
    """A ``.get`` gave null and something later tripped over it; what the pipeline's own code rejects is a rule of its owner."""
    own = bench.own()
    rejected = bool(own) and bench.editable(own[0][0]) and own[0][1].code.startswith("raise")
    return not rejected and any(_SILENT.search(m) for m in bench.messages)


def _read_by_get(bench: Bench, move: FieldMove) -> bool:
    codes = (parse(bench.text(path)) for path in bench.python_files())
    return any(s.is_get and s.key == move.old[-1] for code in codes if code for s in code.steps())


def missing_key(bench: Bench) -> str | None:
    """Return the key, attribute or column that the error names, or None."""
    for message in bench.messages:
        for pattern in _NAMED:
            match = pattern.search(message.strip())
            if match and "key" in pattern.groupindex:
                return match["key"]
    return None


def _files(bench: Bench) -> tuple[str, ...]:
    """The files of the traceback and the repository's modules that they import: where the records are read."""
    found: dict[str, None] = {}
    modules = bench.python_files()
    for path, _ in bench.own():
        if bench.editable(path) and path.endswith(".py"):
            found[path] = None
    for path in list(found):
        code = parse(bench.text(path))
        for module in imported(code, path) if code else ():
            tail = module.replace(".", "/")
            found.update(
                dict.fromkeys(
                    m
                    for m in modules
                    if m.endswith((f"{tail}.py", f"{tail}/__init__.py"))
                    and (m == f"{tail}.py" or m.endswith(f"/{tail}.py"))
                )
            )
    return tuple(found)


def _rewrite(
    bench: Bench, paths: tuple[str, ...], moves: tuple[FieldMove, ...]
) -> dict[str, tuple[str, list[FieldMove]]]:
    found: dict[str, tuple[str, list[FieldMove]]] = {}
    for path in paths:
        text = bench.text(path)
        done: list[FieldMove] = []
        for move in moves:
            new = rewrite(bench, path, text, move) if text is not None else None
            if new is not None:
                text = new
                done.append(move)
        if done and text is not None and compiles(text):
            found[path] = (text, done)
    return found


def rewrite(bench: Bench, path: str, text: str, move: FieldMove) -> str | None:
    """Return *text* with every read of the move's old place made tolerant, or None if there is none."""
    code = parse(text)
    if code is None or (
        f'"{move.old[-1]}"' not in text and f"'{move.old[-1]}'" not in text and f".{move.old[-1]}" not in text
    ):
        return None
    uses = UseFinder(bench, path, code, move)
    pieces = []
    for found in code.steps():
        base = _object(found, move)
        if base is not None and uses.same_kind(base, found) and not uses.handled(found):
            new = _tolerant(bench, code, found, base, move)
            if new is not None:
                pieces.append((code.span(found.node), new))
    pieces += _pops_and_indexes(code, move, uses)
    pieces += _attributes(bench, code, move, uses)
    pieces = [(span, _fitted(code, span, new)) for span, new in _outermost(pieces)]
    if not all(_is_whole(code, span) for span, _ in pieces):
        return None
    return code.splice(pieces) if pieces else None


def _fitted(code: Code, span: tuple[int, int], new: str) -> str:
    """Break a conditional before its ``else`` where the line would become longer than 120 characters."""
    start = code.text.rfind("\n", 0, span[0]) + 1
    end = code.text.find("\n", span[1])
    line = code.text[start : end if end >= 0 else None]
    if (
        len(line) + len(new) - (span[1] - span[0]) <= LINE
        or new.count(" else ") != 1
        or "\n" in code.text[span[0] : span[1]]
    ):
        return new
    if any(mark in line[: span[0] - start] for mark in ("f'", 'f"', "F'", 'F"')):
        return new
    return new.replace(" else ", code.newline + " " * (span[0] - start + 1) + "else ")


def _is_whole(code: Code, span: tuple[int, int]) -> bool:
    """Python before 3.12 misplaces what stands in an f-string: the piece must read as an expression of its own."""
    try:
        ast.parse(code.text[span[0] : span[1]].strip(), mode="eval")
    except SyntaxError:
        return False
    return True


def _object(found: Step, move: FieldMove) -> ast.expr | None:
    """Return the expression of the object that both places share, if *found* reads the move's old place."""
    _, steps = chain(found.node)
    keys = [s.key for s in steps]
    count = len(move.old)
    if tuple(keys[-count:]) != move.old:
        return None
    before = keys[:-count][::-1]
    expected = list(move.within)[::-1]
    if any(a != b for a, b in zip(before, expected, strict=False)) or set(before[len(expected) :]) & move.siblings:
        return None
    return unwrapped(steps[-count].base)


def _tolerant(bench: Bench, code: Code, found: Step, base: ast.expr, move: FieldMove) -> str | None:
    _, steps = chain(found.node)
    old = steps[-len(move.old) :]
    text = code.source(base)
    if found.is_get and len(old) == 1:
        return _get(code, found, move)
    first, bind = text, text
    if not is_pure(base):
        name = fresh_name(code, "record")
        first, bind = f"({name} := {text})", name
    rest = code.text[code.span(base)[1] : code.span(found.node)[1]]
    keys = f"{first}.keys()" if any("IndexError: No item with that key" in m for m in bench.messages) else first
    quote = code.source(old[0].node)
    mark = "'" if "'" in quote and '"' not in quote else '"'
    test = f"{_quoted(move.old[0], mark)} in {keys}"
    if move.old_stays:
        inner = f"{bind}[{_quoted(move.old[0], mark)}]"
        test = f"{test} and {_quoted(move.old[1], mark)} in {inner}"
    if code.source(found.node).startswith("("):
        return None
    new = "".join(f"[{_quoted(k, mark)}]" for k in move.new)
    if found.is_get:
        default = f", {code.source(found.default)}" if found.default else ""
        gets = "".join(f".get({_quoted(k, mark)}, {{}})" for k in move.new[:-1])
        new = f"{gets}.get({_quoted(move.new[-1], mark)}{default})"
    return f"({bind}{rest} if {test} else {bind}{new})"


def _get(code: Code, found: Step, move: FieldMove) -> str | None:
    """``o.get("old", d)`` → ``o.get("old", o.get("new", d))``: null in the old place stays null."""
    call = found.node
    assert isinstance(call, ast.Call)
    if not is_pure(found.base):
        return None
    base, mark = code.source(found.base), code.source(call.args[0])[0]
    default = f", {code.source(found.default)}" if found.default else ""
    steps = "".join(f".get({_quoted(k, mark)}, {{}})" for k in move.new[:-1])
    return f"{base}.get({code.source(call.args[0])}, {base}{steps}.get({_quoted(move.new[-1], mark)}{default}))"


def _pops_and_indexes(code: Code, move: FieldMove, uses: UseFinder) -> list[tuple[tuple[int, int], str]]:
    """``o.pop("old")`` and ``header.index("old")``: the key itself is chosen."""
    if not move.is_rename:
        return []
    pieces = []
    for node in ast.walk(code.tree):
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"pop", "index"}
        ):
            continue
        base = node.func.value
        if (
            len(node.args) == 1
            and literal(node.args[0]) == move.old[0]
            and is_pure(base)
            and uses.in_failing_scope(node)
        ):
            key = code.source(node.args[0])
            pieces.append(
                (code.span(node.args[0]), f"{key} if {key} in {code.source(base)} else {_quoted(move.new[0], key[0])}")
            )
    return pieces


def _attributes(bench: Bench, code: Code, move: FieldMove, uses: UseFinder) -> list[tuple[tuple[int, int], str]]:
    """``o.old`` where the error says that there is no such attribute."""
    if not move.is_rename or not any("has no attribute" in m for m in bench.messages) or not move.new[0].isidentifier():
        return []
    if any("/pandas/" in f.path for f in bench.error.frames) if bench.error else True:
        return []
    pieces = []
    for node in ast.walk(code.tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr == move.old[0]):
            continue
        if isinstance(node.value, ast.Name) and node.value.id != "self" and uses.in_failing_scope(node):
            base = node.value.id
            text = f'({base}.{node.attr} if hasattr({base}, "{node.attr}") else {base}.{move.new[0]})'
            pieces.append((code.span(node), text))
    return pieces


def _outermost(pieces: list[tuple[tuple[int, int], str]]) -> list[tuple[tuple[int, int], str]]:
    return [p for p in pieces if not any(o is not p and o[0][0] <= p[0][0] and p[0][1] <= o[0][1] for o in pieces)]


def _quoted(key: str, mark: str) -> str:
    return f"{mark}{key}{mark}" if mark in "'\"" and mark not in key and "\\" not in key else repr(key)


def _summary(moves: list[FieldMove]) -> str:
    more = f" and {len(moves) - 1} more" if len(moves) > 1 else ""
    return f"Read {moves[0].now} where {moves[0].was} is gone{more}"[:100]
