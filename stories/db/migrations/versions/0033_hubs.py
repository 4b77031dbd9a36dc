"""Where agencies' hubs are asked to push, and what they pushed."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hubs",
        sa.Column("token", sa.String(43), nullable=False),
        sa.Column("wire", sa.String(63), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("named", sa.JSON(), nullable=False),
        sa.Column("secret", sa.String(43), nullable=False),
        sa.Column("allow_private", sa.Boolean(), nullable=False),
        sa.Column("leaving", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("awaited", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("failures", sa.Float(), server_default="0", nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("verified_at", sa.BigInteger()),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("deliveries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refused", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_hubs")),
    )
    op.create_index(op.f("ix_hubs_wire"), "hubs", ["wire"])
    op.create_index(op.f("ix_hubs_due_at"), "hubs", ["due_at"])
    op.add_column("wires", sa.Column("pushed_at", sa.BigInteger()))
    op.add_column("wires", sa.Column("pushed_until", sa.BigInteger()))
    op.add_column(
        "captures", sa.Column("partial", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
