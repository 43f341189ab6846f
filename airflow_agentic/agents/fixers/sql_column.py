"""A column has another name in a table; a ``.sql`` file or a literal names the old one → name the new one.

SQL cannot ask whether a column exists: where the code of the repository parses the records that the table is made of,
they get the old name there, and else the old name is not kept. Certain means that the error names the old column, and
either its candidates or the table's own shapes name exactly one column that is the same word.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from airflow_agentic.agents.fixers import known_names
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import field_moves
from airflow_agentic.agents.mending.sql_declared import declared_name
from airflow_agentic.agents.mending.sql_scopes import either_in_scope
from airflow_agentic.agents.mending.syntax import compiles, literal, parse
from airflow_agentic.shape_changes import name_tokens

_COLUMN = (
    re.compile(r"Referenced column \"(?P<column>[^\"]+)\" not found"),
    re.compile(r"Table \"[^\"]+\" does not have a column named \"(?P<column>[^\"]+)\""),
    re.compile(r"column \"?(?:\w+\.)?(?P<column>\w+)\"? does not exist"),
    re.compile(r"no such column: (?:[\w\"]+\.)?\"?(?P<column>\w+)\"?"),
    re.compile(r"Unknown column '(?:\w+\.)?(?P<column>\w+)' in"),
    re.compile(r"invalid identifier '(?:\"?\w+\"?\.)?\"?(?P<column>\w+)\"?'"),
    re.compile(r"Unrecognized name: (?:\w+\.)?(?P<column>\w+)"),
    re.compile(r"Name (?P<column>\w+) not found inside"),
    re.compile(r"Invalid column name '(?P<column>\w+)'"),
    re.compile(
        r"(?:column|function parameter) with name `?(?:\w+`?\.`?)?(?P<column>\w+)`? cannot be resolved", re.IGNORECASE
    ),
)
_CANDIDATES = re.compile(
    r"(?:Candidate bindings|Did you mean|Perhaps you meant to reference the column|Did you mean one of the following\??)[:\s]*(?P<names>[^\n]+)",
    re.IGNORECASE,
)


def fix(bench: Bench) -> Fix | None:
    """Return the change of the one statement that names the column."""
    column, said = missing_column(bench)
    if not column:
        return None
    logs = [e.body for e in bench.dossier.evidence if e.source == "task_log"]
    new = _new_name(bench, column, [said, *(text for text in logs if column in text)])
    if new is None or not re.fullmatch(r"\w+", new):
        return None
    changed = _files(bench, column, new)
    if len(changed) != 1:
        return None
    path, text = changed[0]
    either = _either(bench, path, column, new)
    if either is None:
        at_parse = known_names.fix(bench)
        if at_parse is not None and column in at_parse.fields:
            return at_parse
    return Fix(
        texts=((path, either or text),),
        file=path,
        fields=(column,),
        summary=f"Read column {new}, which was {column}"[:100],
        explanation=f"Column `{column}` is now `{new}`. "
        + (
            "The statement reads whichever of the two the table has."
            if either
            else "SQL cannot read either name, so the statement names the new one; its result keeps the old name."
        ),
    )


def missing_column(bench: Bench) -> tuple[str, str]:
    """Return the column that a statement asks for and no table has, and the text that says so; empty for none."""
    logs = [e.body for e in bench.dossier.evidence if e.source == "task_log"]
    said = "\n".join([*bench.messages, *(logs[:1] if not bench.own() else ())])
    return next((m["column"] for p in _COLUMN if (m := p.search(said))), ""), said


def _either(bench: Bench, path: str, column: str, new: str) -> str | None:
    """Return the file with either name read, where all statements that it names the column in can do that."""
    text = bench.text(path) or ""
    duck = any(
        re.search(r"\bimport duckdb\b|\btype:\s*duckdb\b", bench.text(p) or "")
        for p in bench.all_files()
        if p.endswith((".py", ".yml", ".yaml"))
    )
    if not duck:
        return None
    if path.endswith(".sql"):
        return either(text, column, new)
    return in_literals(text, column, lambda statement: either(statement, column, new))


def either(sql: str, column: str, new: str) -> str | None:
    """Return a DuckDB statement that reads either name: ``from (select *, columns('^(old|new)$') as old from t) as t``."""
    masked = cover_templates(sql)
    if re.search(r"\bjoin\b", masked, re.IGNORECASE):
        return _either_joined(sql, masked, column, new)
    tables = list(_TABLE.finditer(masked))
    if len(tables) > 1:
        return either_in_scope(sql, masked, column, new)
    if len(tables) != 1 or re.search(r"\bjoin\b|select\s+\*", masked, re.IGNORECASE):
        return None
    match = tables[0]
    plain = (
        re.fullmatch(r"[A-Za-z_][\w.]*", match["table"]) and "{{" not in sql[match.start("table") : match.end("table")]
    )
    named = match["alias"] or (f" as {match['table'].rsplit('.', 1)[-1]}" if plain else " as source")
    source = sql[match.start("table") : match.end("table")]
    inner = f"from (select *, columns('^({column}|{new})$') as {column} from {source}){named}"
    return sql[: match.start()] + inner + sql[match.end() :]


def _either_joined(sql: str, masked: str, column: str, new: str) -> str | None:
    """Among joined tables it is the one by whose alias the column is named, everywhere."""
    named = re.findall(rf"(?:\b(\w+)\.)?\b{re.escape(column)}\b", masked)
    if len(set(named)) != 1 or not named[0]:
        return None
    alias = re.escape(named[0])
    tables = list(
        re.finditer(rf"\b(?:from|join)\s+(?P<table>[A-Za-z_][\w.]*)\s+(?:as\s+)?{alias}\b", masked, re.IGNORECASE)
    )
    if len(tables) != 1 or "*" in re.sub(r"count\(\s*\*\s*\)", "", masked, flags=re.IGNORECASE):
        return None
    start, end = tables[0].span("table")
    return f"{sql[:start]}(select *, columns('^({column}|{new})$') as {column} from {sql[start:end]}){sql[end:]}"


def cover_templates(sql: str) -> str:
    """Return the statement with what a template or an f-string puts in covered, at the same length."""
    for form in (r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", r"\{[^{}]*\}"):
        sql = re.sub(form, lambda m: "x" * len(m[0]), sql, flags=re.DOTALL)
    return sql


_TABLE = re.compile(
    r"\bfrom\s+(?P<table>[A-Za-z_][\w.]*(?:\([^()]*\))?)(?P<alias>\s+(?:as\s+)?(?!where\b|group\b|join\b|left\b|inner\b|"
    r"order\b|limit\b|union\b|qualify\b|having\b|cross\b|full\b|right\b)[A-Za-z_]\w*)?",
    re.IGNORECASE,
)


def _new_name(bench: Bench, column: str, texts: list[str]) -> str | None:
    moved = {
        m.new[0] for m in field_moves(bench) if m.is_rename and not m.within and m.old[0].lower() == column.lower()
    }
    if len(moved) == 1:
        return moved.pop()
    named: set[str] = set()
    for text in texts:
        for match in _CANDIDATES.finditer(text):
            named |= {
                name.rsplit(".", 1)[-1].strip("\"`' ?.;")
                for name in re.findall(r"[\"`']?[\w.]+[\"`']?", match["names"])
            }
    same = {name for name in named if name_tokens(name) == name_tokens(column) and name != column}
    squeezed = {
        name
        for name in named
        if re.sub(r"\W|_", "", name).lower() == re.sub(r"_", "", column).lower() and name != column
    }
    found = same or squeezed or declared_name(bench, column)
    return found.pop() if len(found) == 1 else None


def _files(bench: Bench, column: str, new: str) -> list[tuple[str, str]]:
    """Every statement of the repository that names the column and not the new one; certain only if it is one."""
    found: list[tuple[str, str]] = []
    for path in bench.all_files():
        if not bench.editable(path) or not path.endswith((".sql", ".py")):
            continue
        text = bench.text(path)
        if text is None or not re.search(rf"\b{re.escape(column)}\b", text):
            continue
        changed = (
            renamed(text, column, new)
            if path.endswith(".sql")
            else in_literals(text, column, lambda statement: renamed(statement, column, new))
        )
        changed = changed or _either(bench, path, column, new)
        if changed is not None and changed != text:
            found.append((path, changed))
    if len(found) > 1:
        said = " ".join([*bench.messages, *(e.task.task_id for e in bench.dossier.errors)])
        framed = {path for path, _ in bench.own()}
        near = [item for item in found if item[0] in framed or re.search(rf"\b{re.escape(_stem(item[0]))}\b", said)]
        return near if len(near) == 1 else _first_of_all(bench, near or found)
    return found


def _first_of_all(bench: Bench, found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out the statements that read what another of them makes: they get the known name from it."""
    stems = {path: _stem(path) for path, _ in found}
    return [
        item
        for item in found
        if not any(
            re.search(rf"\b{re.escape(stem)}\b", bench.text(item[0]) or "")
            for path, stem in stems.items()
            if path != item[0]
        )
    ]


def renamed(sql: str, column: str, new: str, *, within: Callable[[int], bool] = lambda _at: True) -> str | None:
    """Return *sql* with the column read by its new name and given out by its old one; None where that is not certain.

    :param within: says of an offset whether the column there is the one that was renamed.
    """
    from sqlglot import TokenType, tokenize
    from sqlglot.errors import SqlglotError

    masked = cover_templates(sql)
    try:
        tokens = tokenize(masked)
    except SqlglotError:
        return None
    if any(t.text.lower() == new.lower() for t in tokens):
        return None
    pieces: list[tuple[int, int, str]] = []
    for i, token in enumerate(tokens):
        is_name = token.text.lower() == column.lower() and token.token_type in {TokenType.VAR, TokenType.IDENTIFIER}
        if not is_name or not within(token.start):
            continue
        before = tokens[i - 1].token_type if i else None
        after = tokens[i + 1].token_type if i + 1 < len(tokens) else None
        if before is TokenType.ALIAS or _is_target(masked, token.start):
            continue
        if after is TokenType.L_PAREN or _in_using(masked, token.start):
            return None
        name = f'"{new}"' if token.token_type is TokenType.IDENTIFIER or (not new.islower() and "_" not in new) else new
        alone = _is_select_item(tokens, i)
        pieces.append((token.start, token.end + 1, f"{name} as {sql[token.start : token.end + 1]}" if alone else name))
    for start, end, text in reversed(pieces):
        sql = sql[:start] + text + sql[end:]
    return sql if pieces else None


def _is_select_item(tokens: list, i: int) -> bool:  # type: ignore[type-arg]
    """``select a.column, ...``: the item's name is what others read."""
    from sqlglot import TokenType

    start = i
    while start >= 2 and tokens[start - 1].token_type is TokenType.DOT:
        start -= 2
    before = tokens[start - 1].token_type if start else None
    after = tokens[i + 1].token_type if i + 1 < len(tokens) else None
    if before not in {TokenType.SELECT, TokenType.DISTINCT, TokenType.COMMA} or after not in {
        TokenType.COMMA,
        TokenType.FROM,
        None,
    }:
        return False
    depth = 0
    for token in reversed(tokens[:start]):
        if token.token_type is TokenType.R_PAREN:
            depth += 1
        elif token.token_type is TokenType.L_PAREN:
            depth -= 1
            if depth < 0:
                return False
        elif depth == 0 and token.token_type in {
            TokenType.SELECT,
            TokenType.FROM,
            TokenType.GROUP_BY,
            TokenType.ORDER_BY,
            TokenType.WHERE,
        }:
            return bool(token.token_type is TokenType.SELECT)
    return False


def _is_target(sql: str, at: int) -> bool:
    """``insert into t (a, column) ...``: what is written keeps its names."""
    return bool(re.search(r"\binsert\s+(?:or\s+\w+\s+)?into\s+[\w.\"`]+\s*\([^()]*$", sql[:at], re.IGNORECASE))


def _in_using(sql: str, at: int) -> bool:
    return bool(re.search(r"\busing\s*\([^)]*$", sql[:at], re.IGNORECASE))


def in_literals(text: str, column: str, change: Callable[[str], str | None]) -> str | None:
    """SQL in a Python literal or f-string that reads like a statement and names the column."""
    code = parse(text)
    if code is None:
        return None
    pieces = []
    for node in ast.walk(code.tree):
        whole = isinstance(node, ast.JoinedStr) or (
            literal(node) is not None and not isinstance(code.parents.get(node), ast.JoinedStr)
        )
        source = code.source(node) if whole and hasattr(node, "lineno") else ""
        quote = re.match(r"[rRfF]{0,2}(\"\"\"|\'\'\'|\"|\')", source)
        inner = source[quote.end() : -len(quote[1])] if quote else ""
        if quote is None or "\\" in source or len(re.findall(r"[rRfF]?" + re.escape(quote[1]), source)) != 2:
            continue
        if not _STATEMENT.match(inner) or not re.search(rf"\b{re.escape(column)}\b", cover_templates(inner)):
            continue
        changed = change(inner)
        if changed is None or (len(quote[1]) == 1 and quote[1] in changed):
            return None
        start, end = code.span(node)
        pieces.append(((start + quote.end(), end - len(quote[1])), changed))
    if not pieces:
        return None
    result = code.splice(pieces)
    return result if compiles(result) else None


_STATEMENT = re.compile(
    r"(?s)\s*(?:select|with|insert|create|update|delete|merge)\b.*\b(?:select|from)\b", re.IGNORECASE
)


def _stem(path: str) -> str:
    return path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
