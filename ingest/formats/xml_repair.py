"""XML trees of feeds by lxml, from text that is not always XML, repaired as little as needed.

Each item is parsed by itself, so that no fault reaches its neighbours. Three tries: as it stands;
with stray characters and references repaired; with each child that is still broken read as raw
HTML. Entities are never declared to the parser, the network is never touched, and lxml's own limits
(depth 256, text of 10 MB) stay on.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from lxml import etree

from ingest.formats.html import unwrapped

MOST_TAGS = 200_000
"""Tags in one item beyond which it is not parsed at all: 200,000 nodes are some 30 MB of tree."""

LONGEST_TEXT = 10_000_000
"""Bytes of one text that libxml2 reads (``XML_MAX_TEXT_LENGTH``)."""

MOST_TRIALS = 200
"""Children of one broken item that are tried one by one; each trial is a parse of its own."""

WELL_KNOWN = {
    "a10": "http://www.w3.org/2005/Atom",
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
}
"""What a prefix that nobody declared can only mean."""

_parser = partial(
    etree.XMLParser, no_network=True, resolve_entities=False, load_dtd=False, huge_tree=False
)
STRICT = _parser(recover=False)
# Comments and instructions are no content, and part the text around them.
_ITEM = _parser(recover=False, remove_comments=True, remove_pis=True)
_RECOVERING = _parser(recover=True)
_SPACES = str.maketrans("\x0b\x0c", "  ")
"""White space that XML has not."""
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,10});|#[xX]([0-9a-fA-F]{1,8});|([A-Za-z][\w.-]{0,31});)?")
_STRAY = re.compile(r"<(?![A-Za-z_/!?:\x80-\U0010ffff])|\]\]>")
_PREFIX = re.compile(
    r"</?([A-Za-z_][\w.-]{0,63}):[A-Za-z_]"
    r"|\s([A-Za-z_][\w.-]{0,63}):[A-Za-z_][\w.-]{0,63}\s*=",
    re.ASCII,
)
_WINDOWS = re.compile(r"&#(?:(1[2-5][0-9])|[xX]0{0,4}([89][0-9a-fA-F]));")
_START = re.compile(r"""<([A-Za-z_][^\s<>/!?&"'=]{0,100})((?>[^<>"']+|"[^"<]*"|'[^'<]*')*+)>""")
_CDATA = re.compile(r"<!\[CDATA\[(?:(?!\]\]>).)*+\]\]>", re.DOTALL)
_CDATA_BEGIN = re.compile(r"\s*+<!\[CDATA\[")
_SAFE_NAME = re.compile(r"(?:[A-Za-z_][\w.-]{0,63}:)?[A-Za-z_][\w.-]{0,63}", re.ASCII)
_PREDEFINED = frozenset(["amp", "lt", "gt", "quot", "apos"])


@dataclass(frozen=True, slots=True)
class Context:
    """What the document says around an item: namespaces by prefix, texts of entities by name.

    ``mends`` tells whether the words of its captures are mended.
    """

    spaces: dict[str, str] = field(default_factory=dict)
    entities: dict[str, str] = field(default_factory=dict)
    mends: bool = True


@dataclass(frozen=True, slots=True)
class Tree:
    """An element, None if it could not be had.

    ``repaired`` says what was amiss; ``broken`` is True where something may have been lost by it.
    """

    element: etree._Element | None
    repaired: str = ""
    broken: bool = False


def item(text: str, context: Context, *, patiently: bool = True) -> Tree:
    """The element that *text*, one whole ``<item>`` or ``<entry>``, is, without comments and
    instructions. Linear in its length.

    *patiently* False leaves out the last of the three tries, which takes longest.
    """
    if text.count("<") - text.count("<![CDATA[") > MOST_TAGS and (
        _outside(text, lambda s: s).count("<") > MOST_TAGS
    ):
        return Tree(None, f"more than {MOST_TAGS} tags", broken=True)
    text = windows_references(text)
    if (element := _parse(text, context.spaces)) is not None:
        return Tree(element)
    spaces, repaired = repair(text, context)
    if (element := _parse(repaired, spaces)) is not None:
        return Tree(element, "stray characters, references or prefixes mended")
    if (
        patiently
        and (element := _parse(_isolate(repaired, spaces, context.mends), spaces)) is not None
    ):
        return Tree(element, "broken elements read as raw HTML")
    why = "not readable as XML"
    if context.mends and len(text.encode()) > LONGEST_TEXT:
        why += f", which reads no text of more than {LONGEST_TEXT:,} bytes"
    return Tree(None, why, broken=True)


def document(text: str, context: Context) -> Tree:
    """The root of *text*, a document; recovered as far as libxml2 can where it is broken."""
    if text.count("<") > MOST_TAGS:
        return Tree(None, f"more than {MOST_TAGS} tags", broken=True)
    element, _ = _whole(text, STRICT)
    if element is not None:
        return Tree(element)
    spaces, repaired = repair(text, context)
    repaired = _declare(repaired, spaces)
    element, why = _whole(repaired, STRICT)
    if element is not None:
        return Tree(element, "stray characters, references or prefixes mended")
    return Tree(_whole(repaired, _RECOVERING)[0], why or "it is not well-formed", broken=True)


def windows_references(text: str) -> str:
    """*text* with ``&#128;`` to ``&#159;`` as the windows-1252 characters they stand for.

    XML would make controls of them, which nobody ever means; HTML's own rule (numeric character
    reference end state) reads them so.
    """
    if "&#" not in text:
        return text
    return _WINDOWS.sub(_windows, text)


def _windows(match: re.Match[str]) -> str:
    number = int(match[1]) if match[1] else int(match[2], 16)
    return html.unescape(f"&#{number};") if 128 <= number <= 159 else match[0]


def repair(text: str, context: Context) -> tuple[dict[str, str], str]:
    """The namespaces to declare around *text*, and *text* without what XML forbids.

    Vertical tabs and form feeds become spaces, other controls go; references to characters that XML
    has not go; HTML's named references become characters; other ampersands, "<" that begin nothing
    and "]]>" outside CDATA are escaped.
    """
    entities = context.entities

    def reference(match: re.Match[str]) -> str:
        decimal, hexadecimal, name = match.groups()
        if decimal or hexadecimal:
            number = int(decimal) if decimal else int(hexadecimal, 16)
            # No capital X.
            kept = f"&#x{hexadecimal};" if hexadecimal and context.mends else match[0]
            if number in (0xB, 0xC):
                return " "
            return kept if _allowed(number) else ("" if number < 32 else "\ufffd")
        if name is None:
            return "&amp;"
        if name in _PREDEFINED:
            return match[0]
        if name in entities:
            return html.escape(html.unescape(entities[name]), quote=True)
        meant = html.unescape(f"&{name};")
        return f"&amp;{name};" if meant.startswith("&") else html.escape(meant)

    def outside(piece: str) -> str:
        piece = _REFERENCE.sub(reference, piece) if "&" in piece else piece
        return _STRAY.sub(lambda m: "&lt;" if m[0] == "<" else "]]&gt;", piece)

    text = _outside(_CONTROL.sub("", text.translate(_SPACES)), outside)
    spaces = dict(context.spaces)
    for prefix in dict.fromkeys(one or two for one, two in _PREFIX.findall(text)):
        if prefix not in spaces and prefix not in ("xml", "xmlns") and len(spaces) < 100:
            spaces[prefix] = WELL_KNOWN.get(prefix, f"urn:undeclared:{prefix}")
    return spaces, text


def _allowed(number: int) -> bool:
    return (
        number in (0x9, 0xA, 0xD)
        or 0x20 <= number <= 0xD7FF
        or 0xE000 <= number <= 0xFFFD
        or 0x10000 <= number <= 0x10FFFF
    )


def _outside(text: str, change: Callable[[str], str]) -> str:
    """*text* with *change* made to what stands outside its CDATA sections and comments."""
    pieces: list[str] = []
    at = 0
    comments = True
    while at < len(text):
        section = text.find("<![CDATA[", at)
        comment = text.find("<!--", at, section if section >= 0 else len(text)) if comments else -1
        begin, stop = (comment, "-->") if comment >= 0 else (section, "]]>")
        end = text.find(stop, begin + 4) if begin >= 0 else -1
        if begin >= 0 and end < 0 and stop == "-->":
            comments = False
            continue
        if end < 0:
            break
        pieces.append(change(text[at:begin]))
        at = end + 3
        pieces.append(text[begin:at])
    pieces.append(change(text[at:]))
    return "".join(pieces)


def _parse(text: str, spaces: dict[str, str]) -> etree._Element | None:
    opening = "<w" + _declarations(spaces) + ">"
    try:
        root = etree.fromstring(f"{opening}{text}</w>".encode(), _ITEM)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return root[0] if len(root) == 1 and isinstance(root[0].tag, str) else None


def _whole(text: str, parser: etree.XMLParser) -> tuple[etree._Element | None, str]:
    """The root of *text*; what is wrong where there is none."""
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), parser), ""
    except (etree.XMLSyntaxError, ValueError) as error:
        return None, str(error)


def _declarations(spaces: dict[str, str]) -> str:
    return "".join(
        f" xmlns{':' if prefix else ''}{prefix}={_quoted(uri)}"
        for prefix, uri in spaces.items()
        # An empty name may only be the default's; these two prefixes are not for declaring.
        if (uri or not prefix) and prefix not in ("xml", "xmlns")
    )


def _quoted(uri: str) -> str:
    return '"' + html.escape(html.unescape(uri), quote=True) + '"'


def _declare(text: str, spaces: dict[str, str]) -> str:
    """*text* with what *spaces* has and its root's own tag has not declared on its root."""
    root = _START.match(text)
    if root is None:
        return text
    missing = {p: u for p, u in spaces.items() if p and f"xmlns:{p}" not in root[2]}
    at = root.end(1)
    return text[:at] + _declarations(missing) + text[at:]


def _isolate(text: str, spaces: dict[str, str], mends: bool) -> str:
    """*text* with every child that is not well-formed by itself turned into CDATA.

    Unescaped HTML inside a description is the common case: its bytes *are* the HTML. What is never
    closed holds a section that it begins with, else what stands before the next tag.
    """
    own = _START.match(text)
    close = text.rfind("</")
    if own is None or close < own.end():
        return text
    name = own[1] if _SAFE_NAME.fullmatch(own[1]) else "item"
    pieces = [own[0] if _parse(f"{own[0]}</{own[1]}>", spaces) is not None else f"<{name}>"]
    at = own.end()
    never: set[str] = set()
    trials = 0
    while trials < MOST_TRIALS and (child := _START.search(text, at, close)):
        pieces.append(html.escape(text[at : child.start()]))
        at = child.end()
        tag = child[1]
        if not _SAFE_NAME.fullmatch(tag):
            continue
        if child[2].endswith("/"):
            trials += 1
            if _parse(child[0], spaces) is not None:
                pieces.append(child[0])
            continue
        end = -1 if tag in never or len(never) > 50 else _close(text, tag, at, close)
        closed = end >= 0
        if not closed:
            never.add(tag)
            section = _CDATA_BEGIN.match(text, at, close) if mends else None
            end = text.find("]]>" if section else "<", at, close)
            end = close if end < 0 else end + 3 * bool(section)
        inner = text[at:end]
        piece = f"{child[0]}{inner}</{tag}>"
        # Behind the last section's end each beginning of one would be searched for in vain.
        last = inner.rfind("]]>") + 3
        plain = not child[2] and "<" not in _CDATA.sub("", inner[:last]) + inner[last:]
        trials += not plain
        if not plain and _parse(piece, spaces) is None:
            bare = unwrapped(inner) if mends else inner
            bare = bare.replace("<![CDATA[", "").replace("]]>", "")
            piece = f"{child[0]}<![CDATA[{bare}]]></{tag}>"
            if _parse(piece, spaces) is None:
                piece = f"<{tag}><![CDATA[{bare}]]></{tag}>"
        pieces.append(piece)
        at = text.find(">", end) + 1 if closed else end
    if trials < MOST_TRIALS:
        pieces.append(html.escape(text[at:close]))
    pieces.append(f"</{name if pieces[0] != own[0] else own[1]}>")
    return "".join(pieces)


def _close(text: str, tag: str, at: int, limit: int) -> int:
    """Where the end tag of *tag* begins, CDATA sections passed over; -1 if there is none."""
    while (end := text.find(f"</{tag}", at, limit)) >= 0:
        section = text.find("<![CDATA[", at, end)
        after = text.find("]]>", section, limit) if section >= 0 else -1
        if after >= 0:
            at = after + 3
        elif text[end + 2 + len(tag)] in "> \t\r\n":
            return end
        else:
            at = end + 2
    return -1


def usable(spaces: dict[str, str]) -> dict[str, str]:
    """Those of *spaces* that may be declared: one bad one would spoil every item."""
    return {
        prefix: uri
        for prefix, uri in spaces.items()
        if (not prefix or _SAFE_NAME.fullmatch(prefix))
        and (WELL_KNOWN.get(prefix) == uri or _parse("<x/>", {prefix: uri}) is not None)
    }
