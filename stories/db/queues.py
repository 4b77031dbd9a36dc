"""The queues of the desk: which stories wait for it, what it settled, and who is writing.

A page of a queue costs the same however many stories there are: it is a walk along an index that
ends when the page is full, and nothing is counted beyond :data:`COUNTED`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    union_all,
)

from stories.db import statistics, wire_acts
from stories.db.engine import upsert
from stories.db.tables import (
    acts,
    entries,
    headlines,
    placements,
    settled,
    settlings,
    stories,
    writing,
)

COUNTED = 1000
"""Up to which the stories of a queue are counted; so many and more are all the same to a person."""


class Place(NamedTuple):
    """Where a story stands in a queue: the newest first."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Sought:
    """Stories of a queue, of the ``wire`` (None: of any), in the ``feed`` (None: in any or
    none), that changed ``since``. ``fresh`` is since when a story counts as new, ``me`` whose own
    are sought."""

    queue: str
    fresh: datetime
    me: str = ""
    wire: str | None = None
    feed: str | None = None
    since: datetime | None = None


def walk(conn: Connection, sought: Sought, before: Place | None, limit: int) -> list[Place]:
    """The places of the first *limit* stories that are *sought*, those *before* one, if given."""
    column = stories.c.changed_at if sought.feed is None else placements.c.changed_at
    query = select(column, stories.c.id).where(*_is_sought(sought))
    if sought.feed is not None:
        query = query.join(placements, placements.c.story_id == stories.c.id)
        query = query.where(placements.c.feed == sought.feed)
    if sought.wire is not None:
        query = query.where(stories.c.wire == sought.wire)
    if sought.since is not None:
        query = query.where(column >= sought.since)
    if sought.queue in _PICKED:
        # Few, and picked before they are put into order: a walk could pass all others.
        ids = _PICKED[sought.queue](conn, sought.me)
        found = [Place(*row) for row in conn.execute(query.where(stories.c.id.in_(ids)))]
        return [p for p in sorted(found, reverse=True) if before is None or p < before][:limit]
    if before is not None:
        # A range first, for which the index is used.
        query = query.where(column <= before.at, or_(column < before.at, stories.c.id < before.id))
    query = query.order_by(column.desc(), stories.c.id.desc()).limit(limit)
    return [Place(*row) for row in conn.execute(query)]


def _is_sought(sought: Sought) -> list[ColumnElement[bool]]:
    """What holds of the stories of a queue."""
    if sought.queue == "new":
        return [
            stories.c.status == _USABLE,
            stories.c.changed_at >= sought.fresh,  # or an index would be walked to its end
            stories.c.first_received_at >= sought.fresh,
            ~exists(select(headlines.c.id).where(headlines.c.story_id == stories.c.id)),
            ~exists(select(settled.c.by).where(settled.c.story_id == stories.c.id)),
        ]
    if sought.queue == "second-look":
        return [stories.c.second_look]
    return []


_USABLE: ColumnElement[str] = literal_column("'usable'")  # written out, so that an index is used


def _mine(conn: Connection, me: str) -> list[str]:
    """Stories of which *me* wrote a headline, or which they settled, held or killed; the last."""
    done = (
        select(of.c.story_id, of.c.at).where(of.c.by == me, *where).order_by(order).limit(COUNTED)
        for of, order, where in (
            (headlines, headlines.c.id.desc(), ()),
            (settled, settled.c.at.desc(), ()),
            (acts, acts.c.id.desc(), (acts.c.capture_id.is_(None),)),
        )
    )
    every = union_all(*(select(each.subquery()) for each in done)).subquery()
    query = select(every.c.story_id).group_by(every.c.story_id)
    return list(conn.execute(query.order_by(func.max(every.c.at).desc()).limit(COUNTED)).scalars())


def _headless(conn: Connection, _me: str) -> list[str]:
    return statistics.headless(conn)[:COUNTED]


def _hidden(conn: Connection, status: str) -> list[str]:
    """Stories of that *status*, the last that got it first."""
    these = stories.c.status != _USABLE, stories.c.status == status
    query = select(stories.c.id).where(*these).order_by(stories.c.status_at.desc())
    return list(conn.execute(query.limit(COUNTED)).scalars())


_PICKED: dict[str, Callable[[Connection, str], list[str]]] = {
    "mine": _mine,
    "no-headline": _headless,
    "held": lambda conn, _: _hidden(conn, "withheld"),
    "killed": lambda conn, _: _hidden(conn, "killed"),
}
"""The queues of few stories, of which the last :data:`COUNTED` are picked."""


def counts(conn: Connection, fresh: datetime, me: str) -> dict[str, int]:
    """How many stories each queue has, up to :data:`COUNTED`."""
    found = {
        name: _count(conn, select(stories.c.id).where(*_is_sought(Sought(name, fresh, me))))
        for name in ("new", "second-look", "all")
    }
    picked = {name: len(pick(conn, me)) for name, pick in _PICKED.items()}
    return {**found, **picked, "quarantine": len(wire_acts.unseen_problems(conn))}


def _count(conn: Connection, query: Select[Any]) -> int:
    few = query.limit(COUNTED).subquery()
    return int(conn.execute(select(func.count()).select_from(few)).scalar_one())


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a story beside itself: who ``settled`` it, the edit ``scope`` measured of
    its entry, the ``feeds`` that it is in, who of the desk did anything (``by``), and who has it
    open to write (``writing``)."""

    settled: str | None = None
    scope: str | None = None
    feeds: tuple[str, ...] = ()
    by: frozenset[str] = frozenset()
    writing: tuple[str, ...] = ()


def about(conn: Connection, ids: Sequence[str], now: datetime) -> dict[str, About]:
    """:class:`About` each of *ids*, as it is *now*."""
    done = {r.story_id: r.by for r in _rows(conn, settled, ids, settled.c.by)}
    scopes = {r.story_id: r.scope for r in _rows(conn, entries, ids, entries.c.scope)}
    placed = _lists(conn, placements, ids, placements.c.feed)
    did = _lists(conn, headlines, ids, headlines.c.by)
    for each, who in _rows(conn, acts, ids, acts.c.by, acts.c.capture_id.is_(None)):
        did.setdefault(each, []).append(who)
    for each, who in done.items():
        did.setdefault(each, []).append(who)
    open_ = _lists(conn, writing, ids, writing.c.name, writing.c.until > now)
    return {
        each: About(
            settled=done.get(each),
            scope=scopes.get(each),
            feeds=tuple(sorted(placed.get(each, ()))),
            by=frozenset(did.get(each, ())),
            writing=tuple(sorted(open_.get(each, ()))),
        )
        for each in ids
    }


def _rows(conn: Connection, of: Any, ids: Sequence[str], column: Any, *where: Any) -> Any:
    query = select(of.c.story_id, column).where(of.c.story_id.in_(list(ids)), *where)
    return conn.execute(query)


def _lists(
    conn: Connection, of: Any, ids: Sequence[str], column: Any, *where: Any
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for story, value in _rows(conn, of, ids, column, *where):
        found.setdefault(story, []).append(value)
    return found


def settle(conn: Connection, story: str, number: int, by: str, at: datetime) -> bool:
    """Note that *by* leaves a story as its version *number* is; False when somebody did before."""
    row = upsert(conn, settled).values(story_id=story, number=number, by=by, at=at)
    row = row.on_conflict_do_nothing(index_elements=["story_id"])
    first = conn.execute(row.returning(settled.c.story_id)).first() is not None
    return first and _noted(conn, story, "settle", by, at)


def unsettle(conn: Connection, story: str, by: str, at: datetime) -> bool:
    """Note that *by* takes that back; False when there was nothing."""
    found = conn.execute(delete(settled).where(settled.c.story_id == story)).rowcount
    return found == 1 and _noted(conn, story, "unsettle", by, at)


def _noted(conn: Connection, story: str, kind: str, by: str, at: datetime) -> bool:
    conn.execute(insert(settlings).values(story_id=story, kind=kind, by=by, at=at))
    return True


def open_to_write(
    conn: Connection, story: str, name: str, now: datetime, until: datetime
) -> list[str]:
    """Note that *name* has the story open *until* then; who else has."""
    conn.execute(delete(writing).where(writing.c.until <= now))
    row = upsert(conn, writing).values(story_id=story, name=name, until=until)
    conn.execute(
        row.on_conflict_do_update(index_elements=["story_id", "name"], set_={"until": until})
    )
    others = and_(writing.c.story_id == story, writing.c.name != name)
    query = select(writing.c.name).where(others).order_by(writing.c.name)
    return list(conn.execute(query).scalars())


def close(conn: Connection, story: str, name: str) -> None:
    """Note that *name* has the story open no more."""
    this = writing.c.story_id == story, writing.c.name == name
    conn.execute(delete(writing).where(*this))
