"""A dbt project in the checkout → its models' lineage: from the manifest if it is there, else from ref() and source().

A failing task stands for the models that its id or its rendered fields name, or for the whole project where it runs dbt
and names none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_agentic.lineage.scratch import Told, told_of_failing
from airflow_agentic.records import Checkout, Target
from airflow_agentic.repository import files, read_text

NAMESPACE = "dbt"
MAX_MANIFEST, MAX_MODELS = 60_000_000, 3_000
_LONG_AGO = "2000-01-02T00:00:00+00:00"
_REF = re.compile(r"""\bref\s*\(\s*(?:['"][\w.-]+['"]\s*,\s*)?['"](\w[\w.-]*)['"]""")
_SOURCE = re.compile(r"""\bsource\s*\(\s*['"](\w[\w.-]*)['"]\s*,\s*['"](\w[\w.-]*)['"]""")
_COMMENT = re.compile(r"\{#.*?#\}|/\*.*?\*/|--[^\n]*", re.DOTALL)
_RUNS_DBT = re.compile(r"\bdbt(?:-ol)?\s+(?:\S+\s+){0,6}?(?:run|build|test|snapshot|seed)\b|dbt", re.I)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model, seed or snapshot: something that dbt builds."""

    key: str
    name: str
    table: str
    made_of: tuple[str, ...]
    """Tables."""
    columns: tuple[str, ...] = ()


def told_by_manifest(checkout: Checkout, target: Target) -> list[Told]:
    """Return what the newest manifest of the checkout tells; nothing where there is none."""
    for path in _found(checkout, "manifest.json"):
        models = _of_manifest(read_text(checkout, path, limit=MAX_MANIFEST) or "")
        if models:
            return _told(models, target)
    return []


def told_by_models(checkout: Checkout, target: Target) -> list[Told]:
    """Return what ref() and source() of the models' files tell; nothing where there is no dbt project."""
    found: list[Model] = []
    for project in _found(checkout, "dbt_project.yml"):
        root = project.rpartition("/")[0]
        for path in files(checkout.path):
            if len(found) < MAX_MODELS and path.endswith(".sql") and path.startswith(f"{root}/" if root else ""):
                text = _COMMENT.sub("", read_text(checkout, path) or "")
                parents = [*_REF.findall(text), *(f"{schema}.{table}" for schema, table in _SOURCE.findall(text))]
                if parents or "/models/" in f"/{path}":
                    name = path.rpartition("/")[2].removesuffix(".sql")
                    found.append(
                        Model(key=f"model.{name}", name=name, table=name, made_of=tuple(dict.fromkeys(parents)))
                    )
    return _told(found, target)


def _told(models: Sequence[Model], target: Target) -> list[Told]:
    found = [
        Told(
            job=model.key, at=_LONG_AGO, state="OTHER", run_id="declared", inputs=_named(model.made_of),
            outputs=_named([model.table]),
            columns={(NAMESPACE, model.table): model.columns} if model.columns else None,
        )
        for model in models
    ]  # fmt: skip
    failing = []
    for task in target.failed:
        mine = _models_of(task.key.task_id, task.rendered, models)
        own = {m.table for m in mine}
        inputs = [t for m in mine for t in m.made_of if t not in own]
        if mine:
            failing.append(told_of_failing(target, task.key.task_id, _named(inputs), _named(m.table for m in mine)))
    return [*found, *failing] if failing else []


def _models_of(task_id: str, rendered: Iterable[tuple[str, str]], models: Sequence[Model]) -> list[Model]:
    """Return the models that a task names (the longest name where one is part of another), else all if it runs dbt."""
    parts = re.split(r"[.\s]+", task_id)
    spelled = {*parts, *(re.sub(r"_(?:run|test|build|snapshot|seed)$", "", part) for part in parts)}
    said = "\n".join(value for _, value in rendered)
    named = [m for m in models if m.name in spelled]
    if not named and _RUNS_DBT.search(said):
        named = [m for m in models if re.search(rf"(?<![\w.-]){re.escape(m.name)}(?![\w-])", said)]
    if named:
        return named
    return list(models) if _RUNS_DBT.search(f"{said}\n{task_id}") else []


def _of_manifest(text: str) -> list[Model]:
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError):
        return []
    nodes = {**_object(manifest, "sources"), **_object(manifest, "nodes")}
    tables = {key: _table(node) for key, node in nodes.items() if isinstance(node, dict)}
    found = []
    for key, node in list(nodes.items())[: MAX_MODELS * 5]:
        if not isinstance(node, dict) or node.get("resource_type") not in {"model", "seed", "snapshot"}:
            continue
        parents = _object(node, "depends_on").get("nodes")
        made_of = [
            tables[p] for p in (parents if isinstance(parents, list) else ()) if isinstance(p, str) and p in tables
        ]
        columns = tuple(str(name)[:200] for name in list(_object(node, "columns"))[:500])
        found.append(
            Model(
                key=key[:500],
                name=str(node.get("name"))[:300],
                table=tables[key],
                made_of=tuple(made_of),
                columns=columns,
            )
        )
    return found[:MAX_MODELS]


def _table(node: Mapping[str, Any]) -> str:
    name = node.get("identifier") or node.get("alias") or node.get("name")
    return ".".join(str(part)[:300] for part in (node.get("schema"), name) if part)


def _object(thing: object, key: str) -> dict[str, Any]:
    found = thing.get(key) if isinstance(thing, dict) else None
    return found if isinstance(found, dict) else {}


def _named(tables: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((NAMESPACE, table) for table in dict.fromkeys(tables) if table)


def _found(checkout: Checkout, name: str) -> list[str]:
    """Return files of that name, those in a ``target`` folder first."""
    found = [path for path in files(checkout.path) if path.rpartition("/")[2] == name]
    return sorted(found, key=lambda path: ("/target/" not in f"/{path}", path.count("/"), path))[:5]
