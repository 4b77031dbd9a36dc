"""By how much earlier than others a subscriber is shown what is under embargo."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "subscribers", sa.Column("lead", sa.BigInteger(), server_default="0", nullable=False)
    )
