"""When a fix was opened."""  # noqa: INP001 - Alembic wants a folder of scripts

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; of older rows it is not known."""
    op.add_column("agentic_fixes", sa.Column("opened_at", sa.String(40), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("agentic_fixes", "opened_at")
