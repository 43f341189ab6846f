"""A delimited file without a header has new columns between the known ones → give rows the columns that the code knows.

For code that reads by position: ``for a, b, c in csv.reader(feed)``, ``row[2]``, ``line.split(";")``,
``csv.DictReader(feed, fieldnames=...)`` and ``pd.read_csv(feed, names=...)``. There are no names to go by, so
`column_places` compares the forms of the values. Rows that are as long as before pass as they are, so a file in the
old form reads as before.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from airflow_agentic.agents.fixers.csv_positions import is_reader
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.column_places import column_places
from airflow_agentic.agents.mending.parse_sites import Helper, call_site, helper, is_csv_reader, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, is_pure, literal
from airflow_agentic.records import DataShape

_CELLS = '''
def {name}(cells):
    """Return the cells that this code knows, also from lines in which the upstream has put others between them."""
    return [cells[place] for place in PLACES] if len(cells) == COUNT else cells
'''
_FRAME = '''
def {name}(frame, names):
    """Return the columns that this code knows, also of a file in which the upstream has put others between them."""
    frame = frame.iloc[:, list(PLACES)] if frame.shape[1] == COUNT else frame
    return frame.set_axis(list(names), axis=1)
'''
_PANDAS = {"sep", "delimiter", "header", "names", "encoding", "decimal", "thousands"}
"""What does not speak of columns by the names that they have not got yet."""


def fix(bench: Bench) -> Fix | None:
    """Return the one place that splits the lines, with its cells put where the code knows them."""
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        good, failing = bench.good(name), bench.failing(name)
        places = column_places(good, failing) if good and failing else None
        if places is None or good is None or failing is None:
            continue
        fresh = [field for place, field in enumerate(failing.fields) if place not in places]
        if any(field.units and field.distinct != 1 for field in fresh):
            return None  # Values in several units or currencies: no column to leave aside.
        found = _mended(bench, failing, places)
        if found is None or not compiles(found[1]):
            return None
        told = " and ".join(f.path for f in fresh)
        return Fix(
            texts=(found,),
            file=found[0],
            fields=tuple(f.path for f in fresh),
            summary=f"Leave new {told} aside"[:100],
            explanation=f"{name} has no header and {len(failing.fields)} columns where it had {len(good.fields)}: by the form of its values, new is {told}. Rows of that length get the columns that the code knows; others pass as they are.",
        )
    return None


def _mended(bench: Bench, failing: DataShape, places: tuple[int, ...]) -> tuple[str, str] | None:
    def is_named_reader(node: ast.Call, code: Code) -> bool:
        return is_csv_reader(node, code) and _names(node) is not None

    ways = (
        (is_reader, _rows, _CELLS),
        (is_named_reader, _named, _CELLS),
        (_is_frame_reader, _frame, _FRAME),
        (_splitter(failing), _line, _CELLS),
    )
    for wanted, wrap, source in ways:
        site = call_site(bench, failing.name, wanted)
        if site is not None:
            path, code, call = site
            text = source.replace("COUNT", str(len(failing.fields))).replace("PLACES", str(places))
            cells = helper(code, "known_columns" if wrap is _frame else "known_cells", text)
            made = wrap(code, call, cells)
            return (path, with_helper(code, [(code.span(call), made)], cells)) if made else None
    return None


def _rows(code: Code, call: ast.Call, cells: Helper) -> str:
    return f"({cells.name}(row) for row in {code.source(call)})"


def _line(code: Code, call: ast.Call, cells: Helper) -> str:
    return f"{cells.name}({code.source(call)})"


def _named(code: Code, call: ast.Call, cells: Helper) -> str:
    """A row that is a dict has lost its order already: it is made here from the cells."""
    names, reader = _names(call), code.source(call.func)
    rest = [code.source(k) for k in call.keywords if k.arg != "fieldnames"]
    known = all(k.arg in {"fieldnames", "delimiter", "quotechar", "dialect"} for k in call.keywords)
    if names is None or not is_pure(names) or not known or len(call.args) > 2 or reader != "csv.DictReader":
        return ""
    rows = ", ".join([code.source(call.args[0]), *rest])
    return f"(dict(zip({code.source(names)}, {cells.name}(row))) for row in csv.reader({rows}))"


def _is_frame_reader(node: ast.Call, code: Code) -> bool:
    """``pd.read_csv(path, header=None, names=NAMES)``."""
    return code.source(node.func) in {"pd.read_csv", "pandas.read_csv"} and any(k.arg == "names" for k in node.keywords)


def _frame(code: Code, call: ast.Call, cells: Helper) -> str:
    """Names that are fewer than the columns make pandas take the first columns for an index: they come afterwards."""
    names = next(k.value for k in call.keywords if k.arg == "names")
    rest = [code.source(k) for k in call.keywords if k.arg not in {"names", "header"}]
    if not is_pure(names) or not all(k.arg in _PANDAS for k in call.keywords) or len(call.args) != 1:
        return ""
    read = f"{code.source(call.func)}({', '.join([code.source(call.args[0]), *rest, 'header=None'])})"
    return f"{cells.name}({read}, {code.source(names)})"


def _names(call: ast.Call) -> ast.expr | None:
    if len(call.args) == 2:
        return call.args[1]
    return next((k.value for k in call.keywords if k.arg == "fieldnames"), None)


def _splitter(failing: DataShape) -> Callable[[ast.Call, Code], bool]:
    mark = next((form.removeprefix("delimiter ") for form in failing.form if form.startswith("delimiter ")), ",")

    def splits(node: ast.Call, _code: Code) -> bool:
        """``line.split(";")``"""
        one = isinstance(node.func, ast.Attribute) and node.func.attr == "split" and len(node.args) == 1
        return one and not node.keywords and literal(node.args[0]) == mark

    return splits
