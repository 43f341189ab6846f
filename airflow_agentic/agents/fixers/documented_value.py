"""A new code word, and a table in the repository's documents says what it stands for → let the code know it.

``match``/``if`` over code words, or a dict of them. Certain means: the error names the word, one table of one document
has a row for it, and in that table one pair of columns gives, for every word that the code knows already, just what
the code gives. What no document has stays refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.document_tables import Table, document_tables
from airflow_agentic.agents.mending.parse_sites import near_files
from airflow_agentic.agents.mending.syntax import Code, compiles, literal, parse

_WORD = re.compile(r"(?<!\w)['\"](?P<word>[^'\"\n]{1,60})['\"]")
_KNOWN_LEAST = 2
"""Words that the table and the code must have in common, so that the columns are what they seem."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_Mapped = dict[str, str]


def fix(bench: Bench) -> Fix | None:
    """Return the one mapping that the failure ran into, with the documented word added."""
    words = dict.fromkeys(m["word"] for said in bench.messages for m in _WORD.finditer(said))
    if not words or not bench.own():
        return None
    tables = [(path, table) for path in bench.all_files() for table in document_tables(bench, path)]
    found: dict[tuple[str, str], Fix] = {}
    for path in near_files(bench) if tables else ():
        code = parse(bench.text(path)) if bench.editable(path) else None
        for node, known in _mappings(code, bench, path) if code else ():
            for word in words:
                told = {
                    (doc, now) for doc, table in tables if word not in known and (now := _meaning(table, known, word))
                }
                text = (
                    _with(code, node, word, next(iter(told))[1])
                    if code and len({now for _, now in told}) == 1
                    else None
                )
                if text is not None and compiles(text):
                    doc, meaning = min(told)
                    found[path, word] = _fix(path, text, (word, meaning), doc)
    return next(iter(found.values())) if len(found) == 1 else None


def _fix(path: str, text: str, pair: tuple[str, str], document: str) -> Fix:
    word, meaning = pair
    return Fix(
        texts=((path, text),),
        file=path,
        summary=f"Know {word}, as {document} says"[:100],
        explanation=f"The data holds `{word}`, which the code does not know. `{document}` says that it is `{meaning}`; all words that the code knows stand there as the code has them.",
    )


def _meaning(table: Table, known: _Mapped, word: str) -> str | None:
    """Return what the table says of the word, if a pair of its columns says of the known ones what the code says."""
    width = max(map(len, table), default=0)
    found: set[str] = set()
    for a in range(width):
        for b in (b for b in range(width) if b != a):
            said: dict[str, set[str]] = {}
            for row in table:
                if max(a, b) < len(row):
                    said.setdefault(row[a], set()).add(row[b])
            shared = [key for key in known if key in said]
            sure = len(shared) >= max(_KNOWN_LEAST, (len(known) + 1) // 2)
            if sure and all(said[key] == {known[key]} for key in shared) and len(said.get(word, ())) == 1:
                found |= said[word]
    meaning = found.pop() if len(found) == 1 else ""
    numbers = all(_NUMBER.fullmatch(said) for said in (*known.values(), meaning))
    return meaning if meaning in known.values() or numbers else None


def _mappings(code: Code, bench: Bench, path: str) -> Iterator[tuple[ast.AST, _Mapped]]:
    """Yield what maps words: a dict, a ``match`` or a chain of ``if``; the last two in functions of the traceback."""
    scopes = [code.scope_at(frame.line) for own, frame in bench.own() if own == path]
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Dict):
            pairs = [
                (literal(k), _plain(code, v)) for k, v in zip(node.keys, node.values, strict=True) if k is not None
            ]
            if len(pairs) == len(node.keys) and all(k and v for k, v in pairs):
                yield node, {k: v for k, v in pairs if k and v}
        elif isinstance(node, ast.Match) and code.scope(node) in scopes:
            yield node, {w: said for case in node.cases if (said := _said(case.body)) for w in _cased(case)}
        elif isinstance(node, ast.If) and code.scope(node) in scopes and not isinstance(code.parents[node], ast.If):
            yield node, {w: said for one in _chain(node) if (said := _said(one.body)) for w in _tested(one)}


def _plain(code: Code, node: ast.expr) -> str | None:
    """Return a word, or a number as it is written."""
    source = code.source(node)
    return literal(node) or (source if _NUMBER.fullmatch(source) else None)


def _said(body: list[ast.stmt]) -> str | None:
    """Return the word that a branch gives: by ``return`` or by an assignment."""
    last = body[0] if len(body) == 1 else None
    return literal(last.value) if isinstance(last, (ast.Return, ast.Assign)) and last.value else None


def _cased(case: ast.match_case) -> list[str]:
    options = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
    words = [literal(o.value) for o in options if isinstance(o, ast.MatchValue)] if case.guard is None else []
    return [w for w in words if w]


def _chain(node: ast.If) -> Iterator[ast.If]:
    yield node
    while len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        node = node.orelse[0]
        yield node


def _tested(node: ast.If) -> list[str]:
    """``x == "A"`` or ``x in ("A", "B")``."""
    test = node.test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return []
    other = test.comparators[0]
    if isinstance(test.ops[0], ast.Eq) and literal(other):
        return [literal(other) or ""]
    listed = isinstance(test.ops[0], ast.In) and isinstance(other, (ast.Tuple, ast.List, ast.Set))
    return [w for e in other.elts if (w := literal(e))] if listed else []  # type: ignore[attr-defined]


def _with(code: Code | None, node: ast.AST, word: str, meaning: str) -> str | None:
    """Return the text with the word beside those that mean the same."""
    if code is None or re.search(r"[\"'\\{}\n]", word):
        return None
    if isinstance(node, ast.Dict):
        like = [i for i, value in enumerate(node.values) if _plain(code, value) == meaning] or [len(node.values) - 1]
        last, key = node.values[like[-1]], node.keys[like[-1]]
        own_line = key is not None and code.text[code.line_start(key.lineno) : code.span(key)[0]].isspace()
        gap = f",{code.newline}{' ' * key.col_offset}" if own_line and key is not None else ", "
        end, value = code.span(last)[1], code.source(last) if _plain(code, last) == meaning else meaning
        return code.splice([((end, end), f'{gap}"{word}": {value}')])
    if isinstance(node, ast.Match):
        cases = [c for c in node.cases if _said(c.body) == meaning and _cased(c)]
        place = code.span(cases[0].pattern)[1] if len(cases) == 1 else None
        return code.splice([((place, place), f' | "{word}"')]) if place is not None else None
    tests = (
        [one.test for one in _chain(node) if _said(one.body) == meaning and _tested(one)]
        if isinstance(node, ast.If)
        else []
    )
    if len(tests) != 1 or not isinstance(tests[0], ast.Compare):
        return None
    left, other = tests[0].left, tests[0].comparators[0]
    words = ", ".join(f'"{w}"' for w in (*_words(other), word))
    return code.splice([(code.span(tests[0]), f"{code.source(left)} in ({words})")])


def _words(node: ast.expr) -> list[str]:
    elements = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]
    return [w for e in elements if (w := literal(e))]
