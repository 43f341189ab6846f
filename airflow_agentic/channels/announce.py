"""An incident's outcome → everybody who is to be told. A channel that fails never fails the run."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from airflow_agentic.ports import Channel
from airflow_agentic.records import Incident, Outcome
from airflow_agentic.redaction.everything import hide_in_error

log = logging.getLogger(__name__)


def announce(incident: Incident, outcome: Outcome, channels: Iterable[Channel]) -> tuple[str, ...]:
    """Tell every channel, and return one note for each: that it was told, or why it was not."""
    return tuple(_tell(channel, incident, outcome) for channel in channels)


def _tell(channel: Channel, incident: Incident, outcome: Outcome) -> str:
    try:
        channel.send(incident, outcome)
    except Exception as error:
        hide_in_error(error)  # the address of a webhook is its key
        log.exception("Telling %s about incident %s failed", channel.name, incident.id)
        return f"{channel.name}: not told, {type(error).__name__}: {error}"
    return f"{channel.name}: told"
