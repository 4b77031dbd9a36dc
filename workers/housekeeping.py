"""Housekeeping: licences that end, an audit of the outbox, retention; in small steps.

Each is safe to do twice and by several workers at once. Stories whose licence is over leave the
feeds (at every call). Unfinished work that is missing from the outbox is put back (every five
minutes). What retention no longer keeps is deleted (once an hour, until nothing is left to delete).
What came is added up (once a day).
A step is one short transaction; when the budget of a call is used up, the next call goes on.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import inf

import structlog

from stories import clock
from stories.config import Config
from stories.db import (
    Store,
    captures,
    feeds,
    key_value,
    outbox,
    pictures,
    retention,
    storage,
    subscriptions,
    wires,
)
from stories.db import stories as records
from stories.models import copy_deleted_before
from workers.alerts import put_clock_right, tell_failover

BUDGET = 5.0
"""Seconds after which no new step is begun."""

RECONCILE_EVERY = timedelta(minutes=5)
RETENTION_EVERY = timedelta(hours=1)
STORAGE_LOG_EVERY = timedelta(days=1)

AUDITED = 1000
"""Stories of which one call sees whether they were rendered."""

_AUDITED = "housekeeping:audited"

log = structlog.get_logger(__name__)


def housekeeping(store: Store, config: Config, budget: float = BUDGET) -> dict[str, int]:
    """One round, of about *budget* seconds; how much of what was done, zeros left out."""
    ends = time.monotonic() + budget
    now = clock.now()
    done = {"times in the future": put_clock_right(store, now)}
    done["failovers"] = tell_failover(store, now)
    done["licences over"] = end_licences(store, config, now)
    with store.read() as conn:
        over = subscriptions.over(conn, now)
    if over:
        with store.write() as conn:
            done["subscriptions over"] = subscriptions.forget(conn, now)
    if _due(store, "housekeeping:mended", RECONCILE_EVERY, now):
        for what, count in reconcile(store, now).items():
            done[what] = count
            if count:
                log.warning("missing from the outbox", what=what, count=count)
        _note(store, "housekeeping:mended", now)
    if _due(store, "housekeeping:retained", RETENTION_EVERY, now):
        for what, count in apply_retention(store, config, now):
            done[what] = done.get(what, 0) + count
            if time.monotonic() >= ends:
                break
        else:
            retention.tidy(store)
            _note(store, "housekeeping:retained", now)
    if _due(store, "housekeeping:told", STORAGE_LOG_EVERY, now) and add_up(store, now, ends):
        _note(store, "housekeeping:told", now)
    done = {what: count for what, count in done.items() if count}
    if done:
        log.info("housekeeping", done=done)
    return done


def end_licences(store: Store, config: Config, now: datetime) -> int:
    """Have the stories rendered whose licence has ended since the last call, which removes them
    from the feeds; how many.

    The database remembers how far each wire is, so a call reads only what is new.
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
                if noted.get("term") == term:  # with another term, all stories are checked again
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
    """Put unfinished work that is missing from the outbox back into it; how much, by kind.

    The outbox is written in the transaction that causes work, so nothing is missing unless rows
    were deleted by hand or a database was restored from parts. Of the stories, the next
    :data:`AUDITED` are looked at, so that all are in turn.
    """
    with store.write() as conn:
        wires = outbox.missing(conn, "ingest", captures.wires_pending(conn))
        after = key_value.read(conn, _AUDITED) or ""
        ids = records.ids_after(conn, after, AUDITED)
        stories = outbox.missing(conn, "story", feeds.without_entry(conn, ids))
        outbox.want(conn, "ingest", wires, now)
        outbox.want(conn, "story", stories, now)
        upto = ids[-1] if len(ids) == AUDITED else ""
        if upto != after:
            key_value.write(conn, _AUDITED, upto)
    return {"captures not taken in": len(wires), "stories not rendered": len(stories)}


def apply_retention(store: Store, config: Config, now: datetime) -> Iterator[tuple[str, int]]:
    """Delete what is no longer kept, step by step; after each step, what was deleted, how much."""
    with store.read() as conn:
        terms = wires.licence_terms(conn, config)
    for wire, term in terms.items():
        until = copy_deleted_before(term, now)
        yield from _repeat(
            "captures withdrawn",
            lambda n=wire, u=until: _withdraw(store, n, u, now),  # type: ignore[misc]
        )
    before = now - config.retention.captures
    yield from _repeat("captures expired", lambda: _expire(store, before, now))
    shown = now - config.retention.pictures
    yield from _repeat("pictures forgotten", lambda: _expire_pictures(store, config, shown, now))
    old = now - config.retention.versions
    yield from forget_stories(store, config, old, now)
    yield from drop_replaced(store, old)
    yield from _repeat("captures forgotten", lambda: _drop_captures(store, old))


def _repeat(what: str, step: Callable[[], int]) -> Iterator[tuple[str, int]]:
    while count := step():
        yield what, count


def _withdraw(store: Store, wire: str, until: datetime, now: datetime) -> int:
    with store.write() as conn:
        return retention.withdraw(conn, wire, until, now, max(retention.STEP // 10, 1))


def _expire(store: Store, before: datetime, now: datetime) -> int:
    with store.write() as conn:
        return retention.expire(conn, before, now, max(retention.STEP // 10, 1))


def _expire_pictures(store: Store, config: Config, before: datetime, now: datetime) -> int:
    with store.write() as conn:
        stories = pictures.expire(conn, before, now, retention.STEP // 10)
        if config.site.export is not None:
            outbox.want(conn, "export-story", stories, now)
        return len(stories)


def _drop_captures(store: Store, before: datetime) -> int:
    with store.write() as conn:
        return retention.drop_captures(conn, before, retention.STEP)


def forget_stories(
    store: Store, config: Config, before: datetime, now: datetime
) -> Iterator[tuple[str, int]]:
    """Delete the stories that may go, of those that did not change since *before*, the oldest
    first."""
    after = None
    while True:
        with store.read() as conn:
            found = records.changed_before(conn, before, after, retention.STEP)
            going = retention.forgettable(conn, [name for _, name in found], before)
        if not found:
            return
        after, count = found[-1], 0
        for wire in going:
            with _intake_stopped(store, wire) as stopped:
                if stopped:
                    with store.write() as conn:  # checked again, now that nothing is taken in
                        names = retention.forgettable(conn, going[wire], before)
                        if names:
                            retention.forget(conn, names[wire])
                            if config.site.export is not None:
                                outbox.want(conn, "export-story", names[wire], now)
                            count += len(names[wire])
        yield "stories forgotten", count


def drop_replaced(store: Store, before: datetime) -> Iterator[tuple[str, int]]:
    """Delete the replaced versions that may go, of those received before *before*."""
    after = None
    while True:
        with store.write() as conn:
            found = retention.replaced_before(conn, before, after, retention.STEP)
            ids = sorted({name for _, name in found})
            count = retention.drop_replaced(conn, ids, before) if ids else 0
        if not found:
            return
        if count < retention.STEP:  # otherwise these stories may have more
            after = found[-1]
        yield "versions forgotten", count


@contextmanager
def _intake_stopped(store: Store, wire: str) -> Iterator[bool]:
    """Hold the wire's ``ingest`` lease, so that no story is deleted while it is taken in; False
    when another worker has the lease: the story is deleted in a later round."""
    with store.write() as conn:
        outbox.want(conn, "ingest", [wire], clock.now())
        jobs = outbox.claim(conn, "ingest", clock.now(), 1, [wire])
    try:
        yield bool(jobs)
    finally:
        with store.write() as conn:
            outbox.release(conn, jobs)


def add_up(store: Store, now: datetime, ends: float = inf) -> bool:
    """Add up the days that are over, and log how much the store grew on the last, and its size;
    note it for status. False when that was not done by the moment at which it *ends*."""
    for _ in storage.add_up(store, now):
        if time.monotonic() >= ends:
            return False
    found = storage.summary(store, now, anew=True)["storage"]
    log.info("storage", database=found["database"], **found["days"][-2])
    return True


def _due(store: Store, key: str, every: timedelta, now: datetime) -> bool:
    with store.read() as conn:
        last = key_value.read(conn, key)
    return last is None or not now - every < datetime.fromisoformat(last) <= now


def _note(store: Store, key: str, now: datetime) -> None:
    with store.write() as conn:
        key_value.write(conn, key, now.isoformat())
