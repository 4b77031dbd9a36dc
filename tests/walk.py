"""One RSS item on its whole way through Wirecopy, with every step between modules counted.

``python -m tests.walk`` prints it: each module in the order in which it is first entered, from the
poll to the signed entry in a feed, then a headline, a replay and a verification.
``tests/test_walk.py`` holds ceilings over the counts, and holds the section "The walk of one item"
of ``docs/architecture.md`` against the order.

The network is left out (a client that has the answer ready), as are the sandbox and Celery.
"""

import json
import logging
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from inspect import CO_GENERATOR
from pathlib import Path
from types import FrameType
from typing import Any

import structlog

from desk.headline import publish
from ingest import intake, parse, poll, replay
from ingest.replay import Selection
from net.client import Client, Request, Response
from publish import renderer
from publish.served import served
from stories import clock
from stories.config import Config
from stories.db import Store, wires
from stories.db import stories as records
from stories.keys import ensure_keys, key_set
from wirecopy import Evidence, read_keys, verify
from workers.start import start

ROOT = Path(__file__).parent.parent
ROOMS = ("wirecopy", "net", "stories", "ingest", "publish", "workers", "desk")
PARTS = ("poll", "intake", "render", "headline", "replay", "verify")
ITEM = ("poll", "intake", "render")
"""The parts that are the way of one item, from its bytes to a signed entry in a feed."""

_INLINED = frozenset({"<module>", "<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"})
_COLUMN_TYPES = ("process_bind_param", "process_result_value")
_BEGAN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@dataclass
class Walk:
    """What was seen of one part. ``modules`` are in the order in which they were first entered."""

    modules: dict[str, set[str]] = field(default_factory=dict)
    calls: int = 0
    hops: dict[tuple[str, str], int] = field(default_factory=dict)
    writes: int = 0
    reads: int = 0

    @property
    def functions(self) -> int:
        return sum(map(len, self.modules.values()))

    def __add__(self, other: "Walk") -> "Walk":
        """Both parts as one."""
        both = Walk(calls=self.calls + other.calls)
        both.writes, both.reads = self.writes + other.writes, self.reads + other.reads
        for part in (self, other):
            for module, functions in part.modules.items():
                both.modules.setdefault(module, set()).update(functions)
            for hop, count in part.hops.items():
                both.hops[hop] = both.hops.get(hop, 0) + count
        return both


@contextmanager
def watching(walk: Walk) -> Iterator[None]:
    """Note in *walk* every call of one of our modules in this thread while the block runs.

    A call is one between modules when the function of ours that is nearest in the stack, with
    libraries passed over, stands in another module. A generator counts once, when it is begun.
    """
    modules: dict[str, str | None] = {}
    begun: dict[int, FrameType] = {}

    def module(frame: FrameType) -> str | None:
        file = frame.f_code.co_filename
        if file not in modules:
            path = Path(file)
            inside = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in ROOMS
            modules[file] = path.relative_to(ROOT).as_posix() if inside else None
        return modules[file]

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or (here := module(frame)) is None:
            return
        code = frame.f_code
        if code.co_name in _INLINED or code.co_name in _COLUMN_TYPES:
            return
        if code.co_flags & CO_GENERATOR:
            if id(frame) in begun:
                return  # goes on after a yield
            begun[id(frame)] = frame
        walk.modules.setdefault(here, set()).add(code.co_qualname)
        walk.writes += code.co_qualname == "Store.write"
        walk.reads += code.co_qualname == "Store.read"
        caller = frame.f_back
        while caller is not None and module(caller) is None:
            caller = caller.f_back
        there = module(caller) if caller is not None else None
        if there != here:
            walk.calls += 1
            hop = (there or "", here)
            walk.hops[hop] = walk.hops.get(hop, 0) + 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)


class _Ready(Client):
    """A client whose answer to every request is there already."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def fetch_together(
        self,
        requests: Iterable[Request | None],
        *,
        user_agent: str,
        concurrency: int = 50,
        company: float = 0.0,
    ) -> Generator[list[Response], None, None]:
        for request in requests:
            assert request is not None
            response = Response(
                wire=request.wire,
                status=200,
                url=request.url,
                headers=(("content-type", "application/rss+xml"), ("etag", '"1"')),
                body=self._body,
                hops=(),
                error=None,
            )
            yield [response]


def feed_of(headline: str) -> bytes:
    """A wire's RSS of one item, as agencies write it."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
     xmlns:content="http://purl.org/rss/1.0/modules/content/"
     xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>An agency</title><link>https://agency.example/</link>
<item><guid isPermaLink="false">urn:agency:1</guid><title>{headline}</title>
<link>https://agency.example/stories/1</link>
<pubDate>Sun, 22 Nov 2026 11:20:00 +0530</pubDate><dc:creator>A Reporter</dc:creator>
<category>Weather</category><description>It rained all day.</description>
<content:encoded><![CDATA[<p>MUMBAI: It rained, and play was <b>stopped</b>.</p>
<p>See the <a href="/scores?day=2">scores</a>.</p>]]></content:encoded>
<media:content url="https://agency.example/1.jpg" type="image/jpeg"/>
</item></channel></rss>""".encode()


def walked(folder: Path, headline: str) -> dict[str, Walk]:
    """What is seen of each of :data:`PARTS` when one item goes its way, in a new store in *folder*.

    Nothing that a process does only once is seen: opening the store, making the keys.
    """
    config = Config.model_validate(
        {
            "publisher": {"name": "The Daily Test", "url": "https://daily.example"},
            "data": folder,
            "wires": [{"name": "w", "agency": "Agency", "url": "https://agency.example/f.xml"}],
        }
    )
    moment = _BEGAN
    seen = {part: Walk() for part in PARTS}
    with clock.reading(lambda: moment):
        store = start(config)
        ensure_keys(store, config)
        renderer.render_waiting(store, config)  # joins the feeds as they are, empty
        with store.write() as conn:
            claimed = wires.take(conn, ["w"], moment + timedelta(minutes=1))
        with watching(seen["poll"]):
            [polled] = poll.poll(store, config, _Ready(feed_of(headline)), claimed)
        assert polled.state == "ok", polled
        with watching(seen["intake"]):
            intake.take_in_waiting(store, config, reader=parse.parse)
        with watching(seen["render"]):
            renderer.render_waiting(store, config)
        with store.read() as conn:
            [story] = records.newest(conn, limit=2)
            published = served(conn, config, config.outgoing[0].name, "rss")
            keys = json.dumps(key_set(conn)).encode()
        assert published is not None
        assert story.version.headline.encode() in published.body
        with watching(seen["verify"]):
            report = verify(published.body, read_keys(keys), Evidence(now=moment))
        assert [entry.verdict for entry in report.entries] == ["verified"], report
        with watching(seen["headline"]):
            publish(store, config, story.id, "Rain stops play in Mumbai", "Asha")
        selection = Selection(wires=("w",))
        with watching(seen["replay"]):
            _replay(store, config, selection)
        store.close()
    return seen


def _replay(store: Store, config: Config, selection: Selection) -> None:
    planned = replay.plan(store, selection)
    taken = replay.replay(store, config, selection, planned, sleep=_wait, reader=parse.parse)
    assert [one.changes for one in taken] == [()]


def _wait(_: float) -> None:
    raise AssertionError("somebody else has the wire")


def measured(folder: Path) -> dict[str, Walk]:
    """:func:`walked` by an item that is the second in this process: all that is done at the first
    only, imports above all, is done by another before."""
    for name in ("first", "second"):
        (folder / name).mkdir()
    walked(folder / "first", "Rain stops play")
    return walked(folder / "second", "Monsoon sets in early")


def whole(seen: dict[str, Walk]) -> Walk:
    """The way of the item, its parts as one."""
    return sum((seen[part] for part in ITEM), Walk())


def main() -> None:
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    with tempfile.TemporaryDirectory() as folder:
        seen = measured(Path(folder))
    item = whole(seen)
    line = "{:10}{:9}{:11}{:8}{:8}{:7}".format
    sys.stdout.write(line("", "modules", "functions", "calls", "writes", "reads") + "\n")
    for name, walk in {**seen, "item": item}.items():
        figures = len(walk.modules), walk.functions, walk.calls, walk.writes, walk.reads
        sys.stdout.write("{:10}{:7}{:11}{:7}{:9}{:7}\n".format(name, *figures))
    for name in PARTS:
        sys.stdout.write(f"\n{name}\n")
        for module, functions in seen[name].modules.items():
            sys.stdout.write(f"  {module}: {len(functions)} functions\n")
    sys.stdout.write("\nmost calls between two modules, for the item\n")
    for (caller, callee), count in sorted(item.hops.items(), key=lambda h: -h[1])[:25]:
        sys.stdout.write(f"  {count:4} {caller or '-'} -> {callee}\n")


if __name__ == "__main__":
    main()
