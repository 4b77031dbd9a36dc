"""Feeds read into entries: RSS 2.0, Atom (RFC 4287) and JSON Feed 1.1.

``docs/statement.md`` §4 says what is an entry's headline, body, media and so on. The publisher
measures its own entries through this module too, so what is signed is what a verifier reads.

XML is read by expat: no entity is expanded, nothing is fetched, a DOCTYPE is refused.

Lenient readers accept more: feedparser, and whoever matches prefixes or ignores case, shows the
last ``title`` of an entry, even Dublin Core's, and the first of all bodies. So none of these may
say anything else than the entry does.
"""

import codecs
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from xml.parsers import expat

from .encoding import LARGEST_DOCUMENT, SPACE, names, parse_json, unpacked
from .errors import Refused
from .html import TangleError, text_of
from .scope import Copy
from .text import paragraphs, plain

_ATOM = "{http://www.w3.org/2005/Atom}"
_BODY = "{http://purl.org/rss/1.0/modules/content/}encoded"
_MEDIA = "{http://search.yahoo.com/mrss/}"
_VOID = names("area base br col embed hr img input link meta source track wbr")
OWN = "urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1"
"""The namespace of Wirecopy's elements."""
_OWN = f"{{{OWN}}}"
_DEEPEST_JSON = 64
_BRACKETS = re.compile("%(5B|5D|23|25)")

DEEPEST_XML = 256
"""How deep elements may nest (libxml2's limit)."""

_BETWEEN = "\x1f"  # between the parts of a name: no XML can hold it
_DECLARED = re.compile(
    rb"<\?xml[^>]*?\sencoding[ \t\r\n]*=[ \t\r\n]*[\"']([A-Za-z][A-Za-z0-9._-]*)[\"']"
)
# Python's own codecs, which no other reader of XML has.
_NO_ENCODING = {"idna", "punycode", "raw-unicode-escape", "unicode-escape"}

# What lenient readers recognize.
_NAMESPACES = frozenset(
    (
        "",
        "http://www.w3.org/2005/atom",
        "http://purl.org/atom/ns#",
        "http://purl.org/rss/1.0/",
        "http://purl.org/net/rss1.1#",
        "http://my.netscape.com/rdf/simple/0.9/",
        "http://channel.netscape.com/rdf/simple/0.9/",
        "http://backend.userland.com/rss",
        "http://backend.userland.com/rss2",
        "http://purl.org/dc/elements/1.1/",
        "http://purl.org/dc/terms/",
        "http://purl.org/rss/1.0/modules/content/",
        "http://www.itunes.com/dtds/podcast-1.0.dtd",
        "http://www.w3.org/1999/xhtml",
        "http://search.yahoo.com/mrss/",
    )
)
_PREFIXES = names("atom content dc dcterms itunes media rss xhtml")
_VALUES = {
    name: value
    for value, known in {
        "guid": "guid id",
        "headline": "title",
        "body": "encoded content body fullitem",
        "summary": "description summary abstract tagline subtitle",
    }.items()
    for name in names(known)
}
_MEMBERS = names(
    "id url external_url title content_html content_text summary image banner_image"
    " attachments tags items _wirecopy edit_scope edited_headline_only agency agency_id"
    " agency_version statement"
)


class Element:
    """An element: its namespace (empty for none), local name and prefix, and what it holds.

    ``attributes`` are by the name as written, with its prefix; ``content`` is text and elements in
    order, ``children`` the elements alone. ``known`` is the local name in lower case if lenient
    readers know it, else empty.
    """

    __slots__ = (
        "attributes",
        "children",
        "content",
        "known",
        "name",
        "namespace",
        "prefix",
        "tag",
    )

    def __init__(self, written: str, attributes: dict[str, str]) -> None:
        self.namespace, self.name, self.prefix, self.tag, self.known = _name_parts(written)
        if attributes and _BETWEEN in "".join(attributes):
            attributes = {_as_written(name): value for name, value in attributes.items()}
        self.attributes = attributes
        self.content: list[str | Element] = []
        self.children: list[Element] = []

    def descend(self) -> list["Element"]:
        """The element itself and all elements in it, in document order."""
        found: list[Element] = []
        self._descend(found)
        return found

    def _descend(self, found: list["Element"]) -> None:
        found.append(self)
        for child in self.children:
            if child.children:
                child._descend(found)  # not deeper than DEEPEST_XML
            else:
                found.append(child)

    def text(self) -> str:
        """All text in it."""
        if not self.children:
            return "".join(map(str, self.content))
        found: list[str] = []
        stack: list[str | Element] = [self]
        while stack:
            one = stack.pop()
            if isinstance(one, str):
                found.append(one)
            else:
                stack.extend(reversed(one.content))
        return "".join(found)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as a reader gets it. ``None`` is for what the entry does not have.

    ``media`` are the addresses beside the body that are digested, ``pictures`` others that readers
    show; ``faults`` are what is wrong with the entry by itself.
    """

    guid: str
    headline: str
    body: str
    media: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    summary: str = ""
    tags: tuple[str, ...] = ()
    agency: str | None = None
    agency_id: str | None = None
    agency_version: str | None = None
    edit_scope: str | None = None
    edited_headline_only: bool | None = None
    statement: str | None = None
    faults: tuple[str, ...] = ()

    @property
    def copy(self) -> Copy:
        """The part of it that is digested."""
        return Copy(self.headline, self.body, self.media, self.summary, self.tags)


def read_feed(document: bytes) -> list[Entry]:
    """The entries of a feed, in their order; of an Atom Entry Document (RFC 4287 §2) that entry.

    :raises Refused: for what is no feed, is too large, or cannot be read safely.
    """
    encoding, document = _opened(document)
    return list(_xml(document, _entry) if encoding is None else _json(document, encoding))


def read_copies(document: bytes) -> list[Copy]:
    """The copies of the entries that :func:`read_feed` reads, without looking for their faults.

    Raises as it does.
    """
    encoding, document = _opened(document)
    if encoding is None:
        return list(_xml(document, _copy))
    return [entry.copy for entry in _json(document, encoding)]


def _opened(document: bytes) -> tuple[str | None, bytes]:
    """The document without gzip, and if it is JSON, in which encoding."""
    document = unpacked(document, LARGEST_DOCUMENT)
    encoding = json.detect_encoding(document[:4])
    start = document[:400].decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
    return encoding if start.startswith("{") else None, document


def _json(document: bytes, encoding: str) -> Iterator[Entry]:
    try:
        text = document.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise Refused(f"is not {encoding}") from None
    feed = parse_json(text, deepest=_DEEPEST_JSON, fractions=True)
    if other := _respelt(feed):
        raise Refused(f"holds {other!r} too, which some readers take for {other.lower()!r}")
    items = feed.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Refused("is no JSON Feed: it has no list of 'items'")
    yield from map(_json_entry, items)


def _json_entry(item: Mapping[str, Any]) -> Entry:
    faults: list[str] = []

    def text(name: str, where: Mapping[str, Any] = item) -> str | None:
        value = where.get(name)
        if value is None or isinstance(value, str):
            return value
        if name == "id" and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        faults.append(f"{name!r} is no string")
        return None

    def several(name: str) -> list[Any]:
        value = item.get(name)
        if value is None or isinstance(value, list):
            return value or []
        faults.append(f"{name!r} is no list")
        return []

    own = item.get("_wirecopy")
    if not (own is None or isinstance(own, dict)):
        faults.append("'_wirecopy' is no object")
    claims: Mapping[str, Any] = own if isinstance(own, dict) else {}
    attached = [a for a in several("attachments") if isinstance(a, dict)]
    for members in (item, claims, *attached):
        if other := _respelt(members):
            faults.append(f"{other!r} stands in it, which some readers take for {other.lower()!r}")
    flag = claims.get("edited_headline_only")
    if not (flag is None or isinstance(flag, bool)):
        faults.append("'edited_headline_only' is neither true nor false")
    body, spoken = text("content_html"), text("content_text")
    if body is not None and spoken is not None:
        said = _text_of(body, faults)
        if "".join(plain(said).split()) != "".join(plain(spoken).split()):
            faults.append("'content_text' says something else than 'content_html'")
    return Entry(
        guid=text("id") or "",
        headline=text("title") or "",
        body=_from_plain(spoken or "") if body is None else body,
        media=tuple(url for a in attached if (url := text("url", a))),
        pictures=tuple(url for name in ("image", "banner_image") if (url := text(name))),
        summary=text("summary") or "",
        tags=tuple(tag for tag in several("tags") if isinstance(tag, str)),
        agency=text("agency", claims),
        agency_id=text("agency_id", claims),
        agency_version=text("agency_version", claims),
        edit_scope=text("edit_scope", claims),
        edited_headline_only=flag if isinstance(flag, bool) else None,
        statement=text("statement", claims),
        faults=tuple(faults),
    )


def _respelt(members: Mapping[str, Any]) -> str:
    """A member that differs from one of the format in case alone; empty for none.

    Go's decoder, for one, reads ``Title`` as ``title``.
    """
    for name in members:
        if name not in _MEMBERS and name.lower() in _MEMBERS:
            return name
    return ""


class _Parts(NamedTuple):
    """What an entry in XML says by the elements of its format. ``own`` are the first four, as far
    as they are there."""

    guid: str
    headline: str
    body: str
    summary: str
    tags: list[str]
    own: Sequence[Element | None]
    children: Mapping[str, Sequence[Element]]
    faults: list[str]


_Of = TypeVar("_Of", Entry, Copy)


def _xml(document: bytes, made: Callable[[Element, _Parts], _Of]) -> Iterator[_Of]:
    """What is *made* of each entry of a document."""
    root = parse_xml(document)
    atom = (f"{_ATOM}entry", _atom_parts)
    formats = {f"{_ATOM}feed": atom, f"{_ATOM}entry": atom, "rss": ("item", _rss_parts)}
    if root.tag not in formats:
        raise Refused("is no feed: neither RSS 2.0 nor Atom")
    tag, read_parts = formats[root.tag]
    for element in root.descend():
        if element.tag == tag:
            yield made(element, read_parts(element))
        elif element.known in ("item", "entry"):
            fault = f"it is an {element.known!r} of another format, which some readers show"
            yield made(
                Element("", {}), _Parts("", element.text()[:80], "", "", [], (), {}, [fault])
            )


def _rss_parts(item: Element) -> _Parts:
    faults: list[str] = []
    children = _by_tag(item)
    guid, title, body, summary = own = [
        _once(children, tag, faults) for tag in ("guid", "title", _BODY, "description")
    ]
    return _Parts(
        guid=_text(guid),
        headline=_text(title),
        body=_text(body),
        summary=html.unescape(_text(summary)),
        tags=[category.text() for category in children.get("category", ())],
        own=own,
        children=children,
        faults=faults,
    )


def _atom_parts(entry: Element) -> _Parts:
    faults: list[str] = []
    children = _by_tag(entry)
    guid, title, content, summary = own = [
        _once(children, f"{_ATOM}{name}", faults) for name in ("id", "title", "content", "summary")
    ]
    if content is not None and "src" in content.attributes:
        faults.append("its content stands elsewhere (src)")
    categories = [c.attributes for c in children.get(f"{_ATOM}category", ())]
    return _Parts(
        guid=_text(guid),
        headline=_construct(title, faults),
        body=_content(content),
        summary=_construct(summary, faults),
        tags=[c.get("label") or c.get("term") or "" for c in categories],
        own=own,
        children=children,
        faults=faults,
    )


def _claimed(found: _Parts, name: str) -> str | None:
    claim = _once(found.children, f"{_OWN}{name}", found.faults)
    return None if claim is None else claim.text().strip(SPACE)


def _copy(element: Element, found: _Parts) -> Copy:
    # Where its beginning stands for a summary, it has none.
    summary = "" if _claimed(found, "firstWords") == "true" else found.summary
    media = tuple(_media(element.descend(), element))
    return Copy(found.headline, found.body, media, summary, tuple(found.tags))


def _entry(element: Element, found: _Parts) -> Entry:
    faults, summary = found.faults, found.summary
    if _claimed(found, "firstWords") == "true":
        if not _words(found.body).startswith(_squeezed(summary).removesuffix("…")):
            faults.append("its summary is not the beginning of its text")
        summary = ""
    flag = _claimed(found, "editedHeadlineOnly")
    if flag not in (None, "true", "false"):
        faults.append("'editedHeadlineOnly' is neither true nor false")
    values = {
        "guid": found.guid,
        "headline": found.headline,
        "body": found.body,
        "summary": summary,
    }
    faults.extend(dict.fromkeys(_contradictions(element, found.own, values)))
    everything = element.descend()
    thumbs = [e.attributes.get("url") for e in everything if e.tag == f"{_MEDIA}thumbnail"]
    return Entry(
        guid=found.guid.strip(SPACE),
        headline=found.headline,
        body=found.body,
        media=tuple(_media(everything, element)),
        pictures=tuple(url for url in (*_pictures(everything), *thumbs) if url),
        summary=summary,
        tags=tuple(found.tags),
        agency=_claimed(found, "agency"),
        agency_id=_claimed(found, "agencyId"),
        agency_version=_claimed(found, "agencyVersion"),
        edit_scope=_claimed(found, "editScope"),
        edited_headline_only=None if flag is None else flag == "true",
        statement=_claimed(found, "statement"),
        faults=tuple(faults),
    )


def _media(elements: Sequence[Element], entry: Element) -> Iterator[str]:
    """The addresses of the media among the *elements* of an *entry*, in order: of each
    ``media:content``, and of each enclosure of an Atom entry that is none of these."""
    tag = f"{_MEDIA}content"
    atom = entry.tag == f"{_ATOM}entry"
    contents = {unbracketed(e.attributes.get("url", "")) for e in elements if e.tag == tag}
    for element in elements:
        url = ""
        if element.tag == tag:
            url = element.attributes.get("url", "")
        elif (
            atom and element.tag == f"{_ATOM}link" and element.attributes.get("rel") == "enclosure"
        ):
            url = element.attributes.get("href", "")
            url = "" if unbracketed(url) in contents else url
        if url:
            yield url


def unbracketed(url: str) -> str:
    """*url* as it was before it was made an IRI (RFC 3987), which has to escape these."""
    return _BRACKETS.sub(lambda found: chr(int(found[1], 16)), url)


def _by_tag(parent: Element) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for child in parent.children:
        found.setdefault(child.tag, []).append(child)
    return found


def _once(children: Mapping[str, Sequence[Element]], tag: str, faults: list[str]) -> Element | None:
    found = children.get(tag)
    if not found:
        return None
    if len(found) > 1:
        faults.append(f"{found[0].name!r} stands {len(found)} times in it")
    return found[0]


def _text(element: Element | None) -> str:
    return "" if element is None else element.text()


def _construct(element: Element | None, faults: list[str]) -> str:
    """The plain text of an Atom text construct (RFC 4287 §3.1)."""
    if element is None or element.attributes.get("type") != "html":
        return _text(element)
    return _text_of(element.text(), faults)


def _content(element: Element | None) -> str:
    """The HTML of Atom content (RFC 4287 §4.1.3.3)."""
    if element is None:
        return ""
    kind = element.attributes.get("type") or "text"
    if kind in ("html", "text/html"):
        return element.text()
    if kind in ("xhtml", "application/xhtml+xml"):
        content = element.content
        first = next((n for n, one in enumerate(content) if not isinstance(one, str)), len(content))
        pieces: list[str] = []
        for one in content[first:]:
            _write_html(one, pieces)
        return "".join(pieces)
    return _from_plain(element.text())


def _write_html(node: str | Element, pieces: list[str], *, raw: bool = False) -> None:
    """Append XHTML to *pieces*, written as HTML (HTML Standard §13.3)."""
    if isinstance(node, str):
        pieces.append(node if raw else html.escape(node, quote=False))
        return
    attributes = "".join(f' {n}="{html.escape(v)}"' for n, v in node.attributes.items())
    pieces.append(f"<{node.name}{attributes}>")
    if node.name in _VOID:
        return
    for one in node.content:
        _write_html(one, pieces, raw=node.name in ("script", "style"))
    pieces.append(f"</{node.name}>")


def _from_plain(text: str) -> str:
    return "<br>".join(html.escape(line, quote=False) for line in text.splitlines())


def _text_of(markup: str, faults: list[str]) -> str:
    """The text in HTML; when it cannot be read, that is a fault of its entry alone."""
    try:
        return text_of(markup)
    except TangleError as error:
        faults.append(f"its HTML {error.clause}")
        return ""


# What lenient readers show as an entry's own


def _contradictions(
    entry: Element, own: Sequence[Element | None], values: Mapping[str, str]
) -> Iterator[str]:
    """Elements of *entry* besides its *own* that say something else, as clauses.

    :param values: guid, headline, body (HTML) and summary of the entry.
    """
    may: dict[str, set[str]] = {}  # made once: there may be many others
    for element in _others(entry, {each for each in own if each is not None}):
        value = _VALUES[element.known]
        said = element.text()
        allowed = may.get(value) or may.setdefault(value, _allowed(value, values))
        if not allowed & {_squeezed(said), _words(said)}:
            yield f"another {element.known!r}, which some readers show, says something else"


def _others(parent: Element, own: AbstractSet[Element]) -> Iterator[Element]:
    """Elements in *parent* that readers take for a value of its entry, in document order, without
    the entry's *own* elements and those of a ``source``."""
    for element in parent.children:
        name = element.known
        if element in own or name == "source":
            continue
        # media:title and media:description of one medium are its own; media:content is no body.
        if name in _VALUES and not (
            _of_media(element) and (name == "content" or _of_media(parent))
        ):
            yield element
        if element.children:
            yield from _others(element, own)


def _of_media(element: Element) -> bool:
    return element.tag.startswith(_MEDIA)


def _allowed(value: str, values: Mapping[str, str]) -> set[str]:
    """What another element for *value* may say: a summary and a body may stand for each other."""
    if value in ("body", "summary"):
        return {_squeezed(values["summary"]), _words(values["summary"]), _words(values["body"])}
    return {_squeezed(values[value])}


def _words(markup: str) -> str:
    try:
        return _squeezed("".join(paragraphs(markup)))
    except TangleError:
        return "\0"


def _squeezed(text: str) -> str:
    return "".join(plain(text).split())


def _pictures(elements: Sequence[Element]) -> Iterator[str | None]:
    """The addresses of enclosures and pictures among *elements*, whatever format they are of."""
    for element in elements:
        name = element.known
        if name == "enclosure":
            yield element.attributes.get("url")
        elif name == "link" and element.attributes.get("rel", "").lower() == "enclosure":
            yield element.attributes.get("href")
        elif name == "image":
            yield element.attributes.get("href")
            yield from (child.text() for child in element.children if child.known == "url")


def parse_xml(document: bytes) -> Element:
    """The root element of an XML document.

    :raises Refused: when it is not well-formed, nests deeper than :data:`DEEPEST_XML`, has a
        DOCTYPE, or is in no known encoding.
    """
    parser = expat.ParserCreate("utf-8", _BETWEEN)
    parser.namespace_prefixes = True
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    top = Element("", {})
    path = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(path) > DEEPEST_XML:
            raise Refused(f"nests deeper than {DEEPEST_XML}")
        element = Element(name, attributes)
        path[-1].content.append(element)
        path[-1].children.append(element)
        path.append(element)

    def text(data: str) -> None:
        path[-1].content.append(data)

    def doctype(*declared: object) -> None:
        raise Refused("has a DOCTYPE, which can put other words in for those that stand there")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: path.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(_in_utf8(document), True)
    except expat.ExpatError as error:
        raise Refused(f"is neither XML nor JSON ({error})") from None
    (root,) = top.children
    return root


@lru_cache(maxsize=1024)  # a feed has few names, each many times
def _name_parts(name: str) -> tuple[str, str, str | None, str, str]:
    """Namespace, local name, prefix, and ``{namespace}name`` of a name as expat gives it; and what
    it is to lenient readers (:class:`Element`)."""
    pieces = name.split(_BETWEEN)
    if len(pieces) == 1:
        return "", name, None, name, name.lower()
    namespace, local = pieces[:2]
    prefix = pieces[2] if len(pieces) > 2 else None
    # To feedparser an unknown default namespace is none at all.
    known = prefix is None or prefix.lower() in _PREFIXES or namespace.lower() in _NAMESPACES
    return namespace, local, prefix, f"{{{namespace}}}{local}", local.lower() if known else ""


def _as_written(name: str) -> str:
    _, local, prefix, *_ = _name_parts(name)
    return local if prefix is None else f"{prefix}:{local}"


def _in_utf8(document: bytes) -> bytes:
    """*document* in UTF-8. Byte order mark and first bytes decide, then its declaration."""
    encoding: str = json.detect_encoding(document[:4])
    if encoding == "utf-8" and (declared := _DECLARED.match(document)):
        encoding = declared[1].decode()
    try:
        known = codecs.lookup(encoding).name.replace("_", "-")
        if known == "utf-8":
            return document
        if known in _NO_ENCODING:
            raise LookupError(f"unknown encoding: {encoding}")
        text = document.decode(encoding)
    except (LookupError, UnicodeError) as error:
        raise Refused(f"is neither XML nor JSON ({error})") from None
    if text.startswith("\ufeff"):
        raise Refused("is neither XML nor JSON (begins with two byte order marks)")
    return text.encode("utf-8", "surrogatepass")
