"""Entries of RSS and Atom as feedgen writes them, what it lacks added, what it gets wrong repaired.

What ``publish/xml.py`` writes as text has to be this, byte for byte.
"""

from collections import Counter
from collections.abc import Sequence
from email.utils import format_datetime
from html import escape
from urllib.parse import unquote

from feedgen.entry import FeedEntry
from lxml import etree

from publish.entry import Entry, captioned, rfc3339, type_of
from publish.xml import _IRI, iri
from stories.models import NAMESPACE, Media

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_TERMS = "http://purl.org/dc/terms/"
_MEDIA = "http://search.yahoo.com/mrss/"
_WIRECOPY = f"urn:uuid:{NAMESPACE}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_ATOM_NAMES = {"dcterms": _TERMS, "media": _MEDIA, "wirecopy": _WIRECOPY}
_RSS_NAMES = {"atom": _ATOM, "content": _CONTENT, "dc": _DC, **_ATOM_NAMES}


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
