"""What every task process pays for: the plugin and the triggers bring in nothing heavy that is not there already."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import airflow_agentic.triggers

HEAVY = ("anthropic", "github", "fastapi", "sqlalchemy", "httpx", "alembic", "libcst", "sqlglot", "jinja2", "pathspec")
OURS_HEAVY = ("airflow_agentic.scope", "airflow_agentic.store", "airflow_agentic.wiring")
STARTUP = (
    "airflow_agentic.plugins.agentic",
    "airflow_agentic.get_provider_info",
    *(f"airflow_agentic.triggers.{module.name}" for module in pkgutil.iter_modules(airflow_agentic.triggers.__path__)),
)

PROBE = """
import importlib, json, sys
import airflow.sdk.plugins_manager, airflow.sdk.configuration
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def newly_imported(*names: str) -> list[str]:
    """Modules that importing *names* adds to a fresh interpreter that has Airflow's plugin base."""
    done = subprocess.run([sys.executable, "-c", PROBE, *names], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout.splitlines()[-1]))


def test_plugin_and_triggers_import_nothing_heavy() -> None:
    new = newly_imported(*STARTUP)
    heavy = [name for name in new if name.split(".")[0] in HEAVY or name in OURS_HEAVY]
    assert "airflow_agentic.triggers.listener" in new
    assert heavy == []


def test_the_plugin_without_a_listener_imports_none_of_the_triggers() -> None:
    new = newly_imported("airflow_agentic.plugins.agentic")
    assert [name for name in new if name.startswith("airflow_agentic.triggers")] == []


def test_the_listener_imports_what_a_failure_needs_only_once_something_fails() -> None:
    new = newly_imported("airflow_agentic.triggers.listener")
    ours = {name for name in new if name.startswith("airflow_agentic.")}
    assert ours == {"airflow_agentic.triggers", "airflow_agentic.triggers.listener"}


def test_the_notifier_in_a_dag_file_imports_nothing_heavy() -> None:
    new = newly_imported("airflow.sdk.bases.notifier", "airflow_agentic.notifications.triage")
    ours = newly_imported("airflow.sdk.bases.notifier")
    added = set(new) - set(ours)
    assert [name for name in added if name.split(".")[0] in HEAVY or name in OURS_HEAVY] == []
