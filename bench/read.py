"""Bytes → versions: a feed read whole, beside feedparser, around which reading is built.

Wirecopy's way is that of intake: in a child process of bounded time and memory, items with their
own bytes, read twice, projected, digested, and compared with what was sent.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO

from bench.agency import CONTENT_TYPES, ITEMS, Moment, feed
from bench.sides import Answer, at_work, cpu, each
from bench.table import Table, times

URL = "https://agency.example/feed"

OURS, PLAIN, BARE = "Wirecopy", "feedparser", "feedparser, nothing sanitised"
SIDES = {OURS: "wirecopy", PLAIN: "feedparser_default", BARE: "feedparser_off"}

Read = Callable[[int, str], int]
"""Reads the feed of a wire in a format; how many items it held."""


@contextmanager
def wirecopy(feeds: int) -> Iterator[Read]:
    """As intake reads a capture."""
    from ingest import sandbox
    from ingest.item import Hints
    from stories.config import Wire

    rules = Wire(name="sim", url=URL, agency="Simulated Press Agency", code="SIM")
    bodies = _bodies(feeds)

    def read(wire: int, format: str) -> int:
        hints = Hints(url=URL, headers={"content-type": CONTENT_TYPES[format]})
        contents = sandbox.read(bodies[wire, format], hints, rules)
        return sum(found.version is not None for found in contents.found)

    yield read


@contextmanager
def feedparser_default(feeds: int) -> Iterator[Read]:
    """feedparser as it comes."""
    yield _feedparser(feeds, whole=True)


@contextmanager
def feedparser_off(feeds: int) -> Iterator[Read]:
    """feedparser with its two slow passes off, as Wirecopy calls it."""
    yield _feedparser(feeds, whole=False)


def _feedparser(feeds: int, *, whole: bool) -> Read:
    import feedparser

    bodies = _bodies(feeds)

    def read(wire: int, format: str) -> int:
        told = feedparser.parse(
            BytesIO(bodies[wire, format]),
            response_headers={"content-type": CONTENT_TYPES[format], "content-location": URL},
            sanitize_html=whole,
            resolve_relative_uris=whole,
        )
        return len(told.entries)

    return read


def _bodies(feeds: int) -> dict[tuple[int, str], bytes]:
    return {(wire, f): feed(wire, f, Moment()) for wire in range(feeds) for f in CONTENT_TYPES}


def table(feeds: int) -> Table:
    """Measure all sides on *feeds* feeds of each format."""
    found: dict[str, list[dict[str, Answer]]] = {format: [] for format in CONTENT_TYPES}
    with ExitStack() as stack:
        sides = {
            name: stack.enter_context(at_work(f"bench.read:{function}", feeds=feeds))
            for name, function in SIDES.items()
        }
        each(sides, 0, wire=0, format="rss")  # imports, and the child process
        for wire in range(feeds):
            for format, answers in found.items():
                answers.append(each(sides, wire, wire=wire, format=format))
                if {answer.result for answer in answers[-1].values()} != {ITEMS}:
                    raise RuntimeError(f"not {ITEMS} items out of a feed: {answers[-1]}")
    made = Table(
        "read",
        f"Read: milliseconds of CPU a feed of {ITEMS} items, whole; medians of {feeds} feeds",
        ("", *SIDES, f"against {PLAIN}"),
        notes=(
            "Wirecopy: to versions with digests, in a child process of bounded time and memory,",
            "each item with its own bytes, read twice and compared. feedparser: as it comes, and",
            "with its passes off that sanitise and resolve, which Wirecopy does when it renders.",
        ),
    )
    for format, answers in found.items():
        cost = {side: cpu(answers, side) for side in SIDES}
        name = "RSS" if format == "rss" else "Atom"
        made.rows.append((name, *cost.values(), times(cost[PLAIN], cost[OURS])))
    return made
