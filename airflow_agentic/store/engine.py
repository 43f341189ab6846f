"""``[agentic] store_url`` → the store: incidents, ledger, spending and published changes.

Nothing is connected before the first use, which also brings the tables up to date.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from airflow_agentic.ports import Redactor
from airflow_agentic.store.changes import SqlChanges
from airflow_agentic.store.circuit import SqlCircuit
from airflow_agentic.store.database import Database
from airflow_agentic.store.fixes import SqlFixes
from airflow_agentic.store.incidents import SqlIncidents
from airflow_agentic.store.ledger import SqlLedger
from airflow_agentic.store.spending import SqlSpending, TeamDay


@dataclass(frozen=True, kw_only=True)
class Store:
    """What lies behind one address. A context manager: leaving it closes this process's connections."""

    database: Database
    incidents: SqlIncidents
    ledger: SqlLedger
    changes: SqlChanges
    fixes: SqlFixes

    def spending(
        self,
        usd_per_incident: float,
        usd_per_day: float,
        usd_per_dag_day: float | None = None,
        team: TeamDay | None = None,
    ) -> SqlSpending:
        """Return the account with these limits; the sums are those of the whole store."""
        limits = {"usd_per_incident": usd_per_incident, "usd_per_day": usd_per_day}
        return SqlSpending(self.database, **limits, usd_per_dag_day=usd_per_dag_day, team=team)

    def circuit(self, name: str, *, failures: int, open_s: float) -> SqlCircuit:
        """Return the breaker before one service; see `SqlCircuit`."""
        return SqlCircuit(self.database, name, failures=failures, open_s=open_s)

    def close(self) -> None:
        """Close this process's connections; using the store again opens new ones."""
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(url: str, *, redactor: Redactor | None = None, keep_bodies: bool = True, manifest: str = "") -> Store:
    """Return the store at *url*, not yet connected.

    :param url: ``sqlite:////absolute/path.db``, ``postgresql://...`` (psycopg 3).
    :param redactor: for the ledger's facts, before the patterns that always hold.
    :param keep_bodies: False: the ledger holds digests of what was said, not what was said.
    :param manifest: digest of the accepted permissions: it stands in every ledger line.
    :raises StoreError: the address is not usable. Whatever else is wrong is raised by the first use.
    """
    database = Database(url)
    return Store(
        database=database,
        incidents=SqlIncidents(database, redactor=redactor),
        ledger=SqlLedger(database, redactor=redactor, keep_bodies=keep_bodies, manifest=manifest),
        changes=SqlChanges(database),
        fixes=SqlFixes(database),
    )


def migrate(url: str) -> tuple[str, ...]:
    """Bring the tables at *url* up to date and return the revisions that were applied; none when they were.

    :raises StoreError: the store is unreachable, or written by a newer version.
    """
    database = Database(url)
    try:
        return database.migrate()
    finally:
        database.close()
