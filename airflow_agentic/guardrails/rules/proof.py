"""DENY a change that is not proved; ALLOW one that is."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_agentic.records import Decision, Finding, Proof, ProofStatus, Proposal


class ProofRule:
    """No proof, no fix. How well the workspace was isolated is not its business: the workspace refuses by itself."""

    name = "proof"

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return ALLOW for red before and green after with every check passed; nothing where nothing is changed."""
        if proposal.change is None:
            return
        failed = [check.name for check in proof.checks if not check.passed]
        if proof.status is not ProofStatus.PROVED:
            yield self._finding(Decision.DENY, f"The change is not proved ({proof.status.value}): {proof.reason}")
        elif failed:
            yield self._finding(Decision.DENY, f"Checks fail with the change: {', '.join(failed[:10])}.")
        elif proof.red is None or proof.green is None:
            yield self._finding(Decision.DENY, "The proof names no red or no green run.")
        else:
            yield self._finding(Decision.ALLOW, "It failed before the change and passes after it.")

    def _finding(self, decision: Decision, message: str) -> Finding:
        return Finding(rule=self.name, decision=decision, message=message)
