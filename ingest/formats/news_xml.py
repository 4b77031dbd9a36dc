"""What the XML formats of news agencies have in common: NITF, NewsML 1 and NewsML-G2.

Each item of a document is parsed by itself, from its own bytes, so that a broken one does not touch
its neighbours; one that is no XML is refused by name. A DOCTYPE is passed over: it declares nothing
to a parser, and nothing is fetched (:mod:`ingest.formats.xml_repair`). Elements are known by their
local names: agencies write several namespaces, and none.
"""

import html
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from lxml import etree

from ingest.formats import encoding, item_spans, xml_repair
from ingest.formats.bodies import Text, of_type
from ingest.formats.html import ELEMENTS, VOID, mend
from ingest.formats.sniff import HEAD, beginning, declared, sniff_xml
from ingest.formats.xml_repair import Context
from ingest.item import MOST_ITEMS, Channel, Hints, Item, Parsed, by_itself
from stories.errors import ParseError
from wirecopy.encoding import names

Element = etree._Element

_OPENED = names("noscript select")
"""Elements of which only the words are there for a reader without scripts."""

_FORMULAS = names(
    """annotation annotation-xml mfenced mfrac mi mmultiscripts mn mo mover mphantom mroot mrow ms
    mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover semantics"""
)
"""Elements of MathML: without them, a fraction is another number."""

_ATTRIBUTES = names(
    """href src alt title name colspan rowspan lang start type width height id class linethickness
    open close"""
)

NITF = {
    **{"hl1": "h2", "hl2": "h3", "bq": "blockquote", "block": "div", "note": "div"},
    **dict.fromkeys(("credit", "datasource", "tagline", "bibliography", "copyrite"), "p"),
    **dict.fromkeys(("byline", "dateline", "abstract", "distributor", "hedline"), "div"),
    **dict.fromkeys(("lang", "pronounce"), "span"),
    **dict.fromkeys(("fn",), "small"),
}
"""Elements of NITF that HTML calls otherwise."""


class Node(NamedTuple):
    """An item of a document: where it stands, and its element, None with the reason."""

    start: int
    end: int
    element: Element | None
    why: str
    doubt: str


@dataclass(frozen=True, slots=True)
class Document:
    """The items of a document, by their names; ``whole`` whether its end is there."""

    nodes: tuple[Node, ...]
    notes: tuple[str, ...]
    unread: int
    whole: bool

    def items(self, read: Callable[[Element, Item], Item]) -> list[Item]:
        """Each item, as *read* makes it of its element, and of where it stands."""
        return [_item(at, node, read) for at, node in enumerate(self.nodes)]

    def parsed(self, format: str, items: Iterable[Item], notes: Iterable[str] = ()) -> Parsed:
        """The *items* that were made of it, and what is to be noted besides."""
        return Parsed(
            format=format,
            channel=Channel(),
            items=tuple(items),
            notes=(*self.notes, *notes),
            unread=self.unread,
            whole=self.whole,
        )


def read(body: bytes, hints: Hints, called: tuple[str, ...], format: str) -> Document:
    """The elements of *body* with one of the names *called*, the outermost. Linear in its length.

    :raises ParseError: ``malformed`` where none of them is whole, or XML.
    """
    charset = encoding.decide(body, hints.headers.get("content-type", ""), settled=hints.charset)
    spans = item_spans.spans_by(lambda narrow: item_spans.spans(narrow, names=called), body)
    sniffed = sniff_xml(beginning(body, charset))
    context = Context(xml_repair.usable(declared(sniffed.attributes)), dict(sniffed.entities))
    nodes = tuple(_node(body[a:b], a, b, charset, context) for a, b in spans[:MOST_ITEMS])
    if not nodes or all(node.element is None for node in nodes):
        why = nodes[0].why if nodes else f"no <{called[0]}> in it ends"
        raise ParseError(
            "malformed",
            f"{hints.url}: this is {format}, but cannot be read: {why}; nothing of it was taken in:"
            " ask the agency for the whole file, as XML",
        )
    around = charset.decode(body[: spans[0][0]]), charset.decode(body[spans[-1][1] :])
    return Document(
        nodes=nodes,
        notes=(f"encoding: {charset.note}",) if charset.note else (),
        unread=max(0, len(spans) - MOST_ITEMS),
        whole=_is_whole(*around),
    )


def _item(position: int, node: Node, read: Callable[[Element, Item], Item]) -> Item:
    place = Item(position, node.start, node.end, doubt=node.doubt, unreadable=node.why)
    return place if node.element is None else by_itself(place, partial(read, node.element))


def _node(raw: bytes, start: int, end: int, charset: encoding.Charset, context: Context) -> Node:
    text = charset.decode(raw)
    tree = xml_repair.item(text, context, patiently=False)
    why = "" if tree.element is not None else f"{tree.repaired}: {_fault(text)}"
    if tree.element is not None and next(tree.element.iter("{*}frac"), None) is not None:
        _write_fractions(tree.element)
    return Node(start, end, tree.element, why, charset.doubt(raw))


def _write_fractions(root: Element) -> None:
    """Give the fractions of NITF the sign between their numbers, and space where they would run
    into a figure: ``5<frac>`` is five and a half, and not fifty-one halves."""
    before, ended = "", False
    for event, one in etree.iterwalk(root, events=("start", "end")):
        place = "text" if event == "start" else "tail"
        if local(one) == "frac" and event == "start":
            one.text = " " if before[-1:].isdigit() else ""
            sign = first(children(one, "frac-sep"))
            for part in one:
                part.tail = "/" if local(part) == "numer" and not sign else ""
        ended = ended or (local(one) == "frac" and event == "end")
        if said := getattr(one, place):
            if ended and said[0].isdigit():
                setattr(one, place, f" {said}")
            before, ended = said, False


def _fault(text: str) -> str:
    """What an XML parser says is wrong with *text*."""
    try:
        etree.fromstring(text[:1_000_000].encode("utf-8", "replace"), xml_repair.STRICT)
    except (etree.XMLSyntaxError, ValueError) as error:
        return str(error)[:300]
    return "it is too large"


def _is_whole(head: str, tail: str) -> bool:
    """Whether what was opened before the items is closed behind them."""
    root = sniff_xml(head[:HEAD])
    if root.at < 0:
        return True  # the item is the document
    tree = xml_repair.item(head[root.at :] + tail.rstrip("\0 \t\r\n"), Context(), patiently=False)
    return tree.element is not None


def local(element: Element) -> str:
    """The local name of *element*."""
    return str(element.tag).rpartition("}")[2]


def child(element: Element | None, *path: str) -> Element | None:
    """The first element at *path*, names from the outside in."""
    for name in path:
        element = next(children(element, name), None)
    return element


def children(element: Element | None, *called: str) -> Iterator[Element]:
    """The children of *element* of the names *called*."""
    if element is not None:
        yield from (one for one in element if local(one) in called)


def within(element: Element | None, *called: str) -> Iterator[Element]:
    """The elements at any depth of *element*, itself too, of the names *called*."""
    if element is not None:
        yield from (one for one in element.iter() if local(one) in called)


def words(element: Element | None) -> str:
    """The words of *element* on one line."""
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())


def told(elements: Iterable[Element]) -> tuple[str, ...]:
    """The words of each of *elements* that has any."""
    return tuple(text for one in elements if (text := words(one)))


def first(elements: Iterable[Element]) -> str:
    """The words of the first of *elements* that has any."""
    return next(iter(told(elements)), "")


def stated(element: Element | None, *attributes: str) -> str:
    """The first of *attributes* that *element* has."""
    if element is None:
        return ""
    return next((v.strip() for name in attributes if (v := element.get(name, "")).strip()), "")


def language(element: Element) -> str:
    """The language of *element*, as XML states it."""
    return stated(element, "{http://www.w3.org/XML/1998/namespace}lang")


Rule = Callable[[str], str | None]
"""What an element is called in HTML: ``""`` where only its content counts, None where not even
that does."""


def of_html(name: str) -> str | None:
    """The rule for XHTML."""
    name = name.lower()
    if name in ("script", "style", "head"):
        return None
    return name if name in ELEMENTS | _FORMULAS and name not in _OPENED else ""


def of_nitf(name: str) -> str | None:
    """The rule for NITF. Pictures and films are beside the text (:func:`.nitf.media`)."""
    if name in ("media", "nitf-table-metadata"):
        return None
    return NITF[name] if name in NITF else of_html(name)


def markup(element: Element, rule: Rule) -> str:
    """What *element* holds, as HTML in which no word and no order of words is lost."""
    pieces: list[str] = []
    _write(element, rule, pieces)
    return "".join(pieces).strip()


def _write(element: Element, rule: Rule, pieces: list[str]) -> None:
    pieces.append(html.escape(element.text or "", quote=False))
    for one in element:
        name = rule(local(one))
        if name is not None:
            if name:
                pieces.append(f"<{name}{_attributes(one)}>")
            _write(one, rule, pieces)
            if name and name not in VOID:
                pieces.append(f"</{name}>")
        pieces.append(html.escape(one.tail or "", quote=False))


def _attributes(element: Element) -> str:
    found: Mapping[str, str] = {str(k): str(v) for k, v in element.attrib.items()}
    kept = ((k, v) for k, v in found.items() if k in _ATTRIBUTES)
    return "".join(f' {name}="{html.escape(value)}"' for name, value in kept)


def texts_of(element: Element, content_type: str = "") -> list[Text]:
    """The story that *element* holds: NITF, XHTML, or characters that are HTML or none."""
    if len(element) == 0:
        text = "".join(map(str, element.itertext()))
        found = of_type(text, content_type)
        return [Text(mend(text), True) if found.is_html else found]
    every = [*within(element, "body.content"), *within(element, "body.end")]
    # NITF has one in each note, too, which is none of the story, or a part of what it stands in.
    parts = [one for one in every if not any(local(a) == "note" for a in one.iterancestors())]
    if parts:
        return [Text(markup(part, of_nitf), True) for part in parts]
    page = next(within(element, "body"), None)
    if page is not None:
        return [Text(markup(page, of_html), True)]
    return [Text(markup(element, of_nitf), True)]
