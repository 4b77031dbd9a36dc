"""What stands on each wire: items of its newest capture that need not be read again.

They are there for the wire's next capture (:mod:`ingest.memory`), and are written in the
transaction that takes one in. Whoever changes the record of a wire in another way forgets them
(:func:`forget`) in the same transaction.

A story of which an item stands here was seen when that capture was received: its row says so only
once the item is gone. So a poll that brings nothing writes no row for each story on the wire.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    exists,
    insert,
    select,
    update,
)

from stories.db.tables import captures, identities, standing, stories, wires
from stories.models import KEY_BYTES, Memory, Standing, short_key

MOST_PLACES = 500
"""Items whose places are kept: some 22 bytes each in a row that is written at each poll. Of more
the next capture is cut into items as one of which nothing is known."""


def recall(conn: Connection, names: Sequence[str]) -> dict[str, Memory]:
    """What stands on each of the wires *names* of which it is known."""
    if not names:
        return {}
    heads = conn.execute(_HEADS, {"names": names}).all()
    items: dict[str, dict[str, Standing]] = {row.name: {} for row in heads}
    if heads:
        lengths = {row.name: dict((row.layout or {}).get("items", ())) for row in heads}
        for wire, story, digest, keys in conn.execute(_ITEMS, {"names": list(items)}):
            length = lengths[wire].get(story, 0)
            items[wire][story] = Standing(story, digest, keys, length)
    return {row.name: _memory(row, items[row.name]) for row in heads}


def _memory(row: Any, items: Mapping[str, Standing]) -> Memory:
    layout = row.layout or {}
    order = [name for name, _ in layout.get("items", ())]
    in_order = {*order} == {*items}  # always, but for a hand that wrote here
    stood = tuple(items[name] for name in order) if in_order else tuple(items.values())
    outline = layout.get("outline") if in_order else None
    tag = layout.get("tag", "")
    about = (row.id, row.received_at, row.format, row.context)
    return Memory(*about, stood, outline, row.channel, tag)


def layout_of(outline: Mapping[str, Any] | None, tag: str, items: Sequence[Standing]) -> Any:
    """What is kept of the *outline* of a capture in which *items* stand, all that do, and of its
    frame (:class:`stories.models.Memory`)."""
    order = [(item.story_id, item.length) for item in items] if len(items) <= MOST_PLACES else []
    return {"outline": outline, "tag": tag, "items": order} if outline or tag else None


_newest = captures.alias()
_last = (
    select(_newest.c.id)
    .where(_newest.c.state == "ingested", _newest.c.wire == wires.c.name)
    .order_by(_newest.c.received_at.desc())
    .limit(1)
    .scalar_subquery()
)
# A store into which only some captures were copied may have one that came in between.
_HEADS = (
    select(
        *(wires.c.name, wires.c.context, wires.c.layout, wires.c.channel),
        *(captures.c.id, captures.c.received_at, captures.c.format),
    )
    .join_from(wires, captures, captures.c.id == wires.c.standing_of)
    .where(wires.c.name.in_(bindparam("names", expanding=True)), captures.c.id == _last)
)
_ITEMS = select(
    standing.c.wire, standing.c.story_id, standing.c.digest, standing.c.key_names
).where(standing.c.wire.in_(bindparam("names", expanding=True)))


def _cut(keys: bytes) -> frozenset[bytes]:
    return frozenset(keys[at : at + KEY_BYTES] for at in range(0, len(keys), KEY_BYTES))


def replace(
    conn: Connection, stands: Mapping[str, tuple[Memory | None, Sequence[Standing]]]
) -> None:
    """Let items stand on wires, and no others: by wire, what stood there before, None where that
    was not recalled, and what stands there now. The caller writes ``standing_of``, ``context`` and
    ``layout`` into the wires' rows."""
    seen: dict[str, datetime] = {}
    gone: list[dict[str, Any]] = []
    fresh: list[dict[str, Any]] = []
    for wire, (before, items) in stands.items():
        if before is not None and before.items == tuple(items):
            continue
        there = {item.story_id: item for item in before.items} if before else {}
        now = {item.story_id: item for item in items}
        for story, item in there.items():
            if before is not None and now.get(story) != item:
                seen[story] = before.received_at
                gone.append({"on": wire, "story": story})
        for story, item in now.items():
            if there.get(story) != item:
                named = {"wire": wire, "story_id": story, "digest": item.digest}
                fresh.append({**named, "key_names": item.keys})
    _leave(conn, [wire for wire, (before, _) in stands.items() if before is None])
    _seen(conn, seen)
    if gone:
        conn.execute(_GONE, gone)
    if fresh:
        conn.execute(insert(standing), fresh)


_GONE = delete(standing).where(
    standing.c.wire == bindparam("on"), standing.c.story_id == bindparam("story")
)


def forget(conn: Connection, names: Collection[str]) -> None:
    """Have the next capture of each of the wires *names* read whole."""
    if not names:
        return
    # First, as intake does: in another order the two could wait for each other.
    locked = select(wires.c.name).where(wires.c.name.in_(names)).order_by(wires.c.name)
    conn.execute(locked.with_for_update())
    _leave(conn, names)
    conn.execute(
        update(wires)
        .where(wires.c.name.in_(names))
        .values(standing_of=None, context=None, layout=None)
    )


def _leave(conn: Connection, names: Collection[str]) -> None:
    if not names:
        return
    rows = conn.execute(
        select(standing.c.story_id, captures.c.received_at)
        .join(wires, wires.c.name == standing.c.wire)
        .join(captures, captures.c.id == wires.c.standing_of)
        .where(standing.c.wire.in_(names))
    ).all()
    _seen(conn, {row.story_id: row.received_at for row in rows})
    conn.execute(delete(standing).where(standing.c.wire.in_(names)))


def _seen(conn: Connection, last: Mapping[str, datetime]) -> None:
    """Note that stories were last on their wires at the times *last*."""
    if last:
        rows = [{"story": story, "at": at} for story, at in sorted(last.items())]
        conn.execute(_LAST, rows)


_LAST = (
    update(stories)
    .where(stories.c.id == bindparam("story"), stories.c.last_seen_at < bindparam("at"))
    .values(last_seen_at=bindparam("at"))
)


def stands(story: ColumnElement[str], wire: ColumnElement[str]) -> ColumnElement[bool]:
    """In a query: whether an item of *story* stands on its *wire*."""
    return exists().where(standing.c.wire == wire, standing.c.story_id == story)


def stands_anywhere(story: ColumnElement[str]) -> ColumnElement[bool]:
    """In a query: whether an item of *story* stands on a wire that carries it."""
    carrying = identities.alias()
    on = select(carrying.c.wire).where(carrying.c.story_id == story).correlate_except(carrying)
    return exists().where(standing.c.wire.in_(on), standing.c.story_id == story)


def touched(conn: Connection, ids: Sequence[str]) -> set[str]:
    """The wires on which an item stands that has a key of one of the stories *ids*, its own or
    another's: what is known of these keys must not change unnoticed."""
    rows = conn.execute(
        select(identities.c.wire, identities.c.digest).where(identities.c.story_id.in_(ids))
    ).all()
    keys: dict[str, set[bytes]] = {}
    for row in rows:
        keys.setdefault(row.wire, set()).add(short_key(row.digest))
    there = conn.execute(
        select(standing.c.wire, standing.c.key_names).where(standing.c.wire.in_(list(keys)))
    )
    return {row.wire for row in there if _cut(row.key_names) & keys[row.wire]}
