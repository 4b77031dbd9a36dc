"""Our feedgen extension: the elements feedgen lacks, and the repair of what it writes wrongly.

feedgen hands ``extend_rss``/``extend_atom`` the element it has just written. The namespaces are
declared once, on the root: :func:`fragment` writes an entry as it stands below that root, so that
fragments can be joined under it without a declaration of their own.
"""

from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from publish.entry import Entry, FeedMetadata
from stories.models import NAMESPACE

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"
WIRECOPY = f"urn:uuid:{NAMESPACE}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"

RSS_NAMES = {"atom": ATOM, "content": CONTENT, "dc": DC, "media": MEDIA, "wirecopy": WIRECOPY}
ATOM_NAMES = {"media": MEDIA, "wirecopy": WIRECOPY}


class Channel:
    """Completes ``rss/channel``."""

    def __init__(self, head: FeedMetadata) -> None:
        self.head = head

    def extend_ns(self) -> dict[str, str]:
        """The namespaces to declare on the root (feedgen adds ``atom`` and ``content``)."""
        return dict(RSS_NAMES)

    def extend_rss(self, rss: etree._Element) -> None:
        """Add lastBuildDate, which is the newest entry's and so absent from an empty feed."""
        if self.head.updated is not None:
            _add(rss[0], "lastBuildDate", rfc822(self.head.updated))


class Item:
    """Completes an RSS ``item``."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def extend_rss(self, item: etree._Element) -> None:
        """Add what RSS 2.0 leaves to modules, and the dates.

        The dates are ours because feedgen's go through ``locale.setlocale``, which is the whole
        process's: four threads rendering at once left it changed for good.
        """
        entry = self.entry
        _add(item, "pubDate", rfc822(entry.published))
        _add(item, f"{{{ATOM}}}updated", rfc3339(entry.updated))
        _add(item, f"{{{DC}}}creator", entry.agency)
        if entry.byline:
            _add(item, f"{{{DC}}}contributor", entry.byline)
        if entry.language:
            _add(item, f"{{{DC}}}language", entry.language)
        if entry.rights:
            _add(item, f"{{{DC}}}rights", entry.rights)
        # Before media:content: readers that take the first of what they find for the story
        # (feedparser files media:description under ``content``) then find the story.
        _add(item, f"{{{CONTENT}}}encoded", "").text = cdata(entry.html)
        _media(item, entry)
        _provenance(item, entry)


class AtomFeed:
    """Declares the namespaces of an Atom feed."""

    def extend_ns(self) -> dict[str, str]:
        """The namespaces to declare on the root (feedgen writes Atom's own)."""
        return dict(ATOM_NAMES)

    def extend_atom(self, feed: etree._Element) -> None:
        """Nothing is missing."""


class AtomEntry:
    """Completes and repairs an Atom ``entry``."""

    def __init__(self, entry: Entry, links: list[dict[str, str]], source: str | None) -> None:
        self.entry = entry
        self.links = links
        self.source = source

    def extend_atom(self, atom: etree._Element) -> None:
        """Give links their attributes, content its type, source what RFC 4287 §4.2.11 asks for.

        feedgen 1.0 overwrites the link it reads while writing it, so of each only ``href`` is
        left; and it writes ``type="CDATA"``, which no media type is.
        """
        entry = self.entry
        for element, link in zip(atom.findall("link"), self.links, strict=True):
            for name, value in link.items():
                element.set(name, value)
        content = atom.find("content")
        if content is not None:
            content.set("type", "html")
        if entry.language:
            for name in ("title", "summary", "content"):
                if (text := atom.find(name)) is not None:
                    text.set(LANG, entry.language)
        source = _add(atom, "source")
        _add(source, "id", entry.source_id)
        _add(source, "title", entry.source_title)
        _add(source, "updated", rfc3339(entry.source_updated))
        if self.source:
            _add(source, "link").set("href", self.source)
        _media(atom, entry)
        _provenance(atom, entry)


def cdata(html: str) -> etree.CDATA:
    """*html* as a CDATA section; the one string it cannot hold becomes its equal in HTML."""
    return etree.CDATA(html.replace("]]>", "]]&gt;"))


def rfc822(instant: datetime) -> str:
    """*instant* as RSS 2.0 writes dates (RFC 822 with a four-digit year), no locale asked."""
    return format_datetime(instant)


def rfc3339(instant: datetime) -> str:
    """*instant* as RFC 3339 §5.6 writes it, to the second."""
    return instant.isoformat(timespec="seconds")


def fragment(element: etree._Element, parent: etree._Element) -> bytes:
    """*element* in UTF-8 as it stands below *parent*, whose namespaces it need not repeat."""
    parent.append(element)
    document = etree.tostring(
        parent.getroottree(), encoding="UTF-8", xml_declaration=False, pretty_print=True
    )
    tag = str(element.tag).encode()
    start, end = document.index(b"<%b>" % tag), document.rindex(b"</%b>" % tag)
    return document[start : end + len(tag) + 3]


def stated(entry: bytes, statement: str) -> bytes:
    """*entry*, as :func:`fragment` wrote it, with *statement* as its last element."""
    head, line, closing = entry.rpartition(b"\n")
    indent = closing[: len(closing) - len(closing.lstrip())]
    element = f"<wirecopy:statement>{statement}</wirecopy:statement>".encode()
    return b"".join((head, line, indent, b"  ", element, line, closing))


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, name)
    element.text = text
    return element


def _media(parent: etree._Element, entry: Entry) -> None:
    # Straight below the entry: a media:group is for renditions of *one* picture, and feed
    # validators reject feedgen's default of a group for everything.
    for medium in entry.media:
        content = _add(parent, f"{{{MEDIA}}}content")
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
            _add(content, f"{{{MEDIA}}}description", medium.caption).set("type", "plain")
        if medium.credit:
            _add(content, f"{{{MEDIA}}}credit", medium.credit)


def _provenance(parent: etree._Element, entry: Entry) -> None:
    for name, text in (
        ("editedHeadlineOnly", "true" if entry.edited_headline_only else "false"),
        ("editScope", entry.scope),
        ("agency", entry.agency),
        ("agencyId", entry.agency_id),
        ("agencyVersion", entry.agency_version),
        ("statement", entry.statement),
    ):
        if text is not None:
            _add(parent, f"{{{WIRECOPY}}}{name}", text)
