"""A `Failure` ↔ the conf of a triage run: what the hooks send and the triage Dag's first task reads.

Whoever may trigger the triage Dag may write any conf, so reading is strict in kind and bounded in length. Nothing
here is believed: the first task reads the run's state again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from airflow_agentic.airflow_masker import known_values
from airflow_agentic.errors import SettingsError
from airflow_agentic.records import Failure, Signal
from airflow_agentic.redaction.everything import hide_everything

_LIMIT = 500
_LISTS = ("owners", "tags")
_SAID = ("error_message", "reason")
_NUMBERS = ("clear_number", "map_index", "try_number")


def failure_as_json(failure: Failure) -> dict[str, Any]:
    """Return the failure as plain JSON values, without secrets: it lies on disk and in Airflow's database."""
    plain = asdict(failure)
    for name in _SAID:
        plain[name] = hide_everything(plain[name], known_values()) if plain[name] else plain[name]
    return {**plain, "signal": failure.signal.value, **{name: list(plain[name]) for name in _LISTS}}


def failure_from_json(given: object) -> Failure:
    """Return the failure that `failure_as_json` wrote.

    :raises SettingsError: it is none; the triage run was started with a conf of another shape.
    """
    if not isinstance(given, Mapping):
        raise SettingsError(f"Reading a failure failed: got {type(given).__name__}, not an object. {_HINT}")
    known = {field.name for field in fields(Failure)}
    values: dict[str, Any] = {name: _value(name, value) for name, value in given.items() if name in known}
    try:
        return Failure(**{**values, "signal": Signal(values.get("signal"))})
    except (TypeError, ValueError) as error:
        raise SettingsError(f"Reading a failure failed: {error}. {_HINT}") from error


_HINT = "Start a triage with 'airflow agentic triage DAG_ID RUN_ID' rather than by hand."


def _value(name: str, value: object) -> object:
    if name in _LISTS and isinstance(value, (list, tuple)):
        return tuple(str(word)[:_LIMIT] for word in value[:100])
    if value is None or (name in _NUMBERS and type(value) is int):
        return value
    if isinstance(value, str) and name not in _NUMBERS + _LISTS:
        return value[:_LIMIT]
    raise SettingsError(f"Reading a failure failed: {name} is {type(value).__name__}. {_HINT}")
