"""Plain text or HTML? RSS does not say (RSS 2.0 leaves it open); these are our stated rules.

*Titles* are plain text. A title is HTML only when every ``<`` in it begins a complete tag of a
known HTML element and those tags balance; so "5 < 6" and "How to use <b>" stay as they are.
In a plain title a complete character reference is resolved once: feeds escape titles twice so
often ("Q&amp;amp;A", or CDATA around "Q&amp;A") that the reference itself is never what is meant.

*Bodies* are HTML when they hold a complete tag of a known HTML element, a comment or a complete
character reference; else plain text.
"""

import html
import re
from html.entities import html5


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ELEMENTS = _names(
    """a abbr acronym address applet area article aside audio b base basefont bdi bdo big
    blockquote body br button canvas caption center cite code col colgroup data datalist dd del
    details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer form frame
    frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend
    li link main map mark menu meta meter nav noframes noscript object ol optgroup option output p
    param picture pre progress q rp rt ruby s samp script section select slot small source span
    strike strong style sub summary sup table tbody td template textarea tfoot th thead time title
    tr track tt u ul var video wbr svg math"""
)
VOID = _names("area base br col embed hr img input link meta param source track wbr")
_TAG = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9]*)((?>[^<>"']+|"[^"<]*"|'[^'<]*')*+)>""")
_WORDLESS = re.compile(r"(?>\s+|<[^<>]*>|&nbsp;|&#160;|&#xa0;)*+", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,6}|([A-Za-z][A-Za-z0-9]{1,31}));")


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


def is_markup_title(text: str) -> bool:
    """Whether *text*, a title of undeclared type, is HTML (see the module's rules)."""
    if "<" not in text or len(text) > 10_000:
        return False
    depth: dict[str, int] = {}
    count = 0
    for match in _TAG.finditer(text):
        name = match[2].lower()
        if name not in ELEMENTS:
            return False
        count += 1
        if name not in VOID and not match[3].endswith("/"):
            depth[name] = depth.get(name, 0) + (-1 if match[1] else 1)
    return bool(count) and count == text.count("<") and not any(depth.values())


def resolve_references(text: str) -> str:
    """*text* with each complete HTML character reference resolved, once.

    References without their semicolon stay: "AT&T" and "R&D" are words.
    """
    if "&" not in text:
        return text
    return _REFERENCE.sub(lambda m: html.unescape(m[0]) if _meant(m) else m[0], text)


def _meant(match: re.Match[str]) -> bool:
    return match[1] is None or f"{match[1]};" in html5
