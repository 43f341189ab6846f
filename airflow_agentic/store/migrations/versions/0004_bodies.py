"""What ledger lines speak of, whole."""  # noqa: INP001 - Alembic wants a folder of scripts

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "agentic_ledger_bodies",
        sa.Column("incident_id", sa.String(250), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("kept_at", sa.String(40), nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("agentic_ledger_bodies")
