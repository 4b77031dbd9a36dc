"""A web page as a reader meets it: blocks of text in their places, its headlines, its data.

What is a block is the text projection's rule (:mod:`stories.text`); here each block also keeps
where in the page it stands, so that a story can be told from what surrounds it.
"""

import html as _html
import json
import re
from dataclasses import dataclass, field
from typing import Any

from selectolax.lexbor import LexborNode

from desk.article.furniture import evidence
from desk.article.lighten import lighten
from stories.markup import body
from stories.scalar import scalar
from stories.text import BLOCKS, SILENT, plain

_CONTROLS = (
    *("amp-ad", "amp-auto-ads", "amp-consent", "amp-embed", "amp-sidebar", "amp-social-share"),
    *("amp-sticky-ad", "amp-user-notification", "button", "datalist", "select", "textarea"),
)
"""Elements within a line whose words are no part of it."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element that holds blocks: those from ``first`` up to, and not with, ``last``.

    ``label`` is its class, ``why`` what speaks for its being furniture, if anything does.
    """

    tag: str
    parent: int
    label: str
    why: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph. ``text`` is plain, ``pieces`` the same as found, each with its link's address.

    ``home`` is the number of the innermost element that holds it.
    """

    text: str
    pieces: tuple[tuple[str, str | None], ...]
    home: int

    @property
    def words(self) -> int:
        """How many words it has."""
        return len(self.text.split())

    @property
    def unlinked(self) -> int:
        """How many of its words are no part of a link."""
        return sum(len(text.split()) for text, link in self.pieces if link is None)


@dataclass(frozen=True, slots=True)
class Page:
    """A page. ``elements[0]`` holds all of it.

    ``title`` is that of the browser's window, ``shared_title`` what the page gives to be shared
    (``og:title``), ``site`` the name it gives itself, ``base`` the URL its links are relative to;
    each empty where the page states none. ``data`` are its JSON-LD objects.
    """

    blocks: tuple[Block, ...]
    elements: tuple[Element, ...]
    title: str = ""
    shared_title: str = ""
    site: str = ""
    base: str = ""
    data: tuple[dict[str, Any], ...] = ()


def read(html: str) -> Page:
    """*html*, a whole page or a part of one, as a page.

    :raises stories.markup.TangleError: for markup built to burst a parser.
    """
    light = lighten(scalar(html))
    reader = _Reader()
    reader.read(body(light.html))
    return Page(
        blocks=tuple(reader.blocks),
        elements=tuple(made.element() for made in reader.elements),
        title=reader.title,
        shared_title=reader.meta.get("og:title", "") or reader.meta.get("twitter:title", ""),
        site=reader.meta.get("og:site_name", ""),
        base=reader.base or reader.meta.get("og:url", ""),
        data=tuple(found for text in (*light.data, *reader.data) for found in _objects(text)),
    )


def to_html(blocks: list[Block]) -> str:
    """*blocks* as a body of paragraphs that say the same and link to the same, and no more."""
    return "\n".join(f"<p>{''.join(map(_piece, block.pieces))}</p>" for block in blocks)


def _piece(piece: tuple[str, str | None]) -> str:
    text, link = _html.escape(piece[0], quote=False), piece[1]
    return text if link is None else f'<a href="{_html.escape(link)}">{text}</a>'


def cut(block: Block, start: int, end: int) -> Block | None:
    """*block* without ``text[start:end]``, which opens or closes it; None when nothing remains."""
    kept = plain(block.text[:start] + block.text[end:])
    if not re.search(r"\w", kept):
        return None
    gone = len("".join(block.text[start:end].split()))
    closes = start > 0
    pieces = list(block.pieces[::-1] if closes else block.pieces)
    while gone and pieces:
        text, link = pieces.pop(0)
        letters = [i for i, c in enumerate(text) if not c.isspace()]
        if len(letters) <= gone:
            gone -= len(letters)
            continue
        rest = text[: letters[-gone]] if closes else text[letters[gone - 1] + 1 :]
        pieces.insert(0, (rest, link))
        gone = 0
    whole = tuple(pieces[::-1] if closes else pieces)
    if plain("".join(text for text, _ in whole)) != kept:
        whole = ((kept, None),)  # letters that were composed anew; only the link is lost
    return Block(kept, whole, block.home)


@dataclass(slots=True)
class _Making:
    tag: str
    parent: int
    label: str
    why: str
    first: int
    last: int = 0

    def element(self) -> Element:
        return Element(self.tag, self.parent, self.label, self.why, self.first, self.last)


@dataclass(slots=True)
class _Reader:
    """One walk over the tree in document order, without recursion."""

    blocks: list[Block] = field(default_factory=list)
    elements: list[_Making] = field(default_factory=lambda: [_Making("body", -1, "", "", 0)])
    title: str = ""
    base: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    _run: list[tuple[str, str | None]] = field(default_factory=list)
    _held: list[list[tuple[str, str | None]]] = field(default_factory=list)
    _links: list[str | None] = field(default_factory=list)
    _open: list[int] = field(default_factory=lambda: [0])

    def read(self, top: LexborNode) -> None:
        path: list[tuple[LexborNode, str]] = []
        node = top.first_child
        while node is not None or path:
            if node is None:
                node, kind = path.pop()
                self._leave(kind)
                node = node.next
                continue
            tag = node.tag or ""
            if tag == "-text":
                if text := node.text_content:
                    self._run.append((text, self._links[-1] if self._links else None))
                node = node.next
            elif tag in SILENT or tag in ("meta", "base"):
                self._note(tag, node)
                node = node.next
            else:
                path.append((node, self._enter(tag, node)))
                node = node.first_child
        self._part()
        self.elements[0].last = len(self.blocks)

    def _enter(self, tag: str, node: LexborNode) -> str:
        attributes = node.attributes
        if tag in BLOCKS:
            self._part()
            kind = "block"
        elif tag in _CONTROLS or (
            tag == "ins" and "adsbygoogle" in (attributes.get("class") or "")
        ):
            self._held.append(self._run)
            self._run = []
            kind = "control"
        elif tag == "a":
            self._links.append(attributes.get("href"))
            return "link"
        else:
            return ""
        label = " ".join((attributes.get("class") or "").split())
        said = f"{label} {attributes.get('id') or ''} {attributes.get('role') or ''}"
        why = evidence(tag, said)
        self._open.append(len(self.elements))
        self.elements.append(_Making(tag, self._open[-2], label, why, len(self.blocks)))
        return kind

    def _leave(self, kind: str) -> None:
        if kind == "link":
            self._links.pop()
        elif kind:
            self._part()
            self.elements[self._open.pop()].last = len(self.blocks)
            if kind == "control":
                self._run = self._held.pop()

    def _part(self) -> None:
        if self._run:
            if text := plain("".join(text for text, _ in self._run)):
                self.blocks.append(Block(text, tuple(self._run), self._open[-1]))
            self._run = []

    def _note(self, tag: str, node: LexborNode) -> None:
        attributes = node.attributes
        if tag == "title":
            self.title = self.title or plain(node.text())
        elif tag == "meta":
            name = (attributes.get("property") or attributes.get("name") or "").lower()
            self.meta.setdefault(name, plain(attributes.get("content") or ""))
        elif tag == "base":
            self.base = self.base or (attributes.get("href") or "")
        elif tag == "script" and "ld+json" in (attributes.get("type") or ""):
            self.data.append(node.text())


def _objects(text: str) -> list[dict[str, Any]]:
    """The objects in a piece of JSON-LD, those of a list or a ``@graph`` too; [] if it is none."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return []
    several = found if isinstance(found, list) else [found]
    inner = [one["@graph"] for one in several if isinstance(one, dict) and "@graph" in one]
    flat = [*several, *(each for graph in inner if isinstance(graph, list) for each in graph)]
    return [one for one in flat if isinstance(one, dict)]
