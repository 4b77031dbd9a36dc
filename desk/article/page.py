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

from selectolax.lexbor import LexborNode

from desk.article.boilerplate import evidence
from desk.article.lighten import SHADOW, SLOTTED, lighten
from desk.article.sheet import Node, Sheets
from desk.article.style import SEEN, Style, declared, styled
from wirecopy.encoding import scalar
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
_OFTEN_HIDDEN = frozenset(
    (
        *("d-none", "hidden", "hide", "invisible", "is-hidden", "off-screen", "offscreen"),
        *("screen-reader-text", "sr-only", "u-hidden", "visually-hidden", "visuallyhidden"),
    )
)
"""Classes that the common style sheets, which stand in files of their own, hide."""
_STRUCK = frozenset(("del", "s", "strike"))
_OVERRIDABLE = frozenset(
    ("visibility", "font-size", "color", "background-color", "-webkit-text-fill-color")
)
"""What hides a whole page and may show a part of it again."""


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

    ``home`` is the number of the innermost element that holds it. ``unseen`` is why no reader sees
    it, ``""`` when readers do; ``veil`` then numbers the element that hides it, and ``opens`` tells
    that a click is what such an element usually waits for. ``doubt`` is why a block that is seen
    may read otherwise than it says.
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
    """A page. ``elements[0]`` holds all of it.

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


def read(html: str, *, seen: bool = False) -> Page:
    """*html*, a whole page or a part of one, as a page.

    *seen* asks to tell apart what readers see of it: by elements, attributes, inline style and the
    style sheets that stand in the page. Without it all words are taken as seen, as the text
    projection has it.

    :raises wirecopy.html.TangleError: for markup built to burst a parser.
    """
    light = lighten(scalar(html))
    top = body(light.html)
    remarks: list[str] = []
    if not seen:
        reader = _Reader()
        reader.read(top)
    else:
        sheets = Sheets((*light.styles, *_late_styles(top)))
        reader = _Reader(sheets=sheets)
        reader.read(top)
        base = reader.base
        if not base.gone and base.why and all(block.unseen for block in reader.blocks):
            remarks.append(
                f"the page hides all of itself ({base.why}) until a script shows it,"
                " and was read as if one had"
            )
            reader = _Reader(sheets=sheets, lifted=True)
            reader.read(top)
        if reader.sheets_apart:
            remarks.append(
                "a style sheet of the page stands in an address (data:) and was not read"
            )
        if sheets.tired:
            remarks.append("the page's style sheets are too long to tell what they hide")
    return Page(
        blocks=tuple(reader.blocks),
        elements=tuple(made.element() for made in reader.elements),
        title=reader.title,
        shared_title=reader.meta.get("og:title", "") or reader.meta.get("twitter:title", ""),
        site=reader.meta.get("og:site_name", ""),
        base=reader.home or reader.meta.get("og:url", ""),
        data=tuple(found for text in (*light.data, *reader.data) for found in _objects(text)),
        remarks=tuple(remarks),
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
    return replace(block, text=kept, pieces=whole)


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


class _Run:
    """The pieces of text of one paragraph, and how its words stand to readers."""

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
    """An element that the walk is in. ``outside`` is the style around a closed ``<details>``."""

    kind: str
    node: Node
    style: Style
    first: int
    outside: Style | None = None
    foreign: bool = False


@dataclass(slots=True)
class _Reader:
    """One walk over the tree in document order, without recursion.

    Without ``sheets``, everything is seen. ``lifted``: what hides the whole body does not count.
    """

    sheets: Sheets | None = None
    lifted: bool = False
    base: Style = SEEN
    blocks: list[Block] = field(default_factory=list)
    elements: list[_Making] = field(default_factory=lambda: [_Making("body", -1, "", "", 0)])
    title: str = ""
    home: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    sheets_apart: bool = False
    _run: _Run = field(default_factory=_Run)
    _dark: _Run = field(default_factory=_Run)
    _held: list[tuple[_Run, _Run]] = field(default_factory=list)
    _links: list[str | None] = field(default_factory=list)
    _open: list[int] = field(default_factory=lambda: [0])
    _path: list[_Open] = field(default_factory=list)
    _nodes: list[Node] = field(default_factory=list)
    _veils: int = 0

    def read(self, top: LexborNode) -> None:
        if self.sheets is not None:
            self._begin(top)
        path: list[LexborNode] = []
        node = top.first_child
        while node is not None or path:
            if node is None:
                node = path.pop()
                self._leave()
                node = node.next
                continue
            tag = node.tag or ""
            if tag == "-text":
                if text := node.text_content:
                    self._say(text)
                node = node.next
            elif tag == "-comment" or tag in SILENT or tag in ("meta", "base"):
                self._note(tag, node)
                node = node.next
            else:
                path.append(node)
                self._enter(tag, node)
                node = node.first_child
        self._part()
        self.elements[0].last = len(self.blocks)

    def _begin(self, top: LexborNode) -> None:
        """The elements around everything. What hides all of a page hides no part of it from
        those who see another: only what a part can undo is heeded."""
        base = SEEN
        for node in (top.parent, top):
            if node is not None:
                self._nodes.append(_node(node.tag or "", node.attributes))
                values = self._values(self._nodes[-1])[0]
                kept = {name: one for name, one in values.items() if name in _OVERRIDABLE}
                base = styled(base, kept)
        self.base = base._replace(veil=1) if base.why else base
        if self.lifted:
            self.base = base._replace(unlit="", small="", inkless="", ink="", ground="")
        self._veils = 1

    def _say(self, text: str) -> None:
        style = self._path[-1].style if self._path else self.base
        run = self._dark if style.why else self._run
        run.add(text, self._links[-1] if self._links else None, style)

    def _enter(self, tag: str, node: LexborNode) -> None:
        attributes = node.attributes
        said = _node(tag, attributes)
        self._nodes.append(said)
        kind = self._opened(tag, attributes)
        made = _Open(kind, said, SEEN, len(self.blocks))
        if self.sheets is not None:
            self._dress(made)
        self._path.append(made)

    def _opened(self, tag: str, attributes: Mapping[str, str | None]) -> str:
        if tag in BLOCKS:
            self._part()
            kind = "block"
        elif tag in _CONTROLS or (
            tag == "ins" and "adsbygoogle" in (attributes.get("class") or "")
        ):
            self._held.append((self._run, self._dark))
            self._run, self._dark = _Run(), _Run()
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

    def _leave(self) -> None:
        left = self._path.pop()
        self._nodes.pop()
        if left.kind == "link":
            self._links.pop()
        elif left.kind:
            self._part()
            self.elements[self._open.pop()].last = len(self.blocks)
            if left.kind == "control":
                self._run, self._dark = self._held.pop()

    def _part(self) -> None:
        for run in (self._run, self._dark):
            if run.pieces and (block := run.block(self._open[-1])):
                self.blocks.append(block)
        if self._run.pieces or self._dark.pieces:
            self._run, self._dark = _Run(), _Run()

    # How words stand to readers

    def _dress(self, made: _Open) -> None:
        """Find the style of *made*, which stands in the last of the path."""
        if made.node.tag == "link":
            address = (made.node.attributes.get("href") or "").strip().lower()
            self.sheets_apart |= address.startswith("data:text/css")
        parent = self._path[-1] if self._path else None
        above = parent.style if parent else self.base
        made.foreign = made.node.tag in _FOREIGN or bool(
            parent and parent.foreign and made.node.tag.lower() != "foreignobject"
        )
        if parent and parent.outside is not None and made.node.tag == "summary":
            above, parent.outside = parent.outside, None
        if not above.gone:
            sure, maybe, words = self._values(made.node)
            style = styled(above, sure)
            style = style._replace(doubt=_of_itself(made.node) or style.doubt)
            if sure.get("display") == _BY_ITSELF:
                style = style._replace(gone=_hides_itself(made.node), opens=True)
            if made.foreign and made.node.tag in _UNDRAWN:
                style = style._replace(gone=f"<{made.node.tag}> of a drawing")
            if maybe != sure and styled(above, maybe).why != style.why:
                hider = style.why or styled(above, maybe).why
                clear = style._replace(gone="", unlit="", small="", pushed="", inkless="")
                style = clear if style.why and not above.why else style
                style = style._replace(doubt=f"hidden by a style sheet on some condition ({hider})")
            if words:
                style = style._replace(doubt=f"a style sheet puts words beside it: “{words}”")
            if style.why and not above.why:
                self._veils += 1
                style = style._replace(veil=self._veils)
            above = style
        if made.node.tag == "details" and "open" not in made.node.attributes and not above.gone:
            made.outside = above
            self._veils += 1
            above = above._replace(gone="a closed <details>", opens=True, veil=self._veils)
        made.style = above

    def _values(self, node: Node) -> tuple[dict[str, str], dict[str, str], str]:
        """What is declared for *node*, the last of the nodes; what may be; words put in beside."""
        assert self.sheets is not None
        followed = self.sheets.follow(self._nodes)
        inline = declared(node.attributes.get("style") or "")
        sure = _cascade(followed.sure, inline)
        maybe = sure
        if followed.maybe != followed.sure:
            maybe = _cascade(followed.maybe, inline)
        for values in (sure, maybe):
            if node.tag in _NEVER_SHOWN or ("display" not in values and _hides_itself(node)):
                values["display"] = _BY_ITSELF
        return sure, maybe, followed.words

    def _shadow(self, mark: str) -> None:
        """A template that takes the place of what stands in its parent, before it and after."""
        if self.sheets is None:
            return
        host = self._path[-1] if self._path else None
        style = host.style if host else self.base
        self._veils += 1
        if mark == SLOTTED:
            style = style._replace(doubt="in a shadow tree, whose own words are not read")
        elif not style.why:
            style = style._replace(gone="a shadow tree in its place", veil=self._veils)
            for n in range(host.first if host else 0, len(self.blocks)):
                if not self.blocks[n].unseen:
                    self.blocks[n] = replace(
                        self.blocks[n], unseen=style.gone, veil=self._veils, doubt=""
                    )
            if host is None or host.kind:
                for text, link in self._run.pieces:
                    self._dark.add(text, link, style)
                self._run = _Run()
        if host:
            host.style = style
        else:
            self.base = style

    def _note(self, tag: str, node: LexborNode) -> None:
        if tag == "-comment":
            if (node.comment_content or "").strip() in (SHADOW, SLOTTED):
                self._shadow((node.comment_content or "").strip())
            return
        attributes = node.attributes
        if tag == "template" and "shadowrootmode" in attributes:
            self._shadow(SLOTTED if "<slot" in (node.html or "") else SHADOW)
        elif tag == "title":
            self.title = self.title or plain(node.text())
        elif tag == "meta":
            name = (attributes.get("property") or attributes.get("name") or "").lower()
            self.meta.setdefault(name, plain(attributes.get("content") or ""))
        elif tag == "base":
            self.home = self.home or (attributes.get("href") or "")
        elif tag == "script" and "ld+json" in (attributes.get("type") or ""):
            self.data.append(node.text())


def _node(tag: str, attributes: Mapping[str, str | None]) -> Node:
    classes = frozenset((attributes.get("class") or "").split())
    return Node(tag, attributes.get("id") or "", classes, attributes)


def _hides_itself(node: Node) -> str:
    """Why a browser shows nothing of *node* unless a style says otherwise (HTML §15.3.1), or ""."""
    for name in ("hidden", "popover"):
        if name in node.attributes:
            return f"the attribute {name}"
    if node.tag == "dialog" and "open" not in node.attributes:
        return "a closed <dialog>"
    return f"<{node.tag}>" if node.tag in ("datalist", "rp", *_NEVER_SHOWN) else ""


def _of_itself(node: Node) -> str:
    """Why the words of *node* may read otherwise than they say, by its tag or class."""
    if node.tag in _STRUCK:
        return f"struck out (<{node.tag}>)"
    for name in sorted(_OFTEN_HIDDEN & node.classes):
        return f"of a class that style sheets often hide ({name!r})"
    return "set in another direction (<bdo>)" if node.tag == "bdo" else ""


def _cascade(
    sheet: Mapping[str, tuple[tuple[int, ...], str]], inline: Mapping[str, tuple[str, bool]]
) -> dict[str, str]:
    """The values that hold of those of style sheets and those of a ``style`` attribute."""
    found = {name: value for name, (_, value) in sheet.items()}
    for name, (value, important) in inline.items():
        if name not in sheet or (int(important), 1) > sheet[name][0][:2]:
            found[name] = value
    return found


def _late_styles(top: LexborNode) -> list[tuple[str, str]]:
    """Style sheets in what could not be lightened."""
    return [
        (node.attributes.get("media") or "", node.text())
        for node in top.css("style")
        if (node.attributes.get("type") or "text/css").strip().lower() == "text/css"
        and not any(above in ("noscript", "template") for above in _above(node))
    ]


def _above(node: LexborNode) -> list[str]:
    tags: list[str] = []
    parent = node.parent
    while parent is not None and len(tags) < 50:
        tags.append(parent.tag or "")
        parent = parent.parent
    return tags


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
