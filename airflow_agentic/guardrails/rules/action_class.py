"""ASK, or DENY, for what the policy wants a person to stand before: one finding per class of action.

What a change is taken for: DDL that it adds, alters or removes, or a migration script; a file that decides what is
installed; a path that the policy protects. A clear is no change, and is asked about by its own finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pathspec import GitIgnoreSpec

from airflow_agentic.guardrails.rules.suspicious_code import decides_what_is_installed
from airflow_agentic.records import Action, Decision, FileEdit, Finding, Proof, Proposal, Transience

_DDL = re.compile(
    r"\b(?:ALTER|DROP|TRUNCATE|RENAME)\s+(?:TABLE|VIEW|SCHEMA|COLUMN|INDEX|MATERIALIZED\s+VIEW)\b[^;\"']{0,500}"
    r"|\bADD\s+COLUMN\b[^;\"']{0,200}"
    r"|\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP\w*\s+|EXTERNAL\s+|UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?[\w.\"`{}]+\s*\([^;]{0,4000}?\)\s*(?:;|\"|'|$)"
    r"|\bop\.(?:add|drop|alter)_(?:column|constraint)\([^)]{0,500}|\bop\.(?:create|drop|rename)_table\([^)]{0,500}",
    re.IGNORECASE,
)
_MIGRATIONS = re.compile(r"(?:^|/)(?:migrations?|alembic|flyway|liquibase)/|\.ddl$", re.IGNORECASE)
SCHEMA, DEPENDENCY, PATH, CLEAR = "schema_change", "new_dependency", "protected_path", "clear"


class ActionClassRule:
    """Hold what needs a person.

    :param asks: action class → the triggers after which a person is asked; ``*``: after any.
    :param asked_paths: gitignore patterns of paths that only a person may let through.
    :param signals: what told of the failure.
    :param may_clear: whether tasks of a transient failure would be cleared.
    """

    name = "action_class"

    def __init__(
        self,
        asks: Mapping[str, Iterable[str]],
        asked_paths: Iterable[str] = (),
        signals: Sequence[str] = (),
        *,
        may_clear: bool = False,
    ) -> None:
        self._asks = {response: frozenset(triggers) for response, triggers in asks.items()}
        self._globs = tuple(asked_paths)
        self._spec = GitIgnoreSpec.from_lines([glob.casefold() for glob in self._globs])
        self._signals = tuple(signals)
        self._may_clear = may_clear

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return one finding per class and file."""
        for edit in proposal.change.edits if proposal.change else ():
            if _changes_schema(edit) and self._asked(SCHEMA, proposal):
                yield self._finding(SCHEMA, f"{edit.path!r} changes a schema.", edit.path)
            if decides_what_is_installed(edit.path) and self._asked(DEPENDENCY, proposal):
                yield self._finding(DEPENDENCY, f"{edit.path!r} decides what is installed or built.", edit.path)
            if self._spec.match_file(edit.path.casefold()):
                yield self._protected(edit, proposal)
        if self._would_clear(proposal) and self._asked(CLEAR, proposal):
            yield self._finding(CLEAR, "The failed tasks would be cleared and run again.", None)

    def _protected(self, edit: FileEdit, proposal: Proposal) -> Finding:
        if self._asked(PATH, proposal):
            return self._finding(PATH, f"{edit.path!r} is protected by the policy.", edit.path)
        message = f"{edit.path!r} is protected by the policy, and it names nobody to ask after this trigger."
        return Finding(rule=self.name, decision=Decision.DENY, message=message, path=edit.path)

    def _would_clear(self, proposal: Proposal) -> bool:
        said = proposal.diagnosis
        transient = said.action is Action.RETRY and said.transience is not Transience.PERMANENT
        return self._may_clear and transient and proposal.change is None

    def _asked(self, response: str, proposal: Proposal) -> bool:
        triggers = self._asks.get(response, frozenset())
        return bool(triggers & {"*", proposal.diagnosis.category.value, *self._signals})

    def _finding(self, response: str, message: str, path: str | None) -> Finding:
        return Finding(rule=self.name, decision=Decision.ASK, message=f"[{response}] {message}", path=path)


def asks_about(findings: Iterable[Finding], response: str) -> bool:
    """Say whether a person is asked because of this class of action."""
    return any(f.rule == ActionClassRule.name and f.message.startswith(f"[{response}]") for f in findings)


def _changes_schema(edit: FileEdit) -> bool:
    return bool(_MIGRATIONS.search(edit.path)) or _statements(edit.before) != _statements(edit.after)


def _statements(text: str | None) -> set[str]:
    return {" ".join(found.split()).casefold() for found in _DDL.findall(text or "")}
