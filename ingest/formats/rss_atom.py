"""RSS 0.9x to 2.0, RSS 1.0 (RDF) and Atom 0.3 and 1.0.

``cut into items | parse each by itself | read its words | feedparser reads the rest``

An item's words come from its own bytes (``itemfields``). feedparser reads links, categories,
rights and the channel, from a document of ours in which the words are left out: it is always
well-formed and of bounded shape, because feedparser takes 50 µs an element, minutes for one
element with 40,000 attributes, and raises on some references (6.0.14, measured).
"""

import re
import xml.parsers.expat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import feedparser
from lxml import etree

from ingest.formats import encoding, html_detection, item_spans, itemfields, xml_repair
from ingest.formats.itemfields import Fields, name_of, text_of
from ingest.formats.sniff import HEAD, Look, declared, look_at
from ingest.item import MOST_ITEMS, Channel, Hints, Item, ItemMedia, Parsed, summed_up
from stories.errors import ParseError
from wirecopy.urls import resolve

LOOSE_BYTES = 65_536
"""Bytes of unreadable items in one capture that feedparser's lenient parser may try. On hostile
text it takes seconds for 100 KB, and more than twice that for twice as much (measured)."""

MOST_MENDED = 1_000
"""Items of one capture that are mended child by child; 60 broken children take some 3 ms."""

_HERE = "wirecopy-items"
_DEEPEST_CHILD = 60
_MOST_ATTRIBUTES = 40
_LONGEST_CHILD = 4_000
_MOST_CHILDREN = 200
_WORDS = frozenset(
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
_TAG_OF_CHANNEL = re.compile(r"<(?:[\w.-]{1,64}:)?channel(?=[\s>])([^<>]*)>", re.IGNORECASE)
_HUB = re.compile(r"""<([^<>]{1,2000})>\s*;[^,]{0,200}?\brel\s*=\s*"?\s*hub\b""", re.IGNORECASE)


def detect(look: Look) -> bool:
    """Whether *look* is of a document that this format takes."""
    space = look.namespace.lower()
    match look.root:
        case "rss" | "channel":
            return True
        case "rdf":
            said = look.attributes.lower()
            return "purl.org/rss" in said or "netscape.com/rdf" in said
        case "feed" | "entry":
            return not space or "atom" in space or "purl.org" in space
        case _:
            return False


@dataclass(frozen=True, slots=True)
class _Piece:
    """One item: where it stands in the capture, its text, its tree if it has one."""

    start: int
    end: int
    text: str
    element: etree._Element | None
    fields: Fields | None


def parse(body: bytes, hints: Hints) -> Parsed:
    """The items of *body*, a feed. Linear in its length.

    :raises ParseError: ``malformed`` when it claims to be a feed but nothing can be got out of it.
    """
    notes: list[str] = []
    charset = encoding.decide(body, hints.headers.get("content-type", ""))
    if charset.note:
        notes.append(f"encoding: {charset.note}")
    found = item_spans.spans(body)
    taken = found[:MOST_ITEMS]
    if len(found) > len(taken):
        notes.append(f"holds {len(found)} items; the first {len(taken)} were read")
    head, tail = _around(body, found, charset)
    look = look_at(charset.decode(body[:HEAD]))
    if look.subset:
        notes.append("its DOCTYPE declares entities; only harmless ones were used")
    setting = xml_repair.Setting(_spaces(head, look), dict(look.entities))
    pieces, mended = _pieces(body, taken, charset, setting)
    notes += mended
    frame = _frame(head, tail, look, setting, notes, whole=bool(pieces))
    parsed = _read(frame, pieces, look, setting, hints, notes)
    return replace(parsed, unread=len(found) - len(taken))


def _around(
    body: bytes, found: Sequence[tuple[int, int]], charset: encoding.Charset
) -> tuple[str, str]:
    """What stands before the first item, and what stands between and after the items."""
    if not found:
        return charset.decode(body), ""
    ends = [end for _, end in found]
    starts = [*(start for start, _ in found[1:]), len(body)]
    gaps = (body[end:start] for end, start in zip(ends, starts, strict=True))
    return charset.decode(body[: found[0][0]]), charset.decode(b"".join(gaps))


def _spaces(head: str, look: Look) -> dict[str, str]:
    """Prefix to namespace, as declared before the first item.

    The default one counts only on the root and on the channel: elsewhere it is over by then.
    """
    channel = _TAG_OF_CHANNEL.search(head)
    anywhere = list(declared(head[:HEAD]).items())[:64]
    spaces = {prefix: uri for prefix, uri in anywhere if prefix}
    spaces |= declared(look.attributes)
    spaces |= declared(channel[1] if channel else "")
    return xml_repair.usable(spaces)


def _pieces(
    body: bytes,
    spans: Sequence[tuple[int, int]],
    charset: encoding.Charset,
    setting: xml_repair.Setting,
) -> tuple[list[_Piece], list[str]]:
    pieces: list[_Piece] = []
    problems: list[tuple[int, str]] = []
    for position, (start, end) in enumerate(spans):
        text = charset.decode(body[start:end])
        tree = xml_repair.tree(text, setting, patiently=len(problems) < MOST_MENDED)
        if tree.element is not None and not itemfields.is_item(tree.element):
            continue
        if tree.mended:
            problems.append((position, tree.mended))
        fields = itemfields.read(tree.element) if tree.element is not None else None
        if tree.element is not None:
            _strip(tree.element)
        pieces.append(_Piece(start, end, "" if fields else text, tree.element, fields))
    return pieces, summed_up(problems)


def _strip(element: etree._Element) -> None:
    """Leave in *element* what feedparser is asked for, in a shape that cannot keep it busy."""
    kept = 0
    for child in list(element):
        if name_of(child) not in _WORDS and kept < _MOST_CHILDREN and _is_small(child):
            kept += 1
        else:
            element.remove(child)
    if not _few_attributes(element):
        for key in list(element.attrib)[_MOST_ATTRIBUTES:]:
            del element.attrib[key]


def _is_small(element: etree._Element) -> bool:
    length = 0
    for count, inside in enumerate(element.iter()):
        length += len(inside.text or "") + len(inside.tail or "")
        if count > _DEEPEST_CHILD or length > _LONGEST_CHILD or not _few_attributes(inside):
            return False
    return True


def _few_attributes(element: etree._Element) -> bool:
    return not isinstance(element.tag, str) or len(element.attrib) <= _MOST_ATTRIBUTES


def _frame(
    head: str,
    tail: str,
    look: Look,
    setting: xml_repair.Setting,
    notes: list[str],
    *,
    whole: bool,
) -> etree._Element:
    """The document without its items, with a mark where they stood.

    :raises ParseError: ``malformed`` when there are no items and the document is broken too.
    """
    text = ""
    if look.root != "entry" and look.at >= 0:
        text = xml_repair.windows_references(
            f"{head[look.at :]}<?{_HERE}?>{tail}".rstrip("\0 \r\n\t")
        )
    tree = xml_repair.frame(text, setting) if text else xml_repair.Tree(None)
    root = tree.element
    if tree.broken and not whole:
        raise ParseError(
            "malformed",
            f"claims to be a feed (<{look.root}>), but it is broken and no whole item is in it:"
            f" {tree.mended[:200]}; ask the agency if the next one is the same",
        )
    if tree.broken:
        notes.append(f"broken outside its items, whole items kept: {tree.mended[:200]}")
    if root is None:
        root = _bare(look)
    _settle(root)
    return root


def _bare(look: Look) -> etree._Element:
    """A frame that says nothing, for when the document's own could not be had."""
    family = "rdf" if look.root == "rdf" else "atom" if look.root in ("feed", "entry") else "rss"
    return etree.fromstring(_BARE[family])


_BARE = {
    "rdf": '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    ' xmlns="http://purl.org/rss/1.0/"><channel/></r:RDF>',
    "atom": '<feed xmlns="http://www.w3.org/2005/Atom"/>',
    "rss": '<rss version="2.0"><channel/></rss>',
}


def _settle(root: etree._Element) -> None:
    """Make sure of the mark, and that nothing else in the frame can keep feedparser busy."""
    for broken in [e for e in root.iter() if isinstance(e.tag, str) and itemfields.is_item(e)]:
        if (parent := broken.getparent()) is not None:
            parent.remove(broken)
    mark = _mark(root)
    channel = next((e for e in root if name_of(e).rpartition(":")[2] == "channel"), None)
    holders = [root] if channel is None else [root, channel]
    home = mark.getparent() if mark is not None else None
    if mark is None or home is None or not any(home is holder for holder in holders):
        if mark is not None and home is not None:
            home.remove(mark)
        rdf = name_of(root).rpartition(":")[2] == "rdf"
        holders[0 if rdf else -1].append(etree.ProcessingInstruction(_HERE))
    for holder in holders:
        kept = 0
        for child in list(holder):
            if child is channel or not isinstance(child.tag, str):
                continue
            kept += 1
            if kept > _MOST_CHILDREN or not _is_small(child):
                holder.remove(child)
        for key in list(holder.attrib)[_MOST_ATTRIBUTES:]:
            del holder.attrib[key]


def _mark(root: etree._Element) -> etree._Element | None:
    """Where the items stood."""
    marks: Iterable[Any] = root.iter(etree.ProcessingInstruction)
    return next((mark for mark in marks if mark.target == _HERE), None)


def _read(
    frame: etree._Element,
    pieces: Sequence[_Piece],
    look: Look,
    setting: xml_repair.Setting,
    hints: Hints,
    notes: list[str],
) -> Parsed:
    told = _told(frame, [p.element for p in pieces if p.element is not None])
    channel = _channel(told, frame, hints)
    base = _base(frame, hints)
    entries = iter(told.get("entries", ()))
    aligned = len(told.get("entries", ())) == sum(p.element is not None for p in pieces)
    if not aligned:
        notes.append("feedparser counted other items; categories and rights were left out")
    budget = LOOSE_BYTES
    items: list[Item] = []
    for position, piece in enumerate(pieces):
        item = Item(position=position, start=piece.start, end=piece.end)
        if piece.fields is not None:
            entry = next(entries) if aligned else {}
            item = _with_fields(_rest(item, entry), piece.fields)
        elif len(piece.text) <= budget:
            budget -= len(piece.text)
            item = _loose(item, piece.text, look, setting)
        # The base of an item's references is what it declares, else its own page; its own link
        # is resolved like a reference of the channel's.
        stated = _join(base or hints.url, item.base) if item.base else base
        link = resolve(item.link, stated or channel.link or hints.url) if item.link else None
        near = stated or link or channel.link or hints.url
        items.append(replace(item, link=link or "", base=near))
    kind = str(told.get("version") or look.root)
    return Parsed(format=kind, channel=channel, items=tuple(items), notes=tuple(notes))


def _base(frame: etree._Element, hints: Hints) -> str:
    """The xml:base in force on the items, ``""`` where none is declared."""
    base = ""
    for holder in (frame, *(e for e in frame if name_of(e) == "channel")):
        if said := holder.get(_XML_BASE):
            base = _join(base or hints.url, said)
    return base


_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def _told(frame: etree._Element, elements: Sequence[etree._Element]) -> dict[str, Any]:
    """What feedparser says of *frame* with *elements* in the place of its mark."""
    mark = _mark(frame)
    assert mark is not None, "the frame was settled"
    for element in elements:
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
    told: dict[str, Any] = feedparser.parse(
        BytesIO(document),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    return told


def _rest(item: Item, entry: dict[str, Any]) -> Item:
    """*item* with what feedparser is asked for: link, categories, rights."""
    return replace(
        item,
        link=_str(entry.get("feedburner_origlink")) or _str(entry.get("link")),
        categories=_categories(entry),
        rights=_str(entry.get("rights")),
    )


def _categories(entry: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    found: dict[tuple[str, str], None] = {}
    for tag in entry.get("tags", ()):
        label = _str(tag.get("label")) or _str(tag.get("term"))
        if label:
            found.setdefault((label, _str(tag.get("scheme"))))
    return tuple(found)


def _with_fields(item: Item, fields: Fields) -> Item:
    """*item* with what its own bytes say."""
    link = item.link or fields.link
    if not link and fields.permalink and fields.guid.startswith(("http://", "https://")):
        link = fields.guid
    return replace(
        item,
        guid=fields.guid,
        link=link,
        headline=fields.headline.text,
        headline_html=fields.headline.html,
        body=fields.body.text,
        body_html=fields.body.html,
        summary=fields.summary.text,
        summary_html=fields.summary.html,
        base=fields.base,
        language=fields.language,
        authors=fields.authors,
        creators=fields.creators,
        sources=fields.sources,
        credits=fields.credits,
        published=fields.published,
        updated=fields.updated,
        version=fields.version,
        keywords=fields.keywords,
        media=fields.media,
        rights=fields.rights or item.rights,
        urgency=fields.urgency,
        dateline=fields.dateline,
    )


def _loose(item: Item, text: str, look: Look, setting: xml_repair.Setting) -> Item:
    """*item* as feedparser's lenient parser reads *text*, when nothing else could."""
    _, mended = xml_repair.mend(text, setting)
    spaces = "".join(f' xmlns:{p}="{u}"' for p, u in xml_repair.WELL_KNOWN.items())
    name = "feed" if look.root in ("feed", "entry") else "rss"
    try:
        told = _feedparser(f"<{name}{spaces}>{mended}</{name}>".encode())
        entry = told["entries"][0]
    except Exception:  # see _told; an item without words is refused by itself, later
        return item
    contents = [c for c in entry.get("content", ()) if _str(c.get("value"))]
    summary = _str(entry.get("summary"))
    body = _str(contents[0].get("value")) if contents else summary
    title = _str(entry.get("title"))
    return replace(
        _rest(item, entry),
        guid=_str(entry.get("id")),
        headline=html_detection.resolve_references(title),
        headline_html=html_detection.is_markup_title(title),
        body=body,
        body_html=html_detection.is_markup(body),
        summary=summary if contents else "",
        summary_html=html_detection.is_markup(summary),
        authors=tuple(n for a in entry.get("authors", ()) if (n := _str(a.get("name")))),
        sources=tuple(s for s in [_str(entry.get("source", {}).get("title"))] if s),
        published=tuple(d for d in [_str(entry.get("published"))] if d),
        # Asked in its own way, feedparser gives the published date instead, and warns.
        updated=tuple(d for d in [_str(dict.get(entry, "updated"))] if d),
        media=tuple(
            ItemMedia(url=url, type=_str(m.get("type")), medium=_str(m.get("medium")))
            for m in [*entry.get("media_content", ()), *entry.get("enclosures", ())]
            if (url := _str(m.get("url") or m.get("href")))
        ),
    )


def _channel(told: dict[str, Any], frame: etree._Element, hints: Hints) -> Channel:
    feed: dict[str, Any] = told.get("feed", {})
    hours = [e for e in frame.iter() if name_of(e) == "hour"]
    days = [e for e in frame.iter() if name_of(e) == "day"]
    hubs = [_str(x.get("href")) for x in feed.get("links", ()) if x.get("rel") == "hub"]
    announced = _HUB.search(hints.headers.get("link", "")[:10_000])
    return Channel(
        title=_str(feed.get("title")),
        link=_join(hints.url, _str(feed.get("link"))) if feed.get("link") else "",
        language=_str(feed.get("language")) or (frame.get(_XML_LANG) or "").strip(),
        rights=_str(feed.get("rights")),
        ttl=_str(feed.get("ttl")),
        update_period=_str(feed.get("sy_updateperiod")),
        update_frequency=_str(feed.get("sy_updatefrequency")),
        skip_hours=tuple(text_of(e) for e in hours[:24]),
        skip_days=tuple(text_of(e) for e in days[:7]),
        hub=next((h for h in hubs if h), "") or (announced[1].strip() if announced else ""),
    )


def _join(base: str, address: str) -> str:
    """*address* resolved against *base*; *base* where it refers to nothing."""
    return resolve(address, base) or base


def _str(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
