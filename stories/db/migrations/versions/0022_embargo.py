"""Stories under embargo, and when it ends; what agencies do to stories."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("acts", sa.Column("capture_id", sa.BigInteger()))
    op.add_column("acts", sa.Column("digest", sa.String(64)))
    op.create_index(op.f("ix_acts_capture_id"), "acts", ["capture_id", "story_id"], unique=True)
    op.add_column("versions", sa.Column("embargo", sa.BigInteger()))
    op.add_column("stories", sa.Column("embargo", sa.BigInteger()))
    some = sa.text("embargo IS NOT NULL")
    op.create_index(
        op.f("ix_stories_embargo"),
        "stories",
        ["embargo"],
        sqlite_where=some,
        postgresql_where=some,
    )
