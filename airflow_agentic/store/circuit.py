"""A circuit breaker over all processes: what failed time after time is left alone for a while, then tried by one.

Closed: everybody may ask. Open, after so many failures in a row: nobody asks for a while. Both are the policy's
``limits``; one that is changed holds at once, for a circuit that is open as well. Half-open, after that: one process
tries, the others still wait; its success closes the circuit, its failure opens it again. What it knows is a record
beside those of the incidents, so no table of its own is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from airflow_agentic.store.clock import now
from airflow_agentic.store.database import Database
from airflow_agentic.store.incidents import read, storable, written
from airflow_agentic.store.tables import RECORDS

PROBE_S = 300.0
"""How long one process may try before another one may; it may have been killed."""
_WHY = 300


@dataclass(frozen=True, kw_only=True)
class CircuitState:
    """What is known of one service."""

    failures: int = 0
    open_until: str = ""
    """Empty: closed."""
    probe_until: str = ""
    """Until then one process tries; empty: nobody does."""
    why: str = ""


class SqlCircuit:
    """The port `Circuit` on a database.

    :param name: of the service, e.g. ``model:anthropic_default``; one circuit each.
    :param failures: in a row, of all processes together.
    :param open_s: how long nobody asks.
    :param clock: gives the present moment, ISO 8601 with an offset.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        failures: int,
        open_s: float,
        clock: Callable[[], str] = now,
    ) -> None:
        self._database, self._name = database, f"circuit:{name}"[:250]
        self._failures, self._open_s, self._clock = failures, open_s, clock

    def refusal(self) -> str:
        """Return why the service may not be asked now; empty when it may. Whoever is let through must report back."""
        state, at = self.state(), self._clock()
        if not state.open_until:
            return ""
        if not self._over(state.open_until, at):
            until = f"so it is left alone until {state.open_until}"
            return f"it failed {_often(state)}, {until}: {state.why}"
        with self._database.write() as connection:
            self._database.exclusively(connection, self._name)
            state = self._read(connection)
            if state.probe_until and not self._over(state.probe_until, at):
                return f"it failed {_often(state)}, and another process tries it just now: {state.why}"
            self._keep(connection, replace(state, probe_until=_later(at, PROBE_S)))
        return ""

    def is_open(self) -> bool:
        """Say whether nobody may ask now; claims no trial."""
        state = self.state()
        return bool(state.open_until) and not self._over(state.open_until, self._clock())

    def failed(self, why: str) -> None:
        """Count a failure; open the circuit after so many in a row, and after one that was a trial."""
        with self._database.write() as connection:
            self._database.exclusively(connection, self._name)
            state = self._read(connection)
            count = state.failures + 1
            opened = count >= self._failures or bool(state.open_until)
            until = _later(self._clock(), self._open_s) if opened else ""
            self._keep(connection, CircuitState(failures=count, open_until=until, why=storable(why[:_WHY])))

    def succeeded(self) -> None:
        """Close the circuit; writes only if there was something to forget."""
        if self.state() != CircuitState():
            with self._database.write() as connection:
                self._database.exclusively(connection, self._name)
                self._keep(connection, CircuitState())

    def state(self) -> CircuitState:
        """Return what is known now."""
        with self._database.read() as connection:
            return self._read(connection)

    def _over(self, until: str, at: str) -> bool:
        """Say whether a moment has passed, or lies so far ahead that the clock must have gone back."""
        ahead = datetime.fromisoformat(until) - datetime.fromisoformat(at)
        return not timedelta() < ahead <= timedelta(seconds=max(self._open_s, PROBE_S))

    def _read(self, connection: Connection) -> CircuitState:
        chosen = select(RECORDS.c.body).where(
            RECORDS.c.incident_id == self._name, RECORDS.c.kind == CircuitState.__name__
        )
        body = connection.execute(chosen).scalar()
        state: CircuitState = CircuitState() if body is None else read(body, CircuitState)
        return state

    def _keep(self, connection: Connection, state: CircuitState) -> None:
        insert = sqlite.insert if self._database.sqlite else postgresql.insert
        kept = insert(RECORDS).values(
            incident_id=self._name, kind=CircuitState.__name__, body=written(state), kept_at=self._clock()
        )
        connection.execute(
            kept.on_conflict_do_update(
                index_elements=[RECORDS.c.incident_id, RECORDS.c.kind],
                set_={"body": kept.excluded.body, "kept_at": kept.excluded.kept_at},
            )
        )


def _often(state: CircuitState) -> str:
    return "once" if state.failures == 1 else f"{state.failures} times in a row"


def _later(at: str, seconds: float) -> str:
    return (datetime.fromisoformat(at) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
