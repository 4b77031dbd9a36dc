"""Who is told of changes of feeds (W3C WebSub): what they asked for, and how far they are.

A row is one callback for one document of a feed. All work on it is claimed by lease, so that it is
verified, and delivered to, by one worker at a time: changes come to it in their order.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Integer,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from net.backoff import LONGEST_RETRY_AFTER
from stories.db import feeds
from stories.db.engine import upsert
from stories.db.feeds import Format
from stories.db.outbox import AHEAD
from stories.db.tables import UtcDateTime, sequences, subscriptions

Mode = Literal["subscribe", "unsubscribe", "denied"]

LEASE = timedelta(seconds=60)
"""More than a batch takes, whose callbacks are all asked at once; and how long the work of a worker
waits that was killed."""

LONGEST_WAIT = timedelta(hours=1)
"""The longest between two tries."""

MOST_OF_HOST = 5_000
MOST_OF_FEED = 50_000
"""Subscriptions to a feed, and those of one host, so that nobody can fill the database."""

UNVERIFIED_OF_HOST = 1_000
UNVERIFIED = 10_000
"""And how many of them may wait for a callback's word, or have failed to get it lately: who asks in
somebody else's name makes us ask there no oftener."""

FORGOTTEN = timedelta(minutes=1)
"""How long one counts that was not confirmed."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for in the name of a callback."""

    mode: Mode
    topic: str
    feed: str
    format: Format
    callback: str
    host: str
    seconds: int
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A claimed row. ``asked`` is what has to be verified or said; otherwise it is to be delivered
    to. ``failures`` is the weight of those in a row."""

    id: int
    topic: str
    callback: str
    feed: str
    format: Format
    secret: str | None = field(repr=False)
    seq: int
    asked: Mode | None
    asked_seconds: int
    challenge: str = field(repr=False)
    tries: int
    failures: float
    failing_since: datetime | None
    lease: str


def ask(conn: Connection, wish: Wish, challenge: str, now: datetime) -> bool:
    """Note *wish*, to be verified with *challenge*; False when there are too many subscriptions.

    A wish replaces one that is not verified yet. What is already subscribed stays as it is until it
    is confirmed.
    """
    digest = hashlib.sha256(f"{wish.topic}\0{wish.callback}".encode()).hexdigest()
    known = conn.execute(_KNOWN, {"of": digest}).first() is not None
    if not known and wish.mode == "unsubscribe":
        return True
    if not known and not _has_room(conn, wish):
        return False
    row = {
        "topic": wish.topic,
        "callback": wish.callback,
        "digest": digest,
        "host": wish.host,
        "feed": wish.feed,
        "format": wish.format,
        "seq": 0,
        "asked": wish.mode,
        "asked_secret": wish.secret,
        "asked_seconds": wish.seconds,
        "challenge": challenge,
        "tries": 0,
        "due_at": now,
        "failures": 0.0,
    }
    asking = upsert(conn, subscriptions)
    new = ("asked", "asked_secret", "asked_seconds", "challenge", "tries", "due_at")
    conn.execute(
        asking.on_conflict_do_update(
            index_elements=["digest"], set_={name: asking.excluded[name] for name in new}
        ),
        row,
    )
    return True


_KNOWN = select(subscriptions.c.id).where(subscriptions.c.digest == bindparam("of"))


def _has_room(conn: Connection, wish: Wish) -> bool:
    unverified = func.coalesce(
        func.sum(case((subscriptions.c.expires_at.is_(None), 1), else_=0)), 0
    )
    of_host = select(func.count(), unverified).where(subscriptions.c.host == wish.host)
    count, waiting = conn.execute(of_host).one()
    of_feed = select(func.count()).where(subscriptions.c.feed == wish.feed)
    every = select(func.count()).where(subscriptions.c.expires_at.is_(None))
    return (
        count < MOST_OF_HOST
        and waiting < UNVERIFIED_OF_HOST
        and conn.execute(of_feed).scalar_one() < MOST_OF_FEED
        and conn.execute(every).scalar_one() < UNVERIFIED
    )


# Statements are made once: to make one takes several times what it takes to carry it out.

_NOW = bindparam("now", type_=UtcDateTime())
_FREE = and_(
    subscriptions.c.due_at <= _NOW,
    or_(subscriptions.c.lease_until.is_(None), subscriptions.c.lease_until < _NOW),
)
_ASKS = and_(subscriptions.c.asked.is_not(None), _FREE)
_BEHIND = and_(
    subscriptions.c.feed == sequences.c.feed,
    subscriptions.c.seq < sequences.c.last,
    subscriptions.c.asked.is_(None),
    subscriptions.c.expires_at > _NOW,
    _FREE,
)


def waiting(conn: Connection, now: datetime) -> bool:
    """Whether any is to be verified or delivered to now."""
    asks = select(subscriptions.c.id).where(_ASKS).limit(1)
    behind = select(subscriptions.c.id).join(sequences, _BEHIND).limit(1)
    return any(conn.execute(each, {"now": now}).first() is not None for each in (asks, behind))


def claim(conn: Connection, now: datetime, limit: int) -> list[Subscription]:
    """Lease up to *limit* that are to be verified or delivered to: those first that ask, then the
    longest due."""
    lease = str(uuid.uuid4())
    asked: dict[str, Any] = {"now": now, "by": lease, "until": now + LEASE, "most": limit}
    found = [*conn.execute(_claim(conn.dialect.name, asks=True), asked)]
    asked["most"] = limit - len(found)
    if asked["most"] > 0:
        found += conn.execute(_claim(conn.dialect.name, asks=False), asked)
    return [Subscription(**row._mapping) for row in found]


@cache
def _claim(dialect: str, *, asks: bool) -> Executable:
    chosen = select(subscriptions.c.id)
    chosen = chosen.where(_ASKS) if asks else chosen.join(sequences, _BEHIND)
    chosen = chosen.order_by(subscriptions.c.due_at, subscriptions.c.id)
    chosen = chosen.limit(bindparam("most", type_=Integer()))
    if dialect == "postgresql":
        chosen = chosen.with_for_update(skip_locked=True, of=subscriptions)
    first = chosen.cte("chosen")  # evaluated once; see outbox.claim
    return (
        update(subscriptions)
        .where(subscriptions.c.id.in_(select(first.c.id)), _FREE)
        .values(lease=bindparam("by"), lease_until=bindparam("until"))
        .returning(*(subscriptions.c[each.name] for each in fields(Subscription)))
    )


def _ours(claimed: Subscription) -> ColumnElement[bool]:
    return and_(subscriptions.c.id == claimed.id, subscriptions.c.lease == claimed.lease)


def _still_asked(claimed: Subscription) -> ColumnElement[bool]:
    """Somebody may have asked for another thing meanwhile."""
    return and_(_ours(claimed), subscriptions.c.challenge == claimed.challenge)


def grant(conn: Connection, claimed: Subscription, now: datetime) -> None:
    """What was asked for is confirmed: it is subscribed from *now* on, or unsubscribed."""
    if claimed.asked == "unsubscribe":
        conn.execute(delete(subscriptions).where(_still_asked(claimed)))
        return
    newest = feeds.newest(conn, claimed.feed)
    conn.execute(
        update(subscriptions)
        .where(_still_asked(claimed))
        .values(
            secret=subscriptions.c.asked_secret,
            expires_at=now + timedelta(seconds=claimed.asked_seconds),
            # Who renews goes on where it was; a lease that was over begins anew.
            seq=case((subscriptions.c.expires_at > now, subscriptions.c.seq), else_=newest),
            asked=None,
            asked_secret=None,
            failures=0.0,
            failing_since=None,
            error=None,
        )
    )


def refuse(conn: Connection, claimed: Subscription, error: str, now: datetime) -> None:
    """What was asked for is not confirmed: all stays as it was. One that was not subscribed counts
    for a moment yet (:data:`FORGOTTEN`)."""
    verified = subscriptions.c.expires_at.is_not(None)
    conn.execute(
        update(subscriptions)
        .where(_still_asked(claimed))
        .values(
            asked=None,
            asked_secret=None,
            error=case((verified, subscriptions.c.error), else_=error),
            due_at=case(
                (verified, subscriptions.c.due_at), else_=literal(now + FORGOTTEN, UtcDateTime())
            ),
        )
    )


def ask_again(conn: Connection, claimed: Subscription, due: datetime, error: str) -> None:
    """Nobody answered what was asked for: it is asked again when *due*."""
    conn.execute(
        update(subscriptions)
        .where(_still_asked(claimed))
        .values(tries=claimed.tries + 1, due_at=due, error=error)
    )


def delivered(conn: Connection, claimed: Sequence[Subscription], seq: int) -> None:
    """All up to the change with number *seq* has come to those *claimed* together."""
    if claimed:
        asked = {"ids": [each.id for each in claimed], "by": claimed[0].lease, "to": seq}
        conn.execute(_DELIVERED, asked)


_DELIVERED = (
    update(subscriptions)
    .where(
        subscriptions.c.id.in_(bindparam("ids", expanding=True)),
        subscriptions.c.lease == bindparam("by"),
    )
    .values(seq=bindparam("to"), failures=0.0, failing_since=None, error=None)
    .values(lease=None, lease_until=None)
)


def failed(
    conn: Connection,
    claimed: Subscription,
    due: datetime,
    failures: float,
    since: datetime,
    error: str,
) -> None:
    """Nothing could be delivered, *since* a time: it is tried again when *due*. What was asked for
    meanwhile is due at once, and stays so."""
    asks = subscriptions.c.asked.is_not(None)
    conn.execute(
        update(subscriptions)
        .where(_ours(claimed))
        .values(
            due_at=case((asks, subscriptions.c.due_at), else_=literal(due, UtcDateTime())),
            failures=failures,
            failing_since=since,
            error=error,
        )
    )


def end(conn: Connection, claimed: Subscription) -> None:
    """It is subscribed no more."""
    conn.execute(delete(subscriptions).where(_ours(claimed)))


def release(conn: Connection, lease: str) -> None:
    """Whatever is still leased as *lease* is free."""
    conn.execute(
        update(subscriptions)
        .where(subscriptions.c.lease == lease)
        .values(lease=None, lease_until=None)
    )


def deny(conn: Connection, keep: Sequence[str], now: datetime) -> None:
    """Have those told whose feed is not among *keep* that it is no more."""
    conn.execute(
        update(subscriptions)
        .where(subscriptions.c.feed.not_in(list(keep)))
        .values(asked="denied", tries=0, due_at=now)
    )


def _over(now: datetime) -> ColumnElement[bool]:
    refused = and_(subscriptions.c.expires_at.is_(None), subscriptions.c.due_at < now)
    return and_(subscriptions.c.asked.is_(None), or_(subscriptions.c.expires_at <= now, refused))


def over(conn: Connection, now: datetime) -> bool:
    """Whether any is over: its lease was not renewed, or it was not confirmed."""
    return conn.execute(select(subscriptions.c.id).where(_over(now)).limit(1)).first() is not None


def forget(conn: Connection, now: datetime) -> int:
    """Delete those that are :func:`over`; how many."""
    return conn.execute(delete(subscriptions).where(_over(now))).rowcount


def _ahead(now: datetime) -> ColumnElement[bool]:
    return or_(
        subscriptions.c.due_at > now + LONGEST_RETRY_AFTER + AHEAD,
        subscriptions.c.lease_until > now + LEASE + AHEAD,
        subscriptions.c.failing_since > now + AHEAD,
    )


def ahead(conn: Connection, now: datetime) -> bool:
    """Whether any row has times in the future that no right clock wrote."""
    return conn.execute(select(subscriptions.c.id).where(_ahead(now)).limit(1)).first() is not None


def put_right(conn: Connection, now: datetime) -> int:
    """Void what a clock that ran ahead wrote of tries and leases; how many rows."""
    freed = {"due_at": now, "lease": None, "lease_until": None, "failing_since": None}
    return conn.execute(update(subscriptions).where(_ahead(now)).values(**freed)).rowcount


@dataclass(frozen=True, slots=True)
class Failing:
    """A callback that takes nothing: its host, the feed, since when, and why."""

    host: str
    feed: str
    since: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Subscribers:
    """How many are subscribed, how many of them take nothing just now, how many have changes to
    come, and how many ask to be; the longest failing."""

    subscribed: int = 0
    failing: int = 0
    behind: int = 0
    unverified: int = 0
    longest_failing: Sequence[Failing] = ()


def summary(conn: Connection, now: datetime, limit: int) -> Subscribers:
    """How subscribers stand, with the *limit* that fail longest."""
    subscribed = subscriptions.c.expires_at > now
    failing = and_(subscribed, subscriptions.c.failing_since.is_not(None))
    unverified = and_(subscriptions.c.expires_at.is_(None), subscriptions.c.asked.is_not(None))
    behind = exists().where(
        sequences.c.feed == subscriptions.c.feed, subscriptions.c.seq < sequences.c.last
    )
    counts = conn.execute(
        select(
            *(
                func.coalesce(func.sum(case((each, 1), else_=0)), 0)
                for each in (subscribed, failing, and_(subscribed, behind), unverified)
            )
        )
    ).one()
    of_all, failing_now, late, waiting_for = (int(count) for count in counts)
    if not failing_now:
        return Subscribers(of_all, 0, late, waiting_for)
    worst = conn.execute(
        select(
            subscriptions.c.host,
            subscriptions.c.feed,
            subscriptions.c.failing_since,
            subscriptions.c.error,
        )
        .where(failing)
        .order_by(subscriptions.c.failing_since, subscriptions.c.id)
        .limit(limit)
    )
    return Subscribers(of_all, failing_now, late, waiting_for, [Failing(*row) for row in worst])
