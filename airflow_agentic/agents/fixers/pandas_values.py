"""A column of a pandas frame is written in a new form → parse the forms that are known, as a column.

``pd.to_datetime(..., format=...)``, ``frame["amount"].astype(float)``, and numbers with commas between thousands that
`read_csv` took for text.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.frame_columns import stripped
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.number_style import NumberStyle, number_style
from airflow_agentic.agents.mending.parse_sites import helper, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, literal, parse, step
from airflow_agentic.agents.mending.time_forms import of_value

_NO_MATCH = re.compile(
    r"time data ['\"](?P<value>[^'\"]{4,60})['\"] (?:does not|doesn't) match format ['\"](?P<format>[^'\"]+)['\"]"
)
_REMAINS = re.compile(r"unconverted data remains when parsing with format \"(?P<format>[^\"]+)\": \"(?P<rest>[^\"]+)\"")
_SAYS = re.compile(
    r"could not convert string to float|Unable to parse string|unsupported operand type|invalid literal for int|can't multiply|concatenate str|No matching signature|could not convert"
)
_TIMES = '''
def {name}(values):
    """Parse a column of times in any of the forms that the upstream has used."""
    for form in (FORMS):
        try:
            return PARSE(values, format=form)
        except ValueError:
            continue
    raise ValueError("the times have none of the known forms")
'''
_NUMBERS = '''
def {name}(values):
    """Return a column of numbers, or of text with WORDS, as text that pandas reads as numbers."""
    return values.astype(str)STRIPPED
'''


def fix(bench: Bench) -> Fix | None:
    """Return the change of the one place that parses the column."""
    if bench.error is None or not any("/pandas/" in frame.path for frame in bench.error.frames):
        return None
    said = " ".join(bench.messages)
    for path, frame in bench.own()[:2]:
        code = parse(bench.text(path))
        if code is None or not bench.editable(path):
            continue
        text = _times(bench, code, said) or (_numbers(bench, code, frame.line) if _SAYS.search(said) else None)
        if text is not None and compiles(text):
            fields = tuple(c.path for c in bench.changes() if c.kind in {"retyped", "reformatted"})
            return Fix(
                texts=((path, text),),
                file=path,
                fields=fields,
                summary="Parse the column in its new form as well",
                explanation="A column of the landed data is written in a new form. The code parses the known forms; the old one gives the same as before.",
            )
    return None


def _times(bench: Bench, code: Code, said: str) -> str | None:
    match, remains = _NO_MATCH.search(said), _REMAINS.search(said)
    if match is None and remains is None:
        return None
    form = (match or remains)["format"]  # type: ignore[index]
    new = of_value(match["value"], bench.dossier.incident.logical_date) if match else ()
    calls = [
        n
        for n in ast.walk(code.tree)
        if isinstance(n, ast.Call)
        and code.source(n.func).endswith("to_datetime")
        and len(n.args) == 1
        and [k.arg for k in n.keywords] == ["format"]
        and literal(n.keywords[0].value) == form
    ]
    if not new or not calls or any("%z" in f for f in new):
        return None
    forms = ", ".join(f'"{f}"' for f in (form, *new))
    times = helper(code, "parse_times", _TIMES.replace("FORMS", forms).replace("PARSE", code.source(calls[0].func)))
    return with_helper(code, [(code.span(n), f"{times.name}({code.source(n.args[0])})") for n in calls], times)


def _numbers(bench: Bench, code: Code, line: int) -> str | None:
    styles: dict[str, NumberStyle] = {}
    for change in bench.changes():
        shape = bench.failing(change.dataset)
        field = next((f for f in shape.fields if f.path == change.path), None) if shape else None
        style = number_style(field.formats) if field and change.kind == "retyped" and "string" in field.types else None
        if style is not None:
            styles[change.path] = style
    if len(styles) != 1:
        return None
    column, style = next(iter(styles.items()))
    reads = [
        n.func.value
        for n in ast.walk(code.tree)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr == "astype"
        and (found := step(n.func.value)) is not None
        and found.key == column
    ]
    if len(reads) == 1:
        numbers = helper(
            code, "plain_numbers", _NUMBERS.replace("WORDS", style.words()).replace("STRIPPED", stripped(style))
        )
        return with_helper(code, [(code.span(reads[0]), f"{numbers.name}({code.source(reads[0])})")], numbers)
    frames = [n for n in ast.walk(code.tree) if isinstance(n, ast.Call) and code.source(n.func).endswith("read_csv")]
    plain = style.group == "," and not style.sign and not style.decimal
    if (
        reads
        or len(frames) != 1
        or not plain
        or any(k.arg in {"dtype", "converters", "thousands", None} for k in frames[0].keywords)
    ):
        return None
    end = code.span(frames[0])[1] - 1
    comma = "" if code.text[:end].rstrip().endswith(",") else ", "
    return code.splice([((end, end), f'{comma}thousands=","')])
