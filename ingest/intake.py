"""Taking captures in: ``parse | normalise | decide | store``, the same live and in a replay.

Reading, the part that touches what the wire sent, goes on in a cage (:mod:`ingest.sandbox`) and
outside any transaction. ``take_in`` computes what a capture means from the record as it stood
*before* that capture and makes the record say so: on a fresh capture everything is new; on a
replay everything is there already and nothing changes, unless the code did. A capture that cannot
be taken in is kept, named and may be replayed later; an item that cannot be does not hold up its
neighbours.
"""

import math
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from ingest import sandbox
from ingest.capture import as_mapping, heard
from ingest.decide import Decision, Found, Known, decide, links_of_several
from ingest.identity import common, judge
from ingest.item import Hints
from ingest.normalize import by_this_rule, content_digest
from ingest.parse import LONGEST_MESSAGE, Candidate, Contents, Reader, storable
from stories import clock, transparency
from stories.config import Config, Wire
from stories.db import Store, captures, outbox, proofs, wires
from stories.db import stories as records
from stories.db.outbox import Job
from stories.db.proofs import Receipt
from stories.db.stories import VersionRow
from stories.errors import ParseError, SigningError
from stories.models import (
    WHOLE,
    Capture,
    Identity,
    Problem,
    changed_fields,
    credit_of,
    slug,
    story_guid,
)
from wirecopy.statement import receipt
from wirecopy.tlog import leaf_hash

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Change:
    """One version that the record gained, lost or holds differently, field by field."""

    story_id: str
    capture_id: int
    kind: str
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking one capture in came to. ``stories`` are those whose entry must be rendered."""

    capture: Capture
    format: str
    items: int
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    stories: tuple[str, ...]


def rules_for(config: Config, name: str, url: str = "http://unknown.invalid/") -> Wire:
    """The wire's rules; for one no longer configured, the defaults, so its captures stay usable."""
    return config.wire(name) or Wire(name=name, url=url)


def read(
    capture: Capture, body: bytes | None, wire: Wire, reader: Reader = sandbox.read
) -> Contents | ParseError:
    """Read a capture's bytes; the error, returned, when they are no feed that can be read.

    :raises ingest.sandbox.CageError: when nothing can be read now; the capture waits.
    """
    if body is None:
        return ParseError("expired", "the capture's bytes are no longer kept")
    headers = {k.lower(): v for k, v in capture.headers}
    try:
        return reader(body, Hints(url=capture.url, headers=headers), wire)
    except ParseError as error:
        return error


def recognise(
    conn: Connection, wire: Wire, capture: Capture, read: Contents
) -> tuple[list[Found], Known, frozenset[str]]:
    """What was *read*, each with its identity; what was known before; keys of several stories."""
    keys = read.keys
    pairs = [(one.guid, one.link) for one in keys]
    known = _known(conn, wire.name, {k for p in pairs for k in p if k}, capture.id)
    shared = frozenset(k for k, v in known.keys.items() if v.shared)
    shared |= links_of_several(pairs, known)
    identities = judge(keys, wire.identity, shared)
    shared |= common(keys, wire.identity)
    last_resort = {i.key for i in identities if i.rule == "digest"}
    if last_resort:
        known = known.joined(_known(conn, wire.name, last_resort, capture.id))
    found = [_found(*pair) for pair in zip(read.found, identities, strict=False)]
    return found, known, shared


def _found(one: Candidate, identity: Identity) -> Found:
    version = one.version
    if not version.agency_id:
        version = version.model_copy(update={"agency_id": identity.key})
    return Found(
        position=one.position,
        start=one.start,
        end=one.end,
        identity=identity,
        link_key=one.keys.link,
        guid_key=one.keys.guid,
        version=version,
        received=one.received,
        raw_digest=one.raw_digest,
        content_digest=one.content_digest,
    )


def take_in(
    conn: Connection,
    config: Config,
    wire: Wire,
    capture: Capture,
    read: Contents | ParseError,
) -> Taken:
    """Make the record say what *capture* means, in the caller's transaction."""
    if isinstance(read, ParseError):
        faults = [_problem(capture, WHOLE, read.state, str(read))]
        decision, held = Decision((), (), ()), Contents()
    else:
        held = read
        found, known, shared = recognise(conn, wire, capture, held)
        decision = decide(wire.name, found, known, shared)
        faults = [_problem(capture, r.position, r.state, r.message) for r in held.refused]
    changes = _reconcile(conn, config, wire, capture, decision)
    touched = tuple(sorted({c.story_id for c in changes}))
    records.settle(conn, touched)
    records.seen(conn, (i.story_id for i in decision.intents), capture.received_at)
    captures.problem(conn, faults, capture.id)
    captures.settle(conn, capture.id, _summary(held, decision, faults))
    return Taken(capture, held.format, held.items, changes, tuple(faults), touched)


def intake(
    store: Store,
    config: Config,
    name: str,
    job: Job | None = None,
    reader: Reader = sandbox.read,
) -> Iterator[Taken]:
    """Take in every pending capture of the wire *name*, in the order received.

    *job* is the caller's ``ingest`` lease on the wire (None: nobody else has the store): two at
    once would disagree about what was known. When it is lost, no more is written.
    """
    wire = rules_for(config, name)
    waiting: list[int] = []
    while True:
        with store.read() as conn:
            if not waiting:  # numbers alone, and all at once: thousands may wait after an outage
                waiting = captures.ids_pending(conn, name)
            if not waiting:
                return
            capture = captures.get(conn, waiting.pop(0))
            body = captures.body(conn, capture.digest) if capture is not None else None
        if capture is None or capture.state != "pending":
            continue  # somebody else took it in meanwhile
        found = read(capture, body, wire, reader)
        with store.write() as conn:
            now = clock.now()
            wires.hold(conn, name)
            if job is not None and not outbox.renew(conn, job, now):
                return
            taken = take_in(conn, config, wire, capture, found)
            outbox.want(conn, "story", taken.stories, now)
            wires.note_content(conn, name, _learned(found, taken, now))
            if not isinstance(found, ParseError):
                came = any(c.kind in ("new", "updated") for c in taken.changes)
                heard(conn, wire, capture, as_mapping(found.channel), news=came)
        yield taken


def run(
    store: Store,
    config: Config,
    names: Sequence[str] | None = None,
    limit: int = 20,
    reader: Reader = sandbox.read,
    seconds: float = math.inf,
) -> int:
    """Carry out waiting ``ingest`` work (of the wires *names* only, when given); how many wires.

    Claimed wire by wire, so that a worker told to stop gives back all but the one in hand. After
    *seconds* nothing more is begun, though much may be waiting.
    """
    carried = 0
    end = time.monotonic() + seconds
    late = False
    while carried < limit and not late:
        with store.write() as conn:
            jobs = outbox.claim(conn, "ingest", clock.now(), 1, names)
        if not jobs:
            break
        error = ""
        try:
            with outbox.renewing(store, jobs):
                for taken in intake(store, config, jobs[0].key, jobs[0], reader):
                    _tell(taken)
                    if late := time.monotonic() > end:
                        break
            _append(store, config)
        except Exception as fault:  # named in status, tried again later; other wires go on
            error = f"{type(fault).__name__}: {fault}"
            log.exception("ingest failed", wire=jobs[0].key)
        with store.write() as conn:
            if error:
                outbox.failed(conn, jobs[0], error, clock.now())
            elif late:  # free at once for whoever comes next; nothing left costs it nothing
                outbox.release(conn, jobs)
            else:
                outbox.done(conn, jobs, clock.now())
        carried += 1
    return carried


def _tell(taken: Taken) -> None:
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
    """Let the log take up what came. Without its key the receipts wait, and so does the press."""
    try:
        transparency.append(store, config)
    except SigningError as error:
        log.error("receipts wait for the log", error=str(error))


def _problem(capture: Capture, position: int, state: str, message: str) -> Problem:
    told = storable(message)[:LONGEST_MESSAGE]
    return Problem(capture.wire, capture.id, position, state, told, capture.received_at)


def _known(conn: Connection, wire: str, keys: Collection[str], before: int) -> Known:
    found = records.known_keys(conn, wire, keys, before)
    rows = records.known_stories(conn, (k.story_id for k in found.values()), before)
    # Digests by another rule say nothing; without this, a new rule would make every story that
    # stands on a wire a new version.
    by_another = [n for n, row in rows.items() if not by_this_rule(row.content_digest)]
    for name, version in records.versions_before(conn, by_another, before).items():
        rows[name] = replace(rows[name], content_digest=content_digest(version))
    return Known(keys=found, stories=rows)


def _reconcile(
    conn: Connection, config: Config, wire: Wire, capture: Capture, decision: Decision
) -> tuple[Change, ...]:
    """Make the rows that *capture* brought be those of *decision*; what had to change."""
    stored = records.versions_of_capture(conn, capture.id)
    wanted = {
        i.story_id: _row(i.story_id, i.number, i.found, capture)
        for i in decision.intents
        if i.action in ("new", "updated")
    }
    by_story = {i.story_id: i for i in decision.intents if i.action != "duplicate"}
    changes: list[Change] = []
    fresh: list[dict[str, Any]] = []
    put: list[tuple[VersionRow, Found]] = []
    for story, row in wanted.items():
        before = stored.get(story)
        if before == row:
            continue
        if before is None:
            intent = by_story[story]
            if intent.action == "new":
                fresh.append(_story_values(config, wire, capture, story, intent.found))
            changes.append(Change(story, capture.id, intent.action))
        else:
            changes.append(Change(story, capture.id, "changed", changed_fields(before, row)))
        put.append((row, by_story[story].found))
    records.add_stories(conn, fresh)
    records.put_versions(conn, [row for row, _ in put])
    _receive(conn, put)
    for story in stored.keys() - wanted.keys():
        records.drop_version(conn, story, capture.id)
        changes.append(Change(story, capture.id, "removed"))
    _reconcile_keys(conn, wire, capture, decision)
    return tuple(changes)


def _receive(conn: Connection, put: Sequence[tuple[VersionRow, Found]]) -> None:
    """Write the receipts of these versions; the log gives them their places soon after."""
    guids = records.guids(conn, [row.story_id for row, _ in put])
    made = []
    for row, of in put:
        if of.received is None:  # not known to be what was received, so nothing is said of it
            continue
        guid, raw, at = guids[row.story_id], row.raw_digest, row.received_at
        try:
            leaf = receipt(guid, credit_of(of.version, row.number), of.received, raw, at)
        except ValueError as error:  # the press refuses the story, and says so in status
            log.warning("no receipt", story=row.story_id, error=str(error))
            continue
        made.append(Receipt(leaf_hash(leaf), row.story_id, row.capture_id, row.position, leaf))
    proofs.add_receipts(conn, made)


def _reconcile_keys(conn: Connection, wire: Wire, capture: Capture, decision: Decision) -> None:
    had, had_shared = records.keys_of_capture(conn, wire.name, capture.id)
    wanted = {records.key_digest(k) for k, _ in decision.keys}
    records.drop_keys(conn, wire.name, sorted(had - wanted))
    records.add_keys(conn, wire.name, decision.keys, capture.id)
    shared = {records.key_digest(k) for k in decision.shared}
    records.unshare_keys(conn, wire.name, sorted(had_shared - shared))
    records.share_keys(conn, wire.name, decision.shared, capture.id)


def _row(story: str, number: int, found: Found, capture: Capture) -> VersionRow:
    return VersionRow(
        story_id=story,
        capture_id=capture.id,
        number=number,
        position=found.position,
        start=found.start,
        end=found.end,
        raw_digest=found.raw_digest,
        content_digest=found.content_digest,
        received_at=capture.received_at,
        data=found.version.model_dump(mode="json"),
        received=asdict(found.received) if found.received is not None else None,
    )


def _story_values(
    config: Config, wire: Wire, capture: Capture, story: str, found: Found
) -> dict[str, Any]:
    key = found.identity.key
    return {
        "id": story,
        "guid": story_guid(config.publisher.authority, wire.name, key),
        "slug": slug(found.version.headline),
        "wire": wire.name,
        "rule": found.identity.rule,
        "key": key,
        "degraded": found.identity.degraded,
        "first_received_at": capture.received_at,
        "received_at": capture.received_at,
        "changed_at": capture.received_at,
        "last_seen_at": capture.received_at,
        "capture_id": capture.id,
        "position": found.position,
        "number": 1,
    }


def _summary(read: Contents, decision: Decision, faults: Sequence[Problem]) -> dict[str, Any]:
    whole = any(p.position == WHOLE for p in faults)
    actions = [i.action for i in decision.intents]
    return {
        "state": "failed" if whole else "ingested",
        "format": read.format,
        "items": read.items,
        "new": actions.count("new"),
        "updated": actions.count("updated"),
        "notes": [n[:500] for n in read.notes],
    }


def _learned(read: Contents | ParseError, taken: Taken, now: datetime) -> dict[str, Any]:
    if isinstance(read, ParseError):
        return {"fault": f"capture {taken.capture.id}: {read.state}: {storable(str(read))}"}
    values: dict[str, Any] = {"fault": None, "channel": as_mapping(read.channel)}
    if read.unread:
        values["fault"] = (
            f"capture {taken.capture.id}: too-many-items: {read.unread} items beyond the first"
            f" {read.items} were not taken in; ask the agency for a shorter feed, or several"
        )
    if taken.changes:
        values["changed_at"] = taken.capture.received_at
    return values
