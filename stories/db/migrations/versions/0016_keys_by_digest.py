"""Keys are known by their digests alone: nothing reads what they were made of."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("identities", "key")
