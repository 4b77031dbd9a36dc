"""Atom 1.0 (RFC 4287), with Media RSS for what a plain enclosure cannot say."""

import re
from datetime import UTC, datetime

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from publish.entry import Entry, FeedMetadata
from publish.extension import ATOM_NAMES, AtomEntry, AtomFeed, fragment, stated

__all__ = ["CONTENT_TYPE", "NEVER", "entry", "feed", "iri", "stated"]

CONTENT_TYPE = "application/atom+xml; charset=utf-8"

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""``updated`` of an empty feed: RFC 4287 §4.1.1 demands one, and "now" would change every byte."""

_IRI = re.compile(r"(?:https?|urn|tag):[^\s<>\"{}|\\^`]+", re.IGNORECASE)
_WEB = re.compile(r"(https?://)([^/?#]*)", re.IGNORECASE)
_MISPLACED = re.compile(r"[\[\]#]|%(?![0-9A-Fa-f]{2})")


def entry(value: Entry) -> bytes:
    """*value* as one ``entry``, in UTF-8, its namespaces left to the root."""
    links = [{"href": value.url, "rel": "alternate", "type": "text/html"}]
    if value.link:
        links.append({"href": iri(value.link), "rel": "via"})
    for medium in value.media:
        enclosure = {"href": iri(medium.url), "rel": "enclosure"}
        if medium.type:
            enclosure["type"] = medium.type
        if medium.length is not None:
            enclosure["length"] = str(medium.length)
        if medium.caption:
            enclosure["title"] = medium.caption
        links.append(enclosure)
    out = FeedEntry()
    out.id(value.guid)
    out.title(value.headline)
    out.updated(value.updated)
    out.published(value.published)
    out.author(name=value.agency)
    if value.byline:
        out.contributor(name=value.byline)
    out.link([dict(link) for link in links])
    for category in value.categories:
        # RFC 4287 §4.2.2.2: a scheme is an IRI. A vocabulary's mere name stays in RSS.
        scheme = category.scheme if _IRI.fullmatch(category.scheme or "") else None
        out.category(term=category.label, scheme=scheme, label=category.label)
    for keyword in value.keywords:
        out.category(term=keyword)
    if value.summary:
        out.summary(value.summary)
    out.content(value.html.replace("]]>", "]]&gt;"), type="CDATA")
    if value.rights:
        out.rights(value.rights)
    source = iri(value.source_url) if value.source_url else None
    out.register_extension("wirecopy", lambda: AtomEntry(value, links, source), rss=False)
    return fragment(out.atom_entry(), etree.Element("feed", nsmap=ATOM_NAMES))


def iri(url: str) -> str:
    """An http or https *url* as RFC 3987 wants it: browsers take ``[``, a second ``#`` and a bare
    ``%`` where they may not stand, validators of Atom do not."""
    found = _WEB.match(url)
    if found is None:
        return url
    rest, mark, fragment = url[found.end() :].partition("#")
    user, at, host = found[2].rpartition("@")
    return f"{found[1]}{_escape(user)}{at}{host}{_escape(rest)}{mark}{_escape(fragment)}"


def _escape(text: str) -> str:
    return _MISPLACED.sub(lambda char: f"%{ord(char[0]):02X}", text)


def feed(head: FeedMetadata) -> tuple[bytes, bytes]:
    """What stands before the entries of a feed, and what stands after."""
    out = FeedGenerator()
    out.id(head.id)
    out.title(head.title)
    if head.description:
        out.subtitle(head.description)
    out.updated(head.updated or NEVER)
    out.author(name=head.publisher, uri=head.publisher_url)
    out.link(href=head.url, rel="self", type="application/atom+xml")
    out.link(href=head.page, rel="alternate", type="text/html")
    if head.language:
        out.language(head.language)
    out.generator(head.generator)
    out.register_extension("wirecopy", AtomFeed, rss=False)
    document: bytes = out.atom_str(pretty=True)
    cut = document.rindex(b"</feed>")
    return document[:cut].rstrip(), document[cut:]
