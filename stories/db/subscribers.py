"""Subscribers of private feeds: what each may read, by the digest of its token.

The token itself is kept nowhere. A row stands for one token and is never deleted, so that who gave
it, who took it back and when stay on record.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from stories.db.engine import replacing, resume_sequence
from stories.db.tables import UtcDateTime, subscribers


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A token that was given to somebody called ``name``, by its ``digest``. It opens ``feeds``, of
    these what comes by ``wires`` and from ``agencies``; each is empty where it opens all. What is
    under embargo it shows by its ``lead`` early."""

    id: int
    name: str
    digest: str
    feeds: tuple[str, ...]
    wires: tuple[str, ...]
    agencies: tuple[str, ...]
    added_at: datetime
    added_by: str
    revoked_at: datetime | None
    revoked_by: str | None
    used_at: datetime | None
    uses: int
    lead: timedelta


def digest_of(token: str) -> str:
    """The digest of *token*: SHA-256, as tokens have as many random bits and need no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def add(
    conn: Connection,
    name: str,
    token: str,
    opens: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
    by: str,
    now: datetime,
    lead: timedelta = timedelta(0),
) -> Subscriber:
    """Note that *by* gave *token* to *name*; it *opens* feeds, wires and agencies, what is under
    embargo by its *lead* early. What *name* had is to be revoked before."""
    names = dict(zip(("feeds", "wires", "agencies"), map(list, opens), strict=True))
    values = {"name": name, "digest": digest_of(token), "added_at": now, "added_by": by}
    seconds = int(lead.total_seconds())
    added = insert(subscribers).values(**values, **names, lead=seconds)
    row = conn.execute(added.returning(subscribers))
    return _subscriber(row.mappings().one())


def revoke(conn: Connection, name: str, by: str, now: datetime) -> Subscriber | None:
    """Take the token of *name* back; what it was, None when it has none."""
    found = named(conn, name)
    if found is not None:
        these = subscribers.c.id == found.id
        conn.execute(update(subscribers).where(these).values(revoked_at=now, revoked_by=by))
    return found


def named(conn: Connection, name: str) -> Subscriber | None:
    """The token that *name* has, None when it has none."""
    here = subscribers.c.name == name, subscribers.c.revoked_at.is_(None)
    row = conn.execute(select(subscribers).where(*here)).mappings().first()
    return None if row is None else _subscriber(row)


def every(conn: Connection) -> list[Subscriber]:
    """All tokens that were ever given, in the order of names and times."""
    rows = conn.execute(select(subscribers).order_by(subscribers.c.name, subscribers.c.id))
    return [_subscriber(row) for row in rows.mappings()]


def good(conn: Connection) -> dict[str, Subscriber]:
    """The tokens that are good, by their digests."""
    rows = conn.execute(select(subscribers).where(subscribers.c.revoked_at.is_(None)))
    return {row["digest"]: _subscriber(row) for row in rows.mappings()}


def stamp(conn: Connection) -> tuple[int, int]:
    """What differs whenever others are :func:`good`: the last id, and how many are revoked."""
    last, revoked = conn.execute(_STAMP).one()
    return last or 0, revoked


_STAMP = select(func.max(subscribers.c.id), func.count(subscribers.c.revoked_at))


def note_uses(conn: Connection, uses: Mapping[int, tuple[int, datetime]]) -> None:
    """Add how often tokens were used, and when last, by their ids."""
    rows = [{"of": each, "more": more, "at": at} for each, (more, at) in sorted(uses.items())]
    if rows:
        conn.execute(_USED, rows)


_USED = (
    update(subscribers)
    .where(subscribers.c.id == bindparam("of"))
    .values(
        uses=subscribers.c.uses + bindparam("more"), used_at=bindparam("at", type_=UtcDateTime())
    )
)


def copy(old: Connection, new: Connection) -> None:
    """Have the tokens of one store open what they open in another, too."""
    rows = [dict(row) for row in old.execute(select(subscribers)).mappings()]
    if rows:
        new.execute(replacing(new.dialect.name, subscribers), rows)
        resume_sequence(new, subscribers.c.id)


def _subscriber(row: RowMapping) -> Subscriber:
    names = {key: tuple(row[key]) for key in ("feeds", "wires", "agencies")}
    return Subscriber(**{**row, **names, "lead": timedelta(seconds=row["lead"])})
