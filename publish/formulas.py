"""Formulas of MathML in characters of HTML, which every reader shows.

Without their elements a fraction is another number, and so is a power: ``5½`` would be 512, ``10⁶``
106. Powers and indices keep their place; other signs that a formula draws are written.
"""

import re
from html import escape

from selectolax.lexbor import LexborNode

from wirecopy.encoding import names
from wirecopy.html import body

DEEPEST = 60
"""Levels of a formula that are read; of what is nested deeper the words stay."""

_MATH = re.compile(
    r"""<(/?)((?:[\w.-]{1,64}:)?)math(?=[\s/>])(?>[^<>"']+|"[^"<]*"|'[^'<]*')*+>""",
    re.IGNORECASE | re.ASCII,
)
_HIDDEN = re.compile(
    r"""(?:\s|</[a-z][\w-]*>)*<([a-z][\w-]*)\s[^<>]*\baria-hidden\s*=\s*["']?true\b[^<>]*>""",
    re.IGNORECASE,
)
# Around a fraction, where no figure may follow another; neither stands in a text of XML.
_OPEN, _SHUT = "\ufffe", "\uffff"
_BEFORE = re.compile(rf"(?<=[0-9])((?:<[^<>]*>|{_SHUT})*){_OPEN}")
_BEHIND = re.compile(rf"{_SHUT}((?:<[^<>]*>|{_SHUT})*)(?=[0-9])")
_MARKS = re.compile(f"[{_OPEN}{_SHUT}]")
_LONGEST = 20_000  # characters within which a second drawing of a formula ends
_RAISED = re.compile(r"<su([bp])>[^<>]*</su\1>")
_SIMPLE = re.compile(r".|[\w.,%√]*|\([^()]*\)")
_SPACE = re.compile(r"[ \t\r\n]+")

_TOKENS = names("mi mn mo ms mtext")
_UNSEEN = names("annotation annotation-xml mphantom")
_SCRIPTS = {
    **dict.fromkeys(("msup", "mover"), ("sup",)),
    **dict.fromkeys(("msub", "munder"), ("sub",)),
    **dict.fromkeys(("msubsup", "munderover"), ("sub", "sup")),
}
_BETWEEN = {"mtable": "; ", "mtr": " ", "mlabeledtr": " ", "mmultiscripts": " "}


def written(html: str) -> str:
    """*html*, in which no U+FFFF stands, with its formulas in characters. What stands right behind
    one and is hidden from screen readers draws it once more, and goes. Linear in its length."""
    pieces: list[str] = []
    at, start = 0, -1
    for tag in _MATH.finditer(html):
        if tag.start() < at or tag[0].endswith("/>"):
            continue
        if not tag[1]:
            start = tag.start() if start < 0 else start
        elif start >= 0:
            formula = html[start : tag.end()].replace(f"<{tag[2]}", "<")
            formula = formula.replace(f"</{tag[2]}", "</")
            pieces += [html[at:start], _formula(formula)]
            at, start = tag.end(), -1
            if (hidden := _HIDDEN.match(html, at)) is not None:
                pieces.append(html[at : hidden.start(1) - 1])
                at = _end(html, hidden)
    pieces.append(html[at:])
    return _MARKS.sub("", _BEHIND.sub(r"\1 ", _BEFORE.sub(r"\1 ", "".join(pieces))))


def _end(html: str, start: re.Match[str]) -> int:
    """Where the element ends that begins with the tag at the end of *start*."""
    depth = 1
    tags = re.compile(rf"<(/?){re.escape(start[1])}(?=[\s/>])[^<>]*>", re.IGNORECASE)
    for tag in tags.finditer(html, start.end(), start.end() + _LONGEST):
        depth += -1 if tag[1] else 1
        if not depth:
            return tag.end()
    return start.end()


def _formula(markup: str) -> str:
    found = body(markup).css_first("math")
    if found is None or "hidden" in found.attributes:
        return ""
    style = found.attributes.get("style")
    said = _said(found, 0)
    return f'<span style="{escape(style)}">{said}</span>' if style else said


def _said(node: LexborNode, depth: int) -> str:
    name = node.tag or ""
    if name in _UNSEEN:
        return ""
    parts = [*node.iter()]
    if name in _TOKENS or not parts or depth > DEEPEST:
        said = escape(_SPACE.sub(" ", node.text()).strip(" "), quote=False)
        return said or (" " if name == "mspace" else "")
    return _drawn(node, [_said(part, depth + 1) for part in parts])


def _drawn(node: LexborNode, said: list[str]) -> str:
    """The element *node*, of whose parts this is *said*."""
    name, stated = node.tag or "", node.attributes
    first, *rest = said
    found = _BETWEEN.get(name, "").join(said)
    if name == "mfrac" and rest:
        if (stated.get("linethickness") or "1").startswith("0"):
            found = f"{first} {rest[0]}"  # a binomial coefficient
        else:
            found = f"{_OPEN}{_whole(first)}/{_whole(rest[0])}{_SHUT}"
    elif name in _SCRIPTS:
        scripts = zip(_SCRIPTS[name], rest, strict=False)
        found = _whole(first) + "".join(f"<{where}>{it}</{where}>" for where, it in scripts)
    elif name == "msqrt":
        found = f"√{_whole(found)}"
    elif name == "mroot" and rest:
        found = f"<sup>{rest[0]}</sup>√{_whole(first)}"
    elif name == "mfenced":
        before, behind = stated.get("open", "("), stated.get("close", ")")
        found = f"{escape(before or '')}{', '.join(said)}{escape(behind or '')}"
    return found


def _whole(said: str) -> str:
    """*said* as one term: in brackets, where it is several."""
    bare = _MARKS.sub("", said)
    return bare if _SIMPLE.fullmatch(_RAISED.sub("", bare)) else f"({bare})"
