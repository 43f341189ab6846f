"""Records come with more fields than before, and the code refuses them → take the fields that it knows.

``Order(**row)`` of a class of this repository, a `csv.DictWriter`, ``insert into t select *``, ``tuple(row.values())``. Certain means: the
landed data has new fields, lost none, and the refusal speaks of a new one or of their number.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.column_places import NO_HEADER, column_places
from airflow_agentic.agents.mending.parse_sites import helper, is_delimited, parse_site, parsed, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, is_pure, parse
from airflow_agentic.records import DataShape

_KEYWORD = re.compile(r"(?P<owner>\w+)(?:\.__init__|\.__new__)?\(\) got an unexpected keyword argument '(?P<key>\w+)'")
_FIELDNAMES = re.compile(r"dict contains fields not in fieldnames: (?P<keys>.+)$")
_UNPACK = re.compile(r"too many values to unpack \(expected (?P<want>\d+)")
_COUNT = re.compile(r"[Tt]able \"?(?P<table>\w+)\"? has (?P<want>\d+) columns but (?P<got>\d+) values were supplied")
_BY_ORDER = (
    _COUNT,
    re.compile(r"too many values to unpack \(expected (?P<some>\d+)"),
    re.compile(
        r"Incorrect number of bindings supplied\. The current statement uses (?P<want>\d+), and there are (?P<got>\d+)"
    ),
    re.compile(r"takes (?:from \d+ to )?(?P<want>\d+) positional arguments but (?P<got>\d+) were given"),
    re.compile(r"(?P<want>\d+) columns passed, passed data had (?P<got>\d+) columns"),
    re.compile(
        r"INSERT has more expressions than target columns|Column count doesn't match value count", re.IGNORECASE
    ),
    re.compile(r"not all arguments converted during string formatting"),
)
"""Refusals of rows that are longer than what takes them."""
_RECORDS = '''
def {name}(value):
    """Leave out what the upstream has added to its records; the known fields keep their order."""
    if isinstance(value, list):
        return [{name}(item) for item in value]
    if not isinstance(value, dict):
        return value
    known = FIELDS
    if ALWAYS <= value.keys():
        return {key: value[key] for key in known if key in value}
    return {key: {name}(item) for key, item in value.items()}
'''
_ROWS = '''
def {name}(rows):
    """Leave out the columns that the upstream has added; the known ones keep their order."""
    known = FIELDS
    for row in rows:
        yield {key: row[key] for key in known} if row.keys() > set(known) else row
'''
_CELLS = '''
def {name}(cells):
    """Return the cells that this code knows, also from lines in which the upstream has added some."""
    return [cells[place] for place in (PLACES,)] if len(cells) == COUNT else cells
'''


def fix(bench: Bench) -> Fix | None:
    """Return the change of the one place that refuses the new fields."""
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        good, failing = bench.good(name), bench.failing(name)
        if good is None or failing is None:
            continue
        known, now = _top(good), _top(failing)
        added = [f for f in now if f not in known]
        if not added or not set(known) <= set(now):
            continue
        if NO_HEADER in good.form and column_places(good, failing) != tuple(range(len(known))):
            continue
        for message in bench.messages:
            found = _changed(bench, message, known, added, now)
            found = found or _at_parse(bench, name, message, known, added)
            if found is not None:
                return Fix(
                    texts=((found[0], found[1]),),
                    file=found[0],
                    fields=tuple(added),
                    summary=f"Leave new field {added[0]} aside"[:100],
                    explanation=f"{name} now has {', '.join(f'`{f}`' for f in added[:5])} as well. The code takes the fields that it knows.",
                )
    return None


def _at_parse(bench: Bench, name: str, message: str, known: list[str], added: list[str]) -> tuple[str, str] | None:
    """Values are taken by their order: records get the fields of before, in their order, where they are parsed."""
    told = next((m for p in _BY_ORDER if (m := p.search(message))), None)
    good = bench.good(name)
    if told is None or good is None:
        return None
    told_numbers = told.groupdict()
    if told_numbers.get("want") and int(told_numbers["got"]) - int(told_numbers["want"]) != len(added):
        return None
    site = parse_site(bench, name)
    always = [f for f in known if any(s.path == f and s.present == good.records for s in good.fields)]
    if any(set(always) <= set(_top(s)) for s in bench.dossier.shapes if s.name not in bench.family(name)):
        return None
    if site is None or not always or any(re.search(r"[\"\\]", field) for field in known):
        return None
    path, code, call = site
    source = _ROWS if is_delimited(name) else _RECORDS
    source = source.replace("FIELDS", _listed(known)).replace(
        "ALWAYS", "set(known)" if always == known else "{" + _listed(always)[1:-1].rstrip(",") + "}"
    )
    fields = helper(code, "known_fields", source)
    text = with_helper(code, [(code.span(call), f"{fields.name}({parsed(code, call)})")], fields)
    return (path, text) if compiles(text) else None


def _listed(names: list[str]) -> str:
    return "(" + ", ".join(f'"{n}"' for n in names) + ("," if len(names) == 1 else "") + ")"


def _top(shape: DataShape) -> list[str]:
    return list(dict.fromkeys(f.path.split(".")[0].split("[")[0] for f in shape.fields))


def _changed(bench: Bench, message: str, known: list[str], added: list[str], now: list[str]) -> tuple[str, str] | None:
    keyword, names, count = _KEYWORD.search(message), _FIELDNAMES.search(message), _COUNT.search(message)
    unpack = _UNPACK.search(message)
    for path, frame in bench.own()[:2]:
        code = parse(bench.text(path))
        if code is None or not bench.editable(path):
            continue
        text: str | None = None
        if keyword and keyword["key"] in added:
            text = _unpacked(bench, code, frame.line, keyword["owner"], known)
        elif names and set(re.findall(r"'([^']+)'", names["keys"])) <= set(added):
            text = _writer(code, frame.line)
        elif count and int(count["want"]) == len(known) and int(count["got"]) == len(known) + len(added):
            text = _starred(code, count["table"], known)
        elif unpack and int(unpack["want"]) == len(known):
            at_end = now[: len(known)] == known
            text = (_loop(code, frame.line, len(known)) if at_end else None) or _cells(code, frame.line, known, now)
        if text is not None and compiles(text):
            return path, text
    return None


def _unpacked(bench: Bench, code: Code, line: int, owner: str, known: list[str]) -> str | None:
    unpacked = [
        k.value
        for node in ast.walk(code.scope_at(line))
        if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or 0)
        for k in node.keywords
        if k.arg is None
    ]
    calls = [
        n
        for n in ast.walk(code.scope_at(line))
        if isinstance(n, ast.Call) and any(k.value in unpacked for k in n.keywords)
    ]
    if len(unpacked) != 1 or len(calls) != 1 or not is_pure(unpacked[0]):
        return None
    called = code.source(calls[0].func)
    kind = _kind(bench, owner)
    fields = f"{called}.__dataclass_fields__" if kind == "dataclass" else f"{called}._fields" if kind == "tuple" else ""
    if called.rsplit(".", 1)[-1] != owner or not fields:
        fields = repr(set(known)) if len(known) < 2 else "{" + ", ".join(f'"{k}"' for k in known) + "}"
    source = code.source(unpacked[0])
    return code.splice(
        [(code.span(unpacked[0]), f"{{name: value for name, value in {source}.items() if name in {fields}}}")]
    )


def _kind(bench: Bench, owner: str) -> str:
    for path in bench.python_files():
        text = bench.text(path) or ""
        if re.search(rf"@(?:\w+\.)?dataclass[^\n]*\n(?:@[^\n]*\n)*class {owner}\b", text):
            return "dataclass"
        if re.search(rf"class {owner}\([^)]*NamedTuple|^{owner} = (?:\w+\.)?namedtuple\(", text, re.MULTILINE):
            return "tuple"
    return ""


def _writer(code: Code, line: int) -> str | None:
    calls = [
        n
        for n in ast.walk(code.tree)
        if isinstance(n, ast.Call)
        and code.source(n.func).rsplit(".", 1)[-1] == "DictWriter"
        and code.scope(n) is code.scope_at(line)
    ]
    if len(calls) != 1 or any(k.arg == "extrasaction" for k in calls[0].keywords):
        return None
    end = code.span(calls[0])[1] - 1
    comma = "" if code.text[:end].rstrip().endswith(",") else ", "
    return code.splice([((end, end), f'{comma}extrasaction="ignore"')])


def _loop(code: Code, line: int, count: int) -> str | None:
    """``for a, b in lines``: what comes behind is left."""
    targets = [
        n.target
        for n in ast.walk(code.scope_at(line))
        if isinstance(n, (ast.For, ast.comprehension)) and n.target.lineno <= line <= (n.target.end_lineno or 0)
    ]
    found = [
        t
        for t in targets
        if isinstance(t, ast.Tuple) and len(t.elts) == count and not any(isinstance(e, ast.Starred) for e in t.elts)
    ]
    if len(found) != 1:
        return None
    end = code.span(found[0].elts[-1])[1]
    return code.splice([((end, end), ", *_")])


def _cells(code: Code, line: int, known: list[str], now: list[str]) -> str | None:
    """``a, b, c = line.split(";")``: the cells that the code knows, by their place in the header."""
    found = [
        n
        for n in ast.walk(code.scope_at(line))
        if isinstance(n, ast.Assign)
        and n.lineno <= line <= (n.end_lineno or 0)
        and isinstance(n.targets[0], (ast.Tuple, ast.List))
        and len(n.targets[0].elts) == len(known)
        and not any(isinstance(e, ast.Starred) for e in n.targets[0].elts)
        and re.search(r"\.split\([^()]*\)$", code.source(n.value))
    ]
    if len(found) != 1:
        return None
    places = ", ".join(str(now.index(name)) for name in known)
    cells = helper(code, "known_cells", _CELLS.replace("COUNT", str(len(now))).replace("PLACES", places))
    value = found[0].value
    return with_helper(code, [(code.span(value), f"{cells.name}({code.source(value)})")], cells)


def _starred(code: Code, table: str, known: list[str]) -> str | None:
    """``insert into t select * from ...``: the columns of before, in their order."""
    if not all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in known):
        return None
    star = re.compile(rf"(insert\s+(?:or\s+\w+\s+)?into\s+{re.escape(table)}\s+select\s+)\*", re.IGNORECASE)
    return star.sub(lambda m: m[1] + ", ".join(known), code.text) if len(star.findall(code.text)) == 1 else None
