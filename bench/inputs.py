"""Stores and configurations of the bench's agency, filled by the real code."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.agency import CONTENT_TYPES, ITEMS, Moment, feed
from ingest import intake
from stories.config import Config, Feed, Publisher, Wire
from stories.config import Site as OwnSite
from stories.db import Store, captures, outbox
from workers.start import start

RECEIVED = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def config_of(wires: tuple[Wire, ...], folder: Path, limit: int = 50, site: str = "") -> Config:
    """A configuration with its store in *folder* and one feed ``all`` of *limit* entries."""
    return Config(
        publisher=Publisher(name="The Daily Bench", url="https://daily.example"),
        site=OwnSite(url=site) if site else OwnSite(),
        wires=wires,
        feeds=(Feed(name="all", title="All", limit=limit),),
        data=folder,
    )


def wire(name: str, url: str) -> Wire:
    """A wire of the simulated agency."""
    return Wire(name=name, url=url, agency="Simulated Press Agency", code="SIM", allow_private=True)


@contextmanager
def filled(config: Config, count: int) -> Iterator[Store]:
    """A store of *config* with *count* stories or some more, taken in but not yet rendered.

    They come on the first wires, RSS on the one and Atom on the next.
    """
    store = start(config)
    try:
        feeds = -(-count // ITEMS)
        with store.write() as conn:
            for number, rules in zip(range(feeds), config.wires, strict=False):
                format = ("rss", "atom")[number % 2]
                headers = [("content-type", CONTENT_TYPES[format])]
                body = feed(number, format, Moment())
                captures.add(conn, rules.name, RECEIVED, rules.url, headers, body)
            outbox.want(conn, "ingest", [w.name for w in config.wires[:feeds]], RECEIVED)
        intake.take_in_waiting(store, config, limit=feeds)
        yield store
    finally:
        store.close()
