"""Cleans bodies: markup, addresses and characters that must not reach a subscriber are removed.

Whether that changes the story is measured afterwards, in the entry as written.
"""

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from html import unescape
from types import MappingProxyType
from urllib.parse import unquote

import nh3

from publish.formulas import written
from stories.styles import meaning
from wirecopy.encoding import names, shown_chars, xml_chars
from wirecopy.form import FORM, LEVELS, MOST, Directions, Grid
from wirecopy.html import body, check
from wirecopy.pixels import is_pixel
from wirecopy.text import BLOCKS, one_line
from wirecopy.urls import resolve, srcset, unsigned

_SECTIONS = "address article aside center footer header hgroup main nav section"
_PARTS = "blockquote dd dir div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr li menu ol p pre ul"
_ROWS = "table tbody tfoot thead tr"
_TABLES = f"caption col colgroup td th {_ROWS}"
_PHRASES = (
    "a abbr b bdi big br cite code del dfn em i ins kbd mark q rb rt rtc ruby s samp small span"
    " strike strong sub sup time tt u var wbr"
)
_MEDIA = "audio img picture source track video"

TAGS = frozenset(f"{_SECTIONS} {_PARTS} {_TABLES} {_PHRASES} {_MEDIA}".split())
"""Elements that stay. All blocks do: without one, the words on either side would run together."""

DROPPED = frozenset(
    ["embed", "iframe", "noembed", "noframes", "noscript", "script", "style", "template", "title"]
)
"""Elements that are removed with everything inside them. Of any other element the words stay.

``noscript`` is one because nh3 parses it as a browser with scripts does, as raw text: otherwise
its markup would be shown as words."""

_BOXES = "details dialog fieldset form legend listing optgroup option search summary"
"""Elements that become a ``div``: they separate paragraphs as it does, but some hide their content.
(``bdo`` only loses its tags: its content shows in another order.)"""

_READ = frozenset({*TAGS, *DROPPED, *_BOXES.split(), "font", "rp"})

_ATTRIBUTES = {
    # hidden and style only until what they mean is read
    "*": {"dir", "hidden", "lang", "style", "title"},
    "a": {"href", "hreflang"},
    "audio": {"controls", "src"},
    "blockquote": {"cite"},
    "col": {"span"},
    "colgroup": {"span"},
    "del": {"cite", "datetime"},
    # hidden and style only until it is decided whether anybody sees the picture
    "img": {"alt", "height", "hidden", "sizes", "src", "srcset", "style", "width"},
    "ins": {"cite", "datetime"},
    "li": {"value"},
    "ol": {"reversed", "start", "type"},
    "q": {"cite"},
    "source": {"height", "media", "sizes", "src", "srcset", "type", "width"},
    "td": {"align", "colspan", "headers", "rowspan"},
    "th": {"align", "abbr", "colspan", "headers", "rowspan", "scope"},
    "time": {"datetime"},
    "track": {"kind", "label", "src", "srclang"},
    "video": {"controls", "height", "poster", "src", "width"},
}

_LOADED = {"src", "poster"}
_FOLLOWED = {"href", "cite"}
_WEB = re.compile(
    r"https?://(?:[^/?#@\s]*@)?(?:[\w.\-~%]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?(?:[/?#]|$)",
    re.IGNORECASE,
)
_HOST = re.compile(r"(https?://(?:[^/?#]*@)?)([^/?#:@\[\]]*%[^/?#:@\[\]]*)")
_OF_HOSTS = "-.\u200c\u200d"
_CONTACT = re.compile(r"(?:mailto|tel):\S", re.IGNORECASE)

_FOREIGN = re.compile(r"<(?:svg|math)[\s/>]", re.IGNORECASE)
# No name is so long; without a bound, and with a way back, "<a<a<a…" took the square of its length.
_ELEMENT = re.compile(
    r"""</?([A-Za-z][^\s/>]{0,99}+)(?>[^<>"']+|"[^"]*"|'[^']*')*+>""", re.IGNORECASE
)
_STYLED = re.compile(r"\s(?:style|hidden|display|visibility)[\s=/>]", re.IGNORECASE)
_QUOTED = re.compile(r"""\"[^\"]*\"|'[^']*'""")
_UNSHOWN = re.compile(
    r"\s(?:display\s*=\s*[\"']?\s*none|visibility\s*=\s*[\"']?\s*(?:hidden|collapse))",
    re.IGNORECASE,
)
_UNSTYLED = names(
    "area base basefont bgsound body frame frameset head html input keygen link meta param"
)
"""Elements that hold nothing, or everything."""
_RUBY = re.compile(r"<ruby\b[^>]*>((?:(?!</?ruby\b).)*)</ruby>", re.DOTALL)
_ANNOTATION = re.compile(r"</?(?:rb|rp|rt|rtc)\b[^>]*>")
_RP = re.compile(r"</?rp\b[^>]*>")
_SIZE = re.compile(r"\s+([\d.]+[wx])(?=\s*(?:,|$))", re.ASCII)
_IMAGE = re.compile(r"<img\b[^>]*>")
_USUAL = re.compile(
    r"(?:[^<]++|</?(?:p|br|b|i|em|strong|u|s|h[1-6]|ul|ol|li|blockquote|hr|sub|sup|span|div)>|</a>"
    r'|<a(?: (?:href|hreflang|lang|rel|title)="[^"<>]*+")*+>)*+'
)
"""Markup of which nothing has to be read but the order of its tags; what nearly every body is."""
_PAIR = re.compile(r' ([a-z]+)="([^"]*)"')
_HIDING = re.compile(r' (?:hidden|style)="[^"]*"')
_TAG = re.compile(r"<(/?)([a-z0-9]+)([^>]*)>")
_MEANT = re.compile(r' (?:hidden="[^"]*"|style="([a-z ]*)")')
_VOID = frozenset(["br", "col", "hr", "img", "source", "track", "wbr"])
_HOLDS_NO_PHRASE = frozenset(f"audio colgroup dl menu ol picture ruby ul video {_ROWS}".split())
_EMBEDS = {
    "iframe": "src",
    "embed": "src",
    "object": "data",
    "object > param[name=movie], object > param[name=src]": "value",
    "amp-iframe": "src",
    # Placeholders that a script fills: what they quote stays, with its links.
    ".fb-post, .fb-video, amp-facebook": "data-href",
    "[data-instgrm-permalink]": "data-instgrm-permalink",
    "blockquote[class*=embed]": "cite",
}
"""Elements that embed what stands elsewhere and that do not stay, and where they say what it is."""
_EMBEDDING = re.compile(r"<(?:iframe|embed|object|amp-)|fb-|instgrm|embed\b", re.IGNORECASE)
_EMBEDDERS = (b"<iframe", b"<object", b"<amp-", b"embed", b"fb-", b"instgrm")
_STYLES = (b"style", b"hidden", b"display", b"visibility")
"""Of these, one has to be in what the pattern can find. To look for plain words takes a tenth of
the time, and most bodies hold none."""
_PLAYED = re.compile(r"<(/?)(audio|video|source|track)\b[^>]*>")
_BOX = re.compile(rf"<(/?)(?:{'|'.join(_BOXES.split())})\b[^>]*>")

_LEVELED = re.compile(rf"<({'|'.join(LEVELS)})\b")
_GLOBAL = re.compile(r' (?:dir|lang|title)="[^"]*"')
_DIR = re.compile(r' dir="[^"]*"')
_SPANS = re.compile(r' (?:col|row)span="[^"]*"')
_RANKS: dict[str, int] = {tag: n for n, tag in enumerate(FORM["body"]["rows"].split())}

_here = threading.local()


def absolute(
    url: str | None, base: str | None, newest: Mapping[str, str] = MappingProxyType({})
) -> str | None:
    """*url*, resolved against *base* (RFC 3986 §5), if that makes an http or https address.

    Where its signature expires, it is the one in *newest*, by what it is without.
    """
    found = resolve(xml_chars(url), base) if url else None
    if found and newest:
        found = newest.get(unsigned(found), found)
    return _readable(found) if found and _WEB.match(found) else None


def _readable(url: str) -> str:
    """*url*, resolved, with a host in another script as people write it (an IRI, RFC 3987).

    Resolved addresses are percent-encoded throughout, so that they can be compared; in a host
    many programs that follow a link cannot read that. Both spellings are one address there.
    """
    found = _HOST.match(url)
    if found is None:
        return url
    host = unquote(found[2])
    readable = f"{found[1]}{host}{url[found.end() :]}"
    plain = all(c in _OF_HOSTS or unicodedata.category(c)[0] in "LMN" for c in host)
    return readable if plain and resolve(readable, None) == url else url


def clean(html: str, base: str | None, newest: Mapping[str, str] = MappingProxyType({})) -> str:
    """*html* as a fragment that is safe to show: text and pictures, no behaviour.

    Scripts, style sheets, frames, embeds and comments are removed with their content, and so are
    tracking pixels and words that the agency hides. Of form controls and drawings the words stay,
    formulas are written in characters (:mod:`publish.formulas`), and of style stays what it means:
    struck, raised and lowered words. Addresses are made absolute against *base*; those that are not
    http or https (or, for links, mailto or tel) are removed; of those whose signatures expire the
    *newest* is taken, as by :func:`absolute`. All other words stay where they are. The result is
    what an HTML5 parser serialises: balanced, ``<`` and ``>`` only in tags.

    :raises wirecopy.html.TangleError: for markup built to burst a parser: 20,000 ``<b title=…>``
        of 280 KB held nh3 for 29 s.
    """
    html = xml_chars(html)
    check(html)
    if _holds(html, (b"math",)):
        html = written(html)
    foreign = _FOREIGN.search(html) is not None
    tags = [*_ELEMENT.finditer(html)]
    if foreign or (_holds("".join([tag[0] for tag in tags]), _STYLES) and any(map(_says, tags))):
        html = _readable_tags(html, foreign=foreign)
    _here.base, _here.newest = base, newest
    cleaned = _CLEANER.clean(html)
    if "<rp" in cleaned:
        cleaned = _RP.sub("", _RUBY.sub(_unannotated, cleaned))
    # By text, and safely so: nh3 writes "<" and ">" for nothing but tags.
    if not _USUAL.fullmatch(cleaned):
        cleaned = _IMAGE.sub(_shown, _BOX.sub(r"<\1div>", _lifted(_meant(cleaned))))
        cleaned = _directed(cleaned)
    return shown_chars(_in_order(cleaned))


def embeds(html: str, base: str | None, newest: Mapping[str, str]) -> dict[str, str]:
    """The http and https addresses that *html* embeds and :func:`clean` takes out, in their order,
    each with its title or ``""``; made absolute as there. Frames that nobody sees are not among
    them."""
    if not (_holds(html, _EMBEDDERS) and _EMBEDDING.search(html)):
        return {}
    found: dict[str, str] = {}
    for element in body(xml_chars(html)).css(", ".join(_EMBEDS)):
        stated = element.attributes
        if is_pixel(stated) or meaning(stated.get("style") or "") == "hide":
            continue
        name = next((a for a in dict.fromkeys(_EMBEDS.values()) if stated.get(a)), "")
        if url := absolute(stated.get(name), base, newest):
            found[url] = found.get(url) or one_line(xml_chars(stated.get("title") or ""))
    return found


def _holds(html: str, words: Sequence[bytes]) -> bool:
    """Whether any of *words* may stand in *html*, in any case."""
    lower = html.encode("utf-8", "surrogatepass").lower()
    # Three letters more are an "s" or an "i" to a pattern that ignores case.
    return any(word in lower for word in words) or any(letter in html for letter in "ſıİ")


def _readable_tags(html: str, *, foreign: bool) -> str:
    """*html* in which nh3 finds what style means of elements that it does not keep: such are
    ``span``. It removes what stands in a *foreign* element, a drawing or formula, words and all:
    tags of these go."""
    styled = {name for tag in _ELEMENT.finditer(html) if _says(tag) and (name := tag[1].lower())}
    styled -= _READ | _UNSTYLED

    def spelt(tag: re.Match[str]) -> str:
        name = tag[1].lower()
        if name in _READ or not (foreign or name in styled):
            return tag[0]
        if name not in styled:
            return ""
        if tag[0].startswith("</"):
            return "</span>"
        rest = tag[0][1 + len(name) : -1]
        shown = " hidden" if _UNSHOWN.search(rest) else rest.rstrip("/ ")
        # Empty as XML would have it: in HTML what follows would be inside.
        return f"<span{shown}>{'</span>' if rest.endswith('/') else ''}"

    return _ELEMENT.sub(spelt, html)


def _says(tag: re.Match[str]) -> bool:
    return _STYLED.search(_QUOTED.sub("", tag[0])) is not None


def _unannotated(ruby: re.Match[str]) -> str:
    """A ruby with brackets for programs that cannot show it, as these show it: the words stay as
    they are, and browsers would hide the brackets only in ``rp``, which can hide any words."""
    return _ANNOTATION.sub("", ruby[1]) if "<rp" in ruby[1] else ruby[0]


def _meant(html: str) -> str:
    """*html* with what its elements' style means, as :mod:`stories.styles` puts it, made markup."""
    if ' style="' not in html and ' hidden="' not in html and "<font" not in html:
        return html
    kept: list[str] = []
    open_: list[tuple[str, str]] = []  # element, and the end tags that stand for its own
    hidden = at = 0  # how many elements are open when the words that nobody sees end
    for tag in _TAG.finditer(html):
        if not hidden:
            kept.append(html[at : tag.start()])
        at = tag.end()
        name, rest = tag[2], tag[3]
        if tag[1]:
            _, end = open_.pop() if open_ else ("", tag[0])
            if not hidden:
                kept.append(end)
            elif len(open_) < hidden:
                hidden = 0
            continue
        said = [] if name == "img" else [m[1] for m in _MEANT.finditer(rest)]
        meant = [word for one in said for word in ("hide" if one is None else one).split()]
        start = tag[0] if name == "img" else f"<{name}{_MEANT.sub('', rest)}>"
        if name not in _VOID:
            inner = [m for m in meant if m != "hide" and name not in _HOLDS_NO_PHRASE]
            own = "" if name == "font" else f"</{name}>"
            open_.append((name, "".join(f"</{m}>" for m in reversed(inner)) + own))
            start = ("" if name == "font" else start) + "".join(f"<{m}>" for m in inner)
            if "hide" in meant and not hidden:
                hidden = len(open_)
                continue
        if not hidden:
            kept.append(start)
    kept.append(html[at:])
    return "".join(kept)


def _lifted(html: str) -> str:
    """*html* with the content of players, but for their sources, moved behind them.

    Browsers that can play hide it, but it counts as the wire's words.
    """
    kept: list[str] = []  # of each open player: its start tag and its sources
    after: list[list[str]] = [[]]  # what stands outside of all, and in each open player
    at = 0
    for tag in _PLAYED.finditer(html):
        after[-1].append(html[at : tag.start()])
        at = tag.end()
        if tag[2] in ("source", "track"):
            if kept:
                kept[-1] += tag[0]
            else:
                after[-1].append(tag[0])
        elif not tag[1]:
            kept.append(tag[0])
            after.append([])
        else:
            behind = after.pop()
            after[-1].extend([kept.pop() + tag[0], *behind])
    after[-1].append(html[at:])
    return "".join(after[0])


def _directed(html: str) -> str:
    """*html* in which no words are turned around: a direction that is not that of a quarter of an
    element's letters goes, and so does what has words stand by themselves where none is stated."""
    if ' dir="' not in html and "<bdi" not in html:
        return html
    pieces: list[str] = []  # a text, and behind it a tag
    tags: list[int] = []  # where those of elements that are open stand
    at = 0
    directions = Directions()
    for tag in _TAG.finditer(html):
        pieces += [html[at : tag.start()], tag[0]]
        at = tag.end()
        directions.read(unescape(pieces[-2]))
        if tag[1]:
            start = tags.pop()
            if not directions.leave():
                pieces[start] = _DIR.sub("", pieces[start])
        elif tag[2] not in _VOID:
            tags.append(len(pieces) - 1)
            directions.enter(tag[2], _stated(tag[0]).get("dir"))
    pieces.append(html[at:])
    return "".join(_together(pieces))


def _together(pieces: list[str]) -> list[str]:
    """The *pieces*, each second a tag, in which words stand by themselves only where they may."""
    ends: list[str] = []
    directions = Directions()
    for place in range(1, len(pieces), 2):
        tag = _TAG.match(pieces[place])
        if tag is None or (tag[2] in _VOID and not tag[1]):
            continue
        if tag[1]:
            directions.leave()
            pieces[place] = ends.pop()
            continue
        name = tag[2]
        if not directions.enter(name, _stated(tag[0]).get("dir")):
            name = "span" if name == "bdi" else name
            pieces[place] = f"<{name}{_DIR.sub('', tag[3])}>"
            directions.leave()
            directions.enter(name, None)
        ends.append(f"</{name}>")
    return pieces


def _in_order(html: str) -> str:
    """*html* in which what is nested until nobody can read it is so no deeper, and the rows of a
    table stand as browsers show them: these show a head first and a foot last, wherever they are,
    and one cell over another.

    The words stay, in their paragraphs: an element too deep becomes one that shows them as they
    are, a foot that is not last a body, and so does a head or caption that is late; a cell that
    would cover another spans none.
    """
    within = Counter(LEVELS[tag] for tag in _LEVELED.findall(html))
    deep = any(count > MOST[level] for level, count in within.items())
    if not (deep or any(said in html for said in ("<caption", "<tfoot", "<thead", " rowspan="))):
        return html
    order = _Order()
    at = 0
    for tag in _TAG.finditer(html):
        order.kept.append(html[at : tag.start()])
        at = tag.end()
        if tag[1]:
            order.end()
        elif tag[2] in _VOID:
            order.kept.append(tag[0])
        else:
            order.start(tag[2], tag[0])
    order.kept.append(html[at:])
    return "".join(order.kept)


class _Order:
    """Writes markup in order, tag by tag: see :func:`_in_order`."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self._open: list[tuple[str, str, int]] = []
        """Elements, with their end tags, and where their start tags are kept."""
        self._within = [0] * len(MOST)
        self._tables: list[tuple[list[str], list[int]]] = []
        """Of each its parts, and where the tags of its foot are kept."""
        self._grids: list[Grid] = []  # of the parts that are open

    def start(self, name: str, tag: str) -> None:
        """Write the start *tag* of an element of that *name*."""
        end = f"</{name}>"
        if name in LEVELS:
            level = LEVELS[name]
            self._within[level] += 1
            if self._within[level] > MOST[level]:
                plain = "section" if name in BLOCKS else "span"
                tag, end = f"<{plain}{''.join(_GLOBAL.findall(tag))}>", f"</{plain}>"
        elif name == "table":
            self._tables.append(([], []))
        elif name in _RANKS and self._tables:
            tag, end = self._part(name, tag, end)
        elif name == "tr" and self._grids:
            self._grids[-1].next_row()
        elif name in ("td", "th") and self._grids and not self._grids[-1].fits(_stated(tag)):
            tag = _SPANS.sub("", tag)
        self._open.append((name, end, len(self.kept)))
        self.kept.append(tag)

    def _part(self, name: str, tag: str, end: str) -> tuple[str, str]:
        """The tags of a part of a table."""
        before, foot = self._tables[-1]
        for place in foot:
            self.kept[place] = self.kept[place].replace("tfoot", "tbody")
        foot.clear()
        before[:] = ["tbody" if each == "tfoot" else each for each in before]
        self._grids.append(Grid())
        if name != "tbody" and any(_RANKS[each] >= _RANKS[name] for each in before):
            tag, end = tag.replace(name, "tbody", 1), "</tbody>"
            if name == "caption":
                tag, end = "<tbody><tr><td>", "</td></tr></tbody>"
            name = "tbody"
        before.append(name)
        return tag, end

    def end(self) -> None:
        """Write the end tag of the element that is open."""
        name, end, start = self._open.pop()
        self.kept.append(end)
        if name in LEVELS:
            self._within[LEVELS[name]] -= 1
        elif name == "table":
            self._tables.pop()
        elif name in _RANKS and self._tables:
            self._grids.pop()
            if end == "</tfoot>":
                self._tables[-1][1][:] = [start, len(self.kept) - 1]


def _stated(tag: str) -> dict[str, str]:
    return dict(_PAIR.findall(tag))


def _shown(image: re.Match[str]) -> str:
    """The picture's tag, or nothing if there is nothing to see in it."""
    attributes = {name: unescape(value) for name, value in _PAIR.findall(image[0])}
    if is_pixel(attributes) or not {"src", "srcset"} & attributes.keys():
        return ""
    return _HIDING.sub("", image[0])


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value of one attribute to keep, None to remove it. nh3 calls this: it must not raise."""
    base: str | None = _here.base
    newest: Mapping[str, str] = _here.newest
    if name in _LOADED:
        return absolute(value, base, newest)
    if name in _FOLLOWED:
        found = resolve(xml_chars(value), base)
        if found is None:
            return None
        # An empty reference and one into the page lead nowhere: taken away, they would be a
        # difference that nobody made.
        inert = not found or found.startswith("#")
        found = newest.get(unsigned(found), found) if newest else found
        kept = inert or _WEB.match(found) or _CONTACT.match(found)
        return _readable(found) if kept else None
    if name == "style" and tag != "img":
        return meaning(value) or None
    if name == "srcset":
        return _candidates(value, base, newest)
    return value


def _candidates(value: str, base: str | None, newest: Mapping[str, str]) -> str | None:
    kept = []
    at = 0
    for url in srcset(value):
        at = value.index(url, at) + len(url)
        if found := absolute(url, base, newest):
            size = _SIZE.match(value, at)
            kept.append(f"{found} {size[1]}" if size else found)
    return ", ".join(kept) or None


_CLEANER = nh3.Cleaner(
    tags={*TAGS, *_BOXES.split(), "font", "rp"},
    clean_content_tags=set(DROPPED),
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    generic_attribute_prefixes=None,
    strip_comments=True,
    # Syndicated links vouch for nothing, and must not reach back into the page they stand in.
    link_rel="nofollow noopener",
    url_schemes={"http", "https", "mailto", "tel"},
)
