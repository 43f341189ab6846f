"""A model behind a circuit breaker: one that is down is not asked again by every incident.

Only what tells of the service counts as its failure: a refusal or a malformed answer is one request's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_agentic.errors import ModelUnavailable
from airflow_agentic.ports import Circuit, Model

_ITS_OWN = frozenset({"timeout", "overloaded", "rate_limited", "unreachable", "authentication"})
OPEN = "circuit_open"
"""The reason of `ModelUnavailable` when the model was not asked."""


class GuardedModel:
    """The port `Model`, asked only while its circuit lets it."""

    def __init__(self, model: Model, circuit: Circuit) -> None:
        self.name: str = model.name
        self._model, self._circuit = model, circuit

    def reply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the model's reply. :raises ModelUnavailable: it was not asked, or gave none."""
        refusal = self._circuit.refusal()
        if refusal:
            raise ModelUnavailable(
                f"Asking the model {self.name!r} was not tried: {refusal}. The rules agent goes on without it.",
                reason=OPEN,
            )
        try:
            reply = self._model.reply(request)
        except ModelUnavailable as error:
            if error.reason in _ITS_OWN:
                self._circuit.failed(f"{error.reason}: {error}")
            else:
                self._circuit.succeeded()
            raise
        self._circuit.succeeded()
        return reply
