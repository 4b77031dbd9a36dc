"""The names of wires and feeds: a new one takes over all that was kept under the old.

Ids are made of the name under which a wire or feed began. Where that is not its present name it is
noted here, so that ids stay through every rename, also when the alias has left the configuration.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain, count

from sqlalchemy import Column, ColumnElement, Connection, delete, select, update

from stories import clock
from stories.config import Config, Feed, Kind, Wire
from stories.db import key_value
from stories.db.key_value import FIRST_NAMES, RENDERED_FOR
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
    stories,
    subscriptions,
    wire_acts,
    wires,
)

_OF_A_WIRE = (
    *(captures.c.wire, problems.c.wire, stories.c.wire, identities.c.wire),
    *(standing.c.wire, files.c.wire, pins.c.wire, hubs.c.wire, wire_acts.c.wire),
)
_ALERTS = ("failing", "paused", "quiet", "headline", "keys")
_LONGEST = 63


def first_names(conn: Connection) -> dict[Kind, dict[str, str]]:
    """The names under which wires and feeds began that are called otherwise today, by these."""
    noted = key_value.read(conn, FIRST_NAMES) or {}
    return {"wire": noted.get("wire", {}), "feed": noted.get("feed", {})}


def rename(conn: Connection, config: Config) -> list[tuple[str, str]]:
    """Give what *config* has under a new name all that is known under one of its aliases.

    Returns the pairs of wires that would have to become one, which none can; then nothing is done.
    """
    noted = first_names(conn)
    known = set(conn.execute(select(wires.c.name)).scalars())
    clashes = [
        (wire.name, other)
        for wire in config.wires
        for other in [n for n in (wire.name, *wire.aliases) if n in known][1:]
    ]
    if clashes:
        return clashes
    renamed, began = _settled(config.wires, known, noted["wire"], known)
    for old, new in renamed:
        _rename_wire(conn, old, new)
    served = set(conn.execute(select(feeds.c.name).distinct()).scalars())
    live = {feed.name for feed in config.outgoing}
    moved, feeds_began = _settled(config.outgoing, served, noted["feed"], live)
    for old, new in moved:
        _rename_feed(conn, old, new)
    if renamed or moved:  # members with the old names step back at once, not at the end of a start
        key_value.write(conn, RENDERED_FOR, "renamed")
    now = {"wire": began, "feed": feeds_began}
    if now != noted:
        key_value.write(conn, FIRST_NAMES, now)
    return []


def _settled(
    configured: Sequence[Wire] | Sequence[Feed],
    known: Collection[str],
    began: Mapping[str, str],
    holding: Collection[str],
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Which of the *known* names get another one, and the first names by the names then. Pure.

    Of the names *holding*, nobody else may have the first name: it is in their ids.
    """
    renamed, firsts = [], dict(began)
    holders = set(holding)
    for each in configured:
        name = each.name
        if name in known or name in firsts:
            continue
        old = next((alias for alias in each.aliases if alias in known), None)
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
