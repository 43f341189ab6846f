"""DENY what is too big to review or no text; ASK for a deleted file and a new program."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_agentic.changes import changed_lines
from airflow_agentic.records import Decision, FileEdit, Finding, Proof, Proposal

_TEXT_CONTROLS = frozenset("\t\n\r\f")


class SizeRule:
    """Keep a change small enough that a person can read it.

    :param max_files: changed files.
    :param max_lines: added plus removed lines.
    """

    name = "size"

    def __init__(self, max_files: int, max_lines: int) -> None:
        self._max_files = max_files
        self._max_lines = max_lines

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return what is too big, binary, deleted or a new executable."""
        if proposal.change is None:
            return
        files, lines = len(proposal.change.edits), changed_lines(proposal.change)
        if files > self._max_files:
            yield self._finding(Decision.DENY, f"{files} files are changed; max_files is {self._max_files}.")
        if lines > self._max_lines:
            yield self._finding(Decision.DENY, f"{lines} lines are changed; max_lines is {self._max_lines}.")
        for edit in proposal.change.edits:
            yield from self._file(edit)

    def _file(self, edit: FileEdit) -> Iterator[Finding]:
        if edit.after is None:
            yield self._finding(Decision.ASK, f"{edit.path!r} is deleted.", edit.path)
        elif _is_binary(edit.after):
            yield self._finding(Decision.DENY, f"{edit.path!r} would hold binary data.", edit.path)
        elif edit.before is None and edit.after.startswith("#!"):
            yield self._finding(Decision.ASK, f"{edit.path!r} is a new program (it begins with '#!').", edit.path)

    def _finding(self, decision: Decision, message: str, path: str | None = None) -> Finding:
        return Finding(rule=self.name, decision=decision, message=message, path=path)


def _is_binary(text: str) -> bool:
    return "\ufffd" in text or any(ord(char) < 32 and char not in _TEXT_CONTROLS for char in text)
