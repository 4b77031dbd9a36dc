"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blobs",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_blobs")),
    )
    op.create_table(
        "captures",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("wire", sa.String(length=63), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("format", sa.String(length=32), server_default="", nullable=False),
        sa.Column("items", sa.Integer(), server_default="0", nullable=False),
        sa.Column("new", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("notes", sa.JSON(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_captures")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_captures_digest"), "captures", ["digest"], unique=False)
    op.create_index(op.f("ix_captures_state"), "captures", ["state"], unique=False)
    op.create_index(op.f("ix_captures_wire_id"), "captures", ["wire", "id"], unique=False)
    op.create_table(
        "entries",
        sa.Column("story_id", sa.String(length=13), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("edited_headline_only", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("disclosure", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("measurement", sa.JSON(), nullable=False),
        sa.Column("rss", sa.LargeBinary(), nullable=False),
        sa.Column("atom", sa.LargeBinary(), nullable=False),
        sa.Column("json", sa.LargeBinary(), nullable=False),
        sa.Column("rendered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("story_id", name=op.f("pk_entries")),
    )
    op.create_table(
        "feeds",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("etag", sa.String(length=80), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", "format", name=op.f("pk_feeds")),
    )
    op.create_table(
        "headlines",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("story_id", sa.String(length=13), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("against", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_headlines")),
    )
    op.create_index(op.f("ix_headlines_story_id"), "headlines", ["story_id"], unique=False)
    op.create_table(
        "identities",
        sa.Column("wire", sa.String(length=63), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("story_id", sa.String(length=13), nullable=False),
        sa.Column("capture_id", sa.BigInteger(), nullable=False),
        sa.Column("shared_from", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("wire", "digest", name=op.f("pk_identities")),
    )
    op.create_index(op.f("ix_identities_story_id"), "identities", ["story_id"], unique=False)
    op.create_table(
        "notes",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_notes")),
    )
    op.create_table(
        "outbox",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=63), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.String(length=36), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_kind_due_at"), "outbox", ["kind", "due_at"], unique=False)
    op.create_table(
        "placements",
        sa.Column("feed", sa.String(length=63), nullable=False),
        sa.Column("story_id", sa.String(length=13), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "story_id", name=op.f("pk_placements")),
    )
    op.create_index(
        op.f("ix_placements_feed_changed_at"), "placements", ["feed", "changed_at"], unique=False
    )
    op.create_index(op.f("ix_placements_story_id"), "placements", ["story_id"], unique=False)
    op.create_table(
        "problems",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("wire", sa.String(length=63), nullable=False),
        sa.Column("capture_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problems")),
        sa.UniqueConstraint("capture_id", "position", name=op.f("uq_problems_capture_id_position")),
    )
    op.create_table(
        "stories",
        sa.Column("id", sa.String(length=13), nullable=False),
        sa.Column("guid", sa.String(length=64), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("wire", sa.String(length=63), nullable=False),
        sa.Column("rule", sa.String(length=8), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("degraded", sa.Text(), nullable=True),
        sa.Column("first_received_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("capture_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stories")),
        sa.UniqueConstraint("guid", name=op.f("uq_stories_guid")),
    )
    op.create_index(op.f("ix_stories_changed_at"), "stories", ["changed_at"], unique=False)
    op.create_index(
        op.f("ix_stories_wire_changed_at"), "stories", ["wire", "changed_at"], unique=False
    )
    op.create_table(
        "versions",
        sa.Column("story_id", sa.String(length=13), nullable=False),
        sa.Column("capture_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("raw_digest", sa.String(length=64), nullable=True),
        sa.Column("content_digest", sa.String(length=80), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("received", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("story_id", "capture_id", name=op.f("pk_versions")),
    )
    op.create_index(op.f("ix_versions_capture_id"), "versions", ["capture_id"], unique=False)
    op.create_table(
        "wires",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("configured", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("due_because", sa.Text(), server_default="", nullable=False),
        sa.Column("lease", sa.String(length=36), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("polled_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=32), server_default="new", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", sa.Float(), server_default="0", nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("polls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("body_digest", sa.String(length=64), nullable=True),
        sa.Column("captured_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_wires")),
    )
    op.create_index(op.f("ix_wires_due_at"), "wires", ["due_at"], unique=False)
