"""Any Airflow notifier (Slack, mail, PagerDuty, ...) as a channel.

The notifier's templates see ``incident``, ``outcome``, ``title`` and ``url`` beside Airflow's own context. Its text is
the team's; ours is in ``outcome.title``, which is built from ids and closed sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from airflow_agentic.records import Incident, Outcome


class Notifies(Protocol):
    """What an Airflow notifier is to us."""

    def __call__(self, context: Any) -> None:
        """Render the templates with *context* and send."""


class NotifierChannel:
    """Tell people through a notifier.

    :param notifier: any instance of Airflow's ``BaseNotifier``.
    :param context: Airflow's context of the deliver task, for the templates.
    """

    name = "notifier"

    def __init__(self, notifier: Notifies, context: Mapping[str, Any] | None = None) -> None:
        self._notifier = notifier
        self._context = dict(context or {})
        self.name = f"notifier {type(notifier).__name__}"

    def send(self, incident: Incident, outcome: Outcome) -> None:
        """Call the notifier. :raises Exception: whatever it raises; `announce` takes it."""
        said = {"incident": incident, "outcome": outcome, "title": outcome.title, "url": outcome.url}
        self._notifier({**self._context, **said})
