"""The call that parses a document → a small function of the same file that reads another address the same way.

Known ways: ``urlopen``, ``requests``/``httpx`` and sessions of these, ``open``; in a ``with``, by a name that was set just
before, or in one expression. What the request carries besides its address (headers, timeouts) stays as it is.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from airflow_agentic.agents.mending.syntax import Code, fresh_name

_ONCE = {"next", "pop", "popleft", "input", "read", "readline", "send", "open", "urlopen"}


@dataclass(frozen=True, kw_only=True)
class PageRead:
    """How the next page is read."""

    name: str
    """Of the function that reads one address."""
    function: str
    """Its text, with the indentation that its place asks for."""
    at: tuple[int, int]
    """Where it is put in."""
    first: str
    """The expression of the address that the code reads now."""
    is_request: bool
    """Over the network; else from a file."""


def page_read(code: Code, call: ast.Call) -> PageRead | None:
    """Return how to read another address as *call* reads its document, or None where that is not plain to see."""
    statement = _statement(code, call)
    source = _source(code, call)
    if statement is None or source is None:
        return None
    holder, request = source
    address = _address(code, request)
    if address is None or not _is_repeatable(address):
        return None
    start = holder if isinstance(holder, (ast.With, ast.Assign)) and holder is not None else statement
    at = code.line_start(start.lineno)
    indent = code.text[at : code.span(start)[0]]
    if indent.strip():
        return None
    name, place = fresh_name(code, "read_page"), fresh_name(code, "address")
    body = _body(code, call, holder, _replaced(code, request, address, place))
    lines = [f"def {name}({place}):", *(f"    {line}" for line in body), ""]
    text = "".join(f"{indent}{line}{code.newline}" if line else code.newline for line in lines)
    is_request = not code.source(request.func).endswith("open") or code.source(request.func).endswith("urlopen")
    return PageRead(name=name, function=text, at=(at, at), first=code.source(address), is_request=is_request)


def _statement(code: Code, node: ast.AST) -> ast.stmt | None:
    while node in code.parents and not isinstance(node, ast.stmt):
        node = code.parents[node]
    return node if isinstance(node, ast.stmt) else None


def _source(code: Code, call: ast.Call) -> tuple[ast.stmt | None, ast.Call] | None:
    """Return the call that opens the address, and the statement that gives what it opened a name, if one does."""
    inner = [n for n in ast.walk(call) if isinstance(n, ast.Call) and n is not call and _opens(code, n)]
    if len(inner) == 1:
        return None, inner[0]
    names = {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
    found: list[tuple[ast.stmt | None, ast.Call]] = []
    for node in ast.walk(code.scope(call)):
        if isinstance(node, ast.With) and len(node.items) == 1 and call in ast.walk(node):
            bound, value = node.items[0].optional_vars, node.items[0].context_expr
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and node.lineno <= call.lineno:
            bound, value = node.targets[0], node.value
        else:
            continue
        if isinstance(bound, ast.Name) and bound.id in names and isinstance(value, ast.Call) and _opens(code, value):
            found.append((node, value))
    return found[0] if len(found) == 1 else None


def _opens(code: Code, node: ast.Call) -> bool:
    name = code.source(node.func)
    if name == "open" or name.rsplit(".", 1)[-1] == "urlopen":
        return bool(node.args)
    return isinstance(node.func, ast.Attribute) and node.func.attr == "get" and bool(node.args) and _is_client(name)


def _is_client(name: str) -> bool:
    base = name.rsplit(".", 1)[0].rsplit(".", 1)[-1].rstrip("()").lower()
    return any(word in base for word in ("requests", "httpx", "session", "client", "http"))


def _address(code: Code, request: ast.Call) -> ast.expr | None:
    """Return the expression of the address: the first argument, or that of the ``Request`` which it is."""
    first = request.args[0]
    if isinstance(first, ast.Name):
        made = [
            node.value
            for node in ast.walk(code.scope(request))
            if isinstance(node, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == first.id for t in node.targets)
            and isinstance(node.value, ast.Call)
            and code.source(node.value.func).rsplit(".", 1)[-1] == "Request"
        ]
        if made:
            return made[0].args[0] if len(made) == 1 and isinstance(made[0], ast.Call) and made[0].args else None
    if isinstance(first, ast.Call) and code.source(first.func).rsplit(".", 1)[-1] == "Request":
        return first.args[0] if first.args else None
    return first


def _replaced(code: Code, request: ast.Call, address: ast.expr, place: str) -> str:
    """Return the text of the opening call with *place* for the address."""
    start, end = code.span(request)
    a, b = code.span(address)
    if start <= a and b <= end:
        return code.text[start:a] + place + code.text[b:end]
    made = code.parents[address]
    m, n = code.span(made)
    fresh = code.text[m:a] + place + code.text[b:n]
    f, g = code.span(request.args[0])
    return code.text[start:f] + fresh + code.text[g:end]


def _body(code: Code, call: ast.Call, holder: ast.stmt | None, request: str) -> list[str]:
    parse = code.source(call)
    if isinstance(holder, ast.With):
        bound = code.source(holder.items[0].optional_vars) if holder.items[0].optional_vars else ""
        return [f"with {request} as {bound}:", f"    return {parse}"]
    if isinstance(holder, ast.Assign):
        bound = code.source(holder.targets[0])
        scope = code.source(code.scope(call)) if code.scope(call) is not code.tree else code.text
        check = [f"{bound}.raise_for_status()"] if f"{bound}.raise_for_status()" in scope else []
        return [f"{bound} = {request}", *check, f"return {parse}"]
    inner = next(n for n in ast.walk(call) if isinstance(n, ast.Call) and n is not call and _opens(code, n))
    start = code.span(call)[0]
    a, b = code.span(inner)
    return [f"return {parse[: a - start]}{request}{parse[b - start :]}"]


def _is_repeatable(address: ast.expr) -> bool:
    """Say whether the expression may be evaluated once more: nothing in it takes from what it reads."""
    for part in ast.walk(address):
        if isinstance(part, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)):
            return False
        if isinstance(part, ast.Call):
            name = part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
            if name in _ONCE:
                return False
    return True
