"""What Wirecopy writes in an entry, element by element: anything else is named, and fails.

The table is data, ``form.json``, which the JavaScript verifier reads too; ``docs/statement.md`` §4
and §7 print it. Here it is held against a body; :mod:`wirecopy.feed` holds entries against it.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborNode

from .encoding import names, well_formed
from .html import body
from .pixels import Attributes, is_pixel
from .text import BLOCKS, plain
from .urls import srcset

FORM: dict[str, Any] = json.loads(Path(__file__).with_name("form.json").read_text("utf-8"))

ANYBODYS: tuple[str, ...] = tuple(FORM["unsigned"])
"""What an entry shows that no statement covers, in words."""

ADDRESS = re.compile(r"https?://[^\t\n\v\f\r /?#]", re.IGNORECASE | re.ASCII)
"""How an address begins that something is loaded from."""
_FOLLOWED = re.compile(rf"{ADDRESS.pattern}|mailto:|tel:|#|\Z", re.IGNORECASE | re.ASCII)

_USUAL = re.compile(
    r'</?(?:a|b|br|em|i|li|p|span|strong|u)>|<p lang="[\w-]*">'
    r'|<a href="https?://[^"<>&/?#\s][^"<>&]*(?:&amp;[^"<>&]*)*" rel="nofollow noopener">'
)
"""The tags that most bodies are made of."""
_CHARACTERS = re.compile(FORM["characters"])
_LTR, _RTL = re.compile(FORM["letters"]["ltr"]), re.compile(FORM["letters"]["rtl"])
_BODY = FORM["body"]
_ATTRIBUTES = {
    tag: names(f"{_BODY['any']} {own}")
    for listed, own in _BODY["elements"].items()
    for tag in listed.split()
}
_LINKS = names(_BODY["followed"])
_LOADED = names(_BODY["loaded"])
_HOLDING = {tag: names(held) for tag, held in _BODY["holding"].items()}
_ROWS: list[str] = _BODY["rows"].split()
LEVELS = {tag: n for n, (tags, _) in enumerate(_BODY["nested"]) for tag in tags.split()}
"""Elements that make words smaller, larger or narrower, by which of these they do."""
MOST: list[int] = [most for _, most in _BODY["nested"]]
"""How deep such elements may stand in one another."""
WIDEST = 200
"""Cells of one table that reach into one row."""
_SPAN = re.compile(r"[\t\n\f\r ]*\+?([0-9]+)")


def unwritten(texts: Iterable[str]) -> str:
    """The first character in *texts* that Wirecopy never writes, as a clause; empty for none.

    Browsers show it as a sign, or as nothing, where the projection has a space, or nothing.
    """
    for text in texts:
        if found := _CHARACTERS.search(text):
            return f"the character U+{ord(found[0]):04X} is shown otherwise than it is read"
    return ""


def body_fault(html: str) -> str:
    """The first thing in a body that Wirecopy never writes there, as a clause; empty for none.

    :raises wirecopy.html.TangleError: as :func:`wirecopy.text.project` does.
    """
    # Whatever the tree of these is, there is nothing else in it.
    if "<" not in _USUAL.sub("", html) and "&#" not in html and not _CHARACTERS.search(html):
        return ""
    top = body(well_formed(html))
    around = [each for each in (top.parent, top) if each is not None]
    outside = (f"the attribute {name[:20]!r} of <{each.tag}>" for each in around
               for name in each.attributes)  # fmt: skip
    return next(outside, "") or next(_faults(top), "")


def _faults(top: LexborNode) -> Iterator[str]:
    """What is wrong below *top*, in document order, without recursion."""
    path: list[tuple[LexborNode, int | None]] = []
    within = [0] * len(MOST)
    directions = Directions()
    node = top.first_child
    while node is not None or path:
        if node is None:
            node, level = path.pop()
            if level is not None:
                within[level] -= 1
            if not directions.leave():
                yield f"the direction of <{node.tag}>, which is not that of its words"
            node = node.next
            continue
        tag = node.tag or ""
        if tag == "-text":
            directions.read(node.text_content or "")
            yield from filter(None, [unwritten([node.text_content or ""])])
            node = node.next
            continue
        yield from _element_faults(node, tag)
        level = LEVELS.get(tag)
        if level is not None:
            within[level] += 1
            if within[level] > MOST[level]:
                yield f"<{tag}>, {within[level]} deep in others of its kind"
        if not directions.enter(tag, node.attributes.get("dir")):
            yield f"<{tag}>, whose words stand by themselves where no direction is stated"
        path.append((node, level))
        node = node.first_child


def _element_faults(node: LexborNode, tag: str) -> Iterator[str]:
    allowed = _ATTRIBUTES.get(tag)
    if allowed is None:
        yield f"<{tag[:20]}>" if tag[:1].isalpha() else "a comment"
        return
    attributes = node.attributes
    for name, value in attributes.items():
        if name not in allowed or not _is_written(name, value or ""):
            yield f"the attribute {name[:20]!r} of <{tag}>, {(value or '')[:60]!r}"
    yield from filter(None, [unwritten(value or "" for value in attributes.values())])
    if tag == "img":
        if not attributes.keys() & _LOADED:
            yield "an <img> without an address"
        if is_pixel(attributes):
            yield "a tracking pixel"
    elif tag in _HOLDING and _holds_others(node, _HOLDING[tag]):
        yield f"what <{tag}> holds, which some readers show and some do not"
    elif tag == "table" and _is_turned(node):
        yield "a table whose rows are shown in another order"
    elif tag in _ROWS and _covers(node):
        yield "a cell that covers another"


def _holds_others(node: LexborNode, held: Set[str]) -> bool:
    """Whether *node* holds words, or elements that are not among those *held*."""
    return any(
        bool(plain(child.text_content or "")) if child.tag == "-text" else child.tag not in held
        for child in _children(node)
    )


def _is_turned(table: LexborNode) -> bool:
    """Whether browsers show the rows of a *table* in another order than that of the tree."""
    rows = [_ROWS.index(each.tag) for each in _children(table) if each.tag in _ROWS]
    twice = any(rows.count(n) > 1 for n, name in enumerate(_ROWS) if name != "tbody")
    return twice or rows != sorted(rows)


def _covers(part: LexborNode) -> bool:
    """Whether in this *part* of a table a cell covers another."""
    grid = Grid()
    for row in _children(part):
        if row.tag == "tr":
            grid.next_row()
            cells = (each for each in _children(row) if each.tag in ("td", "th"))
            if not all(grid.fits(cell.attributes) for cell in cells):
                return True
    return False


class Directions:
    """Which way words run, element by element, in document order.

    Words that stand by themselves (``bdi``, or inline with a ``dir``) are shown in the order of
    what is around them: in the other direction they would be turned around.
    """

    def __init__(self) -> None:
        self._open = [("", False)]
        """Of each element its own direction, and whether such words may stand in it."""
        self._letters = [[0, 0]]

    def enter(self, tag: str, stated: str | None) -> bool:
        """Begin an element; False where its words may not stand by themselves."""
        own = (stated or "").lower()
        own = own if own in ("auto", "ltr", "rtl") else ""
        alone = tag == "bdi" or (own != "" and tag not in BLOCKS)
        may = self._open[-1][1]
        inside = False if alone or own == "auto" else True if own else may
        self._open.append((own, inside))
        self._letters.append([0, 0])
        return may or not alone

    def read(self, text: str) -> None:
        """Words of the element that is open."""
        ltr, rtl = letters(text)
        self._letters[-1][0] += ltr
        self._letters[-1][1] += rtl

    def leave(self) -> bool:
        """End the element; False when nearly all of its letters run another way than it states."""
        (own, _), (ltr, rtl) = self._open.pop(), self._letters.pop()
        self._letters[-1][0] += ltr
        self._letters[-1][1] += rtl
        return runs(own, ltr, rtl)


def letters(text: str) -> tuple[int, int]:
    """How many letters of *text* run from the left, and how many from the right."""
    if text.isspace():
        return 0, 0
    return len(_LTR.findall(text)), 0 if text.isascii() else len(_RTL.findall(text))


def runs(direction: str, ltr: int, rtl: int) -> bool:
    """Whether of so many letters a quarter runs in that *direction*."""
    return ltr <= 3 * rtl if direction == "rtl" else rtl <= 3 * ltr if direction == "ltr" else True


class Grid:
    """The cells of rows that stand together, as browsers place them (HTML Standard §4.9.12.1)."""

    def __init__(self) -> None:
        self._row = 0
        self._at = 0
        self._above: list[tuple[int, int, float]] = []
        """Of cells that reach into the row: their first column, the one behind, their last row;
        those to the left of the next cell are gone."""
        self._down: list[tuple[int, int, float]] = []

    def next_row(self) -> None:
        """Begin a row."""
        self._row += 1
        self._at = 0
        self._down = [cell for cell in self._down if cell[2] >= self._row]
        self._above = sorted(self._down, reverse=True)

    def fits(self, attributes: Attributes) -> bool:
        """Place the next cell of the row; False when it would cover another, or reach down beside
        :data:`WIDEST` others. Then it is placed as if it spanned none."""
        columns = max(1, min(_span(attributes.get("colspan")), 1000))
        rows = _span(attributes.get("rowspan"))
        while self._above and self._above[-1][0] <= self._at:
            self._at = max(self._at, self._above.pop()[1])
        first, behind = self._at, self._at + columns
        self._at += 1
        covers = bool(self._above) and self._above[-1][0] < behind
        if covers or (rows != 1 and len(self._down) >= WIDEST):
            return False
        self._at = behind
        if rows != 1:
            self._down.append((first, behind, self._row + rows - 1 if rows else math.inf))
        return True


def _span(value: str | None) -> int:
    found = _SPAN.match(value or "")
    return int(found[1][:6]) if found else 1


def _is_written(name: str, value: str) -> bool:
    """Whether an attribute of that *name* can have that *value*."""
    if name in _LINKS:
        return _FOLLOWED.match(value) is not None
    if name in _LOADED:
        urls = srcset(value) if name == "srcset" else [value]
        return bool(urls) and all(ADDRESS.match(url) for url in urls)
    return True


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.first_child
    while child is not None:
        yield child
        child = child.next
