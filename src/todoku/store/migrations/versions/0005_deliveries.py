"""Stored deliveries: the manifest of their parts, the live tail, how far logs are read."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "log_parts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("rows", NUMBER, nullable=False),
        sa.Column("bytes", NUMBER, nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_log_parts")),
    )
    op.create_index(op.f("ix_log_parts_day"), "log_parts", ["day"])
    op.create_table(
        "log_tails",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("rows", NUMBER, nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_tails")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "log_sources",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("head_length", sa.Integer(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("read_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_sources")),
        sa.UniqueConstraint("head_length", "head", name=op.f("uq_log_sources_head_length")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "log_journals",
        sa.Column("journal", sa.Text(), nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("journal", name=op.f("pk_log_journals")),
    )
    op.create_table(
        "log_grounds",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("knowledge", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_grounds")),
    )
    op.create_table(
        "log_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("lines", NUMBER, nullable=False),
        sa.Column("other_programs", NUMBER, nullable=False),
        sa.Column("unknown", NUMBER, nullable=False),
        sa.Column("expired", NUMBER, nullable=False),
        sa.Column("jumps", NUMBER, nullable=False),
        sa.Column("first", sa.Double(), nullable=True),
        sa.Column("last", sa.Double(), nullable=True),
        sa.Column("formats", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_log_days")),
    )
