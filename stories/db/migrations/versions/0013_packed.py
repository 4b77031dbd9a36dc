"""Versions and statements are packed; what is there stays as it is."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("versions", sa.Column("packed", sa.LargeBinary()))
    op.add_column("versions", sa.Column("updated", sa.BigInteger()))
    op.add_column("statements", sa.Column("packed", sa.LargeBinary()))
