"""A web page as a reader meets it: blocks of text in their places, its headlines, its data.

What is a block is the text projection's rule (:mod:`wirecopy.text`); here each block also keeps
where in the page it stands, so that a story can be told from what surrounds it.
"""

import html as _html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from desk.article.boilerplate import evidence
from desk.article.sheet import Rank, Sheets
from desk.article.style import SEEN, Style, inline, styled
from wirecopy.encoding import well_formed
from wirecopy.html import body
from wirecopy.text import BLOCKS, SILENT, plain

_CONTROLS = (
    *("amp-ad", "amp-auto-ads", "amp-consent", "amp-embed", "amp-sidebar", "amp-social-share"),
    *("amp-sticky-ad", "amp-user-notification", "button", "datalist", "select", "textarea"),
)
"""Elements within a line whose words are no part of it."""
_NEVER_SHOWN = frozenset(("audio", "canvas", "meter", "progress", "video"))
"""Elements whose content a browser shows to nobody (HTML Standard §15.3.1), or only where it cannot
show the element."""
_BY_ITSELF = "none, by itself"
_FOREIGN = frozenset(("svg", "math"))
_UNDRAWN = frozenset(
    ("annotation", "annotation-xml", "clippath", "defs", "desc", "marker", "mask", "metadata")
)
_STRUCK = frozenset(("del", "s", "strike"))
_TITLE_WORDS = 30
_OVERRIDABLE = frozenset(("visibility", "font-size", "color", "-webkit-text-fill-color"))
"""What hides a whole page and may show a part of it again."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element that contains blocks: from ``first`` up to, and not with, ``last``.

    ``label`` is its class, ``why`` the kind of boilerplate that it seems to be.
    """

    tag: str
    parent: int
    label: str
    why: str
    first: int
    last: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph. ``text`` is plain, ``pieces`` the same as found, each with its link's address.

    ``home`` is the number of the innermost element around it. ``unseen`` is why no reader sees
    it, ``""`` when readers do; ``veil`` then numbers the element that hides it, and ``opens`` is
    True where a click is what such an element usually waits for. ``doubt`` is why a block that is
    seen may read otherwise than it says.
    """

    text: str
    pieces: tuple[tuple[str, str | None], ...]
    home: int
    unseen: str = ""
    veil: int = 0
    opens: bool = False
    doubt: str = ""

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
    """A page. ``elements[0]`` is all of it.

    ``is_text`` is True for plain text.
    ``title`` is that of the browser's window, ``shared_title`` what the page gives to be shared
    (``og:title``), ``site`` the name it gives itself, ``base`` the URL its links are relative to;
    each empty where the page states none. ``data`` are its JSON-LD objects. ``remarks`` is what a
    reader of any answer about the page should know.
    """

    blocks: tuple[Block, ...]
    elements: tuple[Element, ...]
    title: str = ""
    shared_title: str = ""
    site: str = ""
    base: str = ""
    data: tuple[dict[str, Any], ...] = ()
    remarks: tuple[str, ...] = ()
    is_text: bool = False


def paragraphs_of(text: str) -> tuple[str, list[str]]:
    """The headline, "" for none, and the paragraphs of plain *text*, set off by blank lines."""
    lines = text.strip().splitlines()
    pieces = re.split(r"\n[^\S\n]*\n", "\n".join(lines))
    found = list(filter(None, map(plain, pieces if len(pieces) > 1 else lines)))
    short = len(found) > 1 and len(found[0].split()) <= _TITLE_WORDS
    is_line = short and not found[0].endswith((".", "।", "۔"))
    return (found[0], found[1:]) if is_line else ("", found)


def read_text(text: str) -> Page:
    """A plain *text* as a page."""
    line, found = paragraphs_of(text)
    html = "".join(f"<p>{_html.escape(one, quote=False)}</p>" for one in found)
    return replace(read(f"<h1>{_html.escape(line, quote=False)}</h1>{html}"), is_text=True)


def read(html: str, *, seen: bool = False) -> Page:
    """*html*, a whole page, read as by a browser that runs scripts, though none is run.

    *seen* asks to tell apart what readers see of it: by elements, attributes, inline style and the
    style sheets that stand in the page. Without it all words are taken as seen.

    :raises MemoryError, selectolax.lexbor.SelectolaxError: when memory does not suffice.
    """
    tree = LexborHTMLParser(well_formed(html), scripting=True)
    remarks: list[str] = []
    sheets = Sheets(tree) if seen else None
    walk = _Walk(sheets)
    top = tree.body
    if top is not None:  # a page of frames has none
        walk.over(top)
    base = walk.base
    if top and not base.gone and base.why and all(block.unseen for block in walk.blocks):
        remarks.append(
            f"the page hides all of itself ({base.why}) until a script shows it,"
            " and was read as if one had"
        )
        walk = _Walk(sheets, lifted=True)
        walk.over(top)
    if seen and tree.css('link[href^="data:text/css" i]'):
        remarks.append("a style sheet of the page stands in an address (data:) and was not read")
    if sheets and sheets.tired:
        remarks.append("the page's style sheets are too long to tell what they hide")
    meta: dict[str, str] = {}
    for node in tree.css("meta"):
        name = (node.attributes.get("property") or node.attributes.get("name") or "").lower()
        meta.setdefault(name, plain(node.attributes.get("content") or ""))
    titles = (plain(node.text()) for node in tree.css("head title"))
    bases = (node.attributes.get("href") for node in tree.css("base[href]"))
    data = (node.text() for node in tree.css('script[type*="ld+json" i]'))
    return Page(
        blocks=tuple(walk.blocks),
        elements=tuple(walk.elements),
        title=next(filter(None, titles), ""),
        shared_title=meta.get("og:title", "") or meta.get("twitter:title", ""),
        site=meta.get("og:site_name", ""),
        base=next(filter(None, bases), "") or meta.get("og:url", ""),
        data=tuple(found for text in data for found in _objects(text)),
        remarks=tuple(remarks),
    )


def passage(html: str) -> list[Block]:
    """The blocks of *html*, a body as the text projection reads it.

    :raises wirecopy.html.TangleError: for markup built to burst a parser.
    """
    walk = _Walk(None)
    walk.over(body(well_formed(html)))
    return walk.blocks


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
    return replace(block, text=kept, pieces=whole)


class _Run:
    """The pieces of text of one paragraph, and how readers see its words."""

    __slots__ = ("doubt", "pieces", "style")

    def __init__(self) -> None:
        self.pieces: list[tuple[str, str | None]] = []
        self.style = SEEN
        self.doubt = ""

    def add(self, text: str, link: str | None, style: Style) -> None:
        self.pieces.append((text, link))
        if text.strip():
            self.doubt = self.doubt or style.doubt
            self.style = self.style if self.style.why else style

    def block(self, home: int) -> Block | None:
        text = plain("".join(text for text, _ in self.pieces))
        style = self.style
        return (
            Block(text, tuple(self.pieces), home, style.why, style.veil, style.opens, self.doubt)
            if text
            else None
        )


@dataclass(slots=True)
class _Open:
    """An element that the walk is in: ``block``, ``control``, ``link`` or none of these.

    ``outside`` is the style around a closed ``<details>``.
    """

    node: LexborNode
    kind: str = ""
    style: Style = SEEN
    outside: Style | None = None
    foreign: bool = False


@dataclass(slots=True)
class _Walk:
    """One walk over the tree in document order, without recursion.

    Without ``sheets``, everything is seen. ``lifted``: what hides the whole body does not count.
    """

    sheets: Sheets | None
    lifted: bool = False
    base: Style = SEEN
    blocks: list[Block] = field(default_factory=list)
    elements: list[Element] = field(default_factory=lambda: [Element("body", -1, "", "", 0)])
    _seen: _Run = field(default_factory=_Run)
    _hidden: _Run = field(default_factory=_Run)
    _held: list[tuple[_Run, _Run]] = field(default_factory=list)
    _links: list[str | None] = field(default_factory=list)
    _inside: list[int] = field(default_factory=lambda: [0])
    _path: list[_Open] = field(default_factory=list)
    _veils: int = 0

    def over(self, top: LexborNode) -> None:
        if self.sheets is not None:
            self._begin(top)
        node = top.first_child
        while node is not None or self._path:
            if node is None:
                node = self._leave()
            elif node.tag == "-text":
                if text := node.text_content:
                    self._say(text)
            elif (node.tag or "") not in SILENT and not (node.tag or "-").startswith("-"):
                self._enter(node)
                node = node.first_child
                continue
            node = node.next
        self._part()
        self._close(0)

    def _begin(self, top: LexborNode) -> None:
        """The style of html and body. Where these hide all that is in them, nobody sees another
        story in the page, so only what a part of it can undo counts."""
        base = SEEN
        for node in (top.parent, top):
            if node is not None:
                values = self._values(node)[0]
                base = styled(base, {n: one for n, one in values.items() if n in _OVERRIDABLE})
        self.base = base._replace(veil=1) if base.why else base
        if self.lifted:
            self.base = base._replace(invisible="", small="", colourless="")
        self._veils = 1

    def _say(self, text: str) -> None:
        style = self._path[-1].style if self._path else self.base
        run = self._hidden if style.why else self._seen
        run.add(text, self._links[-1] if self._links else None, style)

    def _enter(self, node: LexborNode) -> None:
        made = _Open(node)
        tag, attributes = node.tag or "", node.attributes
        names = attributes.get("class") or ""
        if tag in BLOCKS:
            self._part()
            made.kind = "block"
        elif tag in _CONTROLS or (tag == "ins" and "adsbygoogle" in names):
            self._held.append((self._seen, self._hidden))
            self._seen, self._hidden = _Run(), _Run()
            made.kind = "control"
        elif tag == "a":
            self._links.append(attributes.get("href"))
            made.kind = "link"
        if made.kind in ("block", "control"):
            why = evidence(
                tag, f"{names} {attributes.get('id') or ''} {attributes.get('role') or ''}"
            )
            label = " ".join(names.split())
            self._inside.append(len(self.elements))
            self.elements.append(Element(tag, self._inside[-2], label, why, len(self.blocks)))
        if self.sheets is not None:
            self._dress(made)
        self._path.append(made)

    def _leave(self) -> LexborNode:
        left = self._path.pop()
        if left.kind == "link":
            self._links.pop()
        elif left.kind:
            self._part()
            self._close(self._inside.pop())
            if left.kind == "control":
                self._seen, self._hidden = self._held.pop()
        return left.node

    def _close(self, number: int) -> None:
        self.elements[number] = replace(self.elements[number], last=len(self.blocks))

    def _part(self) -> None:
        for run in (self._seen, self._hidden):
            if run.pieces and (block := run.block(self._inside[-1])):
                self.blocks.append(block)
        if self._seen.pieces or self._hidden.pieces:
            self._seen, self._hidden = _Run(), _Run()

    # How readers see the words

    def _dress(self, made: _Open) -> None:
        """Find the style of *made*, a child of the last of the path."""
        node, tag = made.node, made.node.tag or ""
        parent = self._path[-1] if self._path else None
        above = parent.style if parent else self.base
        made.foreign = tag in _FOREIGN or bool(
            parent and parent.foreign and tag.lower() != "foreignobject"
        )
        if parent and parent.outside is not None and tag == "summary":
            above, parent.outside = parent.outside, None
        if not above.gone:
            sure, maybe, words = self._values(node)
            style = styled(above, sure)
            style = style._replace(doubt=_of_itself(tag) or style.doubt)
            if sure.get("display") == _BY_ITSELF:
                style = style._replace(gone=_hides_itself(node), opens=True)
            if made.foreign and tag in _UNDRAWN:
                style = style._replace(gone=f"<{tag}> of a drawing")
            if maybe != sure and (other := styled(above, maybe).why) != style.why:
                doubt = f"hidden by a style sheet on some condition ({style.why or other})"
                if style.why and not above.why:
                    style = above
                style = style._replace(doubt=doubt)
            if words:
                style = style._replace(doubt=f"a style sheet puts words beside it: “{words}”")
            if style.why and not above.why:
                self._veils += 1
                style = style._replace(veil=self._veils)
            above = style
        if tag == "details" and "open" not in node.attributes and not above.gone:
            made.outside = above
            self._veils += 1
            above = above._replace(gone="a closed <details>", opens=True, veil=self._veils)
        made.style = above

    def _values(self, node: LexborNode) -> tuple[dict[str, str], dict[str, str], str]:
        """What is declared for *node*; what may be; words put in beside it."""
        assert self.sheets is not None
        followed = self.sheets.follow(node)
        own = inline(node.attributes.get("style") or "")
        sure, maybe = (_cascade(values, own) for values in (followed.sure, followed.maybe))
        for values in (sure, maybe):
            if node.tag in _NEVER_SHOWN or ("display" not in values and _hides_itself(node)):
                values["display"] = _BY_ITSELF
        return sure, maybe, followed.words


def _hides_itself(node: LexborNode) -> str:
    """Why a browser shows nothing of *node* unless a style says otherwise (HTML §15.3.1), or ""."""
    for name in ("hidden", "popover"):
        if name in node.attributes:
            return f"the attribute {name}"
    if node.tag == "dialog" and "open" not in node.attributes:
        return "a closed <dialog>"
    return f"<{node.tag}>" if node.tag in ("datalist", "rp", *_NEVER_SHOWN) else ""


def _of_itself(tag: str) -> str:
    """Why the words of an element may read otherwise than they say, by its *tag*."""
    if tag in _STRUCK:
        return f"struck out (<{tag}>)"
    return "set in another direction (<bdo>)" if tag == "bdo" else ""


def _cascade(
    sheet: Mapping[str, tuple[Rank, str]], own: Mapping[str, tuple[str, bool]]
) -> dict[str, str]:
    """The values that count, of those of style sheets and of a ``style`` attribute."""
    found = {name: value for name, (_, value) in sheet.items()}
    for name, (value, important) in own.items():
        if name not in sheet or (int(important), 1) > sheet[name][0][:2]:
            found[name] = value
    return found


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
