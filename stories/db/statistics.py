"""Figures for the operator: how wires, outbox and leases stand, added up by the database.

Nothing here reads every row into Python but what is asked for by name: a newsroom may have
100,000 wires, and whoever asks is waiting.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select

from stories.db.tables import Moment, outbox, problems, stories, versions, wires


@dataclass(frozen=True, slots=True)
class WireLine:
    """What the operator is told of one wire that is not well."""

    name: str
    state: str
    message: str
    fault: str | None
    failing_since: datetime | None
    paused_at: datetime | None
    polled_at: datetime | None
    due_at: datetime


_LINE = (
    wires.c.name,
    wires.c.state,
    wires.c.message,
    wires.c.fault,
    wires.c.failing_since,
    wires.c.paused_at,
    wires.c.polled_at,
    wires.c.due_at,
)

_ACTIVE = and_(wires.c.configured, wires.c.paused_at.is_(None))


@dataclass(frozen=True, slots=True)
class Listed:
    """How many there are, and the worst of them."""

    count: int
    worst: tuple[WireLine, ...]


def states(conn: Connection) -> dict[str, int]:
    """How many configured wires are in each state."""
    rows = conn.execute(
        select(wires.c.state, func.count().label("n"))
        .where(wires.c.configured)
        .group_by(wires.c.state)
    )
    return {r.state: r.n for r in rows}


def failing(conn: Connection, limit: int) -> Listed:
    """Wires whose polls fail, not those that are paused; the longest failing first."""
    return _listed(conn, and_(_ACTIVE, wires.c.failing_since.is_not(None)), "failing_since", limit)


def failing_before(conn: Connection, moment: datetime) -> int:
    """How many wires have been failing since before *moment*."""
    which = and_(_ACTIVE, wires.c.failing_since <= moment)
    return int(conn.execute(select(func.count()).select_from(wires).where(which)).scalar_one())


def paused(conn: Connection, limit: int) -> Listed:
    """Wires that a 410 has paused, the longest paused first."""
    return _listed(
        conn, and_(wires.c.configured, wires.c.paused_at.is_not(None)), "paused_at", limit
    )


def faulty(conn: Connection, limit: int) -> Listed:
    """Wires that are polled well but whose content could not be taken in."""
    return _listed(conn, and_(wires.c.configured, wires.c.fault.is_not(None)), "name", limit)


def late(conn: Connection, before: datetime, now: datetime, limit: int) -> Listed:
    """Wires that were due *before* and are not being polled, the latest first."""
    resting = or_(wires.c.lease_until.is_(None), wires.c.lease_until < now)
    return _listed(conn, and_(_ACTIVE, wires.c.due_at < before, resting), "due_at", limit)


def _listed(conn: Connection, which: ColumnElement[bool], order: str, limit: int) -> Listed:
    count = conn.execute(select(func.count()).select_from(wires).where(which)).scalar_one()
    rows = conn.execute(
        select(*_LINE).where(which).order_by(wires.c[order], wires.c.name).limit(limit)
    )
    return Listed(int(count), tuple(WireLine(*r) for r in rows))


def oldest_due(conn: Connection, now: datetime) -> datetime | None:
    """Since when the wire that waits longest for its poll has been due; None when none waits."""
    resting = or_(wires.c.lease_until.is_(None), wires.c.lease_until < now)
    return conn.execute(
        select(func.min(wires.c.due_at)).where(_ACTIVE, wires.c.due_at <= now, resting)
    ).scalar()


@dataclass(frozen=True, slots=True)
class Fresh:
    """Of one wire: when it was last known to be polled well, and when it last brought news."""

    name: str
    good_at: datetime | None
    news_at: datetime | None


# A wire that fails was well at the latest when it began to.
_GOOD_AT = case(
    (wires.c.failing_since.is_not(None), wires.c.failing_since), else_=wires.c.polled_at
)


def freshness(conn: Connection, names: Sequence[str]) -> list[Fresh]:
    """When each of the wires *names* was last well, and last brought news."""
    rows = conn.execute(
        select(wires.c.name, _GOOD_AT.label("good_at"), wires.c.changed_at)
        .where(wires.c.name.in_(list(names)))
        .order_by(wires.c.name)
    )
    return [Fresh(*r) for r in rows]


def well_since(conn: Connection, moments: Iterable[datetime]) -> list[int]:
    """For each of *moments*, how many configured wires were polled well at or after it."""
    counted = [
        func.coalesce(func.sum(case((literal(at, Moment()) <= _GOOD_AT, 1), else_=0)), 0)
        for at in moments
    ]
    return [int(n) for n in conn.execute(select(*counted).where(wires.c.configured)).one()]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The change that has waited longest to be in its feed: a row of the outbox."""

    kind: str
    key: str
    since: datetime
    attempts: int
    error: str | None


def oldest_unrendered(conn: Connection) -> Unfinished | None:
    """The oldest change of a story or a feed that is not rendered; None when all are."""
    row = conn.execute(
        select(outbox.c.kind, outbox.c.key, outbox.c.since, outbox.c.attempts, outbox.c.error)
        .where(outbox.c.kind.in_(("story", "feed")))
        .order_by(outbox.c.since, outbox.c.kind, outbox.c.key)
        .limit(1)
    ).first()
    return None if row is None else Unfinished(*row)


def failures(conn: Connection, limit: int) -> list[Unfinished]:
    """The oldest *limit* rows of the outbox that have failed and wait for another try."""
    rows = conn.execute(
        select(outbox.c.kind, outbox.c.key, outbox.c.since, outbox.c.attempts, outbox.c.error)
        .where(outbox.c.error.is_not(None))
        .order_by(outbox.c.since, outbox.c.kind, outbox.c.key)
        .limit(limit)
    )
    return [Unfinished(*r) for r in rows]


def stuck(conn: Connection, tries: int, but: Sequence[str] = ()) -> int:
    """How many rows of the outbox have failed *tries* times or more, the stories *but* left out."""
    failed = and_(outbox.c.error.is_not(None), outbox.c.attempts >= tries)
    keys = conn.execute(select(outbox.c.kind, outbox.c.key).where(failed))
    passed = set(but)
    return sum(1 for r in keys if r.kind != "story" or r.key not in passed)


def expired_leases(conn: Connection, now: datetime) -> dict[str, int]:
    """Leases that ran out and were not taken over yet: of wires, and of the outbox."""
    polls = select(func.count()).select_from(wires).where(wires.c.lease_until < now)
    jobs = select(func.count()).select_from(outbox).where(outbox.c.lease_until < now)
    return {
        "poll": int(conn.execute(polls).scalar_one()),
        "outbox": int(conn.execute(jobs).scalar_one()),
    }


def headless(conn: Connection) -> list[str]:
    """Ids of the stories that cannot be published because they have no headline.

    They stand in the outbox under their error until the desk writes one or the wire sends one, so
    only that is looked through.
    """
    rows = conn.execute(
        select(stories.c.id)
        .join(outbox, and_(outbox.c.kind == "story", outbox.c.key == stories.c.id))
        .join(
            versions,
            and_(
                versions.c.story_id == stories.c.id, versions.c.capture_id == stories.c.capture_id
            ),
        )
        .where(
            outbox.c.error.is_not(None),
            func.trim(versions.c.data["headline"].as_string()) == "",
        )
        .order_by(stories.c.changed_at, stories.c.id)
    )
    return list(rows.scalars())


def quarantined_since(conn: Connection, moment: datetime) -> int:
    """How many captures and items received since *moment* are in quarantine."""
    return int(
        conn.execute(
            select(func.count()).select_from(problems).where(problems.c.at >= moment)
        ).scalar_one()
    )
