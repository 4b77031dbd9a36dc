"""RSS 2.0 and Atom 1.0, written by feedgen: what it lacks is added, what it gets wrong repaired.

RSS follows the specification and the RSS Best Practices Profile, with the modules readers know:
Dublin Core, content, Media RSS, and Atom's ``link rel=self`` and ``updated``. Atom follows RFC 4287
and has Media RSS for what a plain enclosure cannot say.

Namespaces are declared once, on the root of a feed. Entries are written without declarations of
their own, so that they can be joined below that root.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from urllib.parse import unquote

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from publish.entry import Entry, FeedMetadata, captioned, rfc3339, type_of
from stories.models import NAMESPACE, Media

RSS_TYPE = "application/rss+xml; charset=utf-8"
ATOM_TYPE = "application/atom+xml; charset=utf-8"

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""``updated`` of an empty feed: RFC 4287 §4.1.1 demands one, and "now" would change every byte."""

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_TERMS = "http://purl.org/dc/terms/"
_MEDIA = "http://search.yahoo.com/mrss/"
_WIRECOPY = f"urn:uuid:{NAMESPACE}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_ATOM_NAMES = {"dcterms": _TERMS, "media": _MEDIA, "wirecopy": _WIRECOPY}
_RSS_NAMES = {"atom": _ATOM, "content": _CONTENT, "dc": _DC, **_ATOM_NAMES}

_IRI = re.compile(r"(?:https?|urn|tag):[^\s<>\"{}|\\^`]+", re.IGNORECASE)
_WEB = re.compile(r"(https?://)([^/?#]*)", re.IGNORECASE)
_MISPLACED = re.compile(r"[\[\]#]|%(?![0-9A-Fa-f]{2})")


def rss_item(entry: Entry) -> bytes:
    """*entry* as one RSS ``item``, in UTF-8."""
    out = FeedEntry()
    out.guid(entry.guid, permalink=False)
    out.title(entry.headline)
    out.link(href=entry.url)
    if description := entry.summary or entry.first_words:
        # A description is HTML inside XML, so plain text is escaped for both.
        out.description(escape(description, quote=False), isSummary=True)
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
    # The same again where importers look: FeedWordPress takes no correction without it.
    _add(item, f"{{{_TERMS}}}modified", rfc3339(entry.updated))
    for link in _links(entry)[1:]:
        etree.SubElement(item, f"{{{_ATOM}}}link", {"rel": link["rel"], **link})
    for author in entry.authors:
        _add(item, f"{{{_DC}}}creator", author)
    if entry.language:
        _add(item, f"{{{_DC}}}language", entry.language)
    if entry.rights:
        _add(item, f"{{{_DC}}}rights", entry.rights)
    # Before media:content: readers that take the first of what they find for the story
    # (feedparser files media:description under ``content``) then find the story.
    _add(item, f"{{{_CONTENT}}}encoded").text = etree.CDATA(_cdata(entry.html))
    _add_enclosure(item, entry.media)
    for medium in entry.media:
        _add_medium(item, medium)
    if entry.first_words:
        _add(item, f"{{{_WIRECOPY}}}firstWords", "true")
    _add_provenance(item, entry)
    return _below(item, etree.SubElement(etree.Element("rss", nsmap=_RSS_NAMES), "channel"))


def atom_entry(entry: Entry) -> bytes:
    """*entry* as one Atom ``entry``, in UTF-8."""
    out = FeedEntry()
    out.id(entry.guid)
    out.title(entry.headline)
    out.updated(entry.updated)
    out.published(entry.published)
    out.author([{"name": author} for author in entry.authors])
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
    named = Counter(unquote(medium.url) for medium in entry.media)
    for medium in entry.media:
        # Once each: readers show twice what is named twice. Sound and film as RFC 4287 has them,
        # where that says the same address.
        alone = named[unquote(medium.url)] == 1 and medium.url == iri(medium.url)
        if medium.medium in ("audio", "video") and alone:
            etree.SubElement(atom, "link", _enclosure(medium))
        else:
            _add_medium(atom, medium)
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
    out.image(url=feed.logo, title=feed.title, link=feed.page)
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
    out.icon(feed.icon)
    out.logo(feed.logo)
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
    """The attributes of an entry's Atom links: its page, the agency's, and what was embedded."""
    links = [{"href": entry.url, "rel": "alternate", "type": "text/html"}]
    if entry.link:
        links.append({"href": iri(entry.link), "rel": "via"})
    for embed in entry.embeds:
        titled = {"title": embed.title} if embed.title else {}
        links.append({"href": iri(embed.url), "rel": "related", **titled})
    return links


def _enclosure(medium: Media) -> dict[str, str]:
    """The attributes of an Atom link to sound or film."""
    attributes = {"href": medium.url, "rel": "enclosure"}
    if medium.type:
        attributes["type"] = medium.type
    if medium.length is not None:
        attributes["length"] = str(medium.length)
    if title := captioned(medium):
        attributes["title"] = title
    return attributes


def _add_enclosure(item: etree._Element, media: Sequence[Media]) -> None:
    """Add to an RSS *item* what readers without Media RSS play or show: one thing, as the RSS
    Profile has it, the first sound or film or else the first picture, which is its thumbnail."""
    pictures = [medium for medium in media if medium.medium == "image"]
    played = [medium for medium in media if medium.medium in ("audio", "video")]
    for medium in (played or pictures or list(media))[:1]:
        enclosure = _add(item, "enclosure")
        enclosure.set("url", medium.url)
        enclosure.set("length", str(medium.length or 0))  # RSS Profile: 0 where it is not known
        enclosure.set("type", medium.type or type_of(medium))
    for medium in pictures[:1]:
        thumbnail = _add(item, f"{{{_MEDIA}}}thumbnail")
        thumbnail.set("url", medium.url)
        for name, value in (("width", medium.width), ("height", medium.height)):
            if value is not None:
                thumbnail.set(name, str(value))


def _add_medium(parent: etree._Element, medium: Media) -> None:
    # Straight below the entry: a media:group is for renditions of *one* picture, and feed
    # validators reject feedgen's default of a group for everything.
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
    if entry.valid_until is not None:  # as a DCMI Period writes it
        ends = f"end={rfc3339(entry.valid_until)}; scheme=W3C-DTF;"
        _add(parent, f"{{{_TERMS}}}valid", ends)
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
