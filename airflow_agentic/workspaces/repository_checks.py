"""What a repository checks itself with → one `Check` each: pytest, ruff, sqlfluff, dbt, and what the scope declares.

A linter's finding is named by file and rule, without its line: the same findings before and after are no news, a
new one is. A tool that the interpreter does not have is not run, and that is said.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from airflow_agentic.records import Check

TOOLS = ("pytest", "ruff", "sqlfluff", "dbt")
LINTERS = ("ruff", "sqlfluff")
MAX_FINDINGS = 50
_DBT = "from dbt.cli.main import cli; cli()"
_RUFF, _SQLFLUFF = ("ruff.toml", ".ruff.toml"), (".sqlfluff",)
_SECTIONS = {"ruff": "[tool.ruff", "sqlfluff": "[tool.sqlfluff"}


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How one command ended in the workspace."""

    status: int | None
    said: str
    died: str = ""
    """Why there is no status."""


Run = Callable[[Sequence[str]], Ran]


def run_tests(tree: str, *, python: str, tools: frozenset[str], run: Run) -> tuple[Check, ...]:
    """Run the repository's tests with pytest, if it has any; one Check a test that failed, one for the rest."""
    named = any(os.path.exists(os.path.join(tree, name)) for name in ("tests", "test", "pytest.ini", "conftest.py"))
    if not named or "pytest" not in tools:
        why = "the interpreter of the workspace has no pytest" if named else "no tests found"
        return (Check(name="repository tests", passed=True, detail=why),)
    ran = run([python, "-m", "pytest", "-q", "--no-header", "-rfE", "-p", "no:cacheprovider"])
    if ran.status is None:
        return (Check(name="repository tests", passed=False, detail=f"could not be run: {ran.died}"),)
    if ran.status == 5:
        return (Check(name="repository tests", passed=True, detail="no tests found"),)
    failed = [line.split(" ", 1)[1] for line in ran.said.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    checks = [
        Check(name=f"test: {line.split(' - ')[0][:200]}", passed=False, detail=line[:500])
        for line in failed[:MAX_FINDINGS]
    ]
    return (Check(name="repository tests", passed=ran.status == 0, detail=_last(ran)), *checks)


def run_linters(
    tree: str, *, python: str, tools: frozenset[str], declared: Sequence[str], run: Run
) -> tuple[Check, ...]:
    """Run the linters that the repository is set up for and that the interpreter has, then the declared commands.

    :param declared: commands of the scope; split as a shell would, but run without one.
    """
    found: list[Check] = []
    if _set_up(tree, "ruff", _RUFF):
        argv = [python, "-m", "ruff", "check", "--no-cache", "--output-format", "json", "."]
        found += _linter("ruff", argv, tools, run, _ruff)
    if _set_up(tree, "sqlfluff", _SQLFLUFF):
        argv = [python, "-m", "sqlfluff", "lint", "--format", "json", "--nofail", "."]
        found += _linter("sqlfluff", argv, tools, run, _sqlfluff)
    for folder in _dbt_projects(tree):
        argv = [python, "-c", _DBT, "--no-send-anonymous-usage-stats", "parse", "--project-dir", folder]
        found += _linter(f"dbt parse {folder}", argv, tools, run, None)
    for command in declared:
        argv = shlex.split(command)
        if argv:
            found.append(_plain(f"check: {command}", run([_interpreter(argv[0], python), *argv[1:]])))
    return tuple(found)


def _linter(
    name: str,
    argv: Sequence[str],
    tools: frozenset[str],
    run: Run,
    read: Callable[[str], list[tuple[str, str, str]]] | None,
) -> list[Check]:
    if name.split(maxsplit=1)[0] not in tools:
        return [Check(name=name, passed=True, detail="not run: the interpreter of the workspace does not have it")]
    ran = run(argv)
    if read is None or ran.status is None:
        return [_plain(name, ran)]
    try:
        findings = read(ran.said)
    except (ValueError, KeyError, TypeError, AttributeError):
        return [_plain(name, ran)]
    named = {f"{name}: {path} {rule}": text for path, rule, text in findings}
    checks = [
        Check(name=key[:200], passed=False, detail=text[:300]) for key, text in list(named.items())[:MAX_FINDINGS]
    ]
    return [Check(name=name, passed=not findings, detail=f"{len(findings)} findings"), *checks]


def _plain(name: str, ran: Ran) -> Check:
    if ran.status is None:
        return Check(name=name, passed=False, detail=f"could not be run: {ran.died}")
    return Check(name=name, passed=ran.status == 0, detail=_last(ran))


def _ruff(said: str) -> list[tuple[str, str, str]]:
    listed = json.loads(said[said.index("[") : said.rindex("]") + 1])
    return [(_inside(item["filename"]), str(item["code"]), str(item["message"])) for item in listed]


def _sqlfluff(said: str) -> list[tuple[str, str, str]]:
    listed = json.loads(said[said.index("[") : said.rindex("]") + 1])
    return [
        (_inside(file["filepath"]), str(found["code"]), str(found["description"]))
        for file in listed
        for found in file["violations"]
    ]


def _inside(path: str) -> str:
    """Return the path below the run's copy of the code: every run has another one."""
    return path.rpartition("/repository/")[2].removeprefix("./")


def _set_up(tree: str, tool: str, files: Sequence[str]) -> bool:
    if any(os.path.isfile(os.path.join(tree, name)) for name in files):
        return True
    try:
        with open(os.path.join(tree, "pyproject.toml"), encoding="utf-8") as text:
            return _SECTIONS[tool] in text.read(1 << 20)
    except (OSError, UnicodeDecodeError):
        return False


def _dbt_projects(tree: str) -> list[str]:
    """Return folders with a dbt project, at the root or just below it."""
    names = [".", *sorted(name for name in os.listdir(tree) if os.path.isdir(os.path.join(tree, name)))]
    return [name for name in names if os.path.isfile(os.path.join(tree, name, "dbt_project.yml"))][:3]


def _interpreter(name: str, python: str) -> str:
    """Return the program's path: beside the workspace's interpreter, or as the scope wrote it."""
    if name in ("python", "python3"):
        return python
    beside = os.path.join(os.path.dirname(python), name)
    return beside if "/" not in name and os.path.exists(beside) else name


def _last(ran: Ran) -> str:
    return ran.said.strip().splitlines()[-1][:300] if ran.said.strip() else ""
