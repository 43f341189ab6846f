"""Lines that somebody wrote who had not read the patterns: secrets that must go, and lines that must stay as they are.

``own.jsonl`` was written by one who had, to try the classes on other words.

Their blind figures are in docs/FACTS_security.md; since then the patterns were mended for them, so this holds a level,
it measures nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

from airflow_agentic.guardrails.redact import SpanRedactor

FOLDER = Path(__file__).parent.parent / "evals" / "strangers"
LEFT = {"7CvYncmUXeTMiRfwq6BA"}
"""A client id beside its secret: an id, as we see it."""


def rows(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_no_secret_that_a_stranger_thought_of_stays() -> None:
    found = [*rows("secrets"), *rows("own")]
    left = {
        str(secret)
        for row in found
        for secret in row["secrets"]  # type: ignore[attr-defined]
        if secret in SpanRedactor().redact(str(row["line"]))
    }
    assert (len(found), left - LEFT) == (374, set())


def test_no_clean_line_that_a_stranger_thought_of_is_altered() -> None:
    found = [str(row["line"]) for row in rows("clean")]
    assert (len(found), [line for line in found if SpanRedactor().redact(line) != line]) == (250, [])
