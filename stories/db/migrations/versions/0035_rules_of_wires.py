"""The rules of a wire, by which its copy is read and shown, as last configured."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("wires", sa.Column("rules", sa.JSON(none_as_null=True)))
