"""What must be true at the end, compared with what the agency served.

Each check returns what is wrong, in words; nothing wrong is an empty list.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from ingest import intake, replay
from publish import renderer
from publish.rerender import rerender_if_changed
from publish.served import served
from stories import clock
from stories.config import Config
from stories.db import Store, captures, feeds, outbox
from stories.db import stories as records
from stories.db.tables import acts as hidings
from stories.db.tables import headlines
from stories.models import WHOLE
from tests.crash.cluster import DROPPED, FETCHED, PUSHED, RENAMED, SENT
from tests.crash.courier import Delivery, Edition
from tests.crash.reader import Read, entries, withdrawn
from tests.crash.watch import Act, Hiding, Seen
from tests.differences import compare
from tests.living import apart
from tests.load.load import Load, versions_served

SLACK = 0.5
"""Seconds by which the agency's clock and ours may be told apart wrongly."""

_EDITION = re.compile(r"This is story (\d+) of simulated wire (\d+), version (\d+)\.")
_EXCUSE = b"We will be back shortly"
"""What stands on the page that the agency answers, with status 200, in place of a feed."""


@dataclass(slots=True)
class Verdict:
    """Figures for the table, and everything that is wrong."""

    figures: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def check(self, claim: str, found: Iterable[str]) -> None:
        """Note what was *found* to be wrong with *claim*, which may be nothing."""
        self.wrong[claim] = list(found)

    @property
    def good(self) -> bool:
        """True when nothing is wrong."""
        return not any(self.wrong.values())


@dataclass(frozen=True, slots=True)
class Day:
    """What happened: the agency's load, its beginning and end on our clock (seconds since 1970),
    the polls that were seen, the acts of the desk, the *calms* between the storms (since 1970,
    too), the *bound*: the seconds of calm after which no crash excuses that a version which
    stood all the while is missing; and what was *delivered* on the wires that are not polled."""

    load: Load
    start: float
    end: float
    seen: Sequence[Seen]
    acts: Sequence[Act | Hiding]
    calms: Sequence[tuple[float, float]]
    bound: float
    delivered: Mapping[Edition, Delivery] = field(default_factory=dict)


def judge(day: Day, config: Config, store: Store, empty: Store | None) -> Verdict:
    """The verdict on what *store* holds at the end; *empty* is a store to replay into, None where
    captures are gone by then."""
    verdict = Verdict()
    failed = _failed(store)
    kept, twice, turned = _kept(store)
    _ledger(day, verdict, kept, failed)
    verdict.check("no version on record twice", twice)
    verdict.check("nothing delivered was captured twice", _captured_twice(store))
    verdict.check("no story turned back to an earlier version", turned)
    verdict.check(
        "nothing in quarantine that the agency did not spoil",
        _quarantine(store, failed, gone=empty is None),
    )
    verdict.check("nothing left to do", _left(store))
    verdict.check("every act of the desk kept, once, in order", _desk(day.acts, store, verdict))
    verdict.check("every headline in the feeds", _headlines(store, config))
    if empty is not None:
        verdict.check("replay gives the same bytes", _replayed(store, empty, config, verdict))
    return verdict


def _failed(store: Store) -> Mapping[tuple[str, datetime], int]:
    """The captures that could not be taken in, by wire and time of receipt."""
    with store.read() as conn:
        found = captures.listing(conn, states=["failed"], limit=10**6)
    return {(c.wire.removesuffix(RENAMED), c.received_at): c.id for c in found}


def _kept(store: Store) -> tuple[dict[Edition, tuple[str, str]], list[str], list[str]]:
    """Every version on record with its headline and body; those twice; those out of order."""
    kept: dict[Edition, tuple[str, str]] = {}
    stories: Counter[tuple[int, int]] = Counter()
    twice, turned = [], []
    with store.read() as conn:
        for story in records.ids_after(conn, "", 10**7):
            numbers = []
            for row in records.history(conn, story):
                edition = edition_of(row.data)
                if edition in kept:
                    twice.append(f"{edition}, story {story}")
                kept[edition] = row.data["headline"], row.data["body"]
                numbers.append(edition[2])
            stories[edition[:2]] += 1
            if numbers != sorted(numbers):
                turned.append(f"story {story}: versions came to stand as {numbers}")
    twice += [f"story {name} has {count} records" for name, count in stories.items() if count > 1]
    return kept, twice, turned


def _captured_twice(store: Store) -> list[str]:
    brought = [DROPPED, SENT, FETCHED, PUSHED]
    with store.read() as conn:
        found = [
            (each.wire, each.digest)
            for each in captures.listing(conn, wires=brought, limit=10**6)
            # The whole feed is polled before a push and after it, and may have stood still.
            if each.wire != PUSHED or each.partial
        ]
    return [f"{wire}: {digest}" for (wire, digest), n in Counter(found).items() if n > 1]


def edition_of(data: Mapping[str, Any]) -> Edition:
    """Which of the agency's versions a version on record is, by what its last paragraph says."""
    found = _EDITION.search(data["body"])
    if found is None:
        return (-1, -1, -1)
    return int(found[2]), int(found[1]), int(found[3])


def _ledger(
    day: Day,
    verdict: Verdict,
    kept: Mapping[Edition, tuple[str, str]],
    failed: Mapping[tuple[str, datetime], int],
) -> None:
    looks: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for s in day.seen:
        if s.good and (s.wire, s.noted) not in failed:
            looks[s.wire].append((s.before.timestamp(), s.ended.timestamp()))
    served: dict[Edition, tuple[str, str]] = {}
    required = 0
    lost: list[str] = []
    late: list[str] = []
    for wire in range(day.load.wires):
        for one in versions_served(day.load, wire, 0.0, day.end - day.start + SLACK):
            index = int(one.item.key.rpartition("-")[2])
            edition = (wire, index, one.item.edition)
            served[edition] = one.item.headline, one.item.body
            since = day.start + max(one.since, 0.0) + SLACK
            until = min(day.start + one.until, day.end) - SLACK
            sight = any(since <= a and b <= until for a, b in looks[f"w{wire}"])
            calm = max((min(until, b) - max(since, a) for a, b in day.calms), default=0.0)
            if sight or calm > day.bound - SLACK:
                required += 1
                if edition not in kept:
                    told = f"{edition} stood for {until - since:.1f} s"
                    (lost if sight else late).append(told)
    undelivered = []
    for edition, delivery in day.delivered.items():
        served[edition] = delivery.headline, delivery.body
        required += delivery.taken
        if delivery.taken and edition not in kept:
            undelivered.append(f"{edition}")
    gaps = [b - a for ends in looks.values() for a, b in zip(*_ends(ends), strict=True)]
    verdict.figures["versions the agency served"] = f"{len(served):,}"
    verdict.figures["of these that had to be here"] = f"{required:,}"
    verdict.figures["versions on record"] = f"{len(kept):,}"
    verdict.figures["good polls seen"] = f"{sum(map(len, looks.values())):,}"
    verdict.figures["longest time without one, any wire"] = f"{max(gaps, default=0):.1f} s"
    verdict.figures["bound on that in a calm"] = f"{day.bound:.0f} s"
    verdict.check("every version that stood during a poll is on record", lost)
    verdict.check("every version that was delivered is on record", undelivered)
    verdict.check("every version that stood through a calm is on record", late)
    never = [f"{e}" for e in kept if e not in served]
    verdict.check("nothing on record that was never served", never)
    verdict.check(
        "every word as the agency wrote it",
        [f"{e}" for e, words in kept.items() if e in served and served[e] != words],
    )


def _ends(looks: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    ends = sorted(b for _, b in looks)
    return ends[:-1], ends[1:]


def _quarantine(
    store: Store, failed: Mapping[tuple[str, datetime], int], *, gone: bool
) -> list[str]:
    """What failed without the agency's doing; where captures are *gone*, of those that are not."""
    wrong, here = [], set()
    with store.read() as conn:
        problems = captures.problems_listing(conn, 10**6)
        for number in failed.values():
            capture = captures.get(conn, number)
            if gone and capture is not None and capture.expired_at is not None:
                continue  # what is told of it went with it, be its bytes those of a later one
            body = captures.body(conn, capture.digest) if capture else None
            here.add(number)
            if body is None or _EXCUSE not in body:
                wrong.append(f"capture {number} failed, which the agency did not cause")
    told = Counter(p.capture_id for p in problems)
    wrong += [
        f"capture {p.capture_id}, position {p.position}: {p.message}"
        for p in problems
        if p.capture_id not in failed.values() or p.position != WHOLE
    ]
    wrong += [
        f"capture {n} failed and is told of {told[n]} times" for n in sorted(here) if told[n] != 1
    ]
    return wrong


def _left(store: Store) -> list[str]:
    with store.read() as conn:
        rows = outbox.waiting(conn, clock.now())
        told = [f"outbox: {w.count} of kind {w.kind}, {w.failed} failed" for w in rows]
        told += [f"outbox: {k} {key}: {error}" for k, key, error in outbox.failures(conn)]
        waiting = captures.wires_pending(conn)
        unrendered = feeds.unrendered(conn)
    told += [f"wire {w}: a capture waits" for w in waiting]
    if unrendered:
        told.append(f"{unrendered} stories without an entry")
    return told


def _desk(acts: Sequence[Act | Hiding], store: Store, verdict: Verdict) -> list[str]:
    """What was acknowledged is there; what was refused is not; the rest may be either."""
    with store.read() as conn:
        rows = conn.execute(select(headlines).order_by(headlines.c.id)).mappings().all()
        kept = [(r["story_id"], r["text"], r["by"]) for r in rows]
        rows = conn.execute(select(hidings).order_by(hidings.c.id)).mappings().all()
        hidden = [(r["story_id"], r["kind"], r["by"]) for r in rows]
    wrote = {(a.story, a.text, a.by): a for a in acts if isinstance(a, Act)}
    hid = {(a.story, a.kind, a.by): a for a in acts if isinstance(a, Hiding)}
    unknown = sum(a.done is None for a in acts)
    verdict.figures["acts of the desk"] = f"{len(kept):,} ({unknown} whose commit broke off)"
    verdict.figures["of these hid or brought back a story"] = f"{len(hidden):,}"
    return [*_each_once(wrote, kept), *_each_once(hid, hidden)]


def _each_once(
    known: Mapping[Any, Act | Hiding],
    kept: Sequence[tuple[str, str | None, str]],
) -> list[str]:
    wrong = [f"{act} is on record {n} times" for act, n in Counter(kept).items() if n > 1]
    wrong += [f"{act}: nobody did that" for act in kept if act not in known]
    for name, act in known.items():
        if act.done is True and name not in kept:
            wrong.append(f"{name} was acknowledged and is not on record")
        if act.done is False and name in kept:
            wrong.append(f"{name} was refused and is on record")
    order = [int(by.rpartition(" ")[2]) for _, _, by in kept]
    if order != sorted(order):
        wrong.append("acts stand in another order than they were done in")
    return wrong


def _headlines(store: Store, config: Config) -> list[str]:
    """The entries as they stand say what the record says."""
    import json

    wrong = []
    with store.read() as conn:
        for feed in config.outgoing:
            row = served(conn, config, feed.name, "json")
            if row is None:
                wrong.append(f"feed {feed.name} was never rendered")
                continue
            items = json.loads(row.body)["items"]
            # As long as the feed, where a burst keeps more in it than its limit.
            ids = feeds.placed_ids(conn, feed.name, max(feed.limit, len(items)))
            stories = records.get(conn, ids)
            if [i["id"] for i in items] != [s.guid for s in stories]:
                wrong.append(
                    f"feed {feed.name} has other entries than the record, or another order"
                )
            titles = {i["id"]: i["title"] for i in items}
            notices = {i["id"] for i in items if "withdrawn" in i["_wirecopy"]}
            wrong += [
                f"feed {feed.name}, story {s.id}: {titles[s.guid]!r} for {s.headline!r}"
                for s in stories
                if s.guid in titles and s.guid not in notices and titles[s.guid] != s.headline
            ]
            wrong += [
                f"feed {feed.name}, story {s.id}: is {s.status}"
                for s in stories
                if s.guid in titles and s.status != ("killed" if s.guid in notices else "usable")
            ]
    return wrong


def pushed(
    bodies: Sequence[bytes],
    since: int,
    feed: str,
    store: Store,
    verdict: Verdict,
    fleeting: Collection[str] = (),
) -> None:
    """Note what is wrong with what a subscriber of *feed*, as RSS, was sent: the *bodies*, in the
    order in which they came, of all changes after the one with number *since*. Not asked
    of wires that are *fleeting*: their stories leave the feed by themselves."""
    has: dict[str, Read] = {}
    gone: set[str] = set()
    back = []
    for body in bodies:
        for one in reversed(entries("rss", body)):
            if one.guid in has and has[one.guid].version > one.version:
                back.append(f"{one.story}: version {has[one.guid].version} went to {one.version}")
            has[one.guid] = one
            gone.discard(one.guid)
        gone |= withdrawn(body)
    missing = []
    with store.read() as conn:
        changes = feeds.changes_since(conn, feed, since, 10**7)
        stories = records.get(conn, [each.story_id for each in changes])
    for story in stories:
        if story.wire in fleeting:
            continue
        last = has.get(story.guid)
        if story.status == "killed" and story.guid not in gone:
            missing.append(f"story {story.id}: is killed, and no notice came")
        elif story.status == "usable" and story.guid in gone:
            missing.append(f"story {story.id}: was brought back, and only a notice came")
        elif story.status == "usable" and (last is None or last.title != story.headline):
            told = last.title if last else "nothing"
            missing.append(f"story {story.id}: {told!r} came for {story.headline!r}")
    verdict.figures["documents pushed, changes to push"] = f"{len(bodies):,}, {len(changes):,}"
    verdict.check("every change came to the subscriber", missing)
    verdict.check("to the subscriber nothing went back", back)


def _replayed(store: Store, empty: Store, config: Config, verdict: Verdict) -> list[str]:
    empty.migrate()
    count = replay.rebuild(store, empty)
    rerender_if_changed(empty, config)
    intake.take_in_waiting(empty, config, limit=10**6)
    renderer.render_waiting(empty, config, limit=10**6)
    verdict.figures["captures, all replayed"] = f"{count:,}"
    wrong = [
        f"story {d.story_id}, capture {d.capture_id}: {d.kind} {sorted(d.fields)}"
        for d in compare(store, empty, [w.name for w in config.wires])
    ]
    with store.read() as here, empty.read() as there:
        for feed in config.outgoing:
            for format in feeds.FORMATS:
                old = served(here, config, feed.name, format)
                new = served(there, config, feed.name, format)
                if old is None or new is None or apart(old.body) != apart(new.body):
                    wrong.append(f"feed {feed.name}.{format} differs")
    return wrong


def reading(
    lines: Sequence[Mapping[str, Any]], excused: Mapping[str, Sequence[tuple[float, float]]]
) -> tuple[list[str], list[str]]:
    """What a subscriber saw that was wrong; and when a web was not there that should have been.

    *excused* gives, by web, the times (seconds since 1970) when it was down by our doing: a request
    that reaches into one may be lost with it.
    """
    wrong, absent = [], []
    for line in lines:
        if "what" not in line:
            continue
        told = f"{datetime.fromtimestamp(line['at'], UTC):%H:%M:%S} {line['web']} {line['about']}"
        if line["what"] == "wrong":
            wrong.append(told)
        elif not any(a <= line["at"] and line["asked"] <= b for a, b in excused[line["web"]]):
            absent.append(f"{told}: {line['what']}")
    return wrong, absent
