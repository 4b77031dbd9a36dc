"""The press: carries out what the outbox wants rendered. ``select | measure | render | serve``.

A story that changed is rendered once in every format, kept, and placed in the feeds it belongs
to; a feed whose entries changed is joined from the kept bytes. Each step is claimed by lease and
safe to run twice: the same story gives the same bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog

from publish.feed import join, matches
from publish.render import Rendered, render
from stories import clock
from stories.differing import differing
from stories.errors import RenderError
from stories.newsroom import Newsroom
from stories.store import Store, feeds, outbox
from stories.store import stories as records
from stories.store.feeds import EntryRow
from stories.store.hold import held
from stories.store.outbox import Job
from stories.story import Story

BATCH = 20
"""Stories rendered between two commits: some tens of milliseconds of work at stake."""

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


def placements(newsroom: Newsroom, story: Story) -> list[str]:
    """The feeds that select *story*."""
    return [f.name for f in newsroom.outgoing if matches(f, story.version)]


def run(store: Store, newsroom: Newsroom, limit: int = 1000) -> int:
    """Render up to *limit* waiting stories, then every waiting feed; how many jobs were done."""
    carried = 0
    while carried < limit:
        with store.write() as conn:
            jobs = outbox.claim(conn, "story", clock.now(), min(BATCH, limit - carried))
        if not jobs:
            break
        with held(store, jobs):
            _render_stories(store, newsroom, jobs)
        carried += len(jobs)
    while True:
        with store.write() as conn:
            jobs = outbox.claim(conn, "feed", clock.now(), 1)
        if not jobs:
            return carried
        render_feed(store, newsroom, jobs[0].key)
        with store.write() as conn:
            outbox.done(conn, jobs, clock.now())
        carried += 1


def render_stories(store: Store, newsroom: Newsroom, ids: Sequence[str]) -> int:
    """Render now those of *ids* that wait, and their feeds; for a person who waits at a prompt."""
    with store.write() as conn:
        jobs = outbox.claim(conn, "story", clock.now(), max(len(ids), 1), ids)
    if jobs:
        _render_stories(store, newsroom, jobs)
    return run(store, newsroom, limit=0)


def _render_stories(store: Store, newsroom: Newsroom, jobs: Sequence[Job]) -> None:
    with store.read() as conn:
        found = {s.id: s for s in records.get(conn, [j.key for j in jobs])}
    rendered: dict[str, Rendered] = {}
    failures: dict[str, str] = {}
    for story in found.values():
        try:
            rendered[story.id] = render(story, newsroom)
        except RenderError as error:
            failures[story.id] = str(error)
        except Exception as error:  # one story nobody foresaw must not stop the press
            failures[story.id] = f"{type(error).__name__}: {error}"
            log.exception("rendering failed", story=story.id)
    now = clock.now()
    with store.write() as conn:
        touched: set[str] = set()
        for job in jobs:
            if job.key in failures:
                outbox.failed(conn, job, failures[job.key], now)
                continue
            story_found = found.get(job.key)
            if story_found is None:  # taken off the record by a replay
                feeds.drop_entry(conn, job.key)
                touched |= feeds.place(conn, job.key, [], now, 0)
            else:
                feeds.put_entry(conn, entry_row(story_found, rendered[job.key]))
                touched |= feeds.place(
                    conn,
                    job.key,
                    placements(newsroom, story_found),
                    story_found.changed_at,
                    story_found.position,
                )
            outbox.done(conn, [job], now)
        outbox.want(conn, "feed", touched, now)


def render_feed(store: Store, newsroom: Newsroom, name: str) -> bool:
    """Join the feed *name* in every format; True when any of its bytes became different."""
    feed = newsroom.feed(name)
    if feed is None:
        return False
    with store.read() as conn:
        rows = feeds.placed(conn, name, feed.limit)
    updated = max((r.changed_at for r in rows), default=None)
    bodies = {
        f: join(feed, newsroom, f, [r.bytes_of(f) for r in rows], updated) for f in feeds.FORMATS
    }
    now = clock.now()
    with store.write() as conn:
        changed = [
            feeds.put_feed(conn, name, f, body, len(rows), now) for f, body in bodies.items()
        ]
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
            kept = feeds.entries_of(conn, [s.id for s in found])
        for story in found:
            try:
                row = entry_row(story, render(story, newsroom))
            except RenderError:
                continue  # stays as it is, and stands in status under its own error
            before = kept.get(story.id)
            fields: dict[str, tuple[object, object]] = {"entry": (None, "rendered")}
            if before is not None:
                fields = differing(before, row, passed_over=("rendered_at",))
            if fields:
                with store.write() as conn:
                    outbox.want(conn, "story", [story.id], clock.now())
                yield Reprinted(story.id, fields)
