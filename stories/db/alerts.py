"""Alerts: which are on, which notices of them were sent, and the wires that may have one.

A row is an alert of which the notice of its end was not sent yet. Beginning and end are sent once
each: ``told_at`` says when the first was, ``ended_at`` that the second must be. An alert that ends
before its beginning was sent leaves no trace.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from stories.db.captures import TAKEN_IN
from stories.db.engine import upsert
from stories.db.tables import alerts, captures, wires

_EVER = datetime(1970, 1, 1, tzinfo=UTC)

AlertKind = Literal["failing", "paused", "quiet", "headline", "keys", "clock", "log", "failover"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One row: an alert of *kind* about *subject* (a wire), true *since*."""

    kind: AlertKind
    subject: str
    since: datetime
    message: str
    told_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """What alerts about a wire are judged by. ``pending`` is True while a capture waits to be taken
    in, ``news`` are the last times at which news came. ``unread_since`` is when the first of the
    captures came that could not be read, None once one could."""

    name: str
    configured: bool
    state: str
    message: str
    polled_at: datetime | None
    failing_since: datetime | None
    paused_at: datetime | None
    pending: bool
    news: list[datetime]
    fault: str | None = None
    unread_since: datetime | None = None


def watched(
    conn: Connection, silent_before: datetime, after: str = "", limit: int = 1000
) -> list[Watched]:
    """The next *limit* wires, by name *after* that one, about which an alert may begin or end.

    Those that fail or are paused, those without news since *silent_before*, and those about which
    an alert is on. No alert can begin or end about others, and they are not read.
    """
    waiting = select(captures.c.wire).where(captures.c.state == "pending").distinct().subquery()
    alarmed = select(alerts.c.subject).where(alerts.c.ended_at.is_(None))
    suspect = and_(
        wires.c.configured,
        or_(
            wires.c.failing_since.is_not(None),
            wires.c.paused_at.is_not(None),
            wires.c.fault.is_not(None),
            wires.c.changed_at.is_(None),
            wires.c.changed_at <= silent_before,
        ),
    )
    came = captures.c.received_at
    read = captures.alias()
    last_read = (
        select(func.max(read.c.received_at))
        .where(read.c.state == "ingested", read.c.wire == wires.c.name)
        .correlate(wires)
        .scalar_subquery()
    )
    unread_since = (
        select(func.min(came))
        .where(
            captures.c.state == "failed",
            captures.c.wire == wires.c.name,
            wires.c.fault.is_not(None),
            came > func.coalesce(last_read, literal(_EVER, came.type)),
        )
        .correlate(wires)
        .scalar_subquery()
    )
    rows = conn.execute(
        select(
            *(wires.c[n] for n in ("name", "configured", "state", "message", "polled_at")),
            *(wires.c[n] for n in ("failing_since", "paused_at", "news", "fault")),
            unread_since.label("unread_since"),
            waiting.c.wire.is_not(None).label("pending"),
        )
        .join(waiting, waiting.c.wire == wires.c.name, isouter=True)
        .where(wires.c.name > after, or_(suspect, wires.c.name.in_(alarmed)))
        .order_by(wires.c.name)
        .limit(limit)
    )
    return [Watched(**{**r, "pending": bool(r["pending"])}) for r in rows.mappings()]


def about(conn: Connection, subjects: Sequence[str]) -> list[Alert]:
    """All alerts about *subjects*, also those that have ended and whose end was not sent yet."""
    rows = conn.execute(select(alerts).where(alerts.c.subject.in_(list(subjects))))
    return [Alert(**r) for r in rows.mappings()]


def standing(conn: Connection, limit: int = 100, kind: AlertKind | None = None) -> list[Alert]:
    """The oldest *limit* alerts that have not ended; of one *kind* only, when given."""
    which = alerts.c.ended_at.is_(None)
    rows = conn.execute(
        select(alerts)
        .where(which if kind is None else and_(which, alerts.c.kind == kind))
        .order_by(alerts.c.since, alerts.c.kind, alerts.c.subject)
        .limit(limit)
    )
    return [Alert(**r) for r in rows.mappings()]


def counts(conn: Connection) -> dict[str, int]:
    """How many alerts have not ended, by kind; a kind without any is not in it."""
    rows = conn.execute(
        select(alerts.c.kind, func.count().label("n"))
        .where(alerts.c.ended_at.is_(None))
        .group_by(alerts.c.kind)
    )
    return {r.kind: r.n for r in rows}


def begin(conn: Connection, alert: Alert) -> bool:
    """Write that *alert* began; False when it was on already.

    One that had ended, and whose end was not sent, goes on as if it had not.
    """
    made = conn.execute(
        upsert(conn, alerts)
        .values(kind=alert.kind, subject=alert.subject, since=alert.since, message=alert.message)
        .on_conflict_do_nothing(index_elements=["kind", "subject"])
        .returning(alerts.c.kind)
    )
    if made.first() is not None:
        return True
    conn.execute(update(alerts).where(_is(alert.kind, alert.subject)).values(ended_at=None))
    return False


def put_right(conn: Connection, now: datetime) -> None:
    """Let alerts that a clock that ran ahead began or ended have done so by *now*."""
    for name in ("since", "ended_at"):
        conn.execute(update(alerts).where(alerts.c[name] > now).values({name: now}))


def end(conn: Connection, kind: AlertKind, subject: str, now: datetime) -> bool:
    """Write that the alert is over; True when that must be sent, as its beginning was."""
    untold = and_(_is(kind, subject), alerts.c.told_at.is_(None))
    conn.execute(delete(alerts).where(untold))
    ended = conn.execute(
        update(alerts).where(_is(kind, subject), alerts.c.ended_at.is_(None)).values(ended_at=now)
    )
    return ended.rowcount == 1


def forget(conn: Connection, subject: str) -> None:
    """Delete every alert about *subject*, which is no longer configured."""
    conn.execute(delete(alerts).where(alerts.c.subject == subject))


def unsent(conn: Connection, subjects: Sequence[str]) -> list[Alert]:
    """Alerts about *subjects* of which the beginning, or the end, must still be sent."""
    rows = conn.execute(
        select(alerts)
        .where(
            alerts.c.subject.in_(list(subjects)),
            or_(alerts.c.told_at.is_(None), alerts.c.ended_at.is_not(None)),
        )
        .order_by(alerts.c.since, alerts.c.kind, alerts.c.subject)
    )
    return [Alert(**r) for r in rows.mappings()]


def mark_sent(conn: Connection, alert: Alert, now: datetime) -> bool:
    """Write that *alert* was sent as :func:`unsent` read it: its beginning, or its end.

    True when more must be sent: it ended, or began again, while it was being sent.
    """
    same = and_(_is(alert.kind, alert.subject), alerts.c.since == alert.since)
    if alert.ended_at is not None:
        conn.execute(delete(alerts).where(same, alerts.c.ended_at.is_not(None)))
        # It began again while its end was being sent: that must be sent too.
        back = conn.execute(
            update(alerts).where(same, alerts.c.told_at.is_not(None)).values(told_at=None)
        )
        return back.rowcount == 1
    marked = conn.execute(update(alerts).where(same).values(told_at=now))
    if marked.rowcount == 1:
        return False
    known = conn.execute(select(alerts.c.kind).where(_is(alert.kind, alert.subject))).first()
    if known is None:
        conn.execute(
            insert(alerts).values(
                kind=alert.kind,
                subject=alert.subject,
                since=alert.since,
                message=alert.message,
                told_at=now,
                ended_at=now,
            )
        )
    return True


def longest_silence(
    conn: Connection, wire: str, start: datetime, end: datetime
) -> timedelta | None:
    """The longest time between *start* and *end* in which the wire brought no news.

    None when its captures do not reach back to *start*.
    """
    at, wires_own = captures.c.received_at, captures.c.wire == wire
    oldest = conn.execute(select(at).where(wires_own).order_by(captures.c.id).limit(1)).scalar()
    if oldest is None or oldest > start:
        return None
    news = conn.execute(
        select(at)
        .where(captures.c.state.in_(TAKEN_IN), wires_own, at >= start, at < end)
        .where(captures.c.new + captures.c.updated > 0)
        .order_by(at)
    ).scalars()
    moments: list[datetime] = [start, *news, end]
    return max(after - before for before, after in itertools.pairwise(moments))


def _is(kind: str, subject: str) -> ColumnElement[bool]:
    return and_(alerts.c.kind == kind, alerts.c.subject == subject)
