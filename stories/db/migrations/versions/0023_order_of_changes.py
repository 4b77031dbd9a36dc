"""Every change of a feed has a number, by which archives and subscribers find what is new."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "departures",
        sa.Column("feed", sa.String(63), nullable=False),
        sa.Column("story_id", sa.String(13), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "story_id", name=op.f("pk_departures")),
    )
    op.create_index(op.f("ix_departures_story_id"), "departures", ["story_id"])
    op.create_index(op.f("ix_departures_feed_seq"), "departures", ["feed", "seq"])
    op.create_table(
        "sequences",
        sa.Column("feed", sa.String(63), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_sequences")),
    )
    op.add_column(
        "placements", sa.Column("seq", sa.BigInteger(), nullable=False, server_default="0")
    )
    # In the order of feeds, the newest last: 200,000 take SQLite some seconds.
    op.execute(
        """
        UPDATE placements SET seq = numbered.seq
        FROM (
            SELECT feed, story_id, row_number() OVER (
                PARTITION BY feed ORDER BY changed_at, position DESC, story_id DESC
            ) AS seq
            FROM placements
        ) AS numbered
        WHERE placements.feed = numbered.feed AND placements.story_id = numbered.story_id
        """
    )
    op.execute("INSERT INTO sequences SELECT feed, count(*) FROM placements GROUP BY feed")
    op.create_index(op.f("ix_placements_feed_seq"), "placements", ["feed", "seq"])
