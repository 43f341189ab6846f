"""Columns of a pandas frame come in another type or writing → give them their old one right where the frame is read.

For arithmetic on columns, joins on keys and sums, where no call converts the column. Certain means: the landed data
shows one way to read the new form, the failure is one that such a column gives, and one call makes the frame.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.number_style import NumberStyle, number_style
from airflow_agentic.agents.mending.parse_sites import helper, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, literal, parse
from airflow_agentic.records import FieldShape

_READERS = {
    "read_csv",
    "read_json",
    "read_table",
    "read_excel",
    "read_parquet",
    "DataFrame",
    "json_normalize",
    "from_records",
}
_SAYS = re.compile(
    r"could not convert string to float|Unable to parse string|unsupported operand type|can't multiply|trying to merge on|does not support operation|"
    r"invalid literal for int|must be str|not supported between|Cannot perform|cannot perform|agg function failed|incompatible merge",
    re.IGNORECASE,
)
_NUMBERS = {"integer", "number"}
_COLUMNS = '''
def {name}(frame):
    """Give columns the form that this code knows, whichever the upstream writes."""
LINES
    return frame
'''


def fix(bench: Bench) -> Fix | None:
    """Return the call that reads the frame, wrapped."""
    if bench.error is None or not any(_SAYS.search(message) for message in bench.messages):
        return None
    lines = {
        c.path: line
        for c in bench.changes()
        if c.kind in {"retyped", "reformatted"} and (line := _line(bench, c.dataset, c.path))
    }
    for path in dict.fromkeys(path for path, _ in bench.own()):
        code = parse(bench.text(path))
        site = _site(code, lines) if code is not None and lines and _is_frames(bench, code, path) else None
        if code is None or site is None:
            continue
        pandas = code.source(site.func).rsplit(".", 1)[0].removesuffix(".DataFrame")
        body = "\n".join(lines.values()).replace("PANDAS", pandas)
        known = helper(code, "known_columns", _COLUMNS.replace("LINES", body))
        text = with_helper(code, [(code.span(site), f"{known.name}({code.source(site)})")], known)
        if compiles(text):
            named = " and ".join(f"`{column}`" for column in lines)
            return Fix(
                texts=((path, text),),
                file=path,
                fields=tuple(lines),
                summary=f"Read {next(iter(lines))} in its new form as well"[:100],
                explanation=f"In the landed data {named} came in another form. The frame gets it in the known one where it is read; data in the old form is left as it is.",
            )
    return None


def _is_frames(bench: Bench, code: Code, path: str) -> bool:
    """Pandas need not be in the traceback: a number times a text is a longer text to it, and no error."""
    return bench.editable(path) and bool(re.search(r"^\s*import pandas\b", code.text, re.MULTILINE))


def _line(bench: Bench, dataset: str, column: str) -> str | None:
    """The lines that give one column its old form; None where there is no one way."""
    good, bad = (
        next((f for f in shape.fields if f.path == column), None) if shape else None
        for shape in (bench.good(dataset), bench.failing(dataset))
    )
    if good is None or bad is None or "[" in column or '"' in column:
        return None
    was, now = set(good.types) - {"null"}, set(bad.types) - {"null"}
    if was <= _NUMBERS and now <= {"string", *_NUMBERS} and "string" in now:
        style = number_style(bad.formats, whole=was == {"integer"})
        text = stripped(style) if style is not None and _is_sure(bad, style) else None
        if text is None:
            return None
        value = f'frame["{column}"].astype(str){text}'
        return f'    if not PANDAS.api.types.is_numeric_dtype(frame["{column}"]):\n        frame["{column}"] = PANDAS.to_numeric({value})'
    if (
        was == {"string"}
        and now == {"integer"}
        and not bad.nulls
        and set("".join(good.formats)) == {"9"}
        and len(good.formats) == 1
    ):
        value = f'frame["{column}"].astype(str).str.zfill({len(good.formats[0])})'
        return f'    if PANDAS.api.types.is_numeric_dtype(frame["{column}"]):\n        frame["{column}"] = {value}'
    return None


def _is_sure(bad: FieldShape, style: NumberStyle) -> bool:
    """Plain digits need no style; text with a leading nought is a code and no number."""
    return bool(style.group or style.decimal or style.sign) or all(
        re.fullmatch(r"-?9+\+?(\.9+\+?)?", f) for f in bad.formats
    )


def stripped(style: NumberStyle) -> str:
    """Return the calls on a column of text that write its numbers as pandas reads them."""
    text = f'.str.strip("{style.sign} \\u00a0")' if style.sign else ""
    text += f'.str.replace("{style.group}", "", regex=False)' if style.group and style.group != "." else ""
    if style.decimal and style.group == ".":
        return text + r'.str.replace(r"\.(?=\d{3}(\D|$))", "", regex=True).str.replace(",", ".", regex=False)'
    return text + ('.str.replace(",", ".", regex=False)' if style.decimal else "")


def _site(code: Code, lines: dict[str, str]) -> ast.Call | None:
    """The one call that makes a frame of landed data; tables written into the code are none."""
    found = [
        n
        for n in ast.walk(code.tree)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr in _READERS
        and n.args
        and not isinstance(n.args[0], (ast.Dict, ast.List))
        and not any(
            k.arg in {None, "converters", "thousands", "decimal", "chunksize", "iterator"}
            or (k.arg == "dtype" and _names(k.value, lines))
            for k in n.keywords
        )
    ]
    return found[0] if len(found) == 1 else None


def _names(node: ast.expr, lines: dict[str, str]) -> bool:
    return not isinstance(node, ast.Dict) or any(literal(key) in lines for key in node.keys if key is not None)
