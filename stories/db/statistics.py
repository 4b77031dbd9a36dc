"""Statistics for the operator: how wires, outbox and leases stand, added up by the database.

Nothing here reads every row into Python but what is asked for by name: there may be 100,000 wires,
and whoever asks is waiting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select

from stories.db import alerts, captures, feeds, subscriptions
from stories.db import outbox as work
from stories.db import stories as records
from stories.db.alerts import Alert
from stories.db.outbox import Waiting
from stories.db.subscriptions import Subscribers
from stories.db.tables import UtcDateTime, outbox, problems, stories, wires
from stories.db.wire_acts import unseen
from stories.errors import NO_HEADLINE
from stories.logs import masked
from stories.models import Problem

WORST = 20
"""Rows of each list of a :class:`Status`: an operator mends the first ones first."""

LATE = timedelta(minutes=1)
"""A wire this long past its time is late: what is due is claimed every second."""

LATE_LONG = timedelta(minutes=10)
"""Lateness that politeness and a busy hour no longer explain."""

TRIES = 5
"""Attempts after which work that fails does not mend itself: four minutes of them."""

RECENT = timedelta(days=1)
"""For how long something new in quarantine calls for a person; it is listed for ever."""

Rows = Sequence[Mapping[str, Any]]


DAY = timedelta(days=1)
"""Of its stories, a feed's share is told."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Whether the broker answers, messages waiting by queue, and live members (``worker@host``).

    ``error``: why it does not answer, or takes no writes.
    """

    reachable: bool = False
    queues: Mapping[str, int] = field(default_factory=dict)
    alive: Sequence[str] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Captures and items in quarantine: how many, how many of them lately, how many of these are
    ``kills`` of stories that nobody could name, and the newest."""

    count: int = 0
    recent: int = 0
    kills: int = 0
    newest: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class FeedState:
    """A rendered feed: its number of entries, when its bytes last changed, and how many of all the
    stories that changed within a day it selects."""

    entries: int
    modified: datetime
    selected: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """How everything stands ``at`` an instant: what command, page and metrics are made of.

    Its fields are the keys of ``wirecopy status --json``. Lists hold the worst :data:`WORST`;
    ``counts`` and all other numbers are of everything. ``writes_refused`` (by the
    database), ``broker``, ``key_faults``, ``captures`` and ``storage`` are filled in by whoever
    asks for them.
    """

    at: datetime
    database: str = ""
    writes_refused: str | None = None
    key_faults: Sequence[str] = ()
    wires: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    failing: Rows = ()
    paused: Rows = ()
    faulty: Rows = ()
    late: Rows = ()
    quiet: Rows = ()
    alerts: Sequence[Alert] = ()
    broker: Broker = field(default_factory=Broker)
    quarantine: Quarantine = field(default_factory=Quarantine)
    outbox: Sequence[Waiting] = ()
    outbox_failures: Sequence["Unfinished"] = ()
    outbox_stuck: int = 0
    oldest_unrendered: "Unfinished | None" = None
    unrendered: int = 0
    rendering_anew: datetime | None = None
    unindexed: int = 0
    leases_expired: Mapping[str, int] = field(default_factory=dict)
    subscribers: Subscribers = field(default_factory=Subscribers)
    stories: int = 0
    versions: int = 0
    overran: Sequence[str] = ()
    second_look: int = 0
    contradicted: int = 0
    no_headline: int = 0
    hidden: records.Hidden = field(default_factory=records.Hidden)
    feeds: Mapping[str, FeedState] = field(default_factory=dict)
    captures: Mapping[str, int] = field(default_factory=dict)
    storage: Mapping[str, Any] = field(default_factory=dict)


def status(conn: Connection, now: datetime, failing_for: timedelta) -> Status:
    """How everything stands in the database. A wire fails for long after *failing_for*."""
    by_state = states(conn)
    counts = {}
    counts["failing"], worst_failing = failing(conn, WORST)
    counts["paused"], worst_paused = paused(conn, WORST)
    counts["faulty"], worst_faulty = faulty(conn, WORST)
    counts["late"], worst_late = late(conn, now - LATE, now, WORST)
    counts["quiet"] = alerts.counts(conn).get("quiet", 0)
    counts["failing_long"] = failing_before(conn, now - failing_for)
    counts["late_long"], _ = late(conn, now - LATE_LONG, now, 0)
    without_headline = headless(conn)
    of_stories, of_versions = records.counts(conn)
    selected = feeds.placed_since(conn, now - DAY)
    lately = select(func.count()).where(stories.c.changed_at > now - DAY)
    of_a_day = int(conn.execute(lately).scalar_one())
    return Status(
        at=now,
        wires=sum(by_state.values()),
        states=by_state,
        counts=counts,
        failing=worst_failing,
        paused=worst_paused,
        faulty=worst_faulty,
        late=worst_late,
        quiet=[
            {"wire": alert.subject, "since": alert.since, "message": masked(alert.message)}
            for alert in alerts.standing(conn, WORST, "quiet")
        ],
        alerts=alerts.standing(conn, WORST),
        quarantine=Quarantine(
            captures.problems_count(conn),
            *quarantined_since(conn, now - RECENT),
            captures.problems_listing(conn, WORST),
        ),
        outbox=work.waiting(conn, now),
        outbox_failures=failures(conn, WORST),
        outbox_stuck=stuck(conn, TRIES, without_headline),
        oldest_unrendered=oldest_unrendered(conn),
        unrendered=feeds.unrendered(conn),
        leases_expired=expired_leases(conn, now),
        subscribers=subscriptions.summary(conn, now, WORST),
        stories=of_stories,
        versions=of_versions,
        second_look=records.second_looks_count(conn),
        contradicted=len(records.contradicted(conn)),
        no_headline=len(without_headline),
        hidden=records.hidden(conn, now - RECENT),
        feeds={
            name: FeedState(*state, selected.get(name, 0), of_a_day)
            for name, state in feeds.summary(conn).items()
        },
    )


_ACTIVE = and_(wires.c.configured, wires.c.paused_at.is_(None))

Listed = tuple[int, Rows]
"""How many there are, and the worst of them."""


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
    """Wires that a 410 or a person has paused, the longest paused first."""
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
    columns = (
        (wires.c.fault,)
        if order == "name"
        else (wires.c[order].label("since"), wires.c.message, wires.c.due_at.label("next_poll"))
    )
    rows = conn.execute(
        select(wires.c.name.label("wire"), wires.c.state, *columns)
        .where(which)
        .order_by(wires.c[order], wires.c.name)
        .limit(limit)
    ).mappings()
    return int(count), [
        {**row, "message": masked(row["message"])} if "message" in row else dict(row)
        for row in rows
    ]


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
        func.coalesce(func.sum(case((literal(at, UtcDateTime()) <= _GOOD_AT, 1), else_=0)), 0)
        for at in moments
    ]
    return [int(n) for n in conn.execute(select(*counted).where(wires.c.configured)).one()]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A row of the outbox; ``error``, without secrets, says why it failed last."""

    kind: str
    key: str
    since: datetime
    attempts: int
    error: str | None


_WORK = (outbox.c.kind, outbox.c.key, outbox.c.since, outbox.c.attempts, outbox.c.error)


def oldest_unrendered(conn: Connection) -> Unfinished | None:
    """The oldest change of a story or a feed that is not rendered; None when all are."""
    which = and_(outbox.c.kind.in_(("story", "feed")), ~work.for_the_desk())
    found = _unfinished(conn, which, 1)
    return found[0] if found else None


def failures(conn: Connection, limit: int) -> list[Unfinished]:
    """The oldest *limit* rows of the outbox that have failed and wait for another try."""
    return _unfinished(conn, and_(outbox.c.error.is_not(None), ~work.for_the_desk()), limit)


def _unfinished(conn: Connection, which: ColumnElement[bool], limit: int) -> list[Unfinished]:
    order = (outbox.c.since, outbox.c.kind, outbox.c.key)
    rows = conn.execute(select(*_WORK).where(which).order_by(*order).limit(limit))
    return [
        Unfinished(r.kind, r.key, r.since, r.attempts, r.error and masked(r.error)) for r in rows
    ]


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
        .where(outbox.c.error.contains(NO_HEADLINE))
        .order_by(stories.c.changed_at, stories.c.id)
    )
    return list(rows.scalars())


def quarantined_since(conn: Connection, moment: datetime) -> tuple[int, int]:
    """How many captures and items received since *moment* are in quarantine, about which nobody did
    anything, and how many of them are kills."""
    kills = func.count().filter(problems.c.state == "item-canceled")
    row = conn.execute(select(func.count(), kills).where(problems.c.at >= moment, unseen())).one()
    return int(row[0]), int(row[1])
