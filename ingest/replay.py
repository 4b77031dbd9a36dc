"""Replay: captures taken in again, as if they came now, with today's code.

The record is reconciled capture by capture, each in its own transaction together with how far the
replay is, so an interrupted replay goes on where it stopped. Where a capture's outcome changed,
every later capture of that wire follows, selected or not: what it means depends on what was known.
That is noted too, for what was changed may not be selected any more when the replay goes on.
A capture whose bytes have expired is passed over: what it brought stands, here and in a rebuild.
"""

import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ingest import sandbox
from ingest.intake import Taken, read, rules_for, take_in
from ingest.parse import Reader
from stories import clock
from stories.config import Config
from stories.db import Store, captures, key_value, outbox, proofs, retention
from stories.db import stories as records
from stories.db import wires as rows
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
    """The captures to replay, by wire, in the order received.

    What is still pending is not there, as it is taken in anyway; nor is what has expired.
    """
    chosen = _select(store, selection, passed_over=captures.ids_expired)
    return {name: numbers for name, numbers in chosen.items() if numbers}


def expired(store: Store, selection: Selection) -> int:
    """How many captures of the selection have expired; their versions stand."""
    chosen = _select(store, selection, passed_over=captures.ids_with_bytes)
    return sum(map(len, chosen.values()))


def _select(
    store: Store,
    selection: Selection,
    passed_over: Callable[[Connection, str], set[int]],
) -> dict[str, list[int]]:
    with store.read() as conn:
        names = selection.wires if selection.wires is not None else captures.wires_captured(conn)
        only: set[int] | None = None
        if selection.story is not None:
            story = records.one(conn, selection.story)
            names = [story.wire] if story is not None else []
            only = {v.capture_id for v in records.history(conn, selection.story)}
        if selection.quarantined:
            only = captures.quarantined(conn) if only is None else only & captures.quarantined(conn)
        chosen = {}
        for name in names:
            found = captures.ids(conn, name, since=selection.since, until=selection.until)
            out = passed_over(conn, name).union(captures.ids_pending(conn, name))
            chosen[name] = [i for i in found if i not in out and (only is None or i in only)]
    return chosen


def replay(
    store: Store,
    config: Config,
    selection: Selection,
    planned: dict[str, list[int]],
    *,
    patience: Callable[[float], None],
    reader: Reader = sandbox.read,
) -> Generator[Taken, None, None]:
    """Take the *planned* captures in again. *patience* sleeps while a worker has the wire.

    :raises StoreError: when a wire stays in a worker's hands for a whole lease.
    """
    for name, todo in left(store, selection, planned).items():
        if not todo:
            continue
        job = _hold(store, name, patience)
        try:
            with outbox.renewing(store, [job]):
                yield from _replay_wire(store, config, selection, name, todo, job, reader)
        finally:
            with store.write() as conn:
                outbox.release(conn, [job])
    with store.write() as conn:
        key_value.forget(conn, selection.note)


def left(
    store: Store, selection: Selection, planned: Mapping[str, Sequence[int]]
) -> dict[str, list[int]]:
    """What is to be taken in of *planned*, by wire: all of it or, where an earlier replay of the
    same selection was interrupted, what it left, and every capture that must follow a change."""
    with store.read() as conn:
        marks = _marks(conn, selection)
        return {
            name: captures.ids(conn, name, after=mark.reached)
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
    # A bare number is from before cascades were noted: there may have been one.
    return {n: _Mark(at, True) if isinstance(at, int) else _Mark(*at) for n, at in noted.items()}


def _mark(conn: Connection, selection: Selection, name: str, mark: _Mark) -> None:
    marks = _marks(conn, selection) | {name: mark}
    noted = {n: [each.reached, each.cascading] for n, each in marks.items()}
    key_value.write(conn, selection.note, noted)


def resumed(store: Store, selection: Selection) -> bool:
    """True when an earlier replay of the same selection was interrupted and will be continued."""
    with store.read() as conn:
        return key_value.read(conn, selection.note) is not None


def restart(store: Store, selection: Selection) -> None:
    """Forget how far an interrupted replay of this selection came."""
    with store.write() as conn:
        key_value.forget(conn, selection.note)


def _replay_wire(
    store: Store,
    config: Config,
    selection: Selection,
    name: str,
    todo: Sequence[int],
    job: Job,
    reader: Reader,
) -> Iterator[Taken]:
    wire = rules_for(config, name)
    queue = list(todo)
    with store.read() as conn:
        cascading = _marks(conn, selection).get(name, _Mark()).cascading
    while queue:
        number = queue.pop(0)
        with store.read() as conn:
            capture = captures.get(conn, number)
            body = captures.body(conn, capture.digest) if capture is not None else None
        if capture is None or body is None or capture.state == "pending" or capture.expired_at:
            continue  # its bytes have expired (its versions stand), or it is taken in anyway
        found = read(capture, body, wire, reader)
        with store.write() as conn:
            if not outbox.renew(conn, job, clock.now()):
                raise StoreError(f"wire {name}: its lease was lost; run the replay again to go on")
            taken = take_in(conn, config, wire, capture, found)
            outbox.want(conn, "story", taken.stories, clock.now())
            begins = bool(taken.changes) and not cascading
            cascading = cascading or begins
            _mark(conn, selection, name, _Mark(number, cascading))
        if begins:
            with store.read() as conn:
                queue = captures.ids(conn, name, after=number)
        yield taken


def _hold(store: Store, name: str, patience: Callable[[float], None]) -> Job:
    """The wire's ``ingest`` lease, so that no worker takes captures of it in meanwhile."""
    for _ in range(2 * int(outbox.LEASE.total_seconds())):
        now = clock.now()
        with store.write() as conn:
            outbox.want(conn, "ingest", [name], now)
            jobs = outbox.claim(conn, "ingest", now, 1, [name])
        if jobs:
            return jobs[0]
        patience(1.0)
    raise StoreError(f"wire {name}: a worker holds it; try again when `wirecopy status` is calm")


def rebuild(source: Store, target: Store, wires: Sequence[str] | None = None) -> int:
    """Copy captures, as just received, and every act of the desk from *source* into the empty
    *target*; the number of captures to be taken in there. Intake then does the rest.

    What was signed and logged is an act too: keys that are no longer there cannot sign it again.

    Of captures whose bytes have expired, what they brought is copied instead.

    :raises StoreError: when *target* holds captures already.
    """
    with source.read() as old, target.write() as new:
        if captures.volume(new).captures:
            raise StoreError(f"database {target.name}: is not empty; name a fresh one")
        names = captures.wires_captured(old) if wires is None else list(wires)
        count = 0
        for name in names:
            gone = captures.ids_expired(old, name)
            for number in captures.ids(old, name):
                captures.copy(old, new, number)
                count += number not in gone
        captures.resume_numbering(new)
        rows.copy_terms(old, new, set(names))
        records.copy_edits(new, records.every_edit(old))
        proofs.copy(old, new)
        copied = retention.copy_outcomes(old, new, names)
        outbox.want(new, "story", copied, clock.now())
        outbox.want(new, "ingest", names, clock.now())
    return count
