"""Captures are packed against the one before: what is there already stays as it is."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("blobs", sa.Column("parent", sa.String(64)))
    op.add_column("blobs", sa.Column("depth", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(op.f("ix_blobs_parent"), "blobs", ["parent"])
