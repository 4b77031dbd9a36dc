"""PostgreSQL's full-text index takes words in at once."""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX ix_search_words_words SET (fastupdate = off)")
        # What waits to be taken in stays there till it is done or the table is vacuumed.
        op.execute("SELECT gin_clean_pending_list('ix_search_words_words')")
