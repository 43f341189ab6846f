"""Records leave out what is 0, false or an empty text, as proto3 JSON does → put it back where they are parsed.

Certain means: fields that had their default before never have it now and are left out instead, and a ``.proto`` of the
repository says the defaults; without one there are two such fields or more, and no other that lacks. A text that never
was empty is put back only where it is left out now. Never for a field that is gone while a new one came, and never for
one that may be absent in its own right (``optional``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.conversions import NUMBERS
from airflow_agentic.agents.mending.parse_sites import Helper, is_delimited, near_files, parse_site, parsed, with_helper
from airflow_agentic.agents.mending.proto_messages import proto_messages
from airflow_agentic.agents.mending.record_walk import of_each_record
from airflow_agentic.agents.mending.syntax import compiles, fresh_name, parse
from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shape_changes import name_tokens

_SAYS = re.compile(r"KeyError|has no attribute|missing \d+ required|NoneType|None|NaN|Field required|\bnull\b", re.I)
_WORD = re.compile(r"[A-Za-z_]\w*")
LEAST = 2
"""Fields that are left out, before it is a rule of the upstream though no document says so."""
_PUT_BACK = of_each_record(
    "Put back what the upstream leaves out of its records where it is WORDS.",
    """
    if REQUIRED <= value.keys():
        value = {LEFT_OUT, **value}
""",
)
_IN_ORDER = """
        value = {**{key: value[key] for key in KNOWN if key in value}, **value}"""
"""For code that takes values by their order."""


def fix(bench: Bench) -> Fix | None:
    """Return the call that parses the records, wrapped, or the model that takes their text, with defaults."""
    said = "\n".join((*bench.messages, *(frame.code for _, frame in bench.own())))
    if not _SAYS.search(said):
        return None
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        good, failing = bench.good(name), bench.failing(name)
        if good is None or failing is None or is_delimited(name):
            continue
        absent = _absent(good, failing)
        defaults, document = _defaults(bench, good, failing, absent) if absent else ({}, False)
        if not defaults or not _is_told(said, defaults):
            continue
        by_model = _in_model(bench, defaults, absent) if parse_site(bench, name) is None else None
        found = by_model or _put_back(bench, (good, failing), absent, defaults)
        if found is None or not compiles(found[1]):
            return None
        why = (
            "a .proto of the repository says their defaults"
            if document
            else "they had their defaults before, and nowhere have them now"
        )
        return Fix(
            texts=(found,),
            file=found[0],
            fields=tuple(f.path for f in absent),
            summary="Put back fields that are left out at their default",
            explanation=f"{name} leaves out {', '.join(f'`{f.path}`' for f in absent[:5])} in some records; {why}. They are put back where the records are made; records that have them stay as they are.",
        )
    return None


def _put_back(
    bench: Bench, shapes: tuple[DataShape, DataShape], absent: list[FieldShape], defaults: dict[str, str]
) -> tuple[str, str] | None:
    good, failing = shapes
    site, required = parse_site(bench, failing.name), _required(good, failing, absent)
    if site is None or not required:
        return None
    path, code, call = site
    known = [f.path for f in good.fields if "." not in f.path and "[" not in f.path]
    put = {field: default for field, default in defaults.items() if field not in required}
    by_order = any(".values()" in (bench.text(near) or "") for near in near_files(bench))
    source = _PUT_BACK.replace("**value}", "**value}" + _IN_ORDER) if by_order else _PUT_BACK
    source = source.replace("WORDS", " or ".join(dict.fromkeys(map(_word, put.values()))))
    source = source.replace("REQUIRED", "{" + _quoted(required) + "}").replace("KNOWN", f"({_quoted(known)},)")
    source = source.replace("LEFT_OUT", ", ".join(f'"{k}": {v}' for k, v in put.items()))
    helper = Helper(name=fresh_name(code, "with_defaults"), text=source)
    return path, with_helper(code, [(code.span(call), f"{helper.name}({parsed(code, call)})")], helper)


def _in_model(bench: Bench, defaults: dict[str, str], absent: list[FieldShape]) -> tuple[str, str] | None:
    """The one pydantic model that requires all of the fields has their defaults: its text is parsed by nobody else."""
    gone, found = {f.path for f in absent}, []
    for path in near_files(bench):
        code = parse(bench.text(path)) if bench.editable(path) else None
        for model in ast.walk(code.tree) if code and "pydantic" in code.text else ():
            fields = {
                node.target.id: node
                for node in (model.body if isinstance(model, ast.ClassDef) and model.bases else ())
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is None
            }
            if code and gone <= set(fields):
                ends = {name: (code.span(node)[1],) * 2 for name, node in fields.items() if name in gone}
                found.append((path, code.splice((end, f" = {defaults[name]}") for name, end in ends.items())))
    return found[0] if len(found) == 1 else None


def _absent(good: DataShape, failing: DataShape) -> list[FieldShape]:
    """Return the fields that every record had and some lack now; none where fields have come or may have moved."""
    top = [f for f in good.fields if "." not in f.path and "[" not in f.path]
    now = {f.path: f for f in failing.fields}
    if not all(_WORD.fullmatch(f.path) for f in top) or {p for p in now if "." not in p and "[" not in p} - {
        f.path for f in top
    }:
        return []
    lacking = [f for f in top if (now[f.path].present if f.path in now else 0) < failing.records]
    whole = all(f.present == good.records and not f.nulls for f in lacking)
    return lacking if whole and not any(now[f.path].nulls for f in lacking if f.path in now) else []


def _defaults(
    bench: Bench, good: DataShape, failing: DataShape, absent: list[FieldShape]
) -> tuple[dict[str, str], bool]:
    """Return the default of each field that may be left out, as Python, and whether a document says so."""
    top = {f.path: f for f in good.fields if "." not in f.path and "[" not in f.path}
    now = {f.path: f for f in failing.fields}
    seen = {f.path: _seen(f, now.get(f.path)) for f in absent}
    told = [m for m in proto_messages(bench) if set(top) <= set(m)]
    by_document = [{path: _python(m[path], f) for path, f in top.items()} for m in told]
    if by_document and all(one == by_document[0] for one in by_document):
        gone = {f.path for f in absent}
        found = {
            path: default
            for path, default in by_document[0].items()
            if default and (path in gone or default[:1] != '"' or "" in top[path].formats)
        }
        kept = any(_shows_default(now[path]) for path in gone & set(now))
        return (found, True) if gone <= set(found) and any(seen.values()) and not kept else ({}, False)
    return (seen, False) if len(seen) >= LEAST and all(seen.values()) and not told else ({}, False)


def _python(default: str, field: FieldShape) -> str:
    """Return a JSON default as Python, of the type that the field has had; empty where it has had another one."""
    if default == "0":
        kinds = set(field.types)
        return '"0"' if kinds == {"string"} else "0.0" if kinds == {"number"} else "0" if kinds <= NUMBERS else ""
    return {"false": "False"}.get(default, default)


def _seen(was: FieldShape, now: FieldShape | None) -> str:
    """Return the default that a field had at times and, where it is there, never has now."""
    if now is None or set(now.types) - NUMBERS != set(was.types) - NUMBERS:
        return ""
    if set(was.types) <= NUMBERS:
        never = was.low == 0 and now.low is not None and now.low > 0
        return ("0.0" if was.types == ("number",) else "0") if never else ""
    if was.types == ("boolean",):
        return "False" if was.distinct == 2 and now.distinct == 1 else ""
    return '""' if was.types == ("string",) and "" in was.formats and "" not in now.formats else ""


def _shows_default(field: FieldShape) -> bool:
    """Say whether a default is still written at times: then the rule is another one, and what lacks is missing."""
    return field.low == 0 or "" in field.formats or (field.types == ("boolean",) and field.distinct == 2)


def _is_told(said: str, defaults: Mapping[str, str]) -> bool:
    """Say whether the failure speaks of one of the fields, or of nothing where a value should be."""
    return bool(re.search(r"NoneType|\bNaN\b", said)) or any(re.search(rf"\b{field}\b", said) for field in defaults)


def _required(good: DataShape, failing: DataShape, absent: list[FieldShape]) -> list[str]:
    """Return the fields by which a record is known among the objects of the document: its identifier, else all it has."""
    gone = {f.path for f in absent}
    always = [
        f
        for f in failing.fields
        if f.present == failing.records and f.path not in gone and "." not in f.path and "[" not in f.path
    ]
    ids = [
        f.path
        for f in always
        if f.distinct == failing.records and f.types == ("string",) and _ID & set(name_tokens(f.path))
    ]
    chosen = ids[:1] or [f.path for f in always]
    leaves = [re.split(r"[.\]]", f.path)[-1] for f in good.fields]
    return chosen if all(leaves.count(path) == 1 for path in chosen) else []


_ID = {"id", "ids", "key", "uuid", "guid", "no", "nr", "number", "ref", "code"}


def _word(default: str) -> str:
    return {"0": "0", "0.0": "0", '"0"': "0", "False": "false", '""': "an empty text", "[]": "an empty list"}.get(
        default, default
    )


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
