"""How much is kept and how it grows: the figures of a status.

A day (UTC) that is over is added up once, and its sums are noted (the table ``days``), so that
nobody looks at all that ever came. Whoever changes what a day has says so (:func:`changed`), and it
is added up again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    and_,
    delete,
    func,
    literal_column,
    or_,
    select,
    text,
    type_coerce,
    update,
)

from stories.db import key_value
from stories.db.engine import Store, upsert
from stories.db.tables import blobs, captures, days, versions

FEW = 10_000
"""Captures up to which figures are always those of the moment: to add up as many, of a day that is
not over, takes some tens of milliseconds."""

NOTED_FOR = timedelta(days=2)
"""How long noted figures serve: housekeeping notes new ones every day."""

_STORAGE = "status:storage"
_EPOCH = date(1970, 1, 1)
_NUMBER = type_coerce(captures.c.received_at, BigInteger) // literal_column("86400000000", Integer)
"""Of the day on which a capture was received; instants are kept as microseconds."""


@dataclass(frozen=True, slots=True)
class Day:
    """What one day (UTC) brought. ``received`` and ``kept`` are bytes: of the bodies as received,
    and of those still stored, compressed and each once a day."""

    day: date
    captures: int = 0
    received: int = 0
    kept: int = 0
    versions: int = 0


@dataclass(frozen=True, slots=True)
class Volume:
    """How much is kept: captures, their bytes as received, and as stored, compressed."""

    captures: int
    received: int
    kept: int


def summary(
    store: Store, now: datetime, *, note: bool = True, anew: bool = False
) -> dict[str, Any]:
    """What is kept and how it grows: ``captures`` and ``storage`` of a status, as of its ``at``.

    Where captures are many the figures are noted, and serve again, unless *anew*: to ask costs the
    same however much comes in a day.
    """
    with store.read() as conn:
        noted = key_value.read(conn, _STORAGE)
        if noted is not None and not anew:
            age = now - datetime.fromisoformat(noted["storage"]["at"])
            if timedelta(0) <= age < NOTED_FOR:
                return {"captures": noted["captures"], "storage": noted["storage"]}
        volume, by_day = figures(conn, now)
    found = {
        "captures": asdict(volume),
        "storage": {
            "at": now.isoformat(),
            "days": [{**asdict(one), "day": one.day.isoformat()} for one in by_day],
            "database": size(store),
        },
    }
    if note and volume.captures > FEW:
        with store.write() as conn:
            key_value.write(conn, _STORAGE, found)
    return found


def figures(conn: Connection, now: datetime, count: int = 7) -> tuple[Volume, list[Day]]:
    """How much is kept; and the last *count* days up to *now*'s, oldest first, those on which
    nothing came included."""
    upto = _upto(conn)
    live = _added_up(conn, upto + 1)
    for number in _stale(conn, upto):
        live |= _added_up(conn, number, number)
    rows = conn.execute(_TOTALS).one()
    totals = [rows, *((one.captures, one.received, one.kept) for one in live.values())]
    last = _number(now)
    first = last - count + 1
    late = conn.execute(select(days).where(days.c.day >= first, days.c.captures.is_not(None)))
    noted = {row.day: Day(_date(row.day), *row[1:]) for row in late}
    return (
        Volume(*(sum(map(int, column)) for column in zip(*totals, strict=True))),
        [(live | noted).get(n) or Day(_date(n)) for n in range(first, last + 1)],
    )


_TOTALS = select(
    *(func.coalesce(func.sum(days.c[name]), 0) for name in ("captures", "received", "kept"))
).where(days.c.captures.is_not(None))


def add_up(store: Store, now: datetime) -> Iterator[date]:
    """Add up the days that are over, each that has not been, or has changed since; each, once it
    is."""
    today = _number(now)
    with store.write() as conn:  # the clock may have been ahead
        conn.execute(delete(days).where(days.c.day >= today))
    while True:
        with store.read() as conn:
            number = _next(conn, today)
        if number is None:
            return
        with store.write() as conn:
            _note(conn, number)
        yield _date(number)


def changed(conn: Connection, numbers: Sequence[int], digests: Sequence[str] = ()) -> None:
    """Note that the sums of the days of some captures, by number or by the digest of their bytes,
    are no longer right. To be called in the transaction that changes these, while they are
    there."""
    which = or_(captures.c.id.in_(numbers), captures.c.digest.in_(digests))
    here = select(_NUMBER).where(which).distinct().order_by(_NUMBER)
    marked = upsert(conn, days).from_select(["day"], here)
    conn.execute(marked.on_conflict_do_update(index_elements=["day"], set_={"captures": None}))


def size(store: Store) -> int:
    """Bytes that the database takes on disk."""
    with store.read() as conn:
        if store.dialect == "postgresql":
            query = "SELECT pg_database_size(current_database())"
        else:
            query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        return int(conn.execute(text(query)).scalar_one())


def _number(moment: datetime) -> int:
    return (moment.astimezone(UTC).date() - _EPOCH).days


def _date(number: int) -> date:
    return _EPOCH + timedelta(days=number)


def _start(number: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=number)


def _upto(conn: Connection) -> int:
    """The last day that is added up; those before it are, too, or are marked."""
    last = select(func.max(days.c.day)).where(days.c.captures.is_not(None))
    found = conn.execute(last).scalar()
    return -1 if found is None else int(found)


def _stale(conn: Connection, upto: int) -> list[int]:
    """The days before *upto* that are to be added up again."""
    marked = select(days.c.day).where(days.c.captures.is_(None), days.c.day < upto)
    return list(conn.execute(marked.order_by(days.c.day)).scalars())


def _next(conn: Connection, today: int) -> int | None:
    """The first day before *today* that is to be added up, None for none."""
    upto = _upto(conn)
    if stale := _stale(conn, upto):
        return stale[0]
    came = select(func.min(captures.c.received_at)).where(
        captures.c.received_at >= _start(upto + 1)
    )
    first = conn.execute(came).scalar()
    return number if first is not None and (number := _number(first)) < today else None


def _note(conn: Connection, number: int) -> None:
    """Note the sums of a day."""
    # First its row, which locks it: who changes the day meanwhile waits, and marks it thereafter.
    row = upsert(conn, days).values(day=number)
    conn.execute(row.on_conflict_do_update(index_elements=["day"], set_={"captures": None}))
    this, one = days.c.day == number, _added_up(conn, number, number).get(number)
    if one is None:
        conn.execute(delete(days).where(this))
    else:
        sums = {name: value for name, value in asdict(one).items() if name != "day"}
        conn.execute(update(days).where(this).values(sums))


def _added_up(conn: Connection, first: int, last: int | None = None) -> dict[int, Day]:
    """The sums of the days from *first* to *last*, or to the newest; without those on which
    nothing came."""
    when = captures.c.received_at >= _start(first)
    if last is not None:
        when = and_(when, captures.c.received_at < _start(last + 1))
    here = captures.c.expired_at.is_(None)
    bodies = select(_NUMBER.label("day"), captures.c.digest).where(when, here).distinct().subquery()
    came, kept, made = (
        {row.day: row for row in conn.execute(query)}
        for query in (
            select(
                _NUMBER.label("day"),
                func.count().label("number"),
                func.sum(captures.c.size).label("size"),
            )
            .where(when)
            .group_by(_NUMBER),
            select(bodies.c.day, func.sum(func.length(blobs.c.data)).label("size"))
            .join(blobs, blobs.c.digest == bodies.c.digest)
            .group_by(bodies.c.day),
            select(_NUMBER.label("day"), func.count().label("number"))
            .join(versions, versions.c.capture_id == captures.c.id)
            .where(when)
            .group_by(_NUMBER),
        )
    )
    return {
        number: Day(
            _date(number),
            row.number,
            int(row.size),
            int(kept[number].size) if number in kept else 0,
            made[number].number if number in made else 0,
        )
        for number, row in came.items()
    }
