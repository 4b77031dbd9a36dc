"""Which ``img`` is a tracking pixel, and which ``style`` is harmless: both by attributes alone.

``docs/text-projection.md`` §3 and ``docs/statement.md`` §7.
"""

import re
from collections.abc import Iterator, Mapping

from .encoding import SPACE, names

Attributes = Mapping[str, str | None]

_SLIGHT = names(
    "border border-style border-width display float visibility opacity overflow position top"
    " right bottom left margin padding vertical-align width height max-width max-height"
)
_TINY = ("0", "1", "0px", "1px")
_FRAMES = ("border", "border-style", "border-width", "margin", "padding")
_NO_FRAME = ("0", "0px", "none")

_WORDED = names("text-align vertical-align float clear font-weight font-style")
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*|[0-9]{3}")
_SPACED = re.compile(r"(?:margin|padding|border)(?:-[a-z-]+)?")
# No percent, exponent or minus: nothing that moves words off a page.
_SPACE = re.compile(
    r"[a-z]+(?:-[a-z]+)*|#[0-9a-f]{3,8}|[0-9]{1,2}(?:\.[0-9]{1,3})?(?:px|pt)?"
    r"|[0-9](?:\.[0-9]{1,3})?(?:em|rem)"
)
_SIZED = ("width", "height", "max-width", "max-height")
_SIZE = re.compile(
    r"auto|none|[1-9][0-9]{1,3}(?:\.[0-9]{1,3})?(?:px)?|(?:100|[1-9][0-9](?:\.[0-9]{1,3})?)%"
)
_PICTURED = {"display": ("block", "inline", "inline-block"), "object-fit": ("contain", "cover")}


def is_pixel(attributes: Attributes) -> bool:
    """Whether an ``img`` of these attributes is a tracking pixel: shown to nobody, in no words.

    It has no ``alt`` text, and is at most one pixel wide or high, or hidden. A ``style`` with a
    property that might enlarge it again, or with one property twice, makes it a picture.
    """
    if (attributes.get("alt") or "").strip(SPACE):
        return False
    style: dict[str, str] = {}
    for name, value in _declarations(attributes):
        if name in style or name not in _SLIGHT:
            return False
        style[name] = value
    if _is_hidden(style, attributes):
        return True
    sizes = (
        style.get(s, (attributes.get(s) or "").strip(SPACE).lower()) for s in ("width", "height")
    )
    return any(size in _TINY for size in sizes)


def has_frame(attributes: Attributes) -> bool:
    """Whether a tracking pixel could paint over words: one with a frame, and not hidden."""
    style = dict(_declarations(attributes))
    if _is_hidden(style, attributes):
        return False
    framed = [style.get(name, "") for name in _FRAMES]
    framed += [(attributes.get(name) or "").strip(SPACE) for name in ("border", "hspace", "vspace")]
    return any(token not in _NO_FRAME for value in framed for token in value.split(" ") if token)


def is_harmless(tag: str, attributes: Attributes) -> bool:
    """Whether the ``style`` of an element is mere layout, and can neither hide nor show words."""
    return all(
        _is_layout(name, value, picture=tag == "img") for name, value in _declarations(attributes)
    )


def _is_layout(name: str, value: str, *, picture: bool) -> bool:
    if name in _WORDED:
        return _WORD.fullmatch(value) is not None
    if _SPACED.fullmatch(name):
        return all(_SPACE.fullmatch(token) for token in value.split(" ") if token)
    if name == "max-width" or (picture and name in _SIZED):
        return _SIZE.fullmatch(value) is not None
    return picture and value in _PICTURED.get(name, ())


def _is_hidden(style: Mapping[str, str], attributes: Attributes) -> bool:
    if style.get("display") == "none" or style.get("visibility") == "hidden":
        return True
    return "hidden" in attributes and "display" not in style


def _declarations(attributes: Attributes) -> Iterator[tuple[str, str]]:
    for declaration in (attributes.get("style") or "").lower().split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip(SPACE), value.replace("!important", "").strip(SPACE)
        if name or value:
            yield name, value
