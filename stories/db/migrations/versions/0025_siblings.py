"""Captures know with which wires they share stories."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("captures", sa.Column("siblings", sa.JSON()))
