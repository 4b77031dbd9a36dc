"""The edge: markup, addresses and characters that must not reach a subscriber are left out here.

Nothing here knows whether what it leaves out matters; provenance measures that afterwards.
"""

import re
import threading
from urllib.parse import urljoin

import nh3

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_SECTIONS = "address article aside center details footer header hgroup main nav section summary"
_BLOCKS = "blockquote dd div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr li ol p pre ul"
_TABLES = "caption col colgroup table tbody td tfoot th thead tr"
_PHRASES = (
    "a abbr b bdi bdo big br cite code del dfn em i ins kbd mark q rb rp rt rtc ruby s samp small"
    " span strike strong sub sup time tt u var wbr"
)
_MEDIA = "audio img picture source track video"

TAGS = frozenset(f"{_SECTIONS} {_BLOCKS} {_TABLES} {_PHRASES} {_MEDIA}".split())
"""What stays. All blocks do: taking one away would run the words on either side together."""

_SILENCED = "iframe noembed noframes noscript script style template title"
_WORKING = "applet button datalist embed math object select svg textarea"

DROPPED = frozenset(f"{_SILENCED} {_WORKING}".split())
"""What goes with everything inside it. Of any other element the words stay.

``noscript`` is here because nh3 parses it as a browser with scripts does, as raw text: left in
place, its markup would be printed as words."""

_BOXES = "dialog fieldset form legend search"
"""Not wanted, but they part paragraphs as a ``div`` does, and so become one."""

_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href", "hreflang"},
    "abbr": {"title"},
    "audio": {"controls", "src"},
    "blockquote": {"cite"},
    "col": {"span"},
    "colgroup": {"span"},
    "del": {"cite", "datetime"},
    "details": {"open"},
    "dfn": {"title"},
    "img": {"alt", "height", "sizes", "src", "srcset", "width"},
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

DEEPEST = 500
"""Elements open at once. Cleaning takes time by the square of it: 20,000 in 100 KB took 3 s, as
many kinds of ``<b title=…>`` 29 s. Browsers stop near 500 too."""

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_VOID = "area base br col embed hr img input link meta param source track wbr"
_CLOSED = "caption colgroup dd dt li option p tbody td tfoot th thead tr"
_UNCOUNTED = frozenset(f"{_VOID} {_CLOSED}".split())
"""Elements that hold nothing, or that the next of their kind closes."""

_LOADED = {"src", "poster"}
_FOLLOWED = {"href", "cite"}
_WEB = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)
_CONTACT = re.compile(r"(?:mailto|tel):\S", re.IGNORECASE)

_IMAGE = re.compile(r"<img\b[^>]*>")
_PAIR = re.compile(r' ([a-z]+)="([^"]*)"')
_BOX = re.compile(rf"<(/?)(?:{'|'.join(_BOXES.split())})\b[^>]*>")

_here = threading.local()


def legal(text: str) -> str:
    """*text* without what XML 1.0 §2.2 cannot hold: one such character breaks a whole feed.

    Controls, U+FFFE and U+FFFF go; vertical tab and form feed, which part words, become spaces;
    surrogates are paired where they make a pair and else become U+FFFD, as decoders do.
    """
    if _ILLEGAL.search(text) is None:
        return text
    scalars = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _ILLEGAL.sub(lambda found: " " if found[0] in "\v\f" else "", scalars)


def absolute(url: str | None, base: str | None) -> str | None:
    """*url*, resolved against *base* (RFC 3986 §5), if it is an http or https address; else None.

    As browsers do, white space around it and line breaks and tabs within it are ignored.
    """
    found = _resolve(url, base)
    return found if found and _WEB.match(found) else None


def clean(html: str, base: str | None) -> str:
    """*html* as a fragment that is safe to show: text and pictures, no behaviour.

    Scripts, styles, forms' controls, frames, embeds, drawings and comments go with their content;
    so do pictures that only count readers. Addresses are made absolute against *base*; those that
    are not http, https, or for links mailto or tel, go. Words of anything else stay where they
    are. The result is what an HTML5 parser serialises: balanced, ``<`` and ``>`` only as tags.

    :raises ValueError: when elements nest deeper than :data:`DEEPEST`.
    """
    if nesting(html) > DEEPEST:
        raise ValueError(f"its markup holds more than {DEEPEST} elements inside one another")
    _here.base = base
    cleaned: str = _CLEANER.clean(legal(html))
    # By text, and safely so: nh3 writes "<" and ">" for nothing but tags.
    return legal(_IMAGE.sub(_shown, _BOX.sub(r"<\1div>", cleaned)))


def nesting(html: str) -> int:
    """How many elements *html* opens inside one another, told from its tags in linear time.

    Elements that close by themselves are passed over: tables and lists count, their cells do not.
    """
    open_of: dict[str, int] = {}
    depth = deepest = 0
    for closing, name in _TAG.findall(html):
        tag = name.lower()
        if tag in _UNCOUNTED:
            continue
        # Closing what is not open is ignored by parsers, and so must not count against the depth.
        if closing and not open_of.get(tag):
            continue
        step = -1 if closing else 1
        open_of[tag] = open_of.get(tag, 0) + step
        depth += step
        deepest = max(deepest, depth)
    return deepest


def _shown(image: re.Match[str]) -> str:
    """The picture's tag, or nothing if there is nothing to see in it."""
    attributes = dict(_PAIR.findall(image[0]))
    tiny = {"0", "1"} & {attributes.get("width"), attributes.get("height")}
    return image[0] if not tiny and {"src", "srcset"} & attributes.keys() else ""


def _resolve(url: str | None, base: str | None) -> str | None:
    if url is None:
        return None
    trimmed = re.sub(r"[\t\n\r]", "", legal(url)).strip()
    try:
        return urljoin(base, trimmed) if base and trimmed else trimmed
    except ValueError:
        return None


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value to keep for one attribute, None for none. nh3 calls this; it must not raise."""
    base: str | None = _here.base
    if name in _LOADED:
        return absolute(value, base)
    if name in _FOLLOWED:
        found = _resolve(value, base)
        return found if found and (_WEB.match(found) or _CONTACT.match(found)) else None
    if name == "srcset":
        candidates = (part.split() for part in re.split(r",(?:\s|$)", value))
        kept = (
            [found, *sizes]
            for url, *sizes in filter(None, candidates)
            if (found := absolute(url, base))
        )
        return ", ".join(map(" ".join, kept)) or None
    return value


_CLEANER = nh3.Cleaner(
    tags={*TAGS, *_BOXES.split()},
    clean_content_tags=set(DROPPED),
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    generic_attribute_prefixes=None,
    strip_comments=True,
    # Syndicated links vouch for nothing, and must not reach back into the page they stand in.
    link_rel="nofollow noopener",
    url_schemes={"http", "https", "mailto", "tel"},
)
