"""XML read into a tree by expat. No entity is expanded, nothing is fetched, a DOCTYPE is refused.

Comments and processing instructions are left out.
"""

import codecs
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from xml.parsers import expat

from .errors import Refused

DEEPEST = 256
"""How deep elements may nest (libxml2's limit)."""

_BETWEEN = "\x1f"  # between the parts of a name: no XML can hold it
_DECLARED = re.compile(
    rb"<\?xml[^>]*?\sencoding[ \t\r\n]*=[ \t\r\n]*[\"']([A-Za-z][A-Za-z0-9._-]*)[\"']"
)
# Python's own codecs, which no other reader of XML has.
_NO_ENCODING = {"idna", "punycode", "raw-unicode-escape", "unicode-escape"}


class Element:
    """An element: its namespace (empty for none), local name and prefix, and what it holds.

    ``attributes`` are by the name as written, with its prefix; ``content`` is text and elements in
    order, ``children`` the elements alone.
    """

    __slots__ = ("attributes", "children", "content", "name", "namespace", "prefix", "tag")

    def __init__(self, written: str, attributes: dict[str, str]) -> None:
        self.namespace, self.name, self.prefix, self.tag = _split(written)
        if any(_BETWEEN in name for name in attributes):
            attributes = {_as_written(name): value for name, value in attributes.items()}
        self.attributes = attributes
        self.content: list[str | Element] = []
        self.children: list[Element] = []

    def descend(self) -> Iterator["Element"]:
        """The element itself and all elements in it, in document order."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(reversed(element.children))

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


def parse_xml(document: bytes) -> Element:
    """The root element of an XML document.

    :raises Refused: when it is not well-formed, nests deeper than :data:`DEEPEST`, has a DOCTYPE,
        or is in no known encoding.
    """
    parser = expat.ParserCreate("utf-8", _BETWEEN)
    parser.namespace_prefixes = True
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    top = Element("", {})
    path = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(path) > DEEPEST:
            raise Refused(f"nests deeper than {DEEPEST}")
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
def _split(name: str) -> tuple[str, str, str | None, str]:
    """Namespace, local name, prefix, and ``{namespace}name`` of a name as expat gives it."""
    pieces = name.split(_BETWEEN)
    if len(pieces) == 1:
        return "", name, None, name
    namespace, local = pieces[:2]
    return namespace, local, pieces[2] if len(pieces) > 2 else None, f"{{{namespace}}}{local}"


def _as_written(name: str) -> str:
    _, local, prefix, _ = _split(name)
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
