"""Plain feedgen, as one would write it: the same entries as RSS and as Atom, rendered whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from feedgen.feed import FeedGenerator


@dataclass(frozen=True, slots=True)
class PlainEntry:
    """What both feedgen and ``reader`` know of a story."""

    guid: str
    url: str
    headline: str
    author: str
    summary: str
    body: str
    published: datetime | None
    updated: datetime | None
    source_url: str
    categories: tuple[str, ...] = ()


def feed(entries: Iterable[PlainEntry]) -> tuple[bytes, bytes]:
    """RSS and Atom of *entries*, in their order."""
    out = FeedGenerator()
    out.id("urn:uuid:5f0f9d4e-2f4b-4a57-9f52-6d4f6c0c2f5a")
    out.title("All")
    out.description("All")
    out.author(name="The Daily Bench")
    out.link(href="https://daily.example/feed.atom", rel="self")
    out.link(href="https://daily.example/", rel="alternate")
    for entry in entries:
        one = out.add_entry(order="append")
        one.guid(entry.guid, permalink=False)
        one.id(entry.guid)
        one.title(entry.headline)
        one.link(href=entry.url)
        one.author(name=entry.author)
        one.source(url=entry.source_url, title=entry.author)
        if entry.summary:
            one.summary(entry.summary)
        one.content(entry.body, type="CDATA")
        for category in entry.categories:
            one.category(term=category)
        if entry.published:
            one.published(entry.published)
        if entry.updated:
            one.updated(entry.updated)
    rss: bytes = out.rss_str()
    atom: bytes = out.atom_str()
    return rss, atom
