"""An identifier lost the noughts that filled it to one width (``00417`` → ``417``), or got some → the known form.

It is given where the data set is read, as text: what joins by numbers does not mind. Certain means: `padding` knows the
old form, a check or a look-up failed, and one call reads that data set and no table of the repository.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from airflow_agentic.agents.fixers.changed_unit import is_refusal
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.padded_code import Padding, padding
from airflow_agentic.agents.mending.parse_sites import (
    helper,
    is_csv_reader,
    is_delimited,
    is_json_reader,
    parsed,
    with_helper,
)
from airflow_agentic.agents.mending.record_walk import of_each_record
from airflow_agentic.agents.mending.syntax import Code, compiles, literal, parse
from airflow_agentic.shape_changes import name_tokens

_SAYS = re.compile(r"KeyError: ['\"]?\d+['\"]?\s*$|foreign key", re.IGNORECASE | re.MULTILINE)
_FRAMES = re.compile(r"(?:^|\.)read_(?:csv|table)$")
_TEXT = {"str", "'str'", '"str"', "'string'", '"string"', "object", "'object'", '"object"', "pd.StringDtype()"}
_ROWS = '''
def {name}(rows):
    """Give rows their identifiers as this code knows them, whichever way the upstream writes them."""
    for row in rows:
        if row.get("COLUMN"):
            row["COLUMN"] = row["COLUMN"]HOW
        yield row
'''
_TREE = of_each_record(
    "Give records their identifiers as this code knows them, whichever way the upstream writes them.",
    """
    if value.get("COLUMN") is not None and not isinstance(value["COLUMN"], (bool, dict, list)):
        value["COLUMN"] = str(value["COLUMN"])HOW
""",
)
_COLUMNS = '''
def {name}(frame):
    """Give a column of identifiers the form that this code knows, whichever way the upstream writes them."""
    frame["COLUMN"] = frame["COLUMN"].strHOW
    return frame
'''
_Site = tuple[str, Code, ast.Call]


def fix(bench: Bench) -> Fix | None:
    """Return the call that reads the records, wrapped."""
    if not is_refusal(bench) and not any(_SAYS.search(message) for message in bench.messages):
        return None
    found = list(_changed(bench))
    if len(found) != 1:
        return None
    dataset, column, how = found[0]
    sites = [site for path in bench.python_files() for site in _sites(bench, path, dataset, column)]
    named = [site for site in sites if _words(site[1], site[2]) & _words_of(dataset)]
    chosen = named or sites
    if len(chosen) != 1:
        return None
    path, code, call = chosen[0]
    known, text = _wrapped(code, call, (_template(code, call), column, how))
    if not compiles(text):
        return None
    return Fix(
        texts=((path, text),),
        file=path,
        fields=(column,),
        summary=f"Give {column} the form that it had"[:100],
        explanation=f"In {dataset} `{column}` now comes {how.told}. `{known}` gives it its old form where the data is read; data in the old form stays as it is.",
    )


def _changed(bench: Bench) -> Iterator[tuple[str, str, Padding]]:
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        good, failing = bench.good(name), bench.failing(name)
        now = {f.path: f for f in failing.fields} if good and failing else {}
        for old in good.fields if good else ():
            if old.path in now and "." not in old.path and "[" not in old.path:
                how = padding(bench, old, now[old.path], text_only=is_delimited(name))
                if how is not None:
                    yield name, old.path, how


def _sites(bench: Bench, path: str, dataset: str, column: str) -> Iterator[_Site]:
    """Yield the calls that read such a data set, without those that read a table of the repository."""
    code = parse(bench.text(path))
    own = {p.rpartition("/")[2] for p in bench.all_files()}
    for node in ast.walk(code.tree) if code else ():
        if code is None or not isinstance(node, ast.Call):
            continue
        if is_delimited(dataset):
            fits = is_csv_reader(node, code) or _is_text_frame(code, node, column)
        else:
            fits = is_json_reader(node, code)
        if fits and not own & {text.rpartition("/")[2] for text in _texts(code, node)}:
            yield path, code, node


def _is_text_frame(code: Code, call: ast.Call, column: str) -> bool:
    """Say whether pandas reads the column as text: what it takes for numbers has no noughts on either day."""
    if not _FRAMES.search(code.source(call.func)) or not call.args:
        return False
    given = {k.arg: k.value for k in call.keywords}
    if given.keys() & {None, "chunksize", "iterator", "converters", "index_col"}:
        return False
    kinds = given.get("dtype")
    if isinstance(kinds, ast.Name):
        kinds = _made(code, call, kinds.id)
    if isinstance(kinds, ast.Dict):
        kinds = next((v for k, v in zip(kinds.keys, kinds.values, strict=True) if k and literal(k) == column), None)
    return kinds is not None and code.source(kinds) in _TEXT


def _template(code: Code, call: ast.Call) -> str:
    if is_csv_reader(call, code):
        return _ROWS
    return _COLUMNS if _FRAMES.search(code.source(call.func)) else _TREE


def _wrapped(code: Code, call: ast.Call, made: tuple[str, str, Padding]) -> tuple[str, str]:
    template, column, how = made
    known = helper(code, "known_codes", template.replace("COLUMN", column).replace("HOW", how.of_text))
    return known.name, with_helper(code, [(code.span(call), f"{known.name}({parsed(code, call)})")], known)


def _words(code: Code, call: ast.Call) -> set[str]:
    return {word for text in _texts(code, call) for word in name_tokens(text)}


def _words_of(dataset: str) -> set[str]:
    bare = re.sub(r"\{[^}]*\}|\.\w+$|\(.*", " ", dataset)
    return {word for word in name_tokens(bare) if not word.isdigit() and len(word) > 2}


def _texts(code: Code, call: ast.Call) -> set[str]:
    """Return the literals of which the path is made that a call reads, through names and the ``with`` around."""
    found: set[str] = set()
    todo: list[ast.AST] = [*call.args, call.func]
    seen: set[str] = set()
    while todo:
        for part in ast.walk(todo.pop()):
            text = literal(part)
            if text is not None:
                found.add(text)
            elif isinstance(part, ast.Name) and part.id not in seen:
                seen.add(part.id)
                made = _made(code, call, part.id)
                todo += [made] if made is not None else []
    return found


def _made(code: Code, near: ast.AST, name: str) -> ast.expr | None:
    """Return what a name was last set to before a place, in its function or else in the module."""
    for scope in (code.scope(near), code.tree):
        made: list[tuple[int, ast.expr]] = []
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                made.append((node.lineno, node.value))
            elif (
                isinstance(node, ast.withitem)
                and isinstance(node.optional_vars, ast.Name)
                and node.optional_vars.id == name
            ):
                made.append((node.context_expr.lineno, node.context_expr))
        before = [one for one in made if one[0] <= near.lineno]  # type: ignore[attr-defined]
        if before:
            return max(before, key=lambda one: one[0])[1]
    return None
