"""Captures and their bytes: written once, never changed, content-addressed.

A wire's next feed is nearly the one before, so its bytes are packed with that as zstd's dictionary:
real feeds then take a tenth or less of that. Each knows its parent and can be restored with it;
chains are short, and begin anew where a feed has become another one.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import product
from threading import Lock
from typing import Any

import zstandard
from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Row,
    RowMapping,
    ScalarSelect,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    true,
    update,
)

from stories.db.engine import resume_sequence, upsert
from stories.db.tables import blobs, captures, outbox, problems
from stories.models import INTAKE_RULE, Capture, Problem, body_digest

_LEVEL = 3
"""zstd's default: about gzip -9's size at a tenth of the time."""
DEEPEST = 63
"""How many parents one may have, one after the other: as many take some 2 ms to restore."""
TAKEN_IN = ("ingested", "withdrawn")
"""States of captures that were taken in: until their words were deleted with their licence."""
STATES = ("pending", "failed", *TAKEN_IN)
CHUNK = 400
"""Most values bound in one IN (…): far below SQLite's and PostgreSQL's limits."""
_NARROWEST = 12
_WORTH = 8
"""Bytes that do not shrink to this part of them against a parent are packed by themselves."""


@dataclass(frozen=True, slots=True)
class Received:
    """A response of *wire* that is to be kept. ``digest`` is that of ``body``, ``after`` that of
    what the wire sent before, if anything; ``key_set`` that of the agency's keys as pinned;
    ``partial`` as a capture has it."""

    wire: str
    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    digest: str
    after: str | None
    key_set: str | None = None
    partial: bool = False


def add(
    conn: Connection,
    wire: str,
    received_at: datetime,
    url: str,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    *,
    key_set: str | None = None,
    partial: bool = False,
) -> int:
    """Keep one response; its number."""
    after = conn.execute(_LATEST, {"sender": wire}).scalar()
    one = Received(wire, url, headers, body, body_digest(body), after, key_set, partial)
    return add_all(conn, received_at, [one])[wire]


_LATEST = (
    select(captures.c.digest)
    .where(captures.c.wire == bindparam("sender"))
    .order_by(captures.c.id.desc())
    .limit(1)
)


def newest_whole(conn: Connection, wire: str) -> str | None:
    """The digest of the newest capture of *wire* that shows all that stood there, None for none."""
    return conn.execute(_LATEST.where(captures.c.partial.is_(False)), {"sender": wire}).scalar()


def add_all(
    conn: Connection, received_at: datetime, received: Sequence[Received]
) -> dict[str, int]:
    """Keep a response of each of some wires; their numbers, by wire. The same bytes are stored
    once, however often received."""
    if not received:
        return {}
    _keep(conn, received)
    rows = [
        {
            "wire": one.wire,
            "received_at": received_at,
            "url": one.url,
            "headers": [[k, v] for k, v in one.headers],
            "digest": one.digest,
            "size": len(one.body),
            "rule": INTAKE_RULE,
            "key_set": one.key_set,
            "partial": one.partial,
        }
        for one in received
    ]
    return {row.wire: row.id for row in conn.execute(_ADD, rows)}


_ADD = insert(captures).returning(captures.c.wire, captures.c.id)


def get(conn: Connection, number: int) -> Capture | None:
    """The capture of that number, None when there is none."""
    row = conn.execute(select(captures).where(captures.c.id == number)).mappings().first()
    return None if row is None else Capture(**row)


def received(conn: Connection, wire: str, digest: str, since: datetime | None = None) -> int | None:
    """The newest capture of the bytes *digest* that *wire* has brought, *since* a time or ever;
    None for none."""
    found = (
        select(captures.c.id)
        .where(captures.c.digest == digest, captures.c.wire == wire)
        .where(true() if since is None else captures.c.received_at >= since)
        .order_by(captures.c.id.desc())
        .limit(1)
    )
    return conn.execute(found).scalar()


def several(conn: Connection, numbers: Sequence[int]) -> dict[int, Capture]:
    """The captures of these *numbers*, a few, that exist."""
    rows = conn.execute(_SEVERAL, {"numbers": numbers}).mappings()
    return {row["id"]: Capture(**row) for row in rows}


_SEVERAL = select(captures).where(captures.c.id.in_(bindparam("numbers", expanding=True)))


def body(conn: Connection, digest: str) -> bytes | None:
    """The bytes named *digest*, None when they have expired."""
    return bodies(conn, [digest]).get(digest)


def own_bytes(conn: Connection, number: int, start: int, end: int) -> bytes | None:
    """The bytes from *start* to *end* of capture *number*, those of an item; all where its place is
    not known (:class:`stories.db.stories.VersionRow`). None when they have expired."""
    capture = get(conn, number)
    sent = body(conn, capture.digest) if capture is not None else None
    return sent[start:end] if sent is not None and 0 <= start < end else sent


def bodies(conn: Connection, digests: Collection[str]) -> dict[str, bytes]:
    """The bytes named *digests*, a few, those that have not expired."""
    names = sorted(set(digests))
    return dict(_restored(conn, conn.execute(_NAMED, {"names": names}).all()))


def _restored(conn: Connection, rows: Sequence[Row[Any]]) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of *rows*, one after the other; without any whose parents are lost, which
    retention prevents."""
    near = {name for row in rows for name in (row.digest, row.parent) if name is not None}
    known = {name: whole for name in near if (whole := _recent.get(name)) is not None}
    by_name = {row.digest: row for row in rows}
    far = [r.digest for r in rows if r.parent and known.keys().isdisjoint((r.digest, r.parent))]
    if far:  # in one statement: what it finds fits together, whatever is unchained meanwhile
        by_name |= {row.digest: row for row in conn.execute(_CHAINS, {"names": far})}
    for row in rows:
        if (whole := _whole(row.digest, by_name, known)) is not None:
            _recent.keep(row.digest, whole, instead=row.parent)
            yield row.digest, whole


def _whole(
    name: str | None, rows: Mapping[str, Row[Any]], known: Mapping[str, bytes]
) -> bytes | None:
    """The bytes *name*: along *rows* from the next that is *known*, or packed by itself."""
    way: list[Row[Any]] = []
    while name is not None and name not in known:
        if name not in rows:
            return None
        way.append(rows[name])
        name = rows[name].parent
    whole = None if name is None else known[name]
    for row in reversed(way):
        whole = _unpacked(row.data, row.size, whole)
    return whole


class _Recent:
    """Bytes that were kept or read lately, *limit* bytes of them: what comes next is packed against
    them. The oldest go first. For any number of threads.

    They are named by what they are, so they can never be others; whether they are kept still, only
    the database says.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._bodies: dict[str, bytes] = {}
        self._lock = Lock()

    def get(self, name: str) -> bytes | None:
        """The bytes *name*, if they are here."""
        return self._bodies.get(name)

    def keep(self, name: str, body: bytes, instead: str | None) -> None:
        """Have *body* here as the newest, *instead* of what it is packed against."""
        with self._lock:
            for old in (name, instead):
                self._size -= len(self._bodies.pop(old or "", b""))
            if len(body) <= self._limit // 4:  # else it would drive out too many
                self._bodies[name] = body
                self._size += len(body)
            while self._size > self._limit:
                self._size -= len(self._bodies.pop(next(iter(self._bodies))))


_recent = _Recent(16 << 20)

# Statements are made once: to make one takes several times what it takes to carry it out.

_NAMED = select(blobs).where(blobs.c.digest.in_(bindparam("names", expanding=True)))


def _chains() -> Select[Any]:
    chain = _NAMED.cte("chain", recursive=True)
    return select(chain.union_all(select(blobs).join(chain, blobs.c.digest == chain.c.parent)))


_CHAINS = _chains()


def _keep(conn: Connection, received: Sequence[Received]) -> None:
    """Keep the bytes of what was *received*, packed against what the wire sent before where that
    makes them small."""
    fresh = {one.digest: one for one in received}
    packed: dict[str, dict[str, Any]] = {}
    # Bytes that are there already may be expiring in another transaction (on PostgreSQL; SQLite has
    # one writer): locked until we commit or, if they are gone, written again.
    while lacking := fresh.keys() - conn.execute(_HELD, {"names": list(fresh)}).scalars():
        packed = packed or _packed(conn, [fresh[name] for name in lacking])
        # In the order of their names: two transactions that keep the same bytes cannot wait for
        # each other.
        conn.execute(_add_blob(conn.dialect.name), [packed[name] for name in sorted(lacking)])
    for one in fresh.values():
        _recent.keep(one.digest, one.body, instead=one.after)


# Locked against being deleted only: unchaining, which changes them, waits for nobody.
_HELD = (
    select(blobs.c.digest)
    .where(blobs.c.digest.in_(bindparam("names", expanding=True)))
    .with_for_update(read=True, key_share=True)
)


@cache
def _add_blob(dialect: str) -> Executable:
    return upsert(dialect, blobs).on_conflict_do_nothing(index_elements=["digest"])


def _packed(conn: Connection, received: Sequence[Received]) -> dict[str, dict[str, Any]]:
    """Rows of the bytes of what was *received*, by digest."""
    found: dict[str, dict[str, Any]] = {}
    names = sorted({one.after for one in received if one.after is not None})
    parents = conn.execute(_PARENTS, {"names": names}).all()
    depths = {row.digest: row.depth for row in parents}
    for name, whole in _restored(conn, parents):
        for one in received:
            if one.after == name != one.digest:
                data = _pack(one.body, whole)
                if len(data) * _WORTH <= len(one.body):
                    found[one.digest] = _row(one, data, name, depths[name] + 1)
    return {one.digest: found.get(one.digest) or _row(one, _pack(one.body)) for one in received}


def _row(one: Received, data: bytes, parent: str | None = None, depth: int = 0) -> dict[str, Any]:
    size = len(one.body)
    return {"digest": one.digest, "data": data, "size": size, "parent": parent, "depth": depth}


# Locked, so that nobody lets them expire before their children are seen.
_PARENTS = _NAMED.where(blobs.c.depth < DEEPEST).with_for_update(read=True, key_share=True)


def unchain(conn: Connection, digests: Sequence[str]) -> Sequence[str]:
    """Pack by itself what is packed against *digests*, which are about to be deleted; its
    digests."""
    against = select(blobs.c.digest).where(
        blobs.c.parent.in_(digests), blobs.c.digest.not_in(digests)
    )
    children = conn.execute(against).scalars().all()
    for child in children:
        if (whole := body(conn, child)) is not None:
            packed = {"data": _pack(whole), "parent": None, "depth": 0}
            conn.execute(update(blobs).where(blobs.c.digest == child).values(packed))
    return children


def _pack(body: bytes, against: bytes | None = None) -> bytes:
    if against is None:
        return zstandard.ZstdCompressor(level=_LEVEL).compress(body)
    # Nearly all the time goes into the index of what it is packed against. At this level zstd makes
    # that of one size, too large for usual feeds and too small for those of a megabyte, and looks
    # back two megabytes at most. What comes again comes in long stretches: a sparse index finds it,
    # and one does so in four fifths of the time of zstd's two, 3 % larger.
    width = max(len(against).bit_length() - 3, _NARROWEST)
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL,
        strategy=zstandard.STRATEGY_FAST,
        window_log=max((len(body) + len(against)).bit_length(), zstandard.WINDOWLOG_MIN),
        hash_log=width,
        min_match=7,
    )
    known = _dictionary(against)
    return zstandard.ZstdCompressor(dict_data=known, compression_params=parameters).compress(body)


def _unpacked(data: bytes, size: int, against: bytes | None) -> bytes:
    known = None if against is None else _dictionary(against)
    return zstandard.ZstdDecompressor(dict_data=known).decompress(data, max(size, 1))


def _dictionary(of: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(of, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


_firsts = captures.alias()


def first_of(wire: ColumnElement[str]) -> ScalarSelect[int]:
    """In a query: the number of the first capture of *wire* that held an item; where there is none,
    that of another wire.

    Asked in the order of the index of wires and numbers, PostgreSQL uses that; of one wire alone it
    may walk by number over all that others sent.
    """
    return (
        select(_firsts.c.id)
        .where(_firsts.c.wire >= wire, _firsts.c["items"] > 0)
        .order_by(_firsts.c.wire, _firsts.c.id)
        .limit(1)
        .scalar_subquery()
    )


Pending = dict[str, list[tuple[int, int]]]
"""By wire: numbers and sizes of captures that wait to be taken in, in the order received."""

_PENDING = select(captures.c.wire, captures.c.id, captures.c.size).where(
    captures.c.state == "pending", captures.c.wire.in_(bindparam("names", expanding=True))
)


def pending(conn: Connection, wires: Sequence[str]) -> Pending:
    """The captures of the *wires* that wait to be taken in."""
    found: Pending = {name: [] for name in wires}
    for row in conn.execute(_PENDING, {"names": wires}) if wires else ():
        found[row.wire].append((row.id, row.size))
    # Sorted here: asked to, a database walks by number over all that the wire ever sent.
    return {name: sorted(waiting) for name, waiting in found.items()}


def pending_numbers(conn: Connection, wires: Collection[str]) -> dict[int, str]:
    """The captures of the *wires* that wait to be taken in, each with its wire; without those of
    wires on which that failed."""
    query = select(captures.c.id, captures.c.wire).where(
        captures.c.state == "pending",
        captures.c.wire.in_(wires),
        outbox.c.kind == "ingest",
        outbox.c.error.is_(None),
    )
    rows = conn.execute(query.join_from(captures, outbox, outbox.c.key == captures.c.wire))
    return {row.id: row.wire for row in rows}


def wires_pending(conn: Connection) -> list[str]:
    """The wires that have a capture waiting to be taken in."""
    rows = conn.execute(select(captures.c.wire).where(captures.c.state == "pending").distinct())
    return sorted(rows.scalars())


def settle(conn: Connection, found: Mapping[int, Mapping[str, Any]]) -> None:
    """Write how taking captures in ended, by number: state, format, counts, notes; of all the same
    columns."""
    rows = [{"number": number, **values} for number, values in found.items()]
    if rows:
        conn.execute(update(captures).where(captures.c.id == bindparam("number")), rows)


def _between(
    query: Select[Any],
    wire: ColumnElement[str],
    at: ColumnElement[datetime],
    which: tuple[str | None, datetime | None, datetime | None],
) -> Select[Any]:
    """*query* of those of a wire (None: of all), since and until (None: without end)."""
    name, since, until = which
    if name is not None:
        query = query.where(wire == name)
    if since is not None:
        query = query.where(at >= since)
    if until is not None:
        query = query.where(at < until)
    return query


def listing(
    conn: Connection,
    *,
    wires: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    states: Sequence[str] | None = None,
    quarantined: bool = False,
    limit: int = 100,
) -> list[Capture]:
    """The newest *limit* captures that match, newest first; with *quarantined* only those that
    could not be taken in, or not with all items."""
    number, at = captures.c.id, captures.c.received_at
    timed = since is not None or until is not None
    rows: list[RowMapping] = []
    # Of each wire by itself, and of each state, in the order of an index: so the walk along it ends
    # at the limit.
    names = [None] if wires is None else sorted(set(wires))
    split = timed and wires is not None
    for wire, state in product(names, states or (STATES if split else (None,))):
        which = (wire, since, until)
        query = _between(select(captures), captures.c.wire, at, which)
        if state is not None:
            query = query.where(captures.c.state == state)
        if quarantined:  # problems are few, and have wire and time of their captures
            bad = _between(select(problems.c.capture_id), problems.c.wire, problems.c.at, which)
            newest = bad.distinct().order_by(problems.c.capture_id.desc()).limit(limit)
            query = query.where(number.in_(newest))
        elif timed:
            query = query.order_by(at.desc())
        rows += conn.execute(query.order_by(number.desc()).limit(limit)).mappings()
    rows.sort(key=lambda row: int(row["id"]), reverse=True)
    return [Capture(**r) for r in rows[:limit]]


def wires_captured(conn: Connection) -> list[str]:
    """Every wire that has a capture, configured or not."""
    # From name to name along an index: DISTINCT reads every row of it.
    name = select(func.min(captures.c.wire).label("name")).cte("names", recursive=True)
    following = select(func.min(captures.c.wire)).where(captures.c.wire > name.c.name)
    every = name.union_all(
        select(following.correlate(name).scalar_subquery()).where(name.c.name.is_not(None))
    )
    found = conn.execute(select(every.c.name).where(every.c.name.is_not(None))).scalars()
    return sorted(n for n in found if n is not None)


def ids_taken_in(
    conn: Connection,
    wire: str,
    *,
    expired: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int = 0,
    only: Collection[int] | None = None,
) -> list[int]:
    """Numbers of the wire's captures that match, come after *after* and are not pending, in the
    order received: those that have their bytes or, with *expired*, those whose bytes are gone; of
    the numbers *only*, where given."""
    which = (wire, since, until)
    query = _between(select(captures.c.id), captures.c.wire, captures.c.received_at, which).where(
        captures.c.state.in_(("failed", *TAKEN_IN)),
        captures.c.expired_at.is_not(None) if expired else captures.c.expired_at.is_(None),
    )
    if after:
        query = query.where(captures.c.id > after)
    if only is None:
        return sorted(conn.execute(query).scalars())  # sorted here, as in ids_pending
    wanted = sorted(only)
    parts = (wanted[at : at + CHUNK] for at in range(0, len(wanted), CHUNK))
    return [
        number
        for part in parts
        for number in sorted(conn.execute(query.where(captures.c.id.in_(part))).scalars())
    ]


def problem(conn: Connection, found: Sequence[Problem], instead: Sequence[int] = ()) -> None:
    """Keep the problems *found*, in the place of those that the captures *instead* had."""
    if instead:
        conn.execute(delete(problems).where(problems.c.capture_id.in_(instead)))
    if found:
        conn.execute(
            insert(problems),
            [
                {
                    "wire": p.wire,
                    "capture_id": p.capture_id,
                    "position": p.position,
                    "state": p.state,
                    "message": p.message,
                    "at": p.at,
                    "digest": p.digest,
                }
                for p in found
            ],
        )


def problems_listing(conn: Connection, limit: int = 100) -> list[Problem]:
    """The newest *limit* problems, newest first."""
    rows = conn.execute(
        select(*(c for c in problems.c if c.name != "id"))
        .order_by(problems.c.id.desc())
        .limit(limit)
    )
    return [Problem(**r) for r in rows.mappings()]


def problems_of(conn: Connection, capture_id: int) -> list[Problem]:
    """The problems of one capture, in document order."""
    rows = conn.execute(
        select(*(c for c in problems.c if c.name != "id"))
        .where(problems.c.capture_id == capture_id)
        .order_by(problems.c.position)
    )
    return [Problem(**r) for r in rows.mappings()]


def problems_count(conn: Connection) -> int:
    """How many captures and items are in quarantine."""
    return int(conn.execute(select(func.count()).select_from(problems)).scalar_one())


def quarantined(conn: Connection) -> set[int]:
    """Numbers of the captures that are in quarantine, whole or with some of their items."""
    return set(conn.execute(select(problems.c.capture_id).distinct()).scalars())


def copy(source: Connection, target: Connection, wire: str) -> int:
    """Copy the captures of *wire* with their bytes and numbers into another store, as just
    received; how many are to be taken in there.

    One whose bytes have expired is copied as it is: it cannot be taken in again.
    """
    fresh = {"state": "pending", "format": "", "items": 0, "new": 0, "updated": 0, "notes": []}
    count = 0
    after: str | None = None
    numbers = select(captures.c.id).where(captures.c.wire == wire).order_by(captures.c.id)
    for number in source.execute(numbers).scalars().all():
        row = source.execute(select(captures).where(captures.c.id == number)).mappings().one()
        values = dict(row)
        if row["expired_at"] is None:
            after = copy_bytes(source, target, row, after)
            values |= fresh
            count += 1
        target.execute(
            upsert(target, captures).values(values).on_conflict_do_nothing(index_elements=["id"])
        )
    resume_sequence(target, captures.c.id)
    return count


def copy_bytes(
    source: Connection, target: Connection, row: RowMapping, after: str | None = None
) -> str | None:
    """Copy the bytes of the capture in *row* into another store; the digest of what its wire has
    sent last of what is there, which was *after* until now."""
    bytes_ = body(source, row["digest"])
    if bytes_ is None:
        return after
    _keep(target, [Received(row["wire"], row["url"], row["headers"], bytes_, row["digest"], after)])
    return str(row["digest"])
