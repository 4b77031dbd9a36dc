"""Replay: captures taken in again, as if they came now, with today's code.

Each capture is one transaction, which also notes how far the replay is, so an interrupted replay
goes on where it stopped. Where a capture's result changed, every later capture of that wire is
replayed too, selected or not: what it means depends on what was known. That is noted as well, for a
changed capture may not be selected any more when the replay goes on. A capture whose bytes have
expired is skipped: what it brought stays, in the store and in a rebuild.
"""

import hashlib
import json
import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest import sandbox
from ingest.intake import Taken, names_of, rules_for, take_in
from ingest.item import Contents, Hints
from ingest.parse import Reader
from stories import clock
from stories.config import Config, Wire
from stories.db import (
    Connection,
    Store,
    captures,
    custody,
    key_value,
    outbox,
    people,
    proofs,
    retention,
    subscribers,
    wire_acts,
)
from stories.db import stories as records
from stories.db import wires as rows
from stories.db.excerpt import Excerpt
from stories.db.outbox import Job
from stories.errors import StoreError


@dataclass(frozen=True, slots=True)
class Selection:
    """Which captures: by wire, by time of receipt, or those that touch one story."""

    wires: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    story: str | None = None
    quarantined: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is all that was ever sent, by all wires or some."""
        return not (self.since or self.until or self.story or self.quarantined)

    @property
    def note(self) -> str:
        """The key under which the progress of this selection's replay is noted."""
        parts = [
            list(self.wires) if self.wires is not None else None,
            self.since.isoformat() if self.since else None,
            self.until.isoformat() if self.until else None,
            self.story,
            self.quarantined,
        ]
        return f"replay:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"


def plan(store: Store, selection: Selection) -> dict[str, list[int]]:
    """The captures to replay, by wire, in the order received; none that is pending or expired."""
    chosen = _select(store, selection, expired=False)
    return {name: numbers for name, numbers in chosen.items() if numbers}


def expired(store: Store, selection: Selection) -> int:
    """How many captures of the selection have expired; their versions stay."""
    return sum(map(len, _select(store, selection, expired=True).values()))


def _select(store: Store, selection: Selection, *, expired: bool) -> dict[str, list[int]]:
    with store.read() as conn:
        names = selection.wires if selection.wires is not None else captures.wires_captured(conn)
        only: set[int] | None = None
        if selection.story is not None:
            story = records.one(conn, selection.story)
            names = [story.wire, *story.also] if story is not None else []
            only = {v.capture_id for v in records.history(conn, selection.story)}
        if selection.quarantined:
            only = captures.quarantined(conn) if only is None else only & captures.quarantined(conn)
        chosen = {}
        for name in names:
            chosen[name] = captures.ids_taken_in(
                conn,
                name,
                expired=expired,
                since=selection.since,
                until=selection.until,
                only=only,
            )
    return chosen


def replay(
    store: Store,
    config: Config,
    selection: Selection,
    planned: Mapping[str, Sequence[int]],
    *,
    sleep: Callable[[float], None],
    reader: Reader = sandbox.read,
    excerpt: Excerpt | None = None,
) -> Generator[Taken, None, None]:
    """Take the *planned* captures in again, or what an interrupted replay of the same selection
    left of them. *sleep* waits while a worker has the wire. With *excerpt* it is a rehearsal: the
    *store* is the excerpt's.

    :raises StoreError: when a worker has a wire for longer than a lease, or the lease on it is
        lost.
    """
    todo = left(store, selection, planned)
    while waiting := [name for name, numbers in todo.items() if numbers]:
        theirs = {name: todo.pop(name, []) for name in config.family(waiting[0])}
        yield from _replay_wires(store, config, selection, theirs, sleep, reader, excerpt)
    restart(store, selection)


def _replay_wires(
    store: Store,
    config: Config,
    selection: Selection,
    todo: Mapping[str, Sequence[int]],
    sleep: Callable[[float], None],
    reader: Reader,
    excerpt: Excerpt | None,
) -> Iterator[Taken]:
    """Replay what is *todo* of the wires of one agency, in the order in which it came."""
    queues = {name: deque(numbers) for name, numbers in todo.items()}
    name = ""

    def note(conn: Connection, taken: Taken) -> None:
        """Note how far the replay is; after the first change, every later capture follows, also of
        siblings that carry what changed."""
        marks, number = _marks(conn, selection), taken.capture.id
        every = conn if excerpt is None else excerpt.source
        carry = records.carried_by(every, {change.story_id for change in taken.changes})
        marks[name] = _Mark(number, marks.get(name, _Mark()).cascading)
        for each in {name} | (carry & queues.keys()) if taken.changes else ():
            if not marks.get(each, _Mark()).cascading:
                marks[each] = _Mark(number, True)
                queues[each] = deque(captures.ids_taken_in(every, each, after=number))
        noted = {n: [each.reached, each.cascading] for n, each in marks.items()}
        key_value.write(conn, selection.note, noted)

    def read(body: bytes, hints: Hints, wire: Wire) -> Contents:
        contents = reader(body, hints, wire)
        if excerpt is not None:
            excerpt.known([name, *queues], names_of(contents))
        return contents

    with _leased(store, list(queues), sleep) as jobs:
        while following := [(queue[0], of) for of, queue in queues.items() if queue]:
            number, name = min(following)
            queues[name].popleft()
            if excerpt is not None:
                excerpt.capture(number)
            wire = rules_for(config, name)
            yield from take_in(store, config, wire, [number], jobs[name], read, after=note)


class _Busy(Exception):  # noqa: N818 - nothing is wrong
    """A worker has a wire."""


def take_in_accepted(
    store: Store,
    config: Config,
    seconds: float = math.inf,
    *,
    committed: Callable[[], None] = lambda: None,
    reader: Reader = sandbox.read,
) -> bool:
    """Take in the items that people accepted out of quarantine, with all that follows from that;
    True when more is left. *committed* is called whenever stories can be rendered.

    After *seconds* no further capture is started. A wire that a worker has waits.
    """
    end = time.monotonic() + seconds

    def not_now(_: float) -> None:
        raise _Busy

    with store.read() as conn:
        waiting = wire_acts.waiting(conn)
    for name, moments in waiting.items():
        # A selection for each act, so that a later one does not go on where this one ended.
        chosen = [Selection(wires=(name,), until=at + _LATE, quarantined=True) for at in moments]
        planned = plan(store, chosen[-1])
        going = replay(store, config, chosen[-1], planned, sleep=not_now, reader=reader)
        try:
            for taken in going:
                if taken.stories:
                    committed()
                if time.monotonic() > end:
                    return True
        except _Busy:
            continue
        finally:
            going.close()
        for each in chosen[:-1]:
            restart(store, each)
        with store.write() as conn:
            wire_acts.taken_in(conn, name, moments[-1])
    return False


_LATE = timedelta(minutes=1)
"""What came so soon after an act may have been read without knowing of it."""


def left(
    store: Store, selection: Selection, planned: Mapping[str, Sequence[int]]
) -> dict[str, list[int]]:
    """What is to be taken in of *planned*, by wire: all of it or, where an earlier replay of the
    same selection was interrupted, what it left, and every capture that must follow a change."""
    with store.read() as conn:
        marks = _marks(conn, selection)
        return {
            name: captures.ids_taken_in(conn, name, after=mark.reached)
            if (mark := marks.get(name, _Mark())).cascading
            else [n for n in planned.get(name, ()) if n > mark.reached]
            for name in {**planned, **marks}
        }


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a wire's replay is; ``cascading``: every later capture follows, selected or not."""

    reached: int = 0
    cascading: bool = False


def _marks(conn: Connection, selection: Selection) -> dict[str, _Mark]:
    noted = key_value.read(conn, selection.note) or {}
    # A bare number is from a release that did not note cascades: there may have been one.
    return {n: _Mark(at, True) if isinstance(at, int) else _Mark(*at) for n, at in noted.items()}


def resumed(store: Store, selection: Selection) -> bool:
    """True when an earlier replay of the same selection was interrupted and will be continued."""
    with store.read() as conn:
        return key_value.read(conn, selection.note) is not None


def restart(store: Store, selection: Selection) -> None:
    """Forget how far a replay of this selection came."""
    with store.write() as conn:
        key_value.forget(conn, selection.note)


@contextmanager
def _leased(
    store: Store, names: Sequence[str], sleep: Callable[[float], None]
) -> Iterator[dict[str, Job]]:
    """Hold the wires' ``ingest`` leases, so that no worker takes captures of them in meanwhile.

    :raises StoreError: when a worker has one for longer than a lease.
    """
    for _ in range(2 * int(outbox.LEASE.total_seconds())):
        now = clock.now()
        with store.write() as conn:
            outbox.want(conn, "ingest", names, now)
            jobs = outbox.claim(conn, "ingest", now, len(names), names)
            missing = sorted(set(names) - {job.key for job in jobs})
            outbox.release(conn, jobs if missing else [])
        if not missing:
            break
        sleep(1.0)
    else:
        raise StoreError(
            f"wire {missing[0]}: a worker holds it; try again when `wirecopy status` is calm"
        )
    try:
        with outbox.renewing(store, jobs):
            yield {job.key: job for job in jobs}
    finally:
        with store.write() as conn:
            outbox.release(conn, jobs)


def rebuild(source: Store, target: Store, wires: Sequence[str] | None = None) -> int:
    """Copy captures, as just received, and every act of the desk from *source* into the empty
    *target*; how many captures are to be taken in there (:func:`take_in_all`).

    What was signed and logged is copied too: a key may be gone by now, and could not sign it again.
    Of captures whose bytes have expired, what they brought is copied.

    :raises StoreError: when *target* holds captures already.
    """
    with source.read() as old, target.write() as new:
        if captures.listing(new, limit=1):
            raise StoreError(f"database {target.name}: is not empty; name a fresh one")
        names = captures.wires_captured(old) if wires is None else list(wires)
        count = sum(captures.copy(old, new, name) for name in names)
        rows.copy(old, new, set(names))
        records.copy_acts(old, new)
        wire_acts.copy(old, new)
        people.copy(old, new)
        subscribers.copy(old, new)
        for key in (key_value.AUTHORITY, key_value.FIRST_NAMES, key_value.FORMER_NAMES):
            if (noted := key_value.read(old, key)) is not None:
                key_value.write(new, key, noted)
        proofs.copy(old, new)
        custody.copy(old, new)
        copied = retention.copy_outcomes(old, new, names)
        outbox.want(new, "story", copied, clock.now())
        outbox.want(new, "ingest", names, clock.now())
    return count


def take_in_all(
    store: Store, config: Config, names: Iterable[str], reader: Reader = sandbox.read
) -> Iterator[Taken]:
    """Take in what is pending of the wires *names*, as after :func:`rebuild`, in the order in which
    it came. The first error ends it, where :func:`ingest.intake.take_in_waiting` goes on with the
    next wire."""
    wires = list(names)
    with _leased(store, wires, time.sleep) as jobs:
        with store.read() as conn:
            pending = captures.pending(conn, wires)
        for number, name in sorted((n, name) for name, some in pending.items() for n, _ in some):
            wire = rules_for(config, name)
            yield from take_in(store, config, wire, [number], jobs[name], reader)
