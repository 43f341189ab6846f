"""Where a change goes, and who is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from airflow_agentic.records import Delivery, Finding, Incident, Outcome, Whereabouts


@dataclass(frozen=True, kw_only=True)
class BaseFiles:
    """Files of the base branch at one moment."""

    commit: str
    texts: Mapping[str, str | None]
    """Path → text; None where there is no such file."""


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A change of a person's that is open already and does what ours would do."""

    name: str
    """As the forge names it: the number of a pull request, or a branch."""
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Protection:
    """What stands between a change and the base branch, as far as the forge tells the credential."""

    protected: bool | None = None
    """None: the forge knows no such thing."""
    reviews: int | None = None
    """Approving reviews that are required; None: that is not told."""
    bypass: str = ""
    """How the credential may do without them; empty: not, as far as can be told."""
    wide: tuple[str, ...] = ()
    """What it can do beyond what a draft pull request needs."""
    login: str = ""
    """Whose it is; empty: nobody's, as an App's."""
    of_a_person: tuple[str, ...] = ()
    """Why that account is a person's too, one sentence each."""


class Forge(Protocol):
    """Where changes are reviewed."""

    name: str

    def preflight(self) -> tuple[Finding, ...]:
        """Return what is unsafe about the repository or the token; DENY stops the delivery.

        :raises ForgeError: the forge cannot be reached.
        """

    def powers(self) -> tuple[str, ...]:
        """Return what the credential can do there, one sentence each; ``unknown: ...`` for what is not told.

        :raises ForgeError: the forge cannot be reached.
        """

    def protection(self) -> Protection:
        """Return what protects the base branch, and whose credential this is. :raises ForgeError: as above."""

    def open_change(self, delivery: Delivery) -> Outcome:
        """Open or update the draft pull request of this fingerprint; safe to repeat.

        A branch that a person has pushed to is left as it is.

        :raises ForgeError: clearing the deliver task is safe.
        """

    def open_issue(self, delivery: Delivery) -> Outcome:
        """Open or update the issue (or note) of this fingerprint; safe to repeat. :raises ForgeError: as above."""

    def withdraw(self, delivery: Delivery, *, note: str = "") -> str:
        """Undo: close the pull request and delete its branch; return what was done, in words.

        :param note: said to whoever follows it, in Markdown, before it is closed.
        """

    def rival(self, delivery: Delivery) -> Rival | None:
        """Return an open change of a person's that already brings all of ours. :raises ForgeError: as above."""

    def remark(self, rival: Rival, delivery: Delivery) -> Outcome:
        """Say the delivery's text at a person's change, once per fingerprint. :raises ForgeError: as above."""

    def whereabouts(self, delivery: Delivery) -> Whereabouts:
        """Return what became of the pull request of this fingerprint, a merge by whatever means included."""

    def base_files(self, paths: Sequence[str]) -> BaseFiles:
        """Return what the base branch holds at these paths now. :raises ForgeError: one of them is no text file."""

    def follows(self, commit: str, ancestor: str) -> bool | None:
        """Say whether *commit* is *ancestor* or comes after it; None where the forge does not know one of them."""


class Channel(Protocol):
    """How people are told."""

    name: str

    def send(self, incident: Incident, outcome: Outcome) -> None:
        """Tell them. Whatever it raises is logged and recorded, and never fails the run."""
