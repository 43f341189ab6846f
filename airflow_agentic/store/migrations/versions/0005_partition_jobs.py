"""Find the runs of some jobs for a partition without looking at those of all others."""  # noqa: INP001 - Alembic wants a folder of scripts

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
_TABLE = "agentic_ol_partition_runs"


def upgrade() -> None:
    """Add the job to the table's key."""
    op.rename_table(_TABLE, "before_0005")
    op.create_table(
        _TABLE,
        sa.Column("partition_key", sa.String(250), primary_key=True),
        sa.Column("job_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("run_id", sa.LargeBinary(16), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO agentic_ol_partition_runs (partition_key, job_id, run_id) "
        "SELECT old.partition_key, run.job_id, old.run_id FROM before_0005 old "
        "JOIN agentic_ol_runs run ON run.run_id = old.run_id"
    )
    op.drop_table("before_0005")


def downgrade() -> None:
    """Take it out again."""
    op.rename_table(_TABLE, "after_0005")
    op.create_table(
        _TABLE,
        sa.Column("partition_key", sa.String(250), primary_key=True),
        sa.Column("run_id", sa.LargeBinary(16), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO agentic_ol_partition_runs SELECT DISTINCT partition_key, run_id FROM after_0005")
    op.drop_table("after_0005")
