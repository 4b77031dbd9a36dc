"""What is kept, and for how long: the queries of housekeeping.

What is deleted by age:

* The **bytes** of a capture older than ``retention.captures``; but never those of its wire's newest
  capture, nor those that brought the current version of a story that is still on its wire, however
  long it has been there. Bytes that several captures share are deleted with the last of them.
* A **story**, with all its rows, that neither wire nor desk has touched for ``retention.versions``,
  that is neither on its wire nor in a feed, and that is in no capture which still has its bytes.
  Until then its keys are kept, so it is recognised however late it returns. One that the desk
  killed or held is kept for good: it must be known when the agency sends it again.
* A **version** of the same age that another has replaced; but not the first, whose date is
  published, nor one to which a capture that can be taken in again is compared.
* A **capture**'s row older than ``retention.versions`` when nothing remains that it brought.

A **key** known to name several stories is kept for good: without it they would become one story.

"Still on its wire" means: in the newest capture of its wire that could be taken in. A wire that
answers "not modified" for months still has what it had.

When a licence ends, the bytes are deleted whatever their age, with the words of what they brought
and the pictures that are kept of it.
Every step is one small transaction; several processes may run them at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from stories.db import outbox as wishes
from stories.db import pictures, search, standing, storage
from stories.db.captures import unchain
from stories.db.engine import Store
from stories.db.stories import CONTENT, WITHDRAWN, content, kept, settle, withdrawn
from stories.db.tables import (
    acts,
    blobs,
    captures,
    departures,
    entries,
    headlines,
    identities,
    outbox,
    placements,
    problems,
    settled,
    settlings,
    stories,
    versions,
)

STEP = 500
"""Most rows that one transaction deletes: some tens of milliseconds in which SQLite's other writers
wait."""


def _newest(wire: ColumnElement[str], *around: Any) -> ColumnElement[datetime]:
    """When the newest capture of *wire* that could be taken in was received, of those that show all
    that stands there."""

    def of(state: str) -> Any:
        one = captures.alias()
        query = select(one.c.received_at).where(one.c.state == state, one.c.wire == wire)
        query = query.where(one.c.partial.is_(False))
        return query.order_by(one.c.received_at.desc()).limit(1).correlate(*around)

    # Two look-ups in an index: one over both states would sort all that the wire ever sent.
    return func.coalesce(of("ingested").scalar_subquery(), of(WITHDRAWN).scalar_subquery())


def _passed(received_at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """The capture is neither its wire's newest nor the newest that could be taken in."""
    other = captures.alias()
    last = select(func.max(other.c.id)).where(other.c.wire == captures.c.wire)
    newest = _newest(captures.c.wire, captures)
    return and_(
        captures.c.id < last.correlate(captures).scalar_subquery(),
        or_(newest.is_(None), received_at < newest),
    )


def expire(conn: Connection, before: datetime, now: datetime, limit: int) -> int:
    """Delete the bytes of up to *limit* captures received before *before*; how many captures."""
    current = exists(
        select(versions.c.story_id)
        .select_from(versions)
        .join(
            stories,
            and_(stories.c.id == versions.c.story_id, stories.c.capture_id == captures.c.id),
        )
        .where(
            versions.c.capture_id == captures.c.id,
            or_(
                stories.c.last_seen_at >= _newest(captures.c.wire, captures),
                standing.stands(stories.c.id, stories.c.wire),
            ),
        )
        .correlate(captures)
    )
    chosen = (
        select(captures.c.id, captures.c.digest)
        .where(
            captures.c.expired_at.is_(None),
            captures.c.received_at < before,
            captures.c.state != "pending",
            _passed(captures.c.received_at),
            ~current,
        )
        # As the index has them whose bytes are kept: PostgreSQL would walk over those that went.
        .order_by(captures.c.expired_at, captures.c.received_at, captures.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=captures)
    )
    found = {r.id: r.digest for r in conn.execute(chosen)}
    held = _held(conn, found.values())
    gone = [i for i, digest in found.items() if digest not in held]
    if gone:
        conn.execute(update(captures).where(captures.c.id.in_(gone)).values(expired_at=now))
        _discard(conn, gone, [found[i] for i in gone])
    return len(gone)


def _held(conn: Connection, digests: Iterable[str]) -> set[str]:
    """Lock the bytes *digests*; returns those that another transaction, which needs them, holds."""
    names = sorted(set(digests))
    there = select(blobs.c.digest).where(blobs.c.digest.in_(names))
    ours = conn.execute(there.with_for_update(skip_locked=True)).scalars()
    return set(conn.execute(there).scalars()) - set(ours)


def _discard(conn: Connection, numbers: Sequence[int], digests: Sequence[str]) -> None:
    """Delete the bytes that no capture needs any more, and the problems of these captures."""
    # A statement after the one that locked: it sees every capture that came before the lock.
    needed = exists().where(captures.c.digest == blobs.c.digest, captures.c.expired_at.is_(None))
    chosen = select(blobs.c.digest).where(blobs.c.digest.in_(sorted(set(digests))), ~needed)
    gone = conn.execute(chosen).scalars().all()
    repacked = unchain(conn, gone)
    storage.changed(conn, numbers, repacked)
    conn.execute(delete(blobs).where(blobs.c.digest.in_(gone)))
    conn.execute(delete(problems).where(problems.c.capture_id.in_(numbers)))


def withdraw(conn: Connection, wire: str, until: datetime, now: datetime, limit: int) -> int:
    """Delete the copy of *wire* received at or before *until*, as its licence has ended: the bytes
    of up to *limit* captures, and the words of the versions they brought; how many captures."""
    chosen = (
        select(captures.c.id, captures.c.digest, captures.c.state)
        .where(
            captures.c.wire == wire,
            captures.c.received_at <= until,
            or_(
                captures.c.state == "ingested",
                and_(captures.c.state == "failed", captures.c.expired_at.is_(None)),
            ),
        )
        .order_by(captures.c.received_at, captures.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = {r.id: r for r in conn.execute(chosen)}
    held = _held(conn, (r.digest for r in rows.values()))
    gone = [i for i, r in rows.items() if r.digest not in held]
    if not gone:
        return 0
    ingested = [i for i in gone if rows[i].state == "ingested"]
    conn.execute(
        update(captures)
        .where(captures.c.id.in_(gone))
        .values(expired_at=func.coalesce(captures.c.expired_at, bindparam("now", now, _moment)))
    )
    conn.execute(update(captures).where(captures.c.id.in_(ingested)).values(state=WITHDRAWN))
    rows_brought = conn.execute(
        select(
            *(versions.c.story_id, versions.c.capture_id, *CONTENT),
            stories.c.capture_id.label("newest"),
        )
        .select_from(versions)
        .join(stories, stories.c.id == versions.c.story_id)
        .where(versions.c.capture_id.in_(ingested))
    )
    if brought := rows_brought.mappings().all():
        current = {r["story_id"] for r in brought if r["capture_id"] == r["newest"]}
        conn.execute(
            update(stories).where(stories.c.id.in_(sorted(current))).values(addresses=None)
        )
        conn.execute(
            update(versions)
            .where(versions.c.story_id == bindparam("s"), versions.c.capture_id == bindparam("c"))
            .values({name: bindparam(f"new_{name}") for name in _CONTENT_COLUMNS}),
            [_without_words(row) for row in brought],
        )
        pictures.forget(conn, sorted({r["story_id"] for r in brought}))
        wishes.want(conn, "story", current, now)
    _discard(conn, gone, [rows[i].digest for i in gone])
    return len(gone)


_moment = captures.c.received_at.type


_CONTENT_COLUMNS = ("data", "received", "packed", "updated")


def _without_words(row: RowMapping) -> dict[str, Any]:
    data, received = content(row)
    new = {f"new_{name}": value for name, value in kept(wordless(data), received).items()}
    return {"s": row["story_id"], "c": row["capture_id"], **new}


def wordless(data: Mapping[str, Any]) -> dict[str, Any]:
    """A version's data without the agency's copy; headline, dates and categories remain."""
    return {**data, "body": "", "summary": None, "media": []}


def first_received(
    conn: Connection, wire: str, after: tuple[datetime, str] | None, until: datetime, limit: int
) -> list[tuple[datetime, str]]:
    """First receipt and id of the wire's stories first received at or before *until*, ascending,
    from *after* (such a pair) on."""
    query = select(stories.c.first_received_at, stories.c.id).where(
        stories.c.wire == wire, stories.c.first_received_at <= until
    )
    if after is not None:
        at, name = after
        query = query.where(
            stories.c.first_received_at >= at,
            or_(stories.c.first_received_at > at, stories.c.id > name),
        )
    rows = conn.execute(query.order_by(stories.c.first_received_at, stories.c.id).limit(limit))
    return [(r.first_received_at, r.id) for r in rows]


def forgettable(conn: Connection, ids: Sequence[str], before: datetime) -> dict[str, list[str]]:
    """Those of *ids* that may be deleted (see above), by wire."""
    kept = captures.alias()
    whence = captures.alias()
    shared = identities.alias()
    query = select(stories.c.id, stories.c.wire).where(
        stories.c.id.in_(list(ids)),
        stories.c.last_seen_at < before,
        stories.c.changed_at < before,
        stories.c.last_seen_at < _newest(stories.c.wire, stories),
        ~standing.stands_anywhere(stories.c.id),
        # What is pending, or could not be taken in, may be this story again.
        ~exists().where(captures.c.state == "pending", captures.c.wire == stories.c.wire),
        ~exists().where(problems.c.wire == stories.c.wire),
        ~exists().where(acts.c.story_id == stories.c.id),
        ~exists().where(outbox.c.kind == "story", outbox.c.key == stories.c.id),
        ~exists().where(placements.c.story_id == stories.c.id, placements.c.digests.is_not(None)),
        ~exists().where(
            kept.c.wire.in_(_carrying(stories.c.id)),
            kept.c.expired_at.is_(None),
            kept.c.received_at.between(stories.c.first_received_at, stories.c.last_seen_at),
        ),
        ~exists(
            select(shared.c.digest)
            .join(whence, whence.c.id == shared.c.shared_from)
            .where(shared.c.story_id == stories.c.id, whence.c.expired_at.is_(None))
            .correlate(stories)
        ),
    )
    found = {r.id: r.wire for r in conn.execute(query)}
    by_wire: dict[str, list[str]] = {}
    for name, wire in found.items():
        by_wire.setdefault(wire, []).append(name)
    return by_wire


def _carrying(story: Any) -> Select[Any]:
    """In a query: the wires that carry *story*."""
    # Correlated by hand: SQLAlchemy would not, so far inside, and ask for all wires of all stories.
    carried = select(identities.c.wire).where(identities.c.story_id == story)
    return carried.correlate_except(identities)


def forget(conn: Connection, ids: Sequence[str]) -> None:
    """Delete the stories *ids*, which no feed shows, with all their rows."""
    standing.forget(conn, standing.touched(conn, ids))
    pictures.forget(conn, ids)
    search.forget(conn, ids)
    conn.execute(
        delete(identities).where(identities.c.story_id.in_(ids), identities.c.shared_from.is_(None))
    )
    for column in (
        versions.c.story_id,
        headlines.c.story_id,
        entries.c.story_id,
        placements.c.story_id,
        departures.c.story_id,
        settled.c.story_id,
        settlings.c.story_id,
        stories.c.id,
    ):
        conn.execute(delete(column.table).where(column.in_(ids)))


def replaced_before(
    conn: Connection, before: datetime, after: tuple[datetime, str] | None, limit: int
) -> list[tuple[datetime, str]]:
    """Receipt and story of up to *limit* versions received before *before*, ascending, from *after*
    (such a pair) on; none that is the first of its story."""
    at, name = versions.c.received_at, versions.c.story_id
    # Written out, so that the index of those is used.
    query = select(at, name).where(versions.c.number > literal_column("1"), at < before)
    if after is not None:
        query = query.where(at >= after[0], or_(at > after[0], name > after[1]))
    rows = conn.execute(query.order_by(at, name).limit(limit))
    return [(row.received_at, row.story_id) for row in rows]


def drop_replaced(conn: Connection, ids: Sequence[str], before: datetime) -> int:
    """Delete replaced versions of the stories *ids* received before *before*; how many. The first
    of each story is kept, and those to which a capture that still has its bytes is compared."""
    rows = conn.execute(
        select(
            stories.c.wire,
            stories.c.first_received_at,
            versions.c.story_id,
            versions.c.capture_id,
            versions.c.received_at,
        )
        .select_from(versions)
        .join(stories, stories.c.id == versions.c.story_id)
        .where(versions.c.story_id.in_(list(ids)))
        .order_by(versions.c.story_id, versions.c.capture_id)
    ).all()
    dropped = 0
    for at in range(1, len(rows) - 1):
        one, following = rows[at], rows[at + 1]
        if not (rows[at - 1].story_id == one.story_id == following.story_id):
            continue  # a story's first or last
        if not one.first_received_at < one.received_at < before or dropped >= STEP:
            continue
        building = select(captures.c.id).where(
            or_(captures.c.wire == one.wire, captures.c.wire.in_(_carrying(one.story_id))),
            captures.c.id.between(one.capture_id, following.capture_id),
            captures.c.expired_at.is_(None),
        )
        if conn.execute(building.limit(1)).first() is None:
            conn.execute(
                delete(versions).where(
                    versions.c.story_id == one.story_id, versions.c.capture_id == one.capture_id
                )
            )
            dropped += 1
    return dropped


def drop_captures(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to *limit* rows of captures received before *before* of which nothing remains."""
    chosen = (
        select(captures.c.id)
        .where(
            captures.c.received_at < before,
            captures.c.expired_at.is_not(None),
            _passed(captures.c.received_at),
            ~exists().where(versions.c.capture_id == captures.c.id),
            ~exists().where(acts.c.capture_id == captures.c.id),
        )
        .order_by(captures.c.received_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=captures)
    )
    numbers = list(conn.execute(chosen).scalars())
    if numbers:
        storage.changed(conn, numbers)
        conn.execute(delete(captures).where(captures.c.id.in_(numbers)))
    return len(numbers)


def copy_outcomes(old: Connection, new: Connection, wires: Sequence[str]) -> list[str]:
    """Copy what captures that cannot be taken in again have brought into another store: versions,
    keys, and the stories they belong to; ids of those stories.

    For a rebuild: the captures that still have their bytes are taken in after this.
    """
    kept = captures.alias()

    def gone(number: ColumnElement[Any]) -> ColumnElement[bool]:
        return ~exists().where(kept.c.id == number, kept.c.expired_at.is_(None))

    touched: set[str] = set()
    for wire in wires:
        here = select(versions).join(stories, stories.c.id == versions.c.story_id)
        left = here.where(stories.c.wire == wire, gone(versions.c.capture_id))
        for part in old.execute(left).mappings().partitions(STEP):
            new.execute(insert(versions), [dict(r) for r in part])
            touched.update(r["story_id"] for r in part)
        keys = select(identities).where(
            identities.c.wire == wire,
            or_(
                gone(identities.c.capture_id),
                and_(identities.c.shared_from.is_not(None), gone(identities.c.shared_from)),
            ),
        )
        for part in old.execute(keys).mappings().partitions(STEP):
            new.execute(insert(identities), [dict(r) for r in part])
    names = sorted(touched)
    for at in range(0, len(names), STEP):
        chunk = names[at : at + STEP]
        for table, column in ((stories, stories.c.id), (entries, entries.c.story_id)):
            # An entry is copied only where the words to render it from are gone.
            wanted = chunk if table is stories else sorted(withdrawn(old, chunk))
            rows = old.execute(select(table).where(column.in_(wanted))).mappings().all()
            if rows:
                new.execute(insert(table), [dict(r) for r in rows])
        settle(new, chunk)
    return names


PAGES = 2000
"""Free pages given back in one step: 8 MB."""


def tidy(store: Store) -> None:
    """What SQLite must be asked for, each bounded: pages given back to the file system, the log
    written home. PostgreSQL does both by itself.

    Never ANALYZE: each query has its index, which SQLite takes when it knows nothing of the rows.
    By a sample of them it may find that an index by feed or wire, of which there are few, is as
    good as none, and read all that ever came.
    """
    if store.dialect != "sqlite":
        return
    raw = store.engine.raw_connection()  # none of it may stand in a transaction
    try:
        cursor = raw.cursor()
        for pragma in (
            f"incremental_vacuum({PAGES})",
            "wal_checkpoint(PASSIVE)",  # does not wait for readers
        ):
            cursor.execute(f"PRAGMA {pragma}").fetchall()
        cursor.close()
    finally:
        raw.close()
