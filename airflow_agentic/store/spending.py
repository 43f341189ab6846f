"""Money over all processes: held before a request is sent, settled after.

A reservation that is never settled (its process was killed) counts in full, for ever against its incident and
until midnight UTC against its day: money that may have been spent is never given out again. Both limits are
sums over the whole store, whichever connection asked; a request counts on the day on which it was reserved.
"""

from __future__ import annotations

import json
import math
import uuid
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from airflow_agentic.errors import BudgetExceeded, StoreError
from airflow_agentic.records import Usage
from airflow_agentic.store.clock import now
from airflow_agentic.store.database import Database
from airflow_agentic.store.tables import INCIDENTS, SPENDING

_PLACES = {"usd_per_dag_day": "the policy", "usd_per_team_day": "the policy"}
MICROS = 1_000_000
"""Millionths in a dollar."""


@dataclass(frozen=True, kw_only=True)
class TeamDay:
    """What the Dags of one team may cost together in a day."""

    usd: float
    dags: tuple[str, ...]


class SqlSpending:
    """The port `Spending` on a database."""

    def __init__(
        self,
        database: Database,
        *,
        usd_per_incident: float,
        usd_per_day: float,
        usd_per_dag_day: float | None = None,
        team: TeamDay | None = None,
    ) -> None:
        self._database = database
        self._team = team
        self._limits = {"usd_per_incident": usd_per_incident, "usd_per_day": usd_per_day}
        if usd_per_dag_day is not None:
            self._limits["usd_per_dag_day"] = usd_per_dag_day
        if team is not None:
            self._limits["usd_per_team_day"] = team.usd

    def reserve(self, incident_id: str, usd: float) -> str:
        """Hold *usd* and return the reservation's id.

        :param usd: the most that the request can cost; rounded up to a millionth.
        :raises BudgetExceeded: naming the connection's field, the sum so far and the limit.
        """
        wanted, at, reservation = micros(usd), now(), uuid.uuid4().hex
        with self._database.write() as connection:
            self._database.exclusively(connection, "spending")
            sums = {
                "usd_per_incident": SPENDING.c.incident_id == incident_id,
                "usd_per_day": SPENDING.c.day == at[:10],
                "usd_per_dag_day": and_(SPENDING.c.day == at[:10], _of_the_same_dag(incident_id)),
                "usd_per_team_day": and_(SPENDING.c.day == at[:10], _of_the_team(incident_id, self._team)),
            }
            for field, limit in self._limits.items():
                check_limit(field, limit, _sum(connection, sums[field]), wanted)
            connection.execute(
                insert(SPENDING).values(
                    id=reservation, incident_id=incident_id, day=at[:10], reserved_micros=wanted, reserved_at=at
                )
            )
        return reservation

    def settle(self, reservation: str, usage: Usage) -> None:
        """Replace the reservation by what was really spent; the last settlement holds.

        :raises StoreError: there is no such reservation.
        """
        settled = update(SPENDING).where(SPENDING.c.id == reservation)
        values = {"spent_micros": micros(usage.cost_usd), "usage": json.dumps(asdict(usage)), "settled_at": now()}
        with self._database.write() as connection:
            if connection.execute(settled.values(values)).rowcount == 0:
                raise StoreError(f"Settling reservation {reservation!r} failed: the store has none of that id.")

    def spent(self, incident_id: str) -> float:
        """Return what an incident has cost so far, in USD, open reservations in full."""
        with self._database.read() as connection:
            return _sum(connection, SPENDING.c.incident_id == incident_id) / MICROS


def micros(usd: float) -> int:
    """Return dollars as whole millionths, rounded up. :raises ValueError: it is no amount of money."""
    if not (math.isfinite(usd) and usd >= 0):
        raise ValueError(f"{usd!r} is no amount of money")
    return math.ceil(round(usd * MICROS, 3))


def check_limit(field: str, limit_usd: float, sum_micros: int, wanted_micros: int) -> None:
    """Do nothing, or say why not. :raises BudgetExceeded: the sum would pass the limit."""
    if sum_micros + wanted_micros > micros(limit_usd):
        place = _PLACES.get(field, "the agentic connection")
        raise BudgetExceeded(
            f"Reserving ${wanted_micros / MICROS:.4f} failed: ${sum_micros / MICROS:.4f} of {field} "
            f"${limit_usd:.4f} is spent or reserved. Raise {field} in {place} to allow more."
        )


def _of_the_same_dag(incident_id: str) -> ColumnElement[bool]:
    """An incident that the store does not know counts for itself."""
    dag = select(INCIDENTS.c.dag_id).where(INCIDENTS.c.id == incident_id).scalar_subquery()
    siblings = select(INCIDENTS.c.id).where(INCIDENTS.c.dag_id == dag)
    return or_(SPENDING.c.incident_id == incident_id, SPENDING.c.incident_id.in_(siblings))


def _of_the_team(incident_id: str, team: TeamDay | None) -> ColumnElement[bool]:
    dags = team.dags if team else ()
    theirs = select(INCIDENTS.c.id).where(INCIDENTS.c.dag_id.in_(dags))
    return or_(SPENDING.c.incident_id == incident_id, SPENDING.c.incident_id.in_(theirs))


def _sum(connection: Connection, rows: ColumnElement[bool]) -> int:
    total = func.sum(func.coalesce(SPENDING.c.spent_micros, SPENDING.c.reserved_micros))
    return int(connection.execute(select(func.coalesce(total, 0)).where(rows)).scalar_one())
