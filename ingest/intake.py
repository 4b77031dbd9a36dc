"""Taking captures in: the one loop of live intake, replay and rebuild.

:func:`take_in` parses a capture in the sandbox (:mod:`ingest.sandbox`), outside any transaction.
Then, in one transaction, it decides what the capture means from the record as it was *before* that
capture, and makes the record say so: of a fresh capture everything is new; in a replay everything
is there already and nothing changes, unless the code did. A capture that cannot be parsed is kept
with the reason and may be replayed later; an item that cannot be does not hold up the others.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog

from ingest import sandbox
from ingest.decide import Decision, Intent, Known, decide
from ingest.item import Channel, Contents, Hints
from ingest.memory import are_apart, remembered, still_standing, with_memory
from ingest.normalize import content_digest, made_by
from ingest.parse import LONGEST_MESSAGE, Reader, storable
from ingest.schedule import KEPT_NEWS, combined, next_poll
from net.client import WITHHELD
from net.ssrf import same_origin
from stories import clock, transparency
from stories.config import Config, Wire
from stories.db import Connection, Store, captures, key_value, outbox, proofs, standing, wires
from stories.db import stories as records
from stories.db.outbox import Job, LeaseLostError
from stories.db.proofs import Receipt
from stories.db.stories import VersionRow
from stories.errors import ParseError, SigningError
from stories.models import (
    WHOLE,
    Capture,
    Memory,
    Problem,
    WireState,
    changed_fields,
    credit_of,
    key_digest,
    slug,
    story_guid,
)
from wirecopy.statement import receipt
from wirecopy.tlog import leaf_hash
from wirecopy.urls import unsigned

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class VersionChange:
    """One version that was added, changed or removed by taking its capture in.

    ``kind`` is ``new`` or ``updated`` (added), ``changed`` (then ``fields`` are the fields that
    differ, before and after) or ``removed``.
    """

    story_id: str
    capture_id: int
    kind: str
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of taking one capture in. ``stories`` are those that must be rendered again."""

    capture: Capture
    items: int
    changes: tuple[VersionChange, ...]
    problems: tuple[Problem, ...]
    stories: tuple[str, ...]


def rules_for(config: Config, name: str) -> Wire:
    """The wire's configuration; the defaults for one that is no longer configured, so that its
    captures stay usable."""
    return config.wire(name) or Wire(name=name, url="http://unknown.invalid/")


def take_in_waiting(
    store: Store,
    config: Config,
    names: Sequence[str] | None = None,
    limit: int = 20,
    reader: Reader = sandbox.read,
    seconds: float = math.inf,
    settings: str | None = None,
    committed: Callable[[], None] = lambda: None,
) -> int:
    """Take in what is pending (of the wires *names* only, when given); returns how many wires.
    *committed* is called after each, when its stories can be rendered.

    Wires are claimed one by one, so that a worker that is stopped holds no others. After *seconds*
    no further capture is started. The error of one wire is logged, shown by status, and tried again
    later; the other wires go on. With *settings*, the digest of the caller's configuration, nothing
    is done once another one was noted: who has an older file may not know a wire's name or agency.
    """
    carried = 0
    end = time.monotonic() + seconds

    def claim(conn: Connection, now: datetime) -> list[Job]:
        if settings is not None and key_value.is_superseded(conn, settings):
            log.warning("another configuration was started; this process leaves intake to it")
            return []
        return outbox.claim(conn, "ingest", now, 1, names)

    with store.write() as conn:
        jobs = claim(conn, clock.now())
        pending = captures.ids_pending(conn, jobs[0].key) if jobs else []
    while jobs:
        [job] = jobs
        error, late = "", False
        try:
            with outbox.renewing(store, jobs):
                wire = rules_for(config, job.key)
                for taken in take_in(store, config, wire, pending, job, reader, remembering=True):
                    _log(taken)
                    if late := time.monotonic() > end:
                        break
        except LeaseLostError as lost:  # somebody else has it, and goes on
            log.info("ingest lease lost", wire=job.key, reason=str(lost))
        except Exception as fault:
            error = f"{type(fault).__name__}: {fault}"
            log.exception("ingest failed", wire=job.key)
        carried += 1
        with store.write() as conn:
            now = clock.now()
            if error:
                outbox.failed(conn, job, error, now)
            elif late:  # the rest can be claimed at once
                outbox.release(conn, jobs)
            else:
                outbox.done(conn, jobs, now)
            more = carried < limit and not late
            jobs = claim(conn, now) if more else []
            pending = captures.ids_pending(conn, jobs[0].key) if jobs else []
        committed()
    if carried:
        _append(store, config)  # once: to sign a checkpoint for each wire costs a commit each
    return carried


def take_in(
    store: Store,
    config: Config,
    wire: Wire,
    numbers: Iterable[int],
    job: Job,
    reader: Reader = sandbox.read,
    after: Callable[[Connection, Taken], None] = lambda _conn, _taken: None,
    *,
    remembering: bool = False,
) -> Iterator[Taken]:
    """Take in the captures *numbers* of *wire*, in their order: pending ones, or others again.

    read | renew | recall | decide | reconcile | receipts | learn, one transaction per capture.

    *job* is the caller's ``ingest`` lease on the wire: two processes at once would disagree about
    what was known. *after* is called in the transaction that takes a capture in. *remembering*
    tells that pending captures need not be read for what stands on the wire
    (:mod:`ingest.memory`); the record is the same.

    :raises LeaseLostError: when the lease was lost; nothing more is written.
    :raises ingest.sandbox.SandboxError: when nothing can be parsed now; the captures wait.
    """
    # Ids, and what versions say of their wire, are of its first name: no rename changes them.
    known_as = wire.model_copy(update={"name": config.first_name("wire", wire.name)})
    for number in numbers:
        with store.read() as conn:
            capture = captures.get(conn, number)
            body = captures.body(conn, capture.digest) if capture is not None else None
            stood = standing.recall(conn, [wire.name]).get(wire.name) if remembering else None
        if capture is None or capture.expired_at is not None:
            continue  # its bytes have expired; what it brought stays
        fresh = capture.state == "pending"
        if body is None and not fresh:
            continue  # its bytes are lost; taking it in would remove what it brought
        for memory in dict.fromkeys((stood if fresh else None, None)):
            contents, fault = _read(reader, known_as, capture, body, memory)
            with suppress(_EntangledError), store.write() as conn:
                now = clock.now()
                state = wires.lock(conn, wire.name)
                if not outbox.renew(conn, job, now):
                    raise LeaseLostError(job)
                if memory is not None and (state is None or state.standing_of != memory.capture_id):
                    raise _EntangledError
                if memory and state and contents.standing and not contents.format:
                    channel = Channel(**state.channel)
                    about = {"format": memory.format, "channel": channel}
                    contents = contents.model_copy(update=about)
                known = _recall(conn, wire, contents, capture)
                decision = decide(
                    known_as.name, wire.identity, contents, known, capture.received_at, capture.rule
                )
                kept = still_standing(contents, memory)
                if not are_apart(contents, decision, kept):
                    raise _EntangledError
                changes = _reconcile(conn, config, known_as, wire, capture, decision)
                taken = _settle(conn, capture, contents, fault, decision, changes)
                outbox.want(conn, "story", taken.stories, now)
                said: dict[str, Any] = {}
                if fresh and remembering and fault is None:
                    context, items = remembered(known_as, capture, contents, known, decision, kept)
                    before = (
                        stood if state and stood and state.standing_of == stood.capture_id else None
                    )
                    standing.replace(conn, wire.name, before, items)
                    said = {"standing_of": capture.id if items else None, "context": context}
                elif not fresh and state is not None and state.standing_of is not None:
                    standing.forget(conn, [wire.name])
                if fresh and state is not None:
                    _learn(conn, wire, state, contents, fault, taken, said)
                after(conn, taken)
                break
        yield taken


class _EntangledError(Exception):
    """What was read cannot be decided upon without what was passed over; the capture is read whole.
    It ends the transaction without a trace."""


def _read(
    reader: Reader, wire: Wire, capture: Capture, body: bytes | None, memory: Memory | None
) -> tuple[Contents, ParseError | None]:
    """The contents of a capture; empty, with the reason, when it cannot be parsed."""
    if body is None:
        return Contents(), ParseError("expired", "the capture's bytes are no longer kept")
    headers = {k.lower(): v for k, v in capture.headers}
    hints = Hints(url=capture.url, headers=headers, rule=capture.rule)
    try:
        return reader(body, with_memory(hints, memory, wire), wire), None
    except ParseError as error:
        return Contents(), error


def _recall(conn: Connection, wire: Wire, contents: Contents, capture: Capture) -> Known:
    """What was on record before *capture*, for all keys that its items could have."""
    before = capture.id
    keys = {
        key
        for one in contents.keys
        for key in (one.guid, one.link, one.digest, one.words, *one.aliases)
        if key
    }
    found = records.known_keys(conn, wire.name, keys, before)
    stories = records.known_stories(conn, (k.story_id for k in found.values()), before)
    # Content digests by another rule cannot be compared: without this, a new rule would make a new
    # version of every story that stands on a wire.
    by_another = [n for n, row in stories.items() if not made_by(capture.rule, row.content_digest)]
    for name, version in records.versions_before(conn, by_another, before).items():
        stories[name] = replace(
            stories[name], content_digest=content_digest(version, rule=capture.rule)
        )
    return Known(keys=found, stories=stories)


def _reconcile(
    conn: Connection,
    config: Config,
    known_as: Wire,
    wire: Wire,
    capture: Capture,
    decision: Decision,
) -> tuple[VersionChange, ...]:
    """Make the versions and keys of *capture* those of *decision*; returns what had to change.

    *known_as* is the *wire* under its first name.
    """
    stored = records.versions_of_capture(conn, capture.id)
    wanted = {i.story_id: i for i in decision.intents if i.action in ("new", "updated")}
    changes: list[VersionChange] = []
    fresh: list[dict[str, Any]] = []
    put: list[tuple[VersionRow, Intent]] = []
    for story, intent in wanted.items():
        row, before = _version_row(capture, intent), stored.get(story)
        if before == row:
            continue
        if before is not None:
            changes.append(VersionChange(story, capture.id, "changed", changed_fields(before, row)))
        else:
            changes.append(VersionChange(story, capture.id, intent.action))
            if intent.action == "new":
                fresh.append(_story_row(config, known_as, wire, capture, intent))
        put.append((row, intent))
    records.add_stories(conn, fresh)
    records.put_versions(conn, [row for row, _ in put])
    _add_receipts(conn, put)
    for story in stored.keys() - wanted.keys():
        records.drop_version(conn, story, capture.id)
        changes.append(VersionChange(story, capture.id, "removed"))
    had, had_shared = records.keys_of_capture(conn, capture.id)
    wanted_keys = {key_digest(k) for k, _ in decision.keys}
    records.drop_keys(conn, wire.name, sorted(had - wanted_keys))
    records.add_keys(conn, wire.name, decision.keys, capture.id)
    shared = {key_digest(k) for k in decision.shared}
    records.unshare_keys(conn, wire.name, sorted(had_shared - shared))
    records.share_keys(conn, wire.name, decision.shared, capture.id)
    return tuple(changes)


def _add_receipts(conn: Connection, put: Sequence[tuple[VersionRow, Intent]]) -> None:
    """Write the receipts of these versions; they are appended to the log soon after."""
    guids = records.guids(conn, [row.story_id for row, _ in put])
    made = []
    for row, intent in put:
        received = intent.item.received
        if received is None:  # what was received is not known, so nothing can be claimed
            continue
        guid, raw, at = guids[row.story_id], row.raw_digest, row.received_at
        try:
            credit = credit_of(intent.item.version)
            leaf = receipt(guid, credit, received, raw, at)
        except ValueError as error:  # the renderer refuses the story; status shows why
            log.warning("no receipt", story=row.story_id, error=str(error))
            continue
        made.append(Receipt(leaf_hash(leaf), row.story_id, row.capture_id, row.position, leaf))
    proofs.add_receipts(conn, made)


def _version_row(capture: Capture, intent: Intent) -> VersionRow:
    item = intent.item
    return VersionRow(
        story_id=intent.story_id,
        capture_id=capture.id,
        number=intent.number,
        position=item.position,
        start=item.start,
        end=item.end,
        raw_digest=item.raw_digest,
        content_digest=item.content_digest,
        received_at=capture.received_at,
        data=item.version.model_dump(mode="json"),
        received=asdict(item.received) if item.received is not None else None,
    )


def _story_row(
    config: Config, known_as: Wire, wire: Wire, capture: Capture, intent: Intent
) -> dict[str, Any]:
    identity = intent.identity
    return {
        "id": intent.story_id,
        "guid": story_guid(config.publisher.authority, known_as.name, identity.key),
        "slug": slug(intent.item.version.headline),
        "wire": wire.name,
        "rule": identity.rule,
        "key": identity.key,
        "degraded": identity.degraded,
        "first_received_at": capture.received_at,
        "received_at": capture.received_at,
        "changed_at": capture.received_at,
        "last_seen_at": capture.received_at,
        "capture_id": capture.id,
        "position": intent.item.position,
        "number": 1,
    }


def _settle(
    conn: Connection,
    capture: Capture,
    contents: Contents,
    fault: ParseError | None,
    decision: Decision,
    changes: tuple[VersionChange, ...],
) -> Taken:
    """Bring the stories' rows up to date, and write the result into the capture's row."""
    touched = tuple(sorted({c.story_id for c in changes}))
    records.settle(conn, touched)
    signed = {
        i.story_id: {unsigned(url): url for url in i.item.signed}
        for i in decision.intents
        if i.item.signed and i.action in ("same", "updated")
    }
    if signed:
        renewed = records.renew_addresses(conn, signed, capture.received_at)
        touched = tuple(sorted({*touched, *renewed}))
    records.seen(conn, (i.story_id for i in decision.intents), capture.received_at)
    problems = [_problem(capture, r.position, r.state, r.message) for r in contents.refused]
    if fault is not None:
        problems = [_problem(capture, WHOLE, fault.state, str(fault))]
    captures.problem(conn, problems, capture.id)
    actions = [i.action for i in decision.intents]
    captures.settle(
        conn,
        capture.id,
        {
            "state": "ingested" if fault is None else "failed",
            "format": contents.format,
            "items": contents.items,
            "new": actions.count("new"),
            "updated": actions.count("updated"),
            "notes": [n[:500] for n in contents.notes],
        },
    )
    return Taken(capture, contents.items, changes, tuple(problems), touched)


def _problem(capture: Capture, position: int, state: str, message: str) -> Problem:
    text = storable(message)[:LONGEST_MESSAGE]
    return Problem(capture.wire, capture.id, position, state, text, capture.received_at)


def _learn(
    conn: Connection,
    wire: Wire,
    state: WireState,
    contents: Contents,
    fault: ParseError | None,
    taken: Taken,
    said: dict[str, Any],
) -> None:
    """Write what a fresh capture says of its wire: a fault, what the feed says of itself, news.

    The next poll was scheduled before the capture was parsed. It is scheduled again, from the same
    moment by the same rules, so that a wire that had slowed down in silence is polled as usual
    after its first news, and what a feed asks for counts at once.
    """
    capture = taken.capture
    at = capture.received_at
    if fault is not None:
        text = f"capture {capture.id}: {fault.state}: {storable(str(fault))}"
        if wire.headers and not same_origin(wire.url, capture.url):
            text += f"; the wire's headers {WITHHELD}"
        wires.note_content(conn, wire.name, {"fault": text, "whole": False})
        return
    channel = asdict(contents.channel)
    values: dict[str, Any] = {"fault": None, "channel": channel, "whole": contents.whole}
    values |= said
    if contents.unread:
        values["fault"] = (
            f"capture {capture.id}: too-many-items: {contents.unread} items beyond the first"
            f" {contents.items} were not taken in; ask the agency for a shorter feed, or several"
        )
    if not contents.whole:
        values["fault"] = (
            f"capture {capture.id}: cut-off: it breaks off before its end; the whole items in"
            f" it, {contents.items}, were taken in, and it is asked for in full until it comes"
            " whole; ask the agency if it stays so"
        )
    if taken.changes:
        values["changed_at"] = at
    news = state.news
    if any(c.kind in ("new", "updated") for c in taken.changes) and (not news or at > news[-1]):
        news = values["news"] = [*news, at][-KEPT_NEWS:]
    wires.note_content(conn, wire.name, values)
    due = next_poll(
        wire=wire.name,
        now=at,
        every=wire.every,
        state="ok",
        failures=0.0,
        headers=combined([(name.lower(), value) for name, value in capture.headers]),
        channel=channel,
        news=news,
        trust_ttl=wire.trust_ttl,
    )
    if due.at != state.due_at:
        wires.reschedule(conn, wire.name, at, {"due_at": due.at, "due_because": due.because})


def _log(taken: Taken) -> None:
    capture = taken.capture
    log.info(
        "taken in",
        wire=capture.wire,
        capture=capture.id,
        items=taken.items,
        stories=list(taken.stories),
        refused=len(taken.problems),
    )


def _append(store: Store, config: Config) -> None:
    """Append new receipts to the log. Without the log's key they wait, and rendering with them."""
    try:
        transparency.append(store, config)
    except SigningError as error:
        log.error("receipts wait for the log", error=str(error))
