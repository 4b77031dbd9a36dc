"""Whether a wire's newest capture was read whole; until when its server asked not to be polled."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "wires", sa.Column("whole", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("wires", sa.Column("retry_at", sa.BigInteger()))
    # Until now they were kept with half of a feed, too: each wire is asked once in full.
    op.execute("UPDATE wires SET etag = NULL, last_modified = NULL")
