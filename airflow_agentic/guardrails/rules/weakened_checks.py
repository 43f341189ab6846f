"""DENY a check or test that is removed, loosened, skipped or emptied; ASK for any other edit of one.

A pipeline that no longer notices is the cheapest way to green, and the wrong one. Python is compared by its syntax
tree, so that moving or renaming within a function does not count; other files by their lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from airflow_agentic.changes import added_lines, removed_lines
from airflow_agentic.guardrails.rules._checks_in_python import (
    Guards,
    guards,
    is_constant,
    numbers_of,
    without_numbers,
)
from airflow_agentic.records import Decision, FileEdit, Finding, Proof, Proposal

_CHECK_FILE = re.compile(
    r"(?:^|/)(?:tests?|checks?|expectations?|great_expectations|gx|soda|data_quality|quality|contracts?|assertions?)/"
    r"|(?:^|/)(?:test_[^/]*|conftest|[^/]*_tests?)\.\w+$"
    r"|(?:^|/)[^/]*(?:check|expectation|assertion|data_quality)[^/]*\.\w+$"
    r"|(?:^|/)[^/]*schema[^/]*\.ya?ml$|(?:^|/)(?:pytest\.ini|tox\.ini|\.coveragerc)$",
    re.IGNORECASE,
)
_CHECK_LINE = re.compile(
    r"\b(?:not_null|unique|accepted_values|relationships|data_tests|tests|expect_\w+|constraints?|freshness|"
    r"error_after|warn_after|checks for|required|severity|mostly|min_value|max_value|must|assert\w*)\b",
    re.IGNORECASE,
)
_SWITCHED_OFF = (
    (
        re.compile(r"pytest\.(?:skip|xfail|importorskip)\b|mark\.(?:skip|xfail)|unittest\.skip|@skip", re.I),
        "skips a test",
    ),
    (re.compile(r"severity['\"]?\s*[:=]\s*['\"]?warn", re.I), "turns an error into a warning"),
    (re.compile(r"\|\|\s*(?:true|:|exit 0)\b|\bset \+e\b"), "ignores a failing command"),
    (
        re.compile(r"continue[-_]on[-_]error|--no-verify\b|-k\s+['\"]?not\s|--deselect|--ignore=", re.I),
        "ignores a failure",
    ),
    (
        re.compile(r"soft_fail\s*=\s*True|ignore_errors?\s*=\s*True|fail_on_error\s*=\s*False", re.I),
        "ignores a failure",
    ),
    (
        re.compile(r"python_files\s*=|collect_ignore|norecursedirs|enabled['\"]?\s*[:=]\s*['\"]?false", re.I),
        "switches it off",
    ),
)
_LOSSY = re.compile(r"errors\s*=\s*['\"](?:ignore|coerce)['\"]|\btry_cast\s*\(|on_bad_lines\s*=\s*['\"]skip", re.I)
_STRICT_RULES = {"all_success": 0, "": 0}


class WeakenedChecksRule:
    """Notice when a fix makes the pipeline look away."""

    name = "weakened_checks"

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return a DENY for each weakening and an ASK for each other edit of a check."""
        for edit in proposal.change.edits if proposal.change else ():
            denied = list(dict.fromkeys(_weakened(edit)))
            for what in denied:
                yield self._finding(Decision.DENY, f"{edit.path!r} {what}.", edit.path)
            asks = [] if denied else list(dict.fromkeys(_doubtful(edit)))
            for what in asks:
                yield self._finding(Decision.ASK, f"{edit.path!r} {what}.", edit.path)

    def _finding(self, decision: Decision, message: str, path: str) -> Finding:
        return Finding(rule=self.name, decision=decision, message=message, path=path)


def _weakened(edit: FileEdit) -> Iterator[str]:
    if _is_check(edit) and edit.before and not (edit.after or "").strip():
        yield "is a check or test and would be deleted or emptied"
        return
    for _, line in added_lines(edit):
        yield from (what for pattern, what in _SWITCHED_OFF if pattern.search(line))
    before, after = _python(edit.path, edit.before), _python(edit.path, edit.after)
    if before is not None and after is not None:
        yield from _looser(before, after, in_check=_is_check(edit))
    elif _is_check(edit):
        kept = Counter(line.strip() for line in (edit.after or "").split("\n"))
        lost = [line for _, line in removed_lines(edit) if _CHECK_LINE.search(line) and not kept[line.strip()]]
        if lost:
            yield f"loses a check ({lost[0].strip()[:80]!r})"


def _looser(before: Guards, after: Guards, *, in_check: bool) -> Iterator[str]:
    if after.asserts.total() < before.asserts.total():
        yield f"loses an assertion ({next(iter(before.asserts - after.asserts))[:80]!r})"
    if after.raises.total() < before.raises.total():
        yield f"no longer raises {', '.join(sorted((before.raises - after.raises).keys())) or 'an error'}"
    for name in sorted((before.calls - after.calls).keys()):
        if after.calls.total() < before.calls.total():
            yield f"no longer calls {name}"
    yield from _looser_names(before, after)
    yield from _looser_conditions(before, after, in_check=in_check)
    if after.swallowed - before.swallowed:
        yield "swallows every error"
    if after.skips - before.skips:
        yield "skips instead of failing"
    loose = {rule: n for rule, n in (after.trigger_rules - before.trigger_rules).items() if rule not in _STRICT_RULES}
    if loose:
        yield f"loosens a trigger rule to {', '.join(loose)}"


def _looser_names(before: Guards, after: Guards) -> Iterator[str]:
    for name, works in before.functions.items():
        if name not in after.functions:
            yield f"loses {name}()"
        elif works and not after.functions[name]:
            yield f"empties {name}()"
    for name, numbers in before.numbers.items():
        if name in after.numbers and after.numbers[name] != numbers:
            yield f"changes the limit {name} from {numbers[0]} to {after.numbers[name][0]}"


def _looser_conditions(before: Guards, after: Guards, *, in_check: bool) -> Iterator[str]:
    gone, come = before.conditions - after.conditions, after.conditions - before.conditions
    if in_check:
        gone, come = gone + (before.asserts - after.asserts), come + (after.asserts - before.asserts)
    for new in come:
        if gone and is_constant(new):
            yield f"switches a check off ({new})"
        for old in gone:
            if without_numbers(old) == without_numbers(new) and numbers_of(old) != numbers_of(new):
                yield f"moves a limit from {old[:60]!r} to {new[:60]!r}"


def _doubtful(edit: FileEdit) -> Iterator[str]:
    if _is_check(edit) and edit.before is not None:
        yield "is a check or test, and is changed"
    if edit.before is None and edit.path.rsplit("/", 1)[-1] in ("conftest.py", "pytest.ini", "tox.ini"):
        yield "is new, and decides how tests run"
    lossy = [line for _, line in added_lines(edit) if _LOSSY.search(line)]
    if lossy:
        yield f"drops values that do not fit ({lossy[0].strip()[:80]!r})"
    before, after = _python(edit.path, edit.before), _python(edit.path, edit.after)
    if after is not None:
        quiet = +after.narrowly - (+before.narrowly if before else Counter())
        if quiet:
            yield f"passes over an error ({next(iter(quiet))[:80]!r})"
    if edit.path.endswith(".py") and edit.after and after is None:
        yield "is no valid Python, so its checks cannot be compared"


def _is_check(edit: FileEdit) -> bool:
    return bool(_CHECK_FILE.search(edit.path))


def _python(path: str, text: str | None) -> Guards | None:
    if not path.endswith(".py"):
        return None
    return guards(text or "")
