"""The licence's term beside its wire: it binds also when the wire leaves the configuration."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("wires", sa.Column("expires_after", sa.BigInteger(), nullable=True))
