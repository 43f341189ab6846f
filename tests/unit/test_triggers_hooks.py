"""The listener's and the notifier's decisions; that they reach Airflow is tests/integration/test_matrix.py's claim."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_agentic.notifications.triage import TriageNotifier
from airflow_agentic.plugins.agentic import AgenticPlugin
from airflow_agentic.triggers.kept import kept_failures
from airflow_agentic.triggers.listener import AgenticListener


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AIRFLOW__AGENTIC__SPOOL_DIR", str(tmp_path))
    return str(tmp_path)


def a_context(notifier: TriageNotifier | None = None, **changes: Any) -> dict[str, Any]:
    """A task-level context as the Dag processor builds it: no exception, no state."""
    task = SimpleNamespace(owner="ann", on_failure_callback=[notifier], on_retry_callback=None, dag=None)
    given = {"dag_id": "orders", "run_id": "r1", "task_id": "load", "try_number": 1, "max_tries": 0, "state": None}
    ti = SimpleNamespace(**{**given, "task": task, "map_index": -1, **changes})
    return {"ti": ti, "run_id": "r1"}


def kept(spool: str) -> list[str]:
    return [failure.dag_id for _, failure in kept_failures(spool)]


def test_a_callback_in_the_dag_processor_without_a_connection_keeps_the_failure(spool: str) -> None:
    notifier = TriageNotifier(agentic_conn_id="nowhere")
    notifier(a_context(notifier))
    assert kept(spool) == ["orders"]


def test_as_a_retry_callback_it_does_nothing(spool: str) -> None:
    notifier = TriageNotifier()
    context = a_context()
    context["ti"].task.on_retry_callback = [notifier]
    notifier(context)
    assert kept(spool) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": "up_for_retry"}, []),
        ({"state": "failed", "try_number": 1, "max_tries": 3}, ["orders"]),
        ({"try_number": 1, "max_tries": 1}, []),
        ({"try_number": 2, "max_tries": 1}, ["orders"]),
    ],
    ids=repr,
)
def test_as_both_callbacks_it_waits_for_the_last_try(spool: str, changes: dict[str, Any], expected: list[str]) -> None:
    notifier = TriageNotifier(agentic_conn_id="nowhere")
    context = a_context(notifier, **changes)
    context["ti"].task.on_retry_callback = [notifier]
    notifier(context)
    assert kept(spool) == expected


def test_the_smallest_dag_level_context_is_reported(spool: str) -> None:
    dag = SimpleNamespace(dag_id="orders", tags=set(), tasks=[])
    TriageNotifier(agentic_conn_id="nowhere").notify({"dag": dag, "run_id": "r1", "reason": "timed_out"})
    assert kept(spool) == ["orders"]


@pytest.mark.parametrize("context", [{}, {"ti": None}, None, 3], ids=repr)
def test_nothing_that_it_is_given_makes_the_notifier_raise(spool: str, context: Any) -> None:
    TriageNotifier().notify(context)
    assert kept(spool) == []


@pytest.mark.parametrize(
    "thing", [None, object(), SimpleNamespace(state="failed")], ids=["nothing", "an object", "a half-made task"]
)
def test_nothing_that_it_is_given_makes_the_listener_raise(spool: str, thing: Any) -> None:
    AgenticListener().on_task_instance_failed(previous_state="running", task_instance=thing, error=None)
    AgenticListener().on_dag_run_failed(dag_run=thing, msg="")
    assert kept(spool) == []


def test_the_listener_has_no_hook_for_success() -> None:
    hooks = {name for name in dir(AgenticListener) if name.startswith(("on_", "before_"))}
    assert hooks == {"on_task_instance_failed", "on_dag_run_failed", "on_starting"}


@pytest.mark.parametrize(("setting", "count"), [("False", 0), ("True", 1), ("nonsense", 0)])
def test_the_plugin_registers_a_listener_only_where_the_setting_is_on(
    monkeypatch: pytest.MonkeyPatch, setting: str, count: int
) -> None:
    monkeypatch.setenv("AIRFLOW__AGENTIC__LISTENER", setting)
    plugin = type("Fresh", (AgenticPlugin,), {"listeners": []})
    plugin.on_load()
    assert len(plugin.listeners) == count


def test_a_broken_section_leaves_the_listener_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__AGENTIC__LISTENER", "True")
    monkeypatch.setenv("AIRFLOW__AGENTIC__DEBOUNCE_S", "soon")
    plugin = type("Fresh", (AgenticPlugin,), {"listeners": []})
    plugin.on_load()
    assert plugin.listeners == []
