"""Text of a time, as Airflow, forges and producers of lineage write it → a moment in UTC."""

from __future__ import annotations

import re
from datetime import datetime, timezone


def parse_time(text: str) -> datetime | None:
    """Return a time of an ISO text or of one that begins with a date, in UTC; None if it has none."""
    try:
        # Python 3.10 takes fractions of three or six digits only, and no Z.
        plain = re.sub(r"\.(\d+)", lambda m: "." + m[1][:6].ljust(6, "0"), text.strip().replace("Z", "+00:00"))
        moment = datetime.fromisoformat(plain)
    except ValueError:
        match = re.search(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)", text)
        if not match:
            return None
        try:
            moment = datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=timezone.utc)
        except ValueError:
            return None
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
