"""Taking captures in: ``parse | normalise | decide | store``, the same live and in a replay.

``take_in`` computes what a capture means from the record as it stood *before* that capture and
makes the record say so: on a fresh capture everything is new; on a replay everything is there
already and nothing changes, unless the code did. A capture that cannot be taken in is kept, named
and may be replayed later; an item that cannot be does not hold up its neighbours.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from ingest import formats
from ingest.capture import as_mapping
from ingest.decide import Decision, Found, Known, decide, links_of_several
from ingest.identity import guid_key, headline, identify, link_key, repeated
from ingest.item import Channel, Hints, Item, Parsed
from ingest.normalise import content_digest, normalise, received
from stories import clock
from stories.differing import differing
from stories.errors import ParseError
from stories.newsroom import Newsroom, Wire
from stories.provenance import digests
from stories.store import Store, captures, outbox, wires
from stories.store import stories as records
from stories.store.captures import Capture, Problem
from stories.store.hold import held
from stories.store.outbox import Job
from stories.store.stories import VersionRow
from stories.story import Identity, digest, slug, story_guid

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


def rules_for(newsroom: Newsroom, name: str, url: str = "http://unknown.invalid/") -> Wire:
    """The wire's rules; for one no longer configured, the defaults, so its captures stay usable."""
    return newsroom.wire(name) or Wire(name=name, url=url)


def read(capture: Capture, body: bytes | None) -> Parsed | ParseError:
    """Parse a capture's bytes; the error, returned, when they are no feed that a format takes."""
    if body is None:
        return ParseError("expired", "the capture's bytes are no longer kept")
    headers = {k.lower(): v for k, v in capture.headers}
    try:
        return formats.parse(body, Hints(url=capture.url, headers=headers))
    except ParseError as error:
        return error
    except Exception as error:  # no parser foresees everything; the capture is kept
        told = f"{type(error).__name__}: {error}; report this capture"
        return ParseError("unreadable", told)


def find(
    parsed: Parsed,
    body: bytes,
    wire: Wire,
    capture: Capture,
    identities: Sequence[Identity],
) -> tuple[list[Found], list[Problem]]:
    """Normalise every item by itself; those that fail become problems, not losses of others."""
    founds: list[Found] = []
    faults: list[Problem] = []
    for item, identity in zip(parsed.items, identities, strict=True):
        try:
            founds.append(_found(parsed, item, body, wire, identity))
        except ParseError as error:
            faults.append(_problem(capture, item.position, error.state, str(error)))
        except Exception as error:  # an item nobody foresaw must not hold up its neighbours
            told = f"item {item.position}: {type(error).__name__}: {error}; report this capture"
            faults.append(_problem(capture, item.position, "item-unreadable", told))
    return founds, faults


def _found(parsed: Parsed, item: Item, body: bytes, wire: Wire, identity: Identity) -> Found:
    version = normalise(item, parsed.channel, wire, identity)
    raw = body[item.start : item.end] if 0 <= item.start < item.end else None
    return Found(
        position=item.position,
        start=item.start,
        end=item.end,
        identity=identity,
        link_key=link_key(item),
        guid_key=guid_key(item),
        version=version,
        received=digests(received(item, parsed.channel)),
        raw_digest=digest(raw) if raw is not None else None,
        content_digest=content_digest(version),
    )


def take_in(
    conn: Connection,
    newsroom: Newsroom,
    wire: Wire,
    capture: Capture,
    parsed: Parsed | ParseError,
    body: bytes,
) -> Taken:
    """Make the record say what *capture* means, in the caller's transaction."""
    if isinstance(parsed, ParseError):
        fault = _problem(capture, captures.WHOLE, parsed.state, str(parsed))
        decision, faults = Decision((), (), ()), [fault]
        outcome = Parsed(format="", channel=_NO_CHANNEL, items=())
    else:
        outcome = parsed
        pairs = [(guid_key(item), link_key(item)) for item in parsed.items]
        known = _known(conn, wire.name, {k for p in pairs for k in p if k}, capture.id)
        shared = frozenset(k for k, v in known.keys.items() if v.shared)
        shared |= links_of_several(pairs, known)
        identities = identify(parsed.items, wire.identity, shared)
        shared |= repeated(parsed.items, wire.identity, [headline(i) for i in parsed.items])
        founds, faults = find(parsed, body, wire, capture, identities)
        last_resort = {i.key for i in identities if i.rule == "digest"}
        if last_resort:
            known = known.joined(_known(conn, wire.name, last_resort, capture.id))
        decision = decide(wire.name, founds, known, shared)
    changes = _reconcile(conn, newsroom, wire, capture, decision)
    touched = tuple(sorted({c.story_id for c in changes}))
    for story in touched:
        records.settle(conn, story)
    records.seen(conn, (i.story_id for i in decision.intents), capture.received_at)
    captures.problem(conn, faults, capture.id)
    captures.settle(conn, capture.id, _summary(outcome, decision, faults))
    return Taken(capture, outcome.format, len(outcome.items), changes, tuple(faults), touched)


def intake(store: Store, newsroom: Newsroom, name: str, job: Job | None = None) -> Iterator[Taken]:
    """Take in every pending capture of the wire *name*, in the order received.

    *job* is the caller's ``ingest`` lease on the wire (None: nobody else has the store): two at
    once would disagree about what was known. When it is lost, no more is written.
    """
    wire = rules_for(newsroom, name)
    while True:
        with store.read() as conn:
            waiting = captures.pending(conn, name)[:1]
            body = captures.body(conn, waiting[0].digest) if waiting else None
        if not waiting:
            return
        capture = waiting[0]
        parsed = read(capture, body)
        with store.write() as conn:
            now = clock.now()
            if job is not None and not outbox.renew(conn, job, now):
                return
            taken = take_in(conn, newsroom, wire, capture, parsed, body or b"")
            outbox.want(conn, "story", taken.stories, now)
            wires.note_content(conn, name, _learned(parsed, taken, now))
        yield taken


def run(
    store: Store, newsroom: Newsroom, names: Sequence[str] | None = None, limit: int = 20
) -> int:
    """Carry out waiting ``ingest`` work (of the wires *names* only, when given); how many wires.

    Claimed wire by wire, so that a worker told to stop gives back all but the one in hand.
    """
    carried = 0
    while carried < limit:
        with store.write() as conn:
            jobs = outbox.claim(conn, "ingest", clock.now(), 1, names)
        if not jobs:
            break
        error = ""
        try:
            with held(store, jobs):
                for _ in intake(store, newsroom, jobs[0].key, jobs[0]):
                    pass
        except Exception as fault:  # named in status, tried again later; other wires go on
            error = f"{type(fault).__name__}: {fault}"
            log.exception("ingest failed", wire=jobs[0].key)
        with store.write() as conn:
            if error:
                outbox.failed(conn, jobs[0], error, clock.now())
            else:
                outbox.done(conn, jobs, clock.now())
        carried += 1
    return carried


def _problem(capture: Capture, position: int, state: str, message: str) -> Problem:
    return Problem(capture.wire, capture.id, position, state, message[:2000], capture.received_at)


def _known(conn: Connection, wire: str, keys: Collection[str], before: int) -> Known:
    found = records.known_keys(conn, wire, keys, before)
    rows = records.known_stories(conn, (k.story_id for k in found.values()), before)
    return Known(keys=found, stories=rows)


def _reconcile(
    conn: Connection, newsroom: Newsroom, wire: Wire, capture: Capture, decision: Decision
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
    for story, row in wanted.items():
        before = stored.get(story)
        if before == row:
            continue
        if before is None:
            intent = by_story[story]
            if intent.action == "new":
                records.add_story(conn, _story_values(newsroom, wire, capture, story, intent.found))
            changes.append(Change(story, capture.id, intent.action))
        else:
            changes.append(Change(story, capture.id, "changed", differing(before, row)))
        records.put_version(conn, row)
    for story in stored.keys() - wanted.keys():
        records.drop_version(conn, story, capture.id)
        changes.append(Change(story, capture.id, "removed"))
    _reconcile_keys(conn, wire, capture, decision)
    return tuple(changes)


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
        received=found.received.model_dump(mode="json"),
    )


def _story_values(
    newsroom: Newsroom, wire: Wire, capture: Capture, story: str, found: Found
) -> dict[str, Any]:
    key = found.identity.key
    return {
        "id": story,
        "guid": story_guid(newsroom.publisher.authority, wire.name, key),
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


_NO_CHANNEL = Channel()


def _summary(parsed: Parsed, decision: Decision, faults: Sequence[Problem]) -> dict[str, Any]:
    whole = any(p.position == captures.WHOLE for p in faults)
    actions = [i.action for i in decision.intents]
    return {
        "state": "failed" if whole else "ingested",
        "format": parsed.format,
        "items": len(parsed.items),
        "new": actions.count("new"),
        "updated": actions.count("updated"),
        "notes": [n[:500] for n in parsed.notes],
    }


def _learned(parsed: Parsed | ParseError, taken: Taken, now: datetime) -> dict[str, Any]:
    if isinstance(parsed, ParseError):
        return {"fault": f"capture {taken.capture.id}: {parsed}"}
    values: dict[str, Any] = {"fault": None, "channel": as_mapping(parsed.channel)}
    if taken.changes:
        values["changed_at"] = taken.capture.received_at
    return values
