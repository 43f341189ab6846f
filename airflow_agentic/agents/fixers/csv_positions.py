"""Columns of a delimited file stand in another order, or new ones stand between → give rows their known order.

For code that reads by position: ``row[2]``, ``for a, b, c in csv.reader(feed)``. Certain means: the known columns
are all still there by name, in other places, and one ``csv.reader`` near the failure reads the file, header first.
"""

from __future__ import annotations

import ast

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import field_moves
from airflow_agentic.agents.mending.parse_sites import call_site, helper, is_delimited, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles

_KNOWN = '''
def {name}(rows):
    """Return rows, header first, with the columns that this code knows, in the places where it knows them."""
    rows = iter(rows)
    header = next(rows, None)
    if header is None:
        return
    known = COLUMNS
    found = [ALIASES.get(column.strip(), column.strip()) for column in header]
    places = list(range(len(header)))
    if set(known) <= set(found):
        places = [found.index(column) for column in known]
    yield [found[place] for place in places]
    for row in rows:
        yield [row[place] for place in places] if len(row) == len(header) else row
'''


def fix(bench: Bench) -> Fix | None:
    """Return the reader, wrapped."""
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        good, failing = bench.good(name), bench.failing(name)
        if good is None or failing is None or not is_delimited(name):
            continue
        known, now = [f.path for f in good.fields], [f.path for f in failing.fields]
        renamed = {m.new[0]: m.old[0] for m in field_moves(bench) if m.dataset == name and m.is_rename and not m.within}
        found = [renamed.get(path, path) for path in now]
        if not set(known) <= set(found) or (found[: len(known)] == known and not renamed):
            continue
        site = call_site(bench, name, is_reader)
        if site is None:
            return None
        path, code, call = site
        wanted = _KNOWN.replace("COLUMNS", _listed(known))
        wanted = wanted.replace("ALIASES", "{" + ", ".join(f'"{k}": "{v}"' for k, v in renamed.items()) + "}")
        if not renamed:
            wanted = wanted.replace("{}.get(column.strip(), column.strip())", "column.strip()")
        order = helper(code, "known_order", wanted)
        text = with_helper(code, [(code.span(call), f"{order.name}({code.source(call)})")], order)
        if compiles(text):
            return Fix(
                texts=((path, text),),
                file=path,
                fields=tuple(known),
                summary="Take columns by their names where they have moved",
                explanation=f"The columns of {name} stand in other places ({', '.join(f'`{p}`' for p in now[:8])}). Rows get the columns that the code knows, in its order, by the header; files in the old order pass as they are.",
            )
    return None


def _listed(names: list[str]) -> str:
    return "(" + ", ".join(f'"{n}"' for n in names) + ("," if len(names) == 1 else "") + ")"


def is_reader(node: ast.Call, code: Code) -> bool:
    """``csv.reader(feed)``."""
    name = code.source(node.func)
    return bool(node.args) and (name == "csv.reader" or (name == "reader" and "from csv import" in code.text))
