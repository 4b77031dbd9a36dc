"""A log may follow another: after a restore, or when its key is lost.

Receipts go on being numbered, so each log knows the number of its first; the tiles of each are its
own. Only these are written once more: 32 bytes a receipt.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_MEMBERS = ("level", "number", "hashes")


def upgrade() -> None:
    op.add_column(
        "translog", sa.Column("first", sa.BigInteger(), nullable=False, server_default="0")
    )
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("pk_tiles"), "tiles", type_="primary")
    op.rename_table("tiles", "tiles_of_before")
    made = op.create_table(
        "tiles",
        sa.Column("log", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "level", "number", name=op.f("pk_tiles")),
    )
    before = sa.table("tiles_of_before", *map(sa.column, _MEMBERS))
    every = sa.select(sa.literal(1), *before.c)
    op.execute(sa.insert(made).from_select(["log", *_MEMBERS], every))
    op.drop_table("tiles_of_before")
