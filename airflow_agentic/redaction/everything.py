"""Text and registered values → text without secrets: shapes and values at once, where no redactor can be handed in.

`guardrails/redact` is the same with numbers that hold for a whole document, and another's masker behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from airflow_agentic.redaction.encodings import RegisteredValues
from airflow_agentic.redaction.spans import find_secrets, hide_secrets, merge, replace_spans


def hide_everything(text: str, values: Iterable[str] = ()) -> str:
    """Return *text* without secrets.

    :param values: registered ones.
    """
    known = [(start, end, "registered") for start, end, _ in _searched(frozenset(values)).find(text)]
    numbers: dict[str, int] = {}
    spans = merge([*known, *find_secrets(text)])
    return replace_spans(text, spans, lambda value: numbers.setdefault(value, len(numbers) + 1))


_REMEMBERED = 50_000
_harmless: set[int] = set()
"""Hashes of texts in which nothing was found: some 3 MB when full, and begun anew then."""


def hide_again(text: str, values: tuple[str, ...] = ()) -> str:
    """As `hide_everything`, for what is told again and again, such as a job's SQL in each of its runs."""
    key = hash((text, values))
    if key in _harmless:
        return text
    found = hide_everything(text, values)
    if found == text:
        if len(_harmless) >= _REMEMBERED:
            _harmless.clear()
        _harmless.add(key)
    return found


@lru_cache(maxsize=4)
def _searched(values: frozenset[str]) -> RegisteredValues:
    return RegisteredValues(values)


def hide_within(value: Any) -> Any:
    """Return plain data (mappings, lists, text) with the secrets taken out of each text."""
    if isinstance(value, str):
        return hide_secrets(value)
    if isinstance(value, dict):
        return {name: hide_within(item) for name, item in value.items()}
    return [hide_within(item) for item in value] if isinstance(value, (list, tuple)) else value


def hide_in_error(error: BaseException) -> None:
    """Take the secrets out of what an error and those behind it say, before a log prints them."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        following.args = tuple(hide_secrets(said) if isinstance(said, str) else said for said in following.args)
        following = following.__cause__ or following.__context__
