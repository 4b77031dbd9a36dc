"""Housekeeping: what nobody asks for and the store needs all the same, in small steps.

Three things, each safe to do twice and by several workers at once: stories whose licence is over
leave the feeds (at every call); what the record says must be waiting is made to wait (every five
minutes); what retention no longer keeps goes (once an hour, and on until nothing is left to go).
A step is one short transaction; when the time given is used up, the next call goes on.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta

import structlog

from stories import clock, licence
from stories.config import Config
from stories.db import Store, captures, feeds, key_value, outbox, retention, wires
from stories.db import stories as records

BUDGET = 5.0
"""Seconds after which no new step is begun."""

MEND_EVERY = timedelta(minutes=5)
RETAIN_EVERY = timedelta(hours=1)
TELL_EVERY = timedelta(days=1)

log = structlog.get_logger(__name__)


def housekeeping(store: Store, config: Config, budget: float = BUDGET) -> dict[str, int]:
    """One round, of *budget* seconds or little more; what was done, in figures (zeros left out)."""
    ends = time.monotonic() + budget
    now = clock.now()
    done = {"licences over": take_out(store, config, now)}
    if _due(store, "housekeeping:mended", MEND_EVERY, now):
        for what, count in reconcile(store, now).items():
            done[what] = count
            if count:
                log.warning("mended", what=what, count=count)
        _note(store, "housekeeping:mended", now)
    if _due(store, "housekeeping:retained", RETAIN_EVERY, now):
        whole = True
        for what, count in retain(store, config, now):
            done[what] = done.get(what, 0) + count
            if time.monotonic() >= ends:
                whole = False
                break
        if whole:
            retention.tidy(store)
            _note(store, "housekeeping:retained", now)
    if _due(store, "housekeeping:told", TELL_EVERY, now):
        _note(store, "housekeeping:told", now)
        tell(store, now)
    told = {what: count for what, count in done.items() if count}
    if told:
        log.info("housekeeping", done=told)
    return told


def take_out(store: Store, config: Config, now: datetime) -> int:
    """Want rendered what the licence has ended for since the last call: the press takes it out of
    the feeds. How many stories.

    How far each wire is stands in the database, so a call reads what is new and no more.
    """
    count = 0
    with store.read() as conn:
        terms = wires.licence_terms(conn, config)
    for wire, span in terms.items():
        key = f"licence:{wire}"
        term = span.total_seconds()
        while True:
            with store.write() as conn:
                noted = key_value.read(conn, key) or {}
                after = None
                if noted.get("term") == term:  # another term: judge all anew
                    after = (datetime.fromisoformat(noted["at"]), str(noted["id"]))
                until = now - span
                found = retention.first_received(conn, wire, after, until, retention.STEP)
                if not found:
                    break
                outbox.want(conn, "story", (name for _, name in found), now)
                at, name = found[-1]
                key_value.write(conn, key, {"term": term, "at": at.isoformat(), "id": name})
            count += len(found)
    return count


def reconcile(store: Store, now: datetime) -> dict[str, int]:
    """Want again what stands unfinished but is in no outbox; how much, by kind.

    The outbox is written in the transaction that causes work, so this finds nothing unless rows
    were removed by hand or a database was restored from parts.
    """
    with store.write() as conn:
        wires = outbox.missing(conn, "ingest", captures.wires_pending(conn))
        stories = outbox.missing(conn, "story", feeds.unrendered_ids(conn, limit=10_000))
        outbox.want(conn, "ingest", wires, now)
        outbox.want(conn, "story", stories, now)
    return {"captures not taken in": len(wires), "stories not rendered": len(stories)}


def retain(store: Store, config: Config, now: datetime) -> Iterator[tuple[str, int]]:
    """Let go what is no longer kept, step by step; after each, what went and how much."""
    with store.read() as conn:
        terms = wires.licence_terms(conn, config)
    for wire, term in terms.items():
        until = licence.deleted_before(term, now)
        yield from _repeat(
            "captures withdrawn",
            lambda n=wire, u=until: _withdraw(store, n, u, now),  # type: ignore[misc]
        )
    before = now - config.retention.captures
    yield from _repeat("captures expired", lambda: _expire(store, before, now))
    yield from forget(store, config, now)
    old = now - config.retention.versions
    yield from _repeat("captures forgotten", lambda: _drop_captures(store, old))


def _repeat(what: str, step: Callable[[], int]) -> Iterator[tuple[str, int]]:
    while count := step():
        yield what, count


def _withdraw(store: Store, wire: str, until: datetime, now: datetime) -> int:
    with store.write() as conn:
        return retention.withdraw(conn, wire, until, now, max(retention.STEP // 10, 1))


def _expire(store: Store, before: datetime, now: datetime) -> int:
    with store.write() as conn:
        return retention.expire(conn, before, now, retention.STEP)


def _drop_captures(store: Store, before: datetime) -> int:
    with store.write() as conn:
        return retention.drop_captures(conn, before, retention.STEP)


_CURSOR = "housekeeping:stories"


def forget(store: Store, config: Config, now: datetime) -> Iterator[tuple[str, int]]:
    """Walk over all stories, from where the last walk stopped to the end; those that may go, go."""
    before = now - config.retention.versions
    limits = {f.name: f.limit for f in config.outgoing}
    while True:
        with store.read() as conn:
            after = key_value.read(conn, _CURSOR) or ""
            ids = records.ids_after(conn, after, retention.STEP)
            ends = retention.feed_ends(conn, limits) if ids else {}
            going = retention.forgettable(conn, ids, before, ends)
        count = 0
        for wire in going:
            with _quiet(store, wire) as held:
                if held:
                    with store.write() as conn:  # judged again, now that nothing is taken in
                        ends = retention.feed_ends(conn, limits)
                        names = retention.forgettable(conn, going[wire], before, ends)
                        if names:
                            retention.forget(conn, names[wire], now)
                            count += len(names[wire])
        with store.write() as conn:
            replaced = retention.drop_replaced(conn, ids, before)
            if replaced < retention.STEP:  # else there may be more of these
                key_value.write(conn, _CURSOR, ids[-1] if ids else "")
        if not ids:
            return
        yield "stories forgotten", count
        yield "versions forgotten", replaced


@contextmanager
def _quiet(store: Store, wire: str) -> Iterator[bool]:
    """Hold the wire's ``ingest`` lease, so that a story is not forgotten while it is taken in;
    False when somebody has it: then next time."""
    with store.write() as conn:
        outbox.want(conn, "ingest", [wire], clock.now())
        jobs = outbox.claim(conn, "ingest", clock.now(), 1, [wire])
    try:
        yield bool(jobs)
    finally:
        with store.write() as conn:
            outbox.release(conn, jobs)


def tell(store: Store, now: datetime) -> None:
    """Log how the store grew: the last whole day, and its size."""
    with store.read() as conn:
        yesterday = retention.storage_by_day(conn, now, 2)[0]
    figures = {k: v for k, v in asdict(yesterday).items() if k != "day"}
    log.info("storage", day=yesterday.day.isoformat(), **figures, database=retention.size(store))


def _due(store: Store, key: str, every: timedelta, now: datetime) -> bool:
    with store.read() as conn:
        last = key_value.read(conn, key)
    return last is None or not now - every < datetime.fromisoformat(last) <= now


def _note(store: Store, key: str, now: datetime) -> None:
    with store.write() as conn:
        key_value.write(conn, key, now.isoformat())
