"""The list of records now comes inside an object, or no longer does → take it from where it is.

Certain means: the records have the fields that they had, the object holds one list and does not say that this is the
first page of several (`next_pages` follows those), and one call parses it.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.more_pages import says_more
from airflow_agentic.agents.mending.parse_sites import helper, parse_site, steps_of, with_helper
from airflow_agentic.agents.mending.syntax import compiles, is_pure
from airflow_agentic.records import DataShape

PART = " (envelope)"
SAYS = re.compile(
    r"(?:string|list) indices must be integers|'(?:str|list)' object has no attribute|KeyError: 0|unhashable type: 'slice'"
)
_UNWRAP = '''
def {name}(document):
    """Return the records, which the upstream may put into an object with more about them."""
    return documentPATH if isinstance(document, dict) and "FIRST" in document else document
'''


def fix(bench: Bench) -> Fix | None:
    """Return the change of the parse, or of the read of the list's key."""
    if not any(SAYS.search(message) for message in bench.messages):
        return None
    for good in (s for s in bench.dossier.shapes if s.role == "good" and not s.name.endswith(PART)):
        failing = bench.failing(good.name)
        if failing is None or not {f.path for f in good.fields} <= {f.path for f in failing.fields}:
            continue
        was, now = bench.good(good.name + PART), bench.failing(good.name + PART)
        path = list_path(now or was)
        if not path or bool(was) == bool(now):
            continue
        if now and says_more(now, failing.records, good.records):
            return None
        return _wrapped(bench, good.name, path) if now else _unwrapped(bench, good.name, path)
    return None


def list_path(envelope: DataShape | None) -> str:
    """Return where the one list stands in what is around the records; empty if there is none or more."""
    lists = [f.path for f in envelope.fields if set(f.types) == {"array"}] if envelope else []
    return lists[0] if len(lists) == 1 and "[" not in lists[0] else ""


def unwrapped(path: str) -> str:
    """Return the source of the function that takes the records out; what the same parse reads besides passes as it is."""
    keys = path.split(".")
    return _UNWRAP.replace("PATH", "".join(f'["{key}"]' for key in keys)).replace("FIRST", keys[0])


def _wrapped(bench: Bench, dataset: str, path: str) -> Fix | None:
    site = parse_site(bench, dataset)
    if site is None:
        return None
    file, code, call = site
    records = helper(code, "records_of", unwrapped(path))
    text = with_helper(code, [(code.span(call), f"{records.name}({code.source(call)})")], records)
    return _fix(dataset, file, text, f"the list of records now comes inside an object, under `{path}`", path)


def _unwrapped(bench: Bench, dataset: str, path: str) -> Fix | None:
    if "." in path:
        return None
    reads = [(file, code, step) for file, code, step in steps_of(bench, path)]
    if len(reads) != 1:
        return None
    file, code, step = reads[0]
    base, bound = code.source(step.base), code.source(step.base)
    if not is_pure(step.base):
        base, bound = f"(document := {base})", "document"
    rest = code.text[code.span(step.base)[1] : code.span(step.node)[1]]
    text = code.splice([(code.span(step.node), f"({bound} if isinstance({base}, list) else {bound}{rest})")])
    return _fix(
        dataset, file, text, f"the list of records no longer comes inside an object (it was under `{path}`)", path
    )


def _fix(dataset: str, file: str, text: str, what: str, path: str) -> Fix | None:
    if not compiles(text):
        return None
    return Fix(
        texts=((file, text),),
        file=file,
        fields=(path,),
        summary="Read the list of records with and without an object around it",
        explanation=f"In {dataset} {what}. The code takes it from either place.",
    )
