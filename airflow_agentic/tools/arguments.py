"""A tool call's arguments → checked values. What a model sends is a stranger's text: nothing is taken as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_agentic.errors import ToolRefused


def object_schema(properties: Mapping[str, Mapping[str, Any]], *, required: tuple[str, ...]) -> dict[str, Any]:
    """Return the JSON schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "properties": {name: dict(schema) for name, schema in properties.items()},
        "required": list(required),
        "additionalProperties": False,
    }


def text_argument(arguments: Mapping[str, Any], name: str, default: str | None = None, *, limit: int = 2_000) -> str:
    """Return a text of at most *limit* characters. :raises ToolRefused: it is missing, no text, or longer."""
    value = arguments.get(name, default)
    if not isinstance(value, str):
        raise ToolRefused(f"The argument {name!r} must be a text.")
    if len(value) > limit:
        raise ToolRefused(f"The argument {name!r} has {len(value)} characters; at most {limit} are taken.")
    return value


def number_argument(arguments: Mapping[str, Any], name: str, default: int, *, low: int, high: int) -> int:
    """Return a whole number, drawn into *low* to *high*. :raises ToolRefused: it is no whole number."""
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ToolRefused(f"The argument {name!r} must be a whole number.")
    return max(low, min(high, value))
