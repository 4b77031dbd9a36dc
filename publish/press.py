"""The press: carries out what the outbox wants rendered. ``select | measure | render | serve``.

A story that changed is rendered once in every format, kept, and placed in the feeds it belongs
to; a feed whose entries changed is joined from the kept bytes. Each step is claimed by lease and
safe to run twice: the same story gives the same bytes.

A story whose licence is over stands in no feed, and its entry keeps what was measured but no copy.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from publish.feed import join, matches
from publish.render import Rendered, render
from stories import clock, licence
from stories.differing import differing
from stories.errors import RenderError
from stories.newsroom import Newsroom
from stories.store import Store, feeds, outbox, retention
from stories.store import stories as records
from stories.store.feeds import EntryRow
from stories.store.hold import held
from stories.store.outbox import Job
from stories.story import Story

BATCH = 20
"""Stories rendered between two commits: some tens of milliseconds of work at stake."""

ANEW = timedelta(hours=1)
"""A story that changed longer than this before it was wanted is rendered for another reason."""

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
        measurement=rendered.measurement.model_dump(mode="json"),
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


def placements(newsroom: Newsroom, story: Story, now: datetime) -> list[str]:
    """The feeds that select *story* at *now*."""
    if licence.over(newsroom, story, now):
        return []
    return [f.name for f in newsroom.outgoing if matches(f, story.version)]


def run(
    store: Store,
    newsroom: Newsroom,
    limit: int = 1000,
    rendered: Callable[[datetime], None] = lambda _: None,
) -> int:
    """Render up to *limit* waiting stories, then every waiting feed; how many jobs were done.

    *rendered* is told of each story when it had changed.
    """
    carried = 0
    while carried < limit:
        with store.write() as conn:
            jobs = outbox.claim(conn, "story", clock.now(), min(BATCH, limit - carried))
        if not jobs:
            break
        with held(store, jobs):
            _render_stories(store, newsroom, jobs, rendered)
        carried += len(jobs)
    while True:
        with store.write() as conn:
            jobs = outbox.claim(conn, "feed", clock.now(), 1)
        if not jobs:
            return carried
        try:
            with held(store, jobs):
                render_feed(store, newsroom, jobs[0].key, jobs[0])
        except Exception as error:  # one feed nobody foresaw must not stop the press
            log.exception("joining failed", feed=jobs[0].key)
            with store.write() as conn:
                told = f"{type(error).__name__}: {error}"
                outbox.failed(conn, jobs[0], told, clock.now())
        carried += 1


def render_stories(store: Store, newsroom: Newsroom, ids: Sequence[str]) -> int:
    """Render now those of *ids* that wait, and their feeds; for a person who waits at a prompt."""
    with store.write() as conn:
        jobs = outbox.claim(conn, "story", clock.now(), max(len(ids), 1), ids)
    if jobs:
        _render_stories(store, newsroom, jobs)
    return run(store, newsroom, limit=0)


def _render_stories(
    store: Store,
    newsroom: Newsroom,
    jobs: Sequence[Job],
    told: Callable[[datetime], None] = lambda _: None,
) -> None:
    fresh: list[datetime] = []
    judged = clock.now()  # before reading: what ends after this, housekeeping will find
    with store.read() as conn:
        found = {s.id: s for s in records.get(conn, [j.key for j in jobs])}
        wordless = retention.withdrawn(conn, list(found))
    rows, failures = _rendered(
        newsroom, [s for s in found.values() if s.id not in wordless], judged
    )
    with store.write() as conn:
        now = clock.now()
        touched: set[str] = set()
        written: list[str] = []
        # In one order, so that two transactions that lock the same rows cannot deadlock.
        for job in sorted(jobs, key=lambda j: j.key):
            if not outbox.renew(conn, job, now):
                continue  # we slept through our lease; what somebody else rendered is newer
            of_job = found.get(job.key)
            if job.key in failures:
                outbox.failed(conn, job, failures[job.key], now)
                if of_job is not None and licence.over(newsroom, of_job, judged):
                    # It leaves the feeds whether or not it can still be rendered.
                    touched |= feeds.place(conn, job.key, [], now, 0)
                continue
            placed: list[str] = []
            if of_job is None:  # taken off the record by a replay, or long over
                feeds.drop_entry(conn, job.key)
            elif job.key in wordless:
                kept = feeds.entry(conn, job.key)
                feeds.put_entry(conn, without_copy(kept or _unmeasured(of_job)))
            else:
                feeds.put_entry(conn, rows[job.key])
                placed = placements(newsroom, of_job, judged)
                written.append(job.key)
                if job.since - of_job.changed_at < ANEW:
                    fresh.append(of_job.changed_at)
            changed_at, position = (of_job.changed_at, of_job.position) if of_job else (now, 0)
            touched |= feeds.place(conn, job.key, placed, changed_at, position)
            outbox.done(conn, [job], now)
        outbox.want(conn, "feed", touched, now)
    log.info("rendered", stories=written)
    for moment in fresh:
        told(moment)


def _rendered(
    newsroom: Newsroom, found: Sequence[Story], judged: datetime
) -> tuple[dict[str, EntryRow], dict[str, str]]:
    """The entries of *found* by story, and why those that could not be rendered could not."""
    rows: dict[str, EntryRow] = {}
    failures: dict[str, str] = {}
    for story in found:
        try:
            row = entry_row(story, render(story, newsroom))
            rows[story.id] = without_copy(row) if licence.over(newsroom, story, judged) else row
        except RenderError as error:
            failures[story.id] = str(error)
        except Exception as error:  # one story nobody foresaw must not stop the press
            failures[story.id] = f"{type(error).__name__}: {error}"
            log.exception("rendering failed", story=story.id)
    return rows, failures


def render_feed(store: Store, newsroom: Newsroom, name: str, job: Job | None = None) -> bool:
    """Join the feed *name* in every format; True when any of its bytes became different.

    *job* is the caller's lease on it, which is done with thereby. When it was lost, somebody else
    has joined the feed from what came later, and nothing is written.
    """
    feed = newsroom.feed(name)
    with store.read() as conn:
        rows = feeds.placed(conn, name, feed.limit) if feed is not None else []
    updated = max((r.changed_at for r in rows), default=None)
    bodies = {
        f: join(feed, newsroom, f, [r.bytes_of(f) for r in rows], updated)
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
class Reprinted:
    """A story whose entry came out differently than it stands, and in which fields."""

    story_id: str
    fields: dict[str, tuple[object, object]]


def reprint(store: Store, newsroom: Newsroom, ids: Sequence[str]) -> Iterator[Reprinted]:
    """Render the stories *ids* again and compare with what is kept; those that differ are wanted
    again, so that the press replaces them."""
    for at in range(0, len(ids), BATCH):
        with store.read() as conn:
            found = records.get(conn, ids[at : at + BATCH])
            wordless = retention.withdrawn(conn, [s.id for s in found])
            kept = feeds.entries_of(conn, [s.id for s in found])
        for story in found:
            if story.id in wordless:
                continue
            try:
                row = entry_row(story, render(story, newsroom))
                if licence.over(newsroom, story, clock.now()):
                    row = without_copy(row)
            except Exception as error:  # whatever it is, the press names it in status
                log.debug("not rendered again", story=story.id, error=str(error))
                continue  # stays as it is, and stands in status under its own error
            before = kept.get(story.id)
            fields: dict[str, tuple[object, object]] = {"entry": (None, "rendered")}
            if before is not None:
                fields = differing(before, row, passed_over=("rendered_at",))
            if fields:
                with store.write() as conn:
                    outbox.want(conn, "story", [story.id], clock.now())
                yield Reprinted(story.id, fields)
