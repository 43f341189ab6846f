"""Small words of the GitHub forge: what is said, how it is found again, how an answer becomes a record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from airflow_agentic.records import Decision, Delivery, Finding, Outcome, OutcomeStatus

NOT_FOUND = 404
_REFUSED, _FORBIDDEN = 401, 403
WITHDRAWN = "<!-- Agentic-Withdrawn -->"
"""Tells our own closing from a person's."""


def advice(status: int) -> str:
    """Return what to do about an HTTP status."""
    if status == _REFUSED:
        return (
            "The token has expired or was revoked: renew it in the forge connection; an App's is made anew when the "
            "task is cleared."
        )
    if status == _FORBIDDEN:
        return "Give the token contents: write, pull requests: write and issues: write on this repository."
    if status == NOT_FOUND:
        return "Check repository, and that the token may see it."
    return "Look at GitHub's status."


def or_none(ask: Callable[[], Any]) -> Any:
    """Return the answer, or None where GitHub knows no such thing."""
    import github

    try:
        return ask()
    except github.UnknownObjectException:
        return None


def blob_id(text: str) -> str:
    """Return the id that git gives a text."""
    data = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def hidden(delivery: Delivery) -> str:
    """Return the comment by which a text of ours is found again."""
    return f"<!-- Agentic-Fingerprint: {delivery.fingerprint} -->"


def marked(there: Any) -> str:
    """Return its text with the mark that tells our closing from a person's."""
    return f"{there.body or ''}\n{WITHDRAWN}\n"


def stays_closed(there: Any) -> str:
    """Return who closed it."""
    by = "taken back by 'airflow agentic rollback'" if WITHDRAWN in (there.body or "") else "closed by a person"
    return f"It was {by}; it stays closed."


def denied(message: str) -> Finding:
    """Return a preflight's DENY."""
    return Finding(rule="preflight", decision=Decision.DENY, message=message)


def outcome(status: OutcomeStatus, there: Any, delivery: Delivery, detail: str = "") -> Outcome:
    """Return what GitHub says of a pull request or issue as our record."""
    branch = delivery.branch if delivery.change else None
    return Outcome(
        status=status, title=there.title, body=there.body or "", url=there.html_url, branch=branch, number=there.number,
        detail=detail,
    )  # fmt: skip
