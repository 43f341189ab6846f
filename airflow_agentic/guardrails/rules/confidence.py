"""ASK when the agent itself is not sure of its diagnosis."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_agentic.records import Decision, Finding, Proof, Proposal


class ConfidenceRule:
    """A proved change on an unsure diagnosis may cure the symptom only, so a person looks at it first.

    :param least: 0 to 1; below it a change needs a person. A number that is none counts as zero.
    """

    name = "confidence"

    def __init__(self, least: float = 0.5) -> None:
        self._least = least

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return an ASK for a change with too little confidence; it never gives an ALLOW."""
        sure = proposal.diagnosis.confidence
        if proposal.change is not None and not sure >= self._least:
            message = f"The diagnosis has a confidence of {sure:.2f}, below {self._least:.2f}."
            yield Finding(rule=self.name, decision=Decision.ASK, message=message)
