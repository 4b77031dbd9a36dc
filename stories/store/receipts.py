"""The log's rows: receipts, the tiles that their hashes make, and the latest checkpoint.

A receipt is written in the transaction that takes its version in, and numbered in a later one:
whoever numbers holds the log's only row, so numbers have neither gaps nor doubles.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update

from stories.store.tables import receipts, stories, tiles, translog
from stories.store.upsert import upsert

STEP = 500
"""Rows read or written at once."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A leaf of the log, with what it is the receipt of. ``hash`` is its leaf hash."""

    hash: bytes
    story_id: str
    capture_id: int
    position: int
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
    rows = [{c.name: getattr(r, c.name) for c in receipts.c if c.name != "idx"} for r in found]
    # In one order, so that two transactions that write the same rows cannot deadlock.
    rows.sort(key=lambda row: row["hash"])
    for at in range(0, len(rows), STEP):
        statement = upsert(conn, receipts).on_conflict_do_nothing(index_elements=["hash"])
        conn.execute(statement, rows[at : at + STEP])


def places(conn: Connection, hashes: Iterable[bytes]) -> dict[bytes, int | None]:
    """Where in the log the receipts of these hashes stand, None for those that wait for a place;
    without those that are not there."""
    found: dict[bytes, int | None] = {}
    wanted = sorted(set(hashes))
    for at in range(0, len(wanted), STEP):
        query = select(receipts.c.hash, receipts.c.idx)
        rows = conn.execute(query.where(receipts.c.hash.in_(wanted[at : at + STEP])))
        found |= {r.hash: r.idx for r in rows}
    return found


def wait(conn: Connection) -> bool:
    """True when some receipt waits for its place."""
    query = select(receipts.c.hash).where(receipts.c.idx.is_(None)).limit(1)
    return conn.execute(query).first() is not None


def waiting(conn: Connection, limit: int) -> list[bytes]:
    """Hashes of receipts that wait, in the order in which they came."""
    query = (
        select(receipts.c.hash)
        .where(receipts.c.idx.is_(None))
        .order_by(receipts.c.capture_id, receipts.c.position, receipts.c.hash)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def number(conn: Connection, hashes: Sequence[bytes], first: int) -> None:
    """Give the receipts their places, from *first* on."""
    statement = (
        update(receipts).where(receipts.c.hash == bindparam("which")).values(idx=bindparam("place"))
    )
    rows = [{"which": each, "place": place} for place, each in enumerate(hashes, start=first)]
    if rows:
        conn.execute(statement, rows)


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
