"""HTML as the tree a browser builds, told as a flat run of events; bursting markup is refused."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from .errors import Refused
from .words import names, well_formed

MOST_STEPS = 20_000_000
MOST_COPIES = 400_000
"""A tree builder looks up the stack of open elements at most tags, and opens formatting again in
every block (HTML Standard §13.2.4): 27 KB can become 4 million elements. These bound both."""

Attributes = Mapping[str, str | None]


class Event(NamedTuple):
    """Text, or the start or the end of an element."""

    kind: str
    """``text``, ``start`` or ``end``."""
    name: str
    """Of the element, in lower case; the words of a text."""
    attributes: Attributes


_FORMATS = names("a b big code em font i nobr s small strike strong tt u")
_EMPTY = names(
    "area base basefont bgsound br col embed frame hr img image input keygen link meta"
    " param source track wbr"
)
_TAG = re.compile(
    r"<(/?)([A-Za-z][^\s<>/\"'=]*+)"
    r"((?:\s++[^\s\"'<>/=]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'=<>`]++))?)*+)\s*+/?>"
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_ODD = re.compile(
    r"<(?:script|style|svg|math|template|select|textarea|title|iframe|noembed|noframes|noscript|xmp"
    r"|plaintext|frameset|!\[)",
    re.I,
)
_NONE: Attributes = {}


def events(html: str) -> Iterator[Event]:
    """The text, starts and ends in the ``body`` of ``<!DOCTYPE html><body>`` and *html*.

    :raises Refused: for markup whose tree would grow out of all proportion.
    """
    html = well_formed(html)
    _foresee(html)
    node = LexborHTMLParser(f"<!DOCTYPE html><body>{html}").body
    if node is None:
        raise Refused("is no HTML")
    return _walk(node.first_child)


def _walk(node: LexborNode | None) -> Iterator[Event]:
    open_: list[LexborNode] = []
    while node is not None or open_:
        if node is None:
            node = open_.pop()
            yield Event("end", node.tag or "", _NONE)
            node = node.next
        elif node.tag == "-text":
            yield Event("text", node.text_content or "", _NONE)
            node = node.next
        elif (node.tag or "-").startswith(("-", "!")):
            node = node.next
        else:
            yield Event("start", node.tag or "", node.attributes)
            open_.append(node)
            node = node.first_child


def _foresee(html: str) -> None:
    """Count, in one linear scan, the most that building could cost.

    An end tag closes something for certain only when it names the innermost element and every tag
    before it was read as browsers do. Where that is in doubt nothing is taken for closed.
    """
    doubt = _ODD.search(html) is not None
    if len(html) <= 20_000 and html.count("<") <= 400:
        return
    open_: list[str] = []
    formats = steps = copies = at = 0
    while (at := html.find("<", at)) >= 0:
        if steps > MOST_STEPS or copies > MOST_COPIES:
            raise Refused("is markup that would hang a browser")
        comment = _COMMENT.match(html, at)
        tag = _TAG.match(html, at)
        if comment is not None:
            inside = len(re.findall(r"<[A-Za-z]", comment[0]))
            open_.extend(["?"] * inside)
            formats += inside
            at = comment.end()
            continue
        steps += len(open_) + formats
        copies += formats
        if tag is None:
            if html[at + 1 : at + 2].isalpha():
                doubt = True
                open_.append("?")
                formats += 1
                # Attributes of a tag that is not read here: each is compared with all before it.
                odd = html[at : (html.find(">", at) + 1) or len(html)]
                steps += len(odd) + len(odd.split()) ** 2 // 2 + odd.count("=") ** 2 // 2
            elif html[at + 1 : at + 2] == "/":
                doubt = True
            at += 1
            continue
        ends, name, rest = tag[1], tag[2].lower(), tag[3]
        steps += (len(rest.split()) + rest.count("=")) ** 2 // 2 if len(rest) > 200 else 0
        hidden = rest.count("<")
        if hidden:
            open_.extend(["?"] * hidden)
            formats += hidden
        if ends:
            if not doubt and open_ and open_[-1] == name:
                open_.pop()
                formats -= name in _FORMATS
        elif name not in _EMPTY:
            open_.append(name)
            formats += name in _FORMATS
        at = tag.end()
    if steps > MOST_STEPS or copies > MOST_COPIES:
        raise Refused("is markup that would hang a browser")
