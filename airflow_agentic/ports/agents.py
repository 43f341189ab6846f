"""Agents, their model, their tools and the money that they may spend."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Protocol

from airflow_agentic.records import Dossier, Proposal, Usage


class Effect(str, Enum):
    """What a tool may do. Nothing more exists."""

    READ = "read"
    WORKSPACE = "workspace"


class Tool(Protocol):
    """Something that the model may call while it investigates."""

    name: str
    description: str
    effect: Effect
    input_schema: Mapping[str, Any]
    """JSON schema of the arguments."""

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return the result as text. :raises ToolRefused: its message is shown to the model."""


class Model(Protocol):
    """One model provider. Wire format in and out, because the audit keeps exactly what was sent."""

    name: str

    def reply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send one Messages API request body (whole history, tools) and return the reply's body.

        :raises ModelUnavailable: with its reason; the client has retried what is worth it.
        """


class Agent(Protocol):
    """One agent pattern."""

    name: str

    def propose(self, dossier: Dossier) -> Proposal:
        """Return a diagnosis and, where a diff can cure it, a change.

        :raises ModelUnavailable: `propose` falls back to the rules agent.
        :raises BudgetExceeded: likewise.
        """


class Spending(Protocol):
    """Money, over all processes."""

    def reserve(self, incident_id: str, usd: float) -> str:
        """Hold *usd* and return the reservation's id. :raises BudgetExceeded: naming the limit and its setting."""

    def settle(self, reservation: str, usage: Usage) -> None:
        """Replace the reservation by what was really spent."""
