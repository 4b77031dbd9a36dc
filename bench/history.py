"""What a long history costs: everything that Wirecopy does, with many stories on a wire and with
few.

The history is made of one story that the real code took in, rendered, and saw leave its feed
(:mod:`bench.copies`). What the feeds show now is real.
"""

import asyncio
import io
import os
import statistics
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer
from pydantic import SecretStr
from sqlalchemy import select

from bench import agency, inputs, postgres
from bench.agency import CONTENT_TYPES, ITEMS, Moment, feed
from bench.copies import index, lengthen
from bench.cost import tree_cpu_seconds
from bench.sides import Side, at_work
from bench.table import Cell, times
from bench.table import Table as Printed
from bench.wirecopy_side import LIMIT, once
from desk import exposition
from desk.cli.app import line
from ingest import intake
from net.client import Client
from publish import archive, renderer
from publish.web.app import create
from stories import clock
from stories.config import Config
from stories.db import Store, captures, feeds, key_value, outbox, tables
from stories.db import stories as records
from workers import alerts, dispatch, housekeeping
from workers.start import start

STEP = timedelta(seconds=25)
"""Between two stories of the history: :data:`KEPT` come within the 90 days that captures are
kept."""

KEPT = 200_000
"""Stories of which the capture still has its bytes: those of more have reached their age."""

LENGTH = 400
"""Characters of a story's body in the history: what is looked for by index need not be long."""


class Grown:
    """A store with a history, and everything that is done with it."""

    def __init__(self, config: Config, store: Store, folder: Path, old: str) -> None:
        self.config, self.store, self.old = config, store, old
        self.file = folder / "wirecopy.toml"
        wire, site = config.wires[0], config.site.url
        self.file.write_text(
            f'data = "{config.data}"\n'
            f'[publisher]\nname = "{config.publisher.name}"\nurl = "{config.publisher.url}"\n'
            f'[site]\nurl = "{site}"\n[[feeds]]\nname = "all"\ntitle = "All"\nlimit = {LIMIT}\n'
            f'[[wires]]\nname = "{wire.name}"\nurl = "{wire.url}"\nagency = "{wire.agency}"\n'
            f'code = "{wire.code}"\nallow_private = true\n'
        )
        with store.read() as conn:
            numbers = conn.execute(select(tables.searched.c.number).order_by("number"))
            self.middle = (every := numbers.scalars().all())[len(every) // 2]
        self.http = Client()
        self.loop = asyncio.new_event_loop()
        self.edits = 0
        self.fresh()

    def fresh(self) -> None:
        """Forget what is kept of pages, feeds and figures."""
        with self.store.write() as conn:
            key_value.forget(conn, "status:storage")
        self.app = create(self.config, self.store, ready=dict, metrics=None)

    def poll(self) -> None:
        """Poll, take in, render."""
        once(self.store, self.config, self.http, [self.config.wires[0].name])

    def render(self) -> None:
        """Render the newest story again."""
        with self.store.write() as conn:
            outbox.want(conn, "story", [self.newest()], clock.now())
        renderer.render_waiting(self.store, self.config)

    def newest(self) -> str:
        """The id of the story that changed last."""
        with self.store.read() as conn:
            return records.newest(conn, limit=1)[0].id

    def command(self, *arguments: str) -> None:
        """A command of ``wirecopy``, in this process, its output thrown away."""
        given = ["--config", str(self.file), *arguments]
        said = io.TextIOWrapper(io.BytesIO(), "utf-8")
        with redirect_stdout(said):
            try:
                line(given)(given, prog_name="wirecopy", standalone_mode=False)
            except typer.Exit as end:
                if end.exit_code:
                    raise RuntimeError(f"wirecopy {arguments} failed") from end

    def headline(self) -> None:
        """``wirecopy headline``, and what it has rendered."""
        self.edits += 1
        text = f"The desk's headline, number {self.edits}"
        self.command("headline", self.newest(), text, "--by", "Bench")

    def page(self, path: str) -> None:
        """A page or feed, asked of the web's application."""
        sent: list[Mapping[str, Any]] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        path, _, query = path.partition("?")
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode()}
        scope |= {
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost")],
            "root_path": "",
        }
        scope |= {"scheme": "http", "server": ("localhost", 80), "http_version": "1.1"}
        self.loop.run_until_complete(self.app(scope, receive, send))
        if sent[0]["status"] != 200:
            raise RuntimeError(f"{path}: {sent[0]}")

    def archive(self, *, first: bool = False) -> None:
        """A document of the feed's archive: the first of all, or the newest whole one."""
        with self.store.read() as conn:
            newest = feeds.newest(conn, "all")
        whole = feeds.ARCHIVED if first else newest // feeds.ARCHIVED * feeds.ARCHIVED
        self.page(f"/feeds/all/archive/{whole}.atom")

    def news(self) -> None:
        """What a subscriber of the hub is sent that has not heard of the last five changes."""
        with self.store.read() as conn:
            newest = feeds.newest(conn, "all")
            changes = feeds.changes_since(conn, "all", newest - 5, feeds.ARCHIVED)
            archive.news(conn, self.config, self.config.feeds[0], changes, "rss")

    def search(self, *words: str, feed: str = "", back: bool = False) -> None:
        """What is found of *words*, as a page or a feed; if *back*, from the middle of the history
        back."""
        before = f"&before={self.middle}" if back else ""
        self.page(f"/search{feed}?q={'+'.join(words)}{before}")

    def housekeeping(self) -> None:
        """A round, as if all its parts were due but adding up what came."""
        with self.store.write() as conn:
            for part in ("mended", "retained"):
                key_value.forget(conn, f"housekeeping:{part}")
        housekeeping.housekeeping(self.store, self.config)

    def add_up(self) -> None:
        """What a round does once a day."""
        housekeeping.add_up(self.store, clock.now())

    def rehearse(self) -> None:
        """The newest capture taken in again, in a scratch store: after a replay in this one the
        next poll would read all items."""
        with self.store.read() as conn:
            since = captures.listing(conn, limit=1)[0].received_at
        self.command("replay", "--dry-run", "--since", since.isoformat())

    def dispatch(self) -> None:
        """Beat's look for wires that are due."""
        dispatch.batches(self.store, self.config, clock.now())

    def sweep(self) -> None:
        """Beat's look for work that waits."""
        with self.store.read() as conn:
            outbox.waiting(conn, clock.now())

    def watch(self) -> None:
        """Beat's look for alerts."""
        alerts.update(self.store, clock.now(), self.config.alerts)

    def capture(self) -> str:
        """The number of the newest capture."""
        with self.store.read() as conn:
            return str(captures.listing(conn, limit=1)[0].id)

    def metrics(self) -> None:
        """What ``/metrics`` tells of the store."""
        with self.store.read() as conn:
            exposition.of_the_store(conn, self.config)


WORK: dict[str, Callable[[Grown], object]] = {
    "poll, 1 new of 30": Grown.poll,
    "poll, 304": Grown.poll,
    "render a story again": Grown.render,
    "dispatch": Grown.dispatch,
    "sweep": Grown.sweep,
    "alerts": Grown.watch,
    "housekeeping": Grown.housekeeping,
    "adding up, once a day": Grown.add_up,
    "metrics": Grown.metrics,
    "wirecopy poll": lambda g: g.command("poll"),
    "wirecopy wires": lambda g: g.command("wires"),
    "wirecopy stories": lambda g: g.command("stories"),
    "wirecopy stories --wire": lambda g: g.command("stories", "--wire", g.config.wires[0].name),
    "wirecopy stories --second-look": lambda g: g.command("stories", "--second-look"),
    "wirecopy story, the newest": lambda g: g.command("story", g.newest()),
    "wirecopy story, an old one": lambda g: g.command("story", g.old),
    "wirecopy headline": Grown.headline,
    "wirecopy feed": lambda g: g.command("feed", "all", "--format", "rss"),
    "wirecopy captures": lambda g: g.command("captures"),
    "wirecopy captures --failed": lambda g: g.command("captures", "--failed"),
    "wirecopy captures NUMBER": lambda g: g.command("captures", g.capture()),
    "wirecopy replay --dry-run": Grown.rehearse,
    "wirecopy keys": lambda g: g.command("keys"),
    "wirecopy status": lambda g: g.command("status"),
    "/": lambda g: g.page("/"),
    "/feeds/all": lambda g: g.page("/feeds/all"),
    "/feeds/all.rss": lambda g: g.page("/feeds/all.rss"),
    "/stories/ID, the newest": lambda g: g.page(f"/stories/{g.newest()}"),
    "/stories/ID, an old one": lambda g: g.page(f"/stories/{g.old}"),
    "/stories/ID/statements": lambda g: g.page(f"/stories/{g.newest()}/statements"),
    "/.well-known/jwks.json": lambda g: g.page("/.well-known/jwks.json"),
    "/feeds/all/archive/N.atom, the newest": Grown.archive,
    "/feeds/all/archive/N.atom, the first": lambda g: g.archive(first=True),
    "news for the hub": Grown.news,
    "/feeds.opml": lambda g: g.page("/feeds.opml"),
    "/sitemap-news.xml": lambda g: g.page("/sitemap-news.xml"),
    "/search, a word of all": lambda g: g.search("common"),
    "/search, a word of a fortieth": lambda g: g.search("seldom"),
    "/search, a word of one": lambda g: g.search("number7"),
    "/search, a word of none": lambda g: g.search("nowhere"),
    "/search, two words": lambda g: g.search("common", "seldom"),
    "/search, from the middle back": lambda g: g.search("common", back=True),
    "/search.rss, a word of all": lambda g: g.search("common", feed=".rss"),
    "/search.rss, a word of one": lambda g: g.search("number7", feed=".rss"),
    "/log/checkpoint": lambda g: g.page("/log/checkpoint"),
    "/log/tile": lambda g: g.page("/log/tile/0/000"),
}
"""Everything that is done; each turn begins with news, as the web keeps what has not changed."""


@contextmanager
def side(url: str, count: int, database: str = "") -> Iterator[Callable[[str], object]]:
    """A store with *count* stories of the wire at *url*; *database* is PostgreSQL's URL, empty for
    SQLite."""
    with TemporaryDirectory(prefix="wirecopy-bench-") as name:
        folder = Path(name)
        config = inputs.config_of((inputs.wire("sim", url),), folder / "data", LIMIT)
        if database:
            config = config.model_copy(update={"database_url": SecretStr(database)})
            os.environ["WIRECOPY_DATABASE_URL"] = database
        store = start(config)
        try:
            _begin(store, config)
            with store.read() as conn:
                old = records.newest(conn, limit=2 * ITEMS)[-1].id
            lengthen(store, config, old, count, STEP, kept=min(count, KEPT))
            index(store)
            grown = Grown(config, store, folder, old)
            yield lambda what: WORK.get(what, Grown.fresh)(grown)
        finally:
            store.close()


def _begin(store: Store, config: Config) -> None:
    """Two captures of 30 stories by the real code: the oldest have left the feed of 50."""
    rules = config.wires[0]
    for news in (0, ITEMS):
        body = feed(0, "rss", Moment(news), LENGTH)
        headers = [("content-type", CONTENT_TYPES["rss"])]
        with store.write() as conn:
            now = clock.now()
            captures.add(conn, rules.name, now, rules.url, headers, body)
            outbox.want(conn, "ingest", [rules.name], now)
        intake.take_in_waiting(store, config)
        renderer.render_waiting(store, config)


def table(small: int, large: int, turns: int) -> Printed:
    """Measure everything with *small* and with *large* stories, on SQLite and PostgreSQL."""
    costs: dict[tuple[str, str, int], list[float]] = {}
    absent = ""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="wirecopy-bench-")))
        shown = stack.enter_context(agency.performing(folder))
        postmaster = None
        sides: dict[tuple[str, int], Side] = {}

        def built(name: str, count: int, database: str = "") -> None:
            sides[name, count] = stack.enter_context(
                at_work(
                    "bench.history:side", url=shown.url(0, "rss"), count=count, database=database
                )
            )

        for count in (small, large):
            built("SQLite", count)
        try:
            url, postmaster = stack.enter_context(postgres.running())
        except RuntimeError as error:
            absent = f"PostgreSQL: not measured: {str(error).splitlines()[0]}"
        else:
            for count in (small, large):
                database = postgres.database(url, f"history_{count}")
                built("PostgreSQL", count, stack.enter_context(database))
        for turn in range(-2, turns):  # the first two fill the feed, and warm up
            shown.move(Moment(ITEMS * (turn + 3) if turn < 0 else 3 * ITEMS + turn), [0])
            for side in sides.values():
                side.ask(what="fresh")
            for what in WORK if turn > -2 else ["poll, 1 new of 30"]:
                for (name, count), side in sides.items():
                    used = tree_cpu_seconds(postmaster) if postmaster else 0.0
                    cost = side.ask(what=what).cpu
                    if name == "PostgreSQL" and postmaster:
                        cost += (tree_cpu_seconds(postmaster) - used) * 1e3
                    if turn >= 0:
                        costs.setdefault((what, name, count), []).append(cost)
    names = list(dict.fromkeys(name for name, _ in sides))
    columns = [head for name in names for head in (f"{name}, {small:,}", f"{large:,}", "times")]
    made = Printed(
        "history",
        f"History: milliseconds of CPU with {small:,} and with {large:,} stories on a wire",
        ("", *columns),
        notes=(
            f"Medians of {turns} turns, each of which begins with news. PostgreSQL's server is",
            "counted. Commands run in a process that has imported what they need.",
            *([absent] if absent else []),
        ),
    )
    for what in WORK:
        cells: list[Cell] = []
        for name in names:
            few, many = (statistics.median(costs[what, name, count]) for count in (small, large))
            cells += [few, many, times(many, few)]
        made.rows.append((what, *cells))
    return made
