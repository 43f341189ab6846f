"""A day's file is not where it was, and the landed data shows where that day's file is now → look there as well.

Certain means: the failure is the missing file itself, the landed data holds one file of that day under one other name,
with the same fields, and one call of the line that failed takes the path. Where the old place has a file it is read.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import Helper, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, fresh_name, literal, parse

TOLD = re.compile(r"^Landed file moved: (?P<old>[\w.@=+/{}-]+) → (?P<new>[\w.@=+/{}-]+)$")
"""Names are the upstream's choice and come into the code: nothing but these characters."""
_MISSING = re.compile(r"FileNotFoundError|No such file or directory|No files found", re.IGNORECASE)
_NOTHING = re.compile(
    r"list index out of range|StopIteration|is an empty sequence|No objects to concatenate|iterable argument is empty|not enough values"
)
_GLOBS = re.compile(r"(?:^|\.)r?i?glob$")
_OPENS = re.compile(r"(?:^|\.)(?:open|ZipFile|read_(?:csv|json|parquet|table|excel|xml|fwf|feather|ndjson))$")
_OF_PATH = {"open", "read_text", "read_bytes"}
_HELPER = '''
def {name}(path):
    """Return *path*, or the place where the upstream puts that day's file now."""
    known = PATTERN
    moved = PLACE
    return path if os.path.exists(path) else type(path)(re.sub(known, moved, str(path)))
'''
_NAMES = '''
def {name}(pattern):
    """Return the pattern with the day written as the upstream writes it in file names now."""
    known = PATTERN
    moved = PLACE
    return re.sub(known, moved, pattern)
'''
_PARTS = {"{Y}": r"\d{4}", "{m}": r"\d{2}", "{d}": r"\d{2}"}


def fix(bench: Bench) -> Fix | None:
    """Return the path of the call that failed, led to the new place where the old one is empty."""
    said = "\n".join(bench.messages)
    day = (bench.dossier.incident.logical_date or "")[:10]
    found = [match for item in bench.dossier.evidence if item.source == "landed" and (match := TOLD.match(item.title))]
    found = [match for match in found if not match["new"].endswith(".gz") or match["old"].endswith(".gz")]
    own = bench.own()
    code = parse(bench.text(own[0][0])) if own and bench.editable(own[0][0]) else None
    if code is None or not day:
        return None
    path, frame = own[0]
    if _MISSING.search(said):
        moved = [match for match in found if filled_in(match["old"], day) in said]
        text = _led(code, frame.line, moved[0]) if len(moved) == 1 else None
    else:
        moved = found if _NOTHING.search(said) else []
        text = _listed(code, frame.line, moved[0]) if len(moved) == 1 else None
    if text is None or ".." in moved[0]["new"] or not compiles(text):
        return None
    old, new = moved[0]["old"], moved[0]["new"]
    return Fix(
        texts=((path, text),),
        file=path,
        summary=f"Find the file at {new} as well"[:100],
        explanation=f"The upstream puts `{old}` at `{new}` now, with the same fields. The old place is looked at first.",
    )


def _led(code: Code, line: int, move: re.Match[str]) -> str | None:
    """Return the code that opens the new place where the old one is empty."""
    taken = _paths(code, line)
    if len(taken) != 1:
        return None
    text = _HELPER.replace("PATTERN", f'r"{_pattern(move["old"])}$"').replace("PLACE", f'r"{_place(move["new"])}"')
    known = Helper(name=fresh_name(code, "known_file"), text=text, imports=imports_of(code, "os", "re"))
    return with_helper(code, [(code.span(taken[0]), f"{known.name}({code.source(taken[0])})")], known)


def _listed(code: Code, line: int, move: re.Match[str]) -> str | None:
    """Return the code that lists files by the day's new form where the old one finds none; for a new form only."""
    (old, was), (new, now) = (_to_its_day(move[side].rpartition("/")[2]) for side in ("old", "new"))
    same_folder = move["old"].rpartition("/")[0] == move["new"].rpartition("/")[0]
    calls = [node for node in calls_at(code, line) if node.args and _GLOBS.search(code.source(node.func))]
    if not same_folder or was != now or len(calls) != 1:
        return None
    text = _NAMES.replace("PATTERN", f'r"{_pattern(old)}"').replace("PLACE", f'r"{_place(new)}"')
    known = Helper(name=fresh_name(code, "known_pattern"), text=text, imports=imports_of(code, "re"))
    (call,) = calls
    (at, end), whole = code.span(call.args[0]), code.span(call)
    again = f"{code.text[whole[0] : at]}{known.name}({code.text[at:end]}){code.text[end : whole[1]]}"
    return with_helper(code, [(whole, f"(list({code.source(call)}) or list({again}))")], known)


def _to_its_day(name: str) -> tuple[str, str]:
    """Return a name up to the end of its day, and what follows."""
    end = max(name.rfind(part) for part in _PARTS) + 3
    return name[:end], name[end:]


def imports_of(code: Code, *names: str) -> str:
    """Return the lines that import the modules that the file does not import yet."""
    return "\n".join(f"import {n}" for n in names if not re.search(rf"^import {n}$", code.text, re.MULTILINE))


def calls_at(code: Code, line: int) -> list[ast.Call]:
    """Return the calls that stand at a line, in the statement around it."""
    statement = code.statement_at(line)
    walked = ast.walk(statement) if statement else ()
    return [n for n in walked if isinstance(n, ast.Call) and n.lineno <= line <= (n.end_lineno or 0)]


def _paths(code: Code, line: int) -> list[ast.expr]:
    """Return the expressions of the statement at a line that are opened as files."""
    found: list[ast.expr] = []
    for node in calls_at(code, line):
        if node.args and _OPENS.search(code.source(node.func)) and literal(node.args[0]) is None:
            found.append(node.args[0])
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _OF_PATH:
            found.append(node.func.value)
    return found


def filled_in(form: str, day: str) -> str:
    """Return a spread name as it is on a day."""
    year, month, number = day.split("-")
    return form.replace("{Y}", year).replace("{m}", month).replace("{d}", number)


def _pattern(form: str) -> str:
    """Return the regular expression of the old place; a part that comes again is the same."""
    seen: set[str] = set()
    made = ""
    for piece in re.split(r"(\{[Ymd]\})", form):
        if piece not in _PARTS:
            made += re.escape(piece).replace(r"\-", "-")
            continue
        made += f"(?P={piece[1]})" if piece in seen else f"(?P<{piece[1]}>{_PARTS[piece]})"
        seen.add(piece)
    return made


def _place(form: str) -> str:
    return re.sub(r"\{([Ymd])\}", r"\\g<\1>", form)
