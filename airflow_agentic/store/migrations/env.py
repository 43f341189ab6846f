"""What Alembic runs. The caller holds the transaction and the lock, so nothing is committed here."""

from __future__ import annotations

from alembic import context

from airflow_agentic.store import lineage_tables  # noqa: F401 - importing it adds its tables
from airflow_agentic.store.database import VERSION_TABLE
from airflow_agentic.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()
