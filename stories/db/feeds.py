"""Rendered entries, their places in feeds, and the feeds as lists of what they show.

A feed is kept nowhere whole. Of each entry that some feed shows the bytes are kept, packed; and
each place in a feed that is shown has the digests of those bytes. What changes a list, its entries
and what is told of the feed (entity tags, Last-Modified) is one transaction, so that one snapshot
has all that a feed is joined of.
"""

import base64
import hashlib
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import cache
from html import escape
from itertools import accumulate, chain, pairwise
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Executable,
    Integer,
    RowMapping,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
    union_all,
    update,
)

from stories.db.captures import first_of
from stories.db.engine import replacing, upsert
from stories.db.outbox import for_the_desk
from stories.db.packing import Packers
from stories.db.proofs import KEYS_HELD, latest_of, statement_of
from stories.db.tables import (
    UtcDateTime,
    captures,
    departures,
    entries,
    feeds,
    outbox,
    placements,
    sequences,
    statements,
    stories,
)
from stories.models import StatementRow
from wirecopy.jose import in_xml
from wirecopy.scope import Scope

Format = Literal["rss", "atom", "json"]
FORMATS: tuple[Format, ...] = ("rss", "atom", "json")

_LEVEL = 3
"""Of zstd: 5.5 kB for the three formats of a story of 5 kB, in 0.07 ms."""


_own = Packers(_LEVEL)

_DIGEST = 24
"""Characters of what :func:`digest_of` gives."""

_LENGTHS = struct.Struct(">II")
_HEAD = struct.Struct(">I32s6I")
_APART = 0xFFFFFFFF
"""In place of a length: an entry packed without its statement."""
_SOUGHT = 32
"""Bytes of a statement, its last, by which it is found: with all of them that takes ten times as
long."""

_PUBLISHING = 0x46454544  # any constant of our own; "FEED"


def digest_of(parts: Iterable[bytes]) -> str:
    """A digest of *parts* one after the other, short enough for lists and entity tags."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return base64.urlsafe_b64encode(whole.digest()[:18]).decode()


def digests_of(written: Mapping[Format, bytes]) -> str:
    """The digests of an entry in each of :data:`FORMATS`, one after the other."""
    return "".join(digest_of([written[format]]) for format in FORMATS)


def document_digest(format: Format, around: tuple[bytes, bytes], entries: Iterable[str]) -> str:
    """A digest of a document by all that it is joined of: what stands *around* its entries, and the
    digests of those, as :func:`digests_of` gave them."""
    at = FORMATS.index(format) * _DIGEST
    theirs = "".join([each[at : at + _DIGEST] for each in entries])
    return digest_of([*around, theirs.encode()])


def pack(written: Mapping[Format, bytes], statement: str = "") -> bytes:
    """An entry in every format as it is kept: together, as they carry the same body.

    The *statement* that stands in each is left out. It is kept by itself, and no packer makes it
    smaller.
    """
    stated = _stated(statement)
    around = [_around(written[format], stated[format]) for format in FORMATS]
    if all(around):
        pieces = [*chain.from_iterable(around)]
        head = _HEAD.pack(_APART, hashlib.sha256(stated["json"]).digest(), *map(len, pieces))
    else:
        pieces = [written[format] for format in FORMATS]
        head = _LENGTHS.pack(*map(len, pieces[:2]))
    packed: bytes = _own.packer.compress(b"".join((head, *pieces)))
    return packed


def _stated(statement: str) -> dict[Format, bytes]:
    """How *statement* stands in an entry, by format."""
    xml = escape(in_xml(statement), quote=False).encode()
    return {"rss": xml, "atom": xml, "json": statement.encode()}


def _around(entry: bytes, statement: bytes) -> tuple[bytes, ...]:
    """What stands before *statement* in *entry*, and behind; empty where it does not stand."""
    end = entry.rfind(statement[-_SOUGHT:]) + len(statement[-_SOUGHT:])
    at = end - len(statement)
    found = statement and at >= 0 and entry.startswith(statement, at)
    return (entry[:at], entry[end:]) if found else ()


def unpack(packed: bytes, statement: str = "") -> dict[Format, bytes]:
    """What :func:`pack` was given. *statement* is the latest of its story: an entry is kept anew
    with each.

    :raises ValueError: when it is not the one that was left out.
    """
    whole: bytes = _own.unpacker.decompress(packed)
    rss, atom = _LENGTHS.unpack_from(whole)
    if rss != _APART:
        at = _LENGTHS.size
        end = at + rss + atom
        return {"rss": whole[at : at + rss], "atom": whole[at + rss : end], "json": whole[end:]}
    _, digest, *lengths = _HEAD.unpack_from(whole)
    stated = _stated(statement)
    if hashlib.sha256(stated["json"]).digest() != digest:
        raise ValueError("the statement is not the one that the entry was packed with")
    ends = pairwise(accumulate(lengths, initial=_HEAD.size))
    pieces = [whole[begin:end] for begin, end in ends]
    return {
        format: stated[format].join(pieces[2 * at : 2 * at + 2])
        for at, format in enumerate(FORMATS)
    }


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One story as rendered, with what was measured of it.

    ``digests`` are those of its bytes, empty when it has none, as its licence is over. ``packed``
    are the bytes themselves (:func:`unpack`), None while no feed shows it; but what was rendered
    before feeds were lists has them until it is rendered again.
    """

    story_id: str
    changed_at: datetime
    scope: Scope
    edited_headline_only: bool
    disclosure: str
    url: str
    measurement: dict[str, Any]
    rendered_at: datetime
    digests: str
    packed: bytes | None


@dataclass(frozen=True, slots=True)
class FeedRow:
    """What is told of a feed in one format: its strong ETag, when it last became different, and how
    many entries it has. ``digest`` is of all that it is joined of."""

    name: str
    format: Format
    digest: str
    etag: str
    modified_at: datetime
    entries: int


def lock(conn: Connection, *, keys: bool = False) -> None:
    """Wait until nobody else is changing feeds, and keep others waiting until the transaction ends.
    With *keys*, nobody makes, changes or revokes one meanwhile, either.

    To be called before it writes anything. On SQLite there is one writer anyway.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(_LOCK_WITH_KEYS if keys else _LOCK)


_LOCK = select(func.pg_advisory_xact_lock(_PUBLISHING))
_LOCK_WITH_KEYS = _LOCK.add_columns(KEYS_HELD)  # in their order


_KEPT = tuple(field.name for field in fields(EntryRow))
_PLAIN: dict[Format, bytes] = dict.fromkeys(FORMATS, b"")


def put_entries(conn: Connection, rows: Sequence[EntryRow]) -> None:
    """Write the rendered entries of stories, in place of earlier ones."""
    if rows:
        conn.execute(
            replacing(conn.dialect.name, entries),
            [{name: getattr(row, name) for name in _KEPT} | _PLAIN for row in rows],
        )


def drop_entries(conn: Connection, ids: Sequence[str]) -> None:
    """Delete the entries of stories."""
    conn.execute(delete(entries).where(entries.c.story_id.in_(list(ids))))


def entry(conn: Connection, story: str) -> EntryRow | None:
    """The rendered entry of a story, None when it has none."""
    found = entries_of(conn, [story])
    return found.get(story)


def entries_of(conn: Connection, ids: Sequence[str]) -> dict[str, EntryRow]:
    """The rendered entries of *ids*, by story."""
    rows = conn.execute(select(entries).where(entries.c.story_id.in_(list(ids)))).mappings()
    return {r["story_id"]: _entry(r) for r in rows}


def _entry(row: RowMapping) -> EntryRow:
    found = EntryRow(**{name: row[name] for name in _KEPT})
    if not row["rss"]:
        return found
    written: dict[Format, bytes] = {format: bytes(row[format]) for format in FORMATS}
    return replace(found, digests=digests_of(written), packed=pack(written))


@dataclass(frozen=True, slots=True)
class Placement:
    """In which feeds a story is placed, its position in their order, its entry's digests, and the
    number of the version that this shows, None of a notice."""

    story_id: str
    feeds: Sequence[str]
    changed_at: datetime
    position: int
    digests: str | None = None
    version: int | None = None


def place(conn: Connection, wanted: Sequence[Placement]) -> set[str]:
    """Place each story in exactly its feeds; the feeds that any is in or was in before, whose lists
    are now to be brought up to date (:func:`relist`).

    What changes by that gets a number in each feed. As the caller holds :func:`lock` until it
    commits, the order of numbers is that in which changes are seen. To render a story again is no
    change; another version is one also where it changes no time, as it came before the desk's last
    act and was taken in after it.
    """
    rows: list[dict[str, Any]] = [
        {
            "feed": feed,
            "story_id": place.story_id,
            "changed_at": place.changed_at,
            "position": place.position,
            "digests": place.digests,
            "version": place.version,
        }
        for place in wanted
        for feed in sorted(place.feeds)
    ]
    ids = [place.story_id for place in wanted]
    before = {
        (row.feed, row.story_id): (row.changed_at, row.version, row.seq)
        for row in conn.execute(_PLACED, {"ids": ids})
    }
    there = {(row["feed"], row["story_id"]) for row in rows}
    gone = [
        {"feed": feed, "story_id": story}
        for feed, story in sorted(before)
        if (feed, story) not in there
    ]
    came = []
    for row in rows:
        known = before.get((row["feed"], row["story_id"]), (None, None, 0))
        changed_at, version, row["seq"] = known
        another = None not in (version, row["version"]) and version != row["version"]
        if changed_at != row["changed_at"] or another or not row["seq"]:
            came.append(row)
    came.sort(key=lambda row: (row["position"], row["story_id"]), reverse=True)
    came.sort(key=lambda row: row["changed_at"])
    _number(conn, [*gone, *came])
    if gone:
        conn.execute(_DISPLACED, [{"of": row["feed"], "story": row["story_id"]} for row in gone])
        conn.execute(replacing(conn.dialect.name, departures), gone)
    if rows:
        conn.execute(replacing(conn.dialect.name, placements), rows)
    if back := [row for row in came if (row["feed"], row["story_id"]) not in before]:
        conn.execute(_BACK, [{"of": row["feed"], "story": row["story_id"]} for row in back])
    return {feed for feed, _ in before}.union(*(place.feeds for place in wanted))


def _number(conn: Connection, changes: Sequence[dict[str, Any]]) -> None:
    """Give each of *changes* the next number of its feed, as ``seq``."""
    for feed, count in sorted(Counter(row["feed"] for row in changes).items()):
        last = conn.execute(
            _counting(conn.dialect.name), {"feed": feed, "last": count}
        ).scalar_one()
        for seq, row in enumerate(
            (row for row in changes if row["feed"] == feed), last - count + 1
        ):
            row["seq"] = seq


@cache
def _counting(dialect: str) -> Executable:
    adding = upsert(dialect, sequences)
    both = sequences.c.last + adding.excluded.last
    return adding.on_conflict_do_update(
        index_elements=[sequences.c.feed], set_={"last": both}
    ).returning(sequences.c.last)


# Statements are made once: to make one takes several times what it takes to carry it out.

_PLACED = select(
    *(placements.c.feed, placements.c.story_id),
    *(placements.c.changed_at, placements.c.version, placements.c.seq),
).where(placements.c.story_id.in_(bindparam("ids", expanding=True)))
_DISPLACED, _BACK = (
    delete(table).where(table.c.feed == bindparam("of"), table.c.story_id == bindparam("story"))
    for table in (placements, departures)
)


class Change(NamedTuple):
    """The last change of a story in a feed, by its number; ``left`` when by that it left the feed,
    ``shown`` while the feed shows it. ``placed_at`` is by what the feed orders it, None if it left;
    ``digests`` are of its entry's bytes as they were rendered last, whether they are kept or not.
    """

    seq: int
    story_id: str
    left: bool
    shown: bool
    placed_at: datetime | None
    digests: str | None


def changes_since(conn: Connection, feed: str, seq: int, limit: int) -> list[Change]:
    """The first *limit* changes of the feed after the one with number *seq*, in their order.

    A story has its last change only: who saw everything up to *seq* and follows these knows how
    every story stands now.
    """
    return [
        Change(*row) for row in conn.execute(_CHANGES, {"of": feed, "after": seq, "most": limit})
    ]


def changes_until(conn: Connection, feed: str, seq: int, limit: int) -> list[Change]:
    """The last *limit* changes of the feed up to the one with number *seq*, the newest first."""
    return [
        Change(*row)
        for row in conn.execute(_CHANGES_BACK, {"of": feed, "upto": seq, "most": limit})
    ]


def newest(conn: Connection, feed: str) -> int:
    """The number of the feed's last change, 0 before the first."""
    last = conn.execute(select(sequences.c.last).where(sequences.c.feed == feed)).scalar()
    return last or 0


def numbers(conn: Connection) -> dict[str, int]:
    """:func:`newest` of every feed."""
    return {row.feed: row.last for row in conn.execute(select(sequences))}


def _changes(*, back: bool = False) -> Executable:
    def turn(seq: ColumnElement[int]) -> ColumnElement[int]:
        return seq.desc() if back else seq.asc()

    def of(table: Table, shown: ColumnElement[bool], placed_at: ColumnElement[Any]) -> Select[Any]:
        left = literal(table is departures).label("left")
        return (
            select(
                table.c.seq,
                table.c.story_id,
                left,
                shown.label("shown"),
                placed_at.label("placed_at"),
            )
            .where(
                table.c.feed == bindparam("of"),
                table.c.seq <= bindparam("upto") if back else table.c.seq > bindparam("after"),
            )
            .order_by(turn(table.c.seq))
            .limit(bindparam("most", type_=Integer()))
        )

    here = placements.c.digests.is_not(None), placements.c.changed_at
    both = union_all(
        of(placements, *here).subquery().select(),
        of(departures, literal(False), null().cast(UtcDateTime)).subquery().select(),
    ).subquery()
    return (
        select(both, entries.c.digests)
        .join(entries, entries.c.story_id == both.c.story_id, isouter=True)
        .order_by(turn(both.c.seq))
        .limit(bindparam("most", type_=Integer()))
    )


_CHANGES, _CHANGES_BACK = _changes(), _changes(back=True)

ARCHIVED = 50
"""Changes in one document of a feed's archive (RFC 5005): as many as a feed of the default length
shows, so that it leads to whole documents only."""


def document_with(seq: int, newest: int) -> int:
    """The number of the archive's document with the change *seq* of a feed whose last is *newest*.

    A document is called by its last change. It begins where the one of a multiple of
    :data:`ARCHIVED` before it ends, and goes on to the next, or to *seq* if that has not come.
    """
    end = seq + -seq % ARCHIVED
    return end if end <= newest else seq


def archived(conn: Connection, feed: str) -> int:
    """The newest document of its archive that the feed has to lead to, so that every place in it
    is either shown or in the archive; 0 when it shows all."""
    return _leads_to(*conn.execute(_ARCHIVED, {"of": feed}).one())


def _leads_to(hidden: int | None, last: int) -> int:
    return document_with(hidden, last) if hidden else 0


_places = placements.alias()  # beside those that a statement is about
_HIDDEN = (
    select(_places.c.seq)
    .where(_places.c.feed == bindparam("of"), _places.c.digests.is_(None))
    .order_by(_places.c.seq.desc())
    .limit(1)
    .scalar_subquery()
    .label("hidden")
)
_SHOWN = (
    select(func.count())
    .select_from(_places)
    .where(_places.c.feed == bindparam("of"), _places.c.digests.is_not(None))
    .scalar_subquery()
    .label("shown")
)
_LAST = (
    select(sequences.c.last)
    .where(sequences.c.feed == bindparam("of"))
    .scalar_subquery()
    .label("last")
)
_ARCHIVED = select(_HIDDEN, _LAST)


def archived_before(conn: Connection, feed: str, seq: int) -> int:
    """The archive's document before the one that begins with the change *seq*, 0 if there is none;
    those in which nothing stands any more are passed over."""
    last = max(conn.execute(query, {"of": feed, "seq": seq}).scalar() or 0 for query in _BEFORE)
    return last + -last % ARCHIVED


_BEFORE = [
    select(func.max(table.c.seq)).where(
        table.c.feed == bindparam("of"), table.c.seq < bindparam("seq")
    )
    for table in (placements, departures)
]


class Listed(NamedTuple):
    """One entry in a feed's list, by the digests of its bytes; and when its story changed."""

    story_id: str
    changed_at: datetime
    digests: str


_IN_ORDER = (placements.c.changed_at.desc(), placements.c.position, placements.c.story_id)
"""The order of a feed: last changed first.

By change and not by date, so that an update, or a late story with an early date, is once at the top
and no subscriber can miss it (but see ``Story.placed_at``). Ties follow the wire's own order, then
the id.
"""


def listed(
    conn: Connection, feed: str, wires: Collection[str] | None = None
) -> tuple[list[Listed], int]:
    """What the feed shows, in its order; of stories of *wires* only, if they are given. And what is
    :func:`archived` of it."""
    query = _LISTED
    if wires is not None:
        query = query.join(stories, stories.c.id == placements.c.story_id).where(
            stories.c.wire.in_(sorted(wires))
        )
    rows = conn.execute(query, {"of": feed}).all()
    older = _leads_to(rows[0].hidden, rows[0].last) if rows else archived(conn, feed)
    return [Listed(*row[:3]) for row in rows], older


_LISTED = (
    select(placements.c.story_id, entries.c.changed_at, placements.c.digests, _HIDDEN, _LAST)
    .join(entries, entries.c.story_id == placements.c.story_id)
    .where(placements.c.feed == bindparam("of"), placements.c.digests.is_not(None))
    .order_by(*_IN_ORDER)
)


def kept_of(conn: Connection, ids: Sequence[str]) -> dict[str, tuple[bytes, StatementRow | None]]:
    """The bytes of the entries of *ids* as they are kept, by story, each with the latest statement
    of that, which they were packed without; those without bytes are left out."""
    rows = conn.execute(_KEPT_OF, {"ids": list(ids)}) if ids else ()
    return {row.story: (row.entry, statement_of(row) if row.kid else None) for row in rows}


_OF_ENTRY = and_(
    statements.c.story_id == entries.c.story_id,
    statements.c.version == latest_of(entries.c.story_id),
)
_KEPT_OF = (
    select(entries.c.story_id.label("story"), entries.c.packed.label("entry"), statements)
    .select_from(entries.join(statements, _OF_ENTRY, isouter=True))
    .where(entries.c.story_id.in_(bindparam("ids", expanding=True)), entries.c.packed.is_not(None))
)


def relist(conn: Connection, feed: str, limit: int) -> tuple[list[Listed], list[str], int]:
    """Bring the feed's list up to date: its newest *limit* entries. What it shows then, the stories
    it is to show that have to be rendered for that, and what is :func:`archived`.

    What came within :data:`BURST` of the newest stays beyond the limit, so that a subscriber who
    comes as often as the feed asks misses nothing of a burst. An entry that no feed shows any more
    loses its bytes.
    """
    rows = list(conn.execute(_NEWEST, {"of": feed, "most": limit + 1}).all())
    if not rows:
        return [], [], 0
    older = _leads_to(rows[0].hidden, rows[0].last)
    as_it_was = True
    if len(rows) > limit:
        beyond = rows.pop()
        since = rows[0].changed_at - BURST
        if beyond.changed_at >= since:
            rows += _burst(conn, feed, limit, since)
        if rows[0].shown > sum(row.digests is not None for row in rows):
            _hide_after(conn, feed, rows[-1])
            as_it_was = False
    found: dict[str, str] = {}
    if without := [row.story_id for row in rows if row.digests is None]:
        # Another feed may show them, and then their bytes are here.
        here = entries.c.story_id.in_(without), entries.c.packed.is_not(None)
        found = dict(conn.execute(select(entries.c.story_id, entries.c.digests).where(*here)).all())
        if found:
            conn.execute(
                update(placements)
                .where(placements.c.feed == feed, placements.c.story_id == bindparam("story"))
                .values(digests=bindparam("theirs")),
                [{"story": name, "theirs": digests} for name, digests in found.items()],
            )
            as_it_was = False
        without = [name for name in without if name not in found]
    shown = [
        Listed(row.story_id, row.story_changed_at, digests)
        for row in rows
        if (digests := row.digests or found.get(row.story_id))
    ]
    return shown, without, older if as_it_was else archived(conn, feed)


_PLACES = (
    select(
        placements.c.story_id,
        placements.c.changed_at,
        placements.c.position,
        placements.c.digests,
        entries.c.changed_at.label("story_changed_at"),
    )
    .join(entries, entries.c.story_id == placements.c.story_id)
    .where(placements.c.feed == bindparam("of"))
    .order_by(*_IN_ORDER)
    .limit(bindparam("most", type_=Integer()))
)
_NEWEST = _PLACES.add_columns(_SHOWN, _HIDDEN, _LAST)


def _hide_after(conn: Connection, feed: str, last: Any) -> None:
    """Have the feed show nothing that comes after *last* in its order."""
    here = {"of": feed, "at": last.changed_at, "place": last.position, "story": last.story_id}
    # Asked for first: in an UPDATE SQLite may take the index of all that was ever placed for as
    # good, and PostgreSQL joins each with each while it has no statistics.
    if ids := list(conn.execute(_SHOWN_AFTER, here).scalars()):
        conn.execute(
            update(placements)
            .where(placements.c.feed == feed, placements.c.story_id.in_(ids))
            .values(digests=None)
        )
        elsewhere = placements.c.story_id == entries.c.story_id, placements.c.digests.is_not(None)
        conn.execute(
            update(entries)
            .where(entries.c.story_id.in_(ids), ~exists().where(*elsewhere))
            .values(packed=None)
        )


def _shown_after() -> Select[tuple[str]]:
    at, position = bindparam("at", type_=UtcDateTime()), bindparam("place", type_=Integer())
    behind = and_(
        placements.c.position == position, placements.c.story_id > bindparam("story", type_=Text())
    )
    after = or_(
        placements.c.changed_at < at,
        and_(placements.c.changed_at == at, or_(placements.c.position > position, behind)),
    )
    return select(placements.c.story_id).where(
        placements.c.feed == bindparam("of"), placements.c.digests.is_not(None), after
    )


_SHOWN_AFTER = _shown_after()

BURST = timedelta(hours=1)
MOST_BEYOND = 500
"""Entries that a burst may add to a feed: a document of some megabytes."""


def _burst(conn: Connection, feed: str, limit: int, since: datetime) -> list[Any]:
    """What came beyond *limit*, but not before *since*, up to the last that is neither of a first
    capture nor came by the rules of release 0.1. A function of the record alone, without a clock.
    """
    asked = {"of": feed, "since": since, "beyond": limit, "most": MOST_BEYOND}
    found = conn.execute(_BURST, asked).all()
    last = next((n for n in range(len(found), 0, -1) if found[n - 1].counts), 0)
    return list(found[:last])


_BURST = (
    _PLACES.add_columns(
        and_(
            captures.c.rule >= 2, stories.c.capture_id.is_distinct_from(first_of(stories.c.wire))
        ).label("counts")
    )
    .join(stories, stories.c.id == placements.c.story_id)
    .join(captures, captures.c.id == stories.c.capture_id)
    .where(placements.c.changed_at >= bindparam("since", type_=UtcDateTime()))
    .offset(bindparam("beyond", type_=Integer()))
)


def placed_ids(conn: Connection, feed: str, limit: int) -> list[str]:
    """Ids of the stories in the feed, in its order."""
    return list(
        conn.execute(
            select(placements.c.story_id)
            .where(placements.c.feed == feed)
            .order_by(*_IN_ORDER)
            .limit(limit)
        ).scalars()
    )


def feeds_of(conn: Connection, story: str) -> list[str]:
    """The feeds that a story is in."""
    query = select(placements.c.feed).where(placements.c.story_id == story)
    return sorted(conn.execute(query).scalars())


def placed_in(conn: Connection, feed: str, ids: Collection[str]) -> set[str]:
    """Those of the stories *ids* that stand in the feed, shown or not."""
    here = placements.c.feed == feed, placements.c.story_id.in_(sorted(ids))
    return set(conn.execute(select(placements.c.story_id).where(*here)).scalars()) if ids else set()


def shown_in(conn: Connection, story: str, digests: str) -> list[str]:
    """The feeds that show a story as the entry with *digests*."""
    here = placements.c.story_id == story, placements.c.digests == digests
    return sorted(conn.execute(select(placements.c.feed).where(*here)).scalars())


def put_feed(
    conn: Connection, name: str, digests: Mapping[Format, str], count: int, now: datetime
) -> bool:
    """Keep what is told of a feed of *count* entries whose list or frame may have changed; False
    when all is joined of what it was joined of before. *digests* are of that, by format.

    ``modified_at`` has HTTP's whole seconds and always grows, so that two different bodies never
    share a Last-Modified (RFC 9110 §8.8.2.2). Bytes that stay the same keep theirs, and their tag.
    """
    modified_at = now.replace(microsecond=0)
    rows = [
        {
            "name": name,
            "format": format,
            "digest": digest,
            "etag": f'"{digest}"',
            "modified_at": modified_at,
            "entries": count,
        }
        for format, digest in digests.items()
    ]
    return bool(rows) and conn.execute(_put_feed(conn.dialect.name), rows).rowcount > 0


@cache
def _put_feed(dialect: str) -> Executable:
    new = upsert(dialect, feeds)
    later = type_coerce(feeds.c.modified_at, BigInteger) + 1_000_000
    stated = type_coerce(new.excluded.modified_at, BigInteger)
    return new.on_conflict_do_update(
        index_elements=[feeds.c.name, feeds.c.format],
        set_={
            **{name: new.excluded[name] for name in ("digest", "etag", "entries")},
            "modified_at": case((stated > later, stated), else_=later),
        },
        where=feeds.c.digest != new.excluded.digest,
    ).execution_options(preserve_rowcount=True)


def rows_of(conn: Connection, name: str) -> dict[Format, FeedRow]:
    """What is told of a feed, by format; empty when it was never rendered."""
    rows = conn.execute(_ROWS_OF, {"of": name}).mappings()
    return {row["format"]: FeedRow(**row) for row in rows}


_ROWS_OF = select(feeds).where(feeds.c.name == bindparam("of"))


def feed_etag(conn: Connection, name: str, format: Format) -> str | None:
    """The entity tag of a feed, None when it was never rendered."""
    return conn.execute(
        select(feeds.c.etag).where(feeds.c.name == name, feeds.c.format == format)
    ).scalar()


def summary(conn: Connection) -> dict[str, tuple[int, datetime]]:
    """Each rendered feed's number of entries and the time of its last change (by its RSS)."""
    rows = conn.execute(
        select(feeds.c.name, feeds.c.entries, feeds.c.modified_at).where(feeds.c.format == "rss")
    )
    return {r.name: (r.entries, r.modified_at) for r in rows}


def placed_since(conn: Connection, since: datetime) -> dict[str, int]:
    """How many stories changed after *since* each feed has; feeds that have none are left out."""
    late = select(func.count()).where(
        placements.c.feed == feeds.c.name, placements.c.changed_at > since
    )
    # Each feed's by itself: grouped, all that was ever placed would be read.
    rows = conn.execute(
        select(feeds.c.name, late.correlate(feeds).scalar_subquery().label("stories")).where(
            feeds.c.format == "rss"
        )
    )
    return {row.name: row.stories for row in rows if row.stories}


def ever_in(conn: Connection, story: str) -> set[str]:
    """The feeds that a story is in, or was in since changes are numbered."""
    found: set[str] = set()
    for table in (placements, departures):
        found.update(conn.execute(select(table.c.feed).where(table.c.story_id == story)).scalars())
    return found


def published_since(
    conn: Connection, since: datetime, wires: Sequence[str], names: Sequence[str], limit: int
) -> list[str]:
    """Stories of *wires* that came after *since* and stand in the feeds *names*, the newest
    first."""
    here = placements.c.story_id == stories.c.id, placements.c.feed.in_(list(names))
    placed = select(placements.c.feed).where(*here).exists()
    rows = conn.execute(
        select(stories.c.id)
        .join(entries, entries.c.story_id == stories.c.id)
        .where(
            stories.c.wire.in_(list(wires)),
            stories.c.first_received_at >= since,
            stories.c.status == "usable",
            entries.c.digests != "",
            placed,
        )
        .order_by(stories.c.first_received_at.desc(), stories.c.id)
        .limit(limit)
    )
    return list(rows.scalars())


def drop_feeds(conn: Connection, keep: Sequence[str]) -> list[str]:
    """Delete what was rendered for feeds that are no longer configured; their names."""
    gone = sorted(
        set(conn.execute(select(feeds.c.name).where(feeds.c.name.not_in(list(keep)))).scalars())
    )
    conn.execute(delete(feeds).where(feeds.c.name.not_in(list(keep))))
    for table in (placements, departures):
        conn.execute(delete(table).where(table.c.feed.not_in(list(keep))))
    return gone


def unrendered(conn: Connection) -> int:
    """Stories on record that have no entry (yet, or because they could not be rendered), but for
    those that wait for a headline.

    They wait in the outbox, so only that is looked through.
    """
    query = (
        select(func.count())
        .select_from(outbox)
        .join(stories, stories.c.id == outbox.c.key)
        .join(entries, entries.c.story_id == stories.c.id, isouter=True)
        .where(outbox.c.kind == "story", entries.c.story_id.is_(None), ~for_the_desk())
    )
    return int(conn.execute(query).scalar_one())


def without_entry(conn: Connection, ids: Sequence[str]) -> list[str]:
    """Those of *ids* that have no entry."""
    rows = conn.execute(select(entries.c.story_id).where(entries.c.story_id.in_(ids)))
    have = set(rows.scalars())
    return [name for name in ids if name not in have]
