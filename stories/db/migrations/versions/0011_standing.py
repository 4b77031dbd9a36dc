"""The items of each wire's newest capture that need not be read again."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "standing",
        sa.Column("wire", sa.String(63), nullable=False),
        sa.Column("story_id", sa.String(13), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("key_names", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("wire", "story_id", name="pk_standing"),
        sqlite_with_rowid=False,
    )
    op.add_column("wires", sa.Column("standing_of", sa.BigInteger()))
    op.add_column("wires", sa.Column("context", sa.String(80)))
