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
    sqlite = op.get_bind().dialect.name == "sqlite"
    # No row is written of which it is not true, and that is most of them.
    marked = sa.text(
        """
        UPDATE stories SET second_look = :true WHERE id IN (
            SELECT story_id FROM headlines WHERE text IS NOT NULL
            AND id = (SELECT max(id) FROM headlines AS later WHERE story_id = headlines.story_id)
            AND against < (SELECT number FROM stories WHERE id = headlines.story_id)
        )
        """
    )
    op.execute(marked.bindparams(true=True))
    true = "second_look = 1" if sqlite else "second_look"
    _partial("stories", "second_look", "changed_at", true)
    op.execute("DELETE FROM notes WHERE key = 'housekeeping:stories'")
    if sqlite:  # or it knows less of the new indexes than of others
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
