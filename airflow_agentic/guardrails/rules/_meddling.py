"""Python text → what in it reaches for the machinery that runs it, instead of doing the task's work.

A task runs in a process of Airflow's: code in it could answer for the runner, leave without its answer, or watch and
change what runs around it. A pipeline has no use for any of that, so a change that brings it in is refused.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from airflow_agentic.guardrails.rules._code_in_python import dotted

_MODULES = (
    "airflow.sdk.execution_time",
    "airflow.executors",
    "airflow.jobs",
    "airflow.dag_processing",
    "airflow.settings",
    "ctypes",
    "cffi",
    "_ctypes",
)
_CALLS = {
    *("os._exit", "os.abort", "os.kill", "os.killpg", "os.ptrace", "signal.pthread_kill"),
    *("sys.settrace", "sys.setprofile", "sys._getframe", "sys._current_frames", "sys.addaudithook"),
    *("threading.settrace", "threading.setprofile", "sys.monitoring.register_callback"),
    *("gc.get_objects", "gc.get_referrers", "gc.get_referents", "faulthandler.dump_traceback"),
    *("unittest.mock.patch", "mock.patch", "unittest.mock.patch.object", "mock.patch.object"),
}
_WORDS = ("SUPERVISOR_COMMS", "SucceedTask", "airflow.sdk.execution_time", "InProcessTestSupervisor")
_TARGETS = ("airflow", "builtins", "os", "sys", "importlib")
_TABLES = ("sys.modules", "sys.meta_path", "sys.path_hooks")


def meddling(text: str) -> Counter[str]:
    """Return what reaches for the runner, counted; nothing where the text is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return Counter()
    known = _aliases(tree)
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        found.update(_told(node, known))
    return found


def _told(node: ast.AST, known: dict[str, str]) -> Iterator[str]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (f"imports {name}" for name in _imported(node) if name.startswith(_MODULES) or name in _CALLS)
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        name = _full(node, known)
        if name in _CALLS:
            yield f"uses {name}"
    elif isinstance(node, (ast.Assign, ast.AugAssign, ast.Delete)):
        targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
        yield from (f"replaces {name}" for target in targets if (name := _replaced(target, known)))
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from (f"names {word}" for word in _WORDS if word in node.value)
    if isinstance(node, (ast.Name, ast.Attribute)):
        name = node.id if isinstance(node, ast.Name) else node.attr
        yield from (f"names {word}" for word in _WORDS if word == name)


def _aliases(tree: ast.Module) -> dict[str, str]:
    """The full dotted name behind each name that an import binds."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for a in node.names:
                whole = a.name if a.asname else a.name.split(".")[0]
                known[a.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known.update((a.asname or a.name, f"{node.module}.{a.name}") for a in node.names)
    return known


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module}.{alias.name}" for alias in node.names] if node.module and not node.level else []


def _full(node: ast.AST, known: dict[str, str]) -> str:
    first, _, rest = dotted(node).partition(".")
    return ".".join(part for part in (known.get(first, first), rest) if part)


def _replaced(target: ast.AST, known: dict[str, str]) -> str:
    """The name of a foreign module's part that is assigned to; empty for anything else."""
    if isinstance(target, ast.Subscript):
        name = _full(target.value, known)
        return name if name in _TABLES else ""
    if not isinstance(target, ast.Attribute) or dotted(target).partition(".")[0] not in known:
        return ""
    name = _full(target, known)
    return name if name.split(".")[0] in _TARGETS else ""
