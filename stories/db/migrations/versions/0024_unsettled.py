"""Since when a file is found changing at every look; a host for each wire that is sent to us."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("files", sa.Column("unsettled", sa.BigInteger()))
    op.execute("UPDATE wires SET host = host || name WHERE host = 'push:'")
