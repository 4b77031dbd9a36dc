"""Pictures that are kept: which story shows which, by the address that its agency gave, and their
bytes in several widths, by the digest of what was received. Those of one digest are there once.

A row of a story without a digest says why its picture is not kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, bindparam, delete, exists, func, insert, or_, select

from stories.db import key_value
from stories.db.engine import upsert
from stories.db.tables import UtcDateTime, pictures, placements, stories, story_pictures


class Size(NamedTuple):
    """One width in which a picture is kept, with the height that it has then."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture that is kept, by the digest of what was received, in ascending *sizes*."""

    digest: str
    sizes: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a picture of a story: as of which version of it, and if it is kept."""

    id: int
    url: str
    number: int
    digest: str | None


def known(conn: Connection, story: str) -> list[Known]:
    """What is known of the pictures of a story."""
    of = story_pictures.c
    rows = conn.execute(
        select(of.id, of.url, of.number, of.digest).where(of.story_id == story).order_by(of.id)
    )
    return [Known(*row) for row in rows]


def kept(conn: Connection, ids: Iterable[str]) -> dict[str, dict[str, Kept]]:
    """The pictures of the stories *ids* that are kept, by story and by the agency's address."""
    found: dict[str, dict[str, tuple[str, list[Size]]]] = {}
    for story, url, digest, width, height in conn.execute(_KEPT, {"ids": list(ids)}):
        _, sizes = found.setdefault(story, {}).setdefault(url, (digest, []))
        sizes.append(Size(width, height))
    return {
        story: {url: Kept(digest, tuple(sizes)) for url, (digest, sizes) in those.items()}
        for story, those in found.items()
    }


_KEPT = (
    select(
        story_pictures.c.story_id,
        story_pictures.c.url,
        story_pictures.c.digest,
        pictures.c.width,
        pictures.c.height,
    )
    .join(pictures, pictures.c.digest == story_pictures.c.digest)
    .where(story_pictures.c.story_id.in_(bindparam("ids", expanding=True)))
    .order_by(story_pictures.c.id, pictures.c.width)
)


def stamp(conn: Connection) -> object:
    """What differs whenever other pictures are kept of stories that have not changed since."""
    last = conn.execute(select(func.max(story_pictures.c.id))).scalar()
    return last, key_value.read(conn, _EXPIRED)  # to count them takes 20 ms of 100,000


_EXPIRED = "pictures:expired"


def stamp_of(conn: Connection, story: str) -> object:
    """What differs whenever other pictures of *story* are kept."""
    of = story_pictures.c
    query = select(func.max(of.id), func.count(of.digest)).where(of.story_id == story)
    return tuple(conn.execute(query).one())


def kept_at(conn: Connection, story: str) -> datetime | None:
    """When a picture of a story was kept last; None when none is."""
    of = story_pictures.c
    found = conn.execute(select(func.max(of.kept_at)).where(of.story_id == story)).scalar()
    return found if isinstance(found, datetime) else None


def public_by(
    conn: Connection, digest: str, feeds: Sequence[str], wires: Sequence[str], now: datetime
) -> str | None:
    """The wire of a story that has the picture, stands in one of *feeds*, came by one of *wires*
    and is not hidden; None when there is no such story."""
    asked = {"digest": digest, "feeds": feeds, "wires": wires, "now": now}
    return conn.execute(_PUBLIC_BY, asked).scalar()


_PUBLIC_BY = (
    select(stories.c.wire)
    .join(story_pictures, story_pictures.c.story_id == stories.c.id)
    .join(placements, placements.c.story_id == stories.c.id)
    .where(
        story_pictures.c.digest == bindparam("digest"),
        placements.c.feed.in_(bindparam("feeds", expanding=True)),
        stories.c.wire.in_(bindparam("wires", expanding=True)),
        stories.c.status == "usable",
        or_(
            stories.c.embargo.is_(None),
            stories.c.embargo <= bindparam("now", type_=UtcDateTime()),
        ),
    )
    .limit(1)
)


def shown_by(conn: Connection, digest: str, limit: int) -> list[str]:
    """Up to *limit* stories that have the picture, the last that got it first."""
    of = story_pictures.c
    rows = conn.execute(
        select(of.story_id).where(of.digest == digest).order_by(of.id.desc()).limit(limit)
    )
    return list(dict.fromkeys(rows.scalars()))


def body(conn: Connection, digest: str, width: int) -> bytes | None:
    """The bytes of a picture in a width; None when it is not kept in it."""
    here = pictures.c.digest == digest, pictures.c.width == width
    return conn.execute(select(pictures.c.data).where(*here)).scalar()


def put(conn: Connection, digest: str, sizes: Sequence[tuple[Size, bytes]]) -> None:
    """Keep a picture, unless it is."""
    rows = [
        {"digest": digest, "width": size.width, "height": size.height, "data": data}
        for size, data in sizes
    ]
    conn.execute(upsert(conn, pictures).on_conflict_do_nothing(), rows)


def note(
    conn: Connection,
    story: str,
    number: int,
    found: Mapping[str, tuple[str | None, str | None]],
    now: datetime,
) -> None:
    """Note of version *number* of a story what was *found* at addresses: the digest of a picture
    that is kept, or why none is. What was known of them before is not so any more."""
    before = [each.id for each in known(conn, story) if each.url in found]
    rows = [
        {
            "story_id": story,
            "url": url,
            "number": number,
            "digest": digest,
            "why": why,
            "kept_at": now,
        }
        for url, (digest, why) in found.items()
    ]
    if rows:
        conn.execute(insert(story_pictures), rows)
    drop(conn, before)  # afterwards, as it may be the same picture


def drop(conn: Connection, ids: Sequence[int]) -> None:
    """Forget the rows *ids*, and the pictures that nothing else shows."""
    _drop(conn, story_pictures.c.id, ids)


def forget(conn: Connection, ids: Sequence[str]) -> None:
    """Forget the pictures of the stories *ids*."""
    _drop(conn, story_pictures.c.story_id, ids)


def expire(conn: Connection, before: datetime, now: datetime, limit: int) -> list[str]:
    """Forget up to *limit* pictures that were kept before a time; the stories that had them."""
    of = story_pictures.c
    rows = conn.execute(
        select(of.id, of.story_id)
        .where(of.kept_at < bindparam("before", before, UtcDateTime()))
        .order_by(of.kept_at)
        .limit(limit)
    ).all()
    if rows:
        drop(conn, [row.id for row in rows])
        key_value.write(conn, _EXPIRED, now.isoformat())
    return sorted({row.story_id for row in rows})


def _drop(conn: Connection, column: Column[Any], these: Sequence[int] | Sequence[str]) -> None:
    if not these:
        return
    gone = conn.execute(
        delete(story_pictures).where(column.in_(these)).returning(story_pictures.c.digest)
    ).scalars()
    digests = sorted({digest for digest in gone if digest is not None})
    used = exists().where(story_pictures.c.digest == pictures.c.digest)
    conn.execute(delete(pictures).where(pictures.c.digest.in_(digests), ~used))
