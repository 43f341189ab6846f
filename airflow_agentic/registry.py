"""A setting's word → the plug-in of that name: the file name is the setting.

Our own plug-ins are modules in the folders below; a company adds its own through the entry point group
``airflow_agentic.<folder>``. The object is the module's attribute of the CamelCase name with the folder's
suffix (``forges/github.py`` → ``GithubForge``), or what the entry point names.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from importlib.metadata import entry_points
from typing import Any

from airflow_agentic.errors import SettingsError

SUFFIXES = {
    "context": "Source",
    "agents": "Agent",
    "workspaces": "Workspace",
    "forges": "Forge",
    "channels": "Channel",
    "guardrails.rules": "Rule",
    "tools": "Tool",
}


def available(folder: str) -> tuple[str, ...]:
    """Return the names that `find` knows for *folder*, sorted."""
    return tuple(sorted({*_own(folder), *_foreign(folder)}))


def find(folder: str, name: str) -> Any:
    """Return the plug-in class *name* of *folder*.

    :raises SettingsError: no module or entry point has that name; the message lists those that exist.
    """
    if name in _own(folder):
        module = importlib.import_module(f"airflow_agentic.{folder}.{name}")
        return getattr(module, _class_name(name, SUFFIXES[folder]))
    foreign = _foreign(folder)
    if name in foreign:
        return foreign[name].load()
    raise SettingsError(
        f"Cannot use {name!r} from {folder!r}: no module or entry point has that name. "
        f"Set it to one of {', '.join(available(folder))}."
    )


def _own(folder: str) -> tuple[str, ...]:
    package = importlib.import_module(f"airflow_agentic.{folder}")
    suffix = SUFFIXES[folder]
    names = [m.name for m in pkgutil.iter_modules(package.__path__) if not m.ispkg and not m.name.startswith("_")]
    return tuple(n for n in names if _defines(f"airflow_agentic.{folder}.{n}", _class_name(n, suffix)))


def _defines(module: str, cls: str) -> bool:
    """Look into the source, not the module: asking what exists must import no vendor's SDK."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return False
    with open(spec.origin, encoding="utf-8") as text:
        return any(line.startswith(f"class {cls}") for line in text)


def _foreign(folder: str) -> dict[str, Any]:
    return {point.name: point for point in entry_points(group=f"airflow_agentic.{folder}")}


def _class_name(name: str, suffix: str) -> str:
    return "".join(word.capitalize() for word in name.split("_")) + suffix
