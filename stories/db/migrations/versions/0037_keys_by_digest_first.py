"""Keys are looked up by their digests, for all wires of an agency at once."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("pk_identities", "identities")
        op.create_primary_key("pk_identities", "identities", ["digest", "wire"])
        return
    # SQLite changes no primary key. In the order of the new one, so that it is written once.
    names = ["wire", "digest", "story_id", "capture_id", "shared_from"]
    op.rename_table("identities", "identities_before")
    for index in ("story_id", "capture_id", "shared_from"):
        op.drop_index(f"ix_identities_{index}", "identities_before")
    op.create_table(
        "identities",
        sa.Column("wire", sa.String(length=63), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("story_id", sa.String(length=13), nullable=False),
        sa.Column("capture_id", sa.BigInteger(), nullable=False),
        sa.Column("shared_from", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", "wire", name=op.f("pk_identities")),
    )
    copied = f"SELECT {', '.join(names)} FROM identities_before ORDER BY digest, wire"  # noqa: S608
    op.execute(f"INSERT INTO identities ({', '.join(names)}) {copied}")
    op.drop_table("identities_before")
    op.create_index("ix_identities_story_id", "identities", ["story_id"])
    op.create_index("ix_identities_capture_id", "identities", ["capture_id"])
    op.create_index(
        "ix_identities_shared_from",
        "identities",
        ["shared_from"],
        sqlite_where=sa.text("shared_from IS NOT NULL"),
    )
