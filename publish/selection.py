"""Which feeds a version belongs to, and a whole feed joined of its entries.

An entry is rendered once and kept; a feed is joined of the kept bytes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from publish.entry import FeedMetadata, language, urn, utc
from publish.formats import WRITERS, Format
from stories.config import Config, Feed
from stories.models import Version
from wirecopy.encoding import xml_chars

FRESHEST = timedelta(minutes=1)
STALEST = timedelta(minutes=30)
"""The least and the most that :func:`lifetime` gives."""


def matches(feed: Feed, version: Version) -> bool:
    """Whether *version* belongs to *feed*: every criterion given, any value within one.

    Names are compared without regard to case; a language covers its regions (``hi``: ``hi-IN``).
    """
    labels = {_same(category.label) for category in version.categories}
    return (
        (not feed.wires or version.wire in feed.wires)
        and (not feed.categories or any(_same(name) in labels for name in feed.categories))
        and (not feed.languages or _speaks(version.language, feed.languages))
        and (not feed.keywords or bool(_all(feed.keywords) & _all(version.keywords)))
        and (not feed.urgency or version.urgency in feed.urgency)
    )


def selected_by(config: Config, version: Version) -> list[str]:
    """The names of the feeds that *version* belongs to."""
    return [feed.name for feed in config.outgoing if matches(feed, version)]


def lifetime(feed: Feed, config: Config) -> timedelta:
    """How long a copy of *feed* is fresh: its ``ttl`` in RSS, its ``max-age`` in HTTP."""
    every = [w.every for w in config.wires if not feed.wires or w.name in feed.wires]
    return min(max(min(every, default=STALEST), FRESHEST), STALEST)


def metadata(feed: Feed, config: Config, updated: datetime | None) -> FeedMetadata:
    """What *feed* says of itself.

    *updated* is when its newest entry changed, None when there is none: an empty feed is valid.
    """
    site, publisher = config.site.url, config.publisher
    return FeedMetadata(
        id=urn(config, "feed", feed.name),
        title=xml_chars(feed.title),
        description=xml_chars(feed.description) or None,
        page=f"{site}/feeds/{feed.name}",
        publisher=xml_chars(publisher.name),
        publisher_url=publisher.url,
        icon=publisher.icon or f"{site}/icon.png",
        logo=publisher.logo or publisher.icon or f"{site}/icon.png",
        about=f"{site}/",
        ttl=int(lifetime(feed, config).total_seconds()) // 60,
        language=_language(feed, config),
        updated=utc(updated),
    )


def join(of: FeedMetadata, format: Format, entries: Sequence[bytes]) -> bytes:
    """The document of a feed in *format*, in UTF-8: *entries* as rendered, in their order."""
    writer = WRITERS[format]
    opening, closing = writer.feed(of)
    if not entries:
        return opening + closing
    # One join of everything: a feed of megabytes built in two steps is allocated twice.
    parts = [part for entry in entries for part in (writer.separator, entry)]
    parts[0] = writer.separator.lstrip(b",")
    return b"".join([opening, *parts, b"\n", closing])


def _language(feed: Feed, config: Config) -> str | None:
    """The language that everything in *feed* is in by configuration, None unless there is one."""
    wires = [w for w in config.wires if not feed.wires or w.name in feed.wires]
    said = set(feed.languages or [wire.language or "" for wire in wires])
    return language(said.pop()) if len(said) == 1 else None


def _speaks(tag: str | None, wanted: Sequence[str]) -> bool:
    spoken = _same(language(tag) or "")
    return any(spoken == want or spoken.startswith(f"{want}-") for want in map(_same, wanted))


def _same(name: str) -> str:
    return " ".join(name.casefold().split())


def _all(names: Sequence[str]) -> set[str]:
    return {_same(name) for name in names}
