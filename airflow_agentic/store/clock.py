"""Now, as the store writes it: ISO 8601, UTC, with an offset and microseconds, so that text sorts by time."""

from __future__ import annotations

from datetime import datetime, timezone


def now() -> str:
    """Return the present moment."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")
