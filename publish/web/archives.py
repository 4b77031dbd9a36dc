"""The archives of feeds, ``/feeds/NAME/archive/NUMBER.rss``, ``.atom`` and ``.json``: each document
made when it is asked for (:mod:`publish.archive`)."""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NamedTuple

from publish import licence
from publish.archive import Document, called, document, written
from publish.formats import WRITERS, Format
from publish.web import proofs
from publish.web.gate import PRIVATELY
from publish.web.representation import Representation, etag_of, represent
from stories.config import Config, Feed
from stories.db import Connection
from stories.db.feeds import FORMATS
from stories.models import Story

FRESH = timedelta(hours=1)
"""How long a copy of a document is fresh. Not for ever, as RFC 5005 would have it: a story that is
killed is to go from caches too, though the feed tells of that at once."""

UNSETTLED = timedelta(seconds=30)
"""The same while a story in it waits to be rendered again."""

_ADDRESS = re.compile(rf"([1-9][0-9]{{0,14}})\.({'|'.join(FORMATS)})", re.ASCII)


class Asked(NamedTuple):
    """Which document of the archive of a feed is asked for."""

    feed: Feed
    number: int
    format: Format


def asked(feeds: Iterable[Feed], name: str, address: str) -> Asked | None:
    """What is asked for by the *name* of one of *feeds*, or one of its aliases, and the last part
    of an *address*; None when that is nothing."""
    found = _ADDRESS.fullmatch(address)
    feed = next((f for f in feeds if name in (f.name, *f.aliases)), None)
    if found is None or feed is None:
        return None
    format = next(each for each in FORMATS if each == found[2])
    return Asked(feed, int(found[1]), format)


def number(conn: Connection, of: Asked) -> int:
    """By which number the document is called now; the one asked for before there is any."""
    return called(conn, of.feed, of.number)


def state(conn: Connection, of: Asked) -> Document | None:
    """The document as it is now, None when there is none of this number yet."""
    return document(conn, of.feed, of.number)


def address(config: Config, of: Asked, number: int = 0) -> str:
    """Where the document is; of another *number*, if given."""
    return f"{config.site.url}/feeds/{of.feed.name}/archive/{number or of.number}.{of.format}"


def ready(
    conn: Connection,
    config: Config,
    of: Asked,
    found: Document,
    has: Callable[[Story], bool] = lambda _: True,
    key: str = "",
) -> Representation:
    """The document ready to be served. It has no Last-Modified: it may lose an entry, and would
    have no later date then. Of a private feed it is what a subscriber *has*, whose addresses end
    with *key*."""
    body, settled = written(conn, config, of.feed, found, of.format, has, key)
    kind = WRITERS[of.format].content_type
    fresh, stale = FRESH if settled else UNSETTLED, config.site.stale
    under = licence.of_feed(config, of.feed)
    if of.feed.private:
        told = under.headers(config.site.url, proofs.links(config))
        return represent(body, etag_of(body), kind, None, [*PRIVATELY], told)
    current = f"{config.site.url}/feeds/{of.feed.name}.{of.format}"
    links = (
        f'<{address(config, of)}>; rel="self"; type="{kind.partition(";")[0]}", '
        f'<{current}>; rel="current", {proofs.links(config)}'
    )
    return represent(
        body,
        etag_of(body),
        kind,
        None,
        [
            (
                "cache-control",
                f"public, max-age={int(fresh.total_seconds())},"
                f" stale-if-error={int(stale.total_seconds())}",
            ),
            *proofs.OPEN,
        ],
        under.headers(config.site.url, links),
    )
