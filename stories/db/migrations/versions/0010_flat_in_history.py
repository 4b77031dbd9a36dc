"""Indexes, and a mark of second looks, with which no query grows with what is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_problems_at"), "problems", ["at"])
    op.create_index(op.f("ix_identities_capture_id"), "identities", ["capture_id"])
    _partial("identities", "shared_from", "shared_from", "shared_from IS NOT NULL")
    _partial("versions", "replaced", "received_at", "number > 1")
    op.create_index(op.f("ix_outbox_kind_since_key"), "outbox", ["kind", "since", "key"])
    op.drop_index(op.f("ix_outbox_kind_due_at"), "outbox")
    op.add_column(
        "stories",
        sa.Column("second_look", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute(
        """
        UPDATE stories SET second_look = (
            SELECT text IS NOT NULL AND against < stories.number FROM headlines
            WHERE story_id = stories.id ORDER BY id DESC LIMIT 1
        ) WHERE id IN (SELECT story_id FROM headlines)
        """
    )
    true = "second_look = 1" if op.get_bind().dialect.name == "sqlite" else "second_look"
    _partial("stories", "second_look", "changed_at", true)
    op.execute("DELETE FROM notes WHERE key = 'housekeeping:stories'")
    if op.get_bind().dialect.name == "sqlite":  # or it knows less of the new indexes than of others
        op.execute("PRAGMA analysis_limit=400")
        op.execute("ANALYZE")


def _partial(table: str, name: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        op.f(f"ix_{table}_{name}"),
        table,
        [column],
        sqlite_where=condition,
        postgresql_where=condition,
    )
