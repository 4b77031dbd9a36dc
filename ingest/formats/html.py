"""HTML in items: whether a text is HTML, and the words of it that a parser would swallow.

*Is it HTML?* RSS 2.0 leaves it open; these are our rules. *Titles* are plain text. A title is HTML
only when every ``<`` in it begins a complete tag of a known HTML element and those tags balance; so
"5 < 6" and "How to use <b>" stay as they are. In a plain title a complete character reference is
resolved once: feeds escape titles twice so often ("Q&amp;amp;A", or CDATA around "Q&amp;A") that
the reference itself is never what is meant. *Bodies* are HTML when they hold a complete tag of a
known HTML element, a comment or a complete character reference; else plain text.

*What is swallowed* is put right before anything reads it.
The text check of :mod:`ingest.integrity` compares two HTML trees; what an HTML parser takes for a
comment, for raw text or for a tag is in neither. Here such markup is made what it was meant to be:
CDATA marks go, what XML would close is closed, words in angle brackets are words. What a reader
without scripts gets is what is read: ``noscript`` opens, a picture that waits for a script has its
address. What is missing all the same is found by counting :func:`letters_by_hand`.
"""

import html as _html
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from html.entities import html5
from typing import Any

from ingest.integrity import letters
from ingest.item import Item, ItemMedia
from stories.errors import ParseError
from wirecopy.encoding import names, well_formed
from wirecopy.errors import Refused
from wirecopy.html import TOKEN, body
from wirecopy.jose import as_text, from_xml, read_token
from wirecopy.pixels import is_pixel
from wirecopy.text import spoken
from wirecopy.urls import srcset

ELEMENTS = names(
    """a abbr acronym address applet area article aside audio b base basefont bdi bdo big
    blockquote body br button canvas caption center cite code col colgroup data datalist dd del
    details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer form frame
    frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend
    li link main map mark menu meta meter nav noframes noscript object ol optgroup option output p
    param picture pre progress q rp rt ruby s samp script section select slot small source span
    strike strong style sub summary sup table tbody td template textarea tfoot th thead time title
    tr track tt u ul var video wbr svg math"""
)
_SPOKEN_OF = names(
    "area audio base col embed head iframe img input link meta noframes object param source"
    " template title track video"
)
VOID = names("area base br col embed hr img input link meta param source track wbr")
_TAG = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9]*)((?>[^<>"']+|"[^"<]*"|'[^'<]*')*+)>""")
_WORDLESS = re.compile(r"(?>\s+|<[^<>]*>|&nbsp;|&#160;|&#xa0;)*+", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,6}|([A-Za-z][A-Za-z0-9]{1,31}));")
_KNOWN = ELEMENTS | names(
    "bgsound blink dialog image listing marquee nobr noembed plaintext rb rtc search xmp"
)
_PLACES = names("audio canvas data image label map object output picture source time video")
_VALUELESS = re.compile(
    r"(?:allow\w+|async|auto\w+|checked|class|clear|compact|content\w+|controls|declare|default|defer"
    r"|disabled|download|draggable|hidden|inert|ismap|item\w+|loop|multiple|muted|no\w+|open"
    r"|playsinline|readonly|required|reversed|selected|value|alt|title|id|style|href|src|align"
    r"|border|lang|dir|name|type|width|height|target|rel|center|left|right|\W*)\Z",
    re.IGNORECASE,
)
"""Attributes that stand without a value, also by mistake."""
# Marks of a section, also as programs spell them that read XML as HTML, or escape it once more.
_SECTION = re.compile(r"<!(?:--)?\s?\[CDATA\[|\A\s*+&lt;!\[CDATA\[", re.IGNORECASE)
_SECTION_END = re.compile(r"\]\](?:--)?\s?(?:>|&gt;)|\](?:>|&gt;)\s*+\Z")
_PLAIN = re.compile(
    r"(?>[^<]++|<(?:/?(?:p|a|b|i|br|em|strong|li|ul|ol|div|span|h[1-6]|tr|td|figure|figcaption"
    r"|blockquote|section|article|sub|sup|small|u|hr)|img(?=[^<>]*\ssrc=)(?![^<>]*\sdata-))"
    r"""(?>\s++(?!background|data-b|srcset)[a-z][a-z_:-]*+="[^"<>(]*")*+\s*+/?>)*+"""
)
"""What is nearly all of nearly every body, and comes out of :class:`_Mender` as it is."""
_ODD = re.compile(
    r"<(?=[!?/A-Za-z])(?:!(?!--)|\?|/[^A-Za-z]|/?(?:noscript|rp|select)\b"
    r"|(?:noembed|noframes|script|style|template|textarea|title|xmp)\b"
    r"|iframe\b(?![^<>]*+>\s*</iframe)|img\b(?=[^<>]*\sdata-|(?![^<>]*\ssrc\s*=))"
    r"|(?:iframe|audio|video|source)\b(?=[^<>]*\sdata-)"
    rf"|/?(?!(?:{'|'.join(sorted(_KNOWN))})[\s/>])[A-Za-z]"
    r"""|[A-Za-z][A-Za-z0-9]*+\s++[^\s<>="'/:_-][^<>="'/:_-]*+>"""
    rf"|(?:{'|'.join(sorted(_PLACES))})\s*+>"
    # A tag in which another begins, or that never ends; a quote that may swallow one.
    r"""|[A-Za-z](?>[^<>"']+|"[^"<>]*"|'[^'<>]*')*+(?!>))""",
    re.IGNORECASE,
)
_MOST_AGAIN = 20
"""How often, on the average, a character may be looked at; more is markup built to keep us busy."""
_BARE = re.compile(r"""(?>[^<>"']+|"[^"]*"|'[^']*')*+""")
_STATED = re.compile(r"""[\w-]\s*=\s*["']""")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_:][A-Za-z0-9]+)*")
_OPEN_QUOTE = re.compile(
    r"""(?<=[\s"'])(?:href|src|class|id|rel|target|width|height|style|lang|dir|name|type|color|size"""
    r"""|face|align|valign|border|colspan|rowspan|role|itemprop|datetime|cite)\s*=\s*"""
    r"""(?:"([^"<>]*)>[^"]*<|'([^'<>]*)>[^']*<)""",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"<!(?:doctype|\[(?:if|endif))|<\?[A-Za-z]|</\s*(?:[A-Za-z]\w*\s*)?>", re.I)
_COMMENT = re.compile(r"<!--(?:\s*+\[if[^\]<>]*+\]\s*+>)?", re.IGNORECASE)
_ENDS = re.compile(r"</([A-Za-z][^\t\n\f\r />]*)")
_RAW = names("iframe noembed noframes script style template textarea title xmp")
_CODE = ("script", "style")
_BLOCK = re.compile(r"</?(?:p|div|br|h[1-6]|ul|ol|li|table|figure|blockquote)\b[^<>]*>", re.I)
_RP_END = re.compile(r"</rp\s*>", re.I)
_SOURCE = re.compile(r"""\bsrc\s*=\s*["']?([^\s"'<>]+)""")
_LETTER = re.compile(r"[^\W_]")
_UNSPOKEN = re.compile("<(?:script|style|iframe)", re.IGNORECASE)
_PAIR = re.compile(
    r"""([^\s"'<>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`]+))""",
)
_AMP = {"amp-img": "img", "amp-anim": "img", "amp-video": "video", "amp-audio": "audio"}
_WAITING = re.compile(r"data-(?:[\w-]*(?:src|original|image|img|url|lazy|path|full|large)[\w-]*)")
_PICTURE = re.compile(r"[^\s?#]+\.(?:jpe?g|png|gif|webp|avif|svg)(?:[?#]\S*)?", re.IGNORECASE)
_PLAYED = re.compile(r"data-(?:[\w-]+-)?(?:src|url)(?:-[\w-]+)?")
_ADDRESS = re.compile(r"\s*(?:https?:)?//[^\s\"]+\s*\Z", re.IGNORECASE)
_LATER = ("data-src", "data-lazy-src", "data-original")
"""Where a picture of a class for such pictures has the address that is shown in the end."""
_PICTURED = re.compile("original|lazy|ima?ge?|photo")
_BLANK = re.compile(
    r"data:|about:blank|#|[^?#]*(?:blank|placeholder|spacer|transparent|pixel|lazy|load(?:ing|er)|1x1"
    r"|empty|dummy)[\w.-]*\.(?:gif|png|svg|jpe?g|webp)\b"
    r"|[^?#]*/(?:gr[ae]y|clear|trans|dot|[ts])\.gif\b",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"""\bbackground(?:-image)?\s*:[^<>;]{0,200}?\burl\(\s*(?:"([^"]*)"|'([^']*)'|([^\s"'()]+))\s*\)""",
    re.IGNORECASE,
)
_BACKED = re.compile(
    r"background(?:-image)?\s*:[^<>;]{0,200}?url\(|\s(?:(?:data-)?background|data-bg)[\w-]*=", re.I
)
_MAY_SHOW = names("a div figure p section span td th")
"""Elements that show a picture by style alone, where they hold nothing else."""
_UNSEEN = re.compile(
    r"(?<![\w-])(?:display\s*:\s*none|visibility\s*:\s*hidden|(?:width|height)\s*:\s*1px|width\s*:\s*0"
    r"|(?:width|height)\s*=\s*[\"']?[01](?:px)?[\"'\s])|\shidden(?![\w-])",
    re.IGNORECASE,
)
_WHOLE_COMMENT = re.compile(r"<!--(?:(?!-->|<!--).)*-->", re.DOTALL)
_PRINTED = re.compile(r"<(?:del|s|strike|q|sup)\b|<[^<>]*(?:style|hidden)", re.IGNORECASE)
"""What headlines may hold that is more than words."""
_STRUCK = ("del", "s", "strike")
_GONE = re.compile(rf"{_UNSEEN.pattern}|\bline-through\b|\bmso-hide\s*:\s*all", re.IGNORECASE)
_RAISED = str.maketrans("0123456789+-−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾")
_RAISED_ALONE = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾]+")
_DIGIT = re.compile("[0-9]")
_HELD = re.compile(r"<(?:img|picture|video|audio|iframe|svg|object|embed|amp-)", re.IGNORECASE)
_SRC = re.compile(r"""(?:^|(?<=\s))src\s*=\s*(?:"[^"]*"|'[^']*'|\S+)""", re.IGNORECASE)
_SIZE = re.compile(r"\s+([\d.]+)[wx]", re.ASCII)


_MEDIUMS = {
    "img": "image",
    "video": "video",
    "audio": "audio",
    "iframe": "",
    "embed": "",
    "object": "",
}
_SMALL = re.compile(r"(?<![^\s_-])(?:avatar|emoji|smiley|icon|share)s?(?![^\s_-])", re.IGNORECASE)
_SMALL_AT = re.compile(r"//[^/]*(?:gravatar|feedburner)|/(?:emoji|smilies)/", re.IGNORECASE)
"""Classes and addresses of such, where no size is stated."""
_SMALLEST = 100
"""Pixels of width or height below which a picture is a button or a face, and not the story's."""


def media_in(html: str) -> Iterator[ItemMedia]:
    """Pictures, films, sounds and frames that *html* shows, but for what decorates it."""
    if not _HELD.search(html):
        return
    player = ""
    for token in TOKEN.finditer(mend(html)):
        name = (token["name"] or "").lower()
        if token["end"] or name not in (*_MEDIUMS, "source"):
            continue
        stated = {n: _html.unescape(v) for n, v in _stated(token["rest"]).items()}
        url = stated.get("data" if name == "object" else "src", "").strip()
        if name == "source":  # the first of a player's
            name, player = player, ""
        elif name in ("video", "audio"):
            player = "" if url else name
        if not url or not name or _BLANK.match(url) or _decorates(name, url, stated):
            continue
        kind = stated.get("type", "") or ("" if _MEDIUMS[name] else "text/html")
        size = stated.get("width", ""), stated.get("height", "")
        yield ItemMedia(url, _MEDIUMS[name], kind, *size)


def _decorates(name: str, url: str, stated: dict[str, str]) -> bool:
    if is_pixel(stated):
        return True
    sizes = (stated.get(n, "").removesuffix("px") for n in ("width", "height"))
    slight = any(s.isdecimal() and len(s) < 9 and int(s) < _SMALLEST for s in sizes)
    named = _SMALL.search(stated.get("class", "")) or _SMALL_AT.search(url)
    return name == "img" and (slight or named is not None)


def has_words(text: str) -> bool:
    """Whether *text*, HTML, holds more than tags and spaces."""
    silent = _WORDLESS.match(text)
    return silent is not None and silent.end() < len(text)


def is_markup(text: str) -> bool:
    """Whether *text*, a body of undeclared type, is HTML (see the module's rules)."""
    if "<" in text and (
        "<!--" in text or any(m[2].lower() in ELEMENTS for m in _TAG.finditer(text))
    ):
        return True
    return "&" in text and any(_meant(match) for match in _REFERENCE.finditer(text))


def is_markup_title(text: str, mends: bool = True) -> bool:
    """Whether *text*, a title of undeclared type, is HTML (see the module's rules).

    With *mends*, tags that show nothing, or hide the words they hold, are only spoken of.
    """
    return len(text) <= 10_000 and is_balanced(text, mends)


def is_balanced(text: str, mends: bool = True) -> bool:
    """Whether every ``<`` in *text* begins a complete tag of HTML, and these balance."""
    if "<" not in text:
        return False
    text, count = _WHOLE_COMMENT.subn("", text) if mends else (text, 0)
    depth: dict[str, int] = {}
    tags = 0
    for match in _TAG.finditer(text):
        name = match[2].lower()
        if name not in ELEMENTS or (mends and name in _SPOKEN_OF and not match[3].strip(" /")):
            return False
        tags += 1
        if name not in VOID and not match[3].endswith("/"):
            depth[name] = depth.get(name, 0) + (-1 if match[1] else 1)
    whole = tags == text.count("<") and not any(depth.values())
    return whole and bool(tags or (count and text.strip()))


def resolve_references(text: str) -> str:
    """*text* with each complete HTML character reference resolved, once.

    References without their semicolon stay: "AT&T" and "R&D" are words.
    """
    if "&" not in text:
        return text
    return _REFERENCE.sub(lambda m: _html.unescape(m[0]) if _meant(m) else m[0], text)


def _meant(match: re.Match[str]) -> bool:
    return match[1] is None or f"{match[1]};" in html5


def printed(statement: object, said: object = "") -> str:
    """The sentence that a Wirecopy printed under the story of *statement*, as it is in XML or JSON;
    empty where it cannot be read. Under embargo there is no statement yet, and the sentence is
    *said* in the entry. Nothing is believed of it but where the copy ends."""
    if not statement:
        return said.strip() if isinstance(said, str) else ""
    in_xml = isinstance(statement, str)
    return disclosed(from_xml(str(statement).strip()) if in_xml else as_text(statement))


def disclosed(token: str) -> str:
    """The sentence that stands in the statement *token*; empty where it cannot be read."""
    try:
        said = read_token(token).payload.get("disclosure")
    except Refused:
        return ""
    return said if isinstance(said, str) else ""


def is_token(text: str) -> bool:
    """Whether *text* is of the form of a statement, which has no words for readers."""
    try:
        read_token(text)
    except Refused:
        return False
    return True


def without_printed(html: str, sentence: str) -> str:
    """*html* less its last paragraph, if that says exactly *sentence* as a Wirecopy prints it."""
    if not sentence:
        return html
    said = re.escape(_html.escape(sentence, quote=False))
    return re.sub(rf"<p(?: [^<>]*)?>\s*<i>{said}</i>\s*</p>\s*\Z", "", html)


def mended(item: Item, **changes: Any) -> Item:
    """*item* with *changes*, its markup so that an HTML parser swallows none of its words, its
    lines as :func:`line` reads them, and no tag twice."""
    categories, keywords = _tags(item)
    return replace(
        item,
        authors=tuple(map(line, item.authors)),
        creators=tuple(map(line, item.creators)),
        sources=tuple(map(line, item.sources)),
        credits=tuple(map(line, item.credits)),
        categories=categories,
        keywords=keywords,
        media=tuple(replace(m, credit=line(m.credit)) if m.credit else m for m in item.media),
        rights=line(item.rights),
        dateline=line(item.dateline),
        headline=titled(mend(item.headline)) if item.headline_html else unwrapped(item.headline),
        body=mend(item.body) if item.body_html else unwrapped(item.body),
        summary=mend(item.summary) if item.summary_html else unwrapped(item.summary),
        **changes,
    )


def titled(html: str) -> str:
    """*html*, a headline, as markup of the words that a reader of it sees: without what it strikes
    out or hides, with marks around quotations, and with characters for raised numbers."""
    if not _PRINTED.search(html):
        return html
    with suppress(ParseError):  # markup built to burst a parser
        top = body(well_formed(html))
        for node in top.css("*"):
            style = " ".join(f'{name}="{said or ""}"' for name, said in node.attributes.items())
            if node.tag in _STRUCK or _GONE.search(f" {style} "):
                node.replace_with("")
        for node in reversed(top.css("q")):
            marks = "‘’" if node.css_matches("q q") else "“”"
            node.insert_before(marks[0])
            node.insert_after(marks[1])
            node.unwrap()
        for node in top.css("sup"):
            words = node.text().strip()
            if _DIGIT.search(words):
                raised = words.translate(_RAISED)
                # What has no such character is read as a power all the same: 10^2.5.
                node.replace_with(raised if _RAISED_ALONE.fullmatch(raised) else f"^{words}")
        return top.inner_html or ""
    return html


def line(text: str) -> str:
    """*text*, a name or another short line, as it is read: without markup that is HTML's, and each
    character reference resolved, once, as wires escape such twice or put it into CDATA."""
    text = unwrapped(text)
    if is_markup_title(text):
        with suppress(ParseError):  # markup built to burst a parser
            return spoken(text)
    return resolve_references(text)


def _tags(item: Item) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Categories and keywords of *item*; a tag is the same in other capitals, and one of a
    vocabulary is not said again without it."""
    stated = [(line(label), scheme) for label, scheme in item.categories]
    named = {_folded(label) for label, scheme in stated if scheme}
    categories: dict[tuple[str, str], tuple[str, str]] = {}
    for label, scheme in stated:
        if scheme or _folded(label) not in named:
            categories.setdefault((_folded(label), scheme), (label, scheme))
    labels = {label for label, _ in categories}
    keywords: dict[str, str] = {}
    for keyword in item.keywords:
        if _folded(keyword) not in labels:
            keywords.setdefault(_folded(keyword), keyword)
    return tuple(categories.values()), tuple(keywords.values())


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()


def unwrapped(text: str) -> str:
    """*text* without the marks of CDATA sections: a wire that wraps its text twice sends them."""
    if "[" not in text or "CDATA[" not in text.upper() or not _SECTION.search(text):
        return text
    return _SECTION_END.sub("", _SECTION.sub("", text))


def unescaped(html: str) -> str:
    """*html*, a body, less an escaping that is one too many: it has no tag, and all of it would be
    elements. A text that shows tags on purpose has words around them, or tags of its own."""
    bare = html.strip()
    if "<" in bare or not bare.startswith("&lt;") or not bare.endswith((">", "&gt;")):
        return html
    meant = _html.unescape(bare)
    return meant if _BLOCK.match(meant) and is_balanced(meant) else html


def mend(html: str) -> str:
    """*html* so that an HTML parser finds all its words. Mended markup stays as it is.

    * Comments that never end lose their mark. What HTML makes a comment of, and nobody wrote as
      one (``</3``, ``<! note>``), is words.
    * Of an element that holds no words (``iframe``, ``script``, ``title`` …) the end tag that XML
      implies (``/>``), or that was forgotten, is written.
    * A tag of an unknown name that nothing closes, without attributes or with a name that no
      element has (``<HRBW.O>``, ``<rao@wire.example>``), is words; so is one whose attributes are
      words (``<a and b>``), and a ``<`` in whose tag another tag begins (``a <b and c</p>``).
    * ``noscript`` and ``select`` lose their tags; ``rp`` goes with the brackets that it holds.
    * A picture, frame or player that waits for a script gets the address that it waits with;
      ``amp-img`` is a picture; of a picture with ``srcset`` alone the largest becomes ``src``.
    * A picture that style alone shows, behind an element without words, becomes an ``img`` in it.
    """
    html = unwrapped(html)
    plain = _PLAIN.match(html)
    if plain is not None and plain.end() == len(html):
        return html
    backed = ("ackground" in html.lower() or "data-bg" in html) and _BACKED.search(html)
    if not backed and not _ODD.search(html) and html.rfind("<!--") <= html.rfind("-->"):
        return html
    return _Mender(html).mended()


class _Mender:
    """One pass over the tokens of a body."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._lower = html.lower() if len(html.lower()) == len(html) else html
        self._ends = {name.lower() for name in _ENDS.findall(html)}
        self._never: set[str] = set()  # elements that are closed no more
        self._work = 0

    @cached_property
    def _sources(self) -> set[str]:
        """The addresses of what is shown."""
        return {_html.unescape(url) for url in _SOURCE.findall(self._html)}

    def mended(self) -> str:
        html = self._html
        pieces: list[str] = []
        at = 0
        while (token := TOKEN.search(html, at)) is not None:
            pieces.append(html[at : token.start()])
            piece, at = self._token(token)
            pieces.append(piece)
            self._work += max(0, token.end() - at)
            if self._work > _MOST_AGAIN * len(html) + 100_000:
                return html
        pieces.append(html[at:])
        return "".join(pieces)

    def _token(self, token: re.Match[str]) -> tuple[str, int]:
        """What stands for *token*, and where to go on."""
        if token["name"] is None:
            return _no_element(token)
        return self._broken(token) or self._tag(token)

    def _broken(self, token: re.Match[str]) -> tuple[str, int] | None:
        """The same for a tag that another one breaks off, or that a quote of it swallows."""
        html = self._html
        begin, end = token.span()
        name, rest = token["name"].lower(), token["rest"]
        if len(word := name.partition("<")[0]) > 1:
            name = word  # <br<br>
        bare = _BARE.match(html, begin + 1, end)
        stop = bare.end() if bare is not None else begin + 1
        if token["shut"] == "" or (stop < end and html[stop] == "<"):
            cut = html.find("<", stop)
            if cut < 0 and name in _KNOWN and ("=" in rest or len(rest.split()) < 2):
                return html[begin:], len(html)  # HTML cut off in a tag
            alone = html[begin + 1 : max(cut, 0)].strip().lower() == name
            stated = cut >= 0 and name in _KNOWN and (alone or _STATED.search(html, begin, cut))
            return (f"{html[begin:cut].rstrip()}>", cut) if stated else ("&lt;", begin + 1)
        if stop < end and html[stop] in "\"'" and html[begin:stop].rstrip().endswith("="):
            return f"{html[begin : end - 1]}{html[stop]}>", end  # a quote that never ends
        if "<" in rest and (quote := _OPEN_QUOTE.search(token[0])) is not None:
            cut = begin + max(quote.end(1), quote.end(2))
            mark = '"' if quote[2] is None else "'"
            return f"{html[begin:cut]}{mark}>", cut + 1
        return None

    def _tag(self, token: re.Match[str]) -> tuple[str, int]:
        """The same for a whole tag."""
        html, end = self._html, token.end()
        name, rest = token["name"].lower(), token["rest"]
        piece = token[0]
        if token["end"]:
            gone = name in ("noscript", "select", "amp-img", "amp-anim")
            piece = "" if gone else f"</{_AMP[name]}>" if name in _AMP else piece
        elif name in _KNOWN and self._is_said(name, rest):
            piece, end = "&lt;", token.start() + 1
        elif name not in _KNOWN and name not in self._ends and name not in _AMP:
            if not _NAME.fullmatch(name) or not ("=" in rest or rest.endswith("/")):
                piece, end = "&lt;", token.start() + 1
        elif name == "noscript":
            piece, end = "", self._beyond_repeated(end)
        elif name == "select":
            piece = ""
        elif name == "rp":
            held = html[end : (html.find("<", end) + 1 or len(html) + 1) - 1]
            if not _LETTER.search(held):
                piece, end = "", self._beyond_rp(end, held)
        elif name in ("img", "amp-img", "amp-anim"):
            piece = _picture(rest)
        elif name in _AMP or name in ("audio", "video", "source"):
            piece = _player(_AMP.get(name, token["name"]), rest)
        elif name in _RAW:
            return self._raw(token, name, empty=rest.endswith("/"))
        elif name in _MAY_SHOW and _BACKED.search(rest):
            piece += self._behind(name, rest, end)
        return piece, end

    def _is_said(self, name: str, rest: str) -> bool:
        """Whether what looks like the tag *name* is words: "if i <a and b> c", "<Video>"."""
        if "=" in rest or rest.endswith("/"):
            return False
        words = rest.split()
        if not words:
            return name in _PLACES and name not in self._ends
        return not any(re.search("[-_:0-9]", word) or _VALUELESS.match(word) for word in words)

    def _behind(self, name: str, rest: str, at: int) -> str:
        """The picture that style shows behind an element, if it holds no other and no words (but
        for the caption of a figure); empty for none, and for one that is shown elsewhere."""
        stated = {n: _html.unescape(v) for n, v in _stated(rest).items()}
        url = _background(stated)
        close = self._lower.find(f"</{name}", at, at + 2_000)
        inside = self._html[at : max(close, at)]
        self._work += len(inside)
        if not url or close < 0 or url in self._sources or _UNSEEN.search(f"{rest} "):
            return ""
        if _HELD.search(inside) or (name != "figure" and has_words(inside)):
            return ""
        self._sources.add(url)
        alt = _html.escape(stated.get("aria-label", ""))
        return f'<img src="{_html.escape(url)}" alt="{alt}">'

    def _beyond_rp(self, at: int, held: str) -> int:
        close = _RP_END.match(self._html, at + len(held))
        return close.end() if close is not None else at + len(held)

    def _raw(self, token: re.Match[str], name: str, *, empty: bool) -> tuple[str, int]:
        """An element in which HTML sees no tags, as it is; or closed, where it holds prose."""
        html, at = self._html, token.end()
        start = _player(token["name"], token["rest"]) if name == "iframe" else token[0]
        close = -1 if name in self._never else self._lower.find(f"</{name}", at)
        if close >= 0:
            self._work += close - at
            inside = self._lower[at:close]
            prose = (empty or name == "iframe") and (f"<{name}" in inside or _BLOCK.search(inside))
            if not prose:
                return start + html[token.end() : close], close
        else:
            self._never.add(name)
            if name in _CODE and not empty:
                block = _BLOCK.search(html, at)
                at = block.start() if block is not None else len(html)
        return f"{start}{html[token.end() : at]}</{name}>", at

    def _beyond_repeated(self, at: int) -> int:
        """Where to go on in a ``noscript``: at its end, if its pictures are all shown elsewhere."""
        end = self._lower.find("</noscript", at, at + 10_000)
        inside = self._html[at:end] if end >= 0 else ""
        urls = _SOURCE.findall(inside)[:5]
        if not urls or _LETTER.search(re.sub(r"<[^<>]*>", "", inside)):
            return at
        self._work += len(urls) * len(self._html)
        return end if all(self._html.count(url) > inside.count(url) for url in urls) else at


def _no_element(token: re.Match[str]) -> tuple[str, int]:
    """What stands for a comment, or what HTML makes one of; and where to go on."""
    if token[0].startswith("<!--"):
        closed = token[0].endswith(("-->", "--!>"))
        mark = _COMMENT.match(token[0])
        return (token[0], token.end()) if closed or not mark else ("", token.start() + mark.end())
    meant = token[0][-1] == ">" and _NOTHING.match(token[0])
    return (token[0], token.end()) if meant else ("&lt;", token.start() + 1)


def _stated(rest: str) -> dict[str, str]:
    """The attributes of a tag, as they stand there."""
    stated: dict[str, str] = {}
    for name, *values in _PAIR.findall(rest):
        stated.setdefault(name.lower(), next((v for v in values if v), ""))
    return stated


def _player(name: str, rest: str) -> str:
    """The start tag of a frame or player with the address that it waits with for a script."""
    stated = _stated(rest)
    source = _html.unescape(stated.get("src", "")).strip()
    waiting = (v for n, v in stated.items() if _PLAYED.fullmatch(n) and _ADDRESS.match(v))
    found = next(waiting, "") if not source or _BLANK.match(source) else ""
    if not found:
        return f"<{name}{rest}>"
    return f'<{name} src="{found}" {_SRC.sub("", rest).strip(" /")}>'


def _background(stated: Mapping[str, str]) -> str:
    """The address of the picture behind an element of these attributes; empty for none."""
    marks = ("background", "data-bg", "data-background")
    values = [v.strip() for n, v in stated.items() if n.startswith(marks)]
    said = [stated.get("style", ""), *(f"background:{value}" for value in values)]
    found = [m[m.lastindex or 0] for one in said if (m := _BEHIND.search(one))]
    found += [value for value in values if _PICTURE.fullmatch(value)]
    # In style, a character may stand behind a backslash.
    url = re.sub(r"\\(?=[^0-9a-fA-F\s])", "", found[0] if found else "")
    photo = url.partition("?")[0].lower().endswith((".jpg", ".jpeg", ".webp"))
    return "" if _BLANK.match(url) and not photo else url


def _picture(rest: str) -> str:
    """An ``img`` with the address at which it is to be had."""
    stated = _stated(rest)
    source = _html.unescape(stated.get("src", "")).strip()
    waiting = [(n, v) for n, v in stated.items() if n.startswith("data-") and v.strip()]
    later = "lazy" in stated.get("class", "").lower() and any(
        n in _LATER and v != stated.get("src") for n, v in waiting
    )
    if source and not _BLANK.match(source) and not later:
        return f"<img{rest}>"
    found = next((v for n, v in waiting if _WAITING.fullmatch(n) and _PICTURE.fullmatch(v)), "")
    found = found or next((v for _, v in waiting if _PICTURE.fullmatch(v)), "")
    found = found or next((v for n, v in waiting if n.endswith("src") and " " not in v), "")
    found = found or next((v for n, v in waiting if _PICTURED.search(n) and _ADDRESS.match(v)), "")
    sets = [stated.get("srcset", ""), *(v for n, v in waiting if n.endswith("srcset"))]
    found = found or next((best for s in sets if (best := _largest(s))), "")
    if not found:
        return f"<img{rest}>"
    return f'<img src="{found}" {_SRC.sub("", rest).strip(" /")}>'


def _largest(candidates: str) -> str:
    """The address of the largest picture of a ``srcset``, as it stands there."""
    best, most, at = "", -1.0, 0
    for url in srcset(candidates):
        at = candidates.index(url, at) + len(url)
        size = _SIZE.match(candidates, at)
        try:
            width = float(size[1]) if size else 1.0
        except ValueError:
            width = 0.0
        if width > most and not _BLANK.match(url):
            best, most = url, width
    return best


_FREE = r"(?:data-[\w:.-]*|alt|title|srcdoc|content|on\w+|aria-\w+|value|placeholder|summary)"
_TAKEN = re.compile(
    r"""<[^<>"]*+(?>"[^"<>]*+"[^<>"]*+)*+>"""
    # Only in some attributes tags are meant to stand.
    rf"""|</?[A-Za-z](?>\s{_FREE}\s*=\s*(?:"[^"]{{0,5000}}"|'[^']{{0,5000}}')"""
    r"""|"[^"<>]*"|'[^'<>]*'|[^<>"'\s]+|\s){0,200}+>"""
    r"|<[^<>]*>",
    re.IGNORECASE,
)


def letters_by_hand(html: str) -> int:
    """How many letters *html* has when tags, comments and scripts are taken out without a tree."""
    if "<!--" in html:
        html = _left(html, "<!--", "-->")
    if _UNSPOKEN.search(html):
        for name in ("script", "style", "iframe"):
            html = _left(html, f"<{name}", f"</{name}")
    return letters(_html.unescape(_TAKEN.sub(" ", html)), addresses=True)


def _left(html: str, start: str, stop: str) -> str:
    """*html* without what stands between *start* and *stop*."""
    lower = html.lower()
    if start not in lower or len(lower) != len(html):
        return html
    pieces: list[str] = []
    at = 0
    while (begin := lower.find(start, at)) >= 0 and (end := lower.find(stop, begin)) >= 0:
        # A comment that holds the mark of another was never ended: what it holds counts.
        if start == "<!--":
            begin = max(begin, lower.rfind(start, begin, end))
        pieces.append(html[at:begin])
        at = end + len(stop)
    pieces.append(html[at:])
    return "".join(pieces)
