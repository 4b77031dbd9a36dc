"""The names of wires and feeds: a new one takes over all that was kept under the old.

Ids are made of the name under which a wire or feed began. Where that is not its present name it is
noted here, so that ids stay through every rename, also when the alias has left the configuration.

The names that a wire had are noted, too, each with the url that went with it: so a file of before
means the same wire, whichever member starts with it, and whenever.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, count
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, delete, exists, func, select, update

from stories import clock
from stories.config import Config, Kind, Wire
from stories.db import feeds as rendered
from stories.db import key_value
from stories.db.key_value import FIRST_NAMES, FORMER_NAMES
from stories.db.tables import (
    alerts,
    captures,
    departures,
    feeds,
    files,
    hubs,
    identities,
    outbox,
    pins,
    placements,
    problems,
    sequences,
    standing,
    statements,
    stories,
    subscriptions,
    wire_acts,
    wires,
)

_OF_A_WIRE = (
    *(captures.c.wire, problems.c.wire, stories.c.wire, identities.c.wire),
    *(hubs.c.wire, wire_acts.c.wire),
)
_ONE_OF_A_WIRE = (standing.c.wire, files.c.wire, pins.c.wire)
"""Of which something may be left under a name of before, by a poll that began under it."""

_ALERTS = ("failing", "paused", "quiet", "headline", "keys")
_LONGEST = 63

_APART = (
    "wires: {0!r} and {1!r} have stories of their own, and cannot become one; take {1!r} out of the"
    " aliases of {0!r}: it is then a wire that left, and its stories stay as they are"
)
_MOVED = (
    "wires: {0!r} has the url that {1!r} had until now. If it is that wire under another name,"
    ' write aliases = ["{1}"], and its stories keep their guids and headlines; if it is another'
    " wire, write aliases = []"
)
_FORMER = (
    "wires: {0!r} is what {1!r} was called before, with another url. If it is that wire, write"
    ' aliases = ["{1}"]; if it is another wire, write aliases = []'
)
_OLDER = (
    "wires: {0!r} has the url that {1!r} had when it was called so, and another wire is called so"
    " now: this file is older than that. Start with the newest one, or call the wire otherwise"
)


class Known(NamedTuple):
    """What the store says of a wire: the url that it was last configured with, and whether it is
    configured still."""

    url: str | None
    configured: bool


def first_names(conn: Connection) -> dict[Kind, dict[str, str]]:
    """The names under which wires and feeds began that are called otherwise today, by these."""
    noted = key_value.read(conn, FIRST_NAMES) or {}
    return {"wire": noted.get("wire", {}), "feed": noted.get("feed", {})}


def in_ids(conn: Connection) -> bool:
    """Whether anybody may know an id: one of a story that was ever taken in, in a feed that held
    it. What is deleted since left its capture's row, or its statement."""
    ever = (
        select(stories.c.id),
        select(statements.c.story_id),
        select(captures.c.id).where(captures.c.new > 0),
    )
    return any(conn.execute(query.limit(1)).first() is not None for query in ever)


def lock(conn: Connection) -> None:
    """Wait until nobody else applies a configuration to the store, and keep others waiting until
    the transaction ends. On SQLite there is one writer anyway."""
    if conn.dialect.name == "postgresql":
        conn.execute(_LOCK)


_LOCK = select(func.pg_advisory_xact_lock(0x57495245_4E414D45))  # a constant of ours; "WIRENAME"


def rename(conn: Connection, config: Config) -> list[str]:
    """Give what *config* has under a new name all that is known under one of its aliases; and a
    wire, too, what is known of it under another name, where it had this one before.

    To be called under :func:`lock`, in the transaction that adds what is new. Returns the faults
    for which it cannot be done, with their remedies; then nothing of it may be kept.
    """
    noted = first_names(conn)
    former: dict[str, dict[str, str | None]] = key_value.read(conn, FORMER_NAMES) or {}
    known = {row.name: Known(row.configured_url, row.configured) for row in conn.execute(_KNOWN)}
    found = meant(config.wires, known, former)
    began = noted["wire"]
    empty = [name for twins in found.twins for name in _spare(conn, twins)]
    if found.faults:
        staying = {wire.name for wire in config.wires} | set(found.earlier.values())
        empty += _empty(conn, sorted(known.keys() - staying))
    if empty:
        conn.execute(delete(wires).where(wires.c.name.in_(empty)))
        known = {name: each for name, each in known.items() if name not in empty}
        began = {name: first for name, first in began.items() if name not in empty}
        found = meant(config.wires, known, former)
    faults = [_APART.format(twins[0], other) for twins in found.twins for other in twins[1:]]
    if faults := faults + found.faults:
        return faults
    names = [wire.name for wire in config.wires]
    renamed, began = _settled(names, found.earlier, known, began, known)
    served = set(conn.execute(select(feeds.c.name).distinct()).scalars())
    live = [feed.name for feed in config.outgoing]
    aliases = {f.name: old for f in config.outgoing for old in f.aliases[::-1] if old in served}
    moved, feeds_began = _settled(live, aliases, served, noted["feed"], live)
    if renamed or moved:
        rendered.lock(conn)  # before anything is written
        conn.execute(_ALL)  # as intake, which may have some of them, takes those that it wants
    for old, new in renamed:
        _rename_wire(conn, old, new)
        had = {**former.pop(old, {}), old: known[old].url}
        former[new] = {name: url for name, url in had.items() if name != new}
    for old, new in moved:
        _rename_feed(conn, old, new)
    if renamed:
        key_value.write(conn, FORMER_NAMES, former)
    now = {"wire": began, "feed": feeds_began}
    if now != noted:
        key_value.write(conn, FIRST_NAMES, now)
    return []


_KNOWN = select(wires.c.name, wires.c.configured_url, wires.c.configured)
_ALL = select(wires.c.name).order_by(wires.c.name).with_for_update()


def _spare(conn: Connection, twins: Sequence[str]) -> list[str]:
    """Of the names in the store that one wire is to have: the empty ones, but for one of them where
    all are."""
    empty = _empty(conn, twins)
    return empty if len(empty) < len(twins) else empty[1:]


def _empty(conn: Connection, listed: Sequence[str]) -> list[str]:
    """Of the names *listed*, which are in the store, those under which nothing ever came."""
    conn.execute(_ALL)  # nothing comes meanwhile
    return [name for name in listed if not _has_any(conn, name)]


def _has_any(conn: Connection, wire: str) -> bool:
    came = exists().where(captures.c.wire == wire)
    return bool(conn.execute(select(came | exists().where(stories.c.wire == wire))).scalar())


class Meant(NamedTuple):
    """``earlier`` are the names in the store of wires that the file calls otherwise, by those in
    the file; ``twins`` are several that one wire would have. ``faults`` say their remedies."""

    earlier: dict[str, str]
    twins: list[list[str]]
    faults: list[str]


def meant(
    configured: Collection[Wire],
    known: Mapping[str, Known],
    former: Mapping[str, Mapping[str, str | None]],
) -> Meant:
    """Which of the *known* wires are those *configured*. Pure.

    *former* are the names that wires had, by those that they have, each with the url that went with
    it. By name and url a wire is the one that had both, unless the file has that one beside it.
    """
    live = {wire.name: wire.url for wire in configured}
    fresh = [wire for wire in configured if wire.name not in known]
    found = dict[str, str]()
    for wire in fresh:
        if told := [alias for alias in wire.aliases if alias in known]:
            found[wire.name] = told[0]
    called = dict[str, list[str]]()  # what is not in the file, by the names that it had
    for now in former.keys() & known.keys() - live.keys():
        for name in former[now]:
            called.setdefault(name, []).append(now)
    fresh = [wire for wire in fresh if wire.name not in found]
    for wire in fresh:
        same = {n for n in called.get(wire.name, ()) if former[n][wire.name] == wire.url}
        same |= {n for alias in wire.aliases for n in called.get(alias, ())}
        if same := same - set(found.values()):
            found[wire.name] = min(same)
    whose = {**{now: name for name, now in found.items()}, **{name: name for name in live}}
    faults = _of_older_files(live, whose, known, former)
    gone = {k.url: name for name, k in known.items() if k.configured and name not in whose}
    for wire in fresh:
        # With aliases = [] the file says that it is a new one.
        if wire.name in found or (not wire.aliases and "aliases" in wire.model_fields_set):
            continue
        if wire.url in gone:
            faults.append(_MOVED.format(wire.name, gone[wire.url]))
        elif others := sorted(set(called.get(wire.name, ())) - whose.keys()):
            faults.append(_FORMER.format(wire.name, others[0]))
    named = [
        [n for n in (w.name, *w.aliases) if n in known and whose.get(n, w.name) == w.name]
        for w in configured
        if w.aliases
    ]
    return Meant(found, [twins for twins in named if len(twins) > 1], faults)


def _of_older_files(
    live: Mapping[str, str],
    whose: Mapping[str, str],
    known: Mapping[str, Known],
    former: Mapping[str, Mapping[str, str | None]],
) -> list[str]:
    """The faults of a file with the urls *live* by name that means, by a name and url, a wire which
    had both, while another one has that name now; and which does not have it beside that, as it is
    now. *whose* are the names in the file of what is known, by those in the store."""
    return [
        _OLDER.format(name, now)
        for now, had in former.items()
        for name, url in had.items()
        if {now, name} <= known.keys()
        and live.get(name) == url != known[name].url
        and live.get(whose.get(now, "")) != known[now].url
    ]


def _settled(
    configured: Iterable[str],
    earlier: Mapping[str, str],
    known: Collection[str],
    began: Mapping[str, str],
    holding: Collection[str],
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Which of the *known* names get another one, as *earlier* says, and the first names by the
    names then. Pure.

    Of the names *holding*, nobody else may have the first name: it is in their ids.
    """
    renamed, firsts = [], dict(began)
    holders = set(holding)
    for name in configured:
        if name in known or name in firsts:
            continue
        old = earlier.get(name)
        holders -= {name} if old is None else {name, old}
        if old is not None:
            renamed.append((old, name))
        first = firsts.pop(old, old) if old is not None else _free(name, firsts, holders)
        # Who left without holding its first name, as a feed that is renamed back, has none now.
        firsts = {n: f for n, f in firsts.items() if f != first} | {name: first}
        holders.add(name)
    return renamed, {name: first for name, first in firsts.items() if name != first}


def _free(name: str, firsts: Mapping[str, str], holders: Collection[str]) -> str:
    taken = {firsts.get(holder, holder) for holder in holders}
    numbered = (f"{name[: _LONGEST - 5]}-{n}" for n in count(2))
    return next(n for n in chain([name], numbered) if n not in taken)


def _rename_wire(conn: Connection, old: str, new: str) -> None:
    # First, and its lease ends: a poll or an intake under the old name ends before or is dropped.
    conn.execute(
        update(wires)
        .where(wires.c.name == old)
        .values(name=new, lease=None, lease_until=None, due_at=clock.now(), due_because="renamed")
    )
    for column in _OF_A_WIRE:
        conn.execute(update(column.table).where(column == old).values({column.name: new}))
    for column in _ONE_OF_A_WIRE:
        _move(conn, column, old, new)
    _move(conn, outbox.c.key, old, new, outbox.c.kind.in_(("ingest", "alert")))
    _move(conn, alerts.c.subject, old, new, alerts.c.kind.in_(_ALERTS))


def _rename_feed(conn: Connection, old: str, new: str) -> None:
    for column in (feeds.c.name, placements.c.feed, departures.c.feed, sequences.c.feed):
        _move(conn, column, old, new)
    # What subscribers call the feed, its topic, stays for them what it was.
    conn.execute(update(subscriptions).where(subscriptions.c.feed == old).values(feed=new))
    _move(conn, outbox.c.key, old, new, outbox.c.kind.in_(("feed", "ping")))


def _move(
    conn: Connection, column: Column[str], old: str, new: str, *where: ColumnElement[bool]
) -> None:
    """Rename *old* in *column*, in place of what may be there under *new*."""
    conn.execute(delete(column.table).where(column == new, *where))
    conn.execute(update(column.table).where(column == old, *where).values({column.name: new}))
