"""Years of wires in a test: captures put in by hand, time moved by hand."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from desk import hiding
from desk.headline import rewrite
from ingest import parse, replay
from ingest.intake import Taken
from ingest.replay import Selection
from publish import renderer
from publish.rerender import rerender_if_changed
from publish.served import served
from stories import clock
from stories.config import Config
from stories.db import Store, captures, connect, feeds, key_value, outbox, wires
from stories.db import stories as records
from stories.models import ActKind
from workers.housekeeping import housekeeping
from workers.start import keep_ids

START = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def item(guid: str, headline: str, body: str = "Words.", link: str | None = None) -> str:
    """One RSS item; an empty *guid* leaves it out."""
    named = f"<guid isPermaLink='false'>{guid}</guid>" if guid else ""
    return (
        f"<item>{named}<title>{headline}</title>"
        f"<link>https://agency.example/{link or guid}</link>"
        f"<description>&lt;p&gt;{body}&lt;/p&gt;</description></item>"
    )


def feed(*items: str) -> bytes:
    """A wire's RSS of those items."""
    return (
        '<rss version="2.0"><channel><title>A</title><link>https://agency.example/</link>'
        f"{''.join(items)}</channel></rss>"
    ).encode()


_ARCHIVE = re.compile(rb'\n *<(?:atom:)?link [^>]*rel="prev-archive"[^>]*/>|"next_url":"[^"]*",')


def apart(body: bytes) -> bytes:
    """A feed without its link to the archive. That names a number, and changes are numbered as they
    were made: what a store that was made of the record of another has not in common with it."""
    return _ARCHIVE.sub(b"", body)


@dataclass
class Life:
    """Wires whose captures are put in by hand; all but the network is the real code."""

    config: Config
    store: Store
    now: datetime = START
    taken: list[Taken] = field(default_factory=list)

    def begin(self) -> None:
        with self.frozen():
            with self.store.write() as conn:
                wires.sync(conn, self.config.wires, self.now)
            keep_ids(self.store, self.config)
            rerender_if_changed(self.store, self.config)
            renderer.render_waiting(self.store, self.config)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        with clock.reading(lambda: self.now):
            yield

    def receive(self, *items: str, wire: str = "w", after: timedelta = DAY) -> int:
        """A capture of *wire* that holds *items*, *after* so long; taken in and rendered."""
        return self.receive_bytes(feed(*items), wire, after)

    def receive_bytes(self, body: bytes, wire: str = "w", after: timedelta = DAY) -> int:
        self.now += after
        with self.store.write() as conn:
            number = captures.add(conn, wire, self.now, "https://agency.example/f", [], body)
            outbox.want(conn, "ingest", [wire], self.now)
        with self.frozen():
            pending = replay.take_in_all(self.store, self.config, [wire], parse.parse)
            self.taken = list(pending)
            renderer.render_waiting(self.store, self.config)
        return number

    def edit(self, story: str, text: str | None) -> None:
        with self.frozen():
            rewrite(self.store, story, text, "Asha")
            renderer.render_waiting(self.store, self.config)

    def act(self, guid: str, kind: ActKind, after: timedelta) -> None:
        """The desk kills, holds or releases the story of this *guid*; then all is rendered."""
        self.now += after
        with self.frozen():
            hiding.act(self.store, self.config, self.stories()[guid], kind, "Asha", "a reason")
            renderer.render_waiting(self.store, self.config)

    def clean(self, after: timedelta = timedelta(0)) -> dict[str, int]:
        """A whole round of housekeeping, as if the last was long ago; then all is rendered."""
        self.now += after
        with self.store.write() as conn:
            for key in ("mended", "retained", "told"):
                key_value.forget(conn, f"housekeeping:{key}")
        with self.frozen():
            done = housekeeping(self.store, self.config, budget=60)
            renderer.render_waiting(self.store, self.config)
        return done

    def stories(self) -> dict[str, str]:
        """Ids of all stories by the agency's id."""
        with self.store.read() as conn:
            found = records.newest(conn, limit=1000)
        return {s.version.agency_id: s.id for s in found}

    def has_bytes(self, number: int) -> bool:
        with self.store.read() as conn:
            capture = captures.get(conn, number)
            assert capture is not None
            return captures.body(conn, capture.digest) is not None

    def bodies(self, store: Store | None = None) -> dict[tuple[str, str], bytes]:
        """Every feed's bytes as served, :func:`apart`."""
        with (store or self.store).read() as conn:
            return {
                (feed.name, format): apart(row.body)
                for feed in self.config.outgoing
                for format in feeds.FORMATS
                if (row := served(conn, self.config, feed.name, format)) is not None
            }

    def replayed(self) -> list[Taken]:
        """Everything that can be, taken in again in the live store; only what changed."""
        with self.frozen():
            chosen = Selection()
            planned = replay.plan(self.store, chosen)
            taken = replay.replay(
                self.store,
                self.config,
                chosen,
                planned,
                sleep=lambda _: None,
                reader=parse.parse,
            )
            found = [t for t in taken if t.changes]
            renderer.render_waiting(self.store, self.config)
        return found

    @contextmanager
    def rebuilt(self, url: str) -> Iterator[Store]:
        """The store rebuilt in the empty database at *url*, at this moment."""
        target = connect(url)
        with self.frozen():
            target.migrate()
            replay.rebuild(self.store, target)
            rerender_if_changed(target, self.config)
            with target.read() as conn:
                names = captures.wires_pending(conn)
            for _ in replay.take_in_all(target, self.config, names, parse.parse):
                pass
            renderer.render_waiting(target, self.config)
        try:
            yield target
        finally:
            target.close()


def empty_copy(template: Path, path: Path) -> str:
    """The URL of a fresh SQLite database at *path*, from a migrated *template*."""
    path.write_bytes(template.read_bytes())
    return f"sqlite:///{path}"
