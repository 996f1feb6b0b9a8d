"""What is counted of a flood belongs to one event, and stays beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Counted since the newest refusal, and about to become an event of its own.
    newest = (
        "SELECT t.case_id, t.since, t.payload, (SELECT max(e.seq) FROM events e"
        " WHERE e.case_id = t.case_id AND e.event = 'refused') AS seq FROM tallies t"
    )
    rows = [dict(row) for row in op.get_bind().execute(sa.text(newest)).mappings()]
    op.drop_table("tallies")
    tallies = op.create_table(
        "tallies",
        sa.Column("case_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("since", sa.Double(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_tallies")),
    )
    if rows:
        op.bulk_insert(tallies, [row for row in rows if row["seq"] is not None])
