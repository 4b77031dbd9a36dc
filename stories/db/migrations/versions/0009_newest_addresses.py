"""The newest form of addresses with signatures that expire: the version that has them stays."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stories", sa.Column("addresses", sa.JSON(), nullable=True))
