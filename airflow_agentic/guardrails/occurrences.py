"""The occurrence gate: a model is asked about a cause only once it has been seen often enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airflow_agentic.ports import Agent
from airflow_agentic.records import Dossier, Proposal


class WaitingAgent:
    """Let *meanwhile* answer until a cause has occurred often enough, then the agent itself.

    :param occurrences: how often, the present incident included.
    :param seen: fingerprint of a cause → how many incidents had it.
    """

    def __init__(self, agent: Agent, meanwhile: Agent, *, occurrences: int, seen: Callable[[str], int]) -> None:
        self.name = agent.name
        self._agent = agent
        self._meanwhile = meanwhile
        self._occurrences = occurrences
        self._seen = seen

    def propose(self, dossier: Dossier) -> Proposal:
        """Return the proposal of whoever may answer; a note says why it was not the model."""
        fingerprint = dossier.incident.fingerprint
        seen = max(1, self._seen(fingerprint) if fingerprint else 1)
        if seen >= self._occurrences:
            return self._agent.propose(dossier)
        note = (
            f"The model was not asked: this cause was seen {seen} time(s), and the policy's occurrences asks for "
            f"{self._occurrences}. {self._meanwhile.name} answered."
        )
        proposal = self._meanwhile.propose(dossier)
        return replace(proposal, notes=(*proposal.notes, note))
