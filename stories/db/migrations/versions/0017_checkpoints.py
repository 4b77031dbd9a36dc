"""Statements hold no proof of their own any more: the log's checkpoint is kept beside them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("statements", sa.Column("checkpoint", sa.Text()))
