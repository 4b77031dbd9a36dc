"""What people of the desk do about wires and quarantine."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wire_acts",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("wire", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("capture_id", sa.BigInteger()),
        sa.Column("position", sa.Integer()),
        sa.Column("digest", sa.String(64)),
        sa.Column("due_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wire_acts")),
    )
    op.create_index("ix_wire_acts_wire_id", "wire_acts", ["wire", "id"])
    op.create_index("ix_wire_acts_wire_digest", "wire_acts", ["wire", "digest"])
    waits = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_wire_acts_due_at", "wire_acts", ["due_at"], sqlite_where=waits, postgresql_where=waits
    )
    op.add_column("problems", sa.Column("digest", sa.String(64)))
