"""What is kept, for how long, and how much it is: the queries of housekeeping."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import BigInteger, Connection, func, select, type_coerce

from stories.store.tables import blobs, captures, versions

_DAY = 86_400_000_000  # microseconds, as instants are kept
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Day:
    """One day (UTC) in figures. ``received`` and ``kept`` are bytes: the bodies as received, and
    what those of them that are still kept take at rest; a body that came twice is kept once."""

    day: date
    captures: int
    received: int
    kept: int
    versions: int


def storage_by_day(conn: Connection, now: datetime, days: int = 7) -> list[Day]:
    """The last *days* days up to *now*'s, oldest first, those on which nothing came included."""
    last = (now.astimezone(UTC).date() - _EPOCH).days
    first = last - days + 1
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=first)
    number = type_coerce(captures.c.received_at, BigInteger) // _DAY
    since = captures.c.received_at >= start
    came = {
        r.day: (r.n, int(r.size))
        for r in conn.execute(
            select(
                number.label("day"),
                func.count().label("n"),
                func.sum(captures.c.size).label("size"),
            )
            .where(since)
            .group_by(number)
        )
    }
    bodies = select(number.label("day"), captures.c.digest).where(since).distinct().subquery()
    kept = {
        r.day: int(r.size)
        for r in conn.execute(
            select(bodies.c.day, func.sum(func.length(blobs.c.data)).label("size"))
            .join(blobs, blobs.c.digest == bodies.c.digest)
            .group_by(bodies.c.day)
        )
    }
    made = {
        r.day: r.n
        for r in conn.execute(
            select(number.label("day"), func.count().label("n"))
            .join(versions, versions.c.capture_id == captures.c.id)
            .where(since)
            .group_by(number)
        )
    }
    return [
        Day(
            day=_EPOCH + timedelta(days=n),
            captures=came.get(n, (0, 0))[0],
            received=came.get(n, (0, 0))[1],
            kept=kept.get(n, 0),
            versions=made.get(n, 0),
        )
        for n in range(first, last + 1)
    ]
