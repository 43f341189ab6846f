"""DENY a change that leaves the paths it may stay in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pathspec import GitIgnoreSpec

from airflow_agentic.records import Decision, Finding, Proof, Proposal


class AllowedPathsRule:
    """Keep a change inside.

    :param globs: gitignore patterns; none means the whole repository.
    """

    name = "allowed_paths"

    def __init__(self, globs: Iterable[str]) -> None:
        self._globs = tuple(globs)
        self._spec = GitIgnoreSpec.from_lines(self._globs)

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return a DENY for each path outside."""
        for edit in proposal.change.edits if proposal.change and self._globs else ():
            if not self._spec.match_file(edit.path):
                message = f"{edit.path!r} lies outside of allowed_paths ({', '.join(self._globs)})."
                yield Finding(rule=self.name, decision=Decision.DENY, message=message, path=edit.path)
