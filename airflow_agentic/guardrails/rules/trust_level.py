"""What the trust level permits: observe nothing, diagnose an issue, propose a draft, propose_ready one for review."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_agentic.records import Decision, Finding, Proof, ProofStatus, Proposal


class TrustLevelRule:
    """Hold the line that the connection draws.

    :param trust_level: ``observe``, ``diagnose``, ``propose`` or ``propose_ready``; anything else is a DENY.
    """

    name = "trust_level"

    def __init__(self, trust_level: str) -> None:
        self._level = trust_level

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return what the level says about this proposal."""
        changes = proposal.change is not None
        if self._level == "observe":
            yield self._finding(Decision.DENY, "The trust level is 'observe': nothing is published.")
        elif self._level == "diagnose" and changes:
            yield self._finding(
                Decision.DENY, "The trust level is 'diagnose': only an issue goes out, no pull request."
            )
        elif self._level not in ("diagnose", "propose", "propose_ready"):
            yield self._finding(Decision.DENY, f"The trust level {self._level!r} is not known.")
        elif not changes:
            yield self._finding(Decision.ALLOW, "A diagnosis without a change may be published.")
        elif proof.status is ProofStatus.PROVED:
            yield self._finding(Decision.ALLOW, f"The trust level is {self._level!r}: a proved fix may be shown.")

    def _finding(self, decision: Decision, message: str) -> Finding:
        return Finding(rule=self.name, decision=decision, message=message)
