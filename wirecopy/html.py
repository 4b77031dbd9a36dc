"""A body's HTML as the tree a browser builds; markup built to burst a parser is refused.

The HTML Standard's tree construction is not linear. Unclosed formatting elements are opened again
in every block that follows (§13.2.4.3), most start and end tags look down the whole stack of open
elements (§13.2.4.2), and every attribute is compared with those before it (§13.2.5.33). So 27 KB
can become 4 million elements (1.6 GB measured in Lexbor, 2.5 GB in html5ever) and 100 KB of
``<div>`` take seconds. :func:`check` estimates that cost in one linear scan.
"""

import re
from collections.abc import Set as AbstractSet

from selectolax.lexbor import LexborHTMLParser, LexborNode

from .encoding import names
from .errors import ParseError

MOST_STEPS = 20_000_000
"""Steps through stacks and attribute lists; about 10 ns each in Lexbor."""
MOST_CLONES = 400_000
"""Formatting elements opened again; about 400 bytes each."""

_SMALL_TAGS = 400
_SMALL_LENGTH = 20_000
# Below both, the worst that can be built costs about a tenth of a second: not worth a scan.

_FORMATTING = names("a b big code em font i nobr s small strike strong tt u")
_RAW = names("iframe noembed noframes script style textarea title xmp")
_VOID = names(
    "area base basefont bgsound br col embed frame hr img image input keygen link meta param"
    " source track wbr"
)
_CLOSES = {
    "p": {"p"},
    "li": {"li"},
    "dd": {"dd", "dt"},
    "dt": {"dd", "dt"},
    "td": {"td", "th"},
    "th": {"td", "th"},
    "tr": {"tr"},
}
_THROUGH = _FORMATTING | {"p"}
_THROUGH_CELLS = _THROUGH | {"td", "th"}

_ATTRIBUTE = (
    r"[^\t\n\f\r />][^\t\n\f\r />=]*+"
    r"(?>[\t\n\f\r ]*+=[\t\n\f\r ]*+"
    r"(?:\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r >\"'][^\t\n\f\r >]*+|(?=>)))?"
)
TOKEN = re.compile(
    r"<!--(?:-?>|(?s:.*?)(?:--!?>|\Z))"
    r"|<[!?][^>]*+>?"
    r"|</[^A-Za-z>][^>]*+>?"
    r"|<(?P<end>/?)(?P<name>[A-Za-z][^\t\n\f\r />]*+)"
    rf"(?P<rest>(?>[\t\n\f\r /]++|{_ATTRIBUTE})*+)(?P<shut>>?)"
)
"""Comments, bogus comments and tags exactly as §13.2.5 reads them (outside raw text)."""
_RAW_END = {name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.I) for name in _RAW}
_DOUBT = re.compile(r"<(?:svg|math|select|template|frameset|plaintext|!\[CDATA\[)", re.I)
"""Inside these, tags are read by other rules, so no end tag is certain to close anything."""
_NOSCRIPT_END = re.compile(r"</noscript(?=[\t\n\f\r />])", re.I)
_START = re.compile(r"<([A-Za-z][^\t\n\f\r />]*+)")
_UNSHUT = re.compile(r"<[A-Za-z][^>]*+")


class TangleError(ParseError):
    """Markup whose tree would grow out of all proportion to its text."""

    clause = "is markup that would hang a browser"
    """The same as a clause, for the reasons that a verifier gives."""

    def __init__(self, what: str, size: int) -> None:
        super().__init__(
            "tangled",
            f"body of {size} characters: {what}; refused, since browsers and cleaners would hang"
            " on it too: ask the agency for well-formed markup",
        )


def body(html: str) -> LexborNode:
    """The ``body`` of the document that a browser builds from *html* (scripting off, no quirks).

    It is what ``new DOMParser().parseFromString("<!DOCTYPE html><body>" + html, "text/html").body``
    gives (HTML Standard §13.2.6). *html* must hold no lone surrogate.

    :raises TangleError: as :func:`check` does.
    """
    check(html)
    return build(html)


def build(html: str) -> LexborNode:
    """As :func:`body`, of *html* that :func:`check` has let through."""
    found = LexborHTMLParser(f"<!DOCTYPE html><body>{html}").body
    if found is None:  # pragma: no cover
        raise TangleError("no body element was built", len(html))
    return found


def check(html: str) -> None:
    """Refuse markup that would cost a tree builder far more than its length is worth.

    Sound, not exact: it keeps a stack that always holds the real one, since an end tag counts only
    when its element is on top. So nothing dangerous passes; the only bodies refused without need
    are long ones with hundreds of misnested formatting tags. Linear in *html*.

    :raises TangleError: naming the bound that would be exceeded.
    """
    if len(html) <= _SMALL_LENGTH and html.count("<") <= _SMALL_TAGS:
        return
    steps, clones = _blind_cost(html) if _DOUBT.search(html) else _close_cost(html)
    if steps > MOST_STEPS:
        raise TangleError("elements nested too deep, or too many attributes in one tag", len(html))
    if clones > MOST_CLONES:
        raise TangleError("too many formatting tags left open", len(html))


def _blind_cost(html: str) -> tuple[int, int]:
    """Steps and clones if nothing were ever closed."""
    tags = _START.findall(html)
    formatting = sum(name.lower() in _FORMATTING for name in tags)
    bare = max((len(tag.split()) for tag in _UNSHUT.findall(html)), default=0)
    attributes = html.count("=") + bare
    return (len(tags) ** 2 + attributes**2) // 2, len(tags) * formatting // 4


def _close_cost(html: str) -> tuple[int, int]:
    """Upper bounds of steps and clones, with a stack and a list as the Standard keeps them."""
    builder = _Builder()
    at = noscript = 0
    while builder.steps <= MOST_STEPS and builder.clones <= MOST_CLONES:
        token = TOKEN.search(html, at)
        if token is None or token["shut"] == "":
            break
        at = token.end()
        if token.start() < noscript < at:
            return _blind_cost(html)
        if token["name"] is None:
            continue
        name = token["name"].lower()
        if token["end"]:
            # Markup to a parser without scripts, raw text to one with: what is closed in there
            # may not be, and what is opened in there may be.
            builder.end(name if at > noscript else "")
            continue
        builder.start(name, token["rest"])
        if name == "noscript" and at > noscript:
            ended = _NOSCRIPT_END.search(html, at)
            noscript = ended.start() if ended else len(html)
        if name in _RAW:
            shut = _RAW_END[name].search(html, at)
            if shut is None:
                break
            if name == "script" and "<!--" in html[at : shut.start()]:
                return _blind_cost(html)  # a script may then go on past its end tag
            if at <= noscript < shut.start():
                return _blind_cost(html)
            at = shut.start()
    return builder.steps, builder.clones


class _Builder:
    """The stack of open elements and the list of active formatting elements, or larger ones."""

    def __init__(self) -> None:
        self.steps = 0
        self.clones = 0
        self._stack: list[tuple[str, str | None]] = []
        self._active = 0
        self._alike: dict[str, int] = {}
        self._adrift: set[str] = set()  # formatting elements still open when their block was closed

    def start(self, name: str, rest: str) -> None:
        self._count()
        if len(rest) > 300:
            self.steps += len(re.findall(_ATTRIBUTE, rest)) ** 2 // 2
        if name in _CLOSES:
            self._close(_CLOSES[name], _THROUGH_CELLS if name == "tr" else _THROUGH)
        if name in _VOID:
            return
        key = None
        if name in _FORMATTING:
            key = name if name == "a" else name + rest
            self._alike[key] = self._alike.get(key, 0) + 1
            self._active += self._alike[key] <= _most_alike(name)
        self._stack.append((name, key))

    def end(self, name: str) -> None:
        self._count()
        if not self._stack or self._stack[-1][0] != name:
            return
        _, key = self._stack.pop()
        if key is not None and name not in self._adrift:
            self._active -= self._alike[key] <= _most_alike(name)
            self._alike[key] -= 1

    def _count(self) -> None:
        self.clones += self._active
        self.steps += len(self._stack) + self._active

    def _close(self, those: AbstractSet[str], through: AbstractSet[str]) -> None:
        """Close the nearest of *those*, if nothing but *through* stands above it."""
        for deep in range(len(self._stack) - 1, -1, -1):
            name = self._stack[deep][0]
            if name in those:
                self._adrift.update(gone for gone, _ in self._stack[deep:])
                del self._stack[deep:]
                return
            if name not in through:
                return


def _most_alike(name: str) -> int:
    """How many elements alike are opened again at most (§13.2.4.3, the "Noah's Ark clause")."""
    return 1 if name == "a" else 3
