"""The log's rows: receipts, the tiles that their hashes make, and the latest checkpoint.

A receipt is written in the transaction that takes its version in, and numbered in a later one:
whoever numbers holds the log's only row, so numbers have neither gaps nor doubles. It becomes a
leaf then, for a leaf says when it was numbered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from stories.db.tables import receipts, stories, tiles, translog
from stories.db.upsert import upsert

STEP = 500
"""Rows read or written at once."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is to be a leaf of the log, with what it is the receipt of.

    ``leaf`` is without its time in the log, and ``hash``, by which it is known, the leaf hash of
    that.
    """

    hash: bytes
    story_id: str
    capture_id: int
    position: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a receipt stands in the log, and since when."""

    index: int
    logged_at: datetime


class Leaf(NamedTuple):
    """A leaf as it stands in the log, and the ``hash`` by which its receipt is known."""

    hash: bytes
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The log: its name, its public key as a JWK has it, how long it is, its signed checkpoint."""

    origin: str
    x: str
    size: int
    checkpoint: str


def add(conn: Connection, found: Sequence[Receipt]) -> None:
    """Write receipts that wait for their place; those that are there already stay as they are."""
    rows = [asdict(each) for each in found]
    # In one order, so that two transactions that write the same rows cannot deadlock.
    rows.sort(key=lambda row: row["hash"])
    for at in range(0, len(rows), STEP):
        statement = upsert(conn, receipts).on_conflict_do_nothing(index_elements=["hash"])
        conn.execute(statement, rows[at : at + STEP])


def places(conn: Connection, hashes: Iterable[bytes]) -> dict[bytes, Place | None]:
    """Where in the log the receipts of these hashes stand, None for those that wait for a place;
    without those that are not there."""
    found: dict[bytes, Place | None] = {}
    wanted = sorted(set(hashes))
    for at in range(0, len(wanted), STEP):
        query = select(receipts.c.hash, receipts.c.idx, receipts.c.logged_at)
        rows = conn.execute(query.where(receipts.c.hash.in_(wanted[at : at + STEP])))
        found |= {r.hash: Place(r.idx, r.logged_at) if r.idx is not None else None for r in rows}
    return found


def wait(conn: Connection) -> bool:
    """True when some receipt waits for its place."""
    query = select(receipts.c.hash).where(receipts.c.idx.is_(None)).limit(1)
    return conn.execute(query).first() is not None


def waiting(conn: Connection, limit: int) -> list[Leaf]:
    """Receipts that wait, in the order in which they came, without their time in the log."""
    query = (
        select(receipts.c.hash, receipts.c.leaf)
        .where(receipts.c.idx.is_(None))
        .order_by(receipts.c.capture_id, receipts.c.position, receipts.c.hash)
        .limit(limit)
    )
    return [Leaf(r.hash, r.leaf) for r in conn.execute(query)]


def number(conn: Connection, leaves: Sequence[Leaf], first: int, at: datetime) -> None:
    """Give receipts their places, from *first* on, as the *leaves* that they are since *at*."""
    statement = (
        update(receipts)
        .where(receipts.c.hash == bindparam("which"))
        .values(idx=bindparam("place"), leaf=bindparam("whole"), logged_at=at)
    )
    rows = [
        {"which": each.hash, "place": place, "whole": each.leaf}
        for place, each in enumerate(leaves, start=first)
    ]
    if rows:
        conn.execute(statement, rows)


def logged_last(conn: Connection, size: int) -> datetime | None:
    """When the last leaf of the log of *size* was given its place; None when nothing says so."""
    return conn.execute(select(receipts.c.logged_at).where(receipts.c.idx == size - 1)).scalar()


def brought_by(conn: Connection, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Which capture brought the current version of each story, and at which place in it."""
    rows = conn.execute(
        select(stories.c.id, stories.c.capture_id, stories.c.position).where(
            stories.c.id.in_(list(ids))
        )
    )
    return {r.id: (r.capture_id, r.position) for r in rows}


def head(conn: Connection) -> Head | None:
    """The log as it stands, None before its first key."""
    return _head(conn, hold=False)


def hold(conn: Connection) -> Head | None:
    """The same, and nobody else appends until the transaction ends."""
    return _head(conn, hold=True)


def _head(conn: Connection, *, hold: bool) -> Head | None:
    query = select(translog.c.origin, translog.c.x, translog.c.size, translog.c.checkpoint)
    if hold:
        query = query.with_for_update()
    row = conn.execute(query).mappings().first()
    return None if row is None else Head(**row)


def begin(conn: Connection, found: Head) -> None:
    """Put the log on record."""
    values = {"origin": found.origin, "x": found.x, "size": found.size}
    conn.execute(insert(translog).values(id=1, checkpoint=found.checkpoint, **values))


def advance(conn: Connection, size: int, checkpoint: str) -> None:
    """The log has grown to *size*, which *checkpoint* says."""
    conn.execute(update(translog).values(size=size, checkpoint=checkpoint))


def tile(conn: Connection, level: int, number: int) -> bytes:
    """The hashes of a tile so far, empty for one that is not there."""
    query = select(tiles.c.hashes).where(tiles.c.level == level, tiles.c.number == number)
    return conn.execute(query).scalar() or b""


def put_tiles(conn: Connection, changed: dict[tuple[int, int], bytes]) -> None:
    """Keep tiles that grew."""
    statement = upsert(conn, tiles)
    rows = [{"level": level, "number": at, "hashes": h} for (level, at), h in changed.items()]
    if rows:
        conn.execute(
            statement.on_conflict_do_update(
                index_elements=["level", "number"], set_={"hashes": statement.excluded.hashes}
            ),
            rows,
        )


def leaves(conn: Connection, first: int, count: int) -> list[bytes]:
    """Up to *count* leaves of the log from *first* on."""
    query = select(receipts.c.leaf).where(receipts.c.idx >= first, receipts.c.idx < first + count)
    return list(conn.execute(query.order_by(receipts.c.idx)).scalars())


def copy(old: Connection, new: Connection) -> None:
    """Copy the whole log into another store that has none."""
    for table in (translog, tiles, receipts):
        rows = old.execute(select(table).execution_options(yield_per=STEP))
        for part in rows.mappings().partitions():
            new.execute(insert(table), [dict(r) for r in part])
