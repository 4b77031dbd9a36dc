"""What running unattended needs: politeness, moves and pauses, novelty, alerts, retention."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("wires") as wires:
        wires.add_column(sa.Column("configured_url", sa.Text(), server_default="", nullable=False))
        wires.add_column(sa.Column("moved_to", sa.Text(), nullable=True))
        wires.add_column(sa.Column("moved_count", sa.Integer(), server_default="0", nullable=False))
        wires.add_column(sa.Column("moved_since", sa.BigInteger(), nullable=True))
        wires.add_column(sa.Column("leased_at", sa.BigInteger(), nullable=True))
        wires.add_column(sa.Column("lane", sa.Integer(), server_default="0", nullable=False))
        wires.add_column(sa.Column("paused_at", sa.BigInteger(), nullable=True))
        wires.add_column(sa.Column("news", sa.JSON(), server_default="[]", nullable=False))
    op.execute("UPDATE wires SET configured_url = url")
    op.execute("UPDATE wires SET lane = 1 WHERE polled_at IS NULL")
    op.drop_index(op.f("ix_wires_due_at"), table_name="wires")
    op.create_index(op.f("ix_wires_lane_due_at"), "wires", ["lane", "due_at"], unique=False)
    op.create_index(op.f("ix_wires_lease_until"), "wires", ["lease_until"], unique=False)
    op.create_index(op.f("ix_wires_leased_at"), "wires", ["leased_at"], unique=False)
    op.create_index(op.f("ix_captures_received_at"), "captures", ["received_at"], unique=False)
    op.add_column("captures", sa.Column("expired_at", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("ix_captures_expired_at_received_at"),
        "captures",
        ["expired_at", "received_at"],
        unique=False,
    )
    op.drop_index(op.f("ix_captures_state"), table_name="captures")
    op.create_index(
        op.f("ix_captures_state_wire_received_at"),
        "captures",
        ["state", "wire", "received_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_stories_wire_first_received_at"),
        "stories",
        ["wire", "first_received_at"],
        unique=False,
    )
    op.create_table(
        "alerts",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=63), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_alerts")),
    )
