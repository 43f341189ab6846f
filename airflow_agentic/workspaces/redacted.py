"""Proof → the same proof without secrets: what a run said is taken out of hand before anybody keeps or shows it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from airflow_agentic.ports import Redactor

R = TypeVar("R")
_SAID = frozenset({"reason", "detail", "log_tail", "broken_because", "message", "code", "chain", "note", "samples"})
"""Fields that hold words of a run, a test or an error; names, states and fingerprints are compared and stay."""


def redacted(record: R, redactor: Redactor) -> R:
    """Return a copy of a frozen record with everything that a run said redacted, at any depth."""
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
