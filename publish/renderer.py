"""The press: carries out what the outbox wants rendered. ``select | measure | render | serve``.

A story that changed is rendered once in every format, stated, kept, and placed in the feeds it
belongs to; one of which nothing can be stated stays as it was last published. A feed whose entries
changed is joined from the kept bytes. Each step is claimed by lease and safe to run twice: the same
story gives the same bytes.

A story whose licence is over stands in no feed, and its entry keeps what was measured but no copy.
"""

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from publish.render import Rendered, render
from publish.selection import join, matches
from publish.signing import Issued, Refusals, claims_for, issue, standing
from stories import clock, licence
from stories.config import Config
from stories.db import Store, feeds, outbox, proofs, retention, wires
from stories.db import stories as records
from stories.db.feeds import EntryRow, Place
from stories.db.outbox import Job
from stories.db.proofs import StatementRow
from stories.errors import RenderError, SigningError
from stories.licence import Terms
from stories.models import Story, changed_fields
from stories.statement import Claims

BATCH = 20
"""Stories rendered between two commits: some tens of milliseconds of work at stake."""

ANEW = timedelta(hours=1)
"""A story that changed longer than this before it was wanted is rendered for another reason."""

KEYLESS = timedelta(minutes=5)
"""Between two tries at most while nothing can be signed: that is no fault of the stories, and a
person who has put a key back waits for it."""

log = structlog.get_logger()


def entry_row(story: Story, rendered: Rendered) -> EntryRow:
    """What the store keeps of a rendered story."""
    return EntryRow(
        story_id=story.id,
        changed_at=story.changed_at,
        scope=rendered.measurement.scope,
        edited_headline_only=rendered.measurement.edited_headline_only,
        disclosure=rendered.entry.disclosure,
        url=rendered.entry.url,
        measurement=rendered.measurement.to_json(),
        rss=rendered.rss,
        atom=rendered.atom,
        json=rendered.json,
        rendered_at=clock.now(),
    )


def without_copy(row: EntryRow) -> EntryRow:
    """*row* as it is kept once the licence is over: what was measured, and nothing of the copy."""
    return replace(row, rss=b"", atom=b"", json=b"")


def _unmeasured(story: Story) -> EntryRow:
    """The entry of a story whose words had gone before it was ever rendered."""
    return EntryRow(
        story_id=story.id,
        changed_at=story.changed_at,
        scope="unknown",
        edited_headline_only=False,
        disclosure="",
        url="",
        measurement={},
        rss=b"",
        atom=b"",
        json=b"",
        rendered_at=clock.now(),
    )


def placements(config: Config, terms: Terms, story: Story, now: datetime) -> list[str]:
    """The feeds that select *story* at *now*; *terms* are the licences'."""
    if licence.over(terms, story, now):
        return []
    return [f.name for f in config.outgoing if matches(f, story.version)]


def render_waiting(
    store: Store,
    config: Config,
    limit: int = sys.maxsize,
    rendered: Callable[[datetime], None] = lambda _: None,
) -> int:
    """Render the waiting stories, up to *limit*, then every waiting feed; how many jobs were done.

    *rendered* is told of each story when it had changed.
    """
    carried = 0
    while carried < limit:
        with store.write() as conn:
            jobs = outbox.claim(conn, "story", clock.now(), min(BATCH, limit - carried))
        if not jobs:
            break
        with outbox.renewing(store, jobs):
            _render_stories(store, config, jobs, rendered)
        carried += len(jobs)
    while True:
        with store.write() as conn:
            jobs = outbox.claim(conn, "feed", clock.now(), 1)
        if not jobs:
            return carried
        try:
            with outbox.renewing(store, jobs):
                render_feed(store, config, jobs[0].key, jobs[0])
        except Exception as error:  # one feed nobody foresaw must not stop the press
            log.exception("joining failed", feed=jobs[0].key)
            with store.write() as conn:
                told = f"{type(error).__name__}: {error}"
                outbox.failed(conn, jobs[0], told, clock.now())
        carried += 1


def render_now(store: Store, config: Config, ids: Sequence[str]) -> int:
    """Render now those of *ids* that wait, and their feeds; for a person who waits at a prompt."""
    with store.write() as conn:
        jobs = outbox.claim(conn, "story", clock.now(), max(len(ids), 1), ids)
    if jobs:
        _render_stories(store, config, jobs)
    return render_waiting(store, config, limit=0)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A batch as rendered and stated, before anything of it is kept."""

    found: dict[str, Story]
    wordless: set[str]
    rendered: dict[str, Rendered]
    selected: dict[str, list[str]]
    issued: dict[str, Issued]
    failures: dict[str, Exception]
    terms: Terms
    judged: datetime


@dataclass(frozen=True, slots=True)
class _Kept:
    """What becomes of one job's story: its place in feeds, its entry, a fresh statement.

    ``done`` is False when the story must be rendered again.
    """

    place: Place | None = None
    entry: EntryRow | None = None
    statement: StatementRow | None = None
    done: bool = True


def _render_stories(
    store: Store,
    config: Config,
    jobs: Sequence[Job],
    told: Callable[[datetime], None] = lambda _: None,
) -> None:
    batch = _prepared(store, config, jobs)
    with store.write() as conn:
        revoked = proofs.revoked_keys(conn)
        now = clock.now()
        # Those not among them we slept through: what somebody else rendered is newer.
        ours = outbox.renew_all(conn, jobs, now)
        kept = {j: _kept(conn, batch, j, revoked, now) for j in jobs if j.key in ours}
        proofs.add_statements(conn, [k.statement for k in kept.values() if k.statement is not None])
        feeds.put_entries(conn, [k.entry for k in kept.values() if k.entry is not None])
        touched = feeds.place(conn, [k.place for k in kept.values() if k.place is not None])
        outbox.done(conn, [job for job, k in kept.items() if k.done], now)
        outbox.want(conn, "feed", touched, now)
    written = [job for job, k in kept.items() if k.done and job.key in batch.rendered]
    log.info("rendered", stories=[job.key for job in written])
    for job in written:
        changed_at = batch.found[job.key].changed_at
        if job.since - changed_at < ANEW:
            told(changed_at)


def _prepared(store: Store, config: Config, jobs: Sequence[Job]) -> _Prepared:
    judged = clock.now()  # before reading: what ends after this, housekeeping will find
    with store.read() as conn:
        found = {s.id: s for s in records.get(conn, [j.key for j in jobs])}
        wordless = retention.withdrawn(conn, list(found))
        terms = wires.licence_terms(conn, config, {s.wire for s in found.values()})
    rendered, failures = _rendered([s for s in found.values() if s.id not in wordless], config)
    selected = {name: placements(config, terms, found[name], judged) for name in rendered}
    said = {n: claims_for(found[n], each) for n, each in rendered.items() if selected[n]}
    issued, unstated = _issued(store, config, said)
    failures |= unstated
    return _Prepared(found, wordless, rendered, selected, issued, failures, terms, judged)


def _kept(
    conn: Connection,
    batch: _Prepared,
    job: Job,
    revoked: Collection[str],
    now: datetime,
) -> _Kept:
    name = job.key
    nowhere = Place(name, (), now, 0)
    story = batch.found.get(name)
    if (failure := batch.failures.get(name)) is not None:
        longest = KEYLESS if isinstance(failure, SigningError) else outbox.RETRY_LONGEST
        outbox.failed(conn, job, str(failure), now, longest)
        # When its licence is over it leaves the feeds, whether or not it can still be rendered.
        over = story is not None and licence.over(batch.terms, story, batch.judged)
        return _Kept(nowhere if over else None, done=False)
    if story is None:  # taken off the record by a replay, or long over
        feeds.drop_entries(conn, [name])
        return _Kept(nowhere)
    if name in batch.wordless:
        entry = without_copy(feeds.entry(conn, name) or _unmeasured(story))
        return _Kept(Place(name, (), story.changed_at, story.position), entry)
    statement = batch.issued.get(name)
    if statement is not None and statement.row.kid in revoked:
        outbox.release(conn, [job])  # while we signed; the next turn uses another
        return _Kept(done=False)
    return _Kept(
        Place(name, batch.selected[name], story.changed_at, story.position),
        _entry(batch.terms, story, batch.rendered[name], statement, batch.judged),
        statement.row if statement is not None and statement.fresh else None,
    )


def _rendered(
    found: Sequence[Story], config: Config
) -> tuple[dict[str, Rendered], dict[str, Exception]]:
    """The stories *found* as rendered, and why those that could not be rendered could not."""
    rows: dict[str, Rendered] = {}
    failures: dict[str, Exception] = {}
    for story in found:
        try:
            rows[story.id] = render(story, config)
        except RenderError as error:
            failures[story.id] = error
        except Exception as error:  # one story nobody foresaw must not stop the press
            failures[story.id] = RenderError(f"{type(error).__name__}: {error}")
            log.exception("rendering failed", story=story.id)
    return rows, failures


def _issued(
    store: Store, config: Config, said: dict[str, Claims]
) -> tuple[dict[str, Issued], Refusals]:
    try:
        return issue(store, config, said)
    except Exception as error:  # named in status; stories that are not published go on
        log.exception("nothing can be stated")
        why = SigningError(f"nothing can be stated: {type(error).__name__}: {error}")
        return {}, dict.fromkeys(said, why)


def _entry(
    terms: Terms,
    story: Story,
    rendered: Rendered,
    statement: Issued | None,
    judged: datetime,
) -> EntryRow:
    """What the store keeps: with its statement what is published, without its copy what is over."""
    row = entry_row(story, rendered.with_statement(statement.row.jws) if statement else rendered)
    return without_copy(row) if licence.over(terms, story, judged) else row


def render_feed(store: Store, config: Config, name: str, job: Job | None = None) -> bool:
    """Join the feed *name* in every format; True when any of its bytes became different.

    *job* is the caller's lease on it, which is done with thereby. When it was lost, somebody else
    has joined the feed from what came later, and nothing is written.
    """
    feed = config.feed(name)
    with store.read() as conn:
        rows = feeds.placed(conn, name, feed.limit) if feed is not None else []
    updated = max((r.changed_at for r in rows), default=None)
    bodies = {
        f: join(feed, config, f, [r.bytes_of(f) for r in rows], updated)
        for f in feeds.FORMATS
        if feed is not None
    }
    now = clock.now()
    with store.write() as conn:
        if job is not None and not outbox.renew(conn, job, now):
            return False
        changed = [
            feeds.put_feed(conn, name, f, body, len(rows), now) for f, body in bodies.items()
        ]
        if job is not None:
            outbox.done(conn, [job], now)
    return any(changed)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A story whose entry came out differently than it stands, and in which fields."""

    story_id: str
    fields: dict[str, tuple[object, object]]


def compare(store: Store, config: Config, ids: Sequence[str]) -> Iterator[Mismatch]:
    """Render the stories *ids* again and compare with what is kept; those that differ are wanted
    again, so that the press replaces them."""
    for at in range(0, len(ids), BATCH):
        with store.read() as conn:
            found = records.get(conn, ids[at : at + BATCH])
            wordless = retention.withdrawn(conn, [s.id for s in found])
            kept = feeds.entries_of(conn, [s.id for s in found])
            terms = wires.licence_terms(conn, config, {s.wire for s in found})
        now = clock.now()
        rendered, _ = _rendered([s for s in found if s.id not in wordless], config)
        published = {s.id for s in found if placements(config, terms, s, now)}
        with store.read() as conn:
            stated = standing(
                conn,
                {
                    s.id: claims_for(s, rendered[s.id])
                    for s in found
                    if s.id in rendered and s.id in published
                },
            )
        for story in found:
            if story.id not in rendered:
                continue  # stays as it is; the press names in status why
            statement = Issued(stated[story.id], fresh=False) if story.id in stated else None
            row = _entry(terms, story, rendered[story.id], statement, now)
            before = kept.get(story.id)
            fields: dict[str, tuple[object, object]] = {"entry": (None, "rendered")}
            if before is not None:
                fields = changed_fields(before, row, passed_over=("rendered_at",))
            if fields:
                with store.write() as conn:
                    outbox.want(conn, "story", [story.id], clock.now())
                yield Mismatch(story.id, fields)
