"""Proof, proposal or verdict → the same without secrets: what a run, an agent or a rule said, before it is kept."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from airflow_agentic.ports import Redactor

R = TypeVar("R")
_SAID = frozenset(
    {"reason", "detail", "log_tail", "broken_because", "message", "code", "chain", "note", "samples"}
    | {"root_cause", "root_cause_dag", "root_cause_task", "root_cause_file", "next_step", "evidence_gaps", "notes"}
)
"""Fields that hold words of a run, a test, an error or an agent; states, fingerprints and a change's lines stay."""


def redacted(record: R, redactor: Redactor) -> R:
    """Return a copy of a frozen record with everything that somebody said redacted, at any depth."""
    found: R = _walk(record, redactor)
    return found


def _walk(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, tuple):
        return tuple(_walk(item, redactor) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {}
    for field in fields(value):
        held = getattr(value, field.name)
        new = _say(held, redactor) if field.name in _SAID else _walk(held, redactor)
        if new != held:
            changed[field.name] = new
    return replace(value, **changed)


def _say(held: Any, redactor: Redactor) -> Any:
    if isinstance(held, str):
        return redactor.redact(held)
    return tuple(redactor.redact(item) for item in held) if isinstance(held, tuple) else held
