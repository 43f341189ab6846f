"""Two commits → which pinned or required versions differ between them, file by file.

Read are files of pins and requirements (pip, uv, Poetry, Pipenv, conda, dbt packages) and the images of Dockerfiles.
Only a name and its version are told; a lock file of a thousand lines is a handful of lines then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_agentic.context.lineage_words import DEPENDENCIES
from airflow_agentic.git import Clone, GitError
from airflow_agentic.records import Evidence, Trust

MAX_FILES, MAX_LINES, MOST_CHARS = 8, 30, 2_000_000
_FILES = re.compile(
    r"(?:^|/)(?:[\w.-]*(?:requirements|constraints)[\w.-]*\.(?:txt|in|lock)|requirements/[\w.-]+\.(?:txt|in)|pyproject\.toml|"
    r"(?:uv|poetry|pdm|pixi)\.lock|Pipfile(?:\.lock)?|setup\.cfg|environment\.ya?ml|packages\.ya?ml|package-lock\.yml|"
    r"(?:[\w.-]+\.)?Dockerfile(?:\.[\w.-]+)?)$"
)
_FORMS = (
    # [[package]] of uv, Poetry and PDM; the version follows its name.
    re.compile(r'^name = "(?P<name>[\w.-]+)"\s*\nversion = "(?P<version>[^"\n]{1,60})"', re.MULTILINE),
    re.compile(r'^\s*"(?P<name>[\w.-]+)": \{[^{}]*?"version": "(?:==)?(?P<version>[^"\n]{1,60})"', re.MULTILINE),
    re.compile(r"^\s*-?\s*package: (?P<name>[\w./-]+)\s*\n\s*version: (?P<version>[^\n#]{1,60})", re.MULTILINE),
    re.compile(r"^FROM (?:--\S+ )*(?P<name>[\w./-]+(?::\d+/[\w./-]+)?)[:@](?P<version>[\w.:-]{1,80})", re.MULTILINE),
    re.compile(
        r"(?:^[\s-]*|[\"'])(?P<name>[A-Za-z][\w.-]*)(?:\[[\w., -]*\])?\s*"
        r"(?P<version>(?:===?|~=|!=|[<>]=?)\s*[\d*][^\s;#\"'\\]{0,58})",
        re.MULTILINE,
    ),
    re.compile(r"^\s+- (?P<name>[A-Za-z][\w.-]*)(?P<version>=\d[\w.*]{0,58})", re.MULTILINE),
    re.compile(
        r'^(?P<name>[A-Za-z][\w.-]*) = (?:\{[^}\n]*?version = )?"(?P<version>[\^~=<>!]*\d[^"\n]{0,58})"', re.MULTILINE
    ),
)  # fmt: skip
_OWN = frozenset({"version", "python_requires", "requires-python", "target-version", "line-length", "name"})


def dependency_changes(repository: Clone, start: str, end: str, observed_at: str) -> tuple[Evidence, ...]:
    """Return one piece of evidence for each file whose versions differ between two commits."""
    names = repository.git("-c", "core.quotePath=false", "diff", "--name-only", "--no-renames", start, end, "--")
    found = []
    for path in [name for name in names.splitlines() if _FILES.search(name)][:MAX_FILES]:
        was, now = (versions_in(_text(repository, commit, path)) for commit in (start, end))
        if lines := list(_differing(was, now)):
            more = [f"- and {len(lines) - MAX_LINES} more"] if len(lines) > MAX_LINES else []
            shown = ", ".join(line[2:] for line in lines[:3])
            found.append(
                Evidence(
                    id="",
                    source="code",
                    title=f"{DEPENDENCIES} {path} between the last good run and the failing one: {shown}"[:300],
                    body="\n".join([*lines[:MAX_LINES], *more]),
                    observed_at=observed_at,
                    trust=Trust.REPOSITORY,
                    path=path,
                )
            )
    return tuple(found)


def versions_in(text: str) -> dict[str, str]:
    """Return each package that a file of pins or requirements names, with the version that it asks for."""
    found: dict[str, str] = {}
    for form in _FORMS:
        for match in form.finditer(text[:MOST_CHARS]):
            name = match["name"].lower().replace("_", "-")
            if name not in _OWN:
                found.setdefault(name, _plain(match["version"]))
    return found


def _differing(was: dict[str, str], now: dict[str, str]) -> Iterator[str]:
    for name in sorted(was.keys() | now.keys(), key=lambda name: (name not in was or name not in now, name)):
        if was.get(name) != now.get(name):
            yield f"- {name} {was.get(name, 'absent')} → {now.get(name, 'absent')}"


def _plain(version: str) -> str:
    text = re.sub(r"\s+", "", version.strip().strip("\"'[],"))
    return text.lstrip("=") or "any"


def _text(repository: Clone, commit: str, path: str) -> str:
    try:
        return repository.git("show", f"{commit}:{path}")
    except GitError:
        return ""
