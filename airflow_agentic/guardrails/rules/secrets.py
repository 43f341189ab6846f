"""DENY a secret in an added line."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_agentic.changes import added_lines
from airflow_agentic.ports import Redactor
from airflow_agentic.records import Decision, Finding, Proof, Proposal


class SecretsRule:
    """Ask the redactor whether it would take something out of the added lines.

    :param redactor: the one that also scans what is published.
    """

    name = "secrets"

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return one DENY per file; the message never holds the secret."""
        for edit in proposal.change.edits if proposal.change else ():
            lines = added_lines(edit)
            hits = [number for number, line in lines if self._redactor.redact(line) != line]
            text = "\n".join(line for _, line in lines)
            if hits or self._redactor.redact(text) != text:
                where = f"line {', '.join(map(str, hits[:5]))}" if hits else "several lines together"
                message = f"{edit.path!r} would gain something that looks like a secret ({where})."
                yield Finding(rule=self.name, decision=Decision.DENY, message=message, path=edit.path)
