"""Read a job's newest runs out of SQLite's index by job, without a seek for each of them."""  # noqa: INP001 - Alembic wants a folder of scripts

from alembic import op

revision = "0008"
down_revision = "0007"
_TABLE = "agentic_ol_runs"
_COLUMNS = [
    "job_id", "last_event", "run_id", "state", "started_at", "ended_at", "parent_run_id", "af_run_id", "try_number",
    "map_index", "partition_key",
]  # fmt: skip


def upgrade() -> None:
    """Widen the index; PostgreSQL's stays, there the seeks cost little and a wide index a tenth of taking in."""
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("agentic_ol_runs_job", table_name=_TABLE)
        op.create_index("agentic_ol_runs_of_job", _TABLE, _COLUMNS)


def downgrade() -> None:
    """Bring the narrow one back."""
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("agentic_ol_runs_of_job", table_name=_TABLE)
        op.create_index("agentic_ol_runs_job", _TABLE, ["job_id", "last_event"])
