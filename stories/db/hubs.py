"""Agencies' hubs that are asked to push to us (W3C WebSub), and what became of it.

A row is one subscription of ours: the address that the hub calls ends with its token, and what is
pushed is signed by its secret. It is written before the hub is asked, so that a hub which verifies
before it answers finds it; and it is renewed under the same token and secret, so that there is no
moment in which a delivery could belong to an older one.

Who writes a wire and its hub locks the wire first.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    false,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from stories.config import Wire
from stories.db import key_value
from stories.db.outbox import AHEAD
from stories.db.tables import UtcDateTime, hubs, wires
from stories.db.wires import CHUNK, lock
from stories.models import WireState

ANSWERED = timedelta(minutes=5)
"""In which a hub that was asked has to have called us. Nobody else asks it meanwhile."""

LONGEST_LEASE = timedelta(days=366)
"""A hub may promise more; so long we believe it."""

AFTER_DENIAL = timedelta(days=1)

SOONEST = timedelta(minutes=1)
"""After which a lease is renewed at the earliest, however short a hub made it."""

_TOLD = "hubs:site"
"""The key of the address of the site under which hubs know us."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A row of ``hubs``; see the table for the meaning of each."""

    token: str = field(repr=False)
    wire: str
    url: str
    topic: str
    hub: str
    named: list[str]
    secret: str = field(repr=False)
    allow_private: bool
    leaving: bool
    due_at: datetime
    awaited: bool
    failures: float
    error: str | None
    verified_at: datetime | None
    expires_at: datetime | None
    deliveries: int
    refused: int

    def holds(self, now: datetime) -> bool:
        """Whether the hub has promised to push."""
        return self.expires_at is not None and self.expires_at > now


def found(conn: Connection, wire: Wire, named: Sequence[str], topic: str, now: datetime) -> None:
    """Note that the feed of *wire* names these hubs, and itself as *topic*. One of them is asked
    soon, unless one was already; who was asked and is named no more is told so."""
    old = conn.execute(_OF_WIRE, {"name": wire.name}).first()
    if old is not None and (old.url, old.topic) == (wire.url, topic) and old.hub in named:
        if old.named != list(named):
            conn.execute(update(hubs).where(hubs.c.token == old.token).values(named=list(named)))
        return
    if old is not None:
        _leave(conn, hubs.c.token == old.token, now)
    if named:
        conn.execute(
            insert(hubs).values(
                token=secrets.token_urlsafe(32),
                wire=wire.name,
                url=wire.url,
                topic=topic,
                hub=named[0],
                named=list(named),
                secret=secrets.token_urlsafe(32),
                allow_private=wire.allow_private,
                due_at=now,
            )
        )


_OF_WIRE = select(hubs).where(hubs.c.wire == bindparam("name"), hubs.c.leaving.is_(False))


def sync(conn: Connection, configured: Sequence[Wire], site: str, now: datetime) -> None:
    """End what wires asked for that are configured no more, may not any more, or are others by
    their addresses; begin for those that may now, where it is known what their feeds name. Where
    our *site* has another address, all hubs are told so."""
    allowed = {wire.name: wire for wire in configured if wire.push}
    stays = hubs.c.leaving.is_(False)
    names = sorted({*allowed, *conn.execute(select(hubs.c.wire).where(stays)).scalars()})
    states: dict[str, WireState] = {}
    for at in range(0, len(names), CHUNK):
        states |= lock(conn, names[at : at + CHUNK])
    asked = set()
    for row in conn.execute(select(hubs).where(stays)).all():
        wire = allowed.get(row.wire)
        if wire is None or wire.url != row.url:
            _leave(conn, hubs.c.token == row.token, now)
        else:
            asked.add(row.wire)
    if asked and key_value.read(conn, _TOLD) != site:
        anew = {"due_at": now, "awaited": False, "expires_at": None}
        conn.execute(update(hubs).where(stays).values(**anew))
        distrusted = wires.c.name.in_(select(hubs.c.wire).where(stays))
        conn.execute(update(wires).where(distrusted).values(pushed_until=None))
    if allowed:
        key_value.write(conn, _TOLD, site)
    for name, state in states.items():
        if name in allowed and name not in asked and (named := state.channel.get("hubs")):
            found(conn, allowed[name], named, state.channel.get("topic") or state.url, now)


def _leave(conn: Connection, which: ColumnElement[bool], now: datetime) -> None:
    leaving = {"leaving": True, "due_at": now, "awaited": False, "failures": 0.0}
    conn.execute(update(hubs).where(which).values(**leaving))
    distrusted = select(hubs.c.wire).where(which)
    conn.execute(update(wires).where(wires.c.name.in_(distrusted)).values(pushed_until=None))


def due(conn: Connection, now: datetime) -> bool:
    """Whether any hub is to be asked now."""
    return conn.execute(_DUE, {"now": now}).first() is not None


_FREE = hubs.c.due_at <= bindparam("now", type_=UtcDateTime())
_DUE = select(hubs.c.token).where(_FREE).limit(1)


def claim(conn: Connection, now: datetime, limit: int) -> list[Subscription]:
    """Up to *limit* rows that are due, as they are: nobody else has them for :data:`ANSWERED`, in
    which their hubs' word is awaited. A claim that came to nothing counts as an answer that did."""
    rows = (
        select(hubs)
        .where(_FREE)
        .order_by(hubs.c.due_at, hubs.c.token)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = [Subscription(**row) for row in conn.execute(rows, {"now": now}).mappings()]
    names = [each.token for each in claimed]
    if names:
        conn.execute(
            update(hubs)
            .where(hubs.c.token.in_(names))
            .values(due_at=now + ANSWERED, awaited=true())
        )
    return claimed


def failed(
    conn: Connection, of: Subscription, due: datetime, failures: float, hub: str, error: str
) -> None:
    """What was asked for *of* came to nothing: *hub* is asked when *due*. Not if a hub has verified
    it meanwhile."""
    conn.execute(
        update(hubs)
        .where(hubs.c.token == of.token, hubs.c.awaited, hubs.c.leaving.is_(of.leaving))
        .values(due_at=due, failures=failures, hub=hub, error=error, awaited=false())
    )


def drop(conn: Connection, token: str) -> None:
    """It is over: nobody is known any more under *token*."""
    conn.execute(delete(hubs).where(hubs.c.token == token))


def get(conn: Connection, token: str) -> Subscription | None:
    """The row of that *token*, None when there is none."""
    row = conn.execute(select(hubs).where(hubs.c.token == token)).mappings().first()
    return None if row is None else Subscription(**row)


def of_wire(conn: Connection, wire: str) -> Subscription | None:
    """The subscription of *wire*, one that is to stay before one that is to end; None for none."""
    query = select(hubs).where(hubs.c.wire == wire).order_by(hubs.c.leaving, hubs.c.token).limit(1)
    row = conn.execute(query).mappings().first()
    return None if row is None else Subscription(**row)


def every(conn: Connection) -> list[Subscription]:
    """All of them, by wire; those that are ended last."""
    order = (hubs.c.wire, hubs.c.leaving, hubs.c.token)
    return [Subscription(**row) for row in conn.execute(select(hubs).order_by(*order)).mappings()]


def granted(conn: Connection, token: str, lease: timedelta, now: datetime) -> None:
    """The hub has verified that we want it, and promises to push for *lease*: renewed half-way."""
    conn.execute(
        update(hubs)
        .where(hubs.c.token == token, hubs.c.leaving.is_(False))
        .values(
            verified_at=now,
            expires_at=now + lease,
            due_at=now + max(lease / 2, SOONEST),
            awaited=False,
            failures=0.0,
            error=None,
        )
    )


def denied(conn: Connection, of: Subscription, error: str, now: datetime) -> None:
    """The hub will not push, or no more; it is asked again after :data:`AFTER_DENIAL`."""
    lock(conn, [of.wire])
    conn.execute(
        update(hubs)
        .where(hubs.c.token == of.token)
        .values(expires_at=None, due_at=now + AFTER_DENIAL, awaited=False, error=error)
    )
    conn.execute(update(wires).where(wires.c.name == of.wire).values(pushed_until=None))


def came(conn: Connection, of: Subscription, digest: str, now: datetime, every: timedelta) -> None:
    """A body with *digest* was pushed, and is kept in this transaction; the wire is locked.

    The next poll asks for all that stands there: a 304 would only say that nothing has changed
    since the poll before. A poll that is under way may have older bytes, and loses its lease.
    """
    conn.execute(
        update(hubs).where(hubs.c.token == of.token).values(deliveries=hubs.c.deliveries + 1)
    )
    under_way = wires.c.lease.is_not(None)
    later = literal(now + every, UtcDateTime())
    conn.execute(
        update(wires)
        .where(wires.c.name == of.wire)
        .values(
            pushed_at=now,
            pushed_until=of.expires_at,
            captured_at=now,
            body_digest=digest,
            etag=None,
            last_modified=None,
            sent_digest=None,
            lease=None,
            lease_until=None,
            due_at=case((under_way, later), else_=wires.c.due_at),
        )
    )


def refuse(conn: Connection, token: str) -> None:
    """Count what was pushed and is not signed as it has to be."""
    conn.execute(update(hubs).where(hubs.c.token == token).values(refused=hubs.c.refused + 1))


def _ahead(now: datetime) -> ColumnElement[bool]:
    return or_(
        and_(hubs.c.awaited, hubs.c.due_at > now + ANSWERED + AHEAD),
        hubs.c.verified_at > now + AHEAD,
        hubs.c.expires_at > now + LONGEST_LEASE + AHEAD,
    )


def ahead(conn: Connection, now: datetime) -> bool:
    """Whether any row has times in the future that no right clock wrote."""
    return conn.execute(select(hubs.c.token).where(_ahead(now)).limit(1)).first() is not None


def put_right(conn: Connection, now: datetime) -> int:
    """Have the hubs asked anew of which a clock that ran ahead wrote; how many."""
    anew: Mapping[str, Any] = {
        **{"due_at": now, "awaited": False, "failures": 0.0},
        **{"verified_at": None, "expires_at": None},
    }
    return conn.execute(update(hubs).where(_ahead(now)).values(**anew)).rowcount
