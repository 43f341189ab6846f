"""A column of a pandas frame has a new name in the data → give it the known name right where the frame is read.

``.rename(columns=...)`` leaves a frame alone that has no such column, so old data loads as before and every use
behind the read keeps working. ``usecols`` lists become a test for either name; ``dtype`` tables get the new name too.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import FieldMove, field_moves
from airflow_agentic.agents.mending.syntax import Code, compiles, literal, parse

_READERS = {
    "read_csv",
    "read_json",
    "read_parquet",
    "read_excel",
    "read_table",
    "read_sql",
    "read_sql_query",
    "read_feather",
    "DataFrame",
    "json_normalize",
    "from_records",
    "from_dict",
}
_SAYS = re.compile(
    r"KeyError|not in index|Usecols do not match|has no attribute|not found in axis|Missing column provided",
    re.IGNORECASE,
)
Piece = tuple[tuple[int, int], str]


def fix(bench: Bench) -> Fix | None:
    """Return the change of the one read that the failing frame can have come from."""
    if bench.error is None or not any(f"/{lib}/" in f.path for f in bench.error.frames for lib in ("pandas",)):
        return None
    said = " ".join(bench.messages)
    renames = tuple(m for m in field_moves(bench) if m.is_rename and not m.within)
    if not _SAYS.search(said) or not any(re.search(rf"\b{re.escape(m.old[0])}\b", said) for m in renames):
        return _normalized(bench, said) if _SAYS.search(said) else None
    for path in _files(bench, renames):
        code = parse(bench.text(path))
        if code is None or not bench.editable(path):
            continue
        text = _rewrite(bench, code, path, renames)
        if text is not None:
            words = " and ".join(f"`{m.was}` is now `{m.now}`" for m in renames)
            return Fix(
                texts=((path, text),),
                file=path,
                fields=tuple(m.was for m in renames),
                explanation=f"In {renames[0].dataset} {words}. The frame is read with the known name; data in the old form is left as it is.",
                summary=f"Read {renames[0].now} where {renames[0].was} is gone"[:100],
            )
    return None


def _normalized(bench: Bench, said: str) -> Fix | None:
    """``pd.json_normalize(records)`` names columns by their paths: those that moved get the known path."""
    for path in dict.fromkeys(path for path, _ in bench.own()):
        code = parse(bench.text(path))
        reads = (
            [n for n in ast.walk(code.tree) if isinstance(n, ast.Call) and _reader(n) == "json_normalize"]
            if code
            else []
        )
        if code is None or not bench.editable(path) or len(reads) != 1 or len(reads[0].args) != 1:
            continue
        sep = next((literal(k.value) for k in reads[0].keywords if k.arg == "sep"), ".")
        if sep is None or any(k.arg not in {"sep", "max_level"} for k in reads[0].keywords):
            continue
        paths = {now.replace(".", sep): was.replace(".", sep) for was, now in _leaves(bench)}
        if not any(re.search(rf"(?<![\w.]){re.escape(was)}(?![\w.])", said) for was in paths.values()):
            continue
        end = code.span(reads[0])[1]
        table = ", ".join(f'"{now}": "{was}"' for now, was in paths.items())
        text = code.splice([((end, end), f".rename(columns={{{table}}})")])
        if compiles(text):
            words = " and ".join(f"`{was}` is now at `{now}`" for now, was in paths.items())
            return Fix(
                texts=((path, text),),
                file=path,
                fields=tuple(paths.values()),
                explanation=f"In the landed records {words}. The frame gets the known columns; data in the old form is left as it is.",
                summary=f"Find {next(iter(paths.values()))} at its new place as well"[:100],
            )
    return None


def _leaves(bench: Bench) -> list[tuple[str, str]]:
    """The paths of plain fields that moved, those in a container that moved as well."""
    found: list[tuple[str, str]] = []
    for move in field_moves(bench):
        good = bench.good(move.dataset)
        inner = [f.path[len(move.was) :] for f in good.fields if f.path.startswith(move.was + ".")] if good else []
        found += [(move.was + rest, move.now + rest) for rest in (inner or [""])]
    return found


def _files(bench: Bench, renames: tuple[FieldMove, ...]) -> tuple[str, ...]:
    """The traceback's files; pandas' own first cause has none, then the one file that reads frames and names the column."""
    own = tuple(dict.fromkeys(path for path, _ in bench.own()))
    if own:
        return own
    near = tuple(
        p
        for p in bench.python_files()
        if "pandas" in (text := bench.text(p) or "") and any(m.old[0] in text for m in renames)
    )
    return near if len(near) == 1 else ()


def _rewrite(bench: Bench, code: Code, path: str, renames: tuple[FieldMove, ...]) -> str | None:
    reads = [n for n in ast.walk(code.tree) if isinstance(n, ast.Call) and _reader(n) in _READERS]
    scopes = {code.scope_at(f.line) for own, f in bench.own() if own == path}
    near = [n for n in reads if code.scope(n) in scopes] or reads
    if len(near) != 1:
        return None
    read = near[0]
    if any(k.arg in {"parse_dates", "index_col", "names"} and _holds(k.value, renames) for k in read.keywords):
        return None
    pieces: list[Piece] = []
    for keyword in read.keywords:
        if keyword.arg == "usecols" and _holds(keyword.value, renames):
            wanted = _wanted(code, keyword.value, renames)
            if wanted is None:
                return None
            pieces.append((code.span(keyword.value), wanted))
        if keyword.arg == "dtype" and isinstance(keyword.value, ast.Dict):
            pieces += _dtypes(code, keyword.value, renames)
    end = code.span(read)[1]
    table = ", ".join(f'"{m.new[0]}": "{m.old[0]}"' for m in renames)
    pieces.append(((end, end), f".rename(columns={{{table}}})"))
    text = code.splice(pieces)
    return text if compiles(text) else None


def _reader(node: ast.Call) -> str:
    return (
        node.func.attr
        if isinstance(node.func, ast.Attribute)
        else node.func.id
        if isinstance(node.func, ast.Name)
        else ""
    )


def _wanted(code: Code, value: ast.expr, renames: tuple[FieldMove, ...]) -> str | None:
    more = ", ".join(f'"{m.new[0]}"' for m in renames)
    if isinstance(value, (ast.List, ast.Tuple)):
        return f"lambda name: name in [{', '.join(code.source(e) for e in value.elts)}, {more}]"
    return f"lambda name: name in [*{code.source(value)}, {more}]" if isinstance(value, ast.Name) else None


def _dtypes(code: Code, table: ast.Dict, renames: tuple[FieldMove, ...]) -> list[Piece]:
    pieces: list[Piece] = []
    for key, value in zip(table.keys, table.values, strict=True):
        for move in renames:
            if key is not None and literal(key) == move.old[0]:
                end = code.span(value)[1]
                pieces.append(((end, end), f', "{move.new[0]}": {code.source(value)}'))
    return pieces


def _holds(node: ast.expr, renames: tuple[FieldMove, ...]) -> bool:
    return isinstance(node, ast.Name) or any(literal(part) in {m.old[0] for m in renames} for part in ast.walk(node))
