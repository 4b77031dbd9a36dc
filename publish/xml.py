"""RSS 2.0 and Atom 1.0, written by feedgen: what it lacks is added, what it gets wrong repaired.

RSS follows the specification and the RSS Best Practices Profile, with the modules readers know:
Dublin Core, content, Media RSS, and Atom's ``link rel=self`` and ``updated``. Atom follows RFC 4287
and has Media RSS for what a plain enclosure cannot say.

Namespaces are declared once, on the root of a feed. Entries are written without declarations of
their own, so that they can be joined below that root.
"""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from publish.entry import Entry, FeedMetadata, rfc3339
from stories.models import NAMESPACE

RSS_TYPE = "application/rss+xml; charset=utf-8"
ATOM_TYPE = "application/atom+xml; charset=utf-8"

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""``updated`` of an empty feed: RFC 4287 §4.1.1 demands one, and "now" would change every byte."""

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_MEDIA = "http://search.yahoo.com/mrss/"
_WIRECOPY = f"urn:uuid:{NAMESPACE}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_RSS_NAMES = {"atom": _ATOM, "content": _CONTENT, "dc": _DC, "media": _MEDIA, "wirecopy": _WIRECOPY}
_ATOM_NAMES = {"media": _MEDIA, "wirecopy": _WIRECOPY}

_IRI = re.compile(r"(?:https?|urn|tag):[^\s<>\"{}|\\^`]+", re.IGNORECASE)
_WEB = re.compile(r"(https?://)([^/?#]*)", re.IGNORECASE)
_MISPLACED = re.compile(r"[\[\]#]|%(?![0-9A-Fa-f]{2})")


def rss_item(entry: Entry) -> bytes:
    """*entry* as one RSS ``item``, in UTF-8."""
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
    item = out.rss_entry()
    # Not feedgen's pubDate: it goes through locale.setlocale, which is the whole process's, and
    # four threads rendering at once left it changed for good.
    _add(item, "pubDate", format_datetime(entry.published))
    _add(item, f"{{{_ATOM}}}updated", rfc3339(entry.updated))
    _add(item, f"{{{_DC}}}creator", entry.agency)
    if entry.byline:
        _add(item, f"{{{_DC}}}contributor", entry.byline)
    if entry.language:
        _add(item, f"{{{_DC}}}language", entry.language)
    if entry.rights:
        _add(item, f"{{{_DC}}}rights", entry.rights)
    # Before media:content: readers that take the first of what they find for the story
    # (feedparser files media:description under ``content``) then find the story.
    _add(item, f"{{{_CONTENT}}}encoded").text = etree.CDATA(_cdata(entry.html))
    _add_media(item, entry)
    _add_provenance(item, entry)
    return _below(item, etree.SubElement(etree.Element("rss", nsmap=_RSS_NAMES), "channel"))


def atom_entry(entry: Entry) -> bytes:
    """*entry* as one Atom ``entry``, in UTF-8."""
    out = FeedEntry()
    out.id(entry.guid)
    out.title(entry.headline)
    out.updated(entry.updated)
    out.published(entry.published)
    out.author(name=entry.agency)
    if entry.byline:
        out.contributor(name=entry.byline)
    for category in entry.categories:
        # RFC 4287 §4.2.2.2: a scheme is an IRI. A vocabulary's mere name stays in RSS.
        scheme = category.scheme if _IRI.fullmatch(category.scheme or "") else None
        out.category(term=category.label, scheme=scheme, label=category.label)
    for keyword in entry.keywords:
        out.category(term=keyword)
    if entry.summary:
        out.summary(entry.summary)
    out.content(_cdata(entry.html), type="CDATA")
    if entry.rights:
        out.rights(entry.rights)
    atom = out.atom_entry()
    content = atom.find("content")
    # feedgen writes ``type="CDATA"``, which no media type is.
    content.set("type", "html")
    # Not feedgen's links: it overwrites the link it reads while it writes it, and leaves ``href``.
    for link in reversed(_links(entry)):
        content.addnext(etree.Element("link", link))
    if entry.language:
        for name in ("title", "summary", "content"):
            if (text := atom.find(name)) is not None:
                text.set(_LANG, entry.language)
    # Not feedgen's source: it has no id and no date, which RFC 4287 §4.2.11 asks for.
    source = _add(atom, "source")
    _add(source, "id", entry.source_id)
    _add(source, "title", entry.source_title)
    _add(source, "updated", rfc3339(entry.source_updated))
    if entry.source_url:
        _add(source, "link").set("href", iri(entry.source_url))
    _add_media(atom, entry)
    _add_provenance(atom, entry)
    return _below(atom, etree.Element("feed", nsmap=_ATOM_NAMES))


def with_statement(entry: bytes, statement: str) -> bytes:
    """*entry*, as :func:`rss_item` or :func:`atom_entry` wrote it, with *statement* added as they
    would have written it: last."""
    head, line, closing = entry.rpartition(b"\n")
    indent = closing[: len(closing) - len(closing.lstrip())]
    element = f"<wirecopy:statement>{statement}</wirecopy:statement>".encode()
    return b"".join((head, line, indent, b"  ", element, line, closing))


def rss_channel(feed: FeedMetadata) -> tuple[bytes, bytes]:
    """What precedes the items of a channel, and what follows them."""
    out = FeedGenerator()
    # Preset to the present, and written by way of the process's locale; no method unsets it.
    out._FeedGenerator__rss_lastBuildDate = None
    out.title(feed.title)
    out.description(feed.description or feed.title)
    out.link(href=f"{feed.page}.rss", rel="self", type="application/rss+xml")
    # Last, because feedgen takes the last link for the channel's, whatever its rel.
    out.link(href=feed.page, rel="alternate")
    if feed.language:
        out.language(feed.language)
    out.ttl(feed.ttl)
    out.generator(feed.generator)
    out.register_extension("wirecopy", lambda: _Extension(_RSS_NAMES, feed.updated), atom=False)
    document: bytes = out.rss_str(pretty=True)
    cut = document.rindex(b"</channel>")
    return document[:cut].rstrip(), b"  " + document[cut:]


def atom_feed(feed: FeedMetadata) -> tuple[bytes, bytes]:
    """What precedes the entries of a feed, and what follows them."""
    out = FeedGenerator()
    out.id(feed.id)
    out.title(feed.title)
    if feed.description:
        out.subtitle(feed.description)
    out.updated(feed.updated or NEVER)
    out.author(name=feed.publisher, uri=feed.publisher_url)
    out.link(href=f"{feed.page}.atom", rel="self", type="application/atom+xml")
    out.link(href=feed.page, rel="alternate", type="text/html")
    if feed.language:
        out.language(feed.language)
    out.generator(feed.generator)
    out.register_extension("wirecopy", lambda: _Extension(_ATOM_NAMES), rss=False)
    document: bytes = out.atom_str(pretty=True)
    cut = document.rindex(b"</feed>")
    return document[:cut].rstrip(), document[cut:]


class _Extension:
    """What is added to a feed that feedgen writes."""

    def __init__(self, names: dict[str, str], updated: datetime | None = None) -> None:
        self.names = names
        self.updated = updated

    def extend_ns(self) -> dict[str, str]:
        """The namespaces to declare on the root, besides those that feedgen declares."""
        return dict(self.names)

    def extend_rss(self, rss: etree._Element) -> None:
        """Add lastBuildDate: when the newest entry changed, so none in an empty feed."""
        if self.updated is not None:
            _add(rss[0], "lastBuildDate", format_datetime(self.updated))

    def extend_atom(self, feed: etree._Element) -> None:
        """Add nothing."""


def iri(url: str) -> str:
    """An http or https *url* as RFC 3987 wants it.

    Browsers accept ``[``, a second ``#`` and a bare ``%`` in any place; validators of Atom do not.
    """
    found = _WEB.match(url)
    if found is None:
        return url
    rest, mark, fragment = url[found.end() :].partition("#")
    user, at, host = found[2].rpartition("@")
    return f"{found[1]}{_escape(user)}{at}{host}{_escape(rest)}{mark}{_escape(fragment)}"


def _escape(text: str) -> str:
    return _MISPLACED.sub(lambda char: f"%{ord(char[0]):02X}", text)


def _cdata(html: str) -> str:
    """*html* without ``]]>``, which ends a CDATA section; in HTML ``]]&gt;`` is the same."""
    return html.replace("]]>", "]]&gt;")


def _links(entry: Entry) -> list[dict[str, str]]:
    """The attributes of an Atom entry's links: its page, the agency's, and its enclosures."""
    links = [{"href": entry.url, "rel": "alternate", "type": "text/html"}]
    if entry.link:
        links.append({"href": iri(entry.link), "rel": "via"})
    for medium in entry.media:
        enclosure = {"href": iri(medium.url), "rel": "enclosure"}
        if medium.type:
            enclosure["type"] = medium.type
        if medium.length is not None:
            enclosure["length"] = str(medium.length)
        if medium.caption:
            enclosure["title"] = medium.caption
        links.append(enclosure)
    return links


def _add_media(parent: etree._Element, entry: Entry) -> None:
    # Straight below the entry: a media:group is for renditions of *one* picture, and feed
    # validators reject feedgen's default of a group for everything.
    for medium in entry.media:
        content = _add(parent, f"{{{_MEDIA}}}content")
        content.set("url", medium.url)
        content.set("medium", medium.medium)
        for name, value in (
            ("type", medium.type),
            ("width", medium.width),
            ("height", medium.height),
            ("fileSize", medium.length),
        ):
            if value is not None:
                content.set(name, str(value))
        if medium.caption:
            _add(content, f"{{{_MEDIA}}}description", medium.caption).set("type", "plain")
        if medium.credit:
            _add(content, f"{{{_MEDIA}}}credit", medium.credit)


def _add_provenance(parent: etree._Element, entry: Entry) -> None:
    for name, text in (
        ("editedHeadlineOnly", "true" if entry.edited_headline_only else "false"),
        ("editScope", entry.scope),
        ("agency", entry.agency),
        ("agencyId", entry.agency_id),
        ("agencyVersion", entry.agency_version),
        ("statement", entry.statement),
    ):
        if text is not None:
            _add(parent, f"{{{_WIRECOPY}}}{name}", text)


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, name)
    element.text = text
    return element


def _below(element: etree._Element, parent: etree._Element) -> bytes:
    """*element* in UTF-8, as it is written below *parent*: without *parent*'s namespaces."""
    parent.append(element)
    document = etree.tostring(
        parent.getroottree(), encoding="UTF-8", xml_declaration=False, pretty_print=True
    )
    tag = str(element.tag).encode()
    start, end = document.index(b"<%b>" % tag), document.rindex(b"</%b>" % tag)
    return document[start : end + len(tag) + 3]
