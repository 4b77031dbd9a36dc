"""The second reading of an item of RSS or Atom: what copy its own bytes hold.

A scanner over the item's text, without lxml, feedparser or any code of
:mod:`ingest.formats.rss_atom`, so that a fault there is not made twice. The two share only where
the item begins and ends, the document's encoding and what its DOCTYPE declares. Every step is
linear in the item's length. :mod:`ingest.integrity` compares.

**Copy** is what these elements of the item hold (local names in any case; RSS, Atom, Dublin Core,
``content`` and XHTML namespaces, or none), without what another Wirecopy added to it, whose
elements are none:

* headline: ``title``, ``headline``;
* summary: ``description``, ``summary``, ``abstract``;
* body: ``content``, ``content:encoded``, ``body``, ``div``, and what wires invented: ``story``,
  ``fullstory``, ``storybody``, ``articlebody``, ``fulltext`` in its spellings, ``fullcontent``;
* spare: ``itunes:summary``, which is the story where nothing else is, and need not come out;
* prose: any other element, of any namespace, of :data:`ingest.integrity.PROSE` characters and more,
  unless its name or namespace says that it is something else: an id, address, date, subject,
  person, caption, right, place or note (:data:`OTHER`, and the namespaces called ``beside``). Text
  that stands in the item itself counts as one such.

Atom content of a type that is no text, or that is elsewhere (``src``), is none.
"""

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from html.entities import html5
from typing import Literal

from ingest.formats import encoding, item_spans
from ingest.formats.html import VOID, mend, printed, titled, unescaped, unwrapped
from ingest.formats.sniff import beginning, sniff_xml
from ingest.integrity import PROSE, Kind, Passage, Reread, UncheckedError, without_last
from ingest.item import Hints
from wirecopy.encoding import well_formed
from wirecopy.feed import OWN
from wirecopy.text import paragraphs

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("title", "headline"), "headline"),
    **dict.fromkeys(("description", "summary", "abstract"), "summary"),
    **dict.fromkeys(("content", "encoded", "body", "div"), "body"),
    **dict.fromkeys(("story", "fullstory", "storybody", "story-body"), "body"),
    **dict.fromkeys(("articlebody", "article-body", "fullcontent"), "body"),
    **dict.fromkeys(("fulltext", "full-text", "full_text"), "body"),
}
_COPY = frozenset(["", "atom", "dc", "content", "xhtml"])
"""Families of namespaces in which a name of :data:`_KINDS` means what it says."""

_SAYS = (
    "date|time|link|ur[il]|guid|image|img|photo|picture|thumb|thumbnail|media|video|audio|gallery"
    "|galleries|caption|credit|keyword|tag|category|categories|categorie|subject|topic|author"
    "|creator|contributor|byline|writer|reporter|publisher|source|rights|licen[cs]e|copyright"
    "|usage|disclaimer|comment|language|location|area|geo|point|polygon|place|section|slug|note"
    "|related|enclosure|analytics?|advert|ad|script|style|logo|icon|rating|seo|meta|json|bio|id"
    "|lang|cloud|email|name"
)
_QUALIFIES = (
    "pub|published|update|updated|modified|the|alt|main|lead|list|html|data|info|full|big|small"
    "|text|title|description|desc|story|stories|article|news|item|content|body|post|set|size"
)
OTHER = re.compile(
    rf"(?:(?:{_QUALIFIES})[-_.]?)*(?:{_SAYS})s?[-_.]?(?:(?:{_SAYS}|{_QUALIFIES})s?[-_.]?)*"
)
"""Names, in lower case, under which wires send what is no copy: whole words, run together or not.
A ``commentary`` is no comment, and a ``fulldescription`` no script."""

_NAME = r"[A-Za-z_\x80-\U0010ffff][^\s<>/!?&\"'=]{0,100}"
_START = re.compile(rf"""<({_NAME})((?>[^<>"']+|"[^"<]*"|'[^'<]*')*+)>""")
# A whole element of text, or of one section: nearly all are.
_OPEN = rf"""<({_NAME})((?>[^<>"']+|"[^"<]*"|'[^'<]*')*+)(?<!/)>"""
_LEAF = re.compile(
    _OPEN + r"([^<]*+(?:<!\[CDATA\[[^\]]*+(?:\](?!\]>)[^\]]*+)*+\]\]>[^<]*+)?+)</\1>"
)
_BARE_LEAF = re.compile(_OPEN + r"([^<]*+)</\1>")
_SECTION = re.compile(r"\s*+<!\[CDATA\[")
_ATTRIBUTE = re.compile(r"""([^\s=<>"'/]{1,100})\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
_REFERENCE = re.compile(
    r"&(?:#([0-9]{1,10})|#[xX]([0-9a-fA-F]{1,8})|([A-Za-z][\w.-]{0,31}));", re.ASCII
)
_COMPLETE = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,6}|([A-Za-z][A-Za-z0-9]{1,31}));")
_WINDOWS = re.compile(r"&#(?:(1[2-5][0-9])|[xX]0{0,4}([89][0-9a-fA-F]));")
_APART = re.compile(
    r"<!\[CDATA\[|<!--|<\?"
    rf"|<(?P<end>/?)(?:[\w.-]{{1,64}}:)?(?P<name>{_NAME})"
    r"""(?P<rest>(?>[^<>"']+|"[^"<]*"|'[^'<]*')*+)>""",
)
_ENDS = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
_WRAPPER = re.compile(r"\s*<div[^<>]*>(.*)</div>\s*", re.DOTALL | re.IGNORECASE)
_CHANNEL = re.compile(r"<channel\s([^<>]*)>", re.IGNORECASE)
_PREDEFINED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_FAMILIES = (
    ("www.w3.org/2005/atom", "atom"),
    ("purl.org/atom/ns", "atom"),
    ("purl.org/dc/elements", "dc"),
    ("purl.org/dc/terms", "dc"),
    ("purl.org/rss/1.0/modules/content", "content"),
    ("purl.org/rss/1.0/modules/", "beside"),
    ("www.w3.org/1999/xhtml", "xhtml"),
    ("search.yahoo.com/mrss", "beside"),
    ("rssboard.org/media-rss", "beside"),
    ("www.itunes.com/dtds", "beside"),
    ("google.com/schemas/play-podcasts", "beside"),
    ("podcastindex.org/namespace", "beside"),
    ("rssnamespace.org/feedburner", "beside"),
    ("www.georss.org", "beside"),
    ("www.opengis.net/gml", "beside"),
    ("w3.org/2003/01/geo", "beside"),
    ("www.smartnews.be/snf", "beside"),
    ("wellformedweb.org/commentapi", "beside"),
    ("purl.org/syndication/thread", "beside"),
    ("w3.org/1999/02/22-rdf-syntax", "beside"),
    ("purl.org/rss/1.0", ""),
    ("netscape.com/rdf", ""),
    ("backend.userland.com", ""),
    ("blogs.law.harvard.edu", ""),
    (OWN, "wirecopy"),
)
"""Families of namespaces by a piece of their name, since feeds write wrong schemes and endings.
``beside`` are those whose words are not the story's: captions of media, summaries for podcasts,
places."""
_USUAL = {
    **{"a10": "atom", "atom": "atom", "content": "content", "dc": "dc", "dcterms": "dc"},
    **dict.fromkeys(("feedburner", "geo", "georss", "itunes", "media", "rdf", "slash"), "beside"),
    **dict.fromkeys(("snf", "sy", "thr", "wfw"), "beside"),
    "xhtml": "xhtml",
}
"""Families of prefixes that nobody declared."""


@dataclass(frozen=True, slots=True)
class _Document:
    """What the document says around its items. ``spaces`` are families of namespaces by prefix."""

    charset: encoding.Charset
    entities: dict[str, str]
    spaces: dict[str, str]
    mend: Callable[[str], str]


def reread(body: bytes, hints: Hints) -> Reread:
    """The second reading of the items of *body*, a capture. Linear in its length."""
    charset = encoding.decide(
        body, hints.headers.get("content-type", ""), mends=hints.mends, settled=hints.charset
    )
    head = beginning(body, charset)
    sniffed = sniff_xml(head)
    channel = _CHANNEL.search(head)
    spaces: dict[str, str] = {}
    for attributes in (sniffed.attributes, channel[1] if channel else ""):
        spaces |= _spaces(attributes)
    document = _Document(charset, dict(sniffed.entities), spaces, mend if hints.mends else str)
    return lambda raw: _passages(item_spans.closed(charset.decode(raw)), document)


def _passages(raw: str, document: _Document) -> list[Passage]:
    """The copy of *raw*, the whole text of one item, in the order of its elements.

    An element that is never closed holds a section that it begins with, else what stands before the
    next tag. Text that stands in none comes last.

    :raises UncheckedError: when that is no item of XML, or one not to be read in linear time.
    """
    if "&#" in raw:
        raw = _WINDOWS.sub(_windows, raw)
    own = _START.match(raw)
    stop = raw.rfind("</")
    if own is None:
        raise UncheckedError("its bytes are no element of XML")
    if stop < own.end():
        return []
    spaces = document.spaces | _spaces(own[2]) if "xmlns" in own[2] else document.spaces
    scan = Scan(raw, stop, mends=document.charset.mends)
    found: list[Passage] = []
    ours: dict[str, str] = {}
    for tag, attributes, begin, end, nested in scan.children(own.end()):
        known = spaces | _spaces(attributes) if "xmlns" in attributes else spaces
        prefix, mark, local = tag.rpartition(":")
        if mark:
            family = known[prefix] if prefix in known else _USUAL.get(prefix, "?")
        else:
            family = known.get("", "")
        name = local.lower()
        if family == "wirecopy" and document.charset.mends:
            ours.setdefault(name, characters(raw[begin:end], document.entities).strip())
        elif kind := _kind(name, family, end - begin):
            stated = _stated(name, family, attributes, nested=nested)
            if stated != "none":
                inner = raw[begin:end]
                found.append(_passage(name, family, kind, inner, nested, stated, document))
    loose = "".join(scan.loose)
    if len(loose) >= PROSE and not loose.isspace():
        found.append(_passage("item", "?", "prose", loose, False, "", document))
    if ours.get("firstwords") == "true":  # the description repeats them
        found = [one for one in found if one.name != "<description>"]
    sentence = printed(ours.get("statement"), ours.get("disclosure"))
    return [without_last(one, sentence) for one in found] if sentence else found


def _kind(name: str, family: str, length: int) -> Kind | None:
    """What an element of that name promises; None when it is no copy."""
    kind = _KINDS.get(name)
    if kind is not None and family in _COPY and (name != "encoded" or family == "content"):
        return kind
    if family == "beside" and name == "summary":
        return "spare"
    if family == "beside" or length < PROSE or OTHER.fullmatch(name):
        return None
    return "prose"


_Stated = Literal["", "plain", "html", "base64", "none"]


def _stated(name: str, family: str, attributes: str, *, nested: bool) -> _Stated:
    """The type that an Atom element states for its text (RFC 4287 §3.1.1 and §4.1.3, and Atom 0.3's
    ``mode``); ``""`` for other elements, ``none`` for what is no text, or elsewhere."""
    if family != "atom":
        return ""
    stated = {k: a or b for k, a, b in _ATTRIBUTE.findall(attributes)}
    kind = stated.get("type", "text").partition(";")[0].strip().lower()
    coded = stated.get("mode", "").strip().lower() == "base64"
    if name == "content" and stated.get("src"):
        return "none"
    if kind in ("html", "text/html"):
        return "base64" if coded else "html"
    is_xhtml = kind in ("xhtml", "application/xhtml+xml")
    if nested or is_xhtml or kind.startswith("text") or name != "content":
        return "base64" if coded else "plain"
    return "none"


def _passage(
    name: str,
    family: str,
    kind: Kind,
    inner: str,
    nested: bool,
    stated: _Stated,
    document: _Document,
) -> Passage:
    entities, mend, mends = document.entities, document.mend, document.charset.mends
    if nested:
        text = as_html(inner, entities)
        wrapped = _WRAPPER.fullmatch(text)
        spellings = (text, wrapped[1]) if wrapped is not None else (text,)
        if mends and (bare := unescaped(spellings[-1])) != spellings[-1]:
            text, spellings = bare, (bare,)
    else:
        text = characters(inner, entities)
        if stated == "base64":
            text = _base64(text)
        elif "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = unwrapped(text) if mends else text
        text = unescaped(text) if mends and kind != "headline" and stated != "plain" else text
        spellings = (text,)
    if kind == "headline" and document.charset.mends:
        mend = _headline
    readings = partial(_readings, text, inner if nested else None, stated, mend)
    return Passage(f"<{name}>", kind, inner, tuple(map(mend, spellings)), readings, family)


def _headline(text: str) -> str:
    return titled(mend(text))


def _readings(
    text: str, nested: str | None, stated: _Stated, mend: Callable[[str], str]
) -> Iterator[str]:
    """The words that *text*, the content of an element, may mean; *nested* is its markup, if any.

    :raises stories.markup.TangleError: for markup built to burst a parser.
    """
    if nested is not None:
        yield _html(mend(text))
        # Unescaped HTML that holds CDATA for a browser's sake.
        bare = nested.replace("<![CDATA[", "").replace("]]>", "")
        yield _html(mend(bare))
        if not stated and "&lt;" in bare:  # escaped HTML beside elements
            yield _html(mend(html.unescape(bare)))
        return
    marked = "<" in text or "&" in text
    if stated != "html" or not marked:
        yield text
    if stated == "plain" or not marked:
        return
    if "&" in text and stated != "html":
        yield _COMPLETE.sub(_completed, text)
    yield _html(mend(text))


class Scan:
    """One pass over an item, element by element."""

    def __init__(self, raw: str, stop: int, *, mends: bool) -> None:
        self.loose: list[str] = []
        self._mends = mends
        self._raw = raw
        self._stop = stop
        self._steps = 4 * raw.count("<") + 1_000
        self._never: set[str] = set()
        self._last = raw.rfind("]]>", 0, stop)

    def children(self, at: int) -> Iterator[tuple[str, str, int, int, bool]]:
        """Tag, attributes, where the inside begins and ends, and whether it holds elements."""
        raw, stop = self._raw, self._stop
        while (begin := raw.find("<", at, stop)) >= 0:
            if begin > at and not (between := raw[at:begin]).isspace():
                self.loose.append(between)
            # Behind the last section's end each beginning of one would be searched for in vain.
            simple = _LEAF if begin < self._last else _BARE_LEAF
            if (leaf := simple.match(raw, begin, stop)) is not None:
                at = leaf.end()
                yield leaf[1], leaf[2], leaf.start(3), leaf.end(3), False
                continue
            if (beyond := self._beyond(begin)) >= 0:
                if raw.startswith("<![CDATA[", begin):
                    self.loose.append(raw[begin:beyond])
                at = beyond
                continue
            start = _START.match(raw, begin, stop)
            if start is None:
                if raw.startswith("</", begin):
                    gone = raw.find(">", begin, stop)
                    at = gone + 1 if gone >= 0 else begin + 2
                else:
                    self.loose.append("&lt;")
                    at = begin + 1
                continue
            tag, attributes = start[1], start[2]
            if attributes.endswith("/"):
                at = start.end()
                continue
            end, at, nested = self._close(tag, start.end())
            yield tag, attributes, start.end(), end, nested
        self.loose.append(raw[at:stop])

    def _close(self, tag: str, begin: int) -> tuple[int, int, bool]:
        """Where what *tag* holds ends, where to go on, and whether it holds elements."""
        raw, stop = self._raw, self._stop
        depth = 0
        nested = False
        first: tuple[int, int, bool] | None = None
        at = begin
        while tag not in self._never and (at := raw.find("<", at, stop)) >= 0:
            self._steps -= 1
            if self._steps < 0:
                raise UncheckedError("its elements do not nest")
            second = raw[at + 1 : at + 2]
            if second == "/":
                if self._named(tag, at + 2):
                    after = raw.find(">", at, stop)
                    found = at, after + 1 if after >= 0 else stop, nested
                    if depth == 0:
                        return found
                    first = first or found
                    depth -= 1
                nested = True
                at += 2
            elif (beyond := self._beyond(at)) >= 0:
                at = beyond
            else:
                if self._named(tag, at + 1):
                    start = _START.match(raw, at, stop)
                    depth += start is not None and not start[2].endswith("/")
                nested = nested or second.isalpha() or second == "_"
                at += 1
        if first is not None:
            return first
        self._never.add(tag)
        if self._mends and _SECTION.match(raw, begin):
            end = self._find("]]>", begin)
            return (end, end, False) if end >= 0 else (stop, stop, False)
        end = raw.find("<", begin, stop)
        return (end, end, False) if end >= 0 else (stop, stop, False)

    def _named(self, tag: str, at: int) -> bool:
        raw = self._raw
        return raw.startswith(tag, at) and raw[at + len(tag) : at + len(tag) + 1] in _NAME_ENDS

    def _beyond(self, at: int) -> int:
        """Where the CDATA section, comment or instruction that begins at *at* ends; else -1."""
        raw = self._raw
        if raw.startswith("<!", at):
            if raw.startswith("<![CDATA[", at):
                return self._find("]]>", at + 9)
            if raw.startswith("<!--", at):
                return self._find("-->", at + 4)
        elif raw.startswith("<?", at):
            return self._find("?>", at + 2)
        return -1

    def _find(self, what: str, at: int) -> int:
        if what in self._never:
            return -1
        end = self._raw.find(what, at, self._stop)
        if end < 0:
            self._never.add(what)
            return -1
        return end + len(what)


_NAME_ENDS = (">", " ", "/", "\t", "\n", "\r")


def as_html(inner: str, entities: dict[str, str]) -> str:
    """Markup of XML as HTML: no prefixes, no CDATA, nothing empty that HTML would leave open."""

    def kept(match: re.Match[str]) -> str:
        name = match[3]
        if name is None:
            return match[0] if _lasting(match) else _character(match, entities)
        return html.escape(html.unescape(entities[name])) if name in entities else match[0]

    if entities or "&#" in inner:
        inner = _REFERENCE.sub(kept, inner)
    return "".join(
        before + (html.escape(section, quote=False) if tag is None else _tag(tag))
        for before, tag, section in _apart(inner)
    )


def _apart(inner: str) -> Iterator[tuple[str, re.Match[str] | None, str]]:
    """Texts of *inner*, each with the tag or the words of the CDATA section that follows it.
    Comments and instructions are left out. Linear in its length: an end is not searched for twice.
    """
    endless: set[str] = set()
    start = at = 0
    while (match := _APART.search(inner, at)) is not None:
        if match["name"] is not None:
            yield inner[start : match.start()], match, ""
            start = at = match.end()
            continue
        begin = match[0]
        end = -1 if begin in endless else inner.find(_ENDS[begin], match.end())
        if end < 0:
            endless.add(begin)
            at = match.end()
            continue
        section = inner[match.end() : end] if begin == "<![CDATA[" else ""
        yield inner[start : match.start()], None, section
        start = at = end + len(_ENDS[begin])
    yield inner[start:], None, ""


def _tag(match: re.Match[str]) -> str:
    name, rest = match["name"], match["rest"]
    if match["end"] or not rest.endswith("/"):
        return f"<{match['end']}{name}{rest}>"
    return f"<{name}{rest[:-1]}>" if name.lower() in VOID else f"<{name}{rest[:-1]}></{name}>"


def _html(markup: str) -> str:
    return "\n".join(paragraphs(markup))


def characters(inner: str, entities: dict[str, str]) -> str:
    """The characters of an element without elements: sections as they are, the rest resolved."""
    if "<" not in inner:
        return _resolved(inner, entities)
    if "]]>" not in inner and _SECTION.match(inner):
        return inner  # left open
    return "".join(
        _resolved(before + (tag[0] if tag else ""), entities) + section
        for before, tag, section in _apart(inner)
    )


def _resolved(text: str, entities: dict[str, str]) -> str:
    if "&" not in text:
        return text
    return _REFERENCE.sub(lambda m: _character(m, entities), text)


def _character(match: re.Match[str], entities: dict[str, str]) -> str:
    if (name := match[3]) is not None:
        if name in _PREDEFINED:
            return _PREDEFINED[name]
        if name in entities:
            return html.unescape(entities[name])
        return html.unescape(match[0])
    number = _number(match)
    if number in (11, 12):
        return " "
    if number < 32 and number not in (9, 10, 13):
        return ""
    return chr(number) if _lasting(match) else "\ufffd"


def _completed(match: re.Match[str]) -> str:
    return html.unescape(match[0]) if match[1] is None or f"{match[1]};" in html5 else match[0]


def _number(match: re.Match[str]) -> int:
    return int(match[1]) if match[1] else int(match[2], 16)


def _lasting(match: re.Match[str]) -> bool:
    """Whether XML has the character that is referred to (XML 1.0 §2.2)."""
    number = _number(match)
    return (
        number in (9, 10, 13)
        or 32 <= number <= 0xD7FF
        or 0xE000 <= number <= 0xFFFD
        or 0x10000 <= number <= 0x10FFFF
    )


def _windows(match: re.Match[str]) -> str:
    number = int(match[1]) if match[1] else int(match[2], 16)
    return html.unescape(f"&#{number};") if 128 <= number <= 159 else match[0]


def _base64(text: str) -> str:
    try:
        return base64.b64decode(well_formed(text).encode(), validate=False).decode(
            "utf-8", "replace"
        )
    except (binascii.Error, ValueError):
        return ""


def _spaces(attributes: str) -> dict[str, str]:
    """The families of the namespaces that *attributes* declare, by prefix."""
    found: dict[str, str] = {}
    for name, one, two in _ATTRIBUTE.findall(attributes):
        if name == "xmlns" or name.startswith("xmlns:"):
            uri = (one or two).strip().lower()
            family = next((f for piece, f in _FAMILIES if piece in uri), "?" if uri else "")
            found[name[6:]] = family
    return found
