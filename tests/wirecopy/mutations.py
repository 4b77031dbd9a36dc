"""What feeds go through on the way, and what is done to them: mutations of form and of meaning."""

import html
import json
import re
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from io import BytesIO
from random import Random
from typing import Any, ClassVar, Protocol

import feedparser
from feedgen.feed import FeedGenerator
from lxml import etree

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
MEDIA = "http://search.yahoo.com/mrss/"
OWN = "urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1"
XHTML = "http://www.w3.org/1999/xhtml"
DC = "http://purl.org/dc/elements/1.1/"
ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
RSS2 = "http://backend.userland.com/rss2"
TITLED = (ATOM, DC, MEDIA, ITUNES, "http://purl.org/rss/1.0/", "http://purl.org/atom/ns#")
"""Whose ``title`` feedparser takes for an entry's own."""

_PLAIN = etree.XMLParser(strip_cdata=True, remove_comments=True)
_TAG = re.compile(r"(<!--.*?-->|<[^>]*>|&#?\w+;)", re.S)


class Item(Protocol):
    """One entry that can be changed."""

    def get(self, name: str) -> str: ...

    def set(self, name: str, value: str) -> None: ...

    def media(self) -> list[str]: ...

    def set_media(self, n: int, url: str | None) -> None: ...

    def tags(self) -> list[str]: ...

    def add_tag(self, tag: str) -> None: ...


class XmlItem:
    """An RSS item or an Atom entry."""

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        atom = element.tag == f"{{{ATOM}}}entry"
        self._atom = atom
        self._names = {
            "guid": f"{{{ATOM}}}id" if atom else "guid",
            "headline": f"{{{ATOM}}}title" if atom else "title",
            "body": f"{{{ATOM}}}content" if atom else f"{{{CONTENT}}}encoded",
            "summary": f"{{{ATOM}}}summary" if atom else "description",
            "scope": f"{{{OWN}}}editScope",
            "flag": f"{{{OWN}}}editedHeadlineOnly",
            "agency": f"{{{OWN}}}agency",
            "agency_id": f"{{{OWN}}}agencyId",
            "statement": f"{{{OWN}}}statement",
        }

    def get(self, name: str) -> str:
        found = self.element.findtext(self._names[name]) or ""
        return found if name in ("headline", "body", "summary") else found.strip()

    def set(self, name: str, value: str) -> None:
        found = self.element.find(self._names[name])
        if found is None:
            found = etree.SubElement(self.element, self._names[name])
        found.text = value

    def media(self) -> list[str]:
        return [e.get("url") or "" for e in self.element.iter(f"{{{MEDIA}}}content")]

    def set_media(self, n: int, url: str | None) -> None:
        found = list(self.element.iter(f"{{{MEDIA}}}content"))[n]
        if url is not None:
            found.set("url", url)
        else:
            parent = found.getparent()
            assert parent is not None
            parent.remove(found)

    def tags(self) -> list[str]:
        name = f"{{{ATOM}}}category" if self._atom else "category"
        return [e.get("term") or e.text or "" for e in self.element.iterfind(name)]

    def add_tag(self, tag: str) -> None:
        if self._atom:
            etree.SubElement(self.element, f"{{{ATOM}}}category").set("term", tag)
        else:
            etree.SubElement(self.element, "category").text = tag


class JsonItem:
    """An item of a JSON Feed."""

    _NAMES: ClassVar = {
        "guid": "id",
        "headline": "title",
        "body": "content_html",
        "summary": "summary",
        "scope": "edit_scope",
        "flag": "edited_headline_only",
        "agency": "agency",
        "agency_id": "agency_id",
        "statement": "statement",
    }

    def __init__(self, item: dict[str, Any]) -> None:
        self.item = item

    def _where(self, name: str) -> dict[str, Any]:
        own = name in ("scope", "flag", "agency", "agency_id", "statement")
        found: dict[str, Any] = self.item.setdefault("_wirecopy", {}) if own else self.item
        return found

    def get(self, name: str) -> str:
        value = self._where(name).get(self._NAMES[name], "")
        if name == "statement":
            return json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def set(self, name: str, value: str) -> None:
        made: object = value == "true" if name == "flag" else value
        if name == "statement":
            with suppress(ValueError):
                made = json.loads(value)
        self._where(name)[self._NAMES[name]] = made

    def media(self) -> list[str]:
        return [a["url"] for a in self.item.get("attachments", [])]

    def set_media(self, n: int, url: str | None) -> None:
        if url is None:
            del self.item["attachments"][n]
        else:
            self.item["attachments"][n]["url"] = url

    def tags(self) -> list[str]:
        return list(self.item.get("tags", []))

    def add_tag(self, tag: str) -> None:
        self.item.setdefault("tags", []).append(tag)


class Document:
    """A feed, taken apart and put together again."""

    def __init__(self, data: bytes) -> None:
        self.xml = (
            not data.decode(json.detect_encoding(data[:4]), "ignore")
            .lstrip()
            .startswith(("{", "\ufeff{"))
        )
        if self.xml:
            self.root = etree.fromstring(data, _PLAIN)
            found = [*self.root.iter("item"), *self.root.iter(f"{{{ATOM}}}entry")]
            self.items: list[Item] = [XmlItem(e) for e in found]
        else:
            self.json: dict[str, Any] = json.loads(data)
            self.items = [JsonItem(i) for i in self.json["items"]]

    def bytes(self) -> bytes:
        if self.xml:
            return _written(self.root, "UTF-8")
        return json.dumps(self.json, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _written(root: etree._Element, encoding: str) -> bytes:
    made = etree.tostring(root, encoding=encoding, xml_declaration=True)
    assert isinstance(made, bytes)
    return made


Mutation = Callable[[bytes, Random], bytes | None]
"""A changed document, or None where there is nothing to change."""


# Form


def _xml(change: Callable[[etree._Element, Random], etree._Element | None]) -> Mutation:
    def mutate(data: bytes, random: Random) -> bytes | None:
        document = Document(data)
        if not document.xml:
            return None
        root = change(document.root, random)
        document.root = document.root if root is None else root
        return document.bytes()

    return mutate


def _as_json(write: Callable[[dict[str, Any], Random], bytes]) -> Mutation:
    def mutate(data: bytes, random: Random) -> bytes | None:
        document = Document(data)
        return None if document.xml else write(document.json, random)

    return mutate


def _body(change: Callable[[str, Random], str]) -> Mutation:
    def mutate(data: bytes, random: Random) -> bytes | None:
        document = Document(data)
        for item in document.items:
            item.set("body", change(item.get("body"), random))
        return document.bytes()

    return mutate


def entities(data: bytes, random: Random) -> bytes | None:
    """CDATA sections become entities (any XML library does so)."""
    document = Document(data)
    return document.bytes() if document.xml else None


@_xml
def cdata(root: etree._Element, random: Random) -> None:
    for element in root.iter(etree.Element):
        if element.text and not len(element) and "]]>" not in element.text:
            element.text = etree.CDATA(element.text)


def utf16(data: bytes, random: Random) -> bytes | None:
    document = Document(data)
    if document.xml:
        return _written(document.root, "UTF-16")
    return json.dumps(document.json, ensure_ascii=False).encode("utf-16")


def ascii_only(data: bytes, random: Random) -> bytes | None:
    document = Document(data)
    if document.xml:
        return _written(document.root, "US-ASCII")
    return json.dumps(document.json).encode()


@_xml
def pretty(root: etree._Element, random: Random) -> None:
    etree.indent(root, space=random.choice(["\t", "  ", "        "]))


@_xml
def padded(root: etree._Element, random: Random) -> None:
    """Line feeds and indentation inside the elements too."""
    for element in root.iter(etree.Element):
        if element.text and element.text.strip() and not len(element):
            element.text = f"\n      {element.text}\n    "


@_xml
def foreign_elements(root: etree._Element, random: Random) -> None:
    parents = [e for e in root.iter(etree.Element) if len(e)]
    for _ in range(4):
        parent = random.choice(parents)
        added = etree.Element(
            f"{{urn:x-aggregator}}{random.choice(['title', 'score', 'origLink'])}"
        )
        added.text = random.choice(["7", "https://ads.example/", "<b>x</b>"])
        parent.insert(random.randrange(len(parent) + 1), added)


@_xml
def foreign_attributes(root: etree._Element, random: Random) -> None:
    for element in random.sample(list(root.iter(etree.Element)), 5):
        element.set("{urn:x-aggregator}seen", "1")


@_xml
def comments(root: etree._Element, random: Random) -> None:
    for element in list(root.iter(etree.Element)):
        if random.random() < 0.3:
            element.insert(0, etree.Comment(" cached "))
            # A comment in front of an element's text: readers see the same text.
            element[0].tail, element.text = element.text, None


@_xml
def attribute_order(root: etree._Element, random: Random) -> None:
    for element in root.iter(etree.Element):
        pairs = [(str(name), str(value)) for name, value in element.attrib.items()][::-1]
        for name, _ in pairs:
            del element.attrib[name]
        for name, value in pairs:
            element.set(name, value)


@_xml
def prefixes(root: etree._Element, random: Random) -> etree._Element:
    """Every namespace under another prefix, Atom's too."""
    uris = {etree.QName(e).namespace for e in root.iter(etree.Element)} - {None}
    names = {f"n{n}": str(uri) for n, uri in enumerate(sorted(map(str, uris)))}
    made = etree.Element(root.tag, nsmap=names)
    for name, value in root.attrib.items():
        made.set(name, value)
    made.text = root.text
    made.extend(list(root))
    etree.cleanup_namespaces(made, top_nsmap=names)
    return etree.fromstring(etree.tostring(made))


def item_order(data: bytes, random: Random) -> bytes | None:
    document = Document(data)
    if not document.xml:
        random.shuffle(document.json["items"])
        return document.bytes()
    elements = [item.element for item in document.items if isinstance(item, XmlItem)]
    parent = elements[0].getparent()
    assert parent is not None
    for element in random.sample(elements, len(elements)):
        parent.append(element)
    return document.bytes()


@_as_json
def json_layout(feed: dict[str, Any], random: Random) -> bytes:
    return json.dumps(feed, indent=random.choice([1, 4]), sort_keys=True).encode()


@_as_json
def json_members(feed: dict[str, Any], random: Random) -> bytes:
    feed["_aggregator"] = {"score": 0.5}
    for item in feed["items"]:
        item["_aggregator"] = {"read": True, "tags": [["deep"]]}
    return json.dumps(dict(reversed(feed.items()))).encode("utf-8-sig")


def _between(body: str, added: str, random: Random) -> str:
    """*added* between two pieces of *body*, none of them cut."""
    pieces = _TAG.split(body)
    at = random.randrange(len(pieces) + 1)
    return "".join([*pieces[:at], added, *pieces[at:]])


def tracker_beside(data: bytes, random: Random) -> bytes | None:
    """What counts readers, outside of the body: an element, or a member, of the counter's own."""
    document = Document(data)
    for item in document.items:
        if isinstance(item, XmlItem):
            added = etree.Element("{urn:x-counter}pixel", url="https://t.example/p?1")
            etree.SubElement(added, "{urn:x-counter}img").text = "https://t.example/p?2"
            item.element.insert(random.randrange(len(item.element) + 1), added)
        elif isinstance(item, JsonItem):
            item.item["_counter"] = {"pixel": "https://t.example/p?1"}
    return document.bytes()


@_body
def html_space(body: str, random: Random) -> str:
    return re.sub(r"<(p|div|ul|li|figure|blockquote)\b", r"\n    <\1", body)


@_body
def html_syntax(body: str, random: Random) -> str:
    """The same tags as another program writes them."""
    how = random.choice(["closed", "quotes", "capitals"])
    if how == "closed":
        return re.sub(r"<(img|br|hr|wbr|col|source|track)\b([^>]*[^/>])?>", r"<\1\2 />", body)
    if how == "quotes":
        return re.sub(r"""="([^"'&<>]*)\"""", r"='\1'", body)
    return re.sub(r"<(/?)([a-z]+)", lambda tag: f"<{tag[1]}{tag[2].upper()}", body)


@_body
def html_references(body: str, random: Random) -> str:
    """Letters written as character references."""

    def spelt(piece: str) -> str:
        return "".join(
            f"&#x{ord(c):x};" if random.random() < 0.1 and not c.isspace() else c for c in piece
        )

    return "".join(p if _TAG.fullmatch(p) else spelt(p) for p in _TAG.split(body))


@_body
def html_wrapper(body: str, random: Random) -> str:
    return random.choice(["<div>{}</div>", "<article>{}</article>"]).format(body)


@_body
def html_marks(body: str, random: Random) -> str:
    """Words marked, by elements that Wirecopy writes, too."""
    mark = random.choice(["b", "em", 'span lang="en"', 'i title="x"', "code", "mark", "u", "cite"])
    return "".join(
        f"<{mark}>{piece}</{mark.split(' ')[0]}>"
        if piece.strip() and not _TAG.fullmatch(piece) and random.random() < 0.3
        else piece
        for piece in _TAG.split(body)
    )


@_xml
def unsigned_elements(root: etree._Element, random: Random) -> None:
    """What no statement covers, and is said to be so: addresses, and what the agency embedded."""
    for entry in [*root.iter("item"), *root.iter(f"{{{ATOM}}}entry")]:
        added = etree.SubElement(entry, f"{{{ATOM}}}link", href="https://x.example/")
        added.set("rel", random.choice(["via", "related"]))
        if added.get("rel") == "related":
            added.set("title", "A film")


def entry_again(data: bytes, random: Random) -> bytes | None:
    """One entry twice, not a letter different: two feeds of a publisher made one."""
    document = Document(data)
    n = random.randrange(len(document.items))
    item = document.items[n]
    if isinstance(item, XmlItem):
        item.element.addnext(deepcopy(item.element))
    else:
        document.json["items"].insert(n, document.json["items"][n])
    return document.bytes()


def _for_feedparser(data: bytes) -> bool:
    """Whether it is XML, and without what feedparser loses: captions, and the text of foreign
    elements with attributes."""
    document = Document(data)
    if not document.xml or b"urn:x-aggregator" in etree.tostring(document.root):
        return False
    return document.root.find(f".//{{{MEDIA}}}content/*") is None


def feedparser_by_hand(data: bytes, random: Random) -> bytes | None:
    """Read by feedparser, cleaned as it likes, written again as RSS by hand."""
    if not _for_feedparser(data):
        return None
    read = feedparser.parse(BytesIO(data), sanitize_html=random.random() < 0.5)
    names = _prefix(data)
    items = "".join(_by_hand(entry, names, read) for entry in read.entries)
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"'
        f' xmlns:a="{ATOM}" xmlns:c="{CONTENT}" xmlns:d="{DC}" xmlns:m="{MEDIA}" xmlns:o="{OWN}">'
        "<channel><title>again</title>"
        f"{items}</channel></rss>"
    ).encode()


def _prefix(data: bytes) -> str:
    """The prefix of our namespace: feedparser keys unknown elements by it."""
    root = Document(data).root
    for element in root.iter(etree.Element):
        if etree.QName(element).namespace == OWN:
            return str(element.prefix)
    raise AssertionError


def _summary(entry: Any, read: Any) -> str | None:
    """The summary as plain text.

    Not by ``summary_detail``, which is that of ``media:description``. Where there is no summary
    feedparser puts the content there.
    """
    if entry.get("summary") in (None, entry.content[0].value):
        return None
    return html.unescape(entry.summary) if read.version.startswith("rss") else str(entry.summary)


def _own(entry: Any, prefix: str) -> dict[str, str]:
    names = (
        *("editedHeadlineOnly", "editScope", "agency", "agencyId", "agencyVersion"),
        *("statement", "firstWords"),
    )
    found = {name: entry.get(f"{prefix}_{name.lower()}") for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _enclosures(entry: Any) -> list[str]:
    """Those that are not among the entry's ``media:content``, as in Atom whatever is no picture."""
    contents = {medium["url"] for medium in entry.get("media_content", [])}
    return [e["href"] for e in entry.get("enclosures", []) if e["href"] not in contents]


def _by_hand(entry: Any, prefix: str, read: Any) -> str:
    def said(tag: str, text: str | None, attributes: str = "") -> str:
        return "" if text is None else f"<{tag}{attributes}>{html.escape(text)}</{tag}>"

    urls = [*(medium["url"] for medium in entry.get("media_content", [])), *_enclosures(entry)]
    media = (f'<m:content url="{html.escape(url)}"/>' for url in urls)
    summary = _summary(entry, read)
    if summary is not None:
        summary = html.escape(summary, quote=False)
    return "".join(
        [
            "<item>",
            said("guid", entry.id, ' isPermaLink="false"'),
            said("title", entry.title),
            said("a:updated", entry.updated),
            said("pubDate", entry.published),
            *(said("d:creator", author["name"]) for author in entry.authors),
            said("description", summary),
            said("c:encoded", entry.content[0].value),
            *(said("category", tag.get("label") or tag.term) for tag in entry.get("tags", [])),
            *media,
            *(said(f"o:{name}", text) for name, text in _own(entry, prefix).items()),
            "</item>",
        ]
    )


def feedparser_feedgen(data: bytes, random: Random) -> bytes | None:
    """Read by feedparser, written again as Atom by feedgen, with our elements put back."""
    if not _for_feedparser(data):
        return None
    read, prefix = feedparser.parse(BytesIO(data)), _prefix(data)
    out = FeedGenerator()
    out.id("urn:x")
    out.title("again")
    for entry in read.entries:
        made = out.add_entry(order="append")
        made.id(entry.id)
        made.title(entry.title)
        made.content(entry.content[0].value, type="html")
        made.updated(entry.updated)
        made.published(entry.published)
        for author in entry.get("authors", []):
            made.author(name=author["name"])
        if (summary := _summary(entry, read)) is not None:
            made.summary(summary)
        for tag in entry.get("tags", []):
            made.category(term=tag.term, label=tag.get("label"))
    document = Document(out.atom_str())
    for item, entry in zip(document.items, read.entries, strict=True):
        assert isinstance(item, XmlItem)
        for medium in entry.get("media_content", []):
            etree.SubElement(item.element, f"{{{MEDIA}}}content").set("url", medium["url"])
        for url in _enclosures(entry):
            etree.SubElement(item.element, f"{{{ATOM}}}link", rel="enclosure", href=url)
        for name, text in _own(entry, prefix).items():
            etree.SubElement(item.element, f"{{{OWN}}}{name}").text = text
    return document.bytes()


FORM: tuple[Mutation, ...] = (
    entities,
    cdata,
    utf16,
    ascii_only,
    pretty,
    padded,
    foreign_elements,
    foreign_attributes,
    comments,
    attribute_order,
    prefixes,
    item_order,
    json_layout,
    json_members,
    tracker_beside,
    html_space,
    html_syntax,
    html_references,
    html_wrapper,
    html_marks,
    unsigned_elements,
    entry_again,
    feedparser_by_hand,
    feedparser_feedgen,
)


# Meaning

LOOKALIKES = str.maketrans("aceiopsxyABCEHKMOPTX", "асеіорѕхуАВСЕНКМОРТХ")
HIDDEN = ("\u200b", "\u00ad", "\u2060", "\u202e", "\u200f", "\u2066", "\u200d", "\ufe0f", "\u0301")


def on_item(change: Callable[[Item, Random], bool]) -> Mutation:
    """A mutation of one entry; *change* tells whether it found something to change."""

    def mutate(data: bytes, random: Random) -> bytes | None:
        document = Document(data)
        for item in random.sample(document.items, len(document.items)):
            if change(item, random):
                return document.bytes()
        return None

    return mutate


def _letter(text: str, random: Random) -> str | None:
    """*text* with one letter changed, in one of the ways that are hard to see."""
    places = [i for i, c in enumerate(text) if not c.isspace()]
    if not places:
        return None
    at = random.choice(places)
    how = random.randrange(4)
    if how == 0:
        new = random.choice([c for c in "abxyz019अکم." if c != text[at]])
    elif how == 1:
        new = text[at].translate(LOOKALIKES)
    elif how == 2:
        new = text[at] + random.choice(HIDDEN)
    else:
        new = ""
    return None if new == text[at] else f"{text[:at]}{new}{text[at + 1 :]}"


@on_item
def body_letter(item: Item, random: Random) -> bool:
    pieces = _TAG.split(item.get("body"))
    said = [i for i, p in enumerate(pieces) if p.strip() and not _TAG.fullmatch(p)]
    n = random.choice(said)
    changed = _letter(pieces[n], random)
    if changed is None:
        return False
    pieces[n] = changed
    item.set("body", "".join(pieces))
    return True


@on_item
def body_word(item: Item, random: Random) -> bool:
    pieces = _TAG.split(item.get("body"))
    said = [i for i, p in enumerate(pieces) if " " in p.strip() and not _TAG.fullmatch(p)]
    if not said:
        return False
    n = random.choice(said)
    words = pieces[n].split(" ")
    at = random.randrange(len(words))
    if random.random() < 0.5:
        words.insert(at, "not")
    elif not words.pop(at).strip():
        return False
    pieces[n] = " ".join(words)
    item.set("body", "".join(pieces))
    return True


def _blocks(body: str) -> list[re.Match[str]]:
    return list(
        re.finditer(r"(?s)<(p|li|div|blockquote)\b[^>]*>(?:(?!</?(?:p|div)\b).)*?</\1>", body)
    )


@on_item
def paragraph_added(item: Item, random: Random) -> bool:
    body = item.get("body")
    places = [0, len(body), *(found.start() for found in _blocks(body))]
    at = random.choice(places)
    item.set("body", f"{body[:at]}<p>Sources said more.</p>{body[at:]}")
    return True


@on_item
def paragraph_removed(item: Item, random: Random) -> bool:
    body = item.get("body")
    found = [b for b in _blocks(body) if html.unescape(re.sub(r"<[^>]*>", "", b[0])).strip()]
    if not found:
        return False
    gone = random.choice(found)
    item.set("body", body[: gone.start()] + body[gone.end() :])
    return True


@on_item
def paragraphs_swapped(item: Item, random: Random) -> bool:
    body = item.get("body")
    found = [b for b in _blocks(body) if b[1] == "p" and re.sub(r"<[^>]*>|\s", "", b[0])]
    if len(found) < 2:
        return False
    a, b = sorted(random.sample(found, 2), key=lambda m: m.start())
    if a.end() > b.start() or re.sub(r"<[^>]*>|\s", "", a[0]) == re.sub(r"<[^>]*>|\s", "", b[0]):
        return False
    middle = body[a.end() : b.start()]
    item.set("body", f"{body[: a.start()]}{b[0]}{middle}{a[0]}{body[b.end() :]}")
    return True


@on_item
def link_swapped(item: Item, random: Random) -> bool:
    body = item.get("body")
    changed = re.sub(r'href="https://[^"]*"', 'href="https://evil.example/"', body, count=1)
    item.set("body", changed)
    return changed != body


@on_item
def link_added(item: Item, random: Random) -> bool:
    pieces = _TAG.split(item.get("body"))
    said = [i for i, p in enumerate(pieces) if p.strip() and not _TAG.fullmatch(p)]
    n = random.choice(said)
    pieces[n] = f'<a href="https://evil.example/">{pieces[n]}</a>'
    item.set("body", "".join(pieces))
    return True


@on_item
def picture_added(item: Item, random: Random) -> bool:
    item.set("body", _between(item.get("body"), '<img src="https://evil.example/x.jpg">', random))
    return True


@on_item
def picture_swapped(item: Item, random: Random) -> bool:
    body = item.get("body")
    changed = re.sub(
        r'src="https://(?!t\.)[^"]*"', 'src="https://evil.example/x.jpg"', body, count=1
    )
    if changed != body:
        item.set("body", changed)
        return True
    media = item.media()
    if not media:
        return False
    n = random.randrange(len(media))
    item.set_media(n, random.choice([None, "https://evil.example/x.jpg", f"{media[n]}?2"]))
    return True


@on_item
def headline_letter(item: Item, random: Random) -> bool:
    changed = _letter(item.get("headline"), random)
    if changed is not None:
        item.set("headline", changed)
    return changed is not None


@on_item
def headline_other(item: Item, random: Random) -> bool:
    item.set("headline", "Government falls")
    return True


@on_item
def summary_other(item: Item, random: Random) -> bool:
    changed = _letter(item.get("summary").replace("&", "+"), random)
    if changed is not None:
        item.set("summary", changed)
    return changed is not None


@on_item
def tag_added(item: Item, random: Random) -> bool:
    item.add_tag("scandal")
    return True


@on_item
def disclosure_dropped(item: Item, random: Random) -> bool:
    body = item.get("body")
    changed = re.sub(r"(?s)<p[^>]*>\s*<i[^>]*>(?:(?!</p>).)*</i>\s*</p>", "", body)
    item.set("body", changed)
    return changed != body


@on_item
def disclosure_doubled(item: Item, random: Random) -> bool:
    body = item.get("body")
    found = re.search(r"(?s)<p[^>]*>\s*<i[^>]*>(?:(?!</p>).)*</i>\s*</p>", body)
    if found is not None:
        item.set("body", body + found[0])
    return found is not None


def statement_moved(data: bytes, random: Random) -> bytes | None:
    document = Document(data)
    a, b = random.sample(document.items, 2)
    if a.get("guid") == b.get("guid"):
        return None
    a.set("statement", b.get("statement"))
    return document.bytes()


def entry_moved(data: bytes, random: Random) -> bytes | None:
    """The words of one entry under the guid and the statement of another."""
    document = Document(data)
    a, b = random.sample(document.items, 2)
    if a.get("guid") == b.get("guid"):
        return None
    a.set("body", b.get("body"))
    a.set("headline", b.get("headline"))
    return document.bytes()


@on_item
def flag_flipped(item: Item, random: Random) -> bool:
    item.set("flag", "false" if item.get("flag") == "true" else "true")
    return True


@on_item
def scope_changed(item: Item, random: Random) -> bool:
    scopes = {"verbatim", "headline-only", "packaging", "edited", "unknown", "Verbatim"}
    item.set("scope", random.choice(sorted(scopes - {item.get("scope")})))
    return True


@on_item
def agency_changed(item: Item, random: Random) -> bool:
    item.set(random.choice(["agency", "agency_id"]), "Reuters")
    return True


@on_item
def guid_changed(item: Item, random: Random) -> bool:
    item.set("guid", "urn:uuid:00000000-0000-4000-8000-000000000000")
    return True


@on_item
def statement_dropped(item: Item, random: Random) -> bool:
    """Only the statement: what the entry claims stays."""
    if item.get("scope") not in ("verbatim", "headline-only", "headline-media"):
        return False
    if isinstance(item, XmlItem):
        found = item.element.find(f"{{{OWN}}}statement")
        assert found is not None
        item.element.remove(found)
    elif isinstance(item, JsonItem):
        item.item["_wirecopy"].pop("statement", None)
    return True


@on_item
def statement_damaged(item: Item, random: Random) -> bool:
    token = item.get("statement").strip()
    at = random.randrange(len(token))
    new = random.choice([c for c in "AZaz09-_. =" if c != token[at]])
    item.set("statement", f"{token[:at]}{new}{token[at + 1 :]}")
    return True


@on_item
def words_hidden(item: Item, random: Random) -> bool:
    how = random.choice(
        [
            ' style="display:none"',
            ' style="font-size: 0"',
            ' style="position:absolute;left:-9999px"',
            ' style="color:#fff"',
            ' style="margin-left:9e9px"',
            " hidden",
        ]
    )
    body = item.get("body")
    changed = re.sub(r"<(p|div)\b", rf"<\1{how}", body, count=1, flags=re.I)
    item.set("body", changed)
    return changed != body


@on_item
def words_folded(item: Item, random: Random) -> bool:
    """Inside of what browsers do not show, though its words count."""
    around = random.choice(["dialog", "details", "datalist", "video", "audio", "rp", "optgroup"])
    item.set("body", f"<{around}>{item.get('body')}</{around}>")
    return True


@on_item
def words_turned(item: Item, random: Random) -> bool:
    pieces = _TAG.split(item.get("body"))
    said = [i for i, p in enumerate(pieces) if p.strip() and not _TAG.fullmatch(p)]
    n = random.choice(said)
    pieces[n] = f'<bdo dir="rtl">{pieces[n]}</bdo>'
    item.set("body", "".join(pieces))
    return True


@on_item
def words_covered(item: Item, random: Random) -> bool:
    """By a picture of one pixel, which counts as none, in a frame as large as one likes."""
    frame = random.choice(
        ["border:400px solid white", "padding:40em", "margin:-9em", "border-width:9px 400px"]
    )
    covering = f'<img src="//t.example/p" width=1 style="position:absolute;top:0;{frame}">'
    item.set("body", covering + item.get("body"))
    return True


@on_item
def words_shown(item: Item, random: Random) -> bool:
    """Words that no projection counts, and that a reader may see all the same."""
    added = random.choice(
        [
            "<style>p:first-child::before{content:'FALSE: '}</style>",
            "<noscript><p>FALSE</p></noscript>",
            "<script>document.body.prepend('FALSE')</script>",
            '<input type="button" value="FALSE">',
            "<svg><title>FALSE</title></svg>",
            "<template shadowrootmode=open><p>FALSE</p></template>",
        ]
    )
    item.set("body", added + item.get("body"))
    return True


def _beside(data: bytes, random: Random, added: etree._Element, member: Any) -> bytes:
    """An element, or a member of JSON, in one entry; elements first or last."""
    document = Document(data)
    item = random.choice(document.items)
    if isinstance(item, XmlItem):
        item.element.insert(random.choice([0, len(item.element)]), added)
    elif isinstance(item, JsonItem):
        item.item.update(member)
    return document.bytes()


def title_beside(data: bytes, random: Random) -> bytes | None:
    """Another title, which feedparser shows; in JSON one that Go's decoder takes."""
    added = etree.Element(
        random.choice([*(f"{{{uri}}}title" for uri in TITLED), "Title", f"{{{RSS2}}}title"])
    )
    added.text = "Government falls"
    return _beside(data, random, added, {"Title": "Government falls"})


def body_beside(data: bytes, random: Random) -> bytes | None:
    names = [
        f"{{{CONTENT}}}Encoded",
        "{http://purl.org/atom/ns#}content",
        f"{{{XHTML}}}body",
        "fullitem",
        f"{{{DC}}}description",
        f"{{{ITUNES}}}summary",
        f"{{{MEDIA}}}description",
    ]
    added = etree.Element(random.choice(names))
    added.text = "Sources said more."
    member = random.choice(["Content_html", "CONTENT_TEXT", "Summary"])
    return _beside(data, random, added, {member: "Sources said more."})


def picture_beside(data: bytes, random: Random) -> bytes | None:
    evil = "https://evil.example/x.jpg"
    added = etree.Element(
        random.choice([f"{{{ITUNES}}}image", f"{{{ATOM}}}link", "enclosure", "image"])
    )
    added.set("rel", "enclosure")
    if added.tag == "image":
        etree.SubElement(added, "url").text = evil
    added.set("url" if added.tag == "enclosure" else "href", evil)
    return _beside(data, random, added, {random.choice(["image", "banner_image"]): evil})


def entry_beside(data: bytes, random: Random) -> bytes | None:
    """An entry of another format, which feedparser shows with the others."""
    document = Document(data)
    if not document.xml:
        document.json["Items"] = [{"id": "x", "title": "Government falls"}]
        return document.bytes()
    first = document.items[0]
    assert isinstance(first, XmlItem)
    added = etree.Element("item" if first.element.tag != "item" else f"{{{ATOM}}}entry")
    etree.SubElement(added, f"{{{DC}}}title").text = "Government falls"
    first.element.addprevious(added)
    return document.bytes()


@on_item
def statement_stripped(item: Item, random: Random) -> bool:
    """All that Wirecopy added, with a line after the disclosure so that it is not the last."""
    if isinstance(item, XmlItem):
        for found in item.element.findall(f"{{{OWN}}}*"):
            item.element.remove(found)
    elif isinstance(item, JsonItem):
        item.item.pop("_wirecopy", None)
    item.set("body", item.get("body") + random.choice(["<p>-</p>", "<p>Ends.</p><p>.</p>", ""]))
    return True


def entry_doubled(data: bytes, random: Random) -> bytes | None:
    """The same guid once more, with other words: readers keep the one or the other."""
    document = Document(data)
    again = Document(document.bytes())
    n = random.randrange(len(document.items))
    item = again.items[n]
    item.set("headline", "Government falls")
    if isinstance(item, XmlItem):
        first = document.items[0]
        assert isinstance(first, XmlItem)
        parent = first.element.getparent()
        assert parent is not None
        parent.append(item.element)
    else:
        document.json["items"].append(again.json["items"][n])
    return document.bytes()


# What Wirecopy never writes


def _into(body: str, added: str, random: Random) -> str:
    """*added* somewhere in *body*."""
    return _between(body, added, random)


@on_item
def pixel(item: Item, random: Random) -> bool:
    """A tracking pixel inside the body, by rules that browsers may not share."""
    attributes = random.choice(
        [
            'width="1" height="1"',
            'style="display: none"',
            'style="display:\u00a0none"',
            'style="display:no!importantne"',
            'width="\u00a01"',
            'width="0" style="width:url(;)"',
            "style='width:1px;content:\"a;b\"'",
            'style="width:1px/**/;height:99px"',
            'style="\x0bdisplay:none"' if isinstance(item, JsonItem) else 'style="d\\isplay:none"',
            'width=0 border=0 alt=" "',
            'width=1 alt="\u1680"',
            "hidden",
        ]
    )
    added = f'<img src="https://t.example/p?1" {attributes}>'
    item.set("body", _into(item.get("body"), added, random))
    return True


@on_item
def comment_added(item: Item, random: Random) -> bool:
    item.set(
        "body", _into(item.get("body"), random.choice(["<!-- ad -->", "<!>", "<?x?>"]), random)
    )
    return True


@on_item
def attribute_added(item: Item, random: Random) -> bool:
    added = random.choice(
        [
            'class="sr-only"',
            'id="a"',
            'data-x="1"',
            'aria-label="Government falls"',
            'aria-hidden="true"',
            'role="none"',
            "inert",
            "contenteditable",
            'style="float:right"',
            'style="text-align:left"',
            'style=""',
            'onfocus="x()"',
            'slot="x"',
            'popover="manual"',
        ]
    )
    body = item.get("body")
    changed = re.sub(r"<(p|div|ul|blockquote|figure)\b", rf"<\1 {added}", body, count=1)
    item.set("body", changed)
    return changed != body


@on_item
def document_dressed(item: Item, random: Random) -> bool:
    tag = random.choice(["body", "html"])
    how = random.choice(["hidden", "style=display:none", "onload=x()", "aria-label=No", "class=x"])
    item.set("body", f"<{tag} {how}>{item.get('body')}")
    return True


@on_item
def words_for_nothing(item: Item, random: Random) -> bool:
    """Words in place of a picture, which no digest covers where its address is none."""
    how = random.choice(
        ["", "src=vbscript:x", 'src="javascript:x"', "srcset=,", 'src=" "', "srcset=javascript:x"]
    )
    item.set("body", _into(item.get("body"), f'<img {how} alt="Government falls">', random))
    return True


@on_item
def words_shrunk(item: Item, random: Random) -> bool:
    """Marks within marks, until nothing is to be seen of the words."""
    times = random.randint(4, 40)
    tags = [random.choice(["small", "sub", "sup"]) for _ in range(times)]
    before = "".join(f"<{tag}>" for tag in tags)
    after = "".join(f"</{tag}>" for tag in reversed(tags))
    pieces = _TAG.split(item.get("body"))
    n = random.choice([i for i, p in enumerate(pieces) if p.strip() and not _TAG.fullmatch(p)])
    pieces[n] = f"{before}{pieces[n]}{after}"
    item.set("body", "".join(pieces))
    return True


@on_item
def words_pushed(item: Item, random: Random) -> bool:
    """Quotations and lists within each other, until the words stand beside the page."""
    tag, times = random.choice(["blockquote", "ul", "dl", "figure"]), random.randint(9, 60)
    item.set("body", f"{f'<{tag} dir=rtl>' * times}{item.get('body')}{f'</{tag}>' * times}")
    return True


@on_item
def words_mirrored(item: Item, random: Random) -> bool:
    """Words that each stand by themselves, in the order of the other direction."""
    pieces = _TAG.split(item.get("body"))
    said = [i for i, p in enumerate(pieces) if " " in p.strip() and not _TAG.fullmatch(p)]
    n = random.choice(said)
    way = "rtl" if re.search("[A-Za-z\u0900-\u0fff]", pieces[n]) else "ltr"
    start, end = random.choice([("<bdi>", "</bdi>"), ("<b dir=auto>", "</b>")])
    words = " ".join(f"{start}{word}{end}" for word in pieces[n].strip().split(" "))
    pieces[n] = f'<span dir="{way}">{words}</span>'
    item.set("body", "".join(pieces))
    return True


@on_item
def rows_moved(item: Item, random: Random) -> bool:
    """Paragraphs as rows of a table that browsers show in another order."""
    body = item.get("body")
    found = re.search(
        r"<(p|div|blockquote|li)\b[^>]*>([^<]*)</\1>\s*<(p|div|blockquote|li)\b[^>]*>([^<]*)</\3>",
        body,
    )
    if found is None:
        return False
    rows = [f"<tr><td>{words}</td></tr>" for words in (found[2], found[4])]
    table = random.choice(
        [
            f"<tfoot>{rows[0]}</tfoot><tbody>{rows[1]}</tbody>",
            f"<tbody>{rows[0]}</tbody><thead>{rows[1]}</thead>",
            f"<tbody>{rows[0]}</tbody><caption>{found[4]}</caption>",
        ]
    )
    item.set("body", body.replace(found[0], f"<table>{table}</table>"))
    return True


@on_item
def odd_space(item: Item, random: Random) -> bool:
    """A space that shows as a sign, or as nothing."""
    name = random.choice(["body", "headline", "summary"])
    pieces = _TAG.split(item.get(name)) if name == "body" else [item.get(name)]
    spaced = [i for i, p in enumerate(pieces) if " " in p.strip() and not _TAG.fullmatch(p)]
    if not spaced:
        return False
    n = random.choice(spaced)
    pieces[n] = pieces[n].replace(" ", random.choice("\u1680\u2028\u2029\x85"), 1)
    item.set(name, "".join(pieces))
    return True


# In and around an entry's values


def _in_elements(change: Callable[[etree._Element, bool, Random], bool]) -> Mutation:
    """A mutation of one entry's element, told whether it is Atom's; there is none in JSON."""

    def mutate(data: bytes, random: Random) -> bytes | None:
        document = Document(data)
        for item in random.sample(document.items, len(document.items)):
            if isinstance(item, XmlItem):
                atom = item.element.tag == f"{{{ATOM}}}entry"
                if change(item.element, atom, random):
                    return document.bytes()
        return None

    return mutate


@_in_elements
def element_within(entry: etree._Element, atom: bool, random: Random) -> bool:
    """An element around words inside of title, summary or body, which readers drop or show."""
    tags = [f"{{{ATOM}}}{n}" for n in ("title", "summary", "content")]
    tags = tags if atom else ["title", "description", f"{{{CONTENT}}}encoded"]
    found = [e for e in entry if e.tag in tags and e.text and len(e.text) > 9]
    if not found:
        return False
    element = random.choice(found)
    text = element.text or ""
    at = random.randrange(1, len(text) - 4)
    inner = random.choice(
        [f"{{{XHTML}}}script", f"{{{XHTML}}}img", f"{{{XHTML}}}b", "{urn:x-other}x", "x"]
    )
    added = etree.SubElement(element, inner)
    if inner.endswith("img"):
        added.set("src", "https://evil.example/x.jpg")
        added.tail = text[at:]
    else:
        added.text, added.tail = text[at : at + 3], text[at + 3 :]
    element.text = text[:at]
    return True


@_in_elements
def type_changed(entry: etree._Element, atom: bool, random: Random) -> bool:
    """The body as text, or the headline as HTML."""
    if not atom:
        return False
    name, kind = random.choice(
        [("content", "text"), ("content", "text/plain"), ("content", "xhtml"), ("title", "html"),
         ("title", "xhtml"), ("content", "TEXT")]
    )  # fmt: skip
    found = entry.find(f"{{{ATOM}}}{name}")
    assert found is not None
    found.set("type", kind)
    return True


@_in_elements
def term_other(entry: etree._Element, atom: bool, random: Random) -> bool:
    found = [e for e in entry.iterfind(f"{{{ATOM}}}category") if e.get("label")]
    if not found:
        return False
    random.choice(found).set("term", "scandal")
    return True


@_in_elements
def permalink(entry: etree._Element, atom: bool, random: Random) -> bool:
    found = entry.find("guid")
    if found is None:
        return False
    if random.random() < 0.5:
        found.attrib.pop("isPermaLink")
    else:
        found.set("isPermaLink", random.choice(["true", "False", ""]))
    return True


@_in_elements
def base_elsewhere(entry: etree._Element, atom: bool, random: Random) -> bool:
    element = random.choice([entry, entry.getparent(), *entry])
    assert element is not None
    element.set("{http://www.w3.org/XML/1998/namespace}base", "https://evil.example/")
    return True


@_in_elements
def shown_beside(entry: etree._Element, atom: bool, random: Random) -> bool:
    """An element that readers show, and that Wirecopy never writes."""
    name = random.choice(
        ["comments", "author", f"{{{DC}}}date", f"{{{DC}}}subject", f"{{{ATOM}}}subtitle",
         f"{{{ATOM}}}logo", f"{{{ITUNES}}}author", f"{{{MEDIA}}}group", f"{{{MEDIA}}}player",
         f"{{{MEDIA}}}text", f"{{{XHTML}}}p", "content", "image"]
    )  # fmt: skip
    etree.SubElement(entry, name).text = "Government falls"
    return True


@_in_elements
def enclosure_of_nothing(entry: etree._Element, atom: bool, random: Random) -> bool:
    name = f"{{{MEDIA}}}content" if atom else random.choice(["enclosure", f"{{{MEDIA}}}content"])
    etree.SubElement(entry, name).set("url", random.choice([" ", "", "x.jpg", "data:,x"]))
    return True


@_in_elements
def agency_by_name(entry: etree._Element, atom: bool, random: Random) -> bool:
    """The agency's name in the elements of others."""
    paths = (f"{{{ATOM}}}author/{{{ATOM}}}name", f"{{{ATOM}}}source/{{{ATOM}}}title")
    found = [e for path in (paths if atom else (f"{{{DC}}}creator", "source"))
             for e in entry.findall(path)[-1:]]  # fmt: skip
    if found:
        random.choice(found).text = "Reuters"
    return bool(found)


@_in_elements
def author_added(entry: etree._Element, atom: bool, random: Random) -> bool:
    if atom:
        added = etree.SubElement(entry, f"{{{ATOM}}}author")
        added = etree.SubElement(added, f"{{{ATOM}}}name")
    else:
        added = etree.SubElement(entry, f"{{{DC}}}creator")
    added.text = "Reuters"
    return True


@_in_elements
def date_moved(entry: etree._Element, atom: bool, random: Random) -> bool:
    wrong = random.choice(["2031-01-01T00:00:00Z", "2021-01-01T00:00:00Z"])
    tags = [f"{{{ATOM}}}updated", "{http://purl.org/dc/terms/}modified"]
    found = [e for e in entry if e.tag in tags]
    if atom:
        found += entry.findall(f"{{{ATOM}}}source/{{{ATOM}}}updated")
    if found:
        random.choice(found).text = wrong
    return bool(found)


@_in_elements
def published_later(entry: etree._Element, atom: bool, random: Random) -> bool:
    found = entry.find(f"{{{ATOM}}}published" if atom else "pubDate")
    if found is None:
        return False
    found.text = "2031-01-01T00:00:00Z" if atom else "Wed, 01 Jan 2031 00:00:00 +0000"
    return True


@_as_json
def json_dates(feed: dict[str, Any], random: Random) -> bytes:
    name = random.choice(["date_published", "date_modified"])
    random.choice(feed["items"])[name] = "2031-01-01T00:00:00Z"
    return json.dumps(feed).encode()


@_as_json
def json_agency(feed: dict[str, Any], random: Random) -> bytes:
    item = random.choice(feed["items"])
    how = random.randrange(3)
    if how == 0:
        item["authors"][-1]["name"] = "Reuters"
    elif how == 1:
        item["authors"].append({"name": "Reuters"})
    else:
        item["author"] = {"name": "Reuters"}
    return json.dumps(feed).encode()


@_as_json
def json_wire_headline(feed: dict[str, Any], random: Random) -> bytes:
    item = random.choice(
        [i for i in feed["items"] if i["_wirecopy"].get("edit_scope") != "unknown"]
    )
    item["_wirecopy"]["wire_headline"] = "Government falls"
    return json.dumps(feed).encode()


@_as_json
def json_member(feed: dict[str, Any], random: Random) -> bytes:
    item = random.choice(feed["items"])
    where, name, value = random.choice(
        [
            (item, "content_text", "Government falls"),
            (item, "banner_image", "https://evil.example/x.jpg"),
            (item, "Title", "Government falls"),
            (item, "tags", [None]),
            (item, "attachments", [None]),
            (item, "image", 7),
            (item, "id", 7),
            (item["_wirecopy"], "headline", "Government falls"),
            (item, "_Wirecopy", {}),
        ]
    )
    where[name] = value
    return json.dumps(feed).encode()


# What is said beside the copy


@on_item
def byline_other(item: Item, random: Random) -> bool:
    """Another who wrote it, or somebody where nobody was named."""
    name = random.choice(["By Somebody", "Press Trust"])
    if isinstance(item, JsonItem):
        authors = item.item["authors"]
        if random.random() < 0.3:
            item.item["_wirecopy"]["byline"] = name
            item.item["authors"] = authors[-1:]
            item.item["author"] = authors[-1]
            return True
        item.item["authors"] = [{"name": name}, authors[-1]]
        item.item["author"] = {"name": name}
        if "byline" in item.item["_wirecopy"]:
            item.item["_wirecopy"]["byline"] = name
        return True
    assert isinstance(item, XmlItem)
    atom = item.element.tag == f"{{{ATOM}}}entry"
    if random.random() < 0.3:
        added = etree.SubElement(item.element, f"{{{ATOM if atom else DC}}}contributor")
        (etree.SubElement(added, f"{{{ATOM}}}name") if atom else added).text = name
        return True
    tag = f"{{{ATOM}}}author" if atom else f"{{{DC}}}creator"
    authors = item.element.findall(tag)
    first = authors[0] if len(authors) == 2 else etree.Element(tag)
    if len(authors) < 2:
        authors[0].addprevious(first)
    named = first if not atom else first.find(f"{{{ATOM}}}name")
    (etree.SubElement(first, f"{{{ATOM}}}name") if named is None else named).text = name
    return True


@on_item
def caption_other(item: Item, random: Random) -> bool:
    """Other words under a picture, none, or more."""
    word = random.choice(["", "The accused", "Photo: Reuters"])
    if isinstance(item, JsonItem):
        said = [each for each in item.item.get("attachments", []) if "title" in each]
        if not said:
            return False
        of = random.choice(said)
        inside = random.choice([name for name in ("caption", "credit") if name in of["_wirecopy"]])
        of["_wirecopy"][inside] = word
        if random.random() < 0.5:
            of["title"] = word
        return True
    assert isinstance(item, XmlItem)
    found = list(item.element.iter(f"{{{MEDIA}}}description", f"{{{MEDIA}}}credit"))
    links = [e for e in item.element.iter(f"{{{ATOM}}}link") if e.get("rel") == "enclosure"]
    if links and random.random() < 0.4:
        random.choice(links).set("title", word or "x")
    elif found and random.random() < 0.3:
        gone = random.choice(found)
        parent = gone.getparent()
        assert parent is not None
        parent.remove(gone)
    elif found:
        random.choice(found).text = word
    else:
        return False
    return True


@_in_elements
def words_in_hollow(entry: etree._Element, atom: bool, random: Random) -> bool:
    """Words in what holds none, and what readers take for a tag all the same."""
    tags = [f"{{{ATOM}}}category", f"{{{ATOM}}}link", "enclosure", f"{{{MEDIA}}}thumbnail"]
    if atom and random.random() < 0.2:
        etree.SubElement(entry, tags[0]).text = "Government falls"
        return True
    found = [e for e in entry if e.tag in tags]
    if found:
        random.choice(found).text = "Government falls"
    return bool(found)


@_in_elements
def link_titled(entry: etree._Element, atom: bool, random: Random) -> bool:
    """Words as the title of a link, where none is due."""
    found = [e for e in entry.findall(f"{{{ATOM}}}link") if e.get("rel") in ("via", "alternate")]
    if random.random() < 0.5 and found:
        random.choice(found).set("title", "Government falls")
        return True
    added = etree.SubElement(entry, f"{{{ATOM}}}link", rel="via", href="https://evil.example/")
    pictures = [e.get("url") or "" for e in entry.iter(f"{{{MEDIA}}}content")]
    if atom and pictures:
        added.set("rel", "enclosure")
        added.set("href", random.choice(pictures))
    added.set("title", "Government falls")
    return True


@on_item
def published_other(item: Item, random: Random) -> bool:
    """First published a second earlier, or at no time."""
    if isinstance(item, JsonItem):
        dated = item.item.pop("date_published", None)
        if dated and random.random() < 0.5:
            item.item["date_published"] = "2026-11-22T12:00:00Z"
        return dated is not None
    assert isinstance(item, XmlItem)
    atom = item.element.tag == f"{{{ATOM}}}entry"
    found = item.element.find(f"{{{ATOM}}}published" if atom else "pubDate")
    if found is None:
        return False
    if random.random() < 0.5:
        item.element.remove(found)
    else:
        found.text = "2026-11-22T12:00:00Z" if atom else "Sun, 22 Nov 2026 12:00:00 +0000"
    return True


MEANING: tuple[Mutation, ...] = (
    body_letter,
    body_letter,
    body_letter,
    body_word,
    paragraph_added,
    paragraph_removed,
    paragraphs_swapped,
    link_swapped,
    link_added,
    picture_added,
    picture_swapped,
    headline_letter,
    headline_letter,
    headline_other,
    summary_other,
    tag_added,
    disclosure_dropped,
    disclosure_doubled,
    statement_moved,
    entry_moved,
    flag_flipped,
    scope_changed,
    agency_changed,
    guid_changed,
    statement_dropped,
    statement_damaged,
    words_hidden,
    words_folded,
    words_turned,
    words_covered,
    words_shown,
    title_beside,
    body_beside,
    picture_beside,
    entry_beside,
    statement_stripped,
    entry_doubled,
    pixel,
    comment_added,
    attribute_added,
    document_dressed,
    words_for_nothing,
    words_shrunk,
    words_pushed,
    words_mirrored,
    rows_moved,
    odd_space,
    element_within,
    type_changed,
    term_other,
    permalink,
    base_elsewhere,
    shown_beside,
    enclosure_of_nothing,
    agency_by_name,
    author_added,
    date_moved,
    published_later,
    json_dates,
    json_agency,
    json_wire_headline,
    json_member,
    byline_other,
    caption_other,
    link_titled,
    words_in_hollow,
    published_other,
)
