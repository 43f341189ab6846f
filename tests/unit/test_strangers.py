"""Lines that somebody wrote who had not read the patterns: secrets that must go, and lines that must stay as they are.

``own.jsonl`` and ``clean_own.jsonl`` were written by one who had, to try the classes on other words.
``*_sixth.jsonl`` are another author's two worlds; all of its 560 secrets are some, none was dropped.

Their blind figures are in docs/FACTS_security.md; since then the patterns were mended for them, so this holds a level,
it measures nothing.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from airflow_agentic.guardrails.redact import SpanRedactor

FOLDER = Path(__file__).parent.parent / "evals" / "strangers"
LEFT = {"7CvYncmUXeTMiRfwq6BA"}
"""A client id beside its secret: an id, as we see it."""
KEY_ID = re.compile(r"\bAKIA[A-Z0-9]{16}\b")
"""Half of a credential: some call it an id, the public detectors a secret; we take it out. Four of the clean lines."""


def rows(*names: str) -> list[dict[str, object]]:
    return [
        json.loads(line)
        for name in names
        for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]


@pytest.mark.parametrize(
    ("names", "lines"), [(("secrets", "own"), 1053), (("secrets_sixth",), 440)], ids=["fourth", "sixth"]
)
def test_no_secret_that_a_stranger_thought_of_stays(names: tuple[str, ...], lines: int) -> None:
    found = rows(*names)
    left = {
        str(secret)
        for row in found
        for secret in row["secrets"]  # type: ignore[attr-defined]
        if str(row["line"]).count(str(secret)) <= SpanRedactor().redact(str(row["line"])).count(str(secret))
    }
    assert (len(found), left - LEFT) == (lines, set())


@pytest.mark.parametrize(("name", "lines"), [("clean", 250), ("clean_sixth", 500), ("clean_own", 361)])
def test_no_clean_line_that_a_stranger_thought_of_is_altered(name: str, lines: int) -> None:
    found = [str(row["line"]) for row in rows(name)]
    altered = [line for line in found if SpanRedactor().redact(line) != line and not KEY_ID.search(line)]
    assert (len(found), altered) == (lines, [])
