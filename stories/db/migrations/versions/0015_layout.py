"""What is around the items that stand on a wire: known ones are found by their bytes alone."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("wires", sa.Column("layout", sa.JSON(), nullable=True))
