"""RSS 2.0 and Atom 1.0: feeds are written by feedgen, and their entries as text.

An entry is written at every change of its story, a feed's head only with its feed. Through feedgen,
whose entries have to be repaired in a dozen places, an entry would cost seven times as much.

RSS follows the specification and the RSS Best Practices Profile, with the modules readers know:
Dublin Core, content, Media RSS, and Atom's ``link rel=self`` and ``updated``. Atom follows RFC 4287
and has Media RSS for what a plain enclosure cannot say.

Namespaces are declared once, on the root of a feed. Entries are written without declarations of
their own, so that they can be joined below that root.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from types import MappingProxyType
from urllib.parse import unquote

from feedgen.feed import FeedGenerator
from lxml import etree

from publish import licence
from publish.entry import Entry, FeedMetadata, Notice, captioned, rfc3339, type_of
from stories.models import NAMESPACE, Media
from wirecopy.jose import in_xml

RSS_TYPE = "application/rss+xml; charset=utf-8"
ATOM_TYPE = "application/atom+xml; charset=utf-8"

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""``updated`` of an empty feed: RFC 4287 §4.1.1 demands one, and "now" would change every byte."""

TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
"""The namespace of RFC 6721."""

HISTORY = "http://purl.org/syndication/history/1.0"
"""The namespace of RFC 5005."""

_ATOM_NAMES = {
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
    "wirecopy": f"urn:uuid:{NAMESPACE}",
}
_RSS_NAMES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    **_ATOM_NAMES,
}

_IRI = re.compile(r"(?:https?|urn|tag):[^\s<>\"{}|\\^`]+", re.IGNORECASE)
_WEB = re.compile(r"(https?://)([^/?#]*)", re.IGNORECASE)
_NONE: Mapping[str, str] = MappingProxyType({})
_MISPLACED = re.compile(r"[\[\]#]|%(?![0-9A-Fa-f]{2})")


def rss_item(entry: Entry) -> bytes:
    """*entry* as one RSS ``item``, in UTF-8."""
    lines = [_element("title", entry.headline), _element("link", entry.url)]
    if description := entry.summary or entry.first_words:
        # A description is HTML inside XML, so plain text is escaped for both.
        lines.append(_element("description", escape(description, quote=False)))
    lines.append(_element("guid", entry.guid, {"isPermaLink": "false"}))
    for category in entry.categories:
        domain = {"domain": category.scheme} if category.scheme else {}
        lines.append(_element("category", category.label, domain))
    lines += [_element("category", keyword) for keyword in entry.keywords]
    if entry.source_url:
        lines.append(_element("source", entry.source_title, {"url": entry.source_url}))
    lines += [
        _element("pubDate", format_datetime(entry.published)),
        _element("atom:updated", rfc3339(entry.updated)),
        # The same again where importers look: FeedWordPress takes no correction without it.
        _element("dcterms:modified", rfc3339(entry.updated)),
    ]
    for link in _links(entry)[1:]:
        lines.append(_empty("atom:link", {"rel": link["rel"], **link}))
    lines += [_element("dc:creator", author) for author in entry.authors]
    if entry.language:
        lines.append(_element("dc:language", entry.language))
    if entry.rights:
        lines.append(_element("dc:rights", entry.rights))
    # Before media:content: readers that take the first of what they find for the story
    # (feedparser files media:description under ``content``) then find the story.
    lines.append(f"<content:encoded>{_cdata(entry.html)}</content:encoded>")
    lines += _enclosures(entry.media)
    for medium in entry.media:
        lines += _medium(medium)
    if entry.first_words:
        lines.append(_element("wirecopy:firstWords", "true"))
    lines += _provenance(entry)
    return _joined("item", lines, "\n    ")


def rss_notice(notice: Notice) -> bytes:
    """*notice* as an RSS ``item``. It has the guid of the one whose place it takes in readers."""
    at = rfc3339(notice.at)
    lines = [
        _element("title", notice.title),
        _element("description", notice.text),
        _element("guid", notice.guid, {"isPermaLink": "false"}),
        _element("pubDate", format_datetime(notice.at)),
        _element("atom:updated", at),
        _element("dcterms:modified", at),
        _element("wirecopy:withdrawn", at),
    ]
    if notice.statement is not None:
        lines.append(_statement(notice.statement))
    return _joined("item", lines, "\n    ")


def atom_tombstone(notice: Notice) -> bytes:
    """*notice* as Atom says it: the entry is deleted (RFC 6721)."""
    # The name is declared here, as the heads of feeds without one must stay as they are.
    said = {"xmlns:at": TOMBSTONES, "ref": notice.guid, "when": rfc3339(notice.at)}
    inside = [] if notice.statement is None else [_statement(notice.statement)]
    return "\n  ".join(_parent("at:deleted-entry", said, inside)).encode()


def atom_entry(entry: Entry) -> bytes:
    """*entry* as one Atom ``entry``, in UTF-8."""
    spoken = {"xml:lang": entry.language} if entry.language else {}
    lines = [
        _element("id", entry.guid),
        _element("title", entry.headline, spoken),
        _element("updated", rfc3339(entry.updated)),
    ]
    for author in entry.authors:
        lines += _parent("author", {}, [_element("name", author)])
    content = _start("content", {"type": "html", **spoken})
    lines.append(f"{content}>{_cdata(entry.html)}</content>" if entry.html else f"{content}/>")
    lines += [_empty("link", link) for link in _links(entry)]
    if entry.summary:
        lines.append(_element("summary", entry.summary, spoken))
    for category in entry.categories:
        # RFC 4287 §4.2.2.2: a scheme is an IRI. A vocabulary's mere name stays in RSS.
        scheme = category.scheme if _IRI.fullmatch(category.scheme or "") else None
        named = {"scheme": scheme} if scheme else {}
        lines.append(_empty("category", {"term": category.label, **named, "label": category.label}))
    lines += [_empty("category", {"term": keyword}) for keyword in entry.keywords]
    lines.append(_element("published", rfc3339(entry.published)))
    if entry.rights:
        lines.append(_element("rights", entry.rights))
    source = [
        _element("id", entry.source_id),
        _element("title", entry.source_title),
        _element("updated", rfc3339(entry.source_updated)),
    ]
    if entry.source_url:
        source.append(_empty("link", {"href": iri(entry.source_url)}))
    lines += _parent("source", {}, source)
    named_once = Counter(unquote(medium.url) for medium in entry.media)
    for medium in entry.media:
        # Once each: readers show twice what is named twice. Sound and film as RFC 4287 has them,
        # where that says the same address.
        alone = named_once[unquote(medium.url)] == 1 and medium.url == iri(medium.url)
        if medium.medium in ("audio", "video") and alone:
            lines.append(_empty("link", _enclosure(medium)))
        else:
            lines += _medium(medium)
    lines += _provenance(entry)
    return _joined("entry", lines, "\n  ")


def with_statement(entry: bytes, statement: str) -> bytes:
    """*entry*, as :func:`rss_item` or :func:`atom_entry` wrote it, with *statement* added as they
    would have written it: last."""
    head, line, closing = entry.rpartition(b"\n")
    indent = closing[: len(closing) - len(closing.lstrip())]
    return b"".join((head, line, indent, b"  ", _statement(statement).encode(), line, closing))


def rss_channel(feed: FeedMetadata) -> tuple[bytes, bytes]:
    """What precedes the items of a channel, and what follows them."""
    opening, closing = _rss_channel(_undated(feed))
    opening += f"\n    {_empty('atom:link', _licence(feed))}".encode()
    opening = _linked(opening, feed, "rss", "atom:link", "\n    ")
    if feed.hub:
        opening += f"\n    {_empty('atom:link', _hub(feed.hub))}".encode()
    if feed.updated is not None:  # when the newest entry changed, so none in an empty feed
        built = _element("lastBuildDate", format_datetime(feed.updated))
        opening += f"\n    {built}".encode()
    return opening, closing


def rss_proven(opening: bytes, proof: str) -> bytes:
    """What precedes the items of a channel, with the *proof* for the statements in it."""
    return opening + f"\n    {_element('wirecopy:log', proof)}".encode()


def atom_feed(feed: FeedMetadata) -> tuple[bytes, bytes]:
    """What precedes the entries of a feed, and what follows them."""
    opening, closing = _atom_feed(_undated(feed))
    opening += f"\n  {_empty('link', _licence(feed))}".encode()  # RFC 4946
    opening = _linked(opening, feed, "atom", "link", "\n  ")
    if feed.hub:
        opening += f"\n  {_empty('link', _hub(feed.hub))}".encode()
    if feed.updated is not None:
        # No title can hold this mark: there it would be escaped.
        opening = opening.replace(_updated(NEVER), _updated(feed.updated), 1)
    return opening, closing


def atom_proven(opening: bytes, proof: str) -> bytes:
    """What precedes the entries of a feed, with the *proof* for the statements in it."""
    return opening + f"\n  {_element('wirecopy:log', proof)}".encode()


def _licence(feed: FeedMetadata) -> dict[str, str]:
    return {"rel": "license", "type": licence.TYPE, "href": iri(feed.licence)}


def _hub(address: str) -> dict[str, str]:
    return {"rel": "hub", "href": iri(address)}


def _undated(feed: FeedMetadata) -> FeedMetadata:
    nothing = {"updated": None, "archived": 0, "older": 0, "newer": 0, "hub": None, "key": ""}
    return feed.model_copy(update=nothing)


def _linked(opening: bytes, feed: FeedMetadata, format: str, link: str, indent: str) -> bytes:
    """*opening* with what says which document of *feed* this is, and where the others are (RFC
    5005 §4 and appendix B)."""
    if feed.archived:
        # Of a private feed neither is named.
        itself = f'href="{feed.page}.{format}" rel="self"'.encode()
        there = f'href="{feed.document(feed.archived, format)}" rel="self"'.encode()
        # Declared here, as the heads of feeds that are no archive must stay as they are.
        archive = f"{indent}{_empty('fh:archive', {'xmlns:fh': HISTORY})}"
        opening = opening.replace(itself, there, 1) + archive.encode()
    around = {
        "prev-archive": feed.older and feed.document(feed.older, format),
        "next-archive": feed.newer and feed.document(feed.newer, format),
        "current": feed.archived and feed.document(0, format),
    }
    for rel, address in around.items():
        if not address:
            continue
        written = {"href": address, "rel": rel, "type": f"application/{format}+xml"}
        opening += f"{indent}{_empty(link, written)}".encode()
    return opening


def _updated(instant: datetime) -> bytes:
    return _element("updated", rfc3339(instant)).encode()


# feedgen is asked once: of a feed that changes, only the date and the links to its archive do.


@lru_cache(maxsize=256)
def _rss_channel(feed: FeedMetadata) -> tuple[bytes, bytes]:
    out = FeedGenerator()
    # Preset to the present, and written by way of the process's locale; no method unsets it.
    out._FeedGenerator__rss_lastBuildDate = None
    out.title(feed.title)
    out.description(feed.description or feed.title)
    if not feed.private:
        out.link(href=f"{feed.page}.rss{feed.query}", rel="self", type="application/rss+xml")
    # Last, because feedgen takes the last link for the channel's, whatever its rel.
    out.link(href=f"{feed.page}{feed.query}", rel="alternate")
    if feed.language:
        out.language(feed.language)
    out.image(url=feed.logo, title=feed.title, link=f"{feed.page}{feed.query}")
    out.ttl(feed.ttl)
    out.generator(feed.generator)
    out.register_extension("wirecopy", lambda: _Extension(_RSS_NAMES), atom=False)
    document: bytes = out.rss_str(pretty=True)
    cut = document.rindex(b"</channel>")
    return document[:cut].rstrip(), b"  " + document[cut:]


@lru_cache(maxsize=256)
def _atom_feed(feed: FeedMetadata) -> tuple[bytes, bytes]:
    out = FeedGenerator()
    out.id(feed.id)
    out.title(feed.title)
    if feed.description:
        out.subtitle(feed.description)
    out.updated(NEVER)
    out.author(name=feed.publisher, uri=feed.publisher_url)
    if not feed.private:
        out.link(href=f"{feed.page}.atom{feed.query}", rel="self", type="application/atom+xml")
    out.link(href=f"{feed.page}{feed.query}", rel="alternate", type="text/html")
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

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def extend_ns(self) -> dict[str, str]:
        """The namespaces to declare on the root, besides those that feedgen declares."""
        return dict(self.names)

    def extend_rss(self, rss: etree._Element) -> None:
        """Add nothing."""

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
    """*html* as a CDATA section, which ``]]>`` ends; in HTML ``]]&gt;`` is the same."""
    return f"<![CDATA[{html.replace(']]>', ']]&gt;')}]]>"


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


def _enclosures(media: Sequence[Media]) -> Iterator[str]:
    """In an RSS item what readers without Media RSS play or show: one thing, as the RSS Profile has
    it, the first sound or film or else the first picture, which is its thumbnail."""
    pictures = [medium for medium in media if medium.medium == "image"]
    played = [medium for medium in media if medium.medium in ("audio", "video")]
    for medium in (played or pictures or list(media))[:1]:
        length = str(medium.length or 0)  # RSS Profile: 0 where it is not known
        kind = medium.type or type_of(medium)
        yield _empty("enclosure", {"url": medium.url, "length": length, "type": kind})
    for medium in pictures[:1]:
        size = {"width": medium.width, "height": medium.height}
        yield _empty("media:thumbnail", {"url": medium.url, **_stated(size)})


def _medium(medium: Media) -> list[str]:
    # Straight below the entry: a media:group is for renditions of *one* picture, and feed
    # validators reject one for everything.
    attributes = {
        "url": medium.url,
        "medium": medium.medium,
        **_stated(
            {
                "type": medium.type,
                "width": medium.width,
                "height": medium.height,
                "fileSize": medium.length,
            }
        ),
    }
    inside = []
    if medium.caption:
        inside.append(_element("media:description", medium.caption, {"type": "plain"}))
    if medium.credit:
        inside.append(_element("media:credit", medium.credit))
    return _parent("media:content", attributes, inside)


def _stated(values: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value is not None}


def _provenance(entry: Entry) -> Iterator[str]:
    if entry.valid_until is not None:  # as a DCMI Period writes it
        ends = f"end={rfc3339(entry.valid_until)}; scheme=W3C-DTF;"
        yield _element("dcterms:valid", ends)
    for name, text in (
        ("editedHeadlineOnly", "true" if entry.edited_headline_only else "false"),
        ("editScope", entry.scope),
        ("agency", entry.agency),
        ("agencyId", entry.agency_id),
        ("agencyVersion", entry.agency_version),
        ("correction", entry.correction),
    ):
        if text is not None:
            yield _element(f"wirecopy:{name}", text)
    if entry.statement is not None:
        yield _statement(entry.statement)


def _statement(token: str) -> str:
    return _element("wirecopy:statement", in_xml(token))


# Elements as text, each of which may be several lines


def _element(name: str, text: str, attributes: Mapping[str, str] = _NONE) -> str:
    # A parser would make a line feed of a carriage return (XML 1.0 §2.11).
    said = escape(text, quote=False).replace("\r", "&#13;")
    return f"{_start(name, attributes)}>{said}</{name}>"


def _empty(name: str, attributes: Mapping[str, str]) -> str:
    return f"{_start(name, attributes)}/>"


def _parent(name: str, attributes: Mapping[str, str], inside: Sequence[str]) -> list[str]:
    if not inside:
        return [_empty(name, attributes)]
    return [f"{_start(name, attributes)}>", *(f"  {line}" for line in inside), f"</{name}>"]


def _start(name: str, attributes: Mapping[str, str]) -> str:
    if not attributes:
        return f"<{name}"
    written = [f' {name}="{_quoted(value)}"' for name, value in attributes.items()]
    return f"<{name}{''.join(written)}"


def _quoted(value: str) -> str:
    said = escape(value, quote=False).replace('"', "&quot;")
    if said.isprintable():
        return said
    # As they are, a parser would make spaces of them (XML 1.0 §3.3.3).
    return said.replace("\t", "&#9;").replace("\n", "&#10;").replace("\r", "&#13;")


def _joined(name: str, lines: Sequence[str], indent: str) -> bytes:
    inside = f"{indent}  "
    return f"<{name}>{inside}{inside.join(lines)}{indent}</{name}>".encode()
