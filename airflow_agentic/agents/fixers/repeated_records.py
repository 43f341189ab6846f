"""Records come again, equal to the last byte, and a unique key refuses them → drop the repeats, as a document says.

Certain means: every record that repeats a key that was unique repeats all the rest as well, and a document of the
repository that speaks of this feed says that it delivers some more than once. Without such a word the repeats may be
the upstream's mistake, and records that differ under one key are still refused.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parse_sites import call_site, helper, is_delimited, parse_site, parsed, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, parse
from airflow_agentic.records import DataShape
from airflow_agentic.shape_changes import name_tokens

_FAILED = re.compile(r"uniq|duplic|more than one row|distinct|primary key|twice|repeated", re.IGNORECASE)
_TOLD = re.compile(
    r"at[ -]least[ -]once|re-?deliver|re-?sent\b|"
    r"(?:deliver|sen[dt]|com|publish|transmit|emit|arriv)\w* (?:\w+ )?(?:again|twice|more than once|repeatedly)|"
    r"(?:drop|ignor|skip|remov|discard)\w* (?:\w+ )?(?:repeat|duplicate|redeliver)\w*|"
    r"(?:repeat|duplicate)\w* (?:\w+ )?(?:are|may|can|must|should|will) (?:\w+ ){0,3}(?:expect|occur|drop|ignor|skip|happen|come)\w*|"
    r"de-?duplicat",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\bnever\b|\bnot\b|\bno longer\b|n't\b", re.IGNORECASE)
_ONCE = re.compile(r"exactly[ -]once|at[ -]most[ -]once", re.IGNORECASE)
_LIST = '''
def {name}(records):
    """Leave out records that come again unchanged, as PATH says some do."""
    return list({repr(record): record for record in records}.values())
'''
_TREE = '''
def {name}(value):
    """Leave out records that come again unchanged, as PATH says some do."""
    if isinstance(value, dict):
        return {key: {name}(item) for key, item in value.items()}
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value
    records = list(value)
    if not all(isinstance(r, dict) and "KEY" in r for r in records):
        return [{name}(item) for item in records]
    return list({repr(record): record for record in records}.values())
'''


def fix(bench: Bench) -> Fix | None:
    """Return the parse, or else the loop that stores the records, without the repeats."""
    said = " ".join([*bench.messages, *(e.task.task_id for e in bench.dossier.errors)])
    if not _FAILED.search(said):
        return None
    found = [
        (name, key, path)
        for name in dict.fromkeys(s.name for s in bench.dossier.shapes)
        for key, path in _keys(bench, name, said)
    ]
    if len(found) != 1:
        return None
    dataset, key, document = found[0]
    for changed in (_at_parse, _of_frame, _at_store):
        made = changed(bench, dataset, key, document)
        if made is not None and compiles(made[1]):
            return Fix(
                texts=(made,),
                file=made[0],
                fields=(key,),
                summary=f"Drop records that come again with the same {key}"[:100],
                explanation=f"In {dataset} some records come again, equal in every field, so `{key}` is no longer unique. `{document}` says that they do. The code drops such repeats; records that differ under one `{key}` are refused as before.",
            )
    return None


def _keys(bench: Bench, dataset: str, said: str) -> list[tuple[str, str]]:
    """Return the field that was unique and whose repeats are whole repeats, with the document that expects them."""
    good, failing = bench.good(dataset), bench.failing(dataset)
    if good is None or failing is None or not failing.repeats:
        return []
    unique = {f.path for f in good.fields if f.distinct == f.present == good.records > 1 and "." not in f.path}
    lost = [f.path for f in failing.fields if f.path in unique and f.present - (f.distinct or 0) == failing.repeats]
    documents = {p: text for p in bench.all_files() if re.fullmatch(r"[\w./ -]+", p) and (text := _document(bench, p))}
    named = [key for key in lost if _names(said, key)] or [
        key for key in lost if any(_names(text, key) for text in documents.values())
    ]
    telling = [p for p, text in documents.items() if named and _speaks_of(text, dataset, named[0]) and _expects(text)]
    return [(named[0], telling[0])] if len(named) == 1 and telling else []


def _document(bench: Bench, path: str) -> str:
    """Return what people wrote: a document, or what a Python file says at its head."""
    if path.lower().endswith((".md", ".rst", ".txt")):
        return bench.text(path) or ""
    code = parse(bench.text(path)) if path.endswith(".py") and bench.editable(path) else None
    return (ast.get_docstring(code.tree) or "") if code else ""


def _names(text: str, key: str) -> bool:
    return bool(re.search(rf"(?<![A-Za-z0-9_]){re.escape(key)}(?![A-Za-z0-9_])", text))


def _speaks_of(text: str, dataset: str, key: str) -> bool:
    words = {w.rstrip("s") for w in name_tokens(re.sub(r"\{[^}]*\}|\.\w+$|\(.*", " ", dataset)) if len(w) > 2}
    return _names(text, key) or bool(words & {w.rstrip("s") for w in name_tokens(text)})


def _expects(text: str) -> bool:
    """Say whether a sentence tells that records come again, and none of these denies it."""
    plain = re.sub(r"[*_`]{1,2}(?=\w)|(?<=\w)[*_`]{1,2}", "", text)
    told = [(s, m) for s in re.split(r"(?<=[.!?])\s+|\n\s*\n", plain) if (m := _TOLD.search(s))]
    denied = any(_DENIED.search(s[max(0, m.start() - 25) : m.end()]) for s, m in told)
    return bool(told) and not denied and not _ONCE.search(plain)


def _at_parse(bench: Bench, dataset: str, key: str, document: str) -> tuple[str, str] | None:
    site = parse_site(bench, dataset)
    if site is None:
        return None
    path, code, call = site
    around = code.parents.get(call)
    lines = bool(re.search(r"\.(?:jsonl|ndjson)\b", dataset)) or _is_lines(bench.failing(dataset))
    if isinstance(around, (ast.ListComp, ast.GeneratorExp)) and around.elt is call:
        source = code.source(around)
        given = source if isinstance(around, ast.ListComp) else source[1:-1] if source.startswith("(") else source
        return path, _wrapped(code, around, given, _LIST, key, document)
    if lines and code.source(call.func) != "map":
        return None
    return path, _wrapped(code, call, parsed(code, call), _LIST if is_delimited(dataset) else _TREE, key, document)


def _of_frame(bench: Bench, dataset: str, _key: str, _document: str) -> tuple[str, str] | None:
    """``pd.read_csv(...)``: a frame drops its repeats itself, where all cells can be compared."""
    shape = bench.failing(dataset)
    if shape is None or any({"object", "array"} & set(f.types) for f in shape.fields):
        return None
    site = call_site(bench, dataset, _is_frame_reader)
    if site is None or any(isinstance(site[1].parents.get(site[2]), kind) for kind in (ast.For, ast.Attribute)):
        return None
    path, code, call = site
    return path, code.splice([(code.span(call), f"{code.source(call)}.drop_duplicates()")])


def _is_frame_reader(node: ast.Call, code: Code) -> bool:
    return bool(re.fullmatch(r"(?:pd|pandas)\.read_(?:csv|json|parquet|table)", code.source(node.func))) and not any(
        k.arg in {"chunksize", "iterator"} for k in node.keywords
    )


def _at_store(bench: Bench, _dataset: str, key: str, document: str) -> tuple[str, str] | None:
    """The loop around the line that was refused, or the records that ``executemany`` was given."""
    for path, frame in bench.own()[:1]:
        code = parse(bench.text(path)) if bench.editable(path) else None
        scope = code.scope_at(frame.line) if code else None
        if code is None or scope is None:
            continue
        held = [
            n for n in ast.walk(scope) if getattr(n, "lineno", 0) <= frame.line <= (getattr(n, "end_lineno", 0) or 0)
        ]
        loops = [n.iter for n in held if isinstance(n, ast.For)]
        many = [
            n.args[1]
            for n in held
            if isinstance(n, ast.Call) and code.source(n.func).endswith(".executemany") and len(n.args) == 2
        ]
        wanted = many or loops[-1:]
        if len(wanted) == 1 and isinstance(wanted[0], (ast.Name, ast.Call, ast.ListComp, ast.Attribute)):
            return path, _wrapped(code, wanted[0], code.source(wanted[0]), _LIST, key, document)
    return None


def _is_lines(shape: DataShape | None) -> bool:
    return shape is not None and "json lines" in shape.form


def _wrapped(code: Code, node: ast.expr, given: str, source: str, key: str, document: str) -> str:
    once = helper(code, "without_repeats", source.replace("PATH", document).replace("KEY", key))
    return with_helper(code, [(code.span(node), f"{once.name}({given})")], once)
