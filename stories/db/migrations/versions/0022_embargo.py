"""Stories under embargo, and when it ends."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
