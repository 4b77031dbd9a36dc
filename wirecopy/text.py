"""The text projection ``wirecopy-text-1``: which words a body of HTML says, and what it refers to.

Two bodies have the same projection exactly when a reader finds the same words in the same
paragraphs. Digests are taken of it, so the rule has a name and never changes under it:
``docs/text-projection.md`` specifies it, and its test vectors are in ``tests/vectors/text.json``.

In short: build the tree as a browser does, walk it in order, start a new paragraph at both ends of
every block and at ``<br>``, bring each paragraph to NFC with single spaces, and drop empty ones.
Attributes, comments, scripts and style are no words.
"""

import html as _html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from .encoding import names, well_formed
from .html import build, check
from .pixels import Attributes, is_pixel
from .urls import escape, resolve, srcset

RULE = "wirecopy-text-1"
"""The name of the rule. If its result for any input changes, it needs a new name."""

UNSIGNED = "wirecopy-text-2"
"""The same rule for copy in which addresses carry signatures that expire: they count without."""

BLOCKS = names(
    "address article aside blockquote body br caption center col colgroup dd details dialog"
    " dir div dl dt fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header"
    " hgroup hr html legend li listing main menu nav ol optgroup option p plaintext pre search"
    " section summary table tbody td tfoot th thead tr ul xmp"
)
"""Elements at whose start and end a paragraph ends. A cleaner that drops such a tag but keeps its
content joins words across it, which is measured as an edit."""

SILENT = names("head iframe noembed noframes noscript script style template title")
"""Elements whose content is no text of the body. A cleaner has to drop them with their content."""

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
_GAP = re.compile("[\t-\r \x85\u2028\u2029]+")
_SEEN = re.compile(
    "[^\\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""All but white space, controls and Unicode's Default_Ignorable_Code_Point (UAX #44)."""
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LINE = re.compile("\r\n|[\n-\r\x85\u2028\u2029]")


class Reference(NamedTuple):
    """One address, and the words it stands on: a link's text, a picture's ``alt``."""

    url: str
    words: str


@dataclass(frozen=True)
class Projection:
    """The words and references of a body, in document order, repeats included."""

    paragraphs: tuple[str, ...]
    links: tuple[Reference, ...] = ()
    media: tuple[Reference, ...] = ()

    @cached_property
    def unspaced(self) -> str:
        """All words, without the spaces between them: by these a text is recognised."""
        return "".join(self.paragraphs).replace(" ", "")


def plain(text: str) -> str:
    """*text* on one line, as the rule compares it.

    Controls, U+FEFF, U+FFFE and U+FFFF are removed; every run of white space (Unicode's
    White_Space, so no-break spaces too) becomes one space, with none at the ends; then Unicode NFC.
    Joiners (ZWJ, ZWNJ), zero-width spaces, soft hyphens and bidirectional controls stay: they carry
    meaning, or could hide a change. Never raises: lone surrogates become U+FFFD.
    """
    usual = _usual(text)
    # str.split knows White_Space and U+001C to U+001F, which are gone by then.
    text = " ".join(_NOTHING.sub("", well_formed(text)).split()) if usual is None else usual
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """*text* on one line as it is published, with the characters that it came with; ``""`` where
    it shows nothing.

    As :func:`plain`, which is for comparing, but spaces that do more than part words (no-break,
    thin, ideographic) stay, and so does the form of letters; and what turns the direction of text
    and is left open is closed at its end (:func:`closed`).
    """
    if not shows(text):
        return ""
    line = unfolded(text)
    return line if line.isprintable() else closed(line)  # no mark of direction can be printed


def unfolded(text: str) -> str:
    """*text* on one line as :func:`plain` has it, but with its own spaces and forms of letters."""
    if (line := _usual(text)) is not None:
        return line
    return _GAP.sub(" ", _NOTHING.sub("", well_formed(text))).strip()


def _usual(text: str) -> str | None:
    """*text* on one line, if nothing is in it that only patterns find; else None."""
    line = text.replace("\n", " ")
    # Of controls, surrogates and white space but the space, none can be printed.
    if not line.isprintable():
        return None
    while "  " in line:
        line = line.replace("  ", " ")
    return line.strip()


def shows(text: str) -> bool:
    """Whether anything in *text* can be seen."""
    return _SEEN.search(text) is not None


def closed(text: str) -> str:
    """*text* with an end for each embedding, override and isolate that it leaves open (UAX #9,
    X1 to X8), so that none reaches into what stands behind it."""
    open_: list[str] = []
    for mark in _DIRECTIONS.findall(text):
        if mark == "\u2069":
            if "\u2069" in open_:
                while open_.pop() != "\u2069":
                    pass
        elif mark != "\u202c":
            open_.append("\u2069" if mark >= "\u2066" else "\u202c")
        elif open_[-1:] == ["\u202c"]:
            open_.pop()
    return text + "".join(reversed(open_))


def spoken(html: str) -> str:
    """The words of *html* on one line, as :func:`one_line` has them. Raises as :func:`project`."""
    return one_line("\n".join(_read(html, None, fold=unfolded).paragraphs))


def project(html: str, base: str | None = None) -> Projection:
    """Paragraphs, links and media of *html* from a single parse.

    *base* is the URL that relative references are resolved against.

    :raises wirecopy.html.TangleError: for markup built to burst a parser, and nothing else.
    """
    return _read(html, base).projection()


def project_tree(top: LexborNode, base: str | None = None) -> Projection:
    """What :func:`project` gives for a body of which the tree is built (:mod:`wirecopy.html`)."""
    reader = _Reader(base)
    reader.read(top)
    return reader.projection()


def without(disclosure: str, paragraphs: tuple[str, ...]) -> tuple[str, ...]:
    """*paragraphs* less the last one, if it says exactly the plain sentence *disclosure*."""
    sentence = plain(disclosure)
    return paragraphs[:-1] if sentence and paragraphs[-1:] == (sentence,) else paragraphs


def paragraphs(html: str, *, disclosure: str = "") -> tuple[str, ...]:
    """The paragraphs of *html*, each as :func:`plain` gives it, none empty. See :func:`project`.

    *disclosure* is the plain sentence printed under the story: see :func:`without`.
    """
    return without(disclosure, project(html).paragraphs)


def projection(html: str) -> str:
    """The paragraphs of *html* joined by line feeds. See :func:`project`."""
    return "\n".join(project(html).paragraphs)


def plain_to_html(text: str, fold: Callable[[str], str] = plain) -> str:
    """Plain text as HTML: a ``<p>`` for each block between blank lines, ``<br>`` for line breaks.

    Its paragraphs are the non-empty lines of *text*; ``plain_to_html(projection(x))`` has the
    projection of ``x``. *fold* is what each line is put through.
    """
    blocks: list[list[str]] = [[]]
    for line in _LINE.split(text):
        if words := fold(line):
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

# What nearly every body is made of: elements whose tree follows from their tags alone, and
# attributes in double quotes that, but for style, neither hide nor show anything.
_SIMPLE_TAG = re.compile(
    r"<(/?)(p|a|br|b|i|em|strong|u|span|sub|sup|small|cite|q|mark|abbr|time|code|img|hr|h[1-6]"
    r"|ul|ol|li|div|blockquote|figure|figcaption|section|article|aside|header|footer|main)"
    r"((?:[\t\n\f ]++(?:href|src|alt|title|class|id|rel|target|width|height|loading|decoding|lang"
    r"|dir|style|srcset|sizes|cite|datetime|role|itemprop|aria-[a-z]+|data-[a-z-]+)"
    r'="[^"<>&\0\r]*+(?:&(?:amp|quot|#0?39);[^"<>&\0\r]*+)*+")*+[\t\n\f ]*+(/?))>'
)
_UNUSUAL = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos|nbsp|hellip|[lr][sd]quo|[mn]dash|#0?39|#x27|#160|#82[0-3][0-9]);)"
)
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_FLAT = names("p h1 h2 h3 h4 h5 h6")
"""Elements that end where a block begins, or which end one another."""
_EMPTY = names("br hr img")


def _read(html: str, base: str | None, *, fold: Callable[[str], str] = plain) -> "_Reader":
    """What a walk over the tree of *html* finds. Raises as :func:`project`."""
    html = well_formed(html)
    check(html)
    reader = _Reader(base, fold=fold)
    pieces = _simple(html)
    if pieces is None:
        reader.read(build(html))
    else:
        reader.scan(pieces)
    return reader


def _simple(html: str) -> list[str] | None:
    """*html* in pieces: a text, then for each tag its slash, its name, its attributes and the last
    slash, and the text behind it. None where the tree does not follow from these alone."""
    pieces = _SIMPLE_TAG.split(html)
    if 5 * html.count("<") + 1 != len(pieces) or "\0" in html or _UNUSUAL.search(html):
        return None
    open_: list[str] = []
    flat = ""
    for end, name, rest, shut in zip(*(pieces[n::5] for n in (1, 2, 3, 4)), strict=True):
        if end:
            if rest or not open_ or open_.pop() != name:
                return None
            flat = flat if name != flat else ""
        elif name in _EMPTY:
            if (name == "hr" and flat) or (name == "img" and "style=" in rest):
                return None
        elif (
            shut
            or (flat and name in BLOCKS)
            or (name == "a" and name in open_)
            or (name == "li" and open_[-1:] not in (["ul"], ["ol"]))
        ):
            return None
        else:
            open_.append(name)
            flat = name if name in _FLAT else flat
    return pieces if not open_ else None


class _Reader:
    """One walk over a body in document order, without recursion."""

    def __init__(self, base: str | None, *, fold: Callable[[str], str] = plain) -> None:
        self.paragraphs: list[str] = []
        self.links: list[tuple[str, list[str]]] = []
        self.media: list[Reference] = []
        self._base = base
        self._fold = fold
        self._run: list[str] = []
        self._anchors: list[list[str]] = []  # words of the open links; the innermost gets them

    def read(self, top: LexborNode) -> None:
        path: list[tuple[LexborNode, int]] = []
        node = top.first_child
        while node is not None or path:
            if node is None:
                node, kind = path.pop()
                if kind & _BLOCK:
                    self._part()
                elif kind & _LINK:
                    self._anchors.pop()
                node = node.next
                continue
            tag = node.tag or ""
            if tag == "-text":
                self._text(node.text_content or "")
                node = node.next
                continue
            kind = _KINDS.get(tag, 0)
            if kind & _BLOCK:
                self._part()
            elif kind & _LINK and not self._link(tag, node.attributes):
                kind = 0
            elif kind & _SHOWN:
                self._show(tag, node.attributes)
            if kind & _SILENT:
                node = node.next
            else:
                path.append((node, kind))
                node = node.first_child
        self._part()

    def projection(self) -> Projection:
        """What was found."""
        return Projection(
            tuple(self.paragraphs),
            tuple(Reference(url, plain("".join(words))) for url, words in self.links),
            tuple(self.media),
        )

    def scan(self, pieces: list[str]) -> None:
        """Read what :func:`_simple` made of a body as a walk over its tree would."""
        run, anchors = self._run, self._anchors
        run.append(_html.unescape(pieces[0]))
        for end, name, rest, words in zip(*(pieces[n::5] for n in (1, 2, 3, 5)), strict=True):
            if name in BLOCKS:
                self._part()
            elif name == "img":
                self._show(name, _attributes(rest))
            elif name == "a" and not end:
                self._link(name, _attributes(rest))
            elif name == "a" and anchors:
                anchors.pop()
            # Between blocks there is mostly a line feed.
            if words and (run or anchors or not words.isspace()):
                run.append(_html.unescape(words))
                if anchors:
                    anchors[-1].append(run[-1])
        self._part()

    def _text(self, words: str) -> None:
        self._run.append(words)
        if self._anchors:
            self._anchors[-1].append(words)

    def _part(self) -> None:
        """End the current paragraph."""
        if self._run:
            if words := self._fold("".join(self._run)):
                self.paragraphs.append(words)
            self._run.clear()
        if self._anchors:
            self._anchors[-1].append(" ")

    def _link(self, tag: str, attributes: Attributes) -> bool:
        """Add a link; True when its words are those inside the element."""
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
        if tag == "img" and is_pixel(attributes):
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


def _attributes(rest: str) -> Attributes:
    """The attributes of a tag of :data:`_SIMPLE_TAG`; of two of one name the first."""
    pairs = reversed(_ATTRIBUTE.findall(rest))
    return {name: _html.unescape(value) for name, value in pairs}
