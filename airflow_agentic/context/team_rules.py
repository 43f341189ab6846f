"""The team's own rule files → what they say of this failure, and what they forbid.

Markdown in the repository, ``.agentic/rules/*.md`` by default, with front matter between two lines of ``---``:

    dags: [billing_*]          # any of these selectors is enough; with none, the rule always holds
    tags: [finance]
    paths: [sql/fct_*.sql]     # globs of files of the traceback
    errors: ["KeyError"]       # regular expressions on "Class: message"
    always: true
    protect: [sql/tax.sql, "shop/vat.py:rate"]
    no_fix: true

The prose is evidence. What is to hold whatever an agent makes of the prose stands in ``protect`` and ``no_fix``, and
`guardrails.rules.team_rules` enforces it. A file that cannot be read is a Gap, and a person decides on any change.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pathspec import GitIgnoreSpec

from airflow_agentic.records import Checkout, Evidence, Gap, SourceReport, Target, TeamRule, Trust
from airflow_agentic.repository import read_text, repository_path
from airflow_agentic.tracebacks import own_frames

FILES_LIMIT = 100
BODY_CHARS = 4_000
LISTS = ("dags", "tags", "paths", "errors", "protect")
FLAGS = ("always", "no_fix")
_KEY = re.compile(r"^(?P<key>[A-Za-z_]+):\s*(?P<value>.*?)\s*$")
_ITEM = re.compile(r"^\s+-\s+(?P<value>.+?)\s*$")
_INLINE = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^,"'\[\]]+?))\s*(?:,|$)""")


class FrontMatterFault(ValueError):
    """A line of a rule file is no front matter that we know; the message names the line."""


@dataclass(kw_only=True)
class RuleFile:
    """One rule file, read."""

    path: str
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    body: str = ""


class TeamRulesSource:
    """Reads the rule files of the checkout that a source before it has made.

    :param rules_path: repository-relative folder.
    """

    name = "team_rules"

    def __init__(self, rules_path: str = ".agentic/rules") -> None:
        self._folder = rules_path.strip("/")

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return the rules that speak of this failure, and what all of them forbid."""
        if so_far.checkout is None:
            return SourceReport(gaps=(Gap(source=self.name, reason="no checkout: the team's rules are unknown."),))
        evidence: list[Evidence] = []
        rules: list[TeamRule] = []
        gaps: list[Gap] = []
        for path in _rule_files(so_far.checkout, self._folder, gaps):
            try:
                rule = parse_rule(path, read_text(so_far.checkout, path) or "")
            except FrontMatterFault as error:
                gaps.append(Gap(source=self.name, reason=f"{path}:{error}"))
                rules.append(TeamRule(path=path, matched=True, fault=str(error)))
                continue
            why = _match(rule, target, so_far)
            rules.append(
                TeamRule(
                    path=path, matched=bool(why), paths=rule.lists.get("paths", ()),
                    protect=rule.lists.get("protect", ()), no_fix=rule.flags.get("no_fix", False),
                )
            )  # fmt: skip
            if why:
                evidence.append(_evidence(rule, why, target))
        return SourceReport(evidence=tuple(evidence), team_rules=tuple(rules), gaps=tuple(gaps))


def parse_rule(path: str, text: str) -> RuleFile:
    """Return a rule file's front matter and prose; a file without front matter always holds.

    :raises FrontMatterFault: "LINE: what is wrong", lines counted from 1.
    """
    rule = RuleFile(path=path)
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != "---":
        rule.body = text.strip()
        return rule
    end = next((n for n, line in enumerate(lines[1:], start=1) if line.strip() == "---"), None)
    if end is None:
        raise FrontMatterFault("1: the front matter has no end; close it with a line of '---'.")
    key = ""
    for number, line in enumerate(lines[1:end], start=2):
        key = _take(rule, key, number, line)
    for expression in rule.lists.get("errors", ()):
        try:
            re.compile(expression)
        except re.error as error:
            raise FrontMatterFault(f"1: errors: {expression!r} is no regular expression ({error}).") from error
    rule.body = "\n".join(lines[end + 1 :]).strip()
    return rule


def _take(rule: RuleFile, key: str, number: int, line: str) -> str:
    """Read one line of front matter; return the list that lines below it may add to."""
    if not line.strip() or line.lstrip().startswith("#"):
        return key
    item, pair = _ITEM.match(line), _KEY.match(line)
    if item and key in LISTS:
        rule.lists[key] = (*rule.lists.get(key, ()), *_items(item["value"], number))
        return key
    if not pair or pair["key"] not in (*LISTS, *FLAGS):
        known = ", ".join((*LISTS, *FLAGS))
        raise FrontMatterFault(f"{number}: {line.strip()[:80]!r} is none of {known}, nor an item of one.")
    name, value = pair["key"], pair["value"]
    if name in FLAGS:
        word = value.split("#")[0].strip().lower()
        if word not in {"true", "false"}:
            raise FrontMatterFault(f"{number}: {name} is {value[:40]!r}; allowed: true, false.")
        rule.flags[name] = word == "true"
        return ""
    rule.lists[name] = _items(value, number) if value and not value.startswith("#") else ()
    return name


def _items(value: str, number: int) -> tuple[str, ...]:
    inside = value
    if value.startswith("["):
        close = value.rfind("]")
        if close < 0 or not re.fullmatch(r"\s*(?:#.*)?", value[close + 1 :]):
            raise FrontMatterFault(f"{number}: the list {value[:60]!r} has no end on its line.")
        inside = value[1:close].rstrip().rstrip(",")
    if not inside.strip():
        return ()
    found: list[str] = []
    at = 0
    while at < len(inside):
        match = _INLINE.match(inside, at)
        if not match or match.end() == at:
            raise FrontMatterFault(f"{number}: {inside[at : at + 60]!r} is no item of a list; put it in quotes.")
        found.append(next(group for group in match.groups() if group is not None))
        at = match.end()
    return tuple(item for item in found if item)


def _rule_files(checkout: Checkout, folder: str, gaps: list[Gap]) -> list[str]:
    full = os.path.join(checkout.path, folder)
    root = os.path.realpath(checkout.path)
    if not os.path.isdir(full) or not os.path.realpath(full).startswith(root + os.sep):
        return []
    names = sorted(name for name in os.listdir(full) if name.endswith(".md") and name != "README.md")
    if len(names) > FILES_LIMIT:
        gaps.append(Gap(source="team_rules", reason=f"{len(names) - FILES_LIMIT} rule files more than are read."))
    return [f"{folder}/{name}" for name in names[:FILES_LIMIT]]


def _match(rule: RuleFile, target: Target, so_far: SourceReport) -> str:
    """Return why the rule speaks of this failure; empty when it does not."""
    lists = rule.lists
    if rule.flags.get("always") or not any(lists.get(key) for key in ("dags", "tags", "paths", "errors")):
        return "always"
    dag = next((g for g in lists.get("dags", ()) if fnmatch.fnmatchcase(target.dag.dag_id, g)), "")
    if dag:
        return f"Dag {dag}"
    tags = {*target.dag.tags, *target.incident.tags}
    tag = next((g for g in lists.get("tags", ()) if fnmatch.filter(tags, g)), "")
    if tag:
        return f"tag {tag}"
    path = _matching_path(lists.get("paths", ()), so_far)
    if path:
        return f"file {path}"
    said = [f"{error.error_class}: {error.message}"[:2_000] for error in so_far.errors]
    found = next((e for e in lists.get("errors", ()) if any(re.search(e, text) for text in said)), "")
    return f"error {found}" if found else ""


def _matching_path(globs: Iterable[str], so_far: SourceReport) -> str:
    if not so_far.checkout or not (patterns := list(globs)):
        return ""
    spec = GitIgnoreSpec.from_lines(patterns)
    printed = dict.fromkeys(frame.path for error in so_far.errors for frame in own_frames(error.frames))
    files = [repository_path(so_far.checkout, path) for path in list(printed)[:50]]
    return next((path for path in (*files, so_far.checkout.dag_file) if path and spec.match_file(path)), "")


def _evidence(rule: RuleFile, why: str, target: Target) -> Evidence:
    forbids = [f"Only people may change: {', '.join(rule.lists['protect'])}"] if rule.lists.get("protect") else []
    forbids += ["Nothing may be changed by an agent here."] if rule.flags.get("no_fix") else []
    body = "\n".join([*forbids, rule.body[:BODY_CHARS]]).strip()
    return Evidence(
        id="", source="team_rules", title=f"The team's rule {rule.path} ({why})", body=body or "(it says nothing)",
        trust=Trust.REPOSITORY, observed_at=target.incident.last_seen, path=rule.path,
    )  # fmt: skip
