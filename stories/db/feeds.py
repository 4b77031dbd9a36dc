"""Rendered entries, where they are placed, and the feeds as served."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select

from stories.db.captures import first_of
from stories.db.engine import upsert
from stories.db.tables import captures, entries, feeds, outbox, placements, stories

Format = Literal["rss", "atom", "json"]
FORMATS: tuple[Format, ...] = ("rss", "atom", "json")


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One story as rendered, with what was measured of it."""

    story_id: str
    changed_at: datetime
    scope: str
    edited_headline_only: bool
    disclosure: str
    url: str
    measurement: dict[str, Any]
    rss: bytes
    atom: bytes
    json: bytes
    rendered_at: datetime


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One feed as served: its bytes, their strong ETag, and when they last became different."""

    name: str
    format: str
    body: bytes
    etag: str
    modified_at: datetime
    entries: int


def put_entries(conn: Connection, rows: Sequence[EntryRow]) -> None:
    """Write the rendered entries of stories, in place of earlier ones."""
    if not rows:
        return
    statement = upsert(conn, entries)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["story_id"],
            set_={c.name: statement.excluded[c.name] for c in entries.c if not c.primary_key},
        ),
        [{c.name: getattr(row, c.name) for c in entries.c} for row in rows],
    )


def drop_entries(conn: Connection, ids: Sequence[str]) -> None:
    """Delete the entries of stories."""
    conn.execute(delete(entries).where(entries.c.story_id.in_(list(ids))))


def entry(conn: Connection, story: str) -> EntryRow | None:
    """The rendered entry of a story, None when it has none."""
    found = entries_of(conn, [story])
    return found.get(story)


def entries_of(conn: Connection, ids: Sequence[str]) -> dict[str, EntryRow]:
    """The rendered entries of *ids*, by story."""
    rows = conn.execute(select(entries).where(entries.c.story_id.in_(list(ids)))).mappings()
    return {r["story_id"]: EntryRow(**r) for r in rows}


@dataclass(frozen=True, slots=True)
class Placement:
    """In which feeds a story is placed, and its position in their order."""

    story_id: str
    feeds: Sequence[str]
    changed_at: datetime
    position: int


def place(conn: Connection, wanted: Sequence[Placement]) -> set[str]:
    """Place each story in exactly its feeds; the feeds that any is in or was in before."""
    stories = [place.story_id for place in wanted]
    theirs = placements.c.story_id.in_(stories)
    before = set(conn.execute(select(placements.c.feed).where(theirs).distinct()).scalars())
    conn.execute(delete(placements).where(theirs))
    rows = [
        {
            "feed": feed,
            "story_id": place.story_id,
            "changed_at": place.changed_at,
            "position": place.position,
        }
        for place in wanted
        for feed in sorted(place.feeds)
    ]
    if rows:
        conn.execute(insert(placements), rows)
    return before.union(*(place.feeds for place in wanted))


@dataclass(frozen=True, slots=True)
class Placed:
    """One entry in a feed's order, in all three formats."""

    story_id: str
    changed_at: datetime
    rss: bytes
    atom: bytes
    json: bytes

    def bytes_of(self, format: Format) -> bytes:
        """The rendered entry in *format*."""
        return {"rss": self.rss, "atom": self.atom, "json": self.json}[format]


def placed(conn: Connection, feed: str, limit: int) -> list[Placed]:
    """The feed's newest *limit* entries in its order: last changed first.

    By change and not by date, so that an update, or a late story with an early date, is once at
    the top and no subscriber can miss it (but see ``Story.placed_at``). Ties follow the wire's own
    order, then the id. What came within :data:`BURST` of the newest stays beyond the limit, so that
    a subscriber who comes as often as the feed asks misses nothing of a burst.
    """
    limit += _burst(conn, feed, limit)
    rows = conn.execute(
        select(
            placements.c.story_id,
            entries.c.changed_at,
            entries.c.rss,
            entries.c.atom,
            entries.c.json,
        )
        .join(entries, entries.c.story_id == placements.c.story_id)
        .where(placements.c.feed == feed)
        .order_by(placements.c.changed_at.desc(), placements.c.position, placements.c.story_id)
        .limit(limit)
    )
    return [Placed(**r) for r in rows.mappings()]


BURST = timedelta(hours=1)
MOST_BEYOND = 500
"""Entries that a burst may add to a feed: a document of some megabytes."""


def _burst(conn: Connection, feed: str, limit: int) -> int:
    """How many entries beyond *limit* came in the hour before the newest, first captures and what
    came by the rules of release 0.1 left out. A function of the record alone, without a clock."""
    here = placements.c.feed == feed
    newest = conn.execute(select(func.max(placements.c.changed_at)).where(here)).scalar()
    if newest is None:
        return 0
    rows = conn.execute(
        select(captures.c.rule, stories.c.capture_id == first_of(stories.c.wire))
        .select_from(placements)
        .join(stories, stories.c.id == placements.c.story_id)
        .join(captures, captures.c.id == stories.c.capture_id)
        .where(here, placements.c.changed_at >= newest - BURST)
        .order_by(placements.c.changed_at.desc(), placements.c.position, placements.c.story_id)
        .offset(limit)
        .limit(MOST_BEYOND)
    )
    beyond = [rule >= 2 and not first for rule, first in rows]
    return len(beyond) - beyond[::-1].index(True) if True in beyond else 0


def placed_ids(conn: Connection, feed: str, limit: int) -> list[str]:
    """Ids of the stories in the feed, in its order."""
    return list(
        conn.execute(
            select(placements.c.story_id)
            .where(placements.c.feed == feed)
            .order_by(placements.c.changed_at.desc(), placements.c.position, placements.c.story_id)
            .limit(limit)
        ).scalars()
    )


def feeds_of(conn: Connection, story: str) -> list[str]:
    """The feeds that a story is in."""
    query = select(placements.c.feed).where(placements.c.story_id == story)
    return sorted(conn.execute(query).scalars())


def etag_of(body: bytes) -> str:
    """The strong entity tag of *body* (RFC 9110 §8.8.3): its digest, so equal bytes, equal tag."""
    return f'"{base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:18]).decode()}"'


def put_feed(
    conn: Connection, name: str, bodies: Mapping[Format, bytes], count: int, now: datetime
) -> bool:
    """Keep a feed's new bytes, of *count* entries; False when all are the bytes that it had.

    ``modified_at`` has HTTP's whole seconds and always grows, so that two different bodies never
    share a Last-Modified (RFC 9110 §8.8.2.2). Bytes that stay the same keep theirs.
    """
    query = select(feeds.c.format, feeds.c.etag, feeds.c.modified_at).where(feeds.c.name == name)
    before = {row.format: row for row in conn.execute(query)}
    rows = []
    for format, body in bodies.items():
        etag, modified_at = etag_of(body), now.replace(microsecond=0)
        if (known := before.get(format)) is not None:
            if known.etag == etag:
                continue
            modified_at = max(modified_at, known.modified_at + timedelta(seconds=1))
        rows.append(asdict(FeedRow(name, format, body, etag, modified_at, count)))
    if not rows:
        return False
    statement = upsert(conn, feeds)
    changed = {c.name: statement.excluded[c.name] for c in feeds.c if not c.primary_key}
    conn.execute(
        statement.on_conflict_do_update(index_elements=["name", "format"], set_=changed), rows
    )
    return True


def feed(conn: Connection, name: str, format: Format) -> FeedRow | None:
    """A feed as served, None when it was never rendered."""
    row = (
        conn.execute(select(feeds).where(feeds.c.name == name, feeds.c.format == format))
        .mappings()
        .first()
    )
    return None if row is None else FeedRow(**row)


def feed_etag(conn: Connection, name: str, format: Format) -> str | None:
    """The entity tag of a feed: what a server reads before it serves a body from memory."""
    return conn.execute(
        select(feeds.c.etag).where(feeds.c.name == name, feeds.c.format == format)
    ).scalar()


def summary(conn: Connection) -> dict[str, tuple[int, datetime]]:
    """Each rendered feed's number of entries and the time of its last change (by its RSS)."""
    rows = conn.execute(
        select(feeds.c.name, feeds.c.entries, feeds.c.modified_at).where(feeds.c.format == "rss")
    )
    return {r.name: (r.entries, r.modified_at) for r in rows}


def placed_since(conn: Connection, since: datetime) -> dict[str, int]:
    """How many stories changed after *since* each feed has; feeds that have none are left out."""
    late = select(func.count()).where(
        placements.c.feed == feeds.c.name, placements.c.changed_at > since
    )
    # Each feed's by itself: grouped, all that was ever placed would be read.
    rows = conn.execute(
        select(feeds.c.name, late.correlate(feeds).scalar_subquery().label("stories")).where(
            feeds.c.format == "rss"
        )
    )
    return {row.name: row.stories for row in rows if row.stories}


def drop_feeds(conn: Connection, keep: Sequence[str]) -> list[str]:
    """Delete what was rendered for feeds that are no longer configured; their names."""
    gone = sorted(
        set(conn.execute(select(feeds.c.name).where(feeds.c.name.not_in(list(keep)))).scalars())
    )
    conn.execute(delete(feeds).where(feeds.c.name.not_in(list(keep))))
    conn.execute(delete(placements).where(placements.c.feed.not_in(list(keep))))
    return gone


def unrendered(conn: Connection) -> int:
    """Stories on record that have no entry (yet, or because they could not be rendered).

    They wait in the outbox, so only that is looked through.
    """
    query = (
        select(func.count())
        .select_from(outbox)
        .join(stories, stories.c.id == outbox.c.key)
        .join(entries, entries.c.story_id == stories.c.id, isouter=True)
        .where(outbox.c.kind == "story", entries.c.story_id.is_(None))
    )
    return int(conn.execute(query).scalar_one())


def without_entry(conn: Connection, ids: Sequence[str]) -> list[str]:
    """Those of *ids* that have no entry."""
    rows = conn.execute(select(entries.c.story_id).where(entries.c.story_id.in_(ids)))
    have = set(rows.scalars())
    return [name for name in ids if name not in have]
