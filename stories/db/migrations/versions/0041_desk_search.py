"""The desk finds what is in no public feed, too."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "searched", sa.Column("hidden", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    # What is there already is put into the index in the background (publish/indexer.py).
    op.create_table(
        "unsearched",
        sa.Column("story_id", sa.String(13), nullable=False),
        sa.PrimaryKeyConstraint("story_id", name=op.f("pk_unsearched")),
    )
