"""Who is told of changes of feeds by our hub."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "subscriptions",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("feed", sa.String(63), nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("secret", sa.Text()),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.String(11)),
        sa.Column("asked_secret", sa.Text()),
        sa.Column("asked_seconds", sa.Integer(), nullable=False),
        sa.Column("challenge", sa.String(43), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Float(), nullable=False),
        sa.Column("failing_since", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.Column("lease", sa.String(36)),
        sa.Column("lease_until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("digest", name=op.f("uq_subscriptions_digest")),
    )
    op.create_index(op.f("ix_subscriptions_feed_seq"), "subscriptions", ["feed", "seq"])
    op.create_index(op.f("ix_subscriptions_host"), "subscriptions", ["host"])
    asked = sa.text("asked IS NOT NULL")
    op.create_index(
        op.f("ix_subscriptions_asked"),
        "subscriptions",
        ["due_at"],
        sqlite_where=asked,
        postgresql_where=asked,
    )
