"""Agencies' key sets as they were pinned, and the agencies' own statements of what came."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "key_sets",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_key_sets"),
    )
    op.create_table(
        "pins",
        sa.Column("wire", sa.String(63), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("key_set", sa.String(64)),
        sa.Column("since", sa.BigInteger()),
        sa.Column("asked_at", sa.BigInteger()),
        sa.Column("fault", sa.Text()),
        sa.Column("notice", sa.Text()),
        sa.Column("offered", sa.String(64)),
        sa.Column("offered_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("wire", name="pk_pins"),
    )
    op.create_table(
        "agency_statements",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("kid", sa.String(43), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("key_set", sa.String(64), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_agency_statements"),
    )
    op.add_column("captures", sa.Column("key_set", sa.Text()))
    op.add_column("versions", sa.Column("custody", sa.String(64)))
