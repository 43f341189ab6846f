from __future__ import annotations

import json
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_agentic.errors import SettingsError
from airflow_agentic.records import Failure, Signal
from airflow_agentic.triggers.capture import MESSAGE_LIMIT, capture
from airflow_agentic.triggers.wire import failure_as_json, failure_from_json

WHEN = datetime(2026, 11, 2, 4, tzinfo=timezone.utc)


def a_dag() -> Any:
    tasks = [SimpleNamespace(task_id="load", owner="ann, bob"), SimpleNamespace(task_id="rest", owner="carl")]
    return SimpleNamespace(dag_id="orders", tags={"gold"}, tasks=tasks)


def a_task_run(dag: Any) -> Any:
    """The real RuntimeTaskInstance of a worker, built as Airflow's own callback code builds it."""
    from airflow.sdk.api.datamodels._generated import DagRun, TIRunContext
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    run = DagRun.model_construct(dag_id="orders", run_id="r1", clear_number=2, logical_date=WHEN)
    return RuntimeTaskInstance.model_construct(
        dag_id="orders",
        run_id="r1",
        task_id="load",
        map_index=3,
        try_number=2,
        task=SimpleNamespace(owner="ann, bob", dag=dag),
        _ti_context_from_server=TIRunContext.model_construct(dag_run=run, max_tries=1),
    )


def captured(source: Any, **given: Any) -> Failure:
    failure = capture(source, **{"signal": Signal.TASK_LISTENER, **given})
    assert failure is not None
    return failure


def test_a_workers_task_instance_is_copied_with_its_error() -> None:
    failure = captured(a_task_run(a_dag()), error=KeyError("customer_id"))
    assert (failure.dag_id, failure.run_id, failure.clear_number) == ("orders", "r1", 2)
    assert (failure.task_id, failure.map_index, failure.try_number) == ("load", 3, 2)
    assert (failure.error_class, failure.error_message) == ("KeyError", "'customer_id'")
    assert (failure.owners, failure.tags) == (("ann", "bob"), ("gold",))
    assert failure.logical_date == "2026-11-02T04:00:00+00:00"


def test_a_task_callbacks_context_says_the_same() -> None:
    ti = a_task_run(a_dag())
    context = {"ti": ti, "dag": a_dag(), "run_id": "r1", "exception": ValueError("x")}
    failure = captured(context, signal=Signal.TASK_CALLBACK)
    assert (failure.task_id, failure.clear_number, failure.error_class) == ("load", 2, "ValueError")


def test_the_smallest_dag_callback_context_is_enough() -> None:
    failure = captured({"dag": a_dag(), "run_id": "r1", "reason": "timed_out"}, signal=Signal.DAG_CALLBACK)
    assert (failure.dag_id, failure.run_id, failure.reason, failure.task_id) == ("orders", "r1", "timed_out", None)


def test_a_dag_callback_names_no_task_though_airflow_hands_it_one() -> None:
    context = {"ti": a_task_run(a_dag()), "dag": a_dag(), "run_id": "r1", "reason": "task_failure"}
    assert captured(context, signal=Signal.DAG_CALLBACK).task_id is None


def test_a_context_without_dag_run_or_exception_is_enough() -> None:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    ti = RuntimeTaskInstance.model_construct(dag_id="orders", run_id="r1", task_id="load", try_number=1)
    failure = captured({"ti": ti, "task_instance": ti}, signal=Signal.TASK_CALLBACK)
    assert (failure.clear_number, failure.error_class, failure.error_message) == (0, None, None)


def test_a_dag_run_of_the_database_is_copied_without_loading_anything() -> None:
    from airflow.models.dagrun import DagRun

    run = DagRun(dag_id="orders", run_id="r1", logical_date=WHEN)
    run.dag = a_dag()
    loaded = set(run.__dict__)
    failure = captured(run, signal=Signal.RUN_LISTENER, reason="task_failure")
    assert (failure.reason, failure.owners, failure.tags) == ("task_failure", ("ann", "bob", "carl"), ("gold",))
    assert set(run.__dict__) == loaded


def test_a_task_instance_of_the_database_has_text_for_an_error() -> None:
    from airflow.models.taskinstance import TaskInstance

    ti = TaskInstance.__new__(TaskInstance)
    ti.__dict__.update(dag_id="orders", run_id="r1", task_id="load", map_index=-1, try_number=1)
    failure = captured(ti, error="TaskInstance's state was manually set to `failed`.")
    assert (failure.task_id, failure.error_class, failure.reason) == ("load", None, "manual")


def test_a_run_that_a_person_marked_failed_is_manual() -> None:
    run = SimpleNamespace(dag_id="orders", run_id="r1", clear_number=0)
    said = "Dag Run's state was manually set to `failed`."
    assert captured(run, signal=Signal.RUN_LISTENER, reason=said).reason == "manual"


def test_a_message_is_bounded() -> None:
    assert len(captured(a_task_run(a_dag()), error=ValueError("x" * 9999)).error_message or "") == MESSAGE_LIMIT


def test_an_error_that_cannot_be_printed_does_not_stop_the_capture() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert captured(a_task_run(a_dag()), error=Mute()).error_message == "<Mute without text>"


@pytest.mark.parametrize("source", [{}, {"run_id": "r1"}, SimpleNamespace(dag_id="orders"), None, 7], ids=repr)
def test_what_names_no_run_is_no_failure_and_raises_nothing(source: Any) -> None:
    assert capture(source, signal=Signal.TASK_CALLBACK) is None


def test_an_object_that_raises_on_every_touch_is_no_failure() -> None:
    class Hostile:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    assert capture(Hostile(), signal=Signal.RUN_LISTENER) is None


def test_a_failure_survives_its_way_through_json() -> None:
    failure = captured(a_task_run(a_dag()), error=KeyError("customer_id"))
    assert failure_from_json(json.loads(json.dumps(failure_as_json(failure)))) == failure


@pytest.mark.parametrize(
    "given",
    [None, [], {}, {"dag_id": 7}, {"dag_id": "a", "run_id": "b", "clear_number": "0"}, {"signal": "nobody"}],
    ids=repr,
)
def test_a_conf_of_another_shape_is_refused_with_a_hint(given: object) -> None:
    with pytest.raises(SettingsError, match="airflow agentic triage"):
        failure_from_json(given)


def test_long_text_in_a_conf_is_cut() -> None:
    plain = failure_as_json(captured(a_task_run(a_dag())))
    assert len(failure_from_json({**plain, "reason": "x" * 9999}).reason or "") == 500
