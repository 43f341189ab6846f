"""A forge behind a circuit breaker: one that is down is not asked again by every incident; the sweep delivers later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from airflow_agentic.errors import ForgeDown, ForgeError
from airflow_agentic.ports import BaseFiles, Circuit, Forge, Protection, Rival
from airflow_agentic.records import Delivery, Finding, Outcome, Whereabouts

R = TypeVar("R")


class GuardedForge:
    """The port `Forge`, asked only while its circuit lets it; everything is the forge's own otherwise."""

    def __init__(self, forge: Forge, circuit: Circuit) -> None:
        self.name: str = forge.name
        self._forge, self._circuit = forge, circuit

    def preflight(self) -> tuple[Finding, ...]:
        """See `Forge`."""
        return self._asked(self._forge.preflight)

    def powers(self) -> tuple[str, ...]:
        """See `Forge`."""
        return self._asked(self._forge.powers)

    def protection(self) -> Protection:
        """See `Forge`."""
        return self._asked(self._forge.protection)

    def open_change(self, delivery: Delivery) -> Outcome:
        """See `Forge`."""
        return self._asked(lambda: self._forge.open_change(delivery))

    def open_issue(self, delivery: Delivery) -> Outcome:
        """See `Forge`."""
        return self._asked(lambda: self._forge.open_issue(delivery))

    def withdraw(self, delivery: Delivery, *, note: str = "") -> str:
        """See `Forge`."""
        return self._asked(lambda: self._forge.withdraw(delivery, note=note))

    def rival(self, delivery: Delivery) -> Rival | None:
        """See `Forge`."""
        return self._asked(lambda: self._forge.rival(delivery))

    def remark(self, rival: Rival, delivery: Delivery) -> Outcome:
        """See `Forge`."""
        return self._asked(lambda: self._forge.remark(rival, delivery))

    def whereabouts(self, delivery: Delivery) -> Whereabouts:
        """See `Forge`."""
        return self._asked(lambda: self._forge.whereabouts(delivery))

    def base_files(self, paths: Sequence[str]) -> BaseFiles:
        """See `Forge`."""
        return self._asked(lambda: self._forge.base_files(paths))

    def follows(self, commit: str, ancestor: str) -> bool | None:
        """See `Forge`."""
        return self._asked(lambda: self._forge.follows(commit, ancestor))

    def _asked(self, call: Callable[[], R]) -> R:
        refusal = self._circuit.refusal()
        if refusal:
            raise ForgeDown(f"Asking the forge {self.name!r} was not tried: {refusal}.")
        try:
            answer = call()
        except ForgeDown as error:
            self._circuit.failed(str(error))
            raise
        except ForgeError:  # it answered, and does not want this
            self._circuit.succeeded()
            raise
        self._circuit.succeeded()
        return answer
