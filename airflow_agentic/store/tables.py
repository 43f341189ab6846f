"""The tables. Names carry a prefix, so that the store may live in a database with others.

Times are ISO 8601 text, records and facts JSON text: the same in SQLite and PostgreSQL, and safe for a NUL
character, which PostgreSQL's text refuses. Money is whole millionths of a dollar, so that sums are exact.
A change here needs a new revision in ``migrations/versions``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

INCIDENTS = Table(
    "agentic_incidents",
    METADATA,
    Column("id", String(250), primary_key=True),
    Column("dag_id", String(250), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("clear_number", Integer, nullable=False),
    Column("state", String(40), nullable=False),
    Column("detail", Text, nullable=False),
    Column("first_seen", String(40), nullable=False),
    Column("last_seen", String(40), nullable=False),
    Column("signals", Integer, nullable=False),
    Column("fingerprint", String(250)),
    Column("logical_date", String(40)),
    Column("url", Text),
    Column("owners", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Index("agentic_incidents_last_seen", "last_seen"),
    Index("agentic_incidents_dag", "dag_id", "last_seen"),
    Index("agentic_incidents_fingerprint", "fingerprint"),
)

MEMBERS = Table(
    "agentic_members",
    METADATA,
    Column("incident_id", String(250), primary_key=True),
    Column("dag_id", String(250), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("task_id", String(250), primary_key=True),
    Column("map_index", Integer, primary_key=True, autoincrement=False),
    Column("try_number", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
)

RECORDS = Table(
    "agentic_records",
    METADATA,
    Column("incident_id", String(250), primary_key=True),
    Column("kind", String(100), primary_key=True),
    Column("body", Text, nullable=False),
    Column("kept_at", String(40), nullable=False),
)

LEDGER = Table(
    "agentic_ledger",
    METADATA,
    Column("incident_id", String(250), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("stage", String(100), nullable=False),
    Column("event", String(100), nullable=False),
    Column("facts", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

HEADS = Table(
    "agentic_ledger_heads",
    METADATA,
    Column("incident_id", String(250), primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
)

BODIES = Table(
    "agentic_ledger_bodies",
    METADATA,
    Column("incident_id", String(250), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("kept_at", String(40), nullable=False),
)
"""``body``: zlib over JSON text; ``digest``: SHA-256 of that text."""

SPENDING = Table(
    "agentic_spending",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("incident_id", String(250), nullable=False),
    Column("day", String(10), nullable=False),
    Column("reserved_micros", BigInteger, nullable=False),
    Column("spent_micros", BigInteger),
    Column("usage", Text),
    Column("reserved_at", String(40), nullable=False),
    Column("settled_at", String(40)),
    Index("agentic_spending_incident", "incident_id"),
    Index("agentic_spending_day", "day"),
)

CHANGES = Table(
    "agentic_changes",
    METADATA,
    Column("repository", String(400), primary_key=True),
    Column("fingerprint", String(250), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("branch", Text),
    Column("head_commit", String(64)),
    Column("state", String(20), nullable=False),
    Column("url", Text),
    Column("incident_id", String(250), nullable=False),
    Column("updated_at", String(40), nullable=False),
    UniqueConstraint("repository", "number", name="agentic_changes_number"),
)

FIXES = Table(
    "agentic_fixes",
    METADATA,
    Column("incident_id", String(250), primary_key=True),
    Column("dag_id", String(250), nullable=False),
    Column("repository", String(400), nullable=False),
    Column("fingerprint", String(250), nullable=False),
    Column("state", String(20), nullable=False),
    Column("updated_at", String(40), nullable=False),
    Column("url", Text),
    Column("merged_at", String(40)),
    Column("merge_commit", String(64)),
    Column("detail", Text, nullable=False),
    Column("revert_url", Text),
    Column("opened_at", String(40), nullable=False, server_default=""),
    Index("agentic_fixes_dag", "dag_id", "state"),
    Index("agentic_fixes_cause", "repository", "fingerprint"),
)
