"""The task's own log as a channel: one line that names what was published."""

from __future__ import annotations

import logging

from airflow_agentic.records import Incident, Outcome

log = logging.getLogger(__name__)


class LogChannel:
    """Write the outcome into the log of the deliver task."""

    name = "log"

    def send(self, incident: Incident, outcome: Outcome) -> None:
        """Write one line."""
        where = outcome.url or outcome.detail or "nothing was published"
        log.info("Incident %s: %s, %r, %s", incident.id, outcome.status.value, outcome.title, where)
