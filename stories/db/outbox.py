"""The outbox: work that a change has caused and that must be carried out at least once.

A row says that *kind* of *key* is wanted; it is written in the transaction that causes it. Further
causes while it waits, or while it is carried out, only raise ``wanted``: a worker that has finished
removes the row if ``wanted`` is still what it claimed, else leaves it to be claimed again. So
nothing is lost and nothing piles up; work may be done twice, and that must do no harm.
"""

import threading
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

import structlog
from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Integer,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from stories import clock
from stories.db.engine import Store, upsert
from stories.db.tables import UtcDateTime, outbox
from stories.errors import NO_HEADLINE, StoreError

Works = Literal["ingest", "story", "feed", "alert", "ping", "picture"]
Exports = Literal["export", "export-story", "export-feed", "export-page"]
Kind = Works | Exports

LEASE = timedelta(seconds=30)
"""Renewed while the work goes on (:func:`renewing`), so it can be short: this is how long work
waits after its worker was killed."""

RENEW_SECONDS = LEASE.total_seconds() / 3
"""Seconds between two renewals: two may fail before a lease is lost."""

RETRY_FIRST = timedelta(seconds=15)
RETRY_LONGEST = timedelta(hours=1)

CHUNK = 1000
"""Keys per statement: SQLite binds 32,766 values at most, PostgreSQL 65,535."""

AHEAD = timedelta(minutes=5)
"""By how much the clocks of the machines may differ (as for wires)."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed row. ``lease`` names the claim: until it expires nobody else has the row."""

    kind: Kind
    key: str
    wanted: int
    lease: str
    attempts: int
    since: datetime


class LeaseLostError(StoreError):
    """Somebody else has the job by now: the lease ran out before it was renewed."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"{job.kind} of {job.key}: its lease was lost; run it again to go on")


def want(conn: Connection, kind: Kind, keys: Iterable[str], now: datetime) -> None:
    """Note that *kind* is wanted for each of *keys*, in the caller's transaction."""
    # Sorted, so that two transactions that want the same rows cannot deadlock on PostgreSQL.
    rows = [
        {"kind": kind, "key": key, "wanted": 1, "since": now, "due_at": now, "attempts": 0}
        for key in sorted(set(keys))
    ]
    if rows:
        conn.execute(_want(conn.dialect.name), rows)


# Statements are made once: to make one takes several times what it takes to carry it out.


@cache
def _want(dialect: str) -> Executable:
    statement = upsert(dialect, outbox)
    return statement.on_conflict_do_update(
        index_elements=["kind", "key"],
        # Work that has failed is due at once after a new cause, and counts its attempts anew.
        set_={
            "wanted": outbox.c.wanted + 1,
            "due_at": statement.excluded.due_at,
            "attempts": 0,
        },
    )


def claim(
    conn: Connection, kind: Kind, now: datetime, limit: int, keys: Sequence[str] | None = None
) -> list[Job]:
    """Lease up to *limit* waiting rows, oldest first; only of *keys* when given.

    One conditional UPDATE: the condition is checked again on the locked row, so two workers never
    get the same row.
    """
    lease = str(uuid.uuid4())
    asked: dict[str, Any] = {
        "of": kind,
        "now": now,
        "most": limit,
        "by": lease,
        "until": now + LEASE,
    }
    if keys is not None:
        asked["named"] = list(keys)
    rows = conn.execute(_claim(conn.dialect.name, keys is not None), asked).all()
    jobs = [Job(kind, r.key, r.wanted, lease, r.attempts, r.since) for r in rows]
    return sorted(jobs, key=lambda j: (j.since, j.key))


@cache
def _claim(dialect: str, named: bool) -> Executable:
    now = bindparam("now", type_=UtcDateTime())
    free = and_(
        outbox.c.kind == bindparam("of"),
        outbox.c.due_at <= now,
        or_(outbox.c.lease_until.is_(None), outbox.c.lease_until < now),
    )
    chosen = select(outbox.c.kind, outbox.c.key).where(free)
    if named:
        chosen = chosen.where(outbox.c.key.in_(bindparam("named", expanding=True)))
    chosen = chosen.order_by(outbox.c.since, outbox.c.key).limit(bindparam("most", type_=Integer()))
    if dialect == "postgresql":
        chosen = chosen.with_for_update(skip_locked=True)
    # As a CTE it is evaluated once. As a plain subquery PostgreSQL may run it again for every row
    # it joins, skipping what it has locked itself, and so lease more rows than asked for.
    first = chosen.cte("chosen")
    return (
        update(outbox)
        .where(tuple_(outbox.c.kind, outbox.c.key).in_(select(first)), free)
        .values(
            lease=bindparam("by"),
            lease_until=bindparam("until"),
            attempts=outbox.c.attempts + 1,
        )
        .returning(outbox.c.key, outbox.c.wanted, outbox.c.attempts, outbox.c.since)
    )


_HELD = and_(
    outbox.c.kind == bindparam("of"),
    outbox.c.lease == bindparam("held"),
    outbox.c.key.in_(bindparam("keys", expanding=True)),
)
_FINISHED = delete(outbox).where(
    outbox.c.kind == bindparam("of"),
    outbox.c.lease == bindparam("held"),
    tuple_(outbox.c.key, outbox.c.wanted).in_(bindparam("pairs", expanding=True)),
)
_AGAIN = (
    update(outbox)
    .where(_HELD)
    .values(lease=None, lease_until=None, attempts=0, error=None, since=bindparam("now"))
)


def done(conn: Connection, jobs: Sequence[Job], now: datetime) -> None:
    """The claimed *jobs* are carried out; those wanted again meanwhile stay, free to claim."""
    together: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        together.setdefault((job.kind, job.lease), []).append(job)
    for (kind, lease), theirs in together.items():
        ours = {"of": kind, "held": lease}
        pairs = [(job.key, job.wanted) for job in theirs]
        if conn.execute(_FINISHED, {**ours, "pairs": pairs}).rowcount < len(theirs):
            keys = [job.key for job in theirs]
            conn.execute(_AGAIN, {**ours, "keys": keys, "now": now})


def failed(
    conn: Connection, job: Job, message: str, now: datetime, longest: timedelta = RETRY_LONGEST
) -> None:
    """*job* could not be carried out: keep it with the reason and retry later, after 15 s and then
    twice as long each time, up to *longest*.

    A cause that came meanwhile has made the row due at once, and it stays so.
    """
    wait = min(RETRY_FIRST * 2 ** min(job.attempts - 1, 20), longest)
    conn.execute(
        update(outbox)
        .where(outbox.c.kind == job.kind, outbox.c.key == job.key, outbox.c.lease == job.lease)
        .values(
            lease=None,
            lease_until=None,
            error=message,
            due_at=case(
                (outbox.c.wanted == job.wanted, literal(now + wait, UtcDateTime())),
                else_=outbox.c.due_at,
            ),
        )
    )


def put_forward(conn: Connection, now: datetime) -> None:
    """Have what failed be tried again at once: what was in its way is gone."""
    waits = and_(outbox.c.error.is_not(None), outbox.c.due_at > now)
    conn.execute(update(outbox).where(waits).values(due_at=now, attempts=0))


def _ahead(now: datetime) -> ColumnElement[bool]:
    return or_(
        outbox.c.since > now + AHEAD,
        outbox.c.due_at > now + RETRY_LONGEST + AHEAD,
        outbox.c.lease_until > now + LEASE + AHEAD,
    )


def ahead(conn: Connection, now: datetime) -> bool:
    """Whether any row has times in the future that no right clock wrote."""
    return conn.execute(select(outbox.c.key).where(_ahead(now)).limit(1)).first() is not None


def put_right(conn: Connection, now: datetime) -> int:
    """Void what a clock that ran ahead wrote of work: it is free and due; how many rows."""
    freed = {"since": now, "due_at": now, "lease": None, "lease_until": None}
    return conn.execute(update(outbox).where(_ahead(now)).values(**freed)).rowcount


def release(conn: Connection, jobs: Iterable[Job], due_at: datetime | None = None) -> None:
    """Give claimed *jobs* back unfinished: they can be claimed again at once, or from *due_at*."""
    free: dict[str, Any] = {"lease": None, "lease_until": None}
    if due_at is not None:
        free["due_at"] = due_at
    for job in jobs:
        conn.execute(
            update(outbox)
            .where(outbox.c.kind == job.kind, outbox.c.key == job.key, outbox.c.lease == job.lease)
            .values(**free, attempts=outbox.c.attempts - 1)
        )


def is_leased(conn: Connection, kind: Kind, now: datetime) -> bool:
    """Whether anybody is at work of *kind*."""
    held = outbox.c.kind == kind, outbox.c.lease_until >= now
    return conn.execute(select(outbox.c.key).where(*held).limit(1)).first() is not None


def hasten(conn: Connection, kind: Kind, keys: Collection[str], now: datetime) -> None:
    """Have those of *keys* be due now that wait for a time to come, free and without a failure."""
    named = sorted(keys)
    for at in range(0, len(named), CHUNK):
        conn.execute(_HASTENED, {"of": kind, "named": named[at : at + CHUNK], "now": now})


def _hastened() -> Executable:
    now = bindparam("now", type_=UtcDateTime())
    waits = and_(
        outbox.c.kind == bindparam("of"),
        outbox.c.key.in_(bindparam("named", expanding=True)),
        outbox.c.lease.is_(None),
        outbox.c.error.is_(None),
        outbox.c.due_at > now,
    )
    # What somebody else has locked is being claimed or done. A CTE, as in claiming.
    free = select(outbox.c.key).where(waits).order_by(outbox.c.key)
    chosen = free.with_for_update(skip_locked=True).cte("chosen")
    return (
        update(outbox)
        .where(outbox.c.kind == bindparam("of"), outbox.c.key.in_(select(chosen)))
        .values(due_at=now)
    )


_HASTENED = _hastened()


def drop(conn: Connection, kind: Kind, key: str) -> None:
    """What was wanted is done otherwise: delete its row, and with it the lease that anybody has."""
    conn.execute(delete(outbox).where(outbox.c.kind == kind, outbox.c.key == key))


def drop_all(conn: Connection, kind: Kind) -> None:
    """Nothing of *kind* is wanted any more."""
    conn.execute(delete(outbox).where(outbox.c.kind == kind))


def renew(conn: Connection, job: Job, now: datetime) -> bool:
    """Extend the lease on *job* to its full length; False when the lease was lost."""
    return bool(renew_all(conn, [job], now))


def renew_all(conn: Connection, jobs: Sequence[Job], now: datetime) -> set[str]:
    """Extend the leases on *jobs*, claimed together, to their full length; the keys of those not
    lost, locked until the transaction ends."""
    still = held(conn, jobs)
    if still:
        conn.execute(_RENEWED, {**_ours(jobs), "until": now + LEASE})
    return still


def held(conn: Connection, jobs: Sequence[Job]) -> set[str]:
    """The keys of those of *jobs*, claimed together, whose leases are not lost, locked until the
    transaction ends, in which they are carried out."""
    return set(conn.execute(_LOCKED, _ours(jobs)).scalars()) if jobs else set()


def _ours(jobs: Sequence[Job]) -> dict[str, Any]:
    return {"of": jobs[0].kind, "held": jobs[0].lease, "keys": [job.key for job in jobs]}


# An UPDATE locks rows in any order; locked in one order, two transactions cannot deadlock.
_LOCKED = select(outbox.c.key).where(_HELD).order_by(outbox.c.key).with_for_update()
_RENEWED = update(outbox).where(_HELD).values(lease_until=bindparam("until"))


@contextmanager
def renewing(store: Store, jobs: Sequence[Job]) -> Iterator[None]:
    """Renew the leases of *jobs* in the background while the block runs.

    So leases can be short although work may be long, and a killed worker's work can be claimed
    again soon. A lease may be lost all the same: who writes the result must check it in the same
    transaction (:func:`renew`).
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(RENEW_SECONDS):
            try:
                with store.write() as conn:
                    for job in sorted(jobs, key=lambda j: j.key):  # as all who lock several do
                        renew(conn, job, clock.now())
            except Exception as error:  # the work itself will fail if the database is away
                log.debug("leases not renewed", error=str(error))

    thread = threading.Thread(target=run, name="renewing-leases", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def missing(conn: Connection, kind: Kind, keys: Sequence[str]) -> list[str]:
    """Those of *keys* that are not wanted."""
    waiting_keys: set[str] = set()
    for at in range(0, len(keys), CHUNK):
        asked = {"of": kind, "keys": list(keys[at : at + CHUNK])}
        waiting_keys.update(conn.execute(_WAITING, asked).scalars())
    return [k for k in keys if k not in waiting_keys]


_WAITING = select(outbox.c.key).where(
    outbox.c.kind == bindparam("of"), outbox.c.key.in_(bindparam("keys", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits of one kind: how many rows, how many are ready, since when, how many failed."""

    kind: str
    count: int
    ready: int
    oldest: datetime
    failed: int


def for_the_desk() -> ColumnElement[bool]:
    """That a row stands only for a story that lacks a headline: it was tried since the last cause,
    and nobody is at it. Another cause, as a headline or a version, has it tried again."""
    return and_(
        outbox.c.kind == "story",
        outbox.c.attempts > 0,
        outbox.c.lease_until.is_(None),
        func.coalesce(outbox.c.error, "").contains(NO_HEADLINE),
    )


def waiting(conn: Connection, now: datetime) -> list[Waiting]:
    """How much waits, by kind; not what only a person can go on with."""
    ready = and_(
        outbox.c.due_at <= now, or_(outbox.c.lease_until.is_(None), outbox.c.lease_until < now)
    )
    rows = conn.execute(
        select(
            outbox.c.kind,
            func.count().label("n"),
            func.coalesce(func.sum(case((ready, 1), else_=0)), 0).label("ready"),
            func.min(outbox.c.since).label("oldest"),
            func.coalesce(func.sum(case((outbox.c.error.is_not(None), 1), else_=0)), 0).label(
                "bad"
            ),
        )
        .where(~for_the_desk())
        .group_by(outbox.c.kind)
        .order_by(outbox.c.kind)
    ).all()
    return [Waiting(r.kind, r.n, int(r.ready), r.oldest, int(r.bad)) for r in rows]


def failures(conn: Connection) -> list[tuple[str, str, str]]:
    """Kind, key and error of every row that has failed and waits for its next try."""
    rows = conn.execute(
        select(outbox.c.kind, outbox.c.key, outbox.c.error)
        .where(outbox.c.error.is_not(None))
        .order_by(outbox.c.kind, outbox.c.key)
    ).all()
    return [(r.kind, r.key, r.error) for r in rows]
