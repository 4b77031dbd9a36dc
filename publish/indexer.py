"""Keeps the full-text index (:mod:`stories.db.search`) up with the feeds, behind all other work.

It follows the numbers of their changes, so nothing that publishes does anything for it: the newest
changes first, then those that were there before it, from the newest back. What may not be read any
more was taken out by whoever took it out of the feeds.
"""

import time
from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

from publish.render import as_published
from publish.words import words_of
from stories import clock
from stories.config import Config
from stories.db import Connection, Store, feeds, key_value, search
from stories.db import stories as records
from stories.db.feeds import Change
from stories.db.search import PROGRESS, Indexed

A_TURN = 10
"""Changes between two commits: others wait some milliseconds."""


class _Reach(NamedTuple):
    """Which changes of a feed are in the index: those with numbers above one, up to another."""

    above: int
    upto: int


class _Step(NamedTuple):
    """Changes to index, and how far every feed is then."""

    changes: Sequence[Change]
    reached: Mapping[str, _Reach]


def index_waiting(store: Store, config: Config, seconds: float = inf) -> bool:
    """Index what was published, for some *seconds*; whether more waits."""
    until = time.monotonic() + seconds
    while _turn(store, config):
        if time.monotonic() > until:
            return True
    return False


def behind(conn: Connection, config: Config) -> int:
    """How many changes of feeds are not in the index, about."""
    numbers = feeds.numbers(conn)
    reached = _reached(conn, config, numbers)
    return sum(numbers[name] - upto + above for name, (above, upto) in reached.items())


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


def _words(conn: Connection, config: Config, changes: Sequence[Change]) -> list[Indexed]:
    """What is to be put into the index of those stories that it does not have as they are."""
    there = {each.story_id: each.placed_at for each in changes if not each.left}
    known = search.placed_at(conn, list(there))
    new = [name for name, at in there.items() if known.get(name) != at]
    now = clock.now()
    return [
        Indexed(story.id, placed, words_of(as_published(story, config)))
        for story in records.get(conn, new)
        if (placed := there[story.id]) is not None and not story.hidden(now)
    ]
