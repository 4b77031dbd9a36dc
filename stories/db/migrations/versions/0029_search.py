"""A full-text index of what is published. It is filled in the background, newest first."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "searched",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("story_id", sa.String(13), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_searched")),
        sa.UniqueConstraint("story_id", name=op.f("uq_searched_story_id")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TABLE search_words (rowid BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
        op.execute("CREATE INDEX ix_search_words_words ON search_words USING gin (words)")
    else:
        op.execute(
            "CREATE VIRTUAL TABLE search_words"
            " USING fts5(words, content='', columnsize=0, tokenize='ascii')"
        )
        op.execute("CREATE VIRTUAL TABLE search_vocabulary USING fts5vocab(search_words, instance)")
