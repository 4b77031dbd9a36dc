"""A digest of each wire's last body as it was sent."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("wires", sa.Column("sent_digest", sa.String(64)))
