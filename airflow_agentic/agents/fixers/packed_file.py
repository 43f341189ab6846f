"""A day's file now comes packed with gzip beside where it was (``orders.csv`` → ``orders.csv.gz``) → open either.

Certain means: the failure is the missing file itself, the landed data holds it under that name and ``.gz`` with the
same fields, and one call of the line that failed opens it. Where the plain file lies it is read as before.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.moved_file import TOLD, calls_at, filled_in, imports_of
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import Helper, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, fresh_name, literal, parse

_OPENER = '''
def {name}(path, mode="rt", **how):
    """Open a file of the upstream as it is or, where it comes packed, its gzip."""
    return open(path, mode, **how) if os.path.exists(path) else gzip.open(f"{path}.gz", mode, **how)
'''
_PATH = '''
def {name}(path):
    """Return the path of a file of the upstream, or of its gzip where it comes packed."""
    return path if os.path.exists(path) else type(path)(f"{path}.gz")
'''
_MODES = {"": "", "r": "", "rt": "", "rb": '"rb"'}
FRAMES = re.compile(r"(?:^|\.)(?:read|scan)_(?:csv|json|table|ndjson)(?:_auto)?$")
"""These see from the name that a file is packed."""


def fix(bench: Bench) -> Fix | None:
    """Return the call that failed, opening either file."""
    said = "\n".join(bench.messages)
    day = (bench.dossier.incident.logical_date or "")[:10]
    told = [m for item in bench.dossier.evidence if item.source == "landed" and (m := TOLD.match(item.title))]
    packed = [m["old"] for m in told if m["new"] == f"{m['old']}.gz"]
    if not day or not any(filled_in(old, day) in said for old in packed):
        return None
    for path, frame in bench.own()[:1]:
        code = parse(bench.text(path)) if bench.editable(path) else None
        text = _either(code, frame.line) if code else None
        if text is not None and compiles(text):
            return Fix(
                texts=((path, text),),
                file=path,
                summary="Read the file packed with gzip as well",
                explanation=f"The upstream sends `{packed[0]}` packed, as `{packed[0]}.gz`, with the same fields. The plain file is read where it lies.",
            )
    return None


def _either(code: Code, line: int) -> str | None:
    calls = calls_at(code, line)
    frames = [c for c in calls if c.args and FRAMES.search(code.source(c.func))]
    if len(frames) == 1 and literal(frames[0].args[0]) is None:
        known = Helper(name=fresh_name(code, "known_file"), text=_PATH, imports=imports_of(code, "os"))
        return with_helper(
            code, [(code.span(frames[0].args[0]), f"{known.name}({code.source(frames[0].args[0])})")], known
        )
    opened = [(call, made) for call in calls if (made := opening(code, call)) is not None]
    if len(opened) != 1 or frames:
        return None
    known = Helper(name=fresh_name(code, "open_file"), text=_OPENER, imports=imports_of(code, "gzip", "os"))
    call, (given, read) = opened[0]
    return with_helper(code, [(code.span(call), f"{known.name}({given}){read}")], known)


def opening(code: Code, call: ast.Call) -> tuple[str, str] | None:
    """Return what the opener is given instead of a call's arguments, and what is read of it at once; None for no opening."""
    named, dotted = isinstance(call.func, ast.Name), isinstance(call.func, ast.Attribute)
    what = call.func.id if isinstance(call.func, ast.Name) else call.func.attr if dotted else ""  # type: ignore[attr-defined]
    if what not in {"open", "read_text", "read_bytes"} or (named and (what != "open" or not call.args)):
        return None
    if dotted and isinstance(call.func.value, ast.Name) and call.func.value.id in {"gzip", "os", "io", "codecs"}:  # type: ignore[attr-defined]
        return None
    path = code.source(call.args[0] if named else call.func.value)  # type: ignore[attr-defined]
    keywords = [code.source(k) for k in call.keywords if k.arg != "mode"]
    if what != "open":
        mode = '"rb"' if what == "read_bytes" else ""
        return None if call.args else (", ".join(filter(None, [path, mode, *keywords])), ".read()")
    rest = call.args[1:] if named else call.args
    modes = [literal(a) for a in rest[:1]] + [literal(k.value) for k in call.keywords if k.arg == "mode"]
    if len(rest) > 1 or any(mode not in _MODES for mode in modes):
        return None
    return ", ".join(filter(None, [path, *(_MODES[m or ""] for m in modes), *keywords])), ""
