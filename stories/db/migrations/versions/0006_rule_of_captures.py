"""By which rules a capture is read and recognised: what came before is replayed as it was."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("captures", sa.Column("rule", sa.Integer(), nullable=False, server_default="1"))
