"""One headline of the desk's → three feeds ready to be sent, gzip included, beside feedgen."""

import asyncio
import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count, cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import agency, postgres
from bench.sides import Answer, at_work, cpu, each
from bench.table import Table, times

ENTRIES = 50
SQLITE, POSTGRES = "Wirecopy, SQLite", "Wirecopy, PostgreSQL"
PLAIN, PACKED = "feedgen", "feedgen and gzip"

Rewrite = Callable[..., int]
"""Puts a headline over the next story; bytes of the feeds ready to be sent. With ``check`` nothing
is rewritten: the feeds of the last time must hold the headline."""


@contextmanager
def wirecopy(base: str, database: str = "") -> Iterator[Rewrite]:
    """The feeds are asked for as the web serves them."""
    from bench.wirecopy_side import once, opened
    from desk import headline
    from net.client import Client
    from publish.web.feeds import Feeds
    from publish.web.gate import Gate
    from stories.db import feeds
    from stories.db import stories as records

    urls = [f"{base}/{wire}.{('rss', 'atom')[wire % 2]}" for wire in range(2)]
    with opened(urls, database) as (config, store):
        with Client() as http:
            once(store, config, http, [wire.name for wire in config.wires])
        with store.read() as conn:
            stories = cycle([story.id for story in records.newest(conn, limit=ENTRIES)])
        moments = count(0, 10)
        now = next(moments)
        gate = Gate(config, store)
        web = Feeds(config, store, gate, lambda: now)
        loop = asyncio.new_event_loop()
        ready: list[bytes] = []

        def rewrite(text: str, check: bool = False) -> int:
            if check:
                _hold(text, [gzip.decompress(each) for each in ready])
                return 0
            nonlocal now
            headline.publish(store, config, next(stories), text, "Bench")
            now = next(moments)  # later than the last look for changes, and once for all formats
            ready[:] = [
                loop.run_until_complete(_packed(web, f"/feeds/all.{format}"))
                for format in feeds.FORMATS
            ]
            return sum(map(len, ready))

        yield rewrite
        loop.close()


async def _packed(web: Any, path: str) -> bytes:
    """What *web* answers for *path*, gzipped, as nearly all readers ask."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asked = {"path": path, "method": "GET", "headers": [(b"accept-encoding", b"gzip")]}
    await web(asked, None, send)
    while any(name == b"cache-status" for name, _ in sent[0]["headers"]):
        # The machine is so busy that it served the last feed rather than wait for the database.
        await asyncio.sleep(0.05)
        sent.clear()
        await web(asked, None, send)
    if (b"content-encoding", b"gzip") not in sent[0]["headers"]:
        raise RuntimeError(f"{path} came without gzip: {sent[0]}")
    return b"".join(part.get("body", b"") for part in sent)


@contextmanager
def feedgen(packed: bool) -> Iterator[Rewrite]:
    """Such entries by plain feedgen, in RSS and Atom, each whole; *packed* by gzip besides."""
    from bench.plain import PlainEntry, feed

    entries = [
        PlainEntry(
            guid=item.guid,
            url=item.link,
            headline=item.headline,
            author=item.author,
            summary=item.summary,
            body=item.body,
            published=item.at,
            updated=item.at,
            source_url=item.link,
            categories=item.categories,
        )
        for item in (agency.item(0, place) for place in range(ENTRIES))
    ]
    places = cycle(range(ENTRIES))
    ready: list[bytes] = []

    def rewrite(text: str, check: bool = False) -> int:
        if check:
            _hold(text, [gzip.decompress(each) if packed else each for each in ready])
            return 0
        place = next(places)
        entries[place] = replace(entries[place], headline=text)
        ready[:] = [gzip.compress(each, 6) if packed else each for each in feed(entries)]
        return sum(map(len, ready))

    yield rewrite


def _hold(text: str, feeds: list[bytes]) -> None:
    if not feeds or not all(text.encode() in each for each in feeds):
        raise RuntimeError(f"{text!r} is not in every feed")


def table(edits: int) -> Table:
    """Measure all sides with *edits* headlines."""
    absent: dict[str, str] = {}
    answers: list[dict[str, Answer]] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="wirecopy-bench-")))
        shown = stack.enter_context(agency.performing(folder))
        ours = "bench.headline:wirecopy"
        sides = {SQLITE: stack.enter_context(at_work(ours, base=shown.base))}
        try:
            url, _ = stack.enter_context(postgres.running())
        except RuntimeError as error:
            absent[POSTGRES] = f"not measured: {str(error).splitlines()[0]}"
        else:
            database = stack.enter_context(postgres.database(url, "headlines"))
            sides[POSTGRES] = stack.enter_context(at_work(ours, base=shown.base, database=database))
        for name, packed in ((PLAIN, False), (PACKED, True)):
            sides[name] = stack.enter_context(at_work("bench.headline:feedgen", packed=packed))
        for turn in range(edits + 1):
            text = f"The desk's headline, number {turn}"
            answers.append(each(sides, turn, text=text))
            each(sides, turn, text=text, check=True)
    cost = {side: cpu(answers[1:], side) for side in sides}  # the first warmed up
    size = {side: answers[-1][side].result for side in sides}
    made = Table(
        "headline",
        f"One headline, three feeds of {ENTRIES} ready: milliseconds of CPU, medians of {edits}",
        ("", "ms", "kB ready", f"against {PLAIN}", f"against {PACKED}"),
        notes=(
            "Wirecopy: the edit is stored, the story rendered, read back, measured and signed, and",
            "RSS, Atom and JSON Feed stand ready in the web process, gzipped. feedgen: RSS and",
            "Atom, whole; then with gzip 6 over both. PostgreSQL's server is not counted.",
        ),
    )
    for side in sides:
        beside = (times(cost[each], cost[side]) for each in (PLAIN, PACKED))
        made.rows.append((side, cost[side], size[side] / 1e3, *beside))
    made.rows.extend(absent.items())
    return made
