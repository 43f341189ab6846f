"""A text that a person is about to see → the same text, looked through once more as a whole, inert on any screen.

The last door for what is put together of many fields: each was redacted alone, and a secret may lie across two of
them. Forges have their own, in `forges/publish`, because a forge also links, mentions and closes.
"""

from __future__ import annotations

from airflow_agentic.escape import strip_controls
from airflow_agentic.ports import Redactor
from airflow_agentic.redaction.spans import hide_secrets


def outgoing(text: str, redactor: Redactor | None = None) -> str:
    """Return *text* without terminal sequences, hidden characters and secrets.

    :param redactor: knows registered values as well; None: shapes alone, as for what the store has redacted before.
    """
    plain = strip_controls(text)
    return redactor.redact(plain) if redactor else hide_secrets(plain)
