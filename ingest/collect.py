"""Polling a place that holds files: ``look | sort out | read | keep``.

Each new file becomes a capture of its own, in one transaction with the note that it was taken and
the wish to have it taken in. Until that is committed the file counts as new, so a crash before it
leaves everything as it was; files are deleted, where that is wished, by the next poll.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog

from ingest import pinning
from ingest.arrivals import SETTLED, Plan, changed, sort_out, unsettled
from ingest.schedule import GOOD, Due, Polled, next_poll
from ingest.ways import place_of
from net.client import Client, Request
from net.errors import FetchError
from net.places import OF_ONE_FILE, File, Got, Place, legible
from stories import clock
from stories.config import Wire, is_address
from stories.db import Store, captures, custody, files, outbox, wires
from stories.models import Sighting, WireState, body_digest

MOST_BYTES = 64 << 20
"""Bytes that one poll reads and holds until they are written; one file is read however large."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Found:
    """What one poll found: the bytes, the plan, and what went wrong with files and as a whole."""

    plan: Plan = field(default_factory=Plan)
    got: list[tuple[str, Got, datetime]] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    left: int = 0
    faults: list[FetchError] = field(default_factory=list)
    fault: FetchError | None = None


def collect(
    store: Store, wire: Wire, agent: str, before: WireState, keys: Request | None = None
) -> Polled:
    """Poll the place of *wire*, whose row *before* was leased, and keep what is new there; *agent*
    is who we say that we are, *keys* the request for its agency's keys, where it has such."""
    with store.read() as conn:
        known = files.known(conn, wire.name)
    found, key_set = _Found(), None
    try:
        key_set = _pinned(store, wire, agent, keys) if keys is not None else None
    except FetchError as error:
        found.fault = error
    else:
        found = _look(wire, agent, known)
    fresh = [(name, got, at) for name, got, at in found.got if _is_news(got, known.get(name))]
    with store.write() as conn:
        now = clock.now()
        polled, values = outcome(wire, before, found, now, news=bool(fresh))
        if fresh:
            digest = body_digest(fresh[-1][1].body)
            values |= {"captured_at": now, "body_digest": digest}
        if not wires.finish_polls(conn, {wire.name: (before.lease or "", values)}):
            message = "polled by somebody else meanwhile"
            return replace(polled, state=before.state, message=message, superseded=True)
        numbers = tuple(
            captures.add(conn, wire.name, at, got.url, got.headers, got.body, key_set=key_set)
            for _, got, at in fresh
        )
        same = {name: replace(known[name], since=now) for name in found.same}
        seen = {**found.plan.seen, **same, **_taken(found, now)}
        files.note(conn, wire.name, seen, found.plan.gone)
        outbox.want(conn, "ingest", [wire.name] if numbers else [], now)
    return replace(polled, captures=numbers)


def _pinned(store: Store, wire: Wire, agent: str, keys: Request) -> str | None:
    """The digest of the key set that is pinned for *wire*, None where there is none; the agency's
    is asked for before that by the request *keys*, when it is due (:mod:`ingest.pinning`).

    :raises FetchError: state ``keys`` where the wire must sign, and none is pinned.
    """
    with store.read() as conn:
        pin = custody.pinned(conn, wire.name)
    if pinning.is_due(wire, pin, clock.now()):
        with Client() as client:
            [response] = client.fetch([keys], user_agent=agent)
        with store.write() as conn:
            pin = pinning.learn(conn, wire, pin, pinning.answered(response), clock.now())
    elif not is_address(wire.keys):
        with store.write() as conn:
            pin = pinning.from_file(conn, wire, pin, clock.now())
    found = pin.key_set if pin is not None and pin.address == wire.keys else None
    if found is None and wire.must_sign:
        why = pin.fault if pin is not None else "they were not asked for"
        raise FetchError("keys", f"it must sign, and its keys cannot be had: {why}")
    return found


def _look(wire: Wire, agent: str, known: Mapping[str, Sighting]) -> _Found:
    """What is new at the place of *wire*, of which is *known* what was noted. Never raises for a
    bad place."""
    found = _Found()
    end = time.monotonic() + wire.timeout.total_seconds()
    try:
        with closing(place_of(wire, agent)) as place:
            now = clock.now()
            ahead = (now - clock.of_this_machine()).total_seconds()
            there = [(files.short(file.name), _by(ahead, file)) for file in place.look()]
            found.plan = sort_out(there, known, now, wire.max_bytes, wire.files)
            found.faults += found.plan.refused
            if wire.delete_taken:
                _remove(place, found.plan.done, found, end)
            _read(place, found, known, end)
    except FetchError as error:
        found.fault = error
    except Exception as error:  # a bug, or what no server should do: it is this wire's alone
        log.exception("place not read", wire=wire.name)
        said = legible(f"{type(error).__name__}: {error}")
        found.fault = FetchError("protocol", f"{said}; report this")
    return found


def _remove(place: Place, done: Sequence[File], found: _Found, end: float) -> None:
    """Delete files that were captured by earlier polls."""
    for file in done:
        if time.monotonic() > end:
            return
        try:
            place.remove(file)
        except FetchError as error:
            if error.state not in OF_ONE_FILE:
                raise
            found.faults.append(error)


def _by(ahead: float, file: File) -> File:
    """*file*, with its time by a clock that is so many seconds *ahead* of that of its machine."""
    return file if file.changed is None else replace(file, changed=file.changed + ahead)


def _read(place: Place, found: _Found, known: Mapping[str, Sighting], end: float) -> None:
    """Read what is to be taken, as much as one poll may."""
    size = 0
    for at, file in enumerate(found.plan.take):
        if at and (time.monotonic() > end or size + file.size > MOST_BYTES):
            found.left = max(found.plan.fresh - at, 0)
            return
        name = files.short(file.name)
        before = known.get(name)
        try:
            got = place.read(file, before.mark if before is not None and before.taken else None)
        except FetchError as error:
            if found.got and error.state == "timeout":  # it is as slow as it has much
                found.left = max(found.plan.fresh - at, 0)
                return
            if error.state not in OF_ONE_FILE:
                raise
            if error.state == "changing":
                now = clock.now()
                found.plan.seen[name] = seen = changed(file, before, now)
                fault = unsettled(file, seen, now)
            else:
                fault = error
            if fault is not None:
                found.faults.append(fault)
            continue
        if got is None:
            found.same.append(name)
        else:
            size += len(got.body)
            found.got.append((name, got, clock.now()))


def _is_news(got: Got, before: Sighting | None) -> bool:
    """Whether these are other bytes than those captured last from a file of this name."""
    return before is None or before.digest != body_digest(got.body)


def _taken(found: _Found, now: datetime) -> dict[str, Sighting]:
    return {
        name: Sighting(got.mark, now, taken=True, digest=body_digest(got.body))
        for name, got, _ in found.got
    }


def outcome(
    wire: Wire, before: WireState, found: _Found, now: datetime, *, news: bool
) -> tuple[Polled, dict[str, Any]]:
    """How a poll ended that *found* this, and the columns of the wire's row that say so. Pure.

    A place that cannot be read backs off as every wire does. A file that cannot be keeps the wire
    failing, so that somebody hears of it, and delays no other.
    """
    fault = found.fault or next(iter(found.faults), None)
    state = fault.state if fault is not None else "ok" if news else "not-modified"
    message = str(fault) if fault is not None else ""
    if wire.secret is not None:  # a server may say in its refusal what it was sent
        message = message.replace(wire.secret.get_secret_value(), "***")
    if found.fault is None and len(found.faults) > 1:
        message += f"; and {len(found.faults) - 1} more files"
    due = next_poll(
        wire=wire.name,
        now=now,
        every=wire.every,
        state=found.fault.state if found.fault is not None else "ok",
        failures=before.failures,
        headers={},
        channel={},
    )
    if found.fault is None:
        due = _sooner(due, found, now)
    values: dict[str, Any] = {
        "polled_at": now,
        "due_at": due.at,
        "due_because": due.because,
        "state": state,
        "message": message,
        "failures": due.failures,
        "failing_since": None if state in GOOD else before.failing_since or now,
        "paused_at": None,
        "retry_at": None,
    }
    return Polled(wire.name, state, message, due), values


def _sooner(due: Due, found: _Found, now: datetime) -> Due:
    """*due*, or before that where more is there to be read."""
    if found.got and (more := found.plan.more + found.left):
        return Due(now, f"{more} more files are there", due.failures)
    # On another machine a second look costs its owner something: it comes with the next poll.
    soon = now + SETTLED
    if any(file.changed is not None and file.size for file in found.plan.waiting) and soon < due.at:
        return Due(soon, f"{len(found.plan.waiting)} files may still be written", due.failures)
    return due
