"""Signing keys, signed statements, receipts, and the log whose leaves the receipts become.

A receipt is written in the transaction that takes its version in. A later transaction, which locks
the log's only row, appends it to the log: it gets a number, without gaps or doubles, and its leaf
says when. Statements are never changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Executable,
    Integer,
    Row,
    ScalarSelect,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    union_all,
    update,
)

from stories.db import packing
from stories.db.engine import replacing, upsert
from stories.db.key_value import IDENTITY
from stories.db.tables import (
    acts,
    headlines,
    notes,
    receipts,
    signing_keys,
    statements,
    tiles,
    translog,
)
from stories.models import StatementRow, members

STEP = 500
"""Rows read or written at once."""

_KEYS_LOCK = 0x57495245_4B455953  # any constant of our own; "WIREKEYS"


# Signing keys


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key. ``x`` is its public half as a JWK has it; it is good from ``not_before`` to
    ``not_after`` (None: without end), both whole seconds and included, unless it was revoked."""

    kid: str
    x: str
    not_before: datetime
    not_after: datetime | None = None
    revoked_at: datetime | None = None
    reason: str = ""


def lock_keys(conn: Connection) -> None:
    """Be the only one who makes or changes keys until the transaction ends.

    On SQLite a writing transaction is alone anyway.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(_KEYS_LOCK)))


KEYS_HELD = func.pg_advisory_xact_lock_shared(_KEYS_LOCK)
"""Has nobody make, change or revoke a key until the transaction ends. To be taken before anything
is written, or two transactions could wait for each other."""


def revoked_keys(conn: Connection) -> set[str]:
    """The ids of the revoked keys."""
    return set(conn.execute(_REVOKED).scalars())


def keys(conn: Connection) -> list[KeyRow]:
    """All keys, in the order in which they begin to sign."""
    return [KeyRow(**r) for r in conn.execute(_KEYS).mappings()]


_REVOKED = select(signing_keys.c.kid).where(signing_keys.c.revoked_at.is_not(None))
_KEYS = select(signing_keys).order_by(signing_keys.c.not_before, signing_keys.c.kid)


def add_key(conn: Connection, row: KeyRow) -> None:
    """Add a new key: from the commit on it is published."""
    conn.execute(insert(signing_keys).values(**asdict(row)))


def change_key(conn: Connection, kid: str, **values: Any) -> None:
    """Set columns of the key *kid*."""
    conn.execute(update(signing_keys).where(signing_keys.c.kid == kid).values(**values))


# Statements


def last_statements(conn: Connection, ids: Sequence[str]) -> dict[str, StatementRow]:
    """The latest statement of each of the stories *ids* that has one."""
    found: dict[str, StatementRow] = {}
    for at in range(0, len(ids), STEP):
        rows = conn.execute(_LAST, {"ids": list(ids[at : at + STEP])})
        found |= {r.story_id: statement_of(r) for r in rows}
    return found


def latest_of(story: ColumnElement[str]) -> ScalarSelect[int]:
    """The number of the latest statement of *story*."""
    others = statements.alias()
    return select(func.max(others.c.version)).where(others.c.story_id == story).scalar_subquery()


_LAST = select(statements).where(
    statements.c.story_id.in_(bindparam("ids", expanding=True)),
    statements.c.version == latest_of(statements.c.story_id),
)


def statement_of(row: Row[Any]) -> StatementRow:
    """The statement in a row with all of ``statements``."""
    token = packing.unpack_statement(row.packed) if row.packed is not None else row.jws
    return StatementRow(row.story_id, row.version, row.kid, row.digest, token, row.checkpoint)


def statements_of(conn: Connection, story: str) -> list[StatementRow]:
    """Every statement of the story, oldest first."""
    rows = conn.execute(
        select(statements).where(statements.c.story_id == story).order_by(statements.c.version)
    )
    return [statement_of(row) for row in rows]


def stories_signed_by(conn: Connection, kid: str) -> list[str]:
    """Ids of the stories whose latest statement the key *kid* signed."""
    later = statements.alias()
    newest = select(func.max(later.c.version)).where(later.c.story_id == statements.c.story_id)
    rows = conn.execute(
        select(statements.c.story_id)
        .where(statements.c.kid == kid, statements.c.version == newest.scalar_subquery())
        .order_by(statements.c.story_id)
    )
    return list(rows.scalars())


def add_statements(conn: Connection, rows: Sequence[StatementRow]) -> None:
    """Keep new statements; fails when a story has one of that number already."""
    made = []
    for row in rows:
        packed = packing.pack_statement(row.token)
        made.append(
            {
                "story_id": row.story_id,
                "version": row.version,
                "kid": row.kid,
                "digest": row.digest,
                "jws": row.token if packed is None else "",
                "packed": packed,
                "checkpoint": row.checkpoint,
            }
        )
    if made:
        conn.execute(_ADD_STATEMENTS, made)


_ADD_STATEMENTS = insert(statements)


# Receipts and the log


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt that is to become a leaf of the log, with the version that it is for.

    ``leaf`` is without its time in the log, and ``hash``, which identifies it, the leaf hash of
    that.
    """

    hash: bytes
    story_id: str
    capture_id: int
    position: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where a receipt stands in its log, counted from the first leaf of that, and since when; and
    the log's latest checkpoint."""

    index: int
    logged_at: datetime
    checkpoint: str


class Leaf(NamedTuple):
    """A leaf of the log, and the ``hash`` that identifies its receipt."""

    hash: bytes
    leaf: bytes


@dataclass(frozen=True, slots=True)
class LogHead:
    """A log: its name, its public key as a JWK has it, how long it is, its signed checkpoint.

    ``id`` is 1 for the first; the log is the last one that began. ``first`` is how many leaves the
    ones before it have.
    """

    origin: str
    x: str
    size: int
    checkpoint: str
    id: int = 1
    first: int = 0


def add_receipts(conn: Connection, found: Sequence[Receipt]) -> None:
    """Write receipts that wait to be appended; those that are there already stay as they are."""
    rows = [members(each) for each in found]
    # In one order, so that two transactions that write the same rows cannot deadlock.
    rows.sort(key=lambda row: row["hash"])
    for at in range(0, len(rows), STEP):
        conn.execute(_add_receipts(conn.dialect.name), rows[at : at + STEP])


@cache
def _add_receipts(dialect: str) -> Executable:
    return upsert(dialect, receipts).on_conflict_do_nothing(index_elements=["hash"])


def receipt_places(conn: Connection, hashes: Iterable[bytes]) -> dict[bytes, LogPlace | None]:
    """The places in the log of the receipts with these hashes, None for those that wait; a receipt
    that is not in the store is not in the result."""
    found: dict[bytes, LogPlace | None] = {}
    wanted = sorted(set(hashes))
    for at in range(0, len(wanted), STEP):
        for row in conn.execute(_PLACES, {"hashes": wanted[at : at + STEP]}):
            found[row.hash] = None
            if row.idx is not None:
                found[row.hash] = LogPlace(row.idx - row.first, row.logged_at, row.checkpoint)
    return found


def _places() -> Select[Any]:
    in_it = and_(
        translog.c.first <= receipts.c.idx, receipts.c.idx < translog.c.first + translog.c.size
    )
    return (
        select(
            *(receipts.c.hash, receipts.c.idx, receipts.c.logged_at),
            *(translog.c.first, translog.c.checkpoint),
        )
        .select_from(receipts.join(translog, in_it, isouter=True))
        .where(receipts.c.hash.in_(bindparam("hashes", expanding=True)))
    )


_PLACES = _places()


def receipts_wait(conn: Connection) -> str | None:
    """None when no receipt waits to be appended. Else the random number that is noted in the
    database (:func:`stories.db.key_value.identity`), which a standby or a copy of it has, too, and
    by whatever address it is reached; empty as long as there is none."""
    row = conn.execute(_WAIT).first()
    return None if row is None else row.number or ""


_NOTED = select(notes.c.value).where(notes.c.key == IDENTITY).scalar_subquery()
_WAIT = select(_NOTED.label("number")).where(receipts.c.idx.is_(None)).limit(1)


def waiting_receipts(conn: Connection, limit: int) -> list[Leaf]:
    """Up to *limit* receipts that wait, in the order received, without their time in the log."""
    return [Leaf(r.hash, r.leaf) for r in conn.execute(_WAITING, {"most": limit})]


_WAITING = (
    select(receipts.c.hash, receipts.c.leaf)
    .where(receipts.c.idx.is_(None))
    .order_by(receipts.c.capture_id, receipts.c.position, receipts.c.hash)
    .limit(bindparam("most", type_=Integer()))
)


def number_receipts(conn: Connection, leaves: Sequence[Leaf], first: int, at: datetime) -> None:
    """Number receipts from *first* on, over all logs; each becomes its leaf, logged *at*."""
    rows = [
        {"which": each.hash, "place": place, "whole": each.leaf, "at": at}
        for place, each in enumerate(leaves, start=first)
    ]
    if rows:
        conn.execute(_NUMBER, rows)


_NUMBER = (
    update(receipts)
    .where(receipts.c.hash == bindparam("which"))
    .values(idx=bindparam("place"), leaf=bindparam("whole"), logged_at=bindparam("at"))
)


class DeskAct(NamedTuple):
    """A headline of the desk, or what it did about whether a story is published."""

    kind: str
    story_id: str
    by: str
    at: datetime

    def __str__(self) -> str:
        return f"{self.kind} of story {self.story_id} by {self.by} at {self.at:%Y-%m-%d %H:%M:%SZ}"


def last_acts(conn: Connection, most: int) -> list[DeskAct]:
    """What the desk did, among the *most* headlines and as many acts, the agencies' as well, that
    came last; the oldest first."""
    found = [
        DeskAct(*row[:4]) for row in conn.execute(_LAST_ACTS, {"most": most}) if row[4] is None
    ]
    return sorted(found, key=lambda each: each.at)


def _last_of(table: Table, kind: ColumnElement[str], capture: ColumnElement[Any]) -> Select[Any]:
    came = select(kind.label("kind"), table.c.story_id, table.c.by, table.c.at, capture)
    came = came.order_by(table.c.id.desc()).limit(bindparam("most", type_=Integer))
    return select(came.subquery())


_LAST_ACTS = union_all(
    _last_of(headlines, literal("headline"), cast(null(), BigInteger).label("capture_id")),
    _last_of(acts, acts.c.kind, acts.c.capture_id),
)


def last_logged_at(conn: Connection, head: LogHead) -> datetime | None:
    """When the last leaf was appended to the log of *head*; None when that is not known."""
    return conn.execute(_LOGGED_AT, {"place": head.first + head.size - 1}).scalar()


_LOGGED_AT = select(receipts.c.logged_at).where(receipts.c.idx == bindparam("place"))


def log_head(conn: Connection) -> LogHead | None:
    """The log as it is, None before it has begun."""
    return _log_head(conn, lock=False)


def lock_log(conn: Connection) -> LogHead | None:
    """The same; nobody else appends, or begins another one, until the transaction ends."""
    found = _log_head(conn, lock=True)
    # Whoever held it before may have begun another.
    while (newest := _log_head(conn, lock=True)) != found:
        found = newest
    return found


def _log_head(conn: Connection, *, lock: bool) -> LogHead | None:
    row = conn.execute(_LOCKED_HEAD if lock else _HEAD).mappings().first()
    return None if row is None else LogHead(**row)


def logs(conn: Connection) -> list[LogHead]:
    """Every log, the first one first; the last is the one that receipts go into."""
    return [LogHead(**row) for row in conn.execute(_LOGS).mappings()]


_LOGS = select(translog).order_by(translog.c.id)
_HEAD = select(translog).order_by(translog.c.id.desc()).limit(1)
_LOCKED_HEAD = _HEAD.with_for_update()


def begin_log(conn: Connection, found: LogHead) -> None:
    """Begin a log."""
    conn.execute(insert(translog).values(**asdict(found)))


def advance_log(conn: Connection, head: LogHead, size: int, checkpoint: str) -> None:
    """The log of *head* has grown to *size*, as *checkpoint* states."""
    conn.execute(_ADVANCE, {"which": head.id, "length": size, "signed": checkpoint})


_ADVANCE = (
    update(translog)
    .where(translog.c.id == bindparam("which"))
    .values(size=bindparam("length"), checkpoint=bindparam("signed"))
)


def tile(conn: Connection, log: int, level: int, number: int) -> bytes:
    """The hashes of a tile of the log whose id is *log* so far, empty for one that is not there."""
    return conn.execute(_TILE, {"log_id": log, "of": level, "at": number}).scalar() or b""


_TILE = select(tiles.c.hashes).where(
    tiles.c.log == bindparam("log_id"),
    tiles.c.level == bindparam("of"),
    tiles.c.number == bindparam("at"),
)


def put_tiles(conn: Connection, log: int, changed: dict[tuple[int, int], bytes]) -> None:
    """Write tiles that have grown."""
    rows = [
        {"log": log, "level": level, "number": at, "hashes": h}
        for (level, at), h in changed.items()
    ]
    if rows:
        conn.execute(replacing(conn.dialect.name, tiles), rows)


def leaves(conn: Connection, first: int, count: int) -> list[bytes]:
    """Up to *count* leaves from number *first* on, over all logs."""
    query = select(receipts.c.leaf).where(receipts.c.idx >= first, receipts.c.idx < first + count)
    return list(conn.execute(query.order_by(receipts.c.idx)).scalars())


def copy(old: Connection, new: Connection) -> None:
    """Copy keys, statements and the whole log into another store that has none."""
    for table in (signing_keys, translog, tiles, receipts, statements):
        rows = old.execute(select(table).execution_options(yield_per=STEP))
        for part in rows.mappings().partitions():
            new.execute(insert(table), [dict(r) for r in part])
