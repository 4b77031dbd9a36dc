"""Feeds are lists of entries: of those that one shows the bytes are kept, of a feed none.

What feeds show stays as it is, with its tags and dates, and is all that is written here. Every
other entry has its bytes as before until it is rendered again, as all are after this.
"""

import base64
import hashlib
import struct
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
import zstandard
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SEPARATORS = {"rss": b"\n    ", "atom": b"\n  ", "json": b",\n"}

_WRITTEN = tuple(sa.column(format, sa.LargeBinary()) for format in _SEPARATORS)
_ENTRIES = sa.table(
    "entries",
    sa.column("story_id", sa.String()),
    *_WRITTEN,
    sa.column("digests", sa.String()),
    sa.column("packed", sa.LargeBinary()),
)
_PLACEMENTS = sa.table(
    "placements",
    sa.column("feed", sa.String()),
    sa.column("story_id", sa.String()),
    sa.column("changed_at", sa.BigInteger()),
    sa.column("position", sa.Integer()),
    sa.column("digests", sa.String()),
)
_FEEDS = sa.table(
    "feeds",
    sa.column("name", sa.String()),
    sa.column("format", sa.String()),
    sa.column("etag", sa.String()),
    sa.column("entries", sa.Integer()),
    sa.column("body", sa.LargeBinary()),
    sa.column("digest", sa.String()),
)


def upgrade() -> None:
    op.add_column("placements", sa.Column("digests", sa.String(80), nullable=True))
    op.add_column(
        "feeds", sa.Column("digest", sa.String(80), nullable=False, server_default=sa.text("''"))
    )
    op.add_column("entries", sa.Column("digests", sa.String(80), nullable=False, server_default=""))
    op.add_column("entries", sa.Column("packed", sa.LargeBinary(), nullable=True))
    conn = op.get_bind()
    shown: set[str] = set()
    for name in conn.execute(sa.select(_FEEDS.c.name).distinct()).scalars().all():
        shown.update(_list(conn, name))
    for story in sorted(shown):
        _pack(conn, story)
    op.drop_column("feeds", "body")
    op.create_index(
        "ix_placements_shown",
        "placements",
        ["feed", "changed_at"],
        sqlite_where=sa.text("digests IS NOT NULL"),
        postgresql_where=sa.text("digests IS NOT NULL"),
    )


def _list(conn: sa.Connection, name: str) -> list[str]:
    """Note what the feed shows, and what it is joined of, if that is what its bytes show."""
    rows = conn.execute(sa.select(_FEEDS).where(_FEEDS.c.name == name)).all()
    here = _PLACEMENTS.c.feed == name
    newest = (
        sa.select(_PLACEMENTS.c.story_id, *_WRITTEN)
        .select_from(_PLACEMENTS.join(_ENTRIES, _ENTRIES.c.story_id == _PLACEMENTS.c.story_id))
        .where(here)
        .order_by(_PLACEMENTS.c.changed_at.desc(), _PLACEMENTS.c.position, _PLACEMENTS.c.story_id)
        .limit(max(row.entries for row in rows))
    )
    entries = conn.execute(newest).all()
    for entry in entries:
        conn.execute(
            sa.update(_PLACEMENTS)
            .where(here, _PLACEMENTS.c.story_id == entry.story_id)
            .values(digests=_digests(entry))
        )
    for row in rows:
        written = [getattr(entry, row.format) for entry in entries]
        frame = _frame(row.body, _SEPARATORS[row.format], written)
        if frame is None:
            continue  # a change of it waits; what has no digest here has another tag until then
        conn.execute(
            sa.update(_FEEDS)
            .where(_FEEDS.c.name == name, _FEEDS.c.format == row.format)
            .values(digest=_digest(frame, *(_digest(each).encode() for each in written)))
        )
    return [entry.story_id for entry in entries]


def _frame(body: bytes, separator: bytes, entries: Sequence[bytes]) -> bytes | None:
    """What stands around *entries* in *body*, None if they are not what is in it."""
    if not entries:
        return body
    joined = separator.lstrip(b",") + separator.join(entries) + b"\n"
    before, found, after = body.partition(joined)
    return before + after if found else None


def _pack(conn: sa.Connection, story: str) -> None:
    """Write an entry that a feed shows as it is kept from now on."""
    this = _ENTRIES.c.story_id == story
    row = conn.execute(sa.select(_ENTRIES).where(this)).one()
    new = {"digests": _digests(row) if row.rss else "", "packed": _packed(row)}
    conn.execute(sa.update(_ENTRIES).where(this).values(**new, **dict.fromkeys(_SEPARATORS, b"")))


def _digest(*parts: bytes) -> str:
    whole = hashlib.sha256(b"".join(parts)).digest()
    return base64.urlsafe_b64encode(whole[:18]).decode()


def _digests(row: Any) -> str:
    return "".join(_digest(getattr(row, format)) for format in _SEPARATORS)


def _packed(row: Any) -> bytes:
    lengths = struct.pack(">II", len(row.rss), len(row.atom))
    whole = b"".join((lengths, row.rss, row.atom, row.json))
    return zstandard.ZstdCompressor(level=3).compress(whole)
