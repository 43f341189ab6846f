"""What every task process pays for: the plugin and the triggers bring in nothing heavy that is not there already."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterable

import pytest

import airflow_agentic.triggers

HEAVY = ("anthropic", "github", "fastapi", "sqlalchemy", "httpx", "alembic", "libcst", "sqlglot", "jinja2", "pathspec")
OURS_HEAVY = ("airflow_agentic.scope", "airflow_agentic.store", "airflow_agentic.wiring")
STARTUP = (
    "airflow_agentic.plugins.agentic",
    "airflow_agentic.get_provider_info",
    *(f"airflow_agentic.triggers.{module.name}" for module in pkgutil.iter_modules(airflow_agentic.triggers.__path__)),
)

NOTIFIER = "airflow.sdk.bases.notifier"
SCENES = {
    "startup": STARTUP,
    "plugin": ("airflow_agentic.plugins.agentic",),
    "listener": ("airflow_agentic.triggers.listener",),
    "notifier": (NOTIFIER, "airflow_agentic.notifications.triage"),
    "airflow's notifier": (NOTIFIER,),
}
PROBE = """
import importlib, json, os, sys
import airflow.sdk.plugins_manager, airflow.sdk.configuration
before = set(sys.modules)
for scene, names in json.loads(sys.argv[1]).items():
    # Airflow's base is imported once; each scene has a process that knows no other.
    if os.fork() == 0:
        for name in names:
            importlib.import_module(name)
        print(json.dumps([scene, sorted(set(sys.modules) - before)]), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, scene
"""


@pytest.fixture(scope="module")
def new() -> dict[str, list[str]]:
    """Modules that each scene adds to an interpreter that has Airflow's plugin base and nothing of ours."""
    command = [sys.executable, "-c", PROBE, json.dumps(SCENES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith('["'))


def test_plugin_and_triggers_import_nothing_heavy(new: dict[str, list[str]]) -> None:
    assert "airflow_agentic.triggers.listener" in new["startup"]
    assert heavy(new["startup"]) == []


def test_the_plugin_without_a_listener_imports_none_of_the_triggers(new: dict[str, list[str]]) -> None:
    assert [name for name in new["plugin"] if name.startswith("airflow_agentic.triggers")] == []


def test_the_listener_imports_what_a_failure_needs_only_once_something_fails(new: dict[str, list[str]]) -> None:
    ours = {name for name in new["listener"] if name.startswith("airflow_agentic.")}
    assert ours == {"airflow_agentic.triggers", "airflow_agentic.triggers.listener"}


def test_the_notifier_in_a_dag_file_imports_nothing_heavy(new: dict[str, list[str]]) -> None:
    assert "airflow_agentic.notifications.triage" in new["notifier"]
    assert heavy(set(new["notifier"]) - set(new["airflow's notifier"])) == []


def heavy(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.split(".")[0] in HEAVY or name in OURS_HEAVY]
