"""News for open pages: what came into a queue since a page was made, and how many wait.

Server-sent events (HTML §9.2). One task looks every two seconds for all who listen, and none does
when nobody listens. What is missed costs nothing: a page that is loaded shows everything.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from desk.newsroom.queues import FRESH, QUEUES, Asked, counted, fits
from stories import clock
from stories.db import SQLAlchemyError, Store, people, queues
from stories.db import stories as records
from stories.db.queues import About, Place, Sought
from stories.errors import StoreError
from stories.models import Story

EVERY = 2.0
"""Seconds from one look to the next."""

WINDOW = timedelta(minutes=10)
"""How far back a look goes: what was received then may be taken in only now."""

KEPT = 1000
"""Changes that are remembered, and looked at at once."""

AT_ONCE = 200
"""Pages that listen to one process."""

SPOKEN = 60.0
"""Seconds for which one is spoken to; then a browser asks again, and has to be signed in still."""

QUIET = 15.0
"""Seconds after which something is said all the same, or proxies take the connection for dead."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """A story that came or changed, as it was when that was ``seen``."""

    seen: datetime
    story: Story
    about: About


class News:
    """Tells listeners of changes in *store*, looking *every* so many seconds. For one event
    loop."""

    def __init__(self, store: Store, every: float = EVERY) -> None:
        self._store = store
        self._every = every
        self._changes: OrderedDict[Place, Change] = OrderedDict()
        self._counts: dict[str, str] = {}
        self._revoked: frozenset[str] = frozenset()
        self._listeners = 0
        self._watch: asyncio.Task[None] | None = None
        self._turn = asyncio.Event()
        self._ended = False

    @property
    def is_full(self) -> bool:
        """Whether nobody else can listen."""
        return self._listeners >= AT_ONCE or self._ended

    def end(self) -> None:
        """Say nothing any more: whoever listens is let go."""
        self._ended = True
        self._turn.set()

    async def events(self, asked: Asked, me: str, since: datetime) -> AsyncIterator[str]:
        """What is to be told of that which is *asked* for by *me*, *since* a page was made."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SPOKEN
        told, counts = since, dict[str, str]()
        self._listeners += 1
        try:
            if self._watch is None:
                self._watch = asyncio.create_task(self._watching())
            yield "retry: 3000\n\n"
            while not self._ended and loop.time() < until:
                turn = self._turn
                if me in self._revoked:
                    return
                fresh = [c for c in self._changes.values() if c.seen > told]
                told = max([told, *(change.seen for change in fresh)])
                now = clock.now()
                ids = [c.story.id for c in fresh if fits(c.story, c.about, asked, me, now)]
                if ids or counts != self._counts:
                    counts = self._counts
                    said = json.dumps({"ids": ids, "counts": counts})
                    yield f"data: {said}\n\n"
                try:
                    await asyncio.wait_for(turn.wait(), QUIET)
                except TimeoutError:
                    yield ":\n\n"
        finally:
            self._listeners -= 1

    async def _watching(self) -> None:
        self._changes = OrderedDict()  # of when somebody last listened: pages have seen that since
        try:
            while self._listeners and not self._ended:
                try:
                    # In a thread that the loop waits for when it ends, unlike Starlette's: none
                    # may still hold a connection when the store is closed.
                    self._changes, self._counts, self._revoked = await asyncio.to_thread(self._look)
                except (SQLAlchemyError, StoreError) as error:
                    log.debug("no news", error=f"{type(error).__name__}: {error}")
                turn, self._turn = self._turn, asyncio.Event()
                turn.set()
                await asyncio.sleep(self._every)
        finally:
            self._watch = None

    def _look(self) -> tuple[OrderedDict[Place, Change], dict[str, str], frozenset[str]]:
        """The changes that are remembered now, how many stories each queue has, and the names of
        who was let in once and is no more."""
        now = clock.now()
        known = self._changes
        with self._store.read() as conn:
            sought = Sought("all", now - FRESH, since=now - WINDOW)
            found = queues.walk(conn, sought, None, KEPT)
            ids = [place.id for place in found if place not in known]
            stories = {story.id: story for story in records.get(conn, ids)}
            abouts = queues.about(conn, ids, now)
            numbers = queues.counts(conn, now - FRESH, "")
            known_people = people.every(conn)
        changes = OrderedDict(known)
        # Later than all that is known, even if the machine's clock was set back between them.
        last = next(reversed(known.values())).seen if known else now
        later = max(now, last + timedelta(microseconds=1))
        for place in reversed(found):
            if place not in known and place.id in stories:
                # What was there when nobody had looked yet came when it came.
                seen = later if known else min(place.at, now)
                changes[place] = Change(seen, stories[place.id], abouts[place.id])
        while len(changes) > KEPT:
            changes.popitem(last=False)
        counts: dict[str, str] = {n: counted(numbers[n]) for n in QUEUES if n != "mine"}
        revoked = frozenset(each.name for each in known_people if each.revoked_at is not None)
        return changes, counts, revoked
