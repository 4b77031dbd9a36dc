"""The text projection: which words a body of HTML says, and what it refers to.

Two bodies have the same projection exactly when a reader is told the same words in the same
paragraphs. It is what digests are taken of, so the rule has a name and never changes under it:
``docs/text-projection.md`` specifies it for other implementations, and its test vectors are in
``tests/vectors/text.json``.

In short: build the tree as a browser does, walk it in order, start a new paragraph at both ends of
every block and at ``<br>``, bring each paragraph to NFC with single spaces, drop empty ones and one
disclosure at the end. Attributes, comments, scripts and style are no words.
"""

import html as _html
import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from .encoding import scalar
from .html import body
from .urls import Attributes, escape, resolve, srcset, unseen

RULE = "wirecopy-text-1"
"""The name of the rule. Any change of what it gives for any input needs a new name."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


BLOCKS = _names(
    "address article aside blockquote body br caption center col colgroup dd details dialog dir div"
    " dl dt fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html"
    " legend li listing main menu nav ol optgroup option p plaintext pre search section summary"
    " table tbody td tfoot th thead tr ul xmp"
)
"""Elements at whose start and end a paragraph ends. A cleaner that drops such a tag and keeps its
content joins words across it, which is then measured as an edit."""

SILENT = _names("head iframe noembed noframes noscript script style template title")
"""Elements whose content is no text of the body, and is not looked into. A cleaner has to drop them
together with their content."""

_MEDIA: dict[str, tuple[str, ...]] = {
    "img": ("src", "srcset"),
    "image": ("href", "xlink:href"),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "iframe": ("src", "srcdoc"),
    "embed": ("src",),
    "object": ("data",),
    "input": ("src",),
}
_LINKS: dict[str, tuple[str, ...]] = {
    "a": ("href", "xlink:href"),
    "area": ("href",),
    "base": ("href",),
}

# C0 and C1 controls that are no white space, the byte order mark, and the two characters that XML
# 1.0 leaves out (§2.2): none of them shows, and transports drop them.
_NOTHING = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]+")
_LINE = re.compile("\r\n|[\n-\r\x85\u2028\u2029]")


class Reference(NamedTuple):
    """One address, and the words it stands on: a link's text, a picture's ``alt``."""

    url: str
    words: str


@dataclass(frozen=True, slots=True)
class References:
    """What a body links to and what it shows, normalised and in document order.

    ``linked`` and ``shown`` hold the same addresses with their words.
    """

    linked: tuple[Reference, ...] = ()
    shown: tuple[Reference, ...] = ()

    @property
    def links(self) -> tuple[str, ...]:
        """The addresses linked to, repeats included."""
        return tuple(link.url for link in self.linked)

    @property
    def media(self) -> tuple[str, ...]:
        """The addresses of pictures, films, sounds and embeds, repeats included."""
        return tuple(medium.url for medium in self.shown)


class Projected(NamedTuple):
    """Everything that one reading of a body gives."""

    paragraphs: tuple[str, ...]
    references: References


def plain(text: str) -> str:
    """*text* on one line as the rule compares it.

    Controls, U+FEFF, U+FFFE and U+FFFF go; every run of white space (Unicode's White_Space, so
    no-break spaces too) becomes one space, none at the ends; then Unicode NFC. Joiners (ZWJ, ZWNJ),
    zero-width spaces, soft hyphens and bidirectional controls stay: they carry meaning, or would
    let a hidden change pass. Never raises: lone surrogates become U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    # str.split knows White_Space and U+001C to U+001F, which are gone by then.
    text = " ".join(_NOTHING.sub("", scalar(text)).split())
    return unicodedata.normalize("NFC", text)


def project(html: str, base: str | None = None, *, disclosure: str = "") -> Projected:
    """Paragraphs and references of *html* from a single parse.

    *base* is the URL that relative references are resolved against; *disclosure* is the plain
    sentence printed under the story: one final paragraph that says exactly this is left out.

    :raises wirecopy.html.TangleError: for markup built to burst a parser, and nothing else.
    """
    reader = _Reader(base)
    reader.read(scalar(html))
    found = reader.paragraphs
    sentence = plain(disclosure)
    if sentence and found and found[-1] == sentence:
        found.pop()
    linked = tuple(Reference(url, plain("".join(words))) for url, words in reader.links)
    return Projected(tuple(found), References(linked, tuple(reader.media)))


def paragraphs(html: str, *, disclosure: str = "") -> tuple[str, ...]:
    """The paragraphs of *html*, each as :func:`plain` gives it, none empty. See :func:`project`."""
    return project(html, disclosure=disclosure).paragraphs


def projection(html: str, *, disclosure: str = "") -> str:
    """The paragraphs of *html* joined by line feeds. See :func:`project`."""
    return "\n".join(paragraphs(html, disclosure=disclosure))


def references(html: str, base: str | None = None) -> References:
    """What *html* links to and shows, resolved against *base*. See :func:`project`."""
    return project(html, base).references


def plain_to_html(text: str) -> str:
    """Plain text as HTML: blank lines part ``<p>``, single line breaks become ``<br>``.

    Its paragraphs are the non-empty lines of *text*; ``plain_to_html(projection(x))`` has the
    projection of ``x``.
    """
    blocks: list[list[str]] = [[]]
    for line in _LINE.split(text):
        if words := plain(line):
            blocks[-1].append(_html.escape(words, quote=False))
        elif blocks[-1]:
            blocks.append([])
    return "\n".join(f"<p>{'<br>'.join(lines)}</p>" for lines in blocks if lines)


_BLOCK, _SILENT, _LINK, _SHOWN = 1, 2, 4, 8
_KINDS = {
    tag: _BLOCK * (tag in BLOCKS)
    | _SILENT * (tag in SILENT)
    | _LINK * (tag in _LINKS)
    | _SHOWN * (tag in _MEDIA)
    for tag in BLOCKS.union(SILENT, _LINKS, _MEDIA)
}


class _Reader:
    """One walk over a tree in document order, without recursion."""

    def __init__(self, base: str | None) -> None:
        self.paragraphs: list[str] = []
        self.links: list[tuple[str, list[str]]] = []
        self.media: list[Reference] = []
        self._base = base
        self._run: list[str] = []
        self._anchors: list[list[str]] = []  # the innermost open link gathers the words

    def read(self, html: str) -> None:
        path: list[tuple[LexborNode, int]] = []
        node = body(html).first_child
        while node is not None or path:
            if node is None:
                node, kind = path.pop()
                if kind & _BLOCK:
                    self._part()
                elif kind & _LINK:
                    self._anchors.pop()
                node = node.next
                continue
            tag = node.tag
            if tag == "-text":
                words = node.text_content or ""
                self._run.append(words)
                if self._anchors:
                    self._anchors[-1].append(words)
                node = node.next
                continue
            kind = _KINDS.get(tag or "", 0)
            if kind & _BLOCK:
                self._part()
            elif kind & _LINK and not self._link(tag or "", node.attributes):
                kind = 0
            elif kind & _SHOWN:
                self._show(tag or "", node.attributes)
            if kind & _SILENT:
                node = node.next
            else:
                path.append((node, kind))
                node = node.first_child
        self._part()

    def _part(self) -> None:
        """End the paragraph that was being read."""
        if self._run:
            if words := plain("".join(self._run)):
                self.paragraphs.append(words)
            self._run.clear()
        if self._anchors:
            self._anchors[-1].append(" ")

    def _link(self, tag: str, attributes: Attributes) -> bool:
        """Note a link; True when it stands on the words inside it."""
        name = next((name for name in _LINKS[tag] if name in attributes), None)
        url = None if name is None else resolve(attributes[name] or "", self._base)
        if url is None:
            return False
        words = [attributes.get("alt") or ""] if tag == "area" else []
        self.links.append((url, words))
        if tag == "a":
            self._anchors.append(words)
        return tag == "a"

    def _show(self, tag: str, attributes: Attributes) -> None:
        if tag == "img" and unseen(attributes):
            return
        words = plain(attributes.get("alt") or "")
        for name in _MEDIA[tag]:
            if name not in attributes:
                continue
            value = attributes[name] or ""
            if name == "srcdoc":
                self.media.append(Reference(f"srcdoc:{escape(plain(value))}", words))
                continue
            for spelt in srcset(value) if name == "srcset" else [value]:
                if (url := resolve(spelt, self._base, shown=True)) is not None:
                    self.media.append(Reference(url, words))
