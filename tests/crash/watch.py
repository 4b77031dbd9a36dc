"""A watch on the database while things break, and a desk that writes headlines, kills and holds.

Both are threads of the harness with stores of their own. They start no process.
"""

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from desk.headline import HeadlineError, publish
from desk.hiding import HidingError, act
from desk.newsroom.acts import name_of
from ingest.schedule import GOOD
from stories import clock
from stories.config import Config
from stories.db import Store, connect, people, wires
from stories.db import stories as records
from stories.models import ActKind, Story
from tests.crash import clocks
from tests.crash.browser import Browser, Form
from tests.crash.cluster import RENAMED

LOOK = 0.25
"""Seconds between two looks at the wires: less than the shortest interval between two polls."""

HIDDEN = 0.25
"""Share of the acts of the desk that hide a story; one that is hidden it brings back."""

IN_BROWSER = 0.4
"""Share of the acts of the desk that are done by a form of its page."""

DESK_LONGEST = 2.0
"""At most so many seconds pass between two acts of the desk."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A poll that had ended at ``ended``. It was claimed when the one before was over, which had
    not ended at ``before`` yet: so what stood from ``before`` to ``ended`` it has seen, if
    ``good``. Those are times of this process; the database has ``noted`` when it ended, by its own
    clock."""

    wire: str
    before: datetime
    ended: datetime
    good: bool
    noted: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """What the desk did, and whether it was told that it is done. ``None``: it cannot know, as
    the connection broke off during the commit."""

    story: str
    text: str | None
    by: str
    done: bool | None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Hiding:
    """What the desk did about whether a story is published, and whether it was told that it is
    done, as in :class:`Act`."""

    story: str
    kind: ActKind
    by: str
    done: bool | None
    at: float = 0.0


class Thread:
    """Calls :meth:`once` again and again until stopped; what it raises is counted, not fatal."""

    def __init__(self, config: Config, name: str) -> None:
        self._room = config
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failures: dict[str, int] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what is being done."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(60)

    def once(self, store: Store) -> float:
        """Do it; seconds until the next time."""
        raise NotImplementedError

    def _run(self) -> None:
        store = connect(self._room.database)
        try:
            pause = 0.0
            while not self._stopped.wait(pause):
                try:
                    pause = self.once(store)
                except Exception as error:  # the database is away: that is what this is about
                    name = f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"
                    self.failures[name] = self.failures.get(name, 0) + 1
                    pause = LOOK
        finally:
            store.close()


def _now() -> datetime:
    return datetime.fromtimestamp(clocks.now(), UTC)


class Watch(Thread):
    """Follows when each wire was polled, and how that went."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, "watch")
        self.seen: list[Seen] = []
        self.polls: dict[str, int] = {}
        self._last: dict[str, tuple[int, datetime]] = {}
        self._looked = _now()

    def once(self, store: Store) -> float:
        """Look at every wire."""
        began = _now()
        with store.read() as conn:
            rows = wires.every(conn)
        looked, self._looked, now = self._looked, began, _now()
        for row in rows:
            if row.polled_at is None:
                continue
            name = row.name.removesuffix(RENAMED)
            polls, before = self._last.get(name, (0, now))
            if row.polls < polls:  # the store is one of before
                self._last[name] = row.polls, looked
            if row.polls > polls:
                if name in self._last:
                    good = row.state in GOOD
                    self.seen.append(Seen(name, before, now, good, row.polled_at))
                self._last[name] = row.polls, looked
                self.polls[name] = row.polls
        return LOOK

    def polled_since(self, moment: datetime) -> set[str]:
        """The wires that had a good poll begun after *moment*."""
        return {s.wire for s in self.seen if s.good and s.before > moment}


class Desk(Thread):
    """Writes headlines over stories, and now and then puts the wire's back; kills stories, holds
    them, and brings them back.

    What it was told is hidden it writes to *hidden*, for the reader: lines of ``{"guid", "at"}``,
    and of ``{"guid"}`` before a story may be shown again.
    """

    def __init__(self, config: Config, seed: int, hidden: Path, browser: Browser) -> None:
        super().__init__(config, "desk")
        self._chance = random.Random(seed)
        self._hidden, self._browser = hidden, browser
        self.acts: list[Act] = []
        self.hidings: list[Hiding] = []

    def once(self, store: Store) -> float:
        """One act upon one of the newest stories."""
        with store.read() as conn:
            newest = records.newest(conn, limit=40)
        pause = self._chance.uniform(0.2, DESK_LONGEST)
        if not newest:
            return pause
        story = self._chance.choice(newest)
        if story.status != "usable" or self._chance.random() < HIDDEN:
            self._hide(store, story)
        else:
            self._write(store, story)
        return pause

    def _write(self, store: Store, story: Story) -> None:
        number = len(self.acts) + 1
        revert = story.desk_headline is not None and self._chance.random() < 0.2
        browses = not revert and self._chance.random() < IN_BROWSER
        text: str | None = None if revert else f"Desk {number}: what the desk wrote <&> हिन्दी"
        by = f"Editor {number}"
        if browses:
            text = f"Desk {number}: what the desk wrote in the browser हिन्दी"
            form = self._page(store, by, story, "headline", text=text)
        done: bool | None = None
        try:
            if browses:
                done = self._browser.send(by, form)
            else:
                publish(store, self._room, story.id, text, by)
                done = True
        except HeadlineError:  # the story went, or its headline came back meanwhile
            done = False
        finally:
            self.acts.append(Act(story.id, text, by, done, time.time()))

    def _hide(self, store: Store, story: Story) -> None:
        kinds: tuple[ActKind, ...] = ("kill", "hold") if story.status == "usable" else ("release",)
        kind, by = self._chance.choice(kinds), f"Editor {len(self.hidings) + 1}"
        browses = self._chance.random() < IN_BROWSER
        why = "to see what becomes of it"
        if browses:
            fields = {"reason": why} | ({"typed": name_of(story)} if kind == "kill" else {})
            form = self._page(store, by, story, kind, **fields)
        if kind == "release":
            self._tell({"guid": story.guid})
        done: bool | None = None
        try:
            if browses:
                done = self._browser.send(by, form)
            else:
                act(store, self._room, story.id, kind, by, why)
                done = True
            if done and kind != "release":
                self._tell({"guid": story.guid, "at": time.time()})
        except HidingError:
            done = False
        finally:
            self.hidings.append(Hiding(story.id, kind, by, done, time.time()))

    def _page(self, store: Store, by: str, story: Story, name: str, **fields: str) -> Form | None:
        """The form *name* before somebody of that name, who is let in."""
        with store.write() as conn:
            people.add(conn, by, "chief", "the harness", clock.now())
        return self._browser.filled_in(by, story.id, name, **fields)

    def _tell(self, line: dict[str, object]) -> None:
        with self._hidden.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def waited(happened: Callable[[], bool], patience: float, turn: Callable[[], None]) -> float | None:
    """Seconds until something *happened*, calling *turn* meanwhile; None if it did not in time."""
    start = time.monotonic()
    while not happened():
        if time.monotonic() - start > patience:
            return None
        turn()
        time.sleep(0.1)
    return time.monotonic() - start
