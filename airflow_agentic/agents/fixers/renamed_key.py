"""A commit gave a key of a configuration file another name and forgot a reader, or a section → the forgotten one follows.

Certain means: the failure is about that key, a recent diff of the file renames it while its value stays, the file has
the old name nowhere any more (or, for a forgotten section, no code asks for it any more), and no landed field is
called so. To take back another reader's half would only move the failure there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from airflow_agentic.agents.fixers.reverted_commit import diffs, hunks
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.config_keys import is_config, key_swaps, keys_of, with_key
from airflow_agentic.agents.mending.syntax import Code, Scope, compiles, literal, parse

_LACKS = re.compile(r"KeyError: ['\"]([\w.-]+)['\"]|NoOptionError: No option ['\"]([\w.-]+)['\"] in section")
_CONFIGURATION = re.compile(r"_?(?:cfg|conf|config|configuration|settings|options)", re.IGNORECASE)


def fix(bench: Bench) -> Fix | None:
    """Return the readers that were forgotten with the new key, or the file with the sections that were forgotten."""
    said = "\n".join(bench.messages)
    lacks = {name for groups in _LACKS.findall(said) for name in groups if name}
    renamed = _renamed(bench)
    fields = {f.path.rpartition(".")[2] for shape in bench.dossier.shapes for f in shape.fields}
    for path, old, new in renamed:
        if old in fields or new in fields or sum(old == was for _, was, _ in renamed) != 1:
            continue
        if old in lacks or (not lacks and "NoneType" in said):
            return _readers(bench, path, old, new, silent=not lacks)
        if new in lacks:
            return _sections(bench, path, old, new)
    return None


def _renamed(bench: Bench) -> list[tuple[str, str, str]]:
    found: dict[tuple[str, str, str], None] = {}
    for path, item in diffs(bench).items():
        for old, new in key_swaps(hunks(item.body)) if is_config(path) else ():
            if new in keys_of(bench.text(path) or ""):
                found[path, old, new] = None
    return list(found)


def _readers(bench: Bench, config: str, old: str, new: str, *, silent: bool) -> Fix | None:
    """Return the readers with the new key.

    :param silent: a read by ``get`` gave None, and the failure came later in the function.
    """
    if any(old in keys_of(bench.text(path) or "") for path in _beside(bench, config)):
        return None
    for path, code, place in _places(bench, silent=silent):
        asked = [n for n in _asked(place, old) if not silent or _is_argument(code, n)]
        if place is code.tree:
            asked = [n for n in asked if _is_option(code, n)]
        if not asked:
            continue
        roots = {root for node in asked if (root := _root(code, node))}
        texts = {path: _followed(code, old, new, asked, roots)}
        for other in (p for p in bench.python_files() if p != path):
            there = parse(bench.text(other)) if old in (bench.text(other) or "") else None
            texts[other] = _followed(there, old, new, [], roots) if there else None
        changed = {name: text for name, text in texts.items() if text and compiles(text)}
        if path not in changed:
            return None
        return Fix(
            texts=tuple(changed.items()),
            file=path,
            summary=f"Read the key {new} of {config}, which was {old}"[:100],
            explanation=f"A recent commit renamed the key `{old}` of `{config}` to `{new}` and left code that asks for the old one. It asks for the new one now.",
        )
    return None


def _places(bench: Bench, *, silent: bool) -> Iterator[tuple[str, Code, ast.AST]]:
    """Yield where the key may be asked for: the statements that failed; anywhere where `configparser` hides them."""
    lines = [(path, frame.line) for path, frame in bench.own()] or [(path, 0) for path in bench.python_files()]
    for path, line in lines:
        code = parse(bench.text(path)) if bench.editable(path) else None
        if code is not None:
            place = code.scope_at(line) if silent else code.statement_at(line) if line else code.tree
            yield path, code, place or code.tree


def _is_option(code: Code, node: ast.AST) -> bool:
    """Say whether a key is asked for as `configparser` has it: ``parser.getint("section", "key")``."""
    call = code.parents.get(node)
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in {"get", "getint", "getfloat", "getboolean"}
        and len(call.args) == 2
        and call.args[1] is node
    )


def _beside(bench: Bench, config: str) -> Iterator[str]:
    """Yield the file and those of its kind beside it: the same settings for another place may have the old name still."""
    folder, _, name = config.rpartition("/")
    kind = name.rpartition(".")[2]
    yield from (p for p in bench.all_files() if p.rpartition("/")[0] == folder and p.rpartition(".")[2] == kind)


def _followed(code: Code, old: str, new: str, asked: list[ast.Constant], roots: set[str]) -> str | None:
    """Return the code with the failing reads, and every read of the same configuration, by the new key."""
    found = dict.fromkeys((*asked, *(n for n in _asked(code.tree, old) if _root(code, n) in roots)))
    pieces = []
    for node in found:
        mark = code.source(node)[:1]
        pieces.append((code.span(node), f"{mark}{new}{mark}"))
        if mark not in {"'", '"'} or len(code.source(node)) != len(old) + 2:
            return None
    return code.splice(pieces) if pieces else None


def _asked(place: ast.AST, key: str) -> Iterator[ast.Constant]:
    """Yield the literals of a key that something is asked for: ``x["key"]``, ``x.get("section", "key")``."""
    for node in ast.walk(place):
        among: list[ast.expr] = []
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            among = [node.slice]
        elif isinstance(node, ast.Call):
            among = node.args
        yield from (one for one in among if isinstance(one, ast.Constant) and literal(one) == key)


def _is_argument(code: Code, node: ast.AST) -> bool:
    return isinstance(code.parents.get(node), ast.Call)


def _root(code: Code, node: ast.AST) -> str | None:
    """Return what a read begins with, looked up where it is a local name: ``sources()``, ``CONFIG``."""
    parent = code.parents.get(node)
    base: ast.expr | None = None
    if isinstance(parent, ast.Subscript):
        base = parent.value
    elif isinstance(parent, ast.Call):
        base = parent.func.value if isinstance(parent.func, ast.Attribute) else parent.func
    for _ in range(6):
        while isinstance(base, ast.Subscript) or (isinstance(base, ast.Call) and _is_get(base)):
            base = base.value if isinstance(base, ast.Subscript) else base.func.value  # type: ignore[attr-defined]
        if not isinstance(base, ast.Name):
            break
        made = _made(code.scope(node), base.id)
        if made is None:
            break
        base = made
    if base is None or (isinstance(base, ast.Name) and not _is_shared(code, base.id)):
        return None
    return code.source(base)


def _is_shared(code: Code, name: str) -> bool:
    """Say whether a name means the same in every function: the module's own, or what configurations are called."""
    bound = {alias.asname or alias.name for n in code.tree.body if isinstance(n, ast.ImportFrom) for alias in n.names}
    bound |= {t.id for n in code.tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    return name in bound or _CONFIGURATION.fullmatch(name) is not None


def _is_get(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "get"


def _made(scope: Scope, name: str) -> ast.expr | None:
    """Return the one value that a function gives a name of its own."""
    if isinstance(scope, ast.Module):
        return None
    made = [
        n.value
        for n in ast.walk(scope)
        if isinstance(n, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in n.targets)
    ]
    return made[0] if len(made) == 1 else None


def _sections(bench: Bench, config: str, old: str, new: str) -> Fix | None:
    """No code asks for the old key any more, and the file still has it somewhere."""
    text = bench.text(config) or ""
    codes = [code for path in bench.python_files() if (code := parse(bench.text(path)))]
    if old not in keys_of(text) or any(literal(n) == old for code in codes for n in ast.walk(code.tree)):
        return None
    return Fix(
        texts=((config, with_key(text, old, new)),),
        file=config,
        summary=f"Call {old} of {config} by its new name {new} everywhere"[:100],
        explanation=f"A recent commit renamed the key `{old}` of `{config}` to `{new}` and left places of the file with the old name, which no code asks for any more. They have the new one now.",
    )
