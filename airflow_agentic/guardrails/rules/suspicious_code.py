"""DENY what hides from a reviewer or meddles with its runner; ASK for what would run or reach out after the merge."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from airflow_agentic.changes import added_lines
from airflow_agentic.escape import is_invisible
from airflow_agentic.guardrails.rules._code_in_python import identifiers, reaching
from airflow_agentic.guardrails.rules._meddling import meddling
from airflow_agentic.records import Decision, FileEdit, Finding, Proof, Proposal

_URL = re.compile(r"\b(?:https?|ftp|wss?|s3|gs)://([\w.-]+|\[[0-9a-f:]+\])", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_LINES = (
    (
        re.compile(r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|_create_unverified_context"),
        "checks no certificate",
    ),
    (
        re.compile(r"(?:^|[\s'\"`;|&(])(?:curl|wget|nc|ncat|bash -c|sh -c|powershell|chmod \+x)\s"),
        "runs a program that reaches out",
    ),
    (re.compile(r"(?<![\w+/])[A-Za-z0-9+/_-]{100,}={0,2}(?![\w+/])"), "holds a long encoded text"),
    (re.compile(r"b64decode|fromhex|codecs\.decode|zlib\.decompress"), "decodes hidden text"),
    (
        re.compile(r"AIRFLOW_CONN_|AIRFLOW__|BaseHook\.get_connection|\.get_password\(|/proc/|\.aws/|\.ssh/"),
        "reads credentials or the machine",
    ),
    (re.compile(r"shell\s*=\s*True"), "starts a shell"),
)
_REQUIREMENTS = re.compile(r"(?:^|/)[^/]*requirements[^/]*\.(?:txt|in)$", re.IGNORECASE)
_PACKAGING = re.compile(
    r"(?:^|/)(?:pyproject\.toml|setup\.(?:py|cfg)|Pipfile(?:\.lock)?|[^/]*\.lock|packages\.yml|package(?:-lock)?\.json|"
    r"environment\.ya?ml|[^/]*Dockerfile[^/]*|[^/]*\.dockerfile|docker-compose[^/]*|Makefile|constraints[^/]*\.txt|\.pre-commit-config\.yaml)$",
    re.IGNORECASE,
)
_PLATFORM = re.compile(
    r"(?:^|/)(?:airflow\.cfg|airflow_local_settings\.py|webserver_config\.py|\.airflowignore|\.env[^/]*|[^/]*\.service|crontab)$"
)
_READABLE = re.compile(
    r"\.(?:py|sql|ddl|hql|md|rst|txt|csv|tsv|json|jsonl|ndjson|ya?ml|toml|ini|cfg|conf|properties|xml|html|j2|jinja2?|avsc|proto|graphql)$",
    re.IGNORECASE,
)
_PACKAGE = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)|^\s*(-\S+|\S+://\S+)")


def decides_what_is_installed(path: str) -> bool:
    """Say whether a file decides what is installed or built."""
    return bool(_REQUIREMENTS.search(path) or _PACKAGING.search(path))


class SuspiciousCodeRule:
    """Read added lines as an attacker would write them."""

    name = "suspicious_code"

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return a DENY for what hides, meddles with its runner or adds dependencies, an ASK for what needs a look."""
        for edit in proposal.change.edits if proposal.change else ():
            for what in dict.fromkeys(_refused(edit)):
                yield self._finding(Decision.DENY, f"{edit.path!r} {what}.", edit.path)
            for what in dict.fromkeys(_doubtful(edit)):
                yield self._finding(Decision.ASK, f"{edit.path!r} {what}.", edit.path)

    def _finding(self, decision: Decision, message: str, path: str) -> Finding:
        return Finding(rule=self.name, decision=decision, message=message, path=path)


def _refused(edit: FileEdit) -> Iterator[str]:
    for number, line in added_lines(edit):
        hidden = sorted({f"U+{ord(char):04X}" for char in line if _hides(char)})
        if hidden:
            yield f"holds invisible or reordering characters in line {number} ({', '.join(hidden[:5])})"
    mixed = sorted(identifiers(edit.after or "") - identifiers(edit.before or ""))
    for name in mixed:
        if len(_scripts(name)) > 1:
            yield f"mixes scripts in the name {name!a}"
    if edit.path.endswith(".py"):
        for what in sorted(meddling(edit.after or "") - meddling(edit.before or "")):
            yield f"meddles with what runs it: it {what}"
    if _REQUIREMENTS.search(edit.path):
        new = _packages(edit.after) - _packages(edit.before)
        if new:
            yield f"adds dependencies: {', '.join(sorted(new)[:5])}"


def _doubtful(edit: FileEdit) -> Iterator[str]:
    if decides_what_is_installed(edit.path):
        yield "decides what is installed or built"
    if _PLATFORM.search(edit.path):
        yield "decides how Airflow itself runs"
    if not _READABLE.search(edit.path):
        yield "is of a kind that no rule here can read, and may be a program"
    known = edit.before or ""
    for number, line in added_lines(edit):
        yield from (f"{what} in line {number}" for pattern, what in _LINES if pattern.search(line))
        for host in (*_URL.findall(line), *_ADDRESS.findall(line)):
            if host not in known:
                yield f"names a new host in line {number}: {host}"
    if edit.path.endswith(".py"):
        after = reaching(edit.after or "")
        before = reaching(known) or Counter()
        for name in sorted((after or Counter()) - before):
            yield f"adds {name}"


def _hides(char: str) -> bool:
    return char not in "\r\f" and is_invisible(char)


def _scripts(name: str) -> set[str]:
    return {unicodedata.name(char, "UNKNOWN").split()[0] for char in name if char.isalpha()} - {"MICRO", "FEMININE"}


def _packages(text: str | None) -> set[str]:
    lines = (line.split("#")[0] for line in (text or "").split("\n"))
    found = (_PACKAGE.match(line) for line in lines if line.strip())
    return {(m[1] or m[2]).lower().replace("_", "-") for m in found if m}
