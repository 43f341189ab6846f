"""When each kind of act was last done, from the ledger: what a power that nobody uses is told by."""

from __future__ import annotations

import json

from sqlalchemy import func, select

from airflow_agentic.store.database import Database
from airflow_agentic.store.tables import LEDGER

_EVENTS = ("tool", "request", "opening a pull request", "opening an issue", "opening a draft revert")
_STAGES = ("clear", "validate", "gather", "capture")


def last_uses(database: Database) -> dict[str, str]:
    """Return each act with the time of its last line: ``tool read_file``, an event's name or a stage's."""
    by_stage = select(LEDGER.c.stage, func.max(LEDGER.c.at)).where(LEDGER.c.stage.in_(_STAGES)).group_by(LEDGER.c.stage)
    by_event = (
        select(LEDGER.c.event, LEDGER.c.facts, func.max(LEDGER.c.at))
        .where(LEDGER.c.event.in_(_EVENTS))
        .group_by(LEDGER.c.event, LEDGER.c.facts)
    )
    with database.read() as connection:
        found: dict[str, str] = {stage: at for stage, at in connection.execute(by_stage)}  # noqa: C416 - rows, not pairs
        for event, facts, at in connection.execute(by_event):
            name = f"tool {dict(json.loads(facts)).get('tool', '')}" if event == "tool" else event
            found[name] = max(at, found.get(name, ""))
    return found


def first_line(database: Database) -> str:
    """Return the time of the oldest line; empty for an empty ledger."""
    with database.read() as connection:
        return str(connection.execute(select(func.min(LEDGER.c.at))).scalar() or "")
