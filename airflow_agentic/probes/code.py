"""The pipelines' working tree → which connections, addresses and callbacks its Python names. Read, never imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_DATABASES = "postgres|mysql|mariadb|snowflake|redshift|mssql|oracle|bigquery|trino|clickhouse"
_ADDRESS = re.compile(rf"(?:jdbc:)?(?:{_DATABASES})[a-z+]*://[^\s'\"]+", re.IGNORECASE)
_DEFAULTS = {"S3Hook": "aws_default", "GCSHook": "google_cloud_default", "BigQueryHook": "google_cloud_default"}
"""Hooks whose default connection does not follow from their name."""
_HERE = ("", "localhost", "127.0.0.1", "::1")
_NOTIFIER = "TriageNotifier"
_MOST_FILES = 5_000


@dataclass(frozen=True, kw_only=True)
class Named:
    """What the code names."""

    connections: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    """Connections that a hook takes where the code names none; they count if there is one of that id."""
    addresses: tuple[str, ...] = ()
    """Databases elsewhere, without credentials, with the file: ``postgresql://prod-db/sales in dags/x.py``."""
    callbacks: int = 0
    """Files that name our notifier."""
    dbt: bool = False
    lineage: bool = False
    """Whether SQL or assets tell what is made from what."""


def read_code(tree: Path, *, tests: str = "tests") -> Named:
    """Return what the code below *tree* names.

    :param tests: folder whose code runs nowhere in production.
    """
    connections: set[str] = set()
    defaults: set[str] = set()
    addresses: set[str] = set()
    callbacks, lineage = 0, any(tree.rglob("*.sql"))
    files = [p for p in tree.rglob("*.py") if p.is_file() and not p.is_symlink()][:_MOST_FILES]
    for path in files:
        module = _parsed(path)
        place = path.relative_to(tree)
        if module is None or tests in place.parts[:-1]:
            continue
        texts = _constants(module)
        calls = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
        for call in calls:
            connections.update(_connections(call, texts))
            defaults.update(_default_of(call))
        named = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
        callbacks += _NOTIFIER in named
        lineage = lineage or bool(named & {"Asset", "Dataset"})
        addresses.update(f"{found} in {place}" for found in _addresses(module))
    return Named(
        connections=tuple(sorted(connections)),
        defaults=tuple(sorted(defaults - connections)),
        addresses=tuple(sorted(addresses)),
        callbacks=callbacks,
        dbt=any(tree.rglob("dbt_project.yml")),
        lineage=lineage,
    )


def _parsed(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_text(encoding="utf-8", errors="replace"))
    except (SyntaxError, ValueError, RecursionError):
        return None


def _constants(module: ast.Module) -> dict[str, str]:
    """Return the texts that a module gives names to at its top."""
    found = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found.update({name.id: node.value.value for name in node.targets if isinstance(name, ast.Name)})
    return found


def _connections(call: ast.Call, texts: Mapping[str, str]) -> Iterator[str]:
    """Yield ``..._conn_id="x"``, ``get_connection("x")`` and ``PostgresHook("x")``."""
    for keyword in call.keywords:
        if keyword.arg and keyword.arg.endswith("conn_id") and keyword.arg != "agentic_conn_id":
            yield from _text(keyword.value, texts)
    if call.args and (_name(call) in ("get_connection", "get_connection_from_secrets") or _name(call).endswith("Hook")):
        yield from _text(call.args[0], texts)


def _default_of(call: ast.Call) -> Iterator[str]:
    """Yield the connection that a hook takes where it is given none."""
    name = _name(call)
    if not name.endswith("Hook") or name == "Hook" or call.args:
        return
    if not any(keyword.arg is None or keyword.arg.endswith("conn_id") for keyword in call.keywords):
        yield _DEFAULTS.get(name, f"{name.removesuffix('Hook').lower()}_default")


def _name(call: ast.Call) -> str:
    made = call.func
    return made.attr if isinstance(made, ast.Attribute) else made.id if isinstance(made, ast.Name) else ""


def _text(node: ast.expr, texts: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.Name) and texts.get(node.id):
        yield texts[node.id]


def _addresses(module: ast.Module) -> Iterator[str]:
    for text in _texts(ast.walk(module)):
        for found in _ADDRESS.findall(text):
            if "{" in found or "%" in found.partition("://")[2][:1]:
                continue
            parts = urlsplit(found.removeprefix("jdbc:"))
            host = _host(parts.netloc)
            if host not in _HERE:
                yield f"{parts.scheme}://{host}{parts.path}"


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _host(place: str) -> str:
    """Return the host alone: neither login nor password, which may hold anything."""
    return place.rpartition("@")[2].partition(":")[0].lower()
