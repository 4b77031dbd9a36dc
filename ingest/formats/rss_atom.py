"""RSS 0.9x to 2.0, RSS 1.0 (RDF) and Atom 0.3 and 1.0.

``cut into items | parse each by itself | read its words | feedparser reads the rest``

An item's words are read from its own XML tree, exactly as the wire wrote them. feedparser is not
asked for these: it puts a picture's caption (media:description) in the place of the story,
"repairs" a title that really contains "Ã©", keeps only the last of repeated unknown elements, loses
the text of unknown elements that have attributes, and resolves guids as if they were links
(measured with 6.0.14). It reads links, categories, rights and the channel, from a document of ours
in which the words are left out: that is always well-formed and of bounded shape, because
feedparser takes 50 µs an element, minutes for one element with 40,000 attributes, and raises on
some references (6.0.14, measured). Where all items have the usual shape it is asked about the first
alone, and if it says what stands in that tree, the others are read from theirs.
"""

import base64
import binascii
import hashlib
import html
import re
import xml.parsers.expat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from itertools import islice, pairwise
from typing import Any, NamedTuple
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import feedparser
from lxml import etree

from ingest import dates, outline
from ingest.formats import encoding, item_spans, xml_repair
from ingest.formats.html import (
    VOID,
    has_words,
    is_balanced,
    is_markup,
    is_markup_title,
    letters_by_hand,
    line,
    media_in,
    mended,
    printed,
    resolve_references,
    unescaped,
    unwrapped,
    without_printed,
)
from ingest.formats.sniff import HEAD, Sniffed, beginning, declared, sniff_xml
from ingest.formats.xml_repair import Context
from ingest.integrity import letters
from ingest.item import (
    MOST_ITEMS,
    TOGETHER,
    Channel,
    Hints,
    Item,
    ItemMedia,
    ItemSignals,
    Outline,
    Parsed,
    summed_up,
)
from stories.errors import ParseError
from wirecopy.encoding import from_instant
from wirecopy.feed import OWN
from wirecopy.statement import Credit
from wirecopy.text import plain, projection
from wirecopy.urls import resolve

LENIENT_BYTES = 65_536
"""Bytes of unreadable items in one capture that feedparser's lenient parser may try. On hostile
text it takes seconds for 100 KB, and more than twice that for twice as much (measured)."""

MOST_REPAIRED = 1_000
"""Items of one capture that are repaired child by child; 60 broken children take some 3 ms."""

TEASER = 1.25
"""How many times the letters of the usual element another must have to be the body in its place:
one that repeats the story with a "Read more" is no fuller text."""

MOST_CHILDREN = 500
"""Children of one item that are read; real ones have some twenty."""

# What one child may have that feedparser is asked about, and how many of them.
_MOST_ASKED = 200
_MOST_INSIDE = 60
_MOST_ATTRIBUTES = 40
_LONGEST_CHILD = 4_000
_NOT_ASKED = frozenset(
    [
        # An id too: feedparser makes a link of one where there is no other.
        *("guid", "id", "atom:id", "title", "atom:title", "dc:title"),
        *("description", "summary", "atom:summary", "content", "atom:content", "content:encoded"),
        *("story", "fullstory", "fulltext", "full-text", "xhtml:body", "xhtml:div"),
        *("media:content", "media:group", "media:description", "media:thumbnail"),
        # It would count these among the categories.
        *("keywords", "tags", "itunes:keywords", "media:keywords"),
    ]
)
_HOLDERS = frozenset(
    [*("author", "contributor", "source", "image"), *("atom:author", "atom:contributor")]
)
"""Children of an item that feedparser knows to hold elements."""
_ATOM = "{http://www.w3.org/2005/Atom}"
_TOMBSTONES = "{http://purl.org/atompub/tombstones/1.0}"
_UTC = ZoneInfo("UTC")
_WESTMOST = ZoneInfo("Etc/GMT+12")
_NEVER = datetime.min.replace(tzinfo=UTC)
_START = re.compile(r"(?:\A|;)\s*start\s*=\s*([^;]+)")
_FIRST = re.compile(r"(\d{4}-\d\d[^;/]*)[;/]")
_DC = "{http://purl.org/dc/elements/1.1/}"
_USUAL_DATES = ("pubDate", f"{_DC}date", f"{_ATOM}published", f"{_ATOM}updated")
_USUAL_PERSON = (f"{_ATOM}name", f"{_ATOM}email", f"{_ATOM}uri")
_USUAL_CHILDREN: dict[object, frozenset[str]] = {
    **dict.fromkeys(_USUAL_DATES, frozenset()),
    **dict.fromkeys(("link", "author", f"{_ATOM}author", f"{_DC}creator"), frozenset()),
    "comments": frozenset(),
    "category": frozenset(["domain"]),
    "enclosure": frozenset(["url", "type", "length"]),
    f"{_ATOM}category": frozenset(["term", "label", "scheme"]),
    f"{_ATOM}link": frozenset(["href", "rel", "type", "title", "length", "hreflang"]),
}
"""Children of nearly all items, each with the attributes that it may have, of which is known what
feedparser makes of them."""
_USUAL_LINK = re.compile(
    r"https?://[a-z0-9.-]+(?::[0-9]+)?(?:/[\w/.~%+,=@:!*()-]*)?(?:\?[\w/.~%+,=@:!*()&-]+)?"
    r"(?:#[\w/.~%+,=@:!*()&-]+)?",
    re.ASCII,
)
_MARK = "wirecopy-items"
_COMMENT = re.compile("<!--.*?-->", re.DOTALL)
_CHANNEL_TAG = re.compile(r"<(?:[\w.-]{1,64}:)?channel(?=[\s>])([^<>]*)>", re.IGNORECASE)
# What is left open takes the rest, as the end of the document cuts it off.
_CLOSED = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|</(?:[\w.-]{1,64}:)?(\w{1,64})\s*>", re.DOTALL
)
_CHANNEL_BYTES = re.compile(rb"<channel\s", re.IGNORECASE)
_RSS_1 = '"http://purl.org/rss/1.0/"'
# A date of the feed, a comment that can be nothing else, and what may hold either as text.
_DATED = re.compile(
    r"<!\[CDATA\[.*?\]\]>|<!--(?P<comment>(?:(?!-->)[\w\s:,.+/()-]){0,500})-->|<!--.*?-->"
    r"|(?P<tag><(?P<name>(?:[\w.-]{1,20}:)?(?:lastBuildDate|pubDate|updated|modified|date))"
    r"(?:\s[^<>]*)?>)[\w\s:,.+-]{0,60}</(?P=name)\s*>",
    re.DOTALL,
)
_BARE = {
    "rdf": '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    ' xmlns="http://purl.org/rss/1.0/"><channel/></r:RDF>',
    "atom": '<feed xmlns="http://www.w3.org/2005/Atom"/>',
    "rss": '<rss version="2.0"><channel/></rss>',
}
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
    "www.rssboard.org/media-rss": "media",
    "rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "www.w3.org/1999/xhtml": "xhtml",
    "www.w3.org/1999/02/22-rdf-syntax-ns": "rdf",
    "www.w3.org/xml/1998/namespace": "xml",
    OWN: "wirecopy",
}
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_REFERRING = frozenset(["href", "src", "poster", "cite", "data"])
_RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_FULL_TEXT = ("story", "fullstory", "full-text", "fulltext", "fullcontent", "storybody")
_FULL = re.compile(
    r"(?:\?:)?(?:(?:full|long|complete|detail|detailed|article|story|body|main|news|item|post)"
    r"[-_.]?)+(?:text|content|description|story|body|article|html|copy|details)"
    r"|\?:(?:story|fulltext|full-text|fullstory|fullcontent)|(?:\?:)?(?:body|text)"
)
"""Names under which wires of their own invention, or of any namespace, send the whole story."""
_CREDITS = ("credit", "creditline", "credit-line", "dc:credit", "dcterms:credit")
# In the order to be tried.
_PUBLISHED = (
    *("pubdate", "published", "issued", "dcterms:issued", "atom:published", "dc:date"),
    *("created", "dcterms:created", "date"),
)
_UPDATED = (
    *("updated", "updatedat", "modified", "atom:updated", "dcterms:modified", "lastmodified"),
    *("lastbuilddate", "updateddate", "dcterms:date"),
)
# Names of wires' own, read since rule 2.
_PUBLISHED_BESIDE = (
    *("publishdate", "publisheddate", "publicationdate", "datepublished", "date_published"),
    *("publishedat", "published_at", "pub_date", "createdat", "created_at", "dcterms:available"),
    *("?:pubdate", "?:publicationdate", "?:published"),
)
_UPDATED_BESIDE = (
    *("updated_at", "modifiedat", "modified_at", "modifieddate", "datemodified", "date_modified"),
    *("dateupdated", "last_modified", "lastupdated", "last_updated", "?:updated", "?:modified"),
)
_HTML_TYPES = ("html", "text/html")
_XHTML_TYPES = ("xhtml", "application/xhtml+xml")


def detect(sniffed: Sniffed) -> bool:
    """Whether *sniffed* is a document of this format."""
    space = sniffed.namespace.lower()
    match sniffed.root:
        case "rss" | "channel":
            return True
        case "rdf":
            attributes = sniffed.attributes.lower()
            return "purl.org/rss" in attributes or "netscape.com/rdf" in attributes
        case "feed" | "entry":
            return not space or "atom" in space or "purl.org" in space
        case _:
            return False


@dataclass(frozen=True, slots=True)
class _Piece:
    """One item as read from its tree, the tree for feedparser, and the text where there is none.

    ``base`` is where its links are resolved, if it says so; ``item.base`` is its body's.
    """

    item: Item
    element: etree._Element | None
    text: str = ""
    base: str = ""


def parse(body: bytes, hints: Hints) -> Parsed:
    """The items of *body*, a feed. Linear in its length.

    :raises ParseError: ``malformed`` when it claims to be a feed but nothing can be got out of it.
    """
    notes: list[str] = []
    mends = hints.mends
    charset = encoding.decide(
        body, hints.headers.get("content-type", ""), mends=mends, settled=hints.charset
    )
    if charset.note:
        notes.append(f"encoding: {charset.note}")
    spans, regular = item_spans.scan(body, unclosed=mends)
    if len(spans) > MOST_ITEMS:
        notes.append(f"holds {len(spans)} items; the first {MOST_ITEMS} were read")
    head, tail = _around(body, spans, charset)
    sniffed = sniff_xml(beginning(body, charset))
    if sniffed.subset:
        notes.append("its DOCTYPE declares entities; only harmless ones were used")
    around = _context_of(body, spans, charset, sniffed, hints)
    standing = item_spans.standing(body, spans, hints) if around == hints.context else {}
    whole = _is_closed(sniffed, tail if spans else head) if sniffed.root != "entry" else bool(spans)
    drawn = _outline(body, spans, sniffed, hints) if around and regular and whole else None
    if standing and len(standing) == len(spans):
        return Parsed(
            *("", Channel(), (), tuple(notes)),
            whole=whole,
            context=around,
            standing=tuple(standing.values()),
            outline=drawn,
        )
    context = Context(_spaces(head, sniffed), dict(sniffed.entities), mends)
    pieces = _pieces(body, spans[:MOST_ITEMS], charset, context, notes, standing, hints.before)
    said = len(notes)
    known = hints.frame if around and around == hints.context else None
    entries = _usual_entries(pieces, known.tag) if known is not None else None
    tag = base = ""
    if known is not None and entries is not None:
        channel, tag = known.channel, known.tag
        result = {"version": known.format, "entries": entries}
    else:
        frame = _frame(head, tail, sniffed, context, notes, whole=bool(pieces or standing))
        around = around if len(notes) == said else ""
        base = _base(frame, hints)
        result, tag = _read_by_feedparser(frame, pieces, mends=mends)
        channel = _channel(result, frame, hints, base)
        if mends:
            channel = replace(channel, title=line(channel.title), rights=line(channel.rights))
    aligned = len(result.get("entries", ())) == sum(p.element is not None for p in pieces)
    if not aligned:
        notes.append("feedparser counted other items; categories and rights were left out")
    if not (aligned and result):
        around = ""
        if standing:
            return parse(body, replace(hints, standing=()))
    items: list[Item] = []
    read = _items(pieces, result, sniffed, context, aligned=aligned)
    for piece, item in zip(pieces, (_embargoed(i, hints.at) for i in read), strict=True):
        # The base of an item's references is what it declares, else its own page; its own link
        # is resolved like a reference of the channel's.
        own = _join(base or hints.url, piece.base) if piece.base else base
        stated = _join(own or hints.url, item.base) if item.base else own
        page = own if mends else stated
        link = resolve(item.link, page or channel.link or hints.url) if item.link else None
        near = stated or link or channel.link or hints.url
        made = mended if mends else replace
        items.append(made(item, link=link or "", base=near))
    return Parsed(
        format=str(result.get("version") or sniffed.root),
        channel=channel,
        items=(*items, *_deleted(body, charset, context, items, hints.rule)),
        notes=tuple(notes),
        unread=max(0, len(spans) - MOST_ITEMS),
        whole=whole,
        context=around,
        standing=tuple(standing.values()),
        outline=drawn if around else None,
        tag="" if base else tag,
    )


def _deleted(
    body: bytes, charset: encoding.Charset, context: Context, items: Sequence[Item], rule: int
) -> Iterator[Item]:
    """The entries of which Atom says that they are deleted (RFC 6721); *items* are the others. One
    that was updated since stands."""
    if rule < 3 or b"deleted-entry" not in body.replace(b"\0", b""):  # as UTF-16 has them between
        return
    updated = {item.guid: dates.first_date(item.updated, _UTC) for item in items}
    spans = item_spans.spans(body, names=("deleted-entry",))
    for position, (start, end) in enumerate(spans[: MOST_ITEMS - len(items)], len(items)):
        element = xml_repair.item(charset.decode(body[start:end]), context).element
        if element is None or element.tag != f"{_TOMBSTONES}deleted-entry":
            continue
        ref, when = element.get("ref", ""), dates.first_date((element.get("when", ""),), _UTC)
        since = updated.get(ref)
        if since is None or when is None or when >= since:
            why = " ".join((element.findtext(f"{_TOMBSTONES}comment") or "").split())
            said = ItemSignals("deleted", why=why)
            yield Item(position, start, end, guid=ref, signals=said, independent=False)


# The document, cut into its items and what is around them.


def _around(body: bytes, spans: item_spans.Spans, charset: encoding.Charset) -> tuple[str, str]:
    """What stands before the first item, and what stands between and after the items."""
    if not spans:
        return charset.decode(body), ""
    ends = [end for _, end in spans]
    starts = [*(start for start, _ in spans[1:]), len(body)]
    gaps = (body[end:start] for end, start in zip(ends, starts, strict=True))
    return charset.decode(body[: spans[0][0]]), charset.decode(b"".join(gaps))


def _context_of(
    body: bytes,
    spans: item_spans.Spans,
    charset: encoding.Charset,
    sniffed: Sniffed,
    hints: Hints,
) -> str:
    """See :attr:`ingest.item.Parsed.context`; ``""`` where the items of *body* cannot be told apart
    from what is around them.

    It covers all that :func:`parse` and the second reading take from outside an item, without the
    dates of the feed, and without white space between items: neither says anything of them.
    """
    if not hints.mends or not 0 < len(spans) <= MOST_ITEMS or charset.wide:
        return ""
    # feedparser takes the version of others from any namespace, even one that an item declares.
    if sniffed.root not in ("rss", "feed") and _RSS_1 not in sniffed.attributes:
        return ""
    first = spans[0][0]
    # The second reading takes the first such tag of the document for the channel's.
    if not _CHANNEL_BYTES.search(body, 0, first) and _CHANNEL_BYTES.search(body, first, HEAD):
        return ""
    starts = [*(start for start, _ in spans[1:]), len(body)]
    gaps = (body[end:start] for (_, end), start in zip(spans, starts, strict=True))
    outside = b"\0".join([body[:first], *(gap for gap in gaps if gap.strip())])
    read = (
        *(hints.rule, hints.url, hints.headers.get("link", "")),
        *(charset.name, charset.note, charset.guessed),
        *(sniffed.root, sniffed.namespace, sniffed.attributes, sniffed.entities, sniffed.subset),
        _DATED.sub(_undated, charset.decode(outside)),
    )
    return hashlib.sha256(repr(read).encode("utf-8", "replace")).hexdigest()[:32]


def _outline(
    body: bytes, spans: item_spans.Spans, sniffed: Sniffed, hints: Hints
) -> Outline | None:
    """The outline of *body*, regular, whole and with a context; see :mod:`ingest.outline`."""
    first, last = spans[0][0], spans[-1][1]
    gaps = pairwise(spans)
    apart = any(body[one[1] : two[0]].strip(b" \t\r\n") for one, two in gaps)
    # See _context_of: here wherever such a tag may stand in another capture.
    named = not _CHANNEL_BYTES.search(body, 0, first) and _CHANNEL_BYTES.search(body, first)
    if apart or named or not encoding.is_sure(body, hints.headers.get("content-type", "")):
        return None
    return outline.draw(body, first, last, sniffed.at, hints)


def _undated(match: re.Match[str]) -> str:
    """What :data:`_DATED` found, without what may change there without saying anything."""
    if match["tag"]:
        return match["tag"]
    return "" if match["comment"] else match[0]


def _is_closed(sniffed: Sniffed, outside: str) -> bool:
    """Whether the root is closed: in its own tag, or in *outside*, what follows the first item."""
    ends = (name.lower() for name in _CLOSED.findall(outside))
    return sniffed.attributes.endswith("/") or sniffed.root in ends


def _spaces(head: str, sniffed: Sniffed) -> dict[str, str]:
    """Prefix to namespace, as declared before the first item.

    The default one counts only on the root and on the channel: elsewhere it is over by then.
    """
    channel = _CHANNEL_TAG.search(head)
    anywhere = list(declared(head[:HEAD]).items())[:64]
    spaces = {prefix: uri for prefix, uri in anywhere if prefix}
    spaces |= declared(sniffed.attributes)
    spaces |= declared(channel[1] if channel else "")
    return xml_repair.usable(spaces)


def _pieces(
    body: bytes,
    spans: item_spans.Spans,
    charset: encoding.Charset,
    context: Context,
    notes: list[str],
    standing: Collection[int],
    before: int,
) -> list[_Piece]:
    """The items at *spans*, but for those *standing*, numbers of spans. *before* is how many there
    are before all of them."""
    pieces: list[_Piece] = []
    problems: list[tuple[int, str]] = []
    passed = before
    numbers = range(len(spans))
    for first in range(0, len(spans), TOGETHER):
        trees: list[tuple[Item, xml_repair.Tree, str]] = []
        for number in numbers[first : first + TOGETHER]:
            if number in standing:
                passed += 1
                continue
            start, end = spans[number]
            text = item_spans.closed(charset.decode(body[start:end]))
            tree = xml_repair.item(text, context, patiently=len(problems) < MOST_REPAIRED)
            if tree.element is not None and not _is_item(tree.element):
                continue
            if tree.repaired:
                problems.append((number + before, tree.repaired))
            doubt = charset.doubt(body[start:end])
            position = len(pieces) + len(trees) + passed
            item = Item(position=position, start=start, end=end, doubt=doubt)
            trees.append((item, tree, text if tree.element is None else ""))
        items = [_worded(item, tree, context) for item, tree, _ in trees]
        pieces += (
            _piece(item, tree, text, context)
            for item, (_, tree, text) in zip(items, trees, strict=True)
        )
    notes += summed_up(problems)
    return pieces


def _worded(item: Item, tree: xml_repair.Tree, context: Context) -> Item:
    """*item* with what its *tree* says in words."""
    if tree.element is None:
        unreadable = tree.repaired if context.mends else ""
        return replace(item, unreadable=unreadable, independent=False)
    if context.mends and len(tree.element) > MOST_CHILDREN:
        many = f"of its {len(tree.element):,} elements the first {MOST_CHILDREN} were read"
        item = replace(item, unreadable=many)
    return _read(item, tree.element, context.mends)


def _piece(item: Item, tree: xml_repair.Tree, text: str, context: Context) -> _Piece:
    """*item*, whose words were read, with what is left of its *tree* for feedparser; or its *text*,
    where there is none."""
    if tree.element is None:
        return _Piece(item, None, text)
    _strip(tree.element)
    base = _without_base(tree.element) if context.mends else ""
    if tree.repaired or not _is_independent(tree.element):
        item = replace(item, independent=False)
    return _Piece(item, tree.element, base=base)


def _strip(element: etree._Element) -> None:
    """Leave in *element* what feedparser is asked for, in a shape that cannot keep it busy."""
    kept = 0
    for child in list(element):
        if _name(child) not in _NOT_ASKED and kept < _MOST_ASKED and _is_small(child):
            kept += 1
        else:
            element.remove(child)
    if not _few_attributes(element):
        for key in list(element.attrib)[_MOST_ATTRIBUTES:]:
            del element.attrib[key]


def _without_base(element: etree._Element) -> str:
    """The ``xml:base`` of *element*, an item, which is taken off: feedparser lets the base of one
    element reach into the next (6.0.14, measured). Links inside are made relative to it."""
    base = str(element.attrib.pop(_XML_BASE, "")).strip()
    for inside in element.iterdescendants():
        if isinstance(inside.tag, str) and (near := str(inside.attrib.pop(_XML_BASE, "")).strip()):
            for name in ("href", "url"):
                if address := inside.get(name):
                    inside.set(name, urljoin(near, address))
    return base


def _is_independent(element: etree._Element) -> bool:
    """Whether feedparser surely leaves *element*, an item, as it came to it (6.0.14): it counts how
    deep in texts it is, and is wrong where one has another inside; and it keeps prefixes."""
    above = element.getparent()
    spaces = above.nsmap if above is not None else {}
    for child in element:
        holder = len(child) > 0
        if child.nsmap != spaces or (holder and _name(child) not in _HOLDERS):
            return False
        if holder and any(len(inside) or inside.nsmap != spaces for inside in child):
            return False
    return element.nsmap == spaces


def _is_small(element: etree._Element) -> bool:
    length = 0
    for count, inside in enumerate(element.iter()):
        length += len(inside.text or "") + len(inside.tail or "")
        if count > _MOST_INSIDE or length > _LONGEST_CHILD or not _few_attributes(inside):
            return False
    return True


def _few_attributes(element: etree._Element) -> bool:
    return not isinstance(element.tag, str) or len(element.attrib) <= _MOST_ATTRIBUTES


def _frame(
    head: str,
    tail: str,
    sniffed: Sniffed,
    context: Context,
    notes: list[str],
    *,
    whole: bool,
) -> etree._Element:
    """The document without its items, with a mark where they stood.

    :raises ParseError: ``malformed`` when there are no items and the document is broken too.
    """
    text = ""
    if sniffed.root != "entry" and sniffed.at >= 0:
        text = xml_repair.windows_references(
            f"{head[sniffed.at :]}<?{_MARK}?>{tail}".rstrip("\0 \r\n\t")
        )
    tree = xml_repair.document(text, context) if text else xml_repair.Tree(None)
    root = tree.element
    if tree.broken and not whole:
        raise ParseError(
            "malformed",
            f"claims to be a feed (<{sniffed.root}>), but it is broken and no whole item is in it:"
            f" {tree.repaired[:200]}; ask the agency if the next one is the same",
        )
    if not whole and context.mends and root is not None and (why := _why_no_feed(root)):
        raise ParseError(
            "not-a-feed",
            f"claims to be a feed (<{sniffed.root}>), but {why}; check the wire's url and its"
            " credentials",
        )
    if tree.broken:
        notes.append(f"broken outside its items, whole items kept: {tree.repaired[:200]}")
    if root is None:  # the document's own could not be had: one that says nothing
        family = {"rdf": "rdf", "feed": "atom", "entry": "atom"}.get(sniffed.root, "rss")
        root = etree.fromstring(_BARE[family])
    _settle(root)
    return root


def _why_no_feed(root: etree._Element) -> str:
    """What *root*, a document without items, has in the place of a feed's; ``""`` for a feed."""
    elements = [e for e in root if isinstance(e.tag, str)]
    channel = next((e for e in elements if _name(e).rpartition(":")[2] == "channel"), None)
    if _name(root).partition(":")[0] not in ("atom", "rdf") and channel is None:
        if _name(root) != "rss":
            return "no feed without items looks so"
        if elements:
            return f"<{etree.QName(elements[0]).localname}> stands where <channel> should"
    for element in (*elements, *(channel if channel is not None else ())):
        if isinstance(element.tag, str) and _is_like_an_item(element):
            return f"<{etree.QName(element).localname}> stands where an item should"
    return ""


def _is_like_an_item(element: etree._Element) -> bool:
    local = _name(element).rpartition(":")[2]
    inside = {_name(e).rpartition(":")[2] for e in element}
    return local not in ("channel", "image", "textinput") and bool(inside & {"title", "headline"})


def _settle(root: etree._Element) -> None:
    """Make sure of the mark, and that nothing else in the frame can keep feedparser busy."""
    for broken in [e for e in root.iter() if isinstance(e.tag, str) and _is_item(e)]:
        if (parent := broken.getparent()) is not None:
            parent.remove(broken)
    mark = _mark(root)
    channel = next((e for e in root if _name(e).rpartition(":")[2] == "channel"), None)
    holders = [root] if channel is None else [root, channel]
    home = mark.getparent() if mark is not None else None
    if mark is None or home is None or not any(home is holder for holder in holders):
        if mark is not None and home is not None:
            home.remove(mark)
        rdf = _name(root).rpartition(":")[2] == "rdf"
        holders[0 if rdf else -1].append(etree.ProcessingInstruction(_MARK))
    for holder in holders:
        kept = 0
        for child in list(holder):
            if child is channel or not isinstance(child.tag, str):
                continue
            kept += 1
            if kept > _MOST_ASKED or not _is_small(child):
                holder.remove(child)
        for key in list(holder.attrib)[_MOST_ATTRIBUTES:]:
            del holder.attrib[key]


def _mark(root: etree._Element) -> etree._Element | None:
    """Where the items stood."""
    marks: Iterable[Any] = root.iter(etree.ProcessingInstruction)
    return next((mark for mark in marks if mark.target == _MARK), None)


# What feedparser reads.


def _read_by_feedparser(
    frame: etree._Element, pieces: Sequence[_Piece], *, mends: bool
) -> tuple[dict[str, Any], str]:
    """What :func:`_feedparser_on` gives for *pieces*, at the cost of one where all are usual; then
    also their name (:class:`ingest.item.Frame`)."""
    first = pieces[0].element if pieces and mends else None
    tag = str(first.tag) if first is not None else ""
    entries = _usual_entries(pieces, tag)
    if not tag or entries is None:
        return _feedparser_on(frame, pieces), ""
    # It is asked about the first, and believed: what stands around items may stand against them.
    result = _feedparser_on(frame, pieces[:1])
    witness = [_completed(pieces[0].item, entry) for entry in result.get("entries", ())]
    if witness == [_completed(pieces[0].item, entries[0])]:
        return {**result, "entries": entries}, tag
    return _feedparser_on(frame, pieces[1:]), ""


def _usual_entries(pieces: Sequence[_Piece], tag: str) -> list[dict[str, Any]] | None:
    """What feedparser says of *pieces* if all of them are usual elements of the name *tag*."""
    found: list[dict[str, Any]] = []
    for piece in pieces:
        said = _said(piece)
        if said is None or piece.element is None or piece.element.tag != tag:
            return None
        found.append(said)
    return found


def _said(piece: _Piece) -> dict[str, Any] | None:
    """What feedparser says of *piece*, as far as :func:`_completed` asks: read from its tree, where
    that has the usual shape; else None."""
    element = piece.element
    if element is None or element.attrib or not piece.item.independent:
        return None
    if not all(map(_is_usual, element)):
        return None
    links = [_text(link) for link in element.iterchildren("link")]
    for link in element.iterchildren(f"{_ATOM}link"):
        if link.get("rel", "alternate").lower() == "alternate":
            links.append(
                link.get("href", "") if link.get("type", "text/html") == "text/html" else ""
            )
    tags = [_tag(category) for category in element.iterchildren("category", f"{_ATOM}category")]
    if len(links) != 1 or not _USUAL_LINK.fullmatch(links[0]) or not all(tags):
        return None
    return {"link": links[0], "tags": tags}


def _is_usual(child: etree._Element) -> bool:
    """Whether feedparser keeps what *child*, of an item, says in the place that its name says."""
    known = _USUAL_CHILDREN.get(child.tag)
    if known is None or not known.issuperset(child.attrib):
        return False
    if len(child):
        return child.tag == f"{_ATOM}author" and all(
            part.tag in _USUAL_PERSON and not part.attrib and not len(part) for part in child
        )
    text = _text(child)
    if child.tag == f"{_ATOM}link":
        return bool(child.get("href")) and not text
    return child.tag not in _USUAL_DATES or dates.USUAL.fullmatch(text) is not None


def _tag(category: etree._Element) -> dict[str, str | None] | None:
    """What feedparser makes of a usual *category*; None where it may make something else of it."""
    text = _text(category)
    if category.tag == "category":
        # It takes some Latin-1 for UTF-8, and controls for windows-1252.
        sure = text.isascii() or (text != "" and max(text) > "\xff")
        known = bool(text) and text.isprintable() and sure
        return {"term": text, "scheme": category.get("domain")} if known else None
    names = ("term", "label", "scheme")
    return (
        {name: category.get(name) for name in names} if category.get("term") and not text else None
    )


def _feedparser_on(frame: etree._Element, pieces: Sequence[_Piece]) -> dict[str, Any]:
    """feedparser's result for *frame* with *pieces* in the place of its mark; {} if it fails."""
    mark = _mark(frame)
    assert mark is not None, "the frame was settled"
    for element in (piece.element for piece in pieces if piece.element is not None):
        element.tail = None
        mark.addprevious(element)
    document = etree.tostring(frame, encoding="utf-8")
    try:
        # The very parser that feedparser uses: what it refuses would go to the lenient one.
        xml.parsers.expat.ParserCreate("utf-8", " ").Parse(document, True)
        return _feedparser(document)
    except Exception:  # feedparser raises what it pleases; the words do not depend on it
        return {}


def _feedparser(document: bytes) -> dict[str, Any]:
    # A stream, never bytes or text: those feedparser would first take for an address or a file.
    result: dict[str, Any] = feedparser.parse(
        BytesIO(document),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    return result


def _items(
    pieces: Sequence[_Piece],
    result: dict[str, Any],
    sniffed: Sniffed,
    context: Context,
    *,
    aligned: bool,
) -> Iterator[Item]:
    following = iter(result.get("entries", ()))
    budget = LENIENT_BYTES
    for piece in pieces:
        if piece.element is not None:
            yield _completed(piece.item, next(following) if aligned else {})
        elif len(piece.text) <= budget:
            budget -= len(piece.text)
            yield _read_leniently(piece.item, piece.text, sniffed, context)
        else:
            yield piece.item  # without words: refused by itself, later


def _completed(item: Item, entry: dict[str, Any]) -> Item:
    """*item* with what feedparser is asked for: link, categories, rights."""
    categories: dict[tuple[str, str], None] = {}
    for tag in entry.get("tags", ()):
        if label := _str(tag.get("label")) or _str(tag.get("term")):
            categories.setdefault((label, _str(tag.get("scheme"))))
    return replace(
        item,
        link=_str(entry.get("feedburner_origlink")) or _str(entry.get("link")) or item.link,
        categories=tuple(categories),
        rights=item.rights or _str(entry.get("rights")),
    )


def _read_leniently(item: Item, text: str, sniffed: Sniffed, context: Context) -> Item:
    """*item* as feedparser's lenient parser reads *text*, when nothing else could."""
    _, repaired = xml_repair.repair(text, context)
    spaces = "".join(f' xmlns:{p}="{u}"' for p, u in xml_repair.WELL_KNOWN.items())
    name = "feed" if sniffed.root in ("feed", "entry") else "rss"
    try:
        result = _feedparser(f"<{name}{spaces}>{repaired}</{name}>".encode())
        entry = result["entries"][0]
    except Exception:  # see _ask; an item without words is refused by itself, later
        return item
    contents = [c for c in entry.get("content", ()) if _str(c.get("value"))]
    summary = _str(entry.get("summary"))
    body = _str(contents[0].get("value")) if contents else summary
    title = _str(entry.get("title"))
    held = _str(entry.get("dcterms_available")) if context.mends else ""
    return replace(
        _completed(item, entry),
        guid=_str(entry.get("id")),
        headline=resolve_references(title),
        headline_html=is_markup_title(title, context.mends),
        body=body,
        body_html=is_markup(body),
        summary=summary if contents else "",
        summary_html=is_markup(summary),
        authors=tuple(n for a in entry.get("authors", ()) if (n := _str(a.get("name")))),
        sources=tuple(s for s in [_str(entry.get("source", {}).get("title"))] if s),
        published=tuple(d for d in [_str(entry.get("published"))] if d),
        signals=ItemSignals(embargo=_beginning(held)) if held else None,
        # Asked in its own way, feedparser gives the published date instead, and warns.
        updated=tuple(d for d in [_str(dict.get(entry, "updated"))] if d),
        media=tuple(
            ItemMedia(url=url, type=_str(m.get("type")), medium=_str(m.get("medium")))
            for m in [*entry.get("media_content", ()), *entry.get("enclosures", ())]
            if (url := _str(m.get("url") or m.get("href")))
        ),
    )


def _channel(result: dict[str, Any], frame: etree._Element, hints: Hints, base: str) -> Channel:
    feed: dict[str, Any] = result.get("feed", {})
    hours = [e for e in frame.iter() if _name(e) == "hour"]
    days = [e for e in frame.iter() if _name(e) == "day"]
    links = [(x.get("rel"), _str(x.get("href"))) for x in feed.get("links", ())]
    return Channel(
        title=_str(feed.get("title")),
        link=_join(base or hints.url, _str(feed.get("link"))) if feed.get("link") else "",
        language=_str(feed.get("language")) or (frame.get(_XML_LANG) or "").strip(),
        rights=_str(feed.get("rights")),
        ttl=_str(feed.get("ttl")),
        update_period=_str(feed.get("sy_updateperiod")),
        update_frequency=_str(feed.get("sy_updatefrequency")),
        skip_hours=tuple(_text(e) for e in hours[:24]),
        skip_days=tuple(_text(e) for e in days[:7]),
        hubs=tuple(url for rel, url in links if rel == "hub" and url)[:10],
        topic=next((url for rel, url in links if rel == "self"), ""),
    )


def _base(frame: etree._Element, hints: Hints) -> str:
    """The xml:base in force on the items, ``""`` where none is declared. It is taken off: what
    feedparser resolves with it could not be resolved with an item's own."""
    base = ""
    for holder in (frame, *(e for e in frame if _name(e) == "channel")):
        if stated := holder.get(_XML_BASE):
            base = _join(base or hints.url, stated)
            if hints.mends:
                del holder.attrib[_XML_BASE]
    return base


def _join(base: str, address: str) -> str:
    """*address* resolved against *base*; *base* where it refers to nothing."""
    return resolve(address, base) or base


def _str(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


# What an item's own tree says.


class _Words(NamedTuple):
    """A text and whether it is HTML (True) or plain."""

    text: str = ""
    html: bool = False


@dataclass(slots=True)
class _Children:
    """An item's children by name; names as :func:`_name` gives them."""

    mends: bool
    by_name: dict[str, list[etree._Element]] = field(default_factory=dict)

    def all(self, *names: str) -> Iterator[etree._Element]:
        known = self.by_name
        return (element for name in names if name in known for element in known[name])

    def texts(self, *names: str) -> tuple[str, ...]:
        return _distinct(_text(element) for element in self.all(*names))

    def first(self, *names: str) -> str:
        return next(iter(self.texts(*names)), "")


def _name(element: etree._Element) -> str:
    """The element's name with a prefix that depends on the namespace alone, in lower case.

    Feeds write namespaces with a wrong scheme or without the last slash; those are the same here.
    RSS of every kind has no prefix; an unknown namespace gives ``?:``.
    """
    tag: object = element.tag
    if not isinstance(tag, str):  # a comment or a processing instruction
        return ""
    return _called(tag) if len(tag) < 200 else _called.__wrapped__(tag)


@lru_cache(maxsize=256)
def _called(tag: str) -> str:
    if tag[0] != "{":
        return tag.lower()
    uri, _, local = tag[1:].rpartition("}")
    key = uri.strip().lower().rpartition("://")[2].rstrip("/#")
    prefix = _SPACES.get(key, "?")
    return f"{prefix}:{local.lower()}" if prefix else local.lower()


def _is_item(element: etree._Element) -> bool:
    """Whether *element* is an item of RSS or an entry of Atom, and not one of another language."""
    return _name(element) in ("item", "entry", "atom:entry", "atom:item")


def _text(element: etree._Element) -> str:
    """The text in *element*, that of its children included, without surrounding white space."""
    if len(element) == 0:
        return (element.text or "").strip()
    return "".join(map(str, element.itertext())).strip()


def _read(item: Item, element: etree._Element, mending: bool) -> Item:
    """*item* with what *element*, an RSS item or an Atom entry, says in words."""
    atom = _name(element).startswith("atom:")
    children = _Children(mending)
    for child in islice(element, MOST_CHILDREN):
        name = _name(child)
        # In an Atom document Atom's elements are the document's own, as RSS's are in RSS.
        name = name.removeprefix("atom:") if atom else name
        if name:
            children.by_name.setdefault(name, []).append(child)
    guid = children.first("guid", "id", "atom:id") or element.get(_RDF_ABOUT) or ""
    headline = _headline(children, atom)
    body, summary, others = _body_and_summary(children, atom)
    media = _media(children)
    if mending and not media:
        media = _media_beside(body, others)
    if mending and "wirecopy:agency" in children.by_name:
        item = _republished(item, children)
        said = (children.first(f"wirecopy:{name}") for name in ("statement", "disclosure"))
        sentence = printed(*said)
        body = body._replace(text=without_printed(body.text, sentence))
    elif mending and "wirecopy:withdrawn" in children.by_name:
        item = replace(item, signals=ItemSignals("withdrawn"))
    if mending and (stated := children.texts("dcterms:available")):
        until = max(map(_beginning, stated), key=_latest)
        item = replace(item, signals=replace(item.signals or ItemSignals(), embargo=until))
    return replace(
        item,
        guid=guid,
        link=_link(children, guid),
        headline=headline.text,
        headline_html=headline.html,
        elsewhere="" if body.text else _elsewhere(children),
        body=body.text,
        body_html=body.html,
        summary=summary.text,
        summary_html=summary.html,
        base=_own_base(element, children, mending),
        language=_language(element, children),
        authors=_people(children, "author", "atom:author", "byline"),
        creators=_people(children, "dc:creator", "dcterms:creator", "dc:author"),
        sources=_sources(children),
        credits=children.texts(*_CREDITS),
        published=children.texts(*_PUBLISHED, *(_PUBLISHED_BESIDE if mending else ())),
        updated=children.texts(*_UPDATED, *(_UPDATED_BESIDE if mending else ())),
        version=children.first("version", "revision"),
        keywords=_keywords(children),
        media=media,
        rights=children.first("rights", "copyright", "dc:rights", "dcterms:rights"),
        urgency=children.first("urgency"),
        dateline=children.first("dateline"),
    )


def _republished(item: Item, children: _Children) -> Item:
    """*item* with what another Wirecopy, whose feed this is, says of its origin."""
    stated = (children.first(f"wirecopy:{n}") for n in ("agency", "agencyid", "agencyversion"))
    pages = (
        (link.get("href") or "").strip()
        for link in children.all("link", "atom:link")
        if (link.get("rel") or "").lower() == "via"
    )
    corrects = children.first("wirecopy:correction")
    signals = ItemSignals(correction=True, corrected=corrects) if corrects else None
    return replace(item, provenance=Credit(*stated), page=next(pages, ""), signals=signals)


def _beginning(text: str) -> str:
    """*text*, a date; of a period (DCMI Period, ISO 8601) when it begins."""
    named = _START.search(text)
    told = named or (None if dates.parse_date(text, _WESTMOST) else _FIRST.match(text))
    return told[1] if told is not None else text


def _latest(text: str) -> datetime:
    """The latest moment that *text* may mean, in whatever zone; the first of all if it is none."""
    return dates.parse_date(text, _WESTMOST) or _NEVER


def _embargoed(item: Item, at: str) -> Item:
    """*item*, whose embargo is what it says of when it is ``dcterms:available``. By another
    Wirecopy that is one in any case; by others, if it was to come when their bytes came, *at*: else
    it is a date like others, which changes nothing."""
    if item.signals is None or not item.signals.embargo or item.provenance is not None:
        return item
    end, came = _latest(item.signals.embargo), from_instant(at) if at else _NEVER
    if end > came:
        # Read at another time it may be read otherwise.
        return replace(item, independent=False)
    return replace(item, signals=replace(item.signals, embargo=""))


def _link(children: _Children, guid: str) -> str:
    """The item's page, where feedparser names none: its link, else a guid that is one."""
    for element in children.all("feedburner:origlink", "link", "atom:link"):
        if (element.get("rel") or "alternate").lower() == "alternate" and (
            link := (element.get("href") or _text(element)).strip()
        ):
            return link
    stated = next(children.all("guid"), None)
    if stated is None or (stated.get("isPermaLink") or "true").lower() != "true":
        return ""
    return guid if guid.startswith(("http://", "https://")) else ""


def _own_base(element: etree._Element, children: _Children, mending: bool) -> str:
    if not mending and (base := element.get(_XML_BASE)):
        return base.strip()
    names = ["content"]
    if mending:
        names += ["atom:content", "content:encoded", "summary", "description"]
    return next((b.strip() for c in children.all(*names) if (b := c.get(_XML_BASE))), "")


def _elsewhere(children: _Children) -> str:
    """Where the text is that an entry of Atom only leads to (RFC 4287 §4.1.3.2)."""
    for content in children.all("content", "atom:content") if children.mends else ():
        kind = (content.get("type") or "text").strip().lower()
        if (address := (content.get("src") or "").strip()) and (
            kind.startswith(("text", *_HTML_TYPES, *_XHTML_TYPES))
        ):
            return address
    return ""


def _language(element: etree._Element, children: _Children) -> str:
    if language := element.get(_XML_LANG):
        return language.strip()
    return children.first("dc:language", "dcterms:language", "language") or next(
        (b.strip() for c in children.all("content", "title") if (b := c.get(_XML_LANG))), ""
    )


def _headline(children: _Children, atom: bool) -> _Words:
    for name in ("title", "atom:title", "dc:title", "dcterms:title"):
        for element in children.all(name):
            if atom or name == "atom:title":
                text = _construct(element)
            elif len(element):
                text = _mixed(element, children.mends)
            else:
                raw = element.text or ""
                raw = unwrapped(raw) if children.mends else raw
                marked = is_markup_title(raw, children.mends)
                text = _Words(raw if marked else resolve_references(raw), marked)
            if text.text.strip():
                return text
    return _Words()


def _body_and_summary(children: _Children, atom: bool) -> tuple[_Words, _Words, list[_Words]]:
    """Body, summary, and all texts but the body. The body is the fuller text, whatever element
    holds it; of about equal ones it is the first here. The summary is the next."""
    bodies = [_undeclared(e, children.mends) for e in children.all("content:encoded")]
    bodies += [_construct(e, body=True) for e in children.all("atom:content")]
    for element in children.all("content"):
        bodies.append(
            _construct(element, body=True) if atom else _undeclared(element, children.mends)
        )
    bodies += [_undeclared(e, children.mends) for e in children.all(*_FULL_TEXT)]
    bodies += [
        _Words(_inner(e, base=e.get(_XML_BASE)), True)
        for e in children.all("xhtml:body", "xhtml:div")
    ]
    if children.mends:
        named = [n for n in children.by_name if n not in _FULL_TEXT and _is_full(n)]
        bodies += [_undeclared(e, True) for e in children.all(*named)]
    summaries: list[_Words] = []
    for element in children.all("summary", "atom:summary"):
        declared = atom or _name(element) == "atom:summary"
        summaries.append(_construct(element) if declared else _undeclared(element, children.mends))
    # Another Wirecopy's description may but repeat the first words.
    repeats = children.mends and children.first("wirecopy:firstwords") == "true"
    described = () if repeats else children.all("description")
    summaries = [_undeclared(e, children.mends) for e in described] + summaries
    summaries += [
        _undeclared(e, children.mends) for e in children.all("dc:description", "dcterms:abstract")
    ]
    if children.mends:
        bodies, summaries = ([*map(_unescaped, texts)] for texts in (bodies, summaries))
    candidates = bodies + summaries
    spare = [_undeclared(e, True) for e in children.all("itunes:summary") if children.mends]
    body = next((t for t in candidates + spare if _has_words(t)), None) or next(
        (t for t in candidates if t.text.strip()), _Words()
    )
    if not children.mends:
        summary = next((t for t in summaries if t is not body and t.text.strip()), _Words())
        return body, summary, []
    first, body = body, _fullest(body, candidates)
    # A displaced body first: its words are to come out, if it has any (a style sheet has none).
    beside = [t for t in (first, *summaries) if t is not body and t.text.strip()]
    others = [t for t in candidates if t is not body]
    return body, next(filter(_shows, beside), _Words()), others


def _media_beside(body: _Words, others: Iterable[_Words]) -> tuple[ItemMedia, ...]:
    """What the *others* show, where *body* shows nothing: elsewhere it is most often the same in
    another size."""
    found = {one.url: one for text in others if text.html for one in media_in(text.text)}
    return () if not found or (body.html and any(media_in(body.text))) else tuple(found.values())


@lru_cache(maxsize=256)
def _is_full(name: str) -> bool:
    return _FULL.fullmatch(name) is not None


def _shows(text: _Words) -> bool:
    """Whether a reader sees anything of *text*."""
    try:
        return not text.html or _letters(text) > 0 or bool(projection(text.text))
    except ParseError:  # built to burst a parser; the item is refused for it
        return True


def _fullest(first: _Words, candidates: Sequence[_Words]) -> _Words:
    """*first*, unless another says a good part more: then *first* is but a teaser."""
    others = [t for t in candidates if t is not first and 3 * len(t.text) > len(first.text)]
    if not others:
        return first
    length, fullest = max(((_letters(t), t) for t in others), key=lambda pair: pair[0])
    return fullest if length > TEASER * _letters(first) else first


def _unescaped(text: _Words) -> _Words:
    return text._replace(text=unescaped(text.text)) if text.html else text


def _letters(text: _Words) -> int:
    return letters_by_hand(text.text) if text.html else letters(text.text, addresses=True)


def _has_words(text: _Words) -> bool:
    return has_words(text.text) if text.html else bool(text.text.strip())


def _undeclared(element: etree._Element, mending: bool) -> _Words:
    """Text of an element of which nobody says whether it is HTML."""
    if len(element):
        return _mixed(element, mending)
    raw = unwrapped(element.text or "") if mending else element.text or ""
    return _Words(raw, is_markup(raw))


def _mixed(element: etree._Element, mending: bool) -> _Words:
    """HTML of an element of undeclared type that holds elements. Its own characters are words, or
    HTML where a section or escaped markup stands beside a real element."""
    own = "".join([element.text or "", *(child.tail or "" for child in element)])
    marked = mending and is_balanced(_COMMENT.sub("", unwrapped(own)))
    return _Words(_inner(element, str if marked else _escaped), True)


def _construct(element: etree._Element, *, body: bool = False) -> _Words:
    """An Atom text construct (RFC 4287 §3.1), or content (§4.1.3); also those of Atom 0.3."""
    kind = (element.get("type") or "text").partition(";")[0].strip().lower()
    mode = (element.get("mode") or "").strip().lower()
    raw = element.text or ""
    if body and element.get("src"):
        return _Words()  # the content is elsewhere; nothing of it was received
    if kind in _XHTML_TYPES or (len(element) and mode in ("", "xml")):
        children = [child for child in element if isinstance(child.tag, str)]
        lone = len(children) == 1 and not raw.strip() and not (children[0].tail or "").strip()
        if lone and etree.QName(children[0]).localname.lower() == "div":
            return _Words(_inner(children[0], base=children[0].get(_XML_BASE)), True)
        return _Words(_inner(element), True)
    if mode == "base64" or (body and not kind.startswith("text") and kind not in _HTML_TYPES):
        return _base64(raw, kind)
    return _Words(raw, kind in _HTML_TYPES)


def _base64(raw: str, kind: str) -> _Words:
    """Content of another media type is base64 (RFC 4287 §4.1.3.3); only text is any use here."""
    if not kind.startswith("text") and kind not in (*_HTML_TYPES, *_XHTML_TYPES):
        return _Words()
    try:
        text = base64.b64decode(raw.encode(), validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return _Words()
    return _Words(text, kind in _HTML_TYPES or kind in _XHTML_TYPES)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _inner(
    element: etree._Element, own: Callable[[str], str] = _escaped, base: str | None = None
) -> str:
    """The markup inside *element* as HTML: elements by their local names, namespaces dropped; *own*
    makes HTML of the characters that stand in itself. References are relative to *base*, which
    ``xml:base`` inside changes."""
    pieces: list[str] = []
    _append_inner(element, pieces, own, base or "")
    return "".join(pieces)


def _append_inner(
    element: etree._Element, pieces: list[str], own: Callable[[str], str], base: str
) -> None:
    # As deep as lxml's own limit of 256, well within Python's.
    pieces.append(own(element.text or ""))
    for child in element:
        if isinstance(child.tag, str):
            name = etree.QName(child).localname
            near = _nearer(base, child.get(_XML_BASE) or "")
            pieces.append(f"<{name}")
            for key, value in child.attrib.items():
                if not (attribute := str(key)).startswith("{"):
                    said = _nearer(near, str(value)) if attribute in _REFERRING else str(value)
                    pieces.append(f' {attribute}="{html.escape(said)}"')
            pieces.append(">")
            if name.lower() not in VOID:
                _append_inner(child, pieces, _escaped, near)
                pieces.append(f"</{name}>")
        pieces.append(own(child.tail or ""))


def _nearer(base: str, address: str) -> str:
    try:
        return urljoin(base, address) if base else address
    except ValueError:  # no address
        return address


def _people(children: _Children, *names: str) -> tuple[str, ...]:
    found: list[str] = []
    for element in children.all(*names):
        inside = [_text(c) for c in element if _name(c).rpartition(":")[2] == "name"]
        found += inside or [_text(element)]
    return _distinct(found)


def _sources(children: _Children) -> tuple[str, ...]:
    found: list[str] = []
    for element in children.all("source", "atom:source", "dc:source", "agency", "newsagency"):
        titles = [_text(c) for c in element if _name(c).rpartition(":")[2] == "title"]
        found += titles or ([] if len(element) else [_text(element)])
    return _distinct(s for s in found if not s.startswith(("http://", "https://")))


def _keywords(children: _Children) -> tuple[str, ...]:
    found: list[str] = []
    for element in children.all("media:keywords", "keywords", "tags", "itunes:keywords"):
        texts = [_text(c) for c in element] or [_text(element)]
        if children.mends:  # before it is split at the semicolon of a reference
            texts = [line(text) for text in texts]
        found += [word.strip() for text in texts for word in re.split("[,;]", text)]
    return _distinct(found)


def _media(children: _Children) -> tuple[ItemMedia, ...]:
    found: list[ItemMedia] = []
    around = list(children.all("media:description", "media:credit"))
    for element in children.all("media:content"):
        found.append(_medium(element, [element, *around]))
    for group in children.all("media:group"):
        contents = [c for c in group if _name(c) == "media:content"]
        if contents:
            # A group is one picture or film in several renderings (Media RSS, media:group).
            best = max(contents, key=_rank)
            found.append(_medium(best, [best, group, *around]))
    for element in children.all("enclosure"):
        found.append(_enclosure(element, element.get("url") or element.get("href")))
    for element in children.all("link", "atom:link"):
        if (element.get("rel") or "").lower() == "enclosure":
            found.append(_enclosure(element, element.get("href")))
    # The same picture in several sizes: the largest that is there.
    for name in ("fullimage", "storyimage", "image"):
        urls = [_picture(element) for element in children.all(name)]
        if any(urls):
            found += [ItemMedia(url=url, medium="image") for url in urls]
            break
    if not any(m.url and not (children.mends and _is_played(m)) for m in found):
        found += [_medium(e, [e, *around], "image") for e in _thumbnails(children)[:1]]
    distinct: dict[str, ItemMedia] = {}
    for medium in found:
        if medium.url:
            distinct.setdefault(medium.url, medium)
    return tuple(distinct.values())


def _thumbnails(children: _Children) -> list[etree._Element]:
    """What shows an item that has no picture of its own; since rule 2 that of sound or film, too,
    and the cover of a podcast."""
    holders = ("media:group", "media:content") if children.mends else ("media:group",)
    inside = [c for holder in children.all(*holders) for c in holder]
    covers = children.all("itunes:image") if children.mends else ()
    within = [e for e in inside if _name(e) == "media:thumbnail"]
    return [*children.all("media:thumbnail"), *within, *covers]


def _is_played(medium: ItemMedia) -> bool:
    kind = medium.type.strip().lower().partition("/")[0]
    return bool({medium.medium.strip().lower(), kind} & {"audio", "video"})


def _enclosure(element: etree._Element, url: str | None) -> ItemMedia:
    return ItemMedia(
        url=(url or "").strip(),
        type=element.get("type") or "",
        length=element.get("length") or "",
    )


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
    shared: list[str] = []  # by all media of the item
    for place in around:
        for inside in (place, *place) if _name(place) != "media:group" else place:
            if _name(inside) == "media:description":
                captions.append(_caption(inside))
            elif _name(inside) == "media:credit":
                (shared if inside is place else credited).append(_text(inside))
    return ItemMedia(
        url=(element.get("url") or element.get("href") or _address(element)).strip(),
        medium=(element.get("medium") or medium).strip().lower(),
        type=element.get("type") or "",
        width=element.get("width") or "",
        height=element.get("height") or "",
        length=element.get("fileSize") or "",
        caption=next((c for c in captions if c), ""),
        credit=" / ".join(_distinct(credited) or _distinct(shared)),
    )


def _address(element: etree._Element) -> str:
    """The address in an element that holds nothing else, or ``""``."""
    text = (element.text or "").strip()
    return text if text.startswith(("http://", "https://", "//")) else ""


def _picture(element: etree._Element) -> str:
    for child in element:
        if _name(child) == "url":
            return _text(child)
    return (element.get("url") or element.get("href") or _address(element)).strip()


def _caption(element: etree._Element) -> str:
    raw = _text(element)
    if not is_markup(raw):
        return raw
    try:
        return plain(projection(raw))
    except ParseError:  # markup built to burst a parser is no caption
        return ""


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t for t in texts if t))
