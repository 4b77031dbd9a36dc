"""RSS 2.0, by the specification and the RSS Best Practices Profile, with the modules readers know:
Dublin Core, content, Media RSS, and Atom's ``link rel=self`` and ``updated``.
"""

from html import escape

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from publish.entry import Entry, FeedMetadata
from publish.extension import RSS_NAMES, Channel, Item, fragment, stated

__all__ = ["CONTENT_TYPE", "channel", "item", "stated"]

CONTENT_TYPE = "application/rss+xml; charset=utf-8"


def item(entry: Entry) -> bytes:
    """*entry* as one ``item``, in UTF-8, its namespaces left to the root."""
    out = FeedEntry()
    out.guid(entry.guid, permalink=False)
    out.title(entry.headline)
    out.link(href=entry.url)
    if entry.summary:
        # A description is HTML inside XML, so plain text is escaped for both.
        out.description(escape(entry.summary, quote=False), isSummary=True)
    for category in entry.categories:
        out.category(term=category.label, scheme=category.scheme or "")
    for keyword in entry.keywords:
        out.category(term=keyword)
    if entry.source_url:
        out.source(url=entry.source_url, title=entry.source_title)
    out.register_extension("wirecopy", lambda: Item(entry), atom=False)
    channel = etree.SubElement(etree.Element("rss", nsmap=RSS_NAMES), "channel")
    return fragment(out.rss_entry(), channel)


def channel(head: FeedMetadata) -> tuple[bytes, bytes]:
    """What stands before the items of a channel, and what stands after."""
    out = FeedGenerator()
    # Preset to the present, and written by way of the process's locale; no method unsets it.
    out._FeedGenerator__rss_lastBuildDate = None
    out.title(head.title)
    out.description(head.description or head.title)
    out.link(href=head.url, rel="self", type="application/rss+xml")
    # Last, because feedgen takes the last link for the channel's, whatever its rel.
    out.link(href=head.page, rel="alternate")
    if head.language:
        out.language(head.language)
    out.ttl(head.ttl)
    out.generator(head.generator)
    out.register_extension("wirecopy", lambda: Channel(head), atom=False)
    document: bytes = out.rss_str(pretty=True)
    cut = document.rindex(b"</channel>")
    return document[:cut].rstrip(), b"  " + document[cut:]
