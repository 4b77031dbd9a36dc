"""What was settled at the desk stands in its log, also when it is taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settlings",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("story_id", sa.String(13), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlings")),
    )
    op.create_index(op.f("ix_settlings_story_id"), "settlings", ["story_id"])
    # Of what was settled before, no more is known than what stands.
    op.execute(
        """INSERT INTO settlings (story_id, kind, "by", at)
        SELECT story_id, 'settle', "by", at FROM settled ORDER BY at"""
    )
