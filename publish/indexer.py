"""Keeps the full-text index (:mod:`stories.db.search`) up with the feeds, behind all other work.

It follows the numbers of their changes, so nothing that publishes does anything for it: the newest
changes first, then those that were there before it, from the newest back. What may not be read any
more was taken out by whoever took it out of the feeds.

Stories in no public feed are there for the desk alone. Whoever renders one notes that, which is
seldom; those of before that are looked through once, the newest first.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import inf
from typing import NamedTuple

from publish.render import as_published
from publish.words import words_of, words_of_desk
from stories import clock
from stories.config import Config
from stories.db import Connection, Store, feeds, key_value, queues, search
from stories.db import stories as records
from stories.db.feeds import Change
from stories.db.queues import COUNTED, Place, Sought
from stories.db.search import PROGRESS, REST, Indexed
from stories.models import Story

A_TURN = 10
"""Changes between two commits: others wait some milliseconds."""

LOOKED_AT = 200
"""Stories of before that are looked at together, to see whether the index has them."""


class _Reach(NamedTuple):
    """Which changes of a feed are in the index: those with numbers above one, up to another."""

    above: int
    upto: int


class _Step(NamedTuple):
    """Changes to index, and how far every feed is then."""

    changes: Sequence[Change]
    reached: Mapping[str, _Reach]


def index_waiting(store: Store, config: Config, seconds: float = inf) -> bool:
    """Index what was published, and what was not, for some *seconds*; whether more waits."""
    until = time.monotonic() + seconds
    while _noted(store, config) or _turn(store, config) or _rest(store, config):
        if time.monotonic() > until:
            return True
    return False


def behind(conn: Connection, config: Config) -> int:
    """How many changes are not in the index, about."""
    numbers = feeds.numbers(conn)
    reached = _reached(conn, config, numbers)
    changes = sum(numbers[name] - upto + above for name, (above, upto) in reached.items())
    rest = key_value.read(conn, REST) != [] and bool(records.newest(conn, limit=1))
    return changes + len(search.wanted(conn, COUNTED)) + rest


def _turn(store: Store, config: Config) -> bool:
    """Index some changes; False when there are none."""
    with store.read() as conn:
        step = _next(conn, config)
        if step is None:
            return False
        rows = _words(conn, config, step.changes)
    with store.write() as conn:
        feeds.lock(conn)
        # Else somebody else did so meanwhile, or a story is not there any more.
        if _next(conn, config) == step:
            search.put(conn, rows)
            key_value.write(conn, PROGRESS, step.reached)
    return True


def _next(conn: Connection, config: Config) -> _Step | None:
    """What is to be indexed next: what is new in any feed, before what was there."""
    numbers = feeds.numbers(conn)
    reached = _reached(conn, config, numbers)
    for name, reach in reached.items():
        if reach.upto < numbers[name]:
            changes = feeds.changes_since(conn, name, reach.upto, A_TURN)
            last = changes[-1].seq if len(changes) == A_TURN else numbers[name]
            return _Step(changes, reached | {name: reach._replace(upto=last)})
    for name, reach in reached.items():
        if reach.above:
            changes = feeds.changes_until(conn, name, reach.above, A_TURN)
            first = changes[-1].seq - 1 if len(changes) == A_TURN else 0
            return _Step(changes, reached | {name: reach._replace(above=first)})
    return None


def _reached(conn: Connection, config: Config, numbers: Mapping[str, int]) -> dict[str, _Reach]:
    noted = key_value.read(conn, PROGRESS) or {}
    return {
        feed.name: _Reach(*noted.get(feed.name, (newest, newest)))
        for feed in config.public_feeds
        if (newest := numbers.get(feed.name))
    }


def _noted(store: Store, config: Config) -> bool:
    """Index for the desk some stories of which it was noted that they are in no public feed; False
    when there are none."""
    with store.read() as conn:
        if not search.wanted(conn, 1):
            return False
    with store.write() as conn:
        # Words are cut under the lock, so that nobody publishes the story meanwhile.
        feeds.lock(conn)
        names = search.wanted(conn, A_TURN)
        stories = records.get(conn, names)
        search.forget(conn, sorted({*names} - {story.id for story in stories}))
        search.put(conn, _hidden(conn, config, stories))
        search.unwant(conn, names)
    return True


def _rest(store: Store, config: Config) -> bool:
    """Index for the desk some stories of before it could search them, the newest first; False when
    all were looked through."""
    with store.read() as conn:
        reached = key_value.read(conn, REST)
        if reached == []:
            return False
        before = Place(datetime.fromisoformat(reached[0]), reached[1]) if reached else None
        found = queues.walk(conn, Sought("all", clock.now()), before, LOOKED_AT)
    with store.write() as conn:
        feeds.lock(conn)
        if key_value.read(conn, REST) == reached:
            names = {place.id for place in found}
            lacking = sorted(names - search.known(conn, sorted(names)))
            search.put(conn, _hidden(conn, config, records.get(conn, lacking[:A_TURN])))
            if len(lacking) <= A_TURN:
                last = found[-1] if len(found) == LOOKED_AT else None
                key_value.write(conn, REST, [] if last is None else [last.at.isoformat(), last.id])
    return True


def _hidden(conn: Connection, config: Config, stories: Sequence[Story]) -> list[Indexed]:
    """What only the desk is to find: of those of *stories* that are in no public feed."""
    public, now = set(config.public_names), clock.now()
    found = []
    for story in stories:
        if story.hidden(now) or public.isdisjoint(feeds.feeds_of(conn, story.id)):
            published = as_published(story, config)
            said = [*words_of(published), *words_of_desk(story, published)]
            found.append(Indexed(story.id, story.placed_at, (), said, hidden=True))
    return found


def _words(conn: Connection, config: Config, changes: Sequence[Change]) -> list[Indexed]:
    """What is to be put into the index of those stories that it does not have as they are."""
    there = {each.story_id: each.placed_at for each in changes if not each.left}
    known = search.placed_at(conn, list(there))
    new = [name for name, at in there.items() if known.get(name) != at]
    now = clock.now()
    return [
        Indexed(story.id, placed, words_of(published), words_of_desk(story, published))
        for story in records.get(conn, new)
        if (published := as_published(story, config))
        and (placed := there[story.id]) is not None
        and not story.hidden(now)
    ]
