"""A saved page without what says nothing: scripts, styles, comments, drawings, templates.

Nine tenths of a news page are these, and a drawing or a template anywhere makes
:func:`wirecopy.html.check` assume the worst of the whole page. What is taken out, is taken out
exactly as a browser that runs scripts would read it (HTML Standard §13.2.5), and never a word that
a reader sees: where that is not certain, the rest of the page stays as it is.
"""

import re
from typing import NamedTuple

from wirecopy.html import ATTRIBUTE, TOKEN

LARGEST_DATA = 2_000_000
"""Characters of structured data kept of one page."""

GAP = "<!---->"
"""Stands where something was: without it "&am<script></script>p;" would become an ampersand."""
SHADOW, SLOTTED = "shadow tree", "shadow tree with a slot"
"""Comments that stand where a template was that takes the place of its parent's content, all of it,
or that shows it in a place of its own."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RAW = _names("iframe noembed noframes noscript style")
_KEPT_RAW = _names("textarea title xmp")
_BEYOND = _names("frameset math plaintext")
_DRAWING = _names(
    "a animate animatemotion animatetransform circle clippath defs desc ellipse feblend"
    " fecolormatrix fecomposite feflood fegaussianblur femerge femergenode feoffset filter g image"
    " line lineargradient marker mask metadata path pattern polygon polyline radialgradient rect"
    " set stop style svg switch symbol text textpath title tspan use view"
)
_CHOICE = _names("hr optgroup option")
_SCRIPT = re.compile(r"<!--|-->|<(/?)script(?=[\t\n\f\r />])", re.I)
_ATTRIBUTES = re.compile(ATTRIBUTE)
_SHADOW = re.compile(r"""\bshadowroot(?:mode)?\s*=""", re.I)
_STYLE = re.compile(r"<style\b([^>]*)>(.*?)</style", re.I | re.S)
_SLOT = re.compile(r"<slot[\t\n\f\r />]", re.I)
_MEDIA = re.compile(r"""\bmedia\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.I)
_OTHER_TYPE = re.compile(r"""\btype\s*=\s*["']?\s*(?!text/css|["'\s])[\w/]""", re.I)
_DATA = re.compile(r"""\btype\s*=\s*["']?application/ld\+json""", re.I)


class Light(NamedTuple):
    """A page's *html* without weight, its structured *data*: the text of each JSON-LD; and its
    *styles*: of each style sheet the ``media`` it is for, and its text."""

    html: str
    data: tuple[str, ...]
    styles: tuple[tuple[str, str], ...] = ()


def lighten(html: str) -> Light:
    """*html* without what carries no words, and the JSON-LD and style sheets that were in it.

    Linear in *html*.
    """
    kept: list[str] = []
    data: list[str] = []
    styles: list[tuple[str, str]] = []
    room = LARGEST_DATA
    ends = _Ends(html)
    done = at = 0
    while (token := TOKEN.search(html, at)) is not None:
        start, at = token.span()
        name = (token["name"] or "").lower()
        if name in _BEYOND or (name and _unclear(html, token)):
            break
        if name in _KEPT_RAW and not token["end"]:
            at = ends.before(name, at)
            continue
        if name == "script" and not token["end"] and _DATA.search(token["rest"]):
            text = html[at : _script_end(html, at)[0]]
            if len(text) <= room:
                data.append(text)
                room -= len(text)
        if name == "style" and not token["end"] and not _OTHER_TYPE.search(token["rest"]):
            styles.append((_media(token["rest"]), html[at : ends.before(name, at)]))
        stop = _end(html, token, ends)
        if stop is None:
            continue
        if stop < 0:
            break
        if name == "svg":  # a style sheet in a drawing is one of the whole page
            styles += ((_media(rest), text) for rest, text in _STYLE.findall(html, start, stop))
        kept += html[done:start], _mark(name, token["rest"], html[start:stop])
        done = at = stop
    return Light("".join((*kept, html[done:])), tuple(data), tuple(styles))


def _media(rest: str) -> str:
    """What a style sheet is for, by the attributes *rest* of its tag; ``""`` for everything."""
    found = _MEDIA.search(rest)
    return next(filter(None, found.groups()), "") if found else ""


def _mark(name: str, rest: str, gone: str) -> str:
    if name != "template" or not _SHADOW.search(rest):
        return GAP
    return f"<!--{SLOTTED if _SLOT.search(gone) else SHADOW}-->"


def _end(html: str, token: re.Match[str], ends: "_Ends") -> int | None:
    """Where what *token* begins, and which says nothing, ends.

    None for a token that stays, -1 for what cannot be told apart from here on.
    """
    name = (token["name"] or "").lower()
    at = token.end()
    found: int | None = None
    if not name:
        found = at if html.startswith("<!--", token.start()) else None
    elif token["end"]:
        pass
    elif name == "script":
        found = _script_end(html, at)[1]
    elif name in _RAW:
        found = ends.after(name, at)
    elif name == "template":
        found = _template_end(html, at, ends)
    elif name == "select":
        found = _simple_end(html, at, name, _CHOICE)
    elif name == "svg":
        found = at if token["rest"].endswith("/") else _simple_end(html, at, name, _DRAWING)
    return found


class _Ends:
    """Where raw text ends. Remembers what never does, so that looking again costs nothing."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._never: set[str] = set()

    def find(self, name: str, at: int) -> re.Match[str] | None:
        if name in self._never:
            return None
        found = re.compile(rf"</{name}(?=[\t\n\f\r />])[^>]*>?", re.I).search(self._html, at)
        if found is None:
            self._never.add(name)
        return found

    def before(self, name: str, at: int) -> int:
        found = self.find(name, at)
        return found.start() if found else len(self._html)

    def after(self, name: str, at: int) -> int:
        found = self.find(name, at)
        return found.end() if found else len(self._html)


def _script_end(html: str, at: int) -> tuple[int, int]:
    """Where a script's text ends and where its end tag does (§13.2.5.15 to 31)."""
    escaped = double = False
    while found := _SCRIPT.search(html, at):
        at = found.end()
        if found[0] == "<!--":
            if not escaped:
                escaped = True
                at -= 2  # "<!-->" opens and shuts
        elif found[0] == "-->":
            escaped = double = False
        elif found[1]:
            if not double:
                end = html.find(">", at)
                return found.start(), end + 1 if end >= 0 else len(html)
            double = False
        elif escaped:
            double = True
    return len(html), len(html)


def _template_end(html: str, at: int, ends: _Ends) -> int:
    """Where a template ends, -1 where that is not plain to see."""
    depth = 1
    while token := TOKEN.search(html, at):
        at = token.end()
        name = (token["name"] or "").lower()
        if name and _unclear(html, token):
            return -1
        if name == "template":
            depth += -1 if token["end"] else 1
            if not depth:
                return at
        elif name in _BEYOND:
            return -1
        elif name in _KEPT_RAW and not token["end"]:
            at = ends.after(name, at)
        elif (end := _end(html, token, ends)) is not None:
            if end < 0:
                return -1
            at = end
    return -1


def _simple_end(html: str, at: int, outer: str, inside: frozenset[str]) -> int:
    """Where *outer* ends if nothing but *inside* and text is in it, else -1."""
    depth = 1
    within = ""
    while (token := TOKEN.search(html, at)) and not _unclear(html, token):
        at = token.end()
        name = (token["name"] or "").lower()
        opens = not token["end"] and not token["rest"].endswith("/") if name else False
        if within:  # inside these a drawing is HTML again (§13.2.6.5), with raw text and all
            if name != within or not token["end"]:
                break
            within = ""
        elif name == outer:
            if opens and outer == "select":
                break
            depth += opens - bool(token["end"])
            if not depth:
                return at
        elif name in ("title", "desc") and name in inside:
            within = name if opens else ""
        elif name and name not in inside:
            break
    return -1


def _unclear(html: str, token: re.Match[str]) -> bool:
    """Whether *token* has no end, or is one whose meaning depends on where it stands."""
    if token["name"] is None:  # a CDATA section, for one
        return not html.startswith("<!--", token.start())
    if token["shut"] == "":
        return True
    rest = token["rest"]
    # A quote that never ends: no name of an attribute begins with "=" otherwise, or none that is
    # worth the trouble.
    return "=" in rest and any(one.startswith("=") for one in _ATTRIBUTES.findall(rest))
