"""The first tables."""  # noqa: INP001  # a folder of scripts, as Alembic has it

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make incidents, ledger, spending and published changes."""
    _changes_and_incidents()
    _ledger()
    _members_records_spending()


def downgrade() -> None:
    """Drop them with all they hold."""
    for name in ("spending", "records", "members", "ledger_heads", "ledger", "incidents", "changes"):
        op.drop_table(f"agentic_{name}")


def _changes_and_incidents() -> None:
    op.create_table(
        "agentic_changes",
        sa.Column("repository", sa.String(400), primary_key=True),
        sa.Column("fingerprint", sa.String(250), primary_key=True),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("branch", sa.Text),
        sa.Column("head_commit", sa.String(64)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("incident_id", sa.String(250), nullable=False),
        sa.Column("updated_at", sa.String(40), nullable=False),
        sa.UniqueConstraint("repository", "number", name="agentic_changes_number"),
    )
    op.create_table(
        "agentic_incidents",
        sa.Column("id", sa.String(250), primary_key=True),
        sa.Column("dag_id", sa.String(250), nullable=False),
        sa.Column("run_id", sa.String(250), nullable=False),
        sa.Column("clear_number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("first_seen", sa.String(40), nullable=False),
        sa.Column("last_seen", sa.String(40), nullable=False),
        sa.Column("signals", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String(250)),
        sa.Column("logical_date", sa.String(40)),
        sa.Column("url", sa.Text),
        sa.Column("owners", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
    )
    op.create_index("agentic_incidents_dag", "agentic_incidents", ["dag_id", "last_seen"])
    op.create_index("agentic_incidents_fingerprint", "agentic_incidents", ["fingerprint"])
    op.create_index("agentic_incidents_last_seen", "agentic_incidents", ["last_seen"])


def _ledger() -> None:
    op.create_table(
        "agentic_ledger",
        sa.Column("incident_id", sa.String(250), primary_key=True),
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("stage", sa.String(100), nullable=False),
        sa.Column("event", sa.String(100), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_table(
        "agentic_ledger_heads",
        sa.Column("incident_id", sa.String(250), primary_key=True),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )


def _members_records_spending() -> None:
    op.create_table(
        "agentic_members",
        sa.Column("incident_id", sa.String(250), primary_key=True),
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("run_id", sa.String(250), primary_key=True),
        sa.Column("task_id", sa.String(250), primary_key=True),
        sa.Column("map_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("try_number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_table(
        "agentic_records",
        sa.Column("incident_id", sa.String(250), primary_key=True),
        sa.Column("kind", sa.String(100), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("kept_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "agentic_spending",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("incident_id", sa.String(250), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("reserved_micros", sa.BigInteger, nullable=False),
        sa.Column("spent_micros", sa.BigInteger),
        sa.Column("usage", sa.Text),
        sa.Column("reserved_at", sa.String(40), nullable=False),
        sa.Column("settled_at", sa.String(40)),
    )
    op.create_index("agentic_spending_day", "agentic_spending", ["day"])
    op.create_index("agentic_spending_incident", "agentic_spending", ["incident_id"])
