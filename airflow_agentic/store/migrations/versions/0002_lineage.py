"""The tables of lineage."""  # noqa: INP001 - Alembic wants a folder of scripts

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create them."""
    _graph()
    _schemas()
    _runs()
    _partitions()


def downgrade() -> None:
    """Drop them."""
    for name in (
        "agentic_ol_arrivals",
        "agentic_ol_events",
        "agentic_ol_partition_runs",
        "agentic_ol_partitions",
        "agentic_ol_column_edges",
        "agentic_ol_fields",
        "agentic_ol_run_io",
        "agentic_ol_job_io",
        "agentic_ol_run_facets",
        "agentic_ol_runs",
        "agentic_ol_schema_observations",
        "agentic_ol_schemas",
        "agentic_ol_symlinks",
        "agentic_ol_dataset_names",
        "agentic_ol_datasets",
        "agentic_ol_job_facets",
        "agentic_ol_jobs",
    ):
        op.drop_table(name)


def _graph() -> None:
    op.create_table(
        "agentic_ol_column_edges",
        sa.Column("out_field", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("in_field", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("out_field", "in_field", "job_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "agentic_ol_column_edges_in", "agentic_ol_column_edges", ["in_field", "out_field", "job_id"], unique=False
    )
    op.create_table(
        "agentic_ol_datasets",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("canonical_id", sa.BigInteger(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("agentic_ol_datasets_canonical", "agentic_ol_datasets", ["canonical_id"], unique=False)
    op.create_table(
        "agentic_ol_job_facets",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facet", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "facet"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "agentic_ol_job_io",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("io", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "io", "dataset_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("agentic_ol_job_io_dataset", "agentic_ol_job_io", ["dataset_id", "io", "job_id"], unique=False)
    op.create_table(
        "agentic_ol_jobs",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("task_id", sa.String(length=250), nullable=True),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("agentic_ol_jobs_task", "agentic_ol_jobs", ["dag_id", "task_id"], unique=False)


def _schemas() -> None:
    op.create_table(
        "agentic_ol_dataset_names",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("agentic_ol_dataset_names_dataset", "agentic_ol_dataset_names", ["dataset_id"], unique=False)
    op.create_table(
        "agentic_ol_fields",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("agentic_ol_fields_dataset", "agentic_ol_fields", ["dataset_id"], unique=False)
    op.create_table(
        "agentic_ol_schema_observations",
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source_class", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("schema_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("first_run", sa.LargeBinary(length=16), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("last_run", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "source_class", "schema_id", "day"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "agentic_ol_schema_observations_newest",
        "agentic_ol_schema_observations",
        ["dataset_id", "last_at"],
        unique=False,
    )
    op.create_table(
        "agentic_ol_schemas",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "agentic_ol_symlinks",
        sa.Column("low_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("high_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("low_id", "high_id"),
        sqlite_with_rowid=False,
    )


def _runs() -> None:
    op.create_table(
        "agentic_ol_run_facets",
        sa.Column("run_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("facet", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "facet"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "agentic_ol_run_io",
        sa.Column("run_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("io", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("schema_at", sa.BigInteger(), nullable=True),
        sa.Column("schema_id", sa.BigInteger(), nullable=True),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("byte_count", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "io", "dataset_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "agentic_ol_runs",
        sa.Column("run_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("state_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("last_event", sa.BigInteger(), nullable=False),
        sa.Column("parent_run_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("root_run_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("af_run_id", sa.Text(), nullable=True),
        sa.Column("try_number", sa.Integer(), nullable=True),
        sa.Column("max_tries", sa.Integer(), nullable=True),
        sa.Column("map_index", sa.Integer(), nullable=True),
        sa.Column("nominal_start", sa.BigInteger(), nullable=True),
        sa.Column("nominal_end", sa.BigInteger(), nullable=True),
        sa.Column("partition_key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("agentic_ol_runs_job", "agentic_ol_runs", ["job_id", "last_event"], unique=False)
    op.create_index("agentic_ol_runs_parent", "agentic_ol_runs", ["parent_run_id"], unique=False)


def _partitions() -> None:
    op.create_table(
        "agentic_ol_arrivals",
        sa.Column("producer", sa.String(length=200), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("producer", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "agentic_ol_events",
        sa.Column("event_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("received_day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("event_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "agentic_ol_partition_runs",
        sa.Column("partition_key", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("partition_key", "run_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "agentic_ol_partitions",
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partition_key", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "partition_key", "run_id"),
        sqlite_with_rowid=False,
    )
