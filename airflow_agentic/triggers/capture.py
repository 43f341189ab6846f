"""Airflow's objects at the moment of a failure → a `Failure`, or None with a line in the log.

Only scalars are copied. Objects of the scheduler's live database session are read from what is already loaded:
a lazy attribute would query on that session, and anything that ends it takes the scheduler down with it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from airflow_agentic.records import Failure, Signal

log = logging.getLogger(__name__)

MESSAGE_LIMIT = 500
_ID_LIMIT = 250
_WORD_LIMIT = 100
_WORDS = 20


def capture(source: Any, *, signal: Signal, error: object = None, reason: str | None = None) -> Failure | None:
    """Copy what is worth knowing; never raises.

    :param source: a callback's context, a task instance (of a worker or of the database) or a Dag run.
    :param error: the exception or text that a listener was given; a context brings its own.
    :param reason: the run listener's message.
    :return: None when Dag and run cannot be told; the log says what was given.
    """
    try:
        if isinstance(source, Mapping):
            return _from_context(source, signal, error)
        if _read(source, "task_id") is not None:
            return _build(signal, ti=source, dag_run=_run_of(source), dag=_dag_of(source), error=error)
        return _build(signal, ti=None, dag_run=source, dag=_read(source, "dag"), error=None, reason=reason)
    except Exception:
        # A border: an object that we do not know must not cost the user's task its other callbacks.
        log.exception("Capturing a failure from %s failed; other signals of that run may still arrive", type(source))
        return None


def _from_context(context: Mapping[str, Any], signal: Signal, error: object) -> Failure | None:
    ti = context.get("ti") or context.get("task_instance")
    dag_run = context.get("dag_run") or (_run_of(ti) if ti is not None else None)
    return _build(
        signal,
        ti=ti,
        dag_run=dag_run,
        dag=context.get("dag"),
        error=error if error is not None else context.get("exception"),
        reason=context.get("reason"),
        run_id=context.get("run_id"),
    )


def _build(
    signal: Signal,
    *,
    ti: Any,
    dag_run: Any,
    dag: Any,
    error: object,
    reason: object = None,
    run_id: object = None,
) -> Failure | None:
    dag_id = _needed("dag_id", ti, dag_run, dag)
    run_id = _needed("run_id", ti, dag_run) or run_id
    if not dag_id or not run_id:
        log.error("Capturing a failure failed: its Dag (%r) or run (%r) is unknown", dag_id, run_id)
        return None
    # A Dag-level callback is told about one task instance, but not that it is the cause.
    task = ti if signal in (Signal.TASK_CALLBACK, Signal.TASK_LISTENER) else None
    return Failure(
        dag_id=_text(dag_id, _ID_LIMIT),
        run_id=_text(run_id, _ID_LIMIT),
        clear_number=int(_needed("clear_number", dag_run) or 0),
        signal=signal,
        seen_at=datetime.now(timezone.utc).isoformat(),
        task_id=_text(_read(task, "task_id"), _ID_LIMIT) or None,
        map_index=_index(_read(task, "map_index")),
        try_number=_read(task, "try_number"),
        error_class=_class_name(error),
        error_message=_text(error, MESSAGE_LIMIT) or None,
        reason=_reason(reason, error),
        logical_date=_instant(_read(dag_run, "logical_date")),
        owners=_words(_owners(dag, task)),
        tags=_words(_read(dag, "tags")),
    )


def _read(thing: Any, name: str) -> Any:
    """Return an attribute that costs nothing; of a database object only what is loaded."""
    if thing is None:
        return None
    if hasattr(thing, "_sa_instance_state"):
        return thing.__dict__.get(name)
    return getattr(thing, name, None)


def _needed(name: str, *things: Any) -> Any:
    """Return the first value found; rather than know nothing, let the database object load it (a read-only SELECT)."""
    for thing in things:
        value = _read(thing, name)
        if value is not None:
            return value
    return next((getattr(thing, name, None) for thing in things if thing is not None), None)


def _run_of(ti: Any) -> Any:
    if hasattr(ti, "_sa_instance_state"):
        return ti.__dict__.get("dag_run")
    # Private, but the public get_template_context() validates the Dag's params again, and may raise for them.
    return getattr(getattr(ti, "_ti_context_from_server", None), "dag_run", None)


def _dag_of(ti: Any) -> Any:
    task = ti.__dict__.get("task") if hasattr(ti, "_sa_instance_state") else getattr(ti, "task", None)
    return getattr(task, "dag", None)


def _owners(dag: Any, ti: Any) -> Iterator[str]:
    tasks = [_read(ti, "task")] if _read(ti, "task") is not None else getattr(dag, "tasks", None) or ()
    for task in islice(tasks, 1000):
        yield from str(getattr(task, "owner", "") or "").split(",")


def _words(given: Iterable[Any] | None) -> tuple[str, ...]:
    found = {_text(getattr(word, "name", word), _WORD_LIMIT).strip() for word in given or ()}
    return tuple(sorted(found - {""})[:_WORDS])


def _text(value: object, limit: int) -> str:
    if value is None:
        return ""
    try:
        return str(value)[:limit]
    except Exception:
        # Somebody else's __str__, met again by Airflow's own log: ours need only survive it.
        log.debug("No text for a %s", type(value), exc_info=True)
        return f"<{type(value).__name__} without text>"


def _class_name(error: object) -> str | None:
    if not isinstance(error, BaseException):
        return None
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _reason(reason: object, error: object) -> str | None:
    word = _text(reason or (error if isinstance(error, str) else None), _WORD_LIMIT)
    return "manual" if "manually set" in word else (_text(reason, _WORD_LIMIT) or None)


def _instant(value: object) -> str | None:
    return value.astimezone(timezone.utc).isoformat() if isinstance(value, datetime) else None


def _index(value: object) -> int:
    return value if isinstance(value, int) else -1
