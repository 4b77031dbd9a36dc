"""Sums of days that are over, and indexes by which SQLite finds its way without statistics."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("captures", sa.Integer(), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=True),
        sa.Column("kept", sa.BigInteger(), nullable=True),
        sa.Column("versions", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_days")),
    )
    op.drop_index(op.f("ix_captures_digest"), "captures")
    op.create_index(op.f("ix_captures_digest_expired_at"), "captures", ["digest", "expired_at"])
    op.drop_index("ix_placements_shown", "placements")
    op.create_index(
        "ix_placements_shown",
        "placements",
        ["feed", "changed_at", "position", "story_id", "digests"],
        sqlite_where=sa.text("digests IS NOT NULL"),
        postgresql_where=sa.text("digests IS NOT NULL"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for kept in ("sqlite_stat1", "sqlite_stat4"):  # what ANALYZE found (retention.tidy)
            op.execute(f"DROP TABLE IF EXISTS {kept}")
    else:  # each story's hour and day come among its words: the index is made again
        op.execute("TRUNCATE search_words, searched")
        op.execute("DELETE FROM notes WHERE key = 'searched'")
