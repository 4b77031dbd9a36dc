"""Taking captures in: the one loop of live intake, replay and rebuild.

:func:`take_in` parses a capture in the sandbox (:mod:`ingest.sandbox`), outside any transaction.
Then, in one transaction, it decides what the capture means from the record as it was *before* that
capture, and makes the record say so: of a fresh capture everything is new; in a replay everything
is there already and nothing changes, unless the code did. A capture that cannot be parsed is kept
with the reason and may be replayed later; an item that cannot be does not hold up the others.
"""

import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from ingest import life, sandbox
from ingest.decide import Decision, Intent, Known, carrying, decide, is_numbered
from ingest.hubs import announced
from ingest.item import AgencyStatement, Contents, Hints, summed_up
from ingest.memory import CHANNEL, are_apart, remembered, still_standing
from ingest.memory import read as read_with
from ingest.normalize import content_digest, made_by
from ingest.parse import LONGEST_MESSAGE, Reader, storable
from ingest.schedule import KEPT_NEWS, Due, combined, next_poll
from net.client import WITHHELD
from net.ssrf import same_origin
from stories import clock, transparency
from stories.config import Config, Wire
from stories.db import (
    Connection,
    Store,
    away,
    captures,
    custody,
    hubs,
    key_value,
    outbox,
    proofs,
    standing,
    storage,
    wire_acts,
    wires,
)
from stories.db import stories as records
from stories.db.captures import Pending
from stories.db.outbox import Job, LeaseLostError
from stories.db.proofs import Receipt
from stories.db.stories import VersionRow
from stories.errors import ParseError, SigningError
from stories.models import (
    WHOLE,
    Act,
    Capture,
    Memory,
    Problem,
    Standing,
    WireState,
    changed_fields,
    credit_of,
    key_digest,
    members,
    slug,
    story_guid,
)
from wirecopy.encoding import to_instant
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
    """The wire's configuration, the last one where it is no longer configured; the defaults where
    that is not known, so that its captures stay usable."""
    return config.rules(name) or Wire(name=name, url="http://unknown.invalid/")


@dataclass(frozen=True, slots=True)
class _Turn:
    """A wire whose captures are taken in, and the lease on it.

    Ids, and what versions say of their wire, are of its first name: ``known_as`` is the wire under
    that one, and no rename changes them. ``siblings`` are the other wires of its agency, by theirs.
    """

    wire: Wire
    known_as: Wire
    job: Job
    siblings: list[str]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A capture, its bytes, and the agency's key sets that were pinned when it came; where it is
    taken in ``live``, what stood on its wire before. ``siblings`` are the capture's, as they are
    called today."""

    turn: _Turn
    capture: Capture
    body: bytes | None
    memory: Memory | None
    live: bool
    key_sets: dict[str, str]
    siblings: tuple[str, ...] = ()

    @property
    def fresh(self) -> bool:
        return self.capture.state == "pending"

    @property
    def polled(self) -> bool:
        """Whether it shows all that stands on its wire."""
        return not self.capture.partial


@dataclass(frozen=True, slots=True)
class _Read:
    """What a capture holds, or why it could not be read."""

    of: _Opened
    contents: Contents
    fault: ParseError | None


@dataclass(frozen=True, slots=True)
class _Decided:
    """What a capture means, and the row of its wire as it was. ``stands`` are the items for which
    the wire's next capture need not be read, in that ``context``, None where nobody asks;
    ``before`` is what stood until now, ``acts`` what the agency does to stories, by story;
    ``joined`` are stories of siblings that its wire carries from now on, ``withdrawals`` the
    agency's statements that stories are published no more."""

    of: _Opened
    state: WireState | None
    contents: Contents
    fault: ParseError | None
    decision: Decision
    stands: list[Standing] | None
    context: str | None
    before: Memory | None
    acts: dict[str, Act]
    joined: set[str]
    withdrawals: list[AgencyStatement | None]


TOGETHER = 50
"""Wires that are claimed at once. More take no less time each, and would wait longer for another
worker when this one is killed."""

IN_TURN = timedelta(seconds=1)
"""How long a capture waits at least when an earlier one of a sibling is being taken in."""

MOST_BYTES = 8 << 20
"""Bytes of captures that are taken in together; one is taken in however large it is."""


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
    *committed* is called whenever stories of some can be rendered.

    Wires are claimed together, and the next capture of each is taken in together. After *seconds*
    no further captures are started, and what is left can be claimed by others at once. The error of
    one wire is logged, shown by status, and tried again later; the other wires go on. With
    *settings*, the digest of the caller's configuration, nothing is done once another one was
    noted: who has an older file may not know a wire's name or agency.
    """
    carried = 0
    end = time.monotonic() + seconds

    def claim(conn: Connection, now: datetime) -> tuple[list[Job], Pending]:
        if settings is not None and key_value.is_superseded(conn, settings):
            log.warning("another configuration was started; this process leaves intake to it")
            return [], {}
        jobs = outbox.claim(conn, "ingest", now, min(TOGETHER, limit - carried), names)
        return jobs, captures.pending(conn, [job.key for job in jobs])

    with store.write() as conn:
        jobs, pending = claim(conn, clock.now())
    while jobs:
        errors: dict[str, str] = {}
        waited: set[str] = set()  # whose turn it was not yet, since anything was taken in
        late = stuck = moved = False
        try:
            with outbox.renewing(store, jobs):
                turns = {job.key: _turn(config, rules_for(config, job.key), job) for job in jobs}
                while not (late or stuck) and (following := _following(pending)):
                    due = {number: turns[name] for name, (number, _) in following.items()}
                    failed, early = _take_in_together(store, config, due, reader)
                    errors |= failed
                    for name in failed:  # its later captures wait for this one
                        del pending[name]
                    for name in early:
                        pending[name].insert(0, following[name])
                    taken = len(due) > len(failed) + len(early)
                    waited = early if taken else waited | early
                    moved = moved or taken
                    _append(store, config)
                    committed()
                    # Where all that is left waits, it is for captures that another worker has.
                    left = {name for name, numbers in pending.items() if numbers}
                    stuck = left <= waited
                    late = time.monotonic() > end
        except BaseException:  # it is stopped: others may have these wires at once
            with store.write() as conn:
                outbox.release(conn, jobs)
            raise
        with store.write() as conn:
            now = clock.now()
            for job in jobs:
                if job.key in errors:
                    outbox.failed(conn, job, errors[job.key], now)
            waiting = [job for job in jobs if pending.get(job.key)]
            if waited:
                outbox.release(conn, [job for job in waiting if job.key in waited], now + IN_TURN)
            outbox.release(conn, waiting)
            rest = {job.key for job in waiting} | set(errors)
            outbox.done(conn, [job for job in jobs if job.key not in rest], now)
            if moved:  # others may have waited for what was taken in
                siblings = {name for turn in turns.values() for name in turn.siblings}
                outbox.hasten(conn, "ingest", config.present_names(sorted(siblings)), now)
            carried += len(jobs) - sum(job.key in waited for job in waiting)
            more = carried < limit and not late
            jobs, pending = claim(conn, now) if more else ([], {})
    return carried


def _following(pending: Pending) -> dict[str, tuple[int, int]]:
    """Number and size of the next capture of each wire, taken out of *pending*: as many as are
    taken in together. The wires that must wait are the first the next time."""
    found: dict[str, tuple[int, int]] = {}
    size = 0
    for name in [name for name, waiting in pending.items() if waiting]:
        number, length = pending[name][0]
        if not found or size + length <= MOST_BYTES:
            pending[name] = pending.pop(name)[1:]
            found[name] = number, length
            size += length
    return found


def _take_in_together(
    store: Store, config: Config, due: Mapping[int, _Turn], reader: Reader
) -> tuple[dict[str, str], set[str]]:
    """Take the captures *due* in, one of each wire; the errors of wires on which that failed, and
    the wires whose turn it is not yet.

    Where it fails together, each is taken in by itself: the fault is one wire's.
    """
    early: set[str] = set()
    try:
        for taken in _round(store, config, due, reader, early=early):
            _log(taken)
    except LeaseLostError as lost:  # somebody else has it, and goes on
        log.info("ingest lease lost", reason=str(lost))
    except Exception as fault:
        if away(fault):  # what waits says nothing of its wire, and no sibling may overtake it
            raise
        names = [turn.wire.name for turn in due.values()]
        if len(due) > 1 and not isinstance(fault, sandbox.SandboxError):
            alone = ({number: due[number]} for number in sorted(due))
            found = [_take_in_together(store, config, one, reader) for one in alone]
            errors = {name: error for each, _ in found for name, error in each.items()}
            return errors, {name for _, each in found for name in each}
        log.exception("ingest failed", wires=names)
        return dict.fromkeys(names, f"{type(fault).__name__}: {fault}"), set()
    return {}, early


def take_in(
    store: Store,
    config: Config,
    wire: Wire,
    numbers: Iterable[int],
    job: Job,
    reader: Reader = sandbox.read,
    after: Callable[[Connection, Taken], None] = lambda _conn, _taken: None,
) -> Iterator[Taken]:
    """Take in the captures *numbers* of *wire*, in their order: pending ones, or others again. All
    of them are read whole.

    *job* is the caller's ``ingest`` lease on the wire: two processes at once would disagree about
    what was known. *after* is called in the transaction that takes a capture in.

    :raises LeaseLostError: when the lease was lost; nothing more is written.
    :raises ingest.sandbox.SandboxError: when nothing can be parsed now; the captures wait.
    """
    turn = _turn(config, wire, job)
    for number in numbers:
        yield from _round(store, config, {number: turn}, reader, after)


def _turn(config: Config, wire: Wire, job: Job) -> _Turn:
    first, *siblings = config.siblings(wire.name)
    return _Turn(wire, wire.model_copy(update={"name": first}), job, siblings)


def _round(
    store: Store,
    config: Config,
    due: Mapping[int, _Turn],
    reader: Reader,
    after: Callable[[Connection, Taken], None] = lambda _conn, _taken: None,
    *,
    early: set[str] | None = None,
) -> list[Taken]:
    """Take in one capture of each of some wires, in one transaction.

    open | read | lock | recall | decide | reconcile | receipts | settle | learn

    *due* are the captures' numbers. With *early* those that are pending are taken in, and what
    stands on their wires is not read again (:mod:`ingest.memory`). The rare ones whose items turn
    out to depend on such are read whole, and follow in a transaction of their own; so do those that
    have stories with a sibling's in common. The wires whose siblings have an earlier capture that
    waits go into *early*.
    """
    live = early is not None
    read = [_read_all(store, reader, each) for each in _open(store, config, due, live=live)]
    taken: list[Taken] = []
    while read:
        with store.write() as conn:
            now = clock.now()
            names, siblings = _whose(read)
            if siblings:
                wires.hold(conn, names | siblings)
            states = wires.lock(conn, sorted(names))
            read = _held(conn, read, now)
            following: list[_Read] = []
            if siblings and early is not None:
                read, following, waiting = _in_turn(conn, read, siblings)
                early |= waiting
            keys = records.known_keys(conn, [_sought(each) for each in read])
            judged = [
                (each, _decide(conn, each, states, known))
                for each, known in zip(read, keys, strict=True)
            ]
            decided = [one for _, one in judged if one is not None]
            changes = _reconcile(conn, config, decided)
            found = _settle(conn, decided, changes)
            outbox.want(conn, "story", (name for one in found for name in one.stories), now)
            _learn(conn, decided, found)
            # Of a day that is over, and may have been added up.
            late = [c.id for one in found if (c := one.capture).received_at.date() < now.date()]
            if late:
                storage.changed(conn, late)
            for one in found:
                after(conn, one)
        taken += found
        again = [each.of for each, one in judged if one is None]
        read = [_read_all(store, reader, each, whole=True) for each in again]
        read += following
    return taken


def _whose(read: Sequence[_Read]) -> tuple[set[str], set[str]]:
    """The wires of what was *read*, and all siblings of theirs."""
    names = {each.of.turn.wire.name for each in read}
    return names, {name for each in read for name in each.of.siblings}


def _in_turn(
    conn: Connection, read: Sequence[_Read], siblings: Collection[str]
) -> tuple[list[_Read], list[_Read], set[str]]:
    """Of what was *read*: what is decided upon now; what is after that, as it has keys in common
    with what comes before it on a sibling; the wires whose siblings have an earlier capture that
    is taken in by another worker, or later by this one.

    So the captures of an agency mean what they mean one after the other, as in a replay.
    """
    waiting = captures.pending_numbers(conn, siblings)
    now, following, early = list[_Read](), list[_Read](), set[str]()
    done: set[int] = set()
    said: dict[str, set[str]] = {}  # the wires that have a key, by that
    for each in sorted(read, key=lambda each: each.of.capture.id):
        number, name, theirs = each.of.capture.id, each.of.turn.wire.name, {*each.of.siblings}
        if any(n < number and n not in done and other in theirs for n, other in waiting.items()):
            early.add(name)
            continue
        done.add(number)
        keys = names_of(each.contents)
        meets = any(key in said and not said[key].isdisjoint(theirs) for key in keys)
        (following if meets else now).append(each)
        for key in keys:
            said.setdefault(key, set()).add(name)
    return now, following, early


def _open(
    store: Store, config: Config, due: Mapping[int, _Turn], *, live: bool
) -> Iterator[_Opened]:
    with store.read() as conn:
        rows = captures.several(conn, list(due))
        names = [turn.wire.name for turn in due.values()]
        stood = standing.recall(conn, names) if live else {}
        bodies = captures.bodies(conn, [row.digest for row in rows.values()])
        named = {n: (row.key_set or "").split() for n, row in rows.items()}
        wanted = {each for names in named.values() for each in names}
        sets = custody.documents(conn, wanted) if wanted else {}
    for number, turn in due.items():
        capture = rows.get(number)
        if capture is None or capture.expired_at is not None:
            continue  # its bytes have expired; what it brought stays
        body = bodies.get(capture.digest)
        if capture.state != "pending" and (body is None or live):
            continue  # its bytes are lost: taking it in would remove what it brought
        key_sets = {name: sets[name].decode("utf-8-sig") for name in named[number]}
        if capture.siblings is None and capture.state == "pending" and capture.rule >= 3:
            capture = replace(capture, siblings=turn.siblings)
        theirs = config.present_names(capture.siblings) if capture.siblings else ()
        yield _Opened(turn, capture, body, stood.get(turn.wire.name), live, key_sets, theirs)


def _read_all(store: Store, reader: Reader, one: _Opened, *, whole: bool = False) -> _Read:
    """The contents of a capture, with what people accepted of its items that were refused."""
    read = _read(reader, one, whole=whole)
    digests = {each.digest for each in read.contents.refused if each.reading and each.digest}
    if not digests:  # the usual case; nothing is asked for it
        return read
    with store.read() as conn:
        accepted = wire_acts.accepted(conn, one.turn.wire.name, digests)
    return _read(reader, one, tuple(accepted), whole=True) if accepted else read


def _read(
    reader: Reader, one: _Opened, accepted: tuple[str, ...] = (), *, whole: bool = False
) -> _Read:
    """The contents of a capture; empty, with the reason, when it cannot be parsed."""
    if one.body is None:
        return _Read(one, Contents(), ParseError("expired", "the capture's bytes are not kept"))
    capture, wire = one.capture, one.turn.known_as
    hints = hints_of(capture, one.key_sets, accepted)
    memory = None if whole else one.memory
    try:
        return _Read(one, read_with(reader, one.body, hints, wire, memory, one.siblings), None)
    except ParseError as error:
        return _Read(one, Contents(), error)


def hints_of(capture: Capture, key_sets: dict[str, str], accepted: tuple[str, ...] = ()) -> Hints:
    """What is known of the bytes of *capture* besides them; *key_sets* were pinned when it came."""
    return Hints(
        url=capture.url,
        headers={k.lower(): v for k, v in capture.headers},
        rule=capture.rule,
        key_sets=key_sets,
        at=to_instant(capture.received_at),
        accepted=accepted,
    )


def _held(conn: Connection, read: Sequence[_Read], now: datetime) -> list[_Read]:
    """Those of *read* of whose wires the lease is still ours, and now for its full length again.

    :raises LeaseLostError: when it is none of them.
    """
    jobs = [each.of.turn.job for each in read]
    held = outbox.renew_all(conn, jobs, now)
    if not held:
        raise LeaseLostError(jobs[0])
    return [each for each in read if each.of.turn.job.key in held]


def _decide(
    conn: Connection, read: _Read, states: Mapping[str, WireState], keys: records.KnownKeys
) -> _Decided | None:
    """What a capture means, of whose *keys* this is known; None where that cannot be said without
    what was passed over."""
    one, capture, wire = read.of, read.of.capture, read.of.turn.known_as
    contents = read.contents
    state, before = states.get(one.turn.wire.name), one.memory
    if before is not None and (state is None or state.standing_of != before.capture_id):
        before = None
    if contents.standing and (before is None or state is None):
        return None
    if before is not None and state is not None and contents.standing and not contents.format:
        channel = CHANNEL.validate_python(state.channel)
        about: dict[str, Any] = {"format": before.format, "channel": channel}
        contents = contents.model_copy(update=about)
    known = _recall(conn, one, contents, keys)
    acts = _acts_before(conn, set(life.named(contents, known)), capture)
    judgment = life.judged(contents, known, acts, capture)
    said = ((each.custody, each.version.signals) for each in contents.found)
    withdrawals = [stated for stated, signals in said if signals and signals.status != "usable"]
    contents = judgment.contents
    decision = decide(wire.name, wire.identity, contents, known, capture.received_at, capture.rule)
    # Of a capture that is read again, all that it once did is to be found again.
    back = {
        intent.story_id
        for intent in decision.intents
        if (row := known.stories.get(intent.story_id)) and (row.hidden or not one.fresh)
    }
    made = judgment.acts
    if back or judgment.newborn:
        acts = _acts_before(conn, back, capture)
        theirs = _hidden_by_siblings(conn, acts, one)
        made = life.done(judgment, decision, known, acts, capture, theirs)
    kept = still_standing(contents, before)
    if not are_apart(contents, decision, kept):
        return None
    context, stands = None, None
    if one.live and one.polled and read.fault is None:
        context, stands = remembered(wire, capture, contents, known, decision, kept, one.siblings)
    ours = {key.story_id for key in known.keys.values()}
    joined = {i.story_id for i in decision.intents if i.story_id in known.stories} - ours
    return _Decided(
        *(one, state, contents, read.fault, decision, stands, context, before, made, joined),
        withdrawals,
    )


def _acts_before(conn: Connection, ids: Collection[str], capture: Capture) -> dict[str, list[Act]]:
    """What was done about whether the stories *ids* are published before *capture* came."""
    found = records.acts_of(conn, ids) if ids else {}
    return {
        story: [
            act
            for act in acts
            if (
                act.at <= capture.received_at
                if act.capture_id is None
                else act.capture_id < capture.id
            )
        ]
        for story, acts in found.items()
    }


def _hidden_by_siblings(
    conn: Connection, acts: Mapping[str, Sequence[Act]], one: _Opened
) -> Set[str]:
    """The stories that were last hidden by what another wire of the agency said, by their *acts*
    before."""
    if not one.siblings:
        return frozenset()
    last = {
        story: act.capture_id
        for story, each in acts.items()
        for act in each
        if act.capture_id is not None and act.kind != "release"
    }
    by = captures.several(conn, sorted(set(last.values())))
    wire = one.capture.wire
    return {story for story, n in last.items() if n in by and by[n].wire != wire}


def names_of(contents: Contents) -> set[str]:
    """All keys that items of a capture could have."""
    return {
        key
        for one in contents.keys
        for key in (one.guid, one.link, one.digest, one.words, *one.aliases)
        if key
    }


def _sought(read: _Read) -> records.Sought:
    """All keys that items of the capture could have."""
    one, names = read.of, names_of(read.contents)
    if one.siblings:
        names |= {carrying(name) for name in names if not name.startswith(("words:", "few:"))}
    return records.Sought(one.turn.wire.name, names, one.capture.id, one.siblings)


def _recall(conn: Connection, one: _Opened, contents: Contents, keys: records.KnownKeys) -> Known:
    """What was on record before the capture, which has these *contents*, for its *keys*."""
    capture, wire, before = one.capture, one.turn.wire.name, one.capture.id
    found, theirs = keys
    ids = {key.story_id for known in (found, theirs) for key in known.values()}
    stories = records.known_stories(conn, ids, before)
    if one.siblings:
        for name, version in records.versions_before(conn, stories, before, but=wire).items():
            stories[name] = replace(stories[name], elsewhere=version)
    numbered = bool(stories) and capture.rule >= 3 and is_numbered(contents.format)
    # Content digests by another rule cannot be compared: without this, a new rule would make a new
    # version of every story that stands on a wire.
    by_another = {n for n, row in stories.items() if not made_by(capture.rule, row.content_digest)}
    loose = {found[n].story_id for each in contents.keys for n in each.loose if n in found}
    needed = stories if numbered else by_another | loose.intersection(stories)
    for name, version in records.versions_before(conn, needed, before).items():
        row = replace(stories[name], version=version if numbered else None)
        row = replace(row, copy=version if name in loose else None)
        if name in by_another:
            row = replace(row, content_digest=content_digest(version, rule=capture.rule))
        stories[name] = row
    return Known(found, stories, theirs if one.siblings else None)


def _reconcile(
    conn: Connection, config: Config, decided: Sequence[_Decided]
) -> list[tuple[VersionChange, ...]]:
    """Make the versions and keys of each capture those decided; what had to change, in turn."""
    again = [one.of.capture.id for one in decided if not one.of.fresh]
    stored = records.versions_of_captures(conn, again)
    keys = records.keys_of_captures(conn, again)
    acts = records.acts_of_captures(conn, again)
    found: list[tuple[VersionChange, ...]] = []
    fresh: list[dict[str, Any]] = []
    put: list[tuple[VersionRow, Intent]] = []
    removed: list[tuple[str, int]] = []
    for one in decided:
        capture = one.of.capture
        had = stored.get(capture.id, {})
        wanted = {i.story_id: i for i in one.decision.intents if i.action in ("new", "updated")}
        changes: list[VersionChange] = []
        for story, intent in wanted.items():
            row, before = _version_row(capture, intent), had.get(story)
            if before == row:
                continue
            if before is not None:
                fields = changed_fields(before, row)
                changes.append(VersionChange(story, capture.id, "changed", fields))
            else:
                changes.append(VersionChange(story, capture.id, intent.action))
                if intent.action == "new":
                    fresh.append(_story_row(config, one.of.turn, capture, intent))
            put.append((row, intent))
        for story in sorted(had.keys() - wanted.keys()):
            removed.append((story, capture.id))
            changes.append(VersionChange(story, capture.id, "removed"))
        stood = {story for number, story in acts if number == capture.id}
        for story in sorted(stood ^ one.acts.keys()):
            act = one.acts.get(story)
            told: dict[str, tuple[Any, Any]] = {"act": (None, act.kind) if act else ("done", None)}
            changes.append(VersionChange(story, capture.id, "changed", told))
        found.append(tuple(changes))
    made = [((one.of.capture.id, name), act) for one in decided for name, act in one.acts.items()]
    records.drop_acts(conn, sorted(acts - dict(made).keys()))
    records.add_acts(conn, [(name, act) for (_, name), act in made])
    records.add_stories(conn, fresh)
    if theirs := list(_statements_of_agencies(decided)):
        custody.add_statements(conn, theirs)
    records.put_versions(conn, [row for row, _ in put])
    _add_receipts(conn, put)
    for story, number in removed:
        records.drop_version(conn, story, number)
    for one in decided:
        capture, name = one.of.capture, one.of.turn.wire.name
        first, shared_first = keys.get(capture.id, (set(), set()))
        wanted_keys = {key_digest(k) for k, _ in one.decision.keys}
        shared = {key_digest(k) for k in one.decision.shared}
        records.drop_keys(conn, name, sorted(first - wanted_keys))
        records.unshare_keys(conn, name, sorted(shared_first - shared))
    records.add_keys(
        conn,
        (
            (one.of.turn.wire.name, key, story, one.of.capture.id)
            for one in decided
            for key, story in one.decision.keys
        ),
    )
    for one in decided:
        records.share_keys(conn, one.of.turn.wire.name, one.decision.shared, one.of.capture.id)
    return found


def _statements_of_agencies(
    decided: Sequence[_Decided],
) -> Iterator[custody.AgencyStatementRow]:
    """The agencies' own statements of the versions that are new, and that stories are withdrawn."""
    for one in decided:
        versions = (i.item.custody for i in one.decision.intents if i.action in ("new", "updated"))
        for stated in (*versions, *one.withdrawals):
            if stated is not None:
                yield custody.AgencyStatementRow(
                    digest=stated.digest,
                    kid=stated.key,
                    number=stated.number,
                    key_set=stated.key_set,
                    statement=stated.text.encode(),
                )


def _add_receipts(conn: Connection, put: Sequence[tuple[VersionRow, Intent]]) -> None:
    """Write the receipts of these versions; they are appended to the log soon after."""
    guids = records.guids(conn, [row.story_id for row, _ in put])
    made = []
    for row, intent in put:
        received = intent.item.received
        if received is None:  # what was received is not known, so nothing can be claimed
            continue
        guid, raw, at = guids[row.story_id], row.raw_digest, row.received_at
        version = intent.item.version
        # The log is public: it learns of these when they are first rendered.
        if version.signals and version.signals.embargo and version.signals.embargo > at:
            continue
        try:
            credit = credit_of(version)
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
        received=members(item.received) if item.received is not None else None,
        custody=item.custody.digest if item.custody is not None else None,
    )


def _story_row(config: Config, turn: _Turn, capture: Capture, intent: Intent) -> dict[str, Any]:
    identity = intent.identity
    return {
        "id": intent.story_id,
        "guid": story_guid(config.publisher.authority, turn.known_as.name, identity.key),
        "slug": slug(intent.item.version.headline),
        "wire": turn.wire.name,
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
    decided: Sequence[_Decided],
    changes: Sequence[tuple[VersionChange, ...]],
) -> list[Taken]:
    """Bring the stories' rows up to date, and write each result into its capture's row."""
    touched = [sorted({c.story_id for c in each}) for each in changes]
    records.settle(conn, (name for names in touched for name in names))
    found: list[Taken] = []
    for one, each, names in zip(decided, changes, touched, strict=True):
        capture, contents = one.of.capture, one.contents
        signed = {
            i.story_id: {unsigned(url): url for url in i.item.signed}
            for i in one.decision.intents
            if i.item.signed and i.action in ("same", "updated")
        }
        renewed = records.renew_addresses(conn, signed, capture.received_at) if signed else []
        if notes := _notes_to_editors(one):
            records.renew_notes(conn, notes, capture.received_at)
        problems = [
            _problem(capture, each.position, each.state, each.message, each.digest)
            for each in contents.refused
        ]
        if one.fault is not None:
            problems = [_problem(capture, WHOLE, one.fault.state, str(one.fault))]
        stories = tuple(sorted({*names, *renewed, *one.joined}))
        found.append(Taken(capture, contents.items, each, tuple(problems), stories))
    records.seen(
        conn,
        ((i.story_id, one.of.capture.received_at) for one in decided for i in one.decision.intents),
    )
    again = [one.of.capture.id for one in decided if not one.of.fresh]
    captures.problem(conn, [problem for one in found for problem in one.problems], again)
    captures.settle(conn, {one.of.capture.id: _outcome(one) for one in decided})
    return found


def _notes_to_editors(one: _Decided) -> dict[str, str]:
    """The notes to editors of *one* by story, from formats that have a place for them. A note alone
    makes no version, and is not to be missed for that."""
    return {
        i.story_id: i.item.version.signals.ed_note or ""
        for i in one.decision.intents
        if i.action in ("new", "updated", "same") and i.item.version.signals is not None
    }


def _outcome(one: _Decided) -> dict[str, Any]:
    """The columns of a capture that say how it was taken in."""
    actions = [i.action for i in one.decision.intents]
    told = [(i.item.position, i.remark) for i in one.decision.intents if i.remark]
    remarks = summed_up(told) if told else []
    return {
        "state": "ingested" if one.fault is None else "failed",
        "format": one.contents.format,
        "items": one.contents.items,
        "new": actions.count("new"),
        "updated": actions.count("updated"),
        "notes": [n[:500] for n in (*one.contents.notes, *remarks)],
        "siblings": one.of.capture.siblings,
    }


def _problem(
    capture: Capture, position: int, state: str, message: str, digest: str | None = None
) -> Problem:
    text = storable(message)[:LONGEST_MESSAGE]
    return Problem(capture.wire, capture.id, position, state, text, capture.received_at, digest)


def _learn(conn: Connection, decided: Sequence[_Decided], found: Sequence[Taken]) -> None:
    """Write what fresh captures say of their wires, and what stands there now.

    The next poll was scheduled before the capture was parsed. It is scheduled again, from the same
    moment by the same rules, so that a wire that had slowed down in silence is polled as usual
    after its first news, and what a feed asks for counts at once.
    """
    known = [
        (one, one.state, taken) for one, taken in zip(decided, found, strict=True) if one.state
    ]
    unlike = [(one, s) for one, s, _ in known if not (one.of.live and one.of.polled)]
    others = [s.name for one, s in unlike if s.standing_of is not None]
    others += [
        name
        for one, _, taken in known
        if taken.changes and not one.of.live
        for name in one.of.siblings
    ]
    standing.forget(conn, others)
    fresh = [
        (one, state, _learnt(one, state, taken)) for one, state, taken in known if one.of.fresh
    ]
    for faulty in (True, False):
        noted = {s.name: values for one, s, values in fresh if (one.fault is not None) is faulty}
        wires.note_content(conn, noted)
    stands = {s.name: (one.before, one.stands) for one, s, _ in fresh if one.stands is not None}
    standing.replace(conn, stands)
    # Others are no feed that may wish.
    feeds = [each for each in fresh if each[0].fault is None and each[0].of.turn.wire.way == "pull"]
    dues = ((one, state, _due(one, values)) for one, state, values in feeds if one.of.polled)
    moved = [
        {"wire": state.name, "at": one.of.capture.received_at, "due": due.at, "why": due.because}
        for one, state, due in dues
        if due.at != state.due_at
    ]
    wires.reschedule(conn, moved)
    for one, state, values in feeds:
        if one.of.turn.wire.push:
            _follow_hubs(conn, one, state, values)


def _follow_hubs(
    conn: Connection, one: _Decided, state: WireState, values: Mapping[str, Any]
) -> None:
    """Have the hubs asked that a feed names. Of a story that one has changed, the feed is asked
    soon: hubs promise no order, and what comes late may be older."""
    capture, wire = one.of.capture, one.of.turn.wire
    if one.of.polled:
        headers = combined([(name.lower(), value) for name, value in capture.headers])
        said = announced(headers, one.contents.channel, capture.url)
        hubs.found(conn, wire, said.hubs, said.topic, clock.now())
    elif any(intent.action == "updated" for intent in one.decision.intents):
        due = _due(one, {**values, "pushed_until": None})
        why = f"its hub pushed another version of a story; {due.because}"
        wires.bring_forward(conn, state.name, due.at, why)


def _learnt(one: _Decided, state: WireState, taken: Taken) -> dict[str, Any]:
    """The columns of a wire's row that a fresh capture changes: a fault, what the feed says of
    itself, when it changed."""
    capture, contents, wire = one.of.capture, one.contents, one.of.turn.wire
    if one.fault is not None:
        text = f"capture {capture.id}: {one.fault.state}: {storable(str(one.fault))}"
        if wire.headers and not same_origin(wire.url, capture.url):
            text += f"; the wire's headers {WITHHELD}"
        return {"fault": text, "whole": False if one.of.polled else state.whole}
    values: dict[str, Any] = {
        "fault": None,
        "whole": contents.whole if one.of.polled else state.whole,
        "channel": members(contents.channel) if one.of.polled else state.channel,
        "changed_at": capture.received_at if taken.changes or one.joined else state.changed_at,
        "news": state.news,
        "standing_of": capture.id if one.stands else None,
        "context": one.context if one.stands else None,
        "layout": _layout(one),
        "pushed_until": state.pushed_until,
    }
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
    news, at = state.news, capture.received_at
    came = one.joined or any(c.kind in ("new", "updated") for c in taken.changes)
    if came and (not news or at > news[-1]):
        values["news"] = [*news, at][-KEPT_NEWS:]
    if came and one.of.polled and state.pushed_at is not None and state.pushed_at < at:
        values["pushed_until"] = None  # the hub did not bring it: until it pushes again
    return values


def _layout(one: _Decided) -> Any:
    contents = one.contents
    if not one.stands:
        return None
    outline = members(contents.outline) if contents.outline is not None else None
    return standing.layout_of(outline, contents.tag, one.stands)


def _due(one: _Decided, values: Mapping[str, Any]) -> Due:
    """When the wire is polled next, counted from this capture."""
    capture, wire = one.of.capture, one.of.turn.wire
    return next_poll(
        wire=wire.name,
        now=capture.received_at,
        every=wire.every,
        state="ok",
        failures=0.0,
        headers=combined([(name.lower(), value) for name, value in capture.headers]),
        channel=values["channel"],
        news=values["news"],
        trust_ttl=wire.trust_ttl,
        pushed_until=values["pushed_until"],
    )


def _log(taken: Taken) -> None:
    capture = taken.capture
    # Most polls bring nothing, which is seldom worth a line.
    said = log.info if taken.changes or taken.stories or taken.problems else log.debug
    said(
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
