"""A log is known by its first lines, too: a copy from when it was short is no other log."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("log_sources", sa.Column("begins", sa.Text(), nullable=True))
