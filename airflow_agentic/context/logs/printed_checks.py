"""Lines of a data check (Great Expectations, Soda, Airflow's SQL checks) → the checks that failed, in one message."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from airflow_agentic.context.logs.printed_dbt import PrintedError
from airflow_agentic.records import Frame

_SODA = re.compile(r"^\s*(?P<check>\S.*?)\s+\[(?:\S+\s+)?FAILED\]\s*$")
_SODA_HEAD = re.compile(r"^\s*(?P<data>[\w.\"-]+) in (?P<source>[\w.-]+)\s*$")
_SODA_VALUE = re.compile(r"^\s*(?:check_value|value): (?P<value>\S+)")
_SODA_END = re.compile(r"Oops! \d+ failures?|\d+/\d+ checks? FAILED")
_GX = re.compile(r'"(?:expectation_type|type)": ?"(?P<what>expect_\w+)"')
_SQL_CHECK = re.compile(r"The following tests have failed:|Test failed\.")
FEW = 8


def check_error(texts: Sequence[str]) -> PrintedError | None:
    """Return what the checks have found; None when no check failed."""
    return _soda(texts) or _expectations(texts) or _sql_checks(texts)


def _soda(texts: Sequence[str]) -> PrintedError | None:
    if not any(_SODA_END.search(text) for text in texts):
        return None
    failed: dict[str, str] = {}
    data = check = ""
    for text in texts:
        head, found, value = _SODA_HEAD.match(text), _SODA.match(text), _SODA_VALUE.match(text)
        if head:
            data = head["data"]
        elif found:
            check = f"{data}: {found['check'].strip()}" if data else found["check"].strip()
            failed.setdefault(check, "")
        elif value and check:
            failed[check], check = f" (it is {value['value']})", ""
    if not failed:
        return None
    frame = Frame(path="", line=0, function=data)
    return PrintedError("soda.CheckFailed", _joined(f"{check}{value}" for check, value in failed.items()), (frame,))


def _expectations(texts: Sequence[str]) -> PrintedError | None:
    """Read a validation's result; when it is no whole JSON, name the expectations around ``"success": false``."""
    whole = "\n".join(texts)
    if not _GX.search(whole):
        return None
    found = [said for value in _objects(whole) for said in _unmet(value)]
    return PrintedError("great_expectations.ValidationFailed", _joined(dict.fromkeys(found))) if found else None


def _objects(text: str) -> Iterator[Any]:
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        yield value
        at = text.find("{", end)


def _unmet(value: Any) -> Iterator[str]:
    """Yield each expectation below *value* that was not met."""
    if isinstance(value, list):
        for item in value:
            yield from _unmet(item)
    if not isinstance(value, dict):
        return
    config = value.get("expectation_config")
    if isinstance(config, dict) and value.get("success") is False:
        kwargs, result = _table(config.get("kwargs")), _table(value.get("result"))
        asked = ", ".join(
            f"{k}={v}" for k, v in kwargs.items() if k in {"column", "column_A", "column_B", "min_value", "max_value"}
        )
        count, total = result.get("unexpected_count"), result.get("element_count")
        of = f": {count} of {total} unexpected" if count is not None else ""
        observed = f": observed {result['observed_value']}" if "observed_value" in result else ""
        yield f"{config.get('expectation_type') or config.get('type')}({asked}){of}{observed}"
        return
    for item in value.values():
        yield from _unmet(item)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sql_checks(texts: Sequence[str]) -> PrintedError | None:
    """Airflow's column and table checks print the results and, last, the tests that failed."""
    at = next((index for index, text in reversed(list(enumerate(texts))) if _SQL_CHECK.search(text)), None)
    if at is None:
        return None
    said = [text.strip() for text in texts[at : at + FEW] if text.strip()]
    return PrintedError("sql.CheckFailed", " ".join(said)[:1_000])


def _joined(failed: Iterator[str] | dict[str, None]) -> str:
    found = list(failed)
    more = f"; and {len(found) - FEW} more" if len(found) > FEW else ""
    return "; ".join(found[:FEW]) + more
