"""How far the folders of IMAP mailboxes are read."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "mailboxes",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("validity", NUMBER, nullable=False),
        sa.Column("taken", NUMBER, nullable=False),
        sa.Column("marked", NUMBER, nullable=False),
        sa.Column("owed", sa.Text(), nullable=False),
        sa.Column("looked_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("account", "folder", name=op.f("pk_mailboxes")),
    )
