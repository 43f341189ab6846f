"""What became of the fixes that were published."""  # noqa: INP001 - Alembic wants a folder of scripts

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "agentic_fixes",
        sa.Column("incident_id", sa.String(250), primary_key=True),
        sa.Column("dag_id", sa.String(250), nullable=False),
        sa.Column("repository", sa.String(400), nullable=False),
        sa.Column("fingerprint", sa.String(250), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("updated_at", sa.String(40), nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("merged_at", sa.String(40)),
        sa.Column("merge_commit", sa.String(64)),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("revert_url", sa.Text),
    )
    op.create_index("agentic_fixes_cause", "agentic_fixes", ["repository", "fingerprint"])
    op.create_index("agentic_fixes_dag", "agentic_fixes", ["dag_id", "state"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("agentic_fixes")
