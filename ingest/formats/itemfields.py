"""Reading an item from its own XML tree: the words exactly as the wire wrote them.

feedparser is not asked for these. It puts a picture's caption (media:description) in the place of
the story, "repairs" a title that really contains "Ã©", keeps only the last of repeated unknown
elements, loses the text of unknown elements that have attributes, and resolves guids as if they
were links (measured with 6.0.14).
"""

import base64
import binascii
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from lxml import etree

from ingest.formats import html_detection
from ingest.item import ItemMedia
from stories.errors import ParseError
from wirecopy.text import plain, projection

MOST_CHILDREN = 500
"""Children of one item that are read; real ones have some twenty."""

_SPACES = {
    "": "",
    "purl.org/rss/1.0": "",
    "my.netscape.com/rdf/simple/0.9": "",
    "channel.netscape.com/rdf/simple/0.9": "",
    "backend.userland.com/rss": "",
    "backend.userland.com/rss2": "",
    "blogs.law.harvard.edu/tech/rss": "",
    "www.w3.org/2005/atom": "atom",
    "purl.org/atom/ns": "atom",
    "purl.org/dc/elements/1.1": "dc",
    "purl.org/dc/terms": "dcterms",
    "purl.org/rss/1.0/modules/content": "content",
    "search.yahoo.com/mrss": "media",
    "rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "www.w3.org/1999/xhtml": "xhtml",
    "www.w3.org/1999/02/22-rdf-syntax-ns": "rdf",
    "www.w3.org/xml/1998/namespace": "xml",
}
_XML = "{http://www.w3.org/XML/1998/namespace}"
_FULL_TEXT = ("story", "fullstory", "full-text", "fulltext", "fullcontent", "storybody")
_HTML_TYPES = ("html", "text/html")
_XHTML_TYPES = ("xhtml", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class Text:
    """A text and whether it is HTML (True) or plain."""

    text: str = ""
    html: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """What an item's own bytes say, and what of its element tells where it belongs."""

    guid: str = ""
    permalink: bool = True
    link: str = ""
    headline: Text = Text()
    body: Text = Text()
    summary: Text = Text()
    base: str = ""
    language: str = ""
    authors: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    version: str = ""
    keywords: tuple[str, ...] = ()
    media: tuple[ItemMedia, ...] = ()
    rights: str = ""
    urgency: str = ""
    dateline: str = ""


@dataclass(slots=True)
class _Children:
    """An item's children by name; names as :func:`name_of` gives them."""

    by_name: dict[str, list[etree._Element]] = field(default_factory=dict)

    def all(self, *names: str) -> Iterator[etree._Element]:
        for name in names:
            yield from self.by_name.get(name, ())

    def texts(self, *names: str) -> tuple[str, ...]:
        return _distinct(text_of(element) for element in self.all(*names))

    def first(self, *names: str) -> str:
        return next(iter(self.texts(*names)), "")


def name_of(element: etree._Element) -> str:
    """The element's name with a prefix that depends on the namespace alone, in lower case.

    Feeds write namespaces with a wrong scheme or without the last slash; those are the same here.
    RSS of every kind has no prefix; an unknown namespace gives ``?:``.
    """
    tag: object = element.tag
    if not isinstance(tag, str):  # a comment or a processing instruction
        return ""
    if tag[0] != "{":
        return tag.lower()
    uri, _, local = tag[1:].rpartition("}")
    key = uri.strip().lower().rpartition("://")[2].rstrip("/#")
    prefix = _SPACES.get(key, "?")
    return f"{prefix}:{local.lower()}" if prefix else local.lower()


def is_item(element: etree._Element) -> bool:
    """Whether *element* is an item of RSS or an entry of Atom, and not one of another language."""
    return name_of(element) in ("item", "entry", "atom:entry", "atom:item")


def text_of(element: etree._Element) -> str:
    """The text in *element*, that of its children included, without surrounding white space."""
    if len(element) == 0:
        return (element.text or "").strip()
    return "".join(map(str, element.itertext())).strip()


def read(element: etree._Element) -> Fields:
    """Read *element*, an RSS item or an Atom entry."""
    atom = name_of(element).startswith("atom:")
    children = _Children()
    for child in islice(element, MOST_CHILDREN):
        name = name_of(child)
        # In an Atom document Atom's elements are the document's own, as RSS's are in RSS.
        name = name.removeprefix("atom:") if atom else name
        if name:
            children.by_name.setdefault(name, []).append(child)
    guid = next(children.all("guid"), None)
    body, summary = _words(children, atom)
    return Fields(
        guid=children.first("guid", "id", "atom:id") or _about(element) or "",
        permalink=guid is not None and (guid.get("isPermaLink") or "true").lower() == "true",
        link=_link(children),
        headline=_headline(children, atom),
        body=body,
        summary=summary,
        base=_base(element, children),
        language=_language(element, children),
        authors=_people(children, "author", "atom:author", "byline"),
        creators=_people(children, "dc:creator", "dcterms:creator", "dc:author"),
        sources=_sources(children),
        credits=children.texts(
            "credit", "creditline", "credit-line", "dc:credit", "dcterms:credit"
        ),
        published=children.texts(
            "pubdate",
            "published",
            "issued",
            "dcterms:issued",
            "atom:published",
            "dc:date",
            "created",
            "dcterms:created",
            "date",
        ),
        updated=children.texts(
            "updated",
            "updatedat",
            "modified",
            "atom:updated",
            "dcterms:modified",
            "lastmodified",
            "lastbuilddate",
            "updateddate",
            "dcterms:date",
        ),
        version=children.first("version", "revision"),
        keywords=_keywords(children),
        media=_media(children),
        rights=children.first("rights", "copyright", "dc:rights", "dcterms:rights"),
        urgency=children.first("urgency"),
        dateline=children.first("dateline"),
    )


def _link(children: _Children) -> str:
    """The item's page, for when feedparser could not be asked."""
    for element in children.all("feedburner:origlink", "link", "atom:link"):
        if (element.get("rel") or "alternate").lower() == "alternate" and (
            link := (element.get("href") or text_of(element)).strip()
        ):
            return link
    return ""


def _about(element: etree._Element) -> str | None:
    return element.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about")


def _base(element: etree._Element, children: _Children) -> str:
    if base := element.get(f"{_XML}base"):
        return base.strip()
    return next((b.strip() for c in children.all("content") if (b := c.get(f"{_XML}base"))), "")


def _language(element: etree._Element, children: _Children) -> str:
    if language := element.get(f"{_XML}lang"):
        return language.strip()
    return children.first("dc:language", "dcterms:language", "language") or next(
        (b.strip() for c in children.all("content", "title") if (b := c.get(f"{_XML}lang"))), ""
    )


def _headline(children: _Children, atom: bool) -> Text:
    for name in ("title", "atom:title", "dc:title", "dcterms:title"):
        for element in children.all(name):
            if atom or name == "atom:title":
                text = _construct(element)
            elif len(element):
                text = Text(inner(element), True)
            else:
                raw = element.text or ""
                marked = html_detection.is_markup_title(raw)
                text = Text(raw if marked else html_detection.resolve_references(raw), marked)
            if text.text.strip():
                return text
    return Text()


def _words(children: _Children, atom: bool) -> tuple[Text, Text]:
    """Body and summary. The body is the fullest element that has words; the summary the next."""
    bodies = [_undeclared(e) for e in children.all("content:encoded")]
    bodies += [_construct(e, body=True) for e in children.all("atom:content")]
    for element in children.all("content"):
        bodies.append(_construct(element, body=True) if atom else _undeclared(element))
    bodies += [_undeclared(e) for e in children.all(*_FULL_TEXT)]
    bodies += [Text(inner(e), True) for e in children.all("xhtml:body", "xhtml:div")]
    summaries: list[Text] = []
    for element in children.all("summary", "atom:summary"):
        declared = atom or name_of(element) == "atom:summary"
        summaries.append(_construct(element) if declared else _undeclared(element))
    summaries = [_undeclared(e) for e in children.all("description")] + summaries
    summaries += [_undeclared(e) for e in children.all("dc:description", "dcterms:abstract")]
    candidates = bodies + summaries
    body = next((t for t in candidates if _has_words(t)), None) or next(
        (t for t in candidates if t.text.strip()), Text()
    )
    summary = next((t for t in summaries if t is not body and t.text.strip()), Text())
    return body, summary


def _has_words(text: Text) -> bool:
    return html_detection.has_words(text.text) if text.html else bool(text.text.strip())


def _undeclared(element: etree._Element) -> Text:
    """Text of an element of which nobody says whether it is HTML."""
    if len(element):
        return Text(inner(element), True)
    raw = element.text or ""
    return Text(raw, html_detection.is_markup(raw))


def _construct(element: etree._Element, *, body: bool = False) -> Text:
    """An Atom text construct (RFC 4287 §3.1), or content (§4.1.3); also those of Atom 0.3."""
    kind = (element.get("type") or "text").strip().lower()
    mode = (element.get("mode") or "").strip().lower()
    raw = element.text or ""
    if body and element.get("src"):
        return Text()  # the content is elsewhere; nothing of it was received
    if kind in _XHTML_TYPES or (len(element) and mode in ("", "xml")):
        children = [child for child in element if isinstance(child.tag, str)]
        lone = len(children) == 1 and not raw.strip() and not (children[0].tail or "").strip()
        if lone and etree.QName(children[0]).localname.lower() == "div":
            return Text(inner(children[0]), True)
        return Text(inner(element), True)
    if mode == "base64" or (body and not kind.startswith("text") and kind not in _HTML_TYPES):
        return _base64(raw, kind)
    return Text(raw, kind in _HTML_TYPES)


def _base64(raw: str, kind: str) -> Text:
    """Content of another media type is base64 (RFC 4287 §4.1.3.3); only text is any use here."""
    if not kind.startswith("text") and kind not in (*_HTML_TYPES, *_XHTML_TYPES):
        return Text()
    try:
        text = base64.b64decode(raw.encode(), validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return Text()
    return Text(text, kind in _HTML_TYPES or kind in _XHTML_TYPES)


def inner(element: etree._Element) -> str:
    """The markup inside *element* as HTML: elements by their local names, namespaces dropped."""
    pieces: list[str] = []
    _inner(element, pieces)
    return "".join(pieces)


def _inner(element: etree._Element, pieces: list[str]) -> None:
    # As deep as lxml's own limit of 256, well within Python's.
    pieces.append(html.escape(element.text or "", quote=False))
    for child in element:
        if isinstance(child.tag, str):
            name = etree.QName(child).localname
            pieces.append(f"<{name}")
            for key, value in child.attrib.items():
                if not (said := str(key)).startswith("{"):
                    pieces.append(f' {said}="{html.escape(str(value))}"')
            pieces.append(">")
            if name.lower() not in html_detection.VOID:
                _inner(child, pieces)
                pieces.append(f"</{name}>")
        pieces.append(html.escape(child.tail or "", quote=False))


def _people(children: _Children, *names: str) -> tuple[str, ...]:
    found: list[str] = []
    for element in children.all(*names):
        inside = [text_of(c) for c in element if name_of(c).rpartition(":")[2] == "name"]
        found += inside or [text_of(element)]
    return _distinct(found)


def _sources(children: _Children) -> tuple[str, ...]:
    found: list[str] = []
    for element in children.all("source", "atom:source", "dc:source", "agency", "newsagency"):
        titles = [text_of(c) for c in element if name_of(c).rpartition(":")[2] == "title"]
        found += titles or ([] if len(element) else [text_of(element)])
    return _distinct(s for s in found if not s.startswith(("http://", "https://")))


def _keywords(children: _Children) -> tuple[str, ...]:
    found: list[str] = []
    for element in children.all("media:keywords", "keywords", "tags", "itunes:keywords"):
        texts = [text_of(c) for c in element] or [text_of(element)]
        found += [word.strip() for text in texts for word in re.split("[,;]", text)]
    return _distinct(found)


def _media(children: _Children) -> tuple[ItemMedia, ...]:
    found: list[ItemMedia] = []
    around = list(children.all("media:description", "media:credit"))
    for element in children.all("media:content"):
        found.append(_medium(element, [element, *around]))
    for group in children.all("media:group"):
        contents = [c for c in group if name_of(c) == "media:content"]
        if contents:
            # A group is one picture or film in several renderings (Media RSS, media:group).
            best = max(contents, key=_rank)
            found.append(_medium(best, [best, group, *around]))
    for element in children.all("enclosure"):
        found.append(
            ItemMedia(
                url=(element.get("url") or element.get("href") or "").strip(),
                type=element.get("type") or "",
                length=element.get("length") or "",
            )
        )
    for element in children.all("link", "atom:link"):
        if (element.get("rel") or "").lower() == "enclosure":
            found.append(
                ItemMedia(
                    url=(element.get("href") or "").strip(),
                    type=element.get("type") or "",
                    length=element.get("length") or "",
                )
            )
    # The same picture in several sizes: the largest that is there.
    for name in ("fullimage", "storyimage", "image"):
        urls = [_picture(element) for element in children.all(name)]
        if any(urls):
            found += [ItemMedia(url=url, medium="image") for url in urls]
            break
    if not any(m.url for m in found):
        groups = [c for g in children.all("media:group") for c in g]
        thumbnails = [e for e in groups if name_of(e) == "media:thumbnail"]
        for element in [*children.all("media:thumbnail"), *thumbnails][:1]:
            found.append(_medium(element, [element, *around], "image"))
    distinct: dict[str, ItemMedia] = {}
    for medium in found:
        if medium.url:
            distinct.setdefault(medium.url, medium)
    return tuple(distinct.values())


def _rank(element: etree._Element) -> tuple[bool, int]:
    width = (element.get("width") or "").strip()
    return (
        (element.get("isDefault") or "").lower() == "true",
        int(width) if width.isascii() and width.isdigit() and len(width) < 8 else 0,
    )


def _medium(
    element: etree._Element, around: Iterable[etree._Element], medium: str = ""
) -> ItemMedia:
    captions: list[str] = []
    credited: list[str] = []
    for place in around:
        for inside in (place, *place) if name_of(place) != "media:group" else place:
            if name_of(inside) == "media:description":
                captions.append(_caption(inside))
            elif name_of(inside) == "media:credit":
                credited.append(text_of(inside))
    return ItemMedia(
        url=(element.get("url") or _address(element)).strip(),
        medium=(element.get("medium") or medium).strip().lower(),
        type=element.get("type") or "",
        width=element.get("width") or "",
        height=element.get("height") or "",
        length=element.get("fileSize") or "",
        caption=next((c for c in captions if c), ""),
        credit=next((c for c in credited if c), ""),
    )


def _address(element: etree._Element) -> str:
    """The address in an element that holds nothing else, or ``""``."""
    text = (element.text or "").strip()
    return text if text.startswith(("http://", "https://", "//")) else ""


def _picture(element: etree._Element) -> str:
    for child in element:
        if name_of(child) == "url":
            return text_of(child)
    return (element.get("url") or element.get("href") or _address(element)).strip()


def _caption(element: etree._Element) -> str:
    raw = text_of(element)
    if not html_detection.is_markup(raw):
        return raw
    try:
        return plain(projection(raw))
    except ParseError:  # markup built to burst a parser is no caption
        return ""


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t for t in texts if t))
