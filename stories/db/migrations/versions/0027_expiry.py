"""When stories expire, the newest notes to editors, and which stories are hidden."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("versions", sa.Column("expires", sa.BigInteger()))
    op.add_column("stories", sa.Column("expires", sa.BigInteger()))
    op.add_column("stories", sa.Column("ed_note", sa.Text()))
    for name, column, where in (
        ("ix_stories_expires", "expires", "expires IS NOT NULL"),
        ("ix_stories_hidden", "status_at", "status != 'usable'"),
    ):
        some = sa.text(where)
        op.create_index(op.f(name), "stories", [column], sqlite_where=some, postgresql_where=some)
